# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lint of a tree: what its plays, roles and files would set on a host."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from ._model import Assignment, Position, Result
from ._plays._carriers import Carriers
from ._plays._inventories import YAML
from ._plays._play import Around, Walk
from ._plays._project import Project, are_tasks
from ._plays._scope import Evaluation, Scope
from ._plays._search import Place
from ._plays._structures import pairs_in
from ._plays._tree import Tree
from ._silenced import silenced
from ._templates._jinja import depends_on, is_template
from ._templates._located import Text, position_of
from ._texts._deployed import settings_in_file

_NOT_DEPLOYED = "nothing in the tree brings this file to a host"
_NOT_INCLUDED = "nothing in the tree includes this file of tasks"
_NOT_USED = "nothing in the tree uses this variable"


def lint(
    paths: Sequence[str],
    classes: Sequence[AbstractSet[str]] = (),
    ignored: Callable[[str], bool] = lambda _directory: False,
    inventories: Sequence[str] = (),
) -> Result:
    """What is assigned in the content below some paths, and what could not be looked into.

    ``classes`` are the hosts of an inventory by what they have in common: of each, the names of its groups, and of the
    host where it has variables of its own. Without them every group and host that the content has variables of counts.
    ``inventories`` are the files and directories that they come from: others in the tree are not those of this run.

    A path that is a file is looked at within the project around it; in the result is what stands in it or is carried
    by it, and for a playbook, what it comes to: roles, files of tasks, other playbooks. Directories that are
    ``ignored`` are not looked into.
    """
    paths = [os.path.abspath(path) for path in paths]
    roots = list(dict.fromkeys(path if os.path.isdir(path) else _project_of(path) for path in paths))
    tree = Tree(roots, ignored)
    if not tree.hot:
        return Result(notes=tuple(tree.notes), files=len(tree.files))
    project = Project(tree, inventories)
    found = _assignments(project, classes)
    if not all(os.path.isdir(path) for path in paths):
        wanted = {*paths, *_come_to(project, paths)}
        found = [one for one in found if _is_below(one.at.path, wanted) or _is_below(one.by.path, wanted)]
    ordered = sorted(found, key=lambda one: (one.at, one.name, one.by))
    return Result(tuple(ordered), tuple(tree.notes), len(tree.files))


def _project_of(path: str) -> str:
    """The directory of the project that a file is part of: the nearest one above it that looks like one."""
    start = directory = posixpath.dirname(path)
    while True:
        if any(os.path.exists(posixpath.join(directory, mark)) for mark in (".git", "ansible.cfg", "galaxy.yml")):
            return directory
        if directory == "/":
            return start
        directory = posixpath.dirname(directory)


def _come_to(project: Project, paths: Iterable[str]) -> set[str]:
    """The files that playbooks come to, those that they import too, and the directories of the roles."""
    walk = Walk(project)
    waiting = [path for path in paths if path in project.playbooks]
    known = set(waiting)
    while waiting:
        path = waiting.pop()
        walk.playbook(path)
        new = {found for found, _variables in walk.imports(path)} - known
        known |= new
        waiting += new
    return walk.reached


def _is_below(path: str, wanted: AbstractSet[str]) -> bool:
    """Whether a path, or a directory that it is in, is among some."""
    return path in wanted or any(str(parent) in wanted for parent in PurePosixPath(path).parents)


def _assignments(project: Project, classes: Sequence[AbstractSet[str]]) -> list[Assignment]:
    tree = project.tree
    walk = Walk(project)
    for path in project.playbooks:
        walk.playbook(path)
    alone = _walk_the_rest(project, walk)
    carriers = Carriers(tree, classes)
    found = [assignment for step in walk.steps for assignment in carriers.of(step)]
    found += _roles_elsewhere(walk)
    found += _never_used(project, walk, found, carriers.into_open_keys)
    found += _never_deployed(project, carriers.deployed | project.tree.taken, alone)
    return _merged(_silenced_where_they_stand(found, tree))


def _walk_the_rest(project: Project, walk: Walk) -> Scope:
    """Roles, and then files of tasks, that no play comes to. Gives the variables that are there without a play."""
    root = project.tree.roots[0]
    place = Place(posixpath.join(root, "playbook.yml"), root)
    scope = project.scope(place)
    for role in project.roles:
        if role not in walk.reached:
            walk.alone()
            walk.in_role(role, scope, Around(), {})
            walk.finish()
    for path in project.tree.files:
        if path in walk.reached or not path.endswith(YAML) or path in project.playbooks:
            continue
        kind = posixpath.basename(posixpath.dirname(path))
        if kind not in ("tasks", "handlers") and path not in project.tree.hot:
            continue
        if are_tasks(project.tree.data(path)):
            walk.alone()
            around = _around_role(project, path, scope)
            home = around.place.role
            begins = home in walk.reached and project.tree.yaml_at(posixpath.join(str(home), "tasks/main"))
            forgotten = begins and home not in walk.includes_any
            walk.file(path, around, Around(lowered=_NOT_INCLUDED if forgotten else None))
            walk.finish()
    return scope


