# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Ansible looks for the files that a task names."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from .._model import CLOSE, OPEN
from ._tree import Tree


class Place(NamedTuple):
    """Where a task stands: its file, the directory of its playbook, its role and the roles that called that."""

    file: str
    playbook: str
    role: str | None = None
    callers: tuple[str, ...] = ()

    def searched(self, kind: str, source: str) -> Iterator[str]:
        """Every path at which a file is looked for, in Ansible's order."""
        here = posixpath.dirname(self.file)
        for role in (self.role, *self.callers):
            if role:
                yield posixpath.join(role, kind, source)
                yield posixpath.join(role, "tasks", kind, source)
                yield posixpath.join(role, source)
        for directory in (here, posixpath.dirname(here), self.playbook):
            yield posixpath.join(directory, kind, source)
            yield posixpath.join(directory, source)

    def find(self, kind: str, source: str, tree: Tree) -> list[str]:
        """The files that a name stands for, several where a part of it is not known; none when there is no such file.

        A directory stands for all the files below it.
        """
        for candidate in self._candidates(kind, source):
            found = tree.matching(candidate)
            if found:
                return found
            directory = posixpath.normpath(candidate)
            if directory in tree.directories and directory not in tree.roots:
                return tree.below(directory)
        return []

    def directory(self, kind: str, source: str, tree: Tree) -> str | None:
        """The directory that a name stands for."""
        candidates = map(posixpath.normpath, self._candidates(kind, source))
        return next((one for one in candidates if one in tree.directories), None)

    def glob(self, kind: str, pattern: str, tree: Tree) -> list[str]:
        """The files of one directory that a shell's pattern stands for; what is not known of it may be anything."""
        for candidate in map(posixpath.normpath, self._candidates(kind, re.sub(f"{OPEN}.*?{CLOSE}", "*", pattern))):
            found = tree.globbed(candidate)
            if found:
                return found
        return []

    def _candidates(self, kind: str, source: str) -> list[str]:
        source = source.strip()
        if not source:
            return []
        # A path that was put together from role_path or playbook_dir is relative when the tree's is.
        return [source] if source.startswith("/") else [*self.searched(kind, source), source]
