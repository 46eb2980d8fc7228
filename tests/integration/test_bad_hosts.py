# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts on which nothing, or not everything, can be done: a clear error with the remedy, and nothing half done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.support import (
    BY_MODULE,
    BY_ROLE,
    FACTS,
    alias,
    environment_of,
    failure,
    outcome,
    run_side_by_side,
    settings,
    tasks,
)
from tests.sandbox.hosts import SandboxHost
from tests.sandbox.runs import Ansible, Run
from tests.sandbox.states import DROPIN, PROGRAMS, install, remount_read_only, state

Playbook = Callable[..., Run]


def test_a_read_only_proc_sys_is_told_before_anything_is_written(run_playbook: Playbook, host: SandboxHost) -> None:
    remount_read_only(host, "/proc/sys/net")
    before = state(host)
    for arguments in (["--check"], []):
        message = failure(run_playbook(BY_ROLE, host, *arguments), "host")["msg"]
        assert "net.ipv4.tcp_tw_reuse cannot be written here" in message
        assert "Read-only file system" in message
        assert "run it privileged" in message
    assert state(host) == before


def test_a_read_only_proc_sys_is_no_error_where_nothing_need_be_written(
    run_playbook: Playbook, host: SandboxHost
) -> None:
    assert run_playbook(BY_ROLE, host).rc == 0
    remount_read_only(host, "/proc/sys/net")
    run = run_playbook(BY_ROLE, host)
    assert (run.rc, run.changed) == (0, 0), run.text


def test_an_unprivileged_user_is_told_to_become_root(run_playbook: Playbook, host: SandboxHost) -> None:
    host.vars |= {
        "ansible_become": True,
        "ansible_become_method": "ansible.builtin.su",
        "ansible_become_user": "nobody",
        "ansible_become_flags": "-s /bin/sh",
    }
    before = state(host)
    for arguments in (["--check"], []):
        message = failure(run_playbook(BY_MODULE, host, *arguments), "host")["msg"]
        assert "runs as the user with uid 65534. Add become: true" in message
    assert state(host) == before
    # Facts need no privilege, and say what they go without.
    facts = run_playbook(tasks({FACTS: {}}), host)
    assert facts.rc == 0, facts.text
    assert any("not asked as root" in text for text in facts.only("timewait_facts").result["warnings"])
    del host.vars["ansible_become_user"]
    assert "warnings" not in run_playbook(tasks({FACTS: {}}), host).only("timewait_facts").result
    assert facts.only("timewait_facts").result["ansible_facts"]["timewait"]["sysctls"]["tcp_tw_reuse"]["value"] == 2


def test_a_host_that_is_not_linux_is_left_alone(ansible: Ansible, host: SandboxHost) -> None:
    install(host, "uname", "echo FreeBSD 14.1-RELEASE amd64")
    before = state(host)
    for arguments in (["--check"], []):
        run = ansible.playbook(BY_MODULE, host, *arguments, environment=environment_of(programs=True))
        assert "this host runs FreeBSD; this collection tunes Linux" in failure(run, "host")["msg"]
    assert state(host) == before


def test_an_answer_that_is_cut_off_anywhere_is_an_error_and_never_taken_for_absent_knobs(
    ansible: Ansible, host: SandboxHost
) -> None:
    """The connection delivers this many bytes."""
    sizes = [0, 1, 40, 200, 600, 1000, 1400, 2000, 3000]
    aliases = []
    for size in sizes:
        shell = install(host, f"first-{size}-bytes", f'/bin/sh "$@" | head -c {size}')
        aliases.append(alias(host, f"cut-{size}", ansible_shell_executable=shell))
    before = state(host)
    for play in (BY_MODULE, tasks({FACTS: {}})):
        run = run_side_by_side(ansible, play, aliases)
        for size in sizes:
            message = failure(run, f"cut-{size}")["msg"]
            assert "the host's answer cannot be used" in message, size
            assert "in the middle" in message or "no end" in message or "no answer of the script" in message, message
    assert state(host) == before


