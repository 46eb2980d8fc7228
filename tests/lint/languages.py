# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the files of a host do to the knob when those that read them have read them: as far as possible, they do.

The real sysctl and systemd-sysctl load sysctl files, and a shell runs scripts and commands. Only what no program here
reads (tuned's profiles, units, tables of cron, cloud-init, the kernel's command line) is taken apart.
"""

from __future__ import annotations

import configparser
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

ETC = Path("/etc")
KNOB = Path("/proc/sys/net/ipv4/tcp_tw_recycle")
_SYSTEMD_SYSCTL = "/usr/lib/systemd/systemd-sysctl"
#: Neither value nor spelling of one.
_UNTOUCHED = "untouched"


def _run(command: list[str]) -> None:
    subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=20, check=False)


def _effect(act: Callable[[], object]) -> list[str]:
    """What the knob has after ``act``, if that wrote it."""
    KNOB.write_text(f"{_UNTOUCHED}\n", encoding="ascii")
    act()
    # The imitated knob keeps what is behind the end of a shorter text.
    value = KNOB.read_text(encoding="utf-8", errors="replace").split("\n")[0].strip()
    return [] if value == _UNTOUCHED else [value]


def _sysctl_file(path: Path) -> list[str]:
    found = _effect(lambda: _run(["sysctl", "-e", "-q", "-p", str(path)]))
    if Path(_SYSTEMD_SYSCTL).exists():
        found += _effect(lambda: _run([_SYSTEMD_SYSCTL, str(path)]))
    return sorted(set(found))


def _script(path: Path) -> list[str]:
    return _effect(lambda: _run(["/bin/sh", str(path)]))


def _commands(commands: Iterator[list[str]]) -> list[str]:
    return [value for command in commands for value in _effect(lambda: _run(command))]  # noqa: B023


def _unit(path: Path) -> list[str]:
    lines = re.findall(r"^Exec\w+=[-+!@:]*(.*)", path.read_text(encoding="utf-8"), re.MULTILINE)
    return _commands(shlex.split(line) for line in lines)


def _cron(path: Path) -> list[str]:
    lines = re.findall(r"^(?:@\w+|(?:[\d*/,-]+\s+){5})\s*\S+\s+(.*)", path.read_text(encoding="utf-8"), re.MULTILINE)
    return _commands(["/bin/sh", "-c", line] for line in lines)


def _tuned(path: Path) -> list[str]:
    profile = configparser.ConfigParser(delimiters=("=",), strict=False, interpolation=None)
    profile.read_string(path.read_text(encoding="utf-8"))
    settings = profile.items("sysctl") if profile.has_section("sysctl") else []
    return [value for key, value in settings if key.replace("/", ".") == "net.ipv4.tcp_tw_recycle"]


def _cloud(path: Path) -> list[str]:
    data: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    commands = [*data.get("bootcmd", []), *data.get("runcmd", [])]
    found = _commands(command if isinstance(command, list) else ["/bin/sh", "-c", command] for command in commands)
    for file in data.get("write_files", []):
        written = ETC / "written-by-cloud-init.conf"
        written.write_text(file["content"], encoding="utf-8")
        found += _sysctl_file(written)
        written.unlink()
    return found


def _kernel_command_line(path: Path) -> list[str]:
    show = f'. "{path}"; printf "%s %s" "$GRUB_CMDLINE_LINUX" "$GRUB_CMDLINE_LINUX_DEFAULT"'
    line = subprocess.run(["/bin/sh", "-c", show], capture_output=True, text=True, check=False).stdout
    words = [word.removeprefix("sysctl.").partition("=") for word in line.split() if word.startswith("sysctl.")]
    return [value for key, _equals, value in words if key.replace("/", ".") == "net.ipv4.tcp_tw_recycle"]


#: Places below /etc, and who reads what is there. The first that fits counts.
_READERS: tuple[tuple[str, Callable[[Path], list[str]]], ...] = (
    ("sysctl.conf", _sysctl_file),
    ("sysctl.d/*.conf", _sysctl_file),
    ("rc.local", _script),
    ("rc.d/*", _script),
    ("local.d/*.start", _script),
    ("systemd/system/*.service", _unit),
    ("cron.d/*", _cron),
    ("tuned/*/tuned.conf", _tuned),
    ("cloud/cloud.cfg.d/*.cfg", _cloud),
    ("default/grub", _kernel_command_line),
)


def loaded(path: Path) -> list[str]:
    """The values that the knob gets from a file of the host."""
    place = path.relative_to(ETC)
    for pattern, read in _READERS:
        if place.match(pattern):
            return read(path)
    return []
