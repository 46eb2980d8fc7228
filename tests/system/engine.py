# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What timewait_settings does, without ansible: look at a host, plan, and the script that carries the plan out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._exposure import Claim, exposure_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._knobs import KNOBS
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._plan import Plan, plan
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._request import Request, request_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import (
    Probe,
    Step,
    apply_script,
    probe_script,
    sections_of,
    state_of,
)
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._snapshot import Snapshot, snapshot_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._steps import failure_in, steps_of

from tests.sandbox.hosts import SandboxHost


@dataclass(frozen=True)
class Planned:
    """What is to be done on a host: ``script`` does it, and answers in frames of ``nonce``."""

    plan: Plan
    snapshot: Snapshot
    steps: Sequence[Step]
    script: str
    nonce: str


def planned(host: SandboxHost, claims: Sequence[Claim] = (), **options: Any) -> Planned:
    """Looks at a host, and plans what these options of timewait_settings ask for."""
    request: Request = request_of(options)
    probe = Probe(
        request.path,
        try_to_write=tuple(KNOBS),
        listeners="ip_local_port_range" in request.values,
        evidence=bool(request.recycle) or request.state == "absent",
    )
    answer = host.sh(probe_script(probe)).encode("utf-8", "surrogateescape")
    snapshot = snapshot_of(sections_of(answer, probe.nonce))
    made = plan(snapshot, exposure_of(claims, snapshot), request)
    steps = steps_of(made)
    script = apply_script(probe, state_of(answer, probe.nonce), steps, [])
    return Planned(made, snapshot, steps, script, probe.nonce)


def failure_of(planned: Planned, answer: str) -> str | None:
    """Why the script did not do what was planned, as the user is told; None when it did. Raises BadAnswer."""
    return failure_in(sections_of(answer.encode("utf-8", "surrogateescape"), planned.nonce), list(planned.steps))


def carry_out(host: SandboxHost, made: Planned) -> None:
    """Does what was planned, which must succeed."""
    if made.plan.changed:
        failure = failure_of(made, host.sh(made.script))
        assert failure is None, failure


def settle(host: SandboxHost, claims: Sequence[Claim] = (), **options: Any) -> Planned:
    """Plans and carries it out; what was planned."""
    made = planned(host, claims, **options)
    carry_out(host, made)
    return made
