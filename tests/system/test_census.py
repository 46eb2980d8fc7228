# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The census of TIME_WAIT sockets, of real ones, by everybody who can count them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._census import (
    Census,
    Destination,
    Group,
    Port,
    censuses_of,
)
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._rates import rates_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import Probe, Section, probe_script, sections_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._snapshot import counters_in

from tests.sandbox.hosts import SandboxHost
from tests.sandbox.states import PROGRAMS, cover_proc_net, install, state
from tests.system.peers import peer
from tests.system.sockets import connect, listen, sockets

#: What makes one of them do it: the others know nothing then.
ENGINES = {
    "sock_diag": "by_ss() { return 1; }; by_proc() { return 1; }\n",
    "ss": "by_python() { return 1; }; by_proc() { return 1; }\n",
    "proc": "by_python() { return 1; }; by_ss() { return 1; }\n",
}
BUSYBOX_AWK = 'awk() { busybox awk "$@"; }\n'
SHELLS = {"dash": "dash", "bash": "bash --posix", "busybox": "busybox sh"}
VERSIONS = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"


def pythons() -> list[Path]:
    """Every Python of this machine from 2.7 on, by its real name, once."""
    names = [*Path("/usr/bin").glob("python[23]*"), *VERSIONS.glob("*/bin/python[23]*")]
    return sorted({name.resolve() for name in names if re.fullmatch(r"python[23]([.][0-9]+)?", name.name)})


def script_for(probe: Probe, changes: str = "") -> str:
    """The script of a probe in which some functions are other ones."""
    script = probe_script(probe)
    assert script.count("probe_main() {") == 1
    # What is not of the census takes its time.
    only = "probe() { :; }\n"
    return script.replace("probe_main() {", f"{only}{changes}probe_main() {{")


def ask(host: SandboxHost, script: str, probe: Probe, by: str = "sh", path: str = "") -> list[Section]:
    host.write("/run/probe", script)
    own_path = f"PATH={path}:$PATH " if path else ""
    answer = host.sh(f"{own_path}{by} /run/probe")
    return sections_of(answer.encode("utf-8", "surrogateescape"), probe.nonce)


def census_of(host: SandboxHost, changes: str = "", by: str = "sh", path: str = "", top: int = 10) -> Census:
    probe = Probe(sockets=True, top=top)
    [census] = censuses_of(ask(host, script_for(probe, changes), probe, by, path))
    return census


def comparable(census: Census) -> Census:
    """Without who counted, and without what only some can tell."""
    plain = tuple(replace(one, with_timestamps=0, without_timestamps=0) for one in census.outbound.destinations)
    return replace(census, method="sock_diag", offset="unknown", outbound=replace(census.outbound, destinations=plain))


NONE = Group(0, 0)

#: One of every kind, and those that are none.
EVERY_KIND = (
    listen("127.0.0.1", 80),
    connect("127.0.0.1", 80, 30, closes="server"),
    listen("127.0.0.2", 3306),
    connect("127.0.0.2", 3306, 40),
    connect("::ffff:127.0.0.2", 3306, 2),
    listen("::", 8080),
    connect("::1", 8080, 7),
    connect("::1", 8080, 5, closes="server"),
    connect("127.0.0.3", 8080, 3),
    connect("127.0.0.3", 8080, 6, closes="server"),
    listen("127.0.0.1", 40000),
    connect("127.0.0.1", 40000, 4, closes="server"),
    listen("127.0.0.1", 9999, gone=True),
    connect("127.0.0.1", 9999, 8, closes="server"),
    connect("127.0.0.1", 80, source=5555),
    connect("127.0.0.1", 80, source=45000),
    connect("127.0.0.2", 3306, 9, closes="half"),
    connect("127.0.0.2", 3306, 3, closes="nobody"),
)
COUNTED = Census(
    method="sock_diag",
    whole=True,
    fin_wait_2=9,
    inbound=Group(41, 2, (Port(80, 30, listener=True), Port(8080, 11, listener=True))),
    outbound=Group(
        52,
        3,
        destinations=(
            # Those that only the client closed, and those that nobody did.
            Destination("127.0.0.1", "127.0.0.2", 3306, 42, open=12),
            Destination("::1", "::1", 8080, 7),
            Destination("127.0.0.1", "127.0.0.3", 8080, 3),
        ),
    ),
    undetermined=Group(
        14,
        4,
        (
            Port(9999, 8, listener=False),
            Port(40000, 4, listener=True),
            Port(5555, 1, listener=False),
            Port(45000, 1, listener=False),
        ),
    ),
    offset="unknown",
)


