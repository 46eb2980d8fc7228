# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the files of a tree are: playbooks, roles, files of tasks, variables of groups and hosts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from typing import Any

from ._arguments import module_of
from ._inventories import KINDS, YAML, Inventory, inventory_of
from ._scope import Scope
from ._search import Place
from ._tree import Tree

_PLAYBOOK = re.compile(
    r"^(?:-[ \t]+|[ \t]+|-[ \t]+\{.*?)[\"']?(?:hosts|import_playbook|ansible\.builtin\.import_playbook)[\"']?[ \t]*:",
    re.MULTILINE,
)
_OF_ROLES = ("tasks", "handlers", "defaults", "vars", "meta")


class Project:
    """A tree as Ansible sees it. ``inventories`` are those of the run, if there are any."""

    def __init__(self, tree: Tree, inventories: Sequence[str] = ()) -> None:
        self.tree = tree
        self._used = inventories
        self._inventories: dict[str, Inventory] = {}
        self.roles = self._roles()
        self.playbooks = [path for path in tree.files if self._is_playbook(path)]

    def _roles(self) -> list[str]:
        found = set()
        for path in self.tree.files:
            directory, name = posixpath.split(path)
            if name.startswith("main.") or posixpath.basename(directory) == "tasks":
                parent, kind = posixpath.split(directory)
                if kind in _OF_ROLES and posixpath.basename(parent) not in (*_OF_ROLES, "playbooks"):
                    found.add(parent)
        return sorted(found)

    def _is_playbook(self, path: str) -> bool:
        parts = path.split("/")
        if not path.endswith(YAML) or set(parts[-2:-1]) & {*_OF_ROLES, *KINDS}:
            return False
        text = self.tree.text(path)
        if not text or not _PLAYBOOK.search(text):
            return False
        return any(is_play(play) for play in _listed(self.tree.data(path)))

    def role(self, name: str, place: Place) -> str | None:
        """The directory of a role, looked for as Ansible does; a collection's role by its last name."""
        name = name.strip().rstrip("/")
        collection, _dot, last = name.rpartition(".")
        near = [
            posixpath.join(place.playbook, "roles", name),
            *(posixpath.join(posixpath.dirname(role), name) for role in (place.role, *place.callers) if role),
            posixpath.join(place.playbook, name),
            name,
        ]
        for directory in map(posixpath.normpath, near):
            if directory in self.roles:
                return directory
        ending = "/" + (name if not collection else last)
        return next((role for role in self.roles if role.endswith(ending)), None) or self._the_tree_itself(name, place)

    def _the_tree_itself(self, name: str, place: Place) -> str | None:
        """A tree that is one role is called by many names: its directory's, that of its page on Galaxy, a path from
        where its tests are. So what its own plays ask for and is not there is that role, unless it is a collection's.
        """
        if place.role is not None or re.fullmatch(r"\w+\.\w+\.\w+", name):
            return None
        return next((root for root in self.tree.roots if self.tree.yaml_at(posixpath.join(root, "tasks/main"))), None)

    def scope(self, place: Place) -> Scope:
        """The variables of groups and hosts, for a play that stands at a place."""
        if place.playbook not in self._inventories:
            beside = {posixpath.dirname(path) for path in self.playbooks}
            self._inventories[place.playbook] = inventory_of(self.tree, place.playbook, self._used, beside)
        return Scope((), place, self._inventories[place.playbook])


def _listed(data: Any) -> list[Any]:
    return data if isinstance(data, list) else []


def is_play(data: Any) -> bool:
    return isinstance(data, dict) and ("hosts" in data or any(str(key).endswith("import_playbook") for key in data))


def are_tasks(data: Any) -> bool:
    """Whether data is a list of tasks."""
    return bool(_listed(data)) and all(
        isinstance(task, dict) and ("block" in task or module_of(task) is not None) and not is_play(task)
        for task in data
    )


def imported_by(play: dict[Any, Any]) -> Any:
    """The playbook that an entry of a playbook imports; None for a play."""
    return next((play[key] for key in play if str(key).endswith("import_playbook")), None)
