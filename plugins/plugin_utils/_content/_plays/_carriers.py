# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One task of a play, a role or a file of tasks: the items of its loop, whether it runs, and what it then carries."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from .._model import Assignment, Call, FileKind, Note, Position
from .._templates import _lookups
from .._templates._choices import explore
from .._templates._filters import OMIT
from .._templates._jinja import is_template
from .._templates._limits import LONGEST, TooMuch, within
from .._templates._located import Text, placed, position_of
from .._templates._members import NOWHERE
from .._templates._source import options_in
from .._templates._unknown import Unknown
from ._arguments import Module, pairs_of
from ._inventories import KINDS
from ._modules import carried, has_open_key
from ._scope import Evaluation, Scope
from ._tree import Tree

#: How many combinations of what is open are tried for one task.
MOST = 200
#: Kernels that have tcp_tw_recycle. A condition that none of them meets proves that it is not there.
_WITH_RECYCLE = ("2.6.32-754.el6.x86_64", "3.10.0-1160.el7.x86_64", "4.4.0-210-generic", "4.9.0-19-amd64", "4.11.12")


@dataclass(frozen=True)
class Step:
    """A task with all that it inherits."""

    module: Module
    scope: Scope
    position: Position
    loop: tuple[str, Any] | None = None
    loop_variable: str = "item"
    #: The ``when`` of the task, and of all that it stands in.
    conditions: tuple[Any, ...] = ()
    lowered: str | None = None
    skipped: tuple[str, ...] = ()
    plays: tuple[str, ...] = ()


class TreeFiles:
    """The files that a step's module names, out of the tree."""

    def __init__(self, evaluation: Evaluation, tree: Tree, deployed: set[str], call: Call) -> None:
        self._evaluation = evaluation
        self._place = evaluation.scope.place
        self._tree = tree
        self._deployed = deployed
        self._by = call.by
        self._options = options_in(call.arguments)

    def content(self, kind: FileKind, src: str) -> list[tuple[str, str]]:
        paths = self._place.find(kind, src, self._tree)
        if not paths:
            self._tree.note(self._by.path, self._by.line, f"the {kind[:-1]} that it deploys is not found in the tree")
        made: list[tuple[str, str]] = []
        for path in paths:
            self._deployed.add(path)
            text = self._tree.located(path)
            if text is not None and kind == "templates":
                text = self._evaluation.rendered(text, self._options) or text  # type: ignore[assignment]
            if text is not None:
                made.append((path, text))
        return made


class Carriers:
    """What steps carry, with every outcome of what is open."""

    def __init__(self, tree: Tree, classes: Sequence[AbstractSet[str]] = ()) -> None:
        self._tree = tree
        self._classes = classes
        #: Files that some step deploys.
        self.deployed: set[str] = set()
        #: Variables that went into keys which cannot be told.
        self.into_open_keys: set[str] = set()

    def of(self, step: Step) -> list[Assignment]:
        """The assignments of a step; ``lowered`` where no way through brings it to a host."""
        try:
            with within(LONGEST):
                return self._of(step)
        except TooMuch as error:
            self._tree.note(step.position.path, step.position.line, f"not looked into: {error}")
            return []

    def _of(self, step: Step) -> list[Assignment]:
        asked: set[Hashable] = set()
        found = self._explored(step, {}, asked=asked)
        questions = [question for question in asked if isinstance(question, tuple) and question[0] in KINDS]
        if found and questions and self._classes:
            found = self._by_class(step, questions)
        if any(assignment.lowered is None for assignment in found) and _asks_for_kernel(step):
            proven = [self._explored(step, {"ansible_kernel": release}) for release in _WITH_RECYCLE]
            if all(assignment.lowered for samples in proven for assignment in samples):
                reason = "its condition proves that the kernel has no tcp_tw_recycle"
                found = [replace(assignment, lowered=assignment.lowered or reason) for assignment in found]
        return [
            replace(
                assignment,
                lowered=step.lowered or assignment.lowered,
                skipped=step.skipped,
                plays=step.plays,
            )
            for assignment in found
        ]

    def _by_class(self, step: Step, questions: list[tuple[Any, ...]]) -> list[Assignment]:
        """The assignments for the hosts of each class, where they depend on groups and hosts."""
        asked = frozenset(name for _kind, name, _where in questions)
        alike: dict[frozenset[str], list[int]] = {}
        for number, names in enumerate(self._classes):
            alike.setdefault(frozenset(asked & names), []).append(number)
        return [
            replace(assignment, classes=frozenset(numbers))
            for names, numbers in alike.items()
            for assignment in self._explored(step, {}, {question: int(question[1] in names) for question in questions})
        ]

    def _explored(
        self,
        step: Step,
        facts: Mapping[str, Any],
        settled: Mapping[Hashable, int] = MappingProxyType({}),
        asked: set[Hashable] | None = None,
    ) -> list[Assignment]:
        made: dict[tuple[Any, ...], Assignment] = {}
        for found in explore(lambda: list(self._once(step, facts)), MOST, settled, asked):
            for assignment in found:
                key = (assignment.name, assignment.value, assignment.at)
                if key not in made or made[key].lowered:
                    made[key] = assignment
        return list(made.values())

    def _once(self, step: Step, facts: Mapping[str, Any]) -> Iterator[Assignment]:
        """One way through: each item of the loop for which the conditions hold, or would have to."""
        whole = Evaluation(step.scope, self._tree, _known_facts(facts))
        for variables in items_of(step, whole):
            evaluation = whole.with_loop(variables) if variables else whole
            refused = next((one for one in step.conditions if not evaluation.holds(one)), None)
            reason = None if refused is None else f"its condition is false with what is known here: {_shown(refused)}"
            call = _call(step, evaluation)
            if has_open_key(call):
                self.into_open_keys |= whole.asked_for | evaluation.asked_for
            files = TreeFiles(evaluation, self._tree, self.deployed, call)
            for found in carried(call, files):
                if isinstance(found, Note):
                    self._tree.note(found.path, found.line, found.message)
                elif not any(NOWHERE in words for words in found.undecided):
                    yield replace(found, lowered=reason)


