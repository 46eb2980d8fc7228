# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scalars that know where they stand.

Only scalars do, not the containers that hold them: so whatever a filter does to a list or a dict, what comes out of it
still knows its file and line.
"""

from __future__ import annotations

import bisect
import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .._model import Position
from ._unknown import Unknown

if TYPE_CHECKING:
    from typing_extensions import Self  # typing's own is of Python 3.11

Origins = tuple[tuple[int, Position], ...]
_offset = operator.itemgetter(0)


class Text(str):
    """A string; each of ``origins`` is an offset in it and the position that holds from there on."""

    __slots__ = ("origins",)
    origins: Origins

    def __new__(cls, text: str, origins: Origins) -> Self:
        made = super().__new__(cls, text)
        made.origins = origins
        return made

    def __str__(self) -> str:  # pylint: disable=invalid-str-returned
        # Not a plain str: what is put into another text is to keep its origins.
        return self

    def at(self, offset: int) -> Position:
        return self.origins[max(bisect.bisect_right(self.origins, offset, key=_offset) - 1, 0)][1]

    def plain(self) -> str:
        return str.__str__(self)


class Unsafe(Text):
    """A string that is no template, whatever is in it (``!unsafe``, ``{% raw %}``)."""

    __slots__ = ()


class Number(int):
    position: Position


class Fraction(float):
    position: Position


class Truth(int):
    """A boolean; bool itself cannot be inherited from."""

    position: Position

    def __str__(self) -> str:
        return str(bool(self))

    __repr__ = __str__


_NUMBERS: dict[type, type] = {bool: Truth, int: Number, float: Fraction}


def placed(value: Any, position: Position) -> Any:
    """A scalar with its position; anything that has one already, or can have none, as it is."""
    if type(value) is str:  # pylint: disable=unidiomatic-typecheck
        return Text(value, ((0, position),))
    if isinstance(value, Unknown):
        return value.placed(position)
    made = _NUMBERS.get(type(value))
    if made is None:
        return value
    number = made(value)
    number.position = position
    return number


def position_of(value: Any, offset: int = 0) -> Position | None:
    if isinstance(value, Text):
        return value.at(offset)
    return value.position if isinstance(value, (Number, Fraction, Truth, Unknown)) else None


def located(values: Iterable[Any]) -> Position | None:
    """The position of the first that has one."""
    return next((position for position in map(position_of, values) if position), None)


def joined(parts: Iterable[Any]) -> str:
    """The parts as one text, with the origins of each."""
    text = ""
    origins: list[tuple[int, Position]] = []
    for part in parts:
        position = position_of(part)
        if isinstance(part, Text):
            origins += [(len(text) + offset, origin) for offset, origin in part.origins]
        elif position:
            origins.append((len(text), position))
        text += str.__str__(part) if isinstance(part, str) else str(part)
    if not origins:
        return text
    # What comes before the first part with a position stands there, too.
    return Text(text, ((0, origins[0][1]), *(origin for origin in origins if origin[0])))


def cut(text: str, start: int, end: int | None = None) -> str:
    """A part of a text, with its origins."""
    piece = str.__str__(text)[start:end]
    if not isinstance(text, Text):
        return piece
    stop = start + len(piece)
    # A file may have very many lines, and be cut into each of them.
    first = bisect.bisect_right(text.origins, start, key=_offset)
    last = bisect.bisect_left(text.origins, stop, key=_offset)
    later = [(offset - start, position) for offset, position in text.origins[first:last]]
    return type(text)(piece, ((0, text.at(start)), *later))


def parts_of(text: Any, parts: Iterable[Any]) -> list[Any]:
    """Parts of a text in their order, such as its lines, each with the origins that it has there."""
    made, start = [], 0
    for part in parts:
        found = str.find(text, part, start) if isinstance(text, Text) and isinstance(part, str) else -1
        made.append(cut(text, found, found + len(part)) if found >= 0 else placed_as(part, text))
        start = found + len(part) if found >= 0 else start
    return made


def placed_as(value: Any, other: Any) -> Any:
    position = position_of(other)
    return placed(value, position) if position else value
