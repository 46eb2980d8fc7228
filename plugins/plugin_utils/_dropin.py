# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text that holds our settings, a drop-in or a block in /etc/sysctl.conf, and the record in it. Pure.

Every line of it begins with MARK or sets one of our keys: so a probe sees all of it, whatever file it is in.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ._knobs import KNOBS
from ._script import MARK, OWNER
from ._values import BadRequest, Value, kernel_text, kernel_value

FORMAT = 2

#: How the first line of a block begins; the name of its drop-in follows, then ", format" as in a file.
BLOCK = f"{MARK}block of "
#: How a line begins that was commented out in favour of a drop-in; the name of that follows.
COMMENTED = f"{MARK}commented out for "
_END = f"{MARK}end of block "

#: What stands before a value from before, by format. Others have not changed.
_BEFORE = {"1": "# before: ", str(FORMAT): f"{MARK}before: "}
_OWNED_BY = f"{MARK}owner: "
_FOUND = f"{MARK}found: "
_EDITED = f"{MARK}edited: "
_UNDO = f"{MARK}undo: "
_UNTIL_NOW = f"{MARK}until now: "

#: What is kept until the next boot: the name of the drop-in follows. _probe.sh has /var/run where there is no /run.
REMEMBERED = "/run/linux_tcp.tuning-"

#: How a block found the file that it is in: whole, without a newline at its end, or not there at all.
Found = Literal["whole", "unended", "missing"]


@dataclass(frozen=True)
class Place:
    """Where settings stand for the next boot: ``path`` is the drop-in, or the file that has a block named so."""

    path: str
    name: str
    block: bool = False

    @classmethod
    def file(cls, path: str) -> Place:
        return cls(path, path.rpartition("/")[2])

    @property
    def known_as(self) -> str:
        """The path by which a caller means this place."""
        stands_alone = not self.block and not self.path.startswith(REMEMBERED)
        return self.path if stands_alone else f"/etc/sysctl.d/{self.name}"

    @property
    def mark(self) -> str:
        """What stands before a line that was commented out in favour of these settings."""
        return f"{COMMENTED}{self.name}: "

    @property
    def begin(self) -> str:
        """How the first line of a block begins."""
        return f"{BLOCK}{self.name}, "

    @property
    def end(self) -> str:
        """The last line of a block."""
        return f"{_END}{self.name}"

    def __str__(self) -> str:
        return f"{self.path} (block of {self.name})" if self.block else self.path


@dataclass(frozen=True)
class Record:
    """What a text of ours says.

    ``values``: what it sets. ``before``: what the kernel had for these keys before. ``owner``: the caller that it
    belongs to, empty where none is known. ``found``: what a block is to leave behind. ``until_now``: what it set until
    now, where the running kernel may still have that.
    """

    values: Mapping[str, Value] = field(default_factory=dict)
    before: Mapping[str, Value] = field(default_factory=dict)
    owner: str = ""
    found: Found = "whole"
    until_now: Mapping[str, Value] = field(default_factory=dict)


def sed_pattern(text: str) -> str:
    """A text as a pattern for sed: of the characters that marks have, only the dot is special."""
    return text.replace(".", "[.]")


def render(place: Place, record: Record, edited: Iterable[str] = (), *, keeps_off: bool = False) -> str:
    """The text for a place. It depends on its arguments alone: no time, no user, so that it converges.

    ``edited`` are the files in which lines are commented out in favour of it. ``keeps_off``: without it another file
    would turn tcp_tw_recycle on.
    """
    body = [
        f"{MARK}note: safe TIME_WAIT settings, written by this Ansible collection, which overwrites changes.",
        *([f"{_OWNED_BY}{record.owner}"] if record.owner else []),
        *([f"{_FOUND}{record.found}"] if record.found != "whole" else []),
        *(f"{_BEFORE[str(FORMAT)]}{assignment(name, value)}" for name, value in record.before.items()),
        *(f"{_EDITED}{file}" for file in edited),
        f"{MARK}note: to undo it without Ansible, as root: {_undo_line(place)}",
        *(f"{_UNDO}{command}" for command in undo_commands(place, record, edited, keeps_off=keeps_off)),
        *(assignment(name, value) for name, value in record.values.items()),
    ]
    begin = place.begin if place.block else OWNER
    what = "format " if place.block else ""
    lines = [f"{begin}{what}{FORMAT}, checksum {_checksum(body)}", *body, *([place.end] if place.block else [])]
    return "\n".join(lines) + "\n"


def assignment(name: str, value: Value) -> str:
    """A line of a sysctl file."""
    return f"{KNOBS[name].key} = {kernel_text(value)}".rstrip()


def _undo_line(place: Place) -> str:
    within = f"/^{sed_pattern(place.begin)}/,/^{sed_pattern(place.end)}$/" if place.block else ""
    return f"sed -n '{within}s/^{sed_pattern(_UNDO)}//p' {place.path} | sh"


