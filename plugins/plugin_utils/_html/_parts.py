# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small parts of the HTML report: numbers with their units, bars, marks of severity. Pure.

What is no number where one is expected is shown as the text it is: nothing of a host is trusted to be well formed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from .._advice._sockets import MOST
from .._census import endpoint
from ._markup import EMPTY, SPACE, Html, element, joined, text

T = TypeVar("T")

DASH: Final = Html("&ndash;")
DOT: Final = Html(" &middot; ")
#: How a host is, the worst first. A silent one may be anything.
STATES: Final[Mapping[str, str]] = {
    "error": "error",
    "silent": "no facts",
    "warning": "warning",
    "info": "info",
    "fine": "nothing wrong",
}
REUSES: Final[Mapping[str, str]] = {
    "works": "works",
    "partly": "works in part",
    "off": "off",
    "no_timestamps": "no timestamps",
    "unknown": "not known",
}
OFFSETS: Final[Mapping[str, str]] = {
    "per_connection": "per connection",
    "per_host": "per host",
    "none": "none",
    "unknown": "not known",
}
TIMESTAMPS: Final[Mapping[str, str]] = {
    "negotiated": "negotiated",
    "not_negotiated": "not negotiated",
    "mixed": "mixed",
    "unknown": "not known",
}
EXPOSURES: Final[Mapping[str, str]] = {
    "public_facing": "public-facing",
    "behind_nat": "behind NAT",
    "private": "private",
    "unclassified": "unclassified",
}


def ports_taken(found: Mapping[str, Any]) -> float:
    """By a destination: those of its sockets in TIME_WAIT and of the open ones."""
    return sum(number(found[name]) or 0 for name in ("sockets", "open"))


def number(value: object) -> float | None:
    """The value where it is a number, to compare and to sort by."""
    finite = isinstance(value, (int, float)) and math.isfinite(value)
    return float(value) if finite and isinstance(value, (int, float)) else None


def word(words: Mapping[str, str], value: object) -> Html:
    return text(words.get(str(value), value))


def _shown(value: object, form: Callable[[float], str]) -> Html:
    if value is None:
        return DASH
    found = number(value)
    return text(value) if found is None else text(form(found))


def count(value: object) -> Html:
    return _shown(value, "{:,.0f}".format)


def share(value: object) -> Html:
    """A part of a whole, in percent."""
    return _shown(value, _percent)


def _percent(value: float) -> str:
    return "<1%" if 0 < value < 0.005 else f"{value:,.0%}"


def per_second(value: object) -> Html:
    return _shown(value, lambda rate: f"{_amount(rate)}/s")


def _amount(value: float) -> str:
    if 0 < abs(value) < 0.05:
        return "<0.1" if value > 0 else ">-0.1"
    return f"{value:,.1f}" if abs(value) < 10 and not value.is_integer() else f"{value:,.0f}"


def duration(value: object) -> Html:
    """Seconds, in the unit that a person would use."""
    return _shown(value, _time)


def _time(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.0f} s"


def many(amount: int, one: str, more: str) -> Html:
    """``1 host``, ``2 hosts``."""
    return text(f"{amount:,} {one if amount == 1 else more}")


def gauge(value: object) -> Html:
    """A bar for a share; the number always stands beside it. An SVG: the page's policy allows no style in elements."""
    part = number(value)
    if part is None:
        return EMPTY
    width = max(0.0, min(100.0, part * 100))
    return element(
        "svg",
        element("rect", width=100, height=8, class_="track"),
        element("rect", width=f"{width:.4g}", height=8, class_="full" if part >= MOST else None),
        class_="bar",
        viewBox="0 0 100 8",
        preserveAspectRatio="none",
        aria_hidden="true",
    )


def stack(parts: Iterable[tuple[str, int]]) -> Html:
    """One bar for the hosts in each state."""
    found = [(state, amount) for state, amount in parts if amount]
    total = sum(amount for _state, amount in found)
    rects, at = [], 0.0
    for state, amount in found:
        width = amount * 1000 / total
        rects.append(element("rect", x=f"{at:.5g}", width=f"{width:.5g}", height=8, class_=f"is-{state}"))
        at += width
    return element(
        "svg", *rects, class_="stack", viewBox="0 0 1000 8", preserveAspectRatio="none", aria_hidden="true"
    ) if rects else EMPTY  # fmt: skip


def mark(state: object) -> Html:
    """How severe something is, in a word, so that colours are not needed."""
    known = state if isinstance(state, str) and state in STATES else "info"
    return element("span", word(STATES, state), class_=f"mark is-{known}")


def destination(entry: Mapping[str, Any]) -> Html:
    """Address and port of a destination."""
    return text(endpoint(str(entry["destination"]), entry["port"]))


def named(things: Sequence[T], most: int, show: Callable[[T], Html]) -> Html:
    """Some of many things, and how many more there are."""
    some = things if len(things) <= most + 1 else things[:most]
    listed = joined(map(show, some), Html(", "))
    more = len(things) - len(some)
    return joined([listed, Html(" and "), count(more), Html(" more")]) if more else listed


def pairs(rows: Iterable[tuple[str, Html]]) -> Html:
    """A list of names and values."""
    return element("dl", *(element("div", element("dt", text(key)), element("dd", value)) for key, value in rows))


def table(headings: Iterable[str], rows: Iterable[Html], caption: str, kind: str) -> Html:
    """A table with roles: where a narrow page shows rows as cards, browsers forget that it is one."""
    heads = [element("th", text(heading), scope="col", role="columnheader") for heading in headings]
    return element(
        "table",
        element("caption", text(caption)),
        element("thead", element("tr", *heads, role="row"), role="rowgroup"),
        element("tbody", *rows, role="rowgroup"),
        class_=kind,
        role="table",
    )


def cell(*children: Html, value: float | None = None, kind: str | None = None) -> Html:
    """``value`` is what a column of numbers is sorted by."""
    return element("td", *children, role="cell", class_=kind, data_v=None if value is None else f"{value:.10g}")


def small(*children: Html) -> Html:
    return element("small", *children)


def spaced(*parts: Html) -> Html:
    return joined([part for part in parts if part], SPACE)
