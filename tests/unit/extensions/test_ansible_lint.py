# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules as ansible-lint runs them: on a project and on parts of it, with --fix, as a copy and as a wheel."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
RULES = ROOT / "extensions/ansible_lint/rules"

#: As the documentation has them.
LINES = re.compile(r"```yaml\n(rulesdir:.*?)```", re.DOTALL)

FILES = {
    ".gitignore": "/ignored/\nlocal_*\n",
    "site.yml": """\
---
- name: Everything
  hosts: all
  roles:
    - role: web
  tasks:
    - name: Turn it on
      ansible.posix.sysctl:
        name: net.ipv4.tcp_tw_recycle
        value: "1"
    - name: Tune
      ansible.posix.sysctl:
        name: "{{ item.name }}"
        value: "{{ item.value }}"
      loop:
        - { name: net.ipv4.tcp_tw_recycle, value: 1 }
        - name: net.ipv4.tcp_tw_reuse
          value: 1
        - name: net.ipv4.tcp_fin_timeout
          value: 15
    - name: Know better
      ansible.posix.sysctl: # noqa: timewait-recycle
        name: net.ipv4.tcp_tw_recycle
        value: "1"
    - name: Know better, too
      ansible.posix.sysctl:
        name: net.ipv4.tcp_tw_recycle
        value: "1"
      tags: [skip_ansible_lint]
    - name: Go on elsewhere
      ansible.builtin.import_tasks: more/more.yml
    - name: Keep it off
      ansible.posix.sysctl:
        name: net.ipv4.tcp_tw_recycle
        value: "0"
""",
    # No path tells ansible-lint that these are tasks: the playbook does.
    "more/more.yml": """\
---
- name: Turn it on, too
  ansible.posix.sysctl:
    name: net.ipv4.tcp_tw_recycle
    value: "2"
""",
    "roles/web/meta/main.yml": "---\ndependencies: []\n",
    "roles/web/defaults/main.yml": """\
---
web_sysctls:
  net.ipv4.tcp_tw_recycle: 1 # measured
  # noqa: timewait-recycle
  net/ipv4/tcp_tw_recycle: 1
""",
    "roles/web/tasks/main.yml": """\
---
- name: Copy
  ansible.builtin.copy:
    src: web.conf
    dest: /etc/sysctl.d/web.conf
    mode: "0644"
- name: Write
  ansible.builtin.template:
    src: sysctls
    dest: /etc/sysctl.d/sysctls.conf
    mode: "0644"
- name: Depend
  ansible.posix.sysctl:
    name: net.ipv4.tcp_tw_recycle
    value: "{{ web_nobody_knows }}"
""",
    "roles/web/files/web.conf": (
        "# net.ipv4.tcp_tw_recycle = 1\n"
        "net.ipv4.tcp_tw_recycle = 1\n"
        "net.ipv4.tcp_timestamps = 0\n"
        "net.ipv4.tcp_tw_reuse = 1\n"
    ),
    "roles/web/files/unused.conf": "net.ipv4.tcp_tw_recycle=1\n",
    "roles/web/templates/sysctls": "{% for k, v in web_sysctls.items() %}\n{{ k }} = {{ v }}\n{% endfor %}\n",
    "broken.yml": """\
---
- name: A role is missing
  hosts: all
  roles:
    - role: nowhere
  tasks:
    - name: Turn it on
      ansible.posix.sysctl:
        name: net.ipv4.tcp_tw_recycle
        value: "1"
""",
    "excluded/play.yml": """\
---
- name: Somebody else's
  hosts: all
  tasks:
    - name: Turn it on
      ansible.posix.sysctl:
        name: net.ipv4.tcp_tw_recycle
        value: "1"
""",
}
FILES["ignored/play.yml"] = FILES["local_play.yml"] = FILES["excluded/play.yml"]

EXPECTED = {
    ("site.yml", 10, "timewait-recycle", "error"),
    ("site.yml", 16, "timewait-recycle", "error"),
    ("site.yml", 18, "timewait-reuse-without-timestamps", "warning"),
    ("site.yml", 20, "timewait-fin-timeout", "warning"),
    ("more/more.yml", 5, "timewait-recycle", "error"),
    ("broken.yml", 10, "timewait-recycle", "error"),
    ("roles/web/defaults/main.yml", 3, "timewait-recycle", "error"),
    ("roles/web/files/web.conf", 2, "timewait-recycle", "error"),
    ("roles/web/files/web.conf", 4, "timewait-reuse-without-timestamps", "warning"),
    ("roles/web/files/unused.conf", 1, "timewait-recycle[not-in-force]", "warning"),
    ("roles/web/tasks/main.yml", 15, "timewait-recycle[not-decided]", "warning"),
}


