# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two at once on one host, and somebody else who changes things between the look and the deed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.integration.support import BY_ROLE, environment_of, failure, run_side_by_side, settings
from tests.sandbox.hosts import SandboxHost
from tests.sandbox.runs import Ansible, Run
from tests.sandbox.states import DROPIN, files, install, knobs

Playbook = Callable[..., Run]
LOCK = "/run/linux_tcp.tuning"


def ansible_in(core: str, directory: Path) -> Ansible:
    directory.mkdir()
    return Ansible(core, directory)


def test_two_runs_at_once_end_well(core: str, host: SandboxHost, tmp_path: Path) -> None:
    """Both have looked before either changes something: the second waits, finds the work done, and is content."""
    # Every run flushes the new file with sync: there each waits for the other to be that far, or for a moment.
    install(host, "sync", 'sleep 1; exec /bin/sync "$@"')
    runners = [ansible_in(core, tmp_path / name) for name in ("one", "two")]
    with ThreadPoolExecutor() as pool:
        options = {"environment": environment_of(programs=True)}
        runs = list(pool.map(lambda runner: runner.playbook(BY_ROLE, host, **options), runners))
    assert [run.rc for run in runs] == [0, 0], "\n".join(run.text for run in runs)
    # Unless one came so late that it found everything done at its first look, both went there twice.
    assert len(host.commands()) in (3, 4)
    assert host.sysctl("tcp_tw_reuse") == "1"
    assert host.sh(f"ls -A /etc/sysctl.d; ls {LOCK}.* 2>/dev/null || true") == "99-timewait.conf\n"
    assert runners[0].playbook(BY_ROLE, host).changed == 0


def test_of_two_different_runs_at_once_one_wins_whole_and_the_other_says_so(
    core: str, host: SandboxHost, tmp_path: Path
) -> None:
    install(host, "sync", 'sleep 1; exec /bin/sync "$@"')
    runners = [ansible_in(core, tmp_path / name) for name in ("one", "two")]
    plays = [settings(tcp_rfc1337=1, tcp_timestamps=1), settings(tcp_rfc1337=0, tcp_timestamps=2)]
    with ThreadPoolExecutor() as pool:
        jobs = [
            pool.submit(runner.playbook, play, host, environment=environment_of(programs=True))
            for runner, play in zip(runners, plays, strict=True)
        ]
        runs = [job.result() for job in jobs]
    now = (host.sysctl("tcp_rfc1337"), host.sysctl("tcp_timestamps"))
    # One after the other is fine, too: then the second replaced what the first had set, as two callers of one file do.
    winners = [wanted for run, wanted in zip(runs, [("1", "1"), ("0", "2")], strict=True) if run.rc == 0]
    assert now in winners, "\n".join(run.text for run in runs)
    assert f"net.ipv4.tcp_rfc1337 = {now[0]}\n" in host.read(DROPIN)
    assert f"net.ipv4.tcp_timestamps = {now[1]}\n" in host.read(DROPIN)
    for run in runs:
        if run.rc:
            assert "somebody else is changing them too. Run it again" in failure(run, "host")["msg"]


#: What somebody else does after the probe and before the plan is carried out.
MEANWHILE = {
    "a-file": "echo net.ipv4.tcp_tw_reuse = 0 >/etc/sysctl.d/99-zz.conf",
    "a-glob": "echo 'net.ipv4.tcp_tw_* = 0' >/etc/sysctl.d/99-zz.conf",
    "our-file": f"echo '# mine now' >{DROPIN}",
    "a-link-in-its-place": f"ln -s /run/elsewhere {DROPIN}",
    "a-value": "echo 2 >/proc/sys/net/ipv4/tcp_timestamps",
    "the-directory": "chmod 777 /etc/sysctl.d",
    "a-mask": "ln -s /dev/null /etc/sysctl.d/10-a.conf",
}


def test_what_changes_between_the_look_and_the_deed_stops_the_run_untouched(
    ansible: Ansible, new_host: Callable[..., SandboxHost]
) -> None:
    hosts = [new_host(name) for name in MEANWHILE]
    for host in hosts:
        # The login shell of the second round trip makes the change, and notes what the host is like then.
        second = f"if [ -e /run/second ]; then {MEANWHILE[host.name]}; else : >/run/second; fi"
        host.vars["ansible_shell_executable"] = install(host, "login-shell", f'{second}\nexec /bin/sh "$@"')
    before = [knobs(host) for host in hosts]
    run = run_side_by_side(ansible, BY_ROLE, hosts)
    for host, known in zip(hosts, before, strict=True):
        message = failure(run, host.name)["msg"]
        assert "nothing was changed: values or files on the host are others than a moment ago" in message, host.name
        timestamps = {"./tcp_timestamps": "2 "} if host.name == "a-value" else {}
        assert knobs(host) == {**known, **timestamps}, host.name
        assert "net.ipv4.tcp_tw_reuse = 1" not in files(host), host.name


def test_what_is_none_of_our_business_may_change_meanwhile(run_playbook: Playbook, host: SandboxHost) -> None:
    change = "echo kernel.panic = 10 >/etc/sysctl.d/99-zz.conf; echo 30 >/proc/sys/net/ipv4/tcp_fin_timeout"
    host.vars["ansible_shell_executable"] = install(host, "login-shell", f'{change}\nexec /bin/sh "$@"')
    host.write("/etc/sysctl.d/99-zz.conf", "kernel.panic = 5\n")
    run = run_playbook(BY_ROLE, host)
    assert run.rc == 0, run.text


def flag_of(host: SandboxHost, pid: str, start: str) -> str:
    boot = host.read("/proc/sys/kernel/random/boot_id").strip()
    return f"{LOCK}.{boot}.{pid}.{start}"


def test_a_lock_that_a_dead_process_left_is_taken_over(run_playbook: Playbook, host: SandboxHost) -> None:
    start = host.sh("set -- $(sed 's/.*) //' /proc/1/stat); shift 19; echo $1").strip()
    left = [
        # Nobody has this number; somebody else has it now; it is of an earlier boot.
        flag_of(host, "4194304", "1"),
        flag_of(host, "1", "99999999999"),
        f"{LOCK}.00000000-0000-0000-0000-000000000000.1.{start}",
    ]
    for flag in left:
        host.write(flag, "")
    assert run_playbook(BY_ROLE, host).rc == 0
    assert [host.exists(flag) for flag in left] == [False, False, False]


@pytest.mark.parametrize("seconds", [2])
def test_a_lock_of_a_living_process_is_waited_for(core: str, host: SandboxHost, tmp_path: Path, seconds: int) -> None:
    start = host.sh("set -- $(sed 's/.*) //' /proc/1/stat); shift 19; echo $1").strip()
    flag = flag_of(host, "1", start)
    host.write(flag, "")
    runner = ansible_in(core, tmp_path / "one")
    with ThreadPoolExecutor() as pool:
        job = pool.submit(runner.playbook, BY_ROLE, host)
        # It has come for the second time, and waits.
        while len(host.commands()) < 2:
            assert not job.done(), job.result().text
        host.run("sleep", str(seconds))
        assert not job.done()
        assert not host.exists(DROPIN)
        host.run("rm", flag)
        run = job.result()
    assert run.rc == 0, run.text
    assert host.sysctl("tcp_tw_reuse") == "1"
