# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of linux_tcp.tuning.timewait_lint; its documentation is in plugins/modules/timewait_lint.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._action import TimewaitAction
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._judge import judged
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._lint import lint
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._report import Report, as_data, lines, sentences
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._run import paths_of, write_report
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._exposure import Claim
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._fleet import fleet_of

#: A result is shown, kept and handed around: of each finding it has so many hosts, the exposed ones first.
MOST_HOSTS = 20

#: How many errors the message names; the table has them all.
MOST_ERRORS = 5


class ActionModule(TimewaitAction):
    _requires_connection = False
    spec = {"paths": {"type": "raw"}, "report": {"type": "str"}}

    def answer(self, arguments: dict[str, Any], claims: list[Claim], task_vars: dict[str, Any]) -> dict[str, Any]:
        if arguments["paths"] is None:
            report = self.report_on_play(arguments, task_vars)
        else:
            fleet = fleet_of(task_vars, arguments, self._templar.template)
            known = {"classes": fleet.classes, "inventories": fleet.sources} if fleet else {}
            found = lint(paths_of(arguments["paths"]), **known)
            here = str(Path.cwd())
            findings = judged(found.assignments, fleet and fleet.reached, here)
            notes = (*found.notes, *(fleet.notes if fleet else ()))
            report = Report(tuple(findings), notes, found.files, here)
        if arguments["report"]:
            write_report(report, arguments["report"])
        # Of a tree there is the table to show; the one of each host of a play nobody shows.
        return {**_result(report), "warnings": sentences(report, "warning") if arguments["paths"] is None else []}


def _result(report: Report) -> dict[str, Any]:
    errors = sentences(report, "error")
    result = {
        "changed": False,
        **as_data(report, MOST_HOSTS),
        "counts": report.counts,
        "files": report.files,
        "table": lines(report),
    }
    if not errors:
        return result
    more = [f"and {len(errors) - MOST_ERRORS} more"] if len(errors) > MOST_ERRORS else []
    return {**result, "failed": True, "msg": "; ".join([*errors[:MOST_ERRORS], *more])}
