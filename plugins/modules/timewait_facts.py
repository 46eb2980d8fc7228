#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: timewait_facts
short_description: Facts about TIME_WAIT, with findings
version_added: 0.1.0
description:
  - Reads what decides how a host treats sockets in TIME_WAIT, now and after the next boot, and says what is wrong.
  - C(docs/findings.md) in this collection lists the findings, with what each rests on and what mends it.
  - Programs that set these sysctls beside the loader of sysctl files (tuned, ufw, rc.local, systemd units, cron,
    NetworkManager's and ifupdown's scripts, cloud-init) are named in the finding C(conflicting_writer).
  - One round trip. Nothing on the host is changed, and nothing is done per socket but with O(gather_subset=sockets).
  - The host needs no Python. A POSIX C(sh) with C(cat) and C(uname) is enough. Without root some facts may be missing.
    A Python from 2.7 on makes the census of sockets faster.
author:
  - linux_tcp.tuning authors (@linux-tcp)
extends_documentation_fragment:
  - linux_tcp.tuning.exposure
  - linux_tcp.tuning.attributes
  - linux_tcp.tuning.attributes.reads
options:
  gather_subset:
    description:
      - What else to gather, as a list.
      - With V(sockets) every TIME_WAIT socket is counted, by what it is - inbound, outbound or undetermined - and where
        it leads to. Connections established to the busiest destinations are looked at for timestamps, and the host
        connects to itself to see how its kernel offsets them.
      - They are counted by C(sock_diag) where the host has a Python from 2.7 on, else by C(ss), else from
        C(/proc/net/tcp) by C(awk). No kernel module is loaded for it.
    type: raw
    default: []
  top:
    description:
      - How many ports and destinations are named, those with most sockets. From V(1) to V(100).
    type: raw
    default: 10
  interval:
    description:
      - Seconds between two samples of counters, and of sockets with O(gather_subset=sockets), for C(rates). From V(0),
        for none, to V(300).
    type: raw
    default: 0
seealso:
  - module: linux_tcp.tuning.timewait_settings
  - module: linux_tcp.tuning.timewait_report
"""

EXAMPLES = r"""
- name: Read the facts
  linux_tcp.tuning.timewait_facts:

- name: See where TIME_WAIT sockets lead to, and how fast they come
  linux_tcp.tuning.timewait_facts:
    gather_subset: [sockets]
    interval: 2

- name: Stop where something is wrong
  ansible.builtin.assert:
    that: ansible_facts.timewait.findings | selectattr('severity', 'eq', 'error') | length == 0
    fail_msg: "{{ ansible_facts.timewait.findings | map(attribute='message') | join('; ') }}"
