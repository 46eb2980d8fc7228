# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the guard stands in ansible-core. All that it takes hold of is checked when it is put there.

A callback cannot stop a task: what it raises ends the whole run, or becomes a warning, or is lost, by version. So these
functions are wrapped, in the process that then forks the workers:

- ``ActionBase.__init__``, for the ``run`` of every action, also of those that actions call;
- ``ActionBase._execute_module`` and ``_low_level_execute_command``, for the modules and commands that actions run on
  their own account;
- ``TaskExecutor._run_loop``, for all items before the first one runs;
- ``TaskQueueManager.run``, for an exit status that no ``rescue`` hides.
"""

from __future__ import annotations

import functools
import gc
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from ansible import constants as C
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.executor.task_executor import TaskExecutor
from ansible.executor.task_queue_manager import AnsibleEndPlay, TaskQueueManager
from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase
from ansible.template import Templar
from ansible.utils.display import Display
from ansible.utils.multiprocessing import context
from ansible.utils.unsafe_proxy import wrap_var

from ._content._model import Assignment, Files, Position
from ._content._plays._modules import carried
from ._exposure import Exposure, exposure_of
from ._guard import GUARD, Place, Verdict, call_of, dangerous, position_of, stopped, verdict, worth_a_look
from ._guard_files import ControllerFiles, NoFiles
from ._guard_loop import TEMPLATE, items_of, rehearsed, templar_of, template_action
from ._inventory import claims_for, host_of
from ._snapshot import printable
from ._values import BadRequest

Run = Callable[..., Any]

#: Our own actions ask the policy themselves, with more knowledge of the host.
OURS = "linux_tcp.tuning."

#: A variable of the canary's task, which is to be stopped: that alone is no reason for an exit status.
CANARY = "timewait_guard_canary"

#: What is wrapped or called, and the parameters that it is known by.
NEEDED: tuple[tuple[Any, str, tuple[str, ...]], ...] = (
    (ActionBase, "__init__", ("task", "connection", "loader", "templar")),
    (ActionBase, "run", ("task_vars",)),
    (ActionBase, "_execute_module", ("module_name", "module_args", "task_vars")),
    (ActionBase, "_low_level_execute_command", ("cmd",)),
    (ActionBase, "_find_needle", ("dirname", "needle")),
    (TaskExecutor, "_run_loop", ("items",)),
    (TaskQueueManager, "run", ("play",)),
    (Task, "_post_validate_args", ("attr", "value", "templar")),
    (Task, "copy", ("exclude_parent", "exclude_tasks")),
    (Task, "get_path", ()),
    (Task, "get_search_path", ()),
    (Templar, "template", ("variable",)),
)


class Missing(Exception):
    """This ansible-core is not as the guard knows it."""


class Refused(AnsibleActionFail):  # type: ignore[misc]
    """A task that is not run. Raised, not returned: so no ``failed_when`` and no ``until`` has a say in it."""

    def __init__(self, message: str) -> None:
        # ansible-core 2.16 would take a message for a template, and it may hold what comes from a host.
        super().__init__(wrap_var(message))
        # There it also shows the traceback, of which there is none.
        self.result.pop("exception", None)


@dataclass(frozen=True)
class Moment:
    """A task that is about to run, with its final arguments."""

    task: Any
    module: str
    arguments: Mapping[str, Any]
    files: Files
    task_vars: dict[str, Any]
    template: Callable[[Any], Any]

    @property
    def place(self) -> Place:
        host = self.task.delegate_to or host_of(self.task_vars)
        return Place(str(host), str(self.task.get_name()), position_of(self.task.get_path()), bool(self.task.no_log))

    def exposure(self, options: Mapping[str, Any]) -> Exposure:
        """The exposure of the host that is changed, by its tags. Raises BadRequest."""
        task_vars = {**self.task_vars, "inventory_hostname": host_of(self.task_vars)}
        try:
            return exposure_of(claims_for(task_vars, self.task.delegate_to, options, self.template))
        except AnsibleError as error:
            raise BadRequest(f"a variable has no value: {error}") from error


class Guard:
    """One for the process that reads the playbooks, and by fork one for each worker.

    The methods that take a ``run`` stand around the function of ansible-core that it is.
    """

    def __init__(self) -> None:
        #: Options of the callback: more names of groups.
        self.options: Mapping[str, Any] = {}
        self._count = context.Value("i", 0)
        #: In a worker: the actions that run at this moment, each called by the one before, with their variables.
        self._running: list[tuple[Any, dict[str, Any]]] = []
        self._refused: list[Refused] = []
        self._rehearsing = False

    @property
    def refusals(self) -> int:
        """How many tasks were stopped, on all hosts."""
        return int(self._count.value)

    def around_init(self, run: Run, handler: Any, *args: Any, **kwargs: Any) -> None:
        run(handler, *args, **kwargs)
        if "run" not in vars(handler):
            handler.run = functools.partial(self.around_action, handler.run, handler)

    def around_action(self, run: Run, handler: Any, *args: Any, **kwargs: Any) -> Any:
        """Runs an action, unless it must not run."""
        before = len(self._refused)
        given = kwargs.get("task_vars", args[1] if len(args) > 1 else None)
        task_vars = given or (self._running[-1][1] if self._running else {})
        self._running.append((handler, task_vars))
        nested = len(self._running) > 1
        try:
            task, module = handler._task, _module_of(handler, nested=nested)
            # Before anything else: most tasks have nothing to do with it.
            if worth_a_look(module, task.args):
                files = files_of(handler._find_needle, handler._loader)
                self._look(Moment(task, module, task.args, files, task_vars, handler._templar.template))
            if self._rehearsing and nested:
                return {"changed": False, "skipped": True}
            return run(*args, **kwargs)
        finally:
            self._running.pop()
            # An action may have caught what one that it called was refused with.
            self._raise_for(handler._task, before)

    def around_module(self, run: Run, handler: Any, *args: Any, **kwargs: Any) -> Any:
        """Runs a module for an action, unless it must not run."""
        name, arguments, _tmp, given = (
            kwargs.get(parameter, args[place] if place < len(args) else None)
            for place, parameter in enumerate(("module_name", "module_args", "tmp", "task_vars"))
        )
        # Without arguments of its own it is the task itself, which was looked at.
        if name and arguments and worth_a_look(name, arguments):
            task_vars = given or self._running[-1][1]
            self._look(Moment(handler._task, name, arguments, NoFiles(), task_vars, handler._templar.template))
        return run(handler, *args, **kwargs)

    def around_command(self, run: Run, handler: Any, cmd: Any, *args: Any, **kwargs: Any) -> Any:
        """Runs a command for an action, unless it must not run."""
        # The command of ``raw`` is that of the task, which was looked at.
        arguments = {"_raw_params": cmd}
        if self._running and cmd != handler._task.args.get("_raw_params") and worth_a_look("raw", arguments):
            task_vars = self._running[-1][1]
            self._look(Moment(handler._task, "raw", arguments, NoFiles(), task_vars, handler._templar.template))
        return run(handler, cmd, *args, **kwargs)

    def around_loop(self, run: Run, executor: Any, items: list[Any]) -> Any:
        """Runs the items of a loop, unless one of them must not run."""
        self._rehearsing = True
        try:
            templar = templar_of(executor)
            for variables in items_of(executor, templar, items):
                self._rehearse(executor, templar, variables)
        finally:
            self._rehearsing = False
            self._raise_for(executor._task, 0)
        result = run(executor, items)
        # Of one that was stopped on the way: to 2.21 a loop is ignored when any of its items is.
        self._raise_for(executor._task, 0)
        return result

    def around_play(self, run: Run, manager: Any, play: Any) -> Any:
        """Runs a play. Its status, and that of every later one, is not 0 once a task of this run was stopped."""
        try:
            return run(manager, play) or self._status(manager)
        except AnsibleEndPlay as end:
            end.result = end.result or self._status(manager)
            raise

    def _status(self, manager: Any) -> Any:
        return manager.RUN_FAILED_HOSTS if self.refusals else manager.RUN_OK

    def _raise_for(self, task: Any, before: int) -> None:
        """Raises, once more and now for this task, what was refused since there were so many refusals."""
        if len(self._refused) > before:
            task.ignore_errors = False
            raise self._refused[before]

    def _rehearse(self, executor: Any, templar: Any, variables: dict[str, Any]) -> None:
        """Looks at one item of a loop. What cannot be known before other items ran is seen when it runs."""
        try:
            item = rehearsed(executor, templar, variables)
            if item is None:
                return
            if item.module in TEMPLATE:
                template_action(executor, item).run(task_vars=variables)
                return
            if worth_a_look(item.module, item.arguments):
                find = functools.partial(executor._loader.path_dwim_relative_stack, item.task.get_search_path())
                files = files_of(find, executor._loader)
                self._look(Moment(item.task, item.module, item.arguments, files, variables, item.templar.template))
        except Refused:
            raise
        except Exception as error:  # noqa: BLE001  # templates and plugins of others raise what they like
            # Without its text, which may hold what no_log is to hide.
            Display().vvv(f"{GUARD}: an item of a loop is looked at when its turn comes ({type(error).__name__})")

    def _look(self, moment: Moment) -> None:
        """Raises Refused when the task must not run."""
        if str(moment.task.resolved_action or moment.task.action).startswith(OURS):
            return
        place = moment.place
        try:
            found = _named(dangerous(carried(call_of(moment.module, moment.arguments, place.where), moment.files)))
            outcome = verdict(found, moment.exposure(self.options), place) if found else Verdict()
        except BadRequest as error:
            self._refuse(moment, stopped(place, f"its exposure cannot be told: {printable(str(error))}"))
        except Exception as error:  # noqa: BLE001  # what cannot be judged does not run: it is about the key
            self._refuse(moment, stopped(place, f"what it sets cannot be told: {printable(repr(error))}"))
        if outcome.refusal:
            self._refuse(moment, outcome.refusal)
        for warning in () if self._rehearsing else outcome.warnings:
            Display().warning(warning)

    def _refuse(self, moment: Moment, message: str) -> NoReturn:
        task = moment.task
        task.ignore_errors = False
        if task.no_log:
            # The result of such a task is not shown.
            Display().error(message)
        if not (task.check_mode and CANARY in task.vars):
            with self._count.get_lock():
                self._count.value += 1
        self._refused.append(Refused(message))
        raise self._refused[-1]


def _module_of(handler: Any, *, nested: bool) -> str:
    """The module that an action stands for; of one that another action called, its own name."""
    own = str(getattr(handler, "_load_name", "")).rpartition(".")[2]
    if nested and own not in ("", "normal"):
        return own
    return str(handler._task.resolved_action or handler._task.action)


def _named(found: Iterable[Assignment]) -> list[Assignment]:
    """With the name of a template in the place of the temporary file that it was rendered to."""
    temporary = str(C.DEFAULT_LOCAL_TMP)
    return [
        replace(each, at=Position(f"{Path(each.at.path).name} (rendered)", each.at.line))
        if each.at.path.startswith(temporary)
        else each
        for each in found
    ]


def files_of(find: Callable[[str, str], str], loader: Any) -> ControllerFiles:
    """The files that a task may carry, found as ``find`` does, and decrypted where they are vaulted."""

    def found(kind: str, name: str) -> str | None:
        try:
            return find(kind, name)
        except AnsibleError:
            return None

    def read(path: str) -> bytes:
        try:
            real = loader.get_real_file(path)
            content = Path(real).read_bytes()
        except (AnsibleError, OSError):
            return b""
        if real != path:
            loader.cleanup_tmp_file(real)
        return content

    return ControllerFiles(found, read)


def install() -> Guard:
    """Puts the guard in its places. Raises Missing when this ansible-core is not as it must be."""
    for owner, name, parameters in NEEDED:
        function = getattr(owner, name, None)
        if function is None or not set(parameters) <= set(inspect.signature(function).parameters):
            raise Missing(f"{owner.__module__}.{owner.__name__}.{name} is not there, or not as it was")
    if context.get_start_method() != "fork":
        raise Missing("its workers are not forked")
    guard = Guard()
    _wrap(ActionBase, "__init__", guard.around_init)
    _wrap(ActionBase, "_execute_module", guard.around_module)
    _wrap(ActionBase, "_low_level_execute_command", guard.around_command)
    _wrap(TaskExecutor, "_run_loop", guard.around_loop)
    _wrap(TaskQueueManager, "run", guard.around_play)
    # Each worker is a fork, and its garbage collection would copy what was imported here, page by page.
    gc.freeze()
    return guard


def _wrap(owner: Any, name: str, around: Callable[..., Any]) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        return around(original, self, *args, **kwargs)

    setattr(owner, name, wrapped)
