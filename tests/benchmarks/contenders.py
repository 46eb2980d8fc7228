# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured, and what the ratios are to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Play = list[dict[str, Any]]

# The third is one that every kernel has: tcp_tw_recycle is gone since 4.12.
LOOP = {"net.ipv4.tcp_tw_reuse": 1, "net.ipv4.tcp_timestamps": 1, "net.ipv4.tcp_max_tw_buckets": 100000}

FRESH = "rm -f /etc/sysctl.d/99-timewait.conf; : >/etc/sysctl.conf; echo 0 >/proc/sys/net/ipv4/tcp_tw_reuse"
LOOPED = "; ".join(
    [FRESH, *(f"sysctl -qw {key}={value}; echo {key}={value} >>/etc/sysctl.conf" for key, value in LOOP.items())]
)


@dataclass(frozen=True, eq=False)
class Contender:
    """A playbook. ``before`` brings a host into the state it starts from; ``changed`` is how often it changes that."""

    name: str
    playbook: str | Play
    before: str = ""
    changed: int = 0


@dataclass(frozen=True)
class Target:
    """What the median of ``contender`` / ``base`` is to be: at most ``limit``, or at least."""

    contender: Contender
    base: Contender
    limit: float
    at_least: bool = False

    def met(self, ratio: float) -> bool:
        return ratio >= self.limit if self.at_least else ratio <= self.limit

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.limit:g} x {self.base.name}"


def _play(task: dict[str, Any]) -> Play:
    return [{"hosts": "all", "become": True, "gather_facts": False, "tasks": [task]}]


PING = Contender("ping", _play({"ansible.builtin.ping": {}}))
FIRST = Contender("apply, first", "linux_tcp.tuning.apply", FRESH, changed=1)
CONVERGED = Contender("apply, converged", "linux_tcp.tuning.apply")
FACTS = Contender("timewait_facts", _play({"linux_tcp.tuning.timewait_facts": {}}))
SYSCTL_LOOP = Contender(
    "ansible.posix.sysctl loop",
    _play(
        {
            "ansible.posix.sysctl": {"name": "{{ item.name }}", "value": "{{ item.value }}", "sysctl_set": True},
            "loop": [{"name": name, "value": str(value)} for name, value in LOOP.items()],
        }
    ),
    LOOPED,
)

#: In the order of a round: the second run of apply finds what the first one did.
CONTENDERS = (PING, FIRST, CONVERGED, FACTS, SYSCTL_LOOP)

TARGETS = (
    Target(FIRST, PING, 1.0),
    Target(CONVERGED, PING, 0.5),
    Target(FACTS, PING, 0.45),
    Target(SYSCTL_LOOP, CONVERGED, 5, at_least=True),
)
