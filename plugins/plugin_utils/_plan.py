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
from ._held import Held, check_owner, copy_for_run, held_at, running_only
from ._knobs import KNOBS
from ._persist import before_of, check_elsewhere, persist, place_for
from ._policy import Refusal, recycle_refusals
from ._request import DEFAULT_PATH, Request
from ._snapshot import Snapshot
from ._sysctld import SysctlFile
from ._targets import targets_of
from ._tree import Edit, Own
from ._undo import Files, asked_beside, files_without, former_values, without_texts
from ._values import Value
from ._warnings import warnings_asked, warnings_boot, warnings_held, warnings_undo


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
    /run, each with its text before and after; ``until_now`` are values of ours that give way to others. ``left_over``
    are files that runs left which were killed. ``files`` are the sysctl files as they will be.
    """

    place: Place
    text_before: str | None
    text_after: str | None
    files: tuple[SysctlFile, ...]
    changes: tuple[Change, ...] = ()
    edits: tuple[Edit, ...] = ()
    former: tuple[Own, ...] = ()
    remembered: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    until_now: Mapping[str, Value] = field(default_factory=dict)
    left_over: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        return self.place.path

    @property
    def changed(self) -> bool:
        # What is kept in /run comes with the rest; alone it counts where it is the last that is left, or is not true.
        stale = any(before is not None and before != after for before, after in self.remembered.values())
        others = self.changes or self.edits or self.former or self.left_over
        return bool(others or stale) or self.text_before != self.text_after


def plan(snapshot: Snapshot, exposure: Exposure, request: Request) -> Plan:
    """The plan for a host. With ``refused`` and state present nothing may be touched. Raises Impossible, BadRequest."""
    _policy.check_host(snapshot, request)
    if request.state == "absent":
        made = _plan_absent(snapshot, exposure, request)
    else:
        made = _plan_present(snapshot, exposure, request)
    if not made.refused or request.state == "absent":
        made = replace(made, left_over=_left_over(snapshot, request))
    _policy.check_writable({change.knob: change.after for change in made.changes}, snapshot)
    if made.text_before != made.text_after:
        _policy.check_place(made.place, snapshot, request)
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
    dropped = [name for name in held.record.values if name not in targets]
    check_owner(held, request.owner, dropped)
    restored, _refused, warnings = former_values(dropped, snapshot, exposure, held)
    warnings += asked_beside(restored, held.beside)
    if snapshot.platform and request.apply_to != "runtime":
        check_elsewhere(snapshot, targets, snapshot.files)
    writes = request.apply_to != "runtime" and not snapshot.platform
    changes = _changes(snapshot, {} if request.apply_to == "boot" else {**restored, **targets})
    until_now = {c.knob: c.before for c in changes if c.knob in targets and c.before in held.ours.get(c.knob, ())}
    made = persist(snapshot, request, held, targets) if writes else Files(held.text, (), snapshot.files)
    return Plan(
        place,
        held.text,
        made.text,
        made.files,
        changes,
        made.edits,
        held.former if writes else (),
        _remembered(snapshot, request, held, targets, made.text if writes else None),
        until_now,
        (),
        (),
        (
            *warnings_asked(snapshot, request),
            *warnings_held(held, made.text),
            *warnings,
            *warnings_boot(snapshot, request, made.files, targets),
        ),
    )


def _remembered(
    snapshot: Snapshot, request: Request, held: Held, targets: Mapping[str, Value], text: str | None
) -> dict[str, tuple[str | None, str | None]]:
    """What is kept in /run: a copy of the text, or the record of values that no file sets."""
    name = held.place.name
    if text is None:
        record = Record(targets, before_of(snapshot, request, held, targets), request.owner)
        return {name: (snapshot.remembered.get(name), running_only(name, record))}
    kept: dict[str, str | None] = dict.fromkeys(held.names)
    boot = request.apply_to == "boot"
    kept[name] = _given(snapshot, held, targets) if boot else copy_for_run(held.place, text)
    return {name: (snapshot.remembered.get(name), text) for name, text in kept.items()}


def _given(snapshot: Snapshot, held: Held, targets: Mapping[str, Value]) -> str | None:
    """What is known of the values that the kernel was given, and that a text for the next boot does not say."""
    name, record = held.place.name, held.record
    present = snapshot.remembered.get(name)
    moves = any(former in snapshot.remembered for former in held.names if former != name)
    unsaid = any(targets.get(knob) != value for knob, value in record.values.items() if knob in record.before)
    return running_only(name, record) if unsaid and (moves or present is None) else present


def _plan_absent(snapshot: Snapshot, exposure: Exposure, request: Request) -> Plan:
    held = _held_to_undo(snapshot, request)
    values, refused, warnings = former_values(held.record.values, snapshot, exposure, held)
    warnings += asked_beside(values, held.beside)
    writes = request.apply_to != "runtime"
    undone = files_without(snapshot, exposure, held) if writes else Files(held.text, (), snapshot.files)
    changes = _changes(snapshot, values)
    names = held.names if writes else [held.place.name]
    kept: dict[str, str | None] = dict.fromkeys([Place.file(request.path).name, *names])
    if request.apply_to == "boot" and changes:
        # What the kernel had before is still to be brought back.
        kept[held.place.name], changes = running_only(held.place.name, held.record), ()
    return Plan(
        held.place,
        held.text,
        undone.text,
        undone.files,
        changes,
        undone.edits,
        held.former if writes else (),
        {name: (snapshot.remembered.get(name), text) for name, text in kept.items()},
        {},
        (),
        tuple(dict.fromkeys([*refused, *undone.refused])),
        tuple(
            dict.fromkeys(
                [
                    *warnings_undo(snapshot, request, held),
                    *warnings_held(held, undone.text),
                    *warnings,
                    *undone.warnings,
                ]
            )
        ),
    )


def _held_to_undo(snapshot: Snapshot, request: Request) -> Held:
    """What there is to undo: what bears the name, wherever it stands and whoever owns it.

    The loader may have been another one when it was written. Where no path was chosen, it is what the owner has under
    another name, too, and both at once: a second run is to find nothing.
    """
    owner = request.owner if request.path == DEFAULT_PATH else ""
    held = held_at(snapshot, Place.file(request.path), owner)
    if held.text is not None or not held.former:
        return held
    first, *others = held.former
    return replace(held, place=first.place, text=first.text, former=tuple(others))


def _left_over(snapshot: Snapshot, request: Request) -> tuple[str, ...]:
    """What runs left that were killed. With apply_to: runtime all files but those in /run are left alone."""
    alone = request.apply_to == "runtime"
    return tuple(path for path in snapshot.left_over if not alone or path.startswith(("/run/linux", "/run/.linux")))


def _changes(snapshot: Snapshot, goal: Mapping[str, Value]) -> tuple[Change, ...]:
    return tuple(
        Change(name, snapshot.knobs[name], goal[name])
        for name in KNOBS
        if name in goal and name in snapshot.knobs and snapshot.knobs[name] != goal[name]
    )
