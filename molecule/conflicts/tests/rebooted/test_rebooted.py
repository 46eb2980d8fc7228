# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""After a reboot: with the consent to comment lines out the values hold; against tuned that overrides they cannot."""

import pytest
import scenario

FILES = {"devsec": "/etc/sysctl.d/90-dev-sec.conf", "sysctl_conf": "/etc/sysctl.conf"}
TUNED = ("tuned_reapplies", "tuned_overrides")


def values(host):
    return scenario.sysctl(host, "tcp_tw_reuse") + scenario.sysctl(host, "tcp_timestamps")


@scenario.on(*FILES, "tuned_reapplies")
def test_the_values_hold(host):
    assert values(host) == [1, 1]


@pytest.mark.parametrize("name", FILES)
def test_the_one_line_is_commented_out(name):
    host = scenario.host_of(name)
    lines = host.check_output(f"grep tcp_timestamps {FILES[name]}").splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("#")


def test_the_other_lines_of_a_hardened_host_are_in_force():
    host = scenario.host_of("devsec")
    assert scenario.sysctl(host, "icmp_ratelimit") + scenario.sysctl(host, "tcp_rfc1337") == [100, 1]
    assert scenario.sysctl(scenario.host_of("sysctl_conf"), "tcp_fin_timeout") == [33]


@scenario.on("sysctl_conf")
def test_the_link_and_the_mode_of_its_file_are_kept(host):
    assert host.check_output("readlink /etc/sysctl.d/99-sysctl.conf") == "../sysctl.conf"
    assert host.check_output("stat -c %a /etc/sysctl.conf") == "440"


@scenario.on(*TUNED)
def test_tuned_runs_with_the_profile(host):
    assert host.check_output("systemctl is-active tuned.service") == "active"
    assert host.check_output("tuned-adm active").endswith(": ours")


@scenario.on("tuned_overrides")
def test_tuned_overrides_the_values_when_it_is_told_to(host):
    assert values(host) == [0, 0]
