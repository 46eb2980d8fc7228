# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a host, each finding with its evidence and a remedy. Pure. No finding without evidence.

A high number of TIME_WAIT sockets is none: by itself it is no problem.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from ._exposure import Exposure
from ._held import lost_copies
from ._knobs import INT_MAX, KNOBS
from ._loaders import Loader
from ._policy import REMEDY
from ._snapshot import Snapshot, printable
from ._sysctld import UNREAD, Line, SysctlFile, decide
from ._tree import commented_out, damages_in, own_in
from ._undo import recycling
from ._values import Value, kernel_text, kernel_value
from ._writers import rewrites_in, settled

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Finding:
    """``id`` is stable; ``evidence`` has numbers with their units; ``remedy`` can be pasted or followed as it is."""

    id: str
    severity: Severity
    message: str
    evidence: tuple[str, ...]
    remedy: str


def findings_of(snapshot: Snapshot, exposure: Exposure) -> list[Finding]:
    """Every finding of a host, the worst first; none for a host with nothing wrong."""
    found = [finding for rule in RULES if (finding := rule(snapshot, exposure))]
    order: Sequence[Severity] = ("error", "warning", "info")
    return sorted(found, key=lambda finding: order.index(finding.severity))


def recycle_enabled(snapshot: Snapshot, exposure: Exposure) -> Finding | None:
    value = snapshot.knobs.get("tcp_tw_recycle")
    if not value:
        return None
    dropped = snapshot.counters.get("PAWSPassive")
    evidence = [f"net.ipv4.tcp_tw_recycle is {value}", *exposure.public_facing, *exposure.behind_nat]
    if dropped is not None:
        evidence.append(f"{dropped} connection attempts dropped so far (PAWSPassive)")
    return Finding(
        "recycle_enabled",
        "error",
        "tcp_tw_recycle is on: clients that share an address, or whose kernel randomises timestamps, cannot connect "
        "now and then",
        tuple(evidence),
        f"sysctl -w net.ipv4.tcp_tw_recycle=0, and the role linux_tcp.tuning.timewait to keep it so. {REMEDY}",
    )


def recycle_in_file(snapshot: Snapshot, _exposure: Exposure) -> Finding | None:
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
    )


def _on_reload(snapshot: Snapshot) -> tuple[SysctlFile, Line] | None:
    """The line that would turn recycle on with 'sysctl --system'."""
    loader = snapshot.loaders.reload
    setting = decide(KNOBS["tcp_tw_recycle"].path, snapshot.files, loader).setting if loader else None
    if not setting or setting.value is None or kernel_value(KNOBS["tcp_tw_recycle"], setting.value) == 0:
        return None
    return setting.file, setting.line


def reuse_without_timestamps(snapshot: Snapshot, _exposure: Exposure) -> Finding | None:
    if snapshot.knobs.get("tcp_tw_reuse") != 1 or snapshot.knobs.get("tcp_timestamps") != 0:
        return None
    evidence = ["net.ipv4.tcp_tw_reuse is 1", "net.ipv4.tcp_timestamps is 0"]
    loader = snapshot.loaders.boot
    setting = decide(KNOBS["tcp_timestamps"].path, snapshot.files, loader).setting if loader else None
    if setting:
        evidence.append(f"set by {printable(setting.file.path)} line {setting.line.number}")
    return Finding(
        "reuse_without_timestamps",
        "error",
        "tcp_tw_reuse is on and does nothing: without timestamps no TIME_WAIT socket is ever reused",
        tuple(evidence),
        "sysctl -w net.ipv4.tcp_timestamps=1, and the role linux_tcp.tuning.timewait to keep it so",
    )


def reuse_two_is_global(snapshot: Snapshot, _exposure: Exposure) -> Finding | None:
    if snapshot.knobs.get("tcp_tw_reuse") != 2 or snapshot.kernel.version >= (4, 18):
        return None
    return Finding(
        "reuse_two_is_global",
        "warning",
        "tcp_tw_reuse is 2, which before Linux 4.18 does not mean 'loopback only' but on for all connections",
        ("net.ipv4.tcp_tw_reuse is 2", f"kernel {printable(snapshot.kernel.release)}"),
        "sysctl -w net.ipv4.tcp_tw_reuse=1 says what is meant (or =0 to turn it off)",
    )


def boot_differs(snapshot: Snapshot, _exposure: Exposure) -> Finding | None:
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


def boot_hangs(snapshot: Snapshot, _exposure: Exposure) -> Finding | None:
    special = [printable(file.path) for file in snapshot.files if file.kind == "special"]
    if not special:
        return None
    return Finding(
        "boot_hangs",
        "error",
        "a sysctl directory holds a FIFO or a device: systemd-sysctl waits for it until its time limit when this host "
        "boots, and then applies no file at all",
        tuple(f"{path} is no regular file" for path in special),
        f"rm {' '.join(special)}",
    )


def file_not_read(snapshot: Snapshot, _exposure: Exposure) -> Finding | None:
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


def text_damaged(snapshot: Snapshot, _exposure: Exposure) -> Finding | None:
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


def drop_in_gone(snapshot: Snapshot, _exposure: Exposure) -> Finding | None:
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


def conflicting_writer(snapshot: Snapshot, _exposure: Exposure) -> Finding | None:
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


def bucket_overflow(snapshot: Snapshot, _exposure: Exposure) -> Finding | None:
    overflows = snapshot.counters.get("TCPTimeWaitOverflow")
    if not overflows:
        return None
    limit = snapshot.knobs.get("tcp_max_tw_buckets")
    return Finding(
        "bucket_overflow",
        "warning",
        "sockets were closed without TIME_WAIT because there were too many: late segments may reach a new connection",
        (f"TCPTimeWaitOverflow is {overflows} since boot", f"net.ipv4.tcp_max_tw_buckets is {limit}"),
        f"timewait_tcp_max_tw_buckets: {min(limit * 2, INT_MAX) if isinstance(limit, int) and limit > 0 else 262144}",
    )


RULES: tuple[Callable[[Snapshot, Exposure], Finding | None], ...] = (
    recycle_enabled,
    recycle_in_file,
    reuse_without_timestamps,
    reuse_two_is_global,
    boot_differs,
    boot_hangs,
    file_not_read,
    text_damaged,
    drop_in_gone,
    conflicting_writer,
    bucket_overflow,
)
