# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates of content that is not ours to trust: a sandbox of our own, with limits, that knows where each piece of
its result stands. Nothing here reaches a file, a program or the network; variables and lookups are asked of ``Names``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import jinja2
from jinja2 import nodes
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from .._model import CLOSE, OPEN, Position
from ._filters import OMIT, Table, filters, limited, tests
from ._limits import LARGEST_TEXT, TooMuch, check_time
from ._located import Text, Unsafe, joined, parts_of, placed, placed_as, position_of
from ._members import got, member
from ._source import (
    MARK,
    USUAL,
    Options,
    cleaned,
    marked,
    number_of,
    options_of,
    piece,
    position_at,
    start_of,
    unmarked,
    with_marks,
)
from ._unknown import Unknown, known

#: Functions that are no macros: what they are given is no value of a setting.
_NO_MACROS = ("range", "lookup", "query", "q", "cycler", "joiner")
_OF_PYTHON_2 = {"iteritems": "items", "iterkeys": "keys", "itervalues": "values"}


class Names(Protocol):
    """What a template may ask for."""

    def variable(self, name: str) -> Any: ...

    def lookup(self, plugin: str, terms: tuple[Any, ...], options: dict[str, Any]) -> Any: ...

    def included(self, name: str) -> Text | None: ...

    def absent(self, name: str) -> bool: ...


class _Context(Context):
    def resolve_or_missing(self, key: str) -> Any:
        for there in (self.vars, self.parent):
            if key in there:
                return there[key]
        names = self.parent.get("__names")
        return names.variable(key) if names else Unknown(name=key)


