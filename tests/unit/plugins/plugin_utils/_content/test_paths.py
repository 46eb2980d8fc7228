# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a tree may be named, what of it is passed over, and which comments count."""

from __future__ import annotations

import posixpath

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._lint import lint
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._silenced import silenced

COPY = "- copy: {src: one.conf, dest: /etc/sysctl.d/one.conf}\n"
SYSCTL = "sysctl: {name: net.ipv4.tcp_tw_recycle, value: 1}\n"
FILES = {
    "site.yml": "- hosts: all\n  roles: [one]\n",
    "group_vars/all.yml": "one_value: 1\n",
    "roles/one/tasks/main.yml": COPY + '- sysctl: {name: net.ipv4.tcp_tw_recycle, value: "{{ one_value }}"}\n',
    "roles/one/files/one.conf": "net.ipv4.tcp_tw_recycle = 1\n",
}


@pytest.fixture
def tree(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "tree"


def found(path, base, **options: object):
    assignments = lint([str(path)], **options).assignments
    return [(posixpath.relpath(one.at.path, base), one.at.line, one.lowered) for one in assignments]


@pytest.mark.parametrize("named", [".", "./", "../tree", "here"])
def test_a_tree_is_the_same_by_whatever_path(tree, monkeypatch, named):
    monkeypatch.chdir(tree)
    expected = [("group_vars/all.yml", 1, None), ("roles/one/files/one.conf", 1, None)]
    assert found(tree if named == "here" else named, tree) == expected


def test_a_file_is_looked_at_from_within_its_project_too(tree, monkeypatch):
    (tree / ".git").mkdir()
    monkeypatch.chdir(tree)
    for path in ("roles/one/tasks/main.yml", "./roles/one/tasks/main.yml", str(tree / "roles/one/tasks/main.yml")):
        assert len(found(path, tree)) == 2


def test_a_playbook_stands_for_what_it_comes_to(tree):
    (tree / ".git").mkdir()
    (tree / "all.yml").write_text("- import_playbook: more.yml\n- import_playbook: all.yml\n", encoding="utf-8")
    (tree / "more.yml").write_text("- import_playbook: site.yml\n", encoding="utf-8")
    (tree / "other.yml").write_text("- hosts: all\n  tasks:\n    - " + SYSCTL, encoding="utf-8")
    expected = [("group_vars/all.yml", 1, None), ("roles/one/files/one.conf", 1, None)]
    assert found(tree / "site.yml", tree) == found(tree / "all.yml", tree) == expected


def test_files_and_directories_together_do_not_stand_for_the_whole_project(tree):
    (tree / "other.yml").write_text("- hosts: all\n  tasks:\n    - " + SYSCTL, encoding="utf-8")
    (tree / "unused.conf").write_text("net.ipv4.tcp_tw_recycle = 1\n", encoding="utf-8")
    made = lint([str(tree / "other.yml"), str(tree / "roles/one/files")]).assignments
    assert [posixpath.relpath(one.at.path, tree) for one in made] == ["other.yml", "roles/one/files/one.conf"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], ["hosts:2", "inventories/prod/group_vars/all.yml:1", "inventories/stage/group_vars/web.yml:1"]),
        (["/elsewhere/hosts"], ["inventories/stage/group_vars/web.yml:1"]),
        (["inventories/prod"], ["inventories/prod/group_vars/all.yml:1"]),
        (["inventories/prod/hosts"], ["inventories/prod/group_vars/all.yml:1"]),
        (["inventories/stage/hosts"], ["inventories/stage/group_vars/web.yml:1"]),
        (["hosts"], ["hosts:2"]),
    ],
)
def test_variables_of_inventories_that_are_not_given_are_not_those_of_the_run(tmp_path, given, expected):
    for name, text in {
        "site.yml": "- hosts: web\n  tasks:\n    - sysctl: {name: net.ipv4.tcp_tw_recycle, value: '{{ one }}'}\n",
        "hosts": "[web:vars]\none=3\n",
        "inventories/prod/hosts": "[web]\np1\n",
        "inventories/prod/group_vars/all.yml": "one: 1\n",
        "inventories/stage/hosts": "[web]\ns1\n",
        "inventories/stage/group_vars/web.yml": "one: 2\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    sources = [str(tmp_path / name) for name in given]
    result = lint([str(tmp_path)], [{"all", "web"}] if given else (), inventories=sources)
    places = {f"{posixpath.relpath(one.at.path, tmp_path)}:{one.at.line}" for one in result.assignments}
    assert sorted(places - {"site.yml:3"}) == expected
    left_out = {posixpath.basename(note.path) for note in result.notes if "was not given" in note.message}
    inside = not set(given) <= {"/elsewhere/hosts"}
    assert left_out == {name for name in ("prod", "stage") if inside and f"inventories/{name}" not in given[0]}


def test_ignored_directories_are_not_looked_into(tree):
    assert found("tree", "tree", ignored=lambda path: path.endswith("/files")) == [("group_vars/all.yml", 1, None)]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["# noqa: timewait-recycle", "value: 1"], True),
        (["# noqa: timewait-recycle", "", "value: 1"], True),
        (["# noqa: timewait-recycle", "other: 1", "value: 1"], False),
        (["other: 1 # noqa: timewait-recycle", "value: 1"], False),
    ],
)
def test_a_comment_on_a_line_of_its_own_counts_for_the_next(lines, expected):
    assert ("timewait-recycle" in silenced("\n".join(lines), len(lines), len(lines))) is expected