@pytest.mark.parametrize("program", ["uname", "unshare", "grep"])
def test_a_script_that_dies_in_the_middle_is_an_error(ansible: Ansible, host: SandboxHost, program: str) -> None:
    """As when somebody ends it, or memory runs out."""
    install(host, program, "kill -9 $PPID")
    before = state(host)
    run = ansible.playbook(tasks({FACTS: {}}), host, environment=environment_of(programs=True))
    assert "the host's answer cannot be used" in failure(run, "host")["msg"], run.text
    assert state(host) == before


BANNER = """
cat <<'END'
***************************************************
* Welcome. Authorised use only. $(touch /run/no)  *
***************************************************
0123456789abcdef0123456789abcdef B knob tcp_tw_reuse
1
0123456789abcdef0123456789abcdef E 0
END
printf '\\033[31mred\\033[0m no newline at the end'
echo 'stderr: tty required? no' >&2
"""


def test_a_login_shell_that_prints_a_banner_or_reads_its_input_is_no_trouble(
    ansible: Ansible, new_host: Callable[..., SandboxHost]
) -> None:
    shells = {
        "banner": f'{BANNER}\nexec /bin/sh "$@"',
        "farewell": f'/bin/sh "$@"; status=$?; {BANNER}\nexit $status',
        "reader": 'head -c 48 >/dev/null; exec /bin/sh "$@"',
        "exits-with-255": '/bin/sh "$@"; exit 255',
    }
    hosts = [new_host(name) for name in shells]
    for host in hosts:
        host.vars["ansible_shell_executable"] = install(host, "login-shell", shells[host.name])
    run = run_side_by_side(ansible, BY_ROLE, hosts)
    assert run.rc == 0, run.text
    assert [host.sysctl("tcp_tw_reuse") for host in hosts] == ["1"] * len(hosts)
    assert [host.exists("/run/no") for host in hosts] == [False] * len(hosts)
    assert run_side_by_side(ansible, BY_ROLE, hosts).changed == 0


def test_hosts_without_a_shell_are_refused_before_a_byte_is_sent(
    ansible: Ansible, host: SandboxHost, tmp_path: Path
) -> None:
    plugins = tmp_path / "connections"
    plugins.mkdir()
    (plugins / "network_cli.py").write_text(
        "from ansible.plugins.connection import ConnectionBase\n"
        "DOCUMENTATION = 'name: network_cli\\nshort_description: a router\\ndescription: a router\\nauthor: us\\n'\n"
        "class Connection(ConnectionBase):\n"
        "    transport = 'network_cli'\n"
        "    def _connect(self):\n"
        "        return self\n"
        "    def exec_command(self, *arguments, **keywords):\n"
        f"        open({str(tmp_path / 'sent')!r}, 'w').close()\n"
        "        return (0, b'', b'')\n"
        "    put_file = fetch_file = exec_command\n"
        "    def close(self):\n"
        "        pass\n"
    )
    aliases = [
        alias(host, "router", ansible_connection="network_cli"),
        alias(host, "windows", ansible_connection="ansible.builtin.winrm", ansible_host="192.0.2.1", ansible_user="u"),
        alias(host, "powershell", ansible_shell_type="powershell"),
    ]
    known = ansible._environment(tmp_path, None)["ANSIBLE_CONNECTION_PLUGINS"]
    environment = {"ANSIBLE_CONNECTION_PLUGINS": f"{known}:{plugins}"}
    for play in (BY_MODULE, tasks({FACTS: {}})):
        run = run_side_by_side(ansible, play, aliases, environment=environment)
        for case in aliases:
            message = failure(run, case.name)["msg"]
            assert "leads to no POSIX shell" in message, case.name
            assert "hosts: all:!windows" in message, case.name
    assert not (tmp_path / "sent").exists()
    assert host.commands() == []


