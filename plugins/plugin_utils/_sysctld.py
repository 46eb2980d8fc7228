# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sysctl loader makes of a tree of files: each key's value, and the line that decides. Pure.

Sources: systemd's src/sysctl/sysctl.c, src/basic/conf-files.c and src/basic/sysctl-util.c; procps' src/sysctl.c.
What the loaders differ in is data, in _loaders.py.
"""

from __future__ import annotations

import fnmatch
import itertools
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ._loaders import Loader

#: What a path is. Only regular files are read; "null" is /dev/null, which masks; "special" is a FIFO or a device.
FileKind = Literal["regular", "null", "directory", "missing", "special", "unreadable", "large"]

#: The kinds that may hold settings which a probe does not see, in words.
UNREAD: Mapping[FileKind, str] = {
    "special": "it is a FIFO or a device",
    "unreadable": "the user of this task may not read it",
    "large": "it is larger than 1 MiB",
}

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
    #: Of /etc/sysctl.conf where the host could tell: how many lines it has, and whether the last one has an end.
    length: int | None = None
    ended: bool = True

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def directory(self) -> str:
        return self.path.rpartition("/")[0]


@dataclass(frozen=True)
class Setting:
    """``key = value`` in a file; ``value`` is None for a bare ``-key``, which excludes the key from globs.

    ``path`` is the key with slashes, tidied where the loader does that.
    """

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
            if file.name.endswith(".conf") and (loader.reads_hidden or not hidden):
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
    # A C string ends at a NUL.
    text = line.text.partition("\0")[0].strip(loader.space)
    if not text or text[0] in "#;":
        return None
    key, equals, value = text.partition("=")
    dash = key.startswith("-") and loader.dash_prefix
    if not equals and not dash:
        return None
    name = key[dash:].rstrip(loader.space)
    written = name.removeprefix("-") if dash else name
    path = normalized(name.lstrip(loader.space)) if loader.tidies else swapped(written)
    if is_glob(path) and not loader.globs:
        return None
    return Setting(path, value.strip(loader.space) if equals else None, dash, file, line)


def swapped(key: str) -> str:
    """A key as a path: where its first separator is a dot, dots and slashes swap; where it is a slash, it is one."""
    first = re.search(r"[./]", key)
    return key.translate(str.maketrans("./", "/.")) if first and first.group() == "." else key


def normalized(key: str) -> str:
    """The path below /proc/sys that a key means, without what makes no difference in a path."""
    return "/".join(part for part in swapped(key).split("/") if part not in ("", "."))


def _found(path: str, loader: Loader) -> str:
    """The path below /proc/sys that a path leads to."""
    if loader.tidies or path.endswith("/"):
        return path
    return posixpath.normpath(f"/proc/sys/{path}").removeprefix("/proc/sys/")


def is_glob(path: str) -> bool:
    return any(character in path for character in "*?[")


#: What POSIX character classes have of the characters that names of sysctls are made of.
_CLASSES = {"lower": "a-z", "alpha": "a-z", "digit": "0-9", "xdigit": "0-9a-f", "alnum": "a-z0-9", "punct": "_"}


def matches(pattern: str, path: str) -> bool:
    """As glob(3) does: a wildcard never matches a slash."""
    wanted, parts = pattern.split("/"), path.split("/")
    return len(wanted) == len(parts) and all(
        fnmatch.fnmatchcase(part, _as_fnmatch(want)) for part, want in zip(parts, wanted, strict=True)
    )


def _as_fnmatch(part: str) -> str:
    """glob(3) has character classes, a backslash, and "^" beside "!", which fnmatch does not know."""
    part = re.sub(r"\[:([a-z]+):\]", lambda found: _CLASSES.get(found[1], "a-z0-9_"), part)
    return re.sub(r"\\(.)", r"[\1]", part).replace("[^", "[!")


def _alternatives(pattern: str) -> Iterator[str]:
    """The patterns that one with braces stands for."""
    found = re.search(r"\{([^{}]*)\}", pattern)
    if not found or pattern.count("{") > 8:
        yield pattern
        return
    for choice in found[1].split(","):
        yield from _alternatives(pattern[: found.start()] + choice + pattern[found.end() :])


def _reaches(wanted: str, path: str, loader: Loader) -> bool:
    """Whether a setting of ``wanted``, a path or a glob, is written to ``path``."""
    if not is_glob(wanted):
        return _found(wanted, loader) == path
    patterns = itertools.islice(_alternatives(wanted), 1000) if loader.braces else [wanted]
    return any(matches(_found(pattern, loader), path) for pattern in patterns)


def decide(path: str, files: Sequence[SysctlFile], loader: Loader) -> Decision:
    """What the loader writes to ``path`` (such as net/ipv4/tcp_tw_reuse) with these files.

    Whether the kernel takes the value is not asked here: that depends on the kernel.
    """
    settings = [setting for file in files_in_order(files, loader) for setting in settings_in(file, loader)]
    if loader.one_per_key:
        settings = _one_per_key(settings)
    own = [setting for setting in settings if setting.path == path]
    writing = [
        setting
        for setting in settings
        if setting.value is not None and not (own and is_glob(setting.path)) and _reaches(setting.path, path, loader)
    ]
    if writing:
        return Decision(writing[-1].value, writing[-1])
    return Decision(None, own[-1] if own else None)


def _one_per_key(settings: Iterable[Setting]) -> list[Setting]:
    """The last setting of each key and each glob; one that says what is said already keeps its place."""
    kept: dict[str, Setting] = {}
    for setting in settings:
        if setting.path in kept and kept[setting.path].value != setting.value:
            del kept[setting.path]
        kept[setting.path] = setting
    return list(kept.values())
