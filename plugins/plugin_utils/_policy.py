# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be set on which host. Pure. Everything that refuses asks here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ._containers import set_from_outside, words_for
from ._dropin import Place
from ._exposure import Exposure
from ._knobs import KNOBS
from ._request import Request
from ._snapshot import Parent, Snapshot, printable
from ._values import PortRange, Value, merged, ports_in, without

RECYCLE = KNOBS["tcp_tw_recycle"]

#: Since 4.10 Linux randomises timestamps; recycle then drops even peers that share no address.
RANDOM_OFFSETS_SINCE = (4, 10)

REMEDY = (
    "Leave tcp_tw_recycle at 0. For outgoing connections tcp_tw_reuse: 1 with timestamps on both ends does what "
    "recycle was set for; for incoming ones let the clients close first, or keep connections alive."
)


@dataclass(frozen=True)
class Refusal:
    """Why a value is not set. ``evidence`` is what was found, each in a few words."""

    key: str
    value: int
    reason: str
    evidence: tuple[str, ...]
    remedy: str = REMEDY


class Impossible(Exception):
    """The host cannot be brought to what is asked for; the message says why and what to do. Nothing was touched."""


def recycle_refusals(value: int, exposure: Exposure, snapshot: Snapshot) -> tuple[Refusal, ...]:
    """Every reason against setting tcp_tw_recycle to ``value`` on this host; none when it is 0, or may be set.

    Not 0 is the test: every non-zero value, a negative one too, drops connections alike.
    """
    release = f"kernel {snapshot.kernel.release}"
    return (
        *exposure_refusals(value, exposure),
        *_refusals(
            value,
            (
                "this kernel has no tcp_tw_recycle (it was removed in Linux 4.12)",
                () if RECYCLE.name in snapshot.knobs else (f"{release}, no /proc/sys/{RECYCLE.path}",),
            ),
            (
                "from Linux 4.10 on timestamps are randomised, and recycle drops peers that share no address",
                (release,) if snapshot.kernel.version >= RANDOM_OFFSETS_SINCE else (),
            ),
        ),
    )


def exposure_refusals(value: int, exposure: Exposure) -> tuple[Refusal, ...]:
    """The reasons that need no look at the host: for whoever knows its tags alone."""
    return _refusals(
        value,
        (
            "this host is public-facing: clients that share an address behind NAT would lose connections at random",
            exposure.public_facing,
        ),
        (
            "this host is behind NAT: connections that share an address would be dropped at random",
            exposure.behind_nat,
        ),
        (
            "nobody has attested that this host is private; without a tag it is taken to be exposed",
            ("no tag private, public_facing or behind_nat for this host",) if exposure.unclassified else (),
        ),
    )


def _refusals(value: int, *reasons: tuple[str, tuple[str, ...]]) -> tuple[Refusal, ...]:
    return tuple(Refusal(RECYCLE.key, value, reason, evidence) for reason, evidence in reasons if evidence and value)


PEERS_DROPPED = (
    "any peer whose kernel randomises timestamps per connection (Linux 4.10, and every Linux with the fix for "
    "CVE-2026-23247 of March 2026), or that is not Linux, will lose connections at random, with or without NAT. "
    "tcp_tw_reuse: 1 is the remedy"
)
RECYCLE_WARNING = f"tcp_tw_recycle is set on a host attested private: {PEERS_DROPPED}"


def check_host(snapshot: Snapshot, request: Request) -> None:
    """Raises Impossible for a host on which nothing can be tuned at all."""
    if snapshot.kernel.system != "Linux":
        raise Impossible(f"this host runs {snapshot.kernel.system or 'an unknown system'}; this collection tunes Linux")
    if snapshot.uid not in (0, None):
        raise Impossible(
            f"changing sysctls takes root, and this task runs as the user with uid {snapshot.uid}. Add become: true"
        )
    for name in ("tcp_tw_reuse", "tcp_timestamps"):
        # Where an image is built, the kernel is that of the builder, and /proc may not be there.
        if name not in snapshot.knobs and request.apply_to != "boot":
            raise Impossible(_missing(name, snapshot))


def _missing(name: str, snapshot: Snapshot) -> str:
    return _out_of_sight(name, snapshot) or (
        f"/proc/sys/{KNOBS[name].path} cannot be read. Is /proc mounted, and TCP part of this kernel?"
    )


def _out_of_sight(name: str, snapshot: Snapshot) -> str | None:
    """The words for a knob that only the machine that runs a container has; None where each namespace has its own."""
    since, version = KNOBS[name].namespaced, snapshot.kernel.version
    exists = version >= (KNOBS[name].since or version)
    if snapshot.initial_namespace or since is None or version >= since or not exists:
        return None
    return (
        f"{name} cannot be seen from here: before Linux {since[0]}.{since[1]} it exists in the initial network "
        f"namespace only, and this is kernel {snapshot.kernel.release} in another one "
        f"({words_for(snapshot.container)}). Tune the host itself"
    )


def check_values(request: Request, snapshot: Snapshot) -> None:
    """Raises Impossible for a value that means something else, or does harm, on this very host."""
    if request.values["tcp_tw_reuse"] == 2 and snapshot.kernel.version < (4, 18):
        raise Impossible(
            f"tcp_tw_reuse: 2 means 'loopback only' since Linux 4.18; kernel {snapshot.kernel.release} takes every "
            "value but 0 for 'on for all connections'. Ask for 1, or 0"
        )
    wanted = request.values.get("ip_local_port_range")
    if isinstance(wanted, PortRange):
        _check_port_range(wanted, request, snapshot)


