# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops a script at every point at which the world can differ: a program that runs on a throwaway host.

A filter in the kernel stops the script and whatever it calls before each system call that changes something; such
a call is a point. The program is asked by lines of JSON on standard input, see Interrupter of interrupted.py:

    {"do": "look"}                          what the host is like
    {"do": "restore", "world": WORLD}       makes it so
    {"do": "interrupt", "how": HOW, "shell": [...], "script": TEXT}
                                            for each point N = 1, 2, ... from the same beginning: runs the script
                                            and, at point N, does HOW; then what the host is like. The last answer
                                            is that of a run that came to its end before there was a point N.

HOW is "all" (every process dies at once, as when the power fails), "shell" (the script's own process dies, those
that it started go on), "child" (the process that is about to change something dies), "gone" (whoever reads the
answer is gone, and every signal that a terminal sends comes to every process).
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import signal
import struct
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Where a script may leave something. In /etc and /run only files count: their directories and links are the machine's.
DIRECTORIES = ("/etc", "/run", "/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d")
IPV4 = "/proc/sys/net/ipv4"

#: System calls that change something, with their numbers on x86_64 and on aarch64 (None: it has no such call).
CHANGES: dict[str, tuple[int | None, int | None]] = {
    "write": (1, 64),
    "pwrite64": (18, 68),
    "writev": (20, 66),
    "pwritev": (296, 70),
    "sendfile": (40, 71),
    "splice": (275, 76),
    "copy_file_range": (326, 285),
    "truncate": (76, 45),
    "ftruncate": (77, 46),
    "fallocate": (285, 47),
    "creat": (85, None),
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "link": (86, None),
    "linkat": (265, 37),
    "symlink": (88, None),
    "symlinkat": (266, 36),
    "mkdir": (83, None),
    "mkdirat": (258, 34),
    "rmdir": (84, None),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "sync": (162, 81),
    "fsync": (74, 82),
    "fdatasync": (75, 83),
    "syncfs": (306, 267),
}
#: Those that open a file, and which of their arguments says whether for more than reading.
OPENS: dict[str, tuple[int | None, int | None, int]] = {"open": (2, None, 1), "openat": (257, 56, 2)}
FOR_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
WRITES = ("write", "pwrite64", "writev", "pwritev", "sendfile", "splice", "copy_file_range")
#: sendfile, splice and copy_file_range name the file that they write to in another place than the first.
TARGET = {"splice": 2, "copy_file_range": 2}

MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGTERM)

# linux/ptrace.h, linux/prctl.h, linux/seccomp.h, linux/bpf_common.h
PTRACE_TRACEME, PTRACE_CONT, PTRACE_SETOPTIONS = 0, 7, 0x4200
#: The whole family is traced, and dies with the tracer; programs that are run and the filter are events of their own.
OPTIONS = 0x00100000 | (1 << 1) | (1 << 2) | (1 << 3) | (1 << 4) | (1 << 7)
EVENT_SECCOMP = 7
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
RET_ALLOW, RET_TRACE = 0x7FFF0000, 0x7FF00000
LOAD, JUMP_EQUAL, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
WALL = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long
libc.prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong]

COLUMN, ARCHITECTURE = MACHINES[os.uname().machine]
NAMES = {numbers[COLUMN]: name for table in (CHANGES, OPENS) for name, numbers in table.items()}


