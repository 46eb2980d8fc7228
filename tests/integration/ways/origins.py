# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the value comes from: one function for each entry of the column."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable

from tests.integration.support import SETTINGS
from tests.integration.ways.case import OPTION, Case


def _literal(case: Case) -> None:
    case.argument = case.mark


def _file_of_variables(case: Case) -> None:
    case.play["vars_files"] = [case.write(f"{case.target}-vars.yml", case.variables_by(case.by_variable))]


def _include_vars(case: Case) -> None:
    path = case.write(f"{case.target}-vars.yml", case.variables_by(case.by_variable))
    case.before.append({"ansible.builtin.include_vars": path})


def _prompt(case: Case) -> None:
    """Nobody is there to answer: then the default counts."""
    (name,) = case.variables_by(case.by_variable)
    case.play["vars_prompt"] = [{"name": name, "default": case.mark, "private": False}]


def _variable_of_a_group(case: Case) -> None:
    case.own_group = {"hosts": {case.host: {}}, "vars": case.variables_by(case.by_variable)}


def _variable_of_another_host(case: Case) -> None:
    case.of_bystander[f"asked_{case.target}"] = case.mark
    case.argument = f"{{{{ hostvars['bystander']['asked_{case.target}'] }}}}"


def _set_fact(case: Case) -> None:
    case.before.append({"ansible.builtin.set_fact": case.variables_by(case.by_variable)})


def _registered_result(case: Case) -> None:
    case.before.append({"ansible.builtin.raw": f"printf %s {shlex.quote(case.kept)}", "register": "answer"})
    case.argument = "{{ answer.stdout }}"


def _facts_of_the_host(case: Case) -> None:
    """What a compromised host answers; any of its modules can do that."""
    facts = dict.fromkeys(case.variables_by(case.by_variable), case.kept)
    answer = json.dumps({"changed": False, "ansible_facts": facts})
    case.files[f"library/answer_{case.target}.sh"] = f"#!/bin/sh\nprintf %s {shlex.quote(answer)}\n"
    case.before.append({f"answer_{case.target}": {}})


def _environment(case: Case) -> None:
    name = f"ASKED_{case.target.upper()}"
    case.environment[name] = case.kept
    case.argument = f"{{{{ lookup('ansible.builtin.env', '{name}') }}}}"


def _defaults_of_another_role(case: Case) -> None:
    role = f"before_{case.target}"
    case.write(f"roles/{role}/defaults/main.yml", case.variables_by(lambda found: case.by_another(found, "asked")))
    case.roles.append(role)


def _defaults_of_the_module(case: Case) -> None:
    whose = SETTINGS if case.way.number % 2 else "group/linux_tcp.tuning.timewait"
    case.play.setdefault("module_defaults", {}).setdefault(whose, {})[OPTION] = case.mark


ORIGINS: dict[str, Callable[[Case], None]] = {
    "literal": _literal,
    "variable of the task": lambda case: case.by_variable(case.task.setdefault("vars", {})),
    "variable of a block": lambda case: case.by_variable(case.block.setdefault("vars", {})),
    "variable of the play": lambda case: case.by_variable(case.play.setdefault("vars", {})),
    "file of variables": _file_of_variables,
    "prompt": _prompt,
    "variable of the host": lambda case: case.by_variable(case.variables),
    "variable of a group": _variable_of_a_group,
    "variable of another host": _variable_of_another_host,
    "set_fact": _set_fact,
    "include_vars": _include_vars,
    "registered result": _registered_result,
    "facts of the host": _facts_of_the_host,
    "environment": _environment,
    "defaults of another role": _defaults_of_another_role,
    "defaults of the module": _defaults_of_the_module,
    "extra variable": lambda case: case.by_another(case.extra, f"asked_{case.target}"),
}
