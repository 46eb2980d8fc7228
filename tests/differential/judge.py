# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine says of a tree, beside what the kernel holds after a loader."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, cast

from ansible_collections.linux_tcp.tuning.plugins.plugin_utils import _boot, _sysctld
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._knobs import KNOBS
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._loaders import Loader
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._values import Value, kernel_value

from tests.differential.bench import Outcome, Seen
from tests.differential.rigs import BEFORE, Program


@dataclass(frozen=True)
class Mismatch:
    seed: int
    program: str
    what: str
    foreseen: str
    found: str


@dataclass(frozen=True)
class Engine:
    """What foretells: the engine, or a mutant of it."""

    boot: ModuleType = _boot
    sysctld: ModuleType = _sysctld

    def loader(self, program: Program) -> Loader:
        """The loader that the engine takes this one for, by its version."""
        of_how: dict[str, dict[str, Any]] = {
            "systemd-sysctl": {"systemd_booted": True, "systemd": program.version},
            "sysctl --system": {"sysctl": program.version},
            "sysctl -p": {
                "process_1": "init",
                "scripts": (("rc.sysinit", "sysctl -e -p /etc/sysctl.conf\n"),),
                "sysctl": program.version,
            },
        }
        loaders = self.boot.loaders_of(self.boot.Evidence(**of_how[program.how]))
        loader = loaders.reload if program.how == "sysctl --system" else loaders.boot
        assert isinstance(loader, self.boot.Loader)
        return cast("Loader", loader)

    def mismatches(self, seen: Seen, program: Program) -> Iterator[Mismatch]:
        """Where the kernel holds something else than was foretold, or another line gave it."""
        if any(deliberate(seen, program) for deliberate in DELIBERATE.values()):
            return
        loader = self.loader(program)
        outcome = seen.outcomes[program.name]
        for name, text in outcome.values.items():
            decision = self.sysctld.decide(KNOBS[name].path, seen.files, loader)
            foreseen, found = _value(name, decision.value), _value(name, text)
            if foreseen != found:
                yield Mismatch(seen.seed, program.name, name, f"{foreseen} by {_place(decision)}", f"{found}")
            elif decision.setting and not _says(seen.contents, decision.setting):
                yield Mismatch(seen.seed, program.name, name, f"a line in {_place(decision)}", "no such line there")
        read = self.sysctld.files_in_order(seen.files, loader)
        special = {seen.fifos.get(file.path, file.path) for file in read if file.kind == "special"}
        if special != {*outcome.opened}:
            yield Mismatch(seen.seed, program.name, "FIFOs", f"{sorted(special)}", f"{sorted(outcome.opened)}")


def _goes_on(seen: Seen, program: Program) -> bool:
    return "BusyBox" in program.version and any(b"\\\n" in content for content in seen.contents.values())


def _has_long_lines(seen: Seen, program: Program) -> bool:
    return "3.3.17" in program.version and any(re.search(rb"[^\n]{1000}", text) for text in seen.contents.values())


#: What is known and not foretold; docs/boot-order.md says why. Trees with it in them are not compared.
DELIBERATE: Mapping[str, Callable[[Seen, Program], bool]] = {
    "BusyBox joins a line that ends in a backslash with the next one": _goes_on,
    "sysctl of procps 3.3.17 dies of some lines of more than a thousand characters": _has_long_lines,
}


def _value(name: str, text: str | None) -> Value | None:
    """The value that a text comes to; where it is refused, or there is none, that before."""
    value = None if text is None else kernel_value(KNOBS[name], text)
    return kernel_value(KNOBS[name], BEFORE[name]) if value is None else value


def _says(contents: Mapping[str, bytes], setting: _sysctld.Setting) -> bool:
    """Whether the line with this number holds this value, so far as a probe tells it."""
    lines = contents[setting.file.path].split(b"\n")
    number = setting.line.number
    value = re.split(r"[\0\r#;?]", setting.value or "")[0].encode("utf-8", "surrogateescape")
    return number <= len(lines) and value in lines[number - 1]


def _place(decision: _sysctld.Decision) -> str:
    setting = decision.setting
    return f"{setting.file.path}:{setting.line.number}: {setting.line.text!r}" if setting else "no line"


def naive(seen: Seen) -> Mapping[str, Value | None]:
    """The rule of thumb: of all files named .conf, by basename, the last line wins."""
    values = {name: _value(name, None) for name in BEFORE}
    files = [f for f in seen.files if f.path in seen.contents and f.name.endswith(".conf")]
    for file in sorted(files, key=lambda file: file.name):
        for line in seen.contents[file.path].decode("latin-1").split("\n"):
            key, equals, value = line.partition("=")
            name = key.strip().replace("/", ".").removeprefix("net.ipv4.")
            if equals and name in values:
                values[name] = _value(name, value.strip())
    return values


def naive_is_right(seen: Seen, outcome: Outcome) -> bool:
    guess = naive(seen)
    return all(guess[name] == _value(name, text) for name, text in outcome.values.items())
