# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""After the commands of the report: the audit ends without an error, and nothing is left to report."""

import json
import os
from pathlib import Path

import pytest
import scenario

HOSTS = ("server", "client", "no_timestamps", "one_clock", "translated", "no_python")


@pytest.fixture(scope="module")
def report():
    """Written by the last run, that of "idempotence"."""
    return json.loads(Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "audit.json").read_text("utf-8"))


@scenario.on("server")
def test_recycle_is_off(host):
    assert scenario.sysctl(host, "tcp_tw_recycle") == [0]


@scenario.on("no_timestamps")
def test_reuse_has_the_timestamps_that_it_needs(host):
    assert scenario.sysctl(host, "tcp_timestamps") == [1]


def test_no_host_has_a_finding(report):
    assert {name: facts["findings"] for name, facts in report["hosts"].items()} == {name: [] for name in HOSTS}


def test_no_host_would_be_dropped(report):
    assert report["blast_radius"] == []


def test_the_sums_say_so(report):
    assert report["summary"] == {"hosts": len(HOSTS), "silent": 0, "error": 0, "warning": 0, "info": 0}
