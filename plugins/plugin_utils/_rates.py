# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast things happen on a host: two samples of its counters and its sockets. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ._census import Census, Destination
from ._script import Section
from ._snapshot import counters_in, time_wait_in

#: What happened per second, by name, and how many ``seconds`` were between the samples. None where no counter tells.
Rates = Mapping[str, float | None]

#: Sockets that came into TIME_WAIT, or into FIN_WAIT_2 of the same kind: counted when they come since Linux 5.18
#: ("tcp/dccp: no longer use twsk_net(tw) from tw_timer_handler()"), and when their time is over before that. Then the
#: number of those that are there says more while it grows. Vendors backport, so both are looked at.
CAME = ("TW", "TWKilled")
#: What a rate is the sum of; counters that a kernel lacks count as nothing, unless it lacks all of them.
SUMS: Mapping[str, tuple[str, ...]] = {
    "reused": ("TWRecycled",),
    "overflows": ("TCPTimeWaitOverflow",),
    "paws_drops": ("PAWSPassive", "PAWSActive", "PAWSEstab", "PAWSTimewait"),
    "syn_drops": ("ListenDrops",),
}
#: What counts segments that came to a socket in TIME_WAIT with a timestamp too old: since about 6.16 it has a counter
#: of its own; before that, those of established connections are among them.
PAWS_TIME_WAIT = ("PAWSTimewait", "PAWSEstab")


@dataclass(frozen=True)
class Sample:
    uptime: float
    counters: Mapping[str, int]
    #: Sockets in TIME_WAIT, and in FIN_WAIT_2 of the same kind; None where nothing tells.
    sockets: int | None


def rates_of(sections: Sequence[Section], censuses: Sequence[Census]) -> Rates | None:
    """What happened between two samples, per second; None without two. Raises ValueError where a number is none."""
    samples = _samples(sections, censuses)
    if len(samples) != 2:
        return None
    first, second = samples
    seconds = second.uptime - first.uptime
    if seconds <= 0:
        return None

    def rise(names: Sequence[str]) -> int | None:
        # A counter of 32 bits may have begun again.
        rises = [max(0, second.counters[name] - first.counters[name]) for name in names if name in first.counters]
        return sum(rises) if rises else None

    def rate(number: int | None) -> float | None:
        return None if number is None else round(max(0, number) / seconds, 2)

    of_time_wait = next((name for name in PAWS_TIME_WAIT if name in first.counters), PAWS_TIME_WAIT[0])
    more = None if None in (first.sockets, second.sockets) else (second.sockets or 0) - (first.sockets or 0)
    came = rise(CAME)
    return {
        "seconds": round(seconds, 2),
        "time_wait": None if more is None or came is None else rate(max(came, more)),
        **{name: rate(rise(names)) for name, names in SUMS.items()},
        "paws_time_wait": rate(rise((of_time_wait,))),
    }


def growth_of(censuses: Sequence[Census], rates: Rates | None) -> dict[Destination, float]:
    """By how many sockets in TIME_WAIT each destination of the last census has more per second; nothing without two."""
    seconds = rates and rates["seconds"]
    if not seconds or len(censuses) != 2:
        return {}
    first, second = censuses
    before = {_key(one): one.sockets for one in first.outbound.destinations}
    # One that was not named may have had as many as the last that was.
    all_named = len(before) == first.outbound.members
    return {
        one: round((one.sockets - before.get(_key(one), 0)) / seconds, 2)
        for one in second.outbound.destinations
        if all_named or _key(one) in before
    }


def _key(one: Destination) -> tuple[str, str, int]:
    return one.source, one.destination, one.port


def _samples(sections: Sequence[Section], censuses: Sequence[Census]) -> list[Sample]:
    def texts(name: str) -> list[str]:
        return [section.text for section in sections if section.name == f"sample_{name}"]

    uptimes, netstats, sockstats = texts("uptime"), texts("netstat"), texts("sockstat")
    if not len(uptimes) == len(netstats) == len(sockstats):
        return []
    # Before Linux 4.11 sockstat counts the sockets of all network namespaces, and a census those of this one.
    counted: list[int | None] = [census.time_wait + census.fin_wait_2 for census in censuses]
    if len(counted) != len(uptimes):
        counted = [time_wait_in(text) for text in sockstats]
    return [
        Sample(float(uptime.split()[0]), counters_in(netstat), sockets)
        for uptime, netstat, sockets in zip(uptimes, netstats, counted, strict=True)
    ]
