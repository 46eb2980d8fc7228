# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""After a reboot with BusyBox's init, which reads /etc/sysctl.conf and nothing else."""

import scenario

testinfra_hosts = scenario.urls("embedded")


def test_busybox_booted_the_host(host):
    assert host.check_output("readlink -f /proc/1/exe") == "/bin/busybox"
    assert host.check_output("cat /proc/1/comm") == "init"


def test_what_was_not_in_a_file_is_gone(host):
    """So there was a reboot: prepare.yml had set this to 7000."""
    assert scenario.sysctl(host, "tcp_keepalive_time") == [7200]


def test_the_values_hold(host):
    assert scenario.sysctl(host, "tcp_tw_reuse") == [1]
    assert scenario.sysctl(host, "tcp_timestamps") == [1]


def test_the_line_that_had_no_newline_is_in_force(host):
    assert scenario.sysctl(host, "tcp_fin_timeout") == [33]


def test_the_settings_stand_in_the_one_file_and_no_drop_in_was_made(host):
    assert host.run("test -e /etc/sysctl.d").rc == 1
    lines = host.check_output("cat /etc/sysctl.conf").splitlines()
    settings = [line for line in lines if line and not line.startswith("#")]
    assert set(settings[-2:]) == {"net.ipv4.tcp_timestamps = 1", "net.ipv4.tcp_tw_reuse = 1"}


def test_the_mode_of_the_file_is_kept(host):
    assert host.check_output("stat -c %a /etc/sysctl.conf") == "640"
