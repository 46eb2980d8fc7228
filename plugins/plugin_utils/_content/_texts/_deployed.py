# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that reach a host: in which language each is, by where it goes to and by what it looks like. Pure.

What is no language of these sets nothing: documentation, source code, and what no loader, shell or daemon reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from .._model import Found
from .._shell._result import NOTHING
from .._shell._runner import Runner
from . import _units
from ._foreign import commands_in_program
from ._sysctl_text import first_values, mentions, names_of_path, setting_in_line
from ._traced import Traced, moved, traced
from ._yaml_files import Commands, Written, pieces_of

#: How many texts may be in one another: a file that a script writes that a document writes.
_DEEPEST = 5

_Language = Callable[[Traced, int], Iterable[Found]]


def settings_in_file(destination: str | None, text: str) -> Iterator[Found]:
    """The settings in a text that is put into a file; ``destination`` is None where that is not known."""
    if mentions(text) or (destination and names_of_path(destination)):
        yield from first_values(settings_of_file(destination, traced(text)))


def settings_of_file(destination: str | None, text: Traced, depth: int = 0) -> list[Found]:
    if depth > _DEEPEST:
        return []
    names = names_of_path(destination) if destination else ()
    if names:
        value = text.strip()
        return [Found(name, value.text, value.origin(0)) for name in names if value.text]
    return list(_language_of(destination or "", text.text)(text, depth))


def settings_of_script(text: Traced, depth: int = 0) -> list[Found]:
    """The settings in a script, or in the text of a shell command."""
    if not mentions(text.text):
        return []
    # Of the shells that are called sh some take escapes in what echo is given, bash does not.
    runner = Runner(settings_of_file, depth, interprets=not re.match(r"#!.*\bbash\b", text.text))
    runner.script(text)
    return first_values(runner.found)


# ---- languages


def _nothing(_text: Traced, _depth: int) -> Iterator[Found]:
    return iter(())


def _sysctl(text: Traced, _depth: int) -> Iterator[Found]:
    for line in text.lines():
        yield from moved(setting_in_line(line.text), line)


def _tuned(text: Traced, _depth: int) -> Iterator[Found]:
    return _units.settings_in_section(text)


def _lxc(text: Traced, _depth: int) -> Iterator[Found]:
    return _units.in_lxc(text)


def _kernel(text: Traced, _depth: int) -> Iterator[Found]:
    return _units.kernel_parameters(text)


def _each(commands: Iterable[Traced], depth: int) -> Iterator[Found]:
    for command in commands:
        yield from settings_of_script(command, depth)


def _unit(text: Traced, depth: int) -> Iterator[Found]:
    return _each(_units.unit_commands(text), depth)


def _crontab(text: Traced, depth: int) -> Iterator[Found]:
    return _each(_units.cron_commands(text, has_user=False), depth)


def _system_crontab(text: Traced, depth: int) -> Iterator[Found]:
    return _each(_units.cron_commands(text, has_user=True), depth)


def _interfaces(text: Traced, depth: int) -> Iterator[Found]:
    return _each(_units.interface_commands(text), depth)


def _rules(text: Traced, depth: int) -> Iterator[Found]:
    return _each(_units.rule_commands(text), depth)


def _program(text: Traced, depth: int) -> Iterator[Found]:
    return commands_in_program(text, settings_of_file, depth)


def _yaml(text: Traced, depth: int) -> Iterator[Found]:
    for piece in pieces_of(text) or ():
        if isinstance(piece, Found):
            yield piece
        elif isinstance(piece, Written):
            yield from settings_of_file(piece.path, piece.text, depth + 1)
        else:
            yield from _run(piece, depth)


def _run(piece: Commands, depth: int) -> Iterator[Found]:
    if piece.text is not None:
        yield from settings_of_script(piece.text, depth + 1)
        return
    if not mentions(" ".join(word.text for word in piece.words)):
        return
    runner = Runner(settings_of_file, depth + 1)
    runner.command(list(piece.words), NOTHING)
    # An image may begin with a shell that takes these words.
    texts = [word for word in piece.words if " " in word.text] if not runner.found else []
    yield from runner.found
    yield from _each(texts, depth + 1)


