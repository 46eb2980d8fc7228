# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of linux_tcp.tuning.timewait_facts; its documentation is in plugins/modules/timewait_facts.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._action import TimewaitAction
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._advice import findings_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._census import censuses_of, wanted_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._exposure import Claim, exposure_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._facts import facts_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._rates import rates_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import BadAnswer, Probe, probe_script
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._snapshot import printable

NOT_COUNTED = (
    "the TIME_WAIT sockets of this host could not be counted: it takes a Python from 2.7 on, or ss with awk, or awk "
    "alone with a readable /proc/net/tcp"
)
NO_RATES = "there are no rates: they take sleep, and /proc/uptime, /proc/net/sockstat and /proc/net/netstat, readable"
INCOMPLETE = "sockets came and went while they were counted, and the kernel could not tell all of them"


class ActionModule(TimewaitAction):
    spec = {"gather_subset": {"type": "raw"}, "top": {"type": "raw"}, "interval": {"type": "raw"}}

    def answer(self, arguments: dict[str, Any], claims: list[Claim], task_vars: dict[str, Any]) -> dict[str, Any]:
        wanted = wanted_of(arguments)
        probe = Probe(evidence=True, defaults=True, sockets=wanted.sockets, top=wanted.top, interval=wanted.interval)
        _answer, sections, snapshot = self.ask(probe_script(probe), probe.nonce)
        try:
            censuses = censuses_of(sections)
            rates = rates_of(sections, censuses)
        except (ValueError, IndexError, KeyError) as error:
            raise BadAnswer(printable(str(error))) from error
        census = censuses[-1] if censuses else None
        exposure = exposure_of(claims, snapshot)
        facts = facts_of(snapshot, exposure, findings_of(snapshot, exposure), census, rates)
        warnings = {
            NOT_COUNTED: wanted.sockets and not census,
            INCOMPLETE: census is not None and not census.whole,
            NO_RATES: wanted.interval and not rates,
        }
        result = {"changed": False, "ansible_facts": {"timewait": facts}}
        said = [text for text, holds in warnings.items() if holds]
        return {**result, "warnings": said} if said else result
