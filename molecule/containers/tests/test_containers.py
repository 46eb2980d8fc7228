# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be set in a container, and what the refusal tells whoever starts it."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import scenario

SETTINGS = "linux_tcp.tuning.timewait_settings"
FACTS = "linux_tcp.tuning.timewait_facts"
NAMES = ("privileged", "unprivileged", "given_from_outside", "network_of_the_machine")
testinfra_hosts = scenario.urls("privileged", "given_from_outside")


def refusal(container, arguments, *options: str):
    """What a run on one container says, which must fail and touch nothing."""
    host = scenario.host_of(container)
    before = scenario.fingerprint(host)
    run = scenario.ad_hoc(container, SETTINGS, arguments, *options)
    assert run.rc != 0, run.words
    assert scenario.fingerprint(host) == before
    return run.results[container][SETTINGS]["msg"]


def test_the_values_hold_where_they_could_be_set(host):
    assert scenario.sysctl(host, "tcp_tw_reuse") == [1]
    assert scenario.sysctl(host, "tcp_timestamps") == [1]
    assert host.file(scenario.DROP_IN).exists


def test_the_facts_tell_a_container_by_its_kind():
    run = scenario.ad_hoc("all", FACTS, {})
    assert run.rc == 0, run.words
    kernels = {name: run.results[name][FACTS]["ansible_facts"]["timewait"]["kernel"] for name in NAMES}
    assert {name: kernel["container"] for name, kernel in kernels.items()} == dict.fromkeys(NAMES, scenario.ENGINE)
    assert [name for name in NAMES if kernels[name]["initial_namespace"]] == ["network_of_the_machine"]


@pytest.mark.parametrize("options", [[], ["--check"]], ids=["run", "check mode"])
def test_without_privileges_the_refusal_tells_what_to_start_the_container_with(options):
    said = refusal("unprivileged", {"ip_local_port_range": [15000, 60999]}, *options)
    assert "net.ipv4.tcp_tw_reuse" in said
    assert "cannot be written here" in said
    assert f"{scenario.ENGINE} run --sysctl " in said


def test_the_words_of_the_refusal_pasted_start_a_container_with_these_values():
    said = refusal("unprivileged", {"ip_local_port_range": [15000, 60999]}, "--check")
    pasted = shlex.split(re.search(rf"{scenario.ENGINE} run (.*); or run it privileged", said)[1])
    inspected = [scenario.ENGINE, "inspect", "--format={{.Image}}", f"{scenario.PREFIX}-{scenario.NAME}-unprivileged"]
    image = subprocess.run(inspected, check=True, capture_output=True, text=True).stdout.strip()
    knobs = ["/proc/sys/net/ipv4/tcp_tw_reuse", "/proc/sys/net/ipv4/ip_local_port_range"]
    command = [scenario.ENGINE, "run", "--rm", "--network=none", *pasted, image, "cat", *knobs]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["1", "15000", "60999"]


def test_with_the_network_of_the_machine_the_machine_is_to_be_tuned():
    """Its values must not change: hence check mode, in a container that may not write them anyway."""
    knob = Path("/proc/sys/net/ipv4/tcp_tw_reuse")
    before = knob.read_text()
    said = refusal("network_of_the_machine", {"tcp_tw_reuse": 1 - int(before == "1\n")}, "--check")
    assert "in the network of the machine that runs it" in said
    assert "Tune that machine itself" in said
    assert "--sysctl" not in said
    assert knob.read_text() == before
