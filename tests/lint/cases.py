# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases: one choice of each kind, and the tree that they make together."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from tests.lint.commands import COMMANDS
from tests.lint.files import FILES
from tests.lint.layouts import LAYOUTS
from tests.lint.places import PLACES
from tests.lint.shapes import NAME, SHAPES, Item, item_of
from tests.lint.sinks import MODULES
from tests.lint.traps import ACCESSES, DERIVED, SHADOWS, TRANSFORMS, TRAPS
from tests.lint.trees import KEY, Position, Text, Tree, indented, mark, unmarked
from tests.lint.values import VALUES, wants_on, written

SINKS = MODULES | FILES | COMMANDS
SPELLINGS = {"": KEY, "slashes": "net/ipv4/tcp_tw_recycle", "prefixed": f"-{KEY}", "glob": "net.ipv4.tcp_tw_rec*"}
#: The value stands in the form itself.
LITERAL = "literal"


@dataclass(frozen=True)
class Case:
    """The names of what was chosen; see the tables."""

    sink: str
    layout: str
    place: str
    shape: str
    value: str
    transform: str = ""
    trap: str = ""
    spelling: str = ""

    @property
    def id(self) -> str:
        return "/".join(getattr(self, each.name) for each in fields(self))

    @classmethod
    def of(cls, name: str) -> Case:
        return cls(*name.split("/"))


@dataclass(frozen=True)
class Built:
    """Files to write; ``etc`` are the host's own. ``marks`` are the lines where the value stands."""

    files: dict[str, str]
    etc: dict[str, str]
    marks: tuple[Position, ...]

    @property
    def digest(self) -> str:
        return hashlib.sha256(repr((sorted(self.files.items()), sorted(self.etc.items()))).encode()).hexdigest()[:12]


def _value(case: Case) -> Text:
    value = written(case.value)
    elsewhere = case.transform in DERIVED or (case.trap in SHADOWS and not wants_on(case.value))
    return Text(unmarked(value.yaml), unmarked(value.text)) if elsewhere else value


def _item(case: Case) -> Item:
    inline = case.place == LITERAL
    item = item_of(SHAPES[case.shape], SPELLINGS[case.spelling], _value(case), inline=inline)
    if case.transform in ACCESSES:
        return replace(item, value=Text.jinja(ACCESSES[case.transform]))
    if case.transform:
        # An expression with a filter in it binds less than the filters of the transformation.
        inner = f"({item.expression})" if " " in str(item.expression) else str(item.expression)
        made = Text.jinja(TRANSFORMS[case.transform].replace("{}", inner))
        if case.transform in DERIVED:
            made = Text(mark(made.yaml), mark(made.text))
        return replace(item, value=made)
    return item


def build(case: Case) -> Built:
    tree = Tree(base=LAYOUTS[case.layout].base)
    item, sink = _item(case), SINKS[case.sink]
    keywords = sink.make(tree, item)
    if case.trap == "absent":
        keywords = [line.replace(sink.absent, sink.absent.replace("present", "absent")) for line in keywords]
    loop = [] if sink.needs.startswith("rows") else item.loop
    if LAYOUTS[case.layout].loops:
        tree.entry, loop = [*tree.entry, *loop], []
    tree.task = ["- name: Settings of the network", *indented([*keywords, *loop])]
    if case.place != LITERAL:
        PLACES[case.place].declare(tree, item.data, NAME)
    if case.trap in SHADOWS:
        # The other value of the same variable: of the two, that which is on.
        PLACES[SHADOWS[case.trap]].declare(tree, ["0" if wants_on(case.value) else mark("1")], NAME)
    TRAPS[case.trap].apply(tree)
    LAYOUTS[case.layout].build(tree)
    tree.add(tree.inventory_name, tree.inventory, "")
    files = {path: unmarked(text) for path, text in tree.files.items()}
    return Built(files, tree.etc, tuple(tree.positions()))


