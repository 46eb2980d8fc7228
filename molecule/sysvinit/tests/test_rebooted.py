# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""After a reboot with sysvinit."""

import pytest
import scenario

testinfra_hosts = scenario.urls("booted")


def test_sysvinit_booted_the_host(host):
    assert host.check_output("cat /proc/1/comm") == "init"
    assert "SysV" in host.check_output("/sbin/init --version 2>&1")
    assert host.run("test -e /run/systemd/system").rc == 1


def test_what_was_not_in_a_file_is_gone(host):
    """So there was a reboot: prepare.yml had set this to 33."""
    assert scenario.sysctl(host, "tcp_fin_timeout") == [60]


def test_the_values_hold(host):
    assert scenario.sysctl(host, "tcp_tw_reuse") == [1]
    assert scenario.sysctl(host, "tcp_timestamps") == [1]


def test_the_script_of_the_host_leaves_them_as_they_are(host):
    """The oracle is the script itself, and it does set things: another value is overwritten."""
    host.check_output("echo 2 >/proc/sys/net/ipv4/tcp_tw_reuse")
    host.run("/etc/init.d/procps start")  # it fails where one of its keys is read-only here
    test_the_values_hold(host)


@pytest.fixture(scope="module")
def told():
    run = scenario.ad_hoc("booted", "linux_tcp.tuning.timewait_facts", {})
    assert run.rc == 0, run.words
    return run.results["booted"]["linux_tcp.tuning.timewait_facts"]["ansible_facts"]["timewait"]


def test_the_facts_name_what_decides_at_boot(told):
    boot = told["sysctls"]["tcp_tw_reuse"]["boot"]
    assert (boot["value"], boot["source"]) == (1, scenario.DROP_IN)
    assert boot["loader"].startswith("procps ")
