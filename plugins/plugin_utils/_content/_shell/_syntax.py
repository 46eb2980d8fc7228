# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a script is made of: the nodes that _shell_parser.py builds and _shell.py walks. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from .._texts._traced import Traced


@dataclass(frozen=True, slots=True)
class Literal:
    text: Traced
    quoted: bool


@dataclass(frozen=True, slots=True)
class Parameter:
    """``$name`` and all that is in braces. ``operator`` is what stands behind the name, ``argument`` what it is about;
    ``before`` is "#" for a length, "!" for the keys of an array or the value of the variable that is named.
    """

    name: str
    at: int
    quoted: bool
    index: Word | None = None
    operator: str = ""
    argument: Word | None = None
    before: str = ""


@dataclass(frozen=True, slots=True)
class Substitution:
    """What a list of commands prints. ``is_file`` where it stands for a file to read it from: ``<(...)``."""

    body: Sequence
    at: int
    quoted: bool
    is_file: bool = False


@dataclass(frozen=True, slots=True)
class Arithmetic:
    text: str
    at: int
    quoted: bool


Part = Literal | Parameter | Substitution | Arithmetic


@dataclass(frozen=True, slots=True)
class Word:
    parts: tuple[Part, ...]

    @property
    def bare(self) -> str | None:
        """Its text, when it is nothing but that, without quotes: as a reserved word has to be."""
        if len(self.parts) != 1:
            return None
        part = self.parts[0]
        return part.text.text if isinstance(part, Literal) and not part.quoted else None


@dataclass(slots=True)
class Redirect:
    """``operator`` as written; ``target`` is the file, or the text of a here-document or here-string."""

    operator: str
    descriptor: str
    target: Word


@dataclass(frozen=True, slots=True)
class Assign:
    """``name=value``, ``name+=value``, ``name[index]=value`` or ``name=(values)``."""

    name: str
    value: Word | tuple[tuple[Word | None, Word], ...]
    adds: bool
    index: Word | None


@dataclass(slots=True)
class Simple:
    assigns: list[Assign] = field(default_factory=list)
    #: An array among the words of declare, local and the like.
    words: list[Word | Assign] = field(default_factory=list)
    redirects: list[Redirect] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What it runs, where that is written out."""
        first = self.words[0] if self.words else None
        return (first.bare or "") if isinstance(first, Word) else ""


@dataclass(slots=True)
class Pipeline:
    commands: list[Node]
    negated: bool = False


@dataclass(slots=True)
class AndOr:
    """Commands, each with "&&" or "||" before it; "" before the first."""

    parts: list[tuple[str, Node]]


@dataclass(slots=True)
class Sequence:
    commands: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Group:
    body: Sequence
    is_subshell: bool = False
    redirects: list[Redirect] = field(default_factory=list)


@dataclass(slots=True)
class If:
    branches: list[tuple[Sequence, Sequence]]
    otherwise: Sequence | None
    redirects: list[Redirect] = field(default_factory=list)


@dataclass(slots=True)
class For:
    """``words`` is None for the positional parameters, and for a loop that counts."""

    name: str
    words: list[Word] | None
    counts: bool
    body: Sequence
    redirects: list[Redirect] = field(default_factory=list)


@dataclass(slots=True)
class While:
    condition: Sequence
    body: Sequence
    redirects: list[Redirect] = field(default_factory=list)


@dataclass(slots=True)
class Case:
    word: Word
    branches: list[tuple[list[Word], Sequence]]
    redirects: list[Redirect] = field(default_factory=list)


@dataclass(slots=True)
class Function:
    name: str
    body: Node


Node = Simple | Pipeline | AndOr | Sequence | Group | If | For | While | Case | Function


def behind(word: Word, length: int) -> Word:
    """A word without the first characters of its first part."""
    first, *rest = word.parts
    if not isinstance(first, Literal):
        return word
    left = first.text.part(length)
    parts: list[Part] = [Literal(left, first.quoted)] if left.text else []
    return Word((*parts, *rest))


def subscripted(word: Word) -> tuple[Word, Word] | None:
    """``[key]=value`` as key and value."""
    first = word.parts[0] if word.parts else None
    if not isinstance(first, Literal) or first.quoted or not first.text.text.startswith("["):
        return None
    key: list[Part] = []
    for number, part in enumerate(word.parts):
        start = 1 if number == 0 else 0
        closes = part.text.text.find("]=", start) if isinstance(part, Literal) and not part.quoted else -1
        if isinstance(part, Literal) and closes >= 0:
            key.append(Literal(part.text.part(start, closes), quoted=False))
            left = part.text.part(closes + 2)
            tail: list[Part] = [Literal(left, quoted=False)] if left.text else []
            return Word(tuple(key)), Word((*tail, *word.parts[number + 1 :]))
        key.append(Literal(part.text.part(start), part.quoted) if isinstance(part, Literal) and start else part)
    return None


def read_by(condition: Sequence) -> Simple | None:
    """The ``read`` that a loop is about, whatever else its condition says."""
    node = condition.commands[0] if len(condition.commands) == 1 else None
    if isinstance(node, AndOr):
        node = node.parts[0][1]
    first = node.words[0] if isinstance(node, Simple) and node.words else None
    return node if isinstance(node, Simple) and isinstance(first, Word) and first.bare == "read" else None
