# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ansible-playbook and ansible on sandbox hosts, and reads what they did."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sandbox.hosts import ROOT, SandboxHost

WORK = ROOT / ".work"
SANDBOX = ROOT / "tests" / "sandbox"
Hosts = SandboxHost | list[SandboxHost]
Play = str | dict[str, Any] | list[dict[str, Any]]


@dataclass(frozen=True)
class Result:
    """How one task ended on one host: status is ok, failed, skipped or unreachable."""

    task: str
    action: str
    host: str
    status: str
    result: dict[str, Any]

    @property
    def changed(self) -> bool:
        return bool(self.result.get("changed"))


@dataclass(frozen=True)
class Run:
    """What a run of ansible did: exit status, everything it printed, results in order, counters by host."""

    rc: int
    text: str
    results: list[Result]
    recap: dict[str, dict[str, int]]

    def only(self, action: str | None = None, host: str | None = None) -> Result:
        """The one result of this action (its name without the collection will do) on this host."""
        found = [
            result
            for result in self.results
            if (action is None or result.action.split(".")[-1] == action.split(".")[-1])
            and (host is None or result.host == host)
        ]
        assert len(found) == 1, f"{len(found)} results of {action} on {host} in:\n{self.text}"
        return found[0]

    @property
    def changed(self) -> int:
        """How many tasks changed something, on all hosts."""
        return sum(counters["changed"] for counters in self.recap.values())


class Ansible:
    """Runs ansible-core from one of the environments that dev/venv makes."""

    def __init__(self, core: str, directory: Path) -> None:
        self.core = core
        self._directory = directory
        self._runs = 0
        #: What runs the program of ansible, for example another user.
        self.prefix: list[str] = []

    def playbook(
        self,
        play: Play,
        hosts: Hosts,
        *arguments: str,
        groups: dict[str, list[str]] | None = None,
        extra_vars: dict[str, Any] | None = None,
        environment: dict[str, str] | None = None,
    ) -> Run:
        """Runs a play: the text or the data of one, or the name of a playbook of the collection.

        ``groups`` are names of groups with the names of their hosts.
        """
        if not isinstance(play, str) or "\n" in play:
            path = self._directory / f"playbook{self._runs}.yml"
            # JSON is YAML.
            path.write_text(play if isinstance(play, str) else json.dumps(play if isinstance(play, list) else [play]))
            play = str(path)
        return self._run(
            program="ansible-playbook",
            arguments=[play, *arguments],
            hosts=hosts,
            groups=groups,
            extra_vars=extra_vars,
            environment=environment,
        )

    def adhoc(
        self,
        module: str,
        args: dict[str, Any],
        hosts: Hosts,
        *arguments: str,
        groups: dict[str, list[str]] | None = None,
        extra_vars: dict[str, Any] | None = None,
        environment: dict[str, str] | None = None,
    ) -> Run:
        """Runs one task as the command ``ansible`` does."""
        return self._run(
            program="ansible",
            arguments=["all", "--module-name", module, "--args", json.dumps(args), *arguments],
            hosts=hosts,
            groups=groups,
            extra_vars=extra_vars,
            environment=environment,
        )

    def _inventory(self, hosts: list[SandboxHost], groups: dict[str, list[str]] | None) -> Path:
        inventory = {
            "all": {
                "hosts": {host.name: host.vars for host in hosts},
                "children": {
                    group: {"hosts": {member: {} for member in members}} for group, members in (groups or {}).items()
                },
            }
        }
        path = self._directory / f"inventory{self._runs}.json"
        path.write_text(json.dumps(inventory))
        return path

    def _environment(self, results: Path, more: dict[str, str] | None) -> dict[str, str]:
        # An empty one: neither the checkout's nor the user's configuration counts.
        config = self._directory / "ansible.cfg"
        config.touch()
        own = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        return {
            **own,
            "ANSIBLE_CONFIG": str(config),
            "ANSIBLE_HOME": str(self._directory / "home"),
            "ANSIBLE_REMOTE_TEMP": str(self._directory / "remote"),
            "ANSIBLE_COLLECTIONS_PATH": f"{WORK / 'tree'}:{WORK / 'vendor'}",
            "ANSIBLE_CONNECTION_PLUGINS": str(SANDBOX / "connection"),
            "ANSIBLE_CALLBACK_PLUGINS": str(SANDBOX / "callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "sandbox_results",
            "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_RETRY_FILES_ENABLED": "0",
            "SANDBOX_RESULTS": str(results),
            **(more or {}),
        }

    def _run(
        self,
        *,
        program: str,
        arguments: list[str],
        hosts: Hosts,
        groups: dict[str, list[str]] | None,
        extra_vars: dict[str, Any] | None,
        environment: dict[str, str] | None,
    ) -> Run:
        inventory = self._inventory(hosts if isinstance(hosts, list) else [hosts], groups)
        results = self._directory / f"results{self._runs}.jsonl"
        results.touch()
        self._runs += 1
        command = [
            *self.prefix,
            str(WORK / "venv" / self.core / "bin" / program),
            "--inventory",
            str(inventory),
            *arguments,
        ]
        if extra_vars:
            command += ["--extra-vars", json.dumps(extra_vars)]
        done = subprocess.run(
            command,
            env=self._environment(results, environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        lines = [json.loads(line) for line in results.read_text().splitlines()]
        return Run(
            rc=done.returncode,
            text=done.stdout,
            results=[Result(**line) for line in lines if "task" in line],
            recap=next((line["recap"] for line in lines if "recap" in line), {}),
        )
