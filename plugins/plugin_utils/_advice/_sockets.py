# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about sockets: whose TIME_WAIT they are, and which ports they take. Pure.

All but the last need the census, and some the rates. A high number of TIME_WAIT sockets is no finding: by itself it is
no problem, and ports are short only towards one destination.
"""

from __future__ import annotations

from collections.abc import Iterable

from .._observed import Observed
from .._ports import Use
from .._snapshot import Snapshot
from .._values import PortRange, Value, kernel_text, merged, ports_in, without
from ._finding import Finding, is_now, kept, sysctl

#: Parts of the usable ports that a destination takes: none is left (a few are always on their way from one state to
#: another), few are left, and so many that it matters what its peer negotiates.
ALL, MOST, MUCH = 0.99, 0.8, 0.1
#: So many sockets make people ask what can be tuned.
MANY = 1000
#: Where a kubelet listens, and the ports of services that Kubernetes hands out unless told otherwise.
KUBELET, NODE_PORTS = 10250, PortRange(30000, 32767)
#: So many segments may be late duplicates.
FEW = 3
#: What a range of ports may well begin with and end with.
WIDE = PortRange(15000, 60999)


def reuse_irrelevant_here(host: Observed) -> Finding | None:
    census = host.census
    if not census or census.inbound.sockets < MANY or census.inbound.sockets * 2 < census.time_wait:
        return None
    ports = ", ".join(f"{one.sockets} of port {one.port}" for one in census.inbound.ports[:5])
    return Finding(
        "reuse_irrelevant_here",
        "info",
        "most TIME_WAIT sockets here are of connections that came in and that this host closed first: no value of "
        "tcp_tw_reuse changes anything for them",
        (f"{census.inbound.sockets} of {census.time_wait} TIME_WAIT sockets are inbound: {ports}",),
        "nothing needs to be set: they take no port and about 256 bytes each. To have fewer, let the clients close "
        "first, or keep connections alive",
    )


def _held(use: Use, host: Observed) -> int:
    """How many ports to a destination no new connection gets: of those that are open, and in TIME_WAIT."""
    # Reuse is counted for the whole host: what it says of one destination it says where no other has TIME_WAIT.
    alone = host.census is not None and host.census.outbound.sockets == use.destination.sockets
    reused = alone and bool(host.rates and host.rates["reused"]) and use.reuse in ("partly", "unknown")
    return use.destination.open if use.reuse == "works" or reused else use.destination.ports


def _is_exhausted(use: Use, host: Observed) -> bool:
    return bool(use.usable) and _held(use, host) >= ALL * (use.usable or 0)


def _runs_out(use: Use, host: Observed) -> bool:
    if not use.usable or _is_exhausted(use, host):
        return False
    held = _held(use, host)
    return held >= MOST * use.usable or (held >= MUCH * use.usable and use.seconds_left is not None)


def ports_exhausted(host: Observed) -> Finding | None:
    uses = [use for use in host.uses if _is_exhausted(use, host)]
    if not uses:
        return None
    return Finding(
        "ports_exhausted",
        "error",
        f"no ephemeral port is left for connections to {_names(uses)}: connect() fails with EADDRNOTAVAIL, 'Cannot "
        "assign requested address'",
        tuple(map(_taken, uses)),
        *_more_ports(uses, host.snapshot),
    )


def ports_running_out(host: Observed) -> Finding | None:
    uses = [use for use in host.uses if _runs_out(use, host)]
    if not uses:
        return None
    return Finding(
        "ports_running_out",
        "warning",
        f"ephemeral ports for connections to {_names(uses)} are running out",
        tuple(map(_taken, uses)),
        *_more_ports(uses, host.snapshot),
    )


def _names(uses: Iterable[Use]) -> str:
    names = list(dict.fromkeys(use.name for use in uses))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


#: Of sockets in TIME_WAIT.
_REUSE = {
    "works": "TIME_WAIT can be reused",
    "partly": "some TIME_WAIT can be reused",
    "off": "tcp_tw_reuse is off for them",
    "no_timestamps": "without timestamps at both ends TIME_WAIT cannot be reused",
    "unknown": "whether TIME_WAIT can be reused is not known, as no connection is established that would tell",
}


def _taken(use: Use) -> str:
    one = use.destination
    taken = [f"{one.sockets} TIME_WAIT sockets"] if one.sockets or not one.open else []
    taken += [f"{one.open} open connection{'' if one.open == 1 else 's'}"] if one.open else []
    words = [f"{one.source} to {use.name}: {' and '.join(taken)} of {use.usable} usable ports"]
    if one.sockets:
        words.append(_REUSE[use.reuse])
    if use.growth:
        words.append(f"{use.growth:+g} per second")
    if use.seconds_left is not None:
        words.append(f"none is left in {use.seconds_left:g} s at that rate")
    return "; ".join(words)


def _more_ports(uses: list[Use], snapshot: Snapshot) -> tuple[str, tuple[str, ...]]:
    """What to do where ports are short, the best first, and the commands for what can be set."""
    first = []
    if any(_wait(use) for use in uses):
        first.append("keep connections alive or pool them: no connection, no TIME_WAIT")
    if any(use.destination.open >= MUCH * (use.usable or 0) for use in uses):
        first.append(
            "close connections that nobody needs (ss -tn shows them; one in CLOSE-WAIT its program has forgotten)"
        )
    commands, settings = [], []
    if any(use.reuse == "off" and use.destination.timestamps != "not_negotiated" and _wait(use) for use in uses):
        values: dict[str, Value] = {"tcp_tw_reuse": 1}
        if snapshot.knobs.get("tcp_timestamps") == 0:
            values["tcp_timestamps"] = 1
        commands.append(sysctl(**values))
        settings.append("tcp_tw_reuse=1, with timestamps at both ends")
    wider = _wider(snapshot)
    if wider:
        commands.append(sysctl(**wider))
        variables = ", ".join(f"timewait_{name}: '{kernel_text(value)}'" for name, value in wider.items())
        settings.append(
            f"a wider range of ports, where no service is configured with one of the new ones ({kept(variables)})"
        )
    settings.append("more ports or addresses at the destination, or of this host")
    return "; ".join([*first, *settings]), tuple(commands)


def _wait(use: Use) -> bool:
    """Whether it is sockets in TIME_WAIT, too, that take the ports."""
    return use.destination.sockets >= MUCH * (use.usable or 0)


def _wider(snapshot: Snapshot) -> dict[str, Value]:
    """A wider range, and the listeners that it would take in as reserved ports; nothing where it is wide already."""
    present = snapshot.knobs.get("ip_local_port_range")
    if not isinstance(present, PortRange):
        return {}
    low = max(WIDE.low, snapshot.unprivileged_port_start or 0)
    wide = PortRange(min(low, present.low), max(WIDE.high, present.high))
    if wide == present:
        return {}
    reserved = ports_in(snapshot.knobs.get("ip_local_reserved_ports"))
    inside = _listening_in(wide, reserved, snapshot)
    if KUBELET in snapshot.listeners:
        # Nobody listens on the ports of services, which are translated.
        inside.append(NODE_PORTS)
    return {
        **({"ip_local_reserved_ports": merged([*reserved, *inside])} if inside else {}),
        "ip_local_port_range": wide,
    }


def _listening_in(ports: PortRange, reserved: tuple[PortRange, ...], snapshot: Snapshot) -> list[PortRange]:
    free = without((ports,), reserved)
    return [PortRange(port, port) for port in snapshot.listeners if any(low <= port <= high for low, high in free)]


def peers_without_timestamps(host: Observed) -> Finding | None:
    # Those of this host are another finding.
    if host.snapshot.knobs.get("tcp_timestamps") == 0:
        return None
    uses = [use for use in host.uses if use.destination.timestamps == "not_negotiated" and use.usable and _wait(use)]
    if not uses:
        return None
    return Finding(
        "peers_without_timestamps",
        "warning",
        f"tcp_tw_reuse cannot help towards {_names(uses)}: that peer does not negotiate timestamps",
        tuple(
            f"{use.name}: {use.destination.sockets} TIME_WAIT sockets of {use.usable} usable ports; none of "
            f"{use.destination.without_timestamps} established connections has timestamps"
            for use in uses
        ),
        f"on the peer: {sysctl(tcp_timestamps=1)} (a load balancer or firewall in between may take them out, too). "
        "Until then keep connections alive, or give it more ports or addresses",
    )


def nat_timestamp_disorder(host: Observed) -> Finding | None:
    census, rates = host.census, host.rates
    rate = rates["paws_time_wait"] if rates else None
    if not census or not rates or not rate or not census.inbound.sockets:
        return None
    own = "PAWSTimewait" in host.snapshot.counters
    counter = "PAWSTimewait" if own else "PAWSEstab, which counts late duplicates on established connections too"
    ports = ", ".join(str(one.port) for one in census.inbound.ports[:5])
    certain = own and rate * (rates["seconds"] or 0) >= FEW
    return Finding(
        "nat_timestamp_disorder",
        "warning" if certain else "info",
        f"clients that share an address {'' if certain else 'may '}wait for seconds now and then when they connect: a "
        "NAT gives them the source port of a connection that this host closed and keeps in TIME_WAIT, and their "
        "timestamps look old",
        (
            f"{rate:g} segments per second dropped for their timestamp within {rates['seconds']} s ({counter})",
            f"{census.inbound.sockets} TIME_WAIT sockets of connections that this host closed first (port {ports})",
        ),
        "no setting of this host helps but tcp_max_tw_buckets=0, which gives up TIME_WAIT: do not. What does: let the "
        "clients close first, or keep connections alive (a change of the application); more ports or addresses for the "
        "NAT (rarer, not impossible), or one that keeps a port for longer than 60 s, as conntrack's default of 120 s "
        "does; tcp_timestamps=2 on a client that is alone behind its address (its uptime can be seen again). See "
        "docs/timestamps-2026.md",
    )


def reserved_ports_missing(host: Observed) -> Finding | None:
    snapshot = host.snapshot
    present, default = (where.get("ip_local_port_range") for where in (snapshot.knobs, snapshot.defaults))
    if not isinstance(present, PortRange):
        return None
    reserved = ports_in(snapshot.knobs.get("ip_local_reserved_ports"))
    exposed = _listening_in(present, reserved, snapshot)
    if not exposed:
        return None
    # In the kernel's own range stand services, too, that took whatever port was free: those are not to be reserved.
    widened = [
        port for port in exposed if isinstance(default, PortRange) and not default.low <= port.low <= default.high
    ]
    return Finding(
        "reserved_ports_missing",
        "warning" if widened else "info",
        "a service listens on a port that outgoing connections may take: once it stops, one may, and the service does "
        "not start again",
        (
            f"listeners on {kernel_text(merged(exposed[:50]))}",
            is_now("ip_local_port_range", snapshot),
            f"net.ipv4.ip_local_reserved_ports is {kernel_text(reserved) or 'empty'}",
        ),
        "reserve those that a service is configured with, not those that it takes as they come; "
        + kept("timewait_ip_local_reserved_ports"),
        (sysctl(ip_local_reserved_ports=merged([*reserved, *widened])),) if widened else (),
    )
