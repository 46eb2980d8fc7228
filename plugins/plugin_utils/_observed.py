# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that was seen of a host: its state and exposure, and its sockets where they were asked for. Pure."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ._census import Census, Destination, censuses_of
from ._exposure import Exposure
from ._ports import Use, uses_of
from ._rates import Rates, growth_of, rates_of
from ._script import Section
from ._snapshot import Snapshot


@dataclass(frozen=True)
class Observed:
    """``census`` and ``rates`` are None where they were not asked for, or could not be had."""

    snapshot: Snapshot
    exposure: Exposure
    census: Census | None = None
    rates: Rates | None = None
    #: Of destinations, sockets in TIME_WAIT more per second.
    growth: Mapping[Destination, float] = field(default_factory=dict)

    @functools.cached_property
    def uses(self) -> tuple[Use, ...]:
        """The destinations that were named, those with most sockets first."""
        return uses_of(self.snapshot, self.census, self.growth) if self.census else ()


def observed(sections: Sequence[Section], snapshot: Snapshot, exposure: Exposure) -> Observed:
    """From an answer of a host. Raises ValueError, IndexError or KeyError where something in it is amiss."""
    censuses = censuses_of(sections)
    rates = rates_of(sections, censuses)
    return Observed(snapshot, exposure, censuses[-1] if censuses else None, rates, growth_of(censuses, rates))
