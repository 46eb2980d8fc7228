# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kernel booted under qemu, with an initramfs and two serial ports, and what came back over them."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

QEMU = "qemu-system-x86_64"
Accelerator = Literal["kvm", "tcg"]
#: Seconds until a guest begins, and until it ends. Where the machine is virtual itself, KVM may be there and hang.
LIMITS: Mapping[Accelerator, tuple[int, int]] = {"kvm": (15, 60), "tcg": (120, 180)}


class Failed(Exception):
    """A guest did not come to its end; the message has the end of its console."""


@dataclass(frozen=True)
class Answer:
    """What a command in the guest printed, and its exit status."""

    status: int
    content: bytes


def accelerators() -> list[Accelerator]:
    """Those to try, the fastest first."""
    return ["kvm", "tcg"] if os.access("/dev/kvm", os.R_OK | os.W_OK) else ["tcg"]


def command(accelerator: Accelerator, kernel: Path, initramfs: Path, console: Path, answers: Path) -> list[str]:
    arguments = "console=ttyS0 panic=-1 quiet"
    return [
        QEMU, "-machine", "pc", "-accel", accelerator, "-m", "512", "-nodefaults", "-no-user-config",
        "-no-reboot", "-display", "none", "-kernel", str(kernel), "-initrd", str(initramfs), "-append", arguments,
        "-serial", f"file:{console}", "-serial", f"file:{answers}",
    ]  # fmt: skip


def answers_in(text: bytes, mark: str) -> dict[str, Answer]:
    """The answers of a guest by name, from what its serial ports said. Raises Failed when the end is missing."""
    lines = text.replace(b"\r", b"").decode("ascii", "replace")
    frame = re.compile(rf"^{mark} B (\w+) (\d+)\n((?:[A-Za-z0-9+/=]*\n)*){mark} E$", re.MULTILINE)
    if not re.search(rf"^{mark} Z$", lines, re.MULTILINE):
        raise Failed("the guest did not come to its end")
    return {
        name: Answer(int(status), base64.b64decode(content.replace("\n", "")))
        for name, status, content in frame.findall(lines)
    }


@dataclass(frozen=True)
class Guest:
    """A kernel and what it starts with; ``place`` is a directory for what its serial ports say, and qemu itself."""

    kernel: Path
    initramfs: Path
    place: Path
    mark: str

    def boot(self, accelerator: Accelerator) -> Mapping[str, Answer]:
        """Boots it and waits for its end: what it answered. Raises Failed."""
        for name in ("console", "answers", "qemu"):
            (self.place / name).write_bytes(b"")
        line = command(accelerator, self.kernel, self.initramfs, self.place / "console", self.place / "answers")
        with (self.place / "qemu").open("wb") as words:
            running = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=words, stderr=words)
        try:
            how = self._wait(running, LIMITS[accelerator])
        finally:
            running.terminate()
            running.wait()
        try:
            return answers_in(self._said("console", "answers"), self.mark)
        except Failed as error:
            tail = self._said("qemu", "console").decode("ascii", "replace")[-2000:].strip()
            raise Failed(f"{error} {how}; the end of its console:\n{tail}") from error

    def _said(self, *names: str) -> bytes:
        return b"\n".join((self.place / name).read_bytes() for name in names)

    def _wait(self, running: subprocess.Popen[bytes], limits: tuple[int, int]) -> str:
        """Until it ends by itself, says that it is at its end, or its time is over; in words."""
        begin = time.monotonic()
        while running.poll() is None:
            said = self._said("console", "answers").decode("ascii", "replace")
            limit = limits[1] if f"{self.mark} A" in said else limits[0]
            if f"{self.mark} Z" in said or "KVM internal error" in self._said("qemu").decode("ascii", "replace"):
                break
            if time.monotonic() - begin > limit:
                return f"in {limit} s"
            time.sleep(0.1)
        return f"in the {time.monotonic() - begin:.0f} s that qemu ran"
