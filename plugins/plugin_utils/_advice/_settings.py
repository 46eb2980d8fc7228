# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about the values that hold now. Pure."""

from __future__ import annotations

from .._containers import set_from_outside
from .._knobs import INT_MAX, KNOBS, RELATED
from .._observed import Observed
from .._policy import REMEDY
from .._ports import LOOPBACK_ONLY_SINCE, reuses_everywhere
from .._script import PER_POD
from .._snapshot import Snapshot, printable
from .._values import kernel_text
from ._finding import Finding, is_now, kept, sysctl, who_set

#: A client sends its SYN so often before it gives a connection up: once, and tcp_syn_retries times again.
MOST_SYNS = 7


def recycle_enabled(host: Observed) -> Finding | None:
    snapshot, exposure = host.snapshot, host.exposure
    if not snapshot.knobs.get("tcp_tw_recycle"):
        return None
    dropped = snapshot.counters.get("PAWSPassive")
    # Connections that were dropped are a sign of NAT, too; here they are told with more.
    exposed = [words for words in (*exposure.public_facing, *exposure.behind_nat) if "(PAWSPassive)" not in words]
    evidence = [is_now("tcp_tw_recycle", snapshot), *exposed, *exposure.private]
    if dropped:
        least = -(-dropped // MOST_SYNS)
        evidence.append(
            f"{dropped} SYNs dropped so far (PAWSPassive), of {least} to {dropped} connections: a client sends up to "
            f"{MOST_SYNS} for one"
        )
    return Finding(
        "recycle_enabled",
        "error",
        "tcp_tw_recycle is on: clients that share an address lose connections at random, and so do, without any NAT, "
        "peers whose kernel randomises timestamps per connection: Linux 4.10, and every Linux with the fix for "
        "CVE-2026-23247 of March 2026",
        (*evidence, *who_set("tcp_tw_recycle", snapshot, 0)),
        f"{sysctl(tcp_tw_recycle=0)}, and the role linux_tcp.tuning.timewait to keep it so. {REMEDY}",
        (sysctl(tcp_tw_recycle=0),),
    )


def reuse_without_timestamps(host: Observed) -> Finding | None:
    snapshot = host.snapshot
    if not reuses_everywhere(snapshot) or snapshot.knobs.get("tcp_timestamps") != 0:
        return None
    mended = sysctl(tcp_timestamps=1)
    return Finding(
        "reuse_without_timestamps",
        "error",
        "tcp_tw_reuse is on and does nothing: without timestamps no TIME_WAIT socket is ever reused",
        (
            is_now("tcp_tw_reuse", snapshot),
            is_now("tcp_timestamps", snapshot),
            *who_set("tcp_timestamps", snapshot, 1),
        ),
        f"{mended}, and the role linux_tcp.tuning.timewait to keep it so. Connections that are closed from then on can "
        "be reused",
        (mended,),
    )


def reuse_two_is_global(host: Observed) -> Finding | None:
    snapshot = host.snapshot
    if snapshot.knobs.get("tcp_tw_reuse") != 2 or snapshot.kernel.version >= LOOPBACK_ONLY_SINCE:
        return None
    return Finding(
        "reuse_two_is_global",
        "warning",
        "tcp_tw_reuse is 2, which before Linux 4.18 does not mean 'loopback only' but on for all connections",
        (
            is_now("tcp_tw_reuse", snapshot),
            f"kernel {printable(snapshot.kernel.release)}",
            *who_set("tcp_tw_reuse", snapshot, 1),
        ),
        f"{sysctl(tcp_tw_reuse=1)} says what is meant (or =0 to turn it off)",
        (sysctl(tcp_tw_reuse=1),),
    )


def bucket_overflow(host: Observed) -> Finding | None:
    snapshot = host.snapshot
    total = snapshot.counters.get("TCPTimeWaitOverflow")
    rate = host.rates["overflows"] if host.rates else None
    # The counter begins at the last boot. Where it stands still, and the limit was raised, that was before.
    if not total or (rate == 0 and not _is_lowest(snapshot)):
        return None
    limit = snapshot.knobs.get("tcp_max_tw_buckets")
    raised = min(limit * 2, INT_MAX) if isinstance(limit, int) and limit > 0 else 262144
    raised = max(raised, _default_buckets(snapshot) or 0)
    return Finding(
        "bucket_overflow",
        "info" if rate == 0 else "warning",
        "sockets were closed without TIME_WAIT because there were too many: late segments may reach a new connection",
        (
            f"TCPTimeWaitOverflow is {total} since boot",
            *([] if rate is None or not host.rates else [f"{rate:g} per second within {host.rates['seconds']} s"]),
            f"net.ipv4.tcp_max_tw_buckets is {limit}",
        ),
        f"raise the limit, as far as memory allows (about 256 bytes for each); {_kept_buckets(raised)}",
        (sysctl(tcp_max_tw_buckets=raised),),
    )


def buckets_lowered(host: Observed) -> Finding | None:
    snapshot = host.snapshot
    limit, default = snapshot.knobs.get("tcp_max_tw_buckets"), _default_buckets(snapshot)
    if not isinstance(limit, int) or (limit > 0 and (default is None or limit >= default)):
        return None
    # Without a namespace to ask for the default, that of a host with 8 GiB or more is no bad guess.
    wanted = default or 262144
    none = limit <= 0
    return Finding(
        "buckets_lowered",
        "error" if none else "warning",
        ("no TIME_WAIT at all is allowed" if none else "tcp_max_tw_buckets is lower than this kernel's own default")
        + ": sockets are closed without it, and late segments may reach a new connection. It cures nothing: TIME_WAIT "
        "sockets do no harm by themselves",
        (
            is_now("tcp_max_tw_buckets", snapshot),
            *([f"this kernel's own default is {default}"] if default else []),
            *who_set("tcp_max_tw_buckets", snapshot, wanted),
        ),
        f"take out what sets it; {_kept_buckets(wanted)}",
        (sysctl(tcp_max_tw_buckets=wanted),),
    )


def _default_buckets(snapshot: Snapshot) -> int | None:
    default = snapshot.defaults.get("tcp_max_tw_buckets")
    return default if isinstance(default, int) else None


def _is_lowest(snapshot: Snapshot) -> bool:
    """Whether the limit is the kernel's own, or lower; true where that is not known."""
    limit, default = snapshot.knobs.get("tcp_max_tw_buckets"), _default_buckets(snapshot)
    return default is None or not isinstance(limit, int) or limit <= default


def _kept_buckets(limit: int) -> str:
    return kept(f"timewait_tcp_max_tw_buckets: {limit}")


def _myth(name: str, snapshot: Snapshot) -> tuple[str, int] | None:
    """The key of a related setting, and its value, where somebody made it shorter than the kernel has it."""
    value = snapshot.related.get(name)
    return (RELATED[name].key, value) if value is not None and value < RELATED[name].default else None


def _where(name: str) -> str:
    return f"grep -rns {name} /etc/sysctl.* /usr/lib/sysctl.d"


def fin_timeout_myth(host: Observed) -> Finding | None:
    found = _myth("tcp_fin_timeout", host.snapshot)
    if not found:
        return None
    key, value = found
    return Finding(
        "fin_timeout_myth",
        "info",
        "tcp_fin_timeout was made shorter, which does not shorten TIME_WAIT: it is about FIN_WAIT_2, and TIME_WAIT "
        "stays at 60 s",
        (f"{key} is {value} s, and 60 s by default",),
        f"if it was meant for TIME_WAIT, take the line out that sets it ({_where('tcp_fin_timeout')}); if FIN_WAIT_2 "
        "was meant, leave it",
        (f"sysctl -w {key}={RELATED['tcp_fin_timeout'].default}",),
    )


def conntrack_myth(host: Observed) -> Finding | None:
    name = "nf_conntrack_tcp_timeout_time_wait"
    found = _myth(name, host.snapshot)
    if not found:
        return None
    key, value = found
    # A peer's TIME_WAIT lasts a minute: a port that is handed out again before that meets it.
    harmful = bool(host.snapshot.nat) and value < 60
    return Finding(
        "conntrack_myth",
        "warning" if harmful else "info",
        "this host translates addresses and hands a port out again before the server's TIME_WAIT of 60 s is over: new "
        "connections may meet the old one, and wait for seconds"
        if harmful
        else "connection tracking was told to forget connections sooner, which does not touch TIME_WAIT sockets",
        (f"{key} is {value} s, and 120 s by default", *(host.snapshot.nat if harmful else ())),
        f"take the line out that sets it: {_where(name)}",
        (f"sysctl -w {key}={RELATED[name].default}",),
    )


def pods_keep_defaults(host: Observed) -> Finding | None:
    snapshot = host.snapshot
    tuned = {
        name: snapshot.knobs[name]
        for name in PER_POD
        if name in snapshot.knobs and name in snapshot.defaults and snapshot.knobs[name] != snapshot.defaults[name]
    }
    behind = {
        name: sum(values.get(name) == snapshot.defaults[name] for values in snapshot.namespaces) for name in tuned
    }
    found = {name: tuned[name] for name, number in behind.items() if number}
    if not found:
        return None
    ways = "; ".join(set_from_outside(kind, found) for kind in ("podman", "docker", "kubernetes"))
    return Finding(
        "pods_keep_defaults",
        "info",
        "containers or pods of this host keep the kernel's defaults: what is set on a host does not reach network "
        "namespaces of their own",
        tuple(
            f"{KNOBS[name].key} is {kernel_text(value)} here and {kernel_text(snapshot.defaults[name])} in "
            f"{behind[name]} of {len(snapshot.namespaces)} network namespaces that were looked at"
            for name, value in found.items()
        ),
        f"for those that open many connections, set it where they are started: {ways}",
    )
