# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The items of a loop as they will be when their turn comes, before the first one runs."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

from ansible.executor import module_common
from ansible.plugins.loader import action_loader
from ansible.template import Templar

try:  # ansible-core 2.21 and later keep a task's variables there
    from ansible._internal._task import TaskContext
except ImportError:
    TaskContext = None

from ._content._plays._modules import handler_of

TEMPLATE = ("template", "ansible.builtin.template", "ansible.legacy.template")


class Item(NamedTuple):
    """A task for one item: a copy, its module and its final arguments."""

    task: Any
    module: str
    arguments: dict[str, Any]
    templar: Any


def variables_of(executor: Any) -> dict[str, Any]:
    """The variables of the task that an executor is about to run."""
    own: dict[str, Any] | None = getattr(executor, "_job_vars", None)
    return TaskContext.current().task_vars if own is None else own


def templar_of(executor: Any) -> Any:
    """One for all items: from 2.19 on it keeps what it has compiled."""
    return Templar(loader=executor._loader, variables=variables_of(executor))


def items_of(executor: Any, templar: Any, items: list[Any]) -> Iterator[dict[str, Any]]:
    """The variables of each item, as ansible-core makes them."""
    base, control = variables_of(executor), executor._task.loop_control
    name, index = templar.template(control.loop_var), templar.template(control.index_var)
    for number, item in enumerate(items):
        variables = {**base, name: item, "ansible_loop_var": name}
        if index:
            variables |= {index: number, "ansible_index_var": index}
        if control.extended:
            variables["ansible_loop"] = _extended(items, number)
        yield variables


def _extended(items: list[Any], number: int) -> dict[str, Any]:
    around = {"previtem": number - 1, "nextitem": number + 1}
    return {
        "index": number + 1,
        "index0": number,
        "first": number == 0,
        "last": number + 1 == len(items),
        "length": len(items),
        "revindex": len(items) - number,
        "revindex0": len(items) - number - 1,
        "allitems": items,
        **{name: items[place] for name, place in around.items() if 0 <= place < len(items)},
    }


def rehearsed(executor: Any, templar: Any, variables: dict[str, Any]) -> Item | None:
    """What an item comes down to; None when its condition is false, or its module cannot carry a sysctl.

    Raises whatever templating raises.
    """
    templar.available_variables = variables
    original = executor._task
    action = templar.template(original.action)
    module = str(original.resolved_action or action)
    if handler_of(module) is None:
        return None
    task = original.copy(exclude_parent=True, exclude_tasks=True)
    task._parent, task.action = original._parent, action
    # Two names for one thing: from 2.19 on the engine proper is inside.
    engine = getattr(templar, "_engine", templar)
    if not _holds(task, engine, variables):
        return None
    if task.delegate_to:
        task.delegate_to = templar.template(task.delegate_to)
    arguments = task._post_validate_args("args", dict(task.args), engine)
    return Item(task, module, _with_defaults(task, module, arguments, engine, variables), templar)


def _holds(task: Any, engine: Any, variables: dict[str, Any]) -> bool:
    if hasattr(task, "evaluate_conditional"):  # 2.16
        return bool(task.evaluate_conditional(engine, variables))
    return bool(task._resolve_conditional(task.when, variables))


def _with_defaults(
    task: Any, module: str, arguments: dict[str, Any], engine: Any, variables: dict[str, Any]
) -> dict[str, Any]:
    """The arguments with ``module_defaults``: from 2.19 on they are there already."""
    add = getattr(module_common, "get_action_args_with_defaults", None)
    if add is None:
        return arguments
    groups = task._parent._play._action_groups
    complete = add(module, arguments, task.module_defaults, engine, action_groups=groups)
    return {name: value for name, value in complete.items() if value != variables.get("omit")}


def template_action(executor: Any, item: Item) -> Any:
    """The action ``template`` for an item: it renders on the controller, and needs no host for that."""
    item.task.args = item.arguments
    nowhere = SimpleNamespace(_shell=SimpleNamespace(tmpdir="nowhere"), connected=False)
    return action_loader.get(
        "ansible.legacy.template",
        task=item.task,
        connection=nowhere,
        play_context=executor._play_context,
        loader=executor._loader,
        templar=item.templar,
        shared_loader_obj=executor._shared_loader_obj,
    )
