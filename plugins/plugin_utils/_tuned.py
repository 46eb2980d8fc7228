# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tuned sets when it starts: its profiles put together, and the sysctl files that it applies after them. Pure.

Sources: tuned's profiles/loader.py, locator.py, merger.py and unit.py, and plugins/plugin_sysctl.py.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ._knobs import KNOBS
from ._loaders import ETC, RUN, SYSCTL_CONF, FileSet, Loader, Syntax
from ._sysctld import SysctlFile, decide
from ._written import Assignment, TunedFiles

#: plugin_sysctl.py, since tuned 2.13: two directories and /etc/sysctl.conf; neither globs nor "-key". Before, it
#: read the directories below /usr too, where our drop-in may be as well: for that a warning too many is given.
REAPPLIED = Loader(
    "procps",
    Syntax("procps", space=" \t\r\n\v\f"),
    (FileSet((RUN, ETC)), SYSCTL_CONF),
    reads_hidden=True,
)

_TRUE = ("True", "true", "1")


@dataclass
class Unit:
    """A section of a profile. ``options`` are those that set our keys, by knob."""

    type: str
    enabled: bool = True
    replace: bool = False
    drop: tuple[str, ...] = ()
    options: dict[str, Assignment] = field(default_factory=dict)


def set_by(tuned: TunedFiles, files: tuple[SysctlFile, ...]) -> dict[str, Assignment]:
    """What holds after tuned has started, by knob, as far as tuned decides it."""
    units = [unit for unit in _merged(tuned).values() if unit.type == "sysctl" and unit.enabled]
    found = {name: assignment for unit in units for name, assignment in unit.options.items()}
    if not units or not reapplies(tuned):
        return found
    spared = re.split(r"\s*[,;]\s*", _option(tuned, "reapply_sysctl_exclude") or "")
    for name, knob in KNOBS.items():
        setting = decide(knob.path, files, REAPPLIED).setting
        if setting and not any(fnmatch.fnmatchcase(knob.key, pattern) for pattern in spared):
            found[name] = Assignment(setting.file.path, setting.line.number, name, setting.value)
    return found


def reapplies(tuned: TunedFiles) -> bool:
    """Whether sysctl files win over a profile."""
    value = _option(tuned, "reapply_sysctl")
    return value is None or value.lower() in ("1", "yes", "true", "on")


def _option(tuned: TunedFiles, name: str) -> str | None:
    pairs = (line.partition("=") for line in tuned.main)
    return next((_bare(value) for key, _equals, value in pairs if key.strip() == name), None)


def _bare(value: str) -> str:
    """A value without a comment behind it."""
    return re.split(r"\s#", value, maxsplit=1)[0].strip()


def _merged(tuned: TunedFiles) -> dict[str, Unit]:
    units: dict[str, Unit] = {}
    for file in _in_order(tuned.active, tuned.profiles, set()):
        for name, newer in _units(file).items():
            older = units.get(name)
            if older is None or newer.replace:
                units[name] = newer
                continue
            kept = {knob: option for knob, option in older.options.items() if KNOBS[knob].key not in newer.drop}
            units[name] = replace(newer, options={**kept, **newer.options})
    return units


def _in_order(names: tuple[str, ...], profiles: tuple[SysctlFile, ...], done: set[str]) -> Iterator[SysctlFile]:
    """The profiles in tuned's order: what a profile includes comes before it.

    Of two profiles with one name a probe sends the one that wins first.
    """
    for name in names:
        end = f"/{name.removeprefix('-').rpartition('/')[2]}/tuned.conf"
        file = next((file for file in profiles if file.path.endswith(end) and file.path not in done), None)
        if file is not None:
            done.add(file.path)
            yield from _in_order(_included(file), profiles, done)
            yield file


def _included(file: SysctlFile) -> tuple[str, ...]:
    for section, key, value, _line in _options(file):
        if (section, key) == ("main", "include"):
            return tuple(re.split(r"\s*[,;]\s*", value))
    return ()


def _options(file: SysctlFile) -> Iterator[tuple[str, str, str, int]]:
    section = ""
    for line in file.lines:
        heading = re.match(r"\[([^]]*)\]", line.text)
        if heading:
            section = heading[1]
            continue
        key, _equals, value = line.text.partition("=")
        yield section, key.strip(), _bare(value), line.number


def _units(file: SysctlFile) -> Mapping[str, Unit]:
    units: dict[str, Unit] = {}
    knobs = {knob.path: name for name, knob in KNOBS.items()}
    for section, key, value, line in _options(file):
        unit = units.setdefault(section, Unit(section))
        knob = knobs.get(key.replace(".", "/"))
        if knob:
            text = re.sub(r'\A"(.*)"\Z', r"\1", value)
            unit.options[knob] = Assignment(file.path, line, knob, None if "${" in text else text)
        elif key == "type":
            unit.type = value
        elif key == "enabled":
            unit.enabled = value in _TRUE
        elif key == "replace":
            unit.replace = value in _TRUE
        elif key == "drop":
            unit.drop = tuple(re.split(r"\s*[,;]\s*", value))
    return units
