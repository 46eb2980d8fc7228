# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Content of which the lint once said otherwise than ansible-playbook did: one example of each kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lint.agreement import reported

Lint = Callable[[dict[str, str]], dict[str, set[tuple[str, int]]]]
PLAY = "- hosts: web\n  tasks:\n"
BY_ITEM = '    - sysctl: {name: "{{ item.key }}", value: "{{ item.value }}"}\n      with_dict: "{{ settings }}"\n'


@pytest.fixture
def lint(tmp_path: Path) -> Lint:
    """Where the lint sees recycle on in a tree of these files."""

    def run(files: dict[str, str]) -> dict[str, set[tuple[str, int]]]:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return {kind: where for kind, where in reported(tmp_path).items() if where}

    return run


def test_a_template_in_a_variable_that_nothing_uses_is_no_value(lint: Lint) -> None:
    variables = 'wanted: 0\nsettings:\n  net.ipv4.tcp_tw_recycle: "{{ wanted }}"\n'
    assert lint({"roles/a/defaults/main.yml": variables}) == {}


def test_a_pattern_of_files_finds_those_of_the_role(lint: Lint) -> None:
    tasks = '- copy: {src: "{{ item }}", dest: /etc/sysctl.d/}\n  with_fileglob: conf/*.conf\n'
    files = {"tasks/main.yml": tasks, "files/conf/a.conf": "#\nnet.ipv4.tcp_tw_recycle = 1\n", "files/conf/README": ""}
    assert lint({f"roles/a/{name}": text for name, text in files.items()}) == {
        "set": {("roles/a/files/conf/a.conf", 2)}
    }


def test_data_read_from_a_file_stand_in_that_file(lint: Lint) -> None:
    play = "    - k8s:\n        definition: \"{{ lookup('file', 'pod.yml') | from_yaml }}\"\n"
    pod = "kind: Pod\nspec:\n  securityContext:\n    sysctls:\n"
    pod += "      - name: net.ipv4.tcp_tw_recycle\n        value: '1'\n"
    assert lint({"site.yml": PLAY + play, "files/pod.yml": pod}) == {"set": {("files/pod.yml", 6)}}


def test_what_cannot_be_decided_stands_where_the_unknown_name_does(lint: Lint) -> None:
    play = '    - sysctl:\n        name: net.ipv4.tcp_tw_recycle\n        value: "{{ outer }}"\n'
    line = '    - lineinfile: {path: /etc/sysctl.conf, line: "net.ipv4.tcp_tw_recycle = {{ outer }}"}\n'
    variables = 'first: 1\nouter: "{{ inner }}"\n'
    for task in (play, line):
        assert lint({"site.yml": PLAY + task, "group_vars/all.yml": variables}) == {
            "undecided": {("group_vars/all.yml", 2)}
        }


def test_what_a_template_puts_before_an_item_is_a_part_of_the_key(lint: Lint) -> None:
    task = "    - command: sysctl -w {{ 'net.ipv4.' ~ item.name }}={{ item.value }}\n"
    loop = "      loop:\n        - {name: tcp_tw_recycle, value: 1}\n"
    assert lint({"site.yml": PLAY + task + loop}) == {"set": {("site.yml", 5)}}


@pytest.mark.parametrize("who", ["inventory_hostname", "'h1'"])
def test_a_variable_of_hostvars_is_a_variable(lint: Lint, who: str) -> None:
    task = f'    - sysctl: {{name: net.ipv4.tcp_tw_recycle, value: "{{{{ hostvars[{who}].wanted }}}}"}}\n'
    files = {"site.yml": PLAY + task, "group_vars/web.yml": "wanted: 1\n"}
    assert lint(files) == {"set": {("group_vars/web.yml", 1)}}


def test_a_word_of_a_command_is_looked_into_where_its_value_stands(lint: Lint) -> None:
    task = '    - command:\n        argv: [sysctl, -w, "net.ipv4.tcp_tw_recycle={{ wanted }}"]\n'
    assert lint({"site.yml": PLAY + task, "group_vars/all": "wanted: 1\n"}) == {"set": {("group_vars/all", 1)}}


def test_a_replacement_may_leave_the_beginning_of_the_key_as_it_is(lint: Lint) -> None:
    task = "    - replace: {path: /etc/sysctl.conf, regexp: 'tcp_tw_recycle = 0', replace: 'tcp_tw_recycle = 1'}\n"
    assert lint({"site.yml": PLAY + task}) == {"set": {("site.yml", 3)}}


def test_a_handler_runs_when_it_is_notified_whatever_its_tags_are(lint: Lint) -> None:
    play = "    - command: /bin/true\n      notify: set\n  handlers:\n"
    handler = "    - name: set\n      sysctl: {name: net.ipv4.tcp_tw_recycle, value: 1}\n      tags: never\n"
    assert lint({"site.yml": PLAY + play + handler}) == {"set": {("site.yml", 7)}}


def test_a_task_that_never_changes_anything_notifies_nobody(lint: Lint) -> None:
    play = "    - command: /bin/true\n      changed_when: false\n      notify: set\n  handlers:\n"
    handler = "    - name: set\n      sysctl: {name: net.ipv4.tcp_tw_recycle, value: 1}\n"
    assert lint({"site.yml": PLAY + play + handler}) == {"lowered": {("site.yml", 8)}}


def test_a_block_notifies_for_its_tasks(lint: Lint) -> None:
    play = "    - notify: set\n      block:\n        - command: /bin/true\n  handlers:\n"
    handler = "    - name: set\n      sysctl: {name: net.ipv4.tcp_tw_recycle, value: 1}\n"
    assert lint({"site.yml": PLAY + play + handler}) == {"set": {("site.yml", 8)}}


def test_a_sum_stands_where_its_variable_does(lint: Lint) -> None:
    task = '    - sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ wanted | int + 0 }}"}\n'
    assert lint({"site.yml": PLAY + task, "group_vars/web": "wanted: 1\n"}) == {"set": {("group_vars/web", 1)}}


def test_a_number_of_an_inventory_is_a_number(lint: Lint) -> None:
    task = '    - sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ wanted | int }}"}\n'
    files = {"site.yml": PLAY + task, "hosts": "[web]\nh1 wanted=0x1\n"}
    assert lint(files) == {"set": {("hosts", 2)}}


@pytest.mark.parametrize("lines", ["settings.split('\\n')", "settings.splitlines()", "settings | split('\\n')"])
def test_each_line_of_a_text_stands_where_it_is_written(lint: Lint, lines: str) -> None:
    task = f'    - command: sysctl -w {{{{ item }}}}\n      loop: "{{{{ {lines} }}}}"\n'
    variables = "settings: |-\n  net.core.somaxconn=1024\n  net.ipv4.tcp_tw_recycle=1\n"
    assert lint({"site.yml": PLAY + task, "group_vars/web": variables}) == {"set": {("group_vars/web", 3)}}


def test_a_file_for_all_groups_beats_the_inventory_itself(lint: Lint) -> None:
    task = '    - sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ wanted }}"}\n'
    files = {"site.yml": PLAY + task, "hosts": "[web]\nh1\n[web:vars]\nwanted=1\n", "group_vars/all": "wanted: 0\n"}
    assert lint(files) == {}