"""

RETURN = r"""
ansible_facts:
  description:
    - The facts, below C(timewait). C(docs/timewait_facts.schema.json) in this collection describes them exactly.
  returned: always
  type: dict
  contains:
    timewait:
      description: All facts. What a host does not have is null or absent, never a made-up value.
      returned: always
      type: dict
      contains:
        kernel:
          description:
            - System, release and machine, whether this is the initial network namespace, and what kind of container it
              is (null where nothing says that it is one).
          type: dict
          sample: {system: Linux, release: 6.1.0-44-amd64, machine: x86_64, initial_namespace: true, container: null}
        loaders:
          description:
            - What applies sysctl files at boot and on C(sysctl --system), and why it is taken for that.
            - C(none) where nothing reads the files, C(unknown) where that cannot be told.
          type: dict
          sample:
            boot: {name: systemd-sysctl 252, reason: "systemd runs this host, with systemd-sysctl"}
            reload: {name: procps 4.0.2, reason: sysctl is that of procps 4.0.2}
        sysctls:
          description:
            - Every knob that this collection knows, by name.
            - Each has C(key), C(supported) (this kernel has it), C(value), C(default) (this kernel's own, where it can
              be seen), and C(boot) and C(reload), which are what the next boot and C(sysctl --system) would make of it.
          type: dict
          sample:
            tcp_tw_reuse:
              key: net.ipv4.tcp_tw_reuse
              supported: true
              value: 1
              default: 2
              boot: {value: 1, source: /etc/sysctl.d/99-timewait.conf, line: 13, loader: systemd-sysctl 252}
              reload: {value: 1, source: /etc/sysctl.d/99-timewait.conf, line: 13, loader: procps 4.0.2}
        related:
          description:
            - Settings that guides take for those of TIME_WAIT, and that are none, in seconds. Those that the host lacks
              are absent.
          type: dict
          sample: {tcp_fin_timeout: 60, nf_conntrack_tcp_timeout_time_wait: 120}
        timestamps:
          description:
            - The setting, and how this kernel offsets timestamps (per_connection, per_host, none or unknown).
            - It is unknown with the setting 1, unless O(gather_subset=sockets) tried it.
          type: dict
          sample: {setting: 1, offset: unknown}
        sockets:
          description:
            - The number of TIME_WAIT sockets, their limit, and the share of it that is taken (0 to 1).
            - C(census) is null without O(gather_subset=sockets). It has C(method), which is how they were counted; and
              C(inbound), where the local port has a listener, so that this host closed first and reuse is irrelevant;
              C(outbound) by source, destination and port of the destination; and C(undetermined), all others.
            - Of a destination there are the C(sockets) in TIME_WAIT and the connections that are C(open), which is
              any other state, the C(share) of usable ports that both take, what the connections established to it
              negotiated (C(timestamps)), and whether C(reuse) helps with it as it is set now (works, partly, off,
              no_timestamps or unknown). With O(interval) there are C(growth), in sockets per second, and
              C(seconds_left) until no port is left for it.
          type: dict
          sample:
            time_wait: 28120
            limit: 262144
            share: 0.1073
            census:
              method: sock_diag
              complete: true
              time_wait: 28117
              fin_wait_2: 3
              inbound: {sockets: 2117, ports: 1, top: [{port: 443, sockets: 2117}]}
              outbound:
                sockets: 26000
                destinations: 1
                lost: 0
                top:
                  - source: 10.0.0.9
                    destination: 10.0.0.5
                    port: 3306
                    sockets: 26000
                    open: 12
                    share: 0.9214
                    growth: 12.5
                    seconds_left: 178.6
                    reuse: no_timestamps
                    timestamps: not_negotiated
                    established: {with: 0, without: 12}
              undetermined: {sockets: 0, ports: 0, top: []}
        ports:
          description: The range for outgoing connections, the reserved ports in pairs, and how many can be used.
          type: dict
          sample: {range: [32768, 60999], reserved: [[8080, 8080]], usable: 28232}
        counters:
          description: Those TcpExt counters that say something of TIME_WAIT, by name. Absent ones are absent.
          type: dict
          sample: {TW: 511, TWRecycled: 0, TCPTimeWaitOverflow: 0}
        rates:
          description:
            - With O(interval), what happened per second between two samples, which are C(seconds) apart. Sockets that
              came into TIME_WAIT, that were reused, and that found no room; segments dropped for their timestamp, and
              those of them that came to a socket in TIME_WAIT; and connection attempts dropped by listeners. Null
              without O(interval).
          type: dict
          sample:
            seconds: 2.01
            time_wait: 431.3
            reused: 0.0
            overflows: 0.0
            paws_drops: 0.0
            syn_drops: 0.0
            paws_time_wait: 0.0
        capacity:
          description:
            - How many new connections per second one address can open for ever to one port of another, without reuse
              (C(per_destination)), and with reuse where both ends negotiate timestamps.
            - C(now) is the one of both that the present settings lead to.
          type: dict
          sample: {time_wait_seconds: 60, now: 470.5, per_destination: 470.5, per_destination_with_reuse: 28232.0}
        exposure:
          description: What is known of the host's exposure, each with its evidence.
          type: dict
          sample:
            public_facing: {value: true, evidence: [tagged public_facing by group public_facing]}
            behind_nat: {value: false, evidence: []}
            private: {value: false, evidence: []}
            unclassified: {value: false, evidence: []}
        findings:
          description:
            - What is wrong, the worst first. Severities are error, warning and info.
            - C(commands) are lines for a root shell on the host that mend it now. There are none where it is mended
              elsewhere.
          type: list
          elements: dict
          sample:
            - id: reuse_without_timestamps
              severity: error
              message: "tcp_tw_reuse is on and does nothing: without timestamps no TIME_WAIT socket is ever reused"
              evidence: [net.ipv4.tcp_tw_reuse is 1, net.ipv4.tcp_timestamps is 0]
              remedy: sysctl -w net.ipv4.tcp_timestamps=1, and the role linux_tcp.tuning.timewait to keep it so
              commands: [sysctl -w net.ipv4.tcp_timestamps=1]
"""
