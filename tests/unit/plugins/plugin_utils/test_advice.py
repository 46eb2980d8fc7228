# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._advice import RULES, Finding, findings_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._dropin import Place
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._exposure import exposure_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._knobs import INT_MAX
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._request import request_of

from tests.unit.simulated import KERNELS, NONCE, PUBLIC, UNTAGGED, Host, a_host


def with_knobs(kernel: str = "Linux 6.18", files: dict[str, str] | None = None, **knobs: int) -> Host:
    host = a_host(kernel, files=files or {})
    host.knobs |= {name: f"{value}\n" for name, value in knobs.items()}
    return host


ZZ = "/etc/sysctl.d/zz.conf"

#: For each finding: a host that has it, and the same host mended.
CASES: dict[str, tuple[Host, Host, str]] = {
    "text_damaged": (
        with_knobs(files={"/etc/sysctl.conf": "# linux_tcp.tuning block of 99-timewait.conf, format 2\n"}),
        with_knobs(files={"/etc/sysctl.conf": "# linux_tcp tuning\n"}),
        "warning",
    ),
    "drop_in_gone": (
        with_knobs(files={ZZ: f"{Place.file('/etc/sysctl.d/99-timewait.conf').mark}net.ipv4.tcp_timestamps = 0\n"}),
        with_knobs(files={ZZ: "net.ipv4.tcp_timestamps = 1\n"}),
        "warning",
    ),
    "recycle_enabled": (with_knobs("RHEL 7", tcp_tw_recycle=-1), with_knobs("RHEL 7"), "error"),
    "recycle_in_file": (
        with_knobs(files={ZZ: "net.ipv4.tcp_tw_recycle = 1"}),
        with_knobs(files={ZZ: "net.ipv4.tcp_tw_recycle = 0"}),
        "warning",
    ),
    "reuse_without_timestamps": (
        with_knobs(tcp_tw_reuse=1, tcp_timestamps=0),
        with_knobs(tcp_tw_reuse=0, tcp_timestamps=0),
        "error",
    ),
    "reuse_two_is_global": (with_knobs("Debian 9", tcp_tw_reuse=2), with_knobs("Debian 9", tcp_tw_reuse=1), "warning"),
    "boot_differs": (
        with_knobs(files={ZZ: "\nnet.ipv4.tcp_tw_reuse = 1"}),
        with_knobs(files={ZZ: "\nnet.ipv4.tcp_tw_reuse = 2"}),
        "warning",
    ),
    "boot_hangs": (a_host(special={ZZ: "special"}), a_host(special={ZZ: "large"}), "error"),
    "file_not_read": (a_host(special={ZZ: "large"}), a_host(special={ZZ: "special"}), "warning"),
    "conflicting_writer": (
        a_host(more=[("writers", f"{NONCE} /etc/rc.local:2:\n{NONCE} tcp_tw_reuse=0\n", 0)]),
        a_host(more=[("writers", f"{NONCE} /etc/rc.local:2:\n{NONCE} tcp_tw_reuse=2\n", 0)]),
        "warning",
    ),
    "bucket_overflow": (a_host(counters={"TCPTimeWaitOverflow": 3}), a_host(), "warning"),
}


def found(host: Host, name: str) -> list[Finding]:
    return [finding for finding in findings_of(host.snapshot(), UNTAGGED) if finding.id == name]


@pytest.mark.parametrize(
    ("host", "words"),
    [
        (a_host(files={"/etc/sysctl.conf": "net.ipv4.tcp_tw_recycle = 1"}), "when somebody calls 'sysctl --system'"),
        (
            a_host(systemd=None, procps=None, files={"/etc/sysctl.conf": "net.ipv4.tcp_tw_recycle = 1"}),
            "at boot, if what applies sysctl files here reads it",
        ),
        (with_knobs(files={ZZ: "net.ipv4.tcp_tw_recycle = 1"}), "at boot, which this kernel"),
    ],
)
def test_a_line_that_turns_recycle_on_is_told_with_who_would_read_it(host: Host, words: str) -> None:
    found = [each for each in findings_of(host.snapshot(), UNTAGGED) if each.id == "recycle_in_file"]
    assert [words in finding.message for finding in found] == [True]


def test_facts_can_be_had_of_a_host_whose_block_is_damaged() -> None:
    text = "# linux_tcp.tuning block of 99-timewait.conf, format 2\nnet.ipv4.tcp_tw_recycle = 1\n"
    host = a_host("RHEL 7", systemd=None, procps=None, files={"/etc/sysctl.conf": text})
    assert {"text_damaged", "recycle_in_file"} <= {finding.id for finding in findings_of(host.snapshot(), UNTAGGED)}


def test_every_rule_has_a_case() -> None:
    assert {rule.__name__ for rule in RULES} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_finding_is_there_with_its_cause_and_gone_without_it(name: str) -> None:
    bad, good, severity = CASES[name]
    (finding,) = found(bad, name)
    assert finding.severity == severity
    assert finding.evidence
    assert finding.message
    assert finding.remedy
    assert not found(good, name)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_host_with_nothing_wrong_has_no_findings(kernel: str) -> None:
    assert findings_of(a_host(kernel).snapshot(), UNTAGGED) == []