def undo_commands(place: Place, record: Record, edited: Iterable[str] = (), *, keeps_off: bool = False) -> list[str]:
    """Lines of plain sh that undo a text of ours. tcp_tw_recycle stays off: nothing here turns it on again."""
    commands = [
        f"echo '{kernel_text(value)}' >/proc/sys/{KNOBS[name].path}"
        for name, value in record.before.items()
        if name != "tcp_tw_recycle" and record.values.get(name) != value
    ]
    # A glob may mean recycle, too.
    mark = sed_pattern(place.mark)
    commands += [f"sed -i -e '/tcp_tw_recycle/b' -e '/[*?[]/b' -e 's/^{mark}//' {shlex.quote(file)}" for file in edited]
    commands.append(f"rm -f {REMEMBERED}{place.name}")
    if place.path.startswith(REMEMBERED):
        return commands
    off = f"echo '{assignment('tcp_tw_recycle', 0)}'"
    if not place.block:
        path = shlex.quote(place.path)
        return [*commands, f"{off} >{path}" if keeps_off else f"rm {path}"]
    if keeps_off:
        return [*commands, f"{off} >>{place.path}", *_undo_block(place, "whole")]
    return [*commands, *_undo_block(place, record.found)]


def _undo_block(place: Place, found: Found) -> list[str]:
    file = place.path
    delete = f"sed -i '/^{sed_pattern(place.begin)}/,/^{sed_pattern(place.end)}$/d' {file}"
    if found == "missing":
        return [delete, f"[ -s {file} ] || rm {file}"]
    if found == "unended":
        # Where somebody wrote behind the block, or another one is left, the newline before it is a part of the file.
        last = f"$(tail -n 1 {file})"
        bare = f"case {last} in '{_END}'*) ;; *) text=$(cat {file}); printf %s \"$text\" >{file} ;; esac"
        return [f"last={last}", delete, f"[ \"$last\" != '{place.end}' ] || {bare}"]
    return [delete]


def parse(place: Place, text: str) -> Record:
    """The record in a text of ours. Raises BadRequest for a format that is not known here."""
    lines = text.split("\n")
    number = _format_of(lines[0])
    if number not in _BEFORE:
        raise BadRequest(
            f"{place} is of format {ascii(number)[:20]}; this release of linux_tcp.tuning reads formats up to "
            f"{FORMAT}. A newer release wrote it: use that one"
        )
    found = _after(_FOUND, lines)
    return Record(
        values_in(lines),
        _values_after(_BEFORE[number], lines),
        owner_in(text),
        "unended" if found == "unended" else "missing" if found == "missing" else "whole",
        _values_after(_UNTIL_NOW, lines),
    )


def with_values_until_now(text: str, values: Mapping[str, Value]) -> str:
    """A text that is kept in /run while the running kernel goes from these values to those that it sets."""
    return text + "".join(f"{_UNTIL_NOW}{assignment(name, value)}\n" for name, value in values.items())


def owner_in(text: str) -> str:
    """The owner that a text of ours names, empty for none."""
    return _after(_OWNED_BY, text.split("\n"))


def is_hand_edited(text: str) -> bool:
    """Whether somebody changed a text after it was written; a text of format 1 cannot tell."""
    first, *body = text.removesuffix("\n").split("\n")
    if body and body[-1].startswith(_END):
        body.pop()
    checksum = first.rpartition(", checksum ")[2]
    return _format_of(first) != "1" and checksum != _checksum(body)


def _format_of(first: str) -> str:
    """The format number in the first line of a text of ours."""
    rest = first.removeprefix(OWNER)
    if first.startswith(BLOCK):
        rest = first.partition(", format ")[2]
    return rest.partition(",")[0]


def _checksum(body: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(body).encode("utf-8", "surrogateescape")).hexdigest()[:12]


def _after(prefix: str, lines: Iterable[str]) -> str:
    return next((line.removeprefix(prefix) for line in lines if line.startswith(prefix)), "")


def _values_after(prefix: str, lines: Iterable[str]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for line in lines:
        if line.startswith(prefix):
            values |= _value_in(line.removeprefix(prefix))
    return values


def values_in(lines: Iterable[str]) -> dict[str, Value]:
    """The values that the lines of a text of ours set."""
    values: dict[str, Value] = {}
    for line in lines:
        if line and not line.startswith("#"):
            values |= _value_in(line)
    return values


def _value_in(line: str) -> dict[str, Value]:
    key, _equals, text = (part.strip() for part in line.partition("="))
    knob = KNOBS.get(key.removeprefix("net.ipv4."))
    value = kernel_value(knob, text) if knob else None
    return {} if knob is None or value is None else {knob.name: value}
