# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of linux_tcp.tuning.timewait_facts; its documentation is in plugins/modules/timewait_facts.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._action import TimewaitAction
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._advice._rules import findings_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._census import wanted_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._exposure import Claim, exposure_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._facts import facts_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._observed import observed
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import BadAnswer, Probe, probe_script
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._snapshot import printable

NOT_COUNTED = (
    "the TIME_WAIT sockets of this host could not be counted: it takes a Python from 2.7 on, or ss with awk, or awk "
    "alone with a readable /proc/net/tcp"
)
NO_RATES = "there are no rates: they take sleep, and /proc/uptime, /proc/net/sockstat and /proc/net/netstat, readable"
NOT_ROOT = (
    "not asked as root: what only root may see was left out, such as chains of nftables, other network namespaces, "
    "this kernel's own defaults, and files that are not for everybody. Add become: true"
)
INCOMPLETE = "sockets came and went while they were counted, and the kernel could not tell all of them"


class ActionModule(TimewaitAction):
    spec = {"gather_subset": {"type": "raw"}, "top": {"type": "raw"}, "interval": {"type": "raw"}}

    def answer(self, arguments: dict[str, Any], claims: list[Claim], task_vars: dict[str, Any]) -> dict[str, Any]:
        wanted = wanted_of(arguments)
        probe = Probe(
            evidence=True,
            defaults=True,
            listeners=True,
            advice=True,
            sockets=wanted.sockets,
            top=wanted.top,
            interval=wanted.interval,
        )
        _answer, sections, snapshot = self.ask(probe_script(probe), probe.nonce)
        try:
            host = observed(sections, snapshot, exposure_of(claims, snapshot))
        except (ValueError, IndexError, KeyError) as error:
            raise BadAnswer(printable(str(error))) from error
        facts = facts_of(host, findings_of(host))
        warnings = {
            NOT_COUNTED: wanted.sockets and not host.census,
            NOT_ROOT: snapshot.uid not in (0, None),
            INCOMPLETE: host.census is not None and not host.census.whole,
            NO_RATES: wanted.interval and not host.rates,
        }
        result = {"changed": False, "ansible_facts": {"timewait": facts}}
        said = [text for text, holds in warnings.items() if holds]
        return {**result, "warnings": said} if said else result
