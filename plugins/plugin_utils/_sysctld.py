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
from dataclasses import dataclass, replace
from typing import Literal

from ._knobs import KNOBS
from ._loaders import CREDENTIALS, FileSet, Loader, Syntax
from ._values import kernel_value

#: What a path is. Only regular files are read; "null" is /dev/null, which masks; "loop" is a link that leads
#: nowhere but to itself; "special" is a FIFO or a device.
FileKind = Literal["regular", "null", "directory", "missing", "loop", "special", "unreadable", "large", "encrypted"]

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
            lost = file.kind == "loop" and loader.passes_over_loops
            if _is_named(file.name, wanted, loader) and file.name not in hiding and not lost:
                chosen.setdefault(file.name, file)
    # By the bytes of the name, as strcmp does.
    ordered = [chosen[name] for name in sorted(chosen, key=lambda name: name.encode("utf-8", "surrogateescape"))]
    if loader.takes_patterns:
        return [found for file in ordered for found in _named_by(file, by_directory)]
    return ordered


def _named_by(file: SysctlFile, by_directory: Mapping[str, Sequence[SysctlFile]]) -> list[SysctlFile]:
    """The files that a file's own path leads to as a pattern; itself if there are none."""
    if not re.search(r"[]*?[{\\]", file.name):
        return [file]
    others = sorted(by_directory[file.directory], key=lambda other: other.name)
    return [
        other
        for pattern in itertools.islice(_alternatives(file.name), 1000)
        for other in others
        if matches(pattern, other.name) and (pattern.lstrip("\\").startswith(".") or not other.name.startswith("."))
    ] or [file]


def _is_a_file(file: SysctlFile) -> bool:
    """As ``test -f`` has it."""
    return file.kind in ("regular", "unreadable", "large")


def _is_named(name: str, wanted: FileSet, loader: Loader) -> bool:
    hidden = name.startswith(".") and not loader.reads_hidden
    return fnmatch.fnmatchcase(name, wanted.names) and not hidden and not name.endswith(wanted.ignored)


def settings_in(file: SysctlFile, loader: Loader) -> list[Setting]:
    """The settings in a file, in its order. Lines that are no setting are left out, as the loader does."""
    settings = [setting for line in file.lines for setting in _settings_in_line(line, file, loader)]
    return _up_to_a_refusal(settings, loader) if loader.syntax.stops else settings


def _settings_in_line(line: Line, file: SysctlFile, loader: Loader) -> Iterator[Setting]:
    """A line may be several to a loader, which are one in the file."""
    for text in re.split(f"[{loader.syntax.ends}]", line.text) if loader.syntax.ends else [line.text]:
        setting = parse_line(Line(line.number, text), file, loader)
        if setting:
            yield replace(setting, line=line)


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
    text = line.text.partition("\0")[0]
    key, equals, value = _tokens(text) if syntax.tokens else text.strip(syntax.space).partition("=")
    if key[:1] in ("#", ";") or not (key or equals):
        return None
    dash = key.startswith("-") and syntax.dash_prefix
    if (not equals and not dash) or ((syntax.stops or syntax.tokens) and not value.strip(syntax.space)):
        return None
    path = _path(key[dash:], syntax, dashed=dash)
    if is_glob(path) and not syntax.globs:
        return None
    if not syntax.tokens:
        value = value.strip(syntax.space)
    return Setting(path, value if equals else None, dash, file, line)


def _tokens(text: str) -> tuple[str, str, str]:
    key, equals, value = text.rstrip(" \t\r\n").lstrip(" \t").lstrip("=").partition("=")
    return key, equals, value.lstrip("\r").partition("\r")[0].lstrip(" \t")


def _path(key: str, syntax: Syntax, *, dashed: bool) -> str:
    name = key.rstrip(syntax.space)
    if syntax.tries_dots:
        return name
    if syntax.tidies:
        return normalized(name.lstrip(syntax.space))
    return swapped(name.removeprefix("-") if dashed and not syntax.tokens else name)


def swapped(key: str) -> str:
    """A key as a path: where its first separator is a dot, dots and slashes swap; where it is a slash, it is one."""
    first = re.search(r"[./]", key)
    return key.translate(str.maketrans("./", "/.")) if first and first.group() == "." else key


def normalized(key: str) -> str:
    """The path below /proc/sys that a key means, without what makes no difference in a path."""
    return "/".join(part for part in swapped(key).split("/") if part not in ("", "."))


