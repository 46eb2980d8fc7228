# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Linting runs nothing of what it lints, ends soon, and lints the rest."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._lint import lint
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._templates._yaml import BadYaml, nodes

BAD = "- hosts: all\n  tasks:\n    - sysctl: {name: net.ipv4.tcp_tw_recycle, value: 1}\n"


@pytest.fixture
def tree(tmp_path):
    """Writes files below a directory that also holds one playbook whose finding must always be there."""

    def write(**files: str | bytes):
        (tmp_path / "other.yml").write_text(BAD)
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_DOT_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(tmp_path)

    return write


def found(path):
    """The result, and that the other playbook was linted whatever stands beside it."""
    result = lint([path])
    assert f"{path}/other.yml" in {one.at.path for one in result.assignments}
    return result


def play(task):
    return f"- hosts: all\n  tasks:\n    - sysctl:\n        name: net.ipv4.tcp_tw_recycle\n        value: {task}\n"


@pytest.mark.parametrize(
    "expression",
    [
        "{{ range(10 ** 9) | list | length }}",
        "{{ 'x' * 10 ** 10 }}",
        "{{ ['x'] * 10 ** 10 }}",
        "{{ 9 ** 999999999 }}",
        "{{ '%0999999999d' % 1 }}",
        "{{ '{:>999999999}'.format(1) }}",
        "{{ 'x' | center(999999999) }}",
        "{{ 'x'.ljust(999999999) }}",
        "{{ ('a' * 60 ~ '!') | regex_replace('(a+)+$', '') }}",
        "{{ ('a' * 60 ~ '!') is match('(a|aa)+$') }}",
        "{{ ('a' * 4000) is search('a*a*a*a*a*a*a*a*a*b') }}",
        "{% for a in range(9999) %}{% for b in range(9999) %}{{ b }}{% endfor %}{% endfor %}",
        "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
        "{{ " + "[" * 200 + "1" + "]" * 200 + " }}",
        "{{ range(9000) | permutations | list }}",
        "{{ range(5000) | product(range(5000)) | list | length }}",
        "{{ lipsum(n=99999) }}",
    ],
)
def test_a_template_that_would_take_for_ever_is_left_and_noted(tree, expression):
    path = tree(bad_DOT_yml=play("'" + expression.replace("'", "''") + "'"))
    result = found(path)
    noted = [note for note in result.notes if note.path.endswith("bad.yml")]
    undecided = [one.undecided for one in result.assignments if one.at.path.endswith("bad.yml")]
    assert noted or undecided[0]


@pytest.mark.parametrize(
    "expression",
    [
        "{{ lookup('pipe', 'touch CANARY') }}",
        "{{ query('pipe', 'touch CANARY') }}",
        "{{ q('ansible.builtin.pipe', 'touch CANARY') }}",
        "{{ lookup('lines', 'touch CANARY') }}",
        "{{ lookup('password', 'CANARY') }}",
        "{{ cycler.__init__.__globals__.os.system('touch CANARY') }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ lookup.__globals__['os'].system('touch CANARY') }}",
        "{{ self._TemplateReference__context.environment }}",
        "{{ hostvars['x'] | community.general.json_query('y') }}",
    ],
)
def test_no_expression_runs_anything(tree, tmp_path, expression):
    canary = tmp_path / "canary"
    found(tree(bad_DOT_yml=play('"' + expression.replace("CANARY", str(canary)) + '"')))
    assert not canary.exists()


def test_nothing_that_lies_in_the_tree_is_executed(tree, tmp_path):
    canary = tmp_path / "canary"
    python = f"import os\nos.system('touch {canary}')\nraise SystemExit\n"
    script = f"#!/bin/sh\ntouch {canary}\necho '{{}}'\n"
    plugins = {f"{kind}__tw_recycle_DOT_py": python for kind in ("filter_plugins", "lookup_plugins", "vars_plugins")}
    path = tree(
        ansible_DOT_cfg=f"[defaults]\nvault_password_file = {tmp_path}/secret.sh\ncallback_plugins = callbacks\n",
        secret_DOT_sh=script,
        inventory__hosts_DOT_sh=script,
        library__sysctl_DOT_py=python,
        callbacks__x_DOT_py=python,
        roles__x__library__my_sysctl_DOT_py=python,
        roles__x__tasks__main_DOT_yml="- my_sysctl: {name: net.ipv4.tcp_tw_recycle, value: '{{ 1 | tw_recycle }}'}\n",
        collections__ansible_collections__a__b__plugins__modules__c_DOT_py=python,
        **plugins,
    )
    for name in ("secret.sh", "inventory/hosts.sh"):
        (tmp_path / name).chmod(0o755)
    found(path)
    assert not canary.exists()


