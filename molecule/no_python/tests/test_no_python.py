# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts without Python are tuned, and tell their facts, like any other."""

import re

import pytest
import scenario

HOSTS = ("debian_with_systemd", "debian_minimal", "busybox_only", "python_2_7_only")
testinfra_hosts = scenario.urls(*HOSTS)


def pythons(host):
    """Every Python interpreter on the host, wherever it may lie."""
    found = host.check_output(
        "find / -xdev -type f -perm -100 -path '*/bin/*' -name '*py*'; find / -xdev -name '*platform-python*'"
    )
    return [path for path in found.split() if re.search(r"/(platform-)?(python|pypy)[0-9.]*$", path)]


@scenario.on("debian_with_systemd", "debian_minimal", "busybox_only")
def test_the_host_has_no_python(host):
    assert pythons(host) == []


@scenario.on("python_2_7_only")
def test_the_host_has_python_2_7_and_no_other(host):
    assert pythons(host) == ["/usr/bin/python2.7"]


@scenario.on("busybox_only")
def test_every_command_of_the_host_is_busybox(host):
    links = "find /bin /sbin /usr/bin /usr/sbin ! -type d"
    programs = host.check_output(f"for link in $({links}); do readlink -f $link; done | sort -u").split()
    assert [program.rpartition("/")[2] for program in programs] == ["busybox"]


def test_reuse_and_timestamps_are_on(host):
    assert scenario.sysctl(host, "tcp_tw_reuse") == [1]
    assert scenario.sysctl(host, "tcp_timestamps") == [1]


def test_the_drop_in_sets_them_at_boot(host):
    lines = host.check_output(f"cat {scenario.DROP_IN}").splitlines()
    settings = [line for line in lines if line and not line.startswith("#")]
    assert sorted(settings) == ["net.ipv4.tcp_timestamps = 1", "net.ipv4.tcp_tw_reuse = 1"]


def test_the_drop_in_may_be_read_by_all_and_changed_by_root(host):
    assert host.check_output(f"stat -c '%a %u %g' {scenario.DROP_IN}") == "644 0 0"


@pytest.fixture(scope="module")
def facts():
    run = scenario.ad_hoc("all", "linux_tcp.tuning.timewait_facts", {})
    assert run.rc == 0, run.words
    return {host: results["linux_tcp.tuning.timewait_facts"] for host, results in run.results.items()}


@pytest.fixture(params=HOSTS)
def told(request, facts):
    """The facts of one host after the other."""
    return facts[request.param]["ansible_facts"]["timewait"]


def test_the_facts_tell_the_values_as_numbers(told):
    values = {
        name: told["sysctls"][name]["value"] for name in ("tcp_tw_reuse", "tcp_timestamps", "ip_local_port_range")
    }
    assert values == {"tcp_tw_reuse": 1, "tcp_timestamps": 1, "ip_local_port_range": [32768, 60999]}


def test_the_facts_say_that_this_kernel_has_no_recycle(told):
    assert told["sysctls"]["tcp_tw_recycle"]["supported"] is False


def test_reading_facts_changes_nothing(facts):
    assert [result.get("changed", False) for result in facts.values()] == [False] * len(HOSTS)


def test_the_value_after_a_boot_is_told_where_systemd_decides_it(facts):
    boot = facts["debian_with_systemd"]["ansible_facts"]["timewait"]["sysctls"]["tcp_tw_reuse"]["boot"]
    assert (boot["value"], boot["source"]) == (1, scenario.DROP_IN)


@pytest.mark.parametrize("host", ["debian_minimal", "busybox_only"])
def test_the_value_after_a_boot_is_the_kernels_own_where_nothing_reads_the_files(facts, host):
    told = facts[host]["ansible_facts"]["timewait"]
    reuse = told["sysctls"]["tcp_tw_reuse"]
    assert reuse["boot"] == {"value": reuse["default"], "source": None, "line": None, "loader": "none"}
    assert "process 1 of this container is" in told["loaders"]["boot"]["reason"]
