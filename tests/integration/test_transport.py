# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to a host: with and without standard input, through su and sudo. Those over ssh: test_transport_ssh.py."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.ssh_hosts import SESAME, make_keys, make_users
from tests.integration.support import (
    BY_ROLE,
    FACTS,
    Alias,
    deaf_connection,
    environment_of,
    run_side_by_side,
    settings,
    tasks,
)
from tests.sandbox.hosts import SandboxHost
from tests.sandbox.runs import Ansible, Run
from tests.sandbox.states import install, state, wait_for_the_script

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
    environment = deaf_connection(ansible, tmp_path)
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


@only_root
def test_the_machine_itself_with_a_become_password(ansible: Ansible, host: SandboxHost, tmp_path: Path) -> None:
    """Ansible runs on the host, as a user whom sudo asks for a password.

    Over standard input it would hang for ever, as connection local reads the answer to the prompt from there too.
    """
    make_keys(tmp_path)
    make_users(host, tmp_path, ["password"])
    # The capability is for reading the checkout and writing the results (the bit, for access() to heed it): sudo does
    # not ask for it.
    capabilities = [f"--{which}-caps=+dac_override" for which in ("inh", "ambient")]
    enter = ["nsenter", "--target", str(host.pid), "--net", "--mount", "--"]
    user = [
        "setpriv",
        "--securebits=+no_setuid_fixup",
        "--reuid=64001",
        "--regid=65534",
        "--clear-groups",
        *capabilities,
    ]
    ansible.prefix = ["timeout", "60", *enter, *user]
    local = {"ansible_connection": "local", "ansible_become": True, "ansible_become_password": SESAME}
    for pipelining in (False, True):
        here = Alias("here", {**local, "ansible_pipelining": pipelining})
        run = ansible.playbook(settings(state="absent" if pipelining else "present"), here, "-v")
        assert (run.rc, run.changed) == (0, 1), run.text
        assert host.sysctl("tcp_tw_reuse") == ("2" if pipelining else "1")
        assert "<here> scripts go to this host as an argument: connection local would hang" in run.text


def test_a_task_that_runs_into_its_timeout_leaves_its_changes_done_and_whole(
    ansible: Ansible, host: SandboxHost
) -> None:
    """The script runs on alone when the patience of the controller ends."""
    install(host, "sync", 'until [ -e /run/go ]; do sleep 0.05; done; exec /bin/sync "$@"')
    play = settings(tcp_rfc1337=1)
    play["tasks"][0]["timeout"] = 2
    run = ansible.playbook(play, host, environment=environment_of(programs=True))
    assert run.rc == 2, run.text
    # The words are those of one ansible-core or another.
    assert "timed out" in run.text.lower() or "in the expected time frame" in run.text
    assert "linux_tcp.tuning." in host.sh("ls /run")
    assert host.sysctl("tcp_rfc1337") == "0"
    host.write("/run/go", "")
    wait_for_the_script(host)
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
