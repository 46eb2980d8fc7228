# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms: what brings a setting to a host. Each makes the keywords of a task, and the files that it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.lint.shapes import Item
from tests.lint.trees import Tree

Make = Callable[[Tree, Item], list[str]]
CONF = "/etc/sysctl.d/90-net.conf"
PROC = "/proc/sys/net/ipv4/tcp_tw_recycle"


@dataclass(frozen=True)
class Sink:
    """A form, and what it ``needs``:

    - "literal": the value stands in a file that nothing renders;
    - "fixed": the form itself names the key, so that there is nothing to loop over;
    - "loop", "no-loop"; "rows": it goes through all of the data by itself;
    - "dotted": the key becomes a part of a name; "no-whole": key and value are apart; "literal-key".
    """

    make: Make
    needs: str = ""
    #: With ``state: absent`` in place of this line, nothing is set.
    absent: str = ""


def lines(*keywords: str) -> Make:
    """Keywords in which {key}, {value} are scalars of YAML, {k}, {v} texts, {k=v}, {k = v} both."""

    def make(_tree: Tree, item: Item) -> list[str]:
        return [fill(line, item) for line in keywords]

    return make


def fill(line: str, item: Item) -> str:
    holes = {"{key}": item.key.yaml, "{value}": item.value.yaml, "{k}": item.key.text, "{v}": item.value.text}
    holes |= {"{k=v}": item.pair("="), "{k = v}": item.pair(" = ")}
    for hole, filling in holes.items():
        line = line.replace(hole, filling)
    return line


def had(text: str, *lines: str) -> Make:
    """The same on a host that has the setting already."""

    def make(tree: Tree, item: Item) -> list[str]:
        tree.etc["sysctl.conf"] = text.replace("{k}", item.spelled)
        return [fill(line, item) for line in lines]

    return make


def file_and(path: str, text: list[str], *lines: str) -> Make:
    """With a file of the project."""

    def make(tree: Tree, item: Item) -> list[str]:
        tree.add(path, [fill(line, item) for line in text])
        return [fill(line, item) for line in lines]

    return make


def _module_defaults(tree: Tree, item: Item) -> list[str]:
    tree.play += ["module_defaults:", "  ansible.posix.sysctl:", f"    value: {item.value.yaml}"]
    return ["ansible.posix.sysctl:", f"  name: {item.key.yaml}"]


OLD_OFF = "# tuned\nnet.core.somaxconn = 1024\n{k} = 0\nnet.ipv4.tcp_fin_timeout = 30\n"

MODULES: dict[str, Sink] = {
    # The sysctl modules
    "sysctl": Sink(
        lines("sysctl:", "  name: {key}", "  value: {value}", "  state: present"), absent="  state: present"
    ),
    "sysctl-fqcn": Sink(
        lines(
            "ansible.posix.sysctl:",
            "  name: {key}",
            "  value: {value}",
            "  sysctl_set: true",
            "  state: present",
            "  reload: true",
        ),
        absent="  state: present",
    ),
    "sysctl-value-first": Sink(lines("sysctl:", "  value: {value}", f"  sysctl_file: {CONF}", "  name: {key}")),
    "sysctl-aliases": Sink(lines("ansible.posix.sysctl:", "  key: {key}", "  val: {value}", "  ignoreerrors: yes")),
    "sysctl-args": Sink(lines("sysctl:", "args:", "  name: {key}", "  value: {value}")),
    "sysctl-flow": Sink(lines("sysctl: { name: {key}, value: {value}, reload: no, sysctl_set: yes }")),
    "sysctl-kv": Sink(lines('sysctl: name="{k}" value="{v}" state=present reload=yes'), absent="state=present"),
    "sysctl-kv-folded": Sink(lines("sysctl: >", '  name="{k}"', '  value="{v}"', "  state=present")),
    "sysctl-kv-string": Sink(lines('ansible.posix.sysctl: "name={k} value={v}"')),
    "sysctl-kv-bare": Sink(lines("sysctl: name={k} value={v} sysctl_set=yes")),
    "sysctl-action": Sink(lines("action: sysctl name={k} value={v}")),
    "sysctl-action-fqcn": Sink(lines("action: ansible.posix.sysctl name={k} value={v} state=present")),
    "sysctl-action-dict": Sink(lines("action:", "  module: sysctl", "  name: {key}", "  value: {value}")),
    "sysctl-module_defaults": Sink(_module_defaults, needs="fixed"),
    "sysctl-local_action": Sink(lines("local_action: sysctl name={k} value={v}")),
    "sysctl-local_action-dict": Sink(
        lines("local_action:", "  module: ansible.posix.sysctl", "  name: {key}", "  value: {value}")
    ),
    # One line of a file
    "lineinfile": Sink(
        lines("lineinfile:", "  path: /etc/sysctl.conf", '  line: "{k = v}"', "  state: present"),
        absent="  state: present",
    ),
    "lineinfile-regexp": Sink(
        had(
            OLD_OFF,
            "ansible.builtin.lineinfile:",
            "  dest: /etc/sysctl.conf",
            '  regexp: "^{k}"',
            '  line: "{k=v}"',
        )
    ),
    "lineinfile-new-file": Sink(
        lines("lineinfile:", f"  path: {CONF}", '  line: "{k=v}"', "  create: yes", "  mode: '0644'")
    ),
    "lineinfile-kv": Sink(
        lines('lineinfile: dest=/etc/sysctl.conf line="{k=v}" state=present'), absent="state=present"
    ),
    "lineinfile-backrefs": Sink(
        had(
            OLD_OFF,
            "lineinfile:",
            "  path: /etc/sysctl.conf",
            "  backrefs: yes",
            r"  regexp: '^(net.ipv4.tcp_tw_recycle)\s*='",
            r'  line: "\\1 = {v}"',
        ),
        needs="fixed",
    ),
    "lineinfile-after": Sink(
        lines("lineinfile:", "  path: /etc/sysctl.conf", "  insertafter: EOF", '  line: "{k = v}"', "  backup: no")
    ),
    "ini_file": Sink(
        lines(
            "community.general.ini_file:",
            f"  path: {CONF}",
            "  option: {key}",
            '  value: "{v}"',
            "  state: present",
            "  mode: '0644'",
        ),
        absent="  state: present",
    ),
    "ini_file-tuned": Sink(
        lines(
            "ini_file:",
            "  dest: /etc/tuned/web/tuned.conf",
            "  section: sysctl",
            "  option: {key}",
            '  value: "{v}"',
            "  mode: '0644'",
        )
    ),
}
