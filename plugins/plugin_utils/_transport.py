# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs scripts on a host over Ansible's connection and returns the bytes that they print. The only input and output.

A script goes over standard input where the connection takes it, and as an argument where it would be dropped without
a word, or hang. No temporary file, no Python on the host.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from enum import Enum
from typing import Any

from ._script import BadAnswer, Section, sections_of
from ._snapshot import printable

#: A login shell whose rc file reads standard input eats the first bytes: these are for it.
PADDING = "\n" * 64

#: Connections that lead to no POSIX shell.
NO_SHELL = frozenset({"network_cli", "netconf", "httpapi", "winrm", "psrp"})

#: Connections that do not pass a password on to sudo and the like.
NO_PASSWORD = frozenset({"podman"})

#: Linux takes no argument of 128 KiB or more (MAX_ARG_STRLEN). The rest is for what become and shells put around it.
LONGEST_ARGUMENT = 120 * 1024

#: Of sudo with requiretty, doas, and the su of several systems: a password, or anything at all, takes a terminal.
WANTS_TERMINAL = re.compile(r"\btty\b|from a terminal", re.IGNORECASE)

#: Characters that mean nothing in double quotes in single quotes, neither to printf nor to tcsh or fish.
PLAIN = frozenset((string.ascii_letters + string.digits + " #&()*+,-./:;<=>?@[]^_{|}~").encode())


class NoWay(Exception):
    """The connection leads to no POSIX shell, or cannot carry the script to it."""


class Way(Enum):
    """How a script reaches the host."""

    INPUT = "over standard input"
    ARGUMENT = "as an argument"
    #: Over ssh, an argument alone comes with a terminal, on which a program that reads to the end waits for ever.
    ARGUMENT_AND_NO_INPUT = "as an argument, with nothing on standard input"


def check_connection(action: Any) -> None:
    """Raises NoWay before a byte is sent to a Windows host or a network device."""
    connection = action._connection
    name = _name_of(connection)
    if name in NO_SHELL or getattr(connection._shell, "SHELL_FAMILY", "sh") == "powershell":
        raise NoWay(
            f"connection {name} leads to no POSIX shell. This collection tunes Linux hosts; leave this host out, "
            "for example with hosts: all:!windows"
        )


class Transport:
    """The way to one host. It is chosen by the connection, changed at most once, by the first answer, and then kept.

    ``say`` is told about it: a verbosity (0 for -v, 2 for -vvv) and a sentence.
    """

    def __init__(self, action: Any, say: Callable[[int, str], None]) -> None:
        check_connection(action)
        self._action = action
        self._say = say
        self._settled = False
        self._way, self._why = _first_way(action)

    def run(self, script: str, nonce: str) -> tuple[bytes, list[Section]]:
        """Runs a script; its whole answer, and the sections in it. Raises BadAnswer with what the host said instead."""
        if not self._settled:
            self._tell()
        result = self._execute(script)
        answer = _answer_in(result, nonce)
        other = None if self._settled else _other_way(self._way, result, answer, nonce)
        if other:
            self._way, self._why = other
            self._tell()
            result = self._execute(script)
            answer = _answer_in(result, nonce)
        try:
            sections = sections_of(answer, nonce)
        except BadAnswer as error:
            said = printable(result["stderr"] or result["stdout"]) or "nothing"
            raise BadAnswer(f"{error} (exit status {result['rc']}); the host said: {said}{self._hint()}") from None
        self._settled = True
        return answer, sections

    def _tell(self) -> None:
        self._say(2 if self._way is Way.INPUT else 0, f"scripts go to this host {self._way.value}: {self._why}")

    def _hint(self) -> str:
        name = _name_of(self._action._connection)
        if name in NO_PASSWORD and _become_password(self._action):
            return f". Connection {name} passes no become password on: connect as root, or let become do without one"
        return ""

    def _execute(self, script: str) -> dict[str, Any]:
        command, data = "/bin/sh", (PADDING + script).encode("utf-8", "surrogateescape")
        if self._way is not Way.INPUT:
            command, data = as_command(script), b"\n"
            if len(command) > LONGEST_ARGUMENT:
                raise NoWay(
                    f"the script for this host has {len(command)} bytes as an argument, and a host takes no more than "
                    f"{LONGEST_ARGUMENT}. It is an argument because {self._why}; it is that long because sysctl files "
                    "of the host hold very many lines about TIME_WAIT settings. Remove those that no one needs, or "
                    "connect in a way that takes standard input. Nothing was touched"
                )
        result: dict[str, Any] = self._action._low_level_execute_command(
            command, in_data=None if self._way is Way.ARGUMENT else data, encoding_errors="surrogateescape"
        )
        return result


def _name_of(connection: Any) -> str:
    return str(connection.transport).rpartition(".")[2]


def _become_password(action: Any) -> bool:
    become = action._connection.become
    return become is not None and bool(become.get_option("become_pass", playcontext=action._play_context))


def _first_way(action: Any) -> tuple[Way, str]:
    name, become = _name_of(action._connection), action._connection.become
    if not action._connection.has_pipelining:
        return Way.ARGUMENT, f"connection {name} passes no standard input on"
    if _become_password(action):
        if name == "local":
            return Way.ARGUMENT, "connection local would hang, with a become password and something on standard input"
        if not getattr(become, "pipelining", True):
            return Way.ARGUMENT, f"{become.name} asks for its password on a terminal"
    return Way.INPUT, f"connection {name} passes it on"


def _other_way(way: Way, result: dict[str, Any], answer: bytes, nonce: str) -> tuple[Way, str] | None:
    """A better way, and why, after an answer in which nothing is the script's."""
    if way is not Way.INPUT or nonce.encode() in answer:
        return None
    if WANTS_TERMINAL.search(f"{result['stdout']}{result['stderr']}"):
        return Way.ARGUMENT, "the host wants a terminal"
    if result["rc"] == 0:
        return Way.ARGUMENT_AND_NO_INPUT, "something on the way, such as an rc file, takes what is on standard input"
    return None


def _answer_in(result: dict[str, Any], nonce: str) -> bytes:
    """The bytes that the script printed: a terminal puts CR before each LF, and the first frame shows how many."""
    answer: bytes = result["stdout"].encode("utf-8", "surrogateescape")
    frame = re.search(rb"\n" + nonce.encode() + rb" B [^\r\n]*(\r*)\n", answer)
    for _terminal in frame.group(1) if frame else b"":
        answer = answer.replace(b"\r\n", b"\n")
    return answer


def as_command(script: str) -> str:
    r"""A command in one line that runs a script: ``/bin/sh -c 'eval "$(printf "...")"'``.

    No newline and no "!" (tcsh takes neither in quotes), no byte that is not ASCII, and no quote in it, which each
    shell on the way would multiply. What is not plain is octal: ``\012``.
    """
    words = "".join(
        chr(byte) if byte in PLAIN else "%%" if byte == ord("%") else f"\\{byte:03o}"
        for byte in script.encode("utf-8", "surrogateescape")
    )
    return f"""/bin/sh -c 'eval "$(printf "{words}")"'"""
