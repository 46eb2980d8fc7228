# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The play that a task runs in, loaded by ansible-core itself: what is found in it, as in the tree of its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.vault import EncryptedString
from ansible.vars.manager import VariableManager
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._model import Assignment, Position
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._templates._located import Unsafe, position_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._live import known

from tests.unit.played import Player

pytestmark = pytest.mark.usefixtures("modules_of_collections")

KEY = "net.ipv4.tcp_tw_recycle"


@pytest.fixture
def player(tmp_path: Path) -> Player:
    return Player(tmp_path)


def play(tasks: str, more: str = "") -> str:
    lines = "".join(f"    {line}\n" for line in tasks.splitlines())
    return f"- hosts: all\n{more}  tasks:\n    - name: Ours\n      debug:\n{lines}"


#: Files, and the places at which recycle is turned on. Tasks begin on line 5.
FORMS: dict[str, tuple[dict[str, str], list[str]]] = {
    "a command": ({"site.yml": play(f"- command: sysctl -w {KEY}=1")}, ["site.yml:5"]),
    "a text of lines": ({"site.yml": play(f"- shell: |\n    true\n    sysctl -w {KEY}=1")}, ["site.yml:7"]),
    "an old action": (
        {"site.yml": play(f"- action: shell echo 1 > /proc/sys/{KEY.replace('.', '/')}")},
        ["site.yml:5"],
    ),
    "content": ({"site.yml": play(f"- copy:\n    dest: /etc/sysctl.d/x.conf\n    content: {KEY} = 1")}, ["site.yml:7"]),
    "a line": (
        {"site.yml": play(f'- lineinfile: {{path: /etc/sysctl.conf, line: "{KEY} = {{{{ item }}}}"}}\n  loop: [0, 1]')},
        ["site.yml:6"],
    ),
    "a loop over a variable of the play": (
        {
            "site.yml": play(
                '- command: sysctl -w {{ item.key }}={{ item.value }}\n  with_dict: "{{ sysctls }}"',
                f"  vars:\n    sysctls:\n      net.core.somaxconn: 1024\n      {KEY}: 1\n",
            )
        },
        ["site.yml:5"],
    ),
    "a role with a template": (
        {
            "site.yml": play("- debug:", "  roles: [net]\n"),
            "roles/net/tasks/main.yml": "- template: {src: net.j2, dest: /etc/sysctl.d/x.conf}\n",
            "roles/net/templates/net.j2": f"# ours\n{KEY} = {{{{ recycle }}}}\n",
            "roles/net/defaults/main.yml": "other: 1\nrecycle: 1\n",
        },
        ["roles/net/defaults/main.yml:2"],
    ),
    "a role that another one depends on, with parameters": (
        {
            "site.yml": play("- debug:", "  roles: [outer]\n"),
            "roles/outer/meta/main.yml": "dependencies:\n  - role: net\n    recycle: 1\n",
            "roles/outer/tasks/main.yml": "- debug:\n",
            "roles/net/tasks/main.yml": f"- command: sysctl -w {KEY}={{{{ recycle }}}}\n",
            "roles/net/defaults/main.yml": "recycle: 0\n",
        },
        ["roles/outer/meta/main.yml:3"],
    ),
    "a file": (
        {
            "site.yml": play("- copy: {src: x.conf, dest: /etc/sysctl.d/x.conf}"),
            "files/x.conf": f"# ours\n\n{KEY}=1\n",
        },
        ["files/x.conf:3"],
    ),
    "a directory of files": (
        {
            "site.yml": play("- copy: {src: sysctl.d/, dest: /etc/sysctl.d}"),
            "files/sysctl.d/x.conf": f"{KEY}=1\n",
            "files/sysctl.d/y.conf": f"{KEY}=0\n",
        },
        ["files/sysctl.d/x.conf:1"],
    ),
    "a glob": (
        {
            "site.yml": play(
                "- copy: {src: '{{ item }}', dest: /etc/sysctl.d/}\n  with_fileglob: [conf/*.conf, conf/*.txt]"
            ),
            "files/conf/x.conf": f"{KEY}=1\n",
            "files/conf/x.ini": f"{KEY}=1\n",
        },
        ["files/conf/x.conf:1"],
    ),
    "text of a file": (
        {
            "site.yml": play("- copy: {content: \"{{ lookup('file', 'x') }}\", dest: /etc/sysctl.d/x.conf}"),
            "files/x": f"# x\n{KEY}=1\n",
        },
        ["files/x:2"],
    ),
    "a script": (
        {"site.yml": play("- script: tune.sh --now"), "files/tune.sh": f"#!/bin/sh\nsysctl -w {KEY}=1\n"},
        ["files/tune.sh:2"],
    ),
    "imported tasks": (
        {"site.yml": play("- import_tasks: more.yml"), "more.yml": f"- command: sysctl -w {KEY}=1\n"},
        ["more.yml:1"],
    ),
    "a name in a variable": (
        {
            "site.yml": play(
                "- command: sysctl -w {{ prefix }}{{ name }}=1", "  vars: {prefix: net.ipv4., name: tcp_tw_recycle}\n"
            )
        },
        ["site.yml:6"],
    ),
    "variables through others": (
        {
            "site.yml": play(
                "- command: sysctl -w {{ item }}\n  loop: '{{ all_of_them }}'",
                f"  vars:\n    mine: [{KEY}=1]\n    others: [a=b]\n    all_of_them: '{{{{ others + mine }}}}'\n",
            )
        },
        ["site.yml:3"],
    ),
    "a handler that is notified": (
        {
            "site.yml": play("- command: 'true'\n  notify: [net]")
            + f"  handlers:\n    - name: Net\n      listen: net\n      command: sysctl -w {KEY}=1\n"
        },
        ["site.yml:10"],
    ),
    "0 in a loop": (
        {"site.yml": play(f"- command: sysctl -w {KEY}={{{{ item }}}}\n  loop: [0, '0', 0x0]")},
        [],
    ),
    "a task that only looks": ({"site.yml": play(f"- command: grep {KEY} /etc/sysctl.conf\n- stat: path=/proc")}, []),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_found_at_the_line_of_its_value_as_in_the_tree(player: Player, form: str) -> None:
    files, places = FORMS[form]
    player.write(files)
    found = player.places(player.read())
    assert [place for place, lowered in found.items() if lowered is None] == places
    in_tree = player.places(player.tree())
    assert {place for place, lowered in in_tree.items() if lowered is None} == set(places)
    assert bool(found) == bool(places)


def test_a_quick_look_finds_nothing_to_look_at_and_puts_no_variables_together(
    player: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = "  vars: {packages: [a, b], text: 'a recipe'}\n"
    tasks = "- command: echo {{ text }}\n- template: {src: x.j2, dest: /etc/x}\n- copy: {src: x, dest: /x}\n"
    player.write({"site.yml": play(tasks, more), "templates/x.j2": "{{ text }}\n", "files/x": "x\n"})
    counted, real = [], VariableManager.get_vars

    def count(self: Any, **options: Any) -> dict[str, Any]:
        counted.append(options["task"].name)
        return real(self, **options)

    monkeypatch.setattr(VariableManager, "get_vars", count)
    assert player.read().assignments == ()
    assert counted == ["Ours"]


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ("  when: false", "its condition is false"),
        ("  when: inventory_hostname == 'db1'", "its condition is false"),
        ("  delegate_to: db1", "it is delegated to another host"),
        ("  when: gone is defined", "its condition is false"),
    ],
)
def test_what_does_not_come_to_this_host_is_said_with_its_reason(player: Player, task: str, reason: str) -> None:
    player.write({"site.yml": play(f"- command: sysctl -w {KEY}=1\n{task}")})
    (lowered,) = player.places(player.read()).values()
    assert lowered
    assert lowered.startswith(reason)


