# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML and JSON that reach a host: user data of cloud-init, compose files, manifests of Kubernetes. Pure.

Documents are read as nodes, never as objects: nothing is constructed, and an alias stands for its node but once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import yaml

from .._model import Found
from .._templates._yaml import BadYaml, nodes
from ._sysctl_text import exact_names_of
from ._traced import Traced, joined, traced

_COMMANDS = ("runcmd", "bootcmd")
_CONTAINER_COMMANDS = ("entrypoint", "command", "args")
_MOST_NODES = 100_000


@dataclass(frozen=True)
class Written:
    """A file that a document has written somewhere: path and text."""

    path: str
    text: Traced


@dataclass(frozen=True)
class Commands:
    """A text for a shell, or the words of one command."""

    text: Traced | None
    words: tuple[Traced, ...] = ()


Piece = Found | Written | Commands


def pieces_of(text: Traced) -> Iterator[Piece] | None:
    """What the documents in a text set, write and run; None when it is no YAML of mappings or lists."""
    try:
        documents = nodes(text.text)
    except BadYaml:
        return None
    if not documents or not all(isinstance(node, yaml.MappingNode) for node in documents):
        return None
    return (piece for document in documents for piece in _Walk(text).node(document))


class _Walk:
    def __init__(self, source: Traced) -> None:
        self.source = source
        self.seen: set[int] = set()

    def node(self, node: yaml.Node) -> Iterator[Piece]:
        left: list[yaml.Node] = [node]
        while left and len(self.seen) < _MOST_NODES:
            node = left.pop()
            if id(node) in self.seen or isinstance(node, yaml.ScalarNode):
                continue
            self.seen.add(id(node))
            if isinstance(node, yaml.SequenceNode):
                left += reversed(node.value)
                continue
            yield from self._container(node)
            for key, value in node.value:
                reader = self._READERS.get(key.value) if isinstance(key, yaml.ScalarNode) else None
                if reader:
                    yield from reader(self, value)
            left += reversed([value for _key, value in node.value])

    # ---- what keys mean

    def _sysctls(self, node: yaml.Node) -> Iterator[Piece]:
        """A map, a list of ``key=value``, or a list of names and values."""
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                yield from self._setting(key, value)
        for item in node.value if isinstance(node, yaml.SequenceNode) else ():
            if isinstance(item, yaml.MappingNode):
                pair = {key.value: value for key, value in item.value if isinstance(key, yaml.ScalarNode)}
                if "name" in pair and "value" in pair:
                    yield from self._setting(pair["name"], pair["value"])
                continue
            halves = self.text(item).partition("=")
            if halves:
                yield from _found(halves[0].text.strip(), halves[1].strip())

    def _setting(self, key: yaml.Node, value: yaml.Node) -> Iterator[Piece]:
        if isinstance(key, yaml.ScalarNode) and isinstance(value, yaml.ScalarNode):
            yield from _found(str(key.value).strip(), self.text(value).strip())

    def _commands(self, node: yaml.Node) -> Iterator[Piece]:
        """A list of texts and of lists of words."""
        for item in node.value if isinstance(node, yaml.SequenceNode) else ():
            yield from self._command(item)

    def _command(self, node: yaml.Node) -> Iterator[Piece]:
        if isinstance(node, yaml.ScalarNode):
            yield Commands(self.text(node))
        elif isinstance(node, yaml.SequenceNode):
            yield Commands(None, tuple(self.text(word) for word in node.value if isinstance(word, yaml.ScalarNode)))

    def _container(self, node: yaml.Node) -> Iterator[Piece]:
        """The command of a container with its arguments, which may be in two lists."""
        fields = {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}
        parts = [fields[name] for name in _CONTAINER_COMMANDS if name in fields]
        words = [word for part in parts if isinstance(part, yaml.SequenceNode) for word in part.value]
        if words:
            yield Commands(None, tuple(self.text(word) for word in words if isinstance(word, yaml.ScalarNode)))
        for part in parts:
            if isinstance(part, yaml.ScalarNode):
                yield Commands(self.text(part))

    def _files(self, node: yaml.Node) -> Iterator[Piece]:
        for item in node.value if isinstance(node, yaml.SequenceNode) else ():
            if isinstance(item, yaml.MappingNode):
                fields = {key.value: value for key, value in item.value if isinstance(key, yaml.ScalarNode)}
                path, content = fields.get("path"), fields.get("content")
                if isinstance(path, yaml.ScalarNode) and isinstance(content, yaml.ScalarNode):
                    yield Written(str(path.value), self.text(content))

    def _config_map(self, node: yaml.Node) -> Iterator[Piece]:
        """Texts by the names of files."""
        for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(value, yaml.ScalarNode) and "\n" in str(value.value):
                yield Written(str(key.value), self.text(value))

    def text(self, node: yaml.Node) -> Traced:
        """A scalar's text, each of its words where it stands in the source."""
        if not isinstance(node, yaml.ScalarNode):
            return traced("")
        at, last = node.start_mark.index, node.end_mark.index
        parts: list[Traced] = []
        end = 0
        value = str(node.value)
        for word in value.split():
            start = value.index(word, end)
            found = self.source.text.find(word, at, last)
            at = found if found >= 0 else at
            parts += [traced(value[end:start], self.source.origin(at)), traced(word, self.source.origin(at))]
            end = start + len(word)
            at += len(word) if found >= 0 else 0
        return joined([*parts, traced(value[end:], self.source.origin(min(at, last)))])

    _READERS: ClassVar[dict[str, Callable[[_Walk, yaml.Node], Iterator[Piece]]]] = {
        "sysctls": _sysctls,
        "allowedUnsafeSysctls": lambda _walk, _node: iter(()),
        **dict.fromkeys(_COMMANDS, _commands),
        "write_files": _files,
        "data": _config_map,
    }


def _found(key: str, value: Traced) -> Iterator[Found]:
    for name in exact_names_of(key):
        if value.text:
            yield Found(name, value.text, value.origin(0))