def _multipart(text: Traced, depth: int) -> Iterator[Found]:
    """User data of several parts: each between lines that begin with two dashes, behind headers of its own."""
    start = 0
    for boundary in (*re.finditer(r"^--.*$", text.text, re.MULTILINE), None):
        end = boundary.start() if boundary else len(text.text)
        body = re.compile(r"\r?\n\r?\n").search(text.text, start, end)
        if body:
            part = text.part(body.end(), end)
            yield from settings_of_file(None, part, depth + 1)
        start = boundary.end() if boundary else end


def _unknown(text: Traced, depth: int) -> list[Found]:
    """Lines of sysctl syntax; where there are none, a script, parameters of a kernel."""
    found = list(_sysctl(text, depth))
    return found or [*settings_of_script(text, depth), *_kernel(text, depth), *_lxc(text, depth)]


# ---- which is which

_BY_PATH: tuple[tuple[re.Pattern[str], _Language], ...] = tuple(
    (re.compile(pattern), language)
    for pattern, language in (
        # Nobody acts on what documentation, logs and the source of programs say.
        (r"\.(md|rst|adoc|html?|log|orig|rpmnew|c|h|cc|cpp|go|java|rs|diff|patch|css|sql|csv|pdf|sls)\Z", _nothing),
        # What is put aside on a host is read by no loader.
        (r"/[^/]*(\.(disabled|off|bak|backup|old|save|rpmsave)|~)\Z", _nothing),
        (r"(^|/)(?!cmdline\.)[^/]*\.txt\Z|/(README|CHANGELOG|LICENSE|COPYING|motd|issue|HISTORY)[^/]*\Z", _nothing),
        (r"(^|/)tuned\.conf\Z", _tuned),
        (r"(^|/)[^/]*sysctl[^/]*\.conf\Z|/sysctl\.d/|/sysctl\.conf", _sysctl),
        (r"\.(service|timer|socket|path|mount)\Z|/systemd/(system|user)/", _unit),
        (r"/etc/crontab\Z|/cron\.d/", _system_crontab),
        (r"/spool/cron/|(^|/)crontab\Z", _crontab),
        (r"/network/interfaces", _interfaces),
        (r"/udev/rules\.d/|\.rules\Z", _rules),
        (r"/etc/default/grub|/grub\.d/.*\.cfg\Z|/kernel/cmdline|cmdline\.txt\Z|/loader/entries/|grub\.cfg\Z", _kernel),
        (r"/lxc/.*(config|\.conf)\Z|/lxc\.conf\Z", _lxc),
        (r"\.(py|pl|rb)\Z", _program),
        (
            r"\.(sh|bash|zsh|ksh)\Z|/rc\.local\Z|/init\.d/|/cron\.(daily|hourly|weekly|monthly)/|/profile\.d/",
            settings_of_script,
        ),
        (r"/if-(pre-)?up\.d/|/dispatcher\.d/|\.bashrc\Z|/etc/profile\Z|/local\.d/|/rc\.d/", settings_of_script),
        (r"\.(ya?ml|json)\Z", _yaml),
    )
)
_SECTION = re.compile(r"^\s*\[([A-Za-z]+)[^\]]*\]\s*$", re.MULTILINE)
_UNIT_SECTIONS = frozenset({"Unit", "Service", "Install", "Timer", "Socket"})


def _language_of(destination: str, text: str) -> _Language:
    by_content = _by_first_line(text)
    for pattern, language in _BY_PATH:
        if pattern.search(destination):
            # A script says so itself, whatever its name; but no copy of one in documentation does.
            return by_content if by_content and language not in (_nothing, _sysctl) else language
    return by_content or _by_content(text)


def _by_first_line(text: str) -> _Language | None:
    first = text.lstrip("\ufeff \t\r\n").partition("\n")[0]
    if first.lower().startswith(("content-type: multipart/", "mime-version:")):
        return _multipart
    if first.startswith("#cloud-config"):
        return _yaml
    if not first.startswith("#!"):
        return None
    if re.search(r"\b(ba|da|a|k|mk|z)?sh\b|openrc-run|runscript|rc\.common", first):
        return settings_of_script
    return _program if re.search(r"python|perl|ruby", first) else _nothing


def _by_content(text: str) -> _Language:
    sections = set(_SECTION.findall(text))
    if sections & _UNIT_SECTIONS and re.search(r"^\s*Exec", text, re.MULTILINE):
        return _unit
    if "sysctl" in sections:
        return _tuned
    if re.search(r"^\s*(\"?)(sysctls|runcmd|write_files|bootcmd|apiVersion)\1\s*:", text, re.MULTILINE):
        return _yaml
    return _unknown
