# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which way a script goes, what it looks like as an argument, and what is made of the answers. Real shells run it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import BadAnswer
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._transport import (
    LONGEST_ARGUMENT,
    NoWay,
    Transport,
    as_command,
)
from hypothesis import given
from hypothesis import strategies as st

NONCE = "0123456789abcdef"
SCRIPT = "{\necho hello\n}\n"
#: Where the shells of a host are, whatever the machine calls its own.
INNER = {"dash": "dash", "bash": "bash --posix", "busybox": "busybox sh"}
LOGIN = ("dash", "bash", "busybox sh", "tcsh", "fish")

ANSWER = f"\n{NONCE} B word\ntext\n{NONCE} E 0\n\n{NONCE} Z\n"


def become(name: str = "sudo", password: str | None = None, **more: Any) -> SimpleNamespace:
    return SimpleNamespace(name=name, get_option=lambda *_option, **_context: password, **more)


class Host:
    """An action whose connection gives these answers (standard output, standard error, exit status), in order."""

    def __init__(self, *answers: tuple[str, str, int], transport: str = "ssh", **connection: Any) -> None:
        shell = SimpleNamespace(SHELL_FAMILY="sh")
        self._connection = SimpleNamespace(
            **{"transport": transport, "has_pipelining": True, "become": None, "_shell": shell, **connection}
        )
        self._play_context = None
        self._answers = list(answers)
        self.sent: list[tuple[str, bytes | None]] = []
        self.said: list[tuple[int, str]] = []

    def _low_level_execute_command(self, command: str, in_data: bytes | None, encoding_errors: str) -> dict[str, Any]:
        assert encoding_errors == "surrogateescape"
        self.sent.append((command, in_data))
        stdout, stderr, status = self._answers.pop(0)
        return {"stdout": stdout, "stderr": stderr, "rc": status}

    def ways(self) -> list[str]:
        """What became of the script in each trip."""
        return [
            "input" if command == "/bin/sh" else "argument" if data is None else "argument and no input"
            for command, data in self.sent
        ]

    def transport(self) -> Transport:
        return Transport(self, lambda level, text: self.said.append((level, text)))


WHOLE = (ANSWER, "", 0)


@pytest.mark.parametrize(
    ("connection", "way"),
    [
        ({}, "input"),
        ({"transport": "ansible.builtin.ssh", "become": become("sudo", "x")}, "input"),
        ({"transport": "containers.podman.podman", "has_pipelining": False}, "argument"),
        ({"transport": "local"}, "input"),
        ({"transport": "local", "become": become()}, "input"),
        ({"transport": "local", "become": become("sudo", "x")}, "argument"),
        ({"become": become("doas", pipelining=False)}, "input"),
        ({"become": become("doas", "x", pipelining=False)}, "argument"),
        ({"become": become("sudo", "x", pipelining=True)}, "input"),
    ],
)
def test_the_first_way_is_the_one_that_connection_and_become_can_take(connection: dict[str, Any], way: str) -> None:
    host = Host(WHOLE, **connection)
    host.transport().run(SCRIPT, NONCE)
    assert host.ways() == [way]
    assert [level for level, _text in host.said] == [2 if way == "input" else 0]


@pytest.mark.parametrize(
    ("said", "status", "ways"),
    [
        ("sudo: sorry, you must have a tty to run sudo", 1, ["input", "argument"]),
        ("sudo: Sie müssen ein TTY haben, um sudo zu verwenden", 1, ["input", "argument"]),
        ("doas: a tty is required", 1, ["input", "argument"]),
        ("standard in must be a tty", 1, ["input", "argument"]),
        ("su: must be run from a terminal", 1, ["input", "argument"]),
        ("", 0, ["input", "argument and no input"]),
    ],
)
def test_a_host_that_wants_another_way_gets_it_once_and_for_the_rest_of_the_task(
    said: str, status: int, ways: list[str]
) -> None:
    host = Host(("Welcome!\n", said, status), WHOLE, WHOLE)
    transport = host.transport()
    answer, sections = transport.run(SCRIPT, NONCE)
    assert (answer.decode(), [section.text for section in sections]) == (ANSWER, ["text"])
    transport.run(SCRIPT, NONCE)
    assert host.ways() == [*ways, ways[-1]]
    assert [level for level, _text in host.said] == [2, 0]


@pytest.mark.parametrize(
    ("answer", "connection"),
    [
        (("", "sudo: a password is required", 1), {}),
        # Part of the script's answer: it has run, and is not run again.
        ((f"\n{NONCE} B word\ntty", "", 0), {}),
        (("", "sudo: sorry, you must have a tty to run sudo", 1), {"has_pipelining": False}),
    ],
)
def test_what_another_way_would_not_help_is_an_error_after_one_trip(
    answer: tuple[str, str, int], connection: dict[str, Any]
) -> None:
    host = Host(answer, **connection)
    with pytest.raises(BadAnswer, match=r"exit status [01]\); the host said: .*(password|tty)"):
        host.transport().run(SCRIPT, NONCE)
    assert len(host.sent) == 1


