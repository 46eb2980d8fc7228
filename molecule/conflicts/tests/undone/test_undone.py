# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""After it is undone, the files of somebody else are as they were, byte for byte."""

import scenario

testinfra_hosts = scenario.urls("devsec", "sysctl_conf")


def files(lines):
    """Without the values: a reboot lies between the two."""
    return lines[: lines.index("tcp_abort_on_overflow")]


def test_every_file_is_as_it_was(host):
    before = files(host.check_output("cat /root/before").splitlines())
    assert before
    assert files(scenario.remembered(host)) == before


def test_the_former_values_are_back(host):
    assert scenario.sysctl(host, "tcp_timestamps") == [0]
    assert scenario.sysctl(host, "tcp_tw_reuse") == [0]
