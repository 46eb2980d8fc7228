# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Content to lint, as somebody with many roles has it: the sizes are those of roles on Galaxy, the words are not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

ROLES, PLAYBOOKS, HOSTS_WITH_VARIABLES, GROUPS = 70, 20, 90, 50

#: Every so many roles one sets kernel parameters, in one of three ways.
_SYSCTLS_EVERY = 10

_TASKS = """\
- name: Install packages of {role}
  ansible.builtin.package:
    name: "{{{{ {role}_packages }}}}"
    state: present
  notify: Restart {role}
- name: Create directories of {role}, {number}
  ansible.builtin.file:
    path: "{{{{ {role}_root }}}}/{{{{ item }}}}"
    state: directory
    owner: root
    group: root
    mode: "0755"
  loop: "{{{{ {role}_directories }}}}"
- name: Write configuration {number} of {role}
  ansible.builtin.template:
    src: main_{number}.conf.j2
    dest: /etc/{role}/main_{number}.conf
    owner: root
    group: root
    mode: "0640"
  when: {role}_configured | bool
  notify: Restart {role}
- name: Ask for the version of {role}
  ansible.builtin.command: /usr/sbin/{role} --version
  register: {role}_version
  changed_when: false
- name: Start {role}
  ansible.builtin.service:
    name: "{role}"
    state: started
    enabled: true
"""


def write(root: Path) -> int:
    """Writes the content below a directory. Gives the number of files."""
    number = 0
    for name, text in _files():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        number += 1
    return number


def _files() -> Iterator[tuple[str, str]]:
    for number in range(ROLES):
        yield from _role(f"role_{number:02}", number)
    for number in range(PLAYBOOKS):
        roles = [f"role_{(number * 7 + step) % ROLES:02}" for step in range(6)]
        listed = "".join(f"    - role: {role}\n" for role in roles)
        yield (
            f"playbook_{number:02}.yml",
            f"---\n- name: Playbook {number}\n  hosts: group_{number:02}\n  roles:\n{listed}",
        )
    for number in range(GROUPS):
        yield f"group_vars/group_{number:02}.yml", _variables(f"group_{number:02}", 20)
    for number in range(HOSTS_WITH_VARIABLES):
        yield f"host_vars/host_{number:05}.yml", _variables(f"host_{number:05}", 8)


def _variables(name: str, number: int) -> str:
    return "---\n" + "".join(f"{name}_variable_{item}: value {item} of {name}\n" for item in range(number))


def _role(role: str, number: int) -> Iterator[tuple[str, str]]:
    here = f"roles/{role}"
    imports = "".join(f"- name: Do part {part}\n  ansible.builtin.import_tasks: part_{part}.yml\n" for part in range(3))
    yield f"{here}/tasks/main.yml", f"---\n{imports}{_sysctls(role, number)}"
    for part in range(3):
        yield f"{here}/tasks/part_{part}.yml", "---\n" + _TASKS.format(role=role, number=part)
        yield f"{here}/templates/main_{part}.conf.j2", _template(role)
    yield (
        f"{here}/handlers/main.yml",
        (f"---\n- name: Restart {role}\n  ansible.builtin.service:\n    name: {role}\n    state: restarted\n"),
    )
    listed = "".join(f"  - {role}-{item}\n" for item in range(5))
    yield (
        f"{here}/defaults/main.yml",
        (
            f"---\n{role}_packages:\n{listed}{role}_directories:\n{listed}{role}_root: /srv/{role}\n"
            f"{role}_configured: true\n{role}_port: {8000 + number}\n{_defaults(role, number)}"
        ),
    )
    yield f"{here}/vars/main.yml", _variables(f"{role}_internal", 10)
    yield (
        f"{here}/meta/main.yml",
        (
            f"---\ngalaxy_info:\n  author: somebody\n  description: Role {role}\n  license: MIT\n"
            '  min_ansible_version: "2.16"\n  platforms:\n    - name: Debian\n      versions: [all]\ndependencies: []\n'
        ),
    )
    yield f"{here}/README.md", f"# {role}\n\nSets up {role}. Never set `net.ipv4.tcp_tw_recycle`.\n" + "Words.\n" * 40
    recycle = "net.ipv4.tcp_tw_recycle = 1\n" if number % _SYSCTLS_EVERY == 1 else ""
    yield f"{here}/files/{role}.conf", "".join(f"setting_{item} = {item}\n" for item in range(40)) + recycle


def _template(role: str) -> str:
    line = f"{{% if {role}_configured %}}\nlisten = {{{{ {role}_port }}}}\n{{% endif %}}\n"
    return "# {{ ansible_managed }}\n" + line * 10


def _sysctls(role: str, number: int) -> str:
    if number % _SYSCTLS_EVERY == 0:
        return (
            "- name: Set kernel parameters\n  ansible.posix.sysctl:\n"
            '    name: "{{ item.key }}"\n    value: "{{ item.value }}"\n'
            f'  loop: "{{{{ {role}_sysctls | dict2items }}}}"\n'
        )
    if number % _SYSCTLS_EVERY == 1:
        return (
            f"- name: Copy kernel parameters\n  ansible.builtin.copy:\n    src: {role}.conf\n"
            f'    dest: /etc/sysctl.d/{role}.conf\n    mode: "0644"\n'
        )
    return ""


def _defaults(role: str, number: int) -> str:
    if number % _SYSCTLS_EVERY:
        return ""
    return f"{role}_sysctls:\n  net.ipv4.tcp_tw_reuse: 1\n  net.ipv4.tcp_tw_recycle: {number // _SYSCTLS_EVERY % 2}\n"


def write_inventory(root: Path, hosts: int) -> None:
    """Hosts in groups, each group with a file of variables; one in ten is public."""
    groups: dict[str, list[str]] = {"all": []}
    for number in range(hosts):
        name = f"host_{number:05}"
        groups.setdefault(f"group_{number % GROUPS:02}", []).append(name)
        groups.setdefault("public_facing" if number % 10 == 0 else "private", []).append(name)
        groups["all"].append(f"{name} ansible_host=10.0.{number // 250}.{number % 250}")
    text = "".join(f"[{group}]\n" + "".join(f"{line}\n" for line in lines) + "\n" for group, lines in groups.items())
    (root / "inventory.ini").write_text(text, encoding="utf-8")


def write_config(root: Path, name: str, **settings: object) -> Path:
    """A configuration of ansible-lint; JSON is YAML."""
    path = root / name
    path.write_text(json.dumps(settings), encoding="utf-8")
    return path
