# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules say about assignments. Pure. What recycle may do where is the policy's to say; here it is asked.

Without an inventory nobody attests anything, and a value that is on is an error. With one, the hosts that a play's
pattern matches count. A pattern that matches none of them, and content that no play reaches, are no reason to be
milder: such hosts are made at run time or named in another inventory, and nobody has attested that they are private.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from .._exposure import exposure_of
from .._knobs import KNOBS
from .._policy import PEERS_DROPPED, REMEDY, Refusal, exposure_refusals
from .._snapshot import printable
from .._values import kernel_value
from ._model import CLOSE, OPEN, Assignment, Finding, ReachedHost, RuleName, Severity

#: The hosts that an assignment reaches, by the inventory; None where it is kept from them by a limit.
Reach = Callable[[Assignment], Sequence[ReachedHost] | None]

RANK: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}

#: Any integer: what a present-day kernel takes of it does not matter to an old one.
_INTEGER = replace(KNOBS["tcp_tw_reuse"], accepted=None)

#: Words that a kernel refuses, and that somebody wrote to turn a knob on; sysctl modules turn some of them into 1.
_ON = re.compile(r"(?:y|yes|t|true|on|enabled?)\b", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?[\d.]+")

#: What can be pasted, by the ending of the file that the value stands in; sysctl lines for all others.
_SYSCTL_LINES = "net.ipv4.tcp_tw_recycle = 0\nnet.ipv4.tcp_tw_reuse = 1\nnet.ipv4.tcp_timestamps = 1"
_ROLE_LINES = "roles:\n  - linux_tcp.tuning.timewait"
_LINES = {".yml": _ROLE_LINES, ".yaml": _ROLE_LINES, ".json": _ROLE_LINES}

_OUTSIDE = "every host that it reaches is outside the limit of this run"


def is_on(value: str) -> bool:
    """Whether a value is not 0, to a kernel or to whoever wrote it."""
    word = value.strip(" \t\r\n'\"")
    read = kernel_value(_INTEGER, word)
    if read is not None:
        return read != 0
    number = _NUMBER.match(word)
    return bool(_ON.match(word)) or (number is not None and any(c not in "+-." and int(c) for c in number.group()))


def relative(path: str, directory: str) -> str:
    """A path as people know it: seen from a directory when it is below that, else absolute."""
    absolute = os.path.normpath(f"{directory}/{path}" if not path.startswith("/") else path)
    below = os.path.relpath(absolute, directory)
    return absolute if below.split(os.sep, 1)[0] == os.pardir else below


def judged(
    assignments: Iterable[Assignment], reach: Reach | None = None, directory: str | None = None
) -> list[Finding]:
    """The findings, in the order of path and line. Those that a comment or a tag silences are marked as skipped.

    ``directory`` is the one that paths are seen from, those in messages too.
    """
    given = [_seen_from(directory, one) for one in assignments] if directory else list(assignments)
    found = [finding for rule in (_recycle, _reuse_without_timestamps, _fin_timeout) for finding in rule(given, reach)]
    best: dict[tuple[object, ...], Finding] = {}
    for finding in sorted(found, key=lambda finding: (finding.skipped, RANK[finding.severity])):
        best.setdefault((finding.path, finding.line, finding.rule, finding.value, finding.reaches), finding)
    return sorted(best.values(), key=lambda finding: (finding.path, finding.line, finding.rule, finding.reaches))


def _seen_from(directory: str, assignment: Assignment) -> Assignment:
    at, by = (place._replace(path=relative(place.path, directory)) for place in (assignment.at, assignment.by))
    return replace(assignment, at=at, by=by)


@dataclass(frozen=True)
class _Verdict:
    severity: Severity
    message: str
    hosts: tuple[ReachedHost, ...] | None


def _recycle(assignments: list[Assignment], reach: Reach | None) -> Iterator[Finding]:
    for assignment in assignments:
        if assignment.name == "tcp_tw_recycle" and (assignment.undecided or is_on(assignment.value)):
            verdict = _on_hosts(assignment, reach)
            lines = _LINES.get(PurePath(assignment.at.path).suffix, _SYSCTL_LINES)
            yield _finding("timewait-recycle", assignment, verdict, f"{REMEDY}\n{lines}")


def _on_hosts(assignment: Assignment, reach: Reach | None) -> _Verdict:
    what = f"{_key(assignment)} is set to {_shown(assignment)}"
    hosts = None if reach is None else reach(assignment)
    listed = None if reach is None else tuple(hosts or ())
    if assignment.lowered:
        return _Verdict("info", f"{what}, but not in force: {printable(assignment.lowered)}", listed)
    if reach is not None and hosts is None:
        return _Verdict("info", f"{what}, but {_OUTSIDE}", listed)
    if assignment.undecided:
        unknown = ", ".join(f"`{printable(name, 80)}`" for name in assignment.undecided)
        message = (
            f"{what}: whether that is 0 cannot be told: it depends on {unknown}{_no_default(assignment.undecided)}"
        )
        return _Verdict("warning", message, listed)
    if not listed:
        return _Verdict("error", f"{what}: {_nobody_attests(assignment, listed)}", listed)
    refused = _refused(listed)
    if not refused:
        return _Verdict("warning", f"{what} on {_count(len(listed))} attested private: {PEERS_DROPPED}", listed)
    # What is known of a host says more than that nothing is known.
    host, refusals = next((item for item in refused if not item[0].exposure.unclassified), refused[0])
    reasons = "; ".join(f"{refusal.reason} ({', '.join(refusal.evidence)})" for refusal in refusals)
    others = f" and {_count(len(refused) - 1, 'other host')}" if len(refused) > 1 else ""
    return _Verdict("error", f"{what} on {printable(host.name)}{others}: {reasons}", listed)


def _refused(hosts: Sequence[ReachedHost]) -> list[tuple[ReachedHost, tuple[Refusal, ...]]]:
    """The hosts on which it is refused, and why. Thousands share one exposure: the policy is asked once for it."""
    asked = {id(host.exposure): host.exposure for host in hosts}
    answers = {known: exposure_refusals(1, exposure) for known, exposure in asked.items()}
    return [(host, answers[id(host.exposure)]) for host in hosts if answers[id(host.exposure)]]


def _nobody_attests(assignment: Assignment, hosts: tuple[ReachedHost, ...] | None) -> str:
    (refusal,) = exposure_refusals(1, exposure_of(()))
    if hosts is None:
        return f"{refusal.reason} (no inventory was given)"
    return f"{refusal.reason} ({_pattern(assignment)} no host of this inventory)"


def _pattern(assignment: Assignment) -> str:
    return f"hosts: {printable(', '.join(assignment.plays), 80)} matches" if assignment.plays else "it reaches"


def _count(number: int, what: str = "host") -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _reuse_without_timestamps(assignments: list[Assignment], reach: Reach | None) -> Iterator[Finding]:
    decided = [assignment for assignment in assignments if not assignment.undecided and not assignment.lowered]
    off = [item for item in decided if item.name == "tcp_timestamps" and not is_on(item.value)]
    on = [item for item in decided if item.name == "tcp_timestamps" and is_on(item.value)]
    for assignment in decided:
        if assignment.name != "tcp_tw_reuse" or not is_on(assignment.value):
            continue
        culprit = next((item for item in off if _places(item) & _places(assignment)), None)
        # Of two plays of the same hosts the later one wins, and which that is cannot be told: only a clear case counts.
        if culprit is None and not any(set(item.plays) & set(assignment.plays) for item in on):
            culprit = next((item for item in off if set(item.plays) & set(assignment.plays)), None)
        if culprit:
            message = (
                f"{_key(assignment)} is set to {_shown(assignment)} and will do nothing: {_key(culprit)} is 0 for the "
                f"same hosts ({printable(culprit.at.path)}:{culprit.at.line}), and without timestamps no TIME_WAIT "
                "socket is ever reused"
            )
            verdict = _Verdict("warning", message, _hosts(assignment, reach))
            remedy = "Leave timestamps on, at both ends of a connection:\nnet.ipv4.tcp_timestamps = 1"
            yield _finding("timewait-reuse-without-timestamps", assignment, verdict, remedy)


def _fin_timeout(assignments: list[Assignment], reach: Reach | None) -> Iterator[Finding]:
    tuned = {
        place for item in assignments if item.name in ("tcp_tw_recycle", "tcp_tw_reuse") for place in _places(item)
    }
    for assignment in assignments:
        if assignment.name == "tcp_fin_timeout" and _places(assignment) & tuned:
            message = (
                f"{_key(assignment)} is set beside TIME_WAIT settings and does not shorten TIME_WAIT (60 s): "
                "it is about FIN_WAIT_2, where the other side has not closed"
            )
            remedy = "Remove the line, unless it is FIN_WAIT_2 that you mean: the default of 60 s does no harm"
            verdict = _Verdict("info", message, _hosts(assignment, reach))
            yield _finding("timewait-fin-timeout", assignment, verdict, remedy)


def _places(assignment: Assignment) -> set[str]:
    """The files that it stands in, or that carry it: what is there together was meant together."""
    return {assignment.at.path, assignment.by.path}


def _hosts(assignment: Assignment, reach: Reach | None) -> tuple[ReachedHost, ...] | None:
    return None if reach is None else tuple(reach(assignment) or ())


def _key(assignment: Assignment) -> str:
    return f"net.ipv4.{assignment.name}"


def _no_default(names: Iterable[str]) -> str:
    """What is added for variables; a fact, a result, a lookup and an encrypted value have no default to be found."""
    variables = all(name.isidentifier() and not name.startswith(("ansible_", "an_encrypted_")) for name in names)
    return ", no default found" if variables else ""


def _shown(assignment: Assignment) -> str:
    """The value as it was written, in plain characters."""
    return printable(assignment.value.replace(OPEN, "{{ ").replace(CLOSE, " }}"), 80) or "nothing"


def _finding(rule: RuleName, assignment: Assignment, verdict: _Verdict, remedy: str) -> Finding:
    return Finding(
        path=assignment.at.path,
        line=assignment.at.line,
        rule=rule,
        severity=verdict.severity,
        key=_key(assignment),
        value=_shown(assignment),
        message=verdict.message,
        remedy=remedy,
        reaches=assignment.by,
        hosts=verdict.hosts,
        skipped=rule in assignment.skipped,
    )
