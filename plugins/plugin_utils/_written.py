# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a probe found of other programs that set our keys: see _writers.sh. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ._knobs import KNOBS
from ._script import Section
from ._sysctld import Line, SysctlFile


@dataclass(frozen=True)
class Assignment:
    """A value that a line of somebody's file gives to a knob; None where only the running program knows it."""

    path: str
    line: int
    knob: str
    text: str | None


@dataclass(frozen=True)
class TunedFiles:
    """``active`` are names of profiles; ``profiles`` their files and those included, ``main`` tuned-main.conf."""

    active: tuple[str, ...]
    main: tuple[str, ...]
    profiles: tuple[SysctlFile, ...]


@dataclass(frozen=True)
class Written:
    """``commands`` are from scripts, units and tables; ``ufw`` is the file that ufw has sysctl load."""

    commands: tuple[Assignment, ...] = ()
    ufw: SysctlFile | None = None
    tuned: TunedFiles | None = None


def written_of(sections: Iterable[Section]) -> Written:
    """What other programs set, from the sections of an answer. Raises ValueError for what is none of ours."""
    commands: list[Assignment] = []
    ufw: SysctlFile | None = None
    tuned: str | None = None
    profiles: list[SysctlFile] = []
    for section in sections:
        if section.name == "writers":
            commands += _assignments(section.text)
        elif section.name == "ufw":
            ufw = _file(section)
        elif section.name == "tuned":
            tuned = section.text
        elif section.name == "profile":
            profiles.append(_file(section))
    return Written(tuple(commands), ufw, None if tuned is None else _tuned(tuned, profiles))


def _file(section: Section) -> SysctlFile:
    found = (line.partition(":") for line in section.text.split("\n") if line)
    lines = sorted((int(number), text) for number, _colon, text in found)
    return SysctlFile(section.argument, "regular", lines=tuple(Line(number, text) for number, text in lines))


def _tuned(text: str, profiles: Iterable[SysctlFile]) -> TunedFiles:
    active, *main = text.split("\n")
    return TunedFiles(tuple(active.removeprefix("active=").split()), tuple(main), tuple(profiles))


def _assignments(text: str) -> Iterable[Assignment]:
    path, line = "", 0
    for row in text.split("\n"):
        _nonce, _space, words = row.partition(" ")
        place = re.fullmatch(r"(/.*):([0-9]+):", words)
        if place:
            path, line = place[1], int(place[2])
            continue
        knob, _equals, value = words.partition("=")
        if knob in KNOBS:
            # A range is one word, so that no word behind it is taken for its end.
            yield Assignment(path, line, knob, None if value in ("$", "`", "{", "%") else value.replace("_", " "))
