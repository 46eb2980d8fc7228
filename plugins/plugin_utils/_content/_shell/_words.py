# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A script as words, operators and line ends: quotes, escapes, expansions, here-documents, comments. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from .._model import CLOSE, OPEN
from .._texts._traced import Traced, joined, traced
from ._syntax import Arithmetic, Literal, Parameter, Part, Redirect, Sequence, Substitution, Word

_PLAIN = re.compile(rf"[^\s'\"\\$`|&;<>(){OPEN}]+")
#: The same, where nothing else belongs to the word.
_WHOLE_WORD = re.compile(rf"[^\s'\"\\$`|&;<>()#{OPEN}][^\s'\"\\$`|&;<>(){OPEN}]*(?=[\s;|&)]|\Z)")
_PLAIN_IN_QUOTES = re.compile(r"[^\"\\$`]+")
_BLANKS = re.compile(r"(?:[ \t\r\f\v]|\\\r?\n)+")
_OPERATOR = re.compile(r"<<<|<<-|<<|<>|<&|>>|>&|>\||&>>|&>|&&|\|\||\|&|;;&|;&|;;|[<>|&;()]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-]")
_SPECIAL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]")
_EXPANSION = re.compile(r":[-+=?]|##|%%|//|,,|\^\^|[-+=?#%/:,^@]")
_DESCRIPTOR = re.compile(r"[0-9]{1,3}(?=[<>])|\{[A-Za-z_]\w*\}(?=[<>])")
_BEGIN_DESCRIPTORS = frozenset("0123456789{")
_ANSI = re.compile(r"\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))", re.DOTALL)
_ANSI_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\033"}

#: How deep quotes and substitutions may be in one another.
DEEPEST = 40


class Unreadable(Exception):
    """What no shell would take, such as a quote without an end."""


@dataclass(frozen=True, slots=True)
class Token:
    """``word`` is None for an operator, a line end and, without a text, the end of everything."""

    text: str
    at: int
    word: Word | None = None


