# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms in which people's content carries the setting."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._lint import lint

from .marked import found, written

FORMS = {
    "a dotted name without braces": """
== site.yml
- hosts: all
  vars:
    limits:
      kernel:
        - {key: net.ipv4.tcp_tw_recycle, value: 1} <= set
  tasks:
    - sysctl: name={{ item.key }} value={{ item.value }}
      with_items: limits.kernel
""",
    "words without braces that are no variable": """
== site.yml
- hosts: all
  tasks:
    - lineinfile: {path: /etc/sysctl.conf, line: "{{ item }}"}
      with_items: net.ipv4.tcp_tw_recycle=1 <= set
""",
    "lists within a list": """
== site.yml
- hosts: all
  vars:
    mine: [{key: net.ipv4.tcp_tw_recycle, value: 1}] <= set
  tasks:
    - sysctl: {name: "{{ item.key }}", value: "{{ item.value }}"}
      with_items:
        - "{{ mine }}"
        - "{{ more | default([]) }}"
""",
    "a play in braces": """
== site.yml
- {hosts: all, tasks: [{sysctl: {name: net.ipv4.tcp_tw_recycle, value: 1}}]} <= set
""",
    "variables by the name of the distribution": """
== site.yml
- hosts: all
  roles: [base]
== roles/base/tasks/main.yml
- include_vars: "{{ item }}"
  with_first_found:
    - "defaults/{{ ansible_distribution }}-{{ ansible_distribution_major_version }}.yml"
    - "{{ ansible_os_family }}.yml"
- sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ recycle }}"}
== roles/base/defaults/CentOS-6.yml
recycle: 1 <= set
== roles/base/vars/RedHat.yml
recycle: 2 <= set
""",
    "tasks by the name of a variable": """
== site.yml
- hosts: all
  tasks:
    - include_tasks: "{{ which }}"
      vars: {which: kernel.yml, recycle: 1} <= set
== kernel.yml
- sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ recycle }}"}
""",
    "a role that is tested from within": """
== tasks/main.yml
- sysctl: {name: "{{ item.key }}", value: "{{ item.value }}"}
  loop: "{{ knobs | dict2items }}"
== defaults/main.yml
knobs: {}
== tests/test.yml
- hosts: all
  vars:
    knobs: {net.ipv4.tcp_tw_recycle: 1} <= set
  roles: [ansible-role-knobs]
== molecule/default/converge.yml
- hosts: all
  vars:
    knobs: {net.ipv4.tcp_tw_recycle: 2} <= set
  roles: [{role: ../../../ansible-role-knobs}]
""",
    "a dict by the name of the distribution": """
== site.yml
- hosts: all
  vars:
    by_family:
      Debian: {recycle: 0}
      RedHat: {recycle: 1} <= set
  tasks:
    - sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ by_family[ansible_facts.os_family].recycle }}"}
""",
    "a dict by a name that is known in part": """
== site.yml
- hosts: all
  vars:
    by_release:
      CentOS-6: 1 <= set
      CentOS-7: 2 <= set
      Debian-7: 3
      any: 4 <= set
  tasks:
    - sysctl:
        name: net.ipv4.tcp_tw_recycle
        value: "{{ by_release['CentOS-' ~ ansible_distribution_major_version] | default(by_release.any) }}"
""",
    "a method of a dict with a name that is not known": """
== site.yml
- hosts: all
  vars:
    by_family: {RedHat: {net.ipv4.tcp_tw_recycle: 1}} <= set
  tasks:
    - copy:
        dest: /etc/sysctl.conf
        content: "{% for k, v in by_family.get(ansible_os_family, {}).items() %}{{ k }}={{ v }}{% endfor %}"
""",
    "a condition on whether a dict has what is not known": """
== site.yml
- hosts: all
  vars:
    by_family: {RedHat: 1} <= set
  tasks:
    - sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ by_family[ansible_os_family] }}"}
      when: ansible_os_family in by_family
""",
    "variables by names that are known in part": """
== site.yml
- hosts: all
  vars:
    knobs_RedHat: {net.ipv4.tcp_tw_recycle: 1} <= set
    more_RedHat: {net.ipv4.tcp_tw_recycle: 2} <= set
  tasks:
    - sysctl: {name: "{{ item.key }}", value: "{{ item.value }}"}
      with_dict: "{{ lookup('vars', 'knobs_' + ansible_os_family, default={}) }}"
    - sysctl: {name: "{{ item.key }}", value: "{{ item.value }}"}
      with_dict: "{{ vars['more_' ~ ansible_os_family] | default({}) }}"
""",
    "variables by a pattern of their names": """
== site.yml
- hosts: all
  vars:
    knobs_mine: [{key: net.ipv4.tcp_tw_recycle, value: 1}] <= set
  tasks:
    - sysctl: {name: "{{ item.key }}", value: "{{ item.value }}"}
      loop: "{{ query('varnames', '^knobs_') | map('extract', vars) | flatten }}"
""",
    "a host's own variables by its name": """
== site.yml
- hosts: all
  tasks:
    - sysctl: {name: "{{ item.key }}", value: "{{ item.value }}"}
      with_items: "{{ hostvars[inventory_hostname].knobs }}"
== group_vars/all.yml
knobs: [{key: net.ipv4.tcp_tw_recycle, value: 1}] <= set
""",
    "lists of groups put together": """
== site.yml
- hosts: all
  vars:
    by_group: {web: [{key: net.ipv4.tcp_tw_recycle, value: 1}]} <= set
  tasks:
    - set_fact: {knobs: "{{ knobs | default([]) + by_group[item] | default([]) }}"}
      loop: "{{ group_names }}"
    - sysctl: {name: "{{ item.key }}", value: "{{ item.value }}"}
      loop: "{{ knobs }}"
""",
    "a list filtered by a fact": """
== site.yml
- hosts: all
  vars:
    knobs:
      - {key: net.ipv4.tcp_tw_reuse, value: 0, family: Debian}
      - {key: net.ipv4.tcp_tw_recycle, value: 1, family: RedHat} <= set
  tasks:
    - sysctl: {name: "{{ item.key }}", value: "{{ item.value }}"}
      loop: "{{ knobs | selectattr('family', 'equalto', ansible_os_family) | list }}"
""",
    "files by a pattern": """
== roles/base/tasks/main.yml
- copy: {src: "{{ item }}", dest: /etc/sysctl.d/}
  with_fileglob: sysctl.d/*.conf
== roles/base/files/sysctl.d/net.conf
net.ipv4.tcp_tw_recycle=1 <= set
== roles/base/files/sysctl.d/net.conf.old
net.ipv4.tcp_tw_recycle=1 <= lowered
""",
    "all files below a directory": """
== roles/base/tasks/main.yml
- template: {src: "{{ item.src }}", dest: "/{{ item.path }}"}
  with_filetree: ../templates/root/
  when: item.state == 'file'
== roles/base/templates/root/etc/sysctl.conf
net.ipv4.tcp_tw_recycle=1 <= set
""",
    "the words of containers' commands": """
== site.yml
- hosts: all
  tasks:
    - k8s:
        definition:
          spec:
            initContainers:
              - command: [sysctl, -w, net.ipv4.tcp_tw_recycle=1] <= set
              - command: [sh, -c]
                args: ["sysctl -w net.ipv4.tcp_tw_recycle=2"] <= set
              - args: ["sysctl -w net.ipv4.tcp_tw_recycle=3"] <= set
              - command: [echo, "sysctl -w net.ipv4.tcp_tw_recycle=4"]
""",
    "a value that is put behind what a line has": """
== site.yml
- hosts: all
  vars:
    parameters:
      - {name: quiet, value: 1}
      - name: sysctl.net.ipv4.tcp_tw_recycle
        value: 1 <= set
  tasks:
    - replace:
        path: /etc/default/grub
        regexp: '^GRUB_CMDLINE_LINUX="(.*)"'
        replace: 'GRUB_CMDLINE_LINUX="\\1 {{ item.name }}={{ item.value }}"'
      loop: "{{ parameters }}"
""",
    "variables out of a directory, under a name": """
== site.yml
- hosts: all
  tasks:
    - include_vars: {dir: knobs, name: knobs}
    - sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ knobs.recycle }}"}
== knobs/a.yml
somaxconn: 1024
== knobs/b.yml
recycle: 1 <= set
""",
    "data out of a file of JSON": """
== site.yml
- hosts: all
  vars:
    knobs: "{{ lookup('file', 'knobs.json') | from_json }}"
    others: "{{ lookup('file', 'others.json') | from_json }}"
  tasks:
    - sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ knobs.recycle }}"}
    - sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ others.recycle }}"}
== knobs.json
{
  "somaxconn": 1024,
  "recycle": 1 <= set
}
== others.json
{
\t"recycle": 2 <= set
}
""",
    "what else stands beside variables": """
== roles/base/vars/check.py
def check(value: int) -> str: return "net.ipv4.tcp_tw_recycle: 1"
== roles/base/vars/README.md
net.ipv4.tcp_tw_recycle: 1
== host_vars/web1.example.org
knobs: {net.ipv4.tcp_tw_recycle: 1} <= lowered
""",
    "an anchor that is there twice": """
== site.yml
- hosts: all
  vars:
    one: &knob net.ipv4.tcp_tw_reuse
    two: &knob net.ipv4.tcp_tw_recycle
  tasks:
    - sysctl: {name: *knob, value: 1} <= set
""",
    "a state of another tool": """
== states/kernel.sls
/etc/sysctl.conf:
  file.append:
    - text:
        - net.ipv4.tcp_tw_recycle = 1
""",
    "nothing but 0 at any key": """
== site.yml
- hosts: all
  vars:
    by_family: {RedHat: 0, Debian: 0}
  tasks:
    - sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ by_family[ansible_os_family] }}"}
""",
    "a template with delimiters of its own": """
== site.yml
- hosts: all
  vars: {recycle: 0, reuse: false, wanted: 1} <= set
  tasks:
    - template:
        src: own.conf
        dest: /etc/sysctl.d/own.conf
        variable_start_string: "[["
        variable_end_string: "]]"
        block_start_string: "[%"
        block_end_string: "%]"
    - blockinfile:
        path: /etc/sysctl.conf
        block: "{{ lookup('template', 'other.conf', variable_start_string='(:', variable_end_string=':)') }}"
== templates/own.conf
# {{ no variable }
net.ipv4.tcp_tw_recycle = [[ recycle ]]
[% if reuse %]
net.ipv4.tcp_tw_recycle = 1
[% endif %]
== templates/other.conf
# {{ none, either }
net.ipv4.tcp_tw_recycle = (: wanted :)
""",
    "a template that says itself how it is read": """
== site.yml
- hosts: all
  vars: {on: yes}
  tasks:
    - template: {src: own.j2, dest: /etc/sysctl.d/own.conf}
== templates/own.j2
#jinja2: variable_start_string: '[[', variable_end_string: ']]', trim_blocks: "true", lstrip_blocks: True
  {% if on %}
net.ipv4.tcp_tw_reuse = [[ on | int ]]
  {% endif %}
net.ipv4.tcp_tw_recycle = 2 <= set
""",
    "a template that keeps its line ends": """
== site.yml
- hosts: all
  tasks:
    - template: {src: lines.j2, dest: /etc/sysctl.d/lines.conf, trim_blocks: no}
== templates/lines.j2
#{% if true %}
net.ipv4.tcp_tw_recycle = 1 <= set
{% endif %}
""",
    "numbers of a sequence": """
== site.yml
- hosts: all
  tasks:
    - copy: {dest: "/etc/sysctl.d/{{ item }}.conf", content: "net.ipv4.tcp_tw_recycle={{ item }}"}
      with_sequence: start=0 end=1 <= set
    - command: sysctl -w net.ipv4.tcp_tw_recycle={{ item }}
      loop: "{{ query('sequence', '0x3-4/2') }}" <= set
    - command: sysctl -w net.ipv4.tcp_tw_recycle={{ item }}
      with_sequence: count=0
    - command: sysctl -w net.ipv4.tcp_tw_recycle={{ item }}
      with_sequence: end={{ how_many }} <= undecided
    - copy: {dest: "/etc/{{ item }}.conf", content: "net.ipv4.tcp_tw_recycle=1"} <= set
      with_sequence: count=2 format=sysctl.d/%02d
""",
    "a template of the days of Python 2": """
== site.yml
- hosts: all
  vars:
    knobs: {net.ipv4.tcp_tw_recycle: 1} <= set
  tasks:
    - template: {src: knobs.j2, dest: /etc/sysctl.d/knobs.conf}
== templates/knobs.j2
{% for key, value in knobs.iteritems()|sort %}
{{ key }} = {{ value }}
{% endfor %}
""",
    "values that a template writes out itself": """
== site.yml
- hosts: all
  tasks:
    - template: {src: own.j2, dest: /etc/sysctl.d/own.conf}
== templates/own.j2
{% macro line(key, value=0) %}
{{ key }} = {{ value }}
{% endmacro %}
{% set recycle = 2 %} <= set
{% set knobs = {
  'net.ipv4.tcp_tw_reuse': 1,
  'net.ipv4.tcp_tw_recycle': 3, <= set
} %}
{% set ns = namespace(on=4) %} <= set
{# {{ line('net.ipv4.tcp_tw_recycle', 1) }} #}
{{ line('net.ipv4.tcp_tw_recycle') }}
{{ line('net.ipv4.tcp_tw_reuse', 1) }}
{{ line('net.ipv4.tcp_tw_recycle', 1) }} <= set
{{ line('net.ipv4.tcp_tw_recycle', value='5') }} <= set
net.ipv4.tcp_tw_recycle = {{ recycle }}
net.ipv4.tcp_tw_recycle = {{ ns.on }}
{% for key, value in knobs.items() %}
{{ key }} = {{ value }}
{% endfor %}
net.ipv4.tcp_tw_recycle = 6 <= set
""",
    "variables of a play as a list": """
== site.yml
- hosts: all
  vars:
    - recycle: 1 <= set
    - reuse: 1
  tasks:
    - sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ recycle }}"}
""",
    "what one host has in place of its group's": """
== hosts
[web]
one
two
== host_vars/one.yml
of_host: {net.ipv4.tcp_tw_recycle: 2} <= set
== group_vars/web.yml
of_group: {net.ipv4.tcp_tw_recycle: 1} <= set
== site.yml
- hosts: web
  tasks:
    - sysctl: {name: "{{ item.key }}", value: "{{ item.value }}"}
      with_dict: "{{ of_group | default({}) | combine(of_host | default({})) }}"
""",
    "files that are put aside": """
== site.yml
- hosts: all
  tasks:
    - copy: {content: "net.ipv4.tcp_tw_recycle=1", dest: /etc/sysctl.d/tw.conf.disabled}
    - copy: {content: "net.ipv4.tcp_tw_recycle=1", dest: /etc/sysctl.conf.bak}
    - copy: {content: "net.ipv4.tcp_tw_recycle=1", dest: /etc/sysctl.d/tw.conf} <= set
""",
    "a pattern of files that begins like a variable": """
== site.yml
- hosts: all
  roles: [{role: base, sysctl: true}]
== roles/base/tasks/main.yml
- copy: src={{ item }} dest=/etc/sysctl.d/{{ item | basename }}
  with_fileglob: sysctl.d/*.conf
== roles/base/files/sysctl.d/net.conf
net.ipv4.tcp_tw_recycle=1 <= set
""",
    "a template with delimiters of its own that includes another": """
== site.yml
- hosts: all
  tasks:
    - template:
        {src: one.j2, dest: /etc/sysctl.d/a.conf, block_start_string: "<%", block_end_string: "%>", lstrip_blocks: yes}
== templates/one.j2
<% include 'two.j2' %>
== templates/two.j2
net.core.somaxconn = 1
  <% if a_fact
        or another %>
net.ipv4.tcp_tw_recycle = 1 <= set
  <% endif %>
""",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_found_where_its_value_stands_and_nowhere_else(form: str, tmp_path: Path) -> None:
    expected = written(FORMS[form], tmp_path)
    assert found(tmp_path) == expected
    assert not [note for note in lint([str(tmp_path)]).notes if "YAML" in note.message]
