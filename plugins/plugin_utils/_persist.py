# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings made to last: where they are written, such that they decide at the next boot. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ._conflicts import Conflict, comment_out, conflicts_in, edit_for, hidden_by, hidden_in, winning_path
from ._dropin import Found, Place, Record, render
from ._held import Held, marked_lines, record_of, taken
from ._knobs import KNOBS
from ._platforms import PLATFORMS
from ._policy import Impossible
from ._request import Request
from ._snapshot import Snapshot, printable
from ._sysctld import SYSCTL_CONF, SysctlFile
from ._targets import boot_value, value_now
from ._tree import Edit, Own, is_ours, marked, with_edit, with_edits, with_text
from ._undo import Files, recycle_value, recycling, without_texts
from ._values import Value, kernel_text


def place_for(snapshot: Snapshot, request: Request) -> Place:
    """A drop-in where the loader reads its directory, else a block in /etc/sysctl.conf. Raises Impossible."""
    loader, directory = snapshot.loaders.boot, request.path.rpartition("/")[0]
    dropin = Place.file(request.path)
    missing = snapshot.parent is not None and snapshot.parent.kind == "missing"
    if loader is not None and loader.directories and directory not in loader.directories:
        raise Impossible(
            f"{snapshot.loaders.boot_name} does not read {directory} on this host. Choose a path in one of "
            f"{', '.join(loader.directories)}"
        )
    only_sysctl_conf = loader is not None and loader.reads_sysctl_conf and not loader.directories
    # Where the loader is not known, a file that is there is more likely to be read than a directory that is not.
    if only_sysctl_conf or (missing and (loader is None or loader.reads_sysctl_conf) and _sysctl_conf(snapshot)):
        return replace(dropin, path=SYSCTL_CONF, block=True)
    return dropin


def _sysctl_conf(snapshot: Snapshot) -> SysctlFile | None:
    return next((f for f in snapshot.files if f.path == SYSCTL_CONF and (f.link or f.kind != "missing")), None)


def check_elsewhere(snapshot: Snapshot, targets: Mapping[str, Value], files: tuple[SysctlFile, ...]) -> None:
    """Raises Impossible where the files of a system that is configured elsewhere do not say what they should."""
    platform = PLATFORMS[snapshot.platform]
    if any(boot_value(snapshot, files, name) != value for name, value in targets.items()):
        raise Impossible(
            f"this host runs {platform.name}, whose files in /etc are not for others to write. Put this into "
            f"{platform.where}: {platform.configuration(targets)} and set apply_to: runtime until that is deployed"
        )


def persist(snapshot: Snapshot, request: Request, held: Held, targets: Mapping[str, Value]) -> Files:
    """The settings in their place, and what it takes for them to decide at boot. Raises Impossible."""
    place, loader = held.place, snapshot.loaders.boot
    there = None if place.block else taken(snapshot, place.path)
    if there:
        raise Impossible(f"{there}; choose another path, or remove it")
    _check_beside(place, held.beside, targets)
    record = Record(targets, before_of(snapshot, request, held, targets), request.owner, _found(snapshot, held))
    text = render(place, record)
    renamed = _renamed(snapshot, held)
    # A block that is there already keeps its place among the lines of others.
    files = with_text(with_edits(without_texts(snapshot.files, held.former_places), renamed), place, text)
    hider = None if place.block else hidden_by(place.path, files, loader)
    if hider:
        raise Impossible(
            f"the tuning would not survive a reboot. {printable(hider.path)} hides {place.path}, which has the same "
            "name. To mend it: remove that file" + _or_set_path(winning_path(files, loader, targets, text, place))
        )
    hidden = [] if place.block else hidden_in(files, place.path, loader)
    if hidden:
        raise Impossible(
            f"{place.path} would keep {printable(hidden[0].path)} from being read, which has the same name. Choose a "
            "path with another name"
        )
    back, files = _out_of_the_way(snapshot, files, targets, place.mark)
    conflicts = conflicts_in(files, loader, targets)
    if conflicts and request.conflicts == "fail":
        better = winning_path(files, loader, targets, text, place)
        raise Impossible(_conflict_message(conflicts, files, place.mark, better))
    out, files, left = comment_out(files, loader, targets, place.mark)
    if left:
        better = winning_path(files, loader, targets, text, place)
        raise Impossible(_conflict_message(left, files, place.mark, better))
    # What was commented out may make room for what was so before; after this nothing is left for the next run.
    late, files = _out_of_the_way(snapshot, files, targets, place.mark)
    edited = sorted({file.path for file, _line in marked(files, place.mark)})
    bare = without_texts(files, [place])
    keeps_off = targets.get("tcp_tw_recycle") == 0 and recycling(bare, snapshot) is not None
    text = render(place, record, edited, keeps_off=keeps_off)
    return Files(text, _joined([*renamed, *back, *out, *late]), with_text(files, place, text))


