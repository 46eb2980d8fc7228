# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""tcp_tw_recycle is refused wherever it could drop connections, whichever way it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import scenario
from scenario import Run

ACTION = "linux_tcp.tuning.timewait_settings"

#: The ways to ask. Check mode comes first: on the control host the real runs change something.
DOORS: dict[str, Callable[[], Run]] = {
    "check_mode": lambda: scenario.playbook("by_module.yml", "--check", "--diff"),
    "role": lambda: scenario.playbook("by_role.yml"),
    "module": lambda: scenario.playbook("by_module.yml"),
    "ad_hoc": lambda: scenario.ad_hoc("all", ACTION, {"tcp_tw_recycle": "{{ asked }}"}),
}

CONTAINERS = ("untagged", "global_ipv4", "global_ipv6", "nat_in_use", "dropped_connections", "kernel_4_10", "no_knob")

#: Host, and the one piece of evidence that the refusal names.
REFUSED = {
    "untagged": "no tag",
    "public_by_group": "group public_facing",
    "public_by_hyphenated_group": "group public-facing",
    "public_by_group_of_groups": "group public_facing",
    "public_by_named_group": "group edge",
    "public_by_variable": "public_facing",
    "public_by_hyphenated_word": "public_facing",
    "nat_by_group": "group behind_nat",
    "nat_by_hyphenated_group": "group behind-nat",
    "nat_by_named_group": "group carrier",
    "nat_by_variable": "behind_nat",
    "nat_by_comma_list": "behind_nat",
    "global_ipv4": "9.9.9.9",
    "global_ipv6": "2620:fe::fe",
    "nat_in_use": "nftables",
    "dropped_connections": "PAWSPassive",
    "kernel_4_10": "4.10.17",
    "no_knob": "no /proc/sys/net/ipv4/tcp_tw_recycle",
    "spelled_text": "no tag",
    "spelled_two": "no tag",
    "spelled_negative": "no tag",
    "spelled_spaces": "no tag",
}

#: Two reasons each: nothing may hide the second one.
TWO_REASONS = {
    "nat_by_comma_list": 2,
    # Whatever kernel runs these containers lacks the knob, hence is newer than 4.10.
    "no_knob": 2,
}

#: Host, and a word of the error: what is asked for is no request that could be judged.
ERRORS = {
    "private_and_public": "only one of them can be true",
    "private_in_a_public_group": "only one of them can be true",
    "unknown_word": "unknown exposure",
    "undefined_variable": "exposure_that_nobody_defined",
    "spelled_boolean": "tcp_tw_recycle",
    "spelled_yes": "tcp_tw_recycle",
    "spelled_hexadecimal": "tcp_tw_recycle",
    "spelled_octal": "tcp_tw_recycle",
    "spelled_plus": "tcp_tw_recycle",
    "spelled_full_width": "tcp_tw_recycle",
}


@dataclass(frozen=True)
class Attempt:
    """One way to ask, tried on all hosts, and every container as it was before and after."""

    door: str
    run: Run
    before: dict[str, dict[str, str]]
    after: dict[str, dict[str, str]]
    #: tcp_tw_recycle on the control host, after.
    control: list[int]

    def failure(self, host: str) -> dict[str, Any]:
        """The result of the task that failed on a host."""
        failures = [result for result in self.run.results[host].values() if result.get("failed")]
        assert len(failures) == 1, f"{host} did not fail: {self.run.results[host]}"
        return failures[0]


def fingerprints() -> dict[str, dict[str, str]]:
    return {container: scenario.fingerprint(scenario.host_of(container)) for container in CONTAINERS}


@pytest.fixture(scope="module", params=DOORS)
def attempt(request: pytest.FixtureRequest) -> Attempt:
    before = fingerprints()
    run = DOORS[request.param]()
    control = scenario.sysctl(scenario.host_of("attested_private"), "tcp_tw_recycle")
    return Attempt(request.param, run, before, fingerprints(), control)


def test_the_run_fails(attempt):
    assert attempt.run.rc == 2


def test_every_host_was_asked(attempt):
    assert set(attempt.run.stats) == {*REFUSED, *ERRORS, "attested_private"}


@pytest.mark.parametrize("host", REFUSED)
def test_the_host_is_refused_for_this_reason_and_no_other(attempt, host):
    refused = attempt.failure(host)["refused"]
    assert len(refused) == TWO_REASONS.get(host, 1), refused
    assert {refusal["key"] for refusal in refused} == {"net.ipv4.tcp_tw_recycle"}
    evidence = [word for refusal in refused for word in refusal["evidence"]]
    assert any(REFUSED[host] in word for word in evidence), evidence


@pytest.mark.parametrize("host", REFUSED)
def test_the_refusal_can_be_understood_by_whoever_reads_it(attempt, host):
    """Key, host, reason, evidence, where the value comes from, and what to do instead."""
    result = attempt.failure(host)
    for refusal in result["refused"]:
        assert refusal["reason"] in result["msg"]
        assert "tcp_tw_reuse" in refusal["remedy"]
        assert refusal["origin"]
    assert REFUSED[host] in result["msg"]
    assert host in result["msg"]


@pytest.mark.parametrize("host", ERRORS)
def test_a_request_that_cannot_be_judged_is_an_error(attempt, host):
    assert ERRORS[host] in attempt.failure(host)["msg"]


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_host_is_untouched(attempt, container):
    assert attempt.after[container] == attempt.before[container]


def test_the_comparison_would_notice_a_touch():
    """The test above can fail: a file that is written again with its own bytes is a difference, and so is a knob."""
    host = scenario.host_of("no_knob")
    before = scenario.fingerprint(host)
    host.check_output("sleep 1; cp /etc/passwd /tmp/copy; cat /tmp/copy >/etc/passwd")
    rewritten = scenario.fingerprint(host)
    assert rewritten["files"] != before["files"]
    host.check_output("echo 1 >/proc/sys/net/ipv4/tcp_rfc1337")
    assert scenario.fingerprint(host)["sysctls"] != before["sysctls"]


def test_a_private_host_with_an_old_kernel_may_have_it(attempt):
    """The control: the same container and the same request, but for the tag, is let through."""
    results = attempt.run.results["attested_private"].values()
    assert not any(result.get("failed") for result in results), results
    assert attempt.control == [0 if attempt.door == "check_mode" else 1]


def test_the_private_host_is_warned(attempt):
    warnings = [
        word for result in attempt.run.results["attested_private"].values() for word in result.get("warnings", [])
    ]
    assert any("CVE-2026-23247" in word and "tcp_tw_reuse" in word for word in warnings), warnings
