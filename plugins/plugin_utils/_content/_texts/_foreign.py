# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs in Python, Perl and Ruby: the commands that they run, and what they write below /proc/sys. Pure.

By their strings alone: a program that puts these together from pieces is not followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .._model import Found
from .._shell._result import NOTHING, Reader
from .._shell._runner import Runner
from ._sysctl_text import mentions, names_of_path
from ._traced import Traced

_STRING = r"[rbfu]?(?:\"((?:[^\"\\\n]|\\.)*)\"|'((?:[^'\\\n]|\\.)*)')"
_RUNS = re.compile(
    rf"(?:system|popen|run|call|check_call|check_output|Popen|exec|sudo|local|shell|getoutput|getstatusoutput)"
    rf"\s*\(?\s*(\[?)\s*({_STRING}(?:\s*,\s*{_STRING})*)"
)
_ONE_STRING = re.compile(_STRING)
_OPENS = re.compile(rf"(?:open|File\.write|write_text|write_file)\s*\(?\s*{_STRING}")
_WRITES = re.compile(rf"\bwrite(?:_text)?\s*\(\s*(?:{_STRING}|str\((\d+)\))|print\s*\{{?\s*\$\w+\s*\}}?\s+{_STRING}")
_NEAR = 300


def commands_in_program(text: Traced, reader: Reader, depth: int) -> Iterator[Found]:
    at = 0
    for line in text.text.splitlines(keepends=True):
        if mentions(line) and not line.lstrip().startswith("#"):
            yield from _in_line(text, at, len(line), reader, depth)
        at += len(line)


def _in_line(text: Traced, at: int, length: int, reader: Reader, depth: int) -> Iterator[Found]:
    runner = Runner(reader, depth + 1)
    for found in _RUNS.finditer(text.text, at, at + length):
        words = _words(text, found)
        if found[1] and words:
            runner.command(words, NOTHING)
        elif words:
            runner.script(words[0])
    yield from runner.found
    for found in _OPENS.finditer(text.text, at, at + length):
        names = names_of_path(found[1] or found[2] or "")
        written = _WRITES.search(text.text, found.end(), found.end() + _NEAR) if names else None
        group = next((number for number in range(1, 6) if written and written[number]), None)
        if written and group:
            for name in names:
                value = text.part(written.start(group), written.end(group))
                yield Found(name, value.text.replace("\\n", "").strip(), value.origin(0))


def _words(text: Traced, found: re.Match[str]) -> list[Traced]:
    return [text.part(*_inside(word)) for word in _ONE_STRING.finditer(text.text, found.start(2), found.end(2))]


def _inside(word: re.Match[str]) -> tuple[int, int]:
    group = 1 if word[1] is not None else 2
    return word.start(group), word.end(group)