def test_no_more_than_two_trips_are_made_for_an_answer() -> None:
    host = Host(("", "", 0), ("", "no tty", 0))
    with pytest.raises(BadAnswer, match=r"there is no answer of the script in it \(exit status 0\)"):
        host.transport().run(SCRIPT, NONCE)
    assert len(host.sent) == 2


def test_a_host_that_answered_once_is_not_asked_twice_afterwards() -> None:
    host = Host(WHOLE, ("", "", 0))
    transport = host.transport()
    transport.run(SCRIPT, NONCE)
    with pytest.raises(BadAnswer):
        transport.run(SCRIPT, NONCE)
    assert host.ways() == ["input", "input"]


def test_a_connection_that_passes_no_password_on_is_named_when_become_fails() -> None:
    host = Host(
        ("", "sudo: no password was provided", 1),
        transport="containers.podman.podman",
        has_pipelining=False,
        become=become("sudo", "x"),
    )
    with pytest.raises(BadAnswer, match="Connection podman passes no become password on: connect as root"):
        host.transport().run(SCRIPT, NONCE)


@pytest.mark.parametrize(
    "connection",
    [
        *({"transport": name} for name in ("network_cli", "ansible.netcommon.netconf", "httpapi", "winrm", "psrp")),
        {"transport": "ssh", "_shell": SimpleNamespace(SHELL_FAMILY="powershell")},
    ],
)
def test_network_devices_and_windows_are_sent_nothing(connection: dict[str, Any]) -> None:
    host = Host(WHOLE, **connection)
    with pytest.raises(NoWay, match="leads to no POSIX shell"):
        host.transport()
    assert (host.sent, host.said) == ([], [])


def test_a_script_that_is_too_long_for_an_argument_is_not_sent_and_the_remedy_is_named() -> None:
    fits = "#" * (LONGEST_ARGUMENT - len(as_command("")))
    host = Host(WHOLE, has_pipelining=False, transport="podman")
    host.transport().run(fits, NONCE)
    with pytest.raises(
        NoWay, match=r"has 122881 bytes as an argument, .* connection podman passes no .* that takes standard input"
    ):
        host.transport().run(fits + "#", NONCE)
    assert len(host.sent) == 1


def test_the_longest_argument_still_fits_behind_sudo_and_two_shells() -> None:
    """On the real kernel, which takes no argument of 128 KiB."""
    end = "echo done"
    script = "#" * (LONGEST_ARGUMENT - len(as_command("\n" + end))) + "\n" + end
    command = f"echo BECOME-SUCCESS-{'x' * 32} ; {as_command(script)}"
    for _level in range(3):
        command = f"/bin/sh -c {shlex.quote(command)}"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("done\n")


@pytest.mark.parametrize("crs", ["\r", "\r\r"])
def test_what_terminals_make_of_line_ends_is_undone_byte_for_byte(crs: str) -> None:
    content = "a\r\nb\rc\n\r\r\n\n"
    answer = f"Welcome\nlinux\n\n{NONCE} B word\n{content}\n{NONCE} E 0\n\n{NONCE} Z\n"
    host = Host((answer.replace("\n", f"{crs}\n"), "", 0))
    found, sections = host.transport().run(SCRIPT, NONCE)
    assert found.decode() == answer
    assert [section.text for section in sections] == [content]


def test_without_a_terminal_line_ends_stay_as_they_are() -> None:
    content = "a\r\nb\r\n"
    host = Host((f"linux\r\n\n{NONCE} B word\n{content}\n{NONCE} E 0\n\n{NONCE} Z\n", "", 0))
    assert [section.text for section in host.transport().run(SCRIPT, NONCE)[1]] == [content]


@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("login", LOGIN)
def test_a_script_with_every_byte_passes_through_every_login_shell(inner: str, login: str) -> None:
    for shell in (inner, login.split(maxsplit=1)[0]):
        if not shutil.which(shell):
            if os.environ.get("CI"):
                pytest.fail(f"{shell} is not installed")
            pytest.skip(f"{shell} is not installed")
    every_byte = bytes(range(1, 256))
    script = f'{{\nX={shlex.quote(every_byte.decode("utf-8", "surrogateescape"))}\nprintf %s "$X"\n}}\n'
    command = as_command(script).replace("/bin/sh", INNER[inner], 1)
    wrapped = f"/bin/sh -c {shlex.quote(f'echo BECOME-SUCCESS; {command}')}"
    done = subprocess.run([*login.split(), "-c", wrapped], capture_output=True, check=True)
    assert done.stdout == b"BECOME-SUCCESS\n" + every_byte


@given(st.text(st.characters(exclude_characters="\0", codec="utf-8")))
def test_a_command_is_one_line_of_plain_characters_with_no_quote_in_its_quotes(text: str) -> None:
    command = as_command(text)
    assert command.isascii()
    assert command.isprintable()
    assert "!" not in command
    assert shlex.split(command)[:2] == ["/bin/sh", "-c"]
    assert command.count("'") == 2
