# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that another role hands on arrive, whichever way it uses this one."""

import pytest
import scenario

DEPENDENCY = "/etc/sysctl.d/95-by-dependency.conf"
INCLUDE = "/etc/sysctl.d/96-by-include.conf"
IMPORT = "/etc/sysctl.d/97-by-import.conf"
OF_THE_ROLE = {"net.ipv4.tcp_timestamps": "1", "net.ipv4.tcp_tw_reuse": "1"}
PORTS = {"net.ipv4.ip_local_port_range": "20000 60999"}
RESERVED = {"net.ipv4.ip_local_reserved_ports": "32780,40000-40010"}


def settings(host, path):
    lines = [line for line in host.file(path).content_string.splitlines() if line and not line.startswith("#")]
    return dict(line.split(" = ") for line in lines)


@scenario.on("by_dependency", "by_include_role", "by_import_role", "by_two_roles")
def test_reuse_and_timestamps_are_on(host):
    assert scenario.sysctl(host, "tcp_tw_reuse") == [1]
    assert scenario.sysctl(host, "tcp_timestamps") == [1]


@pytest.mark.parametrize(
    ("container", "files"),
    [
        ("by_dependency", {DEPENDENCY: OF_THE_ROLE | PORTS}),
        ("by_include_role", {INCLUDE: OF_THE_ROLE | RESERVED}),
        ("by_import_role", {IMPORT: OF_THE_ROLE | RESERVED}),
        ("by_two_roles", {DEPENDENCY: OF_THE_ROLE | PORTS, INCLUDE: OF_THE_ROLE | RESERVED}),
    ],
)
def test_each_caller_has_the_file_it_named_with_the_values_it_asked_for(container, files):
    host = scenario.host_of(container)
    assert host.check_output("ls /etc/sysctl.d/*.conf").split() == sorted(files)
    assert {path: settings(host, path) for path in files} == files


@pytest.mark.parametrize(
    ("container", "low", "reserved"),
    [
        ("by_dependency", 20000, ""),
        ("by_include_role", 32768, "32780,40000-40010"),
        ("by_import_role", 32768, "32780,40000-40010"),
        ("by_two_roles", 20000, "32780,40000-40010"),
    ],
)
def test_the_values_hold_in_the_kernel(container, low, reserved):
    host = scenario.host_of(container)
    assert scenario.sysctl(host, "ip_local_port_range") == [low, 60999]
    assert host.check_output("cat /proc/sys/net/ipv4/ip_local_reserved_ports") == reserved


TAGGED = ("by_tag_on_the_role", "by_tag_on_the_include")


def tuned(container):
    host = scenario.host_of(container)
    return (scenario.sysctl(host, "tcp_tw_reuse"), host.run(f"test -e {scenario.DROP_IN}").rc == 0)


@pytest.fixture(scope="module")
def under_another_tag():
    run = scenario.playbook("tagged.yml", "--tags", "storage")
    return run, {container: tuned(container) for container in TAGGED}


@pytest.fixture(scope="module")
def under_its_tag(under_another_tag):
    run = scenario.playbook("tagged.yml", "--tags", "network")
    return run, {container: tuned(container) for container in TAGGED}


@pytest.mark.parametrize("container", TAGGED)
def test_another_tag_leaves_the_host_alone(under_another_tag, container):
    run, state = under_another_tag
    assert run.rc == 0, run.words
    assert state[container] == ([0], False)


@pytest.mark.parametrize("container", TAGGED)
def test_the_tag_runs_the_role(under_its_tag, container):
    run, state = under_its_tag
    assert run.rc == 0, run.words
    assert state[container] == ([1], True)
