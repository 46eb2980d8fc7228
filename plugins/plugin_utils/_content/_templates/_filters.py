# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters and tests of templates: Jinja's and ansible-core's own, each kept from taking long, and from forgetting
where a value stands.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jinja2
from jinja2.filters import FILTERS
from jinja2.tests import TESTS

from .._model import CLOSE, OPEN, Position
from ._limits import TooMuch, check_time
from ._located import Text, Truth, joined, located, parts_of, placed, position_of
from ._unknown import Unknown, known

#: What ``omit`` is: the argument is not there.
OMIT = object()

#: Of ansible-core's filters those that only compute.
_CORE = [
    "b64decode",
    "b64encode",
    "basename",
    "combine",
    "comment",
    "dict2items",
    "dirname",
    "extract",
    "flatten",
    "items2dict",
    "product",
    "quote",
    "split",
    "splitext",
    "subelements",
    "ternary",
    "to_json",
    "to_nice_json",
    "to_nice_yaml",
    "to_yaml",
    "type_debug",
    "urlsplit",
    "win_basename",
    "zip",
    "zip_longest",
    "commonpath",
    "normpath",
    "human_readable",
    "human_to_bytes",
    "difference",
    "intersect",
    "symmetric_difference",
    "union",
    "unique",
    "log",
    "pow",
    "root",
    "min",
    "max",
    "rekey_on_member",
    "path_join",
]
_CORE_TESTS = [
    "version",
    "version_compare",
    "subset",
    "superset",
    "issubset",
    "issuperset",
    "contains",
    "any",
    "all",
    "truthy",
    "falsy",
]

_LARGEST_NUMBER = 10_000
_LONGEST_SUBJECT = 4_096
_MOST = 100_000


def limited(name: str, *arguments: Any) -> None:
    """Raises TooMuch for what would make something large of something small."""
    check_time()
    numbers = [argument for argument in arguments if isinstance(argument, int)]
    wide = name in ("%", "format", "format_map") and re.search(r"[0-9]{4}|\*", str(arguments[0]))
    if wide or (name in _GROWING and any(abs(number) > _LARGEST_NUMBER for number in numbers)):
        raise TooMuch(f"{name} with a large number")
    if name == "**" and len(numbers) == 2 and numbers[1] > 64:
        raise TooMuch("a large power")
    if name == "*" and any(isinstance(a, (str, list, tuple)) and len(a) > _LARGEST_NUMBER for a in arguments):
        raise TooMuch("a long text repeated")


_GROWING = frozenset(
    [
        "*",
        "center",
        "ljust",
        "rjust",
        "zfill",
        "expandtabs",
        "batch",
        "slice",
        "indent",
        "wordwrap",
        "truncate",
        "tojson",
        "product",
    ]
)


def _regex(pattern: str) -> re.Pattern[str]:
    """A pattern that cannot take exponential time. Raises TooMuch for one that might: a repetition of what itself
    repeats or branches.
    """
    if re.search(r"[*+}|][^()]*\)(?:[*+]|\{[0-9]*,)", pattern) or len(pattern) > 1000:
        raise TooMuch("a regular expression that may take for ever")
    if len(re.findall(r"(?<!\\)[*+]", pattern)) > 8:
        raise TooMuch("a regular expression with many repetitions")
    return re.compile(pattern)


def searched(value: Any, pattern: Any, how: str, flags: int = 0) -> Any:
    text = str(value)
    if len(text) > _LONGEST_SUBJECT:
        raise TooMuch("a regular expression on a long text")
    return getattr(re.compile(_regex(str(pattern)).pattern, flags), how)(text)


def _flags(ignorecase: Any, multiline: Any = False) -> int:
    return (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)


def _regex_replace(
    value: Any = "",
    pattern: Any = "",
    replacement: Any = "",
    ignorecase: Any = False,
    multiline: Any = False,
    **_more: Any,
) -> str:
    text = str(value)
    if len(text) > _LONGEST_SUBJECT:
        raise TooMuch("a regular expression on a long text")
    return re.sub(_regex(str(pattern)).pattern, str(replacement), text, flags=_flags(ignorecase, multiline))


