# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to a host: with and without standard input, through su and sudo, and over a real sshd."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.support import (
    BY_ROLE,
    FACTS,
    Alias,
    environment_of,
    failure,
    files,
    install,
    knobs,
    run_side_by_side,
    settings,
    state,
    tasks,
)
from tests.sandbox.hosts import SandboxHost
from tests.sandbox.runs import Ansible, Run

Playbook = Callable[..., Run]

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="a plain user can make no other users")


def test_no_interpreter_is_looked_for_on_the_host(run_playbook: Playbook, host: SandboxHost) -> None:
    """Neither the one that the inventory names, which is not there, nor another: each command is a script of ours."""
    assert not host.exists(host.vars["ansible_python_interpreter"])
    del host.vars["ansible_python_interpreter"]
    assert run_playbook(tasks({FACTS: {}}, {"linux_tcp.tuning.timewait_settings": {}}), host).rc == 0
    assert len(host.commands()) == 3
    assert not [command for command in host.commands() if "python" in command]


def test_a_connection_that_drops_standard_input_gets_the_script_as_an_argument(
    ansible: Ansible, host: SandboxHost, tmp_path: Path
) -> None:
    """As podman's does: it says nothing and returns nothing. Bytes of files come through exactly all the same."""
    plugins = tmp_path / "connections"
    plugins.mkdir()
    text = (Path(__file__).parents[1] / "sandbox" / "connection" / "sandbox.py").read_text(encoding="utf-8")
    text = text.replace("name: sandbox\n", "name: deaf\n")
    text = text.replace("in_data=in_data", "in_data=None")
    text = text.replace(
        "class Connection(LocalConnection):", "class Connection(LocalConnection):\n    has_pipelining = False"
    )
    (plugins / "deaf.py").write_text(text, encoding="utf-8")
    known = ansible._environment(tmp_path, None)["ANSIBLE_CONNECTION_PLUGINS"]
    environment = {"ANSIBLE_CONNECTION_PLUGINS": f"{known}:{plugins}"}
    host.vars["ansible_connection"] = "deaf"
    host.sh("printf '# caf\\351 \\\\ $HOME `id` \\r\\nnet.ipv4.tcp_tw_reuse = 0' >/etc/sysctl.d/zz.conf")
    before = state(host).files
    play = settings(conflicts="comment_out")
    run = ansible.playbook(play, host, environment=environment)
    assert (run.rc, run.changed) == (0, 1), run.text
    assert ansible.playbook(play, host, environment=environment).changed == 0
    assert ansible.playbook(settings(state="absent"), host, environment=environment).changed == 1
    assert state(host).files == before


@only_root
def test_su_to_another_user_and_back_to_root_works(run_playbook: Playbook, host: SandboxHost) -> None:
    host.vars |= {"ansible_become": True, "ansible_become_method": "ansible.builtin.su"}
    run = run_playbook("linux_tcp.tuning.apply", host)
    assert (run.rc, run.changed) == (0, 1), run.text
    assert host.sysctl("tcp_tw_reuse") == "1"


SESAME = "open sesame"

#: Users of the host: the lines of sudoers about them, and their login shells.
USERS = {
    "plain": ("plain ALL=(ALL) NOPASSWD: ALL", 'exec /bin/sh "$@"'),
    "banner": ("banner ALL=(ALL) NOPASSWD: ALL", 'printf "Welcome to\\nthis host %s"; exec /bin/sh "$@"'),
    "reader": ("reader ALL=(ALL) NOPASSWD: ALL", 'head -c 30 >/dev/null; exec /bin/sh "$@"'),
    "terminal": ("Defaults:terminal requiretty\nterminal ALL=(ALL) NOPASSWD: ALL", 'exec /bin/sh "$@"'),
    "password": ("password ALL=(ALL) PASSWD: ALL", 'exec /bin/sh "$@"'),
    "unprivileged": ("", 'exec /bin/sh "$@"'),
}


def make_keys(directory: Path) -> None:
    for name in ("host", "user"):
        key = directory / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)


def make_users(host: SandboxHost, directory: Path) -> None:
    """Passwords, shells and sudo rules. The machine's own files, to which there are links, are replaced."""
    secret = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"], input=SESAME, capture_output=True, text=True, check=True
    ).stdout.strip()
    host.sh(
        "set -e\n"
        'for f in passwd shadow; do cp --remove-destination "/run/sandbox-machine/etc/$f" "/etc/$f"; done\n'
        "chmod 600 /etc/shadow; rm -rf /etc/sudoers /etc/sudoers.d; mkdir /run/sshd /run/shells"
    )
    for number, (name, (sudoers, shell)) in enumerate(USERS.items(), 64001):
        host.write(f"/run/shells/{name}", f"#!/bin/sh\n{shell}\n")
        host.sh(
            f"chmod 755 /run/shells/{name}; install -d -o {number} /run/home-{name}\n"
            f"echo '{name}:x:{number}:65534::/run/home-{name}:/run/shells/{name}' >>/etc/passwd\n"
            f"echo '{name}:{secret}:::::::' >>/etc/shadow\n"
            f"printf '%s\\n' {shlex.quote(sudoers)} >>/etc/sudoers"
        )
    host.sh("echo 'root ALL=(ALL) ALL' >>/etc/sudoers; chmod 440 /etc/sudoers")
    host.write("/run/banner", "***\nAuthorised use only\n***\n")
    host.sh(
        f"install -m 600 {directory}/host /run/sshd/key; install -m 644 {directory}/user.pub /run/sshd/authorized_keys"
    )