def test_the_place_for_the_file_is_looked_at_before_anything_is_written(
    ansible: Ansible, new_host: Callable[..., SandboxHost]
) -> None:
    """What is wrong with /etc/sysctl.d, and the sentence that helps."""
    cases = {
        "missing": ("rmdir /etc/sysctl.d", "there is no directory /etc/sysctl.d. Make it: mkdir -p /etc/sysctl.d"),
        "link": ("mv /etc/sysctl.d /etc/d; ln -s d /etc/sysctl.d", "Only a real directory is written to"),
        "for-all": ("chmod 777 /etc/sysctl.d", "chown root:root /etc/sysctl.d && chmod 755 /etc/sysctl.d"),
        "for-a-group": ("chmod 775 /etc/sysctl.d; chgrp 12 /etc/sysctl.d", "may be written by others than root"),
        "of-a-user": ("chown 12 /etc/sysctl.d", "who could replace the file"),
    }
    hosts = [new_host(name) for name in cases]
    for host in hosts:
        host.sh(cases[host.name][0])
    before = [state(host) for host in hosts]
    for arguments in (["--check"], []):
        run = run_side_by_side(ansible, BY_MODULE, hosts, *arguments)
        for host in hosts:
            assert cases[host.name][1] in failure(run, host.name)["msg"], host.name
    assert [state(host) for host in hosts] == before


def test_a_directory_that_a_package_gave_to_roots_own_group_is_fine(run_playbook: Playbook, host: SandboxHost) -> None:
    host.sh("chmod 775 /etc/sysctl.d")
    assert run_playbook(BY_MODULE, host).rc == 0


def values_and_bytes(host: SandboxHost) -> tuple[dict[str, str], str, str]:
    """A step that was undone has written: times differ, nothing else does."""
    known = state(host)
    return known.knobs, known.files, known.names


def test_a_full_disk_undoes_everything_and_says_which_step_failed(run_playbook: Playbook, host: SandboxHost) -> None:
    host.sh(
        "mount -t tmpfs -o size=4k,mode=755 tmpfs /etc/sysctl.d; "
        "head -c 4096 /dev/zero >/etc/sysctl.d/full 2>/dev/null; true"
    )
    before = values_and_bytes(host)
    run = run_playbook(settings(tcp_rfc1337=1), host)
    message = failure(run, "host")["msg"]
    assert f"failed to write {DROPIN}" in message
    assert "No space left on device" in message
    assert "Everything is as it was before" in message
    assert outcome(run).result["changed"] is False
    assert values_and_bytes(host) == before


def refuse_once(host: SandboxHost, knob: str) -> None:
    """The next write to a knob fails."""
    real = host.sh("command -v cat").strip()
    install(
        host,
        "cat",
        "if [ ! -e /run/programs/failed ]; then\n"
        f"  case $(readlink /proc/$$/fd/1) in */{knob})\n"
        '    : >/run/programs/failed; echo "cat: write error: as the test wants it" >&2; exit 1 ;;\n'
        "  esac\nfi\n"
        f'exec {real} "$@"',
    )


@pytest.mark.parametrize("legacy", [False, True], ids=["this kernel", "old kernel"])
def test_a_value_that_the_kernel_refuses_after_all_undoes_the_steps_before_it(
    ansible: Ansible, new_host: Callable[..., SandboxHost], legacy: bool
) -> None:
    """The last write fails once, as if the kernel had changed its mind since the probe."""
    host = new_host("host", legacy=legacy)
    host.write("/etc/sysctl.d/99-zz.conf", "net.ipv4.tcp_tw_reuse = 0\n")
    refuse_once(host, "tcp_rfc1337")
    before = values_and_bytes(host)
    options = {"tcp_rfc1337": 1, "ip_local_port_range": [15000, 60999], "conflicts": "comment_out"}
    run = ansible.playbook(settings(**options), host, environment=environment_of(programs=True))
    message = failure(run, "host")["msg"]
    assert "failed to write '1' to net.ipv4.tcp_rfc1337: cat: write error: as the test wants it" in message
    assert message.endswith("Everything is as it was before")
    assert values_and_bytes(host) == before
    # Without the obstacle the same request works.
    assert ansible.playbook(settings(**options), host).rc == 0


