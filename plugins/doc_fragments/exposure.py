# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  exposure:
    description:
      - Tags of the host, a list of V(public_facing), V(behind_nat) and V(private), in addition to those from the
        variable C(timewait_exposure) and from the groups C(public_facing), C(behind_nat) and C(private). A hyphen is
        as good as an underscore, and a capital letter as good as a small one.
      - V(public_facing) means that the host accepts connections from addresses you do not administer, be it directly or
        through a load balancer. V(behind_nat) means that addresses are translated between it and some peer, in either
        direction. V(private) attests that neither is the case.
      - Tags add up. None takes another away, and V(private) together with one of the others is an error.
    type: raw
  public_groups:
    description:
      - Names of more groups whose hosts are public-facing, in addition to the variable C(timewait_public_groups).
    type: raw
  nat_groups:
    description:
      - Names of more groups whose hosts are behind NAT, in addition to the variable C(timewait_nat_groups).
    type: raw
"""
