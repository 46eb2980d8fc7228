# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the integration tests share: plays, hosts by several names, and what a host is like at a moment."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.sandbox.hosts import SandboxHost
from tests.sandbox.runs import SANDBOX, Ansible, Result, Run

SETTINGS = "linux_tcp.tuning.timewait_settings"
FACTS = "linux_tcp.tuning.timewait_facts"
ROLE = "linux_tcp.tuning.timewait"
DROPIN = "/etc/sysctl.d/99-timewait.conf"
SYSCTL_DIRECTORIES = "/etc/sysctl.d /run/sysctl.d /usr/local/lib/sysctl.d /usr/lib/sysctl.d /lib/sysctl.d"

#: Programs in this directory of a host come before its own, see environment_of().
PROGRAMS = "/run/programs"

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


def install(host: SandboxHost, name: str, script: str) -> str:
    """Puts a program on a host, before the others of that name; its path."""
    path = f"{PROGRAMS}/{name}"
    host.write(path, f"#!/bin/sh\n{script}\n")
    host.run("chmod", "755", path)
    return path


def files(host: SandboxHost) -> str:
    """Every sysctl file of a host: name, kind, mode, owner, size, what a link leads to, and the bytes."""
    return host.sh(
        f"for d in {SYSCTL_DIRECTORIES} /etc/sysctl.conf; do [ ! -e $d ] || find $d; done | sort | while read -r f; do"
        ' stat -c "%n %F %a %u %g %s %N" "$f"; [ ! -f "$f" ] || LC_ALL=C sed -n l "$f"; done'
    )


def knobs(host: SandboxHost) -> dict[str, str]:
    """Every readable value below /proc/sys/net/ipv4, subdirectories included."""
    lines = host.sh(
        "cd /proc/sys/net/ipv4 && find . -type f | while read -r f; do "
        'v=$(tr "\\t\\n" "  " <"$f" 2>/dev/null) && echo "$f $v"; done'
    )
    return dict(line.split(" ", 1) for line in lines.splitlines())


@dataclass(frozen=True)
class State:
    """What a run may have touched: values, files with inode and times, all names in /etc, and what is left in /run."""

    knobs: dict[str, str]
    files: str
    times: str
    names: str


def state(host: SandboxHost) -> State:
    times = host.sh(
        f"for d in {SYSCTL_DIRECTORIES} /etc/sysctl.conf; do "
        '[ ! -e "$d" ] || find "$d" -printf "%p %i %T@ %C@\\n"; done; '
        # Opening a knob for append changes nothing, a write does: the imitated ones of an old kernel show it.
        '[ "$(stat -f -c %T /proc/sys/net/ipv4)" != tmpfs ] || stat -c "%n %i %y" /proc/sys/net/ipv4/*'
    )
    names = host.sh("find /etc -maxdepth 2 | sort; ls -A /run")
    return State(knobs(host), files(host), times, names)


@contextmanager
def running(host: SandboxHost, *command: str) -> Iterator[subprocess.Popen[str]]:
    """A program on a host that has printed its first line, until the end of the block."""
    enter = ["nsenter", "--target", str(host.pid), "--net", "--mount"]
    if os.geteuid() != 0:
        enter += ["--user", "--preserve-credentials"]
    process = subprocess.Popen([*enter, "--", *command], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline(), "the program ended at once"
        yield process
    finally:
        process.terminate()
        process.communicate()


def wait_for_the_script(host: SandboxHost) -> None:
    """Until a script that was left alone has ended, as it should: then it has taken its lock away."""
    host.run("timeout", "30", "sh", "-c", "while ls /run/linux_tcp.tuning.* >/dev/null 2>&1; do sleep 0.05; done")


def remount_read_only(host: SandboxHost, path: str) -> None:
    host.sh(f"mount --bind {path} {path} && mount -o remount,bind,ro {path}")


def cover_proc_net(host: SandboxHost, name: str, text: str) -> None:
    """Replaces or adds one file of /proc/net.

    /proc/net belongs to each process, so that no file in it can be covered for all of them. Hence a /proc of links to
    the real one, in which this one file differs.
    """
    host.sh(
        f"""
set -e
mkdir -p /run/covered /run/real
mount --rbind /proc /run/real
mount -t tmpfs -o mode=755 tmpfs /run/covered
mkdir /run/covered/net /run/covered/sys
for entry in /run/real/[a-z]*; do
    case ${{entry##*/}} in net | sys) ;; *) ln -s "$entry" /run/covered/ ;; esac
done
for entry in /run/real/net/*; do ln -s "$entry" /run/covered/net/; done
rm -f /run/covered/net/{name}
mount --rbind /proc/sys /run/covered/sys
mount --rbind /run/covered /proc
"""
    )
    host.write(f"/run/covered/net/{name}", text)
