# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lint as users meet it: the playbook, the action, and what the settings say of their own play."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.integration.support import (
    SETTINGS,
    Alias,
    alias,
    bystander,
    each_on_its_own,
    failure,
    outcome,
    tasks,
    warnings_of,
)
from tests.sandbox.hosts import SandboxHost
from tests.sandbox.runs import Ansible, Run
from tests.sandbox.states import state

LINT = "linux_tcp.tuning.lint"
ACTION = "linux_tcp.tuning.timewait_lint"
KEY = "net.ipv4.tcp_tw_recycle"

SITE = """---
- hosts: web
  roles: [net]
- hosts: db
  tasks:
    - name: In a private network
      ansible.posix.sysctl:
        name: net.ipv4.tcp_tw_recycle
        value: 1
    - ansible.posix.sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ nobody_knows }}"}
"""
FILES = {
    "site.yml": SITE,
    "roles/net/tasks/main.yml": (
        "- sysctl: name={{ item.name }} value={{ item.value }}\n  loop: '{{ sysctls }}'\n"
        "- template: src=net.conf.j2 dest=/etc/sysctl.d/net.conf\n"
    ),
    "roles/net/templates/net.conf.j2": "# {{ lookup('pipe', 'touch MARK/template') }}\nnet.ipv4.tcp_tw_recycle = 1\n",
    "group_vars/web.yml": "sysctls:\n  - name: net.ipv4.tcp_tw_recycle\n    value: 1\n",
}
#: What Ansible would run if the tree were a project of its own: each leaves a mark.
TRAPS = {
    "ansible.cfg": "[defaults]\nvars_plugins = vars_plugins\ninventory = inventory.sh\n",
    "inventory.sh": "#!/bin/sh\ntouch MARK/inventory\necho '{}'\n",
    "filter_plugins/trap.py": "open('MARK/filter', 'w')\n",
    "lookup_plugins/trap.py": "open('MARK/lookup', 'w')\n",
    "vars_plugins/trap.py": "open('MARK/vars', 'w')\n",
    "library/sysctl.py": "open('MARK/module', 'w')\n",
    "action_plugins/sysctl.py": "open('MARK/action', 'w')\n",
    "callback_plugins/trap.py": "open('MARK/callback', 'w')\n",
    "roles/net/library/trap.py": "open('MARK/role', 'w')\n",
    "roles/net/vars/main.yml": "trap: \"{{ lookup('pipe', 'touch MARK/pipe') }}\"\n",
    "collections/ansible_collections/ansible/posix/plugins/action/sysctl.py": "open('MARK/collection', 'w')\n",
}

