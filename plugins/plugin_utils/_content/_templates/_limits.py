# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long and how large anything may get that hostile content can make long or large."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LARGEST_TEXT = 4 * 2**20
LARGEST_FILE = 2 * 2**20
#: Seconds for one task with all its outcomes.
LONGEST = 5.0

_DEADLINE: ContextVar[float | None] = ContextVar("deadline", default=None)


class TooMuch(Exception):
    """Takes too long, or grows too large; the message says what."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    token = _DEADLINE.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _DEADLINE.reset(token)


def check_time() -> None:
    """Raises TooMuch when the time is up."""
    deadline = _DEADLINE.get()
    if deadline is not None and time.monotonic() > deadline:
        raise TooMuch("more than a few seconds")
