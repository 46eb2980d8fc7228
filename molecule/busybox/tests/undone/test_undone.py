# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""After it is undone the file is as it was, down to the newline that it lacks."""

import scenario

testinfra_hosts = scenario.urls("embedded")


def test_the_file_is_as_it_was(host):
    before = host.check_output("cat /root/before").splitlines()
    assert before[0].startswith("etc/sysctl.conf ")
    assert scenario.remembered(host)[:2] == before[:2]


def test_the_former_values_are_back(host):
    assert scenario.sysctl(host, "tcp_timestamps") == [0]
    assert scenario.sysctl(host, "tcp_tw_reuse") == [0]
