# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run does not do, or what holds only for now, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from . import _policy
from ._conflicts import conflicts_in
from ._dropin import is_hand_edited, owner_in
from ._held import Held, taken
from ._knobs import KNOBS
from ._request import Request
from ._snapshot import Snapshot, printable
from ._sysctld import UNREAD, SysctlFile
from ._targets import boot_value, is_settable
from ._values import Value, kernel_text
from ._writers import writer_warnings


def warnings_asked(snapshot: Snapshot, request: Request) -> Iterator[str]:
    """Of what is asked for and cannot be done, or should not be. No recycle in a kernel is fine: it is off then."""
    for name in request.values:
        if name != _policy.RECYCLE.name and not is_settable(name, snapshot, request):
            yield _policy.unsupported(name, snapshot)
    yield from filter(None, [_policy.recycle_unseen(snapshot), _policy.shares_network(snapshot)])
    if request.recycle:
        yield _policy.RECYCLE_WARNING


def warnings_undo(snapshot: Snapshot, request: Request, held: Held) -> Iterator[str]:
    """Of what is not undone, because it is somebody else's."""
    there = taken(snapshot, request.path)
    if there:
        yield f"{there}; it stays"
    for own in held.beside:
        owner = owner_in(own.text)
        whose = f", which is of {printable(owner)}" if owner else ""
        yield f"{printable(str(own.place))} stays{whose}. To undo it as well, use path: {own.place.known_as}"


def warnings_held(held: Held, text: str | None) -> Iterator[str]:
    """Of what somebody else did to what is ours, and of what has moved."""
    if held.purged:
        yield f"{printable(held.purged)} was removed by somebody else; the values from before are still known"
    if held.text is not None and held.text != text and is_hand_edited(held.text):
        yield f"{held.place} was edited by hand; what it says now goes (--diff shows it)"
    for own in held.former:
        owner = f" of {printable(owner_in(own.text))}" if owner_in(own.text) else ""
        yield f"{printable(str(own.place))} goes: the settings{owner} move to {held.place}"


def warnings_boot(
    snapshot: Snapshot, request: Request, files: tuple[SysctlFile, ...], targets: Mapping[str, Value]
) -> Iterator[str]:
    """Of what is not known about the next boot, or will be undone."""
    loaders = snapshot.loaders
    if loaders.boot is None:
        yield "what applies sysctl files when this host boots is not known, so the value after a boot is not known"
    elif request.apply_to == "runtime":
        yield from _until_boot(snapshot, files, targets)
    elif not loaders.boot.reads_anything:
        yield (
            "nothing here applies sysctl files at boot, so the values "
            + ("will not hold" if request.apply_to == "boot" else "hold until then")
        )
    if loaders.boot is not None and request.apply_to != "runtime":
        for conflict in conflicts_in(files, loaders.reload, targets):
            yield f"'sysctl --system' ({loaders.reload_name}) would undo this until the next boot: {conflict}"
    yield from writer_warnings(snapshot, files, targets)
    for file in files:
        if file.kind in UNREAD:
            yield (
                f"{printable(file.path)} was not read ({UNREAD[file.kind]}), so what it would set at boot is not known"
            )


def _until_boot(snapshot: Snapshot, files: tuple[SysctlFile, ...], targets: Mapping[str, Value]) -> Iterator[str]:
    lost = [
        f"{KNOBS[name].key} {'falls back to the default' if after is None else f'will be {kernel_text(after)}'}"
        for name, value in targets.items()
        if (after := boot_value(snapshot, files, name)) != value
    ]
    if lost:
        yield f"apply_to: runtime: the values hold until the next boot; then {', '.join(lost)}"
