# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""_writers.sh, run by every kind of shell that hosts have: what it prints of a line, and what stays on the host."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import Section
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._written import written_of

from tests.unit.plugins.plugin_utils import test_scripts

sh = test_scripts.sh

#: With BusyBox's own grep and sed in place of GNU's.
BUSYBOX = 'grep() { busybox grep "$@"; }\nsed() { busybox sed "$@"; }'
#: A grep from before -a.
OLD_GREP = 'grep() { case $1 in -a*) return 2 ;; esac; command grep "$@"; }'


def printed(sh: Sequence[str], tmp_path: Path, text: str, more: str = "") -> str:
    file = tmp_path / "rc local"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    done = test_scripts.call(sh, tmp_path, more, f"assignments {shlex.quote(str(file))}")
    assert done.stderr == b""
    return done.stdout.decode("utf-8", "surrogateescape")


def found(sh: Sequence[str], tmp_path: Path, text: str, more: str = "") -> list[tuple[int, str, str | None]]:
    section = Section("writers", "", printed(sh, tmp_path, text, more).encode("utf-8", "surrogateescape"), 0)
    commands = written_of([section]).commands
    assert {command.path for command in commands} <= {str(tmp_path / "rc local")}
    return [(command.line, command.knob, command.text) for command in commands]


ON = [("tcp_tw_recycle", "1")]
#: A line, and what it sets.
LINES: dict[str, list[tuple[str, str | None]]] = {
    "sysctl -w net.ipv4.tcp_tw_recycle=1": ON,
    "sysctl net.ipv4.tcp_tw_recycle=1": ON,
    "/sbin/sysctl -q -w net/ipv4/tcp_tw_recycle=1 >/dev/null": ON,
    "sysctl -w 'net.ipv4.tcp_tw_recycle=1'": ON,
    'sysctl -w net.ipv4.tcp_tw_recycle="1"': ON,
    'sysctl -w "net.ipv4.tcp_tw_recycle = 1"': ON,
    "  net.ipv4.tcp_tw_recycle=1 \\": ON,
    "sysctl -w net.ipv4.tcp_tw_recycle=1 net.ipv4.tcp_tw_reuse=0": [*ON, ("tcp_tw_reuse", "0")],
    "sysctl -w net.ipv4.tcp_tw_recycle=1;sysctl -w net.ipv4.tcp_rfc1337=1": [*ON, ("tcp_rfc1337", "1")],
    "echo 1 > /proc/sys/net/ipv4/tcp_tw_recycle": ON,
    "echo 1 >/proc/sys/net/ipv4/tcp_tw_recycle": ON,
    'echo "1" >> "/proc/sys/net/ipv4/tcp_tw_recycle"': ON,
    "echo -n 1 >/proc/sys/net/ipv4/tcp_tw_recycle": ON,
    "printf '1\\n' >/proc/sys/net/ipv4/tcp_tw_recycle": ON,
    "echo 1 | sudo tee /proc/sys/net/ipv4/tcp_tw_recycle": ON,
    "echo 1 | tee -a /proc/sys/net/ipv4/tcp_tw_recycle": ON,
    "cat /x >/proc/sys/net/ipv4/tcp_tw_recycle": [("tcp_tw_recycle", None)],
    "echo $X > /proc/sys/net/ipv4/tcp_tw_recycle": [("tcp_tw_recycle", None)],
    "sysctl -w net.ipv4.tcp_tw_recycle=$X": [("tcp_tw_recycle", None)],
    'sysctl -w net.ipv4.tcp_tw_recycle="${X}"': [("tcp_tw_recycle", None)],
    "sysctl -w net.ipv4.tcp_tw_recycle=`cat x`": [("tcp_tw_recycle", None)],
    "ExecStart=/sbin/sysctl -w net.ipv4.tcp_tw_recycle=1": ON,
    "ExecStart=/bin/sh -c 'echo 1 > /proc/sys/net/ipv4/tcp_tw_recycle'": ON,
    'ExecStart=/bin/sh -c "sysctl -w net.ipv4.tcp_tw_recycle=\\"1\\""': ON,
    "@reboot root sysctl -w net.ipv4.tcp_tw_recycle=1": ON,
    "  - [ sysctl, -w, net.ipv4.tcp_tw_recycle=1 ]": ON,
    "echo 'net.ipv4.tcp_tw_recycle = 1' >> /etc/sysctl.conf": ON,
    "sysctl -w net.ipv4.tcp_tw_recycle=-1": [("tcp_tw_recycle", "-1")],
    "sysctl -w net.ipv4.tcp_tw_recycle=0x1\r": [("tcp_tw_recycle", "0x1")],
    "sysctl -w net.ipv4.ip_local_port_range='15000 61000'": [("ip_local_port_range", "15000 61000")],
    "echo 15000 61000 >/proc/sys/net/ipv4/ip_local_port_range": [("ip_local_port_range", "15000 61000")],
    "sysctl -w net.ipv4.ip_local_reserved_ports=80,90-99": [("ip_local_reserved_ports", "80,90-99")],
    "sysctl -w net.ipv4.tcp_tw_reuse_delay=500": [("tcp_tw_reuse_delay", "500")],
    "\udcff\udcfe; sysctl -w net.ipv4.tcp_tw_recycle=1": ON,
    # Nothing that sets a key of ours:
    "# sysctl -w net.ipv4.tcp_tw_recycle=1": [],
    "   #echo 1 >/proc/sys/net/ipv4/tcp_tw_recycle": [],
    "true # sysctl -w net.ipv4.tcp_tw_recycle=1": [],
    "; ExecStart=sysctl net.ipv4.tcp_tw_recycle=1": [],
    "Description=sets net.ipv4.tcp_tw_recycle=1": [],
    "sysctl net.ipv4.tcp_tw_recycle": [],
    "cat /proc/sys/net/ipv4/tcp_tw_recycle": [],
    "echo 1 2>/dev/null; cat /proc/sys/net/ipv4/tcp_tw_recycle": [],
    '[ "$(sysctl -n net.ipv4.tcp_tw_recycle)" = 1 ] && true': [],
    "sysctl -w net.ipv4.tcp_tw_recycler=1": [],
    "echo 1 >/proc/sys/net/ipv4/tcp_tw_recycler": [],
    "sysctl -w net.ipv4.tcp_fin_timeout=5": [],
}


