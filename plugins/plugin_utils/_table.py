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
from ._snapshot import printable

HEADINGS = (
    "HOST", "KERNEL", "EXPOSURE", "REUSE", "RECYCLE", "TIMESTAMPS", "TIME_WAIT", "WORST DESTINATION", "FINDINGS",
)  # fmt: skip

_EXPOSURES = ("public_facing", "behind_nat", "private", "unclassified")
_SEVERAL = {"error": "errors", "warning": "warnings", "info": "info"}
#: Findings named in a row, and hosts named with a finding.
MOST_IN_ROW, MOST_HOSTS = 2, 3


def table(facts: Facts, width: int = 100) -> list[str]:
    """A row for each host, then each finding with the hosts that have it, evidence and remedy, and the sums.

    Sentences are broken at ``width``, rows and commands are not.
    """
    rows = [HEADINGS, *(_row(host, facts[host]) for host in sorted(facts))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    for radius in radii_of(facts):
        words = f"{reason_of(radius)} ({', '.join(names_of(radius))})"
        lines += ["", *_wrapped(words, "", width)] if radius.dropped else []
    for found in _grouped(facts):
        lines += ["", *_finding(found, width)]
    return [*lines, "", _sums(facts)]


def _row(host: str, facts: Mapping[str, Any] | None) -> Sequence[str]:
    name = printable(host)
    if facts is None:
        return (name, *["-"] * (len(HEADINGS) - 2), "no facts: unreachable, or the probe failed")
    knobs = [facts["sysctls"][knob] for knob in ("tcp_tw_reuse", "tcp_tw_recycle", "tcp_timestamps")]
    sockets = facts["sockets"]
    share = "" if sockets["share"] is None else f" ({sockets['share']:.0%} of limit)"
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
    """Where most TIME_WAIT sockets of this host's own connections lead to, and the part of the ports they take."""
    if census is None:
        return "not counted"
    if not census["outbound"]["top"]:
        return "none"
    worst = census["outbound"]["top"][0]
    address = f"[{worst['destination']}]" if ":" in worst["destination"] else worst["destination"]
    ports = "" if worst["share"] is None else f" ({worst['share']:.0%} of ports)"
    return printable(f"{address}:{worst['port']}{ports}")


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
        names = ", ".join(printable(host) for host in list(found)[MOST_HOSTS:])
        yield from _wrapped(f"and on {len(found) - MOST_HOSTS} more: {names}", "    ", width)
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
    silent = sum(found is None for found in facts.values())
    bad = hosts_with(facts, SEVERITIES)
    counts = [f"{len(hosts_with(facts, (severity,)))} with {_SEVERAL[severity]}" for severity in SEVERITIES]
    parts = [*counts, f"{len(facts) - silent - len(bad)} with nothing wrong", *([f"{silent} silent"] if silent else [])]
    return f"{len(facts)} host{'' if len(facts) == 1 else 's'}: {', '.join(parts)}"
