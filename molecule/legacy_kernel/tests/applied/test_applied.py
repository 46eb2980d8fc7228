# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role on hosts with tcp_tw_recycle switched on."""

import itertools

import scenario

testinfra_hosts = scenario.urls("recycle_on", "recycle_negative", "attested_private")


def writes(host):
    """The knobs that were written, in order; emptying a file and writing to it are two events of one write."""
    return [name for name, _events in itertools.groupby(host.check_output("cat /run/writes").split())]


def test_recycle_is_off(host):
    assert scenario.sysctl(host, "tcp_tw_recycle") == [0]


def test_reuse_and_timestamps_are_on(host):
    assert scenario.sysctl(host, "tcp_tw_reuse") == [1]
    assert scenario.sysctl(host, "tcp_timestamps") == [1]


def test_recycle_was_written_before_any_other_knob(host):
    """On a 4.4 kernel timestamps must not change while recycle is on."""
    assert writes(host)[0] == "tcp_tw_recycle"


def test_each_knob_was_written_once_and_no_other_at_all(host):
    """The second run wrote nothing."""
    assert sorted(writes(host)) == ["tcp_timestamps", "tcp_tw_recycle", "tcp_tw_reuse"]


def test_the_drop_in_keeps_recycle_off_at_boot(host):
    """This kernel has the knob, so that a line for it means something here."""
    lines = host.file(scenario.DROP_IN).content_string.splitlines()
    assert "net.ipv4.tcp_tw_recycle = 0" in lines
