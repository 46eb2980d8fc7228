# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Severities, messages and remedies of findings."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._judge import Reach, is_on, judged
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._model import (
    CLOSE,
    OPEN,
    Assignment,
    Finding,
    Position,
    ReachedHost,
)
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._exposure import Claim, Exposure, exposure_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._policy import exposure_refusals

TASK = Position("roles/web/tasks/main.yml", 7)
PUBLIC = exposure_of([Claim("public_facing", "group edge")])
NAT = exposure_of([Claim("behind_nat", "group lan")])
PRIVATE = exposure_of([Claim("private", "group db")])
UNTAGGED = exposure_of([])


def assignment(value: str = "1", name: str = "tcp_tw_recycle", line: int = 7, **more: Any) -> Assignment:
    given = {"at": Position(TASK.path, line), "by": TASK, **more}
    return Assignment(name, value, **given)


def on(*exposures: Exposure) -> Reach:
    hosts = tuple(ReachedHost(f"host{number}", exposure) for number, exposure in enumerate(exposures))
    return lambda _assignment: hosts


def only(*assignments: Assignment, reach: Reach | None = None) -> Finding:
    (finding,) = judged(assignments, reach)
    return finding


@pytest.mark.parametrize(
    "value",
    [
        "1",
        "2",
        "-1",
        "01",
        "0x1",
        "+1",
        "1 0",
        " 1\n",
        "yes",
        "Yes",
        "true",
        "on",
        "y",
        "enabled",
        "'1'",
        '"1"',
        "1.0",
        "1;",
    ],
)
def test_every_value_that_a_kernel_or_its_author_takes_for_on_is_found(value: str) -> None:
    assert is_on(value)
    assert only(assignment(value)).rule == "timewait-recycle"


@pytest.mark.parametrize(
    "value", ["0", "00", "0x0", "-0", "+0", "0.0", "no", "off", "false", "", "'0'", "disabled", "none", "0;"]
)
def test_no_spelling_of_0_is_found(value: str) -> None:
    assert not is_on(value)
    assert judged([assignment(value)]) == []


def test_full_width_digits_are_digits_to_whoever_wrote_them() -> None:
    assert is_on("\uff11")
    assert not is_on("\uff10")


@pytest.mark.parametrize(
    ("exposures", "severity", "named"),
    [
        ((PUBLIC,), "error", "host0: this host is public-facing"),
        ((NAT,), "error", "tagged behind_nat by group lan"),
        ((UNTAGGED,), "error", "nobody has attested"),
        ((PRIVATE,), "warning", "1 host attested private"),
        ((PRIVATE, PRIVATE), "warning", "2 hosts attested private"),
        ((PRIVATE, PUBLIC), "error", "host1: this host is public-facing"),
        ((UNTAGGED, PRIVATE, NAT), "error", "host2 and 1 other host: this host is behind NAT"),
        ((), "error", "matches no host of this inventory"),
    ],
)
def test_severity_follows_the_hosts(exposures: tuple[Exposure, ...], severity: str, named: str) -> None:
    finding = only(assignment(plays=("web",)), reach=on(*exposures))
    assert finding.severity == severity
    assert named in finding.message
    assert [host.exposure for host in finding.hosts or ()] == list(exposures)


@pytest.mark.parametrize("exposure", [PUBLIC, NAT, UNTAGGED, PRIVATE])
def test_the_policy_decides(exposure: Exposure) -> None:
    refusals = exposure_refusals(1, exposure)
    finding = only(assignment(), reach=on(exposure))
    assert (finding.severity == "error") == bool(refusals)
    assert all(refusal.reason in finding.message for refusal in refusals)


def test_without_an_inventory_it_is_an_error_for_no_host_in_particular() -> None:
    finding = only(assignment())
    assert (finding.severity, finding.hosts) == ("error", None)
    assert "no inventory was given" in finding.message


def test_content_that_no_play_reaches_is_as_bad_as_any() -> None:
    assert only(assignment(), reach=on()).severity == "error"


def test_hosts_outside_the_limit_are_none_of_this_runs_business() -> None:
    finding = only(assignment(), reach=lambda _assignment: None)
    assert finding.severity == "info"
    assert "outside the limit" in finding.message


@pytest.mark.parametrize("reach", [None, on(PUBLIC), on(PRIVATE)])
def test_what_cannot_be_decided_is_a_warning_that_says_what_it_depends_on(reach: Reach | None) -> None:
    finding = only(assignment(f"{OPEN}recycle{CLOSE}", undecided=("recycle",)), reach=reach)
    assert finding.severity == "warning"
    assert finding.value == "{{ recycle }}"
    assert "depends on `recycle`, no default found" in finding.message


@pytest.mark.parametrize("name", ["last.rc", "ansible_memtotal_mb", "an_encrypted_value", "lookup('env')"])
def test_only_a_variable_lacks_a_default(name: str) -> None:
    assert only(assignment(f"{OPEN}{name}{CLOSE}", undecided=(name,))).message.endswith(f"it depends on `{name}`")


