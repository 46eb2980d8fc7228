# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wire of the reproduction shifts timestamps, and nothing else."""

from __future__ import annotations

import struct

from tests.prove.wire import checksum, shifted

ADDRESSES = bytes([10, 0, 0, 1, 10, 0, 0, 2])
NOP, SACK_PERMITTED = b"\1", b"\4\2"


def segment(options: bytes, data: bytes = b"") -> bytes:
    options += b"\0" * (-len(options) % 4)
    header = struct.pack("!HHIIBBHHH", 40000, 8080, 1, 2, (20 + len(options)) // 4 << 4, 16, 64240, 0, 0)
    return header + options + data


def frame(tcp: bytes, protocol: int = 6) -> bytes:
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, protocol, 0) + ADDRESSES
    return bytes(12) + b"\x08\x00" + ip + tcp


def timestamps(value: int, echo: int) -> bytes:
    return struct.pack("!BBII", 8, 10, value, echo)


def sum_of(tcp: bytes) -> int:
    """Over a segment with its checksum in it, the checksum is 0."""
    return checksum(ADDRESSES + struct.pack("!BBH", 0, 6, len(tcp)) + tcp)


def test_the_value_is_shifted_on_the_way_out_and_the_echo_on_the_way_back() -> None:
    options = NOP + NOP + timestamps(1000, 2000)
    out = shifted(frame(segment(options, b"x")), 500, 0)
    assert out[34 + 22 : 34 + 32] == timestamps(1500, 2000)
    back = shifted(frame(segment(options, b"x")), -500, 1)
    assert back[34 + 22 : 34 + 32] == timestamps(1000, 1500)
    assert sum_of(out[34:]) == sum_of(back[34:]) == 0
    assert out.endswith(b"x")


def test_the_clock_wraps_and_an_echo_of_nothing_stays_nothing() -> None:
    first = frame(segment(SACK_PERMITTED + timestamps(2**32 - 1, 0)))
    assert shifted(first, 2, 0)[34 + 22 : 34 + 32] == timestamps(1, 0)
    assert shifted(first, -2, 1)[34 + 22 : 34 + 32] == timestamps(2**32 - 1, 0)


def test_segments_without_timestamps_only_get_their_checksum() -> None:
    plain = frame(segment(b""))
    through = shifted(plain, 500, 0)
    assert through[: 34 + 16] == plain[: 34 + 16]
    assert sum_of(through[34:]) == 0


def test_what_is_no_tcp_passes_as_it_is() -> None:
    for other in (frame(segment(b""), protocol=17), bytes(12) + b"\x08\x06" + bytes(28), b"short"):
        assert shifted(other, 500, 0) == other
