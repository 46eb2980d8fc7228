# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a variable comes from: each place puts the declaration of one into a tree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.lint.trees import Tree, declared, indented

#: Adds a variable with these lines of data; the last is its name.
Declare = Callable[[Tree, list[str], str], None]


@dataclass(frozen=True)
class Place:
    declare: Declare
    #: The layouts that it makes sense in, by the beginning of their names.
    layouts: tuple[str, ...] = ("",)
    #: Whether it can hold one scalar only.
    scalar: bool = False
    #: What data that it can hold begin with.
    of: str = ""


def _file(path: str, *, below: str | None = None) -> Declare:
    def declare(tree: Tree, data: list[str], name: str) -> None:
        tree.add(
            path, ["# Values for the fleet.", "net_owner: operations", *declared(name, data), "net_debug: no"], below
        )

    return declare


def _vars_file(path: str, *play: str) -> Declare:
    def declare(tree: Tree, data: list[str], name: str) -> None:
        tree.add(path, ["net_owner: operations", *declared(name, data)], tree.playbooks)
        tree.play += play

    return declare


def _play_vars(tree: Tree, data: list[str], name: str) -> None:
    tree.play_vars += ["net_owner: operations", *declared(name, data)]


def _task_vars(tree: Tree, data: list[str], name: str) -> None:
    tree.task += ["  vars:", *indented(declared(name, data), 4)]


def _entry(tree: Tree, data: list[str], name: str) -> None:
    """Parameters of the role, or variables of the task that leads to the tasks."""
    tree.entry += ["vars:", *indented(declared(name, data))]


def _old_parameter(tree: Tree, data: list[str], name: str) -> None:
    tree.entry += declared(name, data)


def _inventory_yaml(where: str) -> Declare:
    def declare(tree: Tree, data: list[str], name: str) -> None:
        tree.inventory_name = "hosts.yml"
        variables = ["vars:", *indented(declared(name, data))]
        hosts = ["hosts:", "  h1:", *(indented(declared(name, data), 4) if where == "host" else [])]
        web = [*hosts, *(variables if where == "group" else [])]
        tree.inventory = ["all:", *indented(["children:", "  web:", *indented(web, 4)])]
        tree.inventory += indented(variables) if where == "all" else []

    return declare


def _inventory_ini(where: str) -> Declare:
    def declare(tree: Tree, data: list[str], name: str) -> None:
        (value,) = data
        beside = f" {name}={value}" if where == "host" else ""
        section = [] if where == "host" else ["", f"[{where}:vars]", "net_owner=operations", f"{name}={value}"]
        tree.inventory = ["[web]", f"h1{beside}", "", "[db]", "h2", *section]

    return declare


def _include_vars(path: str, arguments: list[str]) -> Declare:
    def declare(tree: Tree, data: list[str], name: str) -> None:
        tree.add(path, ["# Read when the tasks run.", *declared(name, data)])
        tree.before += ["- name: Read the settings", *indented(arguments)]

    return declare


def _set_fact(*, module: str) -> Declare:
    def declare(tree: Tree, data: list[str], name: str) -> None:
        tree.before += ["- name: Prepare the settings", f"  {module}:", *indented(declared(name, data), 4)]

    return declare


def _dependency(tree: Tree, data: list[str], name: str) -> None:
    tree.add(
        "roles/web/meta/main.yml",
        ["dependencies:", "  - role: tune", "    vars:", *indented(declared(name, data), 6)],
        "",
    )


def _parent_group(tree: Tree, data: list[str], name: str) -> None:
    tree.add("group_vars/fleet.yml", declared(name, data), "")
    tree.inventory += ["", "[fleet:children]", "web"]


def _by_stage(*, vars_files: bool) -> Declare:
    """In a file of variables whose name another variable tells."""

    def declare(tree: Tree, data: list[str], name: str) -> None:
        below = tree.playbooks if vars_files else tree.base
        tree.add("vars/production.yml", declared(name, data), below)
        tree.play_vars += ["net_stage: production"]
        file = '"vars/{{ net_stage }}.yml"'
        if vars_files:
            tree.play += ["vars_files:", f"  - {file}"]
        else:
            tree.before += ["- name: Settings of the stage", f"  include_vars: {file}"]

    return declare


def _through(outer: Declare, inner: Declare) -> Declare:
    """A variable that is another one."""

    def declare(tree: Tree, data: list[str], name: str) -> None:
        inner(tree, data, "fleet_settings")
        outer(tree, ['"{{ fleet_settings }}"'], name)

    return declare


