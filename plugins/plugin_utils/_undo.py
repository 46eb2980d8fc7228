# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Former values and lines, brought back. Pure.

The one exception everywhere: tcp_tw_recycle is never turned on again where the policy would refuse it today.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ._dropin import Place, Record, render
from ._exposure import Exposure
from ._held import Held, marked_lines
from ._knobs import KNOBS
from ._policy import RECYCLE_WARNING, Refusal, recycle_refusals
from ._snapshot import Snapshot, printable
from ._sysctld import SYSCTL_CONF, Line, SysctlFile, decide
from ._tree import Edit, Own, with_edit, with_text
from ._values import Value, kernel_text, kernel_value, ports_in, without

RECYCLE = "tcp_tw_recycle"


@dataclass(frozen=True)
class Files:
    """The files of a host as they will be, the text of ours in its place (None for none), and edits of other files.

    ``refused`` are lines that would turn tcp_tw_recycle on again, and why they do not come back.
    """

    text: str | None
    edits: tuple[Edit, ...]
    files: tuple[SysctlFile, ...]
    refused: tuple[Refusal, ...] = ()
    warnings: tuple[str, ...] = ()


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


def asked_beside(values: dict[str, Value], beside: tuple[Own, ...]) -> list[str]:
    """Keeps the values that other callers ask for too, with a warning for each."""
    warnings = []
    for own in beside:
        for name, value in own.values.items():
            if name in values:
                values[name] = value
                warnings.append(
                    f"{KNOBS[name].key} stays {kernel_text(value)}: {printable(str(own.place))} asks for it too"
                )
    return warnings


def files_without(snapshot: Snapshot, exposure: Exposure, held: Held) -> Files:
    """What a caller did to files, undone; of its text stays what keeps tcp_tw_recycle off."""
    edits: list[Edit] = []
    refused: list[Refusal] = []
    warnings: list[str] = []
    files = snapshot.files
    for file, line, mark in marked_lines(held, files):
        value = recycle_value(Line(line.number, line.text.removeprefix(mark)), file, snapshot)
        against = recycle_refusals(value, exposure, snapshot)
        refused += against
        if not against:
            edits.append(Edit(file.path, line, mark_before=mark))
            files = with_edit(files, edits[-1])
            warnings += [RECYCLE_WARNING] if value else []
    files = without_texts(files, [held.place, *held.former_places])
    text, more = _kept_off(snapshot, exposure, held, files)
    if text:
        files = with_text(files, held.place, text)
        warnings.append(
            f"{held.place} stays, with nothing but {KNOBS[RECYCLE].key} = 0: without it another file would turn "
            "recycle on at the next boot. Remove that line, then run this again"
        )
    return Files(text, tuple(edits), files, tuple(dict.fromkeys([*refused, *more])), tuple(dict.fromkeys(warnings)))


def without_texts(files: tuple[SysctlFile, ...], places: Iterable[Place]) -> tuple[SysctlFile, ...]:
    """The files without the texts of ours in these places."""
    for place in places:
        files = with_text(files, place, None)
    return files


def _kept_off(
    snapshot: Snapshot, exposure: Exposure, held: Held, files: tuple[SysctlFile, ...]
) -> tuple[str | None, tuple[Refusal, ...]]:
    """A text with tcp_tw_recycle = 0 alone, where ``files`` would otherwise turn it on at the next boot."""
    loader, record = snapshot.loaders.boot, held.record
    if RECYCLE not in record.values or loader is None:
        return None, ()
    text = decide(KNOBS[RECYCLE].path, files, loader).value
    value = None if text is None else kernel_value(KNOBS[RECYCLE], text)
    against = recycle_refusals(value, exposure, snapshot) if isinstance(value, int) else ()
    if not against:
        return None, ()
    before = {RECYCLE: record.before[RECYCLE]} if RECYCLE in record.before else {}
    return render(held.place, replace(record, values={RECYCLE: 0}, before=before)), against


def recycle_value(line: Line, file: SysctlFile, snapshot: Snapshot) -> int:
    """What a line would set tcp_tw_recycle to: 0 when it is about another key."""
    loaders = [loader for loader in (snapshot.loaders.boot, snapshot.loaders.reload) if loader]
    if loaders:
        # A loader may read one of the two only.
        alone = [replace(file, path=path, lines=(line,)) for path in ("/etc/sysctl.d/x.conf", SYSCTL_CONF)]
        texts = [decide(KNOBS[RECYCLE].path, [only], loader).value for loader in loaders for only in alone]
    else:
        key, _equals, value = line.text.partition("=")
        texts = [value if RECYCLE in key or any(character in key for character in "*?[") else None]
    values = [kernel_value(KNOBS[RECYCLE], text) for text in texts if text is not None]
    # A text that is no number is taken for the worst.
    return next((value if isinstance(value, int) else 1 for value in values if value != 0), 0)
