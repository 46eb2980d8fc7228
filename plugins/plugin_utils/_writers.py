# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other programs that set our keys beside the loader of sysctl files: who, where, when, and what can be done. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ._knobs import KNOBS, Knob
from ._loaders import LOADERS
from ._snapshot import Snapshot, printable
from ._sysctld import SYSCTL_CONF, SysctlFile, decide
from ._targets import boot_value
from ._tuned import reapplies, set_by
from ._values import Value, kernel_text, kernel_value, ports_in, without
from ._written import Assignment, TunedFiles

#: Whose a file is, and when the commands in it run. ``{}`` is what the group in the expression found.
_PLACES = (
    (r"/etc/(?:rc\.d/)?rc\.local", "rc.local", "at the end of a boot"),
    (r"/etc/init\.d/boot\.local", "boot.local", "in a boot"),
    (r"/etc/local\.d/.*", "the service 'local'", "at the end of a boot"),
    (r".*/systemd/system/(.*\.service)(?:\.d/.*)?", "the unit {}", "when it starts in a boot"),
    (r"/etc/NetworkManager/.*", "a dispatcher script of NetworkManager", "whenever an interface changes"),
    (r"/etc/network/.*", "ifupdown", "when an interface comes up"),
    (r"/etc/cloud/.*", "cloud-init", "in a boot"),
    (r"(?:/etc|/var/spool)/cron.*", "cron", "on a schedule or after a boot"),
)

#: ufw has sysctl load one file: as procps loads /etc/sysctl.conf.
_PROCPS = next(loader for loader in LOADERS if loader.kind == "procps")


@dataclass(frozen=True)
class Writer:
    """A program that sets a knob, when it does, and what would stop it."""

    program: str
    when: str
    assignment: Assignment
    remedy: str


@dataclass(frozen=True)
class Rewrite:
    """A writer that sets another value than ``wanted``; ``value`` is None where it is not known here.

    ``inert``: this kernel does not have the knob.
    """

    writer: Writer
    value: Value | None
    wanted: Value
    inert: bool

    def __str__(self) -> str:
        assignment = self.writer.assignment
        value = "a value that is not known here" if self.value is None else kernel_text(self.value) or "nothing"
        inert = "; this kernel does not have that key, an older one would take it" if self.inert else ""
        return (
            f"{self.writer.program} sets {KNOBS[assignment.knob].key} to {value} {self.writer.when} "
            f"({printable(assignment.path)} line {assignment.line}), "
            f"where {kernel_text(self.wanted) or 'nothing'} is to hold{inert}"
        )


def rewrites_in(snapshot: Snapshot, files: tuple[SysctlFile, ...], wanted: Mapping[str, Value]) -> list[Rewrite]:
    """Who sets a knob to another value than is wanted, with these sysctl files. Recycle is 0 unless wanted otherwise.

    A program that turns recycle on counts under every kernel, like a line in a sysctl file.
    """
    goal = {"tcp_tw_recycle": 0, **wanted}
    found: dict[Assignment, Rewrite] = {}
    for writer in _writers(snapshot, files):
        assignment = writer.assignment
        if assignment.knob not in goal:
            continue
        target = goal[assignment.knob]
        value = _value(KNOBS[assignment.knob], assignment.text, target)
        # What the kernel refuses changes nothing.
        refused = value is None and assignment.text is not None
        if not refused and not _fits(assignment.knob, value, target):
            found[assignment] = Rewrite(writer, value, target, assignment.knob not in snapshot.knobs)
    return list(found.values())


def writer_warnings(snapshot: Snapshot, files: tuple[SysctlFile, ...], targets: Mapping[str, Value]) -> list[str]:
    """A warning for each program that would undo the settings after or beside the loader of sysctl files."""
    return [f"{rewrite}. To mend it: {rewrite.writer.remedy}" for rewrite in rewrites_in(snapshot, files, targets)]


