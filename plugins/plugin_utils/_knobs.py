# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every sysctl that this collection knows, as data. No logic.

Sources are commits of the Linux kernel, or files in it. Version numbers are those of mainline: distributions
backport, so whether a host has a knob is always read from the host.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: How a value is written: one number, "low high", or a list such as "8080,9148-9150".
Kind = Literal["integer", "port_range", "port_list"]


@dataclass(frozen=True)
class Knob:
    """A sysctl below ``net.ipv4``.

    ``minimum`` and ``maximum`` are what a user may ask for; ``accepted`` is what a present-day kernel takes from a
    file or a shell (``None``: every integer). ``namespaced`` is the release since which each network namespace has
    its own value; before it, the file exists in the initial network namespace only and its value holds for the
    whole host (``None``: not known).
    """

    name: str
    kind: Kind
    minimum: int
    maximum: int
    accepted: tuple[int, int] | None
    since: tuple[int, int] | None
    removed: tuple[int, int] | None
    namespaced: tuple[int, int] | None
    meaning: str
    source: str

    @property
    def key(self) -> str:
        return f"net.ipv4.{self.name}"

    @property
    def path(self) -> str:
        """The key as sysctl loaders compare it: relative to /proc/sys, with slashes."""
        return f"net/ipv4/{self.name}"


INT_MAX = 2**31 - 1

_ALL = (
    Knob(
        name="tcp_tw_recycle",
        kind="integer",
        minimum=0,
        maximum=INT_MAX,
        accepted=None,
        since=None,
        removed=(4, 12),
        namespaced=(4, 11),
        meaning=(
            "Not 0: a SYN is dropped when its timestamp is older than the last one seen from the same IP address. "
            "Peers that share an address behind NAT, or that randomise timestamps per connection, lose connections "
            "at random."
        ),
        source="net/ipv4/tcp_metrics.c (tcp_peer_is_proven) before 4.12; removed by 4396e46187ca",
    ),
    Knob(
        name="tcp_timestamps",
        kind="integer",
        minimum=0,
        maximum=2,
        accepted=(0, 255),
        since=None,
        removed=None,
        namespaced=(4, 13),
        meaning=(
            "1: TCP timestamps (RFC 7323) with a random offset; 2: without the offset; 0: none, which turns "
            "tcp_tw_reuse off without a word."
        ),
        source="net/ipv4/tcp_output.c, net/core/secure_seq.c; offsets by 95a22caee396, 28ee1b746f49, 165573e41f2f",
    ),
    Knob(
        name="tcp_tw_reuse",
        kind="integer",
        minimum=0,
        maximum=2,
        accepted=(0, 2),
        since=None,
        removed=None,
        namespaced=(4, 10),
        meaning=(
            "1: an outgoing connection may take over a TIME_WAIT socket to the same destination, when both ends use "
            "timestamps. 2: only over loopback (4.18 and later). Nothing changes for incoming connections."
        ),
        source="net/ipv4/tcp_ipv4.c (tcp_twsk_unique); value 2 by 79e9fed46038",
    ),
    Knob(
        name="tcp_tw_reuse_delay",
        kind="integer",
        minimum=1,
        maximum=60000,
        accepted=(1, 60000),
        since=(6, 14),
        removed=None,
        namespaced=(6, 14),
        meaning="Milliseconds after which tcp_tw_reuse may take over a TIME_WAIT socket. Default 1000.",
        source="Documentation/networking/ip-sysctl.rst, tcp_tw_reuse_delay",
    ),
    Knob(
        name="tcp_max_tw_buckets",
        kind="integer",
        minimum=1,
        maximum=INT_MAX,
        accepted=None,
        since=None,
        removed=None,
        namespaced=(4, 11),
        meaning=(
            "Upper bound of TIME_WAIT sockets. Above it sockets are closed without TIME_WAIT. It is there against "
            "simple attacks: raise it when memory allows, never lower it."
        ),
        source="Documentation/networking/ip-sysctl.rst, tcp_max_tw_buckets",
    ),
    Knob(
        name="ip_local_reserved_ports",
        kind="port_list",
        minimum=1,
        maximum=65535,
        accepted=(0, 65535),
        since=None,
        removed=None,
        namespaced=(3, 16),
        meaning="Ports that are never picked for outgoing connections; a listener within the range belongs here.",
        source="Documentation/networking/ip-sysctl.rst, ip_local_reserved_ports",
    ),
    Knob(
        name="ip_local_port_range",
        kind="port_range",
        minimum=1,
        maximum=65535,
        accepted=(1, 65535),
        since=None,
        removed=None,
        namespaced=(3, 13),
        meaning="First and last port that are picked for outgoing connections. Default 32768 60999.",
        source="net/ipv4/sysctl_net_ipv4.c (ipv4_local_port_range)",
    ),
    Knob(
        name="tcp_rfc1337",
        kind="integer",
        minimum=0,
        maximum=1,
        accepted=(0, 255),
        since=None,
        removed=None,
        namespaced=(4, 15),
        meaning="1: a TIME_WAIT socket ignores RST (RFC 1337). Default 0.",
        source="net/ipv4/tcp_minisocks.c (tcp_timewait_state_process)",
    ),
    Knob(
        name="tcp_tw_timeout",
        kind="integer",
        minimum=1,
        maximum=600,
        accepted=(1, 600),
        since=None,
        removed=None,
        namespaced=None,
        meaning=(
            "Seconds that TIME_WAIT lasts, on kernels of Alibaba Cloud Linux 2 and 3 (1 to 600) and TencentOS (10 to "
            "60). Elsewhere it is TCP_TIMEWAIT_LEN, 60 s, fixed when the kernel is compiled."
        ),
        source="include/net/tcp.h (TCP_TIMEWAIT_LEN); the vendors' kernel documentation",
    ),
)

#: By name, in the order in which they are written to a host. Recycle goes off first: on a 4.4 kernel, turning
#: timestamps off while recycle is on would drop every peer. Reserved ports come before the range that exposes them.
KNOBS: dict[str, Knob] = {knob.name: knob for knob in _ALL}

#: Read because the legal start of ip_local_port_range depends on it. Never written.
UNPRIVILEGED_PORT_START = "ip_unprivileged_port_start"


@dataclass(frozen=True)
class Related:
    """A sysctl that guides take for one of TIME_WAIT, and that is none. Read, never written.

    ``default`` is the kernel's own, in seconds.
    """

    key: str
    default: int
    source: str

    @property
    def path(self) -> str:
        """Relative to /proc/sys, with slashes."""
        return self.key.replace(".", "/")


RELATED: dict[str, Related] = {
    related.key.rpartition(".")[2]: related
    for related in (
        Related("net.ipv4.tcp_fin_timeout", 60, "include/net/tcp.h, TCP_FIN_TIMEOUT; ip-sysctl.rst, tcp_fin_timeout"),
        Related(
            "net.netfilter.nf_conntrack_tcp_timeout_time_wait",
            120,
            "net/netfilter/nf_conntrack_proto_tcp.c, tcp_timeouts; nf_conntrack-sysctl.rst",
        ),
    )
}