#: Addresses that lead nowhere: whoever connects fails.
NOWHERE: dict[str, Any] = {"ansible_host": "192.0.2.1", "ansible_connection": "ssh"}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A project that is full of traps; beside it a directory for the marks of those that were sprung."""
    top = tmp_path / "project"
    (tmp_path / "marks").mkdir()
    for name, text in {**FILES, **TRAPS}.items():
        file = top / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("MARK", str(tmp_path / "marks")))
        file.chmod(0o755)
    return top


def lint(ansible: Ansible, directory: Path, *arguments: str, hosts: Any = (), **keywords: Any) -> Run:
    """The playbook, started in a directory."""
    ansible.prefix = ["env", f"--chdir={directory}"]
    return ansible.playbook(LINT, list(hosts), *arguments, **keywords)


def places(findings: list[dict[str, Any]], severity: str) -> list[str]:
    return [f"{one['path']}:{one['line']}" for one in findings if one["severity"] == severity]


def test_a_tree_is_linted_without_an_inventory_and_nothing_of_it_is_run(
    ansible: Ansible, tree: Path, tmp_path: Path
) -> None:
    run = lint(
        ansible, tmp_path, "-e", "timewait_lint_paths=[project]", "-e", f"timewait_lint_report={tmp_path}/out.json"
    )
    assert run.rc == 2, run.text
    report = json.loads((tmp_path / "out.json").read_text())
    assert set(report) == {"findings", "notes"}
    assert places(report["findings"], "error") == [
        "project/group_vars/web.yml:3",
        "project/roles/net/templates/net.conf.j2:2",
        "project/site.yml:9",
    ]
    assert places(report["findings"], "warning") == ["project/site.yml:10"]
    (first, *_others) = report["findings"]
    assert first["reaches"] == {"path": "project/roles/net/tasks/main.yml", "line": 1}
    assert (first["rule"], first["key"], first["value"], first["hosts"]) == ("timewait-recycle", KEY, "1", [])
    assert f"project/site.yml:9: error: {KEY} is set to 1" in run.text
    assert "depends on `nobody_knows`, no default found" in run.text
    assert re.search("3 errors, 1 warning, 0 info in [0-9]+ files; they are listed above", run.text)
    assert list((tmp_path / "marks").iterdir()) == []


def test_with_an_inventory_severity_follows_the_hosts_and_none_is_contacted(
    ansible: Ansible, tree: Path, tmp_path: Path
) -> None:
    hosts = [Alias(name, NOWHERE) for name in ("web1", "web2", "db1")]
    groups = {"web": ["web1", "web2"], "public_facing": ["web2"], "db": ["db1"], "private": ["db1"]}
    where = ["-e", "timewait_lint_paths=project", "-e", f"timewait_lint_report={tmp_path}/out.sarif"]
    run = lint(ansible, tmp_path, *where, hosts=hosts, groups=groups)
    assert run.rc == 2, run.text
    (log,) = json.loads((tmp_path / "out.sarif").read_text())["runs"]
    levels = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]: (
            result["level"],
            result["properties"]["hosts"],
        )
        for result in log["results"]
        if result["properties"]["value"] == "1"
    }
    web = {"web1": ["unclassified"], "web2": ["public_facing"]}
    assert levels == {
        "project/group_vars/web.yml": ("error", web),
        "project/roles/net/templates/net.conf.j2": ("error", web),
        "project/site.yml": ("warning", {"db1": ["private"]}),
    }
    assert "web2 and 1 other host: this host is public-facing" in run.text
    # A limit that leaves localhost out is no way to have nothing looked at.
    limited = lint(ansible, tmp_path, *where, "--limit", "db", "--check", hosts=hosts, groups=groups)
    assert limited.rc == 0, limited.text
    assert "0 errors, 2 warnings, 2 info" in limited.text
    assert [result.host for result in limited.results if result.action == ACTION] == ["db1"]


def test_content_without_a_finding_ends_well_and_a_path_that_is_not_there_does_not(
    ansible: Ansible, tmp_path: Path
) -> None:
    (tmp_path / "site.yml").write_text(f"- hosts: all\n  tasks:\n    - sysctl: {{name: {KEY}, value: 0}}\n")
    clean = lint(ansible, tmp_path)
    assert clean.rc == 0, clean.text
    assert "0 errors, 0 warnings, 0 info in" in clean.text
    absent = lint(ansible, tmp_path, "-e", '{"timewait_lint_paths": ["site.yml", "rolls"]}')
    assert absent.rc == 2, absent.text
    assert "there is no rolls" in absent.text
    assert str(tmp_path) in absent.text


def recycle(value: object = 1, **keywords: Any) -> dict[str, Any]:
    """A task of somebody else that turns recycle on, for real on the hosts that it is let through to."""
    return {
        "name": "Theirs",
        "ansible.builtin.raw": f"echo {value} > /proc/sys/net/ipv4/tcp_tw_recycle",
        **keywords,
    }


IDLE = {"name": "Idle", "ansible.builtin.meta": "noop"}


def of(*theirs: dict[str, Any], options: dict[str, Any] | None = None, **keywords: Any) -> dict[str, Any]:
    """A play with the settings, and with tasks of somebody else after them."""
    return tasks({"name": "Settings", SETTINGS: options or {}}, {"block": [*theirs, IDLE]}, **keywords)


LOOP = recycle("{{ item.value }}", loop="{{ sysctls }}")
SYSCTLS = [{"key": "net.ipv4.tcp_tw_reuse", "value": 1}, {"key": KEY, "value": 1}]
COPY = {
    "name": "Theirs",
    "ansible.builtin.copy": {"content": "{{ text }}", "dest": "/etc/sysctl.d/theirs.conf"},
    "vars": {"text": f"{KEY} = 1\n"},
}


def test_a_play_that_would_turn_recycle_on_is_stopped_before_the_host_is_contacted(
    ansible: Ansible, legacy_host: SandboxHost, tmp_path: Path
) -> None:
    role = tmp_path / "roles" / "theirs"
    for name, text in {
        "tasks/main.yml": "- template: {src: net.j2, dest: /etc/sysctl.d/net.conf}\n",
        "templates/net.j2": "{% for key, value in theirs.items() %}\n{{ key }} = {{ value }}\n{% endfor %}\n",
        "defaults/main.yml": f"theirs:\n  net.core.somaxconn: 1024\n  {KEY}: 1\n",
    }.items():
        (role / name).parent.mkdir(parents=True, exist_ok=True)
        (role / name).write_text(text)
    plays = {
        "task": of(recycle()),
        "block": of({"block": [recycle("{{ on }}")], "vars": {"on": 1}}),
        "loop": of(LOOP, vars={"sysctls": SYSCTLS}),
        "host-variable": of(recycle("{{ on }}")),
        "content": of(COPY),
        "role": of({"ansible.builtin.import_role": {"name": "theirs"}}),
        "delegated-to-itself": of(recycle(delegate_to="{{ inventory_hostname }}")),
        "handler": of({"name": "Notifies", "ansible.builtin.raw": "true", "notify": "Theirs"}, handlers=[recycle()]),
        "registered": tasks(
            {"name": "Ran", "ansible.builtin.debug": {"msg": "1"}, "register": "ran"},
            {"name": "Settings", SETTINGS: {}},
            recycle("{{ ran.msg }}"),
        ),
        "lint": tasks({"name": "Lint", ACTION: {}}, recycle()),
    }
    hosts = [alias(legacy_host, name) for name in plays]
    hosts[3].vars["on"] = "yes"
    before = state(legacy_host)
    run = ansible.playbook(each_on_its_own(plays), [*hosts, bystander(legacy_host)])
    assert state(legacy_host) == before, run.text
    assert legacy_host.commands() == []
    for name in plays:
        message = failure(run, name)["msg"]
        assert f"on {name}: nobody has attested that this host is private" in message, message
        assert (KEY in message, "Nothing was touched" in message) == (True, name != "lint")
    assert "roles/theirs/defaults/main.yml:3 (by" in failure(run, "role")["msg"]
    assert failure(run, "lint")["counts"] == {"error": 1, "warning": 0, "info": 0}


def test_a_play_that_does_not_or_may_not_is_let_through_and_said(ansible: Ansible, legacy_host: SandboxHost) -> None:
    plays = {
        "zero": of(recycle(0)),
        "never": of(recycle(when=False)),
        "never-as-a-block": of({"block": [recycle()], "when": "on | default(false)"}),
        "not-notified": of(handlers=[recycle()]),
        "another-host": of(recycle(when="inventory_hostname == 'somebody'")),
        "another-tag": of(recycle(tags="theirs")),
        "delegated": of(recycle(delegate_to="{{ other }}"), vars={"other": "bystander"}),
        "unread": of(recycle(when="last is defined"), options={"lint_play": False}),
        "private": of(recycle(when="ran is not defined or true"), vars={"timewait_exposure": "private"}),
        "undecided": of(recycle("{{ last.rc }}")),
        "undo": of(options={"state": "absent"}, handlers=[recycle()]),
        "lint": of(recycle("{{ last.rc }}"), options={"lint_play": False}),
    }
    plays["lint"]["tasks"][:0] = [{"name": "Lint", ACTION: {}}, {"ansible.builtin.raw": "true", "register": "last"}]
    plays["undecided"]["tasks"].insert(1, {"ansible.builtin.raw": "true", "register": "last"})
    hosts = [alias(legacy_host, name) for name in plays]
    run = ansible.playbook(each_on_its_own(plays), [*hosts, bystander(legacy_host)], "--skip-tags", "theirs")
    results = {name: outcome(run, name) for name in plays}
    assert {name: result.status for name, result in results.items()} == dict.fromkeys(plays, "ok"), run.text
    warned = {name: " ".join(warnings_of(result)) for name, result in results.items()}
    assert "will lose connections at random" in warned.pop("private")
    assert "depends on `last.rc`" in warned.pop("undecided")
    assert "depends on `last.rc`" in " ".join(warnings_of(run.only("timewait_lint", "lint")))
    assert not any(KEY in text for text in warned.values()), warned
    assert legacy_host.sysctl("tcp_tw_recycle") == "0"
