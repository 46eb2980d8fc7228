# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of groups and hosts in a tree: ``group_vars``, ``host_vars`` and those within inventory files.

Those of all hosts hold for certain; those of a group or a host may hold. Inventory scripts and plugins are not run.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from .._templates._located import Text, cut, placed, position_of
from ._arguments import pairs_of
from ._scope import RANKS, If, Layer
from ._tree import Tree

YAML = (".yml", ".yaml")
KINDS = ("group_vars", "host_vars")
Inventory = dict[str, list[Layer]]

_HEXADECIMAL = re.compile(r"0[xX][0-9a-fA-F]+")
_SECTION = re.compile(r"[ \t]*\[([^\]:\n]+)(?::(\w+))?\][ \t]*(?:[#;].*)?$")
_INI = re.compile(r"^\[[\w.-]+(?::(?:vars|children))?\][ \t]*$", re.MULTILINE)
_NAMES = re.compile(r"(?:^|[-_.])(?:hosts|inventory|inv)(?:$|[-_.])")
#: The ranks of what counts for all, for a group, for a host.
_DIRECTORIES = ("group_vars/all", "group_vars", "host_vars")
_FILES = ("all of an inventory", "groups of an inventory", "hosts of an inventory")
_HOMES = ("inventory", "inventories", "hosts", "environments")
_NOT_HERE = frozenset(("files", "templates", "tasks", "defaults", "vars", "handlers", "meta", "library", *KINDS))


def inventory_of(tree: Tree, playbook: str, used: Collection[str] = (), beside: Collection[str] = ()) -> Inventory:
    """By the name of a variable, the layers that may give it a value, the strongest first.

    ``used`` are the inventories of the run. Where they are in the tree, its other inventories do not count; what is in
    the directories ``beside`` playbooks does.
    """
    given = [path for path in used if path in tree.files or path in tree.directories]
    layers = [*_of_files(tree, given), *_of_directories(tree, playbook, given, beside)]
    found: Inventory = {}
    # Of one rank the latest first.
    layers.reverse()
    for layer in sorted(layers, key=lambda layer: -layer.rank):
        for name in layer.variables:
            found.setdefault(str(name), []).append(layer)
    return found


def _of_directories(tree: Tree, playbook: str, given: Collection[str], beside: Collection[str]) -> Iterator[Layer]:
    homes: dict[str, list[str]] = {}
    for path in tree.files:
        home = _home(path)
        if home is not None:
            homes.setdefault(home, []).append(path)
    # What stands beside the playbook always counts. Of several inventories one is used at a time.
    near = {posixpath.dirname(path) if path in tree.files else path for path in given}
    for home in sorted(homes.keys() - {playbook, *beside, *near}) if near else ():
        tree.note(home, None, "variables of an inventory that was not given: not looked into")
        del homes[home]
    others = sorted(home for home in homes if home != playbook)
    for number, home in enumerate(others):
        held = If(("inventory",), len(others), number) if len(others) > 1 else None
        yield from _of_home(tree, home, homes[home], held)
    yield from _of_home(tree, playbook, homes.get(playbook, []), None)


def _home(path: str) -> str | None:
    """The directory that the group_vars or host_vars stand in which a file is part of."""
    found = re.match(r"(.*?)/(?:group_vars|host_vars)/", path)
    return found.group(1) if found else None


def _of_home(tree: Tree, home: str, paths: list[str], held: If | None) -> Iterator[Layer]:
    for path in sorted(paths):
        kind, _slash, rest = path[len(home) :].lstrip("/").partition("/")
        name, ending = posixpath.splitext(rest)
        if "/" in rest:
            name = rest.split("/")[0]
        elif ending not in (*YAML, ".json"):
            name = rest
        yield from _layer(kind, name, home, tree.data(path), held)


