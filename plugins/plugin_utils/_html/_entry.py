# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host of the HTML report. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ._markup import Html, element, text
from ._parts import STATES, ports_taken


@dataclass(frozen=True)
class Entry:
    """A host of the report. ``facts`` is None where it gave none."""

    #: From 1 on, the worst host first. Links are made of it, never of anything that a host says.
    number: int
    name: str
    facts: Mapping[str, Any] | None

    @property
    def anchor(self) -> str:
        return f"h{self.number}"

    @property
    def findings(self) -> Sequence[Mapping[str, Any]]:
        return self.facts["findings"] if self.facts else ()

    @property
    def state(self) -> str:
        return state_of(self.facts)

    @property
    def destinations(self) -> Sequence[Mapping[str, Any]]:
        """Those with most sockets first."""
        census = self.facts["sockets"]["census"] if self.facts else None
        return census["outbound"]["top"] if census else ()

    @property
    def worst(self) -> Mapping[str, Any] | None:
        """The destination that takes most of the ports."""
        return max(self.destinations, key=ports_taken, default=None)

    @property
    def recycles(self) -> bool:
        return bool(self.facts and self.facts["sysctls"]["tcp_tw_recycle"]["value"])

    @property
    def link(self) -> Html:
        return element("a", text(self.name), href=f"#{self.anchor}")


def state_of(facts: Mapping[str, Any] | None) -> str:
    """How a host is: one of STATES."""
    if facts is None:
        return "silent"
    severities = {finding["severity"] for finding in facts["findings"]}
    return next((state for state in STATES if state in severities), "info" if severities else "fine")


def entries_of(hosts: Mapping[str, Mapping[str, Any] | None]) -> list[Entry]:
    """The hosts, the worst first, then by name."""
    order = list(STATES)
    names = sorted(hosts, key=lambda host: (order.index(state_of(hosts[host])), host))
    return [Entry(at, name, hosts[name]) for at, name in enumerate(names, 1)]
