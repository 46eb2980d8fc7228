# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a script on a host over Ansible's connection and returns the bytes that it printed. The only input and output.

A script goes over standard input where the connection takes it, and as an argument where it would be dropped without
a word, or hang. No temporary file, no Python on the host.
"""

from __future__ import annotations

import shlex
from typing import Any

from ._script import BadAnswer, Section, sections_of
from ._snapshot import printable

#: A login shell whose rc file reads standard input eats the first bytes: these are for it.
PADDING = "\n" * 64

#: Connections that lead to no POSIX shell.
NO_SHELL = frozenset({"network_cli", "netconf", "httpapi", "winrm", "psrp"})


class NoShell(Exception):
    """The connection does not lead to a host with a POSIX shell."""


def check_connection(action: Any) -> None:
    """Raises NoShell before a byte is sent to a Windows host or a network device."""
    connection = action._connection
    name = str(connection.transport).rpartition(".")[2]
    if name in NO_SHELL or getattr(connection._shell, "SHELL_FAMILY", "sh") == "powershell":
        raise NoShell(
            f"connection {name} leads to no POSIX shell. This collection tunes Linux hosts; leave this host out, "
            "for example with hosts: all:!windows"
        )


def run(action: Any, script: str, nonce: str) -> tuple[bytes, list[Section]]:
    """Runs a script; its whole answer, and the sections in it. Raises BadAnswer with what the host said instead."""
    check_connection(action)
    as_argument = _needs_argument(action)
    result = _execute(action, script, as_argument=as_argument)
    if not as_argument and "must have a tty" in f"{result['stdout']}{result['stderr']}":
        result = _execute(action, script, as_argument=True)
    answer = result["stdout"].encode("utf-8", "surrogateescape")
    try:
        return answer, sections_of(answer, nonce)
    except BadAnswer as error:
        said = printable(result["stderr"] or result["stdout"]) or "nothing"
        raise BadAnswer(f"{error} (exit status {result['rc']}); the host said: {said}") from None


def _needs_argument(action: Any) -> bool:
    connection, become = action._connection, action._connection.become
    if not connection.has_pipelining:
        return True
    password = become is not None and become.get_option("become_pass", playcontext=action._play_context)
    return str(connection.transport).rpartition(".")[2] == "local" and bool(password)


def _execute(action: Any, script: str, *, as_argument: bool) -> dict[str, Any]:
    if as_argument:
        command, data = f"/bin/sh -c {shlex.quote(script)}", None
    else:
        command, data = "/bin/sh", (PADDING + script).encode("utf-8", "surrogateescape")
    result: dict[str, Any] = action._low_level_execute_command(command, in_data=data, encoding_errors="surrogateescape")
    return result
