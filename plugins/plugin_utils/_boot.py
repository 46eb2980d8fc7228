# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What applies sysctl files on a host: at boot, by its init and its boot scripts, and on ``sysctl --system``. Pure.

Where the evidence does not say, the answer is "unknown". "none" is another answer: nothing reads the files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ._loaders import LOADERS, NOTHING, SCRIPTS, SYNTAXES, Loader, LoaderKind, Program, Script, Syntax


@dataclass(frozen=True)
class Evidence:
    """What a probe saw; see _boot.sh."""

    #: systemd runs the host, as sd_booted(3) tells it.
    systemd_booted: bool = False
    #: systemd-sysctl.service is masked.
    masked: bool = False
    #: The root directory is not that of process 1: its init is somebody else's.
    chroot: bool = False
    #: Processes are numbered apart from the machine's.
    container: bool = False
    openrc: bool = False
    upstart: bool = False
    #: The name of process 1; empty where it cannot be seen.
    process_1: str = ""
    #: The name of the program that /sbin/init is; empty where there is none.
    sbin_init: str = ""
    #: Where a boot script was found, and its lines that mention sysctl; None when it may not be read.
    scripts: tuple[tuple[str, str | None], ...] = ()
    #: What ``systemd-sysctl --version`` and ``sysctl --version`` say; None where there is no such program.
    systemd: str | None = None
    sysctl: str | None = None


@dataclass(frozen=True)
class HostLoaders:
    """What applies sysctl files on a host, when it boots and on ``sysctl --system``; None where that is unknown."""

    boot: Loader | None
    boot_name: str
    boot_reason: str
    reload: Loader | None
    reload_name: str
    reload_reason: str


@dataclass(frozen=True)
class _Found:
    loader: Loader | None
    name: str
    reason: str


def _unknown(reason: str) -> _Found:
    return _Found(None, "unknown", reason)


def _none(reason: str) -> _Found:
    return _Found(NOTHING, "none", reason)


#: Inits by the name of their process. Upstart and BusyBox' are called init, like that of sysvinit.
_PROCESSES = {
    "systemd": "systemd",
    "init": "init",
    "busybox": "init",
    "openrc-init": "openrc",
    "runit": "runit",
    "procd": "procd",
    # No script of theirs is known here.
    "dinit": "dinit",
    "finit": "finit",
    "s6-svscan": "s6",
    "shepherd": "shepherd",
}
#: Inits by the program that /sbin/init is.
_PROGRAMS = {"systemd": "systemd", "busybox": "init", "init": "init", "openrc-init": "openrc", "runit-init": "runit"}

#: What runs the scripts that lie somewhere: where they lie in words, and the inits.
_RUN_BY: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "rcS.d": ("/etc/rcS.d", ("init", "upstart")),
    "rc.sysinit": ("/etc/rc.d/rc.sysinit", ("init", "upstart")),
    "upstart": ("/etc/init/procps.conf", ("upstart",)),
    "runlevels": ("/etc/runlevels", ("openrc",)),
    "runit": ("/etc/runit/core-services", ("runit",)),
    "procd": ("/etc/rc.d", ("procd",)),
}

_CALLS_SYSTEM = re.compile(r"(?:exec )?(?:[\w/]*\bsysctl|\$\{?DAEMON\}?)(?: -\w+| \$\{?\w+\}?)* --system(?: -\w+)*")


def loaders_of(evidence: Evidence) -> HostLoaders:
    """Which loaders a host has, and why they are taken for its loaders."""
    boot, on_demand = _boot(evidence), _on_demand(evidence)
    return HostLoaders(boot.loader, boot.name, boot.reason, on_demand.loader, on_demand.name, on_demand.reason)


def _on_demand(evidence: Evidence) -> _Found:
    program = _program(evidence.sysctl)
    if evidence.sysctl is None:
        return _unknown("there is no program sysctl")
    if program is None:
        return _unknown("'sysctl --version' does not say what it is")
    kind, version, name = program
    loader = _by_version(kind, version)
    if loader:
        return _Found(loader, name, f"sysctl is that of {name}")
    # procps 3.3.0 brought --system; BusyBox has none.
    return _none(f"the sysctl of {name} has no --system")


def _boot(evidence: Evidence) -> _Found:
    init, why = _init(evidence)
    if init == "systemd":
        return _systemd(evidence, why)
    if init == "application":
        return _none(f"{why}, an application: nothing reads sysctl files here")
    if init == "init" and evidence.openrc:
        init, why = "openrc", f"{why}, and OpenRC runs the boot scripts"
    if init == "init" and evidence.upstart:
        init, why = "upstart", f"{why}, that of Upstart"
    scripts = [(where, text) for where, text in evidence.scripts if _runs(init, where, evidence)]
    if not scripts:
        return _unknown(f"{why}, and no boot script that is known here was found")
    found = [_script(where, text, evidence, why) for where, text in scripts]
    if len({each.loader for each in found}) > 1:
        return _unknown(f"{why}, and there are boot scripts that differ in what they read")
    return found[0]


