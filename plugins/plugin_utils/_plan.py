# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a host as it is and a request to what is to be done: one plan, for check mode and for the real run. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from . import _policy
from ._dropin import Place, Record
from ._exposure import Exposure
from ._held import Held, check_path, copy_for_run, held_at, running_only
from ._knobs import KNOBS
from ._persist import before_of, check_elsewhere, persist, place_for
from ._policy import Refusal, recycle_refusals
from ._request import Request
from ._snapshot import Snapshot
from ._sysctld import SysctlFile
from ._targets import targets_of
from ._tree import Edit, Own
from ._undo import asked_beside, files_without, former_values, without_texts
from ._values import Value
from ._warnings import warnings_asked, warnings_boot, warnings_held


@dataclass(frozen=True)
class Change:
    """A knob's value in the running kernel, before and after."""

    knob: str
    before: Value
    after: Value


@dataclass(frozen=True)
class Plan:
    """What is to be done. ``text_before`` and ``text_after`` are what stands in ``place``, None for nothing.

    ``former`` are texts of the same caller in other places, which go. ``remembered`` are the names of what is kept in
    /run, each with its text before and after. ``files`` are the sysctl files as they will be.
    """

    place: Place
    text_before: str | None
    text_after: str | None
    files: tuple[SysctlFile, ...]
    changes: tuple[Change, ...] = ()
    edits: tuple[Edit, ...] = ()
    former: tuple[Own, ...] = ()
    remembered: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    refused: tuple[Refusal, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        return self.place.path

    @property
    def changed(self) -> bool:
        # What is kept in /run comes and goes with the rest; alone it counts where it is the last that is left.
        forgets = any(before is not None and after is None for before, after in self.remembered.values())
        return bool(self.changes or self.edits or self.former or forgets) or self.text_before != self.text_after


def plan(snapshot: Snapshot, exposure: Exposure, request: Request) -> Plan:
    """The plan for a host. With ``refused`` and state present nothing may be touched. Raises Impossible, BadRequest."""
    _policy.check_host(snapshot, request)
    if request.state == "absent":
        made = _plan_absent(snapshot, exposure, request)
    else:
        made = _plan_present(snapshot, exposure, request)
    _policy.check_writable({change.knob: change.after for change in made.changes}, snapshot)
    if made.text_before != made.text_after:
        _policy.check_place(made.place, snapshot)
    return made


def _plan_present(snapshot: Snapshot, exposure: Exposure, request: Request) -> Plan:
    refused = recycle_refusals(request.recycle, exposure, snapshot)
    if refused:
        text = snapshot.dropin.text if snapshot.dropin else None
        return Plan(Place.file(request.path), text, text, snapshot.files, refused=refused)
    _policy.check_values(request, snapshot)
    place = place_for(snapshot, request)
    held = held_at(snapshot, place, request.owner)
    bare = without_texts(snapshot.files, [place, *held.former_places])
    targets = targets_of(snapshot, request, held.record, bare)
    dropped = {name: value for name, value in held.record.values.items() if name not in targets}
    restored, kept_off, warnings = former_values(dropped, snapshot, exposure, held.record)
    warnings += asked_beside(restored, held.beside)
    lasts = request.apply_to != "runtime"
    if lasts and snapshot.platform:
        check_elsewhere(snapshot, targets, bare)
        lasts = False
    made = persist(snapshot, request, held, targets) if lasts else files_without(snapshot, exposure, held)
    return Plan(
        place,
        held.text,
        made.text,
        made.files,
        _changes(snapshot, {} if request.apply_to == "boot" else {**restored, **targets}),
        made.edits,
        held.former,
        _remembered(snapshot, request, held, targets, made.text if lasts else None),
        (*kept_off, *made.refused),
        (
            *warnings_asked(snapshot, request),
            *warnings_held(held, made.text),
            *warnings,
            *made.warnings,
            *warnings_boot(snapshot, request, made.files, targets),
        ),
    )


def _remembered(
    snapshot: Snapshot, request: Request, held: Held, targets: Mapping[str, Value], text: str | None
) -> dict[str, tuple[str | None, str | None]]:
    """What is kept in /run: a copy of the text, or the record of values that no file sets."""
    kept: dict[str, str | None] = dict.fromkeys(held.names)
    name = held.place.name
    if request.apply_to == "boot":
        kept[name] = snapshot.remembered.get(name)
    elif text is not None:
        kept[name] = copy_for_run(held.place, text)
    else:
        kept[name] = running_only(name, Record(targets, before_of(snapshot, request, held, targets), request.owner))
    return {name: (snapshot.remembered.get(name), text) for name, text in kept.items()}


def _plan_absent(snapshot: Snapshot, exposure: Exposure, request: Request) -> Plan:
    held = _held_to_undo(snapshot, request)
    values, refused, warnings = former_values(held.record.values, snapshot, exposure, held.record)
    if request.apply_to == "boot":
        values = {}
    warnings += asked_beside(values, held.beside)
    undone = files_without(snapshot, exposure, held)
    names = [name for name in held.names if name in snapshot.remembered]
    return Plan(
        held.place,
        held.text,
        undone.text,
        undone.files,
        _changes(snapshot, values),
        undone.edits,
        held.former,
        {name: (snapshot.remembered[name], None) for name in names},
        tuple(dict.fromkeys([*refused, *undone.refused])),
        tuple(dict.fromkeys([*warnings, *undone.warnings])),
    )


def _held_to_undo(snapshot: Snapshot, request: Request) -> Held:
    """What there is to undo, wherever it stands: the loader may have been another one when it was written."""
    held = held_at(snapshot, Place.file(request.path), request.owner)
    if held.text is not None or not held.former:
        check_path(snapshot, request.path)
        return held
    first, *others = held.former
    return replace(held, place=first.place, text=first.text, former=tuple(others))


def _changes(snapshot: Snapshot, goal: Mapping[str, Value]) -> tuple[Change, ...]:
    return tuple(
        Change(name, snapshot.knobs[name], goal[name])
        for name in KNOBS
        if name in goal and name in snapshot.knobs and snapshot.knobs[name] != goal[name]
    )