def _known_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    if "ansible_kernel" not in facts:
        return dict(facts)
    return {**facts, "ansible_facts": _Facts({"kernel": facts["ansible_kernel"]})}


class _Facts(dict[str, Any]):
    def __missing__(self, name: str) -> Unknown:
        return Unknown(name=f"ansible_{name}", missing=False)


def _asks_for_kernel(step: Step) -> bool:
    return any("kernel" in str(condition) for condition in step.conditions)


def _shown(raw: object) -> str:
    text = " and ".join(map(str, raw)) if isinstance(raw, list) else str(raw)
    return " ".join(text.split())[:80]


def items_of(step: Step, evaluation: Evaluation) -> list[dict[str, Any]]:
    """The variables of each turn of a loop; one turn without any for a task that has none."""
    if step.loop is None:
        return [{}]
    kind, raw = step.loop
    value = evaluation.value(raw)
    if isinstance(raw, str) and not is_template(raw) and kind != "loop":
        value = _bare(raw, evaluation)
    if isinstance(value, Unknown):
        return [{step.loop_variable: Unknown(name=f"{step.loop_variable} of {value.words}", missing=False)}]
    if kind == "loop":
        values = value
    elif kind in _lookups.LOOPS:
        terms = value if isinstance(value, list) and kind != "dict" else [value]
        values = _lookups.LOOPS[kind](terms)
    else:
        made = evaluation.lookup(kind, tuple(value) if isinstance(value, list) else (value,), {"wantlist": True})
        values = made if isinstance(made, list) else [made]
    if isinstance(values, dict):
        values = list(values)
    return [{step.loop_variable: one} for one in values] if isinstance(values, list) else [{step.loop_variable: values}]


#: A variable, and what is within it; no pattern of files.
_BARE = re.compile(r"([A-Za-z_]\w*)(?:\.\w+|\[[^\]]*\])*(?:\s*\|.*)?")


def _bare(raw: str, evaluation: Evaluation) -> Any:
    """What a loop's text without braces stands for: an expression where it begins with a variable, as in ``a.b``."""
    text = str.__str__(raw)
    name = _BARE.fullmatch(text.strip())
    found = evaluation.variable(name.group(1)) if name else Unknown()
    return raw if isinstance(found, Unknown) and found.missing else evaluation.text("{{" + text + "}}")


def _call(step: Step, evaluation: Evaluation) -> Call:
    module = step.module
    arguments = {str(name): value for name, value in module.arguments.items()}
    if module.template:
        more = evaluation.value(module.template)
        arguments = {**(more if isinstance(more, dict) else {}), **arguments}
    evaluated = {name: evaluation.value(value) for name, value in arguments.items()}
    evaluated = {name: value for name, value in evaluated.items() if value is not OMIT}
    free = module.free
    if isinstance(free, str) and is_template(free):
        made = evaluation.rendered(free if isinstance(free, Text) else Text(free, ((0, step.position),)))
        free = made if isinstance(made, str) else None
    if isinstance(free, str) and not evaluated and "=" in free and "{{" in str(module.free):
        # k=v text that came out of a template as a whole.
        evaluated = pairs_of(free)[0]
    name = module.name
    if is_template(name):
        name = str(evaluation.value(placed(name, position_of(name) or step.position)))
    return Call(name, evaluated, free, step.position)