def _init(evidence: Evidence) -> tuple[str | None, str]:
    """What boots the host, and the evidence in words."""
    if evidence.systemd_booted and not evidence.chroot:
        return "systemd", "systemd runs this host"
    if evidence.process_1 and not evidence.chroot:
        name = evidence.process_1
        known = _PROCESSES.get(name)
        if known is None and evidence.container:
            return "application", f"process 1 of this container is {name}"
        return known, f"process 1 is {name}"
    where = "this is a chroot" if evidence.chroot else "process 1 cannot be seen"
    program = f"is {evidence.sbin_init}" if evidence.sbin_init else "is not there"
    return _PROGRAMS.get(evidence.sbin_init), f"{where}, and its /sbin/init {program}"


def _runs(init: str | None, where: str, evidence: Evidence) -> bool:
    inits = _RUN_BY[where][1] if where in _RUN_BY else ()
    # In a chroot nobody has started OpenRC, so its scripts count there beside those of sysvinit.
    return init in inits or (evidence.chroot and init == "init" and "openrc" in inits)


def _systemd(evidence: Evidence, why: str) -> _Found:
    if evidence.masked:
        return _none(f"{why}, and systemd-sysctl.service is masked")
    if evidence.systemd is None:
        return _unknown(f"{why}, and there is no systemd-sysctl")
    version = re.search(r"systemd ([0-9]{1,6})", evidence.systemd)
    if not version:
        return _unknown(f"{why}, and 'systemd-sysctl --version' does not say what it is")
    return _Found(
        _by_version("systemd-sysctl", (int(version[1]),)), f"systemd-sysctl {version[1]}", f"{why}, with systemd-sysctl"
    )


def _script(where: str, text: str | None, evidence: Evidence, why: str) -> _Found:
    """What a boot script reads."""
    why = f"{why}, and runs a script in {_RUN_BY[where][0]}"
    if text is None:
        return _unknown(f"{why} that the user of this task may not read")
    said = said_by(text)
    row = next((row for row in SCRIPTS if row.origin == where and row.says == said), None)
    if row is None and not _CALLS_SYSTEM.fullmatch(said):
        return _unknown(f"{why} that is none of those known here")
    if row and row.prefers_systemd and evidence.systemd is not None:
        return _systemd(evidence, why)
    if row is None or (row.sets is None and _is_one_of(evidence.sysctl, row.programs)):
        found = _on_demand(evidence)
        return _Found(found.loader, found.name, f"{why} that calls sysctl --system; {found.reason}")
    return _loop(row, evidence, why)


def _loop(row: Script, evidence: Evidence, why: str) -> _Found:
    program = _program(evidence.sysctl)
    syntax = _syntax(program[0], program[1]) if program else None
    if program is None or syntax is None or row.sets is None or program[0] not in row.programs:
        return _unknown(f"{why}, and how its sysctl reads files is not known here")
    loader = Loader("script", syntax, row.sets, file_by_file=not row.joined)
    return _Found(loader, f"{row.name} with {program[2]}", f"{why} that runs 'sysctl -p' in a way that is known")


def _is_one_of(sysctl: str | None, programs: tuple[Program, ...]) -> bool:
    program = _program(sysctl)
    return program is not None and program[0] in programs


#: Messages and tests in boot scripts, that make no difference to what is read.
_PASSED_OVER = re.compile(
    r"""
    (?: description | echo | msg | ebegin | eerror | veinfo | vebegin | vewarn | log_\w+ )\ .*
    | if\ \[\ -x\ .*
    | \[\ -e\ /etc/sysctl\.conf\ \]\ \|\|\ return.*
    | \w+=
    | \w+\(\)(\ \{)?
    | (?: \S+\)\ )? (?: BSD | Linux )_sysctl;\ rc=
    """,
    re.VERBOSE,
)
_REDIRECTION = re.compile(r" ?[0-9]?> ?(?:&[-0-9]|/dev/null)")


def said_by(text: str) -> str:
    """The gist of a boot script, of its lines that mention sysctl: without messages, tests and redirections."""
    said: list[str] = []
    for line in text.split("\n"):
        # White space first: a long run of it would take the patterns behind it for ever.
        bare = re.sub(r" #.*| ?\\$", "", " ".join(line.split()))
        bare = re.sub(r" ?; ?", "; ", _REDIRECTION.sub("", bare)).strip()
        bare = re.sub(r"^action \S?\"[^\"]*\" | \|\| \w+=$", "", bare)
        # What is said twice over (in functions and by who calls them) is said once.
        if bare and not _PASSED_OVER.fullmatch(bare) and said[-1:] != [bare]:
            said.append(bare)
    return " ".join(said)


_VERSIONS: tuple[tuple[Program, str, str], ...] = (
    ("procps", "procps", r"procps(?:-ng)? (?:version )?([0-9]{1,6}(?:\.[0-9]{1,6}){0,3})"),
    ("busybox", "BusyBox", r"BusyBox v([0-9]{1,6}(?:\.[0-9]{1,6}){0,3})"),
)


def _program(text: str | None) -> tuple[Program, tuple[int, ...], str] | None:
    """Which sysctl it is that says this of its version."""
    for program, name, pattern in _VERSIONS:
        found = re.search(pattern, text or "")
        if found:
            return program, tuple(int(part) for part in found[1].split(".")), f"{name} {found[1]}"
    return None


def _by_version(kind: LoaderKind | Program, version: tuple[int, ...]) -> Loader | None:
    return next((loader for loader in LOADERS if loader.kind == kind and version >= loader.since), None)


def _syntax(program: Program, version: tuple[int, ...]) -> Syntax | None:
    return next((syntax for known, since, syntax in SYNTAXES if known == program and version >= since), None)
