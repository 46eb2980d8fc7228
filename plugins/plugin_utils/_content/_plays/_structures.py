# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings in structured data: manifests of Kubernetes, compose files, arguments of container modules, and the
variables that roles take lists of sysctls in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .._keys import watched_in
from .._shell import _settings as _shell
from .._templates._located import placed, position_of

#: Under which names the key and the value of an item stand.
KEYS = ("name", "key", "param", "parameter", "option", "sysctl", "property", "item", "setting", "variable", "k")
VALUES = ("value", "val", "setting", "v", "set")

#: Where the words of a container's command stand; Kubernetes runs the two after each other.
_WORDS = ("command", "args")

Setting = tuple[str, Any]


def settings_in_data(data: Any) -> Iterator[Setting]:
    """What ``sysctls`` sets anywhere in the data, and the commands of containers."""
    if isinstance(data, list):
        for value in data:
            yield from settings_in_data(value)
    elif isinstance(data, dict):
        for key, value in data.items():
            if key == "sysctls":
                yield from pairs_in(value)
            elif key not in _WORDS or not isinstance(value, list):
                yield from settings_in_data(value)
        command, arguments = (data[key] if isinstance(data.get(key), list) else [] for key in _WORDS)
        yield from in_words([*command, *arguments])
        # Arguments alone are those of whatever the image runs: a shell, where they are more than words.
        for text in () if command else arguments:
            yield from in_words(["sh", "-c", text])


def in_words(words: list[Any]) -> Iterator[Setting]:
    """A command as a list of its words."""
    text, starts = "", []
    for word in words:
        starts.append((len(text), word))
        text += "'" + str.__str__(str(word)).replace("'", "'\\''") + "' "
    for found in _shell.settings_in(text):
        start, word = [pair for pair in starts if pair[0] <= found.offset][-1]
        position = position_of(word, max(found.offset - start - 1, 0))
        yield found.name, placed(found.value, position) if position else found.value


def pairs_in(data: Any) -> Iterator[Setting]:
    """Keys and values in whatever shape people write lists of sysctls: dicts, lists of dicts, ``key=value``."""
    if isinstance(data, list):
        for value in data:
            yield from pairs_in(value)
    elif isinstance(data, str):
        key, equals, value = str.__str__(data).partition("=")
        position = position_of(data)
        if equals:
            yield from ((name, placed(value.strip(), position) if position else value) for name in watched_in(key))
    elif isinstance(data, dict):
        yield from _in_dict(data)


def _in_dict(data: dict[Any, Any]) -> Iterator[Setting]:
    if str(data.get("state", "present")) == "absent":
        return
    key = next((data[name] for name in KEYS if isinstance(data.get(name), str)), None)
    named = watched_in(key) if key is not None else ()
    if named:
        value = next((data[name] for name in VALUES if data.get(name) is not None and name in data), None)
        yield from ((name, value) for name in named if value is not None)
        return
    for key, value in data.items():
        names = watched_in(key) if isinstance(key, str) else ()
        if not names:
            yield from pairs_in(value) if isinstance(value, (dict, list)) else ()
            continue
        inner = _innermost(value)
        if inner is not None:
            yield from ((name, inner) for name in names)


def _innermost(value: Any) -> Any:
    """The scalar of ``{value: {value: 1}}``; None for what is absent."""
    while isinstance(value, dict):
        if str(value.get("state", "present")) == "absent":
            return None
        value = next((value[name] for name in VALUES if name in value), None)
    return value
