# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sandbox hosts with users of many kinds, reached over a real sshd."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.integration.support import Alias
from tests.sandbox.hosts import SandboxHost
from tests.sandbox.states import PROGRAMS

SESAME = "open sesame"

TERMINAL = "Defaults:{name} requiretty\n"
FREE = "{name} ALL=(ALL) NOPASSWD: ALL\n"
ASKED = "{name} ALL=(ALL) PASSWD: ALL\n"
#: Prints something before and after each command.
WELCOME = 'printf "Welcome to\\nthis host %s"; /bin/sh "$@"; printf "\\nGood bye, %s"; exit 3'

GIVES_PASSWORD = {"ansible_become_password": SESAME}
#: sudo says so when the script comes over standard input, without a terminal.
ON_TERMINAL = "as an argument: the host wants a terminal"
NO_INPUT = "as an argument: connection paramiko passes no standard input on"
BY_DOAS = {"ansible_become_method": "community.general.doas"}


@dataclass(frozen=True)
class User:
    """``sudoers`` and ``doas`` are lines of configuration, with {name} in them.

    ``login`` is the path of a real shell or, with a space in it, the text of one. ``rc`` is a file in the home
    directory and what is in it. ``vars`` are Ansible's. ``way`` is what is said about the way of scripts to this user.
    """

    sudoers: str = FREE
    doas: str = ""
    login: str = 'exec /bin/sh "$@"'
    rc: tuple[str, str] | None = None
    root: bool = False
    vars: dict[str, Any] = field(default_factory=dict)
    way: str = "over standard input: connection ssh passes it on"


CSHRC = (".cshrc", "echo 'Welcome!'\n")
FISHRC = (".config/fish/config.fish", "echo 'Welcome!'\n")

USERS = {
    "plain": User(),
    "banner": User(login=WELCOME),
    "terminal": User(TERMINAL + FREE, way=ON_TERMINAL),
    "password": User(ASKED, vars=GIVES_PASSWORD),
    "terminal-password": User(TERMINAL + ASKED, vars=GIVES_PASSWORD, way=ON_TERMINAL),
    # sudo gives the script a terminal of its own, beside the one that ssh asked for.
    "terminals": User(TERMINAL + "Defaults:{name} use_pty\n" + FREE, login=WELCOME, way=ON_TERMINAL),
    "tcsh": User(login="/usr/bin/tcsh", rc=CSHRC),
    "tcsh-terminal": User(TERMINAL + FREE, login="/usr/bin/tcsh", rc=CSHRC, way=ON_TERMINAL),
    "fish": User(login="/usr/bin/fish", rc=FISHRC),
    "fish-terminal": User(TERMINAL + FREE, login="/usr/bin/fish", rc=FISHRC, way=ON_TERMINAL),
    "doas": User("", "permit nopass {name}\n", vars=BY_DOAS),
    "doas-password": User(
        "",
        "permit {name}\n",
        vars=BY_DOAS | GIVES_PASSWORD,
        way="as an argument: community.general.doas asks for its password on a terminal",
    ),
    "su-password": User(
        "",
        vars={"ansible_become_method": "ansible.builtin.su"} | GIVES_PASSWORD,
        way="as an argument: su asks for its password on a terminal",
    ),
    "eater": User(
        "",
        login="/bin/bash",
        rc=(".bashrc", "cat >/dev/null\n"),
        root=True,
        way="as an argument, with nothing on standard input: something on the way, such as an rc file, takes what is "
        "on standard input",
    ),
    # The password goes through the login shell to sudo.
    "paramiko": User(ASKED, login="/usr/bin/tcsh", rc=CSHRC, vars=GIVES_PASSWORD, way=NO_INPUT),
    "line-reader": User("", login="/bin/bash", rc=(".bashrc", "read -r answer\nread -r answer\n"), root=True),
}


def make_keys(directory: Path) -> None:
    for name in ("host", "user"):
        key = directory / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)