class Filter(ctypes.Structure):
    """``struct sock_fprog``."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def filter_of_changes() -> Filter:
    """Stops the caller before each of these system calls, and lets all others through."""

    def instruction(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
        return struct.pack("HBBI", code, then, otherwise, value)

    number, architecture, arguments = 0, 4, 16
    program = [
        instruction(LOAD, architecture),
        instruction(JUMP_EQUAL, ARCHITECTURE, 1),
        instruction(RETURN, RET_ALLOW),
        instruction(LOAD, number),
    ]
    for numbers in CHANGES.values():
        if numbers[COLUMN] is not None:
            program += [instruction(JUMP_EQUAL, numbers[COLUMN] or 0, 0, 1), instruction(RETURN, RET_TRACE)]
    for opens in OPENS.values():
        if opens[COLUMN] is not None:
            program += [
                instruction(JUMP_EQUAL, opens[COLUMN] or 0, 0, 4),
                instruction(LOAD, arguments + 8 * opens[2]),
                instruction(JUMP_ANY_BIT, FOR_WRITING, 0, 1),
                instruction(RETURN, RET_TRACE),
                instruction(RETURN, RET_ALLOW),
            ]
    program.append(instruction(RETURN, RET_ALLOW))
    return Filter(len(program), b"".join(program))


FILTER = filter_of_changes()


def ptrace(request: int, pid: int, data: int = 0) -> None:
    if libc.ptrace(request, pid, None, data) == -1 and ctypes.get_errno() != errno.ESRCH:
        # A process that somebody killed just now is as good as one that was.
        raise OSError(ctypes.get_errno(), f"ptrace request {request:#x}")


def look() -> dict[str, Any]:
    """Files by path, each with mode, owner and bytes (or what a link leads to); knobs with what they read."""
    files = {}
    for directory in filter(os.path.isdir, DIRECTORIES):
        for entry in os.scandir(directory):
            told = entry.stat(follow_symlinks=False)
            if entry.is_symlink() and directory.endswith("sysctl.d"):
                files[entry.path] = ["link", told.st_uid, told.st_gid, os.readlink(entry.path)]
            elif entry.is_file(follow_symlinks=False):
                text = Path(entry.path).read_bytes().decode("latin-1")
                files[entry.path] = [oct(told.st_mode), told.st_uid, told.st_gid, text]
    knobs = {name: text for name in sorted(os.listdir(IPV4)) if (text := knob(name)) is not None}
    return {"files": files, "knobs": knobs}


def knob(name: str) -> str | None:
    if not name.startswith(("tcp_t", "tcp_rfc", "tcp_max_tw", "ip_local_")):
        return None
    return Path(IPV4, name).read_text(encoding="ascii")


def restore(world: dict[str, Any]) -> None:
    now = look()
    for path in now["files"].keys() - world["files"].keys():
        os.unlink(path)
    for path, (mode, uid, gid, text) in world["files"].items():
        if now["files"].get(path) == [mode, uid, gid, text]:
            continue
        if path in now["files"]:
            os.unlink(path)
        if mode == "link":
            os.symlink(text, path)
        else:
            Path(path).write_bytes(text.encode("latin-1"))
            os.chmod(path, int(mode, 8) & 0o7777)
        os.chown(path, uid, gid, follow_symlinks=False)
    for name, text in world["knobs"].items():
        if now["knobs"][name] != text:
            Path(IPV4, name).write_text(text, encoding="ascii")


@dataclass
class Run:
    """A script that runs under the filter. ``root`` is its own process."""

    shell: list[str]
    script: str
    how: str
    point: int
    seen: int = 0
    at: str = ""
    alive: set[int] = field(default_factory=set)
    root: int = 0
    answer: bytes = b""

    def __post_init__(self) -> None:
        self._reader, writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._pipe = os.readlink(f"/proc/self/fd/{writer}")
        self.root = os.fork()
        if self.root == 0:
            try:
                self._become(writer)
            finally:
                os._exit(127)
        os.close(writer)
        os.waitpid(self.root, WALL)
        ptrace(PTRACE_SETOPTIONS, self.root, OPTIONS)
        self.alive.add(self.root)
        ptrace(PTRACE_CONT, self.root)

    def _become(self, writer: int) -> None:
        os.setsid()
        with tempfile.TemporaryFile() as text:
            text.write(self.script.encode("utf-8", "surrogateescape"))
            text.seek(0)
            os.dup2(text.fileno(), 0)
        os.dup2(writer, 1)
        os.dup2(writer, 2)
        os.closerange(3, 64)
        # What Python itself ignores.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, None, 0, 0)
        libc.ptrace(PTRACE_TRACEME, 0, None, None)
        libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(FILTER), 0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        os.execvp(self.shell[0], self.shell)

    def to_its_end(self) -> None:
        while self.alive:
            pid, status = os.waitpid(-1, WALL)
            self._read()
            if not os.WIFSTOPPED(status):
                self.alive.discard(pid)
                continue
            event, number = status >> 16, os.WSTOPSIG(status)
            # A new process begins with a stop of its own.
            new = pid not in self.alive
            self.alive.add(pid)
            if self.how == "all" and self.seen >= self.point:
                os.kill(pid, signal.SIGKILL)
            elif event == EVENT_SECCOMP and (what := self._change(pid)):
                self.seen += 1
                if self.seen == self.point:
                    self.at = what
                    self._strike(pid)
            ptrace(PTRACE_CONT, pid, 0 if event or new else number)
        self._read()
        if self._reader is not None:
            os.close(self._reader)

    def _change(self, pid: int) -> str:
        """What a process is about to do; empty when that is no point."""
        try:
            number, *arguments = Path(f"/proc/{pid}/syscall").read_text(encoding="ascii").split()
            name = NAMES[int(number)]
            words = [int(word, 16) for word in arguments]
            what = self._target(pid, name, words)
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return ""  # killed meanwhile
        # Where the reader goes away, each part of the answer makes a difference.
        counts = what.startswith("/") or (self.how == "gone" and what == self._pipe)
        return f"{name} {what}" if counts else ""

    def _target(self, pid: int, name: str, words: list[int]) -> str:
        """The file that a system call is about, empty for a device."""
        if name in WRITES:
            what = os.readlink(f"/proc/{pid}/fd/{words[TARGET.get(name, 0)]}")
        elif name in OPENS:
            what = string_at(pid, words[OPENS[name][2] - 1])
            what = what if what.startswith("/") else f"/.../{what}"
        else:
            return f"/ {os.readlink(f'/proc/{pid}/exe')}"
        return "" if what.startswith("/dev/") else what

    def _strike(self, pid: int) -> None:
        if self.how == "gone":
            os.close(self._reader)
            self._reader = None
            for number in SIGNALS:
                os.killpg(self.root, number)
        else:
            for victim in {"all": self.alive, "shell": {self.root}, "child": {pid}}[self.how]:
                os.kill(victim, signal.SIGKILL)

    def _read(self) -> None:
        while self._reader is not None:
            try:
                part = os.read(self._reader, 65536)
            except BlockingIOError:
                return
            if not part:
                return
            self.answer += part


def string_at(pid: int, address: int) -> str:
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        memory.seek(address)
        try:
            return memory.read(256).split(b"\0")[0].decode("utf-8", "surrogateescape")
        except OSError:
            memory.seek(address)
            return memory.read(address % 4096 and 4096 - address % 4096).split(b"\0")[0].decode()


def interrupt(question: dict[str, Any]) -> Iterator[dict[str, Any]]:
    beginning = previous = look()
    point = 0
    reached = True
    while reached:
        point += 1
        run = Run(question["shell"], question["script"], question["how"], point)
        run.to_its_end()
        reached = run.seen >= point
        world = look()
        for name, text in world["knobs"].items():
            # Only the file of an imitated knob can be emptied by whoever opens it.
            world["knobs"][name] = text or previous["knobs"][name]
        yield {
            "point": point,
            "reached": reached,
            "at": run.at,
            "world": world,
            "answer": run.answer.decode("latin-1"),
        }
        previous = world
        restore(beginning)


def main() -> None:
    for line in sys.stdin:
        question = json.loads(line)
        if question["do"] == "look":
            answers = iter([look()])
        elif question["do"] == "restore":
            restore(question["world"])
            answers = iter([{}])
        else:
            answers = interrupt(question)
        for answer in answers:
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
