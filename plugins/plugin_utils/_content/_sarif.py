# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings as SARIF 2.1.0, which code hosts show beside the lines. Pure.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html; section numbers are of that text.
"""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import Any, get_args
from urllib.parse import quote

from ._judge import relative
from ._model import Finding, Note, Position, RuleName, Severity
from ._report import Report, exposure_words

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

#: The words of SARIF for severities (3.27.10).
_LEVELS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}

#: By rule: what it is, in short and in full, and its level.
_RULES: dict[RuleName, tuple[str, str, Severity]] = {
    "timewait-recycle": (
        "tcp_tw_recycle is turned on",
        (
            "With tcp_tw_recycle a server drops the connections of clients that share an address behind NAT, at random "
            "and without a trace in any log. Since March 2026 it does harm in private networks too. Set it to 0. For "
            "outgoing connections tcp_tw_reuse: 1 with timestamps on both ends does what recycle was set for."
        ),
        "error",
    ),
    "timewait-reuse-without-timestamps": (
        "tcp_tw_reuse is on and timestamps are off",
        (
            "Without TCP timestamps the kernel never reuses a TIME_WAIT socket, and does not say so. Leave "
            "net.ipv4.tcp_timestamps at 1."
        ),
        "warning",
    ),
    "timewait-fin-timeout": (
        "tcp_fin_timeout is set to shorten TIME_WAIT",
        (
            "tcp_fin_timeout is about FIN_WAIT_2, where the other side has not closed yet. TIME_WAIT lasts 60 s "
            "whatever it is set to."
        ),
        "info",
    ),
}
_NUMBERS: dict[RuleName, int] = {rule: number for number, rule in enumerate(get_args(RuleName))}


def as_sarif(report: Report) -> dict[str, Any]:
    """The log of one run. Findings that a comment or a tag silences are in it, as suppressed."""
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "linux_tcp.tuning", "rules": [_rule(name) for name in _NUMBERS]}},
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, report.directory) for finding in report.findings],
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "toolExecutionNotifications": [_notification(note, report.directory) for note in report.notes],
                    }
                ],
            }
        ],
    }


def _rule(name: RuleName) -> dict[str, Any]:
    short, full, severity = _RULES[name]
    return {
        "id": name,
        "name": "".join(word.capitalize() for word in name.split("-")),
        "shortDescription": {"text": short},
        "fullDescription": {"text": full},
        "help": {"text": full, "markdown": full},
        "defaultConfiguration": {"level": _LEVELS[severity]},
        "properties": {"tags": ["ansible", "sysctl", "tcp"]},
    }


def _result(finding: Finding, directory: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": _NUMBERS[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.message}. {finding.remedy}"},
        "locations": [_location(Position(finding.path, finding.line), directory)],
        "partialFingerprints": {"keyValueAndPath/v1": _fingerprint(finding, directory)},
        "properties": {"key": finding.key, "value": finding.value},
    }
    if finding.reaches != (finding.path, finding.line):
        carrier = {"id": 1, "message": {"text": "what brings it to hosts"}}
        result["relatedLocations"] = [{**carrier, **_location(finding.reaches, directory)}]
    if finding.hosts is not None:
        result["properties"]["hosts"] = {host.name: exposure_words(host.exposure) for host in finding.hosts}
    if finding.skipped:
        result["suppressions"] = [{"kind": "inSource"}]
    return result


def _fingerprint(finding: Finding, directory: str) -> str:
    """The same as long as the value is the same, on whatever line: so that a finding is not new when lines move."""
    words = (relative(finding.path, directory), finding.rule, finding.key, finding.value)
    return hashlib.sha256("\0".join(words).encode("utf-8", "surrogateescape")).hexdigest()


def _location(position: Position, directory: str) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(relative(position.path, directory))},
            "region": {"startLine": position.line},
        }
    }


def _uri(path: str) -> str:
    """Relative where it can be: then whoever reads it takes it for a path of the repository (3.4.4)."""
    quoted = quote(PurePosixPath(path).as_posix().encode("utf-8", "surrogateescape"))
    return f"file://{quoted}" if quoted.startswith("/") else quoted


def _notification(note: Note, directory: str) -> dict[str, Any]:
    return {
        "level": "note",
        "message": {"text": note.message},
        "locations": [_location(Position(note.path, note.line or 1), directory)],
    }
