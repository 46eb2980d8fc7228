# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How sysctl files are read: programs by version and boot scripts by what they say, as data. Pure.

Which of them a host has is decided in _boot.py; what they make of a host's files in _sysctld.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

#: Whose reading of a line it is, and whose choice of files.
Program = Literal["systemd-sysctl", "procps", "busybox"]
LoaderKind = Literal["systemd-sysctl", "procps", "script", "none"]


@dataclass(frozen=True)
class Syntax:
    """How a program reads the lines of a file."""

    program: Program
    #: "-key = value" ignores a failure, "-key" keeps a key out of globs.
    dash_prefix: bool = False
    globs: bool = False
    #: Alternatives in a glob: "{a,b}".
    braces: bool = False
    #: Collects first: a line takes the place of an earlier one for the same key or the same glob, so that a bare "-key"
    #: cancels both. Otherwise every line is carried out in its turn.
    one_per_key: bool = False
    #: Tidies keys ("//", "/./", "/" at the end, a space after "-"). Otherwise the kernel is asked for what is written,
    #: and a second "-" is dropped.
    tidies: bool = False
    #: Refuses ".." in keys.
    refuses_parents: bool = False
    #: "-glob" keeps what it matches out of other globs, slashes and all.
    excludes_by_glob: bool = False
    #: Takes lines apart with strtok(3): a value ends at a carriage return, what is empty is no value, "=" in front of a
    #: key is passed over, a second "-" belongs to the key, and only blanks and tabs may stand before a key.
    tokens: bool = False
    #: What else than a newline ends a line.
    ends: str = ""
    #: Tries which dots of a key have to be slashes, so that one is found in whatever mixture of both.
    tries_dots: bool = False
    #: A value that the kernel refuses ends the reading of the file, and a key without a value is no setting.
    stops: bool = False
    #: What is stripped from the ends of keys and values.
    space: str = " \t\r\n"


@dataclass(frozen=True)
class FileSet:
    """Files that are read in the order of the bytes of their names.

    ``directories`` go by rank: of files with one name, that in the first directory is read, the others are not. A shell
    that sorts by a locale may read names of other characters than digits and lower-case letters in another order.
    """

    directories: tuple[str, ...]
    #: A pattern as a shell has it.
    names: str = "*.conf"
    #: A regular file of the same name in one of these keeps a file from being read. (A link to /dev/null does not.)
    hidden_by: tuple[str, ...] = ()
    #: Names that end so are passed over.
    ignored: tuple[str, ...] = ()


SYSCTL_CONF = FileSet(("/etc",), names="sysctl.conf")


@dataclass(frozen=True)
class Loader:
    """What reads sysctl files: which ones, in which order, and how."""

    kind: LoaderKind
    syntax: Syntax
    sets: tuple[FileSet, ...]
    #: Files whose name begins with a dot.
    reads_hidden: bool = False
    #: A link that leads to itself keeps no file of its name from being read.
    passes_over_loops: bool = False
    #: One run of the program for each file: what a line says of other lines holds within its file only.
    file_by_file: bool = False
    #: The version since which the program is like this.
    since: tuple[int, ...] = (0,)

    @property
    def takes_patterns(self) -> bool:
        """Whether the program takes the path of a file for a pattern, as Preload() of procps' sysctl.c does."""
        return self.syntax.program == "procps" and (self.kind == "procps" or self.file_by_file)

    @property
    def directories(self) -> tuple[str, ...]:
        """The directories of drop-ins, in the order of the sets; none where only single files are read."""
        return tuple(
            directory for wanted in self.sets if wanted.names.startswith("*") for directory in wanted.directories
        )

    @property
    def reads_sysctl_conf(self) -> bool:
        return SYSCTL_CONF in self.sets

    @property
    def reads_anything(self) -> bool:
        return bool(self.sets)


