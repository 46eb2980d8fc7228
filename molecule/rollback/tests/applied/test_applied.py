# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Before it is undone: there is something to undo, in files of somebody else too."""

import pytest
import scenario

testinfra_hosts = scenario.urls("by_playbook", "by_state")


def test_the_values_hold(host):
    assert scenario.sysctl(host, "tcp_tw_reuse") == [1]
    assert scenario.sysctl(host, "tcp_timestamps") == [1]
    assert scenario.sysctl(host, "ip_local_port_range") == [16384, 60999]
    assert scenario.sysctl(host, "tcp_max_tw_buckets") == [400000]


def test_ports_that_were_reserved_before_still_are(host):
    reserved = host.check_output("cat /proc/sys/net/ipv4/ip_local_reserved_ports")
    assert reserved == "8080,9100,20000-20010"


@pytest.mark.parametrize(
    ("file", "key"),
    [
        ("zz-late.conf", "net.ipv4.tcp_tw_reuse"),
        ("99-zcrlf.conf", "net.ipv4.ip_local_port_range"),
        ("99-zslash.conf", "net/ipv4/tcp_timestamps"),
    ],
)
def test_the_line_that_would_win_at_boot_is_commented_out(host, file, key):
    lines = host.check_output(f"LC_ALL=C grep -a {key} /etc/sysctl.d/{file}").splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("#")


def test_the_other_lines_are_left_alone(host):
    assert host.check_output("tail -n 1 /etc/sysctl.d/zz-late.conf") == "net.ipv4.tcp_fin_timeout = 30"
    assert host.check_output("head -n 1 /etc/sysctl.d/99-zslash.conf") == "net.ipv4.tcp_keepalive_time = 7200"


def test_mode_and_owner_of_other_files_are_left_alone(host):
    assert host.check_output("stat -c '%a %U' /etc/sysctl.d/zz-late.conf /etc/sysctl.d/99-zslash.conf").split("\n") == [
        "600 root",
        "644 daemon",
    ]


def test_systemd_leaves_the_values_as_they_are(host):
    """The oracle is systemd itself: what it does at boot changes nothing."""
    host.check_output("systemctl restart systemd-sysctl.service")
    test_the_values_hold(host)
