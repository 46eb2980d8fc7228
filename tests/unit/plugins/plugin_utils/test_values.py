# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._knobs import INT_MAX, KNOBS
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._values import (
    BadRequest,
    PortRange,
    asked_integer,
    asked_port_list,
    asked_port_range,
    kernel_text,
    kernel_value,
    merged,
    without,
)
from hypothesis import given
from hypothesis import strategies as st

ports = st.integers(1, 65535)
ranges = st.tuples(ports, ports).map(lambda pair: PortRange(min(pair), max(pair)))
lists = st.lists(ranges, max_size=6).map(merged)


def numbers(ranges: tuple[PortRange, ...]) -> set[int]:
    return {port for low, high in ranges for port in range(low, high + 1)}


@pytest.mark.parametrize("raw", [True, False])
def test_a_boolean_is_not_a_number(raw: bool) -> None:
    with pytest.raises(BadRequest, match="must be an integer"):
        asked_integer("tcp_tw_reuse", raw)


@pytest.mark.parametrize(
    "raw",
    [
        "0x1", "01", "+1", "1.0", "1e0", "", " ", "one", "yes", "true", "\uff11", "\u0661", "1\n", "\t1", "1 2", "--1",
        "- 1", "1;reboot", "$(id)", "1_000", "9" * 20, 1.0, 1.5, None, [1], {"a": 1}, b"1",
    ],
)  # fmt: skip
def test_other_spellings_of_a_number_are_refused(raw: object) -> None:
    with pytest.raises(BadRequest, match="must be an integer"):
        asked_integer("tcp_tw_reuse", raw)


@given(st.integers(-INT_MAX, INT_MAX))
def test_a_number_and_its_plain_digits_are_the_same(number: int) -> None:
    assert asked_integer("x", number) == asked_integer("x", str(number)) == asked_integer("x", f" {number} ") == number


@given(st.text(max_size=12))
def test_no_text_but_plain_digits_is_a_number(text: str) -> None:
    try:
        number = asked_integer("x", text)
    except BadRequest as error:
        assert str(error).isascii()  # noqa: PT017
    else:
        assert text.strip(" ") in (str(number), "-0")


def test_an_error_shows_a_value_shortened_and_escaped() -> None:
    with pytest.raises(BadRequest) as caught:
        asked_integer("x", "\x1b[31m" + "é" * 500)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 140


@pytest.mark.parametrize("raw", ["15000 60999", "15000\t60999", "15000-60999", " 15000 - 60999 ", [15000, "60999"]])
def test_a_port_range_may_be_written_in_several_ways(raw: object) -> None:
    assert asked_port_range("r", raw) == PortRange(15000, 60999)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("60999 15000", "60999 is not below 15000"),
        ("15000 15000", "not below"),
        ("0 60999", "0 is not a port"),
        ("15000 65536", "65536 is not a port"),
        ("15000", "must be two ports"),
        ("-1 15000", "must be two ports"),
        ([15000, 60999, 1], "must be two ports"),
        (15000, "must be two ports"),
        (None, "must be two ports"),
        ([True, 60999], "is not a port; ports are numbers"),
        ("a b", "is not a port; ports are numbers"),
        ("15000\n60999", "must be two ports"),
        ({"low": 1, "high": 2}, "must be two ports"),
    ],
)
def test_a_wrong_port_range_is_refused(raw: object, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        asked_port_range("r", raw)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("8080,9000-9010", ((8080, 8080), (9000, 9010))),
        ("9000-9010, 8080 8081", ((8080, 8081), (9000, 9010))),
        ([8080, "9000-9010"], ((8080, 8080), (9000, 9010))),
        (8080, ((8080, 8080),)),
        ("5-5", ((5, 5),)),
        ([" 1-2 "], ((1, 2),)),
        ([], ()),
        ("", ()),
    ],
)
def test_a_port_list_may_be_written_in_several_ways(raw: object, expected: object) -> None:
    assert asked_port_list("p", raw) == expected


@pytest.mark.parametrize(
    "raw", [True, [True], "0", "65536", "9-8", "1-65536", "0-9", "a", "1--2", ["1,2"], None, {}, 1.0]
)
def test_a_wrong_port_list_is_refused(raw: object) -> None:
    with pytest.raises(BadRequest):
        asked_port_list("p", raw)


@given(st.lists(ranges, max_size=6))
def test_merging_keeps_every_port_and_leaves_no_neighbours(several: list[PortRange]) -> None:
    joined = merged(several)
    assert numbers(joined) == numbers(tuple(several))
    assert all(before.high + 1 < after.low for before, after in itertools.pairwise(joined))


