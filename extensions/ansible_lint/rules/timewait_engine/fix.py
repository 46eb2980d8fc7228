# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tcp_tw_recycle is turned off where it stands in plain sight. Everything else is for whoever wrote it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import ScalarString

#: A line of a sysctl file, in a template or as it is.
_LINE = re.compile(r"^(\s*-?\s*net[./]ipv4[./]tcp_tw_recycle\s*=\s*)[-+]?\d+(\s*)$")


class _Entry(NamedTuple):
    """A value in a mapping."""

    mapping: CommentedMap
    key: Any


def off_in_yaml(data: Any, line: int) -> bool:
    """Sets the value on a line to 0 when it is the only one there that is plainly tcp_tw_recycle's."""
    found = [entry for entry in _entries(data) if _line(entry) == line and _is_recycle(entry) and _is_on(entry)]
    if len(found) != 1:
        return False
    (entry,) = found
    value = entry.mapping[entry.key]
    # As it was written: quotes stay quotes.
    entry.mapping[entry.key] = type(value)("0") if isinstance(value, (str, ScalarString)) else 0
    return True


def off_in_text(text: str, line: int) -> str | None:
    """The text with 0 on a line that sets tcp_tw_recycle to a number and does nothing else."""
    lines = text.split("\n")
    found = _LINE.match(lines[line - 1]) if line <= len(lines) else None
    if not found:
        return None
    lines[line - 1] = f"{found.group(1)}0{found.group(2)}"
    return "\n".join(lines)


def _entries(data: Any) -> Iterator[_Entry]:
    if isinstance(data, CommentedMap):
        for key, value in data.items():
            yield _Entry(data, key)
            yield from _entries(value)
    elif isinstance(data, CommentedSeq):
        for value in data:
            yield from _entries(value)


def _line(entry: _Entry) -> int:
    """Where the value stands, counted from 1; 0 for one that was merged into the mapping and stands elsewhere."""
    known = entry.mapping.lc.data or {}
    return known[entry.key][2] + 1 if entry.key in known else 0


def _is_recycle(entry: _Entry) -> bool:
    """Whether its key says so, or another value of the same mapping (``name: net.ipv4.tcp_tw_recycle``)."""
    others = [value for value in entry.mapping.values() if isinstance(value, str)]
    return any("tw_recycle" in str(word) and "\n" not in str(word) for word in (entry.key, *others))


def _is_on(entry: _Entry) -> bool:
    value = entry.mapping[entry.key]
    if isinstance(value, str):
        return value.strip() in ("1", "2", "-1", "yes", "true", "True")
    return isinstance(value, int) and value != 0
