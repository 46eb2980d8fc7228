# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard's place among the plugins; what it does is in plugins/plugin_utils/_guard_hooks.py."""

from __future__ import annotations

DOCUMENTATION = r"""
name: timewait_guard
type: notification
short_description: Stop tasks that would turn tcp_tw_recycle on
version_added: 0.1.0
author: linux_tcp.tuning authors (@linux-tcp)
description:
  - Looks at every task of a run just before it runs, with its final arguments, whoever wrote it. A task that would set
    C(net.ipv4.tcp_tw_recycle) to anything but 0 is stopped on hosts that are tagged C(public_facing) or C(behind_nat),
    and on hosts without a tag. It fails on those hosts, before anything is touched; the others go on.
  - Tags are those that M(linux_tcp.tuning.timewait_settings) goes by, of the host that the task changes
    (C(delegate_to)). A host that is attested C(private) is let through with a warning. The host itself is not asked.
  - All items of a loop are looked at before the first one runs. C(ignore_errors) and C(failed_when) do not help
    a stopped task. A C(rescue) does, but the run then ends with exit status 2.
  - It must be enabled, see the examples. Then it says so in a line on standard error. Where ansible-core is not as it
    must be for the guard to work, the run ends before the first task.
  - C(docs/guard.md) of this collection says what it cannot see.
options:
  public_groups:
    description: Names of more groups whose hosts are public-facing, as the variable C(timewait_public_groups).
    type: list
    elements: string
    default: []
    ini:
      - section: callback_timewait_guard
        key: public_groups
    env:
      - name: TIMEWAIT_GUARD_PUBLIC_GROUPS
  nat_groups:
    description: Names of more groups whose hosts are behind NAT, as the variable C(timewait_nat_groups).
    type: list
    elements: string
    default: []
    ini:
      - section: callback_timewait_guard
        key: nat_groups
    env:
      - name: TIMEWAIT_GUARD_NAT_GROUPS
requirements:
  - enabled in the configuration, see the examples
seealso:
  - module: linux_tcp.tuning.timewait_settings
"""

EXAMPLES = r"""
ansible.cfg: |
  # Enable the guard; the second line is for the command "ansible".
  [defaults]
  callbacks_enabled = linux_tcp.tuning.timewait_guard
  bin_ansible_callbacks = true
"""

from typing import Any

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Installs the guard, and says so."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "linux_tcp.tuning.timewait_guard"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        try:
            # Here, because ansible-core only warns of a plugin that cannot be imported, and goes on without it.
            from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._guard_hooks import install  # noqa: PLC0415

            self._guard = install()
        except Exception as error:
            self._display.error(f"{self.CALLBACK_NAME} cannot guard this run, which therefore ends here: {error}")
            raise SystemExit(1) from error
        self._display.display(f"{self.CALLBACK_NAME} is active", stderr=True)

    def set_options(self, *args: Any, **kwargs: Any) -> None:
        super().set_options(*args, **kwargs)
        self._guard.options = {name: self.get_option(name) for name in ("public_groups", "nat_groups")}

    def v2_playbook_on_stats(self, stats: Any) -> None:  # noqa: ARG002
        if self._guard.refusals:
            count = self._guard.refusals
            self._display.display(f"{self.CALLBACK_NAME} stopped {count} task{'s' * (count > 1)}", stderr=True)
