# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Both roles are undone, one after the other, in either order."""

import scenario

testinfra_hosts = scenario.urls("proxy_goes", "database_goes")


def test_files_and_values_are_as_before(host):
    assert scenario.remembered(host) == host.check_output("cat /root/before").splitlines()