def arguments(built: Built) -> list[str]:
    inventory = "hosts.yml" if "hosts.yml" in built.files else "hosts"
    return ["--inventory", inventory, "--connection", "local", "site.yml"]


def fits(case: Case) -> bool:
    """Whether the choices go together."""
    return all(
        rule(case) for rule in (_place_fits, _sink_fits, _value_fits, _transform_fits, _trap_fits, _spelling_fits)
    )


def _place_fits(case: Case) -> bool:
    shape = SHAPES[case.shape]
    if case.place == LITERAL:
        return case.shape == "scalar" or shape.inline
    place = PLACES[case.place]
    first = SHAPES[case.shape].lines[0].replace("{key}", KEY)
    return (
        case.layout.startswith(place.layouts)
        and (not place.scalar or case.shape == "scalar")
        and first.startswith(place.of)
    )


#: Where what a loop goes through has to be known: before the tasks within it are.
_OUTSIDE = ("play-vars", "vars_files", "group_vars", "host_vars", "inventory", "parent-group", "stage-vars_files")


def _sink_fits(case: Case) -> bool:
    needs, shape = SINKS[case.sink].needs, SHAPES[case.shape]
    outside = case.place == LITERAL or case.place.startswith(_OUTSIDE)
    if LAYOUTS[case.layout].loops and (shape.loop is None or needs.startswith("rows") or not outside):
        return False
    if (case.shape == "commands") != (needs == "commands"):
        return False
    if case.shape in {"spaced-strings", "lines"} and needs not in {"", "no-loop", "rows"}:
        return False
    if case.shape == "text":
        return needs in {"no-loop", "rows"} and case.sink != "copy-content-line"
    loops = shape.loop is not None
    variable = case.place != LITERAL
    rows = not loops or (shape.rows is not None and variable)
    return {
        "": True,
        "literal": case.place == LITERAL and not loops and "{{" not in VALUES[case.value][1],
        "fixed": not loops,
        "no-loop": not loops,
        "loop": loops,
        "rows": rows,
        "rows-no-vars": rows and not case.place.startswith("task-"),
        "dotted": case.spelling == "",
        "no-whole": shape.whole is None,
        "literal-key": shape.key is None,
        "commands": True,
    }[needs]


def _value_fits(case: Case) -> bool:
    # In the inventory and in files that are copied, a value is written without the quotes of YAML.
    return not (case.place.startswith("inventory-ini") and "{{" in VALUES[case.value][0])


#: What hostvars knows.
_OF_HOSTS = ("group_vars", "host_vars", "inventory", "set_fact", "parent-group", "include_vars")


def _transform_fits(case: Case) -> bool:
    if not case.transform:
        return True
    if SINKS[case.sink].needs == "literal" or SHAPES[case.shape].whole or not SHAPES[case.shape].value:
        return False
    if case.transform in ACCESSES:
        hosts = not case.transform.startswith("hostvars") or case.place.startswith(_OF_HOSTS)
        return case.shape == "scalar" and not case.place.startswith((LITERAL, "task-")) and hosts
    return case.place != LITERAL or case.shape != "scalar"


_LOW = (
    "group_vars",
    "inventory-yaml-group",
    "inventory-yaml-all",
    "inventory-ini-group",
    "inventory-ini-all",
    "role-defaults",
)
_HIGH = (
    "play-vars",
    "vars_files",
    "group_vars-web",
    "host_vars",
    "task-vars",
    "set_fact",
    "include_vars",
    "role-vars",
    "role-param",
)


def _shadow_fits(case: Case) -> bool:
    """Whether a variable may have a second value there: not in the same file, nor in the same list of keywords."""
    place = PLACES[SHADOWS[case.trap]]
    families = {where.partition("-")[0] for where in (case.place, SHADOWS[case.trap])}
    alone = case.place.startswith(_ALONE) and case.layout.startswith(place.layouts)
    simple = case.shape == "scalar" and case.transform in {"", "int", "string", "default-0", "default-1"}
    return alone and simple and len(families) == 2 and not SINKS[case.sink].needs.startswith("rows-no-vars")