def _layer(
    kind: str, name: str, where: str, variables: Any, held: If | None, *, ranks: tuple[str, str, str] = _DIRECTORIES
) -> Iterator[Layer]:
    if not isinstance(variables, Mapping) or not variables:
        return
    everybody, one, hosts = ranks
    if kind == "group_vars" and name == "all":
        yield Layer(RANKS[everybody], variables, held)
    else:
        yield Layer(RANKS[one if kind == "group_vars" else hosts], variables, If((kind, name, where)))


def _of_files(tree: Tree, given: Collection[str]) -> Iterator[Layer]:
    files = [path for path in tree.files if _may_be_inventory(path)]
    if given:
        files = [path for path in files if any(path == one or path.startswith(one + "/") for one in given)]
    parsed = {path: list(_in_file(tree, path)) for path in files}
    used = [path for path in files if parsed[path]]
    for number, path in enumerate(used):
        held = If(("inventory file",), len(used), number) if len(used) > 1 else None
        for kind, name, variables in parsed[path]:
            yield from _layer(kind, name, path, variables, held, ranks=_FILES)


def _may_be_inventory(path: str) -> bool:
    directory, name = posixpath.split(path)
    parents = directory.split("/")
    stem, ending = posixpath.splitext(name)
    if ending not in ("", ".ini", ".inventory", ".cfg", *YAML) or _NOT_HERE & set(parents):
        return False
    return bool(_NAMES.search(stem)) or ending in (".ini", ".inventory") or bool(set(parents[-2:]) & set(_HOMES))


def _in_file(tree: Tree, path: str) -> Iterator[tuple[str, str, Mapping[Any, Any]]]:
    if path.endswith(YAML):
        data = tree.data(path)
        if isinstance(data, dict):
            for name, group in data.items():
                yield from _in_group(str(name), group, depth=0)
        return
    text = tree.located(path)
    if text is not None and _INI.search(text):
        yield from _in_ini(text)


def _in_group(name: str, group: Any, depth: int) -> Iterator[tuple[str, str, Mapping[Any, Any]]]:
    if not isinstance(group, dict) or not {"hosts", "children", "vars"} & set(group) or depth > 20:
        return
    if isinstance(group.get("vars"), dict):
        yield "group_vars", name, group["vars"]
    hosts, children = group.get("hosts"), group.get("children")
    for host, variables in hosts.items() if isinstance(hosts, dict) else ():
        if isinstance(variables, dict):
            yield "host_vars", str(host), variables
    for child, inner in children.items() if isinstance(children, dict) else ():
        yield from _in_group(str(child), inner, depth + 1)


def _in_ini(text: Text) -> Iterator[tuple[str, str, Mapping[Any, Any]]]:
    group, kind = "ungrouped", None
    for line in re.finditer(r"[^\n]+", text):
        if line.group().lstrip().startswith(("#", ";")):
            continue
        section = _SECTION.match(line.group())
        if section:
            group, kind = section.group(1), section.group(2)
        elif kind == "vars":
            name, equals, _value = line.group().partition("=")
            if equals:
                value = cut(text, line.start() + len(name) + 1, line.end())
                yield "group_vars", group, {name.strip(): _of_group(value)}
        elif kind is None and "=" in line.group():
            host, _blank, _rest = line.group().strip().partition(" ")
            pairs, _words = pairs_of(cut(text, line.start(), line.end()))
            if pairs:
                yield "host_vars", host, {name: _as_python(value) for name, value in pairs.items()}


def _of_group(value: str) -> Any:
    """A value of a section of variables: in quotes it is a text, whatever it looks like. Those of a host lose them."""
    inner = _unquoted(value)
    return inner if len(inner) < len(value.strip()) else _as_python(inner)


def _as_python(value: str) -> Any:
    """A value that Python would read as a number is one."""
    position = position_of(value)
    return placed(int(value, 16), position) if position and _HEXADECIMAL.fullmatch(value) else value


def _unquoted(value: str) -> str:
    stripped = value.strip()
    start = value.index(stripped) if stripped else 0
    if len(stripped) >= 2 and stripped[0] == stripped[-1] and stripped[0] in "\"'":
        return cut(value, start + 1, start + len(stripped) - 1)
    return cut(value, start, start + len(stripped))
