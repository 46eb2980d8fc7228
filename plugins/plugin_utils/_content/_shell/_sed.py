# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""sed's scripts: the lines that they put into a file, as far as the script itself tells. Pure.

What the file holds is not known. It is taken for holding what the script looks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .._model import WATCHED
from .._texts._traced import Traced, joined, traced, undecided

#: Longer scripts than anybody writes are not taken apart.
_LONGEST = 20_000
_LONGEST_PATTERN = 500
_NUMBERS = re.compile(r"[0-9$~+]+[ \t]*")
_UNTIL_END = re.compile(r"[^;\n}]*")
_BRACKETS = r"\[\^?\]?(?:\[:[a-z]{1,8}:\]|[^\]\[])*\]"
_COUNT = r"\\\{[\d,]*\\\}|\{[\d,]*\}"
#: What matches in a line as good as nothing, and what may match anything.
_OPTIONAL = re.compile(rf"(?:\\s|\\t|#|;|[ \t]|{_BRACKETS})(?:\*|\\\?|\?)|\\b|\\<|\\>|\^|\$\Z")
_SPACES = re.compile(rf"(?:\\s|\[\[:(?:space|blank):\]\]|\[ \\t\]|[ \t])(?:\\\+|\+|{_COUNT})?")
_ANYTHING = re.compile(rf"(?:\.|\\[wdSW]|{_BRACKETS})(?:\*|\\\+|\+|\\\?|\?|{_COUNT})?")
_ENDS = "|".join(name.removeprefix("tcp_") for name in WATCHED)
#: "tw_recycle" says enough for a line to be found by.
_KEY = re.compile(rf"(?:^|[./_])({_ENDS})(?![a-z_])")
_BARE_KEY = re.compile(rf"\s*(?:tcp_)?({_ENDS})\s*=")
_REFERENCE = re.compile(r"[\\$]([0-9])|&|\\n|\\(.)|\$\{([0-9])\}", re.DOTALL)


@dataclass(frozen=True)
class _Sample:
    """A line that a pattern matches, and what its groups would be."""

    whole: Traced
    groups: tuple[Traced, ...]


def lines_of(script: Traced, *, extended: bool = False) -> Iterator[Traced]:
    """The lines that a script writes, in its order."""
    text = script.text if len(script.text) <= _LONGEST else ""
    at = 0
    addressed: _Sample | None = None
    while at < len(text):
        if text[at] in " \t\n;{}!,":
            at += 1
            continue
        if text[at] in "/\\":
            delimiter = text[at + 1 : at + 2] if text[at] == "\\" else "/"
            start = at + (2 if text[at] == "\\" else 1)
            end = _end(text, start, delimiter)
            addressed = _sample(script.part(start, end), extended=extended)
            at = end + 1
            continue
        if text[at] in "0123456789$~+":
            numbers = _NUMBERS.match(text, at)
            at = numbers.end() if numbers else at + 1
            continue
        lines, at = _command(script, at, addressed, extended=extended)
        yield from lines
        addressed = None


def _command(script: Traced, at: int, addressed: _Sample | None, *, extended: bool) -> tuple[list[Traced], int]:
    letter = script.text[at]
    if letter == "#":
        end = script.text.find("\n", at)
        return [], len(script.text) if end < 0 else end
    if letter in "aic":
        end = _end_of_text(script.text, at + 1)
        return list(_added(script.part(at + 1, end)).lines()), end
    if letter in "sy" and len(script.text) > at + 1:
        delimiter = script.text[at + 1]
        middle = _end(script.text, at + 2, delimiter)
        end = _end(script.text, middle + 1, delimiter)
        flags = _UNTIL_END.match(script.text, end + 1)
        pattern = _sample(script.part(at + 2, middle), extended=extended)
        lines = _substituted(pattern, script.part(middle + 1, end), addressed, delimiter) if letter == "s" else []
        return lines, flags.end() if flags else len(script.text)
    found = _UNTIL_END.match(script.text, at + 1)
    return [], max(at + 1, found.end() if found else 0)


def _end(text: str, start: int, delimiter: str) -> int:
    """Where the delimiter stands that is not escaped, nor in brackets."""
    at = start
    while at < len(text) and text[at] != delimiter:
        at += 2 if text[at] == "\\" else 1
    return min(at, len(text))


def _end_of_text(text: str, at: int) -> int:
    """The end of what "a" adds: a line, and the next after a backslash."""
    while at < len(text) and text[at] != "\n":
        at += 2 if text[at] == "\\" else 1
    return min(at, len(text))


def _added(text: Traced) -> Traced:
    left = text.part(len(text.text) - len(text.text.lstrip(" \t")))
    if left.text.startswith("\\"):
        left = left.part(1)
        left = left.part(1) if left.text.startswith("\n") else left
    return _filled(left, _Sample(text.part(0, 0), ()))


