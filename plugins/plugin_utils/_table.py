# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An audit as lines of text for people. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ._advice._finding import SEVERITIES
from ._audit import Facts, hosts_with, names_of, radii_of, reason_of
from ._census import endpoint
from ._snapshot import printable

HEADINGS = (
    "HOST", "KERNEL", "EXPOSURE", "REUSE", "RECYCLE", "TIMESTAMPS", "TIME_WAIT", "WORST DESTINATION", "FINDINGS",
)  # fmt: skip

_EXPOSURES = ("public_facing", "behind_nat", "private", "unclassified")
#: Findings named in a row, hosts with a finding whose evidence is shown, and further ones that are named.
MOST_IN_ROW, MOST_HOSTS, MOST_NAMES = 2, 3, 20


def table(facts: Facts, width: int = 100) -> list[str]:
    """A row for each host, then each finding with the hosts that have it, evidence and remedy, and the sums.

    Sentences are broken at ``width``, rows and commands are not.
    """
    rows = [HEADINGS, *(_row(host, facts[host]) for host in sorted(facts))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines += _radii(facts, width)
    for found in _grouped(facts):
        lines += ["", *_finding(found, width)]
    return [*lines, "", _sums(facts)]


def _radii(facts: Facts, width: int) -> list[str]:
    radii = radii_of(facts)
    lines: list[str] = []
    for radius in radii[:MOST_HOSTS]:
        words = f"{reason_of(radius)} ({', '.join(names_of(radius))})"
        nobody = f"whom {printable(radius.server)} drops is not known: the timestamps of no other host were tried"
        lines += ["", *_wrapped(words if radius.dropped else nobody, "", width)]
    if len(radii) > MOST_HOSTS:
        lines += ["", f"{len(radii) - MOST_HOSTS} more hosts have tcp_tw_recycle on"]
    return lines


def _row(host: str, facts: Mapping[str, Any] | None) -> Sequence[str]:
    name = printable(host)
    if facts is None:
        return (name, *["-"] * (len(HEADINGS) - 2), "no facts: not asked, or no answer")
    knobs = [facts["sysctls"][knob] for knob in ("tcp_tw_reuse", "tcp_tw_recycle", "tcp_timestamps")]
    sockets = facts["sockets"]
    share = "" if sockets["share"] is None else f" ({_percent(sockets['share'])} of limit)"
    return (
        name,
        printable(facts["kernel"]["release"]),
        ", ".join(word for word in _EXPOSURES if facts["exposure"][word]["value"]),
        *("absent" if knob["value"] is None else str(knob["value"]) for knob in knobs),
        "unknown" if sockets["time_wait"] is None else f"{sockets['time_wait']}{share}",
        _worst_destination(sockets["census"]),
        _findings_in_row(facts["findings"]),
    )


def _worst_destination(census: Mapping[str, Any] | None) -> str:
    """Where most connections of this host lead to, in TIME_WAIT or open, and the part of the ports they take."""
    if census is None:
        return "not counted"
    if not census["outbound"]["top"]:
        return "none"
    worst = census["outbound"]["top"][0]
    ports = "" if worst["share"] is None else f" ({_percent(worst['share'])} of ports)"
    return printable(f"{endpoint(worst['destination'], worst['port'])}{ports}")


def _percent(part: float) -> str:
    return "<1%" if 0 < part < 0.01 else f"{part:.0%}"


def _findings_in_row(findings: Sequence[Mapping[str, Any]]) -> str:
    words = [f"{printable(finding['severity'])}: {printable(finding['id'])}" for finding in findings[:MOST_IN_ROW]]
    if len(findings) > MOST_IN_ROW:
        words.append(f"{len(findings) - MOST_IN_ROW} more")
    return ", ".join(words) or "nothing wrong"


def _grouped(facts: Facts) -> list[dict[str, Mapping[str, Any]]]:
    """Findings that say the same of several hosts, by host; the worst first, then those of most hosts."""
    groups: dict[tuple[Any, ...], dict[str, Mapping[str, Any]]] = {}
    for host in sorted(facts):
        for finding in (facts[host] or {}).get("findings", ()):
            same = (finding["severity"], finding["id"], finding["message"], finding["remedy"], *finding["commands"])
            groups.setdefault(same, {})[host] = finding
    order = {severity: rank for rank, severity in enumerate(SEVERITIES)}
    return [groups[same] for same in sorted(groups, key=lambda same: (order[same[0]], -len(groups[same])))]


def _finding(found: Mapping[str, Mapping[str, Any]], width: int) -> Iterator[str]:
    finding, *_same = found.values()
    head = f"{printable(finding['severity'])}: {printable(finding['message'], 1000)} [{printable(finding['id'])}]"
    yield from _wrapped(head, "", width)
    for host in list(found)[:MOST_HOSTS]:
        yield f"    on {printable(host)}"
        for words in found[host]["evidence"]:
            yield from _wrapped(printable(words), "        ", width)
    if len(found) > MOST_HOSTS:
        others = list(found)[MOST_HOSTS:]
        names = ", ".join(printable(host) for host in others[:MOST_NAMES])
        more = ", ..." if len(others) > MOST_NAMES else ""
        yield from _wrapped(f"and on {len(others)} more: {names}{more}", "    ", width)
    yield from _wrapped(f"remedy: {printable(finding['remedy'], 1000)}", "    ", width)
    for command in finding["commands"]:
        yield f"    # {printable(command, 1000)}"


def _wrapped(words: str, indent: str, width: int) -> list[str]:
    return textwrap.wrap(
        words,
        width,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _sums(facts: Facts) -> str:
    """Each host by the worst that it has."""
    silent = sum(found is None for found in facts.values())
    numbers = [len(hosts_with(facts, SEVERITIES[: rank + 1])) for rank in range(len(SEVERITIES))]
    errors, warned, told = numbers
    parts = [f"{errors} with errors", f"{warned - errors} with warnings", f"{told - warned} with info only"]
    parts += [f"{len(facts) - silent - told} with nothing wrong", *([f"{silent} without facts"] if silent else [])]
    return f"{len(facts)} host{'' if len(facts) == 1 else 's'}: {', '.join(parts)}"
