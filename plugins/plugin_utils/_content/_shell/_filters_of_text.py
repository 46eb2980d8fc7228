# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What commands make of texts that they are given, and of their arguments. Pure."""

from __future__ import annotations

import re

from .._texts._traced import Traced, joined, traced
from ._sed import lines_of

_ESCAPE = re.compile(r"\\(?:([abefnrtv\\])|0([0-7]{1,3})|([1-7][0-7]{0,2})|x([0-9a-fA-F]{1,2})|(c))")
_LETTERS = {"a": "\a", "b": "\b", "e": "\033", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_DIRECTIVE = re.compile(r"%(%|-?[0-9]*(?:\.[0-9]+)?[sdiubqc])")
_MOST_LINES = 2000


def unescaped(text: Traced) -> Traced:
    """With what escapes stand for, as echo -e and printf have it."""
    if "\\" not in text.text:
        return text
    parts: list[Traced] = []
    end = 0
    for found in _ESCAPE.finditer(text.text):
        parts.append(text.part(end, found.start()))
        letter, octal, other, code, stops = found.groups()
        if stops:
            return joined(parts)
        character = _LETTERS[letter] if letter else chr(int(code, 16) if code else int(octal or other, 8))
        parts.append(traced(character, text.origin(found.start())))
        end = found.end()
    return joined([*parts, text.part(end)])


def formatted(template: Traced, arguments: list[Traced]) -> Traced:
    """As printf: the template is used again for the arguments that are left."""
    pieces = list(_DIRECTIVE.finditer(template.text))
    takes = sum(piece[1] != "%" for piece in pieces)
    parts: list[Traced] = []
    left = list(arguments)
    for _round in range(_MOST_LINES):
        end = 0
        for piece in pieces:
            parts.append(unescaped(template.part(end, piece.start())))
            end = piece.end()
            if piece[1] == "%":
                parts.append(traced("%", template.origin(piece.start())))
            elif left:
                value = left.pop(0)
                parts.append(unescaped(value) if piece[1].endswith("b") else value)
        parts.append(unescaped(template.part(end)))
        if not takes or not left:
            break
    return joined(parts)


def split(line: Traced, separators: str | None, most: int) -> list[Traced]:
    """A line as ``read`` takes it apart into ``most`` variables, 0 for as many as there are words."""
    characters = " \t\n" if separators is None else separators
    blanks = "".join(character for character in characters if character.isspace())
    if not characters:
        return [line]
    line = line.strip(blanks) if blanks else line
    values: list[Traced] = []
    while line.text and (not most or len(values) < most - 1):
        found = re.search(f"[{re.escape(characters)}]", line.text)
        if not found:
            break
        values.append(line.part(0, found.start()))
        gap = re.compile(f"[{re.escape(blanks)}]*[{re.escape(characters)}]?[{re.escape(blanks)}]*" if blanks else ".")
        behind = gap.match(line.text, found.start())
        line = line.part(behind.end() if behind else found.end())
    return [*values, line] if line.text else values


def read_arguments(arguments: list[Traced]) -> tuple[list[Traced], str | None]:
    """The variables of ``read``, and the array that takes all words."""
    names: list[Traced] = []
    array = None
    words = list(arguments)
    while words:
        word = words.pop(0)
        if not word.text.startswith("-"):
            names.append(word)
        elif word.text.endswith("a") and words:
            array = words.pop(0).text
        elif word.text[-1:] in "pdntuN" and words:
            words.pop(0)
    return names, array


def with_each(word: Traced, mark: str, value: Traced) -> Traced:
    parts = word.partition(mark)
    return joined([parts[0], value, parts[1]]) if parts else word


def translated(text: Traced, arguments: list[Traced]) -> Traced | None:
    """tr, of single characters and of classes of white space."""
    words = [word.text for word in arguments]
    if words[:1] in (["-d"], ["--delete"]) and len(words) == 2:
        gone = " \t\n" if words[1] in ("[:space:]", "[:blank:]") else unescaped(traced(words[1])).text
        return joined(
            [text.part(at, at + 1) for at, character in enumerate(text.text[:10_000]) if character not in gone]
        )
    if len(words) != 2 or any("[" in word or "-" in word[1:] for word in words):
        return text
    before, after = (unescaped(traced(word)).text for word in words)
    if not before or not after:
        return text
    after = after.ljust(len(before), after[-1])
    return Traced(text.text.translate(str.maketrans(before, after[: len(before)])), text.pieces)


def cut(text: Traced, arguments: list[Traced]) -> Traced | None:
    """Cut -d X -f N."""
    line = " ".join(word.text or " " for word in arguments)
    delimiter = re.search(r"(?:-d|--delimiter=) ?(\S| (?= ))", line)
    field = re.search(r"(?:-f|--fields=) ?([0-9])(-?)(?![0-9,])", line)
    if not delimiter or not field:
        return None
    return _each_line(text, delimiter[1], int(field[1]), to_the_end=bool(field[2]))


def _each_line(text: Traced, delimiter: str | None, number: int, *, to_the_end: bool = False) -> Traced:
    parts: list[Traced] = []
    for count, line in enumerate(text.lines()):
        if count >= _MOST_LINES:
            break
        most = number if to_the_end else 0
        fields = list(line.words()) if delimiter is None else split(line, delimiter, most)
        parts.append(fields[number - 1] if 0 < number <= len(fields) else line.part(0, 0))
    return joined([joined([part, traced("\n")]) for part in parts]) if parts else text.part(0, 0)


def field_printed(text: Traced, arguments: list[Traced]) -> Traced | None:
    """awk, where it does nothing but print one field of each line."""
    words = [word.text for word in arguments]
    program = re.fullmatch(r"\s*\{\s*print\s+\$([0-9])\s*;?\s*\}\s*", words[-1]) if words else None
    options = "".join(words[:-1])
    if not program or (options and not options.startswith("-F")):
        return None
    delimiter = options[2:].strip("\"'") or None
    number = int(program[1])
    return text if number == 0 else _each_line(text, delimiter, number) if len(delimiter or "x") == 1 else None


def searched(text: Traced, arguments: list[Traced]) -> Traced | None:
    """grep, for words and for comments; None for other patterns."""
    options = "".join(word.text for word in arguments if word.text.startswith("-"))
    patterns = [word.text for word in arguments if not word.text.startswith("-")]
    if len(patterns) != 1 or any(letter in options for letter in "qcoLl"):
        return None
    pattern = patterns[0]
    starts = pattern.startswith("^")
    literal = pattern[starts:].replace("\\.", ".").replace("\\#", "#")
    if re.search(r"[\\*\[\]$^+|(){}?]", literal):
        return text
    kept = [
        line
        for line in text.lines()
        if (line.text.startswith(literal) if starts else literal in line.text) is ("v" not in options)
    ]
    return joined([joined([line, traced("\n")]) for line in kept]) if kept else text.part(0, 0)


def passed(text: Traced, _arguments: list[Traced]) -> Traced | None:
    return text


def sed_arguments(arguments: list[Traced]) -> tuple[list[Traced], list[Traced], bool, bool]:
    """Scripts, files, whether the files are changed, and whether expressions are extended ones."""
    scripts: list[Traced] = []
    others: list[Traced] = []
    in_place = extended = False
    words = list(arguments)
    while words:
        word = words.pop(0)
        if word.text.startswith("--"):
            in_place |= word.text.startswith("--in-place")
            extended |= word.text == "--regexp-extended"
            scripts += [word.part(len("--expression="))] if word.text.startswith("--expression=") else []
        elif word.text.startswith("-") and len(word.text) > 1:
            letters = word.text[1:].partition("i")[0]
            in_place |= "i" in word.text
            extended |= "E" in letters or "r" in letters
            # -e takes the next word, where it is the last of these letters; behind -i stands a suffix.
            if word.text.endswith("e") and "i" not in word.text[:-2] and words:
                scripts.append(words.pop(0))
        else:
            others.append(word)
    if not scripts and others:
        scripts.append(others.pop(0))
    return scripts, others, in_place, extended


_PLAIN_EDIT = re.compile(r"s([/|,#:@])((?:(?!\1)[^\\]|\\.)*)\1((?:(?!\1)[^\\]|\\.)*)\1(g?)")


def sed_filtered(text: Traced, scripts: list[Traced], *, extended: bool) -> Traced | None:
    """What sed makes of a text that is known, where it only replaces a plain string by another."""
    for script in scripts:
        found = _PLAIN_EDIT.fullmatch(script.text.strip())
        wanted = re.sub(r"\\(.)", r"\1", found[2]) if found else ""
        specials = "*[]^$.+?()|{}" if extended else "*[]^$."
        if not found or not wanted or any(character in specials for character in re.sub(r"\\.", "", found[2])):
            return None
        new = next(lines_of(traced(f"a\\{found[3]}", script.origin(0))), None) or script.part(0, 0)
        lines = [_with_new(line, wanted, new, everywhere=bool(found[4])) for line in text.lines()]
        text = joined([joined([line, traced("\n")]) for line in lines]) if lines else text
    return text


def _with_new(line: Traced, wanted: str, new: Traced, *, everywhere: bool) -> Traced:
    parts: list[Traced] = []
    for _count in range(100 if everywhere else 1):
        pair = line.partition(wanted)
        if not pair:
            break
        parts += [pair[0], new]
        line = pair[1]
    return joined([*parts, line])
