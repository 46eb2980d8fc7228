# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tree that shows a mismatch, made as small as it can be: without each file and each line that it can do without."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tests.differential.trees import Directory, File, HardLink, Tree


def shrunk(tree: Tree, shows: Callable[[Tree], bool]) -> Tree:
    """The smallest tree that still ``shows`` what this one does, of those that are one step smaller again and again."""
    while True:
        smaller = next((each for each in _smaller(tree) if shows(each)), None)
        if smaller is None:
            return tree
        tree = smaller


def _smaller(tree: Tree) -> Iterator[Tree]:
    for path, node in tree.items():
        if not isinstance(node, Directory) and path not in _needed(tree):
            yield {other: kept for other, kept in tree.items() if other != path}
    for path, node in tree.items():
        if isinstance(node, File):
            pieces = re.findall(rb"[^\n]*\n|[^\n]+", node.content)
            for number in range(len(pieces)):
                yield {**tree, path: File(b"".join(pieces[:number] + pieces[number + 1 :]), node.mode)}


def _needed(tree: Tree) -> set[str]:
    return {node.to for node in tree.values() if isinstance(node, HardLink)}