def _substituted(pattern: _Sample, replacement: Traced, addressed: _Sample | None, delimiter: str) -> list[Traced]:
    """The lines that hold once ``pattern`` is ``replacement``."""
    new = _filled(replacement, pattern, delimiter)
    lines = list(new.lines())
    # What the pattern leaves of the line before the match: "net.ipv4.", say.
    bare = _BARE_KEY.match(lines[0].text) if lines else None
    if bare:
        begin = bare.start(1)
        return [joined([traced("net.ipv4.tcp_", lines[0].origin(begin)), lines[0].part(begin)]), *lines[1:]]
    context = _name_in(addressed) or _name_in(pattern)
    if not context or _name_in(_Sample(new, ())):
        return [*_uncommented(pattern, new, context), *lines]
    if new.text.lstrip().startswith("#"):
        return []
    value = _value_in(pattern, new, addressed)
    return [joined([traced(f"net.ipv4.{context} = ", new.origin(0)), value])] if value else lines


def _uncommented(pattern: _Sample, new: Traced, context: str | None) -> list[Traced]:
    """A line whose key alone was rewritten; its value is the file's."""
    was_comment = pattern.whole.text.lstrip().startswith("#")
    if not context or "=" in new.text or not was_comment or new.text.lstrip().startswith("#"):
        return []
    return [joined([new, traced(" = "), undecided("the_line_in_the_file", new.origin(0))])]


def _value_in(pattern: _Sample, new: Traced, addressed: _Sample | None) -> Traced | None:
    """The value in a replacement that has no key, of a line that was chosen by its key."""
    assigned = new.partition("=")
    if assigned:
        return assigned[1].strip()
    if re.fullmatch(r"\s*[\"']?-?\w{1,4}[\"']?\s*", new.text) and not _name_in(pattern):
        return new.strip()
    uncomments = pattern.whole.text.strip() in ("#", "") and not new.text.strip()
    known = addressed.whole.partition("=") if addressed and uncomments else None
    if known:
        return known[1].strip()
    return undecided("the_line_in_the_file", new.origin(0)) if uncomments and "#" in pattern.whole.text else None


def _name_in(sample: _Sample | None) -> str | None:
    found = _KEY.search(sample.whole.text.replace("#", " ").strip().rpartition(" ")[2]) if sample else None
    found = found or (_KEY.search(sample.whole.text) if sample else None)
    return f"tcp_{found[1]}" if found else None


def _filled(replacement: Traced, pattern: _Sample, delimiter: str = "/") -> Traced:
    """A replacement with what its references stand for."""
    parts: list[Traced] = []
    end = 0
    for found in _REFERENCE.finditer(replacement.text):
        parts.append(replacement.part(end, found.start()))
        end = found.end()
        number = found[1] or found[3]
        if number or found.group() == "&":
            groups = (pattern.whole, *pattern.groups)
            parts.append(groups[int(number or 0)] if int(number or 0) < len(groups) else pattern.whole.part(0, 0))
        elif found.group() == "\\n" and delimiter != "n":
            parts.append(traced("\n", replacement.origin(found.start())))
        else:
            parts.append(replacement.part(found.end() - 1, found.end()))
    return joined([*parts, replacement.part(end)])


def _sample(pattern: Traced, *, extended: bool) -> _Sample:
    """A text that a regular expression matches, shortest where there is a choice."""
    pattern = pattern.part(0, _LONGEST_PATTERN)
    opens, closes = ("(", ")") if extended else ("\\(", "\\)")
    parts: list[Traced] = []
    open_groups: list[tuple[int, int]] = []
    groups: dict[int, Traced] = {}
    at = 0
    while at < len(pattern.text):
        if pattern.text.startswith(opens, at):
            open_groups.append((len(groups) + len(open_groups), len(parts)))
            at += len(opens)
        elif pattern.text.startswith(closes, at) and open_groups:
            number, start = open_groups.pop()
            groups[number] = joined(parts[start:]) if parts[start:] else pattern.part(at, at)
            at += len(closes)
        else:
            part, at = _sampled(pattern, at)
            parts.append(part)
    whole = joined(parts) if parts else pattern.part(0, 0)
    return _Sample(whole, tuple(groups[number] for number in sorted(groups)))


def _sampled(pattern: Traced, at: int) -> tuple[Traced, int]:
    optional = _OPTIONAL.match(pattern.text, at)
    if optional:
        # What may be a comment is one, for a line that is looked for to be brought to life.
        return pattern.part(at, at + (1 if optional.group()[0] == "#" else 0)), optional.end()
    spaces = _SPACES.match(pattern.text, at)
    if spaces:
        return traced(" ", pattern.origin(at)), spaces.end()
    anything = _ANYTHING.match(pattern.text, at)
    # A dot alone is meant as one.
    if anything and anything.group() != ".":
        return undecided("the_line_in_the_file", pattern.origin(at)), anything.end()
    skipped = 1 if pattern.text[at] == "\\" else 0
    return pattern.part(at + skipped, at + skipped + 1), at + skipped + 1
