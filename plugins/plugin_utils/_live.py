# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The play that a task runs in, as the lint sees content: tasks, roles and handlers, with the variables of this host.

What is known at this point: what ran before has run, and its results count. Tasks that dynamic includes bring are not
there yet. Lookups and templates of Ansible are not run: the lint has its own, which reach nothing.
"""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from jinja2 import TemplateError

from ._content._model import OPEN, Assignment, Position, Result
from ._content._plays._arguments import Module, last_line, module_of, position_in
from ._content._plays._carriers import Carriers, Step
from ._content._plays._modules import handler_of
from ._content._plays._scope import RANKS, Evaluation, Layer, Scope
from ._content._plays._search import Place
from ._content._plays._tree import Tree
from ._content._silenced import silenced
from ._content._templates._located import Text, Unsafe, placed, position_of
from ._content._templates._unknown import Unknown
from ._origin import is_trusted, position_of_value

#: Without one of these, nothing that the rules are about is meant; a glob may cover a key without naming it.
_MENTIONS = re.compile(
    r"recycle|tw_re|tcp_timestamps|fin_timeout|ipv4[./][\w.*-]*[*?\[]"
    # What is in a file is known only when it is read.
    r"|\b(?:lookup|query|q)\s*\(|\bwith_file"
)

#: Variables of Ansible's own that run something when they are looked at, or hold what is there under other names.
_PASSED_OVER = frozenset(("ansible_facts", "environment", "groups", "hostvars", "omit", "vars"))


#: For what a play may hold that the lint does not expect, or another release of ansible-core may do otherwise:
#: errors in the variables of other tasks, and what Python raises for data or objects of another shape.
STRANGE = (
    AnsibleError,
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)


def assignments_in_play(task: Any, task_vars: Mapping[str, Any], playbook: str) -> Result:
    """What the play of ``task`` assigns on the host that the task is for. ``playbook`` is the playbook's directory."""
    play = task.get_play()
    able = [one for one in _tasks_of(play) if handler_of(one.action)]
    disk = _Disk(playbook)
    words = _words(_variables_of(task_vars, able)) if able else _MENTIONS
    chosen = [one for one in able if _is_concerned(one, words, disk)]
    carriers = Carriers(disk)
    found: list[Assignment] = []
    hostvars = task_vars["hostvars"]
    host = hostvars._inventory.get_host(task_vars["inventory_hostname"])
    for one in chosen:
        variables = hostvars._variable_manager.get_vars(play=play, host=host, task=one)
        if one.evaluate_tags(play.only_tags, play.skip_tags, all_vars=variables):
            step = _step(one, variables, disk)
            found += carriers.of(replace(step, lowered=_held_back(one, play, step, disk)))
    return Result(tuple(found), tuple(disk.notes), len(disk.files))


def _tasks_of(play: Any) -> Iterator[Any]:
    """Every task of a play, handlers too. Those of other hosts' includes, and of includes to come, are not there."""
    handlers = [*play.compile_roles_handlers(), *play.handlers]
    known: set[str] = set()
    for task in _flat([*play.compile(), *handlers]):
        if task._uuid not in known:
            known.add(task._uuid)
            yield task


def _flat(parts: Iterable[Any]) -> Iterator[Any]:
    for part in parts:
        if hasattr(part, "block"):
            yield from _flat([*part.block, *part.rescue, *part.always])
        else:
            yield part


def _variables_of(task_vars: Mapping[str, Any], tasks: Iterable[Any]) -> dict[str, list[Any]]:
    """By name, all values that the tasks may take something from."""
    roles = {id(role): role for task in tasks for role in _roles_of(task)}
    sources = [task_vars, *(task.get_vars() for task in tasks)]
    for role in roles.values():
        sources += [role.vars, role._default_vars, role._role_vars, role._role_params]
    facts = {f"ansible_{name}" for name in task_vars.get("ansible_facts") or ()} | _PASSED_OVER
    values: dict[str, list[Any]] = {}
    for source in sources:
        for name, value in source.items():
            if name not in facts:
                values.setdefault(name, []).append(value)
    return values


