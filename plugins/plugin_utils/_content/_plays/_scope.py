# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables by Ansible's precedence, and what a template makes of them in one way through all that is open."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import jinja2

from .._model import CLOSE, OPEN, Position
from .._templates import _lookups
from .._templates._choices import choose, is_settled
from .._templates._jinja import condition, evaluated, is_template, rendered
from .._templates._limits import check_time
from .._templates._located import Text, position_of
from .._templates._members import member
from .._templates._source import USUAL, Options
from .._templates._unknown import Unknown, known
from ._search import Place
from ._tree import Tree

#: Ansible's order of precedence, lowest first, as far as content can tell. Source: "Understanding variable precedence"
#: of ansible-core's documentation.
RANKS = {
    name: rank
    for rank, name in enumerate(
        (
            "defaults of other roles",
            "role defaults",
            "all of an inventory",
            "groups of an inventory",
            "group_vars/all",
            "group_vars",
            "hosts of an inventory",
            "host_vars",
            "play vars",
            "vars_prompt",
            "vars_files",
            "role vars",
            "block vars",
            "task vars",
            "include_vars",
            "set_fact",
            "role params",
            "include params",
            "extra vars",
            "loop",
        )
    )
}
#: Names that Ansible itself sets on a running host.
_FACTS = frozenset(
    [
        "groups",
        "group_names",
        "inventory_hostname",
        "inventory_hostname_short",
        "inventory_dir",
        "inventory_file",
        "play_hosts",
        "environment",
        "ansible_facts",
        "ansible_version",
        "ansible_check_mode",
        "omit",
        "vars",
    ]
)


class If(NamedTuple):
    """A layer that may be there: in one of the outcomes of an open question."""

    question: Hashable
    outcomes: int = 2
    outcome: int = 1


class When(NamedTuple):
    """A layer that is there when conditions hold, judged by the variables of the task that has them."""

    conditions: tuple[Any, ...]
    scope: Scope


class Layer(NamedTuple):
    rank: int
    variables: Mapping[str, Any]
    holds: If | When | None = None


class Bound(NamedTuple):
    """A value that is made of the variables of another time, or of one turn of a loop."""

    make: Callable[[Evaluation], Any]
    scope: Scope


class Scope(NamedTuple):
    """The variables at one point of a play; layers of the highest rank first, of one rank the latest first."""

    layers: tuple[Layer, ...]
    place: Place
    #: The layers of groups and hosts, by the names of their variables: there may be thousands.
    inventory: Mapping[str, Sequence[Layer]] = MappingProxyType({})

    def plus(self, kind: str, variables: Any, holds: If | When | None = None) -> Scope:
        if isinstance(variables, list):
            # As plays had them once.
            variables = {name: value for part in variables if isinstance(part, dict) for name, value in part.items()}
        if not isinstance(variables, dict) or not variables:
            return self
        rank = RANKS[kind]
        at = next((number for number, layer in enumerate(self.layers) if layer.rank <= rank), len(self.layers))
        return self._replace(layers=(*self.layers[:at], Layer(rank, variables, holds), *self.layers[at:]))

    def candidates(self, name: str) -> list[Layer]:
        """The layers that may give a variable its value, down to the first that does so for certain."""
        mine = [layer for layer in self.layers if name in layer.variables]
        above = [layer for layer in mine if layer.rank > RANKS["host_vars"]]
        found = []
        for layer in (*above, *self.inventory.get(name, ()), *mine[len(above) :]):
            found.append(layer)
            if layer.holds is None:
                break
        return found

    def names(self) -> set[str]:
        """Of all variables."""
        return {str(name) for layer in self.layers for name in layer.variables} | set(self.inventory)

    def defined(self, name: str) -> bool:
        return bool(self.candidates(name))