def _check_port_range(wanted: PortRange, request: Request, snapshot: Snapshot) -> None:
    start = snapshot.unprivileged_port_start
    if start is not None and wanted.low < start:
        raise Impossible(
            f"ip_local_port_range: {wanted.low} is below net.ipv4.ip_unprivileged_port_start, which is {start} here; "
            f"the kernel refuses such a range. Begin it at {start} or above"
        )
    reserved = [
        *ports_in(request.values.get("ip_local_reserved_ports")),
        *ports_in(snapshot.knobs.get("ip_local_reserved_ports")),
    ]
    present = snapshot.knobs.get("ip_local_port_range")
    added = without((wanted,), merged([*reserved, *([present] if isinstance(present, PortRange) else [])]))
    exposed = [port for port in snapshot.listeners if any(low <= port <= high for low, high in added)]
    if exposed:
        ports = ", ".join(map(str, exposed[:20]))
        raise Impossible(
            f"ip_local_port_range: {wanted.low} to {wanted.high} would take in ports that services listen on: {ports}. "
            "An outgoing connection could take such a port before its service starts again. Reserve them "
            f"(ip_local_reserved_ports: [{ports}]) or choose another range"
        )


def unsupported(name: str, snapshot: Snapshot) -> str:
    """The warning for a knob that is asked for and that this kernel does not have."""
    if name == "tcp_tw_timeout":
        return (
            "tcp_tw_timeout: this kernel fixes TIME_WAIT at 60 s when it is compiled (TCP_TIMEWAIT_LEN); nothing was "
            "set. Only some vendors' kernels have a knob for it"
        )
    hidden = _out_of_sight(name, snapshot)
    if hidden:
        return hidden
    since = KNOBS[name].since
    added = f" (Linux {since[0]}.{since[1]} added it)" if since else ""
    return f"{name}: kernel {snapshot.kernel.release} has no such knob{added}; nothing was set"


def recycle_unseen(snapshot: Snapshot) -> str | None:
    """The warning that "absent" does not mean "off" here; None where it does."""
    gone = RECYCLE.removed is not None and snapshot.kernel.version >= RECYCLE.removed
    if RECYCLE.name in snapshot.knobs or snapshot.initial_namespace or gone:
        return None
    return (
        f"tcp_tw_recycle cannot be seen from here: kernel {snapshot.kernel.release} may have it, in the initial "
        "network namespace only, and its value there holds for this container too. Check the machine that runs it"
    )


def shares_network(snapshot: Snapshot) -> str | None:
    """The warning that a container's values are those of the machine that runs it; None where they are its own."""
    if not (snapshot.container and snapshot.initial_namespace):
        return None
    return (
        f"this is {words_for(snapshot.container)} in the network of the machine that runs it (--network=host, "
        "hostNetwork): its values are that machine's, which reads no file in here when it boots. Tune that machine "
        "itself"
    )


def check_writable(values: Mapping[str, Value], snapshot: Snapshot) -> None:
    """Raises Impossible for knobs that cannot be written on this host; ``values`` are what they were to be."""
    refused = {name: value for name, value in values.items() if name in snapshot.not_writable}
    if refused:
        keys = ", ".join(KNOBS[name].key for name in refused)
        words = next(snapshot.not_writable[name] for name in refused)
        raise Impossible(
            f"{keys} cannot be written here: {words}. {_who_can(refused, snapshot)}. "
            "apply_to: boot leaves the running kernel alone"
        )


def _who_can(values: Mapping[str, Value], snapshot: Snapshot) -> str:
    shared = shares_network(snapshot)
    if shared:
        return shared[0].upper() + shared[1:]
    if snapshot.container is None:
        return (
            "In a container this is decided from outside: run it privileged, or with this sysctl set by whoever starts "
            "it"
        )
    return (
        f"This is {words_for(snapshot.container)}, so it is decided by whoever starts it: "
        f"{set_from_outside(snapshot.container, values)}; or run it privileged"
    )


def check_place(place: Place, snapshot: Snapshot, request: Request) -> None:
    """Raises Impossible where a text of ours cannot be written, or others could replace it."""
    alone = "; apply_to: runtime leaves files alone" if request.apply_to == "both" else ""
    if place.block:
        if not snapshot.sysctl_conf_writable:
            raise Impossible(f"{place.path} cannot be written to; {_READ_ONLY}{alone}")
    elif snapshot.parent:
        _check_directory(place.path.rpartition("/")[0], snapshot.parent, alone)


_READ_ONLY = (
    "is its file system mounted read-only? Mount it read-write, or put the settings into the image that this host is "
    "made from"
)


def _check_directory(directory: str, parent: Parent, alone: str) -> None:
    if parent.kind == "missing":
        raise Impossible(f"there is no directory {directory}. Make it: mkdir -p {directory}{alone}")
    if parent.kind != "directory" or parent.link:
        raise Impossible(f"{directory} is a link, or no directory. Only a real directory is written to")
    if not parent.writable:
        raise Impossible(f"{directory} cannot be written to; {_READ_ONLY}{alone}")
    if parent.mode and (parent.uid != "0" or parent.mode[8] == "w" or (parent.mode[5] == "w" and parent.gid != "0")):
        raise Impossible(
            f"{directory} may be written by others than root ({printable(parent.mode)}, owner "
            f"{printable(parent.uid)}), who could replace the file. "
            f"Mend it with: chown root:root {directory} && chmod 755 {directory}"
        )