@pytest.mark.parametrize("more", ["", BUSYBOX, OLD_GREP], ids=["grep", "busybox", "old-grep"])
def test_a_line_sets_what_a_shell_would_set(sh: list[str], tmp_path: Path, more: str) -> None:
    expected = [(number, *pair) for number, pairs in enumerate(LINES.values(), 1) for pair in pairs]
    assert found(sh, tmp_path, "\n".join(LINES) + "\n", more) == expected


@pytest.mark.parametrize(
    "line",
    [
        "mysql -pSECRET -e x && sysctl -w net.ipv4.tcp_tw_recycle=1 --token SECRET",
        "TOKEN=SECRET sysctl -w net.ipv4.tcp_tw_recycle=1; net.ipv4.tcp_fastopen_key=SECRET",
        "sysctl -w net.ipv4.tcp_tw_recycle=1 5SECRET",
        "sysctl -w net.ipv4.tcp_tw_recycle=1;5SECRET",
        "sysctl -w net.ipv4.tcp_tw_recycle=$SECRET",
        "sysctl -w net.ipv4.tcp_tw_recycle=SECRET",
        "sysctl -w net.ipv4.tcp_tw_recycle=1 # SECRET",
        "# SECRET sysctl -w net.ipv4.tcp_tw_recycle=1 SECRET",
        "echo SECRET | login; echo 1 >/proc/sys/net/ipv4/tcp_tw_recycle; echo SECRET",
        "login SECRET >/proc/sys/net/ipv4/tcp_tw_recycle",
        "login --pin 5SECRET >/proc/sys/net/ipv4/tcp_tw_recycle",
        "sysctl -w net.ipv4.ip_local_port_range='1 2' SECRET",
        "Description=SECRET net.ipv4.tcp_tw_recycle=1 SECRET",
        "SECRET:12: /SECRET:12:net.ipv4.tcp_tw_recycle=1:/SECRET:12:",
    ],
)
@pytest.mark.parametrize("secret", ["hunter2", "40404"])
def test_a_secret_on_the_same_line_stays_on_the_host(sh: list[str], tmp_path: Path, line: str, secret: str) -> None:
    output = printed(sh, tmp_path, line.replace("SECRET", secret) + "\n")
    assert ":1:\n" in output or "Description" in line
    # As a value of our key it is no secret.
    assert secret not in output or f"recycle={secret}" in line.replace("SECRET", secret)
