# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what happened in a run as JSON lines, for tests to read."""

from __future__ import annotations

DOCUMENTATION = """
name: sandbox_results
type: notification
short_description: Write every task result to a file as one line of JSON
description: Enabled by the integration tests only.
author: the linux_tcp.tuning authors
version_added: 0.1.0
options:
  path:
    description: File to append to.
    type: path
    required: true
    env:
      - name: SANDBOX_RESULTS
"""

import json
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """One line per task and host, one for the recap."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "sandbox_results"
    CALLBACK_NEEDS_ENABLED = True

    def _write(self, line: dict[str, Any]) -> None:
        # The values of a result may be ansible-core's own subclasses of str, int and dict: JSON drops the difference.
        with Path(self.get_option("path")).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")

    def _result(self, status: str, task_result: Any) -> None:
        task = task_result._task
        self._write(
            {
                "task": task.get_name(),
                "action": task.action,
                "host": task_result._host.get_name(),
                "status": status,
                "result": task_result._result,
            }
        )

    def v2_runner_on_ok(self, result: Any) -> None:
        self._result("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:  # noqa: ARG002
        self._result("failed", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._result("skipped", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._result("unreachable", result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._write({"recap": {host: stats.summarize(host) for host in stats.processed}})
