# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The census of sockets: what may be asked of it, and what a host answered. Pure.

A socket is *inbound* where its local port has a listener: this host closed first, and reuse is irrelevant. It is
*outbound* where its local port is one that only the kernel gives to connections. All others are *undetermined*: the
listener is gone, the port was bound, or is reserved, or a listener stands inside the range of ephemeral ports. Open
connections count where they hold an ephemeral port, for a port is short whatever holds it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from ._script import Section
from ._values import BadRequest, asked_integer

#: Whoever counted: a Python of the host by sock_diag, ss, or awk over /proc/net/tcp.
Method = Literal["sock_diag", "ss", "proc"]
#: How a kernel offsets its timestamps.
Offset = Literal["per_connection", "per_host", "none", "unknown"]

SUBSETS = ("sockets",)
MOST_NAMED = 100
LONGEST_INTERVAL = 300


@dataclass(frozen=True)
class Wanted:
    """``top`` groups of each kind are named; between two samples are ``interval`` seconds, 0 for no second one."""

    sockets: bool = False
    top: int = 10
    interval: int = 0


@dataclass(frozen=True)
class Port:
    """A local port with TIME_WAIT sockets."""

    port: int
    sockets: int
    listener: bool


@dataclass(frozen=True)
class Destination:
    """From one address to one port of another: ``sockets`` in TIME_WAIT and ``open`` in any other state, each of which
    takes a port of its own.

    Of the connections to there that are established now and were looked at, so many negotiated timestamps, or did not.
    """

    source: str
    destination: str
    port: int
    sockets: int
    with_timestamps: int = 0
    without_timestamps: int = 0
    open: int = 0

    @property
    def ports(self) -> int:
        return self.sockets + self.open

    @property
    def timestamps(self) -> str:
        if self.with_timestamps and self.without_timestamps:
            return "mixed"
        return "negotiated" if self.with_timestamps else "not_negotiated" if self.without_timestamps else "unknown"


@dataclass(frozen=True)
class Group:
    """``sockets`` in TIME_WAIT in ``members`` groups, of which the largest are named.

    Among the members are destinations that have open connections only.
    """

    sockets: int
    members: int
    ports: tuple[Port, ...] = ()
    destinations: tuple[Destination, ...] = ()
    #: With very many groups, so many sockets of a named one may not be counted in it.
    lost: int = 0


@dataclass(frozen=True)
class Census:
    method: Method
    #: False where the kernel said again and again that it could not tell everything.
    whole: bool
    fin_wait_2: int
    inbound: Group
    outbound: Group
    undetermined: Group
    offset: Offset

    @property
    def time_wait(self) -> int:
        return self.inbound.sockets + self.outbound.sockets + self.undetermined.sockets


def wanted_of(arguments: Mapping[str, object]) -> Wanted:
    """What is asked for in an action's arguments. Raises BadRequest."""
    raw = arguments.get("gather_subset")
    words = raw.split(",") if isinstance(raw, str) else raw if isinstance(raw, (list, tuple)) else [raw]
    subset = {str(word).strip() for word in words if word not in (None, "")}
    if not subset <= set(SUBSETS):
        raise BadRequest(f"gather_subset can be {' or '.join(SUBSETS)}, not {ascii(raw)[:60]}")
    return Wanted(
        sockets="sockets" in subset,
        top=_number(arguments, "top", Wanted.top, 1, MOST_NAMED),
        interval=_number(arguments, "interval", Wanted.interval, 0, LONGEST_INTERVAL),
    )


def _number(arguments: Mapping[str, object], option: str, default: int, least: int, most: int) -> int:
    raw = arguments.get(option)
    if raw in (None, ""):
        return default
    number = asked_integer(option, raw)
    if not least <= number <= most:
        raise BadRequest(f"{option} must be from {least} to {most}, not {number}")
    return number


def censuses_of(sections: Sequence[Section]) -> tuple[Census, ...]:
    """Every census in an answer. Raises ValueError or IndexError where one is not as it should be."""
    return tuple(_census(section) for section in sections if section.name == "census")


