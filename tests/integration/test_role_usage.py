# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role in every way in which a role is used, and the playbooks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.integration.support import BY_ROLE, ROLE, SETTINGS, failure, tasks
from tests.sandbox.hosts import SandboxHost
from tests.sandbox.runs import Ansible, Run
from tests.sandbox.states import DROPIN, state

Playbook = Callable[..., Run]

RFC1337 = {"timewait_tcp_rfc1337": 1}

USES: dict[str, Any] = {
    "roles": {**BY_ROLE, "vars": RFC1337},
    "roles_with_variables": {**BY_ROLE, "roles": [{"role": ROLE, **RFC1337}]},
    "include_role": tasks({"ansible.builtin.include_role": {"name": ROLE}, "vars": RFC1337}),
    "import_role": tasks({"ansible.builtin.import_role": {"name": ROLE}, "vars": RFC1337}),
    "in_a_block": tasks({"block": [{"ansible.builtin.import_role": {"name": ROLE}}], "vars": RFC1337}),
}


def test_the_role_works_in_every_way_in_which_roles_are_used(
    run_playbook: Playbook, new_host: Callable[..., SandboxHost]
) -> None:
    hosts = [new_host(name) for name in USES]
    plays = [{**play, "hosts": name} for name, play in USES.items()]
    run = run_playbook(plays, hosts)
    assert run.rc == 0, run.text
    for host in hosts:
        assert (host.sysctl("tcp_tw_reuse"), host.sysctl("tcp_rfc1337")) == ("1", "1"), host.name
    again = run_playbook(plays, hosts)
    assert (again.rc, again.changed) == (0, 0), again.text


def make_role(directory: Path, name: str, meta: str = "", main: str = "[]\n") -> None:
    for part, text in (("meta", meta), ("tasks", main)):
        (directory / "roles" / name / part).mkdir(parents=True, exist_ok=True)
        (directory / "roles" / name / part / "main.yml").write_text(text or "{}\n")


def test_other_roles_may_depend_on_it_each_with_a_file_of_its_own(
    run_playbook: Playbook, host: SandboxHost, tmp_path: Path
) -> None:
    make_role(
        tmp_path,
        "proxy",
        f"dependencies:\n  - role: {ROLE}\n    vars:\n      timewait_tcp_rfc1337: 1\n"
        "      timewait_sysctl_file: /etc/sysctl.d/99-timewait-proxy.conf\n",
    )
    make_role(tmp_path, "database", f"dependencies:\n  - role: {ROLE}\n    timewait_tcp_max_tw_buckets: 2000000\n")
    make_role(tmp_path, "web", "dependencies:\n  - role: proxy\n  - role: database\n")
    play = {"hosts": "all", "gather_facts": False, "roles": ["web"]}
    run = run_playbook(play, host)
    assert (run.rc, run.changed) == (0, 2), run.text
    assert (host.sysctl("tcp_rfc1337"), host.sysctl("tcp_max_tw_buckets")) == ("1", "2000000")
    assert "tcp_rfc1337 = 1" in host.read("/etc/sysctl.d/99-timewait-proxy.conf")
    assert "tcp_rfc1337" not in host.read(DROPIN)
    assert run_playbook(play, host).changed == 0


def test_a_tag_on_the_role_selects_it_and_another_leaves_it_out(run_playbook: Playbook, host: SandboxHost) -> None:
    play = {
        **tasks({"ansible.builtin.import_role": {"name": ROLE}, "tags": "tuning"}),
        "post_tasks": [{"ansible.builtin.debug": {"msg": "other"}, "tags": "other"}],
    }
    before = state(host)
    assert run_playbook(play, host, "--tags", "other").rc == 0
    assert state(host) == before
    assert host.commands() == []
    assert run_playbook(play, host, "--skip-tags", "tuning").rc == 0
    assert host.commands() == []
    assert run_playbook(play, host, "--tags", "tuning").changed == 1
    assert host.sysctl("tcp_tw_reuse") == "1"


def test_variables_of_the_role_do_not_leak_into_the_rest_of_the_play(run_playbook: Playbook, host: SandboxHost) -> None:
    play = tasks(
        {"ansible.builtin.include_role": {"name": ROLE}, "vars": RFC1337},
        {"ansible.builtin.assert": {"that": ["timewait_tcp_rfc1337 is undefined", "timewait_state is undefined"]}},
    )
    run = run_playbook(play, host)
    assert run.rc == 0, run.text


