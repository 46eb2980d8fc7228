# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/linux_tcp.tuning.timewait) in C(module_defaults) to set defaults for all actions of it.
    support: full
    membership:
      - linux_tcp.tuning.timewait
  action:
    description: Runs on the controller, and sends a shell script over the connection of the host.
    support: full
  async:
    description: Can be run in the background with C(async).
    support: none
  become:
    description: Is usable with C(become).
    support: full
  platform:
    description: The hosts that it works on.
    support: full
    platforms: linux
"""

    CHANGES = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check_mode and predict what a run would change, without changing it.
    support: full
  diff_mode:
    description: Shows what changes, in files and in the kernel.
    support: full
"""

    READS = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check_mode. It never changes anything.
    support: full
  diff_mode:
    description: Shows what changes, in files and in the kernel.
    support: N/A
  facts:
    description: Returns C(ansible_facts).
    support: full
"""
