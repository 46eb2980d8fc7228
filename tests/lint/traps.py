# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a setting from coming into force, what only seems to, what only looks like a setting; and what becomes of
a value on its way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.lint.shapes import NAME
from tests.lint.trees import KEY, Tree, indented

#: An expression made of one. Braces stand for it.
TRANSFORMS: dict[str, str] = {
    "": "{}",
    "int": "{} | int",
    "string": "{} | string",
    "bool-int": "{} | bool | int",
    "default-0": "{} | default(0)",
    "default-quoted": "{} | default('0', true)",
    "default-1": "{} | default(1)",
    "default-omit": "{} | default(omit)",
    "trim": "{} | string | trim",
    "ternary": "({} | int != 0) | ternary('1', '0')",
    "if": "1 if {} | int == 1 else 0",
    "if-not": "0 if {} | int == 1 else 1",
    "join": "[{}] | join(' ')",
    "first": "[{}, 0] | first",
    "concatenated": "'' ~ {}",
    "format": "'%s' | format({})",
    "max": "[{} | int, 0] | max",
    "min": "[{} | int, 0] | min",
    "sum": "{} | int + 0",
    "replaced": "{} | string | replace('1', '0')",
    "mandatory": "{} | mandatory",
}
#: Of these, what comes out is what the expression itself holds.
DERIVED = ("ternary", "if", "if-not")
#: The same, over a variable of its own name only.
ACCESSES: dict[str, str] = {
    "vars": f"vars['{NAME}']",
    "lookup-vars": f"lookup('vars', '{NAME}')",
    "lookup-vars-fqcn": f"lookup('ansible.builtin.vars', '{NAME}', default=0)",
    "hostvars": f"hostvars[inventory_hostname].{NAME}",
    "hostvars-by-name": f"hostvars['h1']['{NAME}']",
}


@dataclass(frozen=True)
class Trap:
    apply: Callable[[Tree], None]
    #: "leads": a layout with a task that leads to the tasks; "absent": a form that can say so; "variable": the data are
    #: a variable's; "tasks": the tasks are in a list where another may follow; "role": in a role.
    needs: str = ""


def _nothing(_tree: Tree) -> None:
    """Nothing here."""


def _keywords(*keywords: str) -> Callable[[Tree], None]:
    """Further keywords of the task of interest."""

    def apply(tree: Tree) -> None:
        tree.task += indented(keywords)

    return apply


def _entry(*keywords: str) -> Callable[[Tree], None]:
    def apply(tree: Tree) -> None:
        tree.entry += keywords

    return apply


def _with_vars(variables: list[str], *keywords: str) -> Callable[[Tree], None]:
    def apply(tree: Tree) -> None:
        tree.play_vars += variables
        tree.task += indented(keywords)

    return apply


def _play(*keywords: str) -> Callable[[Tree], None]:
    def apply(tree: Tree) -> None:
        tree.play += keywords

    return apply


def _before(*tasks: str) -> Callable[[Tree], None]:
    def apply(tree: Tree) -> None:
        tree.before += tasks

    return apply


def _after(*tasks: str) -> Callable[[Tree], None]:
    def apply(tree: Tree) -> None:
        tree.after += tasks

    return apply


def _beside(path: str, *lines: str, below: str | None = "") -> Callable[[Tree], None]:
    """A file of the project that nothing uses."""

    def apply(tree: Tree) -> None:
        tree.add(path, lines, below)

    return apply


def _block(*keywords: str) -> Callable[[Tree], None]:
    """The task in a block with these keywords."""

    def apply(tree: Tree) -> None:
        tree.task = ["- name: As one", *indented(keywords), "  block:", *indented(tree.task, 4)]

    return apply


def _name_only(tree: Tree) -> None:
    tree.before += [
        f"- name: Set {KEY} = 1 on every host",
        "  debug:",
        f"    msg: sysctl -w {KEY}=1 is what we do not do",
    ]


def _task_comment(tree: Tree) -> None:
    tree.task += [f"  # value: 1  # {KEY}", f"  # - sysctl: name={KEY} value=1"]