def over_ssh(host: SandboxHost, user: str, directory: Path) -> Alias:
    """The host by ssh. No network is needed: ssh starts a sshd of its own in the namespaces of the host."""
    options = {
        "HostKey": "/run/sshd/key",
        "AuthorizedKeysFile": "/run/sshd/authorized_keys",
        "Banner": "/run/banner",
        "UsePAM": "no",
        "StrictModes": "no",
        "PidFile": "none",
    }
    sshd = [str(shutil.which("sshd")), "-i", "-f", "/dev/null", *(f"-o{key}={value}" for key, value in options.items())]
    proxy = shlex.join(["nsenter", "--target", str(host.pid), "--net", "--mount", "--", *sshd])
    variables: dict[str, Any] = {
        "ansible_connection": "ssh",
        "ansible_host": "192.0.2.1",
        "ansible_user": user,
        "ansible_ssh_private_key_file": str(directory / "user"),
        "ansible_ssh_args": "-F none -o ControlMaster=no",
        "ansible_ssh_common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "
        f"-o ProxyCommand={shlex.quote(proxy)}",
        "ansible_become": True,
        "ansible_python_interpreter": "/there/is/no/python",
    }
    if user == "password":
        variables["ansible_become_password"] = SESAME
    return Alias(user, variables)


@only_root
def test_over_ssh_with_banners_sudo_passwords_and_terminals(
    ansible: Ansible, new_host: Callable[..., SandboxHost], tmp_path: Path
) -> None:
    # ansible-core itself waits for ever for sudo behind a shell that reads its input first.
    users = [name for name, (sudoers, _shell) in USERS.items() if sudoers and name != "reader"]
    make_keys(tmp_path)
    hosts = [new_host(user) for user in users]
    for host in hosts:
        make_users(host, tmp_path)
        host.sh("printf '# caf\\351 \\\\ $HOME `id` \\r\\nnet.ipv4.tcp_tw_reuse = 0' >/etc/sysctl.d/zz.conf")
    before = [(files(host), knobs(host)) for host in hosts]
    by_ssh = [over_ssh(host, host.name, tmp_path) for host in hosts]
    play = settings(conflicts="comment_out", tcp_rfc1337=1)
    run = run_side_by_side(ansible, play, by_ssh)
    assert (run.rc, run.changed) == (0, len(users)), run.text
    for host in hosts:
        assert (host.sysctl("tcp_tw_reuse"), host.sysctl("tcp_rfc1337")) == ("1", "1"), host.name
    again = run_side_by_side(ansible, play, by_ssh)
    assert (again.rc, again.changed) == (0, 0), again.text
    assert run_side_by_side(ansible, settings(state="absent"), by_ssh).changed == len(users)
    assert [(files(host), knobs(host)) for host in hosts] == before


@only_root
def test_over_ssh_facts_by_all_and_changes_by_none_without_privilege(
    ansible: Ansible, host: SandboxHost, tmp_path: Path
) -> None:
    make_keys(tmp_path)
    make_users(host, tmp_path)
    before = (files(host), knobs(host))
    by_ssh = [over_ssh(host, user, tmp_path) for user in USERS]
    for user in by_ssh:
        user.vars["ansible_become"] = False
    facts = run_side_by_side(ansible, tasks({FACTS: {}}), by_ssh)
    assert facts.rc == 0, facts.text
    run = run_side_by_side(ansible, BY_ROLE, by_ssh)
    for number, name in enumerate(USERS, 64001):
        assert f"runs as the user with uid {number}. Add become: true" in failure(run, name)["msg"]
    assert (files(host), knobs(host)) == before


@only_root
def test_a_connection_that_is_lost_while_changes_are_made_leaves_them_done_and_whole(
    ansible: Ansible, host: SandboxHost
) -> None:
    """The script runs on alone when the controller is gone: here, when its patience is."""
    install(host, "sync", 'sleep 3; exec /bin/sync "$@"')
    play = settings(tcp_rfc1337=1)
    play["tasks"][0]["timeout"] = 2
    run = ansible.playbook(play, host, environment=environment_of(programs=True))
    assert run.rc == 2, run.text
    # The words are those of one ansible-core or another.
    assert "timed out" in run.text.lower() or "in the expected time frame" in run.text
    host.sh("sleep 3; while ls /run/linux_tcp.tuning.* >/dev/null 2>&1; do sleep 0.2; done")
    assert (host.sysctl("tcp_tw_reuse"), host.sysctl("tcp_rfc1337")) == ("1", "1")
    assert ansible.playbook(settings(tcp_rfc1337=1), host).changed == 0


def test_a_controller_variable_of_many_hosts_is_not_mixed_up(
    ansible: Ansible, new_host: Callable[..., SandboxHost]
) -> None:
    """Many at once, each with its own values."""
    hosts = [new_host(f"host{number}") for number in range(6)]
    for number, host in enumerate(hosts):
        host.vars["timewait_tcp_max_tw_buckets"] = 1000000 + number
    run = run_side_by_side(ansible, BY_ROLE, hosts)
    assert run.rc == 0, run.text
    assert [host.sysctl("tcp_max_tw_buckets") for host in hosts] == [str(1000000 + number) for number in range(6)]
