# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By which door it comes: one function for each entry of the column makes the play, but for its beginning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.integration.support import ROLE, SETTINGS
from tests.integration.ways.case import BYSTANDER, OPTION, ROLE_VARIABLE, Case, Play

Tasks = list[dict[str, Any]]


def plays_of(case: Case) -> list[Play]:
    leave = {"ansible.builtin.meta": "end_host", "when": "stands_by is defined"}
    play = {
        "hosts": f"{case.host}:{BYSTANDER}",
        "gather_facts": False,
        "pre_tasks": [leave, *case.before],
        "roles": case.roles,
        **case.play,
        **_ENTRIES[case.way.entry](case),
    }
    return [*case.plays, play]


def _options(case: Case) -> dict[str, Any]:
    return {**({} if case.argument is None else {OPTION: case.argument}), **case.options}


def _task(case: Case, **keywords: Any) -> dict[str, Any]:
    return {"name": "Settings", SETTINGS: _options(case), **case.task, **keywords}


def _in_block(case: Case, *tasks: dict[str, Any], **keywords: Any) -> Play:
    return {"tasks": [{"block": list(tasks), **case.block, **keywords}] if case.block or keywords else list(tasks)}


def _module(case: Case) -> Play:
    return _in_block(case, _task(case))


def _free_form(case: Case) -> Play:
    words = " ".join(f"{option}={_plain(value)}" for option, value in _options(case).items())
    return _in_block(case, {"name": "Settings", "action": f"{SETTINGS} {words}", **case.task})


def _plain(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else str(value).strip(" ,")


def _args(case: Case) -> Play:
    variables = {**case.task.get("vars", {}), "options": _options(case)}
    return _in_block(case, {"name": "Settings", SETTINGS: {}, "args": "{{ options }}", "vars": variables})


def _loop(case: Case) -> Play:
    items = [case.argument]
    case.argument = "{{ item }}"
    return _in_block(case, _task(case, loop=items))


def _handler(case: Case) -> Play:
    notifies = {"ansible.builtin.debug": {"msg": "changed"}, "changed_when": True, "notify": "Settings"}
    return {"tasks": [notifies], "handlers": [_task(case)]}


def _rescue(case: Case) -> Play:
    return _in_block(case, {"ansible.builtin.fail": {"msg": "on purpose"}}, rescue=[_task(case)])


def _always(case: Case) -> Play:
    return _in_block(case, {"ansible.builtin.debug": {"msg": "before"}}, always=[_task(case)])


def _include_tasks(case: Case) -> Play:
    path = case.write(f"{case.target}-tasks.yml", [_task(case)])
    return _in_block(case, {"ansible.builtin.include_tasks": path})


def _run_once(case: Case) -> Play:
    """Its failure is that of every host in the play, and would end the run but for the rescue."""
    play = _in_block(case, _task(case, run_once=True), rescue=[{"ansible.builtin.meta": "noop"}])
    return {**play, "hosts": f"{case.host}:another-{BYSTANDER}"}


def _serial(case: Case) -> Play:
    """Two batches, the first with the host: a batch that fails as a whole ends the run."""
    hosts = f"{case.host}:{BYSTANDER}:another-{BYSTANDER}"
    return {**_module(case), "hosts": hosts, "order": "reverse_sorted", "serial": 2}


def _role_variables(case: Case) -> dict[str, Any]:
    return {**case.task.get("vars", {}), **({} if case.argument is None else {ROLE_VARIABLE: case.argument})}


def _role(case: Case) -> Play:
    variables = _role_variables(case)
    given = variables if case.way.number % 2 else {"vars": variables}
    return {"roles": [*case.roles, {"role": ROLE, **given}]}


def _dependency(case: Case) -> Play:
    role = f"uses_{case.target}"
    dependency = {"role": ROLE, "vars": _role_variables(case)}
    case.write(f"roles/{role}/meta/main.yml", {"dependencies": [dependency]})
    return {"roles": [*case.roles, role]}


def _by_task(module: str) -> Callable[[Case], Play]:
    def play(case: Case) -> Play:
        # The role without a validation of its own, as in the playbooks of the collection, every other time.
        names = {"name": ROLE, **({"rolespec_validate": False} if case.way.number % 2 else {})}
        return _in_block(case, {module: names, "vars": _role_variables(case)})

    return play


_ENTRIES: dict[str, Callable[[Case], Play]] = {
    "module": _module,
    "free form": _free_form,
    "args": _args,
    "loop": _loop,
    "check mode": lambda case: _in_block(case, _task(case, check_mode=True)),
    "handler": _handler,
    "rescue": _rescue,
    "always": _always,
    "include_tasks": _include_tasks,
    "delegate_to": lambda case: _in_block(case, _task(case, delegate_to=case.target)),
    "run_once": _run_once,
    "serial": _serial,
    "free strategy": lambda case: {**_module(case), "strategy": "ansible.builtin.free"},
    "role": _role,
    "include_role": _by_task("ansible.builtin.include_role"),
    "import_role": _by_task("ansible.builtin.import_role"),
    "dependency": _dependency,
}
