# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module with its arguments sets on a host: one table, by the module's name."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .._keys import watched_in
from .._model import OPEN, WATCHED, Assignment, Call, Files, Found, Note, Position
from .._shell import _settings as _shell
from .._templates._jinja import depends_on, is_template
from .._templates._located import Text, cut, joined, position_of
from .._templates._unknown import Unknown, known
from .._texts._deployed import settings_in_file
from . import _structures


class Set(NamedTuple):
    """A value of a watched sysctl, and where it stands."""

    name: str
    value: Any
    at: Position | None


Handler = Callable[[Call, Files], Iterator[Set | Note]]

_TRUE, _FALSE = ("y", "yes", "on", "1", "true", "t"), ("n", "no", "off", "0", "false", "f")


def carried(call: Call, files: Files) -> Iterator[Assignment | Note]:
    """What a call sets; nothing for a module that sets nothing, or is not known."""
    handler = handler_of(call.module)
    for found in handler(call, files) if handler else _user_data(call, files):
        if isinstance(found, Note):
            yield found
            continue
        value = found.value if isinstance(found.value, (str, Unknown)) else _plain(found.value)
        yield Assignment(found.name, _shown(value), found.at or call.by, call.by, depends_on(value))


def handler_of(module: str) -> Handler | None:
    collection, _dot, name = str(module).rpartition(".")
    known = HANDLERS.get(name)
    if known in (None, _sysctl) and "sysctl" in name:
        return _sysctl
    return known if known and collection.split(".")[0] in ("", *_COLLECTIONS) else None


def may_set(module: str, arguments: Iterable[Any]) -> bool:
    """Whether a task may set anything at all, by its module and the names of its arguments: most tasks do not."""
    return is_template(module) or handler_of(module) is not None or not _USER_DATA.isdisjoint(arguments)


#: Namespaces of collections whose modules are what their last name says.
_COLLECTIONS = ("ansible", "community", "containers", "fedora", "redhat", "kubernetes", "google", "amazon", "openstack")


def _shown(value: Any) -> str:
    return str.__str__(str(value)).strip()


def _plain(value: Any) -> str:
    return str(value)


def flag(value: Any, *, default: bool) -> bool:
    """A boolean argument as Ansible takes it."""
    if value is None or isinstance(value, Unknown):
        return default
    text = str(value).strip().lower()
    return text in _TRUE if text in (*_TRUE, *_FALSE) else default


def _first(arguments: Mapping[str, Any], *names: str) -> Any:
    return next((arguments[name] for name in names if arguments.get(name) is not None), None)


def _absent(call: Call) -> bool:
    return str(call.arguments.get("state", "")).strip().lower() in ("absent", "query")


def in_text(found: Iterator[Found], text: str, path: str | None = None) -> Iterator[Set]:
    """What was found in a text, with its positions; a plain text is that of the file ``path``."""
    for one in found:
        at = position_of(text, one.offset) if isinstance(text, Text) else None
        if at is None and path is not None:
            at = Position(path, str.count(text, "\n", 0, one.offset) + 1)
        yield Set(one.name, one.value, at)


def _sysctl(call: Call, _files: Files) -> Iterator[Set]:
    key = _first(call.arguments, "name", "key", "param")
    value = _first(call.arguments, "value", "val")
    if key is None or value is None or _absent(call):
        return
    for name in watched_in(str(key)):
        yield Set(name, _as_sysctl_writes(value), position_of(value))


def _as_sysctl_writes(value: Any) -> Any:
    """As ansible.posix.sysctl does: every word for true is 1, every word for false is 0."""
    if isinstance(value, Unknown):
        return value
    text = str(value).strip()
    return "1" if text.lower() in _TRUE else "0" if text.lower() in _FALSE else text


def _copy(call: Call, files: Files) -> Iterator[Set]:
    destination = _first(call.arguments, "dest", "path")
    content = call.arguments.get("content")
    if isinstance(content, str):
        yield from in_text(settings_in_file(_name(destination), content), content)
    elif isinstance(content, (dict, list)):
        yield from _in_data(content)
    elif not flag(call.arguments.get("remote_src"), default=False):
        yield from _files_of(call, files, "files", destination)


def _template(call: Call, files: Files) -> Iterator[Set]:
    yield from _files_of(call, files, "templates", _first(call.arguments, "dest", "path"))


