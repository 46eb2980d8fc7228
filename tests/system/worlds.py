# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts as they are found and left: sysctl files to the byte, values, and what boots them."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.sandbox.hosts import SandboxHost

SYSTEMD = "/usr/lib/systemd/systemd-sysctl"
SCRIPTS = Path(__file__).parent / "loaders"
CONF = "/etc/sysctl.conf"
DIRECTORIES = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d")
#: What is kept in /run, before the name of a drop-in.
KEPT = "/run/linux_tcp.tuning-"
_UNITS = "/etc/systemd/system"
_SCRIPTS = "/etc/rcS.d /etc/rc.d /etc/runit /etc/runlevels /etc/systemd"


@dataclass(frozen=True)
class Node:
    """What is at a path: f, l or d as find has it. The content of a link is where it leads."""

    kind: str = "f"
    content: bytes = b""
    mode: str = "644"
    owner: str = "0:0"


@dataclass(frozen=True)
class Boot:
    """What boots a host: process 1, its scripts by path, and a command that does what they do with sysctl files."""

    load: str
    process_1: str = "init"
    scripts: Mapping[str, str] = field(default_factory=dict)
    systemd: bool = False
    masked: bool = False
    busybox: bool = False


BOOTS: Mapping[str, Boot] = {
    "systemd": Boot(SYSTEMD, systemd=True),
    "a masked systemd-sysctl": Boot("true", systemd=True, masked=True),
    "procps": Boot("sysctl --system", scripts={"/etc/rcS.d/S01procps": "#!/bin/sh\nsysctl -q --system\n"}),
    "RHEL 5": Boot(
        "sh /etc/rc.d/rc.sysinit",
        scripts={"/etc/rc.d/rc.sysinit": (SCRIPTS / "rc.sysinit-5").read_text(), "/etc/rc.d/init.d/functions": ""},
    ),
    "BusyBox": Boot(
        "sh /etc/runit/core-services/08-sysctl.sh",
        process_1="runit",
        scripts={"/etc/runit/core-services/08-sysctl.sh": (SCRIPTS / "void").read_text()},
        busybox=True,
    ),
    "something unknown": Boot("true"),
}

#: Shells that the scripts for hosts are run with, and where their tools come from, "sh" too.
APPLETS, SYSCTL, BASH = "/run/applets", "/run/busybox", "/run/bash"
MACHINE = "/usr/sbin:/sbin:/usr/bin:/bin"
SHELLS: Mapping[str, tuple[str, str]] = {
    "dash": ("dash", MACHINE),
    "bash": ("bash", f"{BASH}:{MACHINE}"),
    "BusyBox": (f"{APPLETS}/sh", f"{APPLETS}:{MACHINE}"),
}


@dataclass(frozen=True)
class World:
    """A host before anything was done to it."""

    boot: str
    shell: str
    files: Mapping[str, Node]
    knobs: Mapping[str, str]


@dataclass(frozen=True)
class Seen:
    """What a host is like: values, files, and what is kept in /run by the name of the drop-in.

    ``stamps`` changes with whatever is written, be it the same as before, and with any name in /etc or /run.
    """

    knobs: dict[str, str]
    files: dict[str, Node]
    kept: dict[str, bytes]
    stamps: str = field(repr=False)


def prepare(host: SandboxHost) -> None:
    """Makes a fresh host one that can be given one world after the other."""
    host.sh(
        f"mkdir {APPLETS} {SYSCTL} {BASH} && ln -s $(command -v bash) {BASH}/sh\n"
        f"busybox --install -s {APPLETS} && mv {APPLETS}/sysctl {SYSCTL}\n"
        "echo '1 (init) S 0 1 1' >/run/stat && mount --bind /run/stat /proc/1/stat\n"
        f"rm -rf {_SCRIPTS}"
    )


def create(host: SandboxHost, world: World, defaults: Mapping[str, str]) -> None:
    boot = BOOTS[world.boot]
    lines = [
        "set -e; umask 022",
        f"rm -rf {' '.join(DIRECTORIES[:3])} {DIRECTORIES[3]}/* {CONF} {KEPT}* {_SCRIPTS} /run/systemd",
        f"echo '1 ({boot.process_1}) S 0 1 1' >/run/stat",
        "mkdir -p /run/systemd/system" if boot.systemd else "",
        f"mkdir -p {_UNITS}; ln -s /dev/null {_UNITS}/systemd-sysctl.service" if boot.masked else "",
        *(_writing_file(path, text) for path, text in boot.scripts.items()),
        *(_making(path, node) for path, node in sorted(world.files.items())),
        _writing({**defaults, **world.knobs}),
    ]
    host.run("/bin/sh", "-c", "\n".join(lines))
    shell, path = SHELLS[world.shell]
    host.shell = ("env", f"PATH={SYSCTL}:{path}" if boot.busybox else f"PATH={path}", shell)


