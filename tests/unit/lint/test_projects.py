# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lint of whole projects, and what somebody who read them expects: expected.yml in each."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lint.agreement import reported
from tests.sandbox.hosts import ROOT

PROJECTS = sorted(path.parent for path in (ROOT / "tests" / "lint" / "projects").glob("*/expected.yml"))


def _expected(project: Path) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = yaml.safe_load((project / "expected.yml").read_text())
    return entries


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
def test_what_is_expected_stands_where_it_is_said_to(project: Path) -> None:
    for entry in _expected(project):
        line = (project / entry["path"]).read_text().splitlines()[entry["line"] - 1]
        assert entry["text"] in line, entry


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
def test_a_whole_project_gives_what_is_expected_and_nothing_else(project: Path, tmp_path: Path) -> None:
    tree = tmp_path / "project"
    # The expectation itself is none of it.
    shutil.copytree(project, tree, ignore=shutil.ignore_patterns("expected.yml"))
    expected: dict[str, set[tuple[str, int]]] = {"set": set(), "lowered": set(), "undecided": set()}
    for entry in _expected(project):
        expected[entry["as"]].add((entry["path"], entry["line"]))
    found = reported(tree)
    assert found["set"] == expected["set"]
    assert found["undecided"] == expected["undecided"]
    # What is reported with a reason why it does not come into force may be more.
    assert found["lowered"] >= expected["lowered"]
