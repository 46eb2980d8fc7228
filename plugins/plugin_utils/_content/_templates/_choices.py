# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One of several outcomes, where the content alone does not tell: every one is tried, within a limit."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import TypeVar

T = TypeVar("T")


class Choices:
    """One way through all that is open: what is asked for again gets the same answer.

    The first of the outcomes is taken, unless ``forced`` says otherwise; what is ``settled`` is not open at all.
    """

    def __init__(self, forced: Mapping[Hashable, int], settled: Mapping[Hashable, int]) -> None:
        self._forced = forced
        self._settled = settled
        #: What was asked for, in that order, and how many outcomes it had.
        self.asked: dict[Hashable, int] = {}

    def is_settled(self, what: Hashable) -> bool:
        return what in self._settled

    def choose(self, what: Hashable, outcomes: int) -> int:
        if what in self._settled:
            return self._settled[what]
        self.asked.setdefault(what, outcomes)
        return min(self._forced.get(what, 0), outcomes - 1)


_NOW: ContextVar[Choices | None] = ContextVar("choices", default=None)


def is_settled(what: Hashable) -> bool:
    """Whether the present exploration takes an answer for given."""
    now = _NOW.get()
    return now is not None and now.is_settled(what)


def choose(what: Hashable, outcomes: int) -> int:
    """The outcome, from 0, that the present exploration tries."""
    now = _NOW.get()
    return now.choose(what, outcomes) if now else 0


_SETTLED: Mapping[Hashable, int] = MappingProxyType({})


def explore(
    run: Callable[[], T], most: int, settled: Mapping[Hashable, int] = _SETTLED, asked: set[Hashable] | None = None
) -> Iterator[T]:
    """What ``run`` gives with every combination of outcomes, those with the fewest deviations first, up to ``most``.

    ``asked`` gathers all that was open.
    """
    waiting: deque[dict[Hashable, int]] = deque([{}])
    for _turn in range(most):
        if not waiting:
            return
        forced = waiting.popleft()
        choices = Choices(forced, settled)
        token = _NOW.set(choices)
        try:
            result = run()
        finally:
            _NOW.reset(token)
        yield result
        # Only what was asked for after the last deviation: so no combination comes twice.
        questions = list(choices.asked.items())
        last = max((number for number, (what, _count) in enumerate(questions) if what in forced), default=-1)
        waiting.extend({**forced, what: other} for what, count in questions[last + 1 :] for other in range(1, count))
        if asked is not None:
            asked.update(choices.asked)
