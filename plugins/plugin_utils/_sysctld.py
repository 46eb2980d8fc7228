# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sysctl loader makes of a tree of files: each key's value, and the line that decides. Pure.

Sources: systemd's src/sysctl/sysctl.c, src/basic/conf-files.c and src/basic/sysctl-util.c; procps' src/sysctl.c;
BusyBox' procps/sysctl.c. What the loaders differ in is data, in _loaders.py.
"""

from __future__ import annotations

import fnmatch
import itertools
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ._knobs import KNOBS
from ._loaders import CREDENTIALS, FileSet, Loader, Syntax
from ._values import kernel_value

#: What a path is. Only regular files are read; "null" is /dev/null, which masks; "special" is a FIFO or a device.
FileKind = Literal["regular", "null", "directory", "missing", "special", "unreadable", "large", "encrypted"]

#: The kinds that may hold settings which a probe does not see, in words.
UNREAD: Mapping[FileKind, str] = {
    "special": "it is a FIFO or a device",
    "unreadable": "the user of this task may not read it",
    "large": "it is larger than 1 MiB",
    "encrypted": "it is encrypted",
}

SYSCTL_CONF = "/etc/sysctl.conf"
#: Its sysctl.* parameters come before every loader.
KERNEL_COMMAND_LINE = "/proc/cmdline"


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

    @property
    def given(self) -> bool:
        """It is no file of this host's: the kernel's command line, or a credential that systemd was handed."""
        return self.path == KERNEL_COMMAND_LINE or self.directory in CREDENTIALS


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
    """The files that are read, in their order: the kernel's command line first, then what the loader reads."""
    by_directory: dict[str, list[SysctlFile]] = {}
    for file in files:
        by_directory.setdefault(file.directory, []).append(file)
    first = [file for file in files if file.path == KERNEL_COMMAND_LINE]
    return first + [file for wanted in loader.sets for file in _files_of(wanted, by_directory, loader)]


def _files_of(wanted: FileSet, by_directory: Mapping[str, Sequence[SysctlFile]], loader: Loader) -> list[SysctlFile]:
    hiding = {file.name for path in wanted.hidden_by for file in by_directory.get(path, ()) if _is_a_file(file)}
    chosen: dict[str, SysctlFile] = {}
    for directory in wanted.directories:
        for file in by_directory.get(directory, ()):
            if _is_named(file.name, wanted, loader) and file.name not in hiding:
                chosen.setdefault(file.name, file)
    # By the bytes of the name, as strcmp does.
    return [chosen[name] for name in sorted(chosen, key=lambda name: name.encode("utf-8", "surrogateescape"))]


def _is_a_file(file: SysctlFile) -> bool:
    """As ``test -f`` has it."""
    return file.kind in ("regular", "unreadable", "large")


def _is_named(name: str, wanted: FileSet, loader: Loader) -> bool:
    hidden = name.startswith(".") and not loader.reads_hidden
    return fnmatch.fnmatchcase(name, wanted.names) and not hidden and not name.endswith(wanted.ignored)


def settings_in(file: SysctlFile, loader: Loader) -> list[Setting]:
    """The settings in a file, in its order. Lines that are no setting are left out, as the loader does."""
    found = (parse_line(line, file, loader) for line in file.lines)
    settings = [setting for setting in found if setting is not None]
    return _up_to_a_refusal(settings, loader) if loader.syntax.stops else settings


def _up_to_a_refusal(settings: list[Setting], loader: Loader) -> list[Setting]:
    """The settings until one for which the kernel has no use. Of other keys than ours nothing is known."""
    for number, setting in enumerate(settings):
        for knob in KNOBS.values():
            if reaches(setting.path, knob.path, loader) and kernel_value(knob, setting.value or "") is None:
                return settings[:number]
    return settings


def parse_line(line: Line, file: SysctlFile, loader: Loader) -> Setting | None:
    """The setting in a line, or None for a comment and whatever else the loader passes over."""
    syntax = loader.syntax
    # A C string ends at a NUL.
    text = line.text.partition("\0")[0].strip(syntax.space)
    if not text or text[0] in "#;":
        return None
    key, equals, value = text.partition("=")
    dash = key.startswith("-") and syntax.dash_prefix
    if (not equals and not dash) or (syntax.stops and not value.strip(syntax.space)):
        return None
    path = _path(key[dash:], syntax, dashed=dash)
    if is_glob(path) and not syntax.globs:
        return None
    return Setting(path, value.strip(syntax.space) if equals else None, dash, file, line)


def _path(key: str, syntax: Syntax, *, dashed: bool) -> str:
    name = key.rstrip(syntax.space)
    if syntax.tries_dots:
        return name
    if syntax.tidies:
        return normalized(name.lstrip(syntax.space))
    return swapped(name.removeprefix("-") if dashed else name)


