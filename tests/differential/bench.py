# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs every loader of every rig on a tree, in a sandbox: what the probe told, and what the kernel holds then."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import Probe, probe_script, sections_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._snapshot import snapshot_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._sysctld import SysctlFile

from tests.differential.rigs import Knobs, Program, make_rigs, programs_in, writers_at
from tests.differential.trees import Fifo, Tree, lay_out, real_path


@dataclass(frozen=True)
class Outcome:
    """What the kernel holds after a loader, and which FIFOs it opened."""

    values: Mapping[str, str]
    opened: tuple[str, ...]


@dataclass(frozen=True)
class Seen:
    """A tree as the probe told it, the bytes of the files that it told of, and what became of it by loader."""

    seed: int
    files: tuple[SysctlFile, ...]
    contents: Mapping[str, bytes]
    #: What the paths of FIFOs lead to.
    fifos: Mapping[str, str]
    outcomes: Mapping[str, Outcome]


class Bench:
    """Rigs that stand ready for trees."""

    def __init__(self, roots: Mapping[str, Path], below: Path) -> None:
        self.rigs = {rig.name: rig for rig in make_rigs(roots, below)}
        self.files = below / "files"
        self.programs = [program for rig in self.rigs.values() for program in programs_in(rig)]
        self._knobs = Knobs()
        self._probe = Probe()
        # Of a probe, what reads sysctl files; what it reads beside them takes as long again.
        script = probe_script(self._probe).replace("probe_main\n}\n", "prepare; state; finish\n}\n")
        (self.files / "probe").write_text(script, encoding="utf-8")
        self._prober = next(iter(self.rigs.values()))

    def see(self, seed: int, tree: Tree, programs: Sequence[Program] = ()) -> Seen:
        """What becomes of a tree, by these programs or all."""
        lay_out(tree, self.files)
        fifos = [f"{self.files}{path}" for path, node in tree.items() if isinstance(node, Fifo)]
        with writers_at(fifos) as opened:
            files = self._probed()
        if opened:
            raise RuntimeError(f"the probe opened {opened} in tree {seed}")
        contents = {file.path: self._content(file.path) for file in files if file.kind == "regular"}
        outcomes = {program.name: self._outcome(program, fifos) for program in programs or self.programs}
        special = {file.path: f"/{real_path(file.path, self.files)}" for file in files if file.kind == "special"}
        return Seen(seed, files, contents, special, outcomes)

    def _probed(self) -> tuple[SysctlFile, ...]:
        os.link(self.files / "probe", self.files / "run/probe")
        answer = self._prober.run(". /run/probe")
        files: tuple[SysctlFile, ...] = snapshot_of(sections_of(answer, self._probe.nonce)).files
        return files

    def _content(self, path: str) -> bytes:
        return (self.files / real_path(path, self.files)).read_bytes()

    def _outcome(self, program: Program, fifos: list[str]) -> Outcome:
        self._knobs.reset()
        with writers_at(fifos) as opened:
            self.rigs[program.rig].run(f"{program.command} >/dev/null")
        return Outcome(self._knobs.read(), tuple(sorted(path.removeprefix(str(self.files)) for path in opened)))

    def stop(self) -> None:
        for rig in self.rigs.values():
            rig.stop()
