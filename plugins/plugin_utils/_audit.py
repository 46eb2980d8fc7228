# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of many hosts, joined: who would be dropped by whom, and how many have which findings. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ._advice._finding import SEVERITIES
from ._snapshot import printable

#: ``ansible_facts.timewait`` by host; None: the host gave none.
Facts = Mapping[str, Mapping[str, Any] | None]

#: The format of the JSON document.
FORMAT = 1
#: Servers with recycle drop SYNs without a timestamp, too; 3.10 answers them (tried on 3.10, 4.4 and 4.9).
WITHOUT_TIMESTAMPS_SINCE = (4, 4)


@dataclass(frozen=True)
class Radius:
    """The hosts that a server with tcp_tw_recycle drops now and then, and of how many it is not known."""

    server: str
    dropped: tuple[str, ...]
    not_known: int


def radius_of(server: str, release: str, facts: Facts) -> Radius:
    """What tcp_tw_recycle on ``server``, whose kernel is ``release``, means for all other hosts."""
    verdicts = {host: _is_dropped(found, release) for host, found in facts.items() if host != server}
    dropped = sorted(host for host, verdict in verdicts.items() if verdict)
    return Radius(server, tuple(dropped), sum(verdict is None for verdict in verdicts.values()))


def _is_dropped(client: Mapping[str, Any] | None, release: str) -> bool | None:
    if client is None:
        return None
    timestamps = client["timestamps"]
    # That recycle dropped connections on the client itself says nothing of a NAT in front of it.
    nat = client["exposure"]["behind_nat"]
    translated = nat["value"] and any("(PAWSPassive)" not in words for words in nat.get("evidence", ()))
    if timestamps["offset"] == "per_connection" or translated:
        return True
    if timestamps["setting"] == 0:
        found = re.match(r"([0-9]+)\.([0-9]+)", release)
        return found is None or (int(found[1]), int(found[2])) >= WITHOUT_TIMESTAMPS_SINCE
    return None if timestamps["offset"] == "unknown" else False


def radii_of(facts: Facts) -> list[Radius]:
    """For every server that has it on."""
    servers = {
        host: found for host, found in sorted(facts.items()) if found and found["sysctls"]["tcp_tw_recycle"]["value"]
    }
    return [radius_of(host, found["kernel"]["release"], facts) for host, found in servers.items()]


#: Hosts that are named; there may be thousands.
MOST_NAMED = 5


def reason_of(radius: Radius) -> str:
    """``3 of your hosts would be dropped by db3 now and then: ...``; there must be some."""
    number = len(radius.dropped)
    return (
        f"{number} of your hosts would be dropped by {printable(radius.server)} now and then: those whose timestamps "
        "are random for each connection, that send none, or that are behind NAT"
    )


def names_of(radius: Radius) -> list[str]:
    """Some of the hosts that would be dropped, and how many more there are."""
    names = [printable(host) for host in radius.dropped[:MOST_NAMED]]
    more = len(radius.dropped) - len(names)
    return [
        *names,
        *([f"and {more} more"] if more else []),
        *([f"not known of {radius.not_known} more"] if radius.not_known else []),
    ]


def audit_of(facts: Facts, made: str) -> dict[str, Any]:
    """The audit as a JSON document; ``made`` is when, as ``2026-11-28T19:30:00Z``."""
    return {
        "format": FORMAT,
        "made": made,
        "hosts": {host: facts[host] for host in sorted(facts)},
        "blast_radius": [
            {"server": radius.server, "dropped": list(radius.dropped), "not_known": radius.not_known}
            for radius in radii_of(facts)
        ],
        "summary": {
            "hosts": len(facts),
            "silent": sum(found is None for found in facts.values()),
            **{severity: len(hosts_with(facts, (severity,))) for severity in SEVERITIES},
        },
    }


def hosts_with(facts: Facts, severities: Sequence[str]) -> list[str]:
    """The hosts that have a finding of one of these severities."""
    return sorted(
        host
        for host, found in facts.items()
        if any(finding["severity"] in severities for finding in (found or {}).get("findings", ()))
    )
