# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a caller's earlier runs left on a host: texts, lines that were commented out, and the joint record. Pure.

A caller is known by the name of its drop-in; and by its owner, so that its settings move along when the name changes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from ._dropin import REMEMBERED, Place, Record, owner_in, parse, render
from ._knobs import KNOBS
from ._policy import Impossible
from ._script import MARK
from ._snapshot import Snapshot, printable
from ._sysctld import Line, SysctlFile
from ._tree import Own, marked, own_in
from ._values import BadRequest, Value

#: The first line of what is kept in /run until the next boot: a copy of a text, or all there is of it.
_COPY = f"{MARK}copy of "
_RUNNING = f"{MARK}for the running kernel only"


@dataclass(frozen=True)
class Held:
    """``text`` stands in ``place``, None for nothing; ``former`` are texts of the same caller in other places.

    ``record`` is what all of them say together, ``ours`` every value that any of them sets: a run that was killed may
    have left the kernel with one that the latest no longer sets. ``purged``: a place whose text is gone, though nobody
    undid it. ``beside`` are the texts of other callers, ``gone`` what they had that is purged.
    """

    place: Place
    text: str | None
    former: tuple[Own, ...]
    record: Record
    purged: str | None
    beside: tuple[Own, ...]
    gone: tuple[Own, ...] = ()
    ours: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)

    @property
    def former_places(self) -> tuple[Place, ...]:
        return tuple(own.place for own in self.former)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of drop-ins that are or were this caller's; lines were commented out in their names."""
        return tuple(dict.fromkeys([self.place.name, *(place.name for place in self.former_places)]))


def held_at(snapshot: Snapshot, place: Place, owner: str) -> Held:
    """What the caller with this place and owner holds.

    Raises BadRequest for a format that is not known here, Impossible for a text with settings of somebody else in it:
    with it they would be overwritten.
    """
    found = own_in(snapshot.files)
    mine = [own for own in found if own.place.name == place.name or (owner and owner_in(own.text) == owner)]
    # The probe brings a drop-in whole, to its last byte.
    dropin = snapshot.dropin.text if snapshot.dropin else None
    here = next((own.text for own in mine if own.place == place), None)
    text = here if place.block else dropin
    former = tuple(own for own in mine if own.place != place)
    for own in (*former, Own(place, text or "")):
        if own.is_damaged:
            raise Impossible(
                f"{printable(str(own.place))} has a setting in it that this collection did not write, and would "
                "overwrite. Move it to a file of its own"
            )
    records = [parse(own.place, own.text) for own in former]
    if text is not None:
        records.append(parse(place, text))
    # Last, as the running kernel has these; a text may have been written for the next boot only.
    names = [*(own.place.name for own in former if own.place.name != place.name), place.name]
    recalled = [_recall(place, snapshot.remembered.get(name)) for name in names]
    records += [record for _of, record in recalled if record]
    others = {name: text for name, text in snapshot.remembered.items() if name != place.name}
    running = [_kept(name, text) for name, text in others.items() if is_record(text)]
    beside = (*(own for own in found if own not in mine), *running)
    gone = tuple(_kept(name, others[name]) for name in lost_copies(snapshot) if name in others)
    latest = parse(place, text) if text is not None else records[-1] if records else Record()
    purged = None if text or former else recalled[-1][0]
    return Held(place, text, former, _joined(latest, records), purged, beside, gone, _values_of(records))


def _kept(name: str, text: str) -> Own:
    """What is kept in /run of another caller."""
    return Own(Place(f"{REMEMBERED}{name}", name), text.partition("\n")[2])


def _values_of(records: list[Record]) -> dict[str, tuple[Value, ...]]:
    values: dict[str, tuple[Value, ...]] = {}
    for name, value in (item for r in records for item in (*r.values.items(), *r.until_now.items())):
        values[name] = (*values.get(name, ()), value)
    return values


def record_of(own: Own) -> Record | None:
    """What a text of another caller says; None for one of a newer release, which alone knows what was before."""
    try:
        return parse(own.place, own.text)
    except BadRequest:
        return None


def _joined(latest: Record, records: list[Record]) -> Record:
    """The latest, with all the values that it set, and those from before that older records know better."""
    values: dict[str, Value] = {}
    before: dict[str, Value] = {}
    for record in records:
        values |= record.values
        before = {**record.before, **before}
    return replace(latest, values=values, before=before)


def _recall(place: Place, text: str | None) -> tuple[str | None, Record | None]:
    """The place of which this is a copy, None for values that no file sets; and the record in it."""
    if text is None:
        return None, None
    first, _newline, rest = text.partition("\n")
    return first.removeprefix(_COPY) if first.startswith(_COPY) else None, parse(place, rest)


def copy_for_run(place: Place, text: str) -> str:
    """What is remembered of a text until the next boot, should somebody remove it."""
    return f"{_COPY}{place}\n{text}"


def running_only(name: str, record: Record) -> str:
    """What is remembered until the next boot of values that no file sets."""
    return f"{_RUNNING}\n{render(Place(f'{REMEMBERED}{name}', name), record)}"


def is_record(text: str | None) -> bool:
    """Whether what is remembered is all there is of the values that the kernel was given: no copy."""
    return text is not None and text.startswith(_RUNNING)


def lost_copies(snapshot: Snapshot) -> dict[str, str]:
    """The places, by name of the drop-in, of which there is a copy in /run and nothing else."""
    there = {own.place.name for own in own_in(snapshot.files)}
    first = {name: text.partition("\n")[0] for name, text in snapshot.remembered.items()}
    return {
        name: line.removeprefix(_COPY) for name, line in first.items() if name not in there and line.startswith(_COPY)
    }


def check_owner(held: Held, owner: str, dropped: Collection[str]) -> None:
    """Raises Impossible where one caller would undo what another one set in the same place."""
    elsewhere = [other for own in held.former if (other := owner_in(own.text)) not in ("", owner)]
    other = elsewhere[0] if elsewhere else held.record.owner if held.text is not None else ""
    if owner and other and owner != other and (dropped or elsewhere):
        keys = ", ".join(KNOBS[name].key for name in dropped)
        raise Impossible(
            f"{held.place} belongs to {printable(other)}, which asks for {keys or 'the same'}. Give one of the "
            f"two a path of its own, or owner: {printable(other)} if both are one"
        )


def marked_lines(held: Held, files: tuple[SysctlFile, ...]) -> list[tuple[SysctlFile, Line, str]]:
    """The lines that were commented out in favour of what the caller holds, with the mark that each bears."""
    marks = [Place.file(name).mark for name in held.names]
    return [(file, line, mark) for mark in marks for file, line in marked(files, mark)]


def taken(snapshot: Snapshot, path: str) -> str | None:
    """What is at ``path`` that is not ours, in words; None where a drop-in may stand."""
    dropin = snapshot.dropin
    if dropin is None or (dropin.kind == "missing" and not dropin.link):
        return None
    if dropin.link:
        return f"{path} is a symbolic link"
    return f"{path} is there and was not written by this collection" if dropin.text is None else None
