# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a script's variables may hold, and what words come to with that. Pure.

A variable that branches set to different values has all of them: what depends on it is tried with each. One that the
script does not set depends on whoever starts it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from .._texts._traced import Traced, joined, traced, undecided
from ._patterns import replaced, trimmed
from ._syntax import Arithmetic, Literal, Parameter, Part, Substitution, Word

#: So many values of a variable, and so many combinations of values for one command, are looked at.
MOST_VALUES = 8
MOST_WORLDS = 16
_LONGEST = 1 << 17
_MOST_BRACED = 64

_TERM = re.compile(r"\s*\$?\{?(\w+)\}?\s*(?:([-+*])\s*\$?\{?(\w+)\}?\s*)?\Z")
_BRACES = re.compile(r"\{([^{}\s]*,[^{}\s]*|-?\d{1,4}\.\.-?\d{1,4})\}")


@dataclass
class State:
    """``substituted`` runs the commands of a substitution and gives what they print."""

    substituted: Callable[[Substitution], Traced]
    scalars: dict[str, tuple[Traced, ...]] = field(default_factory=dict)
    arrays: dict[str, dict[str, Traced]] = field(default_factory=dict)
    #: None where it is not known with what the script is started.
    arguments: list[Traced] | None = None
    #: Which of several values is looked at, by what they are the values of; and how many there are of those met.
    picks: dict[str, int] = field(default_factory=dict)
    met: list[tuple[str, int]] = field(default_factory=list)
    #: Variables that another file may have set anew, and whether one of them was looked at.
    doubtful: set[str] = field(default_factory=set)
    doubted: bool = False
    #: In a second world: an assignment adds a value to those of the first.
    adds: bool = False

    # ---- several values

    def everywhere(self) -> Iterator[None]:
        """Once for each combination of values that is met; to be used up in a "for" loop around what meets them."""
        outer = self.picks, self.met, self.adds
        worlds = [self.picks]
        for _number in range(MOST_WORLDS):
            if not worlds:
                break
            known = worlds.pop(0)
            self.picks, self.met = dict(known), []
            yield
            for name, count in self.met:
                worlds += [{**known, name: pick} for pick in range(1, count)]
                known = {**known, name: 0}
            self.adds = True
        self.picks, self.met, self.adds = outer

    def pick(self, name: str, count: int) -> int:
        if count > 1 and name not in self.picks:
            self.picks[name] = 0
            self.met.append((name, count))
        return min(self.picks.get(name, 0), count - 1)

    # ---- variables

    def assign(self, name: str, value: Traced) -> None:
        if name in self.arrays:
            self.arrays[name]["0"] = value
            return
        value = value.part(0, _LONGEST)
        self.doubtful.discard(name)
        if self.adds or name in self.picks:
            before = self.scalars.get(name, ())
            if value not in before:
                self.scalars[name] = (*before, value)[:MOST_VALUES]
        else:
            self.scalars[name] = (value,)

    def value(self, name: str) -> Traced | None:
        """What a variable holds; None where nothing in the script sets it."""
        if name.isdigit():
            number = int(name)
            if self.arguments is None or number == 0:
                return None
            return self.arguments[number - 1] if number <= len(self.arguments) else traced("")
        if name in self.arrays:
            return self.arrays[name].get("0")
        self.doubted |= name in self.doubtful
        values = self.scalars.get(name)
        return values[self.pick(name, len(values))] if values else None

    def element(self, name: str, index: Traced) -> Traced | None:
        array = self.arrays.get(name)
        if not array:
            return self.value(name) if index.text in ("0", "") else None
        key = self.computed(index.text) if index.text not in array else index.text
        if index.decided and key in array:
            return array[key]
        # An index that nobody knows stands for each in turn, and for the same one in arrays side by side.
        if index.decided:
            return None
        values = list(array.values())
        return values[self.pick(f"[{index.text}]", len(values))]

    def computed(self, text: str) -> str | None:
        """The value of simple arithmetic."""
        found = _TERM.match(text)
        if not found:
            return None
        numbers = [self._number(term) for term in (found[1], found[3]) if term]
        if None in numbers:
            return None
        first, *second = (number for number in numbers if number is not None)
        if not second:
            return str(first)
        return str({"+": first + second[0], "-": first - second[0], "*": first * second[0]}[found[2]])

    def _number(self, term: str) -> int | None:
        value = traced(term) if term.isdigit() else self.value(term)
        return int(value.text) if value and re.fullmatch(r"-?[0-9]{1,9}", value.text) else None

    # ---- words

    def expand(self, words: Iterable[Word]) -> list[Traced]:
        return [found for word in words for plain in _unbraced(word) for found in self.fields(plain)]

    def text(self, word: Word) -> Traced:
        """A word where it is not split, as behind "=" and ">"."""
        return joined(value for part in word.parts for value in self._joined_values(part))

    def _joined_values(self, part: Part) -> list[Traced]:
        values = self._values(part)
        return [joined(values, " ")] if len(values) > 1 else values

    def fields(self, word: Word) -> list[Traced]:
        """The words that a word becomes."""
        fields: list[list[Traced]] = []
        opened = False
        for part in word.parts:
            values = self._values(part)
            if isinstance(part, Literal) or part.quoted:
                for number, value in enumerate(values):
                    if number or not opened:
                        fields.append([])
                    fields[-1].append(value)
                    opened = True
                continue
            for value in values:
                opened = _split_into(fields, value, opened=opened) and value is values[-1]
        return [joined(field) for field in fields]

    def pattern(self, word: Word) -> str:
        """A word as a pattern: what is quoted means itself."""
        return "".join(
            re.sub(r"([*?\[\]\\])", r"\\\1", value.text) if part.quoted else value.text
            for part in word.parts
            for value in self._joined_values(part)
        )

    def _values(self, part: Part) -> list[Traced]:
        if isinstance(part, Literal):
            return [part.text]
        if isinstance(part, Substitution):
            return [self.substituted(part)]
        if isinstance(part, Arithmetic):
            number = self.computed(part.text)
            return [undecided("$((…))", part.at) if number is None else traced(number, part.at)]
        if part.name in "@*" or (part.index and self._is_all(part.index)):
            return self._all(part)
        return [self._one(part)]

    @staticmethod
    def _is_all(index: Word) -> bool:
        return index.bare in ("@", "*")

    def _all(self, part: Parameter) -> list[Traced]:
        """``$@``, ``${array[@]}`` and what is made of each of their words."""
        if part.name in "@*":
            values = self.arguments
        elif part.name in self.arrays:
            array = self.arrays[part.name]
            values = [traced(key, part.at) for key in array] if part.before == "!" else list(array.values())
        else:
            value = self.value(part.name)
            values = None if value is None else [value]
        if values is None:
            return [undecided(f"${part.name}", part.at)]
        if part.before == "#":
            return [traced(str(len(values)), part.at)]
        values = [self._modified(part, value) or value for value in values]
        return [joined(values, " ")] if "*" in (part.name, part.index and part.index.bare) and part.quoted else values

    def _one(self, part: Parameter) -> Traced:
        if part.name == "#" and not part.before:
            return undecided("$#", part.at) if self.arguments is None else traced(str(len(self.arguments)), part.at)
        value = self.element(part.name, self.text(part.index)) if part.index else self.value(part.name)
        if part.before == "!" and value is not None:
            value = self.value(value.text)
        if part.before == "#":
            return traced(str(len(value.text)), part.at) if value and value.decided else undecided("$#", part.at)
        modified = self._modified(part, value)
        return undecided(f"${part.name}", part.at) if modified is None else modified

    def _modified(self, part: Parameter, value: Traced | None) -> Traced | None:
        operator, argument = part.operator, part.argument
        if not operator or argument is None:
            return value
        if operator.lstrip(":") in ("-", "="):
            if value is not None and (value.text or operator[0] != ":"):
                return value
            default = self.text(argument)
            if "=" in operator:
                self.assign(part.name, default)
            return default
        if value is None or operator.lstrip(":") == "?":
            return value
        if operator in ("+", ":+"):
            return self.text(argument) if value.text else value
        return self._edited(operator, argument, value)

    def _edited(self, operator: str, argument: Word, value: Traced) -> Traced:
        if operator in ("#", "##", "%", "%%"):
            return trimmed(value, self.pattern(argument), operator)
        if operator in ("/", "//"):
            wanted, replacement = _at_slash(argument)
            return replaced(value, self.pattern(wanted), self.text(replacement), everywhere=operator == "//")
        if operator == ":":
            numbers = [self.computed(number) for number in self.text(argument).text.split(":")]
            if None in numbers or not 1 <= len(numbers) <= 2 or any(number and number[0] == "-" for number in numbers):
                return value
            start, *length = (int(number) for number in numbers if number)
            return value.part(min(start, len(value.text)), start + length[0] if length else None)
        letters = {",,": value.text.lower(), "^^": value.text.upper()}.get(operator, value.text)
        return Traced(letters, value.pieces) if len(letters) == len(value.text) else value


