# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of all scenarios share: the containers of a scenario, and ways to run Ansible against them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import testinfra
from testinfra.host import Host

ENGINE = os.environ["TIMEWAIT_CONTAINER_ENGINE"]
PREFIX = os.environ["TIMEWAIT_CONTAINER_PREFIX"]
NAME = os.environ["MOLECULE_SCENARIO_NAME"]
DIRECTORY = Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"])
SHARED = DIRECTORY.parent / "shared"

DROP_IN = "/etc/sysctl.d/99-timewait.conf"

#: Directories whose every byte is compared when nothing may have been touched.
WATCHED_FILES = ("/etc", "/usr/lib/sysctl.d", "/usr/local/lib", "/run/sysctl.d")


def url(container: str) -> str:
    """A container of this scenario as testinfra names hosts."""
    return f"{ENGINE}://{PREFIX}-{NAME}-{container}"


def urls(*containers: str) -> list[str]:
    """The same for several, for ``testinfra_hosts``."""
    return [url(container) for container in containers]


def host_of(container: str) -> Host:
    return testinfra.get_host(url(container))


def on(*containers: str) -> pytest.MarkDecorator:
    """Marks a test to run on these containers, where the others in its module run on ``testinfra_hosts``."""
    return pytest.mark.parametrize("host", [host_of(container) for container in containers], ids=containers)


def sysctl(host: Host, name: str) -> list[int]:
    """The numbers in a knob of net.ipv4, read without the sysctl program: not every container has one."""
    return [int(word) for word in host.check_output(f"cat /proc/sys/net/ipv4/{name}").split()]


def fingerprint(host: Host) -> dict[str, str]:
    """Everything that a run which must touch nothing may not touch: files with mode, owner and content, and sysctls.

    Modification times are part of it: writing the same bytes again is touching, too.
    """
    files = " ".join(WATCHED_FILES)
    listing = host.check_output(
        f"for d in {files}; do if [ -e $d ]; then find $d -exec stat -c '%n %f %u %g %s %Y %Z' {{}} +; "
        "find $d -type f -exec sha256sum {} +; find $d -type l -exec readlink {} +; fi; done"
    )
    # The knobs of net.ipv4 itself; its subdirectories have files that cannot be read.
    knobs = host.check_output("cd /proc/sys/net/ipv4 && for f in *; do if [ -f $f ]; then echo $f; cat $f; fi; done")
    return {"files": listing, "sysctls": knobs}


def remembered(host: Host) -> list[str]:
    """What an undoing must bring back, in the lines of remember.sh, which prepare.yml kept, too."""
    return host.check_output((SHARED / "remember.sh").read_text(encoding="utf-8")).splitlines()


@dataclass(frozen=True)
class Run:
    """A run of ansible or ansible-playbook: exit status, the results of each host by task, and all that was said."""

    rc: int
    results: Mapping[str, Mapping[str, dict[str, Any]]]
    stats: Mapping[str, Mapping[str, int]]
    words: str

    def changed(self) -> list[str]:
        """The hosts on which something changed."""
        return [host for host, counts in self.stats.items() if counts["changed"]]


def playbook(path: str | Path, *options: str) -> Run:
    """Runs a playbook of the scenario (a file, or a name such as ``linux_tcp.tuning.rollback``)."""
    return _run("ansible-playbook", *options, str(path))


def ad_hoc(hosts: str, action: str, arguments: Mapping[str, object], *options: str) -> Run:
    """Runs one action the ad-hoc way: ``ansible HOSTS -m ACTION -a ARGUMENTS``."""
    # An empty mapping would be taken for a text that is no mapping.
    words = ["-a", json.dumps(arguments)] if arguments else []
    return _run("ansible", hosts, "-m", action, *words, *options)


def _run(program: str, *arguments: str) -> Run:
    environment = {
        **os.environ,
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        # Ad hoc, a callback has to be asked for; and no colour, whatever the terminal is.
        "ANSIBLE_LOAD_CALLBACK_PLUGINS": "true",
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_FORCE_COLOR": "false",
    }
    inventories = [f"--inventory={SHARED / 'inventory.yml'}", f"--inventory={DIRECTORY / 'inventory.yml'}"]
    done = subprocess.run(
        [program, *inventories, *arguments],
        cwd=DIRECTORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    words = done.stdout + done.stderr
    start = done.stdout.find("{\n")
    if start < 0:
        raise AssertionError(f"{program} {' '.join(arguments)} gave no results:\n{words}")
    report = json.loads(done.stdout[start:])
    results: dict[str, dict[str, dict[str, Any]]] = {}
    for play in report["plays"]:
        for task in play["tasks"]:
            for host, result in task["hosts"].items():
                results.setdefault(host, {})[task["task"]["name"]] = result
    return Run(done.returncode, results, report["stats"], words)
