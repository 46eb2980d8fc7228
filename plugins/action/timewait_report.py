# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of linux_tcp.tuning.timewait_report; its documentation is in plugins/modules/timewait_report.py."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from ansible import constants as C
from ansible.utils.display import Display
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._action import TimewaitAction
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._audit import Facts, audit_of, hosts_with
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._exposure import Claim
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._html._page import page
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._known import known_facts
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._reports import file_for, write_text
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._snapshot import printable
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._table import table
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._values import BadRequest

#: Callbacks whose output is for programs: a table in it would break it.
FOR_PROGRAMS = ("json", "jsonl")
#: How a report in JSON begins.
OURS = '{\n "format": '
#: A result is shown, kept and handed around: so many hosts are named in it, and all in the report.
MOST_HOSTS = 20
#: Sentences are no longer than this, however wide the terminal is.
WIDEST = 120


class ActionModule(TimewaitAction):
    _requires_connection = False
    spec = {"path": {"type": "str"}, "show": {"type": "bool"}}

    def answer(self, arguments: dict[str, Any], claims: list[Claim], task_vars: dict[str, Any]) -> dict[str, Any]:
        facts = self._facts(task_vars)
        try:
            audit = audit_of(facts, datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))
            lines = table(facts, min(Display().columns, WIDEST))
            html = page(audit)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            # Whoever else set them, or another version of this collection.
            raise BadRequest(
                f"ansible_facts.timewait of a host is not what timewait_facts returns ({printable(repr(error))}); call "
                "it in this play, before this task"
            ) from error
        for_people = C.DEFAULT_STDOUT_CALLBACK.rpartition(".")[2] not in FOR_PROGRAMS
        show = arguments["show"] is not False and for_people
        if show:
            Display().display("\n".join(["", *lines]))
        # After the table, so that it is seen whatever becomes of the report.
        written = _written(arguments["path"], audit, html) if arguments["path"] else []
        if show and written:
            Display().display(f"written: {', '.join(written)}")
        return {
            "changed": False,
            "table": lines,
            "summary": audit["summary"],
            "blast_radius": [
                {**radius, "dropped": radius["dropped"][:MOST_HOSTS], "number": len(radius["dropped"])}
                for radius in audit["blast_radius"]
            ],
            "hosts_with_errors": hosts_with(facts, ("error",)),
            "written": written,
        }

    def _facts(self, task_vars: dict[str, Any]) -> Facts:
        """Of the hosts of this play. Of those that are out of it none: what a cache has of them is not of today."""
        there = set(map(str, task_vars["ansible_play_hosts"]))
        known = known_facts(task_vars["hostvars"], there)
        return {host: known.get(host) for host in map(str, task_vars["ansible_play_hosts_all"])}


def _written(path: str, audit: dict[str, Any], html: str) -> list[str]:
    """HTML, and JSON beside it; JSON alone where the name ends in ``.json``. The paths. Raises BadRequest."""
    file = file_for(path)
    if file.suffix.lower() == ".json":
        texts = {file: f"{json.dumps(audit, indent=1)}\n"}
    else:
        beside = file_for(str(file.with_suffix(".json")))
        if beside.exists() and not beside.read_text(encoding="utf-8", errors="replace").startswith(OURS):
            raise BadRequest(f"{printable(str(beside))} would be overwritten, and is no report; give it another name")
        texts = {beside: f"{json.dumps(audit, indent=1)}\n", file: html}
    for one, text in texts.items():
        write_text(one, text)
    return [str(one) for one in texts]
