# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our drop-in: its text, and the record in it of the values that it replaced. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ._knobs import KNOBS
from ._script import MARK, OWNER
from ._values import BadRequest, Value, kernel_text, kernel_value

FORMAT = 1

_BEFORE = "# before: "
_EDITED = "# commented out a line in: "


@dataclass(frozen=True)
class Record:
    """What a drop-in of ours says.

    ``values``: what it sets. ``before``: what the kernel had for these keys before. ``edited``: files in which lines
    were commented out in favour of it.
    """

    values: Mapping[str, Value] = field(default_factory=dict)
    before: Mapping[str, Value] = field(default_factory=dict)
    edited: tuple[str, ...] = ()


def mark_of(path: str) -> str:
    """What stands before a line that was commented out in favour of the drop-in at ``path``."""
    return f"{MARK}commented out for {path.rpartition('/')[2]}: "


def sed_pattern(mark: str) -> str:
    """A mark as a pattern for sed: of the characters that it can have, only the dot is special."""
    return mark.replace(".", "[.]")


def render(path: str, record: Record) -> str:
    """The text of the drop-in. It depends on the record alone: no time, no user, so that it converges."""
    lines = [
        f"{OWNER}{FORMAT}",
        "# Safe TIME_WAIT settings, written by the Ansible collection linux_tcp.tuning, which overwrites changes.",
        "#",
        "# The values that these replaced:",
        *(f"{_BEFORE}{KNOBS[name].key} = {kernel_text(value)}".rstrip() for name, value in record.before.items()),
        *(f"{_EDITED}{file}" for file in record.edited),
        "#",
        "# To undo it without Ansible, as root:",
        *(f"#   {command}" for command in undo_commands(path, record)),
        "",
        *(f"{KNOBS[name].key} = {kernel_text(value)}".rstrip() for name, value in record.values.items()),
    ]
    return "\n".join(lines) + "\n"


def undo_commands(path: str, record: Record) -> list[str]:
    """Lines of plain sh that undo the drop-in. tcp_tw_recycle stays off: nothing here turns it on again."""
    commands = [
        f"echo '{kernel_text(value)}' >/proc/sys/{KNOBS[name].path}"
        for name, value in record.before.items()
        if name != "tcp_tw_recycle" and record.values.get(name) != value
    ]
    mark = sed_pattern(mark_of(path))
    # A glob may mean recycle, too.
    commands += [
        f"sed -i -e '/tcp_tw_recycle/b' -e '/[*?[]/b' -e 's/^{mark}//' {shlex.quote(file)}" for file in record.edited
    ]
    return [*commands, f"rm {shlex.quote(path)}"]


def parse(path: str, text: str) -> Record:
    """The record in the text of a drop-in of ours. Raises BadRequest for a format that is not known here."""
    first, _newline, rest = text.partition("\n")
    number = first.removeprefix(OWNER)
    if number != str(FORMAT):
        raise BadRequest(
            f"{path} is of format {ascii(number)[:20]}; this release of linux_tcp.tuning reads format {FORMAT}. "
            "A newer release wrote it: use that one"
        )
    before: dict[str, Value] = {}
    edited: list[str] = []
    for line in rest.split("\n"):
        if line.startswith(_EDITED):
            edited.append(line.removeprefix(_EDITED))
        elif line.startswith(_BEFORE):
            before |= _assignment(line.removeprefix(_BEFORE))
    return Record(values_in(rest.split("\n")), before, tuple(edited))


def values_in(lines: Iterable[str]) -> dict[str, Value]:
    """The values that the lines of a drop-in set."""
    values: dict[str, Value] = {}
    for line in lines:
        if line and not line.startswith("#"):
            values |= _assignment(line)
    return values


def _assignment(line: str) -> dict[str, Value]:
    key, _equals, text = (part.strip() for part in line.partition("="))
    knob = KNOBS.get(key.removeprefix("net.ipv4."))
    value = kernel_value(knob, text) if knob else None
    return {} if knob is None or value is None else {knob.name: value}