#: Places that put the variable itself somewhere, and nothing else that another place puts there, too.
_ALONE = (
    "play-vars",
    "vars_files",
    "group_vars",
    "host_vars",
    "inventory",
    "task-vars",
    "set_fact",
    "role-",
    "include_vars",
)


def _trap_fits(case: Case) -> bool:
    if case.trap in SHADOWS:
        return _shadow_fits(case)
    needs = TRAPS[case.trap].needs
    variable = case.place != LITERAL
    scalar = variable and case.shape == "scalar"
    handler = "handler" in case.layout
    return {
        "": True,
        "plain": not handler,
        "leads": LAYOUTS[case.layout].leads,
        "absent": bool(SINKS[case.sink].absent),
        "variable": variable and not handler,
        "variable-outside-task": variable and case.place not in {"task-vars", "include-vars"},
        "inline": not variable and case.shape != "scalar",
        "scalar-below-host": scalar and case.place.startswith(_LOW),
        "scalar-above-all": scalar and case.place.startswith(_HIGH),
        "scalar-role": scalar
        and case.layout.startswith(("role", "web"))
        and not case.place.startswith("role-defaults"),
        "scalar-any": scalar,
    }[needs]


_CONFIGURATION = (
    "copy",
    "copy-kv",
    "copy-beside",
    "copy-directory",
    "template",
    "copy-content",
    "blockinfile",
    "copy-fileglob",
)


def _spelling_fits(case: Case) -> bool:
    if not case.spelling:
        return True
    if case.spelling != "slashes":
        return case.sink in _CONFIGURATION and case.place == LITERAL
    shape = SHAPES[case.shape]
    named = shape.key is None or any("{key}" in line for line in shape.lines)
    return named and SINKS[case.sink].needs not in {"fixed", "dotted"} and not case.sink.startswith("shell-proc")


def _drawn(chance: random.Random) -> Case:
    on = [name for name in VALUES if wants_on(name)]
    off = [name for name in VALUES if not wants_on(name)]
    # Two values of one variable go together with little else.
    shadowed = chance.random() < 0.15
    transform = chance.choice([*TRANSFORMS, *ACCESSES]) if chance.random() < 0.25 else ""
    trap = chance.choice(list(TRAPS)) if chance.random() < 0.6 else ""
    return Case(
        sink=chance.choice(list(SINKS)),
        layout=chance.choice(list(LAYOUTS)),
        place=LITERAL if chance.random() < 0.2 else chance.choice(list(PLACES)),
        shape="scalar" if shadowed or chance.random() < 0.3 else chance.choice(list(SHAPES)),
        value=chance.choice(on if chance.random() < 0.75 else off),
        transform="" if shadowed else transform,
        trap=chance.choice(list(SHADOWS)) if shadowed else trap,
        spelling=chance.choice(list(SPELLINGS)) if chance.random() < 0.15 else "",
    )


def draw(seed: int) -> Iterator[Case]:
    """Cases that fit, each once, without end: of several the one whose choices were made least so far."""
    chance = random.Random(seed)  # noqa: S311  # to be the same each time is the point
    seen: set[Case] = set()
    counts: Counter[tuple[str, str]] = Counter()
    while True:
        candidates: list[Case] = []
        while len(candidates) < 6:
            case = _drawn(chance)
            if fits(case) and case not in seen:
                candidates.append(case)
        best = min(candidates, key=lambda case: _weariness(case, counts))
        seen.add(best)
        counts.update(_choices(best))
        yield best


def _choices(case: Case) -> list[tuple[str, str]]:
    return [(each.name, getattr(case, each.name)) for each in fields(case) if getattr(case, each.name)]


def _weariness(case: Case, counts: Counter[tuple[str, str]]) -> float:
    """How often the rarest choices of a case were made: the sum of squares lets a new one count for most."""
    return sum(1 / (1 + counts[choice]) ** 2 for choice in _choices(case)) * -1