def _synchronize(call: Call, files: Files) -> Iterator[Set]:
    if str(call.arguments.get("mode", "push")) != "pull":
        yield from _files_of(call, files, "files", call.arguments.get("dest"))


def _assemble(call: Call, files: Files) -> Iterator[Set]:
    if not flag(call.arguments.get("remote_src"), default=True):
        yield from _files_of(call, files, "files", call.arguments.get("dest"))


def _files_of(call: Call, files: Files, kind: Any, destination: Any) -> Iterator[Set]:
    source = call.arguments.get("src")
    if source is None:
        return
    sources = files.content(kind, str(source))
    for path, text in sources:
        name = _name(destination) or ""
        if not name or name.endswith("/") or len(sources) > 1:
            name = posixpath.join(name, posixpath.basename(path).removesuffix(".j2"))
        yield from in_text(settings_in_file(name, text), text, path)


def _name(destination: Any) -> str | None:
    return None if destination is None else str.__str__(str(destination))


def _lineinfile(call: Call, _files: Files) -> Iterator[Set]:
    line = call.arguments.get("line")
    if line is None or _absent(call):
        return
    yield from _composed(call, str(line), flag(call.arguments.get("backrefs"), default=False))


def _replace(call: Call, _files: Files) -> Iterator[Set]:
    text = str(call.arguments.get("replace", ""))
    if _BARE.match(text) and "net" not in str(call.arguments.get("regexp")):
        # The beginning of the key stays as it is in the file.
        text = joined(("net.ipv4.", text))
    yield from _composed(call, text, references=True)


_BARE = re.compile(rf"(?:{'|'.join(WATCHED)})\s*=")


def _composed(call: Call, line: str, references: bool) -> Iterator[Set]:  # noqa: FBT001
    """The line that a module puts into a file; what refers to a group of ``regexp`` is that group's own text."""
    destination = _name(_first(call.arguments, "path", "dest", "destfile", "name"))
    if references and re.search(r"\\(?:g<)?[0-9]", line):
        line = _with_groups(line, str(call.arguments.get("regexp", "")))
    yield from in_text(settings_in_file(destination, line), line)


def _with_groups(line: str, pattern: str) -> str:
    groups = [_literal(group) for group in re.findall(r"(?<!\\)\(((?:[^()\\]|\\.)*)\)", pattern)]
    pieces, last = [], 0
    for found in re.finditer(r"\\(?:g<)?([0-9])>?", line):
        pieces += [cut(line, last, found.start()), ["", *groups, *[""] * 9][int(found.group(1))]]
        last = found.end()
    return joined((*pieces, cut(line, last)))


def _literal(pattern: str) -> str:
    """The plainest text that a pattern matches."""
    without = re.sub(r"\[[^]]*\][*?]|(?:\\s|\\t| )[*?+]|\.[*?]|\[[^]]*\][+]?", "", pattern)
    return re.sub(r"\\(.)|[\^$?*+]", lambda found: {"s": " "}.get(found.group(1) or "", found.group(1) or ""), without)


def _blockinfile(call: Call, _files: Files) -> Iterator[Set]:
    block = _first(call.arguments, "block", "content")
    if isinstance(block, str) and not _absent(call):
        yield from in_text(
            settings_in_file(_name(_first(call.arguments, "path", "dest", "destfile", "name")), block), block
        )


def _ini_file(call: Call, _files: Files) -> Iterator[Set]:
    option, value = call.arguments.get("option"), _first(call.arguments, "value", "values")
    if option is None or value is None or _absent(call):
        return
    for name in watched_in(str(option)):
        for one in value if isinstance(value, list) else [value]:
            yield Set(name, str(one), position_of(one))


def _shell_text(call: Call, _files: Files) -> Iterator[Set]:
    text = _command_text(call)
    if text is not None:
        yield from in_text(_shell.settings_in(text), text)
        yield from _with_input(call, str(text))


def _command(call: Call, _files: Files) -> Iterator[Set]:
    text = _command_text(call)
    arguments = call.arguments.get("argv")
    if isinstance(arguments, list):
        yield from (Set(name, value, position_of(value)) for name, value in _structures.in_words(arguments))
        yield from _with_input(call, shlex.join(map(str, arguments)))
    elif text is not None:
        yield from in_text(_shell.settings_in(_without_operators(text)), text)
        yield from _with_input(call, _without_operators(text))


