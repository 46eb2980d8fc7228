# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words that all parts of the lint share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

from .._exposure import Exposure

Severity = Literal["error", "warning", "info"]
RuleName = Literal["timewait-recycle", "timewait-reuse-without-timestamps", "timewait-fin-timeout"]

#: The sysctls below net.ipv4 that the rules are about; everything else is passed over, and never printed.
WATCHED = ("tcp_tw_recycle", "tcp_tw_reuse", "tcp_timestamps", "tcp_fin_timeout")

#: In a rendered text, a piece that cannot be decided stands as OPEN + what it depends on + CLOSE. The words between
#: hold no white space, no quotes and no "=", so that a parser takes the whole for a part of a word.
OPEN, CLOSE = "\ue000", "\ue001"


class Position(NamedTuple):
    """A line of a file, counted from 1. ``path`` is absolute."""

    path: str
    line: int


@dataclass(frozen=True)
class Found:
    """A setting in a text.

    ``name`` is one of WATCHED, whatever way the key was spelled; ``value`` is as written, without quotes, possibly with
    OPEN ... CLOSE in it; ``offset`` is where the value begins in the text (where the key begins when there is no value
    to point at).
    """

    name: str
    value: str
    offset: int


@dataclass(frozen=True)
class Assignment:
    """A value of a sysctl on its way to a host.

    ``by`` is the task (or template, or file) that carries it. ``value`` is the text as a kernel would get it.
    ``undecided`` says what the value depends on when it cannot be told; ``value`` is then the template.
    ``lowered`` says why it may never come into force: a condition that is false, a file that nothing deploys.
    """

    name: str
    value: str
    at: Position
    by: Position
    undecided: tuple[str, ...] = ()
    lowered: str | None = None
    #: The rules that a ``noqa`` or a skip tag of the task that carries it switches off.
    skipped: tuple[str, ...] = ()
    #: The hosts patterns of the plays that it is reached from; empty when no play of the tree reaches it.
    plays: tuple[str, ...] = ()
    #: Which of the classes of hosts that the lint was given it is for, by their number; None for all of them.
    classes: frozenset[int] | None = None


@dataclass(frozen=True)
class Note:
    """What was not looked into, and why; never a reason to stop. ``line`` is None for a whole file."""

    path: str
    line: int | None
    message: str


@dataclass(frozen=True)
class ReachedHost:
    name: str
    exposure: Exposure


@dataclass(frozen=True)
class Finding:
    """What a rule says about a value in the content. Fields as in the JSON report."""

    path: str
    line: int
    rule: RuleName
    severity: Severity
    key: str
    value: str
    message: str
    remedy: str
    reaches: Position
    #: None without an inventory.
    hosts: tuple[ReachedHost, ...] | None = None
    skipped: bool = False


@dataclass(frozen=True)
class Result:
    """What was found in a tree, in the order of path and line."""

    assignments: tuple[Assignment, ...] = ()
    notes: tuple[Note, ...] = ()
    #: How many files were read.
    files: int = 0


@dataclass(frozen=True)
class Call:
    """A module with its arguments, rendered: what a task comes down to for one item of its loop.

    ``module`` is the name as written (``sysctl``, ``ansible.posix.sysctl``); ``free`` is the free-form text of
    command, shell, raw and script, None when there is none.
    """

    module: str
    arguments: dict[str, Any]
    free: str | None
    by: Position


FileKind = Literal["files", "templates"]


class Files(Protocol):
    """How a call's ``src`` is found and read. The lint of a tree, a live play and the guard each have their own."""

    def content(self, kind: FileKind, src: str) -> Sequence[tuple[str, str]]:
        """Path and text of every file that ``src`` stands for; a directory stands for all below it.

        Templates are rendered. Empty when it is not found, which the implementation notes.
        """
