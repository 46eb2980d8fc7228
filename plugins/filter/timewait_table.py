# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: timewait_table
short_description: The TIME_WAIT facts of many hosts as lines of text
version_added: 0.1.0
description:
  - Makes a table with a row for each host, and below it every finding with the hosts that have it, evidence and remedy.
  - What comes from a host is shown in plain ASCII. Anything that a terminal could take for a command is escaped.
positional: _input
options:
  _input:
    description: Facts as in C(ansible_facts.timewait), by host name. Null for a host that gave none.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the facts of all hosts of this play
  ansible.builtin.debug:
    msg: "{{ dict(ansible_play_hosts | zip(facts)) | linux_tcp.tuning.timewait_table }}"
  vars:
    facts: "{{ ansible_play_hosts | map('extract', hostvars, ['ansible_facts', 'timewait']) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._table import table


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"timewait_table": table}