def test_a_handler_that_nothing_notifies_does_not_come_to_this_host(player: Player) -> None:
    handlers = f"  handlers:\n    - name: Net\n      command: sysctl -w {KEY}=1\n"
    tasks = "- debug:\n  notify: Other\n- debug:\n  notify: Net\n  changed_when: false"
    player.write({"site.yml": play(tasks) + handlers})
    assert list(player.places(player.read()).values()) == ["no task notifies this handler"]


def test_what_ran_before_counts_and_what_a_host_said_is_no_template(player: Player) -> None:
    player.write({"site.yml": play(f"- command: sysctl -w {KEY}={{{{ ran.stdout }}}}")})
    assert player.places(player.read()) == {"site.yml:5": "?"}
    assert player.places(player.read(ran={"stdout": "1"})) == {"site.yml:5": None}
    assert player.places(player.read(ran={"stdout": "0"})) == {}
    hostile = player.read(ran={"stdout": "{{ 1 }}"})
    assert [one.value for one in hostile.assignments] == ["{{"]


def test_lookups_of_the_play_are_not_run(player: Player, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    trap = f"{{{{ lookup('pipe', 'touch {marker}') }}}}"
    player.write({"site.yml": play(f'- command: sysctl -w {KEY}={{{{ it }}}}\n  vars:\n    it: "{trap}"')})
    assert player.places(player.read()) == {"site.yml:7": "?"}
    assert not marker.exists()


def test_an_encrypted_value_stays_encrypted() -> None:
    secret = EncryptedString(ciphertext="$ANSIBLE_VAULT;1.1;AES256\n00\n")
    made = known({"name": secret}, Position("x.yml", 3))
    assert "cannot" not in str(made["name"])
    assert "VAULT" not in str(made["name"])


def test_values_keep_their_types_and_get_a_place() -> None:
    around = Position("x.yml", 3)
    made = known({"a": [1, True, None, 1.5, "{{ x }}"]}, around)
    assert made == {"a": [1, True, None, 1.5, "{{ x }}"]}
    assert [position_of(one) for one in made["a"] if one is not None] == [around] * 4
    assert isinstance(made["a"][4], Unsafe)


def test_every_kind_of_assignment_is_one(player: Player) -> None:
    player.write({"site.yml": play(f"- command: sysctl -w {KEY}=1 net.ipv4.tcp_tw_reuse=1")})
    assert [type(one) for one in player.read().assignments] == [Assignment] * 2
