# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wire to a host that has been up for longer or shorter: run in a namespace that holds both ends, left and right.

All hosts of one kernel read one clock. What their peers see of it are the TCP timestamps on the wire: here they are
shifted, those of the host on the left by so many milliseconds, and what is echoed to it back again.
"""

from __future__ import annotations

import select
import socket
import struct
import sys

ETHERNET, IPV4, TCP = 14, 0x0800, 6
ETH_P_ALL = 3
TIMESTAMP, END, NOTHING = 8, 0, 1


def checksum(data: bytes) -> int:
    """The Internet checksum."""
    total: int = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def timestamp_at(segment: bytes | bytearray) -> int | None:
    """Where the value of the timestamp option is in a TCP segment."""
    at, end = 20, (segment[12] >> 4) * 4
    while at < end and segment[at] != END:
        if segment[at] == TIMESTAMP:
            return at + 2
        at += 1 if segment[at] == NOTHING else max(segment[at + 1], 2)
    return None


def shifted(frame: bytes, offset: int, field: int) -> bytes:
    """A frame with ``offset`` added to its timestamp (field 0) or to the one that it echoes (field 1)."""
    if len(frame) < ETHERNET + 40 or struct.unpack_from("!H", frame, 12)[0] != IPV4 or frame[ETHERNET + 9] != TCP:
        return frame
    header = ETHERNET + (frame[ETHERNET] & 15) * 4
    end = ETHERNET + struct.unpack_from("!H", frame, ETHERNET + 2)[0]
    segment = bytearray(frame[header:end])
    at = timestamp_at(segment)
    if at is not None:
        values = list(struct.unpack_from("!II", segment, at))
        # In the first segment of a connection there is nothing to echo.
        if field == 0 or values[1]:
            values[field] = (values[field] + offset) % 2**32
        struct.pack_into("!II", segment, at, *values)
    struct.pack_into("!H", segment, 16, 0)
    pseudo = frame[ETHERNET + 12 : ETHERNET + 20] + struct.pack("!BBH", 0, TCP, len(segment))
    struct.pack_into("!H", segment, 16, checksum(pseudo + bytes(segment)))
    return frame[:header] + bytes(segment)


def port(name: str) -> socket.socket:
    """An interface, with whatever comes in there."""
    # Without a protocol it takes nothing yet, which another interface may have had.
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    opened.bind((name, ETH_P_ALL))
    return opened


def main() -> None:
    offset = int(sys.argv[1])
    left, right = port("left"), port("right")
    print("ready", flush=True)
    while True:
        for source in select.select([left, right], [], [])[0]:
            frame, address = source.recvfrom(65536)
            # Packet sockets see what they send, too.
            if address[2] == socket.PACKET_OUTGOING:
                continue
            if source is left:
                right.send(shifted(frame, offset, 0))
            else:
                left.send(shifted(frame, -offset, 1))


if __name__ == "__main__":
    main()