@pytest.mark.parametrize("more", [{}, {"undecided": ("x",)}])
def test_what_may_never_come_into_force_is_info_with_the_reason(more: dict[str, Any]) -> None:
    finding = only(assignment(lowered="no task deploys this file", **more), reach=on(PUBLIC))
    assert finding.severity == "info"
    assert "no task deploys this file" in finding.message


def test_an_undecided_value_of_another_knob_is_not_reported() -> None:
    assert judged([assignment("x", "tcp_tw_reuse", undecided=("x",))]) == []


def test_the_same_value_twice_is_one_finding_and_the_worse_one_stays() -> None:
    assert only(assignment(lowered="a condition"), assignment()).severity == "error"


def test_one_value_that_two_tasks_carry_is_two_findings() -> None:
    other = Position("site.yml", 3)
    assert [finding.reaches for finding in judged([assignment(), assignment(by=other)])] == [TASK, other]


def test_a_silenced_finding_is_marked_and_does_not_hide_one_that_is_not() -> None:
    silenced = assignment(skipped=("timewait-recycle",))
    assert only(silenced).skipped
    assert not only(silenced, assignment()).skipped
    assert not only(assignment(skipped=("timewait-fin-timeout",))).skipped


def test_findings_come_in_the_order_of_path_and_line() -> None:
    given = [assignment(line=9), assignment(line=2), assignment(at=Position("a.yml", 30))]
    assert [(finding.path, finding.line) for finding in judged(given)] == [
        ("a.yml", 30),
        (TASK.path, 2),
        (TASK.path, 9),
    ]


def test_reuse_without_timestamps_in_one_place_does_nothing() -> None:
    finding = only(assignment("1", "tcp_tw_reuse", line=3), assignment("0", "tcp_timestamps", line=4))
    assert (finding.rule, finding.severity, finding.line) == ("timewait-reuse-without-timestamps", "warning", 3)
    assert f"{TASK.path}:4" in finding.message
    assert "net.ipv4.tcp_timestamps = 1" in finding.remedy


ELSEWHERE = {"at": Position("other.conf", 1), "by": Position("other.yml", 1)}


@pytest.mark.parametrize(
    ("reuse", "timestamps", "found"),
    [
        (assignment("1", "tcp_tw_reuse"), [assignment("1", "tcp_timestamps")], False),
        (assignment("0", "tcp_tw_reuse"), [assignment("0", "tcp_timestamps")], False),
        (assignment("1", "tcp_tw_reuse"), [assignment("0", "tcp_timestamps", lowered="never")], False),
        (assignment("1", "tcp_tw_reuse"), [assignment("0", "tcp_timestamps", undecided=("x",))], False),
        (assignment("1", "tcp_tw_reuse"), [assignment("0", "tcp_timestamps", **ELSEWHERE)], False),
        (
            assignment("1", "tcp_tw_reuse", plays=("web", "db")),
            [assignment("0", "tcp_timestamps", **ELSEWHERE, plays=("db",))],
            True,
        ),
        (
            assignment("1", "tcp_tw_reuse", plays=("web",)),
            [assignment("0", "tcp_timestamps", **ELSEWHERE, plays=("db",))],
            False,
        ),
        (
            assignment("1", "tcp_tw_reuse", plays=("db",)),
            [
                assignment("0", "tcp_timestamps", **ELSEWHERE, plays=("db",)),
                assignment("1", "tcp_timestamps", **ELSEWHERE, plays=("db",)),
            ],
            False,
        ),
    ],
)
def test_only_timestamps_that_are_off_for_the_same_hosts_count(
    reuse: Assignment, timestamps: list[Assignment], found: bool
) -> None:
    assert bool(judged([reuse, *timestamps])) == found


def test_the_myth_of_fin_timeout_is_told_beside_time_wait_settings_only() -> None:
    fin_timeout = assignment("15", "tcp_fin_timeout", line=2)
    assert judged([fin_timeout]) == []
    assert judged([fin_timeout, assignment("1", "tcp_tw_reuse", **ELSEWHERE)]) == []
    finding = only(fin_timeout, assignment("1", "tcp_tw_reuse"))
    assert (finding.rule, finding.severity, finding.line) == ("timewait-fin-timeout", "info", 2)
    assert "FIN_WAIT_2" in finding.message


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("files/90-net.conf", "net.ipv4.tcp_tw_recycle = 0"),
        ("templates/sysctl.conf.j2", "net.ipv4.tcp_tw_recycle = 0"),
        ("site.yml", "  - linux_tcp.tuning.timewait"),
    ],
)
def test_the_remedy_can_be_pasted_where_the_value_stands(path: str, line: str) -> None:
    assert line in only(assignment(at=Position(path, 1))).remedy.splitlines()


def test_nothing_of_the_content_reaches_a_terminal_as_it_is() -> None:
    finding = only(
        assignment(
            "1\x1b[2J", lowered="a \x1b condition", plays=("\x1b",), at=Position("a.yml", 1), by=Position("b.yml", 1)
        ),
        reach=on(PUBLIC),
    )
    assert "\x1b" not in finding.message + finding.value
    undecided = only(assignment("x", undecided=("\x1b",)))
    assert "\x1b" not in undecided.message
    nowhere = only(assignment(plays=("\x1b",)), reach=on())
    assert "\x1b" not in nowhere.message