@dataclass
class Scanner:
    """Reads tokens off ``source``. ``parse`` reads a list of commands up to a closing parenthesis, for ``$(...)``."""

    source: Traced
    parse: Callable[[Scanner], Sequence]
    depth: int = 0
    position: int = 0
    #: The names of all commands so far, where they are written out.
    names: set[str] = field(default_factory=set)
    #: Here-documents that begin at the next line end: end, whether tabs go, whether nothing is expanded.
    pending: list[tuple[Redirect, str, bool, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.text = self.source.text

    def within(self, source: Traced) -> Scanner:
        if self.depth >= DEEPEST:
            raise Unreadable
        return Scanner(source, self.parse, self.depth + 1, names=self.names)

    def next(self) -> Token:
        at = self._skip_blanks()
        plain = _WHOLE_WORD.match(self.text, at)
        if plain:
            self.position = plain.end()
            return Token("", at, Word((Literal(self.source.part(at, plain.end()), quoted=False),)))
        character = self.text[at : at + 1]
        if not character:
            return Token("", at)
        if character in "#\n":
            return self._line_end(at)
        if self.text.startswith(("<(", ">("), at):
            return Token("", at, self.word())
        operator = _OPERATOR.match(self.text, at)
        if operator:
            self.position = operator.end()
            return Token(operator.group(), at)
        return Token("", at, self.word())

    def descriptor(self) -> str:
        """The number that a redirection begins with, such as that of ``2>``."""
        at = self._skip_blanks()
        if self.text[at : at + 1] not in _BEGIN_DESCRIPTORS:
            return ""
        found = _DESCRIPTOR.match(self.text, at)
        if not found:
            return ""
        self.position = found.end()
        return found.group()

    def _skip_blanks(self) -> int:
        blanks = _BLANKS.match(self.text, self.position)
        if blanks:
            self.position = blanks.end()
        return self.position

    def _line_end(self, at: int) -> Token:
        """The end of a line, with the comment before it."""
        at = self.text.find("\n", at)
        if at < 0:
            self.position = len(self.text)
            return Token("", self.position)
        self.position = at + 1
        for redirect, end, strips_tabs, is_literal in self.pending:
            body = self._document(end, strips_tabs=strips_tabs)
            parts = (Literal(body, quoted=True),) if is_literal else self.within(body).quoted_parts(None)
            redirect.target = Word(parts)
        self.pending.clear()
        return Token("\n", at)

    def _document(self, end: str, *, strips_tabs: bool) -> Traced:
        lines: list[Traced] = []
        while self.position < len(self.text):
            stop = self.text.find("\n", self.position)
            stop = len(self.text) if stop < 0 else stop
            line = self.source.part(self.position, min(stop + 1, len(self.text)))
            self.position = min(stop + 1, len(self.text))
            line = line.part(len(line.text) - len(line.text.lstrip("\t"))) if strips_tabs else line
            if line.text.rstrip("\r\n") == end:
                break
            lines.append(line)
        return joined(lines) if lines else self.source.part(len(self.text))

    # ---- words

    def word(self) -> Word:
        parts: list[Part] = []
        while self.position < len(self.text):
            part = self._part(self.text[self.position])
            if part is None:
                break
            parts += part
        return Word(tuple(parts))

    def _part(self, character: str) -> tuple[Part, ...] | None:
        """The next parts of a word; None at its end."""
        at = self.position
        plain = _PLAIN.match(self.text, at)
        if plain:
            self.position = plain.end()
            return (Literal(self.source.part(at, plain.end()), quoted=False),)
        reader = self._READERS.get(character)
        if reader:
            return reader(self)
        if self.text.startswith(("<(", ">("), at):
            self.position += 2
            return (Substitution(self._commands(), self.source.origin(at), quoted=True, is_file=True),)
        return None

    def _single(self) -> tuple[Part, ...]:
        at = self.position + 1
        end = self._find("'", at)
        self.position = end + 1
        return (Literal(self.source.part(at, end), quoted=True),)

    def _double(self) -> tuple[Part, ...]:
        self.position += 1
        return (Literal(self.source.part(self.position, self.position), quoted=True), *self.quoted_parts('"'))

    def _escape(self) -> tuple[Part, ...]:
        at = self.position + 1
        self.position = at + 1
        if self.text[at : at + 1] == "\n":
            return ()
        return (Literal(self.source.part(at, at + 1), quoted=True),)

    def _undecided(self) -> tuple[Part, ...]:
        at = self.position
        self.position = self._find(CLOSE, at) + 1
        return (Literal(self.source.part(at, self.position), quoted=True),)

    def _find(self, what: str, at: int) -> int:
        end = self.text.find(what, at)
        if end < 0:
            raise Unreadable
        return end

    def quoted_parts(self, end: str | None) -> tuple[Part, ...]:
        """What is in double quotes, or in a here-document, where ``end`` is None."""
        parts: list[Part] = []
        while self.position < len(self.text):
            at = self.position
            plain = _PLAIN_IN_QUOTES.match(self.text, at)
            if plain:
                self.position = plain.end()
                parts.append(Literal(self.source.part(at, plain.end()), quoted=True))
                continue
            character = self.text[at]
            if character == '"' and end:
                self.position += 1
                return tuple(parts)
            parts += self._quoted_part(character)
        if end:
            raise Unreadable
        return tuple(parts)

    def _quoted_part(self, character: str) -> tuple[Part, ...]:
        at = self.position
        if character == "\\":
            follows = self.text[at + 1 : at + 2]
            self.position += 2
            if follows == "\n":
                return ()
            start = at + 1 if follows and follows in '$`"\\' else at
            return (Literal(self.source.part(start, at + 2), quoted=True),)
        if character == "$":
            return self._dollar(quoted=True)
        if character == "`":
            return self._backquoted(quoted=True)
        self.position += 1
        return (Literal(self.source.part(at, at + 1), quoted=True),)

    # ---- expansions

    def _dollar(self, *, quoted: bool = False) -> tuple[Part, ...]:
        at, origin = self.position, self.source.origin(self.position)
        follows = self.text[at + 1 : at + 2]
        if self.text.startswith("$((", at):
            return (self._arithmetic(quoted=quoted),)
        if follows == "(":
            self.position += 2
            return (Substitution(self._commands(), origin, quoted),)
        if follows == "{":
            return (self._braces(quoted=quoted),)
        if follows == "'" and not quoted:
            return (self._ansi(),)
        name = _SPECIAL.match(self.text, at + 1)
        self.position = name.end() if name else at + 1
        if name:
            return (Parameter(name.group(), origin, quoted),)
        return () if follows == '"' and not quoted else (Literal(self.source.part(at, at + 1), quoted=True),)

    def _commands(self) -> Sequence:
        if self.depth >= DEEPEST:
            raise Unreadable
        self.depth += 1
        outer, self.pending = self.pending, []
        body = self.parse(self)
        self.pending = outer
        self.depth -= 1
        return body

    def _arithmetic(self, *, quoted: bool) -> Arithmetic:
        at = self.position
        end = self._find("))", at)
        # (( )) in parentheses of its own: as many close as open.
        while self.text.count("(", at + 3, end) > self.text.count(")", at + 3, end) and end - at < 1000:
            end = self._find("))", end + 1)
        self.position = end + 2
        return Arithmetic(self.text[at + 3 : end], self.source.origin(at), quoted)

    def _ansi(self) -> Literal:
        at = self.position + 2
        parts: list[Traced] = [self.source.part(at, at)]
        plain = at
        while not self.text.startswith("'", at):
            if at >= len(self.text):
                raise Unreadable
            found = _ANSI.match(self.text, at)
            if found:
                code, octal, letter = found.groups()
                character = chr(int(code, 16) if code else int(octal, 8)) if code or octal else letter
                shown = _ANSI_LETTERS.get(character, character) if letter else character
                parts += [self.source.part(plain, at), traced(shown, self.source.origin(at))]
                plain = found.end()
            at = found.end() if found else at + 1
        self.position = at + 1
        return Literal(joined([*parts, self.source.part(plain, at)]), quoted=True)

    def _backquoted(self, *, quoted: bool = False) -> tuple[Part, ...]:
        start = end = self.position + 1
        parts: list[Traced] = []
        while not self.text.startswith("`", end):
            if end >= len(self.text):
                raise Unreadable
            if self.text[end] == "\\" and self.text[end + 1 : end + 2] in ("`", "\\", "$", '"' if quoted else "`"):
                parts.append(self.source.part(start, end))
                start = end + 1
                end += 1
            end += 1
        self.position = end + 1
        inner = self.within(joined([*parts, self.source.part(start, end)]))
        return (Substitution(self.parse(inner), self.source.origin(start), quoted),)

    def _braces(self, *, quoted: bool) -> Parameter:
        origin = self.source.origin(self.position)
        self.position += 2
        before = self.text[self.position] if self.position < len(self.text) else ""
        follows = self.text[self.position + 1 : self.position + 2]
        before = before if before in ("#", "!") and follows not in ("}", "") else ""
        self.position += len(before)
        name = _NAME.match(self.text, self.position)
        if not name:
            raise Unreadable
        self.position = name.end()
        index = self._up_to("]", skipped=1) if self.text.startswith("[", self.position) else None
        found = _EXPANSION.match(self.text, self.position)
        operator = found.group() if found else ""
        self.position += len(operator)
        argument = self._up_to("}")
        return Parameter(name.group(), origin, quoted, index, operator, argument if operator else None, before)

    def _up_to(self, end: str, skipped: int = 0) -> Word:
        """A word up to a bracket, in which white space and operators mean nothing."""
        self.position += skipped
        parts: list[Part] = []
        while not self.text.startswith(end, self.position):
            at = self.position
            if at >= len(self.text):
                raise Unreadable
            reader = self._READERS.get(self.text[at])
            if reader:
                parts += reader(self)
                continue
            self.position += 1
            while self.position < len(self.text) and self.text[self.position] not in f"'\"\\$`{OPEN}{end}":
                self.position += 1
            parts.append(Literal(self.source.part(at, self.position), quoted=False))
        self.position += 1
        return Word(tuple(parts))

    _READERS: ClassVar[dict[str, Callable[[Scanner], tuple[Part, ...]]]] = {
        "'": _single,
        '"': _double,
        "\\": _escape,
        "$": _dollar,
        "`": _backquoted,
        OPEN: _undecided,
    }
