# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sysctl loader makes of a tree of files: each key's value, and the line that decides. Pure.

Sources: systemd's src/sysctl/sysctl.c, src/basic/conf-files.c and src/basic/sysctl-util.c; procps' src/sysctl.c.
What the loaders differ in is data, in _loaders.py.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ._loaders import Loader

#: What a path is. Only regular files are read; "null" is /dev/null, which masks; "special" is a FIFO or a device.
FileKind = Literal["regular", "null", "directory", "missing", "special", "unreadable", "large"]

SYSCTL_CONF = "/etc/sysctl.conf"


@dataclass(frozen=True)
class Line:
    """One line of a file, without its line end. Numbers begin at 1."""

    number: int
    text: str


@dataclass(frozen=True)
class SysctlFile:
    """A file that a loader may read, with those of its lines that concern our keys."""

    path: str
    kind: FileKind
    link: bool = False
    #: It is /etc/sysctl.conf, by whatever name.
    is_sysctl_conf: bool = False
    lines: tuple[Line, ...] = ()

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def directory(self) -> str:
        return self.path.rpartition("/")[0]


@dataclass(frozen=True)
class Setting:
    """``key = value`` in a file; ``value`` is None for a bare ``-key``, which excludes the key from globs."""

    path: str
    value: str | None
    ignore_failure: bool
    file: SysctlFile
    line: Line


@dataclass(frozen=True)
class Decision:
    """What a loader will write to a key: nothing when ``value`` is None. ``setting`` is the line that decides."""

    value: str | None
    setting: Setting | None


def files_in_order(files: Iterable[SysctlFile], loader: Loader) -> list[SysctlFile]:
    """The files that the loader reads, in its order."""
    by_path: dict[str, list[SysctlFile]] = {}
    for file in files:
        by_path.setdefault(file.directory, []).append(file)
    chosen: dict[str, SysctlFile] = {}
    for directory in loader.directories:
        for file in by_path.get(directory, ()):
            hidden = file.name.startswith(".")
            if file.name.endswith(".conf") and file.kind != "directory" and (loader.reads_hidden or not hidden):
                chosen.setdefault(file.name, file)
    # By the bytes of the name, as strcmp does.
    ordered = [chosen[name] for name in sorted(chosen, key=lambda name: name.encode("utf-8", "surrogateescape"))]
    if loader.reads_sysctl_conf:
        ordered += [file for file in files if file.path == SYSCTL_CONF]
    return ordered


def settings_in(file: SysctlFile, loader: Loader) -> list[Setting]:
    """The settings in a file, in its order. Lines that are no setting are left out, as the loader does."""
    found = (parse_line(line, file, loader) for line in file.lines)
    return [setting for setting in found if setting is not None]


def parse_line(line: Line, file: SysctlFile, loader: Loader) -> Setting | None:
    """The setting in a line, or None for a comment and whatever else the loader passes over."""
    text = line.text.strip(" \t\r\n")
    if not text or text[0] in "#;":
        return None
    key, equals, value = text.partition("=")
    dash = key.startswith("-") and loader.dash_prefix
    if not equals and not dash:
        return None
    path = normalized(key[dash:].strip(" \t\r\n"))
    if is_glob(path) and not loader.globs:
        return None
    return Setting(path, value.strip(" \t\r\n") if equals else None, dash, file, line)


def normalized(key: str) -> str:
    """The path below /proc/sys that a key means.

    Where the first separator is a dot, dots and slashes swap; where it is a slash, the key is a path already.
    """
    first = re.search(r"[./]", key)
    if first and first.group() == ".":
        key = key.translate(str.maketrans("./", "/."))
    return "/".join(part for part in key.split("/") if part not in ("", "."))


def is_glob(path: str) -> bool:
    return any(character in path for character in "*?[")


def matches(pattern: str, path: str) -> bool:
    """As glob(3) does: a wildcard never matches a slash."""
    wanted, parts = pattern.split("/"), path.split("/")
    return len(wanted) == len(parts) and all(
        fnmatch.fnmatchcase(part, re.sub(r"\[\^", "[!", want)) for part, want in zip(parts, wanted)
    )


def decide(path: str, files: Sequence[SysctlFile], loader: Loader) -> Decision:
    """What the loader writes to ``path`` (such as net/ipv4/tcp_tw_reuse) with these files."""
    explicit: Setting | None = None
    excluded: Setting | None = None
    globs: dict[str, Setting] = {}
    for file in files_in_order(files, loader):
        for setting in settings_in(file, loader):
            if is_glob(setting.path):
                if setting.value is not None and matches(setting.path, path):
                    globs.pop(setting.path, None)
                    globs[setting.path] = setting
            elif setting.path == path:
                if setting.value is None:
                    excluded = setting
                    if loader.exclusion_cancels:
                        explicit = None
                else:
                    explicit = setting
                    if loader.exclusion_cancels:
                        excluded = None
    if explicit:
        return Decision(explicit.value, explicit)
    if excluded or not globs:
        return Decision(None, excluded)
    last = list(globs.values())[-1]
    return Decision(last.value, last)
