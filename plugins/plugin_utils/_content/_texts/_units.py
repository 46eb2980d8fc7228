# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of sections and of one command a line: units, tables of cron, interfaces, profiles. Pure.

Each gives the texts in it that a shell, or a loader of sysctls, gets to see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .._model import Found
from ._sysctl_text import exact_names_of, settings_on_command_line
from ._traced import Traced, joined

_HEADING = re.compile(r"\s*\[([^\]]*)\]\s*\Z")
_EXEC = re.compile(r"\s*Exec[A-Za-z]+\s*=\s*")
_PREFIXES = "@-:+!|"
_ENVIRONMENT = re.compile(r"\s*([A-Za-z_]\w*)\s*=")
#: Five fields or a nickname, and in the tables of the system a user behind them.
_CRON = re.compile(r"\s*(?:@[a-z]+|(?:[\w*/,~?-]+\s+){4}[\w*/,~?-]+)\s+")
_CRON_USER = re.compile(r"[a-z_][\w.-]*\s+(?=\S)")
_IFUPDOWN = re.compile(r"\s*(?:pre-up|up|post-up|down|pre-down|post-down)\s+")
_LXC = re.compile(r"\s*lxc\.sysctl\.")
_RULE = re.compile(r"(?:RUN|PROGRAM)(?:\{program\})?\+?=\s*\"([^\"]*)\"")


def settings_in_section(text: Traced, section: str = "sysctl") -> Iterator[Found]:
    """``key = value`` in one section, as in tuned's profiles, where quotes and comments behind a value are dropped."""
    inside = False
    for line in text.lines():
        heading = _HEADING.match(line.text)
        if heading:
            inside = heading[1].strip().partition("_")[0] == section
        elif inside and not line.text.lstrip().startswith(("#", ";")):
            yield from _pair(line)


def _pair(line: Traced) -> Iterator[Found]:
    pair = line.partition("=")
    if not pair:
        return
    plain = re.split(r"\s#", pair[1].text, maxsplit=1)[0]
    value = pair[1].part(0, len(plain)).strip().strip("\"'")
    for name in exact_names_of(pair[0].text.strip()):
        if value.text:
            yield Found(name, value.text, value.origin(0))


def in_lxc(text: Traced) -> Iterator[Found]:
    """``lxc.sysctl.KEY = VALUE``."""
    for line in text.lines():
        found = _LXC.match(line.text)
        if found:
            yield from _pair(line.part(found.end()))


def unit_commands(text: Traced) -> Iterator[Traced]:
    """The commands of a systemd unit."""
    for line in _continued(text):
        found = _EXEC.match(line.text)
        if found:
            command = line.part(found.end())
            yield command.part(len(command.text) - len(command.text.lstrip(_PREFIXES)))


def cron_commands(text: Traced, *, has_user: bool) -> Iterator[Traced]:
    """The commands of a table. A per cent sign that is not escaped ends one."""
    for line in text.lines():
        found = _CRON.match(line.text)
        if not found or line.text.lstrip().startswith("#") or _ENVIRONMENT.match(line.text):
            continue
        command = line.part(found.end())
        user = _CRON_USER.match(command.text) if has_user else None
        command = command.part(user.end()) if user else command
        end = re.search(r"(?<!\\)%", command.text)
        yield command.part(0, end.start() if end else None)


def interface_commands(text: Traced) -> Iterator[Traced]:
    """/etc/network/interfaces."""
    for line in _continued(text):
        found = _IFUPDOWN.match(line.text)
        if found:
            yield line.part(found.end())


def rule_commands(text: Traced) -> Iterator[Traced]:
    """Udev's rules."""
    for line in _continued(text):
        for found in _RULE.finditer(line.text) if not line.text.lstrip().startswith("#") else ():
            yield line.part(found.start(1), found.end(1))


def kernel_parameters(text: Traced) -> Iterator[Found]:
    """``sysctl.KEY=VALUE`` in what a boot loader is configured with."""
    for line in text.lines():
        if not line.text.lstrip().startswith("#"):
            for found in settings_on_command_line(line.text):
                yield Found(found.name, found.value, line.origin(found.offset))


def _continued(text: Traced) -> Iterator[Traced]:
    """Lines, joined where a backslash ends one."""
    held: list[Traced] = []
    for line in text.lines():
        bare = line.text.rstrip("\r")
        if bare.endswith("\\") and not (held == [] and bare.lstrip().startswith(("#", ";"))):
            held.append(line.part(0, len(bare) - 1))
            continue
        yield joined([*held, line])
        held = []
    if held:
        yield joined(held)