ETC, RUN, LOCAL, USR, LIB = (f"{parent}/sysctl.d" for parent in ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"))

#: Where systemd looks for a credential that systemd-sysctl.service is to get, as load_credential() in its
#: src/core/execute.c does; the system's own come first. The last two hold encrypted ones.
CREDENTIALS = (
    "/run/credentials/@system",
    *(f"{parent}/credstore" for parent in ("/etc", "/run", "/usr/local/lib", "/usr/lib")),
    "/run/credentials/@encrypted",
    "/etc/credstore.encrypted",
)
_CREDENTIAL = FileSet(CREDENTIALS, names="sysctl.extra")

# NEWS of systemd 245: globs, and "-key" to exclude from them.
# read_line_full() in its src/basic/fileio.c: a line ends at a carriage return and at a NUL, too.
_SYSTEMD_SYNTAX = Syntax(
    "systemd-sysctl", dash_prefix=True, globs=True, braces=True, one_per_key=True, tidies=True, ends="\r\0"
)
_SYSTEMD = Loader("systemd-sysctl", _SYSTEMD_SYNTAX, (FileSet((ETC, RUN, LOCAL, USR, LIB)),))
# sysctl_write() in its src/basic/sysctl-util.c, by systemd's pull request 20746.
_SYSTEMD_250 = replace(_SYSTEMD, since=(250,), syntax=replace(_SYSTEMD_SYNTAX, refuses_parents=True))

# procps' sysctl.c. 4.0.0: globs as systemd has them, and a parser of its own. 4.0.5: "-glob".
# NEWS of 3.3.17: "Match systemd directory order", which is /etc before /run.
_PROCPS_SYNTAX = Syntax("procps", dash_prefix=True, globs=True, excludes_by_glob=True, space=" \t\r\n\v\f")
_PROCPS_4_SYNTAX = replace(_PROCPS_SYNTAX, excludes_by_glob=False)
# Red Hat's and Fedora's 3.3.17 have the globs of 4.0.0 from 3.3.17-5 on, which "sysctl --version" does not tell.
_PROCPS_3_SYNTAX = Syntax("procps", dash_prefix=True, tokens=True)
_PROCPS = Loader(
    "procps", _PROCPS_SYNTAX, (FileSet((ETC, RUN, LOCAL, USR, LIB)), SYSCTL_CONF), reads_hidden=True, since=(4, 0, 5)
)
_PROCPS_3 = replace(_PROCPS, since=(3, 3, 17), syntax=_PROCPS_3_SYNTAX)

#: What reads files on its own. Newest first; the first whose ``since`` is not above the host's version holds.
LOADERS = (
    # src/basic/conf-files.c follows links before it looks at names: not in 257, but in 262.
    replace(_SYSTEMD_250, sets=(*_SYSTEMD.sets, _CREDENTIAL), passes_over_loops=True, since=(258,)),
    # sysctl.d(5): "sysctl.extra", since systemd 252, comes after all files.
    replace(_SYSTEMD_250, sets=(*_SYSTEMD.sets, _CREDENTIAL), since=(252,)),
    _SYSTEMD_250,
    replace(_SYSTEMD, since=(245,)),
    # NEWS of systemd 243: "-" before a key ignores failures.
    replace(_SYSTEMD, since=(243,), syntax=replace(_SYSTEMD_SYNTAX, globs=False, braces=False)),
    replace(_SYSTEMD, syntax=replace(_SYSTEMD_SYNTAX, globs=False, braces=False, dash_prefix=False)),
    _PROCPS,
    replace(_PROCPS, since=(4, 0, 0), syntax=_PROCPS_4_SYNTAX),
    _PROCPS_3,
    replace(_PROCPS_3, since=(3, 3, 0), sets=(FileSet((RUN, ETC, LOCAL, USR, LIB)), SYSCTL_CONF)),
)

#: How "sysctl -p FILE" reads: program, since which version, syntax; newest first.
SYNTAXES: tuple[tuple[Program, tuple[int, ...], Syntax], ...] = (
    ("procps", (4, 0, 5), _PROCPS_SYNTAX),
    ("procps", (4, 0, 0), _PROCPS_4_SYNTAX),
    ("procps", (3, 3, 0), _PROCPS_3_SYNTAX),
    # procps 3.2.8, sysctl.c, Preload(): no "-", no globs.
    ("procps", (3, 2, 0), Syntax("procps", tokens=True)),
    # BusyBox, procps/sysctl.c, sysctl_handle_preload_file(); older ones take "#" behind a value for a comment.
    ("busybox", (1, 32), Syntax("busybox", tries_dots=True, stops=True, space=" \t\r\n\v\f")),
)

#: Reads no file at all.
NOTHING = Loader("none", Syntax("procps"), ())

#: Where a boot script was found; _boot.sh says the same words.
Origin = Literal["rcS.d", "runlevels", "runit", "procd", "upstart", "rc.sysinit"]


@dataclass(frozen=True)
class Script:
    """A boot script that runs sysctl in a way of its own.

    ``says`` is what ``said_by`` in _boot.py makes of its lines that mention sysctl. It has to be just that: what an
    administrator changed is not known.
    """

    origin: Origin
    name: str
    says: str
    #: None where it calls ``sysctl --system``.
    sets: tuple[FileSet, ...] | None
    #: Which sysctl it does that with.
    programs: tuple[Program, ...] = ("procps", "busybox")
    #: All files go through one sysctl, by way of cat.
    joined: bool = False
    #: It leaves everything to systemd-sysctl where that is installed.
    prefers_systemd: bool = False


_IN_TURN = (FileSet((RUN,)), FileSet((ETC,)), FileSet((LOCAL,)), FileSet((USR,)))
_OPENRC_BSD = 'for conf in /etc/sysctl.conf /etc/sysctl.d/*.conf; do sysctl -w "$var" '
_RED_HAT = 'test -f "$file" && sysctl -e -p "$file"'

SCRIPTS = (
    # fedora-sysv/initscripts, rc.d/rc.sysinit before 9.x (RHEL 5): no drop-ins.
    Script("rc.sysinit", "rc.sysinit", "sysctl -e -p /etc/sysctl.conf", (SYSCTL_CONF,)),
    # fedora-sysv/initscripts, rc.d/init.d/functions at 0111a411 (9.x: RHEL 6, Amazon Linux 1): all names, and what is
    # not seen here passes over those that is_ignored_file() knows.
    Script(
        "rc.sysinit",
        "rc.sysinit",
        f"apply_sysctl sysctl -e -p /etc/sysctl.conf for file in /etc/sysctl.d/*; do {_RED_HAT}",
        (SYSCTL_CONF, FileSet((ETC,), names="*", ignored=("~", ".bak", ".orig", ".rpmnew", ".rpmorig", ".rpmsave"))),
    ),
    # The same file in initscripts 9.49 (RHEL 7).
    Script(
        "rc.sysinit",
        "rc.sysinit",
        "apply_sysctl /lib/systemd/systemd-sysctl "
        "for file in /usr/lib/sysctl.d/*.conf; do [ -f /run/sysctl.d/${file##*/} ] && continue "
        f"[ -f /etc/sysctl.d/${{file##*/}} ] && continue {_RED_HAT} "
        f"for file in /run/sysctl.d/*.conf; do [ -f /etc/sysctl.d/${{file##*/}} ] && continue {_RED_HAT} "
        f"for file in /etc/sysctl.d/*.conf; do {_RED_HAT} sysctl -e -p /etc/sysctl.conf",
        (FileSet((USR,), hidden_by=(RUN, ETC)), FileSet((RUN,), hidden_by=(ETC,)), FileSet((ETC,)), SYSCTL_CONF),
        prefers_systemd=True,
    ),
    # Ubuntu up to 14.04, procps' /etc/init/procps.conf, as quoted in Launchpad bug 1241376. (By way of cat, the last
    # line of a file without a newline at its end and the first one of the next are one line. That is not foreseen.)
    Script(
        "upstart",
        "the job procps",
        "cat /etc/sysctl.d/*.conf /etc/sysctl.conf | sysctl -e -p -",
        (FileSet((ETC,)), SYSCTL_CONF),
        joined=True,
    ),
    # void-linux/void-runit, core-services/08-sysctl.sh at 5f719f13; at 072c64d2 it calls "sysctl --system".
    Script(
        "runit",
        "08-sysctl.sh",
        "for i in /run/sysctl.d/*.conf /etc/sysctl.d/*.conf /usr/local/lib/sysctl.d/*.conf /usr/lib/sysctl.d/*.conf "
        '/etc/sysctl.conf; do sysctl -p "$i"',
        (*_IN_TURN, SYSCTL_CONF),
    ),
    # OpenRC/openrc, init.d/sysctl.in as in kaniini/openrc at ed120780: the first loop is for BSD.
    Script(
        "runlevels",
        "OpenRC's sysctl",
        f"{_OPENRC_BSD}for i in /run/sysctl.d/*.conf /etc/sysctl.d/*.conf /usr/local/lib/sysctl.d/*.conf "
        '/usr/lib/sysctl.d/*.conf /lib/sysctl.d/*.conf /etc/sysctl.conf; do sysctl ${quiet} -p "$i"',
        (*_IN_TURN, FileSet((LIB,)), SYSCTL_CONF),
    ),
    # OpenRC/openrc, init.d/sysctl.in after that.
    Script("runlevels", "OpenRC's sysctl", f"{_OPENRC_BSD}sysctl ${{quiet}} --system", None),
    # OpenRC/openrc, init.d/sysctl.in at 244fcae7: with BusyBox that loop takes words apart in a way of its own.
    Script(
        "runlevels",
        "OpenRC's sysctl",
        f"{_OPENRC_BSD}sysctl ${{quiet}} --system if sysctl -V; then",
        None,
        programs=("procps",),
    ),
    # alpinelinux/aports, main/openrc/sysctl.initd at 5c2fae7b.
    Script(
        "runlevels",
        "Alpine's sysctl",
        "for f in /lib/sysctl.d/*.conf /usr/lib/sysctl.d/*.conf; do "
        'if [ -f /etc/sysctl.d/"${f##*/}" ]; then if [ -f /run/sysctl.d/"${f##*/}" ]; then sysctl $quiet -p "$f" '
        'for f in /etc/sysctl.d/*.conf; do if [ -f /run/sysctl.d/"${f##*/}" ]; then sysctl $quiet -p "$f" '
        "if [ -f /etc/sysctl.conf ]; then sysctl $quiet -p /etc/sysctl.conf "
        'for f in /run/sysctl.d/*.conf; do sysctl $quiet -p "$f"',
        (
            FileSet((LIB,), hidden_by=(ETC, RUN)),
            FileSet((USR,), hidden_by=(ETC, RUN)),
            FileSet((ETC,), hidden_by=(RUN,)),
            SYSCTL_CONF,
            FileSet((RUN,)),
        ),
    ),
    # openwrt/openwrt, package/base-files/files/etc/init.d/sysctl at 04f9326c.
    Script(
        "procd",
        "OpenWrt's sysctl",
        "sysctl -qw vm.min_free_kbytes= "
        'for CONF in /etc/sysctl.d/*.conf /etc/sysctl.conf; do [ -f "$CONF" ] && sysctl -e -p "$CONF"',
        (FileSet((ETC,)), SYSCTL_CONF),
    ),
)
