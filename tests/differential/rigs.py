# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigs: root file systems with real loaders in them, all of which see one tree of sysctl files. For use in a sandbox.

A rig has the tree's /etc, /run, /usr/local/lib and /usr/lib/sysctl.d in place of its own, the sandbox's /proc, and a
shell in it that waits for commands: a process tree for each of a hundred thousand runs would take hours.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._knobs import KNOBS

from tests.differential.generate import KEYS
from tests.differential.trees import TOPS

#: Where systemd-sysctl lies, by whether a system has a /lib of its own.
SYSTEMD = ("/usr/lib/systemd/systemd-sysctl", "/lib/systemd/systemd-sysctl")
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

#: What the kernel holds before a loader runs: nothing that lines set, so far as there are values enough.
BEFORE = {
    "tcp_max_tw_buckets": "999999",
    "tcp_tw_reuse_delay": "999",
    "tcp_timestamps": "2",
    "ip_local_reserved_ports": "1",
    "ip_local_port_range": "32768 60999",
    "tcp_tw_reuse": "2",
    "tcp_rfc1337": "0",
}
PRESENT = tuple(name for name in KEYS if Path(f"/proc/sys/{KNOBS[name].path}").exists())


class Knobs:
    """The kernel's values, of this network namespace."""

    def __init__(self) -> None:
        self._files = {name: os.open(f"/proc/sys/{KNOBS[name].path}", os.O_RDWR) for name in PRESENT}

    def reset(self) -> None:
        for name, file in self._files.items():
            os.pwrite(file, BEFORE[name].encode(), 0)

    def read(self) -> dict[str, str]:
        return {name: os.pread(file, 4096, 0).decode() for name, file in self._files.items()}


@dataclass
class Rig:
    """One root file system: ``name`` is that of its directory, ``files`` the tree's."""

    name: str
    root: Path
    files: Path

    def __post_init__(self) -> None:
        self._mount()
        self._shell = subprocess.Popen(
            ["chroot", self.root, "/bin/sh"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # What a loader looks for in its environment, such as credentials, is not there.
            env={"PATH": PATH},
        )

    def _mount(self) -> None:
        binds = [(f"{self.files}{top}", f"{self.root}{top}") for top in TOPS]
        if not (self.root / "lib").is_symlink() and (self.root / "lib/sysctl.d").is_dir():
            binds.append((f"{self.files}/usr/lib/sysctl.d", f"{self.root}/lib/sysctl.d"))
        for source, target in [*binds, ("/proc", f"{self.root}/proc"), ("/dev", f"{self.root}/dev")]:
            subprocess.run(["mount", "--rbind", source, target], check=True)

    def run(self, command: str) -> bytes:
        """What a command prints."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        end = b"-- end of the command --\n"
        self._shell.stdin.write(f"( {command}\n) </dev/null 2>&1; echo; echo '{end.decode().strip()}'\n".encode())
        self._shell.stdin.flush()
        said: list[bytes] = []
        for line in self._shell.stdout:
            if line == end:
                return b"".join(said)[:-1]
            said.append(line)
        raise RuntimeError(f"the shell of {self.name} went away: {b''.join(said)!r}")

    def stop(self) -> None:
        self._shell.communicate()


@dataclass(frozen=True)
class Program:
    """A loader in a rig: ``how`` it is called; ``version`` is what it says of itself."""

    rig: str
    how: str
    command: str
    version: str

    @property
    def name(self) -> str:
        return f"{self.rig}: {self.how}"


def programs_in(rig: Rig) -> Iterator[Program]:
    def said(command: str) -> str:
        return rig.run(command).decode()

    systemd = said(f"ls {' '.join(SYSTEMD)} 2>/dev/null").split()
    if systemd:
        yield Program(rig.name, "systemd-sysctl", systemd[0], said(f"{systemd[0]} --version"))
    version = said("sysctl --version 2>&1")
    if "procps" in version:
        yield Program(rig.name, "sysctl --system", "sysctl --system", version)
    # As the boot script of Red Hat's oldest does.
    yield Program(rig.name, "sysctl -p", "sysctl -e -p /etc/sysctl.conf", version)


def make_rigs(roots: Mapping[str, Path], below: Path) -> Iterator[Rig]:
    """Rigs of these root file systems, which stay as they are; ``below`` is an empty directory of the sandbox."""
    files = below / "files"
    files.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", files], check=True)
    for top in TOPS:
        (files / top.lstrip("/")).mkdir(parents=True)
    for name, root in roots.items():
        (below / name).mkdir()
        subprocess.run(["mount", "--rbind", root, below / name], check=True)
        yield Rig(name, below / name, files)


@contextmanager
def writers_at(fifos: list[str]) -> Iterator[list[str]]:
    """Waits at FIFOs for whoever reads them; which were opened is known at the end. Readers find no text there."""
    opened: list[str] = []
    over = threading.Event()

    def wait(path: str) -> None:
        # A loader may come more than once.
        while not over.is_set():
            file = os.open(path, os.O_WRONLY)
            if not over.is_set() and path not in opened:
                opened.append(path)
            # Not before it is noted: the reader goes on when this end is closed.
            os.close(file)
            over.wait(0.001)

    threads = [threading.Thread(target=wait, args=(path,)) for path in fifos]
    for thread in threads:
        thread.start()
    yield opened
    over.set()
    for path, thread in zip(fifos, threads, strict=True):
        while thread.is_alive():
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
            thread.join(0.001)
