# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users and login shells of many kinds over a real sshd, large answers, and connections that drop."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.ssh_hosts import USERS, make_keys, make_users, over_paramiko, over_ssh
from tests.integration.support import BY_ROLE, FACTS, SETTINGS, failure, outcome, run_side_by_side, settings, tasks
from tests.sandbox.hosts import SandboxHost
from tests.sandbox.runs import Ansible, Run
from tests.sandbox.states import files, install, knobs, state, wait_for_the_script

NewHost = Callable[..., SandboxHost]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a plain user can make no other users")


def ways_said(run: Run, host: str) -> list[str]:
    return re.findall(f"^<{host}> scripts go to this host (.*)$", run.text, re.MULTILINE)


def test_every_kind_of_user_and_shell_and_every_way_to_be_root(
    ansible: Ansible, new_host: NewHost, tmp_path: Path, core: str
) -> None:
    """And each on the way that it takes, which is said: with -v when it is an unusual one."""
    # ansible-core 2.21 has no paramiko any more.
    users = [user for user in USERS if user != "paramiko" or core != "core-2.21"]
    ways = {user: USERS[user].way for user in users}
    if core == "core-2.16":
        # Its su does not say that it wants a terminal, and this system's does not insist.
        ways["su-password"] = ways["plain"]
    make_keys(tmp_path)
    hosts = [new_host(user) for user in users]
    for host in hosts:
        make_users(host, tmp_path, [host.name])
        host.sh("printf '# caf\\351 \\\\ $HOME `id` %s \\r\\nnet.ipv4.tcp_tw_reuse = 0' >/etc/sysctl.d/zz.conf")
    before = [(files(host), knobs(host)) for host in hosts]
    by_ssh = [
        over_paramiko(host, tmp_path) if host.name == "paramiko" else over_ssh(host, host.name, tmp_path)
        for host in hosts
    ]
    play = settings(conflicts="comment_out", tcp_rfc1337=1)
    run = run_side_by_side(ansible, play, by_ssh, "-v")
    assert (run.rc, run.changed) == (0, len(users)), run.text
    for host in hosts:
        assert (host.sysctl("tcp_tw_reuse"), host.sysctl("tcp_rfc1337")) == ("1", "1"), host.name
        expected = [ways[host.name]] if ways[host.name] != ways["plain"] else []
        assert ways_said(run, host.name) == expected, run.text
    again = run_side_by_side(ansible, play, by_ssh, "-vvv")
    assert (again.rc, again.changed) == (0, 0), again.text
    assert {user: ways_said(again, user)[-1] for user in users} == ways
    assert run_side_by_side(ansible, settings(state="absent"), by_ssh).changed == len(users)
    assert [(files(host), knobs(host)) for host in hosts] == before


def test_facts_by_all_and_changes_by_none_without_privilege(
    ansible: Ansible, host: SandboxHost, tmp_path: Path
) -> None:
    users = ("plain", "banner", "tcsh", "fish")
    make_keys(tmp_path)
    make_users(host, tmp_path, users)
    before = (files(host), knobs(host))
    by_ssh = [over_ssh(host, user, tmp_path, ansible_become=False) for user in users]
    facts = run_side_by_side(ansible, tasks({FACTS: {}}), by_ssh)
    assert facts.rc == 0, facts.text
    run = run_side_by_side(ansible, BY_ROLE, by_ssh)
    for number, name in enumerate(users, 64001):
        assert f"runs as the user with uid {number}. Add become: true" in failure(run, name)["msg"]
    assert (files(host), knobs(host)) == before


def test_answers_of_five_megabytes_come_whole_on_every_way(ansible: Ansible, new_host: NewHost, tmp_path: Path) -> None:
    """What an argument cannot hold is refused: the plan's state goes back to the host, which checks it."""
    make_keys(tmp_path)
    hosts = [new_host(user) for user in ("plain", "terminal")]
    for host in hosts:
        make_users(host, tmp_path, [host.name])
        host.sh(
            "line=$(printf 'net.ipv4.tcp_tw_reuse = 0%975s' '')\n"
            'for number in 1 2 3 4 5; do yes "$line" | head -n 1047 >/etc/sysctl.d/$number.conf; done'
        )
    by_ssh = [over_ssh(host, host.name, tmp_path) for host in hosts]
    facts = run_side_by_side(ansible, tasks({FACTS: {}}), by_ssh)
    assert facts.rc == 0, facts.text
    for host in hosts:
        boot = facts.only("timewait_facts", host.name).result["ansible_facts"]["timewait"]["sysctls"]["tcp_tw_reuse"]
        assert (boot["boot"]["value"], boot["boot"]["source"]) == (0, "/etc/sysctl.d/5.conf")
    before = state(hosts[1])
    run = run_side_by_side(ansible, settings(), by_ssh)
    assert outcome(run, "plain").changed, run.text
    assert hosts[0].sysctl("tcp_tw_reuse") == "1"
    message = failure(run, "terminal")["msg"]
    assert "bytes as an argument, and a host takes no more than 122880" in message
    assert "because the host wants a terminal" in message
    assert state(hosts[1]) == before