def _gathered(*, of: str) -> Declare:
    """A variable that earlier tasks put together, item by item."""

    def declare(tree: Tree, data: list[str], name: str) -> None:
        tree.play_vars += declared("fleet_settings", data)
        first, piece = ("[]", "+ [item]") if of == "list" else ("{}", "| combine({item.key: item.value})")
        loop = "{{ fleet_settings }}" if of == "list" else "{{ fleet_settings | dict2items }}"
        tree.before += ["- name: Gather", "  set_fact:", f'    {name}: "{{{{ {name} | default({first}) {piece} }}}}"']
        tree.before += [f'  loop: "{loop}"']

    return declare


_ROLE = ("role", "web-role")
_TASKS = ("include_tasks", "import_tasks")
PLACES: dict[str, Place] = {
    "play-vars": Place(_play_vars),
    "vars_files": Place(_vars_file("vars/net.yml", "vars_files:", "  - vars/net.yml")),
    "vars_files-string": Place(_vars_file("vars/net", "vars_files: vars/net")),
    "vars_files-first": Place(_vars_file("vars/net.yaml", "vars_files:", "  - [vars/none.yml, vars/net.yaml]")),
    "group_vars-all": Place(_file("group_vars/all.yml", below="")),
    "group_vars-all-bare": Place(_file("group_vars/all", below="")),
    "group_vars-all-directory": Place(_file("group_vars/all/net.yml", below="")),
    "group_vars-web": Place(_file("group_vars/web.yml", below="")),
    "group_vars-web-bare": Place(_file("group_vars/web", below="")),
    "group_vars-web-yaml": Place(_file("group_vars/web/10-net.yaml", below="")),
    "host_vars": Place(_file("host_vars/h1.yml", below="")),
    "host_vars-directory": Place(_file("host_vars/h1/net.yml", below="")),
    "inventory-yaml-host": Place(_inventory_yaml("host")),
    "inventory-yaml-group": Place(_inventory_yaml("group")),
    "inventory-yaml-all": Place(_inventory_yaml("all")),
    "inventory-ini-host": Place(_inventory_ini("host"), scalar=True),
    "inventory-ini-group": Place(_inventory_ini("web"), scalar=True),
    "inventory-ini-all": Place(_inventory_ini("all"), scalar=True),
    "task-vars": Place(_task_vars),
    "include_vars": Place(_include_vars("vars/extra.yml", ["include_vars: extra.yml"]), ("role",)),
    "include_vars-file": Place(
        _include_vars("vars/extra.yml", ["ansible.builtin.include_vars:", "  file: vars/extra.yml"]), ("play",)
    ),
    "include_vars-directory": Place(
        _include_vars("vars/extra/net.yml", ["include_vars:", "  dir: vars/extra"]), ("play", "role")
    ),
    "include_vars-first": Place(
        _include_vars(
            "vars/extra.yml",
            [
                'include_vars: "{{ item }}"',
                "with_first_found:",
                '  - "{{ role_path }}/vars/no-such.yml"',
                '  - "{{ role_path }}/vars/extra.yml"',
            ],
        ),
        ("role",),
    ),
    "set_fact": Place(_set_fact(module="set_fact")),
    "set_fact-long": Place(_set_fact(module="ansible.builtin.set_fact")),
    "role-defaults": Place(_file("defaults/main.yml"), _ROLE),
    "role-defaults-yaml": Place(_file("defaults/main.yaml"), _ROLE),
    "role-defaults-directory": Place(_file("defaults/main/net.yml"), _ROLE),
    "role-vars": Place(_file("vars/main.yml"), _ROLE),
    "role-parameter": Place(_entry, ("role-list", "role-include", "role-import", "role-tasks_from")),
    "role-parameter-old": Place(_old_parameter, ("role-list",)),
    "role-dependency": Place(_dependency, ("web-role",)),
    "include-vars": Place(_entry, _TASKS),
    "parent-group": Place(_parent_group),
    "stage-include_vars": Place(_by_stage(vars_files=False), ("play", "role")),
    "stage-vars_files": Place(_by_stage(vars_files=True)),
    "defaults-of-group": Place(_through(_file("defaults/main.yml"), _file("group_vars/all.yml", below="")), _ROLE),
    "play-of-defaults": Place(_through(_play_vars, _file("defaults/main.yml")), ("role-list", "web-role")),
    "task-of-host": Place(_through(_task_vars, _file("host_vars/h1.yml", below=""))),
    "fact-of-group": Place(_through(_set_fact(module="set_fact"), _file("group_vars/web.yml", below=""))),
    "gathered-list": Place(_gathered(of="list"), of="- "),
    "gathered-dict": Place(_gathered(of="dict"), of="net"),
    "parameter-of-play": Place(_through(_entry, _play_vars), ("role-list", "role-include", "role-tasks_from")),
}
