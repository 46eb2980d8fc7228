# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The values that are to hold on a host: a request, adapted to what the host has. Pure."""

from __future__ import annotations

from ._dropin import Record
from ._knobs import KNOBS
from ._request import Request
from ._snapshot import Snapshot
from ._sysctld import SysctlFile, decide
from ._values import Value, kernel_value, merged, ports_in


def targets_of(
    snapshot: Snapshot, request: Request, record: Record, others: tuple[SysctlFile, ...]
) -> dict[str, Value]:
    """The values that are to hold, of the knobs that this kernel has; ``others`` are the files without ours."""
    targets: dict[str, Value] = {}
    for name in KNOBS:
        if not is_settable(name, snapshot, request):
            continue
        now = value_now(name, snapshot, request)
        boot = boot_value(snapshot, others, name)
        if name == "tcp_timestamps" and request.keep_on:
            # A 2 that somebody set is deliberate, and is never turned into a 1. A file that ours overrules is no such
            # wish: a line may have been commented out between the two.
            boot = boot_value(snapshot, snapshot.files, name)
            targets[name] = next((v for v in (now, boot) if isinstance(v, int) and v >= 2), 1)
        elif name in request.values:
            target = _target(name, request.values[name], now, boot, record.values.get(name))
            if target is not None:
                targets[name] = target
    return targets


def is_settable(name: str, snapshot: Snapshot, request: Request) -> bool:
    """Whether the kernel has the knob. Where an image is built it need not show: then every kernel's knobs count."""
    always = KNOBS[name].since is None and KNOBS[name].removed is None and KNOBS[name].namespaced is not None
    return name in snapshot.knobs or (request.apply_to == "boot" and always)


def value_now(name: str, snapshot: Snapshot, request: Request) -> Value | None:
    """The value in the running kernel; None where that is the kernel of whoever builds an image."""
    return None if request.apply_to == "boot" else snapshot.knobs.get(name)


def _target(name: str, asked: Value, now: Value | None, boot: Value | None, own: Value | None) -> Value | None:
    """The value to hold; None when nothing need be written. ``boot`` is what other files lead to, ``own`` ours."""
    if name == "tcp_max_tw_buckets":
        known = [value for value in (now, boot) if isinstance(value, int)]
        enough = bool(known) and isinstance(asked, int) and all(value >= asked for value in known)
        if enough and own is None:
            return None
        return max(value for value in (asked, own, *known) if isinstance(value, int))
    if name == "ip_local_reserved_ports":
        return merged(ports_in(asked) + ports_in(now) + ports_in(boot))
    return asked


def boot_value(snapshot: Snapshot, files: tuple[SysctlFile, ...], name: str) -> Value | None:
    """What files make of a knob at boot; None when none of them sets it, or the loader is not known."""
    if snapshot.loaders.boot is None:
        return None
    text = decide(KNOBS[name].path, files, snapshot.loaders.boot).value
    return None if text is None else kernel_value(KNOBS[name], text)
