# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._model import CLOSE, OPEN
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._texts._sysctl_text import (
    names_of_path,
    settings_in,
    settings_on_command_line,
)

OPENED = f"{OPEN}item.key{CLOSE}"


def found(text: str) -> list[tuple[str, str, str]]:
    """Name and value, and what stands in the text where the value is said to begin."""
    return [(each.name, each.value, text[each.offset : each.offset + 4]) for each in settings_in(text)]


@pytest.mark.parametrize(
    "line",
    [
        "net.ipv4.tcp_tw_recycle=1",
        "net.ipv4.tcp_tw_recycle = 1",
        "  net.ipv4.tcp_tw_recycle\t=\t1  ",
        "net/ipv4/tcp_tw_recycle=1",
        "net/ipv4.tcp_tw_recycle=1",
        "/net/ipv4/tcp_tw_recycle=1",
        "net//ipv4/./tcp_tw_recycle=1",
        "-net.ipv4.tcp_tw_recycle=1",
        "- net.ipv4.tcp_tw_recycle = 1",
        "net.ipv4.tcp_tw_rec*=1",
        "-net.ipv4.tcp_tw_rec???? = 1",
        "net.*.tcp_tw_recycle = 1",
        "net.ipv4.tcp_{tw_rec*,sack} = 1",
        "net.ipv4.tcp_tw_recycle = 1\r",
    ],
)
def test_a_spelling_that_some_loader_takes_is_found(line: str) -> None:
    assert [(name, value) for name, value, _there in found(line)] == [("tcp_tw_recycle", "1")]


@pytest.mark.parametrize(
    "line",
    [
        "#net.ipv4.tcp_tw_recycle=1",
        "  # net.ipv4.tcp_tw_recycle = 1",
        "; net.ipv4.tcp_tw_recycle = 1",
        "net.ipv4.tcp_tw_recycle",
        "-net.ipv4.tcp_tw_recycle",
        "net.ipv4.tcp_tw_recycle =",
        "net.ipv4.tcp_tw_recycle 1",
        "net.ipv4.tcp_tw_recycle: 1",
        "net.ipv4.tcp_tw_recycled = 1",
        "tcp_tw_recycle = 1",
        "net.ipv6.tcp_tw_recycle = 1",
        "export net.ipv4.tcp_tw_recycle=1",
        "my.net.ipv4.tcp_tw_recycle=1",
        f"net.ipv4.{OPENED} = 1",
        f"{OPENED} = 1",
        f"#{OPENED}.tcp_tw_recycle = 1",
        "net.ipv6.* = 1",
        "net.ipv4/tcp_tw_recycle=1",
        "net.ipv4.tcp_{tw_recycle,sack} = 1",
    ],
)
def test_what_no_loader_takes_for_one_of_ours_is_passed_over(line: str) -> None:
    assert found(line) == []


def test_a_glob_is_a_setting_of_each_sysctl_that_it_covers() -> None:
    assert found("net.ipv4.tcp_tw_re* = 1") == [("tcp_tw_recycle", "1", "1"), ("tcp_tw_reuse", "1", "1")]
    assert [name for name, *_rest in found("net.ipv4.* = 1")] == [
        "tcp_tw_recycle",
        "tcp_tw_reuse",
        "tcp_timestamps",
        "tcp_fin_timeout",
    ]


def test_values_are_what_the_loaders_hand_on() -> None:
    text = 'net.ipv4.tcp_tw_recycle = 1 # why\nnet.ipv4.tcp_tw_reuse="1"\nnet.ipv4.tcp_fin_timeout=15=3\n'
    assert [value for _name, value, _there in found(text)] == ["1 # why", '"1"', "15=3"]


def test_places_are_those_of_the_values() -> None:
    text = "a=1\r\n\r\nnet.ipv4.tcp_tw_recycle =  0x1\nnet.ipv4.tcp_tw_recycle=0"
    assert found(text) == [("tcp_tw_recycle", "0x1", "0x1\n"), ("tcp_tw_recycle", "0", "0")]


def test_what_is_open_stays_in_values_and_may_come_before_a_name() -> None:
    value = f"{OPEN}recycle{CLOSE}"
    assert [each.value for each in settings_in(f"net.ipv4.tcp_tw_recycle = {value}")] == [value]
    assert [each.name for each in settings_in(f"{OPENED}.tcp_tw_recycle = 1")] == ["tcp_tw_recycle"]


def test_parameters_of_a_kernel() -> None:
    text = 'GRUB_CMDLINE_LINUX="quiet sysctl.net.ipv4.tcp_tw_recycle=1 sysctl/net/ipv4/tcp_tw_reuse=0 xsysctl.a=1"'
    assert [(each.name, each.value) for each in settings_on_command_line(text)] == [
        ("tcp_tw_recycle", "1"),
        ("tcp_tw_reuse", "0"),
    ]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/proc/sys/net/ipv4/tcp_tw_recycle", ("tcp_tw_recycle",)),
        ("/host/proc/sys/net/ipv4/tcp_tw_reuse", ("tcp_tw_reuse",)),
        (f"{OPEN}proc{CLOSE}/net/ipv4/tcp_tw_recycle", ("tcp_tw_recycle",)),
        ("/proc/sys/net/ipv4/tcp_tw_recycle.bak", ()),
        ("/proc/sys/net/ipv4/ip_forward", ()),
        ("/tmp/tcp_tw_recycle", ()),
    ],
)
def test_a_path_may_be_a_knob(path: str, names: tuple[str, ...]) -> None:
    assert names_of_path(path) == names