def _commented_items(tree: Tree) -> None:
    """Behind each item of a list or dict that stands in the task: one that is switched off."""
    lines: list[str] = []
    for line in tree.task:
        margin = line[: len(line) - len(line.lstrip())]
        if line.lstrip().startswith("- ") and lines:
            lines.append(f"{margin}# - {{ name: '{KEY}', value: 1 }}")
        lines.append(line)
    tree.task = lines


def _overridden(path: str, *, below: str | None = "", value: str = "0") -> Callable[[Tree], None]:
    """Another value of the variable, where it counts for more or less."""

    def apply(tree: Tree) -> None:
        tree.add(path, [f"{NAME}: {value}"], below)

    return apply


def _never_used(tree: Tree) -> None:
    """The variables stay, the task goes."""
    tree.task = ["- name: Nothing", "  debug:", "    msg: nothing"]


def _handler_never_notified(tree: Tree) -> None:
    tree.handlers += tree.task
    tree.task = ["- name: Nothing", "  debug:", "    msg: nothing"]


def _handler_notified_by_nothing_new(tree: Tree) -> None:
    first, *rest = tree.task
    tree.handlers += ["- name: Set it later", *rest]
    tree.task = [first, "  command: 'true'", "  changed_when: false", "  notify: Set it later"]


def _set_fact_twice(tree: Tree) -> None:
    tree.before += ["- name: Again", "  set_fact:", f'    {NAME}: "{{{{ {NAME} }}}}"']


