# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts in the middle of their life, each with a plan that is about to be carried out; and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._knobs import KNOBS
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import BadAnswer

from tests.sandbox.hosts import SandboxHost
from tests.sandbox.states import SYSCTL_DIRECTORIES
from tests.system.engine import Planned, failure_of, planned, settle

RECYCLE = "tcp_tw_recycle"

OPTIONS: Mapping[str, Any] = {"tcp_rfc1337": 1, "ip_local_port_range": [15000, 60999]}
CONFLICT = "kernel.panic = 10\nnet.ipv4.tcp_tw_reuse = 0\n# the end, without a newline"
#: No systemd, an init that nobody knows, and no /etc/sysctl.d: settings go to a block in /etc/sysctl.conf.
SYSCTL_CONF_ONLY = """
rmdir /run/systemd/system /etc/sysctl.d
echo '1 (unheard-of) S 0 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 9 0 0' >/run/stat
mount --bind /run/stat /proc/1/stat
printf 'kernel.panic = 10\\nnet.ipv4.ip_forward = 0' >/etc/sysctl.conf
"""


@dataclass(frozen=True)
class Scene:
    """A host to which ``script`` was done, the settings of ``first``, and ``between``; ``then`` is asked for now."""

    then: Mapping[str, Any]
    first: Mapping[str, Any] | None = None
    script: str = ""
    between: str = ""
    legacy: bool = False


_CONFLICT = f"printf '{CONFLICT}' | sed 's/\\\\n/\\n/g' >/etc/sysctl.d/99-zz.conf"

SCENES: Mapping[str, Scene] = {
    "first": Scene(OPTIONS),
    "again": Scene({"tcp_rfc1337": 0, "tcp_max_tw_buckets": 400000}, first=OPTIONS),
    "absent": Scene({"state": "absent"}, first=OPTIONS),
    "comment_out": Scene({**OPTIONS, "conflicts": "comment_out"}, script=_CONFLICT),
    "comment_out undone": Scene({"state": "absent"}, first={**OPTIONS, "conflicts": "comment_out"}, script=_CONFLICT),
    "block": Scene(OPTIONS, script=SYSCTL_CONF_ONLY),
    "block again": Scene(
        {"tcp_rfc1337": 0},
        first=OPTIONS,
        script=SYSCTL_CONF_ONLY,
        between="printf 'net.core.somaxconn = 8192\n\nvm.swappiness = 9' >>/etc/sysctl.conf",
    ),
    "block undone": Scene({"state": "absent"}, first=OPTIONS, script=SYSCTL_CONF_ONLY),
    "moved": Scene(
        {**OPTIONS, "owner": "web", "path": "/etc/sysctl.d/70-web.conf"}, first={"tcp_rfc1337": 1, "owner": "web"}
    ),
    "runtime": Scene({**OPTIONS, "apply_to": "runtime"}),
    "recycle on": Scene(OPTIONS, script="echo 1 >/proc/sys/net/ipv4/tcp_tw_recycle", legacy=True),
}


def staged(host: SandboxHost, scene: Scene) -> Planned:
    """Brings a fresh host into a scene; what is to be done then."""
    host.sh(scene.script)
    if scene.first is not None:
        settle(host, **scene.first)
    host.sh(scene.between)
    return planned(host, **scene.then)


@dataclass(frozen=True)
class Seen:
    """Our values; every name in /etc, and every sysctl file with its mode, owner and bytes; locks that are left."""

    knobs: Mapping[str, str]
    files: Mapping[str, str]
    locks: tuple[str, ...] = ()

    def differs_from(self, other: Seen) -> list[str]:
        """The keys and the paths that are not as in the other. Locks do not count: nobody waits for a dead one."""
        keys = [f"net.ipv4.{name}" for name in KNOBS if self.knobs.get(name) != other.knobs.get(name)]
        paths = sorted(self.files.keys() | other.files.keys())
        return keys + [path for path in paths if self.files.get(path) != other.files.get(path)]


_PLACES = f"{SYSCTL_DIRECTORIES} /etc/sysctl.conf /run"
_SEE = f"""
cd /proc/sys/net/ipv4 && grep -s . {" ".join(KNOBS)} /dev/null
find /etc -maxdepth 1 -printf '@@%p\\n%y\\n'
find {_PLACES} -maxdepth 1 \\( -path '*sysctl*' -o -path '/run/*linux_tcp*' \\) ! -name 'linux_tcp.tuning.*' \\
  -printf '@@%p\\n%y %m %U %G %l\\n' -type f -exec sed -n l {{}} \\; 2>/dev/null
find /etc -maxdepth 1 -name '.*sysctl*' -printf '@@%p\\n%y %m\\n'
ls /run | sed -n 's/^linux_tcp.tuning[.]/@@/p'
"""


def seen(host: SandboxHost, then: str = "") -> Seen:
    """What a host is like. Afterwards this is done to it."""
    values, *files = host.sh(f"export LC_ALL=C\n{_SEE}\n{{ :\n{then}\n}} >/dev/null 2>&1").split("@@")
    knobs = (line.split(":", 1) for line in values.splitlines())
    found = dict(file.split("\n", 1) for file in files)
    return Seen(
        {name: " ".join(value.split()) for name, value in knobs},
        {path: text for path, text in found.items() if path.startswith("/")},
        tuple(path for path in found if not path.startswith("/")),
    )


_KEPT = "/etc/sysctl.d /etc/sysctl.conf"


def keep(host: SandboxHost) -> str:
    """A script that brings back what a host is like now: our values, the files in /etc, and what is kept in /run."""
    host.sh(
        f"mkdir -p /run/kept /run/values; for n in {' '.join(KNOBS)}; do "
        "[ ! -e /proc/sys/net/ipv4/$n ] || cat /proc/sys/net/ipv4/$n >/run/values/$n; done; "
        f"for f in {_KEPT} /run/linux_tcp*.conf; do [ ! -e $f ] || cp -a --parents $f /run/kept; done"
    )
    return (
        f"rm -rf {_KEPT} /etc/.sysctl* /run/linux_tcp* /run/.linux_tcp*; cp -a /run/kept/. /; "
        "cd /run/values; for n in *; do cat $n >/proc/sys/net/ipv4/$n; done; cd /"
    )


def told(made: Planned, answer: str) -> str | None:
    """Why it was not done, as the user is told; None when it was."""
    try:
        return failure_of(made, answer)
    except BadAnswer as error:
        return f"the host's answer cannot be used: {error}"
