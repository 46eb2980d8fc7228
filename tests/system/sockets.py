# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real sockets on a throwaway host. This file is also the program that makes them there."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.sandbox.hosts import SandboxHost


def listen(address: str, port: int, gone: bool = False) -> dict[str, Any]:
    """A listener; with ``gone`` it is closed once all is done."""
    return {"do": "listen", "address": address, "port": port, "gone": gone}


def connect(
    address: str, port: int, times: int = 1, closes: str = "client", *, source: int = 0, sysctl: str = ""
) -> dict[str, Any]:
    """Connections to a listener. ``closes`` says who closes: client, server, half (only the client), nobody.

    ``source`` is a port that the client binds; ``sysctl``, such as tcp_timestamps=0, holds from here on.
    """
    return {
        "do": "connect", "address": address, "port": port, "times": times, "closes": closes, "source": source,
        "sysctl": sysctl,
    }  # fmt: skip


@contextmanager
def sockets(host: SandboxHost, *plan: dict[str, Any]) -> Iterator[None]:
    """The host has these sockets, and holds those that somebody must hold until this ends."""
    enter = ["nsenter", "--target", str(host.pid), "--net", "--mount"]
    if os.geteuid() != 0:
        enter += ["--user", "--preserve-credentials"]
    process = subprocess.Popen(
        [*enter, "--", sys.executable, "-B", __file__, json.dumps(plan)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield
    finally:
        # It ends with its input.
        process.communicate()


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _connect(step: dict[str, Any], listener: socket.socket, held: list[socket.socket]) -> None:
    client = socket.socket(_family(step["address"]), socket.SOCK_STREAM)
    if step["source"]:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.bind((step["address"], step["source"]))
    client.connect((step["address"], step["port"]))
    server, _address = listener.accept()
    first, second = (server, client) if step["closes"] == "server" else (client, server)
    if step["closes"] != "nobody":
        first.close()
    if step["closes"] in ("half", "nobody"):
        held += [first, second]
    else:
        # Two that close at once are in TIME_WAIT both.
        second.recv(1)
        second.close()


def _wait_until_closed() -> None:
    """Until no socket is on its way from one state to another: FIN_WAIT_1, LAST_ACK, CLOSING."""
    # A kernel may have no IPv6.
    tables = [path for path in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")) if path.exists()]
    while True:
        lines = [line.split() for path in tables for line in path.read_text().splitlines()]
        if not {words[3] for words in lines} & {"04", "09", "0B"}:
            return
        time.sleep(0.01)


def _main(plan: list[dict[str, Any]]) -> None:
    listeners: dict[int, socket.socket] = {}
    held: list[socket.socket] = []
    for step in plan:
        if step["do"] == "listen":
            made = socket.socket(_family(step["address"]), socket.SOCK_STREAM)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if made.family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            made.bind((step["address"], step["port"]))
            made.listen(16)
            listeners[step["port"]] = made
            continue
        if step["sysctl"]:
            name, _equals, value = step["sysctl"].partition("=")
            Path("/proc/sys/net/ipv4", name).write_text(value)
        for _time in range(step["times"]):
            _connect(step, listeners[step["port"]], held)
    for step in plan:
        if step.get("gone"):
            listeners.pop(step["port"]).close()
    _wait_until_closed()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