def test_recycle_stays_off_even_when_a_later_step_fails(ansible: Ansible, legacy_host: SandboxHost) -> None:
    legacy_host.set_sysctl("tcp_tw_recycle", "1")
    refuse_once(legacy_host, "tcp_rfc1337")
    run = ansible.playbook(settings(tcp_rfc1337=1), legacy_host, environment=environment_of(programs=True))
    message = failure(run, legacy_host.name)["msg"]
    assert "Everything is as it was before, but net.ipv4.tcp_tw_recycle is not turned on again" in message
    assert legacy_host.sysctl("tcp_tw_recycle") == "0"
    assert legacy_host.sysctl("tcp_tw_reuse") == "0"
    assert not legacy_host.exists(DROPIN)


def test_what_could_not_be_undone_is_named(ansible: Ansible, host: SandboxHost) -> None:
    """Writing one knob fails, and on the way back so does another."""
    real = host.sh("command -v cat").strip()
    install(
        host,
        "cat",
        "to=$(readlink /proc/$$/fd/1)\n"
        'case $to in */tcp_rfc1337) echo "no more" >&2; : >/run/failed; exit 1 ;; */tcp_tw_reuse)\n'
        '    if [ -e /run/failed ]; then echo "not back" >&2; exit 1; fi ;; esac\n'
        f'exec {real} "$@"',
    )
    run = ansible.playbook(settings(tcp_rfc1337=1), host, environment=environment_of(programs=True))
    message = failure(run, "host")["msg"]
    assert "failed to write '1' to net.ipv4.tcp_rfc1337: no more" in message
    assert "These steps could not be undone: write '1' to net.ipv4.tcp_tw_reuse (not back)" in message
    assert not host.exists(DROPIN)


MINIMAL = ("sh", "cat", "mv", "rm", "uname")


def leave_only(host: SandboxHost, *programs: str) -> None:
    """Takes every other program away from a host, by whatever path."""
    keep = "; ".join(f'cp -L "$(command -v {program})" /run/kept/{program}' for program in programs)
    host.sh(
        f"set -e; mkdir -p /run/kept; {keep}\n"
        "for d in /usr/local/bin /usr/local/sbin /usr/sbin /usr/bin /sbin /bin; do\n"
        "  [ -d $d ] && ! [ -L $d ] || continue\n"
        "  mount --bind /run/kept $d\n"
        "done"
    )


def test_sh_cat_mv_rm_and_uname_are_all_that_a_host_needs(run_playbook: Playbook, host: SandboxHost) -> None:
    leave_only(host, *MINIMAL)
    assert host.sh("command -v grep ls sed sync python3 nft sysctl || true") == ""
    host.vars["ansible_python_interpreter"] = "/there/is/no/python"
    first = run_playbook("linux_tcp.tuning.apply", host, "--diff")
    assert (first.rc, first.changed) == (0, 1), first.text
    assert host.sysctl("tcp_tw_reuse") == "1"
    assert run_playbook("linux_tcp.tuning.apply", host).changed == 0
    facts = run_playbook(tasks({FACTS: {}}), host)
    assert facts.rc == 0, facts.text
    assert run_playbook("linux_tcp.tuning.rollback", host).changed == 1
    assert host.sysctl("tcp_tw_reuse") == "2"
    assert host.sh(f"[ -e {DROPIN} ] && echo there || echo gone") == "gone\n"


def test_the_programs_of_this_file_would_be_found(host: SandboxHost) -> None:
    """The tests above can fail: what install() makes comes before the host's own."""
    path = install(host, "uname", "echo another")
    assert host.sh(f"PATH={PROGRAMS}:$PATH; command -v uname; uname") == f"{path}\nanother\n"
