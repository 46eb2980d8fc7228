# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about what the next boot will do, and about what other programs do. Pure."""

from __future__ import annotations

import shlex

from .._held import lost_copies
from .._knobs import KNOBS
from .._loaders import Loader
from .._observed import Observed
from .._snapshot import Snapshot, printable
from .._sysctld import UNREAD, Line, SysctlFile, decide
from .._tree import commented_out, damages_in, own_in
from .._undo import recycling
from .._values import Value, kernel_text, kernel_value
from .._writers import rewrites_in, settled
from ._finding import Finding


def recycle_in_file(host: Observed) -> Finding | None:
    snapshot = host.snapshot
    at_boot = recycling(snapshot.files, snapshot)
    found = at_boot or _on_reload(snapshot)
    if not found:
        return None
    path, line = printable(found[0].path), found[1]
    when = "at boot" if at_boot else "when somebody calls 'sysctl --system'"
    if at_boot and snapshot.loaders.boot is None:
        when = "at boot, if what applies sysctl files here reads it"
    inert = ", which this kernel does not have; an older one would take it"
    if "tcp_tw_recycle" in snapshot.knobs:
        inert = ""
    return Finding(
        "recycle_in_file",
        "warning",
        f"a sysctl file turns tcp_tw_recycle on {when}{inert}",
        (f"{path} line {line.number}: {printable(line.text)}",),
        f"remove line {line.number} of {path}",
        _without_line(found[0], line),
    )


def _without_line(file: SysctlFile, line: Line) -> tuple[str, ...]:
    """The command that makes a comment of a line that turns recycle on, in a file that is the administrator's."""
    alone = file.kind == "regular" and not file.link and file.path.startswith("/etc/") and file.path.isprintable()
    if not alone or "tcp_tw_recycle" not in line.text:
        return ()
    return (f"sed -i '{line.number}s/^.*tcp_tw_recycle/# &/' {shlex.quote(file.path)}",)


def _on_reload(snapshot: Snapshot) -> tuple[SysctlFile, Line] | None:
    """The line that would turn recycle on with 'sysctl --system'."""
    loader = snapshot.loaders.reload
    setting = decide(KNOBS["tcp_tw_recycle"].path, snapshot.files, loader).setting if loader else None
    if not setting or setting.value is None or kernel_value(KNOBS["tcp_tw_recycle"], setting.value) == 0:
        return None
    return setting.file, setting.line


def boot_differs(host: Observed) -> Finding | None:
    snapshot = host.snapshot
    loader = snapshot.loaders.boot
    if loader is None:
        return None
    changes = [
        f"{KNOBS[name].key} is {kernel_text(now)} and will be {after}"
        for name, now in snapshot.knobs.items()
        if (after := _other_after_boot(name, now, snapshot, loader))
    ]
    if not changes:
        return None
    return Finding(
        "boot_differs",
        "warning",
        "a reboot would change values that hold now",
        tuple(changes),
        f"to take the files' values now: {RELOAD.get(loader.kind, 'sysctl --system')}; to keep those that hold now, "
        "write them to a file that wins, as the role linux_tcp.tuning.timewait does for the values that it sets",
    )


#: What carries the files out as at boot.
RELOAD = {"systemd-sysctl": "systemctl restart systemd-sysctl"}


def _other_after_boot(name: str, now: Value, snapshot: Snapshot, loader: Loader) -> str | None:
    """What a file makes of a knob, in words; None where it stays as it is.

    Without a line in a file it need not become the kernel's default: other programs set knobs, too.
    """
    decision = decide(KNOBS[name].path, snapshot.files, loader)
    after = None if decision.value is None else kernel_value(KNOBS[name], decision.value)
    if decision.setting is None or after is None or after == now:
        return None
    return f"{kernel_text(after)} ({printable(decision.setting.file.path)} line {decision.setting.line.number})"


def boot_hangs(host: Observed) -> Finding | None:
    snapshot = host.snapshot
    special = [file.path for file in snapshot.files if file.kind == "special"]
    if not special:
        return None
    remove = f"rm {' '.join(shlex.quote(path) for path in special)}"
    return Finding(
        "boot_hangs",
        "error",
        "a sysctl directory holds a FIFO or a device: systemd-sysctl waits for it until its time limit when this host "
        "boots, and then applies no file at all",
        tuple(f"{printable(path)} is no regular file" for path in special),
        printable(remove, 1000),
        (remove,) if remove.isprintable() else (),
    )


def file_not_read(host: Observed) -> Finding | None:
    snapshot = host.snapshot
    # A FIFO or a device is worse than that: see boot_hangs.
    unread = [file for file in snapshot.files if file.kind in UNREAD and file.kind != "special"]
    if not unread:
        return None
    return Finding(
        "file_not_read",
        "warning",
        "a sysctl file was not read, so what it would set at boot is not known",
        tuple(f"{printable(file.path)}: {UNREAD[file.kind]}" for file in unread[:10]),
        f"look at it as root: grep tcp_ {printable(unread[0].path)}",
    )


def text_damaged(host: Observed) -> Finding | None:
    snapshot = host.snapshot
    found = damages_in(snapshot.files)
    if not found:
        return None
    return Finding(
        "text_damaged",
        "warning",
        "what this collection wrote has lines of somebody else in it, and is neither changed nor undone until they go",
        tuple(found),
        "move those lines to a file of their own",
    )


def drop_in_gone(host: Observed) -> Finding | None:
    snapshot = host.snapshot
    if damages_in(snapshot.files):
        return None
    lost = lost_copies(snapshot)
    there = {own.place.name for own in own_in(snapshot.files)}
    orphans = [(name, file, line) for name, file, line in commented_out(snapshot.files) if name not in there]
    names = dict.fromkeys([*lost, *(name for name, _file, _line in orphans)])
    if not names:
        return None
    undo = "ansible-playbook linux_tcp.tuning.rollback -e timewait_sysctl_file=/etc/sysctl.d/"
    return Finding(
        "drop_in_gone",
        "warning",
        "a drop-in of this collection was removed, and not by this collection: its settings end with the next boot",
        (
            *(f"{printable(place)} is gone, its copy in /run is there" for place in lost.values()),
            *(
                f"{printable(file.path)} line {line.number} is commented out in favour of {printable(name)}"
                for name, file, line in orphans[:10]
            ),
        ),
        "to bring it back, run what wrote it; to undo the rest of it: "
        + "; ".join(f"{undo}{printable(name)}" for name in list(names)[:10]),
    )


def conflicting_writer(host: Observed) -> Finding | None:
    snapshot = host.snapshot
    rewrites = rewrites_in(snapshot, snapshot.files, settled(snapshot))
    if not rewrites:
        return None
    return Finding(
        "conflicting_writer",
        "warning",
        "another program sets values of its own, beside the loader of sysctl files",
        tuple(map(str, rewrites[:10])),
        "; ".join(dict.fromkeys(rewrite.writer.remedy for rewrite in rewrites[:10])),
    )
