# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions of a shell, as far as a script itself decides them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from .._texts._traced import Traced
from ._patterns import matches

_INTEGER = re.compile(r"-?[0-9]{1,15}")
_COMPARED: dict[str, Callable[[int, int], bool]] = {
    "-eq": lambda left, right: left == right,
    "-ne": lambda left, right: left != right,
    "-lt": lambda left, right: left < right,
    "-le": lambda left, right: left <= right,
    "-gt": lambda left, right: left > right,
    "-ge": lambda left, right: left >= right,
}


def tested(words: Sequence[Traced]) -> bool | None:
    """Whether a test holds; None for one of files, of what the script does not set, or of several conditions."""
    texts = [word.text for word in words if word.text not in ("]", "]]")]
    negated = texts[:1] == ["!"]
    texts = texts[negated:]
    if not all(word.decided for word in words):
        return None
    held = _held(texts)
    return None if held is None else held is not negated


def _held(texts: Sequence[str]) -> bool | None:
    if len(texts) == 2 and texts[0] in ("-n", "-z"):
        return (texts[1] == "") is (texts[0] == "-z")
    if len(texts) != 3:
        return None
    left, operator, right = texts
    if operator in ("=", "=="):
        return left == right or matches(right, left)
    if operator == "!=":
        return left != right and not matches(right, left)
    if operator in _COMPARED and _INTEGER.fullmatch(left) and _INTEGER.fullmatch(right):
        return _COMPARED[operator](int(left), int(right))
    return None