def test_sockets_of_every_kind_are_told_apart_by_every_engine_in_every_shell(host: SandboxHost) -> None:
    host.set_sysctl("ip_local_reserved_ports", "45000,50000-50009")
    with sockets(host, *EVERY_KIND):
        told = host.sh("ss -Htan state time-wait | wc -l; ss -Htan state fin-wait-2 | wc -l").split()
        for method, changes in ENGINES.items():
            for shell in SHELLS.values():
                for awk in ("", BUSYBOX_AWK) if method != "sock_diag" else ("",):
                    census = census_of(host, changes + awk, shell)
                    assert census.method == method, shell
                    assert comparable(census) == COUNTED, (method, shell, awk)
    assert [int(word) for word in told] == [COUNTED.time_wait, COUNTED.fin_wait_2]


def test_every_python_counts_the_same(host: SandboxHost) -> None:
    found = pythons()
    assert found
    host.set_sysctl("ip_local_reserved_ports", "45000,50000-50009")
    with sockets(host, *EVERY_KIND):
        for python in found:
            host.sh(f"mkdir -p /run/python && ln -sfn {python} /run/python/python3")
            only = 'is_binary() { [ "$1" = /run/python/python3 ]; }\n'
            census = census_of(host, ENGINES["sock_diag"] + only, path="/run/python")
            assert comparable(census) == COUNTED, python
            assert census.offset != "unknown"


def test_thousands_of_sockets_of_both_families_are_all_counted(host: SandboxHost) -> None:
    plan = [
        listen("127.0.0.1", 80),
        connect("127.0.0.1", 80, 1500, closes="server"),
        listen("::", 443),
        connect("::1", 443, 1200),
        connect("127.0.0.9", 443, 1100),
        listen("127.0.0.2", 3306),
        connect("127.0.0.2", 3306, 2000),
        connect("127.0.0.2", 3306, 300, closes="half"),
        connect("127.0.0.2", 3306, 200, closes="nobody"),
    ]
    with sockets(host, *plan):
        censuses = [census_of(host, changes) for changes in ENGINES.values()]
        ss = host.sh("ss -Htan state time-wait | awk '{ n[$4]++ } END { print NR, n[\"127.0.0.2:3306\"] }'").split()
    assert [int(word) for word in ss] == [5800, 2000]
    for census in censuses:
        assert (census.time_wait, census.fin_wait_2) == (5800, 300)
        assert census.inbound.ports == (Port(80, 1500, listener=True),)
        assert [(one.destination, one.sockets) for one in census.outbound.destinations] == [
            ("127.0.0.2", 2000),
            ("::1", 1200),
            ("127.0.0.9", 1100),
        ]


def test_open_connections_are_counted_where_nothing_waits(host: SandboxHost) -> None:
    plan = [listen("::", 443), connect("127.0.0.9", 443, 5, "nobody"), connect("::1", 443, 700, "nobody")]
    # The kernel gives it no port.
    plan += [connect("127.0.0.9", 443, 1, "nobody", source=5555)]
    # Of the listener's own end, which is left in CLOSE_WAIT, none is outbound.
    plan += [connect("127.0.0.8", 443, 2, "half")]
    with sockets(host, *plan):
        for method, changes in ENGINES.items():
            outbound = comparable(census_of(host, changes, top=2)).outbound
            assert (outbound.sockets, outbound.members) == (0, 3), method
            assert [(one.destination, one.sockets, one.open) for one in outbound.destinations] == [
                ("::1", 0, 700),
                ("127.0.0.9", 0, 5),
            ], method


