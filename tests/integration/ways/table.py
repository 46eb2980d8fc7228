# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table: as many ways as it takes for any two entries of two columns to come together at least once."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.integration.ways.columns import (
    ARRIVALS,
    ENTRIES,
    NO_ARRIVAL,
    NO_ORIGIN,
    OFF,
    ORIGINS,
    SPELLINGS,
    Outcome,
    Spelling,
)

Combination = tuple[str, ...]
Pair = tuple[tuple[int, str], tuple[int, str]]

_EVERY_SPELLING = {**SPELLINGS, **OFF}
COLUMNS = (tuple(SPELLINGS), tuple(ORIGINS), tuple(ARRIVALS), ENTRIES)


@dataclass(frozen=True)
class Way:
    """One row. Each asks for another number, so that a kernel that has it tells which row it was."""

    number: int
    spelling: str
    origin: str
    arrival: str
    entry: str

    @property
    def spelt(self) -> Spelling:
        return _EVERY_SPELLING[self.spelling]

    @property
    def name(self) -> str:
        """The host that it is tried on."""
        return f"way{self.number}"

    @property
    def asked(self) -> int:
        """What it asks for, where it is refused."""
        others = {"negative": -self.number, "nearly the largest": 2147400000 + self.number}
        return others.get(self.spelling, self.number)

    def outcome(self, core: str) -> Outcome:
        # A vault that no template was made of is an object of Ansible's own there, and no text.
        if self.spelling == "vault" and self.origin in ("literal", "defaults of the module") and core == "core-2.16":
            return "no value"
        return self.spelt.outcome

    def __str__(self) -> str:
        return f"{self.name}: {self.spelling} by {self.origin}, tagged by {self.arrival}, through {self.entry}"


def is_possible(combination: Combination) -> bool:
    spelling, origin, arrival, entry = combination
    kinds = ORIGINS[origin]
    return (
        (not kinds or _EVERY_SPELLING[spelling].kind in kinds)
        and origin not in NO_ORIGIN.get(entry, ())
        and arrival not in NO_ARRIVAL.get(entry, ())
    )


def pairs_of(combination: Combination) -> Iterator[Pair]:
    return itertools.combinations(enumerate(combination), 2)  # type: ignore[return-value]


def pairs_possible() -> set[Pair]:
    return {pair for row in itertools.product(*COLUMNS) if is_possible(row) for pair in pairs_of(row)}


def _with(pair: Pair) -> Iterator[Combination]:
    """The possible combinations that a pair is in."""
    fixed = dict(pair)
    columns = [(fixed[index],) if index in fixed else column for index, column in enumerate(COLUMNS)]
    return filter(is_possible, itertools.product(*columns))


def _chosen(wanted: Iterable[Pair]) -> list[Combination]:
    """For each pair that is not there yet, the combination that brings the most others along."""
    missing = dict.fromkeys(sorted(wanted))
    chosen: list[Combination] = []
    while missing:
        pair = next(iter(missing))
        best = max(_with(pair), key=lambda combination: sum(other in missing for other in pairs_of(combination)))
        chosen.append(best)
        for other in pairs_of(best):
            missing.pop(other, None)
    return chosen


#: Numbers begin at 10, so that each has two digits at least.
WAYS = tuple(Way(number, *combination) for number, combination in enumerate(_chosen(pairs_possible()), start=10))


def _ways_off(count: int) -> Iterator[Way]:
    """Ways to ask for nothing: columns of different lengths, each run through again and again."""
    columns = [itertools.cycle(column) for column in (OFF, ORIGINS, ARRIVALS, ENTRIES)]
    possible = itertools.islice(filter(is_possible, zip(*columns, strict=False)), count)
    return (Way(number, *combination) for number, combination in enumerate(possible, start=1000))


WAYS_OFF = tuple(_ways_off(90))
