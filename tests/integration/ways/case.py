# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A way on its host: everything that ansible is to be given for it, gathered from the entries of its columns."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

from tests.integration.ways.columns import ROLES
from tests.integration.ways.table import Way

Play = dict[str, Any]

OPTION = "tcp_tw_recycle"
ROLE_VARIABLE = f"timewait_{OPTION}"

#: A host that every play needs, lest the first failure end them all.
BYSTANDER = "bystander"


@dataclass
class Case:
    """``word`` is the tag of the host, ``value`` what is asked for, as YAML: within data ``mark`` stands for it."""

    way: Way
    word: str
    value: str
    #: How to connect to the host.
    connection: dict[str, Any]
    #: Variables of the host of the play, tags of the host that is changed: two hosts under delegation.
    variables: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, Any] = field(default_factory=dict)
    groups: list[str] = field(default_factory=list)
    #: A group of the host of the play alone, the bystander's variables, lines of an INI inventory.
    own_group: dict[str, Any] = field(default_factory=dict)
    of_bystander: dict[str, Any] = field(default_factory=dict)
    ini: list[str] = field(default_factory=list)
    #: Keywords of the play, of a block around the task and of the task; options of the task beside the one.
    play: dict[str, Any] = field(default_factory=dict)
    block: dict[str, Any] = field(default_factory=dict)
    task: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    #: What comes before: plays, tasks, roles.
    plays: list[Play] = field(default_factory=list)
    before: list[dict[str, Any]] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    #: Of the whole run: files by path, environment, extra variables.
    files: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    #: What the option is given; None where a variable of the role or defaults of the module do that.
    argument: Any = None

    @property
    def mark(self) -> str:
        return f"<<{self.way.name}>>"

    @property
    def target(self) -> str:
        """The host that is changed."""
        return self.way.name

    @property
    def host(self) -> str:
        """The host of the play."""
        return f"{self.target}-from" if self.way.entry == "delegate_to" else self.target

    @property
    def tag(self) -> str:
        return self.word.replace("-", "_")

    @property
    def kept(self) -> Any:
        """The value as data, for what does not read YAML."""
        return yaml.safe_load(self.value)

    def by_variable(self, variables: dict[str, Any]) -> None:
        """The value is that of a variable: of the role's own where a role is used."""
        if self.way.entry in (*ROLES, "apply playbook"):
            variables[ROLE_VARIABLE] = self.mark
        else:
            self.by_another(variables, "asked")

    def by_another(self, variables: dict[str, Any], name: str) -> None:
        variables[name] = self.mark
        self.argument = f"{{{{ {name} }}}}"

    def variables_by(self, put: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        variables: dict[str, Any] = {}
        put(variables)
        return variables

    def with_value(self, text: str) -> str:
        """JSON as YAML, with the value in the place of its mark."""
        return text.replace(json.dumps(self.mark), self.value)

    def write(self, path: str, data: Any) -> str:
        self.files[path] = self.with_value(json.dumps(data))
        return path
