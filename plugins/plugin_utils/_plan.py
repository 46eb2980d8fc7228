# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a host as it is and a request to what is to be done: one plan, for check mode and for the real run. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from . import _policy
from ._conflicts import (
    Conflict,
    Edit,
    comment_out,
    conflicts_in,
    hidden_by,
    is_ours,
    winning_path,
    with_edit,
    with_file,
)
from ._dropin import Record, mark_of, parse, render
from ._exposure import Exposure
from ._knobs import KNOBS
from ._loaders import Loader
from ._policy import Impossible, Refusal, recycle_refusals
from ._request import Request
from ._snapshot import Parent, Snapshot, printable
from ._sysctld import Line, SysctlFile, decide
from ._values import PortRange, Value, kernel_text, kernel_value, merged, without

RECYCLE = "tcp_tw_recycle"


@dataclass(frozen=True)
class Change:
    """A knob's value in the running kernel, before and after."""

    knob: str
    before: Value
    after: Value


@dataclass(frozen=True)
class Plan:
    """What is to be done. ``text_before`` and ``text_after`` are our drop-in's, None where there is none.

    ``values`` are those that hold in the end, ``boot`` those after the next boot (None: the loader is not known, or
    the kernel's own default holds and is not known).
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
    _check_writable(snapshot, made)
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
    targets = _targets(snapshot, request, record, others)
    warnings = [_policy.unsupported(name, snapshot) for name in request.values if _is_missing(name, snapshot)]
    warnings += filter(None, [_policy.recycle_unseen(snapshot)])
    if request.recycle:
        warnings.append(_policy.RECYCLE_WARNING)
    dropped = {name: record.values[name] for name in record.values if name not in targets}
    restored, kept_off, more = _restored(dropped, snapshot, exposure, record)
    edits, files, text_after = _persist(snapshot, request, record, targets)
    goal = {**restored, **targets}
    changes = _changes(snapshot, goal)
    warnings += more + _loader_warnings(snapshot, files, targets)
    return Plan(request.path, changes, _text_of(snapshot), text_after, edits, kept_off, tuple(warnings), files)


def _text_of(snapshot: Snapshot) -> str | None:
    return snapshot.dropin.text if snapshot.dropin else None


def _is_missing(name: str, snapshot: Snapshot) -> bool:
    """Asked for, and not there. A kernel without recycle is no reason to warn: off is what it is."""
    return name not in snapshot.knobs and name != RECYCLE


def _changes(snapshot: Snapshot, goal: Mapping[str, Value]) -> tuple[Change, ...]:
    return tuple(
        Change(name, snapshot.knobs[name], goal[name])
        for name in KNOBS
        if name in goal and name in snapshot.knobs and snapshot.knobs[name] != goal[name]
    )


def _targets(
    snapshot: Snapshot, request: Request, record: Record, others: tuple[SysctlFile, ...]
) -> dict[str, Value]:
    """The values that are to hold now and after a boot, of the knobs that this kernel has."""
    targets: dict[str, Value] = {}
    for name in KNOBS:
        now = snapshot.knobs.get(name)
        if now is None:
            continue
        boot = _boot_value(snapshot, others, name)
        if name == "tcp_timestamps" and request.keep_on:
            # A 2 that somebody set is deliberate, and is never turned into a 1. A file that ours overrules is no such
            # wish: a line may have been commented out between the two.
            boot = _boot_value(snapshot, snapshot.files, name)
            targets[name] = next((v for v in (now, boot) if isinstance(v, int) and v >= 2), 1)
        elif name in request.values:
            target = _target(name, request.values[name], now, boot, record.values.get(name))
            if target is not None:
                targets[name] = target
    return targets


def _target(name: str, asked: Value, now: Value, boot: Value | None, own: Value | None) -> Value | None:
    """The value to hold; None when nothing need be written. ``boot`` is what other files lead to, ``own`` ours."""
    if name == "tcp_max_tw_buckets" and isinstance(asked, int) and isinstance(now, int):
        enough = now >= asked and (not isinstance(boot, int) or boot >= asked)
        if enough and own is None:
            return None
        return max(asked, now, own if isinstance(own, int) else 0)
    if name == "ip_local_reserved_ports":
        return merged(_ports(asked) + _ports(now) + _ports(boot))
    return asked


def _ports(value: Value | None) -> tuple[PortRange, ...]:
    return value if isinstance(value, tuple) and not isinstance(value, PortRange) else ()


def _boot_value(snapshot: Snapshot, files: tuple[SysctlFile, ...], name: str) -> Value | None:
    """What files make of a knob at boot; None when none of them sets it, or the loader is not known."""
    if snapshot.loaders.boot is None:
        return None
    text = decide(KNOBS[name].path, files, snapshot.loaders.boot).value
    return None if text is None else kernel_value(KNOBS[name], text)


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
    back, files = _out_of_the_way(files, loader, targets, request.path, record)
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


def _out_of_the_way(
    files: tuple[SysctlFile, ...], loader: Loader | None, targets: Mapping[str, Value], path: str, record: Record
) -> tuple[list[Edit], tuple[SysctlFile, ...]]:
    """The lines that need not be commented out any longer, and the files with them brought back."""

    def conflicting(files: tuple[SysctlFile, ...]) -> list[tuple[str, str, Line]]:
        found = conflicts_in(files, loader, targets)
        return [(conflict.knob, conflict.setting.file.path, conflict.setting.line) for conflict in found]

    edits: list[Edit] = []
    mark = mark_of(path)
    marked = [(file, line) for file in files if file.path in record.edited for line in file.lines]
    for file, line in marked if loader else []:
        edit = Edit(file.path, line, out=False)
        candidate = with_edit(files, edit, mark)
        if line.text.startswith(mark) and conflicting(candidate) == conflicting(files):
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


def _loader_warnings(
    snapshot: Snapshot, files: tuple[SysctlFile, ...], targets: Mapping[str, Value]
) -> list[str]:
    loaders = snapshot.loaders
    if loaders.boot is None:
        return ["what applies sysctl files when this host boots is not known, so the value after a boot is not known"]
    return [
        f"'sysctl --system' ({loaders.reload_name}) would undo this until the next boot: {conflict}"
        for conflict in conflicts_in(files, loaders.reload, targets)
    ]


def _restored(
    dropped: Mapping[str, Value], snapshot: Snapshot, exposure: Exposure, record: Record
) -> tuple[dict[str, Value], tuple[Refusal, ...], list[str]]:
    """The former values of knobs that are ours no longer. Recycle stays 0 where the policy would refuse it today."""
    goal: dict[str, Value] = {}
    refused: tuple[Refusal, ...] = ()
    warnings: list[str] = []
    for name, ours in dropped.items():
        now, before = snapshot.knobs.get(name), record.before.get(name)
        if now is None or before is None:
            continue
        if name == RECYCLE and isinstance(before, int) and recycle_refusals(before, exposure, snapshot):
            refused = recycle_refusals(before, exposure, snapshot)
            warnings.append(f"{KNOBS[name].key} was {before} and is not turned on again: {refused[0].reason}")
        elif now == ours:
            goal[name] = before
            if name == RECYCLE and before:
                warnings.append(_policy.RECYCLE_WARNING)
        elif name == "ip_local_reserved_ports":
            goal[name] = without(_ports(now), without(_ports(ours), _ports(before)))
        else:
            warnings.append(
                f"{KNOBS[name].key} is {kernel_text(now)}, which this collection did not set; it was left alone "
                f"(before, it was {kernel_text(before)})"
            )
    return goal, refused, warnings


def _plan_absent(snapshot: Snapshot, exposure: Exposure, request: Request, record: Record) -> Plan:
    goal, refused, warnings = _restored(record.values, snapshot, exposure, record)
    mark = mark_of(request.path)
    edits: list[Edit] = []
    files = with_file(snapshot.files, request.path, None)
    for file in snapshot.files:
        if file.path not in record.edited:
            continue
        for line in file.lines:
            if not line.text.startswith(mark):
                continue
            value = _recycle_value(Line(line.number, line.text.removeprefix(mark)), file, snapshot)
            against = recycle_refusals(value, exposure, snapshot)
            refused += tuple(refusal for refusal in against if refusal not in refused)
            if not against:
                edits.append(Edit(file.path, line, out=False))
                files = with_edit(files, edits[-1], mark)
                if value:
                    warnings.append(_policy.RECYCLE_WARNING)
    text, more = _kept_off(snapshot, exposure, request, record, files)
    refused += tuple(refusal for refusal in more if refusal not in refused)
    if text:
        warnings.append(
            f"{request.path} stays, with nothing but {KNOBS[RECYCLE].key} = 0: without it another file would turn "
            "recycle on at the next boot. Remove that line, then run this again"
        )
    return Plan(
        request.path,
        _changes(snapshot, goal),
        _text_of(snapshot),
        text,
        tuple(edits),
        refused,
        tuple(dict.fromkeys(warnings)),
        with_file(files, request.path, text),
    )


def _kept_off(
    snapshot: Snapshot, exposure: Exposure, request: Request, record: Record, files: tuple[SysctlFile, ...]
) -> tuple[str | None, tuple[Refusal, ...]]:
    """A drop-in with tcp_tw_recycle = 0 alone, where ``files`` would otherwise turn it on at the next boot."""
    loader = snapshot.loaders.boot
    if RECYCLE not in record.values or loader is None:
        return None, ()
    text = decide(KNOBS[RECYCLE].path, files, loader).value
    value = None if text is None else kernel_value(KNOBS[RECYCLE], text)
    against = recycle_refusals(value, exposure, snapshot) if isinstance(value, int) else ()
    if not against:
        return None, ()
    before = {RECYCLE: record.before[RECYCLE]} if RECYCLE in record.before else {}
    return render(request.path, Record({RECYCLE: 0}, before)), against


def _recycle_value(line: Line, file: SysctlFile, snapshot: Snapshot) -> int:
    """What a line would set tcp_tw_recycle to: 0 when it is about another key."""
    loaders = [loader for loader in (snapshot.loaders.boot, snapshot.loaders.reload) if loader]
    if loaders:
        alone = replace(file, path="/etc/sysctl.d/x.conf", lines=(line,))
        texts = [decide(KNOBS[RECYCLE].path, [alone], loader).value for loader in loaders]
    else:
        key, _equals, value = line.text.partition("=")
        texts = [value if RECYCLE in key or any(character in key for character in "*?[") else None]
    values = [kernel_value(KNOBS[RECYCLE], text) for text in texts if text is not None]
    # A text that is no number is taken for the worst.
    return next((value if isinstance(value, int) else 1 for value in values if value != 0), 0)


def _check_writable(snapshot: Snapshot, made: Plan) -> None:
    for change in made.changes:
        if change.knob in snapshot.not_writable:
            raise Impossible(
                f"{KNOBS[change.knob].key} cannot be written here: {snapshot.not_writable[change.knob]}. In a container "
                "this is decided from outside: run it privileged, or with this sysctl set by whoever starts it"
            )
    if made.text_before != made.text_after and snapshot.parent:
        _check_directory(made.path.rpartition("/")[0], snapshot.parent)


def _check_directory(directory: str, parent: Parent) -> None:
    if parent.kind == "missing":
        raise Impossible(f"{directory} is not there, so no sysctl loader reads it. Create it, or install procps")
    if parent.kind != "directory" or parent.link:
        raise Impossible(f"{directory} is a link, or no directory. Only a real directory is written to")
    if not parent.writable:
        raise Impossible(
            f"{directory} cannot be written to; is its file system mounted read-only? Mount it read-write, or put the "
            "settings into the image that this host is made from"
        )
    if parent.mode and (
        parent.uid != "0" or parent.mode[8] == "w" or (parent.mode[5] == "w" and parent.gid != "0")
    ):
        raise Impossible(
            f"{directory} may be written by others than root ({printable(parent.mode)}, owner {printable(parent.uid)}), "
            f"who could replace the file. Mend it with: chown root:root {directory} && chmod 755 {directory}"
        )
