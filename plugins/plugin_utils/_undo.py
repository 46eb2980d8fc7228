# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Former values and lines, brought back. Pure.

The one exception everywhere: tcp_tw_recycle is never turned on again where the policy would refuse it today.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ._conflicts import Edit, ours_beside, with_edit, with_file
from ._dropin import Record, mark_of, render
from ._exposure import Exposure
from ._knobs import KNOBS
from ._policy import RECYCLE_WARNING, Refusal, recycle_refusals
from ._snapshot import Snapshot, printable
from ._sysctld import Line, SysctlFile, decide
from ._values import Value, kernel_text, kernel_value, ports_in, without

RECYCLE = "tcp_tw_recycle"


@dataclass(frozen=True)
class Undo:
    """What undoes a drop-in: the values and lines from before, and why recycle stays off, should it have been on.

    ``text`` is what has to stay of the drop-in itself, None for nothing. ``files`` are the others, as they will be.
    """

    values: Mapping[str, Value]
    edits: tuple[Edit, ...]
    text: str | None
    files: tuple[SysctlFile, ...]
    refused: tuple[Refusal, ...]
    warnings: tuple[str, ...]


def undo_of(snapshot: Snapshot, exposure: Exposure, path: str, record: Record) -> Undo:
    """Everything that a drop-in of ours did, undone."""
    values, refused, warnings = former_values(record.values, snapshot, exposure, record)
    for name, (other, value) in ours_beside(path, snapshot.files).items():
        if name in values:
            values[name] = value
            warnings.append(f"{KNOBS[name].key} stays {kernel_text(value)}: {printable(other)} asks for it too")
    edits, files, more_refused, more_warnings = _lines_back(snapshot, exposure, path, record)
    text, against = _kept_off(snapshot, exposure, path, record, files)
    if text:
        more_warnings.append(
            f"{path} stays, with nothing but {KNOBS[RECYCLE].key} = 0: without it another file would turn recycle on "
            "at the next boot. Remove that line, then run this again"
        )
    return Undo(
        values,
        tuple(edits),
        text,
        files,
        tuple(dict.fromkeys([*refused, *more_refused, *against])),
        tuple(dict.fromkeys([*warnings, *more_warnings])),
    )


def former_values(
    ours: Mapping[str, Value], snapshot: Snapshot, exposure: Exposure, record: Record
) -> tuple[dict[str, Value], tuple[Refusal, ...], list[str]]:
    """The values from before of knobs that are ours no longer; what was refused, and warnings."""
    goal: dict[str, Value] = {}
    refused: tuple[Refusal, ...] = ()
    warnings: list[str] = []
    for name, own in ours.items():
        now, before = snapshot.knobs.get(name), record.before.get(name)
        if now is None or before is None:
            continue
        against = recycle_refusals(before, exposure, snapshot) if name == RECYCLE and isinstance(before, int) else ()
        if against:
            refused = against
            warnings.append(f"{KNOBS[name].key} was {before} and is not turned on again: {against[0].reason}")
        elif now == own:
            goal[name] = before
            if name == RECYCLE and before:
                warnings.append(RECYCLE_WARNING)
        elif name == "ip_local_reserved_ports":
            goal[name] = without(ports_in(now), without(ports_in(own), ports_in(before)))
        else:
            warnings.append(
                f"{KNOBS[name].key} is {kernel_text(now)}, which this collection did not set; it was left alone "
                f"(before, it was {kernel_text(before)})"
            )
    return goal, refused, warnings


def _lines_back(
    snapshot: Snapshot, exposure: Exposure, path: str, record: Record
) -> tuple[list[Edit], tuple[SysctlFile, ...], list[Refusal], list[str]]:
    """The lines that were commented out, brought back; the files then, what was refused, and warnings."""
    edits: list[Edit] = []
    refused: list[Refusal] = []
    warnings: list[str] = []
    mark = mark_of(path)
    files = with_file(snapshot.files, path, None)
    edited = [file for file in snapshot.files if file.path in record.edited]
    marked = [(file, line) for file in edited for line in file.lines if line.text.startswith(mark)]
    for file, line in marked:
        value = recycle_value(Line(line.number, line.text.removeprefix(mark)), file, snapshot)
        against = recycle_refusals(value, exposure, snapshot)
        refused += against
        if not against:
            edits.append(Edit(file.path, line, out=False))
            files = with_edit(files, edits[-1], mark)
            warnings += [RECYCLE_WARNING] if value else []
    return edits, files, refused, warnings


def _kept_off(
    snapshot: Snapshot, exposure: Exposure, path: str, record: Record, files: tuple[SysctlFile, ...]
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
    return render(path, Record({RECYCLE: 0}, before)), against


def recycle_value(line: Line, file: SysctlFile, snapshot: Snapshot) -> int:
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
