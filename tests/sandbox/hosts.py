# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Throwaway hosts for tests: see dev/sandbox."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class SandboxHost:
    """A host with its own network sysctls and sysctl files; it lives until :meth:`stop`.

    ``vars`` are its inventory variables; a test may change them. There is no Python on it as far as Ansible is told.
    ``ansible_become`` is false there, and as a variable beats the keyword of a play: commands are root's already.
    A test of ``become`` removes it.
    """

    name: str
    log: Path
    legacy: bool = False
    vars: dict[str, Any] = field(default_factory=dict)
    #: What :meth:`sh` runs a script with.
    shell: tuple[str, ...] = ("/bin/sh",)

    def __post_init__(self) -> None:
        option = ["--legacy"] if self.legacy else []
        # cat waits for the end of its input: however this process ends, the host ends with it.
        self._process = subprocess.Popen(
            [ROOT / "dev" / "sandbox", *option, "--", "/bin/sh", "-c", "echo ready; exec cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError(f"the sandbox of {self.name} did not start: exit status {self._process.wait()}")
        self.log.touch()
        self.vars = {
            "ansible_connection": "sandbox",
            "ansible_become": False,
            "ansible_python_interpreter": "/there/is/no/python",
            "sandbox_pid": self.pid,
            "sandbox_log": str(self.log),
            "sandbox_legacy": self.legacy,
            **self.vars,
        }

    @property
    def pid(self) -> int:
        # The scripts that make the sandbox replace themselves: this is the process inside.
        return self._process.pid

    def stop(self) -> None:
        self._process.terminate()
        self._process.communicate()

    def entered(self, *command: str) -> list[str]:
        """What runs a command on the host as its root."""
        enter = ["nsenter", "--target", str(self.pid), "--net", "--mount"]
        if os.geteuid() != 0:
            enter += ["--user", "--preserve-credentials"]
        if self.legacy:
            enter = ["setarch", os.uname().machine, "--uname-2.6", *enter]
        return [*enter, "--", *command]

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a command on the host as its root; this is no round trip of Ansible's."""
        raw = subprocess.run(self.entered(*command), capture_output=True, check=False)
        # Not text=True, which would take a CR before a newline away.
        out, err = (stream.decode("utf-8", "surrogateescape") for stream in (raw.stdout, raw.stderr))
        done = subprocess.CompletedProcess(raw.args, raw.returncode, out, err)
        if check and done.returncode != 0:
            raise RuntimeError(f"{command} on {self.name}: exit status {done.returncode}: {done.stderr}")
        return done

    def sh(self, script: str, check: bool = True) -> str:
        """What ``script`` prints."""
        return self.run(*self.shell, "-c", script, check=check).stdout

    def read(self, path: str) -> str:
        return self.run("cat", path).stdout

    def exists(self, path: str) -> bool:
        return self.run("test", "-e", path, check=False).returncode == 0

    def write(self, path: str, text: str) -> None:
        """Makes a file, and its directory."""
        script = 'mkdir -p "$(dirname "$1")" && printf %s "$2" >"$1"'
        self.run("/bin/sh", "-c", script, "sh", path, text)

    def sysctl(self, name: str) -> str:
        """The value now of net.ipv4.``name``."""
        return self.read(f"/proc/sys/net/ipv4/{name}").rstrip("\n")

    def set_sysctl(self, name: str, value: str | int) -> None:
        self.run("/bin/sh", "-c", 'echo "$2" >"$1"', "sh", f"/proc/sys/net/ipv4/{name}", str(value))

    def commands(self) -> list[str]:
        """The commands that Ansible ran on this host since the last :meth:`forget`: one per round trip."""
        return self.log.read_text(encoding="utf-8", errors="surrogateescape").splitlines()

    def forget(self) -> None:
        self.log.write_text("", encoding="utf-8")
