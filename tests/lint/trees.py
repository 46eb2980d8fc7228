# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Content under construction: files in which the value of interest is marked, so that its line is known at the end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

#: Private use characters: no content has them of its own.
_BEGIN, _END = "\ue100", "\ue101"
KEY = "net.ipv4.tcp_tw_recycle"


def mark(text: str) -> str:
    """``text`` as the value whose line is asked for."""
    return f"{_BEGIN}{text}{_END}"


def unmarked(text: str) -> str:
    return text.replace(_BEGIN, "").replace(_END, "")


def indented(lines: Iterable[str], columns: int = 2) -> list[str]:
    return [" " * columns + line if line else line for line in lines]


def declared(name: str, data: list[str]) -> list[str]:
    """A variable in YAML; data of one line stand beside the name."""
    scalar = len(data) == 1 and not data[0].startswith("- ") and ": " not in data[0]
    return [f"{name}: {data[0]}"] if scalar else [f"{name}:{_tail(data)}", *indented(_body(data))]


def _tail(data: list[str]) -> str:
    return f" {data[0]}" if data[0] in {"|", ">"} else ""


def _body(data: list[str]) -> list[str]:
    return data[1:] if data[0] in {"|", ">"} else data


@dataclass(frozen=True)
class Text:
    """The same thing as a scalar of YAML, and as a part of a longer text."""

    yaml: str
    text: str

    @classmethod
    def jinja(cls, expression: str) -> Text:
        return cls(f'"{{{{ {expression} }}}}"', f"{{{{ {expression} }}}}")


@dataclass(frozen=True)
class Position:
    path: str
    line: int


@dataclass
class Tree:
    """A playbook for the hosts of ``hosts``, with one task of interest; a layout says where that task stands."""

    #: Directory of the tasks' files/ and templates/, with a slash at its end unless it is the tree itself.
    base: str = ""
    files: dict[str, str] = field(default_factory=dict)
    #: Files that the host has before: path below /etc, text.
    etc: dict[str, str] = field(default_factory=dict)
    task: list[str] = field(default_factory=list)
    #: Tasks that stand before and after that one in the same list.
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    handlers: list[str] = field(default_factory=list)
    #: Further keywords of the play, of the role's entry in it, and of the task that leads to the tasks.
    play: list[str] = field(default_factory=list)
    play_vars: list[str] = field(default_factory=list)
    entry: list[str] = field(default_factory=list)
    inventory: list[str] = field(default_factory=lambda: ["[web]", "h1", "", "[db]", "h2"])
    inventory_name: str = "hosts"

    @property
    def playbooks(self) -> str:
        """The directory of the playbook that has the task, or leads to it."""
        return self.base.partition("roles/")[0]

    def add(self, path: str, lines: Iterable[str], below: str | None = None) -> None:
        """Lines at the end of a file, a new one begins with ---; ``below`` replaces :attr:`base`."""
        full = (self.base if below is None else below) + path
        start = "---\n" if full.endswith(".yml") else ""
        self.files[full] = self.files.get(full, start) + "".join(f"{line}\n" for line in lines)

    def positions(self) -> list[Position]:
        return [
            Position(path, number)
            for path, text in sorted(self.files.items())
            for number, line in enumerate(text.split("\n"), 1)
            if _BEGIN in line
        ]
