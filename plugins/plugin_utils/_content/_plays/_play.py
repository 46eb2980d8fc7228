# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Walks plays, roles and files of tasks in the order in which they would run, and gathers the steps."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from typing import Any

from .._model import Position
from .._silenced import silenced
from .._templates._choices import explore
from .._templates._located import position_of
from .._templates._unknown import Unknown
from ._arguments import (
    as_list,
    conditions_of,
    defaults_of,
    last_line,
    module_of,
    position_in,
    short,
    tags_of,
)
from ._carriers import Step
from ._modules import may_set
from ._project import Project, imported_by
from ._remembered import Remembered, looped
from ._scope import Evaluation, If, Scope
from ._search import Place
from ._tree import Tree

#: Includes and roles within each other; Ansible itself would never end.
DEEPEST = 30
MOST = 100_000
#: Names that one include may come to, in a loop or by what is open.
MOST_NAMES = 200
_INCLUDES = frozenset(("include_tasks", "import_tasks", "include"))
_ROLES = frozenset(("include_role", "import_role"))


@dataclass(frozen=True)
class Around:
    """What a task inherits from blocks, roles, includes and its play."""

    conditions: tuple[Any, ...] = ()
    layers: tuple[tuple[str, Any], ...] = ()
    tags: tuple[str, ...] = ()
    defaults: tuple[dict[Any, Any], ...] = ()
    plays: tuple[str, ...] = ()
    lowered: str | None = None
    depth: int = 0
    #: The files of tasks that it is in.
    files: tuple[str, ...] = ()


