# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run on a throwaway host: makes TIME_WAIT sockets, as fast as Python can, and waits for the end of its input.

usage: census_sockets.py SHAPE NUMBER WORKERS
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator

#: So many connections to one destination, of the ports that the range has.
TO_ONE = 20000
SERVED = 443

#: Where the listener is, and what the client binds when the listener's end is the one to close.
Plan = tuple[tuple[str, int], tuple[str, int] | None]


def outbound(worker: int, number: int) -> Iterator[Plan]:
    for turn in range(number):
        yield (f"127.{10 + worker}.{turn // TO_ONE}.1", 900), None


def outbound6(worker: int, number: int) -> Iterator[Plan]:
    for turn in range(number):
        yield ("::1", 2000 + 200 * worker + turn // TO_ONE), None


def inbound(worker: int, number: int) -> Iterator[Plan]:
    for turn in range(number):
        # A port that comes again would take the socket over that it had before.
        yield (f"127.{20 + worker}.0.1", SERVED), (f"127.{100 + worker}.{turn // TO_ONE}.1", 20000 + turn % TO_ONE)


def many(worker: int, number: int) -> Iterator[Plan]:
    """No two to the same destination."""
    for turn in range(number):
        yield (f"127.{30 + worker}.{turn >> 8 & 255}.{turn & 255}", 900 + (turn >> 16)), None


def mixed(worker: int, number: int) -> Iterator[Plan]:
    """Half of them outbound, and the rest inbound and IPv6."""
    plans = [outbound(worker, number // 2), inbound(worker, number // 4), outbound6(worker, number // 4)]
    for plan in plans:
        yield from plan


SHAPES: dict[str, Callable[[int, int], Iterator[Plan]]] = {"outbound": outbound, "mixed": mixed, "many": many}


def family_of(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def listener_at(address: str, port: int) -> socket.socket:
    made = socket.socket(family_of(address), socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    made.listen(16)
    return made


def make(plan: Iterator[Plan]) -> None:
    where, listener = ("", 0), None
    for to, source in plan:
        if to != where:
            if listener:
                listener.close()
            listener, where = listener_at(*to), to
        assert listener
        client = socket.socket(listener.family, socket.SOCK_STREAM)
        if source:
            client.bind(source)
        client.connect(to)
        server, _address = listener.accept()
        first, second = (server, client) if source else (client, server)
        first.close()
        # Two that close at once are in TIME_WAIT both.
        second.recv(1)
        second.close()


def main() -> None:
    shape, number, workers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    pids = []
    for worker in range(workers):
        pid = os.fork()
        if not pid:
            make(SHAPES[shape](worker, number // workers))
            os._exit(0)
        pids.append(pid)
    if any(os.waitpid(pid, 0)[1] for pid in pids):
        sys.exit("not all sockets could be made")
    with listener_at("127.0.0.1", SERVED):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