_SERVER = [
    "- name: Look",
    "  command: sysctl -n net.ipv4.tcp_fin_timeout",
    "  register: tcp_tw_recycle",
    "  changed_when: false",
]
TRAPS: dict[str, Trap] = {
    "": Trap(_nothing),
    # What keeps a task from running
    "when-false": Trap(_keywords("when: false")),
    "when-not-true": Trap(_keywords("when: not true")),
    "when-default-false": Trap(_keywords("when: net_recycle_wanted | default(false)")),
    "when-defined": Trap(_keywords("when: net_recycle_wanted is defined")),
    "when-list-false": Trap(
        _with_vars(["net_tuning: yes", "net_risky: no"], "when:", "  - net_tuning", "  - net_risky | bool")
    ),
    "when-variable-false": Trap(_with_vars(["net_risky: false"], "when: net_risky")),
    "when-compared": Trap(_with_vars(["net_profile: safe"], "when: net_profile == 'fast'")),
    "block-false": Trap(_block("when: net_risky | default(false) | bool"), "plain"),
    "lead-false": Trap(_entry("when: false"), "leads"),
    "lead-default-false": Trap(_entry("when: net_tuning | default(false)"), "leads"),
    "tags-never": Trap(_keywords("tags: never")),
    "tags-never-list": Trap(_keywords("tags: [net, never]")),
    "block-never": Trap(_block("tags:", "  - never"), "plain"),
    "never-used": Trap(_never_used, "variable"),
    "dead-handler": Trap(_handler_never_notified, "plain"),
    "idle-handler": Trap(_handler_notified_by_nothing_new, "plain"),
    "absent": Trap(_nothing, "absent"),
    "play-never": Trap(_play("tags: [never]")),
    # What decides which value it is
    "zero-of-higher-rank": Trap(_overridden("host_vars/h1.yml"), "scalar-below-host"),
    "zero-of-lower-rank": Trap(_overridden("group_vars/all.yml"), "scalar-above-all"),
    "one-of-lower-rank": Trap(_overridden("group_vars/all.yml", value="1"), "scalar-above-all"),
    "zero-in-defaults": Trap(_overridden("defaults/main.yml", below=None), "scalar-role"),
    "zero-for-others": Trap(_overridden("group_vars/db.yml"), "scalar-any"),
    "one-for-others": Trap(_overridden("host_vars/h2.yml", value="1"), "scalar-any"),
    "set-again": Trap(_set_fact_twice, "variable-outside-task"),
    # What keeps it from nothing
    "when-true": Trap(_keywords("when: true")),
    "when-variable-true": Trap(_with_vars(["net_tuning: yes"], "when: net_tuning | bool")),
    "when-default-true": Trap(_keywords("when: net_tuning | default(true)")),
    "when-not": Trap(_with_vars(["net_container: no"], "when: not net_container")),
    "when-compared-true": Trap(
        _with_vars(["net_profile: fast"], "when:", "  - net_profile == 'fast'", "  - net_profile in ['fast', 'web']")
    ),
    "when-host": Trap(_keywords("when: inventory_hostname in groups['web']")),
    "block-true": Trap(_block("when: not (net_safe | default(false))"), "plain"),
    "tags": Trap(_keywords("tags: [net, sysctl]")),
    "many-keywords": Trap(_keywords("become: no", "ignore_errors: yes", "register: net_result", "tags:", "  - net")),
    "play-keywords": Trap(_play("tags: [network]", "become: false", "any_errors_fatal: true")),
    "retried": Trap(_keywords("register: net_result", "retries: 1", "delay: 0"), "plain"),
    # What only looks like it
    "name-only": Trap(_name_only),
    "task-comment": Trap(_task_comment),
    "commented-items": Trap(_commented_items, "inline"),
    "registered": Trap(_before(*_SERVER)),
    "assert": Trap(
        _after(
            "- name: Check",
            "  assert:",
            "    that:",
            "      - true",
            f"    fail_msg: {KEY} = 1 breaks NAT",
            f"    success_msg: no {KEY}=1",
        )
    ),
    "grep": Trap(
        _after("- name: Look", f"  shell: grep -c '{KEY} = 1' /etc/sysctl.conf || true", "  changed_when: false")
    ),
    "stat": Trap(_before("- name: Look", "  stat:", "    path: /proc/sys/net/ipv4/tcp_tw_recycle", "  register: knob")),
    "read": Trap(_after("- name: Look", f"  command: sysctl {KEY}", "  changed_when: false", "  check_mode: no")),
    "neighbour": Trap(
        _after(
            "- name: Reuse",
            "  sysctl:",
            "    name: net.ipv4.tcp_tw_reuse",
            "    value: 1",
            "    sysctl_file: /etc/sysctl.d/reuse.conf",
        )
    ),
    "removal": Trap(
        _before(
            "- name: Away with it",
            f"  lineinfile: path=/etc/sysctl.d/old.conf regexp='{KEY}' line='{KEY} = 1' state=absent",
        )
    ),
    "module-absent": Trap(
        _before("- name: Away with it", f"  sysctl: name={KEY} value=1 state=absent sysctl_file=/etc/sysctl.d/old.conf")
    ),
    "readme": Trap(_beside("README.md", "# Tuning", "", f"We used to set `{KEY} = 1`:", "", f"    sysctl -w {KEY}=1")),
    "notes": Trap(
        _beside("docs/notes.yml", "# net.ipv4.tcp_tw_recycle: 1", "notes: tcp_tw_recycle is gone since 4.12")
    ),
    "unused-file": Trap(_beside("files/old.conf", f"{KEY} = 1", below=None)),
    "unused-template": Trap(_beside("templates/old.conf.j2", f"{KEY} = 1", below=None)),
    "unused-variable": Trap(_beside("vars/unused.yml", f"unused: {{{KEY}: 1}}")),
    "sed-to-zero": Trap(
        _after(
            "- name: Off",
            "  shell: test ! -f /etc/no-such || sed -i 's/tcp_tw_recycle = 1/tcp_tw_recycle = 0/' /etc/no-such",
        )
    ),
    "jinja-comment": Trap(_before("- name: Say", "  debug:", f'    msg: "{{# {KEY} = 1 #}}nothing"')),
}

#: The variable has another value, too: there.
SHADOWS = {
    f"shadow-{place}": place
    for place in (
        "play-vars",
        "vars_files",
        "group_vars-all",
        "group_vars-web",
        "host_vars",
        "inventory-ini-host",
        "inventory-ini-group",
        "inventory-yaml-all",
        "task-vars",
        "include_vars",
        "include_vars-file",
        "set_fact",
        "role-defaults",
        "role-vars",
        "role-parameter",
        "role-dependency",
    )
}
TRAPS |= {trap: Trap(_nothing) for trap in SHADOWS}
