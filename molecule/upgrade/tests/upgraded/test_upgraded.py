# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an older release did is taken over in one run; what a newer one did is left to that."""

import pytest
import scenario

testinfra_hosts = scenario.urls("older_release")


def test_the_drop_in_is_of_the_present_format(host):
    first = host.file(scenario.DROP_IN).content_string.partition("\n")[0]
    assert first.startswith("# linux_tcp.tuning timewait, format ")
    assert first != "# linux_tcp.tuning timewait, format 1"


def test_the_values_still_hold(host):
    assert scenario.sysctl(host, "tcp_tw_reuse") == [1]
    assert scenario.sysctl(host, "tcp_timestamps") == [1]
    assert scenario.sysctl(host, "tcp_max_tw_buckets") == [400000]
    assert scenario.sysctl(host, "ip_local_port_range") == [16384, 60999]


def test_the_values_from_before_are_still_on_record(host):
    lines = host.file(scenario.DROP_IN).content_string.splitlines()
    before = {line.partition("before: ")[2] for line in lines if "before: " in line}
    assert before == {
        "net.ipv4.tcp_timestamps = 0",
        "net.ipv4.tcp_tw_reuse = 0",
        "net.ipv4.tcp_max_tw_buckets = 131072",
        "net.ipv4.ip_local_reserved_ports = 8080,9100",
        "net.ipv4.ip_local_port_range = 30000 60000",
    }


def test_the_line_that_was_commented_out_is_still(host):
    assert host.check_output("tail -n 1 /etc/sysctl.d/zz-late.conf").startswith("# linux_tcp.tuning commented out")


@pytest.mark.parametrize("state", ["present", "absent"])
def test_the_drop_in_of_a_newer_release_is_refused_and_not_touched(state):
    host = scenario.host_of("newer_release")
    before = scenario.fingerprint(host)
    run = scenario.ad_hoc("newer_release", "linux_tcp.tuning.timewait_settings", {"state": state})
    assert run.rc == 2, run.words
    message = run.results["newer_release"]["linux_tcp.tuning.timewait_settings"]["msg"]
    assert "/etc/sysctl.d/99-timewait.conf is of format '99'" in message
    assert scenario.fingerprint(host) == before
