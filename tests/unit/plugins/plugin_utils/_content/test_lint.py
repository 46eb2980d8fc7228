# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is found in a tree, and at which line."""

from __future__ import annotations

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._lint import lint

from .marked import found, written

PLAY = "== site.yml\n- hosts: all\n  tasks:\n"
ROLE = "== site.yml\n- hosts: all\n  roles: [tuning]\n"

FORMS = {
    "a task with arguments in YAML": PLAY
    + """
    - name: Recycle
      sysctl:
        name: net.ipv4.tcp_tw_recycle
        state: present
        value: 1  <= set
        reload: true
""",
    "a task with name=value pairs": PLAY
    + """
    - sysctl: name=net.ipv4.tcp_tw_recycle value="1" state=present  <= set
    - ansible.posix.sysctl: >
        name=net.ipv4.tcp_tw_recycle
        value=1  <= set
        reload=yes
""",
    "the old ways to name a module": PLAY
    + """
    - action: sysctl name=net.ipv4.tcp_tw_recycle value=1  <= set
    - local_action: {module: sysctl, name: net.ipv4.tcp_tw_recycle, value: 1}  <= set
    - sysctl:
      args:
        name: net.ipv4.tcp_tw_recycle
        value: 1  <= set
""",
    "items of a loop, by whatever names": PLAY
    + """
    - sysctl: name={{ item.param }} value={{ item.v }}
      with_items:
        - {param: net.ipv4.tcp_tw_reuse, v: 1}
        - {param: net.ipv4.tcp_tw_recycle, v: 1}  <= set
        # - {param: net.ipv4.tcp_tw_recycle, v: 2}
        - param: net.ipv4.tcp_tw_recycle
          comment: a neighbour
          v: 3  <= set
""",
    "the item is the key, the value is the task's": PLAY
    + """
    - sysctl:
        name: "net.ipv4.{{ item }}"
        value: 1  <= set
      loop: [tcp_tw_reuse, tcp_tw_recycle]
""",
    "a loop with its own name for the item": PLAY
    + """
    - sysctl: {name: "{{ knob.key }}", value: "{{ knob.value }}"}
      loop: "{{ query('dict', settings) }}"
      loop_control: {loop_var: knob}
      vars:
        settings:
          net.ipv4.tcp_tw_recycle: 1  <= set
          net.ipv4.tcp_tw_reuse: 1
""",
    "nested loops": PLAY
    + """
    - sysctl: {name: "{{ item.0 }}", value: "{{ item.1 }}"}
      with_nested:
        - [net.ipv4.tcp_tw_reuse, net.ipv4.tcp_tw_recycle]
        - [0, 1]  <= set
""",
    "a list in the defaults of a role": ROLE
    + """
== roles/tuning/tasks/main.yml
- sysctl: name="{{ item.name }}" value="{{ item.value }}"
  with_items: "{{ sysctl_settings }}"
== roles/tuning/defaults/main.yml
sysctl_settings:
  - name: net.core.somaxconn
    value: 1024
  - name: net.ipv4.tcp_tw_recycle
    value: 1  <= set
""",
    "a dict in group_vars without an ending": ROLE
    + """
== roles/tuning/tasks/main.yml
- sysctl: {name: "{{ item.key }}", value: "{{ item.value }}"}
  with_dict: "{{ knobs }}"
== group_vars/web
knobs: {net.ipv4.tcp_tw_recycle: 1}  <= set
== group_vars/all/main.yml
knobs: {net.ipv4.tcp_tw_recycle: 0}
""",
    "host_vars over a default of 0": ROLE
    + """
== roles/tuning/tasks/main.yml
- sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ recycle }}"}
== roles/tuning/defaults/main.yml
recycle: 0
== host_vars/db1.yml
recycle: 1  <= set
""",
    "role vars beat group_vars": ROLE
    + """
== roles/tuning/tasks/main.yml
- sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ recycle }}"}
== roles/tuning/vars/main.yml
recycle: 0
== group_vars/web.yml
recycle: 1
""",
    "a parameter of a role": """
== site.yml
- hosts: all
  roles:
    - role: tuning
      recycle: 1  <= set
    - {role: tuning, vars: {recycle: 0}}
== roles/tuning/tasks/main.yml
- sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ recycle }}"}
""",
    "variables of an INI inventory": ROLE
    + """
== roles/tuning/tasks/main.yml
- sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ recycle }}"}
== roles/tuning/defaults/main.yml
recycle: 0
== hosts
[web]
w1
w2 recycle=1  <= set
[db:vars]
recycle=2  <= set
[all:vars]
recycle=0
""",
    "variables of an inventory in YAML": ROLE
    + """
== roles/tuning/tasks/main.yml
- sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ recycle | default(0) }}"}
== inventory/hosts.yml
all:
  children:
    web:
      hosts: {w1: , w2: {recycle: 1}}  <= set
""",
    "include_vars by a fact": ROLE
    + """
== roles/tuning/tasks/main.yml
- include_vars: "{{ ansible_os_family }}.yml"
- sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ recycle }}"}
== roles/tuning/vars/RedHat.yml
recycle: 1  <= set
== roles/tuning/vars/Debian.yml
recycle: 0
""",
    "the first file that is found": ROLE
    + """
== roles/tuning/tasks/main.yml
- include_vars: "{{ item }}"
  with_first_found:
    - "{{ ansible_distribution }}-{{ ansible_distribution_major_version }}.yml"
    - "{{ ansible_os_family }}.yml"
    - default.yml
- sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ recycle }}"}
== roles/tuning/vars/CentOS-6.yml
recycle: 1  <= set
== roles/tuning/vars/default.yml
recycle: 0
""",
    "facts that are set, and put together in a loop": PLAY
    + """
    - set_fact: {recycle: 0}
    - set_fact:
        recycle: 1  <= set
      when: ansible_memtotal_mb > 4096
    - sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ recycle }}"}
    - set_fact:
        gathered: "{{ gathered | default([]) + [item] }}"
      loop:
        - {name: net.ipv4.tcp_tw_recycle, value: 2}  <= set
        - {name: net.ipv4.tcp_tw_reuse, value: 1}
    - sysctl: {name: "{{ item.name }}", value: "{{ item.value }}"}
      loop: "{{ gathered }}"
""",
    "keys that a filter rebuilds": PLAY
    + """
    - sysctl:
        name: "{{ item.key | regex_replace('__', '.') }}"
        value: "{{ item.value | int }}"
      loop: "{{ tuning | dict2items }}"
      vars:
        tuning:
          net__ipv4__tcp_tw_recycle: "1"  <= set
""",
    "what an expression puts together stands where the expression does": PLAY
    + """
    - sysctl: {name: "{{ item.name }}", value: "{{ item.value }}"}
      loop: "{{ [{'name': 'net.ipv4.tcp_tw_recycle', 'value': 1}] }}"  <= set
""",
    "a template with a loop over a dict": ROLE
    + """
== roles/tuning/tasks/main.yml
- template: {src: sysctl.conf.j2, dest: /etc/sysctl.d/90-tuning.conf}
== roles/tuning/templates/sysctl.conf.j2
# {{ ansible_managed }}
{% for key, value in settings | dictsort %}
{{ key }} = {{ value }}
{% endfor %}
{# net.ipv4.tcp_tw_recycle = 1 #}
== roles/tuning/defaults/main.yml
settings:
  net.ipv4.tcp_tw_recycle: 1  <= set
  net.ipv4.tcp_tw_reuse: 1
""",
    "a template with both branches open": ROLE
    + """
== roles/tuning/tasks/main.yml
- template: src=sysctl.conf dest=/etc/sysctl.conf
== roles/tuning/templates/sysctl.conf
{% if ansible_virtualization_role == 'host' %}
net.ipv4.tcp_tw_recycle = 0
{% else %}
net.ipv4.tcp_tw_recycle = 1  <= set
{% endif %}
{% if false %}
net.ipv4.tcp_tw_recycle = 1
{% endif %}
""",
    "a file that is copied, and one that is not": ROLE
    + """
== roles/tuning/tasks/main.yml
- copy: {src: "{{ item }}", dest: /etc/sysctl.d/}
  loop: [web.conf]
== roles/tuning/files/web.conf
net.ipv4.tcp_tw_recycle=1  <= set
== roles/tuning/files/old.conf
net.ipv4.tcp_tw_recycle=1  <= lowered
""",
    "content, blocks and lines": PLAY
    + """
    - copy:
        dest: /etc/sysctl.d/a.conf
        content: |
          # net.ipv4.tcp_tw_recycle = 1

          net.ipv4.tcp_tw_recycle = 1  <= set
    - blockinfile:
        path: /etc/sysctl.conf
        block: |
          net.ipv4.tcp_tw_reuse = 1
          net/ipv4/tcp_tw_recycle = 1  <= set
    - lineinfile: dest=/etc/sysctl.conf regexp='^net.ipv4.tcp_tw_recycle' line='net.ipv4.tcp_tw_recycle = 1'  <= set
    - lineinfile: {path: /etc/sysctl.conf, line: "{{ item.key }} = {{ item.value }}"}
      with_dict:
        net.ipv4.tcp_tw_recycle: 1  <= set
    - replace:
        path: /etc/sysctl.conf
        regexp: '^(net\\.ipv4\\.tcp_tw_recycle\\s*=\\s*).*$'
        replace: '\\g<1>1'  <= set
    - ini_file: {path: /etc/tuned/x/tuned.conf, section: sysctl, option: net.ipv4.tcp_tw_recycle, value: "1"}  <= set
    - blockinfile: {path: /etc/sysctl.conf, block: "{{ lookup('file', 'more.conf') }}"}
== files/more.conf
net.ipv4.tcp_tw_recycle = 1  <= set
""",
    "commands": PLAY
    + """
    - command: sysctl -w net.ipv4.tcp_tw_recycle=1  <= set
    - command: echo 1 > /proc/sys/net/ipv4/tcp_tw_recycle
    - shell: echo 1 > /proc/sys/net/ipv4/tcp_tw_recycle  <= set
    - raw: sysctl -w net.ipv4.tcp_tw_recycle={{ item }}
      with_items:
        - 0
        - 1  <= set
    - command:
        argv: [sysctl, -w, net.ipv4.tcp_tw_recycle=1]  <= set
    - shell: |
        # sysctl -w net.ipv4.tcp_tw_recycle=1
        grep tcp_tw_recycle /etc/sysctl.conf
        cat >> /etc/sysctl.conf <<EOF
        net.ipv4.tcp_tw_recycle = 1  <= set
        EOF
    - script: tune.sh --all
    - cron: {name: tune, job: "sysctl -w net.ipv4.tcp_tw_recycle=1", special_time: reboot}  <= set
== files/tune.sh
#!/bin/sh
sysctl -w net.ipv4.tcp_tw_recycle=1  <= set
""",
    "containers": PLAY
    + """
    - community.docker.docker_container:
        name: web
        sysctls:
          net.ipv4.tcp_tw_recycle: 1  <= set
    - kubernetes.core.k8s:
        definition:
          spec:
            securityContext:
              sysctls:
                - name: net.ipv4.tcp_tw_recycle
                  value: "1"  <= set
""",
    "variables for well-known roles that are not in the tree": """
== site.yml
- hosts: all
  roles:
    - fedora.linux_system_roles.kernel_settings
    - devsec.hardening.os_hardening
  vars:
    kernel_settings_sysctl:
      - name: net.ipv4.tcp_tw_recycle
        value: 1  <= set
    sysctl_overwrite:
      net.ipv4.tcp_tw_recycle: 1  <= set
""",
    "handlers that are notified, and others": PLAY
    + """
    - copy: {content: x, dest: /x}
      notify: tune
  handlers:
    - name: tune
      command: sysctl -w net.ipv4.tcp_tw_recycle=1  <= set
    - name: forgotten
      command: sysctl -w net.ipv4.tcp_tw_recycle=1  <= lowered
""",
    "module_defaults and variables of blocks": """
== site.yml
- hosts: all
  module_defaults:
    sysctl: {value: 1}  <= set
  tasks:
    - block:
        - sysctl: {name: net.ipv4.tcp_tw_recycle}
        - sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ two }}"}
      vars: {two: 2}  <= set
""",
    "includes with variables": PLAY
    + """
    - include_tasks: one.yml
      vars: {recycle: 1}  <= set
    - import_tasks: one.yml
      vars: {recycle: 0}
    - include: one.yml recycle=3  <= set
    - include_tasks: one.yml
      loop: [0, 4]  <= set
      loop_control: {loop_var: recycle}
== one.yml
- sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ recycle }}"}
""",
    "facts that are set beat the variables of imports, and not those of includes": """
== site.yml
- hosts: all
  pre_tasks:
    - set_fact: {recycle: 0}
  roles:
    - {role: tuning, vars: {recycle: 1}}
    - {role: tuning, recycle: 2}  <= set
  tasks:
    - import_role: {name: tuning}
      vars: {recycle: 3}
    - include_role: {name: tuning}
      vars: {recycle: 4}  <= set
    - import_tasks: one.yml
      vars: {recycle: 5}
== one.yml
- sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ recycle }}"}
== roles/tuning/tasks/main.yml
- sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ recycle }}"}
- sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ recycle }}"}
  vars: {recycle: 6}
""",
    "a role without a play": """
== roles/tuning/tasks/main.yml
- sysctl: {name: net.ipv4.tcp_tw_recycle, value: 1}  <= set
== README.md
    net.ipv4.tcp_tw_recycle = 1
""",
    "values that turn it on": PLAY
    + """
    - sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ item }}"}
      loop:
        - "1"  <= set
        - 2  <= set
        - -1  <= set
        - yes  <= set
        - true  <= set
        - 0x1  <= set
        - +1  <= set
        - 01  <= set
        - "{{ 0 + 1 }}"  <= set
""",
    "values that leave it off": PLAY
    + """
    - sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ item }}"}
      loop: [0, "0", 00, 0x0, -0, +0, no, false, "no", "False", off, "{{ 1 - 1 }}"]
""",
    "files of tasks that nothing includes": ROLE
    + """
== roles/tuning/tasks/main.yml
# - include_tasks: sysctl.yml
- include_tasks: other.yml
== roles/tuning/tasks/sysctl.yml
- sysctl: {name: net.ipv4.tcp_tw_recycle, value: 1}  <= lowered
== roles/tuning/tasks/other.yml
- sysctl: {name: net.ipv4.tcp_tw_reuse, value: 1}
== tasks/of_a_playbook.yml
- sysctl: {name: net.ipv4.tcp_tw_recycle, value: 1}  <= set
== roles/open/tasks/main.yml
- include_tasks: "{{ whichever }}"
== roles/open/tasks/sysctl.yml
- sysctl: {name: net.ipv4.tcp_tw_recycle, value: 1}  <= set
== roles/several/tasks/main.yml
- include_tasks: "{{ item }}.yml"
  loop: [one, two]
== roles/several/tasks/two.yml
- sysctl: {name: net.ipv4.tcp_tw_recycle, value: 1}  <= set
""",
    "a filter of somebody else's": PLAY
    + """
    - sysctl: {name: "{{ item.name }}", value: "{{ item.value }}"}
      loop: "{{ settings | acme.linux.sorted_by_name }}"
    - sysctl: {name: "{{ item | key_of }}", value: "{{ item | value_of }}"}
      loop: "{{ others }}"
== group_vars/all.yml
settings:
  - {name: net.ipv4.tcp_tw_recycle, value: 1}  <= set
others:
  - {name: net.ipv4.tcp_tw_recycle, value: 1}  <= set
unused:
  - {name: net.ipv4.tcp_tw_recycle, value: 1}  <= lowered
""",
    "what cannot be told": PLAY
    + """
    - sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ nowhere }}"}  <= undecided
    - sysctl: {name: "{{ nowhere }}", value: 1}
""",
    "conditions": PLAY
    + """
    - sysctl: {name: net.ipv4.tcp_tw_recycle, value: 1}  <= lowered
      when: false
    - sysctl: {name: net.ipv4.tcp_tw_recycle, value: 1}  <= lowered
      when: tune | default(false) | bool
    - sysctl: {name: net.ipv4.tcp_tw_recycle, value: 1}  <= set
      when: ansible_os_family == "RedHat"
    - sysctl: {name: net.ipv4.tcp_tw_recycle, value: 1}  <= lowered
      when: ansible_kernel is version('4.12', '>=')
    - sysctl: {name: net.ipv4.tcp_tw_recycle, value: 1}  <= set
      when: ansible_facts['kernel'] is version('4.12', '<')
    - stat: {path: /proc/sys/net/ipv4/tcp_tw_recycle}
      register: knob
    - sysctl: {name: net.ipv4.tcp_tw_recycle, value: 1}  <= lowered
      when: not knob.stat.exists
    - sysctl: {name: net.ipv4.tcp_tw_recycle, value: 1}  <= lowered
      tags: never
    - sysctl: {name: net.ipv4.tcp_tw_recycle, value: 1, state: absent}
""",
    "what only looks": PLAY
    + """
    - name: Set net.ipv4.tcp_tw_recycle = 1
      assert: {that: "tcp_tw_recycle == 1"}
    - command: sysctl -n net.ipv4.tcp_tw_recycle
      register: tcp_tw_recycle
    - debug: msg="net.ipv4.tcp_tw_recycle = 1"
    - lineinfile: {path: /etc/sysctl.conf, regexp: '^net.ipv4.tcp_tw_recycle', state: absent}
    - shell: sed -i 's/tcp_tw_recycle = 1/tcp_tw_recycle = 0/' /etc/sysctl.conf
    - sysctl: {name: net.ipv4.tcp_tw_reuse, value: 1}
""",
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_found_where_the_value_stands(form, tmp_path):
    expected = written(FORMS[form], tmp_path)
    assert found(tmp_path) == expected


def test_what_carries_a_value_is_told(tmp_path):
    written(FORMS["a list in the defaults of a role"], tmp_path)
    (one,) = [one for one in lint([str(tmp_path)]).assignments if one.name == "tcp_tw_recycle"]
    assert (one.by.path, one.by.line) == (f"{tmp_path}/roles/tuning/tasks/main.yml", 1)
    assert one.plays == ("all",)


def test_classes_of_hosts_have_the_variables_of_their_groups(tmp_path):
    written(FORMS["a dict in group_vars without an ending"], tmp_path)
    classes = [{"all", "web"}, {"all", "db"}, {"all", "web", "eu"}]
    found = {one.value: one.classes for one in lint([str(tmp_path)], classes).assignments}
    assert found == {"1": frozenset((0, 2)), "0": frozenset((1,))}


@pytest.mark.parametrize(
    ("group", "value"),
    [("web", "{{ one }}"), ("all", "{{ one | default(0) }}"), ("all", "{{ one if one is defined else 0 }}")],
)
def test_an_encrypted_value_is_there_and_cannot_be_told(tmp_path, group, value):
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / group).write_text("one: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3132\n")
    task = f"sysctl: {{name: net.ipv4.tcp_tw_recycle, value: '{value}'}}"
    (tmp_path / "site.yml").write_text(f"- hosts: all\n  tasks:\n    - {task}\n")
    (one,) = lint([str(tmp_path)], [{"all", "web"}, {"all"}]).assignments
    assert one.undecided == ("an_encrypted_value",)


