# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the value of a task's option comes from, as far as ansible-core keeps that. Nothing is made up."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

try:  # ansible-core 2.19 and later tag every value with its origin, and templates as such; the classes are private
    from ansible._internal._datatag._tags import Origin, TrustedAsTemplate
except ImportError:
    Origin = TrustedAsTemplate = None


def origin_of(task: Any, option: str, value: Any) -> dict[str, Any]:
    """``variable`` (the one that the option's template names), ``path`` and ``line``; None for what is not known.

    Path and line are those of the value itself where ansible-core keeps them, else those of the task.
    """
    written = next(_find(task.get_ds(), option), None)
    named = re.search(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)", written) if isinstance(written, str) else None
    path, line = position_of_value(value)
    if path is None:
        path, _colon, number = str(task.get_path() or "").rpartition(":")
        line = int(number) if number.isdigit() else None
        # Our role only hands the variable on: where it comes from is not known.
        if named and path.endswith("/roles/timewait/tasks/main.yml"):
            path, line = None, None
    return {"variable": named.group(1) if named else None, "path": path or None, "line": line}


def in_words(origin: Mapping[str, Any]) -> str:
    """An origin as a part of a sentence; empty when nothing is known."""
    line = f" line {origin['line']}" if origin["line"] else ""
    where = f"{origin['path']}{line}" if origin["path"] else ""
    parts = [f"variable {origin['variable']}" if origin["variable"] else "", where]
    return f" ({', '.join(filter(None, parts))})" if any(parts) else ""


def _find(node: Any, option: str) -> Iterator[Any]:
    if isinstance(node, Mapping):
        if option in node:
            yield node[option]
        for child in node.values():
            yield from _find(child, option)


def is_trusted(value: str) -> bool:
    """Whether Ansible would take a text for a template. One that came from a host it would not."""
    if TrustedAsTemplate is not None:
        return bool(TrustedAsTemplate.is_tagged_on(value))
    return not getattr(value, "__UNSAFE__", False)


def position_of_value(value: Any) -> tuple[str | None, int | None]:
    """Path and line of a value, None for what is not known."""
    if Origin is not None:
        tag = Origin.get_tag(value)
        # A value from the command line has no file, and says so in words.
        return (tag.path or tag.description, tag.line_num) if tag else (None, None)
    position = getattr(value, "ansible_pos", None)
    return (position[0], position[1]) if position else (None, None)
