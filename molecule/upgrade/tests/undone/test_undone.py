# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""After it is undone, the host is as it was before the older release tuned it."""

import scenario

testinfra_hosts = scenario.urls("older_release")


def test_files_and_values_are_as_before(host):
    before = host.check_output("cat /root/before").splitlines()
    assert "tcp_tw_reuse" in before
    assert scenario.remembered(host) == before
