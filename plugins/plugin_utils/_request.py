# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user of timewait_settings asks for, checked. Pure; knows nothing of the host yet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ._knobs import KNOBS
from ._values import BadRequest, PortRange, Value, asked_integer, asked_port_list, asked_port_range

State = Literal["present", "absent"]
Conflicts = Literal["fail", "comment_out"]
ApplyTo = Literal["both", "runtime", "boot"]

DEFAULT_PATH = "/etc/sysctl.d/99-timewait.conf"
#: Where a drop-in of ours may lie: directories that loaders read, that survive a reboot, and that no package owns.
DIRECTORIES = ("/etc/sysctl.d", "/usr/local/lib/sysctl.d")

#: Names that need no quoting anywhere, and that loaders read.
PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,100}\.conf")

#: Who a drop-in belongs to: a name of a role, mostly.
_OWNER = re.compile(r"[A-Za-z0-9_.@-]{0,100}")

#: tcp_timestamps: on means that a present 1 or 2 stays.
ON = "on"

#: tcp_tw_recycle in words. core 2.16 hands the boolean on as a text.
OFF = ("off", "no", "false")

DEFAULTS: Mapping[str, object] = {"tcp_tw_reuse": 1, "tcp_tw_recycle": 0, "tcp_timestamps": ON}

#: A range with fewer ports than this runs out at 17 connections a second to one destination.
SMALLEST_RANGE = 1024


@dataclass(frozen=True)
class Request:
    """``values`` has the knobs that are asked for, by name; tcp_timestamps is missing from it when ``keep_on``."""

    state: State
    values: Mapping[str, Value]
    #: tcp_timestamps: on.
    keep_on: bool
    conflicts: Conflicts
    path: str
    apply_to: ApplyTo = "both"
    owner: str = ""

    @property
    def recycle(self) -> int:
        """The value asked for tcp_tw_recycle; whatever is no integer counts as asking for it."""
        value = self.values["tcp_tw_recycle"]
        return value if isinstance(value, int) else 1


def request_of(arguments: Mapping[str, object]) -> Request:
    """The request in an action's arguments. Raises BadRequest, before a host has been contacted."""
    state = _choice(arguments, "state", get_args(State))
    conflicts = _choice(arguments, "conflicts", get_args(Conflicts))
    apply_to = _choice(arguments, "apply_to", get_args(ApplyTo))
    asked = {**DEFAULTS, **{name: raw for name, raw in arguments.items() if name in KNOBS and _is_given(name, raw)}}
    keep_on = _is_on(asked["tcp_timestamps"])
    if keep_on:
        del asked["tcp_timestamps"]
    values = {name: _value(name, asked[name]) for name in KNOBS if name in asked}
    if values["tcp_tw_reuse"] and values.get("tcp_timestamps") == 0:
        raise BadRequest(
            "tcp_tw_reuse needs timestamps: with tcp_timestamps: 0 the kernel never reuses a TIME_WAIT socket, "
            "and does not say so. Leave tcp_timestamps on, or set tcp_tw_reuse: 0"
        )
    return Request(
        state, values, keep_on, conflicts, _path(arguments.get("path")), apply_to, _owner(arguments.get("owner"))
    )


def _is_given(name: str, raw: object) -> bool:
    """ansible-core 2.16 hands a variable that is null on as an empty text."""
    return raw is not None and not (raw == "" and name not in DEFAULTS)


def _choice(arguments: Mapping[str, object], option: str, choices: tuple[Any, ...]) -> Any:
    """One of the choices; the first where none is given."""
    raw = arguments.get(option)
    if raw is None:
        return choices[0]
    if raw not in choices:
        raise BadRequest(f"{option} must be one of {', '.join(choices)}, not {ascii(raw)[:60]}")
    return str(raw)


def _owner(raw: object) -> str:
    owner = "" if raw is None else str(raw)
    if not _OWNER.fullmatch(owner):
        raise BadRequest(f"owner must be a name in plain letters, digits, '.', '_', '@' and '-', not {ascii(raw)[:60]}")
    return owner


def _is_on(raw: object) -> bool:
    """YAML 1.1 reads a bare ``on`` as the boolean true, and core 2.16 hands that on as the text True."""
    return raw is True or (isinstance(raw, str) and raw.strip().lower() in (ON, "true"))


def _is_recycle_off(name: str, raw: object) -> bool:
    """Words for off are no harm, words for on are no number. YAML 1.1 reads a bare ``off`` and ``no`` as false."""
    return name == "tcp_tw_recycle" and (raw is False or (isinstance(raw, str) and raw.strip().lower() in OFF))


def _value(name: str, raw: object) -> Value:
    knob = KNOBS[name]
    if knob.kind == "port_list":
        return asked_port_list(name, raw)
    if knob.kind == "port_range":
        wanted = asked_port_range(name, raw)
        _check_size(name, wanted)
        return wanted
    number = 0 if _is_recycle_off(name, raw) else asked_integer(name, raw)
    # A negative recycle is not out of range but one more way to ask for it, and is answered as that.
    too_low = number < knob.minimum and name != "tcp_tw_recycle"
    if too_low or number > knob.maximum:
        raise BadRequest(f"{name}: {number} is outside {knob.minimum} to {knob.maximum}. {knob.meaning}")
    return number


def _check_size(name: str, wanted: PortRange) -> None:
    size = wanted.high - wanted.low + 1
    if size < SMALLEST_RANGE:
        raise BadRequest(
            f"{name}: {size} ports are too few: with 60 s of TIME_WAIT they last for {size / 60:.0f} connections a "
            f"second to one destination. The least is {SMALLEST_RANGE} ports; Linux has 28232 by default"
        )


def _path(raw: object) -> str:
    path = DEFAULT_PATH if raw is None else str(raw)
    directory, _slash, name = path.rpartition("/")
    if directory not in DIRECTORIES or not PLAIN_NAME.fullmatch(name):
        raise BadRequest(
            f"path must name a .conf file directly in {' or '.join(DIRECTORIES)}, where sysctl loaders find it, in "
            f"plain letters, digits, '.', '_', '@' and '-', not {ascii(path)[:120]}"
        )
    return path
