# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients, a router and a server, each a network namespace; the clients share the router's address, or do not."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
SERVER = "10.2.0.2"

#: A router with many connections hands a source port out again soon: this one has few, and forgets them at once.
NAT = """
table ip nat {{
    chain postrouting {{
        type nat hook postrouting priority 100
        oifname "server" ip protocol tcp snat to 10.2.0.1:20000-{last} fully-random
    }}
}}
"""


@dataclass(frozen=True)
class Scenario:
    """What is tried. ``clocks`` has one number for each client: for how many milliseconds longer it has been up."""

    title: str
    timestamps: int
    clocks: tuple[int, ...] = (0, 0)
    closes_first: str = "server"
    #: Source ports of the router; none: it does not translate addresses.
    ports: int = 20
    #: For how many seconds it keeps the port of a connection that has ended.
    keeps: int = 1
    #: Other settings of the server below net.ipv4.
    server: Mapping[str, int] = field(default_factory=dict)


class Namespace:
    """A network namespace that lives as long as a process of ours in it."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo ready; exec cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("no network namespace can be made")

    def command(self, *command: str) -> list[str]:
        return ["nsenter", f"--net=/proc/{self.process.pid}/ns/net", *command]

    def sh(self, script: str) -> str:
        done = subprocess.run(self.command("sh", "-ec", script), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{script}: {done.stderr}")
        return done.stdout

    def start(self, program: str, *arguments: str) -> subprocess.Popen[str]:
        """A program of this directory that runs in the namespace."""
        return subprocess.Popen(
            self.command(sys.executable, "-B", str(HERE / program), *arguments), stdout=subprocess.PIPE, text=True
        )

    def counter(self, name: str) -> int:
        """A counter of /proc/net/netstat; 0 on a kernel that lacks it."""
        lines = [line.split() for line in self.sh("cat /proc/net/netstat").splitlines()]
        found = dict(zip(lines[0], lines[1], strict=True))
        return int(found.get(name, 0))


class World:
    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.namespaces: list[Namespace] = []
        self.programs: list[subprocess.Popen[str]] = []
        self.server, self.router = self.namespace(), self.namespace()
        join(self.router, "server", self.server, "eth0")
        self.router.sh(
            "ip address add 10.2.0.1/24 dev server; ip link set server up; echo 1 >/proc/sys/net/ipv4/ip_forward"
        )
        for name, value in scenario.server.items():
            self.server.sh(f"echo {value} >/proc/sys/net/ipv4/{name}")
        self.server.sh(f"ip address add {SERVER}/24 dev eth0; ip link set eth0 up; ip route add default via 10.2.0.1")
        self.clients = [self.client(number, clock) for number, clock in enumerate(scenario.clocks, 1)]
        if scenario.ports:
            self.translate()
        self.run(self.server, "traffic.py", "server", *self.closing("server"))

    def namespace(self) -> Namespace:
        made = Namespace()
        self.namespaces.append(made)
        made.sh("ip link set lo up")
        return made

    def client(self, number: int, clock: int) -> Namespace:
        made, wire = self.namespace(), self.namespace()
        join(made, "eth0", wire, "left")
        join(self.router, f"client{number}", wire, "right")
        # The wire is no host: its kernel is to leave what comes along alone.
        wire.sh("for i in left right; do ip link set $i arp off; ip link set $i promisc on up; done")
        self.router.sh(f"ip address add 10.1.{number}.1/24 dev client{number}; ip link set client{number} up")
        made.sh(
            f"ip address add 10.1.{number}.2/24 dev eth0; ip link set eth0 up; "
            f"ip route add default via 10.1.{number}.1; "
            f"echo {self.scenario.timestamps} >/proc/sys/net/ipv4/tcp_timestamps"
        )
        self.run(wire, "wire.py", str(clock))
        return made

    def translate(self) -> None:
        rules = NAT.format(last=19999 + self.scenario.ports)
        subprocess.run(self.router.command("nft", "--file", "-"), input=rules, text=True, check=True)
        self.router.sh(f"echo {self.scenario.keeps} >/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_time_wait")

    def closing(self, who: str) -> list[str]:
        return ["--closes-first"] if self.scenario.closes_first == who else []

    def run(self, place: Namespace, program: str, *arguments: str) -> None:
        """Starts a program that runs until the end."""
        started = place.start(program, *arguments)
        self.programs.append(started)
        assert started.stdout
        if started.stdout.readline() != "ready\n":
            raise RuntimeError(f"{program} did not start")

    def connect(self, every: float, count: int) -> list[str]:
        """What the clients print, who each start so many connections."""
        asked = ["client", "--server", SERVER, "--every", str(every), "--count", str(count), *self.closing("client")]
        running = [client.start("traffic.py", *asked) for client in self.clients]
        outputs = [client.communicate()[0] for client in running]
        if any(client.returncode for client in running):
            raise RuntimeError("a client failed")
        return [line for output in outputs for line in output.splitlines()]

    def stop(self) -> None:
        for process in [*self.programs, *(each.process for each in self.namespaces)]:
            process.terminate()
            process.communicate()


def join(one: Namespace, name: str, other: Namespace, peer: str) -> None:
    """A cable between two namespaces; nothing is left to the network card, which is none."""
    one.sh(f"ip link add {name} type veth peer name {peer} netns {other.process.pid}")


@contextlib.contextmanager
def world(scenario: Scenario) -> Iterator[World]:
    made = World(scenario)
    try:
        yield made
    finally:
        made.stop()
