# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that exist in memory only: they answer a probe as _probe.sh would, and carry out a plan as _apply.sh would."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._advice._rules import findings_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._dropin import Place, parse
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._exposure import Exposure
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._facts import facts_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._knobs import KNOBS
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._observed import Observed
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._plan import Plan
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._request import DEFAULT_PATH, Request, request_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import MARK, OWNER, Section, sections_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._snapshot import Snapshot, snapshot_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._sysctld import decide
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._values import kernel_text, kernel_value

NONCE = "0123456789abcdef0123456789abcdef"
SYSTEMD = "systemd 252 (252.38-1~deb12u1)\n+PAM +AUDIT +SELINUX\n"
PROCPS = "sysctl from procps-ng 4.0.2\n"

#: What hosts of several distributions have below /proc/sys/net/ipv4, and in the TcpExt lines of /proc/net/netstat.
_OLD_KNOBS = {
    "tcp_tw_recycle": "0\n",
    "tcp_timestamps": "1\n",
    "tcp_tw_reuse": "0\n",
    "tcp_max_tw_buckets": "262144\n",
    "ip_local_reserved_ports": "\n",
    "ip_local_port_range": "32768\t61000\n",
    "tcp_rfc1337": "0\n",
}
_NEW_KNOBS = {
    **{name: text for name, text in _OLD_KNOBS.items() if name != "tcp_tw_recycle"},
    "tcp_tw_reuse": "2\n",
    "tcp_max_tw_buckets": "65536\n",
    "ip_local_port_range": "32768\t60999\n",
    "ip_unprivileged_port_start": "1024\n",
}
_OLD_COLUMNS = (
    "SyncookiesSent SyncookiesRecv SyncookiesFailed EmbryonicRsts PruneCalled TW TWRecycled TWKilled PAWSPassive "
    "PAWSActive PAWSEstab DelayedACKs ListenOverflows ListenDrops"
)
KERNELS: Mapping[str, tuple[str, Mapping[str, str], str]] = {
    "RHEL 6": ("2.6.32-754.35.1.el6.x86_64", _OLD_KNOBS, _OLD_COLUMNS),
    "RHEL 7": (
        "3.10.0-1160.119.1.el7.x86_64",
        _OLD_KNOBS,
        f"{_OLD_COLUMNS} TCPTimeWaitOverflow TCPACKSkippedTimeWait",
    ),
    "Ubuntu 16.04": (
        "4.4.0-210-generic",
        {**_OLD_KNOBS, "ip_local_port_range": "32768\t60999\n"},
        f"{_OLD_COLUMNS} TCPTimeWaitOverflow TCPACKSkippedTimeWait",
    ),
    "Debian 9": (
        "4.9.0-13-amd64",
        {**_OLD_KNOBS, "ip_local_port_range": "32768\t60999\n"},
        f"{_OLD_COLUMNS} TCPTimeWaitOverflow TCPACKSkippedTimeWait",
    ),
    "Debian 10": (
        "4.19.0-27-amd64",
        _NEW_KNOBS,
        (
            "SyncookiesSent TW TWRecycled TWKilled PAWSActive PAWSEstab DelayedACKs ListenOverflows ListenDrops "
            "TCPTimeWaitOverflow TCPACKSkippedTimeWait"
        ),
    ),
    "Linux 6.18": (
        "6.18.44",
        {**_NEW_KNOBS, "tcp_tw_reuse_delay": "1000\n"},
        (
            "SyncookiesSent TW TWRecycled TWKilled PAWSActive PAWSEstab BeyondWindow TSEcrRejected PAWSOldAck "
            "PAWSTimewait DelayedACKs ListenOverflows ListenDrops TCPTimeWaitOverflow TCPACKSkippedTimeWait"
        ),
    ),
}

PRIVATE = Exposure((), (), ("tagged private by option exposure",))
UNTAGGED = Exposure((), (), ())
PUBLIC = Exposure(("tagged public_facing by group public_facing",), (), ())


