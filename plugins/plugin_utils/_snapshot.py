# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host as it was when it was probed. Pure: from the sections of an answer to one typed state."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, get_args

from ._boot import Evidence, HostLoaders, loaders_of
from ._containers import CONTAINERS
from ._knobs import KNOBS, RELATED, UNPRIVILEGED_PORT_START
from ._script import Section
from ._sysctld import KERNEL_COMMAND_LINE, FileKind, Line, SysctlFile
from ._values import Value, kernel_value
from ._written import Written, written_of

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Of the counters in /proc/net/netstat, those that say something of TIME_WAIT.
COUNTERS = (
    "TW",
    "TWRecycled",
    "TWKilled",
    "PAWSPassive",
    "PAWSActive",
    "PAWSEstab",
    "PAWSOldAck",
    "PAWSTimewait",
    "TSEcrRejected",
    "TCPACKSkippedTimeWait",
    "TCPTimeWaitOverflow",
    "ListenOverflows",
    "ListenDrops",
)


@dataclass(frozen=True)
class Kernel:
    system: str
    release: str
    machine: str

    @property
    def version(self) -> tuple[int, int]:
        """The first two numbers of the release; (0, 0) when it has none."""
        found = re.match(r"([0-9]+)\.([0-9]+)", self.release)
        return (int(found.group(1)), int(found.group(2))) if found else (0, 0)


@dataclass(frozen=True)
class DropIn:
    """What is at the path of our drop-in. ``text`` is None unless the file is one of ours."""

    kind: FileKind
    link: bool
    text: str | None


@dataclass(frozen=True)
class Parent:
    """The directory that holds our drop-in: mode string (such as ``drwxr-xr-x``) and owner, where ls told them."""

    kind: FileKind
    link: bool
    writable: bool
    mode: str = ""
    uid: str = ""
    gid: str = ""


@dataclass(frozen=True)
class Snapshot:
    """All that a probe saw. What a host does not have is absent or None, never a made-up value."""

    kernel: Kernel
    uid: int | None
    initial_namespace: bool
    #: A key of CONTAINERS; None where nothing says that this is a container.
    container: str | None
    knobs: Mapping[str, Value]
    unprivileged_port_start: int | None
    files: tuple[SysctlFile, ...]
    dropin: DropIn | None
    parent: Parent | None
    #: Knobs that could not be opened for writing, with the host's own words.
    not_writable: Mapping[str, str]
    defaults: Mapping[str, Value]
    time_wait: int | None
    counters: Mapping[str, int]
    listeners: tuple[int, ...]
    addresses: tuple[Address, ...]
    #: Address translation that was found on this host, each in a few words.
    nat: tuple[str, ...]
    loaders: HostLoaders
    #: By name of the drop-in: what was kept in /run since the last boot.
    remembered: Mapping[str, str]
    #: Files that runs left behind which were killed.
    left_over: tuple[str, ...]
    #: The word of one of PLATFORMS, empty for a system whose files in /etc are its administrator's.
    platform: str
    sysctl_conf_writable: bool
    #: What other programs set our keys to.
    writers: Written
    #: The settings of RELATED that this host has, in seconds.
    related: Mapping[str, int]
    #: Other network namespaces with a network of their own: the values there of some knobs.
    namespaces: tuple[Mapping[str, Value], ...]


def snapshot_of(sections: list[Section]) -> Snapshot:
    """The state of a host from the sections of its answer. Raises ValueError when a number is none."""
    by_name: dict[str, Section] = {section.name: section for section in sections}

    def text(name: str) -> str | None:
        return by_name[name].text if name in by_name else None

    words = printable(text("uname") or "", 1000).split()
    kernel = Kernel(words[0], " ".join(words[1:-1]), words[-1]) if len(words) > 2 else Kernel("unknown", "", "")
    initial_namespace = "initial_namespace" in by_name
    # Since Linux 5.8 the kernel obeys it; what it sets is the initial namespace's.
    command_line = text("cmdline") if initial_namespace and kernel.version >= (5, 8) else None
    return Snapshot(
        kernel=kernel,
        uid=int(by_name["uid"].text) if text("uid") else None,
        initial_namespace=initial_namespace,
        container=_container(text("container")),
        knobs=_values(sections, "knob"),
        unprivileged_port_start=_unprivileged_port_start(sections),
        files=_files(sections) + _command_line(command_line),
        dropin=_dropin(by_name.get("dropin")),
        parent=_parent(by_name.get("parent")),
        not_writable={s.argument: words_of_shell(s.text) for s in sections if s.name == "try" and s.status},
        defaults=_values(sections, "default"),
        time_wait=time_wait_in(text("sockstat") or ""),
        counters=counters_in(text("netstat") or ""),
        listeners=_listeners(sections),
        addresses=_addresses(text("addresses4") or "", text("addresses6") or ""),
        nat=_nat(by_name),
        loaders=loaders_of(_evidence(sections, by_name)),
        remembered={section.argument: section.text for section in sections if section.name == "remembered"},
        left_over=tuple(section.text for section in sections if section.name == "left_over"),
        platform=by_name["platform"].argument if "platform" in by_name else "",
        sysctl_conf_writable="sysctl_conf_writable" in by_name,
        writers=written_of(sections),
        related={s.argument: int(s.text) for s in sections if s.name == "related" and s.argument in RELATED},
        namespaces=tuple(_of_namespace(s.text) for s in sections if s.name == "namespace" and not s.status),
    )


