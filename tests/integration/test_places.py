# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where settings are written, whose they are, and what becomes of them when others come along."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.support import BY_ROLE, FACTS, ROLE, failure, outcome, settings, tasks, warnings_of
from tests.sandbox.hosts import SandboxHost
from tests.sandbox.runs import Ansible, Run
from tests.sandbox.states import DROPIN, files, knobs, remount_read_only, state

Playbook = Callable[..., Run]
OTHER = "/etc/sysctl.d/60-other.conf"


def findings(run: Run) -> list[str]:
    facts = run.only("timewait_facts").result["ansible_facts"]["timewait"]
    return [finding["id"] for finding in facts["findings"]]


def test_the_running_kernel_alone_is_tuned_where_etc_is_read_only(run_playbook: Playbook, host: SandboxHost) -> None:
    remount_read_only(host, "/etc/sysctl.d")
    before = (files(host), knobs(host))
    refused = run_playbook(settings(), host)
    assert "apply_to: runtime leaves files alone" in failure(refused, "host")["msg"]
    run = run_playbook({**BY_ROLE, "vars": {"timewait_apply_to": "runtime", "timewait_tcp_rfc1337": 1}}, host)
    assert (run.rc, run.changed, host.sysctl("tcp_tw_reuse"), host.sysctl("tcp_rfc1337")) == (0, 1, "1", "1"), run.text
    assert "the values hold until the next boot" in warnings_of(outcome(run))[0]
    assert files(host) == before[0]
    less = run_playbook(settings(apply_to="runtime"), host)
    assert (less.changed, host.sysctl("tcp_rfc1337")) == (1, "0")
    assert run_playbook(settings(apply_to="runtime"), host).changed == 0
    assert run_playbook("linux_tcp.tuning.rollback", host).changed == 1
    assert (files(host), knobs(host)) == before
    assert "linux_tcp" not in host.sh("ls /run")


def test_the_next_boot_alone_is_tuned_where_proc_is_not_that_of_the_image(
    run_playbook: Playbook, new_host: Callable[..., SandboxHost]
) -> None:
    hosts = [new_host("read_only"), new_host("without")]
    remount_read_only(hosts[0], "/proc/sys/net/ipv4")
    hosts[1].sh("mount -t tmpfs tmpfs /proc/sys/net")
    before = [files(host) for host in hosts]
    refused = run_playbook(settings(), hosts)
    assert "apply_to: boot leaves the running kernel alone" in failure(refused, "read_only")["msg"]
    assert "cannot be read. Is /proc mounted" in failure(refused, "without")["msg"]
    play = settings(apply_to="boot", tcp_rfc1337=1)
    run = run_playbook(play, hosts)
    assert (run.rc, run.changed) == (0, 2), run.text
    for host in hosts:
        assert outcome(run, host.name).result["boot"]["tcp_rfc1337"]["value"] == 1
        lines = [line for line in host.read(DROPIN).splitlines() if not line.startswith("#")]
        assert lines == ["net.ipv4.tcp_timestamps = 1", "net.ipv4.tcp_tw_reuse = 1", "net.ipv4.tcp_rfc1337 = 1"]
    assert run_playbook(play, hosts).changed == 0
    assert run_playbook(settings(apply_to="boot", state="absent"), hosts).changed == 2
    assert [files(host) for host in hosts] == before


@pytest.mark.parametrize("legacy", [False, True], ids=["this kernel", "old kernel"])
def test_nothing_is_written_to_a_system_that_is_configured_elsewhere(
    run_playbook: Playbook, new_host: Callable[..., SandboxHost], legacy: bool
) -> None:
    host = new_host("host", legacy=legacy)
    host.write("/etc/NIXOS", "")
    before = state(host)
    message = failure(run_playbook("linux_tcp.tuning.apply", host), "host")["msg"]
    assert 'boot.kernel.sysctl."net.ipv4.tcp_tw_reuse" = "1";' in message
    assert ('"net.ipv4.tcp_tw_recycle" = "0"' in message) == legacy
    assert state(host) == before
    # As the system's own configuration then says.
    settings_said = re.findall(r'boot.kernel.sysctl."(.*?)" = "(.*?)";', message)
    host.write("/etc/sysctl.d/60-nixos.conf", "".join(f"{key}={value}\n" for key, value in settings_said))
    run = run_playbook("linux_tcp.tuning.apply", host)
    assert (run.rc, host.sysctl("tcp_tw_reuse"), host.exists(DROPIN)) == (0, "1", False), run.text
    assert run_playbook("linux_tcp.tuning.apply", host).changed == 0


def role(directory: Path, name: str, **variables: object) -> None:
    (directory / name / "tasks").mkdir(parents=True, exist_ok=True)
    include = {"name": "Tune", "ansible.builtin.include_role": {"name": ROLE}, "vars": variables}
    (directory / name / "tasks" / "main.yml").write_text(json.dumps([include]))


