# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutants of the engine: each is wrong in one thing, which some tree has to show. What kernels held is known."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from ansible_collections.linux_tcp.tuning.plugins.plugin_utils import _sysctld

from tests.differential.bench import Seen
from tests.differential.judge import Engine
from tests.differential.rigs import Program

if TYPE_CHECKING:
    from tests.differential.run import Results

ENGINE = Path(_sysctld.__file__).parent


@dataclass(frozen=True)
class Mutant:
    """``before`` stands once in ``file``; ``after`` takes its place."""

    name: str
    file: str
    before: str
    after: str


MUTANTS: Sequence[Mutant] = (
    Mutant(
        "the last basename wins, wherever it lies",
        "_sysctld.py",
        "chosen.setdefault(file.name, file)",
        "chosen[file.path] = file",
    ),
    Mutant("a lower directory wins", "_sysctld.py", "chosen.setdefault(file.name, file)", "chosen[file.name] = file"),
    Mutant(
        "an empty file does not mask",
        "_sysctld.py",
        "if _is_named(file.name, wanted, loader) and",
        "if _is_named(file.name, wanted, loader) and file.lines and",
    ),
    Mutant(
        "a link to /dev/null does not mask",
        "_sysctld.py",
        "if _is_named(file.name, wanted, loader) and",
        'if _is_named(file.name, wanted, loader) and file.kind != "null" and',
    ),
    Mutant(
        "a dangling link does not mask",
        "_sysctld.py",
        "if _is_named(file.name, wanted, loader) and",
        'if _is_named(file.name, wanted, loader) and file.kind != "missing" and',
    ),
    Mutant(
        "files in the order of numbers",
        "_sysctld.py",
        'sorted(chosen, key=lambda name: name.encode("utf-8", "surrogateescape"))',
        'sorted(chosen, key=lambda name: (int("0" + re.match("[0-9]*", name)[0]), name))',
    ),
    Mutant(
        "files in any case of letters",
        "_sysctld.py",
        'sorted(chosen, key=lambda name: name.encode("utf-8", "surrogateescape"))',
        "sorted(chosen, key=str.lower)",
    ),
    Mutant("a bare -key means nothing", "_sysctld.py", "if (not equals and not dash) or", "if not equals or"),
    Mutant(
        "globs beat explicit keys",
        "_sysctld.py",
        "    if setting.path == key:\n        return True\n",
        "    if setting.path == key and setting.value is None:\n        return True\n",
    ),
    Mutant(
        "explicit keys keep out what is spelled otherwise",
        "_sysctld.py",
        "if setting.path == key:",
        "if normalized(setting.path) == normalized(key):",
    ),
    Mutant("-glob means nothing to any procps", "_loaders.py", "excludes_by_glob=True", "excludes_by_glob=False"),
    # That these begin a comment makes no difference: no key of ours begins with one.
    Mutant(
        "a semicolon ends a value", "_sysctld.py", r'line.text.partition("\0")[0]', r're.split("[\0;]", line.text)[0]'
    ),
    Mutant(
        "a number sign ends a value", "_sysctld.py", r'line.text.partition("\0")[0]', r're.split("[\0#]", line.text)[0]'
    ),
    Mutant(
        "what the kernel refuses counts",
        "_sysctld.py",
        "for each in reversed(written) if _is_taken(path, each)",
        "for each in reversed(written)",
    ),
    Mutant(
        "the first line wins",
        "_sysctld.py",
        "for each in reversed(written) if _is_taken(path, each)",
        "for each in written if _is_taken(path, each)",
    ),
    Mutant(
        "a repeated line moves to the end",
        "_sysctld.py",
        "if setting.path in kept and kept[setting.path].value != setting.value:",
        "if setting.path in kept:",
    ),
    Mutant(
        "a changed line keeps its place",
        "_sysctld.py",
        "if setting.path in kept and kept[setting.path].value != setting.value:",
        "if False:",
    ),
    Mutant("a line ends at a newline only", "_loaders.py", r'ends="\r\0"', 'ends=""'),
    Mutant("a NUL ends nothing", "_sysctld.py", r'line.text.partition("\0")[0]', "line.text"),
    Mutant(
        "a wildcard matches a slash",
        "_sysctld.py",
        'wanted, parts = pattern.split("/"), path.split("/")',
        "wanted, parts = [pattern], [path]",
    ),
    Mutant("braces are no alternatives", "_loaders.py", "braces=True", "braces=False"),
    Mutant("dots and slashes do not swap", "_sysctld.py", 'str.maketrans("./", "/.")', 'str.maketrans(".", "/")'),
    Mutant(
        "keys are not tidied",
        "_sysctld.py",
        'swapped(key).split("/") if part not in ("", ".")',
        'swapped(key).split("/") if part',
    ),
    Mutant(
        "/run before /etc",
        "_loaders.py",
        "_SYSTEMD_SYNTAX, (FileSet((ETC, RUN,",
        "_SYSTEMD_SYNTAX, (FileSet((RUN, ETC,",
    ),
    Mutant(
        "/etc/sysctl.conf is not read last", "_loaders.py", "USR, LIB)), SYSCTL_CONF), reads", "USR, LIB)),), reads"
    ),
    Mutant("hidden files are read by nobody", "_loaders.py", "reads_hidden=True", "reads_hidden=False"),
    Mutant(
        "a second dash is part of the key",
        "_sysctld.py",
        'name.removeprefix("-") if dashed and not syntax.tokens else name',
        "name",
    ),
    Mutant(".. leads nowhere", "_sysctld.py", "if loader.syntax.refuses_parents or", 'if ".." in path or'),
    Mutant(".. is refused by nobody", "_sysctld.py", "if loader.syntax.refuses_parents or path", "if path"),
)


def survivors_of(results: Results) -> list[str]:
    """Prints which tree shows each mutant to be wrong; the names of those that none does."""
    print("mutants, and the tree that shows each to be wrong:")
    survivors = []
    for number, mutant in enumerate(MUTANTS):
        with tempfile.TemporaryDirectory() as directory:
            engine = engine_of(mutant, Path(directory), f"mutant_{number}")
            killer = next(_mismatches(engine, results.seen, results.programs), None)
        print(f"  {killer or 'SURVIVES'}  {mutant.name}")
        if killer is None:
            survivors.append(mutant.name)
    return survivors


def _mismatches(engine: Engine, trees: Sequence[Seen], programs: Sequence[Program]) -> Iterator[str]:
    for seen in trees:
        for program in programs:
            for mismatch in engine.mismatches(seen, program):
                yield f"tree {mismatch.seed:<5} {program.name:26}"


def engine_of(mutant: Mutant, directory: Path, package: str) -> Engine:
    """The engine with a mutant in it, as a package of its own."""
    for path in ENGINE.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name == mutant.file:
            if text.count(mutant.before) != 1:
                raise ValueError(f"{mutant.name!r}: {mutant.before!r} is there {text.count(mutant.before)} times")
            text = text.replace(mutant.before, mutant.after)
        (directory / path.name).write_text(text, encoding="utf-8")
    parent = ModuleType(package)
    parent.__path__ = [str(directory)]
    sys.modules[package] = parent
    return Engine(importlib.import_module(f"{package}._boot"), importlib.import_module(f"{package}._sysctld"))
