# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lint as a program, which hooks and CI run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._cli import main

ROOT = Path(__file__).parents[5]
ON = "- hosts: all\n  tasks:\n    - ansible.posix.sysctl: {name: net.ipv4.tcp_tw_recycle, value: 1}\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "site.yml").write_text(ON)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_error_is_exit_status_2_and_a_line_with_its_place(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    shown = capsys.readouterr().out
    assert shown.startswith("site.yml:3: error: net.ipv4.tcp_tw_recycle is set to 1: nobody has attested")
    assert shown.endswith("1 error, 0 warnings, 0 info in 1 file\n")


def test_0_and_what_is_silenced_are_exit_status_0(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "site.yml").write_text(ON.replace("value: 1", "value: 0"))
    assert main(["."]) == 0
    (project / "site.yml").write_text(ON.replace("}\n", "}  # noqa: timewait-recycle\n"))
    assert main(["site.yml"]) == 0
    assert "1 silenced" in capsys.readouterr().out


def test_messages_name_other_files_as_seen_from_here(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "site.yml").write_text(
        "- hosts: all\n  tasks:\n    - ansible.posix.sysctl: {name: net.ipv4.tcp_timestamps, value: 0}\n"
        "    - ansible.posix.sysctl: {name: net.ipv4.tcp_tw_reuse, value: 1}\n"
    )
    assert main([]) == 0
    assert "(site.yml:3)" in capsys.readouterr().out


def test_a_report_is_written_beside_the_lines(project: Path) -> None:
    assert main(["--report", "out.sarif"]) == 2
    (run,) = json.loads((project / "out.sarif").read_text())["runs"]
    (result,) = run["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "site.yml"


@pytest.mark.parametrize("words", [["nowhere"], ["--report", "no/where.json"], ["--what"]])
def test_what_cannot_be_done_is_an_error_in_words(
    project: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "timewait-lint: error: " in capsys.readouterr().err


def test_the_program_and_the_collection_have_one_version() -> None:
    version = re.search(r'(?m)^version = "(.*)"$', (ROOT / "pyproject.toml").read_text())
    assert version
    assert version.group(1) == yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]


def test_the_hook_runs_the_program_that_is_installed() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    scripts = re.search(r"(?m)^\[project\.scripts\]\n([\w-]+) = ", (ROOT / "pyproject.toml").read_text())
    assert scripts
    assert hook["entry"] == scripts.group(1)
