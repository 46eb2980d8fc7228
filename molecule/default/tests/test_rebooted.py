# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""After a reboot. The tests in applied/ are run once more with these: all of that holds still."""

import re

import pytest
import scenario
import yaml

testinfra_hosts = scenario.urls("root_login", "sudo_login")


def test_what_was_not_in_a_file_is_gone(host):
    """So there was a reboot: prepare.yml had set this to 33."""
    assert scenario.sysctl(host, "tcp_fin_timeout") == [60]


def test_systemd_booted_the_host_and_applied_the_files(host):
    assert host.check_output("cat /proc/1/comm") == "systemd"
    assert host.check_output("systemctl is-active systemd-sysctl.service") == "active"


def test_systemd_reads_the_drop_in_last(host):
    """The oracle is systemd itself: the last assignment in what it reads is the one that counts."""
    lines = host.check_output("/lib/systemd/systemd-sysctl --cat-config").splitlines()
    of_timestamps = [line for line in lines if re.match(r"\s*net\.ipv4\.tcp_timestamps", line)]
    assert of_timestamps[-1] == "net.ipv4.tcp_timestamps = 1"


@pytest.fixture(scope="module")
def predicted():
    return scenario.playbook("converge.yml", "--check", "--diff")


def test_check_mode_finds_nothing_to_do(predicted):
    assert predicted.rc == 0, predicted.words
    assert predicted.changed() == []
    assert set(predicted.stats) == {"root_login", "sudo_login"}


def test_the_readme_shows_the_play_that_was_run():
    def without_names(plays):
        return [{key: value for key, value in play.items() if key != "name"} for play in plays]

    readme = (scenario.DIRECTORY.parent.parent / "README.md").read_text(encoding="utf-8")
    shown = [yaml.safe_load(block) for block in re.findall(r"^```ya?ml\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)]
    run = yaml.safe_load((scenario.DIRECTORY / "converge.yml").read_text(encoding="utf-8"))
    assert without_names(run) in [without_names(plays) for plays in shown if isinstance(plays, list)]