def _evidence(sections: Iterable[Section], by_name: Mapping[str, Section]) -> Evidence:
    def text(name: str) -> str | None:
        return by_name[name].text if name in by_name else None

    return Evidence(
        systemd_booted="systemd_booted" in by_name,
        masked="masked" in by_name,
        chroot="chroot" in by_name,
        container="own_processes" in by_name,
        openrc="openrc" in by_name,
        upstart="upstart" in by_name,
        process_1=printable(text("process_1") or ""),
        sbin_init=printable(text("sbin_init") or ""),
        scripts=tuple((s.argument, None if s.status else s.text) for s in sections if s.name == "script"),
        systemd=text("systemd"),
        sysctl=text("sysctl"),
    )


def words_of_shell(text: str) -> str:
    """What a shell or a program says, in one line, without where in our script it says it."""
    lines = (re.sub(r"^(?:\S*sh: )?(?:eval: )?(?:line )?[0-9]+: ", "", line) for line in text.strip().split("\n"))
    return printable("; ".join(dict.fromkeys(lines)))


def printable(text: str, limit: int = 300) -> str:
    """Text from a host, fit for a terminal: control characters and what is not ASCII escaped, and cut short."""
    safe = "".join(
        character if " " <= character <= "~" else ascii(character)[1:-1] for character in text.strip()[: limit + 1]
    )
    return safe if len(text.strip()) <= limit else safe[:limit] + "..."


def harmless(value: Any, *, lines: bool = False) -> Any:
    """A result with nothing in it that a terminal would obey or take for a line of its own: the last look at all texts.

    Only the two sides of a diff and a remedy (``lines``) are texts of more than one line.
    """
    if isinstance(value, str):
        if value.isprintable():
            return value
        return "".join(c if c.isprintable() or (lines and c == "\n") else ascii(c)[1:-1] for c in value)
    if isinstance(value, Mapping):
        return {key: harmless(item, lines=key in ("before", "after", "remedy")) for key, item in value.items()}
    if isinstance(value, list):
        return [harmless(item) for item in value]
    return value


def _values(sections: Iterable[Section], name: str) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for section in sections:
        knob = KNOBS.get(section.argument)
        if section.name != name or not knob:
            continue
        # Old kernels hold whatever was written: what is legal today does not matter here.
        value = kernel_value(replace(knob, accepted=None), section.text)
        if value is None:
            # Taken for absent it would be a way past the policy.
            raise ValueError(f"{knob.key} reads {section.text!r}")
        values[section.argument] = value
    return values


def _of_namespace(text: str) -> dict[str, Value]:
    pairs = (line.partition(" ") for line in text.split("\n") if line)
    values = {name: kernel_value(KNOBS[name], value) for name, _blank, value in pairs if name in KNOBS}
    return {name: value for name, value in values.items() if value is not None}


def _container(word: str | None) -> str | None:
    return word if word is None or word in CONTAINERS else "unknown"


def _unprivileged_port_start(sections: Iterable[Section]) -> int | None:
    for section in sections:
        if (section.name, section.argument) == ("knob", UNPRIVILEGED_PORT_START):
            return int(section.text)
    return None


def _kind(words: list[str]) -> FileKind:
    kinds: tuple[FileKind, ...] = get_args(FileKind)
    return kinds[kinds.index(words[-1])]


