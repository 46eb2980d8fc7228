# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a host as it is and a request to what is to be done: one plan, for check mode and for the real run. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from . import _policy
from ._conflicts import (
    Conflict,
    Edit,
    comment_out,
    conflicts_in,
    hidden_by,
    is_ours,
    ours_beside,
    winning_path,
    with_edit,
    with_file,
)
from ._dropin import Record, mark_of, parse, render
from ._exposure import Exposure
from ._knobs import KNOBS
from ._policy import Impossible, Refusal, recycle_refusals
from ._request import Request
from ._snapshot import Snapshot, printable
from ._sysctld import UNREAD, Line, SysctlFile
from ._targets import targets_of
from ._undo import former_values, recycle_value, undo_of
from ._values import Value, kernel_text


@dataclass(frozen=True)
class Change:
    """A knob's value in the running kernel, before and after."""

    knob: str
    before: Value
    after: Value


@dataclass(frozen=True)
class Plan:
    """What is to be done. ``text_before`` and ``text_after`` are our drop-in's, None where there is none.

    ``files`` are the sysctl files as they will be.
    """

    path: str
    changes: tuple[Change, ...]
    text_before: str | None
    text_after: str | None
    edits: tuple[Edit, ...]
    refused: tuple[Refusal, ...]
    warnings: tuple[str, ...]
    files: tuple[SysctlFile, ...]

    @property
    def changed(self) -> bool:
        return bool(self.changes or self.edits) or self.text_before != self.text_after


def plan(snapshot: Snapshot, exposure: Exposure, request: Request) -> Plan:
    """The plan for a host. With ``refused`` and state present nothing may be touched. Raises Impossible, BadRequest."""
    _policy.check_host(snapshot)
    record = _record(snapshot, request.path)
    if request.state == "absent":
        made = _plan_absent(snapshot, exposure, request, record)
    else:
        made = _plan_present(snapshot, exposure, request, record)
    _policy.check_writable([change.knob for change in made.changes], snapshot)
    if made.text_before != made.text_after and snapshot.parent:
        _policy.check_directory(request.path.rpartition("/")[0], snapshot.parent)
    return made


def _record(snapshot: Snapshot, path: str) -> Record:
    dropin = snapshot.dropin
    if dropin is None or (dropin.kind == "missing" and not dropin.link):
        return Record()
    if dropin.link:
        raise Impossible(f"{path} is a symbolic link; remove it, or choose another path")
    if dropin.text is None:
        raise Impossible(f"{path} is there and was not written by this collection; choose another path, or remove it")
    return parse(path, dropin.text)


def _plan_present(snapshot: Snapshot, exposure: Exposure, request: Request, record: Record) -> Plan:
    refused = recycle_refusals(request.recycle, exposure, snapshot)
    if refused:
        text = _text_of(snapshot)
        return Plan(request.path, (), text, text, (), refused, (), snapshot.files)
    _policy.check_values(request, snapshot)
    others = with_file(snapshot.files, request.path, None)
    targets = targets_of(snapshot, request, record, others)
    warnings = [_policy.unsupported(name, snapshot) for name in request.values if _is_missing(name, snapshot)]
    warnings += filter(None, [_policy.recycle_unseen(snapshot)])
    if request.recycle:
        warnings.append(_policy.RECYCLE_WARNING)
    dropped = {name: record.values[name] for name in record.values if name not in targets}
    restored, kept_off, more = former_values(dropped, snapshot, exposure, record)
    edits, files, text_after = _persist(snapshot, request, record, targets)
    goal = {**restored, **targets}
    changes = _changes(snapshot, goal)
    warnings += more + _loader_warnings(snapshot, files, targets) + _unread(snapshot)
    return Plan(request.path, changes, _text_of(snapshot), text_after, edits, kept_off, tuple(warnings), files)


def _plan_absent(snapshot: Snapshot, exposure: Exposure, request: Request, record: Record) -> Plan:
    undo = undo_of(snapshot, exposure, request.path, record)
    changes = _changes(snapshot, undo.values)
    files = with_file(undo.files, request.path, undo.text)
    return Plan(request.path, changes, _text_of(snapshot), undo.text, undo.edits, undo.refused, undo.warnings, files)


def _text_of(snapshot: Snapshot) -> str | None:
    return snapshot.dropin.text if snapshot.dropin else None


def _is_missing(name: str, snapshot: Snapshot) -> bool:
    """Asked for, and not there. A kernel without recycle is no reason to warn: off is what it is."""
    return name not in snapshot.knobs and name != _policy.RECYCLE.name


def _changes(snapshot: Snapshot, goal: Mapping[str, Value]) -> tuple[Change, ...]:
    return tuple(
        Change(name, snapshot.knobs[name], goal[name])
        for name in KNOBS
        if name in goal and name in snapshot.knobs and snapshot.knobs[name] != goal[name]
    )


