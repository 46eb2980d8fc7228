# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One of two roles is undone: what the other one asked for is whole."""

import pytest
import scenario

LEFT = {
    "proxy_goes": ("/etc/sysctl.d/70-database.conf", [32768, 60999]),
    "database_goes": ("/etc/sysctl.d/60-proxy.conf", [16384, 60999]),
}


@pytest.mark.parametrize("name", LEFT)
def test_only_the_file_of_the_other_role_is_left(name):
    assert scenario.host_of(name).check_output("ls /etc/sysctl.d/[67]*").split() == [LEFT[name][0]]


@scenario.on(*LEFT)
def test_the_values_that_both_asked_for_hold(host):
    assert scenario.sysctl(host, "tcp_tw_reuse") == [1]
    assert scenario.sysctl(host, "tcp_timestamps") == [1]


@pytest.mark.parametrize("name", LEFT)
def test_the_ports_are_those_of_the_other_role(name):
    assert scenario.sysctl(scenario.host_of(name), "ip_local_port_range") == LEFT[name][1]


def test_reserved_ports_are_kept_by_the_role_that_reserved_them_alone():
    """8080 was reserved before both."""
    knob = "cat /proc/sys/net/ipv4/ip_local_reserved_ports"
    assert scenario.host_of("proxy_goes").check_output(knob) == "8080,33060,50000-50100"
    assert "33060" not in scenario.host_of("database_goes").check_output(knob)