class _Bounded(NodeTransformer):
    """Loops that look at the clock, and ``~`` that keeps positions."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - Jinja's convention
        self.generic_visit(node)
        node.iter = _filter(node.iter, "__each")
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802
        """What is looked for in a dict is compared with each of its keys: it may not be known."""
        self.generic_visit(node)
        for operand in node.ops:
            if operand.op in ("in", "notin"):
                operand.expr = _filter(operand.expr, "__keys")
        return node

    def visit_Filter(self, node: nodes.Filter) -> nodes.Node:  # noqa: N802
        """Where nothing stands for what is missing, something else may show."""
        self.generic_visit(node)
        instead = node.args[0] if node.name in ("default", "d") and node.args else None
        if isinstance(node.node, nodes.Name) and isinstance(instead, (nodes.Dict, nodes.List)) and not instead.items:
            name = nodes.Const(node.node.name)
            node.node = nodes.Filter(node.node, "__if_there", [name], [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filter(nodes.List(node.nodes, lineno=node.lineno), "__joined")


class _Literals(NodeTransformer):
    """What a template writes out itself for a variable or a macro stands there, not where it is put out."""

    def __init__(self, start: Position) -> None:
        self._start = start

    def visit_Assign(self, node: nodes.Assign) -> nodes.Node:  # noqa: N802
        node.node = self._placed(self.visit(node.node))
        return node

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        if isinstance(node.node, (nodes.Name, nodes.Getattr)) and getattr(node.node, "name", "") not in _NO_MACROS:
            node.args = [self._placed(argument) for argument in node.args]
            for pair in node.kwargs:
                pair.value = self._placed(pair.value)
        return node

    def _placed(self, node: nodes.Expr) -> nodes.Expr:
        if isinstance(node, (nodes.List, nodes.Tuple)):
            node.items = [self._placed(item) for item in node.items]
        elif isinstance(node, nodes.Dict):
            for pair in node.items:
                pair.value = self._placed(pair.value)
        elif isinstance(node, nodes.Const) and node.value is not None:
            number = number_of(self._start._replace(line=self._start.line + node.lineno - 1))
            return nodes.Filter(node, "__at", [nodes.Const(number)], [], None, None, lineno=node.lineno)
        return node


def _filter(node: nodes.Node, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


class _Environment(ImmutableSandboxedEnvironment):
    context_class = _Context
    intercepted_binops = frozenset(("+", "*", "**", "%"))

    def __init__(self, **options: Any) -> None:
        super().__init__(
            undefined=Unknown,
            finalize=_finalized,
            optimized=False,
            cache_size=0,
            extensions=["jinja2.ext.do"],
            **options,
        )
        ours: dict[str, Callable[..., Any]] = {
            "__each": _each,
            "__keys": _keys,
            "__joined": joined,
            "__at": _at,
            "__if_there": _if_there,
        }
        self.filters: Any = Table({**filters(), **ours})
        self.tests: Any = Table(tests(), is_test=True)
        self.globals = {
            **{name: self.globals[name] for name in ("dict", "namespace", "cycler", "joiner")},
            "range": _range,
            "lookup": _lookup,
            **dict.fromkeys(("query", "q"), _query),
            "omit": OMIT,
        }
        self.positions: list[Position] = []

    def _generate(self, source: nodes.Template, *arguments: Any, **options: Any) -> str:
        return super()._generate(_Bounded().visit(source), *arguments, **options)

    def getattr(self, obj: Any, attribute: str) -> Any:
        # What templates of the days of Python 2 say.
        if isinstance(obj, dict) and attribute not in obj:
            attribute = _OF_PYTHON_2.get(attribute, attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, (dict, list)) and not known(argument):
            return member(obj, argument)
        return super().getitem(obj, argument)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if isinstance(left, Unknown) or isinstance(right, Unknown):
            if operator == "+" and (isinstance(left, list) or isinstance(right, list)):
                # What is known of a list counts.
                return right if isinstance(left, Unknown) else left
            if operator == "+" and (isinstance(left, str) or isinstance(right, str)):
                return joined((left, right))
            return Unknown(name=str((left if isinstance(left, Unknown) else right).words), missing=False)
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return joined((left, right))
        if operator != "+":
            limited(operator, left, right)
        made = super().call_binop(context, operator, left, right)
        position = position_of(left) or position_of(right)
        return placed(made, position) if position else made

    def call(self, context: Context, function: Any, *arguments: Any, **options: Any) -> Any:
        """Calls a function of a template; what a method makes of a string stands where the string does."""
        # The sandbox wraps the methods that format.
        subject = getattr(getattr(function, "__wrapped__", function), "__self__", None)
        name = getattr(function, "__name__", "")
        if isinstance(subject, str):
            limited(name, subject, *arguments)
            if any(isinstance(argument, Unknown) for argument in arguments):
                return Unknown(name=str(next(a.words for a in arguments if isinstance(a, Unknown))), missing=False)
        if isinstance(subject, dict) and name == "get" and arguments and not known(arguments[0]):
            return got(subject, *arguments)
        made = super().call(context, function, *arguments, **options)
        return parts_of(subject, made) if isinstance(made, list) else placed_as(made, subject)


def _finalized(value: Any) -> Any:
    """What is put into a text for the value of an expression."""
    if value is None:
        return ""
    if isinstance(value, Text):
        return marked(value)
    position = position_of(value)
    return piece(value, position) if position else value


@jinja2.pass_context
def _if_there(context: Context, value: Any, name: str) -> Any:
    own = name in context.vars or name in context.exported_vars
    return Unknown(name=name) if not own and context.parent["__names"].absent(name) else value


def _at(value: Any, number: int) -> Any:
    return placed(value, position_at(number))


def _each(values: Any) -> Iterator[Any]:
    for value in values:
        check_time()
        yield value


def _keys(container: Any) -> Any:
    return list(container) if isinstance(container, dict) else container


def _range(*numbers: Any) -> Any:
    if any(isinstance(number, Unknown) for number in numbers):
        return []
    made = range(*map(int, numbers))
    if len(made) > 10_000:
        raise TooMuch("a range of more than 10000 numbers")
    return made


@jinja2.pass_context
def _lookup(context: Context, plugin: str, *terms: Any, **options: Any) -> Any:
    return context.parent["__names"].lookup(str(plugin), terms, options)


@jinja2.pass_context
def _query(context: Context, plugin: str, *terms: Any, **options: Any) -> Any:
    return _lookup(context, plugin, *terms, **{**options, "wantlist": True})


class _Loader(jinja2.BaseLoader):
    """What include, import and extends bring in."""

    def __init__(self, names: Names, options: Options) -> None:
        self._names = names
        self._options = options

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str | None, Any]:  # noqa: ARG002
        text = self._names.included(template)
        if text is None:
            raise jinja2.TemplateNotFound(template)
        return with_marks(text, self._options), None, None


@functools.lru_cache(maxsize=16)
def _environment(options: Options) -> _Environment:
    return _Environment(keep_trailing_newline=True, **dict(options))


@functools.lru_cache(maxsize=4096)
def _expression(source: str) -> Any:
    """The source as one expression, compiled; None when it is more than that, or less."""
    environment = _environment((("trim_blocks", True),))
    body = environment.parse(source).body
    output = body[0] if len(body) == 1 and isinstance(body[0], nodes.Output) else None
    if output is None or len(output.nodes) != 1 or isinstance(output.nodes[0], nodes.TemplateData):
        return None
    inner = source.strip()[2:-2].strip("+-")
    return environment.compile_expression(inner, undefined_to_none=False)


@functools.lru_cache(maxsize=4096)
def _template(source: str, options: Options, start: Position | None) -> Any:
    environment = _environment(options)
    return environment.from_string(_Literals(start).visit(environment.parse(source)) if start else source)


def is_template(text: str) -> bool:
    return not isinstance(text, Unsafe) and ("{{" in text or "{%" in text or "{#" in text)


def evaluated(source: str, names: Names) -> Any:
    """The value of a string of a task or a variable: of one expression what that gives, else a text.

    Raises jinja2.TemplateError for what is no Jinja, TooMuch for what takes too long or grows too large.
    """
    plain = str.__str__(source)
    if plain.lstrip().startswith("{{") and plain.rstrip().endswith("}}"):
        expression = _guarded(lambda: _expression(plain))
        if expression is not None:
            value = _guarded(lambda: expression({"__names": names}))
            if isinstance(value, (Iterator, range)):
                value = _guarded(lambda: list(_each(value)))
            return _placed_within(_without_marks(value), position_of(source))
    return rendered(source, names)


def condition(source: str, names: Names) -> Any:
    """The value of a bare expression, such as that of ``when``. Raises as ``evaluated`` does."""
    compiled = _guarded(lambda: _bare(str.__str__(source)))
    return _guarded(lambda: compiled({"__names": names}))


@functools.lru_cache(maxsize=4096)
def _bare(source: str) -> Any:
    return _environment((("trim_blocks", True),)).compile_expression(source, undefined_to_none=False)


def rendered(source: str, names: Names, given: Options = USUAL) -> Text | str:
    """A text with its templates rendered; each piece keeps the position it has in the source, or in its variable."""
    options, source = options_of(source, given)
    template = _guarded(lambda: _template(with_marks(cleaned(source), options), options, start_of(source)))
    made: Text | str = _guarded(lambda: unmarked(_pieces(template, names, options), position_of(source)))
    return made


def _pieces(template: Any, names: Names, options: Options) -> str:
    template.environment.loader = _Loader(names, options)
    pieces, size = [], 0
    for made in template.root_render_func(template.new_context({"__names": names})):
        check_time()
        size += len(made)
        if size > LARGEST_TEXT:
            raise TooMuch("a text of more than 4 MiB")
        pieces.append(str.__str__(made))
    return "".join(pieces)


def _placed_within(value: Any, position: Position | None) -> Any:
    """What an expression gave, with the position of the expression for all that it brought itself."""
    if position is None:
        return value
    if isinstance(value, dict):
        return {_placed_within(key, position): _placed_within(one, position) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_placed_within(one, position) for one in value]
    return placed(value, position)


def _without_marks(value: Any) -> Any:
    return unmarked(value, position_of(value)) if isinstance(value, str) and MARK.search(value) else value


def _guarded(act: Callable[[], Any]) -> Any:
    """Whatever a template makes of Python, as one of two errors."""
    try:
        return act()
    except (jinja2.TemplateError, TooMuch):
        raise
    except RecursionError as error:
        raise TooMuch("nested too deeply") from error
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, MemoryError, SyntaxError) as error:
        raise jinja2.TemplateRuntimeError(type(error).__name__) from error


def depends_on(value: Any) -> tuple[str, ...]:
    """What an undecided value depends on."""
    return tuple(dict.fromkeys(re.findall(f"{OPEN}(.*?){CLOSE}", str(value))))
