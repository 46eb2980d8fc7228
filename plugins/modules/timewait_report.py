#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: timewait_report
short_description: The TIME_WAIT facts of all hosts of a play, as a table and as a report
version_added: 0.1.0
description:
  - Joins what M(linux_tcp.tuning.timewait_facts) returned on the hosts of this play. Shows a table with a row for each
    host, and every finding with the hosts that have it, evidence and remedy.
  - Of each host with C(tcp_tw_recycle) on it says which of the others it would drop, as far as their kernels were asked
    how they make timestamps (O(linux_tcp.tuning.timewait_facts#module:gather_subset=sockets)).
  - Use it with C(run_once), and neither with C(serial) nor with the strategy C(free), with which hosts have not been
    asked yet. The playbook C(linux_tcp.tuning.audit) does it.
author:
  - linux_tcp.tuning authors (@linux-tcp)
extends_documentation_fragment:
  - linux_tcp.tuning.exposure
  - linux_tcp.tuning.attributes
  - linux_tcp.tuning.attributes.reads
attributes:
  action:
    description: Runs on the controller. No host is contacted.
  facts:
    support: none
options:
  path:
    description:
      - A file on the controller to write the report to, in check mode too. It is HTML in one file that needs no
        network. The same facts are written as JSON beside it, in a file of the same name that ends in C(.json).
      - Where the name ends in C(.json), JSON alone is written.
    type: str
  show:
    description: Print the table. It is returned in any case. It is never printed among JSON of a callback.
    type: bool
    default: true
seealso:
  - module: linux_tcp.tuning.timewait_facts
"""

EXAMPLES = r"""
- name: Ask all hosts
  linux_tcp.tuning.timewait_facts:
    gather_subset: [sockets]
    interval: 1

- name: Show what is wrong with them, and write it down
  linux_tcp.tuning.timewait_report:
    path: timewait.html
  run_once: true
"""

RETURN = r"""
table:
  description: The table, the findings and the sums as lines of text.
  returned: success
  type: list
  elements: str
summary:
  description: How many hosts there are, how many gave no facts, and how many have findings of each severity.
  returned: success
  type: dict
  sample: {hosts: 3, silent: 0, error: 1, warning: 2, info: 0}
blast_radius:
  description:
    - For each host with C(tcp_tw_recycle) on, the others that it would drop now and then, because their timestamps are
      random for each connection, because they send none, or because they are behind NAT.
    - C(number) is how many they are. No more than 20 of them are in C(dropped), and all in the report.
    - C(not_known) is the number of those whose kernel could not be asked.
  returned: success
  type: list
  elements: dict
  sample: [{server: db3, dropped: [web1, web2], number: 2, not_known: 1}]
hosts_with_errors:
  description: The hosts that have a finding of severity error.
  returned: success
  type: list
  elements: str
written:
  description: The files that were written.
  returned: success
  type: list
  elements: str
"""
