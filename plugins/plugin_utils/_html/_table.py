# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of hosts in an HTML report. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ._entry import Entry
from ._markup import EMPTY, SPACE, Html, element, joined, text
from ._parts import (
    DASH,
    EXPOSURES,
    OFFSETS,
    STATES,
    cell,
    count,
    destination,
    gauge,
    mark,
    number,
    share,
    small,
    table,
    word,
)

HEADINGS: Final = (
    "Host", "Kernel", "Exposure", "Reuse", "Recycle", "Timestamps", "TIME_WAIT", "Worst destination", "Findings",
)  # fmt: skip
#: Findings named in a row; more would make rows of very different heights.
_MOST_FINDINGS: Final = 8


def hosts(entries: Sequence[Entry]) -> Html:
    """A row for each host. The script of the page makes it sortable, and shows the box in which to filter."""
    heading = element("h2", text("Hosts"))
    if not entries:
        return joined([heading, element("p", text("There are no hosts in this audit."))])
    rows = table(HEADINGS, map(_row, entries), "All hosts, the worst first", "cards fleet")
    box = element("div", rows, class_="scroll", tabindex=0, role="region", aria_label="Table of hosts")
    return joined([heading, _tools(), box])


def _tools() -> Html:
    """Hidden until the script of the page is there to serve it."""
    box = element("input", type="search", id="filter", autocomplete="off", spellcheck="false")
    only = element("input", type="checkbox", id="only")
    return element(
        "form",
        element("label", text("Filter"), SPACE, box),
        element("label", only, SPACE, text("Only hosts with findings or without facts")),
        element("output", id="shown"),
        id="tools",
        hidden="",
    )


def _row(entry: Entry) -> Html:
    head = element("th", entry.link, scope="row", role="rowheader")
    kind = "fine" if entry.state == "fine" else None
    if entry.facts is None:
        blank = [cell(DASH) for _heading in HEADINGS[2:]]
        return element("tr", head, *blank, cell(mark("silent"), value=_rank(entry)), role="row")
    return element("tr", head, *_cells(entry, entry.facts), role="row", class_=kind)


def _cells(entry: Entry, facts: Mapping[str, Any]) -> list[Html]:
    exposed = [words for name, words in EXPOSURES.items() if facts["exposure"][name]["value"]]
    offset = facts["timestamps"]["offset"]
    sockets = facts["sockets"]
    part = EMPTY if sockets["share"] is None else small(share(sockets["share"]), Html(" of limit"))
    return [
        cell(text(facts["kernel"]["release"])),
        cell(text(", ".join(exposed))),
        _knob(facts, "tcp_tw_reuse"),
        _knob(facts, "tcp_tw_recycle", alarming=entry.recycles),
        _knob(facts, "tcp_timestamps", EMPTY if offset in ("unknown", "none") else small(word(OFFSETS, offset))),
        cell(count(sockets["time_wait"]), SPACE, part, value=number(sockets["time_wait"]), kind="amount"),
        _worst(entry, counted=sockets["census"] is not None),
        cell(_findings(entry), value=_rank(entry)),
    ]


def _knob(facts: Mapping[str, Any], name: str, more: Html = EMPTY, *, alarming: bool = False) -> Html:
    value = facts["sysctls"][name]["value"]
    if value is None:
        return cell(small(text("absent")), kind="amount")
    shown = text(value)
    return cell(
        element("strong", shown, Html(" on")) if alarming else shown, SPACE, more, value=number(value), kind="amount"
    )


def _worst(entry: Entry, *, counted: bool) -> Html:
    worst = entry.worst
    if worst is None:
        return cell(small(text("none" if counted else "not counted")))
    part = EMPTY if worst["share"] is None else joined([gauge(worst["share"]), element("b", share(worst["share"]))])
    return cell(part, element("code", destination(worst)), value=number(worst["share"]))


def _findings(entry: Entry) -> Html:
    if not entry.findings:
        return mark("fine")
    lines = [
        element("li", mark(finding["severity"]), SPACE, element("code", text(finding["id"])))
        for finding in entry.findings[:_MOST_FINDINGS]
    ]
    more = len(entry.findings) - len(lines)
    return element("ul", *lines, element("li", small(text(f"and {more} more"))) if more else EMPTY)


def _rank(entry: Entry) -> float:
    """What the column of findings is sorted by: the worst of a host, then how many."""
    found = Counter(finding["severity"] for finding in entry.findings)
    place = len(STATES) - list(STATES).index(entry.state)
    return place * 1_000_000 + min(found["error"], 999) * 1000 + min(sum(found.values()), 999)
