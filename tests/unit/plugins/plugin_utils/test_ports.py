# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._census import Destination
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._ports import Use, reuse_towards

from tests.unit.simulated import a_host


def towards(address: str, sample: tuple[int, int] = (1, 0), source: str = "10.0.0.9", opened: int = 0) -> Destination:
    return Destination(source, address, 80, 5, *sample, opened)


@pytest.mark.parametrize(
    ("kernel", "reuse", "timestamps", "destination", "helps"),
    [
        ("Linux 6.18", "0", "1", towards("127.0.0.1"), "off"),
        ("Linux 6.18", "2", "1", towards("10.0.0.5"), "off"),
        ("Linux 6.18", "2", "1", towards("127.3.2.1"), "works"),
        ("Linux 6.18", "2", "1", towards("::1"), "works"),
        ("Linux 6.18", "2", "1", towards("10.0.0.5", source="127.0.0.1"), "works"),
        ("Linux 6.18", "1", "1", towards("10.0.0.5"), "works"),
        ("Linux 6.18", "1", "2", towards("2001:db8::5"), "works"),
        ("Linux 6.18", "1", "0", towards("10.0.0.5"), "no_timestamps"),
        ("Linux 6.18", "1", "1", towards("10.0.0.5", (0, 4)), "no_timestamps"),
        ("Linux 6.18", "1", "1", towards("10.0.0.5", (1, 4)), "partly"),
        ("Linux 6.18", "1", "1", towards("10.0.0.5", (0, 0)), "unknown"),
        ("Debian 9", "2", "1", towards("10.0.0.5"), "works"),
        ("Debian 9", "7", "1", towards("10.0.0.5"), "works"),
        ("Debian 9", "0", "1", towards("127.0.0.1"), "off"),
    ],
)
def test_whether_reuse_helps_depends_on_setting_kernel_destination_and_both_ends(
    kernel: str, reuse: str, timestamps: str, destination: Destination, helps: str
) -> None:
    host = a_host(kernel)
    host.knobs |= {"tcp_tw_reuse": reuse, "tcp_timestamps": timestamps}
    assert reuse_towards(host.snapshot(), destination) == helps


@pytest.mark.parametrize(
    ("use", "left"),
    [
        (Use(towards("10.0.0.5"), 105, "off", 10.0), 10.0),
        (Use(towards("10.0.0.5"), 105, "works", 10.0), None),
        (Use(towards("10.0.0.5"), 105, "unknown", 10.0), 10.0),
        (Use(towards("10.0.0.5", opened=20), 105, "off", 10.0), 8.0),
        (Use(towards("10.0.0.5"), 3, "off", 10.0), 0.0),
        (Use(towards("10.0.0.5"), 105, "off", 0.0), None),
        (Use(towards("10.0.0.5"), 105, "off", -3.0), None),
        (Use(towards("10.0.0.5"), 105, "off", None), None),
        (Use(towards("10.0.0.5"), None, "off", 10.0), None),
        # As many as come in a minute, or as long as TIME_WAIT lasts here, are never all.
        (Use(towards("10.0.0.5"), 600, "off", 10.0), 59.5),
        (Use(towards("10.0.0.5"), 601, "off", 10.0), None),
        (Use(towards("10.0.0.5", opened=1), 601, "off", 10.0), 59.5),
        (Use(towards("10.0.0.5"), 105, "off", 10.0, lifetime=10), None),
    ],
)
def test_ports_last_for_as_long_as_they_are_taken_at_the_same_rate(use: Use, left: float | None) -> None:
    assert use.seconds_left == left


@pytest.mark.parametrize(("usable", "share"), [(10, 0.5), (5, 1.0), (28232, 0.0002), (0, None), (None, None)])
def test_a_share_is_of_the_usable_ports(usable: int | None, share: float | None) -> None:
    assert Use(towards("10.0.0.5"), usable, "off", None).share == share


def test_a_share_is_of_open_connections_too() -> None:
    assert Use(towards("10.0.0.5", opened=15), 40, "works", None).share == 0.5


def test_an_address_of_ipv6_is_told_from_its_port() -> None:
    assert Use(towards("10.0.0.5"), 1, "off", None).name == "10.0.0.5:80"
    assert Use(towards("2001:db8::5"), 1, "off", None).name == "[2001:db8::5]:80"
