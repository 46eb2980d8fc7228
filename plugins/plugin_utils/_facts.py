# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of a host, as plain data for ``ansible_facts.timewait``. Pure.

docs/timewait_facts.schema.json describes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ._advice._finding import Finding
from ._census import census_facts
from ._exposure import Exposure
from ._knob_values import decided, plain
from ._knobs import KNOBS
from ._observed import Observed
from ._ports import Use, capacity_of, usable_ports
from ._snapshot import Snapshot, printable
from ._values import ports_in


def facts_of(host: Observed, findings: Sequence[Finding]) -> dict[str, Any]:
    """All facts of a host."""
    snapshot = host.snapshot
    return {
        "kernel": {
            "system": printable(snapshot.kernel.system),
            "release": printable(snapshot.kernel.release),
            "machine": printable(snapshot.kernel.machine),
            "initial_namespace": snapshot.initial_namespace,
            "container": snapshot.container,
        },
        "loaders": {
            "boot": {"name": snapshot.loaders.boot_name, "reason": snapshot.loaders.boot_reason},
            "reload": {"name": snapshot.loaders.reload_name, "reason": snapshot.loaders.reload_reason},
        },
        "sysctls": {name: _sysctl(name, snapshot) for name in KNOBS},
        "related": dict(snapshot.related),
        "timestamps": _timestamps(host),
        "sockets": {
            **_sockets(snapshot),
            "census": host.census and census_facts(host.census, [_use(use) for use in host.uses]),
        },
        "ports": _ports(snapshot),
        "counters": dict(snapshot.counters),
        "rates": None if host.rates is None else dict(host.rates),
        "capacity": _capacity(snapshot),
        "exposure": _exposure(host.exposure),
        "findings": [
            {**asdict(finding), "evidence": list(finding.evidence), "commands": list(finding.commands)}
            for finding in findings
        ],
    }


def _sysctl(name: str, snapshot: Snapshot) -> dict[str, Any]:
    loaders = snapshot.loaders
    default = snapshot.defaults.get(name)
    return {
        "key": KNOBS[name].key,
        "supported": name in snapshot.knobs,
        "value": plain(snapshot.knobs.get(name)),
        "default": plain(default),
        "boot": decided(name, snapshot.files, loaders.boot, loaders.boot_name, default),
        "reload": decided(name, snapshot.files, loaders.reload, loaders.reload_name, snapshot.knobs.get(name)),
    }


def _timestamps(host: Observed) -> dict[str, Any]:
    """Whether offsets are random per connection cannot be read off the setting 1: it depends on the kernel's fixes."""
    setting = host.snapshot.knobs.get("tcp_timestamps")
    seen = host.census.offset if host.census else "unknown"
    return {"setting": setting, "offset": seen if setting in (None, 1) else "none"}


def _sockets(snapshot: Snapshot) -> dict[str, Any]:
    limit = snapshot.knobs.get("tcp_max_tw_buckets")
    count = snapshot.time_wait
    share = round(count / limit, 4) if isinstance(limit, int) and limit > 0 and count is not None else None
    return {"time_wait": count, "limit": limit, "share": share}


def _use(use: Use) -> dict[str, Any]:
    one = use.destination
    return {
        "source": one.source,
        "destination": one.destination,
        "port": one.port,
        "sockets": one.sockets,
        "open": one.open,
        "share": use.share,
        "growth": use.growth,
        "seconds_left": use.seconds_left,
        "reuse": use.reuse,
        "timestamps": one.timestamps,
        "established": {"with": one.with_timestamps, "without": one.without_timestamps},
    }


def _ports(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "range": plain(snapshot.knobs.get("ip_local_port_range")),
        "reserved": plain(ports_in(snapshot.knobs.get("ip_local_reserved_ports"))),
        "usable": usable_ports(snapshot),
    }


def _capacity(snapshot: Snapshot) -> dict[str, Any]:
    found = capacity_of(snapshot)
    return {
        "time_wait_seconds": found.time_wait_seconds,
        "now": found.now,
        "per_destination": found.without_reuse,
        "per_destination_with_reuse": found.with_reuse,
    }


def _exposure(exposure: Exposure) -> dict[str, Any]:
    def verdict(evidence: tuple[str, ...], *, value: bool) -> dict[str, Any]:
        return {"value": value, "evidence": [printable(words) for words in evidence]}

    nothing = ("no tag, and no sign of exposure on the host itself",) if exposure.unclassified else ()
    return {
        "public_facing": verdict(exposure.public_facing, value=bool(exposure.public_facing)),
        "behind_nat": verdict(exposure.behind_nat, value=bool(exposure.behind_nat)),
        "private": verdict(exposure.private, value=exposure.attested_private),
        "unclassified": verdict(nothing, value=exposure.unclassified),
    }
