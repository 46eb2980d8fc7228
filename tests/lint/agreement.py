# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the lint says of content what the oracle found."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._lint import lint

from tests.lint.cases import Built
from tests.lint.values import is_on


def write(built: Built, tree: Path) -> None:
    for name, text in built.files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


#: The hosts of each generated tree, by the names of their groups and their own. The play is for the first.
HOSTS = ({"all", "web", "fleet", "h1"}, {"all", "db", "h2"})


def reported(tree: Path, hosts: Sequence[Collection[str]] = ()) -> dict[str, set[tuple[str, int]]]:
    """Path below the tree and line of every recycle that the lint finds in it: by "set", "lowered" and "undecided".

    With ``hosts``, only what the first of them gets.
    """
    found: dict[str, set[tuple[str, int]]] = {"set": set(), "lowered": set(), "undecided": set()}
    for one in lint([str(tree)], hosts).assignments:
        if one.classes is not None and 0 not in one.classes:
            continue
        if one.name == "tcp_tw_recycle" and (one.undecided or is_on(one.value)):
            found[_kind(one)].add((str(Path(one.at.path).relative_to(tree)), one.at.line))
    return found


def _kind(assignment: Any) -> str:
    if assignment.lowered is not None:
        return "lowered"
    return "undecided" if assignment.undecided else "set"


def disagreement(built: Built, tree: Path, *, on: bool, hosts: Sequence[Collection[str]] = ()) -> str | None:
    """What the lint says otherwise than the oracle, None when nothing; the tree is written already."""
    found = reported(tree, hosts)
    expected = {(mark.path, mark.line) for mark in built.marks} if on else set()
    said = {
        "not found": expected - found["set"],
        "false alarm": found["set"] - expected,
        "undecided": found["undecided"],
    }
    return "; ".join(f"{what} {sorted(where)}" for what, where in said.items() if where) or None
