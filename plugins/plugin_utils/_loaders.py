# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who applies sysctl files: the loaders by kind and version, as data, and which of them a host has. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

LoaderKind = Literal["systemd-sysctl", "procps"]


@dataclass(frozen=True)
class Loader:
    """How one program reads sysctl files.

    ``directories`` go by rank: of files with one name, that in the first directory is read, the others are not.
    """

    kind: LoaderKind
    since: tuple[int, ...]
    directories: tuple[str, ...]
    #: /etc/sysctl.conf comes after all the others.
    reads_sysctl_conf: bool
    #: Files whose name begins with a dot.
    reads_hidden: bool
    #: "-key = value" ignores a failure, "-key" keeps a key out of globs.
    dash_prefix: bool
    globs: bool
    #: Alternatives in a glob: "{a,b}".
    braces: bool
    #: Collects first: a line takes the place of an earlier one for the same key or the same glob, so that a bare "-key"
    #: cancels both. Otherwise every line is carried out in its turn.
    one_per_key: bool
    #: Tidies keys ("//", "/./", "/" at the end, a space after "-") and refuses "..". Otherwise the kernel is asked for
    #: what is written, and a second "-" is dropped.
    tidies: bool
    #: What is stripped from the ends of keys and values.
    space: str


_RANKED = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d")

# NEWS of systemd 245: globs, and "-key" to exclude from them. Hidden files: dirent_is_file_with_suffix().
_SYSTEMD = Loader(
    kind="systemd-sysctl",
    since=(245,),
    directories=_RANKED,
    reads_sysctl_conf=False,
    reads_hidden=False,
    dash_prefix=True,
    globs=True,
    braces=True,
    one_per_key=True,
    tidies=True,
    space=" \t\r\n",
)
# NEWS of procps-ng 4.0.0: /etc before /run.
_PROCPS = Loader(
    kind="procps",
    since=(4, 0, 0),
    directories=_RANKED,
    reads_sysctl_conf=True,
    reads_hidden=True,
    dash_prefix=True,
    globs=True,
    braces=False,
    one_per_key=False,
    tidies=False,
    space=" \t\r\n\v\f",
)
_RUN_FIRST = ("/run/sysctl.d", "/etc/sysctl.d", *_RANKED[2:])

#: Newest first; the first whose ``since`` is not above the host's version holds.
LOADERS = (
    _SYSTEMD,
    # NEWS of systemd 243: "-" before a key ignores failures.
    replace(_SYSTEMD, since=(243,), globs=False, braces=False),
    replace(_SYSTEMD, since=(0,), globs=False, braces=False, dash_prefix=False),
    _PROCPS,
    # NEWS of procps-ng 3.3.17: globs as systemd has them.
    replace(_PROCPS, since=(3, 3, 17), directories=_RUN_FIRST),
    replace(_PROCPS, since=(3, 3, 0), directories=_RUN_FIRST, globs=False),
)


@dataclass(frozen=True)
class HostLoaders:
    """What applies sysctl files on a host, when it boots and on ``sysctl --system``; None where that is unknown."""

    boot: Loader | None
    boot_name: str
    reload: Loader | None
    reload_name: str


def loaders_of(systemd: str | None, procps: str | None, *, initscript: bool) -> HostLoaders:
    """Which loaders a host has.

    ``systemd`` and ``procps`` are what ``systemd-sysctl --version`` and ``sysctl --version`` say, None where the
    program is not there. ``initscript``: /etc/init.d/procps exists (sysvinit), which calls ``sysctl --system``.
    """
    reload, reload_name = _versioned("procps", r"procps(?:-ng)? (?:version )?([0-9.]+)", procps)
    if systemd is not None:
        boot, boot_name = _versioned("systemd-sysctl", r"systemd ([0-9]+)", systemd)
    elif initscript and reload:
        boot, boot_name = reload, reload_name
    else:
        boot, boot_name = None, "unknown"
    return HostLoaders(boot, boot_name, reload, reload_name)


def _versioned(kind: LoaderKind, pattern: str, text: str | None) -> tuple[Loader | None, str]:
    found = re.search(pattern, text or "")
    if not found:
        return None, "unknown"
    version = tuple(int(part) for part in found.group(1).strip(".").split("."))
    for loader in LOADERS:
        if loader.kind == kind and version >= loader.since:
            return loader, f"{kind} {found.group(1)}"
    return None, "unknown"
