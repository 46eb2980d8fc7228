# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each finding on a host that really is like that, and gone once its remedy was applied."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._advice._finding import Finding
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._advice._rules import RULES, findings_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._dropin import Place
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._exposure import exposure_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._observed import Observed, observed
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import Probe, probe_script, sections_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._snapshot import snapshot_of

from tests.sandbox.hosts import ROOT, SandboxHost
from tests.sandbox.states import DROPIN, cover_proc_net
from tests.system.peers import connections, peer
from tests.system.sockets import connect, listen, sockets

ZZ = "/etc/sysctl.d/zz.conf"


def full_probe(interval: int = 0) -> Probe:
    return Probe(evidence=True, defaults=True, listeners=True, advice=True, sockets=True, interval=interval)


def read(answer: bytes, probe: Probe) -> Observed:
    sections = sections_of(answer, probe.nonce)
    snapshot = snapshot_of(sections)
    return observed(sections, snapshot, exposure_of([], snapshot))


def look(host: SandboxHost, interval: int = 0) -> Observed:
    probe = full_probe(interval)
    return read(host.sh(probe_script(probe)).encode("utf-8", "surrogateescape"), probe)


def found(host: SandboxHost, interval: int = 0) -> dict[str, Finding]:
    return {finding.id: finding for finding in findings_of(look(host, interval))}


def mend(host: SandboxHost, finding: Finding) -> None:
    """Pastes what the finding says."""
    assert finding.commands
    for command in finding.commands:
        host.sh(command)


#: What makes a host of this kernel like that, for each finding that its own commands mend.
CAUSES = {
    "recycle_in_file": f"printf '# a\\nnet.ipv4.tcp_tw_recycle = 1\\nnet.ipv4.tcp_rfc1337 = 0\\n' >{ZZ}",
    "reuse_without_timestamps": "sysctl -qw net.ipv4.tcp_tw_reuse=1 net.ipv4.tcp_timestamps=0",
    "buckets_lowered": "sysctl -qw net.ipv4.tcp_max_tw_buckets=1000",
    "fin_timeout_myth": "sysctl -qw net.ipv4.tcp_fin_timeout=15",
    "conntrack_myth": "sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_time_wait=30",
    "boot_hangs": "mkfifo /etc/sysctl.d/50-it.conf",
}


@pytest.mark.parametrize("name", CAUSES)
def test_a_finding_appears_with_its_cause_and_goes_with_its_own_commands(host: SandboxHost, name: str) -> None:
    assert found(host) == {}
    host.sh(CAUSES[name])
    there = found(host)
    assert set(there) == {name}
    mend(host, there[name])
    assert found(host) == {}


def test_a_reboot_would_change_what_holds(host: SandboxHost) -> None:
    host.write(ZZ, "net.ipv4.tcp_tw_reuse = 1\n")
    assert "1 (/etc/sysctl.d/zz.conf line 1)" in found(host)["boot_differs"].evidence[0]
    host.sh("/usr/lib/systemd/systemd-sysctl")
    assert found(host) == {}


def test_a_file_that_is_too_large_is_not_read(host: SandboxHost) -> None:
    host.sh(f"yes '# a comment' | head -n 100000 >{ZZ}")
    assert set(found(host)) == {"file_not_read"}
    host.sh(f"rm {ZZ}")
    assert found(host) == {}


def test_lines_of_others_in_a_block_of_ours_are_told(host: SandboxHost) -> None:
    host.write("/etc/sysctl.conf", "# linux_tcp.tuning block of 99-timewait.conf, format 2\nvm.swappiness = 1\n")
    assert set(found(host)) == {"text_damaged"}
    host.write("/etc/sysctl.conf", "vm.swappiness = 1\n")
    assert found(host) == {}


def test_a_line_commented_out_for_a_drop_in_that_is_gone_is_told(host: SandboxHost) -> None:
    host.write(ZZ, f"{Place.file(DROPIN).mark}net.ipv4.tcp_timestamps = 0\n")
    assert set(found(host)) == {"drop_in_gone"}
    host.sh(f"rm {ZZ}")
    assert found(host) == {}


