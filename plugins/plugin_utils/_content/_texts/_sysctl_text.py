# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sysctl syntax: the settings in a file that any of the loaders would take, and those on a kernel command line. Pure.

What the loaders make of a line is known to _sysctld.py. A text is taken for read by each of them, in all versions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from ..._loaders import LOADERS, SYNTAXES, Loader
from ..._sysctld import Line, SysctlFile, parse_line, reaches
from .._model import CLOSE, OPEN, WATCHED, Found

_PATHS = {name: f"net/ipv4/{name}" for name in WATCHED}
#: One loader for each way of reading a line.
_LOADERS = tuple(
    {
        syntax: Loader("procps", syntax, ())
        for syntax in (*(loader.syntax for loader in LOADERS), *(syntax for _program, _since, syntax in SYNTAXES))
    }.values()
)
_NOWHERE = SysctlFile("", "regular")

#: What a text has to have for it to be about a watched key at all: the end of a name, which may be put together from
#: "tcp_" and the rest, braces or wildcards in its place, or a line with wildcards before its "=".
_STEMS = re.compile(
    r"recycle|reuse|timestamps|fin_timeout|(?:net|ipv4|tcp)[\w./]{0,40}[*?\[{]"
    r"|^[ \t]*-?[\w./]{0,100}[*?\[][^\s=]{0,100}[ \t]*=",
    re.MULTILINE,
)
_LINE = re.compile(r"[^\n]*")
#: Undecided pieces before the last part of a key.
_ENDING = re.compile(rf".*{CLOSE}[./]?(?:ipv4[./])?([a-z_]+)\Z", re.DOTALL)
#: No key is longer: the rest of the time a hostile one would take.
_LONGEST = 200


def mentions(text: str) -> bool:
    """Whether a text may name a watched key. Cheap, so that all other texts cost nothing."""
    return _STEMS.search(text) is not None


def settings_in(text: str) -> Iterator[Found]:
    """The settings in a sysctl file."""
    if not mentions(text):
        return
    for line in _LINE.finditer(text):
        yield from setting_in_line(line.group(), line.start())


def setting_in_line(line: str, offset: int = 0) -> Iterator[Found]:
    """The settings in a line that begins at ``offset``: one for each watched key that the line is about."""
    key, equals, value = line.partition("=")
    if not equals or not (mentions(key) or any(character in key for character in "*?[")):
        return
    names = names_of(key)
    if not names or not value.strip():
        return
    stripped = value.partition("\0")[0].strip()
    begin = offset + len(line) - len(value.lstrip())
    for name in names:
        yield Found(name, stripped, begin)


@lru_cache(maxsize=4096)
def names_of(key: str) -> tuple[str, ...]:
    """The watched sysctls that some loader takes a key for, as it stands before the "=" of a line."""
    if len(key) > _LONGEST:
        return ()
    if OPEN in key:
        return _named_at_the_end(key)
    line = Line(1, f"{key}=1")
    settings = [(parse_line(line, _NOWHERE, loader), loader) for loader in _LOADERS]
    return tuple(
        name
        for name, path in _PATHS.items()
        if any(setting and reaches(setting.path, path, loader) for setting, loader in settings)
    )


def _named_at_the_end(key: str) -> tuple[str, ...]:
    """Of a key with undecided pieces: what its end says, when that can be nothing else."""
    found = _ENDING.match(key.strip())
    return (found[1],) if found and found[1] in WATCHED and not key.lstrip().startswith(("#", ";")) else ()


def names_of_path(path: str) -> tuple[str, ...]:
    """The watched sysctls whose file a path is, in whatever place /proc is mounted."""
    head, _slash, name = path.rpartition("/")
    known = name in WATCHED and (head.endswith("/sys/net/ipv4") or (OPEN in head and head.endswith((CLOSE, "/ipv4"))))
    return (name,) if known else ()


_PARAMETER = re.compile(r"(?<![^\s\"'=])sysctl[./]([^\s=\"']+)=(\"[^\"]*\"|'[^']*'|[^\s\"']+)")


def settings_on_command_line(text: str, offset: int = 0) -> Iterator[Found]:
    """``sysctl.KEY=VALUE`` among the parameters of a kernel."""
    for found in _PARAMETER.finditer(text):
        value = found[2].strip("\"'")
        for name in exact_names_of(found[1]):
            yield Found(name, value, offset + found.start(2) + (found[2] != value))


def exact_names_of(key: str) -> tuple[str, ...]:
    """As ``names_of``, where globs and the "-" before a key mean nothing: in an argument or a map."""
    return () if key.startswith("-") or any(character in key for character in "*?[{") else names_of(key)


def first_values(found: Iterable[Found]) -> list[Found]:
    """In the order of the text, each once."""
    return sorted(dict.fromkeys(found), key=lambda each: (each.offset, WATCHED.index(each.name)))