def settled(snapshot: Snapshot) -> dict[str, Value]:
    """What is to hold where nobody asked for anything: what the sysctl files decide, else what holds now."""
    values = dict(snapshot.knobs)
    for name in values:
        decided = boot_value(snapshot, snapshot.files, name)
        if decided is not None:
            values[name] = decided
    return {**values, "tcp_tw_recycle": 0}


def _value(knob: Knob, text: str | None, wanted: Value) -> Value | None:
    """What a knob is after the text was written; tuned's ">N" and "<N" raise and lower only."""
    if text is None:
        return None
    value = kernel_value(knob, text.lstrip("<>"))
    if text[:1] in ("<", ">") and isinstance(value, int) and isinstance(wanted, int):
        return max(value, wanted) if text[0] == ">" else min(value, wanted)
    return value


def _fits(name: str, value: Value | None, wanted: Value) -> bool:
    """Whether a value is as good as the one that is wanted: a higher limit is, and so are more reserved ports."""
    if name == "tcp_max_tw_buckets" and isinstance(value, int) and isinstance(wanted, int):
        return value >= wanted
    if name == "ip_local_reserved_ports" and value is not None:
        return not without(ports_in(wanted), ports_in(value))
    return value == wanted


def _writers(snapshot: Snapshot, files: tuple[SysctlFile, ...]) -> Iterator[Writer]:
    written = snapshot.writers
    if written.tuned:
        yield from _tuned(written.tuned, files)
    if written.ufw:
        yield from _ufw(written.ufw)
    yield from filter(None, map(_command, written.commands))


def _command(assignment: Assignment) -> Writer | None:
    for pattern, program, when in _PLACES:
        found = re.fullmatch(pattern, assignment.path)
        if found:
            name = program.format(*map(printable, found.groups()))
            remedy = f"take {KNOBS[assignment.knob].key} out of it: vi +{assignment.line} {_quoted(assignment.path)}"
            return Writer(name, when, assignment, remedy)
    return None


def _tuned(tuned: TunedFiles, files: tuple[SysctlFile, ...]) -> Iterator[Writer]:
    for assignment in set_by(tuned, files).values():
        remedy = f"{_commented_out(assignment)} && systemctl restart tuned"
        if all(assignment.path != file.path for file in tuned.profiles):
            yield Writer("tuned", "when it starts, from the sysctl files in an order of its own", assignment, remedy)
            continue
        if reapplies(tuned):
            remedy += ", or set it in a file in /etc/sysctl.d, which tuned applies after its profiles"
        else:
            remedy += ", or set reapply_sysctl = 1 in /etc/tuned/tuned-main.conf, for files in /etc/sysctl.d to win"
        yield Writer("tuned", "when it starts, after the sysctl files", assignment, remedy)


def _ufw(file: SysctlFile) -> Iterator[Writer]:
    for name, knob in KNOBS.items():
        setting = decide(knob.path, [replace(file, path=SYSCTL_CONF)], _PROCPS).setting
        if setting and setting.value is not None:
            assignment = Assignment(file.path, setting.line.number, name, setting.value)
            when = "when it starts, be it before or after the sysctl files"
            yield Writer("ufw", when, assignment, f"{_commented_out(assignment)} && ufw reload")


def _commented_out(assignment: Assignment) -> str:
    path, copy = assignment.path, ""
    if path.startswith("/usr/lib/tuned/"):
        # The next update would bring the line back; a profile in /etc stands before the package's.
        profile, path = path.rpartition("/")[0], f"/etc{path.removeprefix('/usr/lib')}"
        copy = f"cp -r {_quoted(profile)} {_quoted(path.rpartition('/')[0].rpartition('/')[0])}/ && "
    return f"{copy}sed -i '{assignment.line}s/^/# /' {_quoted(path)}"


def _quoted(path: str) -> str:
    return shlex.quote(printable(path))