def test_one_file_is_looked_at_within_its_project(tmp_path):
    (tmp_path / ".git").mkdir()
    written(FORMS["a list in the defaults of a role"] + "\n== other.conf\nnet.ipv4.tcp_tw_recycle = 1\n", tmp_path)
    for path in ("roles/tuning/defaults/main.yml", "roles/tuning/tasks/main.yml"):
        made = lint([str(tmp_path / path)]).assignments
        assert [one.at.path for one in made] == [f"{tmp_path}/roles/tuning/defaults/main.yml"]


@pytest.mark.parametrize(
    ("comment", "skipped"),
    [
        ("# noqa", ("timewait-fin-timeout", "timewait-recycle", "timewait-reuse-without-timestamps")),
        ("# noqa: timewait-recycle", ("timewait-recycle",)),
        ("# noqa: yaml[truthy]", ()),
    ],
)
def test_a_comment_silences_the_rules_it_names(tmp_path, comment, skipped):
    (tmp_path / "site.yml").write_text(
        f"- hosts: all\n  tasks:\n    - sysctl:\n        name: net.ipv4.tcp_tw_recycle {comment}\n        value: 1\n"
    )
    assert [one.skipped for one in lint([str(tmp_path)]).assignments] == [skipped]


@pytest.mark.parametrize(
    ("weaker", "stronger"),
    [
        ("hosts:all", "hosts:web"),
        ("hosts:web", "group_vars/all.yml"),
        ("group_vars/all.yml", "group_vars/web.yml"),
        ("group_vars/web.yml", "hosts:h1"),
        ("hosts:h1", "host_vars/h1.yml"),
    ],
)
def test_of_an_inventory_its_directories_win_over_its_file_and_hosts_over_groups(tmp_path, weaker, stronger):
    parts = {"web": "", "all": "", "h1": ""}
    for place, number in ((weaker, 1), (stronger, 0)):
        file, colon, name = place.partition(":")
        if colon:
            parts[name] = f"turned={number}"
        else:
            (tmp_path / file).parent.mkdir(exist_ok=True)
            (tmp_path / file).write_text(f"turned: {number}\n")
    hosts = f"[web]\nh1 {parts['h1']}\n[web:vars]\n{parts['web']}\n[all:vars]\n{parts['all']}\n"
    (tmp_path / "hosts").write_text(hosts)
    task = "- sysctl: {name: net.ipv4.tcp_tw_recycle, value: '{{ turned }}'}"
    (tmp_path / "site.yml").write_text(f"- hosts: web\n  tasks:\n    {task}\n")
    found = lint([str(tmp_path)], [{"all", "web", "h1"}]).assignments
    assert [one.value for one in found] == ["0"]
