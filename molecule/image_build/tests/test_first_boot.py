# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that boots an image in whose build the role ran."""

import scenario

testinfra_hosts = scenario.urls("host_of_the_image")


def test_the_values_hold_from_the_first_boot_on(host):
    assert scenario.sysctl(host, "tcp_tw_reuse") == [1]
    assert scenario.sysctl(host, "tcp_timestamps") == [1]


def test_systemd_decided_between_two_files(host):
    assert host.check_output("cat /proc/1/comm") == "systemd"
    read = host.check_output("/lib/systemd/systemd-sysctl --cat-config").splitlines()
    assert [line for line in read if line.startswith("net.ipv4.tcp_tw_reuse ")] == [
        "net.ipv4.tcp_tw_reuse = 0",
        "net.ipv4.tcp_tw_reuse = 1",
    ]


def test_nothing_is_left_to_do(host):
    """In its kernel too."""
    run = scenario.playbook("converge.yml", "--extra-vars", "timewait_apply_to=both")
    assert (run.rc, run.changed()) == (0, []), run.words