def test_two_roles_keep_apart_and_one_that_changes_its_file_moves(
    ansible: Ansible, host: SandboxHost, tmp_path: Path
) -> None:
    roles = {"ANSIBLE_ROLES_PATH": str(tmp_path)}
    before = (files(host), knobs(host))
    role(tmp_path, "web", timewait_sysctl_file=DROPIN, timewait_tcp_rfc1337=1)
    role(tmp_path, "db", timewait_sysctl_file=OTHER, timewait_ip_local_port_range=[15000, 60999])
    play = {"hosts": "all", "gather_facts": False, "roles": ["web", "db"]}
    assert ansible.playbook(play, host, environment=roles).rc == 0
    assert (host.sysctl("tcp_rfc1337"), host.sysctl("ip_local_port_range")) == ("1", "15000\t60999")
    assert ansible.playbook(play, host, environment=roles).changed == 0

    moved = "/etc/sysctl.d/70-moved.conf"
    role(tmp_path, "web", timewait_sysctl_file=moved, timewait_tcp_rfc1337=1)
    run = ansible.playbook(play, host, environment=roles)
    assert run.rc == 0, run.text
    assert (host.exists(DROPIN), host.exists(moved), host.exists(OTHER)) == (False, True, True)
    assert ansible.playbook(play, host, environment=roles).changed == 0
    for path in (moved, OTHER):
        assert ansible.playbook(settings(state="absent", path=path), host).changed == 1
    assert (files(host), knobs(host)) == before


def test_the_same_key_with_different_values_is_refused_naming_both_files(
    run_playbook: Playbook, host: SandboxHost
) -> None:
    assert run_playbook(settings(tcp_rfc1337=1), host).rc == 0
    before = state(host)
    message = failure(run_playbook(settings(tcp_rfc1337=0, path=OTHER), host), "host")["msg"]
    assert DROPIN in message
    assert OTHER in message
    assert state(host) == before


def test_a_drop_in_that_was_purged_is_found_and_its_record_is_not_lost(
    run_playbook: Playbook, host: SandboxHost
) -> None:
    host.write("/etc/sysctl.d/zz.conf", "net.ipv4.tcp_timestamps = 0\n")
    before = (files(host), knobs(host))
    options = {"conflicts": "comment_out", "tcp_rfc1337": 1}
    assert run_playbook(settings(**options), host).rc == 0
    assert findings(run_playbook(tasks({FACTS: {}}), host)) == []
    host.sh(f"rm {DROPIN}")
    assert "drop_in_gone" in findings(run_playbook(tasks({FACTS: {}}), host))
    again = run_playbook(settings(**options), host)
    assert f"{DROPIN} was removed by somebody else" in warnings_of(outcome(again))[0]
    assert findings(run_playbook(tasks({FACTS: {}}), host)) == []
    assert run_playbook("linux_tcp.tuning.rollback", host).changed == 1
    assert (files(host), knobs(host)) == before


def test_what_was_edited_by_hand_is_said_and_shown(run_playbook: Playbook, host: SandboxHost) -> None:
    assert run_playbook(settings(), host).rc == 0
    host.sh(f"sed -i 's/tcp_tw_reuse = 1/tcp_tw_reuse = 0/' {DROPIN}; echo '# mine' >>{DROPIN}")
    run = run_playbook(settings(), host, "--diff")
    assert f"{DROPIN} was edited by hand" in warnings_of(outcome(run))[0]
    diff = outcome(run).result["diff"][0]
    assert diff["before_header"] == f"{DROPIN} (edited by hand)"
    assert diff["before"].endswith("# mine\n")
    assert run_playbook(settings(), host).changed == 0


def test_a_drop_in_of_the_first_format_is_undone_and_brought_up_to_date(
    run_playbook: Playbook, new_host: Callable[..., SandboxHost]
) -> None:
    """Two hosts that an older release tuned: one is tuned again, the other is not."""
    text = (Path(__file__).parents[1] / "unit/plugins/plugin_utils/formats/1.conf").read_text()
    hosts = [new_host("again"), new_host("undone")]
    line = "# linux_tcp.tuning commented out for 99-timewait.conf: net.ipv4.tcp_timestamps = 0\n"
    for host in hosts:
        host.write(DROPIN, text)
        host.write("/etc/sysctl.d/zz.conf", line)
        for name, value in (("tcp_tw_reuse", 1), ("tcp_max_tw_buckets", 400000)):
            host.set_sysctl(name, value)
    again = run_playbook(settings(tcp_max_tw_buckets=400000, conflicts="comment_out"), hosts[0])
    assert (again.rc, again.changed) == (0, 1), again.text
    assert "format 2" in hosts[0].read(DROPIN)
    run = run_playbook("linux_tcp.tuning.rollback", hosts)
    assert (run.rc, run.changed) == (0, 2), run.text
    for host in hosts:
        values = [host.sysctl(name) for name in ("tcp_tw_reuse", "tcp_timestamps", "tcp_max_tw_buckets")]
        assert values == ["2", "0", "65536"]
        assert host.read("/etc/sysctl.d/zz.conf") == "net.ipv4.tcp_timestamps = 0\n"
        assert not host.exists(DROPIN)
