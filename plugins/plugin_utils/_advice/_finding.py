# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a finding is, and the words that several have in common. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .._knobs import KNOBS
from .._snapshot import Snapshot, printable
from .._sysctld import decide
from .._values import Value, kernel_text, kernel_value
from .._writers import rewrites_in

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


@dataclass(frozen=True)
class Finding:
    """``id`` is stable; ``evidence`` has numbers with their units; ``remedy`` says what mends it.

    ``commands`` are lines for a root shell on the host that do so until the next boot, or for good where ``remedy``
    says so; none where it is mended elsewhere.
    """

    id: str
    severity: Severity
    message: str
    evidence: tuple[str, ...]
    remedy: str
    commands: tuple[str, ...] = ()


def is_now(name: str, snapshot: Snapshot) -> str:
    """``net.ipv4.tcp_tw_reuse is 1``."""
    return f"{KNOBS[name].key} is {kernel_text(snapshot.knobs[name]) or 'empty'}"


def sysctl(**values: Value) -> str:
    """The command that sets knobs of the running kernel."""
    words = [f"{KNOBS[name].key}={kernel_text(value)}" for name, value in values.items()]
    return " ".join(["sysctl -w", *(f"'{word}'" if " " in word else word for word in words)])


def kept(variable: str) -> str:
    """How a value outlives the next boot."""
    return f"to keep it so, the role linux_tcp.tuning.timewait with {variable}"


def who_set(name: str, snapshot: Snapshot, wanted: Value) -> list[str]:
    """Who sets a knob to its present value, where ``wanted`` would be better: a line of a file, and other programs."""
    now = snapshot.knobs.get(name)
    loader = snapshot.loaders.boot
    setting = decide(KNOBS[name].path, snapshot.files, loader).setting if loader else None
    found = []
    if setting and setting.value is not None and kernel_value(KNOBS[name], setting.value) == now:
        found.append(f"set by {printable(setting.file.path)} line {setting.line.number}")
    others = [
        one for one in rewrites_in(snapshot, snapshot.files, {name: wanted}) if one.writer.assignment.knob == name
    ]
    return [*found, *(str(one) for one in others[:5] if one.value == now)]
