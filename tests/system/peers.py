# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second network namespace beside a throwaway host, with a wire between them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.sandbox.hosts import SandboxHost

HOST, PEER = "192.0.2.1", "192.0.2.2"

#: Accepts connections on these ports; the other end closes first. It ends with its input.
_SERVER = """
import json, selectors, socket, sys
selector = selectors.DefaultSelector()
for port in json.loads(sys.argv[1]):
    listener = socket.create_server(("192.0.2.2", port), backlog=4096)
    selector.register(listener, selectors.EVENT_READ, True)
selector.register(sys.stdin, selectors.EVENT_READ, None)
print("ready", flush=True)
while True:
    for key, _events in selector.select():
        if key.data is None:
            sys.exit()
        if key.data:
            selector.register(key.fileobj.accept()[0], selectors.EVENT_READ, False)
        else:
            selector.unregister(key.fileobj)
            key.fileobj.close()
"""
#: Connects to a port so many times, closes all but those that are to stay, each when its other end has closed too, and
#: says what became of each.
_CLIENT = """
import errno, json, socket, sys
port, times, stay = json.loads(sys.argv[1])
held, answers = [], []
for number in range(times):
    client = socket.socket()
    try:
        client.connect(("192.0.2.2", port))
        answers.append("connected")
    except OSError as error:
        answers.append(errno.errorcode[error.errno])
    if number < stay:
        held.append(client)
        continue
    if answers[-1] == "connected":
        # In TIME_WAIT, not in FIN_WAIT_2, however late the other end is.
        client.shutdown(socket.SHUT_WR)
        client.recv(1)
    client.close()
print(json.dumps(answers), flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Peer:
    """The other namespace, as a process in it."""

    host: SandboxHost
    pid: int

    def sh(self, script: str) -> None:
        """Runs a script in the network of the peer, where the values of its knobs are its own."""
        self.host.run("nsenter", f"--net=/proc/{self.pid}/ns/net", "/bin/sh", "-ec", script)


@contextmanager
def _program(command: list[str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A program that has printed its first line, and ends with its input."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process, process.stdout.readline()


@contextmanager
def peer(host: SandboxHost, *ports: int) -> Iterator[Peer]:
    """A peer at PEER that listens on these ports; the host is HOST to it."""
    with _program(host.entered("unshare", "--net", "sh", "-c", "echo $$; exec cat")) as (_process, pid):
        made = Peer(host, int(pid))
        host.sh(
            f"ip link add near type veth peer name far netns {made.pid}\n"
            f"ip address add {HOST}/24 dev near; ip link set near up"
        )
        # Between two processors a FIN may overtake the ACK before it. A socket in TIME_WAIT answers such an ACK, the
        # peer, which has closed, answers with RST, and that would end a TIME_WAIT now and then.
        host.set_sysctl("tcp_rfc1337", 1)
        made.sh(f"ip link set lo up; ip address add {PEER}/24 dev far; ip link set far up")
        enter = ["nsenter", f"--net=/proc/{made.pid}/ns/net", sys.executable, "-B", "-c", _SERVER]
        with _program(host.entered(*enter, json.dumps(ports))) as (_server, ready):
            assert ready == "ready\n"
            yield made


@contextmanager
def connections(host: SandboxHost, port: int, times: int, stay: int = 0) -> Iterator[list[str]]:
    """The host connects to its peer, and closes all but ``stay`` of them first; what became of each."""
    client = host.entered(sys.executable, "-B", "-c", _CLIENT, json.dumps([port, times, stay]))
    with _program(client) as (_process, answers):
        yield json.loads(answers)
