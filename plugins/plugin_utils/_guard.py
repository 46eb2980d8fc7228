# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guard stops on which host, and how it says so. Pure; ``_guard_hooks.py`` is where ansible-core asks it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ._content._judge import is_on
from ._content._model import Assignment, Call, Note, Position
from ._exposure import Exposure
from ._policy import RECYCLE, RECYCLE_WARNING, REMEDY, exposure_refusals
from ._snapshot import printable

GUARD = "linux_tcp.tuning.timewait_guard"

#: The key itself, or a glob that a loader of sysctl files could take for it.
_HINT = re.compile(r"recycle|(?:net|ipv4|tcp)[\w./-]{0,40}[*?\[]")
#: What a shell takes away from between the letters of a word.
_QUOTES = str.maketrans("", "", "'\"\\")


def mentions(value: Any) -> bool:
    """Whether any text in it could be about tcp_tw_recycle. Quick, because it is asked of every task of a run."""
    if isinstance(value, str):
        return bool(_HINT.search(value.translate(_QUOTES)))
    if isinstance(value, Mapping):
        return any(mentions(item) for pair in value.items() for item in pair)
    if isinstance(value, (list, tuple, set)):
        return any(map(mentions, value))
    return not (value is None or isinstance(value, (bool, int, float))) and mentions(str(value))


def plain(value: Any) -> Any:
    """Arguments without ansible-core's own types: a vaulted text is one of them, and no str."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, (str, int, float)) else str(value)


def call_of(module: str, arguments: Mapping[str, Any], where: Position) -> Call:
    """A task as it is about to run. ``ansible.legacy`` is how actions of ansible-core call each other."""
    known = plain(arguments)
    free = known.pop("_raw_params", None)
    return Call(module.removeprefix("ansible.legacy."), known, None if free is None else str(free), where)


def worth_a_look(module: str, arguments: Mapping[str, Any]) -> bool:
    """Whether a call can carry tcp_tw_recycle, in its arguments or in a file of the controller that they name."""
    return "src" in arguments or module.rpartition(".")[2] == "script" or mentions(arguments)


def position_of(path: str | None) -> Position:
    """What ansible-core says of where a task stands: ``path:line``, or nothing."""
    name, _colon, line = str(path or "").rpartition(":")
    return Position(name, int(line)) if line.isdigit() else Position("", 0)


@dataclass(frozen=True)
class Place:
    """Which task on which host. ``hidden`` is for ``no_log``: nothing of its arguments is shown."""

    host: str
    task: str
    where: Position
    hidden: bool

    def __str__(self) -> str:
        at = f" at {_shown(self.where)}" if self.where.line else ""
        return f"task '{printable(self.task)}'{at}"


@dataclass(frozen=True)
class Verdict:
    """Why a task must not run, None when it may; and what to say of it if it runs."""

    refusal: str | None = None
    warnings: tuple[str, ...] = ()


def dangerous(found: Iterable[Assignment | Note]) -> tuple[Assignment, ...]:
    """Those that would turn tcp_tw_recycle on, or might."""
    return tuple(
        assignment
        for assignment in found
        if isinstance(assignment, Assignment)
        and assignment.name == RECYCLE.name
        and (assignment.undecided or is_on(assignment.value))
    )


def verdict(found: Iterable[Assignment], exposure: Exposure, place: Place) -> Verdict:
    """What becomes of a task that carries these, which are dangerous(), to a host with this exposure."""
    found = list(found)
    decided = next((assignment for assignment in found if not assignment.undecided), None)
    if decided is None:
        return Verdict(warnings=tuple(_unknown(assignment, place) for assignment in found[:1]))
    refusals = exposure_refusals(1, exposure)
    if not refusals:
        return Verdict(warnings=(_let_through(decided, exposure, place),))
    reasons = "; ".join(f"{refusal.reason} ({', '.join(refusal.evidence)})" for refusal in refusals)
    return Verdict(refusal=stopped(place, reasons, decided))


def stopped(place: Place, reasons: str, assignment: Assignment | None = None) -> str:
    """The message of a task that is not run."""
    at = assignment.at if assignment else place.where
    inside = f", by {_shown(at)}," if at.line and at.path != place.where.path else ""
    return (
        f"refused to {_attempt(assignment, place)} on {printable(place.host)}: {reasons}. {GUARD} stopped "
        f"{place}{inside} before it ran. {REMEDY}"
    )


def _attempt(assignment: Assignment | None, place: Place) -> str:
    shown = "" if assignment is None or place.hidden else f" to {printable(assignment.value, 40)}"
    return f"set {RECYCLE.key}{shown}"


def _let_through(assignment: Assignment, exposure: Exposure, place: Place) -> str:
    return (
        f"{printable(place.host)}: {GUARD} lets {place} {_attempt(assignment, place)}: this host is attested private "
        f"({', '.join(exposure.private)}), and its kernel was not looked at. {RECYCLE_WARNING}"
    )


def _unknown(assignment: Assignment, place: Place) -> str:
    on = "" if place.hidden else f" ({printable(', '.join(assignment.undecided), 60)})"
    return (
        f"{printable(place.host)}: {GUARD} lets {place} run: it sets {RECYCLE.key}, but to what is known only when it "
        f"runs{on}"
    )


def _shown(at: Position) -> str:
    return f"{printable(at.path)}:{at.line}"