def test_a_script_that_sets_another_value_is_told(host: SandboxHost) -> None:
    host.write("/etc/rc.local", "#!/bin/sh\nsysctl -w net.ipv4.tcp_tw_reuse=0\n")
    host.sh("chmod 755 /etc/rc.local")
    assert set(found(host)) == {"conflicting_writer"}
    host.sh("sed -i 2d /etc/rc.local")
    assert found(host) == {}


def test_old_kernels_are_imitated_here_and_real_in_make_test_kernels(legacy_host: SandboxHost) -> None:
    legacy_host.set_sysctl("tcp_tw_recycle", 1)
    legacy_host.set_sysctl("tcp_tw_reuse", 2)
    cover_proc_net(legacy_host, "netstat", "TcpExt: TW PAWSPassive\nTcpExt: 5 42\n")
    there = found(legacy_host)
    assert {"recycle_enabled", "reuse_two_is_global"} <= set(there)
    assert any(words.startswith("42 SYNs dropped") for words in there["recycle_enabled"].evidence)
    for name in "recycle_enabled", "reuse_two_is_global":
        mend(legacy_host, there[name])
    assert not {"recycle_enabled", "reuse_two_is_global"} & set(found(legacy_host))


def test_sockets_of_connections_that_came_in_and_were_closed_here_are_not_for_reuse(
    new_host: Callable[..., SandboxHost],
) -> None:
    """The remedy is the application's: the same traffic, but the clients close first."""
    server, mended = new_host("server"), new_host("mended")
    for each, closes in ((server, "server"), (mended, "client")):
        with sockets(each, listen("127.0.0.1", 443), connect("127.0.0.1", 443, 1200, closes=closes)):
            there = found(each)
        assert set(there) == ({"reuse_irrelevant_here"} if closes == "server" else set())
    assert there == {}


def test_ports_run_out_and_then_connect_fails_and_reuse_mends_both(host: SandboxHost) -> None:
    host.set_sysctl("ip_local_port_range", "40000\t40099")
    with peer(host, 3306), connections(host, 3306, 85, stay=1) as first:
        assert set(first) == {"connected"}
        assert set(found(host)) == {"ports_running_out"}
        with connections(host, 3306, 20) as more:
            assert more[-1] == "EADDRNOTAVAIL"
        there = found(host)
        assert set(there) == {"ports_exhausted"}
        [words] = there["ports_exhausted"].evidence
        assert "99 TIME_WAIT sockets and 1 open connection of 100 usable ports" in words
        # The first of its commands alone, for the second would do as well.
        host.sh(there["ports_exhausted"].commands[0])
        assert found(host) == {}
        time.sleep(1.1)
        with connections(host, 3306, 30) as again:
            assert set(again) == {"connected"}
        assert found(host) == {}


def test_a_wider_range_of_ports_mends_it_too_with_listeners_reserved(host: SandboxHost) -> None:
    host.set_sysctl("ip_local_port_range", "40000\t40099")
    with peer(host, 3306), sockets(host, listen("127.0.0.1", 20000)), connections(host, 3306, 105) as first:
        assert first[-1] == "EADDRNOTAVAIL"
        command = found(host)["ports_exhausted"].commands[1]
        host.sh(command)
        assert host.sysctl("ip_local_reserved_ports") == "20000"
        assert found(host) == {}
        with connections(host, 3306, 200) as again:
            assert set(again) == {"connected"}


def test_ports_that_open_connections_hold_are_told_and_reuse_is_no_remedy(host: SandboxHost) -> None:
    host.set_sysctl("ip_local_port_range", "40000\t40099")
    host.set_sysctl("tcp_tw_reuse", 1)
    with peer(host, 3306):
        with connections(host, 3306, 105, stay=105) as first:
            assert first[-1] == "EADDRNOTAVAIL"
            there = found(host)
            assert set(there) == {"ports_exhausted"}
            [words] = there["ports_exhausted"].evidence
            assert words.endswith("100 open connections of 100 usable ports")
            [command] = there["ports_exhausted"].commands
            host.sh(command)
            with connections(host, 3306, 200, stay=200) as again:
                assert set(again) == {"connected"}
            assert found(host) == {}
            host.set_sysctl("ip_local_port_range", "40000\t40099")
            assert set(found(host)) == {"ports_exhausted"}
        # Its other remedy: they are closed, and what is left of them can be reused.
        time.sleep(1.1)
        with connections(host, 3306, 1, stay=1) as last:
            assert last == ["connected"]
            assert found(host) == {}


