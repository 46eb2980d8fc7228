# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's sysctl files as they are and as they will be: what is ours in them, and changes to them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ._dropin import BLOCK, COMMENTED, Place, values_in
from ._policy import Impossible
from ._request import PLAIN_NAME
from ._script import FOREIGN, OWNER
from ._snapshot import printable
from ._sysctld import SYSCTL_CONF, Line, SysctlFile
from ._values import Value

#: Files below these belong to the administrator; those of packages are never edited.
EDITABLE = ("/etc/", "/run/", "/usr/local/lib/")


@dataclass(frozen=True)
class Edit:
    """A line of somebody else's file that gets another mark at its start: none to begin with, or none in the end."""

    file: str
    line: Line
    mark_before: str = ""
    mark_after: str = ""

    @property
    def text_after(self) -> str:
        return self.mark_after + self.line.text.removeprefix(self.mark_before)


@dataclass(frozen=True)
class Own:
    """A text of ours as it stands on a host."""

    place: Place
    text: str

    @property
    def values(self) -> dict[str, Value]:
        return values_in(self.text.split("\n"))

    @property
    def is_damaged(self) -> bool:
        """Whether a setting of somebody else is in it."""
        return FOREIGN in self.text.split("\n")


def leads_to_sysctl_conf(file: SysctlFile) -> bool:
    """Whether it is /etc/sysctl.conf or a link to it. A hard link is not: an edit parts the two."""
    return file.path == SYSCTL_CONF or (file.is_sysctl_conf and file.link)


def is_ours(file: SysctlFile) -> bool:
    """Whether the file is a drop-in of this collection. What lies below /usr/lib is its package's."""
    mine = file.path.startswith(EDITABLE) and PLAIN_NAME.fullmatch(file.name)
    if not mine or file.link or file.is_sysctl_conf or file.given:
        return False
    return any(line.number == 1 and line.text.startswith(OWNER) for line in file.lines)


def own_in(files: Iterable[SysctlFile]) -> list[Own]:
    """All drop-ins and blocks of this collection. Raises Impossible for a block that is not whole, or there twice."""
    found = []
    for file in files:
        if is_ours(file):
            found.append(Own(Place.file(file.path), _joined(file.lines)))
        elif file.path == SYSCTL_CONF:
            found += [Own(place, _joined(lines)) for place, lines in _blocks(file)]
    return found


def damages_in(files: tuple[SysctlFile, ...]) -> list[str]:
    """Texts of ours with lines of somebody else in them, in words."""
    try:
        found = own_in(files)
    except Impossible as damage:
        return [str(damage)]
    return [f"{printable(str(own.place))} has a setting of somebody else in it" for own in found if own.is_damaged]


def _joined(lines: Iterable[Line]) -> str:
    return "".join(f"{line.text}\n" for line in lines)


def _blocks(file: SysctlFile) -> Iterator[tuple[Place, tuple[Line, ...]]]:
    seen: list[Place] = []
    for start, line in enumerate(file.lines):
        if not line.text.startswith(BLOCK):
            continue
        place = Place(file.path, line.text.removeprefix(BLOCK).partition(",")[0], block=True)
        if place in seen or not PLAIN_NAME.fullmatch(place.name):
            raise Impossible(
                f"line {line.number} of {file.path} begins a block that is there already, or is none of ours. Remove it"
            )
        seen.append(place)
        ends = [stop for stop in range(start, len(file.lines)) if file.lines[stop].text == place.end]
        lines = file.lines[start : ends[0] + 1] if ends else ()
        # A probe sees lines of ours and about our keys only: a gap between their numbers is somebody else's line.
        if not lines or lines[-1].number - lines[0].number != len(lines) - 1:
            raise Impossible(
                f"the block of {printable(place.name)} that begins at line {line.number} of {file.path} has lines of "
                "somebody else in it, or no end (or CR LF at the ends of its lines). Move those lines out of it, or "
                "remove what is left of the block"
            )
        yield place, lines


def is_in_block(line: Line, files: Iterable[SysctlFile]) -> bool:
    """Whether a line of /etc/sysctl.conf belongs to a block of this collection."""
    return any(line in lines for file in files if file.path == SYSCTL_CONF for _place, lines in _blocks(file))


def with_text(files: Iterable[SysctlFile], place: Place, text: str | None) -> tuple[SysctlFile, ...]:
    """The same files with a text of ours in its place, or without it. Lines of other people keep their numbers."""
    files = tuple(files)
    lines = () if text is None else tuple(text.removesuffix("\n").split("\n"))
    if place.block:
        return tuple(_with_block(file, place, lines) if leads_to_sysctl_conf(file) else file for file in files)
    if text is None:
        # What somebody else put there stays.
        return tuple(file for file in files if file.path != place.path or not is_ours(file))
    others = tuple(file for file in files if file.path != place.path)
    return (*others, SysctlFile(place.path, "regular", lines=_numbered(lines, 1)))


def _numbered(texts: Iterable[str], first: int) -> tuple[Line, ...]:
    return tuple(Line(number, text) for number, text in enumerate(texts, first))


def _with_block(file: SysctlFile, place: Place, texts: tuple[str, ...]) -> SysctlFile:
    old = next((lines for found, lines in _blocks(replace(file, path=SYSCTL_CONF)) if found == place), ())
    start = file.lines.index(old[0]) if old else len(file.lines)
    # Without an old block it goes to the end.
    first = old[0].number if old else (file.length or 0) + 1
    lines = (*file.lines[:start], *_numbered(texts, first), *file.lines[start + len(old) :])
    return replace(file, kind="regular", lines=lines)


def with_edit(files: Iterable[SysctlFile], edit: Edit) -> tuple[SysctlFile, ...]:
    """The same files with one line edited, under every name that the file has."""
    after = Line(edit.line.number, edit.text_after)
    return tuple(
        replace(file, lines=tuple(after if line == edit.line else line for line in file.lines))
        if file.path == edit.file or (edit.file == SYSCTL_CONF and leads_to_sysctl_conf(file))
        else file
        for file in files
    )


def with_edits(files: tuple[SysctlFile, ...], edits: Iterable[Edit]) -> tuple[SysctlFile, ...]:
    for edit in edits:
        files = with_edit(files, edit)
    return files


def editable(path: str, files: Iterable[SysctlFile]) -> bool:
    """Whether lines of the file may be edited: a link never is, nor what a drop-in could not name in one line."""
    return (
        path.startswith(EDITABLE) and path.isprintable() and not any(f.link or f.given for f in files if f.path == path)
    )


def commented_out(files: tuple[SysctlFile, ...]) -> list[tuple[str, SysctlFile, Line]]:
    """The lines that were commented out in favour of a drop-in, with its name."""
    found = marked(files, COMMENTED)
    named = [(line.text.removeprefix(COMMENTED).partition(":")[0], file, line) for file, line in found]
    return [(name, file, line) for name, file, line in named if PLAIN_NAME.fullmatch(name)]


def marked(files: tuple[SysctlFile, ...], mark: str) -> list[tuple[SysctlFile, Line]]:
    """The lines that bear a mark, each once: /etc/sysctl.conf by its own name."""
    return [
        (file, line)
        for file in files
        if editable(file.path, files) and (file.path == SYSCTL_CONF or not leads_to_sysctl_conf(file))
        for line in file.lines
        if line.text.startswith(mark)
    ]