class Evaluation:
    """The names that templates ask for, in one way through all that is open."""

    def __init__(self, scope: Scope, tree: Tree, facts: Mapping[str, Any] | None = None) -> None:
        self.scope = scope
        self.tree = tree
        self._facts = facts or {}
        self._values: dict[str, Any] = {}
        self._busy: set[str] = set()

    def within(self, scope: Scope) -> Evaluation:
        return Evaluation(scope, self.tree, self._facts)

    def with_loop(self, variables: dict[str, Any]) -> Evaluation:
        return self.within(self.scope.plus("loop", variables))

    @property
    def asked_for(self) -> set[str]:
        """The variables that something was made of."""
        return set(self._values)

    def variable(self, name: str) -> Any:
        check_time()
        if name in self._facts:
            return self._facts[name]
        if name in self._busy:
            return Unknown(name=f"{name}, which is defined by itself", missing=False)
        if name not in self._values:
            self._busy.add(name)
            try:
                self._values[name] = self._looked_up(name)
            finally:
                self._busy.discard(name)
        return self._values[name]

    def named(self, name: str) -> Any:
        """The variable of a name that may be open in part."""
        if OPEN not in name:
            return self.variable(name)
        if name.startswith(OPEN) and name.endswith(CLOSE):
            return Unknown(name=name, missing=False)
        found = member({one: one for one in sorted(self.scope.names())}, name)
        return found if isinstance(found, Unknown) else self.variable(found)

    def _looked_up(self, name: str) -> Any:
        candidates = self.scope.candidates(name)
        chosen = next((layer for layer in candidates if self._is_there(layer.holds)), None)
        if chosen is None:
            # Where nothing gives it a value for certain, it has one that it may have.
            chosen = next((layer for layer in reversed(candidates) if _may_be_there(layer.holds)), None)
        return self._special(name) if chosen is None else self.value(chosen.variables[name])

    def absent(self, name: str) -> bool:
        """Whether a variable has no value in this way through all that is open, though it may have one."""
        candidates = self.scope.candidates(name)
        return bool(candidates) and not any(self._is_there(layer.holds) for layer in candidates)

    def _is_there(self, held: If | When | None) -> bool:
        if isinstance(held, If):
            return choose(held.question, held.outcomes) == held.outcome
        if isinstance(held, When):
            there = self.within(held.scope)
            return all(there.holds(raw) for raw in held.conditions)
        return True

    def _special(self, name: str) -> Any:
        place = self.scope.place
        known_paths = {"playbook_dir": place.playbook, "role_path": place.role, "inventory_dir": None}
        if known_paths.get(name):
            return known_paths[name]
        if name == "role_name" and place.role:
            return place.role.rpartition("/")[2]
        if name == "vars":
            return _Variables(self)
        if name == "hostvars":
            return _Hosts(self)
        return Unknown(name=name, missing=not (name.startswith("ansible_") or name in _FACTS))

    def value(self, raw: Any) -> Any:
        """A value with all its templates evaluated."""
        if isinstance(raw, Bound):
            return raw.make(self.within(raw.scope))
        if isinstance(raw, str):
            return self.text(raw) if is_template(raw) else raw
        if isinstance(raw, dict):
            return {self.value(key): self.value(part) for key, part in raw.items()}
        if isinstance(raw, (list, tuple)):
            check_time()
            return [self.value(part) for part in raw]
        return raw

    def text(self, raw: str) -> Any:
        """One template's value. What is no Jinja is noted, and cannot be told."""
        try:
            return evaluated(raw, self)
        except jinja2.TemplateError as error:
            self._note(raw, error)
            return Unknown(name="a template with an error", missing=False)

    def rendered(self, text: Text, options: Options = USUAL) -> Text | str | None:
        """A file of templates as it would be deployed; None when it is no Jinja."""
        try:
            return rendered(text, self, options)
        except jinja2.TemplateError as error:
            self._note(text, error)
            return None

    def _note(self, raw: Any, error: jinja2.TemplateError) -> None:
        position = position_of(raw) or Position(self.scope.place.file, 1)
        line = position.line + (error.lineno - 1 if isinstance(error, jinja2.TemplateSyntaxError) else 0)
        kind = "does not parse" if isinstance(error, jinja2.TemplateSyntaxError) else "cannot be evaluated"
        self.tree.note(position.path, line, f"Jinja that {kind}: {type(error).__name__}")

    def holds(self, raw: Any) -> bool:
        """Whether a condition (of ``when``) holds, in this way through all that is open."""
        if isinstance(raw, list):
            return all(self.holds(one) for one in raw)
        if raw is None:
            return True
        if isinstance(raw, str):
            source = raw.strip()
            if source.startswith("{{") and source.endswith("}}"):
                made = self.text(raw)
            else:
                try:
                    made = condition(source, self) if source else True
                except jinja2.TemplateError as error:
                    self._note(raw, error)
                    return True
        else:
            made = self.value(raw)
        return _truth(made)

    def lookup(self, plugin: str, terms: tuple[Any, ...], options: dict[str, Any]) -> Any:
        return _lookups.looked_up(self, plugin, terms, options)

    def included(self, name: str) -> Text | None:
        found = self.scope.place.find("templates", str(name), self.tree)
        self.tree.taken.update(found[:1])
        return self.tree.located(found[0]) if found else None


def _may_be_there(held: If | When | None) -> bool:
    return isinstance(held, If) and not is_settled(held.question)


def _truth(value: Any) -> bool:
    if isinstance(value, str):
        if not known(value):
            return bool(Unknown(name=str(value), missing=False))
        return value.strip().lower() not in ("", "no", "false", "off", "0", "none", "n", "f")
    return bool(value)


class _Variables:
    """``vars``: all variables by name."""

    def __init__(self, evaluation: Evaluation) -> None:
        self._evaluation = evaluation

    def __getitem__(self, name: str) -> Any:
        return self._evaluation.named(str(name))

    def get(self, name: str, default: Any = None) -> Any:
        found = self[name]
        return default if isinstance(found, Unknown) and found.missing else found


class _Hosts:
    """``hostvars``: of this host, and of one that is called by its name, what is known of any."""

    def __init__(self, evaluation: Evaluation) -> None:
        self._evaluation = evaluation

    def __getitem__(self, name: Any) -> Any:
        if isinstance(name, Unknown) and name.words != "inventory_hostname":
            return Unknown(name=f"hostvars of {name.words}", missing=False)
        return _Variables(self._evaluation)

    def get(self, name: Any, default: Any = None) -> Any:  # noqa: ARG002 - a host that is asked for is there
        return self[name]
