# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many connections per second a host can open to one destination for ever: as foretold, and as measured."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._ports import Capacity, capacity_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import Probe, probe_script, sections_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._snapshot import snapshot_of

from tests.sandbox.hosts import SandboxHost
from tests.system.peers import peer

#: Milliseconds; before Linux 6.14 it is always a second.
DELAYS = [1000, 500] if Path("/proc/sys/net/ipv4/tcp_tw_reuse_delay").exists() else [None]

#: Connects as often as the kernel lets it, after a pause once all ports are taken, and says when each connection was
#: there, in seconds since the one that took the last port.
_CLIENT = """
import json, socket, sys, time
ports, pause, number = json.loads(sys.argv[1])
times = []
while len(times) < ports + number:
    client = socket.socket()
    try:
        client.connect(("192.0.2.2", 3306))
        times.append(time.monotonic())
        if len(times) == ports:
            time.sleep(pause)
    except OSError:
        time.sleep(0.002)
    client.close()
print(json.dumps([one - times[ports - 1] for one in times[ports:]]))
"""


def capacity(host: SandboxHost) -> Capacity:
    probe = Probe()
    return capacity_of(snapshot_of(sections_of(host.sh(probe_script(probe)).encode(), probe.nonce)))


def usable(host: SandboxHost, ports: int) -> None:
    host.set_sysctl("ip_local_port_range", f"40000\t{40000 + ports - 1}")


def measured(host: SandboxHost, ports: int, pause: float, number: int) -> float:
    """Connections per second once all ports were taken, until ``number`` more were opened."""
    with peer(host, 3306):
        answer = host.run(sys.executable, "-B", "-c", _CLIENT, json.dumps([ports, pause, number])).stdout
    times: list[float] = json.loads(answer)
    return number / times[-1]


def test_without_reuse_it_is_ports_by_the_length_of_time_wait(host: SandboxHost) -> None:
    usable(host, 1000)
    foretold = capacity(host)
    assert foretold.now == foretold.without_reuse
    # A port that somebody had when all the others came free comes a minute later.
    assert measured(host, 1000, pause=58, number=990) == pytest.approx(foretold.now, rel=0.1)


@pytest.mark.parametrize("delay", DELAYS)
def test_with_reuse_it_is_ports_by_the_delay(host: SandboxHost, delay: int | None) -> None:
    # So few that a busy machine is fast enough.
    usable(host, 200)
    host.set_sysctl("tcp_tw_reuse", 1)
    if delay:
        host.set_sysctl("tcp_tw_reuse_delay", delay)
    foretold = capacity(host)
    assert foretold.now == foretold.with_reuse
    assert measured(host, 200, pause=0, number=1600) == pytest.approx(foretold.now, rel=0.1)
