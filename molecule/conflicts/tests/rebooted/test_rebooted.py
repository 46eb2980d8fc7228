# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""After a reboot: with the consent to comment lines out the values hold; against tuned that overrides they cannot."""

import re

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


@pytest.fixture(scope="module")
def findings():
    """What the facts say about other writers, by host."""
    return {name: finding(name) for name in TUNED}


def finding(name):
    run = scenario.ad_hoc(name, "linux_tcp.tuning.timewait_facts", {})
    assert run.rc == 0, run.words
    told = run.results[name]["linux_tcp.tuning.timewait_facts"]["ansible_facts"]["timewait"]["findings"]
    return [found for found in told if found["id"] == "conflicting_writer"]


def test_it_is_found_and_named_with_file_and_line(findings):
    host = scenario.host_of("tuned_overrides")
    file = host.check_output("ls /etc/tuned/ours/tuned.conf /etc/tuned/profiles/ours/tuned.conf 2>/dev/null || :")
    assert sorted(findings["tuned_overrides"][0]["evidence"]) == [
        f"tuned sets {key} to 0 when it starts, after the sysctl files ({file} line {line}), where 1 is to hold"
        for key, line in (("net.ipv4.tcp_timestamps", 2), ("net.ipv4.tcp_tw_reuse", 3))
    ]


def test_tuned_that_applies_the_files_last_is_no_finding(findings):
    assert findings["tuned_reapplies"] == []


@pytest.fixture(scope="module")
def remedied(findings):
    """What the finding says is run, the role once more, and tuned is started once more."""
    host = scenario.host_of("tuned_overrides")
    warned = scenario.playbook("converge.yml", "--limit=tuned_overrides", "--check")
    remedies = re.findall(
        r"sed -i '\d+s/\^/# /' \S+ && systemctl restart tuned", findings["tuned_overrides"][0]["remedy"]
    )
    assert len(remedies) == 2
    for remedy in remedies:
        host.check_output(remedy)
    run = scenario.playbook("converge.yml", "--limit=tuned_overrides")
    host.check_output(
        "rm /var/log/tuned/tuned.log && systemctl restart tuned.service && "
        "until grep -q applied /var/log/tuned/tuned.log; do sleep 0.1; done"
    )
    return warned, run


@pytest.mark.parametrize("key", ["net.ipv4.tcp_timestamps", "net.ipv4.tcp_tw_reuse"])
def test_the_role_warns_until_the_remedy_is_followed(remedied, key):
    warned, run = remedied
    assert f"tuned sets {key} to 0" in warned.words
    assert f"tuned sets {key} to 0" not in run.words


def test_with_the_remedy_the_values_hold_against_tuned(remedied):
    assert values(scenario.host_of("tuned_overrides")) == [1, 1]
    assert finding("tuned_overrides") == []
