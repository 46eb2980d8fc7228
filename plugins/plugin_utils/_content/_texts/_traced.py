# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text that knows where in a file it came from, whatever it went through. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from .._model import CLOSE, OPEN, Found


@dataclass(frozen=True, slots=True)
class Traced:
    """``pieces`` are pairs of a place in ``text`` and where the characters from there on stand in the file."""

    text: str
    pieces: tuple[tuple[int, int], ...]

    def origin(self, index: int) -> int:
        start, origin = self.pieces[bisect_right(self.pieces, (index, 1 << 62)) - 1]
        return origin + index - start

    def part(self, start: int, end: int | None = None) -> Traced:
        """``text[start:end]``, for a ``start`` that is not negative."""
        text = self.text[start:end]
        if len(self.pieces) == 1:
            return Traced(text, ((0, self.pieces[0][1] + start),))
        first = bisect_right(self.pieces, (start, 1 << 62))
        last = bisect_left(self.pieces, (start + len(text), 0))
        inside = [(at - start, origin) for at, origin in self.pieces[first:last]]
        return Traced(text, ((0, self.origin(start)), *inside))

    def strip(self, characters: str | None = None) -> Traced:
        start = len(self.text) - len(self.text.lstrip(characters))
        return self.part(start, start + len(self.text.strip(characters)))

    def partition(self, separator: str) -> tuple[Traced, Traced] | None:
        """What stands before and behind the first separator."""
        at = self.text.find(separator)
        return None if at < 0 else (self.part(0, at), self.part(at + len(separator)))

    def lines(self) -> Iterator[Traced]:
        start = 0
        while start < len(self.text):
            end = self.text.find("\n", start)
            end = len(self.text) if end < 0 else end
            yield self.part(start, end)
            start = end + 1

    def words(self) -> Iterator[Traced]:
        """Split at white space."""
        end = 0
        for word in self.text.split():
            start = self.text.index(word, end)
            end = start + len(word)
            yield self.part(start, end)

    @property
    def decided(self) -> bool:
        return OPEN not in self.text


def traced(text: str, origin: int = 0) -> Traced:
    # A plain one: parsers in C take no other.
    return Traced(str.__str__(text), ((0, origin),))


def joined(parts: Iterable[Traced], separator: str = "") -> Traced:
    """All parts in a row. A separator stands where the part before it ends."""
    texts: list[str] = []
    pieces: list[tuple[int, int]] = []
    length = 0
    first = (0, 0)
    for number, part in enumerate(parts):
        first = first if number else (0, part.origin(0))
        if number and separator:
            texts.append(separator)
            length += len(separator)
        if not part.text:
            continue
        for at, origin in part.pieces:
            # What stands behind one another in the file, too, is one piece.
            if not pieces or origin - pieces[-1][1] != length + at - pieces[-1][0]:
                pieces.append((length + at, origin))
        texts.append(part.text)
        length += len(part.text)
    return Traced("".join(texts), tuple(pieces) or (first,))


def undecided(what: str, origin: int) -> Traced:
    """A piece that depends on ``what``."""
    shown = "".join("_" if character.isspace() or character in "'\"=" else character for character in what)
    return traced(f"{OPEN}{shown}{CLOSE}", origin)


def moved(found: Iterable[Found], text: Traced) -> Iterator[Found]:
    """What was found in ``text.text``, where it stands in the file."""
    for each in found:
        yield replace(each, offset=text.origin(each.offset))