def _regex_search(value: Any, pattern: Any, *groups: Any, ignorecase: Any = False, multiline: Any = False) -> Any:
    found = searched(value, pattern, "search", _flags(ignorecase, multiline))
    if not found:
        return None
    names = [str(group).lstrip("\\").removeprefix("g<").rstrip(">") for group in groups]
    return [found.group(int(name) if name.isdigit() else name) for name in names] if names else found.group()


def _regex_findall(value: Any, pattern: Any, multiline: Any = False, ignorecase: Any = False) -> Any:
    return searched(value, pattern, "findall", _flags(ignorecase, multiline))


def _default(value: Any, default: Any = "", boolean: Any = False) -> Any:
    """A value that only a running host knows is defined; only what is defined nowhere takes the default."""
    if isinstance(value, Unknown):
        return default if value.missing else value
    return default if boolean and not value else value


def _bool(value: Any) -> bool:
    return value is not None and str(value).lower() in ("yes", "on", "1", "true", "y", "t")


def _int(value: Any, default: Any = 0, base: Any = 10) -> int:
    try:
        return int(str(value), int(base)) if isinstance(value, str) else int(value)
    except (TypeError, ValueError):
        try:
            return int(float(value))
        except (TypeError, ValueError, OverflowError):
            return default  # type: ignore[no-any-return]


def _mandatory(value: Any, *_message: Any, **_options: Any) -> Any:
    return value


def _joined_with(values: Any, separator: Any = "", attribute: Any = None) -> Any:
    parts: list[Any] = []
    for value in values:
        if parts:
            parts.append(separator)
        parts.append(value[attribute] if attribute else value)
    return joined(parts)


def _from_yaml(value: Any) -> Any:
    from ._yaml import BadYaml, documents  # noqa: PLC0415 - the two need each other

    try:
        made = documents(str.__str__(value) if isinstance(value, str) else "", "")
    except BadYaml:
        return Unknown(name="from_yaml")
    if not made:
        return None
    starts = [0, *(found.end() for found in re.finditer("\n", value))]
    return _moved(made[0], [position_of(value, start) for start in starts])


def _moved(data: Any, lines: list[Position | None]) -> Any:
    """Data of a text, with positions in the files that the text is from: that of each line."""
    if isinstance(data, dict):
        return {_moved(key, lines): _moved(one, lines) for key, one in data.items()}
    if isinstance(data, list):
        return [_moved(one, lines) for one in data]
    position = position_of(data)
    if position is None:
        return data
    there = lines[position.line - 1]
    if isinstance(data, Text) and there:
        return Text(data.plain(), tuple((offset, lines[origin.line - 1] or there) for offset, origin in data.origins))
    plain = data.plain() if isinstance(data, Text) else bool(data) if isinstance(data, Truth) else data.real
    return placed(plain, there) if there else plain


_OWN: dict[str, Callable[..., Any]] = {
    "bool": _bool,
    "d": _default,
    "default": _default,
    # JSON is YAML.
    "from_json": _from_yaml,
    "from_yaml": _from_yaml,
    "int": _int,
    "join": _joined_with,
    "mandatory": _mandatory,
    "regex_escape": lambda value, *_more: re.escape(str(value)),
    "regex_findall": _regex_findall,
    "regex_replace": _regex_replace,
    "regex_search": _regex_search,
}
#: Filters that may be given what is not known.
_TOLERANT = frozenset(("d", "default", "mandatory", "ternary"))
#: Filters that put several values together: what is known of them counts.
_GATHERING = frozenset(("combine", "union", "zip", "flatten"))
#: Filters that ask a test, which takes what is not known for both.
_ASKING = frozenset(("select", "selectattr", "reject", "rejectattr"))
#: Jinja's own that are of no use here, and can be made to take long.
_WITHOUT = frozenset(("random", "shuffle", "urlize", "pprint", "xmlattr"))


def filters() -> dict[str, Callable[..., Any]]:
    from ansible.plugins.filter import core, mathstuff  # noqa: PLC0415 - the engine loads without ansible

    known_to_core = {**core.FilterModule().filters(), **mathstuff.FilterModule().filters()}
    chosen = {name: known_to_core[name] for name in _CORE if name in known_to_core}
    jinjas = {name: made for name, made in FILTERS.items() if name not in _WITHOUT}
    return {name: _kept(name, made) for name, made in {**jinjas, **chosen, **_OWN}.items()}


