#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: timewait_settings
short_description: Apply safe TIME_WAIT settings, now and for the next boot
version_added: 0.1.0
description:
  - Sets the sysctls that decide how Linux treats sockets in TIME_WAIT, in the running kernel and in one drop-in file of
    its own, so that the values after the next boot are those that hold now.
  - C(net.ipv4.tcp_tw_recycle) is turned off wherever a kernel still has it. A non-zero value is refused on every host
    that is tagged public-facing or behind NAT, that shows signs of it, whose kernel is 4.10 or later or lacks the knob,
    or that nobody has attested to be private. There is no way to force it.
  - All or nothing. When a step fails, or another file would win at the next boot, everything is as it was before, and
    the error says which step or which line.
  - Programs that would set another value after the loader of sysctl files or beside it (tuned, ufw, rc.local, systemd
    units, cron, scripts for network interfaces, cloud-init) are named in warnings, with file, line and remedy.
  - The host needs no Python. A POSIX C(sh) with C(cat), C(mv), C(rm) and C(uname) is enough.
author:
  - linux_tcp.tuning authors (@linux-tcp)
extends_documentation_fragment:
  - linux_tcp.tuning.exposure
  - linux_tcp.tuning.attributes
  - linux_tcp.tuning.attributes.changes
options:
  state:
    description:
      - V(present) applies the settings. Knobs that an earlier run set and that are no longer asked for get their former
        values back.
      - V(absent) brings back the values and files from before, byte for byte. The one exception is
        C(tcp_tw_recycle), which is not turned on again where it would be refused.
    type: str
    default: present
    choices: [present, absent]
  tcp_tw_reuse:
    description:
      - Whether an outgoing connection may take over a TIME_WAIT socket to the same destination.
      - V(0) is off, V(1) on for all connections, V(2) on for loopback connections only. V(2) is refused on kernels
        below 4.18, where it means V(1).
      - It needs timestamps on both ends, and does nothing for incoming connections.
    type: raw
    default: 1
  tcp_tw_recycle:
    description:
      - Leave it at V(0), which V(off), V(no) and V(false) mean too. See the description for when anything else is
        refused.
    type: raw
    default: 0
  tcp_timestamps:
    description:
      - V(on) keeps a present V(1) or V(2), and turns V(0) into V(1).
      - V(1) (random offsets) and V(2) (no offsets) are set exactly as asked. V(0) is refused together with
        O(tcp_tw_reuse) other than V(0), which would do nothing without timestamps.
    type: raw
    default: "on"
  tcp_tw_reuse_delay:
    description:
      - Milliseconds, from 1 to 60000, after which O(tcp_tw_reuse) may take a socket over. Linux 6.14 and later.
    type: raw
  tcp_max_tw_buckets:
    description:
      - The least number of TIME_WAIT sockets that are to be allowed, 1 or more. A lower limit is raised to it, a
        higher one is left alone.
    type: raw
  ip_local_port_range:
    description:
      - First and last port for outgoing connections, as a list of two or as V(15000 60999). At least 1024 ports,
        beginning at C(net.ipv4.ip_unprivileged_port_start) or above.
      - A range that takes in ports on which services listen is refused unless these ports are reserved.
    type: raw
  ip_local_reserved_ports:
    description:
      - Ports and port ranges, such as V([8080, '9000-9010']), that are never to be picked for outgoing connections.
        They are added to those that are reserved already. One that is taken from the list stays reserved until the
        option is not set any longer, or until O(state=absent).
    type: raw
  tcp_rfc1337:
    description:
      - V(1) makes TIME_WAIT sockets ignore RST segments, V(0) is the kernel's default.
    type: raw
  tcp_tw_timeout:
    description:
      - Seconds that TIME_WAIT lasts, from 1 to 600, on those vendors' kernels that have a knob for it. Elsewhere it is
        fixed at 60 seconds, and asking for it is answered with a warning.
    type: raw
  conflicts:
    description:
      - What to do when another sysctl file would win at the next boot.
      - V(fail) names the file, the line and what would mend it, and changes nothing.
      - V(comment_out) comments that line out, shows it in the diff, and brings it back on O(state=absent). Files that
        belong to packages are never edited.
    type: str
    default: fail
    choices: [fail, comment_out]
  path:
    description:
      - The drop-in file, a C(.conf) file directly in C(/etc/sysctl.d) or C(/usr/local/lib/sysctl.d).
      - It belongs to one caller. Two roles with settings of their own use two files; for a key that both set, they must
        ask for the same value.
      - On hosts where no sysctl loader reads such a directory, a marked block in C(/etc/sysctl.conf) takes its place,
        under the name of this file.
    type: str
    default: /etc/sysctl.d/99-timewait.conf
  apply_to:
    description:
      - V(both) is the running kernel and the next boot.
      - V(runtime) is the running kernel alone, for hosts whose C(/etc) is read-only or belongs to somebody else. Files
        stay as they are, those of earlier runs too. What was before is kept in C(/run), until the next boot.
      - V(boot) is the next boot alone, for image builds and chroots, where C(/proc/sys) is read-only, not there, or
        that of another machine. Its values are not looked at.
      - On systems whose configuration is made elsewhere (NixOS, Guix System, ostree, Bottlerocket) V(both) and V(boot)
        are refused with the lines to put there, unless these are in force.
    type: str
    default: both
    choices: [both, runtime, boot]
  owner:
    description:
      - A name for the caller. When the same owner comes with another O(path), its settings move there together with the
        record of what was before, and the former file goes.
      - Unless it is set, it is the role that uses the role C(linux_tcp.tuning.timewait), or that role itself. A task of
        its own has no owner, and never moves anything.
    type: str
  lint_play:
    description:
      - Looks through the other tasks, roles and handlers of this play first, with the variables of this host. One that
        would turn C(tcp_tw_recycle) on, on this host and for certain, fails this task before anything is touched, where
        the tags of the host refuse it. What cannot be decided is a warning.
      - It knows what is known at that point, as O(linux_tcp.tuning.timewait_lint#module:paths) without paths does. It
        is not done with O(state=absent).
    type: bool
    default: true
seealso:
  - module: linux_tcp.tuning.timewait_facts
  - module: linux_tcp.tuning.timewait_lint
"""

EXAMPLES = r"""
- name: Safe defaults - reuse on, recycle off, timestamps on
  linux_tcp.tuning.timewait_settings:
  become: true

- name: More ports for a proxy, with the ports of its own services kept out
  linux_tcp.tuning.timewait_settings:
    ip_local_port_range: [15000, 60999]
    ip_local_reserved_ports: [15672, '20000-20010']
  become: true

- name: Win over a line in another file by commenting it out
  linux_tcp.tuning.timewait_settings:
    conflicts: comment_out
  become: true

- name: In the build of an image, where the running kernel is not that of the image
  linux_tcp.tuning.timewait_settings:
    apply_to: boot

- name: Undo all of it
  linux_tcp.tuning.timewait_settings:
    state: absent
  become: true
"""

RETURN = r"""
before:
  description:
    - The knobs that the kernel has, by name, before. A range is two integers, a list of ports is a list of those.
  returned: always
  type: dict
  sample: {tcp_tw_reuse: 2, tcp_timestamps: 1, ip_local_port_range: [32768, 60999]}
after:
  description: The same knobs afterwards, read again from the kernel. In check mode, what they would be.
  returned: always
  type: dict
  sample: {tcp_tw_reuse: 1, tcp_timestamps: 1, ip_local_port_range: [32768, 60999]}
boot:
  description:
    - For each knob, what it will be after the next boot, as far as the sysctl loader decides it.
    - RV(ignore:value) is null where that is not known, or where the kernel's default will hold.
  returned: always
  type: dict
  sample:
    tcp_tw_reuse: {value: 1, source: /etc/sysctl.d/99-timewait.conf, line: 13, loader: systemd-sysctl 252}
refused:
  description:
    - What was refused, and why. A run with O(state=present) that has anything in it has failed and touched nothing.
  returned: always
  type: list
  elements: dict
  contains:
    key:
      description: The sysctl.
      type: str
      sample: net.ipv4.tcp_tw_recycle
    value:
      description: The value that was asked for.
      type: int
      sample: 1
    reason:
      description: Why, in one sentence.
      type: str
    evidence:
      description: What was found, each in a few words.
      type: list
      elements: str
      sample: [tagged public_facing by group public_facing]
    origin:
      description: Where the value comes from; null for what ansible-core does not tell.
      type: dict
      sample: {variable: timewait_tcp_tw_recycle, path: inventory/group_vars/web.yml, line: 3}
    remedy:
      description: What to do instead.
      type: str
findings:
  description:
    - What O(lint_play) found in this play, as RV(linux_tcp.tuning.timewait_lint#module:findings) has it.
  returned: when another task of this play would turn C(tcp_tw_recycle) on
  type: list
  elements: dict
warnings:
  description: What was not done, or holds only for now. What O(lint_play) could not decide.
  returned: when there is any
  type: list
  elements: str
"""