def test_many_time_wait_sockets_are_no_finding() -> None:
    host = with_knobs(tcp_max_tw_buckets=17)
    assert findings_of(host.snapshot(), UNTAGGED) == []


def test_the_worst_comes_first() -> None:
    host = with_knobs("RHEL 7", {ZZ: "net.ipv4.tcp_rfc1337 = 1"}, tcp_tw_recycle=1)
    assert [finding.severity for finding in findings_of(host.snapshot(), UNTAGGED)] == ["error", "warning"]


def test_recycle_comes_with_its_exposure_and_its_victims() -> None:
    host = with_knobs("RHEL 7", tcp_tw_recycle=1)
    host.counters = {"PAWSPassive": 12}
    (finding,) = [f for f in findings_of(host.snapshot(), PUBLIC) if f.id == "recycle_enabled"]
    assert finding.evidence == (
        "net.ipv4.tcp_tw_recycle is 1",
        *PUBLIC.public_facing,
        "12 connection attempts dropped so far (PAWSPassive)",
    )


@pytest.mark.parametrize(
    ("line", "there"),
    [
        ("net.ipv4.tcp_tw_* = 1", True),
        ("net/ipv4/tcp_tw_recycle=0x1", True),
        ("net.ipv4.tcp_tw_recycle = yes", True),
        ("-net.ipv4.tcp_tw_recycle", False),
        ("# net.ipv4.tcp_tw_recycle = 1", False),
    ],
)
def test_recycle_in_a_file_is_found_in_every_spelling(line: str, there: bool) -> None:
    assert bool(found(with_knobs(files={ZZ: line}), "recycle_in_file")) is there


def test_an_inert_recycle_line_is_said_to_be_inert() -> None:
    (inert,) = found(with_knobs(files={ZZ: "net.ipv4.tcp_tw_recycle = 1"}), "recycle_in_file")
    assert "an older one would take it" in inert.message
    (alive,) = found(with_knobs("RHEL 7", {ZZ: "net.ipv4.tcp_tw_recycle = 1"}), "recycle_in_file")
    assert "an older one" not in alive.message


def test_the_line_that_turned_timestamps_off_is_evidence() -> None:
    host = with_knobs(files={ZZ: "\nnet.ipv4.tcp_timestamps = 0"}, tcp_tw_reuse=1, tcp_timestamps=0)
    (finding,) = found(host, "reuse_without_timestamps")
    assert f"set by {ZZ} line 2" in finding.evidence


def test_a_reuse_of_2_is_loopback_only_on_new_kernels() -> None:
    assert not found(with_knobs(tcp_tw_reuse=2), "reuse_two_is_global")
    assert not found(with_knobs("Debian 10", tcp_tw_reuse=2, tcp_timestamps=0), "reuse_without_timestamps")


def test_a_file_that_the_loader_does_not_read_changes_nothing_at_boot() -> None:
    assert not found(with_knobs(files={"/etc/sysctl.conf": "net.ipv4.tcp_tw_reuse = 1"}), "boot_differs")
    assert not found(a_host(systemd=None, files={ZZ: "net.ipv4.tcp_tw_reuse = 1"}), "boot_differs")


def test_what_the_kernel_would_refuse_at_boot_changes_nothing() -> None:
    assert not found(with_knobs(files={ZZ: "net.ipv4.tcp_tw_reuse = 9"}), "boot_differs")


def test_ports_are_compared_as_ports() -> None:
    same = {ZZ: "net.ipv4.ip_local_port_range = 32768   60999\nnet.ipv4.ip_local_reserved_ports = 5,4"}
    host = with_knobs(files=same)
    host.knobs["ip_local_reserved_ports"] = "4-5\n"
    assert not found(host, "boot_differs")


@pytest.mark.parametrize("limit", [65536, 0, -1, INT_MAX])
def test_the_remedy_for_overflows_can_be_followed(limit: int) -> None:
    host = with_knobs(tcp_max_tw_buckets=limit)
    host.counters = {"TCPTimeWaitOverflow": 1}
    (finding,) = found(host, "bucket_overflow")
    name, _colon, value = finding.remedy.partition(": ")
    raised: Any = request_of({name.removeprefix("timewait_"): value}).values["tcp_max_tw_buckets"]
    assert raised > limit or limit == INT_MAX


def test_text_of_a_host_is_escaped() -> None:
    path = "/etc/sysctl.d/\x1b[2J.conf"
    host = a_host(
        release="4.9.0\x1b",
        files={path: "net.ipv4.tcp_tw_recycle = 1 \x1b]0;x\x07"},
        special={f"{path}.conf": "special"},
    )
    host.knobs["tcp_tw_reuse"] = "2\n"
    findings = findings_of(host.snapshot(), exposure_of([]))
    assert {finding.id for finding in findings} >= {"recycle_in_file", "boot_hangs"}
    assert "\x1b" not in "".join(word for f in findings for word in (f.message, f.remedy, *f.evidence))
