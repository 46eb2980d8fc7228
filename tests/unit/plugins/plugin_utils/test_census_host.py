# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that counts on a host: what it makes of messages, whatever they are."""

from __future__ import annotations

import socket
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils import _census_host as host
from hypothesis import given
from hypothesis import strategies as st


@dataclass(frozen=True)
class Message:
    family: int
    state: int
    timer: int
    local_port: int
    port: int
    source: bytes
    destination: bytes
    attributes: int
    #: What an old kernel leaves behind an address of four bytes.
    rest: bytes = b"\0" * 12

    def packed(self) -> bytes:
        addresses = [
            one + (self.rest if self.family == socket.AF_INET else b"") for one in (self.source, self.destination)
        ]
        body = struct.pack(">BBBBHH", self.family, self.state, self.timer, 0, self.local_port, self.port)
        body += b"".join(addresses) + bytes(32) + bytes(self.attributes)
        return struct.pack("=IHHII", 16 + len(body), 20, 2, 1, 0) + body


def addresses(family: int) -> st.SearchStrategy[bytes]:
    if family == socket.AF_INET:
        return st.sampled_from([b"\x7f\0\0\1", b"\n\0\0\5", b"\n\0\0\6"])
    mapped = bytes(10) + b"\xff\xff\n\0\0\5"
    return st.sampled_from([bytes(15) + b"\1", mapped, b" \1\r\xb8" + bytes(12), b"\n\0\0\5" + bytes(12)])


PORTS = st.sampled_from([80, 1023, 1024, 8080, 32767, 32768, 33000, 33024, 40000, 60999, 61000, 65535])


@st.composite
def messages(draw: st.DrawFn) -> Message:
    family = draw(st.sampled_from([socket.AF_INET, socket.AF_INET6]))
    # In FIN_WAIT_2 there are also sockets that a program holds, with more attributes and another timer.
    state, timer, attributes = draw(st.sampled_from([(6, 3, 0), (6, 3, 8), (5, 3, 0), (5, 2, 8), (5, 0, 256)]))
    ends = [draw(addresses(family)) for _end in range(2)]
    return Message(family, state, timer, draw(PORTS), draw(PORTS), ends[0], ends[1], attributes)


def name_of(message: Message) -> tuple[str, str, int]:
    def text(packed: bytes) -> str:
        packed = packed.removeprefix(host.MAPPED)
        return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)

    return text(message.source), text(message.destination), message.port


def tally(
    *blocks: bytes, others: frozenset[int] = frozenset({40000, 33000}), timer: bytes = host.TIMER_OF_TIME_WAIT
) -> host.Tally:
    made = host.Tally(host.ephemeral_ports(32768, 60999, set(others)), timer)
    for block in blocks:
        made.add(block, struct.unpack_from("=I", block)[0])
    return made


def named(found: host.Tally) -> dict[tuple[str, str, int], int]:
    return {host.name_of(key): number for key, number in found.merged().items()}


def is_outbound(message: Message) -> bool:
    return 32768 <= message.local_port <= 60999 and message.local_port not in (40000, 33000)


@given(st.lists(st.lists(messages(), min_size=1, max_size=20), max_size=6))
def test_a_tally_is_what_counting_one_by_one_gives(blocks: list[list[Message]]) -> None:
    found = tally(*(b"".join(message.packed() for message in block) for block in blocks))
    everything = [message for block in blocks for message in block]
    time_wait = [message for message in everything if (message.state, message.timer) == (6, 3)]
    assert found.fin_wait_2 == sum((message.state, message.timer) == (5, 3) for message in everything)
    outbound = [message for message in time_wait if is_outbound(message)]
    assert found.outbound == len(outbound)
    assert named(found) == Counter(map(name_of, outbound))
    rest = Counter(message.local_port for message in time_wait if not is_outbound(message))
    assert {host.as_sent(raw): number for raw, number in found.ports.items()} == rest


