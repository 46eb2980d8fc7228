# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._advice._finding import Finding
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._advice._rules import RULES, findings_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._census import Census, Destination, Group, Port
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._dropin import Place
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._exposure import exposure_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._knobs import INT_MAX
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._observed import Observed
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._request import request_of

from tests.unit.simulated import KERNELS, NONCE, PUBLIC, UNTAGGED, Host, a_host


def counted(
    host: Host,
    *destinations: Destination,
    inbound: int = 0,
    growth: float | None = None,
    **rates: float,
) -> Observed:
    """A host with a census: these destinations, and sockets of connections that came in, at port 443."""
    whole = True
    outbound = Group(sum(one.sockets for one in destinations), len(destinations), destinations=destinations)
    served = Group(inbound, 1, (Port(443, inbound, listener=True),)) if inbound else Group(0, 0)
    census = Census("sock_diag", whole, 0, served, outbound, Group(0, 0), "per_connection")
    known = {"seconds": 2.0, "time_wait": 0.0, "reused": 0.0, "overflows": 0.0, "paws_time_wait": 0.0, **rates}
    growing = {} if growth is None else dict.fromkeys(destinations, growth)
    return Observed(host.snapshot(), UNTAGGED, census, known, growing)


def taken(
    sockets: int, timestamps: tuple[int, int] = (1, 0), address: str = "10.0.0.5", opened: int = 0
) -> Destination:
    """Sockets to a destination; a host with the default range has 28232 ports for it."""
    return Destination("10.0.0.9", address, 3306, sockets, *timestamps, opened)


def with_knobs(kernel: str = "Linux 6.18", files: dict[str, str] | None = None, **knobs: int) -> Host:
    host = a_host(kernel, files=files or {})
    host.knobs |= {name: f"{value}\n" for name, value in knobs.items()}
    return host


ZZ = "/etc/sysctl.d/zz.conf"

#: For each finding: a host that has it, and the same host mended.
CASES: dict[str, tuple[Host | Observed, Host | Observed, str]] = {
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
    "buckets_lowered": (with_knobs(tcp_max_tw_buckets=65535), with_knobs(tcp_max_tw_buckets=65536), "warning"),
    "fin_timeout_myth": (
        a_host(related={"tcp_fin_timeout": "59"}),
        a_host(related={"tcp_fin_timeout": "60"}),
        "info",
    ),
    "conntrack_myth": (
        a_host(related={"nf_conntrack_tcp_timeout_time_wait": "119"}),
        a_host(related={"nf_conntrack_tcp_timeout_time_wait": "120"}),
        "info",
    ),
    "pods_keep_defaults": (
        replace(with_knobs(tcp_tw_reuse=1), namespaces=("tcp_tw_reuse 2\ntcp_timestamps 1\n",)),
        replace(with_knobs(tcp_tw_reuse=1), namespaces=("tcp_tw_reuse 1\ntcp_timestamps 1\n",)),
        "info",
    ),
    "reuse_irrelevant_here": (
        counted(a_host(), taken(1000), inbound=1000),
        counted(a_host(), taken(1001), inbound=1000),
        "info",
    ),
    "ports_exhausted": (
        counted(a_host(), taken(27950, (0, 0))),
        counted(with_knobs(tcp_tw_reuse=1), taken(27950)),
        "error",
    ),
    "ports_running_out": (
        counted(a_host(), taken(22586, (0, 0))),
        counted(a_host(), taken(22585, (0, 0))),
        "warning",
    ),
    "peers_without_timestamps": (
        counted(a_host(), taken(2824, (0, 1))),
        counted(a_host(), taken(2824, (1, 1))),
        "warning",
    ),
    "nat_timestamp_disorder": (
        counted(a_host(), inbound=1, paws_time_wait=1.5),
        counted(a_host(), taken(5), paws_time_wait=0.5),
        "warning",
    ),
    "reserved_ports_missing": (
        a_host(listeners=(22, 40000)),
        replace(with_knobs(ip_local_reserved_ports=40000), listeners=(22, 40000)),
        "info",
    ),
}


def seen(host: Host | Observed) -> Observed:
    return host if isinstance(host, Observed) else Observed(host.snapshot(), UNTAGGED)


def found(host: Host | Observed, name: str) -> list[Finding]:
    return [finding for finding in findings_of(seen(host)) if finding.id == name]


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
    found = [each for each in findings_of(Observed(host.snapshot(), UNTAGGED)) if each.id == "recycle_in_file"]
    assert [words in finding.message for finding in found] == [True]


