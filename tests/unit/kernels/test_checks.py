# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest's answers show, of guests that exist in memory only."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._advice._rules import RULES

from tests.kernels.boot import Answer
from tests.kernels.checks import CHECKS, OLD_KERNELS_ONLY, Outcome, Seen, outcomes_of
from tests.unit.simulated import NONCE, Host, a_host

WHOLE = {"whole": "1", "fin_wait_2": "2", "inbound": "3 1", "outbound": "4 1 0", "undetermined": "0 0"}
FREE = {"same_address": 0.0, "other_address": 0.0, "rises": {"ListenDrops": 0, "ListenOverflows": 0}}
REFUSED, CONNECTED = {"error": "EADDRNOTAVAIL", "taken_over": 0}, {"error": None, "taken_over": 1}
Answers = dict[str, Answer]


def told(words: object) -> Answer:
    return Answer(0, json.dumps(words).encode())


def counted(host: Host, method: str, **changes: str) -> Host:
    other = host.copy()
    lines = "".join(f"{word} {numbers}\n" for word, numbers in {**WHOLE, **changes}.items())
    other.more.append((f"census {method}", f"{lines}offset {changes.get('offset', 'none')}\nend\n", 0))
    return other


def changed(host: Host, counters: Mapping[str, int] | None = None, **knobs: int) -> Host:
    other = host.copy()
    other.knobs |= {name: f"{value}\n" for name, value in knobs.items()}
    other.counters |= counters or {}
    return other


def answers_of(host: Host, offset: str, two: Mapping[str, Any], child: Host) -> Answers:
    """Of a guest that has come to its end."""
    hosts = {
        "before": host,
        "facts": counted(host, "sock_diag", offset=offset),
        "census_sock_diag": counted(host, "sock_diag", offset=offset),
        "census_ss": counted(host, "ss"),
        "census_proc": counted(host, "proc little"),
        "child": child,
        "reuse_two": changed(host, tcp_tw_reuse=2),
        "reuse_one": changed(host, tcp_tw_reuse=1),
    }
    words = {
        "offset": {"offset": offset},
        "clock": {"seconds": 0.01, "rejected": 1},
        "shared_address": FREE,
        "reuse": {"0": REFUSED, "1": CONNECTED, "2": two},
    }
    return {
        **{name: Answer(0, one.answer()) for name, one in hosts.items()},
        **{name: told(one) for name, one in words.items()},
        "sockets": Answer(0, b""),
        "reuse_remedy": Answer(0, b""),
    }


def old() -> Answers:
    """A kernel with tcp_tw_recycle."""
    host = a_host("Debian 9")
    child = changed(host)
    child.initial_namespace = False
    for name in ("tcp_tw_recycle", "tcp_tw_reuse"):
        del child.knobs[name]
    dropped = {"PAWSPassive": 3}
    return {
        **answers_of(host, "none", CONNECTED, child),
        "shared_address_recycle": told({**FREE, "same_address": None, "rises": dropped}),
        "recycle": Answer(0, changed(host, dropped, tcp_tw_recycle=1).answer()),
        "recycle_remedy": Answer(0, b""),
        "shared_address_remedied": told({**FREE, "rises": {"PAWSPassive": 0}}),
        "remedied": Answer(0, changed(host, dropped).answer()),
    }


def new() -> Answers:
    host = a_host("Debian 10")
    child = changed(host)
    child.initial_namespace = False
    return answers_of(host, "per_host", REFUSED, child)


def outcomes(answers: Answers) -> dict[str, Outcome]:
    return {outcome.check: outcome for outcome in outcomes_of(Seen(answers, NONCE))}


def test_an_old_kernel_shows_everything() -> None:
    found = outcomes(old())
    assert {name: outcome.kind for name, outcome in found.items()} == dict.fromkeys(CHECKS, "shown"), found
    assert "3 SYNs" in found["recycle_enabled"].text
    assert "refused there after 3 drops" in found["refusal"].text


def test_a_newer_kernel_says_what_it_cannot_show_and_why() -> None:
    found = outcomes(new())
    assert str(found["recycle_enabled"]) == (
        "not on this kernel: recycle_enabled (no tcp_tw_recycle: removed in Linux 4.12)"
    )
    not_here = {*OLD_KERNELS_ONLY, "child_namespace"}
    assert {name for name, outcome in found.items() if outcome.kind == "not on this kernel"} == not_here
    assert {name for name, outcome in found.items() if outcome.kind == "shown"} == set(CHECKS) - not_here


def test_without_the_module_for_it_only_proc_is_counted() -> None:
    bare = Answer(0, a_host("Debian 10").answer())
    found = outcomes({**new(), "census_sock_diag": bare, "census_ss": bare})
    assert found["census"].kind == found["timestamps"].kind == "shown"
    assert "not by sock_diag and ss" in found["census"].text


