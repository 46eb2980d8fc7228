# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A walk over a script: what it sets, and what goes into which file. Nothing is run. Pure.

Of a branch that cannot be decided both sides count, a loop over known words is gone through word by word, functions are
followed where they are called, and texts on their way through pipes into files.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from .._model import Found
from .._texts._sysctl_text import mentions, names_of_path
from .._texts._traced import Traced, joined, traced, undecided
from ._commands import COMMANDS, unknown_command
from ._parser import commands_of, parsed
from ._patterns import matches
from ._result import NOTHING, Invocation, Leaving, Reader, Result
from ._state import State, merged
from ._syntax import (
    AndOr,
    Assign,
    Case,
    For,
    Function,
    Group,
    If,
    Node,
    Pipeline,
    Redirect,
    Simple,
    Substitution,
    While,
    Word,
    read_by,
)
from ._syntax import Sequence as Commands

#: What a text may make us do: commands, functions in one another, rounds of a loop, and characters of a value.
_MOST_STEPS = 60_000
_DEEPEST = 25
_MOST_ROUNDS = 2000
_LONGEST_VALUE = 200
_TO_NOWHERE = ("/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/console", "/dev/log")


class TooMuch(Exception):
    """A script that would take too long."""


@dataclass
class Runner:
    """``reader`` says what a text sets that goes into a file, ``depth`` how many texts deep this one is in another,
    ``interprets`` whether echo takes escapes unasked.
    """

    reader: Reader
    depth: int = 0
    interprets: bool = True
    found: list[Found] = field(default_factory=list)
    directory: str = ""
    #: Texts that the script wrote, or that it reads as if they were files.
    files: dict[str, Traced] = field(default_factory=dict)
    steps: int = 0
    nested: int = 0

    def __post_init__(self) -> None:
        self.state = State(self._substituted)
        self.functions: dict[str, Node] = {}
        self.called: set[str] = set()

    # ---- scripts

    def script(self, text: Traced) -> None:
        """A whole script, with those of its functions that nothing calls: somebody else may."""
        try:
            names: set[str] = set()
            for command in commands_of(text, names):
                if self.run(command, NOTHING).leaving:
                    break
            self._call_the_others(names)
        except TooMuch:
            return

    def _call_the_others(self, named: set[str]) -> None:
        """Functions that the script does not name are for somebody else to call."""
        for name in [name for name in self.functions if name not in named]:
            if name not in self.called:
                self.call(name, None, NOTHING)

    def text(self, text: Traced, stdin: Traced) -> Result:
        """Commands that are an argument, such as that of eval."""
        if self.nested >= _DEEPEST:
            return Result()
        self.nested += 1
        result = self.sequence(parsed(text), stdin)
        self.nested -= 1
        return result

    def call(self, name: str, arguments: list[Traced] | None, stdin: Traced) -> Result:
        if self.nested >= _DEEPEST:
            return Result()
        self.called.add(name)
        outer, self.state.arguments = self.state.arguments, arguments
        self.nested += 1
        result = self.run(self.functions[name], stdin)
        self.nested -= 1
        self.state.arguments = outer
        return Result(result.output, result.succeeded, "" if result.leaving == "return" else result.leaving)

    def _substituted(self, part: Substitution) -> Traced:
        scalars, arrays = dict(self.state.scalars), dict(self.state.arrays)
        output = self.sequence(part.body, NOTHING).output
        self.state.scalars, self.state.arrays = scalars, arrays
        if not part.is_file:
            return output.part(0, len(output.text.rstrip("\n")))
        path = f"/dev/fd/{len(self.files) + 10}"
        self.files[path] = output
        return traced(path, part.at)

    # ---- nodes

    def run(self, node: Node, stdin: Traced) -> Result:
        self.steps += 1
        if self.steps > _MOST_STEPS:
            raise TooMuch
        return self._WALKERS[type(node)](self, node, stdin)

    def sequence(self, commands: Commands, stdin: Traced) -> Result:
        outputs: list[Traced] = []
        result = Result()
        for command in commands.commands:
            result = self.run(command, stdin)
            if result.output.text:
                outputs.append(result.output)
            if result.leaving:
                break
        return Result(joined(outputs), result.succeeded, result.leaving)

    def _and_or(self, node: AndOr, stdin: Traced) -> Result:
        outputs: list[Traced] = []
        succeeded: bool | None = True
        for operator, command in node.parts:
            if operator and succeeded is (operator == "||"):
                continue
            certain = not operator or succeeded is not None
            before = None if certain else dict(self.state.scalars)
            result = self.run(command, stdin)
            outputs.append(result.output)
            if before is not None:
                self.state.scalars = merged([before, self.state.scalars])
            if result.leaving and certain:
                return Result(joined(outputs), result.succeeded, result.leaving)
            succeeded = result.succeeded if certain else None
        return Result(joined(outputs), succeeded)

    def _pipeline(self, node: Pipeline, stdin: Traced) -> Result:
        result = Result(stdin)
        for command in node.commands:
            result = self.run(command, result.output)
        succeeded = None if result.succeeded is None else result.succeeded is not node.negated
        return Result(result.output, succeeded, result.leaving if len(node.commands) == 1 else "")

    def _group(self, node: Group, stdin: Traced) -> Result:
        scalars, directory = dict(self.state.scalars), self.directory
        result = self.sequence(node.body, self._stdin(node.redirects, stdin))
        if node.is_subshell:
            self.state.scalars, self.directory = scalars, directory
            result = Result(result.output, result.succeeded)
        return self._redirected(node.redirects, result)

    def _if(self, node: If, stdin: Traced) -> Result:
        stdin = self._stdin(node.redirects, stdin)
        bodies: list[Commands] = []
        is_certain = False
        for condition, body in node.branches:
            succeeded = self.sequence(condition, stdin).succeeded
            if succeeded is not False:
                bodies.append(body)
            is_certain = succeeded is True
            if is_certain:
                break
        if not is_certain:
            bodies.append(node.otherwise or Commands())
        return self._redirected(node.redirects, self._one_of(bodies, stdin))

    def _case(self, node: Case, stdin: Traced) -> Result:
        stdin = self._stdin(node.redirects, stdin)
        self.state.doubted = False
        word = self.state.text(node.word)
        is_decided = word.decided and not self.state.doubted
        bodies: list[Commands] = []
        for patterns, body in node.branches:
            if not is_decided:
                bodies.append(body)
            elif any(matches(self.state.pattern(pattern), word.text) for pattern in patterns):
                return self._redirected(node.redirects, self.sequence(body, stdin))
        if not is_decided:
            bodies.append(Commands())
        return self._redirected(node.redirects, self._one_of(bodies, stdin))

    def _one_of(self, bodies: Sequence[Commands], stdin: Traced) -> Result:
        """Each of these from the same state; after it, variables may have any of their values."""
        if len(bodies) == 1:
            return self.sequence(bodies[0], stdin)
        before = self.state.scalars
        after: list[dict[str, tuple[Traced, ...]]] = []
        results: list[Result] = []
        for body in bodies:
            self.state.scalars = dict(before)
            results.append(self.sequence(body, stdin))
            if not results[-1].leaving:
                after.append(self.state.scalars)
        self.state.scalars = merged(after or [before])
        all_leave: Leaving = results[0].leaving if results and all(result.leaving for result in results) else ""
        return Result(joined(result.output for result in results), None, all_leave)

    def _for(self, node: For, stdin: Traced) -> Result:
        stdin = self._stdin(node.redirects, stdin)
        if node.counts:
            return self._redirected(node.redirects, self._rounds(node.body, stdin, [lambda: None]))
        words = self.state.arguments if node.words is None else self.state.expand(node.words)
        words = [undecided("$@", 0)] if words is None else words

        def bound(word: Traced) -> Callable[[], None]:
            return lambda: self.state.scalars.update({node.name: (word,)})

        return self._redirected(node.redirects, self._rounds(node.body, stdin, [bound(word) for word in words]))

    def _rounds(self, body: Commands, stdin: Traced, rounds: Sequence[Callable[[], object]]) -> Result:
        outputs: list[Traced] = []
        for begin in rounds[:_MOST_ROUNDS]:
            begin()
            result = self.sequence(body, stdin)
            outputs.append(result.output)
            if result.leaving in ("exit", "return"):
                return Result(joined(outputs), None, result.leaving)
            if result.leaving == "break":
                break
        return Result(joined(outputs))

    def _while(self, node: While, stdin: Traced) -> Result:
        stdin = self._stdin(node.redirects, stdin)
        reading = read_by(node.condition)
        if reading and stdin.decided:
            lines = list(stdin.lines())

            def read(line: Traced, command: Node = reading) -> Callable[[], object]:
                return lambda: self.run(command, line)

            return self._redirected(node.redirects, self._rounds(node.body, stdin, [read(line) for line in lines]))
        outputs: list[Traced] = []
        first = dict(self.state.scalars)
        for _round in range(64):
            succeeded = self.sequence(node.condition, stdin).succeeded
            before = self.state.arguments
            result = self.sequence(node.body, stdin)
            outputs.append(result.output)
            # Only a loop that shifts its arguments away is known to come to an end.
            if result.leaving or succeeded is not True or self.state.arguments == before:
                break
        # There may have been no round at all.
        self.state.scalars = merged([first, self.state.scalars])
        return self._redirected(node.redirects, Result(joined(outputs)))

    def _function(self, node: Function, _stdin: Traced) -> Result:
        self.functions[node.name] = node.body
        return Result(succeeded=True)

    def _simple(self, node: Simple, stdin: Traced) -> Result:
        result = Result(succeeded=True)
        outputs: list[Traced] = []
        for _world in self.state.everywhere():
            result = self._one_simple(node, stdin)
            outputs.append(result.output)
        return Result(outputs[0], result.succeeded if len(outputs) == 1 else None, result.leaving)

    def _one_simple(self, node: Simple, stdin: Traced) -> Result:
        stdin = self._stdin(node.redirects, stdin)
        self.state.doubted = False
        words = self.state.expand(word for word in node.words if isinstance(word, Word))
        names = [assign.name for assign in node.assigns] if words else []
        kept = {name: self.state.scalars.get(name) for name in names}
        for assign in node.assigns:
            self.assign(assign)
        arrays = [word for word in node.words if isinstance(word, Assign)]
        for assign in arrays:
            self.assign(assign)
        if not words:
            return self._redirected(node.redirects, Result(succeeded=True))
        result = self._command(words, stdin)
        for name, values in kept.items():
            self.state.scalars.pop(name, None)
            if values is not None:
                self.state.scalars[name] = values
        return self._redirected(node.redirects, result)

    def _command(self, words: list[Traced], stdin: Traced) -> Result:
        name = words[0].text
        if name in self.functions:
            return self.call(name, words[1:], stdin)
        handler = COMMANDS.get(posixpath.basename(name), unknown_command)
        return handler(self, Invocation(words[0], words[1:], stdin))

    def command(self, words: list[Traced], stdin: Traced) -> Result:
        """A command that another one runs."""
        self.nested += 1
        self.steps += 1
        if self.steps > _MOST_STEPS:
            raise TooMuch
        result = self._command(words, stdin) if words and self.nested < _DEEPEST else Result()
        self.nested -= 1
        return result

    # ---- assignments

    def assign(self, assign: Assign) -> None:
        if isinstance(assign.value, tuple):
            array = dict(self.state.arrays.get(assign.name, {})) if assign.adds else {}
            for index, word in assign.value:
                for value in self.state.fields(word) if index is None else [self.state.text(word)]:
                    array[str(len(array)) if index is None else self.state.text(index).text] = value
            self.state.arrays[assign.name] = array
        elif assign.index is not None:
            array = self.state.arrays.setdefault(assign.name, {})
            array[self.state.text(assign.index).text] = self.state.text(assign.value)
        else:
            value = self.state.text(assign.value)
            before = self.state.value(assign.name) if assign.adds else None
            self.state.assign(assign.name, joined([before, value]) if before else value)

    # ---- redirections

    def _stdin(self, redirects: Sequence[Redirect], stdin: Traced) -> Traced:
        for redirect in redirects:
            if redirect.operator in ("<<", "<<-"):
                stdin = self.state.text(redirect.target)
            elif redirect.operator == "<<<":
                stdin = joined([self.state.text(redirect.target), traced("\n")])
            elif redirect.operator == "<":
                path = self.state.text(redirect.target)
                stdin = self.files.get(path.text, undecided(path.text, path.origin(0)))
        return stdin

    def _redirected(self, redirects: Sequence[Redirect], result: Result) -> Result:
        """What is left of a command's output behind its redirections."""
        output = result.output
        for redirect in redirects:
            if redirect.descriptor not in ("", "1") or redirect.operator not in (">", ">>", ">|", "&>", "&>>", ">&"):
                continue
            target = self.state.text(redirect.target)
            if redirect.operator != ">&":
                self.write(target, output, appends=">>" in redirect.operator)
            output = output if redirect.operator == ">&" and target.text == "1" else NOTHING
        return Result(output, result.succeeded, result.leaving)

    def write(self, path: Traced, text: Traced, *, appends: bool = True) -> None:
        """A text that goes into a file."""
        if path.text.startswith(_TO_NOWHERE) or not text.text:
            return
        whole = posixpath.join(self.directory, path.text) if self.directory else path.text
        names = names_of_path(posixpath.normpath(whole))
        self.set(names, text)
        before = self.files.get(whole)
        self.files[whole] = joined([before, text]) if before and appends else text
        if not names and self.depth < 5 and mentions(text.text):
            self.found += self.reader(whole if path.decided else None, text, self.depth + 1)

    def set(self, names: Sequence[str], value: Traced) -> None:
        """A value that a command gives to sysctls."""
        stripped = value.strip()
        if stripped.text:
            self.found += [Found(name, stripped.text[:_LONGEST_VALUE], stripped.origin(0)) for name in names]

    _WALKERS: ClassVar[dict[type, Callable[..., Result]]] = {
        AndOr: _and_or,
        Case: _case,
        For: _for,
        Function: _function,
        Group: _group,
        If: _if,
        Pipeline: _pipeline,
        Simple: _simple,
        While: _while,
    }