def test_facts_can_be_had_of_a_host_whose_block_is_damaged() -> None:
    text = "# linux_tcp.tuning block of 99-timewait.conf, format 2\nnet.ipv4.tcp_tw_recycle = 1\n"
    host = a_host("RHEL 7", systemd=None, procps=None, files={"/etc/sysctl.conf": text})
    assert {"text_damaged", "recycle_in_file"} <= {
        finding.id for finding in findings_of(Observed(host.snapshot(), UNTAGGED))
    }


def test_every_rule_is_in_the_documents() -> None:
    text = (Path(__file__).parents[4] / "docs" / "findings.md").read_text(encoding="utf-8")
    rows = "\n".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| `"))
    assert sorted(re.findall("`([a-z_]+)`", rows)) == sorted(rule.__name__ for rule in RULES)


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
    assert findings_of(Observed(a_host(kernel).snapshot(), UNTAGGED)) == []


def test_many_time_wait_sockets_are_no_finding() -> None:
    many = [taken(2823, (0, 0), f"10.0.{number}.5") for number in range(200)]
    assert findings_of(counted(a_host(), *many, inbound=999)) == []


def test_the_worst_comes_first() -> None:
    host = with_knobs("RHEL 7", {ZZ: "net.ipv4.tcp_rfc1337 = 1"}, tcp_tw_recycle=1)
    assert [finding.severity for finding in findings_of(Observed(host.snapshot(), UNTAGGED))] == ["error", "warning"]


def test_recycle_comes_with_its_exposure_and_its_victims() -> None:
    host = with_knobs("RHEL 7", tcp_tw_recycle=1)
    host.counters = {"PAWSPassive": 12}
    (finding,) = [f for f in findings_of(Observed(host.snapshot(), PUBLIC)) if f.id == "recycle_enabled"]
    assert finding.evidence == (
        "net.ipv4.tcp_tw_recycle is 1",
        *PUBLIC.public_facing,
        "12 SYNs dropped so far (PAWSPassive), of 2 to 12 connections: a client sends up to 7 for one",
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
    value = finding.remedy.partition("timewait_tcp_max_tw_buckets: ")[2]
    assert finding.commands == (f"sysctl -w net.ipv4.tcp_max_tw_buckets={value}",)
    raised: Any = request_of({"tcp_max_tw_buckets": value}).values["tcp_max_tw_buckets"]
    assert raised > limit or limit == INT_MAX


def test_text_of_a_host_is_escaped() -> None:
    path = "/etc/sysctl.d/\x1b[2J.conf"
    host = a_host(
        release="4.9.0\x1b",
        files={path: "net.ipv4.tcp_tw_recycle = 1 \x1b]0;x\x07"},
        special={f"{path}.conf": "special"},
    )
    host.knobs["tcp_tw_reuse"] = "2\n"
    findings = findings_of(Observed(host.snapshot(), exposure_of([])))
    assert {finding.id for finding in findings} >= {"recycle_in_file", "boot_hangs"}
    assert "\x1b" not in "".join(word for f in findings for word in (f.message, f.remedy, *f.evidence))


def test_where_sockets_can_be_reused_their_ports_are_not_short() -> None:
    on = with_knobs(tcp_tw_reuse=1)
    for sample in (1, 0), (0, 0):
        assert not found(counted(on, taken(28000, sample), reused=3.0), "ports_exhausted")
    assert found(counted(on, taken(28000, (0, 0))), "ports_exhausted")
    assert found(counted(on, taken(28000, (0, 3)), reused=3.0), "ports_exhausted")


def test_what_is_reused_may_be_that_of_another_destination() -> None:
    both = counted(with_knobs(tcp_tw_reuse=1), taken(28000, (0, 0)), taken(50, (1, 0), "10.0.0.6"), reused=30.0)
    [finding] = found(both, "ports_exhausted")
    assert "10.0.0.5:3306" in finding.message
    assert "10.0.0.6" not in finding.message


def test_ports_of_open_connections_are_taken_whatever_can_be_reused() -> None:
    one = taken(10, opened=28000)
    [finding] = found(counted(with_knobs(tcp_tw_reuse=1), one), "ports_exhausted")
    [words] = finding.evidence
    assert words.startswith(
        "10.0.0.9 to 10.0.0.5:3306: 10 TIME_WAIT sockets and 28000 open connections of 28232 usable"
    )
    assert words.endswith("; TIME_WAIT can be reused")
    assert finding.remedy.startswith("close connections that nobody needs")
    # Reuse is no remedy for them, and no connection that is open can be.
    assert [command for command in finding.commands if "reuse" in command] == []
    [finding] = found(counted(a_host(), replace(one, sockets=0)), "ports_exhausted")
    assert finding.evidence == ("10.0.0.9 to 10.0.0.5:3306: 28000 open connections of 28232 usable ports",)
    assert [command for command in finding.commands if "reuse" in command] == []
    [finding] = found(counted(a_host(), taken(14000, opened=14000)), "ports_exhausted")
    assert finding.remedy.startswith("keep connections alive or pool them")
    assert "close connections that nobody needs" in finding.remedy
    assert finding.commands[0] == "sysctl -w net.ipv4.tcp_tw_reuse=1"


def test_open_connections_to_a_peer_without_timestamps_say_nothing_of_reuse() -> None:
    assert not found(counted(a_host(), taken(10, (0, 12), opened=9000)), "peers_without_timestamps")


@pytest.mark.parametrize(
    ("sockets", "growth", "there"),
    [(3000, 471, True), (3000, 470, False), (17000, 300, False), (2800, 28000, False), (3000, -5, False)],
)
def test_ports_run_out_where_more_come_in_a_minute_than_there_are(sockets: int, growth: float, there: bool) -> None:
    (*finding,) = found(counted(a_host(), taken(sockets, (0, 0)), growth=growth), "ports_running_out")
    assert bool(finding) is there
    if there:
        [words] = finding[0].evidence
        assert "none is left in 53.6 s" in words


def test_the_commands_for_ports_turn_reuse_on_and_widen_the_range_with_listeners_reserved() -> None:
    host = a_host(listeners=(22, 20000, 60999))
    host.knobs |= {"ip_local_reserved_ports": "8080\n", "tcp_timestamps": "0\n"}
    [finding] = found(counted(host, taken(28000, (0, 0))), "ports_exhausted")
    assert finding.commands == (
        "sysctl -w net.ipv4.tcp_tw_reuse=1 net.ipv4.tcp_timestamps=1",
        "sysctl -w net.ipv4.ip_local_reserved_ports=8080,20000,60999 'net.ipv4.ip_local_port_range=15000 60999'",
    )
    host.listeners = (10250,)
    [finding] = found(counted(host, taken(28000, (0, 0))), "ports_exhausted")
    # The ports of Kubernetes' services have no listener.
    assert "net.ipv4.ip_local_reserved_ports=8080,30000-32767" in finding.commands[1]
    wide = with_knobs(tcp_tw_reuse=1)
    wide.knobs["ip_local_port_range"] = "1024\t65535\n"
    [finding] = found(counted(wide, taken(64512, (0, 2))), "ports_exhausted")
    assert finding.commands == ()


def test_reuse_is_no_remedy_towards_a_peer_without_timestamps() -> None:
    [finding] = found(counted(a_host(), taken(28000, (0, 2))), "ports_exhausted")
    assert not any("tcp_tw_reuse" in words for words in (finding.remedy, *finding.commands))


def test_a_peer_without_timestamps_matters_where_ports_are_taken_and_this_host_has_them() -> None:
    assert not found(counted(a_host(), taken(2800, (0, 1))), "peers_without_timestamps")
    assert not found(counted(with_knobs(tcp_timestamps=0), taken(2824, (0, 1))), "peers_without_timestamps")
    assert not found(counted(a_host(), taken(2824, (0, 0))), "peers_without_timestamps")


def test_few_inbound_sockets_are_nothing_to_speak_of() -> None:
    assert not found(counted(a_host(), inbound=999), "reuse_irrelevant_here")


@pytest.mark.parametrize(
    ("kernel", "rate", "severity"),
    [("Linux 6.18", 1.5, "warning"), ("Linux 6.18", 1.4, "info"), ("Debian 10", 100, "info")],
)
def test_few_segments_and_a_counter_of_other_things_too_are_not_certain(
    kernel: str, rate: float, severity: str
) -> None:
    [finding] = found(counted(a_host(kernel), inbound=9, paws_time_wait=rate), "nat_timestamp_disorder")
    assert finding.severity == severity
    assert ("may wait" in finding.message) is (severity == "info")
    assert ("PAWSTimewait" in finding.evidence[0]) is (kernel == "Linux 6.18")


@pytest.mark.parametrize(
    ("limit", "rate", "severity"),
    [(65536, None, "warning"), (65536, 2.0, "warning"), (65536, 0.0, "info"), (65537, 2.0, "warning")],
)
def test_overflows_of_the_past_are_less_than_those_of_today(limit: int, rate: float | None, severity: str) -> None:
    host = with_knobs(tcp_max_tw_buckets=limit)
    host.counters = {"TCPTimeWaitOverflow": 9}
    [finding] = found(host if rate is None else counted(host, overflows=rate), "bucket_overflow")
    assert finding.severity == severity


def test_overflows_are_over_once_the_limit_was_raised() -> None:
    host = with_knobs(tcp_max_tw_buckets=65537)
    host.counters = {"TCPTimeWaitOverflow": 9}
    assert not found(counted(host, overflows=0.0), "bucket_overflow")


def test_no_time_wait_at_all_is_an_error() -> None:
    for limit in (0, -1):
        [finding] = found(with_knobs(tcp_max_tw_buckets=limit), "buckets_lowered")
        assert finding.severity == "error"
    unknown = with_knobs(tcp_max_tw_buckets=10)
    del unknown.defaults["tcp_max_tw_buckets"]
    assert not found(unknown, "buckets_lowered")


def test_a_nat_that_forgets_connections_before_their_time_wait_is_over_does_harm() -> None:
    nat = [("iptables_tables", "nat\n", 0)]
    for seconds, severity in ("59", "warning"), ("60", "info"):
        host = a_host(related={"nf_conntrack_tcp_timeout_time_wait": seconds}, more=nat)
        [finding] = found(host, "conntrack_myth")
        assert finding.severity == severity


def test_pods_are_told_of_where_the_host_was_tuned_and_they_were_not() -> None:
    pods = ("tcp_tw_reuse 2\ntcp_timestamps 1\n", "tcp_tw_reuse 2\ntcp_timestamps 1\n", "tcp_tw_reuse 0\n", "")
    assert not found(a_host(namespaces=pods), "pods_keep_defaults")
    [finding] = found(replace(with_knobs(tcp_tw_reuse=1), namespaces=pods), "pods_keep_defaults")
    assert finding.evidence == (
        "net.ipv4.tcp_tw_reuse is 1 here and 2 in 2 of 4 network namespaces that were looked at",
    )
    assert "podman run --sysctl net.ipv4.tcp_tw_reuse=1" in finding.remedy
    assert not finding.commands


def test_only_listeners_in_a_widened_range_are_surely_to_be_reserved() -> None:
    for low, severity, commands in (
        ("15000", "warning", ("sysctl -w net.ipv4.ip_local_reserved_ports=20000",)),
        ("32768", "info", ()),
    ):
        host = a_host(listeners=(20000, 40000))
        host.knobs["ip_local_port_range"] = f"{low}\t60999\n"
        [finding] = found(host, "reserved_ports_missing")
        assert (finding.severity, finding.commands) == (severity, commands)


@pytest.mark.parametrize(
    ("path", "line", "command"),
    [
        (ZZ, "net.ipv4.tcp_tw_recycle = 1", f"sed -i '2s/^.*tcp_tw_recycle/# &/' {ZZ}"),
        (
            "/etc/sysctl.d/a b.conf",
            "net.ipv4.tcp_tw_recycle = 1",
            "sed -i '2s/^.*tcp_tw_recycle/# &/' '/etc/sysctl.d/a b.conf'",
        ),
        (ZZ, "net.ipv4.tcp_tw_* = 1", None),
        ("/usr/lib/sysctl.d/50.conf", "net.ipv4.tcp_tw_recycle = 1", None),
        ("/etc/sysctl.d/\x1b.conf", "net.ipv4.tcp_tw_recycle = 1", None),
    ],
)
def test_a_line_is_taken_out_by_command_where_it_names_recycle_and_the_file_is_the_administrators(
    path: str, line: str, command: str | None
) -> None:
    [finding] = found(with_knobs(files={path: f"\n{line}"}), "recycle_in_file")
    assert finding.commands == (() if command is None else (command,))


def test_who_turned_timestamps_off_is_evidence_be_it_a_file_or_another_program() -> None:
    host = with_knobs(tcp_tw_reuse=1, tcp_timestamps=0)
    host.more = [("writers", f"{NONCE} /etc/rc.local:2:\n{NONCE} tcp_timestamps=0\n", 0)]
    [finding] = found(host, "reuse_without_timestamps")
    assert any("rc.local sets net.ipv4.tcp_timestamps to 0" in words for words in finding.evidence)


def test_who_sets_another_value_than_holds_now_is_not_to_blame() -> None:
    host = with_knobs(files={ZZ: "net.ipv4.tcp_timestamps = 1"}, tcp_tw_reuse=1, tcp_timestamps=0)
    host.more = [("writers", f"{NONCE} /etc/rc.local:2:\n{NONCE} tcp_timestamps=2\n", 0)]
    [finding] = found(host, "reuse_without_timestamps")
    assert finding.evidence == ("net.ipv4.tcp_tw_reuse is 1", "net.ipv4.tcp_timestamps is 0")


def test_a_network_namespace_that_went_away_meanwhile_does_not_count() -> None:
    host = replace(with_knobs(tcp_tw_reuse=1), more=[("namespace", "tcp_tw_reuse 2\n", 1)])
    assert not found(host, "pods_keep_defaults")
