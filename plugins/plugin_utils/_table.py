# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of many hosts as lines of text for people. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ._snapshot import printable

HEADINGS = ("HOST", "KERNEL", "EXPOSURE", "REUSE", "RECYCLE", "TIMESTAMPS", "TIME_WAIT", "FINDINGS")

_EXPOSURES = ("public_facing", "behind_nat", "private", "unclassified")


def table(facts: Mapping[str, Mapping[str, Any] | None]) -> list[str]:
    """A row for each host, then each finding with its evidence and remedy. None: the host gave no facts."""
    rows = [HEADINGS, *(_row(host, facts[host]) for host in sorted(facts))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    for host in sorted(facts):
        for finding in (facts[host] or {}).get("findings", ()):
            lines += ["", *_finding(host, finding)]
    return lines


def _row(host: str, facts: Mapping[str, Any] | None) -> Sequence[str]:
    name = printable(host)
    if facts is None:
        return (name, *["-"] * (len(HEADINGS) - 2), "no facts: unreachable, or the probe failed")
    knobs = [facts["sysctls"][knob] for knob in ("tcp_tw_reuse", "tcp_tw_recycle", "tcp_timestamps")]
    sockets = facts["sockets"]
    share = "" if sockets["share"] is None else f" ({sockets['share']:.0%})"
    findings = [f"{finding['severity']}: {finding['id']}" for finding in facts["findings"]]
    return (
        name,
        printable(facts["kernel"]["release"]),
        ", ".join(word for word in _EXPOSURES if facts["exposure"][word]["value"]),
        *("absent" if knob["value"] is None else str(knob["value"]) for knob in knobs),
        f"{sockets['time_wait']}{share}",
        ", ".join(map(printable, findings)) or "none",
    )


def _finding(host: str, finding: Mapping[str, Any]) -> list[str]:
    return [
        f"{printable(host)}: {printable(finding['severity'])}: {printable(finding['message'], 1000)}",
        *(f"    {printable(words)}" for words in finding["evidence"]),
        f"    remedy: {printable(finding['remedy'], 1000)}",
    ]