def _writing_file(path: str, text: str) -> str:
    return f"mkdir -p {path.rpartition('/')[0]}; printf %s {shlex.quote(text)} >{path}"


def _making(path: str, node: Node) -> str:
    if node.kind == "l":
        return f"ln -s {shlex.quote(node.content.decode())} {path}"
    octal = "".join(f"\\{byte:03o}" for byte in node.content)
    made = f"[ -d {path} ] || mkdir {path}" if node.kind == "d" else f"printf '{octal}' >{path}"
    return f"{made}; chown {node.owner} {path}; chmod {node.mode} {path}"


def _writing(knobs: Mapping[str, str]) -> str:
    return "".join(f"echo '{text}' >/proc/sys/net/ipv4/{name}\n" for name, text in knobs.items())


_LOOK = rf"""
for d in {" ".join(DIRECTORIES)} /etc/sysctl.conf; do
  if [ -e $d ] || [ -L $d ]; then find $d -printf '%p\t%y\t%m\t%U:%G\t%l\n'; fi
done
echo ====
for d in {" ".join(DIRECTORIES)} {CONF} {KEPT}*; do
  [ -e $d ] && [ ! -L $d ] && find $d -type f
done | while read -r f; do
  printf '%s\t' "$f"; base64 -w0 <"$f"; echo
done
echo ====
cd /proc/sys/net/ipv4 && grep -sm1 '' *
echo ====
find {" ".join(DIRECTORIES)} /etc/sysctl.conf /etc /run -maxdepth 1 -printf '%p %i %T@ %C@\n' 2>/dev/null
[ "$(stat -f -c %T /proc/sys/net/ipv4)" != tmpfs ] || stat -c '%n %i %y' /proc/sys/net/ipv4/*
:
"""


def look(host: SandboxHost) -> Seen:
    nodes, texts, values, stamps = host.run("/bin/sh", "-c", _LOOK).stdout.split("====\n", 3)
    contents = {path: base64.b64decode(text) for path, text in (line.split("\t") for line in texts.splitlines())}
    files = {}
    for line in nodes.splitlines():
        path, kind, mode, owner, target = line.split("\t")
        files[path] = Node(kind, contents.get(path, target.encode()), mode, owner)
    kept = {path.removeprefix(KEPT): text for path, text in contents.items() if path.startswith(KEPT)}
    pairs = (line.partition(":") for line in values.splitlines())
    return Seen({name: " ".join(text.split()) for name, _colon, text in pairs}, files, kept, stamps)


def booted(host: SandboxHost, world: World, defaults: Mapping[str, str]) -> dict[str, str]:
    """The values that the host would boot with; afterwards it has those again that it had."""
    names = " ".join(defaults)
    answer = host.run(
        "/bin/sh",
        "-c",
        f"cd /proc/sys/net/ipv4; had=$(grep -Hm1 '' {names})\n"
        f"{_writing(defaults)}{loading(world)}\ngrep -Hm1 '' {names}\n"
        "printf '%s\\n' \"$had\" | while IFS=: read -r name value; do printf '%s\\n' \"$value\" >$name; done",
    ).stdout
    return {name: " ".join(text.split()) for name, _sep, text in (line.partition(":") for line in answer.splitlines())}


def loading(world: World) -> str:
    """What reads sysctl files when the host boots. Its status says that some line was refused, and such there are."""
    boot = BOOTS[world.boot]
    sysctl = f"PATH={SYSCTL}:$PATH; " if boot.busybox else ""
    return f"({sysctl}{boot.load}) >/dev/null 2>&1 || :"


def reboot(host: SandboxHost, world: World, defaults: Mapping[str, str]) -> None:
    """/run is empty after a boot."""
    host.run("/bin/sh", "-c", f"rm -rf {KEPT}* /run/sysctl.d\n{_writing(defaults)}{loading(world)}")