def test_open_connections_of_ipv6_alone_are_counted_too(host: SandboxHost) -> None:
    with sockets(host, listen("::", 443), connect("::1", 443, 5, "nobody")):
        for method, changes in ENGINES.items():
            [one] = census_of(host, changes).outbound.destinations
            assert (one.destination, one.open) == ("::1", 5), method


def test_a_connection_that_waits_for_the_handshake_is_open(host: SandboxHost) -> None:
    client = (
        "import socket, sys\n"
        "client = socket.socket(); client.setblocking(False); client.connect_ex(('192.0.2.2', 443))\n"
        "print('ready', flush=True); sys.stdin.read()"
    )
    with peer(host, 443) as other:
        other.sh("nft 'table ip t { chain c { type filter hook input priority 0; tcp dport 443 drop; }; }'")
        with subprocess.Popen(
            host.entered(sys.executable, "-B", "-c", client), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
            for method, changes in ENGINES.items():
                [one] = census_of(host, changes).outbound.destinations
                assert (one.port, one.sockets, one.open) == (443, 0, 1), method


def test_a_host_without_time_wait_sockets_has_a_census_of_none(host: SandboxHost) -> None:
    for changes in ENGINES.values():
        census = census_of(host, changes)
        assert comparable(census) == Census(
            "sock_diag", whole=True, fin_wait_2=0, inbound=NONE, outbound=NONE, undetermined=NONE, offset="unknown"
        )


def test_the_established_connections_to_a_destination_tell_whether_it_negotiates_timestamps(host: SandboxHost) -> None:
    ports = {1001: "negotiated", 1002: "not_negotiated", 1003: "mixed", 1004: "unknown"}
    plan = [listen("::", port) for port in ports]
    plan += [connect("127.0.0.7", 1001, 3, "nobody"), connect("::1", 1001, 2, "nobody")]
    plan += [
        connect("127.0.0.7", 1003, 1, "nobody"),
        connect("127.0.0.7", 1002, 2, "nobody", sysctl="tcp_timestamps=0"),
    ]
    plan += [connect("127.0.0.7", 1003, 4, "nobody")]
    plan += [connect("127.0.0.7", port, 5) for port in ports] + [connect("::1", 1001, 4)]
    with sockets(host, *plan):
        for method in ("sock_diag", "ss"):
            census = census_of(host, ENGINES[method])
            found = {(one.destination, one.port): one for one in census.outbound.destinations}
            assert {port: found["127.0.0.7", port].timestamps for port in ports} == ports, method
            numbers = {
                key: (one.with_timestamps, one.without_timestamps) for key, one in found.items() if key[1] != 1004
            }
            assert numbers == {
                ("127.0.0.7", 1001): (3, 0),
                ("::1", 1001): (2, 0),
                ("127.0.0.7", 1002): (0, 2),
                ("127.0.0.7", 1003): (1, 4),
            }, method
        assert {one.timestamps for one in census_of(host, ENGINES["proc"]).outbound.destinations} == {"unknown"}


def test_only_as_many_groups_as_asked_for_are_named_those_with_most(host: SandboxHost) -> None:
    plan = [step for number in range(1, 7) for step in (listen("127.0.0.1", 100 + number),)]
    plan += [connect("127.0.0.1", 100 + number, number) for number in range(1, 7)]
    plan += [connect("127.0.0.1", 100 + number, number, closes="server") for number in range(1, 7)]
    with sockets(host, *plan):
        for changes in ENGINES.values():
            census = census_of(host, changes, top=2)
            assert [one.port for one in census.outbound.destinations] == [106, 105]
            assert [one.port for one in census.inbound.ports] == [106, 105]
            assert (census.outbound.sockets, census.outbound.members) == (21, 6)
            assert (census.inbound.sockets, census.inbound.members) == (21, 6)


def test_with_more_groups_than_memory_for_them_the_largest_is_named_and_no_total_is_wrong(host: SandboxHost) -> None:
    plan = [listen("::", 3306), connect("127.1.0.1", 3306, 400)]
    plan += [connect(f"127.2.0.{number}", 3306) for number in range(1, 120)]
    plan += [connect(f"127.3.0.{number}", 3306, closes="nobody") for number in range(1, 60)]
    with sockets(host, *plan):
        for method, changes in ENGINES.items():
            probe = Probe(sockets=True)
            script = script_for(probe, changes)
            assert script.count("32768") == 2
            [census] = censuses_of(ask(host, script.replace("32768", "16"), probe))
            assert census.outbound.sockets == 519, method
            largest = census.outbound.destinations[0]
            assert largest.destination == "127.1.0.1"
            assert census.outbound.lost > 0
            assert 400 - census.outbound.lost <= largest.sockets <= 400
            assert census.outbound.members <= 32


@pytest.mark.parametrize(
    ("modules", "symbols", "method"),
    [
        ("udp_diag 16384 0 - Live 0x0\ntcp_diag 16384 0 - Live 0x0\n", "", "sock_diag"),
        ("udp_diag 16384 0 - Live 0x0\n", "0000000000000000 t tcp_diag_dump\n", "sock_diag"),
        ("udp_diag 16384 0 - Live 0x0\n", "0000000000000000 t udp_diag_dump\n", "proc"),
    ],
)
def test_no_question_is_asked_that_would_load_a_kernel_module(
    host: SandboxHost, modules: str, symbols: str, method: str
) -> None:
    """This kernel has tcp_diag: where the files do not say so, neither sock_diag nor ss is asked."""
    host.write("/run/modules", modules)
    host.write("/run/kallsyms", symbols)
    install(host, "ss", "echo ss >>/run/asked")
    probe = Probe(sockets=True)
    script = script_for(probe).replace("/proc/modules", "/run/modules").replace("/proc/kallsyms", "/run/kallsyms")
    script = script.replace("/lib/modules/", "/run/no-modules/")
    with sockets(host, listen("127.0.0.1", 80), connect("127.0.0.1", 80, 3)):
        [census] = censuses_of(ask(host, script, probe, path=PROGRAMS))
    assert census.method == method
    assert census.outbound.sockets == 3
    assert not host.exists("/run/asked")


def test_an_empty_answer_that_the_kernel_contradicts_is_not_believed(host: SandboxHost) -> None:
    probe = Probe(sockets=True)
    script = script_for(probe)
    assert script.count("tally_of([TIME_WAIT, FIN_WAIT_2]") == 1
    script = script.replace("tally_of([TIME_WAIT, FIN_WAIT_2]", "tally_of([]")
    # Those that are open are told: they say nothing of those in TIME_WAIT.
    opened = connect("127.0.0.1", 80, 2, closes="nobody")
    with sockets(host, listen("127.0.0.1", 80), connect("127.0.0.1", 80, 3), opened):
        [census] = censuses_of(ask(host, script, probe))
        assert (census.method, census.outbound.sockets) == ("ss", 3)
        install(host, "ss", "exit 0")
        [census] = censuses_of(ask(host, script, probe, path=PROGRAMS))
        assert (census.method, census.outbound.sockets) == ("proc", 3)


def test_a_script_in_the_place_of_python_is_not_run(host: SandboxHost) -> None:
    for name in ("python3", "python"):
        install(host, name, "echo ran >>/run/ran; sleep 1000")
    assert census_of(host, path=PROGRAMS).method == "sock_diag"
    assert not host.exists("/run/ran")


def test_python_takes_no_module_from_the_directory_that_it_is_started_in(host: SandboxHost) -> None:
    for name in ("struct", "itertools", "_socket", "_collections"):
        host.write(f"/run/mine/{name}.py", "open('/run/ran', 'w').close()\n")
    install(host, "shell", 'cd /run/mine && PYTHONPATH=/run/mine exec sh "$@"')
    assert census_of(host, by=f"{PROGRAMS}/shell").method == "sock_diag"
    assert not host.exists("/run/ran")


def test_a_census_leaves_nothing_behind(host: SandboxHost) -> None:
    with sockets(host, listen("127.0.0.1", 80), connect("127.0.0.1", 80, 3)):
        seen = "ss -Htan | sort; ls -A /run | sort"
        host.write("/run/probe", "")
        before = (state(host), host.sh(seen), counters_in(host.read("/proc/net/netstat")))
        for changes in ENGINES.values():
            census_of(host, changes)
        host.write("/run/probe", "")
        # Not even a socket in TIME_WAIT that came and went.
        assert (state(host), host.sh(seen), counters_in(host.read("/proc/net/netstat"))) == before


def test_without_python_ss_and_awk_there_is_no_census(host: SandboxHost) -> None:
    nobody = (
        'have() { case $1 in awk | ss) return 1 ;; esac; command -v "$1" >/dev/null; }; by_python() { return 1; }\n'
    )
    probe = Probe(sockets=True)
    assert censuses_of(ask(host, script_for(probe, nobody), probe)) == ()


#: Between the two samples the test makes sockets.
SLEEP = "sleep() { : >/run/half; until [ -e /run/go ]; do command sleep 0.02; done; }\n"


@pytest.mark.parametrize("counted", [True, False])
def test_rates_are_what_happened_between_two_samples(host: SandboxHost, counted: bool) -> None:
    probe = Probe(sockets=counted, interval=1)
    host.write("/run/probe", script_for(probe, SLEEP))
    with sockets(host, listen("127.0.0.1", 80), connect("127.0.0.1", 80, 30)):
        enter = ["nsenter", "--target", str(host.pid), "--net", "--mount"]
        if os.geteuid() != 0:
            enter += ["--user", "--preserve-credentials"]
        running = subprocess.Popen([*enter, "--", "sh", "/run/probe"], stdout=subprocess.PIPE)
        host.sh("until [ -e /run/half ]; do sleep 0.02; done")
        with sockets(host, listen("127.0.0.1", 81), connect("127.0.0.1", 81, 50)):
            host.write("/run/go", "")
            answer, _nothing = running.communicate()
    sections = sections_of(answer, probe.nonce)
    censuses = censuses_of(sections)
    assert [census.outbound.sockets for census in censuses] == ([30, 80] if counted else [])
    rates = rates_of(sections, censuses)
    assert rates
    assert rates["seconds"]
    assert rates["time_wait"] == pytest.approx(50 / rates["seconds"], rel=0.01)
    assert (rates["reused"], rates["overflows"], rates["paws_drops"], rates["syn_drops"]) == (0, 0, 0, 0)


def test_a_destination_may_be_reached_with_a_range_of_ports_that_is_not_the_default(host: SandboxHost) -> None:
    host.set_sysctl("ip_local_port_range", "2000\t2100")
    with sockets(host, listen("127.0.0.1", 80), connect("127.0.0.1", 80, 60), connect("127.0.0.1", 80, source=40000)):
        for changes in ENGINES.values():
            census = census_of(host, changes)
            assert (census.outbound.sockets, census.undetermined.ports) == (60, (Port(40000, 1, listener=False),))


def test_on_a_big_endian_host_the_addresses_of_proc_are_read_as_they_are(host: SandboxHost) -> None:
    """The words of such a host, and a program of one."""
    line = "   0: 7F000001:9C40 0A000005:0CEA 06 00000000:00000000 03:00001742 00000000     0        0 0 3 0000\n"
    line6 = (
        "   0: 00000000000000000000FFFF7F000001:9C41 00000000000000000000FFFF0A000005:0CEA "
        "06 00000000:00000000 03:00001742 00000000     0        0 0 3 0000\n"
    )
    cover_proc_net(host, "tcp", "  sl  local_address rem_address   st\n" + line)
    host.sh("rm /run/covered/net/tcp6")
    host.write("/run/covered/net/tcp6", line6)
    big = ENGINES["proc"] + "byte_order() { echo big; }\n"
    census = census_of(host, big)
    assert census.outbound.destinations == (Destination("127.0.0.1", "10.0.0.5", 3306, 2),)
