# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripts stopped at every point at which a host can differ, and what the host is like then: see interrupt.py."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from tests.sandbox.hosts import ROOT, SandboxHost
from tests.system.engine import Planned

How = Literal["all", "shell", "child", "gone"]

#: Mode, owner, group and text of a file.
File = tuple[str, int, int, str]


@dataclass(frozen=True)
class World:
    """What a script may leave: files by path, and what knobs read."""

    files: Mapping[str, File]
    knobs: Mapping[str, str]

    @classmethod
    def of(cls, told: dict[str, Any]) -> World:
        return cls({path: tuple(file) for path, file in told["files"].items()}, told["knobs"])


@dataclass(frozen=True)
class Interrupted:
    """A run that was struck before its ``at``, the ``point``-th change; ``at`` is empty for one that was not."""

    point: int
    at: str
    world: World
    answer: str


class Interrupter:
    """The program interrupt.py on a host."""

    def __init__(self, host: SandboxHost) -> None:
        program = [sys.executable, "-I", str(ROOT / "tests" / "sandbox" / "interrupt.py")]
        self._process = subprocess.Popen(
            host.entered(*program), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def stop(self) -> None:
        self._process.communicate()

    def _ask(self, **question: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def look(self) -> World:
        self._ask(do="look")
        return World.of(self._answer())

    def restore(self, world: World) -> None:
        self._ask(do="restore", world={"files": world.files, "knobs": world.knobs})
        self._answer()

    def each_point(self, script: str, how: How, *shell: str) -> Iterator[Interrupted]:
        """Strikes at each point, from the same beginning each time; the last run is whole."""
        self._ask(do="interrupt", script=script, how=how, shell=shell or ["/bin/sh"])
        reached = True
        while reached:
            told = self._answer()
            reached = told["reached"]
            yield Interrupted(told["point"], told["at"], World.of(told["world"]), told["answer"])


@contextmanager
def interrupter(host: SandboxHost) -> Iterator[Interrupter]:
    made = Interrupter(host)
    try:
        yield made
    finally:
        made.stop()


def without_look(made: Planned, patience: int = 0) -> str:
    """The script without the look at the end, which changes nothing and takes its time."""
    script = made.script.replace("apply; probe; finish", "apply; finish").replace("PATIENCE=30", f"PATIENCE={patience}")
    assert len(script) == len(made.script) - len("probe; ") + len(str(patience)) - 2
    return script


def settled(world: World) -> tuple[dict[str, Any], dict[str, str]]:
    """Without the flags that runs put up: these bear numbers of processes."""
    return {path: file for path, file in world.files.items() if not is_flag(path)}, dict(world.knobs)


def is_flag(path: str) -> bool:
    return path.startswith("/run/linux_tcp.tuning.")


def is_temporary(path: str) -> bool:
    """Of a name that no loader reads: none takes one that begins with a dot unless it ends in .conf."""
    name = path.rpartition("/")[2]
    return name.startswith(".") and "timewait-new" in name and not name.endswith(".conf")