def _around_role(project: Project, path: str, scope: Scope) -> Scope:
    """The scope with the variables of the role that a file is part of, if it is of one."""
    role = max((role for role in project.roles if path.startswith(role + "/")), key=len, default=None)
    if role is None:
        return scope._replace(place=Place(path, posixpath.dirname(path)))
    scope = scope._replace(place=Place(path, scope.place.playbook, role))
    for kind, rank in (("defaults", "role defaults"), ("vars", "role vars")):
        for file in project.tree.yaml_at(posixpath.join(role, kind, "main")):
            scope = scope.plus(rank, project.tree.data(file))
    return scope


#: Variables by which well-known roles take sysctls, and what in their names tells them.
_KNOWN_VARIABLES = {
    "kernel_settings_sysctl": "kernel_settings",
    "sysctl_overwrite": "hardening",
    "sysctl_config": "hardening",
    "sysctl_custom_config": "hardening",
}


def _roles_elsewhere(walk: Walk) -> list[Assignment]:
    """What plays hand to roles that are not in the tree, in the variables that those take sysctls in."""
    found = []
    for name, position, scope in walk.missing:
        evaluation = Evaluation(scope, walk.tree)
        for variable, mark in _KNOWN_VARIABLES.items():
            if mark.replace("_", "") not in name.replace("-", "").replace("_", "") or not scope.defined(variable):
                continue
            by = position or Position(scope.place.file, 1)
            found += _pairs(evaluation.value(evaluation.variable(variable)), by, None)
    return found


def _pairs(data: Any, by: Position, lowered: str | None) -> list[Assignment]:
    made = []
    for name, value in pairs_in(data):
        text = str.__str__(str(value)).strip()
        made.append(Assignment(name, text, position_of(value) or by, by, depends_on(text), lowered))
    return made


def _never_used(project: Project, walk: Walk, found: list[Assignment], into_open: Collection[str]) -> list[Assignment]:
    """Variables that look like sysctls, and that no task of the tree uses, or in a way that cannot be told."""
    seen = {assignment.at for assignment in found}
    missing = bool(walk.missing)
    made = []
    for path in sorted(project.tree.hot):
        if not _holds_variables(path):
            continue
        handed = missing and not _in_role(project, path)
        for data in project.tree.documents(path):
            for name, value in data.items() if isinstance(data, dict) else ():
                reason = None if handed or name in into_open else _NOT_USED
                pairs = _pairs({name: value}, Position(path, 1), reason)
                # A template has no value of its own.
                made += [one for one in pairs if one.at not in seen and not is_template(one.value)]
    return made


#: Endings of what else people keep beside their variables; the name of a host may end in anything.
_NO_VARIABLES = (".py", ".sh", ".j2", ".conf", ".md", ".rst", ".txt")


def _holds_variables(path: str) -> bool:
    parts = path.split("/")
    return bool({"group_vars", "host_vars", "vars", "defaults"} & set(parts[:-1])) and not path.endswith(_NO_VARIABLES)


def _in_role(project: Project, path: str) -> bool:
    return any(path.startswith(role + "/") for role in project.roles)


def _never_deployed(project: Project, deployed: Iterable[str], scope: Scope) -> list[Assignment]:
    """Files that hold settings, and that no task brings to a host."""
    made = []
    for path in sorted(project.tree.hot - set(deployed)):
        if _holds_variables(path) or path in project.playbooks or are_tasks_file(project, path):
            continue
        text: Any = project.tree.located(path)
        if text is None:
            continue
        if path.endswith(".j2"):
            text = Evaluation(_around_role(project, path, scope), project.tree).rendered(text) or text
        name = posixpath.basename(path).removesuffix(".j2")
        for one in settings_in_file(name, text):
            at = text.at(one.offset) if isinstance(text, Text) else Position(path, 1)
            made.append(Assignment(one.name, one.value, at, at, depends_on(one.value), _NOT_DEPLOYED))
    return made


def are_tasks_file(project: Project, path: str) -> bool:
    return path.endswith(YAML) and are_tasks(project.tree.data(path))


def _silenced_where_they_stand(found: list[Assignment], tree: Tree) -> list[Assignment]:
    """A ``noqa`` counts on the line of the value, too."""
    made = []
    for one in found:
        off = silenced(tree.text(one.at.path), one.at.line, one.at.line)
        made.append(replace(one, skipped=tuple(sorted({*one.skipped, *off}))))
    return made


def _union(found: list[Assignment]) -> frozenset[int]:
    return frozenset(number for one in found for number in one.classes or ())


def _merged(found: list[Assignment]) -> list[Assignment]:
    """One assignment for each value at each place: the most certain, with the plays of all of them."""
    best: dict[tuple[Any, ...], Assignment] = {}
    decided = {(one.name, one.by) for one in found if not one.undecided}
    for one in found:
        if one.undecided and (one.name, one.by) in decided:
            continue
        # What cannot be told is one thing, whatever it may depend on for which host.
        key = (one.name, None if one.undecided else one.value, one.at)
        known = best.get(key)
        if known is None:
            best[key] = one
            continue
        kept = known if known.lowered is None or one.lowered is not None else one
        both = [other for other in (known, one) if other.lowered == kept.lowered]
        best[key] = replace(
            kept,
            plays=tuple(dict.fromkeys(play for other in both for play in other.plays)),
            classes=None if any(other.classes is None for other in both) else _union(both),
        )
    return list(best.values())
