# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trials of a kernel, with real connections over loopback: the program that runs in a guest. It prints JSON.

Needs root, and a Linux from 3.9 on (TCP_TIMESTAMP). It leaves settings as they were, but for what the trial is about.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any

IPV4 = Path("/proc/sys/net/ipv4")
#: include/uapi/linux/tcp.h
TCP_REPAIR, TCP_TIMESTAMP = 19, 24

SERVER, PEER, OTHER = "127.0.0.1", "127.0.0.2", "127.0.0.3"
#: An address of the guest that is not in 127.0.0.0/8: "loopback" in the sense of tcp_tw_reuse = 2 it is not.
NOT_LOOPBACK = "10.99.0.1"
#: By how many ticks of its clock a host is ahead of another: 16 minutes or more.
AHEAD = 1_000_000
#: For so long a connection is waited for: SYNs go out at 0, 1 and 3 seconds.
PATIENCE = 4


def counters() -> dict[str, int]:
    """TcpExt of /proc/net/netstat."""
    lines = [line.split() for line in Path("/proc/net/netstat").read_text(encoding="ascii").splitlines()]
    names, values = [words[1:] for words in lines if words[0] == "TcpExt:"][:2]
    return dict(zip(names, map(int, values), strict=True))


def setting(name: str, value: str) -> str:
    """Sets it; the value until now."""
    before = (IPV4 / name).read_text(encoding="ascii").strip()
    (IPV4 / name).write_text(value, encoding="ascii")
    return before


def listener(address: str, port: int) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    made.listen(16)
    return made


def seconds_to_connect(source: tuple[str, int], server: socket.socket) -> float | None:
    """How long a connection takes; None when it is not there in PATIENCE seconds. It ends with a reset."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.bind(source)
        client.settimeout(PATIENCE)
        begin = time.monotonic()
        try:
            client.connect(server.getsockname())
        except TimeoutError:
            return None
        return round(time.monotonic() - begin, 2)


def of_a_host_that_is_ahead(server: socket.socket) -> int:
    """A connection from PEER, of a host that has been up for longer; the server closes first. The port it came from."""
    with socket.socket() as client:
        client.bind((PEER, 0))
        client.connect(server.getsockname())
        accepted, _address = server.accept()
        port: int = client.getsockname()[1]
        client.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        now = client.getsockopt(socket.IPPROTO_TCP, TCP_TIMESTAMP)
        client.setsockopt(socket.IPPROTO_TCP, TCP_TIMESTAMP, struct.pack("I", (now + AHEAD) % (1 << 32)))
        client.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 0)
        client.sendall(b"x")
        accepted.recv(1)
        accepted.close()
        client.recv(1)
    # The last segments are on their way.
    time.sleep(0.2)
    return port


def trial_shared_address(port: int = 9001) -> dict[str, Any]:
    """Two hosts behind one address: one that is ahead has been here, the other one connects; and somebody else."""
    with listener(SERVER, port) as server:
        of_a_host_that_is_ahead(server)
        before = counters()
        other = seconds_to_connect((OTHER, 0), server)
        same = seconds_to_connect((PEER, 0), server)
        after = counters()
    names = ("PAWSPassive", "ListenDrops", "ListenOverflows")
    rises = {name: after[name] - before[name] for name in names if name in after}
    return {"same_address": same, "other_address": other, "rises": rises}


def trial_clock(port: int = 9002) -> dict[str, Any]:
    """Whether PAWS notices who is ahead: the same port again, while the server keeps TIME_WAIT of the first."""
    with listener(SERVER, port) as server:
        source = of_a_host_that_is_ahead(server)
        before = counters()
        took = seconds_to_connect((PEER, source), server)
        after = counters()
    names = ("PAWSEstab", "PAWSTimewait")
    return {"seconds": took, "rejected": sum(after.get(name, 0) - before.get(name, 0) for name in names)}


def trial_reuse(first_port: int = 8080) -> dict[str, Any]:
    """With two ephemeral ports, both in TIME_WAIT: what a third connection meets, for each value of tcp_tw_reuse.

    tcp_tw_reuse is 2 afterwards.
    """
    values = (0, 1, 2)
    ports = setting("ip_local_port_range", "40000 40001")
    setting("tcp_tw_reuse", "0")
    servers = [listener(NOT_LOOPBACK, first_port + value) for value in values]
    for server in servers:
        for _twice in range(2):
            client = socket.socket()
            client.connect(server.getsockname())
            accepted, _address = server.accept()
            client.close()
            accepted.recv(1)
            accepted.close()
    # More than a second, as the kernel counts them: whole ones.
    time.sleep(3)
    found = {str(value): one_more(server, value) for value, server in zip(values, servers, strict=True)}
    setting("ip_local_port_range", ports)
    return found


def one_more(server: socket.socket, reuse: int) -> dict[str, Any]:
    setting("tcp_tw_reuse", str(reuse))
    before = counters()["TWRecycled"]
    try:
        with socket.socket() as client:
            client.settimeout(PATIENCE)
            client.connect(server.getsockname())
    except OSError as error:
        return {"error": errno.errorcode.get(error.errno or 0, str(error)), "taken_over": 0}
    finally:
        server.close()
    return {"error": None, "taken_over": counters()["TWRecycled"] - before}


def trial_offset() -> dict[str, Any]:
    """What the census' own program says of this kernel's timestamps, asked by itself."""
    program: dict[str, Any] = {"__name__": "census"}
    exec(Path("/guest/census.py").read_text(encoding="ascii"), program)  # noqa: S102
    return {"offset": program["offset_of_timestamps"]()}


def is_random_by_default() -> bool:
    """Since Linux 4.10 only 2 makes all connections of a host tell one clock."""
    major, minor = os.uname().release.split(".")[:2]
    return (int(major), int("".join(filter(str.isdigit, minor)))) >= (4, 10)


TRIALS = {
    "shared_address": trial_shared_address,
    "clock": trial_clock,
    "reuse": trial_reuse,
    "offset": trial_offset,
}


def main(name: str) -> None:
    ours = name != "offset" and is_random_by_default()
    before = setting("tcp_timestamps", "2") if ours else ""
    found = TRIALS[name]()
    if ours:
        setting("tcp_timestamps", before)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
