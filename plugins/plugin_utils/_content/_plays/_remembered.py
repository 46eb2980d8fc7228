# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What earlier tasks of a play leave to later ones: facts, results and variables out of files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .._templates._choices import choose
from .._templates._unknown import Unknown
from ._arguments import short
from ._carriers import Step, items_of
from ._scope import Bound, Evaluation, Layer, Scope, When
from ._search import Place


class Remembered:
    """Grows while a play is walked through; a new play begins with nothing."""

    def __init__(self) -> None:
        self._scope = Scope((), Place("", ""))

    def seen_from(self, scope: Scope) -> Scope:
        """A scope with all that has been set until now."""
        there = {id(layer) for layer in scope.layers}
        new = [layer for layer in self._scope.layers if id(layer) not in there]
        if not new:
            return scope
        return scope._replace(layers=tuple(sorted((*new, *scope.layers), key=lambda layer: -layer.rank)))

    def included(self, layers: Iterable[Layer]) -> None:
        """Variables that include_vars has loaded, the latest first."""
        for layer in reversed(list(layers)):
            self._scope = self._scope.plus("include_vars", layer.variables, layer.holds)

    def facts(self, step: Step, arguments: Mapping[Any, Any], scope: Scope) -> None:
        """What set_fact sets; each value is made of the variables of now."""
        # In a loop the conditions are judged turn by turn.
        held = When(step.conditions, scope) if step.conditions and step.loop is None else None
        made = {str(name): Bound(_fact(step, str(name), raw), scope) for name, raw in arguments.items()}
        self._scope = self._scope.plus("set_fact", {n: value for n, value in made.items() if n != "cacheable"}, held)

    def role(self, defaults: Iterable[Any], variables: Iterable[Any]) -> None:
        """A role's variables, which the rest of its play sees."""
        for one in defaults:
            self._scope = self._scope.plus("defaults of other roles", one)
        for one in variables:
            self._scope = self._scope.plus("role vars", one)

    def result(self, name: str, step: Step) -> None:
        """What a task registers."""
        self._scope = self._scope.plus("set_fact", {name: _registered(step)})


def looped(step: Step, scope: Scope) -> Scope:
    """The scope of what is included in a loop: which of its items it is, is open."""
    if step.loop is None:
        return scope
    return scope.plus("loop", {step.loop_variable: Bound(lambda there: _one_of(step, there), scope)})


def _one_of(step: Step, evaluation: Evaluation) -> Any:
    turns = items_of(step, evaluation)
    if not turns:
        return Unknown(name=step.loop_variable, missing=False)
    return turns[choose(("item", step.position), len(turns))][step.loop_variable]


def _fact(step: Step, name: str, raw: Any) -> Callable[[Evaluation], Any]:
    """How a fact gets its value; in a loop each turn sees what the last one made."""

    def make(there: Evaluation) -> Any:
        if step.loop is None:
            return there.value(raw)
        made = there.variable(name)
        for item in items_of(step, there):
            scope = there.scope.plus("loop", item)
            # What is not defined as yet stays so: a default takes its place.
            turn = there.within(scope if isinstance(made, Unknown) else scope.plus("set_fact", {name: made}))
            if all(turn.holds(condition) for condition in step.conditions):
                made = turn.value(raw)
        return made

    return make


def _registered(step: Step) -> Any:
    """A result: of a look at the knob that it is there, of anything else nothing is known."""
    looked = str(step.module.arguments) + str(step.module.free or "")
    if short(step.module.name) == "stat" and "tcp_tw_recycle" in looked:
        return {"stat": {"exists": True}, "failed": False, "skipped": False}
    return Unknown(name="a registered result", missing=False)
