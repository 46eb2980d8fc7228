# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of linux_tcp.tuning.timewait_facts; its documentation is in plugins/modules/timewait_facts.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._action import TimewaitAction
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._advice import findings_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._exposure import Claim, exposure_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._facts import facts_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import Probe, probe_script


class ActionModule(TimewaitAction):
    def answer(self, arguments: dict[str, Any], claims: list[Claim], task_vars: dict[str, Any]) -> dict[str, Any]:
        probe = Probe(evidence=True, defaults=True)
        _answer, _sections, snapshot = self.ask(probe_script(probe), probe.nonce)
        exposure = exposure_of(claims, snapshot)
        facts = facts_of(snapshot, exposure, findings_of(snapshot, exposure))
        return {"changed": False, "ansible_facts": {"timewait": facts}}
