# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two roles have tuned one host: each has its file, and the values of both hold."""

import pytest
import scenario

HOSTS = ("proxy_goes", "database_goes")
testinfra_hosts = scenario.urls(*HOSTS)

PROXY = "/etc/sysctl.d/60-proxy.conf"
DATABASE = "/etc/sysctl.d/70-database.conf"


def settings(host, path):
    lines = [line for line in host.file(path).content_string.splitlines() if line and not line.startswith("#")]
    return {line.partition(" = ")[0] for line in lines}


def test_each_file_sets_what_its_role_asked_for(host):
    of_both = {"net.ipv4.tcp_timestamps", "net.ipv4.tcp_tw_reuse"}
    assert settings(host, PROXY) == of_both | {"net.ipv4.ip_local_port_range"}
    assert settings(host, DATABASE) == of_both | {"net.ipv4.ip_local_reserved_ports"}


def test_the_values_of_both_hold(host):
    assert scenario.sysctl(host, "tcp_tw_reuse") == [1]
    assert scenario.sysctl(host, "ip_local_port_range") == [16384, 60999]
    assert host.check_output("cat /proc/sys/net/ipv4/ip_local_reserved_ports") == "8080,33060,50000-50100"


@pytest.fixture(scope="module")
def disagreeing():
    before = {name: scenario.fingerprint(scenario.host_of(name)) for name in HOSTS}
    run = scenario.playbook("disagree.yml")
    assert {name: scenario.fingerprint(scenario.host_of(name)) for name in HOSTS} == before
    return run


@pytest.mark.parametrize("name", HOSTS)
def test_different_values_are_refused_and_both_files_named(disagreeing, name):
    assert disagreeing.rc == 2, disagreeing.words
    messages = [result["msg"] for result in disagreeing.results[name].values() if result.get("failed")]
    assert len(messages) == 1
    assert "net.ipv4.tcp_tw_reuse" in messages[0]
    assert PROXY in messages[0]
    assert DATABASE in messages[0]
