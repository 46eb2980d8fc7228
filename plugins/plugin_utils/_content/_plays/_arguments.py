# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task as it is written: its module, and the arguments in every form that Ansible takes them in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from .._model import Position
from .._templates._located import Text, cut, position_of

#: Keys of a task that are no module. Source: ansible.playbook.task, block, base, loop_control of ansible-core 2.21.
KEYWORDS = frozenset(
    [
        "action",
        "any_errors_fatal",
        "args",
        "async",
        "become",
        "become_exe",
        "become_flags",
        "become_method",
        "become_user",
        "changed_when",
        "check_mode",
        "collections",
        "connection",
        "debugger",
        "delay",
        "delegate_facts",
        "delegate_to",
        "diff",
        "environment",
        "failed_when",
        "first_available_file",
        "ignore_errors",
        "ignore_unreachable",
        "listen",
        "local_action",
        "loop",
        "loop_control",
        "module_defaults",
        "name",
        "no_log",
        "notify",
        "poll",
        "port",
        "register",
        "remote_user",
        "retries",
        "run_once",
        "static",
        "sudo",
        "sudo_user",
        "tags",
        "throttle",
        "timeout",
        "until",
        "vars",
        "when",
        "rescue",
        "always",
        "block",
        "su",
        "su_user",
        "always_run",
    ]
)
#: Modules whose text is theirs as a whole.
_FREE = frozenset(["command", "shell", "raw", "script", "win_command", "win_shell", "expect"])
#: Modules to which a text is the name of a file.
_NAMED = frozenset(["include_tasks", "import_tasks", "include", "include_vars"])
_TOKEN = re.compile(r"(?:\{\{.*?\}\}|\{%.*?%\}|\"(?:[^\"\\]|\\.)*\"|'[^']*'|\\.|[^\s\"'\\{]|[\"'{\\])+", re.DOTALL)
_PAIR = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")


class Module(NamedTuple):
    """A module and its arguments, as yet with templates. ``free`` is what stands there without a name."""

    name: str
    arguments: dict[Any, Any]
    free: str | None
    #: The arguments as a whole are a template.
    template: str | None = None


def short(module: str) -> str:
    """The module's last name; only that of ansible-core's own collections stands for the same thing."""
    collection, _dot, name = str(module).rpartition(".")
    return name if collection in ("", "ansible.builtin", "ansible.legacy", "ansible.posix") else str(module)


def module_of(task: Mapping[Any, Any]) -> Module | None:
    """The module of a task; None when there is none."""
    for key in ("action", "local_action"):
        if key in task:
            return _of_action(task[key], task)
    for key, value in task.items():
        if isinstance(key, str) and key not in KEYWORDS and not key.startswith("with_"):
            return _module(key, value, task.get("args"))
    return None


def _of_action(value: Any, task: Mapping[Any, Any]) -> Module | None:
    if isinstance(value, dict):
        rest = {key: given for key, given in value.items() if key not in ("module", "args")}
        inner = value.get("args") if isinstance(value.get("args"), dict) else {}
        return _module(str(value.get("module", "")), {**rest, **(inner or {})}, task.get("args"))
    if not isinstance(value, str):
        return None
    name = _TOKEN.search(value)
    if not name:
        return None
    return _module(name.group(), cut(value, name.end()), task.get("args"))


def _module(name: str, value: Any, more: Any) -> Module:
    added = more if isinstance(more, dict) else {}
    template = more if isinstance(more, str) else None
    if isinstance(value, dict):
        return Module(name, {**added, **value}, None, template)
    if not isinstance(value, str):
        return Module(name, dict(added), None, template)
    if short(name) in _FREE:
        return Module(name, dict(added), value, template)
    if value.strip().startswith("{{") and value.strip().endswith("}}") and "=" not in value.split("{{")[0]:
        named = short(name) in _NAMED
        return Module(name, dict(added), value if named else None, None if named else value)
    arguments, free = pairs_of(value)
    return Module(name, {**added, **arguments}, free, template)


def pairs_of(text: str) -> tuple[dict[str, Any], str | None]:
    """``name=value`` pairs, with the position of each value, and the words that are no pair."""
    pairs: dict[str, Any] = {}
    words: list[str] = []
    for token in _TOKEN.finditer(text):
        pair = _PAIR.match(text, token.start(), token.end())
        if not pair:
            words.append(cut(text, token.start(), token.end()))
            continue
        start, end = pair.end(), token.end()
        if end - start >= 2 and text[start] == text[end - 1] and text[start] in "\"'":
            start, end = start + 1, end - 1
        pairs[pair.group(1)] = cut(text, start, end)
    if not words:
        return pairs, None
    # One word keeps its position; several are the path of an include, or a message.
    return pairs, words[0] if len(words) == 1 else " ".join(map(str, words))


def position_in(data: Any) -> Position | None:
    """Where a task, or any other piece of data, begins."""
    if isinstance(data, dict):
        return next((position for position in map(position_in, data) if position), None)
    if isinstance(data, list):
        return next((position for position in map(position_in, data) if position), None)
    return position_of(data)


def last_line(data: Any, path: str) -> int:
    """The last line of a file that a piece of data reaches to."""
    if isinstance(data, dict):
        return max((last_line(part, path) for pair in data.items() for part in pair), default=0)
    if isinstance(data, list):
        return max((last_line(part, path) for part in data), default=0)
    if isinstance(data, Text):
        return max((position.line for _offset, position in data.origins if position.path == path), default=0)
    position = position_of(data)
    return position.line if position and position.path == path else 0


def conditions_of(raw: Any) -> tuple[Any, ...]:
    """What ``when`` asks for; nothing where there is none."""
    return () if raw is None else (raw,)


def tags_of(entry: dict[Any, Any]) -> tuple[str, ...]:
    return tuple(word for tag in as_list(entry.get("tags")) for word in str(tag).replace(",", " ").split())


def defaults_of(entry: dict[Any, Any]) -> tuple[dict[Any, Any], ...]:
    given = entry.get("module_defaults")
    return tuple(one for one in (given if isinstance(given, list) else [given]) if isinstance(one, dict))


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