#: What the kernel takes for a path, without the NUL behind it; and of one below /proc/sys.
PATH_MAX = 4096 - 1
_LONGEST = PATH_MAX - len("/proc/sys/")


def _found(path: str, loader: Loader) -> str:
    """The path below /proc/sys that a path leads to."""
    if loader.syntax.refuses_parents or path.endswith(("/", "/.")) or len(path) > _LONGEST:
        return path
    return posixpath.normpath(f"/proc/sys/{path}").removeprefix("/proc/sys/")


def is_glob(path: str) -> bool:
    return any(character in path for character in "*?[")


#: What POSIX character classes have of the characters that names of sysctls are made of.
_CLASSES = {"lower": "a-z", "alpha": "a-z", "digit": "0-9", "xdigit": "0-9a-f", "alnum": "a-z0-9", "punct": "_"}
#: A bracket expression, or a character that a backslash takes its meaning from.
_BRACKETS = re.compile(r"\[([!^]?)(\]?(?:\[:[a-z]+:\]|\\.|[^]\\])*)\]|\\(.)", re.DOTALL)


def matches(pattern: str, path: str) -> bool:
    """As glob(3) does: a wildcard never matches a slash."""
    wanted, parts = pattern.split("/"), path.split("/")
    return len(wanted) == len(parts) and all(
        fnmatch.fnmatchcase(part, _as_fnmatch(want)) for part, want in zip(parts, wanted, strict=True)
    )


def _as_fnmatch(part: str) -> str:
    """glob(3) has character classes, a backslash, and "^" beside "!", which fnmatch does not know."""
    return _BRACKETS.sub(_in_fnmatch, part)


def _in_fnmatch(found: re.Match[str]) -> str:
    negated, members, escaped = found.groups()
    if escaped:
        return f"[{escaped}]"
    members = re.sub(r"\[:([a-z]+):\]", lambda known: _CLASSES.get(known[1], "a-z0-9_"), members)
    members = re.sub(r"\\(.)", r"\1", members)
    return f"[{'!' if negated else ''}{members}]"


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
        short = re.sub("//+", "/", wanted)
        likely = len(short) <= 64 and len(wanted) <= PATH_MAX and wanted.endswith(path.rpartition("/")[2])
        return likely and _leads_to(with_slashes(wanted, path), path)
    if not is_glob(wanted):
        return _found(wanted, loader) == path
    return any(True for _key in _keys_found(wanted, path, loader))


def _keys_found(pattern: str, path: str, loader: Loader) -> Iterator[str]:
    """``path`` as glob(3) spells it when it finds it by a pattern: what is no wildcard, as it stands in the pattern."""
    for each in itertools.islice(_alternatives(pattern), 1000) if loader.syntax.braces else [pattern]:
        if matches(_found(each, loader), path):
            yield _spelled(each, path)


def _spelled(pattern: str, path: str) -> str:
    names, depth = path.split("/"), 0
    parts = pattern.split("/")
    for number, part in enumerate(parts):
        if part == "..":
            depth -= 1
        elif part not in ("", "."):
            if is_glob(part) and 0 <= depth < len(names):
                parts[number] = names[depth]
            depth += 1
    return "/".join(parts)


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
        written += [setting for setting in settings if _writes(setting, path, settings, loader)]
        own = [setting for setting in settings if setting.path == path]
        kept_out = own[-1] if own else kept_out
    deciding = next((each for each in reversed(written) if _is_taken(path, each)), written[-1] if written else None)
    return Decision(deciding.value, deciding) if deciding else Decision(None, kept_out)


def _writes(setting: Setting, path: str, others: Iterable[Setting], loader: Loader) -> bool:
    if setting.value is None or not reaches(setting.path, path, loader):
        return False
    if not is_glob(setting.path):
        return True
    return any(
        not any(_keeps_out(other, key, loader) for other in others) for key in _keys_found(setting.path, path, loader)
    )


def _keeps_out(setting: Setting, key: str, loader: Loader) -> bool:
    """Whether a setting keeps a key, spelled as it was found, from what a glob would set it to."""
    if setting.path == key:
        return True
    return (
        loader.syntax.excludes_by_glob and setting.value is None and fnmatch.fnmatchcase(key, _as_fnmatch(setting.path))
    )


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
