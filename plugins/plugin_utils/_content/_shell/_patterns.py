# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shell's patterns: what they match, cut off and replace. Pure, and bounded in time."""

from __future__ import annotations

import re
from functools import lru_cache

from .._texts._traced import Traced, joined

#: Longer ones are taken for not matching: a hostile one would take as long as it likes.
_LONGEST_PATTERN = 100
_LONGEST_TEXT = 1000
_MOST_STARS = 3


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str] | None:
    """A pattern, in which what was quoted has backslashes; None for one that takes too long."""
    if len(pattern) > _LONGEST_PATTERN or pattern.count("*") > _MOST_STARS:
        return None
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        character = pattern[at]
        bracket = re.match(r"\[[!^]?\]?[^\]]*\]", pattern[at:]) if character == "[" else None
        if bracket:
            inside = bracket.group()[1:-1]
            negated = "^" if inside[:1] in ("!", "^") else ""
            parts.append(f"[{negated}{_members(inside[len(negated) :])}]")
            at += bracket.end()
            continue
        if character == "\\" and at + 1 < len(pattern):
            at += 1
            parts.append(re.escape(pattern[at]))
        else:
            parts.append({"*": ".*", "?": "."}.get(character) or re.escape(character))
        at += 1
    try:
        return re.compile("".join(parts), re.DOTALL)
    except re.error:
        return None


def _members(inside: str) -> str:
    classes = {"space": r"\s", "blank": r" \t", "digit": "0-9", "alnum": "a-zA-Z0-9", "alpha": "a-zA-Z"}
    named = re.sub(r"\[:([a-z]+):\]?", lambda found: "\0" + found[1] + "\0", inside)
    escaped = re.sub(r"([\\\[\]^])", r"\\\1", named)
    return re.sub("\0([a-z]+)\0", lambda found: classes.get(found[1], "a-z"), escaped) or "\\0"


def matches(pattern: str, text: str) -> bool:
    found = compiled(pattern)
    return found is not None and len(text) <= _LONGEST_TEXT and found.fullmatch(text) is not None


def trimmed(text: Traced, pattern: str, operator: str) -> Traced:
    """Without the shortest ("#", "%") or longest ("##", "%%") beginning or end that matches."""
    found = compiled(pattern)
    length = len(text.text)
    if found is None or length > _LONGEST_TEXT:
        return text
    lengths = range(length + 1) if len(operator) == 1 else range(length, -1, -1)
    for cut in lengths:
        if operator[0] == "#" and found.fullmatch(text.text, 0, cut):
            return text.part(cut)
        if operator[0] == "%" and found.fullmatch(text.text, length - cut):
            return text.part(0, length - cut)
    return text


def replaced(text: Traced, pattern: str, replacement: Traced, *, everywhere: bool) -> Traced:
    found = compiled(pattern)
    if found is None or not pattern or len(text.text) > _LONGEST_TEXT:
        return text
    parts: list[Traced] = []
    end = 0
    for match in found.finditer(text.text):
        if match.end() == match.start():
            continue
        parts += [text.part(end, match.start()), replacement]
        end = match.end()
        if not everywhere:
            break
    return joined([*parts, text.part(end)])