def test_the_playbooks_take_the_hosts_from_a_variable(
    run_playbook: Playbook, new_host: Callable[..., SandboxHost]
) -> None:
    web, database = new_host("web"), new_host("database")
    chosen = {"timewait_hosts": "web"}
    assert run_playbook("linux_tcp.tuning.apply", [web, database], extra_vars=chosen).changed == 1
    assert (web.sysctl("tcp_tw_reuse"), database.sysctl("tcp_tw_reuse")) == ("1", "2")
    assert database.commands() == []
    audit = run_playbook("linux_tcp.tuning.audit", [web, database], extra_vars=chosen)
    assert (audit.rc, database.commands()) == (0, [])
    assert run_playbook("linux_tcp.tuning.rollback", [web, database], extra_vars=chosen).changed == 1
    assert (web.exists(DROPIN), database.commands()) == (False, [])


def test_every_variable_of_the_role_reaches_the_action(
    run_playbook: Playbook, host: SandboxHost, tmp_path: Path
) -> None:
    variables = {
        "timewait_state": "present",
        "timewait_tcp_tw_reuse": 0,
        "timewait_tcp_tw_recycle": 0,
        "timewait_tcp_timestamps": 2,
        "timewait_tcp_tw_reuse_delay": 700,
        "timewait_tcp_max_tw_buckets": 3000000,
        "timewait_ip_local_port_range": [16000, 60000],
        "timewait_ip_local_reserved_ports": [16001],
        "timewait_tcp_rfc1337": 1,
        "timewait_tcp_tw_timeout": 30,
        "timewait_conflicts": "comment_out",
        "timewait_sysctl_file": "/etc/sysctl.d/50-mine.conf",
        "timewait_exposure": ["private"],
        "timewait_public_groups": ["edge"],
        "timewait_nat_groups": ["carrier"],
    }
    host.write("/etc/sysctl.d/60-a.conf", "net.ipv4.tcp_rfc1337 = 0\n")
    run = run_playbook({**BY_ROLE, "vars": variables}, host)
    assert run.rc == 0, run.text
    text = host.read("/etc/sysctl.d/50-mine.conf")
    for line in (
        "tcp_tw_reuse = 0",
        "tcp_timestamps = 2",
        "tcp_max_tw_buckets = 3000000",
        "ip_local_port_range = 16000 60000",
        "ip_local_reserved_ports = 16001",
        "tcp_rfc1337 = 1",
    ):
        assert f"net.ipv4.{line}\n" in text
    assert host.read("/etc/sysctl.d/60-a.conf").startswith("# linux_tcp.tuning commented out for 50-mine.conf: ")
    assert "fixes TIME_WAIT at 60 s" in run.text
    run = run_playbook({**BY_ROLE, "vars": {**variables, "timewait_state": "absent"}}, host)
    assert run.rc == 0, run.text
    assert not host.exists("/etc/sysctl.d/50-mine.conf")


def test_module_defaults_of_the_group_are_accepted_by_every_action(ansible: Ansible, host: SandboxHost) -> None:
    defaults = {"exposure": ["behind_nat"], "public_groups": ["edge"], "nat_groups": ["carrier"]}
    play = {
        **tasks({"linux_tcp.tuning.timewait_facts": {}}, {SETTINGS: {}}),
        "module_defaults": {"group/linux_tcp.tuning.timewait": defaults},
    }
    run = ansible.playbook(play, host)
    assert run.rc == 0, run.text
    exposure = run.only("timewait_facts").result["ansible_facts"]["timewait"]["exposure"]
    assert exposure["behind_nat"] == {"value": True, "evidence": ["tagged behind_nat by option exposure"]}


def test_a_role_variable_that_is_misspelt_in_its_value_is_told_by_its_name(
    run_playbook: Playbook, host: SandboxHost
) -> None:
    run = run_playbook({**BY_ROLE, "vars": {"timewait_state": "presnet"}}, host)
    assert run.rc == 2
    message = failure(run, "host")["msg"] + str(failure(run, "host").get("argument_errors", ""))
    assert "state" in message
    assert "present" in message
    assert host.commands() == []