def test_a_link_out_of_the_tree_is_not_followed(tree, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.conf").write_text("net.ipv4.tcp_tw_recycle = 1\nkernel.secret = hunter2\n")
    path = tree(bad_DOT_yml="- hosts: all\n  tasks:\n    - copy: {src: secret.conf, dest: /etc/sysctl.d/x.conf}\n")
    Path(path, "secret.conf").symlink_to(outside / "secret.conf")
    Path(path, "files").symlink_to(outside)
    result = found(path)
    assert {one.at.path for one in result.assignments} == {f"{path}/other.yml"}
    assert [note.path for note in result.notes if "leads out" in note.message] == [
        f"{path}/files",
        f"{path}/secret.conf",
    ]


def test_links_within_the_tree_are_followed_and_end(tree, tmp_path):
    path = tree(
        bad_DOT_yml="- hosts: all\n  tasks:\n    - copy: {src: link.conf, dest: /etc/sysctl.d/x.conf}\n",
        real_DOT_conf="net.ipv4.tcp_tw_recycle = 1\n",
    )
    for name, target in (("link.conf", "real.conf"), ("loop", "."), ("circle", "circle")):
        Path(path, name).symlink_to(target)
    result = found(path)
    assert f"{path}/link.conf" in {one.at.path for one in result.assignments}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("broken_DOT_yml", "- hosts: [\n  tcp_tw_recycle: }\n", "no YAML"),
        ("tabs_DOT_yml", "- hosts: all\n\ttasks: tcp_tw_recycle\n", "no YAML"),
        ("deep_DOT_yml", "- hosts: " + "[" * 100_000 + " # tcp_tw_recycle\n", "nest"),  # ours, or PyYAML's of 6.0.4
        ("itself_DOT_yml", "- &a\n  hosts: *a # tcp_tw_recycle\n", "an alias of what it stands in"),
        ("nowhere_DOT_yml", "- hosts: *a # tcp_tw_recycle\n", "an alias of what is not there"),
        (
            "laughs_DOT_yml",
            "- hosts: all\n  vars:\n    a0: &a0 [tcp_tw_recycle]\n"
            + "".join(f"    a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)),
            "too many values",
        ),
        ("group_vars__all__vault_DOT_yml", "$ANSIBLE_VAULT;1.1;AES256\n6161\n", "encrypted by ansible-vault"),
        ("files__tool", b"\x7fELF\0\0net.ipv4.tcp_tw_recycle=1\0", "binary"),
        ("huge_DOT_conf", "net.ipv4.tcp_tw_recycle = 1\n" * 2_000_000, "larger than"),
    ],
)
def test_what_cannot_be_read_is_noted_by_its_name(tree, name, content, words):
    path = tree(**{name: content})
    result = found(path)
    where = f"{path}/{name.replace('__', '/').replace('_DOT_', '.')}"
    assert [note.path for note in result.notes if words in note.message] == [where]


def test_a_large_binary_is_passed_over_without_a_word(tree):
    path = tree(image_DOT_bin=b"\x7fELF\0net.ipv4.tcp_tw_recycle = 1\n" + b"x" * 3_000_000)
    assert not found(path).notes


def test_jinja_that_does_not_parse_is_noted_with_its_line(tree):
    path = tree(bad_DOT_yml=play('"{{ 1 +* }}"'))
    notes = found(path).notes
    assert [(note.path, note.line) for note in notes if "does not parse" in note.message] == [(f"{path}/bad.yml", 5)]


def test_variables_that_are_defined_by_themselves_end(tree):
    path = tree(
        bad_DOT_yml="- hosts: all\n  vars: {a: '{{ b }}', b: '{{ a }}'}\n  tasks:\n"
        "    - sysctl: {name: net.ipv4.tcp_tw_recycle, value: '{{ a }}'}\n"
    )
    undecided = [one for one in found(path).assignments if one.at.path.endswith("bad.yml")]
    assert [one.undecided != () for one in undecided] == [True]


def test_files_that_include_each_other_end(tree):
    path = tree(
        bad_DOT_yml="- hosts: all\n  tasks:\n    - include_tasks: a.yml\n",
        a_DOT_yml="- include_tasks: b.yml\n"
        "- sysctl: {name: net.ipv4.tcp_tw_recycle, value: 1}\n"
        "- include_tasks: '{{ x }}.yml'\n",
        b_DOT_yml="- include_tasks: a.yml\n- include_tasks: '{{ x }}.yml'\n",
    )
    assert f"{path}/a.yml" in {one.at.path for one in found(path).assignments}


def test_a_directory_that_may_not_be_read_is_noted(tree, monkeypatch):
    path = tree(closed__x_DOT_conf="net.ipv4.tcp_tw_recycle = 1\n")
    real = os.scandir

    def scandir(directory):
        if str(directory).endswith("/closed"):
            raise PermissionError(13, "Permission denied", str(directory))
        return real(directory)

    monkeypatch.setattr(os, "scandir", scandir)
    notes = found(path).notes
    assert [(note.path, note.message) for note in notes] == [(f"{path}/closed", "cannot be read: Permission denied")]


def test_twenty_thousand_files_are_all_looked_at(tree, tmp_path):
    path = tree()
    for directory in range(200):
        (tmp_path / f"d{directory}").mkdir()
        for number in range(100):
            (tmp_path / f"d{directory}" / f"f{number}.yml").write_text("- name: x\n  command: /bin/true\n")
    assert found(path).files == 20_001


@pytest.mark.parametrize("text", ["sysctls: *nowhere\n", "a: &x 1\nb: &x 2\n"])
def test_what_only_one_reader_minds_is_no_yaml_rather_than_a_crash(text):
    with pytest.raises(BadYaml):
        nodes(text)
