# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML as data with positions. Nothing is constructed but scalars, lists and dicts.

Built from the parser's events, with a stack of its own: nesting as deep as a file likes cannot exhaust Python's, and
an alias is one object however often it is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.constructor import ConstructorError, SafeConstructor
from yaml.resolver import Resolver

from .._model import Position
from ._located import Text, Unsafe, placed
from ._unknown import Unknown

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVER = Resolver()
_CONSTRUCTOR = SafeConstructor()
_SCALARS = {
    f"tag:yaml.org,2002:{name}": getattr(SafeConstructor, f"construct_yaml_{name}") for name in ("int", "float", "bool")
}
_NULL, _MERGE = "tag:yaml.org,2002:null", "tag:yaml.org,2002:merge"

#: Deeper than any file that people write; what comes after walks the data recursively.
DEEPEST = 100


class BadYaml(Exception):
    """Text that is no YAML, or too deeply nested; ``line`` is where, counted from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


#: More values than a file of the largest size could hold without aliases of aliases.
MOST = 1_000_000


@dataclass
class _Open:
    """A list or a dict whose end has not come yet; ``keys`` holds a key that waits for its value.

    ``size`` is how many values it holds, each alias counted in full.
    """

    made: Any
    anchor: str | None = None
    keys: list[Any] = field(default_factory=list)
    merged: list[Any] = field(default_factory=list)
    size: int = 1


def documents(text: str, path: str) -> list[Any]:
    """The documents in a text. Raises BadYaml."""
    try:
        return list(_documents(text, path))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BadYaml(str(error.problem or error.context), mark.line + 1 if mark else 1) from error
    except (yaml.YAMLError, UnicodeError) as error:
        raise BadYaml(str(error).partition("\n")[0], 1) from error


def nodes(text: str) -> list[yaml.Node]:
    """The documents in a text as nodes, for who needs the marks of each. Raises BadYaml."""
    # The parser in C follows nested nodes with recursion of its own, which nothing stops.
    documents(text, "")
    try:
        return [node for node in yaml.compose_all(text, Loader=_LOADER) if node is not None]
    except yaml.YAMLError as error:
        # An anchor that is there twice: only this reader minds.
        raise BadYaml(str(error).partition("\n")[0], 1) from error


def _documents(text: str, path: str) -> Iterator[Any]:  # noqa: C901 - one branch for each kind of event
    lines = _Lines(text)
    stack: list[_Open] = []
    anchors: dict[str | None, Any] = {}
    sizes: dict[str | None, int] = {}
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.DocumentStartEvent):
            stack, anchors, sizes = [_Open([])], {}, {}
        elif isinstance(event, yaml.DocumentEndEvent):
            yield from stack[0].made
        elif isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            if len(stack) > DEEPEST:
                raise BadYaml("nested too deeply", _line(event))
            made: Any = [] if isinstance(event, yaml.SequenceStartEvent) else {}
            anchors[event.anchor] = made
            stack.append(_Open(made, event.anchor))
        elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            ended = stack.pop()
            sizes[ended.anchor] = ended.size
            _add(stack[-1], _with_merged(ended), None, ended.size)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in anchors:
                raise BadYaml("an alias of what is not there", _line(event))
            aliased = anchors[event.anchor]
            if any(opened.made is aliased for opened in stack):
                raise BadYaml("an alias of what it stands in", _line(event))
            _add(stack[-1], aliased, None, sizes.get(event.anchor, 1))
            if stack[-1].size > MOST:
                raise BadYaml("aliases of aliases make too many values of it", _line(event))
        elif isinstance(event, yaml.ScalarEvent):
            tag = _tag(event)
            scalar = _scalar(event, tag, path, lines)
            anchors[event.anchor] = scalar
            _add(stack[-1], scalar, tag, 1)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _tag(event: Any) -> str:
    if event.tag not in (None, "!"):
        return str(event.tag)
    return str(_RESOLVER.resolve(yaml.ScalarNode, event.value, event.implicit))  # type: ignore[no-untyped-call]


def _with_merged(ended: _Open) -> Any:
    for mapping in ended.merged:
        for key, value in mapping.items():
            ended.made.setdefault(key, value)
    return ended.made


def _add(opened: _Open, value: Any, tag: str | None, size: int) -> None:
    opened.size += size
    if isinstance(opened.made, list):
        opened.made.append(value)
    elif not opened.keys:
        # A key that cannot be hashed is a template without quotes: {{ x }} is a dict as a key.
        opened.keys.append(_MERGE if tag == _MERGE else value if value.__hash__ else None)
    else:
        key = opened.keys.pop()
        if key is _MERGE:
            mappings = value if isinstance(value, list) else [value]
            opened.merged.extend(mapping for mapping in mappings if isinstance(mapping, dict))
        else:
            # The later of two equal keys counts, with the position that it has itself.
            opened.made.pop(key, None)
            opened.made[key] = value


def _scalar(event: Any, tag: str, path: str, lines: _Lines) -> Any:
    position = Position(path, event.start_mark.line + 1)
    if tag == "!vault":
        return Unknown(name="an encrypted value", missing=False)
    if tag == _NULL:
        return None
    if tag in _SCALARS:
        try:
            return placed(_SCALARS[tag](_CONSTRUCTOR, yaml.ScalarNode(tag, event.value)), position)
        except (ValueError, KeyError, IndexError, ConstructorError, OverflowError):
            # 1__ or 0x or such a thing: a string to whoever reads it next.
            return Text(event.value, ((0, position),))
    made = Unsafe if tag == "!unsafe" else Text
    if event.start_mark.line == event.end_mark.line:
        return made(event.value, ((0, position),))
    return made(event.value, lines.origins(event, path))


class _Lines:
    """The lines of the source, for scalars that take more than one of them."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines: list[str] | None = None

    def origins(self, event: Any, path: str) -> tuple[tuple[int, Position], ...]:
        first = event.start_mark.line + 1
        if event.style == "|":
            breaks = [0, *(found.end() for found in re.finditer("\n", event.value))]
            return tuple((offset, Position(path, first + 1 + number)) for number, offset in enumerate(breaks))
        if self._lines is None:
            self._lines = self._text.splitlines()
        # Folded: each line of the source is looked for where the last one ended.
        origins = [(0, Position(path, first + (event.style == ">")))]
        offset = 0
        for number in range(first, min(event.end_mark.line + 1, len(self._lines)) + 1):
            words = self._lines[number - 1]
            if number == first:
                words = words[event.start_mark.column :]
            words = words.strip().strip("'\"").rstrip("\\").strip()
            found = event.value.find(words, offset) if words else -1
            if found >= 0:
                origins.append((found, Position(path, number)))
                offset = found + len(words)
        return tuple(origins)
