# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a shell does itself: variables, conditions, ways out. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from .._texts._traced import undecided
from . import _filters_of_text as texts
from ._conditions import tested
from ._result import NOTHING, Invocation, Result, Shell

Handler = Callable[[Shell, Invocation], Result]


def answer(result: Result) -> Handler:
    def answered(_shell: Shell, _called: Invocation) -> Result:
        return result

    return answered


def _read(shell: Shell, called: Invocation) -> Result:
    """Takes a line apart; of a text that nobody knows, each variable depends on it."""
    names, into_array = texts.read_arguments(called.arguments)
    separators = shell.state.value("IFS")
    line = next(called.stdin.lines(), None)
    if line is None or not line.decided:
        for name in names:
            shell.state.assign(name.text, undecided(f"${name.text}", name.origin(0)))
        return Result()
    if into_array:
        values = texts.split(line, separators.text if separators else None, 0)
        shell.state.arrays[into_array] = {str(number): value for number, value in enumerate(values)}
        return Result()
    values = texts.split(line, separators.text if separators else None, len(names))
    for number, name in enumerate(names):
        shell.state.assign(name.text, values[number] if number < len(values) else line.part(0, 0))
    return Result()


def _mapfile(shell: Shell, called: Invocation) -> Result:
    names = [word.text for word in called.arguments if not word.text.startswith("-")]
    values = {str(number): line for number, line in enumerate(called.stdin.lines())}
    shell.state.arrays[names[-1] if names else "MAPFILE"] = values if called.stdin.decided else {}
    return Result()


def _set(shell: Shell, called: Invocation) -> Result:
    words = [word.text for word in called.arguments]
    if "--" in words:
        shell.state.arguments = called.arguments[words.index("--") + 1 :]
    return Result()


def _shift(shell: Shell, called: Invocation) -> Result:
    number = called.arguments[0].text if called.arguments else "1"
    if shell.state.arguments is not None and number.isdigit():
        shell.state.arguments = shell.state.arguments[int(number) :]
    return Result(succeeded=True)


def _cd(shell: Shell, called: Invocation) -> Result:
    paths = [word.text for word in called.arguments if not word.text.startswith("-")]
    shell.directory = posixpath.join(shell.directory, paths[0]) if paths else ""
    return Result()


def _unset(shell: Shell, called: Invocation) -> Result:
    for word in called.arguments:
        shell.state.scalars.pop(word.text, None)
        shell.state.arrays.pop(word.text, None)
    return Result()


def _declare(shell: Shell, called: Invocation) -> Result:
    """Arrays without values; those with values were assigned before. Values put together are words like any other."""
    for word in called.arguments:
        pair = word.partition("=")
        if pair and pair[0].text.isidentifier():
            shell.state.assign(pair[0].text, pair[1])
        elif any(option.text in ("-A", "-a", "-gA", "-Ag") for option in called.arguments):
            shell.state.arrays.setdefault(word.text, {})
    return Result(succeeded=True)


def _test(shell: Shell, called: Invocation) -> Result:
    return Result(NOTHING, None if shell.state.doubted else tested(called.arguments))


def _source(shell: Shell, _called: Invocation) -> Result:
    """Another file, which is not followed: it may set any variable."""
    shell.state.doubtful |= set(shell.state.scalars)
    return Result()


BUILTINS: dict[str, Handler] = {
    **dict.fromkeys(("declare", "typeset", "local", "export", "readonly"), _declare),
    **dict.fromkeys(("[", "[[", "test"), _test),
    **dict.fromkeys(("((", "let", "wait", "ulimit", "umask"), answer(Result())),
    "read": _read,
    "mapfile": _mapfile,
    "readarray": _mapfile,
    "set": _set,
    "shift": _shift,
    "cd": _cd,
    "pushd": _cd,
    "unset": _unset,
    ".": _source,
    "source": _source,
    "true": answer(Result(succeeded=True)),
    ":": answer(Result(succeeded=True)),
    "false": answer(Result(succeeded=False)),
    "continue": answer(Result(leaving="continue")),
    "break": answer(Result(leaving="break")),
    "exit": answer(Result(leaving="exit")),
    "return": answer(Result(leaving="return")),
}
