# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers of ``with_sequence``: ``start=0 end=8 stride=2 format=%02x``, or in short ``0-8/2:%02x``."""

from __future__ import annotations

import re
from typing import Any

from ._limits import TooMuch
from ._located import placed_as
from ._unknown import Unknown, known

_NUMBER = r"0?x?[0-9a-f]+"
_SHORT = re.compile(rf"(?:({_NUMBER})-)?({_NUMBER})(?:/({_NUMBER}))?(?::(.+))?", re.IGNORECASE)
_FORMAT = re.compile(r"[^%]*%[-#0 +]*[0-9]{0,3}[diouxXs][^%]*")
_FIELDS = ("start", "end", "stride", "format")
_MOST = 10_000


def sequence(terms: list[Any]) -> list[Any]:
    """Each number as a text, which stands where its term does."""
    return [placed_as(one, term) for term in terms for one in _of(term)]


def _of(term: Any) -> list[Any]:
    fields = _fields(str.__str__(str(term))) if known(term) else None
    try:
        numbers, shape = _numbers(fields or {})
        return [shape % number for number in numbers]
    except (KeyError, ValueError):
        return [Unknown(name="a number of a sequence", missing=False)]


def _fields(text: str) -> dict[str, str]:
    short = _SHORT.fullmatch(text)
    if short:
        return {name: value for name, value in zip(_FIELDS, short.groups(), strict=True) if value}
    pairs = (word.partition("=") for word in text.split())
    return {name: value.strip("\"'") for name, _equals, value in pairs}


def _numbers(fields: dict[str, str]) -> tuple[range, str]:
    """The range, and the shape of each number; KeyError or ValueError for what is no sequence."""
    start, stride = _number(fields.get("start", "1")), _number(fields.get("stride", "1"))
    shape = fields.get("format", "%d")
    if not _FORMAT.fullmatch(shape):
        raise ValueError(shape)
    if "count" in fields:
        count = _number(fields["count"])
        made = range(start, start + count * stride, stride) if count else range(0)
    else:
        made = range(start, _number(fields["end"]) + (1 if stride > 0 else -1), stride)
    if len(made) > _MOST:
        raise TooMuch(f"a sequence of more than {_MOST} numbers")
    return made, shape


def _number(text: str) -> int:
    octal = re.fullmatch(r"0[0-7]+", text)
    return int(text, 8 if octal else 0)