def merged(branches: Sequence[dict[str, tuple[Traced, ...]]]) -> dict[str, tuple[Traced, ...]]:
    """Variables behind branches of which one was taken."""
    merged: dict[str, tuple[Traced, ...]] = {}
    for scalars in branches:
        for name, values in scalars.items():
            known = merged.get(name, values)
            merged[name] = known if known is values else tuple(dict.fromkeys((*known, *values)))[:MOST_VALUES]
    return merged


def _split_into(fields: list[list[Traced]], value: Traced, *, opened: bool) -> bool:
    """Adds the words of an unquoted value; whether what follows belongs to the last one."""
    if not value.text:
        return opened
    words = list(value.words())
    opened = opened and not value.text[0].isspace()
    for word in words:
        if not opened:
            fields.append([])
        fields[-1].append(word)
        opened = False
    return bool(words) and not value.text[-1].isspace()


def _at_slash(word: Word) -> tuple[Word, Word]:
    """A pattern and what to put in its place, at the first slash that is not quoted."""
    for number, part in enumerate(word.parts):
        at = part.text.text.find("/") if isinstance(part, Literal) and not part.quoted else -1
        if isinstance(part, Literal) and at >= 0:
            before = (*word.parts[:number], Literal(part.text.part(0, at), quoted=False))
            return Word(before), Word((Literal(part.text.part(at + 1), quoted=False), *word.parts[number + 1 :]))
    return word, Word(())


