# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where in a project the task of interest stands: each layout makes the playbook, and the files on the way to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.lint.trees import Tree, indented

#: The playbook to run, from the tree.
PLAYBOOK = "site.yml"
_CHANGE = ["- name: Something that changes", "  ansible.builtin.command: 'true'"]


@dataclass(frozen=True)
class Layout:
    base: str
    build: Callable[[Tree], None]
    #: Whether there is a task that leads to the tasks, which can have conditions and variables of its own.
    leads: bool = False
    #: Whether that task goes through the data, and the one of interest sees one item.
    loops: bool = False


def _tasks(tree: Tree) -> list[str]:
    return [*tree.before, *tree.task, *tree.after]


def _playbook(tree: Tree, sections: list[str], path: str = PLAYBOOK) -> None:
    lines = ["- name: Tune the network", "  hosts: web", "  gather_facts: false", *indented(tree.play)]
    if tree.play_vars:
        lines += ["  vars:", *indented(tree.play_vars, 4)]
    lines += indented(sections)
    if tree.handlers and "handlers:" not in sections:
        lines += ["  handlers:", *indented(tree.handlers, 4)]
    tree.add(path, lines, "")


def _section(name: str) -> Callable[[Tree], None]:
    def build(tree: Tree) -> None:
        _playbook(tree, [f"{name}:", *indented(_tasks(tree))])

    return build


def _block(keyword: str) -> Callable[[Tree], None]:
    def build(tree: Tree) -> None:
        first = "/bin/false" if keyword == "rescue" else "/bin/true"
        other = ["    - name: Something else", f"      ansible.builtin.command: {first}"]
        lines = ["- name: Together"]
        if keyword == "block":
            lines += [*indented(tree.entry), "  block:", *indented(_tasks(tree), 4)]
        else:
            lines += ["  block:", *other, f"  {keyword}:", *indented(_tasks(tree), 4)]
        _playbook(tree, ["tasks:", *indented(lines)])

    return build


def _handler(*, listen: bool) -> Callable[[Tree], None]:
    def build(tree: Tree) -> None:
        topic = "the network changes" if listen else "Set it"
        change = [*_CHANGE, f"  notify: {topic}"]
        task = [
            tree.task[0] if listen else "- name: Set it",
            *tree.task[1:],
            *([f"  listen: {topic}"] if listen else []),
        ]
        tree.handlers += task
        _playbook(tree, ["tasks:", *indented([*tree.before, *change, *tree.after])])

    return build


def _lead(tasks: str, *keywords: str) -> Callable[[Tree], None]:
    """A task that leads to the tasks in another file."""

    def build(tree: Tree) -> None:
        tree.add(tasks, _tasks(tree))
        lead = ["- name: Go there", *indented([*keywords, *tree.entry])]
        _playbook(tree, ["tasks:", *indented(lead)])

    return build


def _role_list(tree: Tree) -> None:
    tree.add("tasks/main.yml", _tasks(tree))
    if tree.handlers:
        tree.add("handlers/main.yml", tree.handlers)
        tree.handlers = []
    _playbook(tree, ["roles:", *indented(["- role: tune", *indented(tree.entry)])])


def _role_split(tree: Tree) -> None:
    tree.add("tasks/network.yml", _tasks(tree))
    tree.add("tasks/main.yml", ["- import_tasks: network.yml", *indented(tree.entry)])
    _playbook(tree, ["roles:", "  - tune"])


def _role_split_by_name(tree: Tree) -> None:
    tree.add("tasks/network.yml", _tasks(tree))
    lead = ['- include_tasks: "{{ item }}.yml"', "  loop:", "    - network", *indented(tree.entry)]
    tree.add("tasks/main.yml", lead)
    _playbook(tree, ["roles:", "  - { role: tune, tags: [net] }"])


def _role_handler(tree: Tree) -> None:
    tree.add("handlers/main.yml", ["- name: Set it", *tree.task[1:]])
    tree.add("tasks/main.yml", [*tree.before, *_CHANGE, "  notify:", "    - Set it", *tree.after])
    _playbook(tree, ["roles:", "  - role: tune"])


def _dependent_role(tree: Tree) -> None:
    tree.add("tasks/main.yml", _tasks(tree))
    if "roles/web/meta/main.yml" not in tree.files:
        tree.add("roles/web/meta/main.yml", ["dependencies:", "  - tune"], "")
    tree.add("roles/web/tasks/main.yml", ["- name: Say it", "  debug:", "    msg: web server"], "")
    _playbook(tree, ["roles:", "  - web"])


def _far_role(tree: Tree) -> None:
    tree.add("tasks/main.yaml", _tasks(tree))
    entry = ["- role: tune", *indented(tree.entry)]
    _playbook(tree, ["roles:", *indented(entry)], "ansible/playbooks/net.yml")
    tree.add(PLAYBOOK, ["- import_playbook: ansible/playbooks/net.yml"], "")


def _imported_playbook(tree: Tree) -> None:
    _playbook(tree, ["tasks:", *indented(_tasks(tree))], "playbooks/net.yml")
    tree.add(PLAYBOOK, ["- import_playbook: playbooks/net.yml"], "")


_ROLE = "roles/tune/"
LAYOUTS: dict[str, Layout] = {
    "play-tasks": Layout("", _section("tasks")),
    "play-pre_tasks": Layout("", _section("pre_tasks")),
    "play-post_tasks": Layout("", _section("post_tasks")),
    "play-block": Layout("", _block("block"), leads=True),
    "play-rescue": Layout("", _block("rescue")),
    "play-always": Layout("", _block("always")),
    "play-handler": Layout("", _handler(listen=False)),
    "play-handler-listen": Layout("", _handler(listen=True)),
    "imported-playbook": Layout("playbooks/", _imported_playbook),
    "include_tasks": Layout("", _lead("tasks/net.yml", "include_tasks: tasks/net.yml"), leads=True),
    "include_tasks-file": Layout(
        "", _lead("tasks/net.yml", "ansible.builtin.include_tasks:", "  file: tasks/net.yml"), leads=True
    ),
    "include_tasks-each": Layout("", _lead("tasks/one.yml", "include_tasks: tasks/one.yml"), leads=True, loops=True),
    "role-include-each": Layout(
        _ROLE, _lead("tasks/main.yml", "include_role:", "  name: tune"), leads=True, loops=True
    ),
    "import_tasks": Layout("", _lead("tasks/net.yml", "import_tasks: tasks/net.yml"), leads=True),
    "role-list": Layout(_ROLE, _role_list, leads=True),
    "role-list-far": Layout("ansible/playbooks/roles/tune/", _far_role, leads=True),
    "role-include": Layout(_ROLE, _lead("tasks/main.yml", "include_role:", "  name: tune", "  public: no"), leads=True),
    "role-import": Layout(
        _ROLE,
        _lead("tasks/main.yml", "ansible.builtin.import_role:", "  name: tune", "  allow_duplicates: true"),
        leads=True,
    ),
    "role-tasks_from": Layout(
        _ROLE, _lead("tasks/sysctl.yml", "include_role:", "  name: tune", "  tasks_from: sysctl"), leads=True
    ),
    "role-split": Layout(_ROLE, _role_split, leads=True),
    "role-split-by-name": Layout(_ROLE, _role_split_by_name, leads=True),
    "role-handler": Layout(_ROLE, _role_handler),
    "web-role": Layout(_ROLE, _dependent_role),
}
