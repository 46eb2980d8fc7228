# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""After a reboot with OpenRC."""

import pytest
import scenario

testinfra_hosts = scenario.urls("booted")


@pytest.fixture
def service(host):
    """What applies sysctl files: Debian keeps the script of procps, elsewhere OpenRC has one of its own."""
    return "procps" if host.run("test -e /etc/init.d/procps").rc == 0 else "sysctl"


def test_openrc_booted_the_host(host):
    assert host.check_output("cat /run/openrc/softlevel") == "default"
    assert host.run("test -e /run/systemd/system").rc == 1


def test_what_was_not_in_a_file_is_gone(host):
    """So there was a reboot: prepare.yml had set this to 33."""
    assert scenario.sysctl(host, "tcp_fin_timeout") == [60]


def test_the_values_hold(host):
    assert scenario.sysctl(host, "tcp_tw_reuse") == [1]
    assert scenario.sysctl(host, "tcp_timestamps") == [1]


def test_the_service_of_the_host_leaves_them_as_they_are(host, service):
    """The oracle is the service itself, and it does set things: another value is overwritten."""
    host.check_output("echo 2 >/proc/sys/net/ipv4/tcp_tw_reuse")
    host.run(f"rc-service {service} restart")  # it fails where one of its keys is read-only here
    test_the_values_hold(host)


@pytest.fixture(scope="module")
def told():
    run = scenario.ad_hoc("booted", "linux_tcp.tuning.timewait_facts", {})
    assert run.rc == 0, run.words
    return run.results["booted"]["linux_tcp.tuning.timewait_facts"]["ansible_facts"]["timewait"]


def test_the_facts_name_the_file_that_decides_at_boot(told):
    boot = told["sysctls"]["tcp_tw_reuse"]["boot"]
    assert (boot["value"], boot["source"]) == (1, scenario.DROP_IN)
