# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The source of a template: its options, and the marks by which what is rendered knows where each piece stands."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Mapping
from typing import Any

from .._model import Position
from ._located import Text, cut

#: Marks within a text that is being rendered: from here on position N holds; for this piece position N holds; end of
#: the piece. They are taken out again before anybody sees the text.
_FROM, _PIECE, _END = "\ue010", "\ue011", "\ue012"
MARK = re.compile(f"{_FROM}([0-9]+);|{_PIECE}([0-9]+);|{_END}")
_OURS = re.compile("[\ue000-\ue01f]")
_HAS_LITERALS = re.compile(r"\b(?:set|macro|import)\b")
_HEADER = re.compile(r"#jinja2:([^\n]*)\n")
_SWITCHES = ("trim_blocks", "lstrip_blocks")
_DELIMITERS = {
    "variable_start_string": "{{",
    "variable_end_string": "}}",
    "block_start_string": "{%",
    "block_end_string": "%}",
    "comment_start_string": "{#",
    "comment_end_string": "#}",
}

Options = tuple[tuple[str, Any], ...]
#: As Ansible renders files and values.
USUAL: Options = (("trim_blocks", True), ("lstrip_blocks", False))


def options_in(arguments: Mapping[str, Any]) -> Options:
    """The options that a task, a lookup or the first line of a template gives to Jinja."""
    chosen = dict(USUAL)
    for name in _SWITCHES:
        if name in arguments:
            chosen[name] = str(arguments[name]).strip().lower() in ("true", "yes", "1", "on", "y", "t")
    for name in _DELIMITERS:
        given = arguments.get(name)
        if isinstance(given, str) and given:
            chosen[name] = str.__str__(given)
    return tuple(chosen.items())


def options_of(source: str, given: Options = USUAL) -> tuple[Options, str]:
    """The options of a template with those of its first line, and the rest."""
    header = _HEADER.match(source)
    if not header:
        return given, source
    pairs = (pair.partition(":") for pair in header.group(1).split(","))
    named = {name.strip(): _literal(value.strip()) for name, _colon, value in pairs}
    return options_in({**dict(given), **named}), cut(source, header.end())


def _literal(word: str) -> Any:
    try:
        return ast.literal_eval(word)
    except (ValueError, SyntaxError):
        return word


@functools.lru_cache(maxsize=16)
def _blocks(options: Options) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What a block is, and how the beginning of a line looks which may be joined to the line before it."""
    strings = {name: re.escape(str(dict(options).get(name, usual))) for name, usual in _DELIMITERS.items()}
    kinds = ("variable", "block", "comment")
    starts = [strings[f"{kind}_start_string"] for kind in kinds]
    whole = "|".join(f"{start}.*?{strings[f'{kind}_end_string']}" for start, kind in zip(starts, kinds, strict=True))
    joins = rf"[ \t]*(?:(?:{'|'.join(starts)})-|{'|'.join(starts[1:])})"
    return re.compile(whole, re.DOTALL), re.compile(joins)


def cleaned(text: str) -> str:
    """A text without characters that are marks of ours."""
    return text if isinstance(text, Text) else _OURS.sub("?", text)


def with_marks(text: str, options: Options) -> str:
    """The source of a template with marks: at each origin outside of blocks, unless a line is joined to the last."""
    if not isinstance(text, Text):
        return str(text)
    block_of, joins_lines = _blocks(options)
    lstrip = dict(options)["lstrip_blocks"]
    plain = _OURS.sub("?", text.plain())
    spans = [found.span() for found in block_of.finditer(plain)]
    pieces, last, block = [], 0, 0
    for offset, position in text.origins:
        while block < len(spans) and spans[block][1] <= offset:
            block += 1
        within = block < len(spans) and spans[block][0] < offset
        joins = joins_lines.match(plain, offset)
        if within or (joins and (lstrip or joins.group().endswith("-"))):
            continue
        pieces += [plain[last:offset], f"{_FROM}{number_of(position)};"]
        last = offset
    return "".join([*pieces, plain[last:]])


def start_of(source: str) -> Position | None:
    """Where a template begins that sets variables or has macros, if its lines are those of its file one by one."""
    if not isinstance(source, Text) or not _HAS_LITERALS.search(source):
        return None
    plain, start, line, last = source.plain(), source.at(0), 0, 0
    for offset, position in source.origins:
        line += plain.count("\n", last, offset)
        last = offset
        if position != start._replace(line=start.line + line):
            return None
    return start


_POSITIONS: dict[Position, int] = {}
_BY_NUMBER: list[Position] = []


def number_of(position: Position) -> int:
    if position not in _POSITIONS:
        _POSITIONS[position] = len(_BY_NUMBER)
        _BY_NUMBER.append(position)
    return _POSITIONS[position]


def position_at(number: int) -> Position:
    return _BY_NUMBER[number]


def piece(value: Any, position: Position) -> str:
    """A value as a piece of a text, with the position that it has."""
    return f"{_PIECE}{number_of(position)};{value}{_END}"


def marked(text: Text) -> str:
    """A located text with its marks."""
    ends = [*text.origins[1:], (len(text), None)]
    return "".join(
        piece(text.plain()[start:end], position)
        for (start, position), (end, _next) in zip(text.origins, ends, strict=True)
    )


def unmarked(text: str, start: Position | None) -> Text | str:
    origins: list[tuple[int, Position]] = [(0, start)] if start else []
    base, stack = start, list[Position]()
    pieces, length, last = [], 0, 0
    for found in MARK.finditer(text):
        pieces.append(text[last : found.start()])
        length += found.start() - last
        last = found.end()
        if found.group(1):
            base = _BY_NUMBER[int(found.group(1))]
        elif found.group(2):
            stack.append(_BY_NUMBER[int(found.group(2))])
        elif stack:
            stack.pop()
        position = stack[-1] if stack else base
        if position:
            origins.append((length, position))
    pieces.append(text[last:])
    made = "".join(pieces)
    return Text(made, tuple(origins)) if origins else made