def before_of(snapshot: Snapshot, request: Request, held: Held, targets: Mapping[str, Value]) -> dict[str, Value]:
    """What the kernel had before anybody set it: as we remember it, as another caller does, or as it is now."""
    known = {**_before_beside((*held.beside, *held.gone), targets), **held.record.before}
    # A value that our own text set at boot is none from before.
    now = {
        name: value
        for name in targets
        if (value := value_now(name, snapshot, request)) is not None and value not in held.ours.get(name, ())
    }
    return {name: value for name in targets if (value := known.get(name, now.get(name))) is not None}


def _before_beside(beside: tuple[Own, ...], targets: Mapping[str, Value]) -> dict[str, Value]:
    before: dict[str, Value] = {}
    for own in beside:
        record = record_of(own) or Record()
        before |= {name: value for name, value in record.before.items() if name in targets}
    return before


def _found(snapshot: Snapshot, held: Held) -> Found:
    """What a block is to leave behind. Once one is there, only its own record can tell."""
    if not held.place.block:
        return "whole"
    if held.text is not None:
        return held.record.found
    file = _sysctl_conf(snapshot)
    if file and (file.kind != "regular" or file.link):
        raise Impossible(f"{SYSCTL_CONF} is a link, or no regular file. Only a regular file is written to")
    blocks = [record.found for own in (*held.former, *held.beside) if own.place.block and (record := record_of(own))]
    if blocks:
        return blocks[0]
    return "missing" if file is None else "whole" if file.ended else "unended"


def _renamed(snapshot: Snapshot, held: Held) -> list[Edit]:
    """Lines that were commented out in favour of a former place bear the mark of the present one."""
    here = held.place.mark
    return [
        Edit(file.path, line, mark, here) for file, line, mark in marked_lines(held, snapshot.files) if mark != here
    ]


def _joined(edits: list[Edit]) -> tuple[Edit, ...]:
    """One edit for each line: what it is now, and what it is to be in the end."""
    joined: dict[tuple[str, int], Edit] = {}
    for edit in edits:
        first = joined.pop((edit.file, edit.line.number), edit)
        joined[edit.file, edit.line.number] = replace(first, mark_after=edit.mark_after)
    return tuple(edit for edit in joined.values() if edit.mark_before != edit.mark_after)


def _check_beside(place: Place, beside: tuple[Own, ...], targets: Mapping[str, Value]) -> None:
    """A place belongs to one caller, and two callers must not want different values."""
    for own in beside:
        other = printable(str(own.place))
        for name, value in own.values.items():
            if name in targets and targets[name] != value:
                raise Impossible(
                    f"{KNOBS[name].key}: {other}, also written by this collection, says {kernel_text(value)} where "
                    f"{place} is to say {kernel_text(targets[name])}. Ask for the same value in both, or undo the "
                    f"other with state: absent and path: {own.place.known_as}"
                )


def _out_of_the_way(
    snapshot: Snapshot, files: tuple[SysctlFile, ...], targets: Mapping[str, Value], mark: str
) -> tuple[list[Edit], tuple[SysctlFile, ...]]:
    """The lines that need not be commented out any longer, and the files with them brought back.

    A line that turns recycle on is not brought back, whatever other lines there are.
    """
    loader = snapshot.loaders.boot

    def conflicting(files: tuple[SysctlFile, ...]) -> set[str]:
        return {str(conflict) for conflict in conflicts_in(files, loader, targets)}

    edits: list[Edit] = []
    for file, line in marked(files, mark) if loader else []:
        edit = Edit(file.path, line, mark_before=mark)
        candidate = with_edit(files, edit)
        harmless = recycle_value(replace(line, text=edit.text_after), file, snapshot) == 0
        if harmless and conflicting(candidate) <= conflicting(files):
            edits.append(edit)
            files = candidate
    return edits, files


def _conflict_message(
    conflicts: list[Conflict], files: tuple[SysctlFile, ...], mark: str, better_path: str | None
) -> str:
    what = "; ".join(map(str, conflicts))
    if any(is_ours(conflict.setting.file) for conflict in conflicts):
        remedy = "ask for the same value in both, as both files are written by this collection"
    elif all(edit_for(conflict, files, mark) for conflict in conflicts):
        remedy = "remove that line, or set conflicts: comment_out, which comments it out"
    else:
        remedy = "change that line where it comes from; it is not for this collection to comment out"
    return f"the tuning would not survive a reboot. {what}. To mend it: {remedy}{_or_set_path(better_path)}"


def _or_set_path(better_path: str | None) -> str:
    return f", or set path: {better_path}, which wins" if better_path else ""