def _unbraced(word: Word) -> list[Word]:
    """``a{b,c}`` as ``ab`` and ``ac``, for braces that have nothing but letters in them."""
    words = [word]
    for _pair in range(8):
        chosen = [_first_braces(each) for each in words]
        if len(words) > _MOST_BRACED or all(len(each) == 1 for each in chosen):
            break
        words = [each for choices in chosen for each in choices]
    return words


def _first_braces(word: Word) -> list[Word]:
    for number, part in enumerate(word.parts):
        found = _BRACES.search(part.text.text) if isinstance(part, Literal) and not part.quoted else None
        if isinstance(part, Literal) and found:
            before, after = word.parts[:number], word.parts[number + 1 :]
            texts = [_chosen(part.text, found, choice) for choice in _choices(part.text, found)]
            return [Word((*before, Literal(text, quoted=False), *after)) for text in texts]
    return [word]


def _choices(text: Traced, found: re.Match[str]) -> list[Traced]:
    if ".." in found[1] and "," not in found[1]:
        low, high = (int(number) for number in found[1].split(".."))
        return [traced(str(number), text.origin(found.start())) for number in range(low, min(high, low + 99) + 1)]
    choices: list[Traced] = []
    at = found.start(1)
    for choice in found[1].split(","):
        choices.append(text.part(at, at + len(choice)))
        at += len(choice) + 1
    return choices


def _chosen(text: Traced, found: re.Match[str], choice: Traced) -> Traced:
    return joined([text.part(0, found.start()), choice, text.part(found.end())])
