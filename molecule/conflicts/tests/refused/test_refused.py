# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Before anything is allowed: what would win at boot is named, and the remedies that are named do remedy it."""

import json
import re

import pytest
import scenario

HOSTS = ("devsec", "sysctl_conf")
testinfra_hosts = scenario.urls(*HOSTS)

TASK = "linux_tcp.tuning.timewait : Apply safe TIME_WAIT settings"
#: Where a line says something else, as counted by the tests themselves.
LINES = {"devsec": "/etc/sysctl.d/90-dev-sec.conf", "sysctl_conf": "/etc/sysctl.d/99-sysctl.conf"}


def run(playbook, **variables: object):
    return scenario.playbook(playbook, f"--limit={','.join(HOSTS)}", "--extra-vars", json.dumps(variables))


@pytest.fixture(scope="module")
def refused():
    """What was said, by host. Nothing was touched, as the same fixture sees to."""
    before = {name: scenario.fingerprint(scenario.host_of(name)) for name in HOSTS}
    attempt = run("converge.yml", timewait_conflicts="fail")
    assert {name: scenario.fingerprint(scenario.host_of(name)) for name in HOSTS} == before
    assert attempt.rc == 2, attempt.words
    return {name: attempt.results[name][TASK]["msg"] for name in HOSTS}


@pytest.mark.parametrize("name", HOSTS)
def test_the_message_names_file_and_line_and_remedies(refused, name):
    host, file = scenario.host_of(name), LINES[name]
    number = host.check_output(f"grep -n tcp_timestamps {file}").partition(":")[0]
    assert f"net.ipv4.tcp_timestamps: {file} line {number} says '0' where 1 is wanted" in refused[name]
    assert "conflicts: comment_out" in refused[name]


@pytest.fixture(scope="module")
def remedied(refused):
    """The path that was computed, followed on each host: the second run, and the values that systemd then sets."""
    variables = {
        "timewait_conflicts": "fail",
        "computed": {
            name: re.search(r"set timewait_sysctl_file: (\S+), which wins", refused[name])[1] for name in HOSTS
        },
        "timewait_sysctl_file": "{{ computed[inventory_hostname] }}",
    }
    first, second = run("converge.yml", **variables), run("converge.yml", **variables)
    assert (first.rc, first.changed()) == (0, list(HOSTS)), first.words
    values = {}
    for name in HOSTS:
        host = scenario.host_of(name)
        host.check_output("echo 0 >/proc/sys/net/ipv4/tcp_timestamps && systemctl restart systemd-sysctl.service")
        values[name] = scenario.sysctl(host, "tcp_timestamps")
    undone = run("undo.yml", **variables)
    assert (undone.rc, undone.changed()) == (0, list(HOSTS)), undone.words
    return second, values


def test_with_the_computed_path_it_converges(remedied):
    second, _values = remedied
    assert (second.rc, second.changed()) == (0, []), second.words


@pytest.mark.parametrize("name", HOSTS)
def test_with_the_computed_path_the_drop_in_decides_at_boot(remedied, name):
    _second, values = remedied
    assert values[name] == [1]


def test_undone_again_everything_is_as_before(remedied, host):
    assert scenario.remembered(host) == host.check_output("cat /root/before").splitlines()