@given(lists, lists)
def test_taking_ports_away_is_the_difference_of_sets(
    some: tuple[PortRange, ...], others: tuple[PortRange, ...]
) -> None:
    assert numbers(without(some, others)) == numbers(some) - numbers(others)


@given(lists)
def test_a_port_list_survives_the_kernel(value: tuple[PortRange, ...]) -> None:
    knob = KNOBS["ip_local_reserved_ports"]
    assert kernel_value(knob, kernel_text(value)) == value
    assert kernel_value(knob, kernel_text(value) + "\n") == value
    assert asked_port_list("p", kernel_text(value)) == value


@given(ranges)
def test_a_port_range_survives_the_kernel(value: PortRange) -> None:
    knob = KNOBS["ip_local_port_range"]
    assert kernel_value(knob, kernel_text(value)) == value
    assert kernel_value(knob, f"{value.low}\t{value.high}\n") == value


@given(st.integers(-INT_MAX - 1, INT_MAX))
def test_an_integer_survives_a_kernel_that_does_not_check_it(value: int) -> None:
    assert kernel_value(KNOBS["tcp_tw_recycle"], kernel_text(value)) == value


# Each of these was seen on a running kernel; tests/system/test_boot_order.py looks again.
@pytest.mark.parametrize(
    ("knob", "text", "value"),
    [
        ("tcp_tw_reuse", "0x1", 1),
        ("tcp_tw_reuse", "0X2", 2),
        ("tcp_tw_reuse", "01", 1),
        ("tcp_tw_reuse", "08", None),
        ("tcp_tw_reuse", "+1", None),
        ("tcp_tw_reuse", '"1"', None),
        ("tcp_tw_reuse", "1 # note", 1),
        ("tcp_tw_reuse", "1#", None),
        ("tcp_tw_reuse", "3", None),
        ("tcp_tw_reuse", "-1", None),
        ("tcp_tw_reuse", "", None),
        ("tcp_tw_reuse", "1 2 3", 1),
        ("tcp_tw_recycle", "-1", -1),
        ("tcp_tw_recycle", "2147483648", None),
        ("tcp_tw_recycle", "yes", None),
        ("tcp_tw_recycle", "\uff11", None),
        ("tcp_timestamps", "255", 255),
        ("tcp_timestamps", "256", None),
        ("tcp_max_tw_buckets", "-0x5", -5),
        ("tcp_max_tw_buckets", "-2147483648", -2147483648),
        ("tcp_tw_reuse_delay", "0", None),
        ("tcp_tw_reuse_delay", "60000", 60000),
        ("tcp_tw_reuse_delay", "60001", None),
        ("ip_local_port_range", "15000 60000 x", (15000, 60000)),
        ("ip_local_port_range", "60000 15000", None),
        ("ip_local_port_range", "15000-60000", None),
        ("ip_local_port_range", "15000", None),
        ("ip_local_port_range", "0 60000", None),
        ("ip_local_port_range", "x 15000 60000", None),
        ("ip_local_reserved_ports", "8080,", ((8080, 8080),)),
        ("ip_local_reserved_ports", ",8080", None),
        ("ip_local_reserved_ports", "8080,,9090", None),
        ("ip_local_reserved_ports", "8080, 9000", None),
        ("ip_local_reserved_ports", "8080 9000", None),
        ("ip_local_reserved_ports", "0x10,010", ((8, 8), (16, 16))),
        ("ip_local_reserved_ports", "0,5", ((0, 0), (5, 5))),
        ("ip_local_reserved_ports", "8-", None),
        ("ip_local_reserved_ports", "9-8", None),
        ("ip_local_reserved_ports", "65536", None),
        ("ip_local_reserved_ports", "-5", None),
        ("ip_local_reserved_ports", "\n", ()),
    ],
)
def test_a_kernel_reads_numbers_in_its_own_way(knob: str, text: str, value: object) -> None:
    assert kernel_value(KNOBS[knob], text) == value


@given(st.sampled_from(sorted(KNOBS)), st.text(max_size=30))
def test_any_text_has_a_value_or_none(name: str, text: str) -> None:
    value = kernel_value(KNOBS[name], text)
    assert value is None or kernel_value(KNOBS[name], kernel_text(value)) == value


def test_brackets_and_commas_of_a_text_are_no_obstacle() -> None:
    assert asked_port_range("x", "[15000,60999]") == (15000, 60999)
    assert asked_port_list("x", "[8080, 9000-9010]") == ((8080, 8080), (9000, 9010))


def test_an_endless_number_is_none() -> None:
    assert kernel_value(KNOBS["tcp_tw_reuse"], "1" * 5000) is None
