# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What really becomes of content: the answers of ansible-playbook, run in a sandbox, and their record."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lint.cases import Built, Case, arguments, build
from tests.lint.values import is_on
from tests.sandbox.hosts import ROOT

RECORD = ROOT / "tests" / "lint" / "recorded.jsonl.gz"
_WORK = ROOT / ".work"


@dataclass(frozen=True)
class Answer:
    """Exit status of ansible-playbook, and every value that the knob got or gets from a file, with where it was."""

    status: int
    arrived: tuple[tuple[str, str], ...]
    output: str = ""

    @property
    def on(self) -> bool:
        return any(is_on(value) for _place, value in self.arrived)


def _environment(core: str, directory: Path) -> dict[str, str]:
    config = directory / "ansible.cfg"
    config.touch()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    return {
        **kept,
        "ANSIBLE_CONFIG": str(config),
        # A sandbox has a /run of its own.
        "ANSIBLE_HOME": "/run/ansible",
        "ANSIBLE_REMOTE_TEMP": "/run/ansible-remote",
        "ANSIBLE_COLLECTIONS_PATH": str((_WORK / "vendor").resolve()),
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_PYTHON_INTERPRETER": str(_python(core)),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_RETRY_FILES_ENABLED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(ROOT),
    }


def _python(core: str) -> Path:
    return _WORK / "venv" / core / "bin" / "python"


def ask(trees: Iterable[tuple[str, Built]], core: str, directory: Path) -> Iterator[tuple[str, Answer]]:
    """Runs trees one after the other, and answers for each."""
    process = subprocess.Popen(
        [ROOT / "dev" / "sandbox", "--legacy", "--", _python(core), "-m", "tests.lint.worker"],
        env=_environment(core, directory),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        for name, built in trees:
            question = {"id": name, "files": built.files, "etc": built.etc, "arguments": arguments(built)}
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"the worker ended at {name}: exit status {process.wait()}")
            answer = json.loads(line)
            arrived = tuple((place, value) for place, value in answer["arrived"])
            yield name, Answer(answer["status"], arrived, answer["output"])
        process.stdin.close()


def recorded() -> Iterator[tuple[Case, str, Answer]]:
    """The cases of the record, the digest that each tree had then, and the answer."""
    with gzip.open(RECORD, "rt", encoding="utf-8") as lines:
        for line in lines:
            entry: dict[str, Any] = json.loads(line)
            arrived = tuple((place, value) for place, value in entry["arrived"])
            yield Case.of(entry["case"]), entry["digest"], Answer(0, arrived)


def record(answers: Iterable[tuple[Case, Answer]]) -> None:
    lines = [
        json.dumps({"case": case.id, "digest": build(case).digest, "arrived": answer.arrived}) + "\n"
        for case, answer in answers
    ]
    # Neither name nor time in the header: the same answers are the same bytes.
    RECORD.write_bytes(gzip.compress("".join(sorted(lines)).encode(), mtime=0))