def _command_text(call: Call) -> str | None:
    text = call.free or _first(call.arguments, "cmd", "_raw_params", "command", "job")
    return text if isinstance(text, str) else None


def _with_input(call: Call, command: str) -> Iterator[Set]:
    """What a command makes of its ``stdin``, which is as good as a here-document."""
    given = call.arguments.get("stdin")
    if isinstance(given, str) and given:
        head = f"{command} <<'{_END}'\n"
        for one in _shell.settings_in(f"{head}{given}\n{_END}\n"):
            if one.offset >= len(head):
                yield Set(one.name, one.value, position_of(given, one.offset - len(head)))


_END = "end-of-the-standard-input"


_OPERATORS = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|\\.|[|&;<>()`\n#]")


def _without_operators(text: str) -> str:
    """A command that no shell reads: what would be an operator is a character like others."""
    return _OPERATORS.sub(lambda found: " " if found[0] == "\n" else "_" if len(found[0]) == 1 else found[0], str(text))


def _script(call: Call, files: Files) -> Iterator[Set]:
    words = (_command_text(call) or "").split(maxsplit=1)
    if words:
        for path, text in files.content("files", words[0]):
            yield from in_text(settings_in_file(posixpath.basename(path), text), text, path)


def _cron(call: Call, files: Files) -> Iterator[Set]:
    if not _absent(call) and not flag(call.arguments.get("disabled"), default=False):
        yield from _shell_text(call, files)


def _container(call: Call, _files: Files) -> Iterator[Set]:
    if not _absent(call):
        yield from _in_data({"sysctls": _first(call.arguments, "sysctls", "sysctl")})


def _definition(call: Call, files: Files) -> Iterator[Set]:
    if _absent(call):
        return
    for name in ("definition", "resource_definition", "compose", "manifest"):
        value = call.arguments.get(name)
        if isinstance(value, str):
            yield from in_text(settings_in_file("manifest.yml", value), value)
        elif value is not None:
            yield from _in_data(value)
    for name, kind in (("src", "files"), ("template", "templates")):
        value = call.arguments.get(name)
        for path, text in files.content(kind, str(value)) if isinstance(value, str) else ():  # type: ignore[arg-type]
            yield from in_text(settings_in_file("manifest.yml", text), text, path)


def _in_data(data: Any) -> Iterator[Set]:
    for name, value in _structures.settings_in_data(data):
        yield Set(name, value, position_of(value))


def _unarchive(call: Call, _files: Files) -> Iterator[Note]:
    source = _first(call.arguments, "src")
    yield Note(call.by.path, call.by.line, f"{call.module}: the archive {source} is not looked into")


def has_open_key(call: Call) -> bool:
    """Whether a call sets a sysctl, and cannot be told which."""
    if handler_of(call.module) is _sysctl:
        key = _first(call.arguments, "name", "key", "param")
        return not isinstance(key, str) or not known(key)
    return any(
        isinstance(text, str) and "sysctl" in text and OPEN in text for text in (call.free, *call.arguments.values())
    )


_USER_DATA = frozenset(("user_data", "userdata", "custom_data", "cloud_init", "startup_script"))


def _user_data(call: Call, _files: Files) -> Iterator[Set]:
    """What a cloud gives a new host to run; which module asks for it does not matter."""
    for name in sorted(_USER_DATA):
        value = call.arguments.get(name)
        if isinstance(value, str):
            yield from in_text(settings_in_file(None, value), value)
        elif isinstance(value, (dict, list)):
            yield from _in_data(value)


HANDLERS: dict[str, Handler] = {
    "assemble": _assemble,
    "blockinfile": _blockinfile,
    "command": _command,
    "copy": _copy,
    "cron": _cron,
    "docker_compose": _definition,
    "docker_compose_v2": _definition,
    "docker_container": _container,
    "docker_stack": _definition,
    "docker_swarm_service": _container,
    "expect": _command,
    "ini_file": _ini_file,
    "k8s": _definition,
    "kernel_settings": _container,
    "kubectl": _definition,
    "lineinfile": _lineinfile,
    "podman_container": _container,
    "podman_pod": _container,
    "raw": _shell_text,
    "replace": _replace,
    "script": _script,
    "shell": _shell_text,
    "synchronize": _synchronize,
    "sysctl": _sysctl,
    "template": _template,
    "unarchive": _unarchive,
}
