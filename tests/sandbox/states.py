# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a throwaway host is like at a moment, and what can be done to it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.sandbox.hosts import SandboxHost

DROPIN = "/etc/sysctl.d/99-timewait.conf"

SYSCTL_DIRECTORIES = "/etc/sysctl.d /run/sysctl.d /usr/local/lib/sysctl.d /usr/lib/sysctl.d /lib/sysctl.d"

#: Programs in this directory of a host come before its own, see environment_of().
PROGRAMS = "/run/programs"


def install(host: SandboxHost, name: str, script: str) -> str:
    """Puts a program on a host, before the others of that name; its path."""
    path = f"{PROGRAMS}/{name}"
    host.write(path, f"#!/bin/sh\n{script}\n")
    host.run("chmod", "755", path)
    return path


def files(host: SandboxHost) -> str:
    """Every sysctl file of a host: name, kind, mode, owner, size, what a link leads to, and the bytes."""
    return host.sh(
        f"for d in {SYSCTL_DIRECTORIES} /etc/sysctl.conf; do [ ! -e $d ] || find $d; done | sort | while read -r f; do"
        ' stat -c "%n %F %a %u %g %s %N" "$f"; [ ! -f "$f" ] || LC_ALL=C sed -n l "$f"; done'
    )


def knobs(host: SandboxHost) -> dict[str, str]:
    """Every readable value below /proc/sys/net/ipv4, subdirectories included."""
    lines = host.sh(
        "cd /proc/sys/net/ipv4 && find . -type f | while read -r f; do "
        'v=$(tr "\\t\\n" "  " <"$f" 2>/dev/null) && echo "$f $v"; done'
    )
    return dict(line.split(" ", 1) for line in lines.splitlines())


@dataclass(frozen=True)
class State:
    """What a run may have touched: values, files with inode and times, all names in /etc, and what is left in /run."""

    knobs: dict[str, str]
    files: str
    times: str
    names: str


def state(host: SandboxHost) -> State:
    times = host.sh(
        f"for d in {SYSCTL_DIRECTORIES} /etc/sysctl.conf; do "
        '[ ! -e "$d" ] || find "$d" -printf "%p %i %T@ %C@\\n"; done; '
        # Opening a knob for append changes nothing, a write does: the imitated ones of an old kernel show it.
        '[ "$(stat -f -c %T /proc/sys/net/ipv4)" != tmpfs ] || stat -c "%n %i %y" /proc/sys/net/ipv4/*'
    )
    names = host.sh("find /etc -maxdepth 2 | sort; ls -A /run")
    return State(knobs(host), files(host), times, names)


def everything(host: SandboxHost) -> dict[str, str]:
    """All of /etc and of /proc/sys/net, by path: kind, inode, owner, size and times of a file, its bytes or value."""
    listing = host.sh(
        # /etc is a file system of this host's own; what its links lead to is the machine's, and read-only.
        'find /etc -xdev -printf "%p\\t%y %i %m %U %G %s %T@ %C@ %l\\n"; '
        'find /etc -xdev -type f -exec sha256sum {} + | sed "s/\\([^ ]*\\)  \\(.*\\)/bytes of \\2\\t\\1/"; '
        # The imitated knobs of an old kernel show when they were written.
        '[ "$(stat -f -c %T /proc/sys/net/ipv4)" != tmpfs ] || '
        'find /proc/sys/net/ipv4 -type f -printf "times of %p\\t%i %T@\\n"; '
        "grep -rs '' /proc/sys/net | sed 's/:/\\t/'"
    )
    # What a host counts by itself.
    return {
        path: words
        for path, _tab, words in (line.partition("\t") for line in listing.splitlines())
        if not path.endswith("_count")
    }


@contextmanager
def running(host: SandboxHost, *command: str) -> Iterator[subprocess.Popen[str]]:
    """A program on a host that has printed its first line, until the end of the block."""
    enter = ["nsenter", "--target", str(host.pid), "--net", "--mount"]
    if os.geteuid() != 0:
        enter += ["--user", "--preserve-credentials"]
    process = subprocess.Popen([*enter, "--", *command], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline(), "the program ended at once"
        yield process
    finally:
        process.terminate()
        process.communicate()


def wait_for_the_script(host: SandboxHost) -> None:
    """Until a script that was left alone has ended, as it should: then it has taken its lock away."""
    host.run("timeout", "30", "sh", "-c", "while ls /run/linux_tcp.tuning.* >/dev/null 2>&1; do sleep 0.05; done")


def remount_read_only(host: SandboxHost, path: str) -> None:
    host.sh(f"mount --bind {path} {path} && mount -o remount,bind,ro {path}")


def cover_proc_net(host: SandboxHost, name: str, text: str) -> None:
    """Replaces or adds one file of /proc/net.

    /proc/net belongs to each process, so that no file in it can be covered for all of them. Hence a /proc of links to
    the real one, in which this one file differs.
    """
    host.sh(
        f"""
set -e
mkdir -p /run/covered /run/real
mount --rbind /proc /run/real
mount -t tmpfs -o mode=755 tmpfs /run/covered
mkdir /run/covered/net /run/covered/sys
for entry in /run/real/[a-z]*; do
    case ${{entry##*/}} in net | sys) ;; *) ln -s "$entry" /run/covered/ ;; esac
done
for entry in /run/real/net/*; do ln -s "$entry" /run/covered/net/; done
rm -f /run/covered/net/{name}
mount --rbind /proc/sys /run/covered/sys
mount --rbind /run/covered /proc
"""
    )
    host.write(f"/run/covered/net/{name}", text)
