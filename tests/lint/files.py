# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms that are files, or pieces of files."""

from __future__ import annotations

from tests.lint.shapes import Item
from tests.lint.sinks import CONF, OLD_OFF, Make, Sink, file_and, fill, had, lines
from tests.lint.trees import Tree, indented

_CONF = ["# Managed by hand no more", "net.core.somaxconn = 1024", "{k = v}", "net.ipv4.tcp_fin_timeout = 30"]
_TO_CONF = (f"  dest: {CONF}", "  mode: '0644'")


def _rows(path: str, *lines: str, before: tuple[str, ...] = (), after: tuple[str, ...] = ()) -> Make:
    """With a template that goes through the data where there is something to go through."""

    def make(tree: Tree, item: Item) -> list[str]:
        text = item.pair(" = ").split("\n")
        if item.rows:
            text = [f"{{% {item.rows} %}}", *text, "{% endfor %}"]
        tree.add(path, [*before, *text, *after])
        return [fill(line, item) for line in lines]

    return make


def _content(*head: str) -> Make:
    """A text in the task itself that goes through the data."""

    def make(_tree: Tree, item: Item) -> list[str]:
        text = [item.pair(" = ")]
        if item.rows:
            text = [f"{{% {item.rows} %}}", *text, "{% endfor %}"]
        return [*head, *indented(text, 4)]

    return make


def _copied_and_appended(tree: Tree, item: Item) -> list[str]:
    tree.add("files/net.conf", [fill(line, item) for line in _CONF])
    tree.after += ["- name: Append it", "  shell: cat /etc/net-settings >> /etc/sysctl.conf"]
    return ["copy: src=net.conf dest=/etc/net-settings"]