def _words(values: Mapping[str, list[Any]]) -> re.Pattern[str]:
    """What to look for in a task: the knobs, and the variables that lead to a mention of one."""
    leading: set[str] = set()
    pattern = _MENTIONS
    while new := {name for name, given in values.items() if name not in leading and _mentions(pattern, given)}:
        leading |= new
        # What takes any variable may take one of them.
        names = "|".join(map(re.escape, leading))
        pattern = re.compile(rf"{_MENTIONS.pattern}|\b(?:{names})\b|\bvars\s*[\[.|]")
    return pattern


def _mentions(pattern: re.Pattern[str], values: Iterable[Any]) -> bool:
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            if pattern.search(value):
                return True
        elif isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, (list, tuple)):
            waiting += value
    return False


def _is_concerned(task: Any, words: re.Pattern[str], disk: _Disk) -> bool:
    """Whether a task, or a file that it takes to the host, mentions what the rules are about."""
    if _mentions(words, [task.get_ds()]):
        return True
    kind = _OF_FILES.get(task.action.rpartition(".")[2])
    source = next((str(task.args[name]) for name in ("src", "cmd", "_raw_params") if task.args.get(name)), "")
    if not kind or not source:
        return False
    if "{{" in source:
        return True
    path, _line = _path_and_line(task)
    names = source.split()[:1] if kind == "files" else [source]
    paths = [found for name in (source, *names) for found in _place(task, path, disk).find(kind, name, disk)]
    return any(words.search(disk.text(found) or "") for found in paths)


#: Modules that take files to a host, and where these are looked for.
_OF_FILES = {
    "assemble": "files",
    "copy": "files",
    "k8s": "files",
    "script": "files",
    "synchronize": "files",
    "template": "templates",
}


def _path_and_line(task: Any) -> tuple[str, int]:
    path, _colon, number = str(task.get_path() or "").rpartition(":")
    return path, int(number) if number.isdigit() else 1


def _roles_of(task: Any) -> list[Any]:
    """The role that a task is of, after those that depend on it."""
    return [role for role in (*(task.get_dep_chain() or ()), task._role) if role is not None]


def _place(task: Any, path: str, disk: _Disk) -> Place:
    roles = [str(role._role_path) for role in _roles_of(task)]
    return Place(path, disk.playbook, roles[-1] if roles else None, tuple(reversed(roles[:-1])))


def _step(task: Any, variables: Mapping[str, Any], disk: _Disk) -> Step:
    position = Position(*_path_and_line(task))
    path = position.path
    written = disk.located_task(task.get_ds(), position) or known(task.get_ds(), position)
    module = module_of(written) or Module(task.action, {}, None)
    for defaults in task.module_defaults or ():
        given = known(defaults, position)
        module = module._replace(arguments={**given.get(module.name, {}), **module.arguments})
    kind = next((str(key) for key in written if str(key).startswith("with_") or key == "loop"), None)
    return Step(
        module=module,
        scope=Scope((Layer(RANKS["extra vars"], _Known(variables, position)),), _place(task, path, disk)),
        position=position,
        loop=(kind.removeprefix("with_"), written[kind]) if kind else None,
        loop_variable=str(task.loop_control.loop_var) if task.loop_control else "item",
        conditions=tuple(known(when, position) for when in task.when),
        skipped=silenced(disk.text(path), position.line, last_line(written, path), tuple(map(str, task.tags))),
        plays=(),
    )