def _persist(
    snapshot: Snapshot, request: Request, record: Record, targets: Mapping[str, Value]
) -> tuple[tuple[Edit, ...], tuple[SysctlFile, ...], str]:
    """Our drop-in, such that it decides at boot, and the edits of other files that this takes."""
    loader = snapshot.loaders.boot
    before = {name: record.before.get(name, snapshot.knobs[name]) for name in targets}
    text = render(request.path, Record(targets, before, record.edited))
    files = with_file(snapshot.files, request.path, text)
    hider = hidden_by(request.path, files, loader)
    if hider:
        raise Impossible(
            f"the tuning would not survive a reboot. {printable(hider.path)} hides {request.path}, which has the same "
            "name. To mend it: remove that file"
            + _or_set_path(winning_path(files, loader, targets, text, request.path))
        )
    _check_ours_beside(snapshot, request.path, targets)
    back, files = _out_of_the_way(snapshot, files, targets, request.path, record)
    conflicts = conflicts_in(files, loader, targets)
    if conflicts and request.conflicts == "fail":
        raise Impossible(_conflict_message(conflicts, winning_path(files, loader, targets, text, request.path)))
    edits, files, left = comment_out(files, loader, targets, request.path)
    if left:
        raise Impossible(_conflict_message(left, winning_path(files, loader, targets, text, request.path)))
    mark = mark_of(request.path)
    edited = {*record.edited, *(edit.file for edit in edits)}
    edited &= {file.path for file in files if any(line.text.startswith(mark) for line in file.lines)}
    text = render(request.path, Record(targets, before, tuple(sorted(edited))))
    return (*back, *edits), with_file(files, request.path, text), text


def _check_ours_beside(snapshot: Snapshot, path: str, targets: Mapping[str, Value]) -> None:
    """A drop-in belongs to one caller, and two callers must not want different values."""
    for name, (other, value) in ours_beside(path, snapshot.files).items():
        if name in targets and targets[name] != value:
            raise Impossible(
                f"{KNOBS[name].key}: {printable(other)}, also written by this collection, says {kernel_text(value)} "
                f"where {path} is to say {kernel_text(targets[name])}. Ask for the same value in both, or undo the "
                f"other with state: absent and path: {printable(other)}"
            )


def _out_of_the_way(
    snapshot: Snapshot, files: tuple[SysctlFile, ...], targets: Mapping[str, Value], path: str, record: Record
) -> tuple[list[Edit], tuple[SysctlFile, ...]]:
    """The lines that need not be commented out any longer, and the files with them brought back.

    A line that turns recycle on is not brought back, whatever other lines there are.
    """
    loader = snapshot.loaders.boot

    def conflicting(files: tuple[SysctlFile, ...]) -> list[tuple[str, str, Line]]:
        found = conflicts_in(files, loader, targets)
        return [(conflict.knob, conflict.setting.file.path, conflict.setting.line) for conflict in found]

    edits: list[Edit] = []
    mark = mark_of(path)
    edited = [file for file in files if file.path in record.edited]
    marked = [(file, line) for file in edited for line in file.lines if line.text.startswith(mark)]
    for file, line in marked if loader else []:
        edit = Edit(file.path, line, out=False)
        candidate = with_edit(files, edit, mark)
        harmless = recycle_value(Line(line.number, line.text.removeprefix(mark)), file, snapshot) == 0
        if harmless and conflicting(candidate) == conflicting(files):
            edits.append(edit)
            files = candidate
    return edits, files


def _conflict_message(conflicts: list[Conflict], better_path: str | None) -> str:
    what = "; ".join(map(str, conflicts))
    remedies = []
    if any(is_ours(conflict.setting.file) for conflict in conflicts):
        remedies.append("ask for the same value in both, as both files are written by this collection")
    else:
        remedies.append("remove that line")
        remedies.append("or set conflicts: comment_out, which comments it out (files of packages excepted)")
    mend = ", ".join(remedies) + _or_set_path(better_path)
    return f"the tuning would not survive a reboot. {what}. To mend it: {mend}"


def _or_set_path(better_path: str | None) -> str:
    return f", or set path: {better_path}, which wins" if better_path else ""


def _unread(snapshot: Snapshot) -> list[str]:
    return [
        f"{printable(file.path)} was not read ({UNREAD[file.kind]}), so what it would set at boot is not known"
        for file in snapshot.files
        if file.kind in UNREAD
    ]


def _loader_warnings(snapshot: Snapshot, files: tuple[SysctlFile, ...], targets: Mapping[str, Value]) -> list[str]:
    loaders = snapshot.loaders
    if loaders.boot is None:
        return ["what applies sysctl files when this host boots is not known, so the value after a boot is not known"]
    return [
        f"'sysctl --system' ({loaders.reload_name}) would undo this until the next boot: {conflict}"
        for conflict in conflicts_in(files, loaders.reload, targets)
    ]
