# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the integration tests share: plays, hosts by several names, and what a host is like at a moment."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.sandbox.hosts import SandboxHost
from tests.sandbox.runs import SANDBOX, Ansible, Result, Run
from tests.sandbox.states import PROGRAMS

SETTINGS = "linux_tcp.tuning.timewait_settings"
FACTS = "linux_tcp.tuning.timewait_facts"
ROLE = "linux_tcp.tuning.timewait"


#: A host that nobody tagged has no other way: the play gives every option as a host variable.
BY_MODULE: dict[str, Any] = {
    "hosts": "all",
    "gather_facts": False,
    "tasks": [{"name": "Settings", SETTINGS: {}, "args": "{{ options | default({}) }}"}],
}
BY_ROLE: dict[str, Any] = {"hosts": "all", "gather_facts": False, "roles": [ROLE]}


@dataclass
class Alias:
    """One more inventory name of a sandbox host, with variables of its own: many cases in one run of ansible."""

    name: str
    vars: dict[str, Any] = field(default_factory=dict)


def alias(host: SandboxHost, name: str, **variables: Any) -> Alias:
    return Alias(name, {**host.vars, **variables})


def bystander(host: SandboxHost) -> Alias:
    return alias(host, "bystander", stands_by=True)


def settings(**options: Any) -> dict[str, Any]:
    """A play with one task of timewait_settings."""
    return {"hosts": "all", "gather_facts": False, "tasks": [{"name": "Settings", SETTINGS: options}]}


def tasks(*items: dict[str, Any], **keywords: Any) -> dict[str, Any]:
    """A play with these tasks."""
    return {"hosts": "all", "gather_facts": False, "tasks": list(items), **keywords}


def each_on_its_own(plays: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Every play on the host of its name. A bystander goes along: else the first failure would end them all."""
    return [
        {
            **play,
            "hosts": f"{name}:bystander",
            "tasks": [{**task, "when": "not stands_by | default(false)"} for task in play["tasks"]],
        }
        for name, play in plays.items()
    ]


def outcome(run: Run, host: str | None = None) -> Result:
    """The one result of timewait_settings (on one host)."""
    return run.only("timewait_settings", host)


def warnings_of(result: Result) -> list[str]:
    """Without the name of the host. ansible-core drops an empty list of warnings from a result."""
    warnings: list[str] = result.result.get("warnings", [])
    return [re.sub(r"^[\w.-]+: ", "", text) for text in warnings]


def failure(run: Run, host: str) -> dict[str, Any]:
    """The result that failed on a host; there must be one and only one."""
    failed = [result for result in run.results if result.host == host and result.status == "failed"]
    assert len(failed) == 1, f"{len(failed)} failures of {host} in:\n{run.text}"
    return failed[0].result


def run_side_by_side(ansible: Ansible, play: Any, hosts: Any, *arguments: str, **keywords: Any) -> Run:
    """A run with every host at once."""
    return ansible.playbook(play, hosts, "--forks", "10", *arguments, **keywords)


def environment_of(*, programs: bool = False) -> dict[str, str]:
    """The environment of a run; with ``programs`` those that install() made come first on the host."""
    return {"PATH": f"{PROGRAMS}:{os.environ['PATH']}"} if programs else {}


def deaf_connection(ansible: Ansible, directory: Path) -> dict[str, str]:
    """The environment of a run with a connection "deaf", dropping standard input without a word, as podman's."""
    plugins = directory / "connections"
    plugins.mkdir()
    text = (SANDBOX / "connection" / "sandbox.py").read_text(encoding="utf-8")
    text = text.replace("name: sandbox\n", "name: deaf\n")
    text = text.replace("in_data=in_data", "in_data=None")
    text = text.replace(
        "class Connection(LocalConnection):", "class Connection(LocalConnection):\n    has_pipelining = False"
    )
    (plugins / "deaf.py").write_text(text, encoding="utf-8")
    known = ansible._environment(directory, None)["ANSIBLE_CONNECTION_PLUGINS"]
    return {"ANSIBLE_CONNECTION_PLUGINS": f"{known}:{plugins}"}