def swapped(key: str) -> str:
    """A key as a path: where its first separator is a dot, dots and slashes swap; where it is a slash, it is one."""
    first = re.search(r"[./]", key)
    return key.translate(str.maketrans("./", "/.")) if first and first.group() == "." else key


def normalized(key: str) -> str:
    """The path below /proc/sys that a key means, without what makes no difference in a path."""
    return "/".join(part for part in swapped(key).split("/") if part not in ("", "."))


def _found(path: str, loader: Loader) -> str:
    """The path below /proc/sys that a path leads to."""
    if loader.syntax.tidies or path.endswith("/"):
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


def reaches(wanted: str, path: str, loader: Loader) -> bool:
    """Whether a setting of ``wanted``, a path or a glob, is written to ``path``."""
    if loader.syntax.tries_dots:
        # A host may send keys of any length, to keep us busy.
        likely = len(wanted) <= 64 and wanted.endswith(path.rpartition("/")[2])
        return likely and _leads_to(with_slashes(wanted, path), path)
    if not is_glob(wanted):
        return _found(wanted, loader) == path
    patterns = itertools.islice(_alternatives(wanted), 1000) if loader.syntax.braces else [wanted]
    return any(matches(_found(pattern, loader), path) for pattern in patterns)


def with_slashes(key: str, path: str) -> str:
    """A key with just those dots made slashes that BusyBox finds to be some, where ``path`` is below /proc/sys.

    It goes from right to left, and takes the first slash that leads somewhere; then it starts over, behind that slash.
    Where a dot comes before a slash, they swap without looking.
    """
    if 0 <= key.find(".") < key.find("/"):
        return swapped(key)
    behind = 0
    while True:
        ends = (end for end in range(len(key), behind - 1, -1) if end == len(key) or key[end] == ".")
        end = next((end for end in ends if _leads_towards(key[:end], path)), len(key))
        if end == len(key):
            return key
        key = f"{key[:end]}/{key[end + 1 :]}"
        behind = end + 1


def _leads_towards(key: str, path: str) -> bool:
    """Whether a key is there, and is the path or a directory above it."""
    directory = posixpath.normpath(posixpath.join("/proc/sys", key)).rstrip("/") + "/"
    return key != "" and (_leads_to(key, path) or f"/proc/sys/{path}".startswith(directory))


def _leads_to(key: str, path: str) -> bool:
    return not key.endswith("/") and posixpath.normpath(posixpath.join("/proc/sys", key)) == f"/proc/sys/{path}"


def decide(path: str, files: Sequence[SysctlFile], loader: Loader) -> Decision:
    """What ``path`` (such as net/ipv4/tcp_tw_reuse) gets at boot, with these files: what is written last to it.

    What the kernel refuses changes nothing: it decides only where nothing else is written.
    """
    written: list[Setting] = []
    kept_out = None
    for run in _runs(files_in_order(files, loader), loader):
        settings = [setting for file in run for setting in settings_in(file, loader)]
        if loader.syntax.one_per_key:
            settings = _one_per_key(settings)
        own = [setting for setting in settings if setting.path == path]
        written += [setting for setting in settings if _writes(setting, path, loader, by_glob=not own)]
        kept_out = own[-1] if own else kept_out
    deciding = next((each for each in reversed(written) if _is_taken(path, each)), written[-1] if written else None)
    return Decision(deciding.value, deciding) if deciding else Decision(None, kept_out)


def _writes(setting: Setting, path: str, loader: Loader, *, by_glob: bool) -> bool:
    return setting.value is not None and (by_glob or not is_glob(setting.path)) and reaches(setting.path, path, loader)


def _is_taken(path: str, setting: Setting) -> bool:
    """Whether the kernel takes the value, so far as that is known."""
    knob = next((knob for knob in KNOBS.values() if knob.path == path), None)
    return knob is None or kernel_value(knob, setting.value or "") is not None


def _runs(ordered: Sequence[SysctlFile], loader: Loader) -> list[list[SysctlFile]]:
    """Files by which of them are read together: what lines say of other lines holds among those only."""
    first = [[file] for file in ordered if file.path == KERNEL_COMMAND_LINE]
    others = [file for file in ordered if file.path != KERNEL_COMMAND_LINE]
    return first + ([[file] for file in others] if loader.file_by_file else [others])


def _one_per_key(settings: Iterable[Setting]) -> list[Setting]:
    """The last setting of each key and each glob; one that says what is said already keeps its place."""
    kept: dict[str, Setting] = {}
    for setting in settings:
        if setting.path in kept and kept[setting.path].value != setting.value:
            del kept[setting.path]
        kept[setting.path] = setting
    return list(kept.values())
