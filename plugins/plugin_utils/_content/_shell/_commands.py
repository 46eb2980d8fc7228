# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands by name: what they set, write, print and run. Pure.

A command that is not here prints something that nobody knows, and does nothing else.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from .._texts._sysctl_text import exact_names_of, setting_in_line, settings_on_command_line
from .._texts._traced import Traced, joined, traced, undecided
from . import _filters_of_text as texts
from . import _sed
from ._builtins import BUILTINS, Handler, answer
from ._result import NOTHING, Invocation, Result, Shell
from ._wrappers import ON_OTHER_HOSTS, WRAPPERS, inner_command

_SHELLS = ("sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "busybox.sh")


def unknown_command(shell: Shell, called: Invocation) -> Result:
    """A program, or a function of another file; such as run the command in their arguments."""
    for number, word in enumerate(called.arguments):
        if word.text in shell.functions or posixpath.basename(word.text) in ("sysctl", "tee", *_SHELLS):
            return shell.command(called.arguments[number:], called.stdin)
    _sysctls_of_container(shell, called.arguments)
    return _unknown_output(called)


def _unknown_output(called: Invocation) -> Result:
    name = posixpath.basename(called.name.text)
    return Result(joined([undecided(f"$({name})", called.name.origin(0)), traced("\n")]))


def _sysctls_of_container(shell: Shell, arguments: list[Traced]) -> None:
    """``--sysctl KEY=VALUE`` of docker, podman and their like."""
    for number, word in enumerate(arguments):
        if word.text == "--sysctl" and number + 1 < len(arguments):
            _set_by(shell, arguments[number + 1])
        elif word.text.startswith("--sysctl="):
            _set_by(shell, word.part(len("--sysctl=")))


def _set_by(shell: Shell, word: Traced) -> None:
    """``KEY=VALUE`` as one argument."""
    pair = word.partition("=")
    if pair:
        shell.set(exact_names_of(pair[0].text.strip()), pair[1])


def _load(shell: Shell, text: Traced) -> None:
    """Lines that sysctl reads."""
    for line in text.lines():
        for found in setting_in_line(line.text):
            shell.set([found.name], line.part(found.offset))


def _sysctl(shell: Shell, called: Invocation) -> Result:
    """Procps and BusyBox alike: every argument with "=" sets, "-w" or not. "k = v" in three words sets nothing."""
    files: list[str] = []
    settings: list[Traced] = []
    reads_files = only_shows = False
    for word in called.arguments:
        if word.text.startswith("-") and len(word.text) > 1:
            letters = "" if word.text.startswith("--") else word.text
            only_shows |= word.text in ("--all", "--dry-run", "--system", "--help", "--version")
            only_shows |= any(letter in letters for letter in "aAXhV")
            reads_files |= "p" in letters or "f" in letters or word.text.startswith("--load")
            files += [word.text.partition("=")[2]] if word.text.startswith("--load=") else []
            attached = letters.partition("p")[2]
            files += [attached] if attached.startswith("/") else []
        elif reads_files:
            files.append(word.text)
        else:
            settings.append(word)
    if not only_shows:
        for word in settings:
            _set_by(shell, word)
    for path in files:
        _load(shell, called.stdin if path in ("-", "/dev/stdin") else _known(shell, path))
    shows = only_shows or any("=" not in word.text for word in settings)
    return _unknown_output(called) if shows else Result()


def _known(shell: Shell, path: str) -> Traced:
    """What is in a file, where the script itself wrote it, or where it stands for a command."""
    return shell.files.get(path, NOTHING)


def _echo(shell: Shell, called: Invocation) -> Result:
    words = list(called.arguments)
    interprets, ends = shell.interprets, True
    while words and words[0].text in ("-n", "-e", "-E", "-ne", "-en", "-nE", "-En"):
        option = words.pop(0).text
        ends &= "n" not in option
        interprets = "e" in option or (interprets and "E" not in option)
    text = joined(words, " ") if words else NOTHING
    text = texts.unescaped(text) if interprets else text
    return Result(joined([text, traced("\n")]) if ends else text, succeeded=True)


def _printf(shell: Shell, called: Invocation) -> Result:
    words = [word for number, word in enumerate(called.arguments) if number or word.text != "--"]
    if len(words) > 2 and words[0].text == "-v":
        shell.state.assign(words[1].text, texts.formatted(words[2], words[3:]))
        return Result(succeeded=True)
    return Result(texts.formatted(words[0], words[1:]) if words else NOTHING, succeeded=True)


def _cat(shell: Shell, called: Invocation) -> Result:
    paths = [word for word in called.arguments if not word.text.startswith("-") or word.text == "-"]
    if not paths:
        return Result(called.stdin, succeeded=True)
    parts: list[Traced] = []
    for path in paths:
        known = called.stdin if path.text in ("-", "/dev/stdin") else shell.files.get(path.text)
        parts.append(known or joined([undecided(path.text, path.origin(0)), traced("\n")]))
    return Result(joined(parts))


def _through(_shell: Shell, called: Invocation) -> Result:
    """What comes out is what came in, for what matters here."""
    return Result(called.stdin)


def _tee(shell: Shell, called: Invocation) -> Result:
    appends = any(word.text in ("-a", "--append") for word in called.arguments)
    for word in called.arguments:
        if not word.text.startswith("-"):
            shell.write(word, called.stdin, appends=appends)
    return Result(called.stdin)


def _copied(shell: Shell, called: Invocation) -> Result:
    """Cp and install: of what the script knows, standard input and files that it wrote."""
    paths = [word for word in called.arguments if not word.text.startswith("-")]
    if len(paths) >= 2:
        source, target = paths[-2:]
        text = called.stdin if source.text == "/dev/stdin" else _known(shell, source.text)
        shell.write(target, text, appends=False)
    return Result()


def _dd(shell: Shell, called: Invocation) -> Result:
    for word in called.arguments:
        if word.text.startswith("of="):
            shell.write(word.part(3), called.stdin, appends=False)
    return Result()


def _sh(shell: Shell, called: Invocation) -> Result:
    """A shell with a text of its own: behind -c, or from standard input."""
    arguments = called.arguments
    for number, word in enumerate(arguments):
        if word.text.startswith("-") and not word.text.startswith("--") and word.text.endswith("c"):
            if number + 1 == len(arguments):
                break
            before, shell.state.arguments = shell.state.arguments, arguments[number + 3 :]
            result = shell.text(arguments[number + 1], called.stdin)
            shell.state.arguments = before
            return Result(result.output, result.succeeded)
        if not word.text.startswith("-"):
            return Result(shell.text(_known(shell, word.text), called.stdin).output)
    return Result(shell.text(called.stdin, NOTHING).output)


def _eval(shell: Shell, called: Invocation) -> Result:
    return shell.text(joined(called.arguments, " "), called.stdin) if called.arguments else Result()


def _trap(shell: Shell, called: Invocation) -> Result:
    if called.arguments and called.arguments[0].text not in ("-", ""):
        shell.text(called.arguments[0], NOTHING)
    return Result()


def _elsewhere(shell: Shell, called: Invocation) -> Result:
    """Ssh and its like: the first words are options and hosts, the rest is a text of commands."""
    for number, word in enumerate(called.arguments):
        is_command = " " in word.text.strip() or posixpath.basename(word.text) in COMMANDS
        if is_command and not word.text.startswith("-"):
            return shell.text(joined(called.arguments[number:], " "), called.stdin)
    return shell.text(called.stdin, NOTHING) if called.stdin.text and called.stdin.decided else Result()


def _wrapped(shell: Shell, called: Invocation) -> Result:
    """Sudo and its like."""
    _sysctls_of_container(shell, called.arguments)
    words, text = inner_command(posixpath.basename(called.name.text), called.arguments)
    if text is not None:
        return shell.text(text, called.stdin)
    if not words:
        return shell.text(called.stdin, NOTHING) if called.name.text in ("su", "chroot") else Result()
    return shell.command(words, called.stdin)


def _xargs(shell: Shell, called: Invocation) -> Result:
    words, _text = inner_command("xargs", called.arguments)
    marks = [called.arguments[at + 1].text for at, word in enumerate(called.arguments[:-1]) if word.text == "-I"]
    marks += [word.text[2:] for word in called.arguments if word.text.startswith("-I") and len(word.text) > 2]
    if not words or not called.stdin.decided:
        return shell.command(words, NOTHING) if words else Result()
    if not marks:
        return shell.command([*words, *called.stdin.words()], NOTHING)
    for line in called.stdin.lines():
        shell.command([texts.with_each(word, marks[0], line.strip()) for word in words], NOTHING)
    return Result()


def _sed_command(shell: Shell, called: Invocation) -> Result:
    scripts, paths, in_place, extended = texts.sed_arguments(called.arguments)
    lines = [line for script in scripts for line in _sed.lines_of(script, extended=extended)]
    produced = joined([joined([line, traced("\n")]) for line in lines]) if lines else NOTHING
    if in_place:
        for path in paths:
            shell.write(path, produced)
        if not paths:
            shell.write(undecided("xargs", called.name.origin(0)), produced)
        return Result()
    if called.stdin.text and called.stdin.decided and not paths:
        return Result(texts.sed_filtered(called.stdin, scripts, extended=extended) or joined([called.stdin, produced]))
    unknown = joined([undecided("$(sed)", called.name.origin(0)), traced("\n")])
    return Result(joined([unknown, produced]))


def _perl(shell: Shell, called: Invocation) -> Result:
    """``perl -pi -e 's/...'``, and what a script behind -e runs."""
    in_place = any(word.text.startswith("-") and "i" in word.text.partition(".")[0] for word in called.arguments)
    for number, word in enumerate(called.arguments[:-1]):
        if word.text.startswith("-") and word.text.endswith("e") and in_place:
            for line in _sed.lines_of(called.arguments[number + 1], extended=True):
                shell.write(called.arguments[-1], joined([line, traced("\n")]))
    return Result()


def _kernel_arguments(shell: Shell, called: Invocation) -> Result:
    for word in called.arguments:
        for found in settings_on_command_line(word.text.replace(",", " ")):
            shell.set([found.name], word.part(found.offset, found.offset + len(found.value)))
    return Result()


def _augtool(shell: Shell, called: Invocation) -> Result:
    """``set /files/etc/sysctl.conf/KEY VALUE``, as arguments or as lines."""
    for line in [joined(called.arguments, " "), *called.stdin.lines()] if called.arguments else called.stdin.lines():
        words = list(line.words())
        for before, path, value in zip(words, words[1:], words[2:], strict=False):
            if before.text == "set" and path.text.startswith("/files/"):
                shell.set(exact_names_of(path.text.rpartition("/")[2]), value.strip("\"'"))
    return Result()


def _crudini(shell: Shell, called: Invocation) -> Result:
    """``--set FILE SECTION KEY VALUE``."""
    words = [word for word in called.arguments if not word.text.startswith("-")]
    if any(word.text == "--set" for word in called.arguments) and len(words) == 4:
        shell.set(exact_names_of(words[2].text), words[3])
    return Result()


def _exec(shell: Shell, called: Invocation) -> Result:
    """In place of the shell: nothing behind it is run. Without a command it only redirects."""
    result = _wrapped(shell, called)
    return Result(result.output, result.succeeded, "exit" if called.arguments else "")


def _filter(function: Callable[[Traced, list[Traced]], Traced | None]) -> Handler:
    def filtered(_shell: Shell, called: Invocation) -> Result:
        text = function(called.stdin, called.arguments) if called.stdin.text and called.stdin.decided else None
        unknown = joined([undecided(f"$({called.name.text})", called.name.origin(0)), traced("\n")])
        return Result(unknown if text is None else text)

    return filtered


COMMANDS: dict[str, Handler] = {
    **dict.fromkeys(_SHELLS, _sh),
    **dict.fromkeys(WRAPPERS, _wrapped),
    **dict.fromkeys(ON_OTHER_HOSTS, _elsewhere),
    **BUILTINS,
    **dict.fromkeys(("grubby", "kexec", "rpm-ostree", "kernelstub", "grub2-editenv"), _kernel_arguments),
    **dict.fromkeys(("sort", "uniq", "column", "envsubst", "iconv", "dos2unix", "pv"), _through),
    **dict.fromkeys(("mkdir", "touch", "chmod", "chown", "rm", "sleep", "modprobe", "logger"), answer(Result())),
    "sysctl": _sysctl,
    "echo": _echo,
    "printf": _printf,
    "cat": _cat,
    "tee": _tee,
    "sponge": _tee,
    "cp": _copied,
    "mv": _copied,
    "install": _copied,
    "dd": _dd,
    "eval": _eval,
    "trap": _trap,
    "xargs": _xargs,
    "sed": _sed_command,
    "gsed": _sed_command,
    "perl": _perl,
    "augtool": _augtool,
    "exec": _exec,
    "tr": _filter(texts.translated),
    "cut": _filter(texts.cut),
    "awk": _filter(texts.field_printed),
    "grep": _filter(texts.searched),
    "head": _filter(texts.passed),
    "tail": _filter(texts.passed),
    "crudini": _crudini,
}