def _held_back(task: Any, play: Any, step: Step, disk: _Disk) -> str | None:
    """Why a task may never come to this host; None where it will."""
    if task.delegate_to:
        evaluation = Evaluation(step.scope, disk)
        host = evaluation.value(known(task.delegate_to, step.position))
        if host != evaluation.variable("inventory_hostname"):
            return "it is delegated to another host"
    if hasattr(task, "listen"):
        # What can never have changed anything notifies nobody.
        names = {name for one in _tasks_of(play) if one.changed_when != [False] for name in _names(one.notify)}
        own = {task.get_name(), str(task.name), *_names(task.listen)}
        if not own & names and not any("{{" in name for name in (*own, *names)):
            return "no task notifies this handler"
    return None


def _names(raw: Any) -> list[str]:
    """A list of names, or the only one."""
    return [str(name) for name in ([raw] if isinstance(raw, str) else raw or ())]


def known(value: Any, around: Position) -> Any:
    """Ansible's data as the lint has it, each scalar with the place that Ansible keeps for it, else that of ``around``.

    What comes from a host is no template. What is encrypted stays so.
    """
    path, line = position_of_value(value)
    position = Position(path, line or 1) if path else around
    if isinstance(value, str):
        made = Text if is_trusted(value) else Unsafe
        return made(str.__str__(value), ((0, position),))
    if isinstance(value, dict):
        names = [known(name, position) for name in value]
        # ansible-core 2.16 keeps no place for a number: that of its name is next to it.
        return {
            name: known(part, position_of(name) or position) for name, part in zip(names, value.values(), strict=True)
        }
    if isinstance(value, (list, tuple)):
        return [known(part, position) for part in value]
    if value is None or isinstance(value, bool):
        return placed(value, position)
    if isinstance(value, (int, float)):
        return placed(int(value) if isinstance(value, int) else float(value), position)
    return Unknown(name="a value that is not looked into", missing=False)


class _Known(dict[str, Any]):
    """Variables that are taken over one by one, when a template asks for them: a host may have thousands."""

    def __init__(self, variables: Mapping[str, Any], around: Position) -> None:
        super().__init__({name: value for name, value in variables.items() if name not in _NOT_GIVEN})
        self._around = around

    def __getitem__(self, name: str) -> Any:
        return known(super().__getitem__(name), self._around)


_NOT_GIVEN = frozenset(("hostvars", "vars", "environment", "omit"))


class _Disk(Tree):
    """The files that tasks name, wherever they are: it is the user's own play that names them."""

    def __init__(self, playbook: str) -> None:
        super().__init__(())
        self.playbook = playbook
        self.directories = _Directories()

    def matching(self, pattern: str) -> list[str]:
        path = os.path.normpath(pattern)
        return [path] if OPEN not in pattern and self._is_there(path) else []

    def below(self, directory: str) -> list[str]:
        paths = [f"{top}/{name}" for top, _below, names in os.walk(directory) for name in sorted(names)]
        if len(paths) > _MOST_FILES:
            self.note(directory, None, f"more than {_MOST_FILES} files: only the first of them are looked into")
        return [path for path in paths[:_MOST_FILES] if self._is_there(path)]

    def globbed(self, pattern: str) -> list[str]:
        found = sorted(glob.glob(pattern))  # noqa: PTH207 - patterns are absolute or not
        return [path for path in found if self._is_there(path)]

    def text(self, path: str) -> str | None:
        return super().text(path) if self._is_there(path) else None

    def _is_there(self, path: str) -> bool:
        if path not in self.files:
            try:
                status = Path(path).stat()
            except OSError:
                return False
            if not stat.S_ISREG(status.st_mode):
                return False
            self.files[path] = status.st_size
        return True

    def located_task(self, task: Any, position: Position) -> dict[Any, Any] | None:
        """A task that begins on a line, as it is written there, with the place of each word in it."""
        waiting = list(self.documents(position.path))
        while waiting:
            part = waiting.pop()
            if isinstance(part, list):
                waiting += part
            elif isinstance(part, dict):
                if position_in(part) == position and part == task:
                    return part
                waiting += part.values()
        return None


_MOST_FILES = 1000


class _Directories(set[str]):
    def __contains__(self, path: object) -> bool:
        return Path(str(path)).is_dir()