def _files(sections: Iterable[Section]) -> tuple[SysctlFile, ...]:
    files: list[SysctlFile] = []
    path = ""
    words: list[str] = []
    lines: dict[int, str] = {}
    size: list[str] = []
    for section in [*sections, Section("path", "", b"", 0)]:
        if section.name == "path":
            if words:
                in_order = tuple(Line(number, lines[number]) for number in sorted(lines))
                files.append(
                    SysctlFile(path, _kind(words), "link" in words, "sysctl.conf" in words, in_order, *_size(size))
                )
            path, words, lines, size = section.text, [], {}, []
        elif section.name == "lines":
            words = section.argument.split()
            lines |= _numbered(section.text)
        elif section.name == "more_lines":
            lines |= _numbered(section.text)
        elif section.name == "size":
            size = section.text.split()
    return tuple(files)


def _size(words: list[str]) -> tuple[int | None, bool]:
    """How many lines a file has, and whether the last one has an end; told are the newlines in it and at its end."""
    if not words:
        return None, True
    newlines, at_end = map(int, words)
    return newlines + (1 - at_end), bool(at_end)


def _command_line(text: str | None) -> tuple[SysctlFile, ...]:
    """The sysctl parameters on the kernel's command line, as a file that every loader reads alike.

    The kernel takes each dot of a key for a slash, knows no globs, and takes no "-". Source: fs/proc/proc_sysctl.c,
    process_sysctl_arg(). Quotes are for values with spaces; next_arg() of lib/cmdline.c takes them away.
    """
    lines = []
    for word in (text or "").split("\n"):
        found = re.fullmatch(r"\"?sysctl[./]([a-zA-Z0-9_./]+)=\"?(.+?)\"?", word)
        # A kernel that obeys them has no recycle, and one that has it does not know them.
        if found and not re.search(r"\btcp_tw_recycle$", found[1]):
            lines.append(Line(1, f"{found[1].replace('.', '/')} = {found[2]}"))
    return (SysctlFile(KERNEL_COMMAND_LINE, "regular", lines=tuple(lines)),) if lines else ()


def _numbered(text: str) -> dict[int, str]:
    found = (line.partition(":") for line in text.split("\n") if line)
    return {int(number): rest for number, _colon, rest in found}


def _dropin(section: Section | None) -> DropIn | None:
    if section is None:
        return None
    words = section.argument.split()
    return DropIn(_kind(words), "link" in words, section.text or None)


def _parent(section: Section | None) -> Parent | None:
    if section is None:
        return None
    words, told = section.argument.split(), section.text.split()
    if told and (len(told) != 3 or len(told[0]) < len("drwxr-xr-x")):
        raise ValueError(f"a directory with the mode and owner {told!r}")
    return Parent(_kind(words), "link" in words, "writable" in words, *told)


def time_wait_in(sockstat: str) -> int | None:
    found = re.search(r"^TCP:.* tw ([0-9]+)", sockstat, re.MULTILINE)
    return int(found.group(1)) if found else None


def counters_in(netstat: str) -> dict[str, int]:
    """Counters by name: which columns there are, and where, differs by kernel."""
    lines = [line.split() for line in netstat.split("\n") if line.startswith("TcpExt:")]
    if len(lines) != 2:
        return {}
    found = dict(zip(*lines, strict=False))
    return {name: int(found[name]) for name in COUNTERS if name in found}


def _listeners(sections: Iterable[Section]) -> tuple[int, ...]:
    ports = {int(line, 16) for section in sections if section.name == "listeners" for line in section.text.split()}
    return tuple(sorted(ports))


def _addresses(fib_trie: str, if_inet6: str) -> tuple[Address, ...]:
    found: set[Address] = set()
    last = None
    for line in fib_trie.split("\n"):
        if line == "--":
            last = None
        elif "|-- " in line:
            last = ipaddress.IPv4Address(line.rpartition(" ")[2])
        elif last and "host LOCAL" in line:
            found.add(last)
    for line in if_inet6.split("\n"):
        if line:
            found.add(ipaddress.IPv6Address(bytes.fromhex(line.split()[0])))
    return tuple(sorted(found, key=lambda address: (address.version, int(address))))


def _nat(sections: Mapping[str, Section]) -> tuple[str, ...]:
    """Address translation on this host, in a few words each."""

    def has(name: str, word: str) -> bool:
        return name in sections and bool(re.search(word, sections[name].text, re.MULTILINE))

    evidence = {
        "the nat table of iptables is in use": has("iptables_tables", r"^nat$"),
        "the nat table of ip6tables is in use": has("ip6tables_tables", r"^nat$"),
        "nftables has a chain of type nat": has("nft", r"\S"),
        "IPVS masquerades (ipvsadm -m)": has("ipvs", r"^[1-9]"),
    }
    return tuple(words for words, seen in evidence.items() if seen)
