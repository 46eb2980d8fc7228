# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Former values and lines, brought back. Pure.

The one exception everywhere: tcp_tw_recycle is never turned on again where the policy would refuse it today.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ._dropin import Place, render
from ._exposure import Exposure
from ._held import Held, marked_lines, record_of
from ._knobs import KNOBS
from ._policy import RECYCLE_WARNING, Refusal, recycle_refusals
from ._snapshot import Snapshot, printable
from ._sysctld import SYSCTL_CONF, Line, SysctlFile, decide
from ._tree import Edit, Own, damages_in, own_in, with_edit, with_text
from ._values import Value, kernel_text, kernel_value, merged, ports_in, without

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
    names: Iterable[str], snapshot: Snapshot, exposure: Exposure, held: Held
) -> tuple[dict[str, Value], tuple[Refusal, ...], list[str]]:
    """The values from before of knobs that are ours no longer; what was refused, and warnings."""
    goal: dict[str, Value] = {}
    refused: tuple[Refusal, ...] = ()
    warnings: list[str] = []
    for name in names:
        now, before, ours = snapshot.knobs.get(name), held.record.before.get(name), held.ours[name]
        if now is None or before is None:
            continue
        against = recycle_refusals(before, exposure, snapshot) if name == RECYCLE and isinstance(before, int) else ()
        if against:
            refused = against
            warnings.append(f"{KNOBS[name].key} was {before} and is not turned on again: {against[0].reason}")
        elif now in ours:
            goal[name] = before
            if name == RECYCLE and before:
                warnings.append(RECYCLE_WARNING)
        elif name == "ip_local_reserved_ports":
            added = merged(port for own in ours for port in ports_in(own))
            goal[name] = without(ports_in(now), without(added, ports_in(before)))
        elif now != before:
            warnings.append(
                f"{KNOBS[name].key} is {kernel_text(now)}, which this collection did not set; it was left alone "
                f"(before, it was {kernel_text(before)})"
            )
    return goal, refused, warnings


def asked_beside(values: dict[str, Value], beside: tuple[Own, ...]) -> list[str]:
    """Keeps the values that other callers ask for too, with a warning for each.

    One that does not know what was before has asked for the next boot only, and could not bring it back.
    """
    warnings = []
    for own in beside:
        record = record_of(own)
        for name, value in own.values.items():
            if name in values and (record is None or name in record.before):
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
    bare = without_texts(files, [held.place, *held.former_places])
    on = recycling(bare, snapshot)
    against = recycle_refusals(on[2], exposure, snapshot) if on else ()
    text = _off_alone(held) if against else None
    kept = with_text(without_texts(files, held.former_places), held.place, text) if text else bare
    if on and text and recycling(kept, snapshot) is None:
        refused += against
        warnings.append(
            f"{held.place} stays, with nothing but {KNOBS[RECYCLE].key} = 0: without it line {on[1].number} of "
            f"{printable(on[0].path)} would turn recycle on at the next boot. Remove that line, then run this again"
        )
    else:
        text, kept = None, bare
    return Files(text, tuple(edits), kept, tuple(dict.fromkeys(refused)), tuple(dict.fromkeys(warnings)))


def _off_alone(held: Held) -> str | None:
    """A text with tcp_tw_recycle = 0 and nothing else, in place of one that had it; None where no file had."""
    record = held.record
    if RECYCLE not in record.values or (held.text is None and not held.former):
        return None
    before = {RECYCLE: record.before[RECYCLE]} if RECYCLE in record.before else {}
    return render(held.place, replace(record, values={RECYCLE: 0}, before=before), keeps_off=True)


def recycling(files: tuple[SysctlFile, ...], snapshot: Snapshot) -> tuple[SysctlFile, Line, int] | None:
    """The line that turns recycle on at the next boot, and its value.

    Where the loader is not known any line could, unless a text of ours says 0: more cannot be done there.
    """
    loader = snapshot.loaders.boot
    if loader:
        setting = decide(KNOBS[RECYCLE].path, files, loader).setting
        candidates = [(setting.file, setting.line)] if setting else []
    elif not damages_in(files) and any(own.values.get(RECYCLE) == 0 for own in own_in(files)):
        candidates = []
    else:
        candidates = [(file, line) for file in files for line in file.lines]
    for file, line in candidates:
        value = recycle_value(line, file, snapshot)
        if value:
            return file, line, value
    return None


def without_texts(files: tuple[SysctlFile, ...], places: Iterable[Place]) -> tuple[SysctlFile, ...]:
    """The files without the texts of ours in these places."""
    for place in places:
        files = with_text(files, place, None)
    return files


def recycle_value(line: Line, file: SysctlFile, snapshot: Snapshot) -> int:
    """What a line would set tcp_tw_recycle to: 0 when it is about another key."""
    known = [each for each in (snapshot.loaders.boot, snapshot.loaders.reload) if each and each.reads_anything]
    # A loader may read one of the two only.
    alone = [replace(file, path=path, lines=(line,)) for path in ("/etc/sysctl.d/x.conf", SYSCTL_CONF)]
    texts = [decide(KNOBS[RECYCLE].path, [only], loader).value for loader in known for only in alone]
    if len(known) < 2:
        texts.append(_worst(line.text))
    values = [kernel_value(KNOBS[RECYCLE], text) for text in texts if text is not None]
    # A text that is no number is taken for the worst.
    return next((value if isinstance(value, int) else 1 for value in values if value != 0), 0)


def _worst(text: str) -> str | None:
    """The value in a line whose key could mean recycle to some loader."""
    if text.lstrip().startswith(("#", ";")):
        return None
    key, equals, value = text.partition("=")
    path = re.sub(r"\{[^}]*\}", "*", key.strip().lstrip("-").replace(".", "/"))
    means = RECYCLE in key or "[" in key or fnmatch.fnmatchcase(KNOBS[RECYCLE].path, path)
    return value if equals and means else None
