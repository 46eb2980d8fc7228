# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A script as commands. Pure.

A shell stops at what it cannot read; this goes on at the next line, for a text may be of a template, or of a shell that
knows more words than these.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import ClassVar

from .._texts._traced import Traced
from . import _syntax as ast
from ._words import DEEPEST, Scanner, Token, Unreadable

_REDIRECTIONS = frozenset({"<", ">", ">>", "<<", "<<-", "<<<", "<>", "<&", ">&", ">|", "&>", "&>>"})
_ENDS = frozenset({"then", "elif", "else", "fi", "do", "done", "esac", "}"})
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=")
_SUBSCRIPTED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\[")
_FUNCTION_NAME = re.compile(r"[A-Za-z_][\w.:-]*\Z")
#: Declarations take arrays as arguments.
_DECLARING = frozenset({"declare", "typeset", "local", "export", "readonly"})
#: So often is a text taken up again ast.behind what cannot be read.
_RETRIES = 100


def parsed(source: Traced) -> ast.Sequence:
    """All commands of a script that can be read."""
    return ast.Sequence(list(commands_of(source, set())))


def commands_of(source: Traced, names: set[str]) -> Iterator[ast.Node]:
    """The commands of a script, one by one: a long one is never held as a whole. Adds to ``names`` what they run."""
    position = retries = 0
    held: list[ast.Node] = []
    while position < len(source.text) and retries < _RETRIES:
        try:
            parser = _Parser(Scanner(source, _substituted, position=position, names=names))
            while parser.token.text or parser.token.word:
                position = parser.token.at
                held += parser.line()
                # Their here-documents begin behind the line.
                if not parser.scanner.pending:
                    yield from held
                    held.clear()
            break
        except (Unreadable, RecursionError):
            retries += 1
            end = source.text.find("\n", position)
            position = len(source.text) if end < 0 else end + 1
    yield from held


def _substituted(scanner: Scanner) -> ast.Sequence:
    """The commands up to the parenthesis that closes ``$(``, or to the end of what stood between backquotes."""
    parser = _Parser(scanner)
    body = parser.sequence(())
    if parser.token.text not in (")", ""):
        raise Unreadable
    return body


class _Parser:
    def __init__(self, scanner: Scanner) -> None:
        self.scanner = scanner
        self.depth = 0
        self.descriptor = ""
        self.token = Token("", 0)
        self.advance()

    def advance(self) -> Token:
        """The token that was current; the next one becomes it."""
        token = self.token
        self.descriptor = self.scanner.descriptor()
        self.token = self.scanner.next()
        return token

    @property
    def reserved(self) -> str:
        """The current word, where it may be a reserved one."""
        return (self.token.word.bare or "") if self.token.word else ""

    def expect(self, word: str) -> None:
        if word not in (self.reserved, self.token.text):
            raise Unreadable
        self.advance()

    def skip_lines(self, *more: str) -> None:
        while self.token.text in ("\n", *more):
            self.advance()

    # ---- lists

    def line(self) -> list[ast.Node]:
        """A command up to ";", "&" or the end of the line, with those that are joined to it; or none."""
        if self.token.text in ("\n", ";", "&"):
            self.advance()
            return []
        return [self.and_or()]

    def sequence(self, ends: Collection[str]) -> ast.Sequence:
        """Commands up to a word of ``ends``, a closing parenthesis, the end of a branch of ``case`` or of the text."""
        commands: list[ast.Node] = []
        while True:
            if self.token.text in ("\n", ";", "&"):
                self.advance()
            elif self.token.word is None or (ends and self.reserved in ends):
                if self.token.text != "(":
                    return ast.Sequence(commands)
                commands.append(self.and_or())
            else:
                commands.append(self.and_or())

    def and_or(self) -> ast.Node:
        first = self.pipeline()
        if self.token.text not in ("&&", "||"):
            return first
        parts = [("", first)]
        while self.token.text in ("&&", "||"):
            operator = self.advance().text
            self.skip_lines()
            parts.append((operator, self.pipeline()))
        return ast.AndOr(parts)

    def pipeline(self) -> ast.Node:
        negated = False
        while self.reserved in ("!", "time", "coproc"):
            negated ^= self.reserved == "!"
            self.advance()
        commands = [self.command()]
        while self.token.text in ("|", "|&"):
            self.advance()
            self.skip_lines()
            commands.append(self.command())
        return commands[0] if len(commands) == 1 and not negated else ast.Pipeline(commands, negated)

    # ---- commands

    def command(self) -> ast.Node:
        if self.depth >= DEEPEST:
            raise Unreadable
        self.depth += 1
        try:
            return self._command()
        finally:
            self.depth -= 1

    def _command(self) -> ast.Node:
        if self.token.text == "(":
            return self._arithmetic() if self.scanner.text.startswith("((", self.token.at) else self._subshell()
        reader = self._COMPOUND.get(self.reserved)
        if reader:
            return reader(self)
        if self.reserved in _ENDS:
            raise Unreadable
        return self.simple()

    def _redirected(self, node: ast.Group | ast.If | ast.For | ast.While | ast.Case) -> ast.Node:
        while self.token.text in _REDIRECTIONS:
            node.redirects.append(self.redirect())
        return node

    def _subshell(self) -> ast.Node:
        self.advance()
        body = self.sequence(())
        self.expect(")")
        return self._redirected(ast.Group(body, is_subshell=True))

    def _arithmetic(self) -> ast.Node:
        end = self.scanner.text.find("))", self.token.at)
        if end < 0:
            raise Unreadable
        name = self.scanner.source.part(self.token.at, self.token.at + 2)
        self.scanner.position = end + 2
        self.advance()
        return ast.Simple(words=[ast.Word((ast.Literal(name, quoted=True),))])

    def _braces(self) -> ast.Node:
        self.advance()
        body = self.sequence(("}",))
        self.expect("}")
        return self._redirected(ast.Group(body))

    def _if(self) -> ast.Node:
        self.advance()
        branches: list[tuple[ast.Sequence, ast.Sequence]] = []
        otherwise = None
        while True:
            condition = self.sequence(("then",))
            self.expect("then")
            branches.append((condition, self.sequence(("elif", "else", "fi"))))
            if self.reserved != "elif":
                break
            self.advance()
        if self.reserved == "else":
            self.advance()
            otherwise = self.sequence(("fi",))
        self.expect("fi")
        return self._redirected(ast.If(branches, otherwise))

    def _for(self) -> ast.Node:
        self.advance()
        if self.token.text == "(":
            self._arithmetic()
            return self._redirected(ast.For("", None, counts=True, body=self._do()))
        name = self._word().bare or ""
        self.skip_lines()
        words: list[ast.Word] | None = None
        if self.reserved == "in":
            self.advance()
            words = []
            while self.token.word is not None:
                words.append(self._word())
        return self._redirected(ast.For(name, words, counts=False, body=self._do()))

    def _do(self) -> ast.Sequence:
        self.skip_lines(";")
        if self.reserved == "{":
            self.advance()
            body = self.sequence(("}",))
            self.expect("}")
            return body
        self.expect("do")
        body = self.sequence(("done",))
        self.expect("done")
        return body

    def _while(self) -> ast.Node:
        self.advance()
        condition = self.sequence(("do",))
        return self._redirected(ast.While(condition, self._do()))

    def _case(self) -> ast.Node:
        self.advance()
        word = self._word()
        self.skip_lines()
        self.expect("in")
        branches: list[tuple[list[ast.Word], ast.Sequence]] = []
        while True:
            self.skip_lines()
            if self.reserved == "esac":
                break
            branches.append(self._branch())
        self.advance()
        return self._redirected(ast.Case(word, branches))

    def _branch(self) -> tuple[list[ast.Word], ast.Sequence]:
        if self.token.text == "(":
            self.advance()
        patterns = [self._word()]
        while self.token.text == "|":
            self.advance()
            patterns.append(self._word())
        self.expect(")")
        body = self.sequence(("esac",))
        if self.token.text in (";;", ";&", ";;&"):
            self.advance()
        elif self.reserved != "esac":
            raise Unreadable
        return patterns, body

    def _function(self) -> ast.Node:
        self.advance()
        name = self._word().bare or ""
        if self.token.text == "(":
            self.advance()
            self.expect(")")
        self.skip_lines()
        return ast.Function(name, self.command())

    def _word(self) -> ast.Word:
        word = self.advance().word
        if word is None:
            raise Unreadable
        return word

    # ---- simple commands

    def simple(self) -> ast.Node:
        node = ast.Simple()
        start = self.scanner.position
        while True:
            if self.token.text in _REDIRECTIONS:
                node.redirects.append(self.redirect())
            elif self.token.word is not None:
                self._take(node)
            elif self.token.text == "(" and len(node.words) == 1 and not node.assigns:
                return self._definition(node)
            elif self._in_test(node):
                self.advance()
            else:
                break
        if self.scanner.position == start and not (node.words or node.assigns or node.redirects):
            raise Unreadable
        self.scanner.names.add(node.name)
        return node

    def _take(self, node: ast.Simple) -> None:
        word = self.token.word
        assignment = self._assignment(word) if word and self._declares(node) else None
        if assignment is None:
            node.words.append(self._word())
        elif node.words:
            node.words.append(assignment)
        else:
            node.assigns.append(assignment)

    def _declares(self, node: ast.Simple) -> bool:
        return not node.words or node.name in _DECLARING

    def _in_test(self, node: ast.Simple) -> bool:
        """Whether what follows, an operator elsewhere, belongs to a condition in double brackets."""
        last = node.words[-1] if node.words else None
        return node.name == "[[" and self.token.text != "" and not (isinstance(last, ast.Word) and last.bare == "]]")

    def _definition(self, node: ast.Simple) -> ast.Node:
        name = node.name
        self.advance()
        if self.token.text != ")" or not _FUNCTION_NAME.match(name):
            raise Unreadable
        self.advance()
        self.skip_lines()
        return ast.Function(name, self.command())

    def redirect(self) -> ast.Redirect:
        descriptor = self.descriptor
        operator = self.advance_to_target()
        redirect = ast.Redirect(operator, descriptor, ast.Word(()))
        if operator not in ("<<", "<<-"):
            redirect.target = self._word()
            return redirect
        word = self.token.word
        if word is None:
            raise Unreadable
        end = "".join(part.text.text for part in word.parts if isinstance(part, ast.Literal))
        is_literal = any(isinstance(part, ast.Literal) and part.quoted for part in word.parts)
        # Before the line end behind it is read: there the document begins.
        self.scanner.pending.append((redirect, end, operator == "<<-", is_literal))
        self.advance()
        return redirect

    def advance_to_target(self) -> str:
        """The operator of a redirection; what it goes to becomes the current token, whatever number it begins with."""
        operator = self.token.text
        self.token = self.scanner.next()
        return operator

    # ---- assignments

    def _assignment(self, word: ast.Word) -> ast.Assign | None:
        first = word.parts[0] if word.parts else None
        if not isinstance(first, ast.Literal) or first.quoted:
            return None
        found = _ASSIGNMENT.match(first.text.text)
        if not found:
            return self._element(word, first)
        name, adds = found.groups()
        value = ast.behind(word, found.end())
        if not value.parts and self.scanner.text.startswith("(", self.scanner.position):
            return ast.Assign(name, self._array(), bool(adds), None)
        self.advance()
        return ast.Assign(name, value, bool(adds), None)

    def _array(self) -> tuple[tuple[ast.Word | None, ast.Word], ...]:
        self.advance()
        self.advance()
        self.skip_lines()
        values: list[tuple[ast.Word | None, ast.Word]] = []
        while self.token.text != ")":
            word = self._word()
            values.append(ast.subscripted(word) or (None, word))
            self.skip_lines()
        self.advance()
        return tuple(values)

    def _element(self, word: ast.Word, first: ast.Literal) -> ast.Assign | None:
        """``name[key]=value``, where the key may be put together from anything."""
        named = _SUBSCRIPTED.match(first.text.text)
        rest = ast.subscripted(ast.behind(word, named.end() - 1)) if named else None
        if named is None or rest is None:
            return None
        self.advance()
        return ast.Assign(named[1], rest[1], adds=False, index=rest[0])

    _COMPOUND: ClassVar[dict[str, Callable[[_Parser], ast.Node]]] = {
        "{": _braces,
        "if": _if,
        "for": _for,
        "select": _for,
        "while": _while,
        "until": _while,
        "case": _case,
        "function": _function,
    }