def test_ports_that_are_taken_ever_faster_run_out_in_so_many_seconds(host: SandboxHost) -> None:
    host.set_sysctl("ip_local_port_range", "40000\t41999")
    paced = (
        "import socket, time\n"
        "for number in range(2000):\n"
        "    with socket.socket() as client: client.connect(('192.0.2.2', 3306))\n"
        "    if number == 299: print('ready', flush=True); start = time.monotonic()\n"
        "    if number > 299: time.sleep(max(0, start + (number - 299) / 100 - time.monotonic()))\n"
    )
    with peer(host, 3306), running(host, sys.executable, "-c", paced):
        seen = look(host, interval=2)
        [use] = seen.uses
        assert use.growth == pytest.approx(100, rel=0.2)
        assert use.seconds_left is not None
        assert use.seconds_left == pytest.approx((2000 - use.destination.sockets) / use.growth, abs=0.1)
        [finding] = findings_of(seen)
        assert finding.id == "ports_running_out"
        assert f"none is left in {use.seconds_left:g} s" in finding.evidence[0]
    # No more connections, no more growth.
    assert found(host, interval=1) == {}


@contextmanager
def running(host: SandboxHost, *command: str) -> Iterator[None]:
    process = subprocess.Popen(host.entered(*command), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield
    finally:
        process.terminate()
        process.communicate()


def test_a_peer_without_timestamps_is_told_and_gone_once_it_has_them(host: SandboxHost) -> None:
    host.set_sysctl("ip_local_port_range", "40000\t40099")
    host.set_sysctl("tcp_tw_reuse", 1)
    with peer(host, 3306, 3307) as other:
        other.sh("echo 0 >/proc/sys/net/ipv4/tcp_timestamps")
        with connections(host, 3306, 60, stay=1):
            there = found(host)
            assert set(there) == {"peers_without_timestamps"}
            assert "192.0.2.2:3306" in there["peers_without_timestamps"].message
            [command] = [word for word in there["peers_without_timestamps"].remedy.split(" (") if "sysctl -w" in word]
            other.sh(command.removeprefix("on the peer: "))
        with connections(host, 3307, 60, stay=1):
            seen = look(host)
            assert {use.destination.port: use.reuse for use in seen.uses} == {3306: "unknown", 3307: "works"}
            assert findings_of(seen) == []


def test_with_a_peer_without_timestamps_reuse_does_not_save_the_ports(host: SandboxHost) -> None:
    host.set_sysctl("ip_local_port_range", "40000\t40099")
    host.set_sysctl("tcp_tw_reuse", 1)
    with peer(host, 3306) as other:
        other.sh("echo 0 >/proc/sys/net/ipv4/tcp_timestamps")
        with connections(host, 3306, 110, stay=1) as answers:
            assert answers[-1] == "EADDRNOTAVAIL"
            assert set(found(host)) == {"peers_without_timestamps", "ports_exhausted"}


def test_sockets_closed_without_time_wait_are_told_until_the_limit_is_raised(host: SandboxHost) -> None:
    host.set_sysctl("tcp_max_tw_buckets", 20)
    with peer(host, 80), connections(host, 80, 50):
        there = found(host, interval=1)
        assert set(there) == {"bucket_overflow", "buckets_lowered"}
        assert "TCPTimeWaitOverflow is 30 since boot" in there["bucket_overflow"].evidence
        host.sh(there["bucket_overflow"].commands[0])
        # What is the kernel's own default is no more than that: it may have overflowed before.
        assert set(found(host, interval=1)) == {"bucket_overflow"}
        mend(host, found(host)["bucket_overflow"])
        assert found(host, interval=1) == {}


def test_a_listener_among_the_ephemeral_ports_belongs_to_the_reserved_ones(host: SandboxHost) -> None:
    with sockets(host, listen("127.0.0.1", 22), listen("127.0.0.1", 20000), listen("::", 40000)):
        # It may have taken that port as it came.
        assert found(host)["reserved_ports_missing"].severity == "info"
        host.set_sysctl("ip_local_port_range", "15000\t60999")
        there = found(host)
        assert set(there) == {"reserved_ports_missing"}
        assert there["reserved_ports_missing"].severity == "warning"
        mend(host, there["reserved_ports_missing"])
        assert host.sysctl("ip_local_reserved_ports") == "20000"
        assert found(host)["reserved_ports_missing"].severity == "info"
        host.set_sysctl("ip_local_reserved_ports", "20000,40000")
        assert found(host) == {}


def test_pods_are_told_that_keep_the_defaults_of_the_kernel(host: SandboxHost) -> None:
    probe = full_probe()
    # The host is taken for one in the initial network namespace, and sees the processes in its pods only.
    script = probe_script(probe).replace("INITIAL=/proc/sys/net/core/netdev_max_backlog", "INITIAL=/run")
    assert "INITIAL=/run" in script
    host.write("/run/probe", script)
    with pods(host) as enter:
        host.set_sysctl("tcp_tw_reuse", 1)
        seen = read(enter("sh /run/probe"), probe)
        assert len(seen.snapshot.namespaces) == 1
        [finding] = findings_of(seen)
        assert finding.id == "pods_keep_defaults"
        assert finding.evidence == (
            "net.ipv4.tcp_tw_reuse is 1 here and 2 in 1 of 1 network namespaces that were looked at",
        )
        enter("nsenter -n/proc/$(cat /run/pod)/ns/net sysctl -qw net.ipv4.tcp_tw_reuse=1")
        assert findings_of(read(enter("sh /run/probe"), probe)) == []


@contextmanager
def pods(host: SandboxHost) -> Iterator[Callable[[str], bytes]]:
    """Processes of their own on the host: one in a pod with an interface, one that has a namespace and no network.

    What runs a script among them.
    """
    inside = (
        "unshare --net sleep 1000 & echo $! >/run/pod\n"
        "unshare --net sleep 1000 &\n"
        'until [ "$(readlink /proc/$(cat /run/pod)/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do :; done\n'
        "ip link add here type veth peer name there netns $(cat /run/pod)\n"
        "echo ready; exec cat"
    )
    own = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--", "sh", "-c", inside]
    with subprocess.Popen(host.entered(*own), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        child = host.run("sh", "-c", f"cat /proc/{process.pid}/task/{process.pid}/children").stdout.split()[0]

        def enter(script: str) -> bytes:
            words = ["nsenter", "--target", child, "--pid", "--mount", "sh", "-c", script]
            done = subprocess.run(host.entered(*words), capture_output=True, check=True)
            return done.stdout

        yield enter


@pytest.mark.parametrize("closes", ["server", "client"])
def test_clients_behind_one_address_that_meet_their_own_time_wait_are_told(closes: str) -> None:
    """The remedy is the application's: clients that close first."""
    probe = full_probe(interval=4)
    own = ["--net", "--pid", "--mount-proc", "--fork", "--kill-child"]
    own += ["--user", "--map-root-user"] if os.geteuid() else []
    command = ["unshare", *own, "--", sys.executable, "-B", "-m", "tests.prove.server", closes]
    done = subprocess.run(
        command, input=probe_script(probe).encode(), capture_output=True, cwd=ROOT, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr.decode()
    seen = read(done.stdout, probe)
    there = {finding.id: finding for finding in findings_of(seen)}
    assert ("nat_timestamp_disorder" in there) is (closes == "server")
    if closes == "server":
        assert seen.rates
        assert f"{seen.rates['paws_time_wait']:g} segments per second" in there["nat_timestamp_disorder"].evidence[0]


#: On hosts, and in this file, under these names.
SHOWN_ELSEWHERE = {
    "boot_differs", "file_not_read", "text_damaged", "drop_in_gone", "conflicting_writer", "recycle_enabled",
    "reuse_two_is_global", "reuse_irrelevant_here", "ports_running_out", "ports_exhausted", "peers_without_timestamps",
    "bucket_overflow", "reserved_ports_missing", "pods_keep_defaults", "nat_timestamp_disorder",
}  # fmt: skip


def test_every_finding_is_shown_here() -> None:
    assert {rule.__name__ for rule in RULES} == {*CAUSES, *SHOWN_ELSEWHERE}
