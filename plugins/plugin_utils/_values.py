# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of knobs: what a user writes, what a kernel reads and prints. Pure.

A value is an ``int``, a ``PortRange``, or a tuple of PortRanges for a list of ports.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from ._knobs import INT_MAX, Knob


class PortRange(NamedTuple):
    """Ports from ``low`` to ``high``, both included."""

    low: int
    high: int


Value = int | PortRange | tuple[PortRange, ...]

#: ASCII digits only, no sign but a minus, no leading zero: 0x1, 01, +1, 1.0 and full-width digits are not numbers here.
_PLAIN_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})\Z")
_PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?\Z")
_KERNEL_PORTS = re.compile(r"(\w+)(?:-(\w+))?\Z", re.ASCII)
#: A number ends at a blank, a tab or a newline only; before one there may be more kinds of white space. All of ASCII.
_KERNEL_WORDS = re.compile(r"\s*([^ \t\n]+)", re.ASCII)


class BadRequest(Exception):
    """What the user asks for is not possible; the message says why and what to write instead."""


#: What else a knob may be asked to be.
_OR = {"tcp_timestamps": " (0, 1 or 2) or on"}


def asked_integer(what: str, raw: object) -> int:
    """The integer that a user wrote, be it as a number or as plain decimal digits.

    Raises BadRequest for anything else, a boolean in particular: ``yes`` is not 1.
    """
    if isinstance(raw, bool) or not isinstance(raw, (int, str)):
        raise BadRequest(f"{what} must be an integer{_OR.get(what, '')}, not {_shown(raw)}")
    if isinstance(raw, int):
        return int(raw)
    if not _PLAIN_INTEGER.match(raw.strip(" ")):
        raise BadRequest(f"{what} must be an integer in plain decimal digits{_OR.get(what, '')}, not {_shown(raw)}")
    return int(raw.strip(" "))


def asked_port_range(what: str, raw: object) -> PortRange:
    """``"low high"``, ``"low-high"`` or a list of two, with at least two ports in it. Raises BadRequest."""
    parts = re.split(r"[ \t,-]+", raw.strip("[] \t")) if isinstance(raw, str) else raw
    if not isinstance(parts, (list, tuple)) or len(parts) != 2:
        raise BadRequest(f"{what} must be two ports, such as [15000, 60999], not {_shown(raw)}")
    low, high = (_asked_port(what, part) for part in parts)
    if low >= high:
        raise BadRequest(f"{what}: {low} is not below {high}: a range goes from its lowest port to its highest")
    return PortRange(low, high)


def asked_port_list(what: str, raw: object) -> tuple[PortRange, ...]:
    """A list of ports and ranges (``[8080, "9000-9010"]``), or a string of them with commas. Raises BadRequest."""
    if isinstance(raw, str):
        raw = [part for part in re.split(r"[,\s]+", raw.strip("[] \t")) if part]
    elif isinstance(raw, int) and not isinstance(raw, bool):
        raw = [raw]
    if not isinstance(raw, (list, tuple)):
        raise BadRequest(f"{what} must be a list of ports and ranges, such as [8080, '9000-9010'], not {_shown(raw)}")
    ranges: list[PortRange] = []
    for part in raw:
        found = _PORTS.match(part.strip()) if isinstance(part, str) else None
        if found and found.group(2):
            low, high = (_asked_port(what, text) for text in found.groups())
            if low > high:
                raise BadRequest(f"{what}: {low} is above {high}: a range goes from its lowest port to its highest")
            ranges.append(PortRange(low, high))
        else:
            port = _asked_port(what, part)
            ranges.append(PortRange(port, port))
    return merged(ranges)


def _asked_port(what: str, raw: object) -> int:
    try:
        port = asked_integer(what, raw)
    except BadRequest:
        raise BadRequest(f"{what}: {_shown(raw)} is not a port; ports are numbers in plain decimal digits") from None
    if not 1 <= port <= 65535:
        raise BadRequest(f"{what}: {port} is not a port; ports go from 1 to 65535")
    return port


def merged(ranges: Iterable[PortRange]) -> tuple[PortRange, ...]:
    """The same ports, sorted, with neighbouring and overlapping ranges joined, as the kernel prints them."""
    joined: list[PortRange] = []
    for low, high in sorted(ranges):
        if joined and low <= joined[-1].high + 1:
            joined[-1] = PortRange(joined[-1].low, max(high, joined[-1].high))
        else:
            joined.append(PortRange(low, high))
    return tuple(joined)


def without(ranges: tuple[PortRange, ...], removed: tuple[PortRange, ...]) -> tuple[PortRange, ...]:
    """The ports of ``ranges`` that are not in ``removed``."""
    left = list(ranges)
    for low, high in removed:
        left = [
            piece
            for first, last in left
            for piece in (PortRange(first, min(last, low - 1)), PortRange(max(first, high + 1), last))
            if piece.low <= piece.high
        ]
    return merged(left)


def ports_in(value: Value | None) -> tuple[PortRange, ...]:
    """The ranges of a list of ports; none for any other value."""
    return value if isinstance(value, tuple) and not isinstance(value, PortRange) else ()


def kernel_text(value: Value) -> str:
    """A value as it is written to the kernel, and as the kernel prints it but for the tab within a range."""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, PortRange):
        return f"{value.low} {value.high}"
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in value)


def kernel_value(knob: Knob, text: str) -> Value | None:
    """What a kernel makes of a text written to the knob; None when it refuses the text.

    Source: kernel/sysctl.c (proc_get_long, do_proc_dointvec, proc_do_large_bitmap).
    """
    if knob.kind == "port_list":
        return _kernel_port_list(text)
    numbers = [_kernel_integer(word) for word in _KERNEL_WORDS.findall(text)]
    lowest, highest = knob.accepted or (-INT_MAX - 1, INT_MAX)
    legal = [number for number in numbers if number is not None and lowest <= number <= highest]
    if knob.kind == "port_range":
        if len(numbers) < 2 or legal[:2] != numbers[:2] or legal[0] > legal[1]:
            return None
        return PortRange(legal[0], legal[1])
    return legal[0] if legal and legal[:1] == numbers[:1] else None


def _kernel_integer(word: str) -> int | None:
    """A number as strtoul with base 0 reads it: decimal, 0x hexadecimal or 0 octal, with a minus and no plus."""
    found = re.match(r"(-?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))\Z", word)
    # TMPBUFLEN: the kernel looks at no more than 22 characters.
    if not found or len(word) > 22:
        return None
    sign, hexadecimal, octal, decimal = found.groups()
    number = int(hexadecimal, 16) if hexadecimal else int(octal, 8) if octal else int(decimal)
    return -number if sign else number


def _kernel_port_list(text: str) -> tuple[PortRange, ...] | None:
    ranges: list[PortRange] = []
    # One comma at the end is let through, a space is not.
    text = text.strip("\n")
    for part in text.removesuffix(",").split(",") if text else ():
        found = _KERNEL_PORTS.match(part)
        low = _kernel_integer(found.group(1)) if found else None
        high = _kernel_integer(found.group(2)) if found and found.group(2) else low
        if low is None or high is None or not 0 <= low <= high <= 65535:
            return None
        ranges.append(PortRange(low, high))
    return merged(ranges)


def _shown(raw: object) -> str:
    """A user's value within an error message, short, with anything that is not plain ASCII escaped."""
    text = ascii(raw)
    return text if len(text) <= 60 else text[:57] + "..."