def _census(section: Section) -> Census:
    method, *order = section.argument.split()
    lines = [line.split() for line in section.text.split("\n") if line]
    if lines[-1:] != [["end"]] or method not in get_args(Method):
        raise ValueError("a census without an end")
    by_word: dict[str, list[list[str]]] = {}
    for word, *rest in lines:
        by_word.setdefault(word, []).append(rest)

    def numbers(word: str) -> list[int]:
        return [_count(text) for text in by_word[word][0]]

    def named(word: str) -> list[list[str]]:
        return by_word.get(word, [])[:MOST_NAMED]

    little = order != ["big"]
    samples = {(_address(words[0], little=little), words[1]): words[2:] for words in named("timestamps")}
    destinations = (_destination(words, samples, little=little) for words in named("out"))
    inbound, outbound, undetermined = map(numbers, ("inbound", "outbound", "undetermined"))
    offset = by_word.get("offset", [["unknown"]])[0][0]
    if offset not in get_args(Offset):
        raise ValueError(f"timestamps with the offset {offset!r}")
    return Census(
        method=cast("Method", method),
        whole=numbers("whole") == [1],
        fin_wait_2=numbers("fin_wait_2")[0],
        inbound=Group(inbound[0], inbound[1], _ports(named("in"))),
        outbound=Group(
            outbound[0],
            outbound[1],
            destinations=tuple(
                sorted(destinations, key=lambda one: (-one.ports, one.source, one.destination, one.port))
            ),
            lost=outbound[2],
        ),
        undetermined=Group(undetermined[0], undetermined[1], _ports(named("other"))),
        offset=cast("Offset", offset),
    )


def _count(text: str) -> int:
    if not re.fullmatch("[0-9]{1,12}", text):
        raise ValueError(f"the number {text!r} in a census")
    return int(text)


def _ports(lines: Sequence[Sequence[str]]) -> tuple[Port, ...]:
    ports = (Port(_count(words[0]), _count(words[1]), words[2:] != ["free"]) for words in lines)
    return tuple(sorted(ports, key=lambda one: (-one.sockets, one.port)))


def _destination(
    words: Sequence[str], samples: Mapping[tuple[str, str], Sequence[str]], *, little: bool
) -> Destination:
    source, destination = (_address(text, little=little) for text in words[:2])
    sample = samples.get((destination, words[2]), ("0", "0"))
    port, waiting, opened, yes, no = map(_count, (*words[2:5], *sample))
    return Destination(source, destination, port, waiting, yes, no, opened)


def _address(text: str, *, little: bool) -> str:
    """An address as usual; in /proc/net it is in words of four bytes as they lie in memory. Raises ValueError."""
    if re.fullmatch("[0-9A-F]{8}|[0-9A-F]{32}", text):
        packed = bytes.fromhex(text)
        words = (packed[at : at + 4] for at in range(0, len(packed), 4))
        return str(ipaddress.ip_address(b"".join(word[::-1] if little else word for word in words)))
    # Without a scope, in which there may be anything.
    return str(ipaddress.ip_address(text.replace("%", " ")))


def endpoint(address: str, port: int) -> str:
    """``10.0.0.5:3306``, or ``[2001:db8::5]:443``."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def census_facts(census: Census, destinations: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A census as plain data; ``destinations`` are those that it names, as plain data already."""
    return {
        "method": census.method,
        "complete": census.whole,
        "time_wait": census.time_wait,
        "fin_wait_2": census.fin_wait_2,
        "inbound": {
            "sockets": census.inbound.sockets,
            "ports": census.inbound.members,
            "top": [{"port": one.port, "sockets": one.sockets} for one in census.inbound.ports],
        },
        "outbound": {
            "sockets": census.outbound.sockets,
            "destinations": census.outbound.members,
            "lost": census.outbound.lost,
            "top": list(destinations),
        },
        "undetermined": {
            "sockets": census.undetermined.sockets,
            "ports": census.undetermined.members,
            "top": [
                {"port": one.port, "sockets": one.sockets, "listener": one.listener}
                for one in census.undetermined.ports
            ],
        },
    }
