# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that boots an image in whose build the role ran."""

import scenario

testinfra_hosts = scenario.urls("host_of_the_image")


def test_the_values_hold_from_the_first_boot_on(host):
    assert scenario.sysctl(host, "tcp_tw_reuse") == [1]
    assert scenario.sysctl(host, "tcp_timestamps") == [1]


def test_another_file_would_have_set_something_else(host):
    assert host.check_output("grep -c '= 0' /etc/sysctl.d/10-somebody.conf") == "2"


def test_nothing_is_left_to_do(host):
    """On the running host, kernel and all."""
    run = scenario.playbook("converge.yml", "--extra-vars", "timewait_apply_to=both")
    assert (run.rc, run.changed()) == (0, []), run.words
