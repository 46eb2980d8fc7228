# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A reboot after the undoing gives the values of the other files, as if the role had never run."""

import scenario

testinfra_hosts = scenario.urls("by_playbook", "by_state")


def test_the_files_of_somebody_else_decide_again(host):
    assert scenario.sysctl(host, "tcp_tw_reuse") == [0]
    assert scenario.sysctl(host, "tcp_timestamps") == [0]
    assert scenario.sysctl(host, "ip_local_port_range") == [32768, 60999]


def test_what_no_file_sets_has_the_default_of_the_kernel(host):
    assert scenario.sysctl(host, "ip_local_reserved_ports") == []
    assert scenario.sysctl(host, "tcp_max_tw_buckets") != [400000]
