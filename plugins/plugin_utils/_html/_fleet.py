# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an HTML report says of all hosts together. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ._entry import Entry
from ._markup import EMPTY, SPACE, Html, element, joined, text
from ._parts import (
    STATES,
    cell,
    count,
    destination,
    duration,
    gauge,
    mark,
    named,
    number,
    ports_taken,
    share,
    small,
    spaced,
    stack,
    table,
)

#: Hosts that are named in a sentence, and servers of which one is told.
_MOST_HOSTS: Final = 3
_MOST_SERVERS: Final = 25


def overview(entries: Sequence[Entry]) -> Html:
    """The figures of the fleet."""
    states = Counter(entry.state for entry in entries)
    counted = [entry.facts["sockets"]["time_wait"] for entry in entries if entry.facts]
    sockets = sum(int(number(found) or 0) for found in counted)
    recycling = sum(entry.recycles for entry in entries)
    figures = (
        ("Hosts", len(entries), None),
        ("With errors", states["error"], "error"),
        ("Gave no facts", states["silent"], "silent"),
        ("Warnings, no errors", states["warning"], "warning"),
        *((("Remarks only", states["info"], "info"),) if states["info"] else ()),
        ("Nothing wrong", states["fine"], "fine"),
        ("TIME_WAIT sockets", sockets, None),
        ("tcp_tw_recycle on", recycling, "error"),
    )
    boxes = [
        element(
            "div",
            element("dt", text(label)),
            element("dd", count(value)),
            class_=f"is-{state if value else 'none'}" if state else None,
        )
        for label, value, state in figures
    ]
    return joined(
        [
            element("h2", text("Fleet"), class_="unseen"),
            element("dl", *boxes, class_="figures"),
            stack((state, states[state]) for state in STATES),
            _worst(entries),
        ]
    )


def _worst(entries: Sequence[Entry]) -> Html:
    """The destination of all hosts that takes most of the ports."""
    found = [(entry, entry.worst) for entry in entries if entry.worst]
    asked = sum(bool(entry.facts and entry.facts["sockets"]["census"]) for entry in entries)
    answered = sum(entry.facts is not None for entry in entries)
    if not asked:
        return (
            element("p", text("Destinations are not known: sockets were not counted."), class_="note")
            if answered
            else EMPTY
        )
    scope = (
        EMPTY
        if asked == answered
        else joined([Html("; "), text(f"sockets were counted on {asked:,} of {answered:,} hosts")])
    )
    entry, worst = max(found, key=lambda pair: _weight(pair[1]), default=(None, None))
    if entry is None or worst is None:
        return element("p", text("No host has connections of its own"), scope, text("."), class_="note")
    left = EMPTY if worst["seconds_left"] is None else joined([Html(", full in "), duration(worst["seconds_left"])])
    taken = EMPTY if worst["share"] is None else joined([share(worst["share"]), Html(" of the ports, ")])
    return element(
        "p",
        element("span", text("Worst destination"), class_="label"),
        spaced(element("code", destination(worst)), text("from"), entry.link),
        gauge(worst["share"]),
        element("span", taken, count(ports_taken(worst)), Html(" sockets"), left, scope),
        class_="worst",
    )


def _weight(found: Mapping[str, Any] | None) -> tuple[float, float]:
    return (number(found["share"]) or 0, ports_taken(found)) if found else (0, 0)


def blast_radius(found: Sequence[Mapping[str, Any]], entries: Sequence[Entry]) -> Html:
    """Whom the servers with tcp_tw_recycle would drop."""
    if not found:
        return EMPTY
    by_name = {entry.name: entry for entry in entries}
    worst = sorted(found, key=lambda radius: (-len(radius["dropped"]), radius["server"]))
    lines = [element("li", _radius(radius, by_name)) for radius in worst[:_MOST_SERVERS]]
    more = len(worst) - len(lines)
    return joined(
        [
            element("h2", text("Who is dropped because of tcp_tw_recycle")),
            element("ul", *lines, class_="radius"),
            element("p", text(f"and by {more:,} more servers"), class_="note") if more else EMPTY,
            element("p", text(_WHOM), class_="note"),
        ]
    )


_WHOM: Final = (
    "A server with tcp_tw_recycle drops connections of hosts whose timestamps are random for each connection, that "
    "send none, or that share an address with others. Clients outside of this audit are hit alike."
)


def _radius(radius: Mapping[str, Any], by_name: Mapping[str, Entry]) -> Html:
    server = _host(str(radius["server"]), by_name)
    dropped = list(map(str, radius["dropped"]))
    unknown = int(number(radius["not_known"]) or 0)
    rest = joined([Html("; not known of "), count(unknown), Html(" more")]) if unknown else EMPTY
    if not dropped:
        return joined([Html("No host of this audit is known to be dropped by "), server, rest])
    names = named(dropped, _MOST_HOSTS, lambda name: _host(name, by_name))
    return joined(
        [
            element("b", count(len(dropped))),
            Html(" of your hosts would be dropped now and then by "),
            server,
            Html(": "),
            names,
            rest,
        ]
    )


def _host(name: str, by_name: Mapping[str, Entry]) -> Html:
    return by_name[name].link if name in by_name else text(name)


def findings(entries: Sequence[Entry]) -> Html:
    """Every kind of finding, and the hosts that have it."""
    kinds: dict[tuple[str, str], list[tuple[Entry, Mapping[str, Any]]]] = {}
    for entry in entries:
        for finding in entry.findings:
            kinds.setdefault((str(finding["severity"]), str(finding["id"])), []).append((entry, finding))
    if not kinds:
        return EMPTY
    order = list(STATES)
    ranked = sorted(
        kinds, key=lambda kind: (order.index(kind[0]) if kind[0] in order else len(order), -len(kinds[kind]))
    )
    rows = [_kind(kind, kinds[kind]) for kind in ranked]
    heading = element("h2", text("What is wrong"))
    return joined(
        [heading, table(("Severity", "Finding", "Hosts", "On"), rows, "Findings of all hosts", "cards kinds")]
    )


def _kind(kind: tuple[str, str], found: Sequence[tuple[Entry, Mapping[str, Any]]]) -> Html:
    severity, name = kind
    hosts = list({entry.number: entry for entry, _finding in found}.values())
    return element(
        "tr",
        cell(mark(severity)),
        cell(text(found[0][1]["message"], 1000), SPACE, small(element("code", text(name)))),
        cell(count(len(hosts)), kind="amount"),
        cell(named(hosts, _MOST_HOSTS, lambda entry: entry.link)),
        role="row",
    )
