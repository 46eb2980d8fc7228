# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ground that the integration tests stand on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sandbox.hosts import SandboxHost
from tests.sandbox.runs import Run

REUSE = Path("/proc/sys/net/ipv4/tcp_tw_reuse")
RAW = {"hosts": "all", "gather_facts": False, "tasks": [{"ansible.builtin.raw": "uname -r; id -u"}]}


def test_a_sysctl_of_a_host_is_not_the_machines(host: SandboxHost) -> None:
    before = REUSE.read_text()
    other = "0" if host.sysctl("tcp_tw_reuse") == "1" else "1"
    host.set_sysctl("tcp_tw_reuse", other)
    assert host.sysctl("tcp_tw_reuse") == other
    assert REUSE.read_text() == before


@pytest.mark.parametrize(
    "path",
    [
        "/etc/sysctl.d/99-sandbox-test.conf",
        "/etc/sysctl.conf",
        "/run/sysctl.d/a.conf",
        "/usr/local/lib/sysctl.d/a.conf",
    ],
)
def test_a_sysctl_file_of_a_host_is_not_the_machines(host: SandboxHost, path: str) -> None:
    before = Path(path).read_bytes() if Path(path).exists() else None
    host.write(path, "sandbox test")
    assert host.read(path) == "sandbox test"
    after = Path(path).read_bytes() if Path(path).exists() else None
    assert after == before


@pytest.mark.skipif(os.geteuid() != 0, reason="a plain user could not write there anyway")
@pytest.mark.parametrize("path", ["/proc/sys/vm/swappiness", "/etc/default/sandbox-test"])
def test_the_rest_of_the_machine_cannot_be_written(host: SandboxHost, path: str) -> None:
    assert host.run("/bin/sh", "-c", f"cat {path} >{path}", check=False).returncode != 0


def test_two_hosts_do_not_share_sysctls(new_host: Callable[..., SandboxHost]) -> None:
    one, two = new_host("one"), new_host("two")
    one.set_sysctl("tcp_tw_reuse", 1)
    two.set_sysctl("tcp_tw_reuse", 0)
    assert (one.sysctl("tcp_tw_reuse"), two.sysctl("tcp_tw_reuse")) == ("1", "0")


def test_a_legacy_host_has_recycle_and_an_old_release(legacy_host: SandboxHost, host: SandboxHost) -> None:
    assert legacy_host.sysctl("tcp_tw_recycle") == "0"
    assert legacy_host.sysctl("ip_local_port_range") == "32768\t61000"
    assert legacy_host.sh("uname -r").startswith("2.6.")
    assert legacy_host.read("/proc/sys/kernel/osrelease") == legacy_host.sh("uname -r")
    assert host.sh("uname -r").strip() == os.uname().release


def test_commands_of_ansible_run_on_the_host_and_are_counted(
    run_playbook: Callable[..., Run], host: SandboxHost, legacy_host: SandboxHost
) -> None:
    run = run_playbook(RAW, [host, legacy_host])
    assert run.rc == 0, run.text
    assert run.only("raw", "host").result["stdout_lines"] == [os.uname().release, "0"]
    assert run.only("raw", "legacy-host").result["stdout_lines"][0].startswith("2.6.")
    assert len(host.commands()) == 1
    assert len(legacy_host.commands()) == 1
    assert run.recap["host"]["ok"] == 1


def test_ad_hoc_runs_report_failures(adhoc: Callable[..., Run], host: SandboxHost) -> None:
    run = adhoc("ansible.builtin.fail", {"msg": "as asked"}, host)
    assert run.rc == 2
    assert run.only("fail").status == "failed"
    assert run.only("fail").result["msg"] == "as asked"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a user to become root from")
def test_become_happens_on_the_host(run_playbook: Callable[..., Run], host: SandboxHost) -> None:
    del host.vars["ansible_become"]
    become = {"become": True, "become_method": "su", "become_user": "nobody", "become_flags": "-s /bin/sh"}
    tasks = [{"ansible.builtin.raw": "id -un; cat /etc/sysctl.conf"}]
    run = run_playbook({**RAW, **become, "tasks": tasks}, host)
    assert run.rc == 0, run.text
    assert run.only("raw").result["stdout_lines"] == ["nobody", "# /etc/sysctl.conf"]