@given(st.lists(st.lists(messages(), min_size=1, max_size=20), max_size=6), st.sampled_from([0, 1, 3]))
def test_without_a_timer_every_socket_counts_whatever_its_state_and_length(
    blocks: list[list[Message]], odd: int
) -> None:
    # Such a length is padded, and two of them to the same.
    blocks = [[replace(one, attributes=one.attributes + odd * (one.port % 2)) for one in block] for block in blocks]
    padded = [[one.packed() + bytes(-one.attributes % 4) for one in block] for block in blocks]
    found = tally(*map(b"".join, padded), timer=b"")
    outbound = [message for block in blocks for message in block if is_outbound(message)]
    assert (found.outbound, found.fin_wait_2) == (len(outbound), 0)
    assert named(found) == Counter(map(name_of, outbound))


PLAIN = Message(socket.AF_INET, 6, 3, 50000, 3306, b"\n\0\0\x09", b"\n\0\0\5", 8)


def test_what_an_old_kernel_leaves_behind_an_address_is_no_part_of_it() -> None:
    block = b"".join(replace(PLAIN, rest=bytes([number]) * 12).packed() for number in range(5))
    assert named(tally(block)) == {("10.0.0.9", "10.0.0.5", 3306): 5}


def test_the_end_may_come_with_the_last_messages() -> None:
    done = struct.pack("=IHHIII", 20, host.NLMSG_DONE, 2, 1, 0, 0)
    assert tally(PLAIN.packed() * 3 + done).outbound == 3


@pytest.mark.parametrize("length", [0, 4, 60])
def test_an_interrupted_answer_is_noticed_wherever_that_is_said(length: int) -> None:
    said = struct.pack("=IHHII", 16 + length, 20, 2 | host.NLM_F_DUMP_INTR, 1, 0) + bytes(length)
    with pytest.raises(host.Interrupted):
        tally(PLAIN.packed() * 3 + said)


def test_an_error_among_the_messages_is_one() -> None:
    error = struct.pack("=IHHIIi", 20, host.NLMSG_ERROR, 2, 1, 0, -2)
    with pytest.raises(EnvironmentError, match="refused"):
        tally(PLAIN.packed() + error)


@pytest.mark.parametrize(("failures", "whole"), [(0, True), (2, True), (3, False)])
def test_an_interrupted_count_is_begun_again_and_the_third_time_it_is_said(
    monkeypatch: pytest.MonkeyPatch, failures: int, whole: bool
) -> None:
    left = [failures]

    def blocks_of(_states: list[int]) -> Iterator[tuple[bytes, int]]:
        block = PLAIN.packed() * 7
        yield block, len(block) // 7
        if left[0]:
            left[0] -= 1
            raise host.Interrupted

    monkeypatch.setattr(host, "blocks_of", blocks_of)
    found, told = host.tally_of([host.TIME_WAIT], host.ephemeral_ports(32768, 60999, set()))
    assert (told, found.outbound) == (whole, 7)


@pytest.mark.parametrize(
    ("state", "in_use", "looked"),
    [(host.TIME_WAIT, 0, False), (host.TIME_WAIT, 1, True), (host.FIN_WAIT_2, 0, True)],
)
def test_open_connections_are_looked_for_where_there_may_be_some(
    monkeypatch: pytest.MonkeyPatch, state: int, in_use: int, looked: bool
) -> None:
    def blocks_of(states: list[int], *_more: object) -> Iterator[tuple[bytes, int]]:
        message = replace(PLAIN, state=state).packed()
        if state in states:
            yield message, len(message)
        asked.append(states)

    asked: list[list[int]] = []
    monkeypatch.setattr(host, "blocks_of", blocks_of)
    monkeypatch.setattr(host, "in_use", lambda: in_use)
    monkeypatch.setattr(host, "offset_of_timestamps", lambda: "unknown")
    lines = list(host.answer(["10", "32768", "60999", ""]))
    assert (host.OPEN in asked) is looked
    assert f"out 10.0.0.9 10.0.0.5 3306 {'1 0' if state == host.TIME_WAIT else '0 1'}" in lines