@dataclass
class Host:
    """``files`` are by path; ``links`` lead from a path to another, ``special`` has the kind of what is no file."""

    system: str = "Linux"
    release: str = "6.18.44"
    uid: str = "0"
    initial_namespace: bool = True
    container: str | None = None
    knobs: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    columns: str = ""
    counters: dict[str, int] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    special: dict[str, str] = field(default_factory=dict)
    #: Other names of /etc/sysctl.conf that are no links.
    is_sysctl_conf: tuple[str, ...] = ()
    parent: str = "writable directory"
    parent_owner: str = "drwxr-xr-x 0 0"
    not_writable: dict[str, str] = field(default_factory=dict)
    listeners: tuple[int, ...] = ()
    addresses4: tuple[str, ...] = ("127.0.0.1",)
    addresses6: tuple[str, ...] = ()
    systemd: str | None = SYSTEMD
    procps: str | None = PROCPS
    initscript: bool = False
    platform: str = ""
    #: What is in /run, by the name of the drop-in.
    remembered: dict[str, str] = field(default_factory=dict)
    #: Settings that are taken for those of TIME_WAIT, by name.
    related: dict[str, str] = field(default_factory=dict)
    #: What is told of other network namespaces, one text each.
    namespaces: tuple[str, ...] = ()
    more: list[tuple[str, str, int]] = field(default_factory=list)

    def copy(self) -> Host:
        return copy.deepcopy(self)

    def parts(self, path: str = DEFAULT_PATH) -> Iterable[tuple[str, str, int]]:
        """What a probe of the host prints: name (and argument) of a section, content, exit status."""
        yield "uname", f"{self.system} {self.release} x86_64\n", 0
        yield "uid", self.uid, 0
        if self.initial_namespace:
            yield "initial_namespace", "", 0
        if self.container:
            yield "container", self.container, 0
        yield "state", "", 0
        for name, text in self.knobs.items():
            yield f"knob {name}", text, 0
        yield self._dropin(path)
        yield f"parent {self.parent}", self.parent_owner, 0
        for file in sorted({*self.files, *self.links, *self.special} - {"/etc/sysctl.conf"}):
            yield from self._file(file)
        yield from self._file("/etc/sysctl.conf")
        yield from self._size()
        yield "sysctl_conf_writable", "", 0
        for name, text in self.remembered.items():
            yield f"remembered {name}", text, 0
        yield "state_end", "", 0
        for name, words in self.not_writable.items():
            yield f"try {name}", words, 1
        for name, text in self.defaults.items():
            yield f"default {name}", text, 0
        yield from ((f"related {name}", text, 0) for name, text in self.related.items())
        yield from (("namespace", text, 0) for text in self.namespaces)
        yield "sockstat", "sockets: used 120\nTCP: inuse 5 orphan 0 tw 17 alloc 9 mem 1\nUDP: inuse 1 mem 0\n", 0
        yield "netstat", self._netstat(), 0
        yield "listeners", "".join(f"{port:04X}\n" for port in self.listeners), 0
        yield "addresses4", "".join(f"   |-- {address}\n      /32 host LOCAL\n" for address in self.addresses4), 0
        yield "addresses6", "".join(f"{address} 01 80 10 80       lo\n" for address in self.addresses6), 0
        yield from self._loaders()
        if self.platform:
            yield f"platform {self.platform}", "", 0
        yield from self.more

    def _loaders(self) -> Iterable[tuple[str, str, int]]:
        if self.systemd is not None:
            yield "systemd_booted", "", 0
            yield "systemd", self.systemd, 0
        elif self.initscript:
            yield "process_1", "init", 0
            yield "script rcS.d", "DAEMON=\n$DAEMON $QUIET_SYSCTL --system || STATUS=\n", 0
        if self.procps is not None:
            yield "sysctl", self.procps, 0

    def answer(self, path: str = DEFAULT_PATH) -> bytes:
        sections = (f"\n{NONCE} B {head}\n{text}\n{NONCE} E {status}\n" for head, text, status in self.parts(path))
        return f"linux_tcp.tuning\n{''.join(sections)}\n{NONCE} Z\n".encode("utf-8", "surrogateescape")

    def sections(self, path: str = DEFAULT_PATH) -> list[Section]:
        return sections_of(self.answer(path), NONCE)

    def snapshot(self, path: str = DEFAULT_PATH) -> Snapshot:
        return snapshot_of(self.sections(path))

    def carry_out(self, plan: Plan) -> None:
        """Does what a plan says, as _apply.sh does."""
        for change in plan.changes:
            self.knobs[change.knob] = kernel_text(change.after).replace(" ", "\t") + "\n"
        for edit in plan.edits:
            lines = self.files[edit.file].split("\n")
            assert lines[edit.line.number - 1] == edit.line.text
            lines[edit.line.number - 1] = edit.text_after
            self.files[edit.file] = "\n".join(lines)
        self._write(plan.place, plan.text_before, plan.text_after)
        for own in plan.former:
            self._write(own.place, own.text, None)
        for name, (_before, text) in plan.remembered.items():
            if text is None:
                self.remembered.pop(name, None)
            else:
                self.remembered[name] = text

    def _write(self, place: Place, before: str | None, after: str | None) -> None:
        if not place.block:
            self.files.pop(place.path, None)
            self.files |= {} if after is None else {place.path: after}
            return
        whole = self.files.get(place.path, "")
        front, _block, back = whole.partition(before) if before else (whole, "", "")
        if after is None:
            found = parse(place, before or "").found
            last = front.removesuffix("\n").rpartition("\n")[2]
            bare = found == "unended" and not back and not last.startswith(f"{MARK}end of block")
            whole = front.removesuffix("\n") if bare else front + back
            if found == "missing" and not whole:
                del self.files[place.path]
                return
        else:
            whole = front + ("\n" if front and not front.endswith("\n") else "") + after + back
        self.files[place.path] = whole

    def reboot(self) -> None:
        """Kernel defaults first, then what the loader makes of the files."""
        self.remembered.clear()
        snapshot = self.snapshot()
        assert snapshot.loaders.boot
        for name in self.knobs.keys() & KNOBS.keys():
            decision = decide(KNOBS[name].path, snapshot.files, snapshot.loaders.boot)
            value = None if decision.value is None else kernel_value(KNOBS[name], decision.value)
            self.knobs[name] = self.defaults[name] if value is None else kernel_text(value).replace(" ", "\t") + "\n"

    def _dropin(self, path: str) -> tuple[str, str, int]:
        if path in self.links:
            return "dropin link regular", "", 0
        if path not in self.files:
            return f"dropin {self.special.get(path, 'missing')}", "", 0
        text = self.files[path]
        return "dropin regular", text if text.startswith(OWNER) else "", 0

    def _file(self, path: str) -> Iterable[tuple[str, str, int]]:
        target = self.links.get(path, path)
        words = ["link"] if path in self.links else []
        if target == "/etc/sysctl.conf" or path in self.is_sysctl_conf:
            words.append("sysctl.conf")
        if target in self.files:
            words.append("regular")
        else:
            words.append("null" if target == "/dev/null" else self.special.get(target, "missing"))
        yield "path", path, 0
        text = self.files.get(target, "")
        lines = enumerate(text.removesuffix("\n").split("\n"), 1)
        seen = [(number, line) for number, line in lines if line or text.startswith(OWNER)]
        yield f"lines {' '.join(words)}", "".join(f"{number}:{line}\n" for number, line in seen), 0

    def _size(self) -> Iterable[tuple[str, str, int]]:
        text = self.files.get("/etc/sysctl.conf")
        if text is not None:
            yield "size", f"{text.count(chr(10))}\n{int(not text or text.endswith(chr(10)))}\n", 0

    def _netstat(self) -> str:
        values = " ".join(str(self.counters.get(name, 0)) for name in self.columns.split())
        return f"TcpExt: {self.columns}\nTcpExt: {values}\nIpExt: InNoRoutes\nIpExt: 0\n" if self.columns else ""


def a_host(kernel: str = "Linux 6.18", **more: object) -> Host:
    """A host with the kernel of one of KERNELS and nothing else of interest; ``more`` are fields of Host."""
    release, knobs, columns = KERNELS[kernel]
    defaults = {name: text for name, text in knobs.items() if name in KNOBS}
    host = Host(release=release, knobs=dict(knobs), defaults=defaults, columns=columns)
    for name, value in more.items():
        assert hasattr(host, name), name
        setattr(host, name, value)
    return host


def asked(**arguments: object) -> Request:
    return request_of(arguments)


def with_facts(kernel: str = "Linux 6.18", release: str | None = None, **knobs: str) -> dict[str, Any]:
    """The facts of a host of one of KERNELS that nobody tagged."""
    host = a_host(kernel)
    host.knobs |= knobs
    host.release = release or host.release
    seen = Observed(host.snapshot(), UNTAGGED)
    return facts_of(seen, findings_of(seen))
