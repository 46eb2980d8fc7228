# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of hosts that Ansible holds: gathered in this run, or kept by a fact cache."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any


def known_facts(hostvars: Any, hosts: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """``ansible_facts.timewait`` of those of ``hosts`` that have it, as plain data, never templated."""
    found: dict[str, Mapping[str, Any]] = {}
    for host in hosts:
        facts = hostvars.raw_get(host).get("ansible_facts") or {}
        if _is_whole(facts.get("timewait")):
            # Texts that Ansible hands around carry where they come from.
            found[host] = json.loads(json.dumps(facts["timewait"]))
    return found


def _is_whole(facts: Any) -> bool:
    """Whether they can be compared: a cache may have those of another version, and a play can set anything."""
    try:
        texts = (facts["kernel"]["release"], facts["timestamps"]["offset"])
        return (
            all(isinstance(text, str) for text in texts)
            and {"setting"} <= set(facts["timestamps"])
            and ({"value"} <= set(facts["sysctls"]["tcp_tw_recycle"]) & set(facts["exposure"]["behind_nat"]))
        )
    except (KeyError, TypeError):
        return False
