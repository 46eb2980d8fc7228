# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What commands are given and give back, between the walk over a script and the table of commands. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from .._model import Found
from .._texts._traced import Traced, traced
from ._state import State
from ._syntax import Node

#: Whether commands behind this one are not reached any more.
Leaving = Literal["", "continue", "break", "return", "exit"]

NOTHING = traced("")

#: What a file holds that a text is written to: its path, None when it is not known, and how many texts deep it is.
Reader = Callable[[str | None, Traced, int], list[Found]]


@dataclass(frozen=True, slots=True)
class Result:
    """``succeeded`` is None where that cannot be told."""

    output: Traced = NOTHING
    succeeded: bool | None = None
    leaving: Leaving = ""


@dataclass(frozen=True, slots=True)
class Invocation:
    """A command with its words."""

    name: Traced
    arguments: list[Traced]
    stdin: Traced


class Shell(Protocol):
    """What a command may do to the shell that runs it."""

    state: State
    files: dict[str, Traced]
    directory: str
    interprets: bool
    functions: dict[str, Node]

    def command(self, words: list[Traced], stdin: Traced) -> Result:
        """Runs a command."""

    def text(self, text: Traced, stdin: Traced) -> Result:
        """Runs a text of commands."""

    def write(self, path: Traced, text: Traced, *, appends: bool = True) -> None:
        """Writes a text to a file."""

    def set(self, names: Sequence[str], value: Traced) -> None:
        """Sets sysctls."""
