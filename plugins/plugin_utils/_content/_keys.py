# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the watched sysctls a key names, however it is spelled."""

from __future__ import annotations

import fnmatch
import re

from ._model import WATCHED


def watched_in(key: str) -> tuple[str, ...]:
    """The watched sysctls that a key stands for, as a loader or ``sysctl`` would read it; globs may name several."""
    spelled = key.strip().strip("\"'").strip().lstrip("-").strip()
    path = re.sub(r"[./]+", "/", re.sub(r"^/*proc/+sys/+", "", spelled)).strip("/")
    if not path.startswith(("net/ipv4/", "*", "net/", "?", "[")):
        return ()
    return tuple(name for name in WATCHED if path == f"net/ipv4/{name}" or _covers(path, f"net/ipv4/{name}"))


def _covers(pattern: str, path: str) -> bool:
    if not any(character in pattern for character in "*?["):
        return False
    # A star does not go beyond a directory.
    parts, names = pattern.split("/"), path.split("/")
    return len(parts) == len(names) and all(
        fnmatch.fnmatchcase(name, part) for name, part in zip(names, parts, strict=True)
    )
