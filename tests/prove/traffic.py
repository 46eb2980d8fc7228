# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server and a client, each run in a namespace of its own: ``python traffic.py server|client ...``."""

from __future__ import annotations

import argparse
import contextlib
import json
import selectors
import socket
import sys
import time
from dataclasses import dataclass

PORT = 8080
#: After so many seconds a client gives a connection up.
PATIENCE = 15.0


def serve(*, closes_first: bool) -> None:
    with socket.create_server(("", PORT), backlog=1024) as listener:
        print("ready", flush=True)
        while True:
            peer, _address = listener.accept()
            with peer, contextlib.suppress(ConnectionError):
                if not closes_first:
                    peer.recv(1)


@dataclass
class Attempt:
    started: float
    connected: float | None = None


class Client:
    """Starts a connection every so often, whatever became of those before."""

    def __init__(self, server: str, *, closes_first: bool) -> None:
        self.server = server
        self.closes_first = closes_first
        self.attempts: list[Attempt] = []
        self.selector = selectors.DefaultSelector()

    def run(self, every: float, count: int) -> None:
        begin = time.monotonic()
        while len(self.attempts) < count or self.selector.get_map():
            due = begin + len(self.attempts) * every
            now = time.monotonic()
            if len(self.attempts) < count and now >= due:
                self.start(now)
                continue
            # What was started must come to its end: as late as its patience has it.
            self.advance(min(max(due - now, 0.0), 0.5) if len(self.attempts) < count else 0.5)

    def start(self, now: float) -> None:
        attempt = Attempt(now)
        self.attempts.append(attempt)
        connection = socket.socket()
        connection.settimeout(0)
        connection.connect_ex((self.server, PORT))
        self.selector.register(connection, selectors.EVENT_WRITE, attempt)

    def advance(self, timeout: float) -> None:
        for key, _events in self.selector.select(timeout):
            connection, attempt = key.fileobj, key.data
            assert isinstance(connection, socket.socket)
            if attempt.connected is None and connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                attempt.connected = time.monotonic()
                if not self.closes_first:
                    self.selector.modify(connection, selectors.EVENT_READ, attempt)
                    continue
            self.end(connection)
        for key in list(self.selector.get_map().values()):
            if time.monotonic() - key.data.started > PATIENCE:
                self.end(key.fileobj)

    def end(self, connection: object) -> None:
        assert isinstance(connection, socket.socket)
        self.selector.unregister(connection)
        connection.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["server", "client"])
    parser.add_argument("--closes-first", action="store_true")
    parser.add_argument("--server")
    parser.add_argument("--every", type=float)
    parser.add_argument("--count", type=int)
    arguments = parser.parse_args()
    if arguments.role == "server":
        serve(closes_first=arguments.closes_first)
    client = Client(arguments.server, closes_first=arguments.closes_first)
    begin = time.monotonic()
    client.run(arguments.every, arguments.count)
    for each in client.attempts:
        took = None if each.connected is None else each.connected - each.started
        json.dump({"at": each.started - begin, "took": took}, sys.stdout)
        print()


if __name__ == "__main__":
    main()
