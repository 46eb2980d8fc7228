# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookups that need nothing but the tree and the variables; every other one cannot be told. ``with_x`` loops are the
same lookups.
"""

from __future__ import annotations

import itertools
import posixpath
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .._model import OPEN
from ._choices import choose
from ._filters import searched
from ._located import Text
from ._sequence import sequence
from ._source import options_in
from ._unknown import Unknown

if TYPE_CHECKING:
    from .._plays._scope import Evaluation


def looked_up(evaluation: Evaluation, plugin: str, terms: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """What ``lookup(plugin, …)`` gives."""
    name = plugin.rpartition(".")[2]
    if name in ("template", "file"):
        return _texts(evaluation, name, terms, options)
    if name == "vars":
        found = [_variable(evaluation, str(term), options) for term in terms]
        return found[0] if len(found) == 1 else found
    if name == "first_found":
        return _first_found(evaluation, terms)
    return _listed(evaluation, name, terms, options)


def _listed(evaluation: Evaluation, name: str, terms: tuple[Any, ...], options: dict[str, Any]) -> Any:
    if name == "filetree":
        return [one for term in _flat(terms) for one in _below(evaluation, str(term))]
    if name in ("fileglob", "varnames"):
        names = [one for term in _flat(terms) for one in _named(evaluation, name, str(term))]
        return names if options.get("wantlist") else ",".join(names)
    if name == "sequence" and not terms:
        terms = (" ".join(f"{key}={value}" for key, value in options.items() if key != "wantlist"),)
    made = LOOPS.get(name)
    if made is None or any(isinstance(term, Unknown) for term in terms):
        return Unknown(name=f"lookup('{name}')", missing=False)
    listed = made(list(terms))
    return listed if options.get("wantlist", True) or len(listed) != 1 else listed[0]


def _variable(evaluation: Evaluation, name: str, options: dict[str, Any]) -> Any:
    found = evaluation.named(name)
    return options["default"] if isinstance(found, Unknown) and found.missing and "default" in options else found


def _named(evaluation: Evaluation, kind: str, pattern: str) -> list[str]:
    """The files, or the variables, that a pattern stands for."""
    if kind == "fileglob":
        return evaluation.scope.place.glob("files", pattern, evaluation.tree)
    return [name for name in sorted(evaluation.scope.names()) if searched(name, pattern, "search")]


def _below(evaluation: Evaluation, directory: str) -> list[Any]:
    root = evaluation.scope.place.directory("files", directory, evaluation.tree)
    files = evaluation.tree.below(root) if root else []
    return [{"src": one, "path": posixpath.relpath(one, root), "root": root, "state": "file"} for one in files]


def _texts(evaluation: Evaluation, kind: str, terms: tuple[Any, ...], options: dict[str, Any]) -> Any:
    made: list[Any] = []
    for term in terms:
        place = evaluation.scope.place
        for path in place.find("templates" if kind == "template" else "files", str(term), evaluation.tree):
            text = evaluation.tree.located(path)
            if text is not None:
                evaluation.tree.taken.add(path)
                made.append(evaluation.rendered(text, options_in(options)) if kind == "template" else text)
    if not made:
        return Unknown(name=f"lookup('{kind}')", missing=False)
    return _stripped(made[0]) if len(made) == 1 else made


def _stripped(text: Any) -> Any:
    """A lookup's text has no line end at its end."""
    if isinstance(text, Text):
        plain = text.plain().rstrip()
        return Text(plain, tuple(origin for origin in text.origins if origin[0] <= len(plain)))
    return text


def _first_found(evaluation: Evaluation, terms: tuple[Any, ...]) -> Any:
    for term in _flat(terms):
        names = term.get("files", []) if isinstance(term, dict) else [term]
        directories = term.get("paths", [""]) if isinstance(term, dict) else [""]
        for directory, name in itertools.product(_flat([directories]) or [""], _flat([names])):
            wanted = f"{directory}/{name}" if directory else str(name)
            for kind in ("files", "templates", "vars", "tasks"):
                found = evaluation.scope.place.find(kind, wanted, evaluation.tree)
                # Where a part of the name is open, it may be any of them, or none.
                which = choose(("found", wanted, kind), len(found) + 1) if OPEN in wanted and found else 0
                if which < len(found):
                    return Text(found[which], term.origins) if isinstance(term, Text) else found[which]
    return Unknown(name="first_found", missing=False)


def _flat(values: Iterable[Any], depth: int = 10) -> list[Any]:
    flat: list[Any] = []
    for value in values:
        if isinstance(value, (list, tuple)) and depth:
            flat += _flat(value, depth - 1)
        elif value is not None:
            flat.append(value)
    return flat


def _items(terms: list[Any]) -> list[Any]:
    return _flat(terms, 1)


def _dict(terms: list[Any]) -> list[Any]:
    return [
        {"key": key, "value": value} for term in _flat(terms) if isinstance(term, dict) for key, value in term.items()
    ]


def _nested(terms: list[Any]) -> list[Any]:
    lists = [term if isinstance(term, list) else [term] for term in _one_level(terms)]
    return [_flat(combination, 1) for combination in itertools.islice(itertools.product(*lists), 10_000)]


def _together(terms: list[Any]) -> list[Any]:
    lists = [term if isinstance(term, list) else [term] for term in _one_level(terms)]
    return [list(row) for row in itertools.zip_longest(*lists)]


def _one_level(terms: list[Any]) -> list[Any]:
    """The lists, whether they were given one by one or as one list of lists."""
    inner = terms[0] if len(terms) == 1 and isinstance(terms[0], list) else terms
    return list(inner)


def _subelements(terms: list[Any]) -> list[Any]:
    terms = _one_level(terms)
    if len(terms) < 2 or not isinstance(terms[1], str):
        return []
    owners = list(terms[0].values()) if isinstance(terms[0], dict) else terms[0]
    made = []
    for owner in owners if isinstance(owners, list) else []:
        inner: Any = owner
        for part in terms[1].split("."):
            inner = inner.get(part, []) if isinstance(inner, dict) else []
        made += [[owner, one] for one in (inner if isinstance(inner, list) else [])]
    return made


def _indexed(terms: list[Any]) -> list[Any]:
    return [[number, item] for number, item in enumerate(_items(terms))]


#: By the name of the lookup, which is that of the loop without ``with_``.
LOOPS: dict[str, Callable[[list[Any]], list[Any]]] = {
    "cartesian": _nested,
    "dict": _dict,
    "flattened": _flat,
    "indexed_items": _indexed,
    "items": _items,
    "list": _one_level,
    "nested": _nested,
    "random_choice": _items,
    "sequence": sequence,
    "subelements": _subelements,
    "together": _together,
}