def tests() -> dict[str, Callable[..., Any]]:
    from ansible.plugins.test import core, mathstuff  # noqa: PLC0415

    known_to_core = {**core.TestModule().tests(), **mathstuff.TestModule().tests()}
    chosen = {name: known_to_core[name] for name in _CORE_TESTS if name in known_to_core}
    own: dict[str, Callable[..., Any]] = {
        **{
            name: functools.partial(_matches, how)
            for name, how in (("match", "match"), ("search", "search"), ("regex", "search"))
        },
        "boolean": lambda value: type(value).__name__ in ("bool", "Truth"),
    }
    made = {name: _asked(name, test) for name, test in {**TESTS, **chosen, **own}.items()}
    return {
        **made,
        "defined": lambda value: not (isinstance(value, Unknown) and value.missing),
        "undefined": lambda value: isinstance(value, Unknown) and value.missing,
    }


def _matches(
    how: str, value: Any, pattern: Any = "", ignorecase: Any = False, multiline: Any = False, **_more: Any
) -> bool:
    return bool(searched(value, pattern, how, _flags(ignorecase, multiline)))


def _errors() -> tuple[type[Exception], ...]:
    from ansible.errors import AnsibleError  # noqa: PLC0415

    return (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, jinja2.TemplateError, AnsibleError)


def _kept(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The filter within limits: of what is not known it makes something that is not known, and a scalar stands where
    the value stood that it was made of.
    """
    subject_at = 1 if hasattr(function, "jinja_pass_arg") else 0
    errors = _errors()

    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        given = (*arguments[subject_at:], *options.values())
        limited(name, *given)
        subject = given[0] if given else None
        unknown = next((value for value in given if not known(value)), None)
        if unknown is not None and name in _GATHERING and known(subject):
            arguments = tuple(argument for argument in arguments if known(argument))
        elif unknown is not None and name not in _TOLERANT and not (name in _ASKING and known(subject)):
            return _unknown_like(unknown)
        try:
            made = function(*arguments, **options)
        except errors as error:
            return Unknown(name=f"{name}({type(error).__name__})", missing=False)
        if isinstance(made, Iterator):
            return _bounded(made)
        if isinstance(subject, Text) and isinstance(made, list):
            return parts_of(subject, made)
        position = position_of(subject) or located(given[1:])
        return placed(made, position) if position else made

    return call


def _bounded(values: Iterator[Any]) -> Iterator[Any]:
    """What a filter gives piece by piece, within the limits."""
    for number, value in enumerate(values):
        if number > _MOST:
            raise TooMuch("a list that grows too long")
        check_time()
        yield value


def _unknown_like(value: Any) -> Unknown:
    if isinstance(value, Unknown):
        return Unknown(name=value.words, missing=value.missing)
    found = re.search(f"{OPEN}(.*?){CLOSE}", str(value))
    return Unknown(name=found.group(1) if found else "a value", missing=False)


def _asked(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    subject_at = 1 if hasattr(function, "jinja_pass_arg") else 0
    errors = _errors()

    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        given = arguments[subject_at:]
        unknown = next((value for value in given if not known(value)), None)
        if unknown is not None:
            return Unknown(name=f"{_unknown_like(unknown).words} is {name} {' '.join(map(str, given))}", missing=False)
        check_time()
        try:
            return function(*arguments, **options)
        except errors:
            return Unknown(name=f"{given[0] if given else ''} is {name}", missing=False)

    return call


def _unheard_of(name: str, value: Any = None, *_arguments: Any, **_options: Any) -> Any:
    """A filter or a test of somebody else's. One that is given data most likely picks from it, or puts it in order."""
    return value if isinstance(value, (list, dict)) else Unknown(name=name, missing=False)


class Table(dict[str, Callable[..., Any]]):
    """Filters or tests by name, with whatever collection stands before it; one that is not here tells nothing."""

    def __init__(self, known_ones: Mapping[str, Callable[..., Any]], *, is_test: bool = False) -> None:
        super().__init__(known_ones)
        self._is_test = is_test

    def __missing__(self, name: str) -> Callable[..., Any]:
        short = name.rpartition(".")[2]
        if short != name and short in self:
            return self[short]
        return functools.partial(_unheard_of, name)

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ARG002
        return self[name]