def trial(**changes: object) -> Callable[[Answer], Answer]:
    return lambda answer: told({**json.loads(answer.content), **changes})


def replaced(host: Host) -> Callable[[Answer], Answer]:
    return lambda _answer: Answer(0, host.answer())


def failed(answer: Answer) -> Answer:
    return Answer(1, answer.content)


OLD = a_host("Debian 9")
WITHOUT = Host(release="4.9.1", columns=OLD.columns, knobs=a_host("Debian 10").knobs)


@pytest.mark.parametrize(
    ("check", "step", "change", "words"),
    [
        ("facts", "facts", replaced(Host(release="4.9.1", initial_namespace=False)), "initial one"),
        ("facts", "facts", failed, "exit status 1"),
        ("census", "census_ss", replaced(counted(OLD, "ss", outbound="5 1 0")), "ss counted (2, 3, 5, 0)"),
        ("census", "census_proc", replaced(OLD), "nobody counted"),
        ("census", "sockets", failed, "not made"),
        ("timestamps", "offset", trial(offset="unknown"), "itself"),
        ("timestamps", "census_sock_diag", replaced(counted(OLD, "sock_diag", offset="per_host")), "itself"),
        ("clock", "clock", trial(rejected=0), "PAWS did not notice"),
        ("clock", "shared_address", trial(same_address=3.1), "without recycle"),
        ("recycle_enabled", "before", replaced(WITHOUT), "should have it"),
        ("recycle_enabled", "before", replaced(changed(OLD, tcp_tw_recycle=1)), "just started"),
        ("recycle_enabled", "shared_address_recycle", trial(same_address=3.0), "answered all the same"),
        ("recycle_enabled", "shared_address_recycle", trial(other_address=None), "address of its own"),
        ("recycle_enabled", "shared_address_recycle", trial(rises={"PAWSPassive": 0}), "did not rise"),
        ("recycle_enabled", "recycle", replaced(changed(OLD, {"PAWSPassive": 2}, tcp_tw_recycle=1)), "and not '3"),
        ("recycle_enabled", "recycle", replaced(OLD), "was not found"),
        ("recycle_enabled", "recycle_remedy", failed, "failed"),
        ("recycle_enabled", "shared_address_remedied", trial(same_address=None), "off again"),
        ("recycle_enabled", "shared_address_remedied", trial(rises={"PAWSPassive": 1}), "were dropped"),
        ("recycle_enabled", "remedied", replaced(changed(OLD, tcp_tw_recycle=-1)), "found after its remedy"),
        ("reuse_two_is_global", "reuse", trial(**{"0": CONNECTED}), "reuse 0"),
        ("reuse_two_is_global", "reuse", trial(**{"1": REFUSED}), "reuse 1"),
        ("reuse_two_is_global", "reuse", trial(**{"2": REFUSED}), "is found, and reuse 2 did this"),
        ("reuse_two_is_global", "reuse_two", replaced(OLD), "could not be set"),
        ("reuse_two_is_global", "reuse_one", replaced(changed(OLD, tcp_tw_reuse=2)), "after its remedy"),
        ("refusal", "before", replaced(changed(OLD, {"PAWSPassive": 1})), "is refused on a private host"),
        ("refusal", "remedied", replaced(OLD), "no refusal says"),
        ("child_namespace", "child", replaced(OLD), "taken for the initial one"),
        ("child_namespace", "child", replaced(Host(release="4.9.1", initial_namespace=False, knobs=OLD.knobs)), "4.11"),
    ],
)
def test_what_is_not_as_it_should_be_is_wrong(
    check: str, step: str, change: Callable[[Answer], Answer], words: str
) -> None:
    answers = old()
    assert outcomes({**answers, step: change(answers[step])})[check].kind == "WRONG"
    assert words in outcomes({**answers, step: change(answers[step])})[check].text


def test_reuse_that_is_global_without_a_finding_is_wrong() -> None:
    answers = new()
    found = outcomes({**answers, "reuse": trial(**{"2": CONNECTED})(answers["reuse"])})["reuse_two_is_global"]
    assert found.kind == "WRONG"
    assert "is not found" in found.text


@pytest.mark.parametrize("step", list(old()))
def test_a_step_that_is_missing_is_wrong_and_named(step: str) -> None:
    answers = old()
    del answers[step]
    wrong = [outcome.text for outcome in outcomes(answers).values() if outcome.kind == "WRONG"]
    assert any(step in text for text in wrong)


def test_without_network_namespaces_no_container_is_looked_into() -> None:
    answers = old()
    assert outcomes({**answers, "child": failed(answers["child"])})["child_namespace"].kind == "not on this kernel"


def test_the_findings_of_old_kernels_are_findings_and_checks() -> None:
    assert set(OLD_KERNELS_ONLY) <= {rule.__name__ for rule in RULES} & set(CHECKS)