#: Ends the sshd that this very program runs below, once, and waits until it is gone. What is above that is not ours.
DROP = """
[ ! -e /run/dropped ] || exec /bin/true
: >/run/dropped
pid=$$ name=sh ours=''
until [ -n "$ours" ] && case $name in sshd*) false ;; esac; do
    case $name in sshd*) ours="$ours $pid" ;; esac
    pid=$(sed -n 's/^PPid:[[:space:]]*//p' /proc/$pid/status)
    name=$(cat /proc/$pid/comm)
done
kill -9 $ours
for pid in $ours; do
    while [ -e /proc/$pid ] && ! grep -q '^State:.Z' /proc/$pid/status 2>/dev/null; do sleep 0.05; done
done
"""


def test_a_connection_that_drops_while_changes_are_made_leaves_all_of_them_or_none(
    ansible: Ansible, new_host: NewHost, tmp_path: Path
) -> None:
    make_keys(tmp_path)
    # With sudo's own terminal, and without; a step that fails, afterwards; a second attempt by the connection plugin.
    users = {"plain": "", "terminals": "", "password": "exit 1", "banner": ""}
    hosts = {user: new_host(user) for user in users}
    for user, end in users.items():
        make_users(hosts[user], tmp_path, [user])
        install(hosts[user], "sync", f"{DROP}\n{end}")
    before = {user: (files(host), knobs(host)) for user, host in hosts.items()}
    by_ssh = [over_ssh(host, user, tmp_path) for user, host in hosts.items()]
    by_ssh[-1].vars["ansible_ssh_retries"] = 1
    play = settings(tcp_rfc1337=1)
    run = run_side_by_side(ansible, play, by_ssh)
    assert {user: run.recap[user]["unreachable"] for user in users} == {
        "plain": 1,
        "terminals": 1,
        "password": 1,
        "banner": 0,
    }, run.text
    assert outcome(run, "banner").changed
    for user, host in hosts.items():
        wait_for_the_script(host)
        assert host.exists("/run/dropped"), user
        if user == "password":
            assert (files(host), knobs(host)) == before[user]
        else:
            assert (host.sysctl("tcp_tw_reuse"), host.sysctl("tcp_rfc1337")) == ("1", "1"), user
    again = run_side_by_side(ansible, play, by_ssh)
    assert again.rc == 0, again.text
    assert {user: again.recap[user]["changed"] for user in users} == {**dict.fromkeys(users, 0), "password": 1}


def test_a_connection_that_drops_in_an_answer_or_a_shell_that_ends_with_255_is_an_error(
    ansible: Ansible, new_host: NewHost, tmp_path: Path
) -> None:
    make_keys(tmp_path)
    hosts = {user: new_host(user) for user in ("plain", "terminal", "password")}
    for user, host in hosts.items():
        make_users(host, tmp_path, [user])
    # Asked for its version when most of the answer is on its way.
    install(hosts["plain"], "sysctl", DROP)
    # Its own ssh is what ends here, as with a kill by hand: no status 255 then.
    install(hosts["terminal"], "sysctl", DROP.replace("kill -9 $ours", "kill -9 $pid"))
    host = hosts["password"]
    host.write("/run/shells/password", '#!/bin/sh\n/bin/sh "$@"\nexit 255\n')
    before = {user: (files(host), knobs(host)) for user, host in hosts.items()}
    by_ssh = [over_ssh(host, user, tmp_path) for user, host in hosts.items()]
    run = run_side_by_side(ansible, tasks({SETTINGS: {}}), by_ssh)
    assert run.recap["plain"]["unreachable"] == 1, run.text
    assert run.recap["password"]["unreachable"] == 1, run.text
    assert "the host's answer cannot be used" in failure(run, "terminal")["msg"]
    assert "exit status -9" in failure(run, "terminal")["msg"]
    assert {user: (files(host), knobs(host)) for user, host in hosts.items()} == before
