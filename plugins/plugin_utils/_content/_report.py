# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings as data and as lines of text. Pure.

Paths are relative to the working directory when they are below it, else absolute.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .._exposure import Exposure
from .._snapshot import printable
from ._judge import RANK, relative
from ._model import Finding, Note, Position, ReachedHost, Severity

_EXPOSED = ("public_facing", "behind_nat")


@dataclass(frozen=True)
class Report:
    """What a run of the lint came to."""

    findings: tuple[Finding, ...]
    notes: tuple[Note, ...]
    files: int
    #: The working directory.
    directory: str

    @property
    def shown(self) -> tuple[Finding, ...]:
        """The findings that nobody silenced."""
        return tuple(finding for finding in self.findings if not finding.skipped)

    @property
    def counts(self) -> dict[Severity, int]:
        found = Counter(finding.severity for finding in self.shown)
        return {severity: found[severity] for severity in RANK}


def as_data(report: Report, most_hosts: int | None = None) -> dict[str, Any]:
    """The JSON report. ``most_hosts`` bounds the list of hosts of each finding, the exposed ones first."""
    hosts = _Hosts(most_hosts)
    return {
        "findings": [
            {
                "path": relative(finding.path, report.directory),
                "line": finding.line,
                "reaches": _position(finding.reaches, report.directory),
                "rule": finding.rule,
                "severity": finding.severity,
                "key": finding.key,
                "value": finding.value,
                "hosts": hosts.of(finding),
                "message": finding.message,
                "remedy": finding.remedy,
            }
            for finding in report.shown
        ],
        "notes": [
            {"path": relative(note.path, report.directory), "line": note.line, "message": printable(note.message)}
            for note in report.notes
        ],
    }


class _Hosts:
    """Hosts as data, made once for all findings that share them: there may be ten thousand."""

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._made: dict[int, list[dict[str, Any]]] = {}

    def of(self, finding: Finding) -> list[dict[str, Any]]:
        known = id(finding.hosts)
        if known not in self._made:
            hosts: Sequence[ReachedHost] = finding.hosts or ()
            if self._most is not None:
                hosts = sorted(hosts, key=lambda host: host.exposure.attested_private)[: self._most]
            self._made[known] = [_host(host) for host in hosts]
        return self._made[known]


def _host(host: ReachedHost) -> dict[str, Any]:
    return {"name": host.name, "exposure": exposure_words(host.exposure)}


def exposure_words(exposure: Exposure) -> list[str]:
    """``["public_facing"]``, ``["public_facing", "behind_nat"]``, ``["private"]`` or ``["unclassified"]``."""
    exposed = [tag for tag in _EXPOSED if getattr(exposure, tag)]
    return exposed or (["private"] if exposure.attested_private else ["unclassified"])


def _position(position: Position, directory: str) -> dict[str, Any]:
    return {"path": relative(position.path, directory), "line": position.line}


def lines(report: Report) -> list[str]:
    """The findings for a terminal, each with what carries it and the hosts; the remedies, the notes, and the sums."""
    return [*_findings(report), *_remedies(report), *_notes(report), _sums(report)]


def sentences(report: Report, severity: Severity) -> list[str]:
    """The findings of a severity, each in one line."""
    return [_sentence(finding, report.directory) for finding in report.shown if finding.severity == severity]


def _sentence(finding: Finding, directory: str) -> str:
    where = f"{printable(relative(finding.path, directory), 1000)}:{finding.line}"
    if finding.reaches != (finding.path, finding.line):
        where += f" (by {printable(relative(finding.reaches.path, directory), 1000)}:{finding.reaches.line})"
    return f"{where}: {finding.message}"


def _findings(report: Report) -> Iterator[str]:
    for finding in report.shown:
        where = f"{printable(relative(finding.path, report.directory), 1000)}:{finding.line}"
        yield f"{where}: {finding.severity}: {finding.message} [{finding.rule}]"
        if finding.reaches != (finding.path, finding.line):
            reaches = printable(relative(finding.reaches.path, report.directory), 1000)
            yield f"    brought to hosts by {reaches}:{finding.reaches.line}"
        if finding.hosts:
            yield f"    hosts: {_hosts_in_words(finding.hosts)}"


def _remedies(report: Report) -> Iterator[str]:
    """Each once, however many findings it mends."""
    mended: dict[str, str] = {finding.remedy: finding.rule for finding in reversed(report.shown)}
    for remedy, rule in sorted(mended.items(), key=lambda item: item[1]):
        first, *rest = remedy.splitlines()
        yield f"remedy for {rule}: {first}"
        yield from (f"    {line}" for line in rest)


def _hosts_in_words(hosts: Sequence[ReachedHost]) -> str:
    kinds: dict[str, list[str]] = {}
    for host in sorted(hosts, key=lambda host: host.exposure.attested_private):
        kinds.setdefault(" and ".join(exposure_words(host.exposure)), []).append(host.name)
    return "; ".join(
        f"{len(names)} {kind} ({', '.join([*(printable(name, 80) for name in names[:3]), *['...'][: len(names) > 3]])})"
        for kind, names in kinds.items()
    )


def _notes(report: Report) -> Iterator[str]:
    for note in report.notes:
        where = printable(relative(note.path, report.directory), 1000) + (f":{note.line}" if note.line else "")
        yield f"{where}: note: {printable(note.message)}"


def _sums(report: Report) -> str:
    counts = report.counts
    silenced = len(report.findings) - len(report.shown)
    parts = [_number(counts["error"], "error"), _number(counts["warning"], "warning"), f"{counts['info']} info"]
    parts += [f"{silenced} silenced"] if silenced else []
    parts += [_number(len(report.notes), "note")] if report.notes else []
    return f"{', '.join(parts)} in {_number(report.files, 'file')}"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
