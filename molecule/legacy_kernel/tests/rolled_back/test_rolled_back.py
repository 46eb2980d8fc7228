# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Undoing the role brings everything back, but recycle only where the policy would allow it today."""

import itertools
import json
import os
from pathlib import Path

import pytest
import scenario

testinfra_hosts = scenario.urls("recycle_on", "recycle_negative", "attested_private")


def said(container):
    return json.loads(Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], f"undone_{container}.json").read_text("utf-8"))


def test_reuse_and_timestamps_are_as_before(host):
    assert scenario.sysctl(host, "tcp_tw_reuse") == [0]
    assert scenario.sysctl(host, "tcp_timestamps") == [0]


def test_the_drop_in_is_gone(host):
    assert not host.file(scenario.DROP_IN).exists


@scenario.on("recycle_on", "recycle_negative")
def test_recycle_stays_off(host):
    assert scenario.sysctl(host, "tcp_tw_recycle") == [0]


@scenario.on("recycle_on", "recycle_negative")
def test_recycle_was_not_on_for_a_moment_either(host):
    """It was written when the role was applied, and not since."""
    written = [name for name, _events in itertools.groupby(host.check_output("cat /run/writes").split())]
    assert written.count("tcp_tw_recycle") == 1
    assert written.count("tcp_tw_reuse") == 2


@scenario.on("attested_private")
def test_recycle_is_on_again_where_the_policy_allows_it(host):
    assert scenario.sysctl(host, "tcp_tw_recycle") == [1]


@pytest.mark.parametrize(("container", "value"), [("recycle_on", 1), ("recycle_negative", -1)])
def test_the_result_says_that_recycle_was_not_brought_back_and_why(container, value):
    refused = said(container)["refused"]
    assert {(refusal["key"], refusal["value"]) for refusal in refused} == {("net.ipv4.tcp_tw_recycle", value)}
    assert any("attested" in refusal["reason"] for refusal in refused)


def test_the_result_refuses_nothing_where_recycle_came_back():
    assert said("attested_private")["refused"] == []