FILES: dict[str, Sink] = {
    # A piece of a file, or a whole one
    "blockinfile": Sink(
        lines(
            "blockinfile:",
            "  path: /etc/sysctl.conf",
            "  block: |",
            "    net.core.somaxconn = 1024",
            "    {k = v}",
            "    net.ipv4.tcp_rfc1337 = 1",
        ),
        needs="no-loop",
    ),
    "blockinfile-marked": Sink(
        lines(
            "ansible.builtin.blockinfile:",
            "  dest: /etc/sysctl.conf",
            '  marker: "# {mark} {k}"',
            '  content: "{k = v}"',
        ),
        needs="loop",
    ),
    "replace": Sink(
        had(
            OLD_OFF,
            "replace:",
            "  path: /etc/sysctl.conf",
            r"  regexp: '^net.ipv4.tcp_tw_recycle\s*=.*$'",
            '  replace: "{k = v}"',
        ),
        needs="fixed",
    ),
    "replace-number": Sink(
        had(
            OLD_OFF,
            "ansible.builtin.replace:",
            "  path: /etc/sysctl.conf",
            "  regexp: 'tcp_tw_recycle = 0'",
            '  replace: "tcp_tw_recycle = {v}"',
        ),
        needs="fixed",
    ),
    "copy-content": Sink(lines("copy:", *_TO_CONF, "  content: |", *indented(_CONF, 4)), needs="no-loop"),
    "copy-content-line": Sink(lines("ansible.builtin.copy:", '  content: "{k = v}\\n"', *_TO_CONF), needs="no-loop"),
    "copy-content-folded": Sink(lines("copy:", *_TO_CONF, "  content: >-", "    {k = v}"), needs="no-loop"),
    "copy-content-rows": Sink(_content("copy:", *_TO_CONF, "  content: |"), needs="rows"),
    "blockinfile-rows": Sink(_content("blockinfile:", "  path: /etc/sysctl.conf", "  block: |"), needs="rows"),
    "copy-content-file-each": Sink(
        lines("copy:", '  dest: "/etc/sysctl.d/{k}.conf"', '  content: "{k=v}\\n"', "  mode: '0644'"), needs="dotted"
    ),
    "copy-lookup-template": Sink(
        _rows("templates/net.conf.j2", "copy:", "  content: \"{{ lookup('template', 'net.conf.j2') }}\"", *_TO_CONF),
        needs="rows",
    ),
    "blockinfile-lookup-template": Sink(
        _rows(
            "templates/net.conf",
            "blockinfile:",
            "  path: /etc/sysctl.conf",
            "  block: \"{{ lookup('template', 'net.conf') }}\"",
        ),
        needs="rows",
    ),
    "blockinfile-lookup-file": Sink(
        file_and(
            "files/net.conf",
            _CONF,
            "blockinfile:",
            "  path: /etc/sysctl.conf",
            "  block: \"{{ lookup('file', 'net.conf') }}\"",
        ),
        needs="literal",
    ),
    "template": Sink(_rows("templates/net.conf.j2", "template:", "  src: net.conf.j2", *_TO_CONF), needs="rows"),
    "template-kv": Sink(
        _rows(
            "templates/sysctl.conf",
            f"template: src=sysctl.conf dest={CONF} mode=0644",
            before=("# {{ ansible_managed }}",),
        ),
        needs="rows",
    ),
    "template-beside": Sink(
        _rows(
            "templates/etc/net.j2",
            "ansible.builtin.template:",
            "  src: templates/etc/net.j2",
            f"  dest: {CONF}",
            before=("{# tcp_tw_recycle = 1 would be wrong #}", "{% set unused = 1 %}"),
            after=("net.core.somaxconn = {{ net_backlog | default(1024) }}",),
        ),
        needs="rows",
    ),
    "template-destination": Sink(
        _rows(
            "templates/99-net.conf.j2",
            "template:",
            '  src: "{{ net_file }}.j2"',
            '  dest: "{{ net_directory }}/{{ net_file }}"',
            "vars:",
            "  net_directory: /etc/sysctl.d",
            "  net_file: 99-net.conf",
        ),
        needs="rows-no-vars",
    ),
    "template-if": Sink(
        _rows(
            "templates/net.conf.j2",
            "template: {src: net.conf.j2, dest: /etc/sysctl.conf}",
            before=("{% if net_tuning | default(true) %}",),
            after=("{% else %}", "net.ipv4.tcp_tw_recycle = 0", "{% endif %}"),
        ),
        needs="rows",
    ),
    "template-if-not": Sink(
        _rows(
            "templates/net.conf.j2",
            "template: {src: net.conf.j2, dest: /etc/sysctl.conf}",
            before=("net.core.somaxconn = 1024", "{% if net_tuning is defined and net_tuning %}"),
            after=("{% endif %}",),
        ),
        needs="rows",
    ),
    "template-macro": Sink(
        _rows(
            "templates/net.conf.j2",
            "template: {src: net.conf.j2, dest: /etc/sysctl.conf}",
            before=(
                "{%- macro line(name, value) -%}",
                "{{ name }} = {{ value }}",
                "{%- endmacro -%}",
                "{{ line('net.core.somaxconn', 1024) }}",
            ),
        ),
        needs="rows",
    ),
    "template-unit": Sink(
        file_and(
            "templates/net.service.j2",
            [
                "[Unit]",
                "Description=Network settings",
                "",
                "[Service]",
                "Type=oneshot",
                "ExecStart=/sbin/sysctl -w {k=v}",
            ],
            "template: {src: net.service.j2, dest: /etc/systemd/system/net.service}",
        ),
        needs="fixed",
    ),
    # Files as they are
    "copy": Sink(file_and("files/net.conf", _CONF, "copy:", "  src: net.conf", *_TO_CONF), needs="literal"),
    "copy-kv": Sink(
        file_and("files/sysctl.conf", _CONF, "copy: src=sysctl.conf dest=/etc/sysctl.conf mode=0644"), needs="literal"
    ),
    "copy-beside": Sink(
        file_and(
            "files/etc/net.conf", _CONF, "ansible.builtin.copy:", "  src: files/etc/net.conf", "  dest: /etc/sysctl.d/"
        ),
        needs="literal",
    ),
    "copy-directory": Sink(
        file_and("files/etc/sysctl.d/60-net.conf", _CONF, "copy:", "  src: etc/sysctl.d/", "  dest: /etc/sysctl.d/"),
        needs="literal",
    ),
    "copy-directory-itself": Sink(
        file_and("files/sysctl.d/60-net.conf", _CONF, "copy:", "  src: sysctl.d", "  dest: /etc"), needs="literal"
    ),
    "copy-each": Sink(
        file_and(
            "files/60-net.conf",
            _CONF,
            "copy:",
            '  src: "{{ item }}"',
            "  dest: /etc/sysctl.d/{{ item }}",
            "loop:",
            "  - 60-net.conf",
        ),
        needs="literal",
    ),
    "copy-pairs": Sink(
        file_and(
            "files/conf/net.conf",
            _CONF,
            "copy:",
            '  src: "{{ item.src }}"',
            '  dest: "{{ item.dest }}"',
            "with_items:",
            "  - { src: conf/net.conf, dest: /etc/sysctl.conf }",
        ),
        needs="literal",
    ),
    "copy-into-directory": Sink(
        file_and("files/99-net.conf", _CONF, "copy: src=99-net.conf dest=/etc/sysctl.d mode=0644"), needs="literal"
    ),
    "copy-other-name": Sink(file_and("files/kernel", _CONF, "copy: src=kernel dest=/etc/sysctl.conf"), needs="literal"),
    "copy-padded": Sink(
        file_and(
            "files/net.conf",
            ["net.core.somaxconn\t\t= 1024", "{k}        =  {v}  ", "", "# {k} = 2"],
            "copy: src=net.conf dest=/etc/sysctl.conf",
        ),
        needs="literal",
    ),
    "copy-then-cat": Sink(_copied_and_appended, needs="literal"),
    "copy-fileglob": Sink(
        file_and(
            "files/conf/60-net.conf",
            _CONF,
            "copy:",
            '  src: "{{ item }}"',
            "  dest: /etc/sysctl.d/",
            "with_fileglob:",
            "  - conf/*.conf",
        ),
        needs="literal",
    ),
    "copy-first-found": Sink(
        file_and(
            "files/net.conf",
            _CONF,
            "copy:",
            '  src: "{{ item }}"',
            *_TO_CONF,
            "with_first_found:",
            "  - no-such.conf",
            "  - net.conf",
        ),
        needs="literal",
    ),
    "copy-lookup-file": Sink(
        file_and("files/net.conf", _CONF, "copy:", "  content: \"{{ lookup('file', 'net.conf') }}\"", *_TO_CONF),
        needs="literal",
    ),
    "assemble": Sink(
        file_and("files/parts/20-net", _CONF, "assemble:", "  src: parts", "  remote_src: no", *_TO_CONF),
        needs="literal",
    ),
    "copy-tuned": Sink(
        file_and(
            "files/tuned.conf",
            ["[main]", "include=throughput-performance", "", "[sysctl]", "net.core.somaxconn=1024", "{k=v}"],
            "copy: {src: tuned.conf, dest: /etc/tuned/web/tuned.conf}",
        ),
        needs="literal",
    ),
    "copy-unit": Sink(
        file_and(
            "files/net.service",
            ["[Unit]", "Description=Network", "[Service]", "Type=oneshot", "ExecStart=/usr/sbin/sysctl -w {k=v}"],
            "copy:",
            "  src: net.service",
            "  dest: /etc/systemd/system/net.service",
        ),
        needs="literal",
    ),
    "copy-cloud-config": Sink(
        file_and(
            "files/90-net.cfg",
            ["#cloud-config", "runcmd:", "  - [echo, done]", "  - sysctl -w {k=v}"],
            "copy: {src: 90-net.cfg, dest: /etc/cloud/cloud.cfg.d/90-net.cfg}",
        ),
        needs="literal",
    ),
    "copy-cloud-files": Sink(
        file_and(
            "files/90-net.cfg",
            [
                "#cloud-config",
                "write_files:",
                "  - path: /etc/sysctl.d/50-cloud.conf",
                "    content: |",
                *indented(_CONF, 6),
            ],
            "copy: {src: 90-net.cfg, dest: /etc/cloud/cloud.cfg.d/90-net.cfg}",
        ),
        needs="literal",
    ),
}
