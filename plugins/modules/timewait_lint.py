#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: timewait_lint
short_description: Find what turns tcp_tw_recycle on, in Ansible content
version_added: 0.1.0
description:
  - Finds settings of C(net.ipv4.tcp_tw_recycle) on their way to hosts, in sysctl modules with their loops and
    variables, in files and templates, and in commands. See C(docs/lint.md) in this collection for what is found.
  - With O(paths) it reads any tree of content on the controller. Nothing of the content is run. Collections and roles
    that it uses need not be there. Each finding is judged by the hosts of the inventory that the play's pattern
    matches, and no host is contacted.
  - Without O(paths) it reads the tasks, handlers and roles of its own play, with the variables of this host, and judges
    them by the tags of this host. It knows what is known at that point. What dynamic includes bring later, and other
    plays, are not seen.
  - A task with findings of severity error fails. Without O(paths), those of severity warning are warnings of the task.
author:
  - linux_tcp.tuning authors (@linux-tcp)
extends_documentation_fragment:
  - linux_tcp.tuning.exposure
  - linux_tcp.tuning.attributes
  - linux_tcp.tuning.attributes.reads
attributes:
  action:
    description: Runs on the controller. The host is not contacted.
  facts:
    support: none
options:
  paths:
    description:
      - Files and directories on the controller, seen from the working directory. A list, or a text with commas.
      - A playbook stands for all that it comes to, roles and other playbooks included.
    type: raw
  report:
    description:
      - A file on the controller to write the report to, in check mode too. SARIF 2.1.0 where the name ends in
        C(.sarif), else JSON as in RV(findings) and RV(notes), with all hosts.
      - Each host that runs the task writes it anew, the last one wins. Without O(paths), put
        C({{ inventory_hostname }}) into its name.
    type: str
seealso:
  - module: linux_tcp.tuning.timewait_settings
"""

EXAMPLES = r"""
- name: Stop before anything of this play turns tcp_tw_recycle on
  linux_tcp.tuning.timewait_lint:

- name: Lint a checkout against the hosts of the inventory
  linux_tcp.tuning.timewait_lint:
    paths: [site.yml, roles]
    report: timewait.sarif
  run_once: true
"""

RETURN = r"""
findings:
  description: What was found and not silenced, in the order of path and line.
  returned: when the content could be read
  type: list
  elements: dict
  contains:
    path:
      description: Where the value stands. Relative to the working directory when it is below it, else absolute.
      type: str
      sample: group_vars/web.yml
    line:
      description: The line of the value, counted from 1.
      type: int
      sample: 4
    reaches:
      description: Path and line of the task, template or file that brings it to a host.
      type: dict
      sample: {path: roles/sysctl/tasks/main.yml, line: 2}
    rule:
      description: C(timewait-recycle), C(timewait-reuse-without-timestamps) or C(timewait-fin-timeout).
      type: str
      sample: timewait-recycle
    severity:
      description: C(error), C(warning) or C(info).
      type: str
      sample: error
    key:
      description: The sysctl.
      type: str
      sample: net.ipv4.tcp_tw_recycle
    value:
      description: The value as it would be set. What cannot be decided stands in double braces.
      type: str
      sample: "1"
    hosts:
      description:
        - The hosts that it would reach, with their exposure, those that are exposed first. No more than 20 of them
          here, and all in the report. Empty without an inventory.
      type: list
      elements: dict
      sample: [{name: web1, exposure: [public_facing]}]
    message:
      description: What is wrong, and why.
      type: str
    remedy:
      description: What to do instead.
      type: str
notes:
  description: What was not looked into, and why. RV(ignore:line) is null for a whole file.
  returned: when the content could be read
  type: list
  elements: dict
  sample: [{path: group_vars/all/vault.yml, line: null, message: encrypted}]
counts:
  description: How many findings there are of each severity.
  returned: when the content could be read
  type: dict
  sample: {error: 1, warning: 0, info: 2}
files:
  description: How many files were read.
  returned: when the content could be read
  type: int
  sample: 120
table:
  description: All of it as lines of text.
  returned: when the content could be read
  type: list
  elements: str
"""