class Walk:
    """One walk through a project. ``steps`` are all tasks that set something or may."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._tree = project.tree
        self.steps: list[Step] = []
        #: Files of tasks, roles and playbooks that were come to.
        self.reached: set[str] = set()
        #: Roles with an include of which the content does not tell what it includes.
        self.includes_any: set[str | None] = set()
        #: Roles that a play wants and the tree has not: name and position.
        self.missing: list[tuple[str, Position | None, Scope]] = []
        #: What earlier tasks of the play have set.
        self._remembered = Remembered()
        self._notified: set[str] = set()
        self._handlers: list[tuple[Any, Scope, Around]] = []

    # -- plays

    def playbook(self, path: str, given: tuple[Any, ...] = ()) -> None:
        """The plays of a playbook; ``given`` are the variables of the imports that lead to it."""
        self.reached.add(path)
        for play in self._list(path):
            if "hosts" in play and imported_by(play) is None:
                self._play(play, path, given)
        for found, variables in self.imports(path):
            # Without variables it is no other than when it is run by itself.
            if variables and len(given) < DEEPEST:
                self.playbook(found, (*given, variables))

    def imports(self, path: str) -> list[tuple[str, Any]]:
        """The playbooks that one imports, each with the variables that it is given."""
        place = Place(path, posixpath.dirname(path))
        named = [(str(imported_by(play) or ""), play.get("vars")) for play in self._list(path)]
        return [(found, given) for name, given in named if name for found in place.find("", name, self._tree)]

    def _list(self, path: str) -> list[dict[Any, Any]]:
        data = self._tree.data(path)
        return [entry for entry in data if isinstance(entry, dict)] if isinstance(data, list) else []

    def _play(self, play: dict[Any, Any], path: str, given: tuple[Any, ...]) -> None:
        place = Place(path, posixpath.dirname(path))
        scope = self._project.scope(place)
        scope = scope.plus("play vars", play.get("vars"))
        # The variables of an import take the place of the play's own, the outermost those of all.
        for variables in reversed(given):
            scope = scope.plus("play vars", variables)
        for prompt in as_list(play.get("vars_prompt")):
            if isinstance(prompt, dict) and "name" in prompt:
                asked = prompt.get("default", Unknown(name=f"{prompt['name']} (a prompt)", missing=False))
                scope = scope.plus("vars_prompt", {prompt["name"]: asked})
        scope = self._vars_files(play.get("vars_files"), scope)
        self._remembered = Remembered()
        self._notified, self._handlers = set(), []
        hosts = play.get("hosts")
        pattern = ",".join(map(str, hosts)) if isinstance(hosts, list) else str(hosts)
        around = Around(
            tags=tags_of(play), defaults=defaults_of(play), plays=(pattern,), conditions=conditions_of(play.get("when"))
        )
        self._tasks(play.get("pre_tasks"), scope, around)
        for entry in as_list(play.get("roles")):
            self._role_entry(entry, scope, around)
        self._tasks(play.get("tasks"), scope, around)
        self._tasks(play.get("post_tasks"), scope, around)
        self._handlers.append((play.get("handlers"), scope, around))
        self._run_handlers()

    def _run_handlers(self) -> None:
        for handlers, scope, around in self._handlers:
            for task in as_list(handlers):
                if not isinstance(task, dict):
                    continue
                names = {str(task.get("name", "")), *map(str, as_list(task.get("listen")))}
                known = any(name.rpartition(" : ")[2] in names or name in names for name in self._notified)
                open_ended = any("\ue000" in name or "{{" in name for name in (*names, *self._notified))
                lowered = around.lowered or (None if known or open_ended else "no task notifies this handler")
                # A handler that is notified runs, whatever its own tags are.
                untagged = {**task, "tags": [tag for tag in tags_of(task) if tag != "never"]}
                self._task(untagged, scope, replace(around, lowered=lowered))
        self._handlers = []

    def _vars_files(self, files: Any, scope: Scope) -> Scope:
        for entry in as_list(files):
            choices = entry if isinstance(entry, list) else [entry]
            scope = self._loaded(choices, scope, "vars_files", "vars")
        return scope

    def _loaded(self, names: list[Any], scope: Scope, rank: str, kind: str, within: str | None = None) -> Scope:
        """The variables of the first of some files; of all that it may be where a part of its name is not known."""
        evaluation = Evaluation(self._remembered.seen_from(scope), self._tree)
        for name in names:
            value = evaluation.value(name)
            wanted = str(value)
            paths = scope.place.find(kind, wanted, self._tree)
            if not paths:
                continue
            certain = len(paths) == 1 and "\ue000" not in wanted
            for path in paths:
                data = self._tree.data(path)
                data = {within: data} if within else data
                scope = scope.plus(rank, data, None if certain else If(("file", path)))
            if certain:
                break
        return scope

    # -- what no play comes to

    @property
    def tree(self) -> Tree:
        return self._tree

    def alone(self) -> None:
        """Begins afresh, as a play of its own does."""
        self._remembered = Remembered()
        self._notified, self._handlers = set(), []

    def finish(self) -> None:
        self._run_handlers()

    # -- roles

    def _role_entry(self, entry: Any, scope: Scope, around: Around) -> None:
        """A role of ``roles:``, be it a name or a dict with parameters."""
        if isinstance(entry, str):
            entry = {"role": entry}
        if not isinstance(entry, dict):
            return
        name = entry.get("role", entry.get("name"))
        kept = ("role", "name", "vars", "when", "tags", "become", "become_user", "delegate_to", "environment", "src")
        parameters = {key: value for key, value in entry.items() if key not in kept}
        scope = scope.plus("block vars", entry.get("vars")).plus("role params", parameters)
        around = self._narrowed(entry, around)
        self.role(name, scope, around)

    def role(self, name: Any, scope: Scope, around: Around, options: dict[str, Any] | None = None) -> None:
        """Runs a role: what it depends on, then its tasks; its handlers wait."""
        if name is None or around.depth > DEEPEST:
            return
        written = str(Evaluation(self._remembered.seen_from(scope), self._tree).value(name))
        directory = self._project.role(written, scope.place)
        if directory is None:
            self.missing.append((written, position_of(name), self._remembered.seen_from(scope)))
            return
        self.in_role(directory, scope, around, options or {})

    def in_role(self, directory: str, scope: Scope, around: Around, options: dict[str, Any]) -> None:
        self.reached.add(directory)
        callers = (scope.place.role, *scope.place.callers) if scope.place.role else ()
        place = Place(scope.place.file, scope.place.playbook, directory, tuple(c for c in callers if c))
        inner = scope._replace(place=place)
        defaults = [
            self._tree.data(path) for path in self._of_role(directory, "defaults", options.get("defaults_from"))
        ]
        variables = [self._tree.data(path) for path in self._of_role(directory, "vars", options.get("vars_from"))]
        for data in defaults:
            inner = inner.plus("role defaults", data)
        for data in variables:
            inner = inner.plus("role vars", data)
        self._remembered.role(defaults, variables)
        around = replace(around, depth=around.depth + 1)
        for path in self._tree.yaml_at(posixpath.join(directory, "meta/main")):
            data = self._tree.data(path)
            dependencies = data.get("dependencies") if isinstance(data, dict) else None
            for entry in as_list(dependencies):
                if isinstance(entry, (str, dict)):
                    self._role_entry(entry, inner, around)
        for path in self._of_role(directory, "handlers", options.get("handlers_from")):
            self.reached.add(path)
            self._handlers.append((self._tree.data(path), inner._replace(place=place._replace(file=path)), around))
        for path in self._of_role(directory, "tasks", options.get("tasks_from")):
            self.file(path, inner, around)

    def _of_role(self, directory: str, kind: str, name: Any) -> list[str]:
        stem = str(name or "main")
        found = self._tree.matching(posixpath.join(directory, kind, stem))
        found = found or self._tree.matching(posixpath.join(directory, kind, stem + ".yml"))
        if found:
            return found
        return self._tree.yaml_at(posixpath.join(directory, kind, posixpath.splitext(stem)[0]))

    # -- tasks

    def file(self, path: str, scope: Scope, around: Around) -> None:
        """A file of tasks."""
        self.reached.add(path)
        place = scope.place._replace(file=path)
        self._tasks(self._tree.data(path), scope._replace(place=place), replace(around, files=(*around.files, path)))

    def _tasks(self, tasks: Any, scope: Scope, around: Around) -> None:
        for task in as_list(tasks):
            if isinstance(task, dict):
                self._task(task, scope, around)

    def _task(self, task: dict[Any, Any], scope: Scope, around: Around) -> None:
        if len(self.steps) >= MOST:
            self._tree.note(
                scope.place.file,
                None,
                f"more than {MOST} tasks that may set something, includes counted each time: not followed",
            )
            return
        if "block" in task:
            self._notify(task)
            scope = scope.plus("block vars", task.get("vars"))
            inner = self._narrowed(task, around)
            for part in ("block", "rescue", "always"):
                self._tasks(task.get(part), scope, inner)
            return
        module = module_of(task)
        if module is None:
            return
        scope = scope.plus("task vars", task.get("vars"))
        inner = self._narrowed(task, around)
        self._notify(task)
        step = self._step(task, module, scope, inner)
        name = short(module.name)
        act = {
            **dict.fromkeys(_INCLUDES, self._include),
            **dict.fromkeys(_ROLES, self._include_role),
            "include_vars": self._include_vars,
            "set_fact": self._set_fact,
        }.get(name)
        if act:
            act(step, task, scope, inner)
        elif step.module.template or may_set(step.module.name, step.module.arguments):
            self.steps.append(step)
        if isinstance(task.get("register"), str):
            self._remembered.result(task["register"], step)

    def _notify(self, task: dict[Any, Any]) -> None:
        # What never changes anything notifies nobody.
        if str(task.get("changed_when")).lower() not in ("false", "no"):
            self._notified.update(str(name) for name in as_list(task.get("notify")))

    def _step(self, task: dict[Any, Any], module: Any, scope: Scope, around: Around) -> Step:
        position = position_in(task) or Position(scope.place.file, 1)
        kind = next((str(key) for key in task if str(key).startswith("with_") or key == "loop"), None)
        control = task.get("loop_control")
        variable = control.get("loop_var", "item") if isinstance(control, dict) else "item"
        arguments = module.arguments
        for defaults in around.defaults:
            given = defaults.get(module.name, defaults.get(short(module.name)))
            if isinstance(given, dict):
                arguments = {**given, **arguments}
        return Step(
            module=module._replace(arguments=arguments),
            scope=self._remembered.seen_from(scope),
            position=position,
            loop=(kind.removeprefix("with_"), task[kind]) if kind else None,
            loop_variable=str(variable),
            conditions=around.conditions,
            lowered=around.lowered or ("tagged never: it runs only when asked for" if "never" in around.tags else None),
            skipped=silenced(
                self._tree.text(position.path), position.line, last_line(task, position.path), around.tags
            ),
            plays=around.plays,
        )

    @staticmethod
    def _narrowed(entry: dict[Any, Any], around: Around) -> Around:
        return replace(
            around,
            conditions=(*around.conditions, *conditions_of(entry.get("when"))),
            tags=(*around.tags, *tags_of(entry)),
            defaults=(*defaults_of(entry), *around.defaults),
        )

    # -- tasks that bring in others, or variables

    def _include(self, step: Step, task: dict[Any, Any], scope: Scope, around: Around) -> None:
        name = step.module.arguments.get("file", step.module.free)
        if name is None:
            return
        more = {
            key: value for key, value in step.module.arguments.items() if key not in ("file", "apply", "_raw_params")
        }
        scope = scope.plus("include params", more).plus(_rank_of_vars(step), task.get("vars"))
        scope = looped(step, self._remembered.seen_from(scope))
        around = self._applied(step, around)
        paths = self._named_files(name, scope, "tasks")
        if not paths:
            self.includes_any.add(scope.place.role)
        for path in paths:
            if path not in around.files:
                self.file(path, scope, around)

    def _named_files(self, name: Any, scope: Scope, kind: str) -> list[str]:
        """Every file that a name may stand for, whatever of it is open."""
        wanted = dict.fromkeys(
            str(made)
            for made in explore(
                lambda: Evaluation(self._remembered.seen_from(scope), self._tree).value(name), MOST_NAMES
            )
        )
        return list(dict.fromkeys(path for one in wanted for path in scope.place.find(kind, one, self._tree)))

    def _include_role(self, step: Step, task: dict[Any, Any], scope: Scope, around: Around) -> None:
        options = {str(key): value for key, value in step.module.arguments.items()}
        scope = looped(step, self._remembered.seen_from(scope.plus(_rank_of_vars(step), task.get("vars"))))
        evaluation = Evaluation(self._remembered.seen_from(scope), self._tree)
        rendered = {key: evaluation.value(value) for key, value in options.items() if key.endswith("_from")}
        self.role(options.get("name", options.get("role")), scope, self._applied(step, around), rendered)

    @staticmethod
    def _applied(step: Step, around: Around) -> Around:
        apply = step.module.arguments.get("apply")
        if not isinstance(apply, dict):
            return around
        return replace(around, conditions=(*around.conditions, *conditions_of(apply.get("when"))))

    def _include_vars(self, step: Step, _task: dict[Any, Any], scope: Scope, _around: Around) -> None:
        arguments = step.module.arguments
        name = arguments.get("file", arguments.get("_raw_params", step.module.free))
        within = str(arguments["name"]) if "name" in arguments else None
        scope = looped(step, self._remembered.seen_from(scope))
        before = scope.layers
        if "dir" in arguments:
            directory = str(Evaluation(scope, self._tree).value(arguments["dir"]))
            files = [self._tree.data(path) for path in scope.place.find("vars", directory, self._tree)]
            if within:
                named = [pair for data in files if isinstance(data, dict) for pair in data.items()]
                files = [{within: dict(named)}]
            for data in files:
                scope = scope.plus("include_vars", data)
        elif name is not None:
            for path in self._named_files(name, scope, "vars"):
                data = self._tree.data(path)
                held = None if len(self._named_files(name, scope, "vars")) == 1 else If(("file", path))
                scope = scope.plus("include_vars", {within: data} if within else data, held)
        self._remembered.included(layer for layer in scope.layers if layer not in before)

    def _set_fact(self, step: Step, _task: dict[Any, Any], scope: Scope, _around: Around) -> None:
        self._remembered.facts(step, step.module.arguments, self._remembered.seen_from(scope))


def _rank_of_vars(step: Step) -> str:
    """The rank of an include's ``vars``: those of an import are as those of a block, which facts that are set beat."""
    return "block vars" if short(step.module.name).startswith("import_") else "include params"
