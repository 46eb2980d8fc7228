# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a ``noqa`` comment or a tag of a task switches off, by ansible-lint's conventions."""

from __future__ import annotations

import re

RULES = ("timewait-recycle", "timewait-reuse-without-timestamps", "timewait-fin-timeout")
_NOQA = re.compile(r"#\s*noqa\b:?\s*(.*)")


def silenced(text: str | None, first: int, last: int, tags: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The rules that are switched off on some lines of a text, counted from 1; a bare ``noqa`` means all of them."""
    if "skip_ansible_lint" in tags:
        return RULES
    off: set[str] = set()
    lines = (text or "").split("\n")
    for line in (*_above(lines, first), *lines[first - 1 : max(first, last)]):
        found = _NOQA.search(line)
        if found:
            words = found.group(1).replace(",", " ").split()
            off.update(rule for rule in RULES if not words or rule in words)
    return tuple(sorted(off))


def _above(lines: list[str], first: int) -> tuple[str, ...]:
    """A comment of its own counts for the next line that is not empty."""
    before = next((line for line in reversed(lines[: first - 1]) if line.strip()), "")
    return (before,) if before.lstrip().startswith("#") else ()