def write(directory: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text, encoding="utf-8", newline="")


def config(**settings: object) -> str:
    """The lines of the documentation, with a profile, and with what a syntax check without collections needs."""
    (lines,) = LINES.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    more = {"profile": "production", "mock_modules": ["ansible.posix.sysctl"], **settings}
    return lines + "".join(f"{key}: {json.dumps(value)}\n" for key, value in more.items())


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    directory = tmp_path_factory.mktemp("project")
    write(directory, {**FILES, ".ansible-lint": config(exclude_paths=["excluded/"])})
    subprocess.run(["git", "init", "--quiet", directory], check=True)
    return directory


class Run:
    """A run of ansible-lint: its exit status, what it wrote, and what it found in our rules."""

    def __init__(
        self, directory: Path, *arguments: str, python: str = sys.executable, collection: Path | None = ROOT
    ) -> None:
        report = directory / "report.sarif"
        report.unlink(missing_ok=True)
        home = directory.with_name(f"{directory.name}-home")
        installed = home / ".ansible/collections/ansible_collections/linux_tcp/tuning"
        if collection and not installed.exists():
            installed.parent.mkdir(parents=True)
            installed.symlink_to(collection)
        path = f"{Path(python).parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            [python, "-m", "ansiblelint", "--offline", "-f", "pep8", "--sarif-file", str(report), *arguments],
            cwd=directory,
            env={"HOME": str(home), "NO_COLOR": "1", "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        self.status = done.returncode
        self.output = done.stdout + done.stderr
        assert report.exists(), self.output
        self.results = json.loads(report.read_text(encoding="utf-8"))["runs"][0]["results"]
        self.rules = json.loads(report.read_text(encoding="utf-8"))["runs"][0]["tool"]["driver"]["rules"]

    @property
    def found(self) -> list[tuple[str, int, str, str]]:
        return sorted(
            (place["artifactLocation"]["uri"], place["region"]["startLine"], result["ruleId"], result["level"])
            for result in self.results
            for place in (location["physicalLocation"] for location in result["locations"])
            if result["ruleId"].startswith("timewait-")
        )


@pytest.fixture(scope="module")
def whole(project):
    return Run(project)


def test_the_lines_are_the_same_wherever_they_are_documented():
    pages = [ROOT / "README.md", ROOT / "docs/ansible-lint.md"]
    assert len({lines for page in pages for lines in LINES.findall(page.read_text(encoding="utf-8"))}) == 1


def test_a_project_with_the_lines_of_the_documentation_has_every_value_reported_once_where_it_stands(whole):
    assert whole.found == sorted(EXPECTED), whole.output
    assert whole.status == 2
    # Also in a playbook that ansible-lint shows to no rule.
    assert "the role 'nowhere' was not found" in whole.output


def test_a_match_says_what_carries_the_value_and_what_to_do(whole):
    line = next(line for line in whole.output.splitlines() if line.startswith("roles/web/files/web.conf:2:"))
    assert "(brought to hosts by roles/web/tasks/main.yml:2)" in line
    assert "Leave tcp_tw_recycle at 0." in line
    line = next(line for line in whole.output.splitlines() if line.startswith("roles/web/files/web.conf:4:"))
    assert "tcp_timestamps is 0 for the same hosts (roles/web/files/web.conf:3)" in line


def test_sarif_has_the_rules_with_their_levels_and_what_they_are_about(whole):
    rules = {rule["id"]: rule for rule in whole.rules}
    levels = {name: rule["defaultConfiguration"]["level"] for name, rule in rules.items() if "timewait" in name}
    assert levels == {
        "timewait-recycle": "error",
        "timewait-recycle[not-decided]": "error",
        "timewait-recycle[not-in-force]": "error",
        "timewait-reuse-without-timestamps": "warning",
        "timewait-fin-timeout": "note",
    }
    assert "behind NAT" in rules["timewait-recycle"]["help"]["text"]
    messages = [result["message"]["text"] for result in whole.results if result["ruleId"] == "timewait-recycle"]
    assert all("net.ipv4.tcp_tw_recycle is set to " in message for message in messages)


def test_a_file_as_argument_has_what_stands_in_it_or_is_carried_by_it_and_the_users_lists_count(project):
    settings = {"warn_list": ["timewait-recycle"], "skip_list": ["timewait-recycle[not-decided]"]}
    write(project, {"other.yml": config(**settings)})
    run = Run(project, "-c", "other.yml", "roles/web/tasks/main.yml")
    web = {found for found in EXPECTED if found[0].startswith("roles/web/") and found[2].partition("[")[1] != "["}
    assert run.found == sorted((path, line, rule, "warning") for path, line, rule, _level in web), run.output
    assert run.status == 0


def test_fix_turns_it_off_where_it_stands_in_plain_sight_and_nothing_else(project, tmp_path):
    write(tmp_path, {**FILES, ".ansible-lint": config()})
    (tmp_path / "broken.yml").unlink()
    (tmp_path / "local_play.yml").unlink()
    for name in ("excluded", "ignored"):
        shutil.rmtree(tmp_path / name)
    command = "    - name: Do it\n      ansible.builtin.command: sysctl -w net.ipv4.tcp_tw_recycle=1\n"
    write(tmp_path, {"site.yml": f"{FILES['site.yml']}{command}      changed_when: true\n"})
    before = {path: path.read_text(encoding="utf-8") for path in tmp_path.rglob("[!.]*") if path.is_file()}
    run = Run(tmp_path, "--fix=timewait-recycle")
    changed = {
        (str(path.relative_to(tmp_path)), number, new)
        for path, text in before.items()
        for number, (old, new) in enumerate(
            zip(text.splitlines(), path.read_text(encoding="utf-8").splitlines(), strict=True), 1
        )
        if old != new
    }
    assert changed == {
        ("site.yml", 10, '        value: "0"'),
        ("more/more.yml", 5, '    value: "0"'),
        ("site.yml", 16, "        - { name: net.ipv4.tcp_tw_recycle, value: 0 }"),
        ("roles/web/defaults/main.yml", 3, "  net.ipv4.tcp_tw_recycle: 0 # measured"),
        ("roles/web/files/web.conf", 2, "net.ipv4.tcp_tw_recycle = 0"),
        ("roles/web/files/unused.conf", 1, "net.ipv4.tcp_tw_recycle=0"),
    }, run.output
    left = [found for found in run.found if found[2].startswith("timewait-recycle")]
    assert left == [
        ("roles/web/tasks/main.yml", 15, "timewait-recycle[not-decided]", "warning"),
        ("site.yml", FILES["site.yml"].count("\n") + 2, "timewait-recycle", "error"),
    ]
    assert run.status == 2


def test_an_error_of_a_rule_is_a_match_and_a_copy_of_the_collection_is_enough(tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(RULES, copy / "extensions/ansible_lint/rules")
    shutil.copytree(ROOT / "plugins/plugin_utils", copy / "plugins/plugin_utils")
    judge = copy / "plugins/plugin_utils/_content/_judge.py"
    judge.write_text(f"{judge.read_text(encoding='utf-8')}\ndel judged\n", encoding="utf-8")
    work = tmp_path / "work"
    work.mkdir()
    write(work, {"site.yml": FILES["excluded/play.yml"], ".ansible-lint": config()})
    run = Run(work, "site.yml", collection=copy)
    assert ("site.yml", 1, "timewait-recycle[not-looked]", "error") in run.found, run.output
    assert re.search(r"timewait-recycle could not look: AttributeError.*'judged'.*\(project.py:\d+\)", run.output)
    assert run.status == 2


def test_the_wheel_is_found_by_ansible_lint_without_a_word(tmp_path):
    subprocess.run([ROOT / "dev/collection", "wheel"], check=True, capture_output=True)
    (wheel,) = (ROOT / ".work/dist").glob("*.whl")
    venv.create(tmp_path / "venv")
    python = tmp_path / "venv/bin/python"
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    # ansible-lint looks for the rules of others below its own directory: that is here, all else stays where it is.
    (theirs,) = Path(sys.prefix).glob("lib/python*/site-packages")
    shutil.copytree(theirs / "ansiblelint", site / "ansiblelint")
    (site / "rest.pth").write_text(f"{theirs}\n", encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps", wheel],
        check=True,
    )
    work = tmp_path / "work"
    work.mkdir()
    config = 'mock_modules: ["ansible.posix.sysctl"]\n'
    write(work, {"site.yml": FILES["excluded/play.yml"], ".ansible-lint": config})
    run = Run(work, "site.yml", python=str(python), collection=None)
    assert run.found == [("site.yml", 8, "timewait-recycle", "error")], run.output
    assert run.status == 2
