# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role leaves behind on a host."""

import scenario

testinfra_hosts = scenario.urls("root_login", "sudo_login")


def test_an_outgoing_connection_may_take_over_a_time_wait_socket(host):
    assert scenario.sysctl(host, "tcp_tw_reuse") == [1]


def test_timestamps_are_on(host):
    assert scenario.sysctl(host, "tcp_timestamps") == [1]


def test_the_drop_in_sets_both_values_and_nothing_about_recycle(host):
    lines = [line for line in host.file(scenario.DROP_IN).content_string.splitlines() if not line.startswith("#")]
    settings = dict(line.split(" = ") for line in lines if line)
    assert settings == {"net.ipv4.tcp_tw_reuse": "1", "net.ipv4.tcp_timestamps": "1"}


def test_the_drop_in_belongs_to_root_and_may_be_read_by_all(host):
    drop_in = host.file(scenario.DROP_IN)
    assert (drop_in.mode, drop_in.user, drop_in.group) == (0o644, "root", "root")


def test_nothing_else_is_left_in_the_directory(host):
    before = host.check_output("cat /root/names").split()
    assert "10-somebody.conf" in before
    assert sorted(host.check_output("ls -A /etc/sysctl.d").split()) == sorted([*before, "99-timewait.conf"])


def test_the_file_of_somebody_else_is_as_it_was(host):
    assert host.file("/etc/sysctl.d/10-somebody.conf").content_string == "net.ipv4.tcp_timestamps = 0\n"
