# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The values of knobs as plain data: now, and after the next boot. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ._knobs import KNOBS
from ._loaders import Loader
from ._snapshot import Snapshot, printable
from ._sysctld import SysctlFile, decide
from ._values import PortRange, Value, kernel_value


def plain(value: Value | None) -> Any:
    """A value as JSON has it: an integer, two integers for a range, a list of those for a list of ports."""
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, PortRange):
        return [value.low, value.high]
    return [[low, high] for low, high in value]


def knob_values(snapshot: Snapshot) -> dict[str, Any]:
    """The values that the kernel has now."""
    return {name: plain(snapshot.knobs[name]) for name in KNOBS if name in snapshot.knobs}


def decided(
    name: str, files: Sequence[SysctlFile], loader: Loader | None, loader_name: str, default: Value | None
) -> dict[str, Any]:
    """What a loader makes of a knob, and the line that decides. ``value`` is null where that is not known."""
    if loader is None:
        return {"value": None, "source": None, "line": None, "loader": loader_name}
    decision = decide(KNOBS[name].path, files, loader)
    value = None if decision.value is None else kernel_value(KNOBS[name], decision.value)
    setting = decision.setting
    return {
        # A text that the kernel refuses leaves the default in force.
        "value": plain(default if value is None else value),
        "source": printable(setting.file.path) if setting else None,
        "line": setting.line.number if setting else None,
        "loader": loader_name,
    }


def boot_values(snapshot: Snapshot, files: Sequence[SysctlFile]) -> dict[str, Any]:
    """For each knob that this kernel has: what holds after the next boot. All, where no kernel's can be seen."""
    loaders = snapshot.loaders
    return {
        name: decided(name, files, loaders.boot, loaders.boot_name, snapshot.defaults.get(name))
        for name in KNOBS
        if name in (snapshot.knobs or KNOBS)
    }
