# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ephemeral ports: how many there are, how many a destination takes, and for how long they last. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ._census import Census, Destination, endpoint
from ._snapshot import Snapshot
from ._values import PortRange, Value, ports_in, without

#: Whether a new connection may take over a TIME_WAIT socket to a destination. "partly": some of the connections that
#: were looked at negotiate timestamps; "unknown": none could be looked at.
Reuse = Literal["works", "partly", "off", "no_timestamps", "unknown"]
_BY_SAMPLE: Mapping[str, Reuse] = {"negotiated": "works", "mixed": "partly", "not_negotiated": "no_timestamps"}

#: What the kernel takes for loopback where tcp_tw_reuse is 2. Source: net/ipv4/tcp_ipv4.c, tcp_twsk_unique().
_LOOPBACK = tuple(map(ipaddress.ip_network, ("127.0.0.0/8", "::1/128")))
#: Before, every value but 0 meant on (79e9fed46038).
LOOPBACK_ONLY_SINCE = (4, 18)


def usable_ports(snapshot: Snapshot) -> int | None:
    """The ports of the range that are not reserved."""
    present = snapshot.knobs.get("ip_local_port_range")
    if not isinstance(present, PortRange):
        return None
    free = without((present,), ports_in(snapshot.knobs.get("ip_local_reserved_ports")))
    return sum(high - low + 1 for low, high in free)


@dataclass(frozen=True)
class Capacity:
    """New connections per second from one address to one port of another, for ever: each keeps its port for a while.

    TIME_WAIT lasts a minute but where a vendor's knob says otherwise (TCP_TIMEWAIT_LEN in include/net/tcp.h); reuse
    waits for a second but where tcp_tw_reuse_delay says otherwise. ``now`` is the one of both that the present settings
    lead to where the peer negotiates timestamps.
    """

    time_wait_seconds: int
    now: float | None
    without_reuse: float | None
    with_reuse: float | None


def capacity_of(snapshot: Snapshot) -> Capacity:
    usable = usable_ports(snapshot)
    seconds = _positive(snapshot.knobs.get("tcp_tw_timeout"), 60)
    delay = _positive(snapshot.knobs.get("tcp_tw_reuse_delay"), 1000)
    if usable is None:
        return Capacity(seconds, None, None, None)
    without_reuse, with_reuse = round(usable / seconds, 1), round(usable * 1000 / delay, 1)
    on = reuses_everywhere(snapshot) and snapshot.knobs.get("tcp_timestamps") != 0
    return Capacity(seconds, with_reuse if on else without_reuse, without_reuse, with_reuse)


def _positive(value: Value | None, default: int) -> int:
    return value if isinstance(value, int) and value > 0 else default


def reuses_everywhere(snapshot: Snapshot) -> bool:
    """Whether tcp_tw_reuse is on for other destinations than loopback, too."""
    value = snapshot.knobs.get("tcp_tw_reuse")
    return value == 1 or (value not in (None, 0) and snapshot.kernel.version < LOOPBACK_ONLY_SINCE)


def reuse_towards(snapshot: Snapshot, destination: Destination) -> Reuse:
    """Whether tcp_tw_reuse, as it is set now, helps connections to a destination."""
    nearby = snapshot.knobs.get("tcp_tw_reuse") == 2 and any(
        map(_is_loopback, (destination.source, destination.destination))
    )
    if not (nearby or reuses_everywhere(snapshot)):
        return "off"
    if snapshot.knobs.get("tcp_timestamps") == 0:
        return "no_timestamps"
    return _BY_SAMPLE.get(destination.timestamps, "unknown")


def _is_loopback(text: str) -> bool:
    address = ipaddress.ip_address(text)
    return any(address in network for network in _LOOPBACK)


@dataclass(frozen=True)
class Use:
    """What connections to a destination take of the ports.

    ``growth`` is by how many sockets in TIME_WAIT there are more each second, None where there was one look only.
    ``lifetime`` is how many seconds TIME_WAIT lasts.
    """

    destination: Destination
    usable: int | None
    reuse: Reuse
    growth: float | None
    lifetime: int = 60

    @property
    def share(self) -> float | None:
        """The part of the usable ports that sockets in TIME_WAIT and open ones take: 1 is all of it."""
        return round(self.destination.ports / self.usable, 4) if self.usable else None

    @property
    def seconds_left(self) -> float | None:
        """Until no port is left, if it goes on like that; None where some will be left for ever, or can be reused.

        Kernels end TIME_WAIT in batches, some seconds apart. Between two batches sockets only come, so that growth is
        how many come: as many as come while one lasts is how many there will be.
        """
        if self.usable is None or not self.growth or self.reuse == "works":
            return None
        free = self.usable - self.destination.open
        if self.growth * self.lifetime < free:
            return None
        return round(max(0, free - self.destination.sockets) / self.growth, 1)

    @property
    def name(self) -> str:
        return endpoint(self.destination.destination, self.destination.port)


def uses_of(snapshot: Snapshot, census: Census, growth: Mapping[Destination, float]) -> tuple[Use, ...]:
    """The destinations of a census, those that take most ports first."""
    usable, lifetime = usable_ports(snapshot), capacity_of(snapshot).time_wait_seconds
    return tuple(
        Use(one, usable, reuse_towards(snapshot, one), growth.get(one), lifetime)
        for one in census.outbound.destinations
    )