def make_users(host: SandboxHost, directory: Path, users: Iterable[str]) -> None:
    """Passwords, shells and sudo rules. The machine's own files, to which there are links, are replaced."""
    secret = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"], input=SESAME, capture_output=True, text=True, check=True
    ).stdout.strip()
    rules = (
        f'Defaults secure_path="{PROGRAMS}:/usr/sbin:/usr/bin:/sbin:/bin"\n'
        "Defaults timestamp_timeout=0\nroot ALL=(ALL) ALL\n"
    )
    script = (
        "set -e\n"
        'for f in passwd shadow; do cp --remove-destination "/run/sandbox-machine/etc/$f" "/etc/$f"; done\n'
        "chmod 600 /etc/shadow; rm -rf /etc/sudoers /etc/sudoers.d /etc/doas.conf; mkdir /run/sshd /run/shells\n"
        f"sed -i 's|^root:[^:]*|root:{secret}|' /etc/shadow\n"
        f"install -m 600 {directory}/host /run/sshd/key\n"
        f"install -m 644 {directory}/user.pub /run/sshd/authorized_keys\n"
        "printf '***\\nAuthorised use only\\n***\\n' >/run/sshd/banner\n"
    )
    permits = ""
    for number, name in enumerate(users, 64001):
        script += _user(name, USERS[name], 0 if USERS[name].root else number, secret)
        rules += USERS[name].sudoers.format(name=name)
        permits += USERS[name].doas.format(name=name)
    for path, text in (("/etc/sudoers", rules), ("/etc/doas.conf", permits)):
        script += f"printf %s {shlex.quote(text)} >{path}; chmod 440 {path}\n"
    host.sh(script)


def _user(name: str, user: User, number: int, secret: str) -> str:
    """A script that makes a user."""
    home, shell, script = f"/run/home/{name}", user.login, ""
    if " " in shell:
        shell = f"/run/shells/{name}"
        script = f"printf %s {shlex.quote(f'#!/bin/sh{chr(10)}{user.login}{chr(10)}')} >{shell}; chmod 755 {shell}\n"
    script += f"mkdir -p {home}\n"
    if user.rc:
        path = f"{home}/{user.rc[0]}"
        script += f"mkdir -p $(dirname {path}); printf %s {shlex.quote(user.rc[1])} >{path}\n"
    return script + (
        f"chown -R {number} {home}\n"
        f"echo '{name}:x:{number}:65534::{home}:{shell}' >>/etc/passwd\n"
        f"echo '{name}:{secret}:::::::' >>/etc/shadow\n"
    )


def sshd_of(host: SandboxHost) -> str:
    """A command that serves one connection on its standard input and output, in the namespaces of the host."""
    options = {
        "HostKey": "/run/sshd/key",
        "AuthorizedKeysFile": "/run/sshd/authorized_keys",
        "Banner": "/run/sshd/banner",
        "UsePAM": "no",
        "StrictModes": "no",
        "PidFile": "none",
    }
    sshd = [str(shutil.which("sshd")), "-i", "-f", "/dev/null", *(f"-o{key}={value}" for key, value in options.items())]
    return shlex.join(["nsenter", "--target", str(host.pid), "--net", "--mount", "--", *sshd])


def over_ssh(host: SandboxHost, name: str, directory: Path, **more: Any) -> Alias:
    """The host by ssh. No network is needed: ssh starts a sshd of its own in the namespaces of the host."""
    variables: dict[str, Any] = {
        "ansible_connection": "ssh",
        "ansible_host": "192.0.2.1",
        "ansible_user": name,
        "ansible_ssh_private_key_file": str(directory / "user"),
        "ansible_ssh_args": "-F none -o ControlMaster=no",
        "ansible_ssh_common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "
        f"-o ProxyCommand={shlex.quote(sshd_of(host))}",
        "ansible_become": not USERS[name].root,
        "ansible_python_interpreter": "/there/is/no/python",
    }
    return Alias(name, variables | USERS[name].vars | more)


def over_paramiko(host: SandboxHost, directory: Path) -> Alias:
    return over_ssh(
        host,
        "paramiko",
        directory,
        ansible_connection="paramiko_ssh",
        ansible_paramiko_proxy_command=sshd_of(host),
        ansible_paramiko_host_key_checking=False,
        ansible_paramiko_record_host_keys=False,
        ansible_paramiko_look_for_keys=False,
    )