def test_groups_are_forgotten_when_there_are_too_many_and_it_is_said_what_may_be_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(host, "MOST_GROUPS", 8)
    blocks = [
        b"".join([PLAIN.packed()] * 3 + [replace(PLAIN, port=1000 * turn + number).packed() for number in range(5)])
        for turn in range(1, 20)
    ]
    found = tally(*blocks)
    assert found.outbound == 8 * 19
    groups = named(found)
    assert len(groups) <= 8
    assert 57 - found.lost <= groups["10.0.0.9", "10.0.0.5", 3306] <= 57
    assert 0 < found.lost < 57


@given(st.lists(st.tuples(addresses(2) | addresses(10), PORTS), min_size=1, max_size=5, unique=True), st.data())
def test_the_filter_for_the_kernel_passes_the_destinations_and_nothing_else(
    wanted: list[tuple[bytes, int]], data: st.DataObject
) -> None:
    destinations = [(host.address(packed), port) for packed, port in wanted]
    code = host.host_filter(destinations)
    assert len(code) % 4 == 0
    message = data.draw(messages())
    _source, destination, port = name_of(message)
    assert passes(code, message) == ((destination, port) in destinations)
    for packed, to_port in wanted:
        family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
        assert passes(code, replace(message, family=family, destination=packed, port=to_port))


def passes(code: bytes, message: Message) -> bool:
    """inet_diag_bc_run() of net/ipv4/inet_diag.c, for the two operations that are used."""
    at = 0
    while len(code) - at > 0:
        operation, yes, no = struct.unpack_from("=BBH", code, at)
        matches = False
        if operation == host.BC_D_COND:
            family, prefix, port = struct.unpack_from("=BBxxi", code, at + 4)
            packed = code[at + 12 : at + 12 + prefix // 8]
            plain = message.destination.removeprefix(host.MAPPED) if family == socket.AF_INET else message.destination
            same = family == message.family or (family == socket.AF_INET and len(plain) == 4)
            matches = port == message.port and same and plain == packed
        at += yes if matches else no
    return at == len(code)


@given(st.dictionaries(st.integers(0, 30), st.integers(1, 5)), st.integers(1, 10))
def test_the_largest_are_those_with_most_and_of_equals_the_first(numbers: dict[int, int], top: int) -> None:
    assert host.largest(numbers, top) == sorted(numbers, key=lambda name: (-numbers[name], name))[:top]


@pytest.mark.parametrize(
    ("text", "ports"),
    [("", set()), ("8080", {8080}), ("8080,9000-9002", {8080, 9000, 9001, 9002}), ("1-2,65535", {1, 2, 65535})],
)
def test_reserved_ports_are_read_as_the_kernel_prints_them(text: str, ports: set[int]) -> None:
    assert host.port_ranges(text) == ports


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [(1000, 1003, True), (2, (1 << 32) - 3, True), (-5, 3, True), (1000, 900_000, False), (0, 1 << 31, False)],
)
def test_timestamps_of_one_clock_are_near_each_other_also_where_it_begins_again(
    one: int, other: int, same: bool
) -> None:
    for pair in ((one, other), (other, one)):
        assert host.is_one_clock(*pair) is same


def test_of_a_tcp_info_the_sixth_byte_has_the_options() -> None:
    info = struct.pack("=HHBBBBBB", 12, host.INFO, 1, 0, 0, 0, 0, 7) + b"\0\0"
    shutdown = struct.pack("=HHB", 5, 8, 0) + b"\0\0\0"
    message = replace(PLAIN, attributes=0).packed() + shutdown + info
    assert host.tcp_options(message) == 7
    assert host.tcp_options(message[: host.FIXED]) is None
    assert host.tcp_options(message[: host.FIXED] + struct.pack("=HH", 0, 9)) is None
