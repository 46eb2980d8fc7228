# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""After it is undone, everything is as it was before, byte for byte."""

import pytest
import scenario

testinfra_hosts = scenario.urls("by_playbook", "by_state")


def test_files_and_values_are_as_before(host):
    before = host.check_output("cat /root/before").splitlines()
    assert "tcp_tw_reuse" in before
    assert scenario.remembered(host) == before


def test_the_drop_in_is_gone(host):
    assert not host.file(scenario.DROP_IN).exists


@pytest.fixture(scope="module")
def once_more():
    return scenario.playbook("roll_back.yml")


def test_undoing_it_once_more_changes_nothing(once_more):
    assert once_more.rc == 0, once_more.words
    assert once_more.changed() == []
    assert set(once_more.stats) == {"by_playbook", "by_state"}
