# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a script on a host, and decides about every system call of it that changes something: does it happen, or fail?

The kernel asks (seccomp's user notification), in the order of the calls of all processes together. strace cannot do
that: it counts the calls of each process for itself.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import re
import select
import socket
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.sandbox.hosts import SandboxHost

#: Numbers of system calls, as the kernel's headers have them: asm/unistd_64.h, and asm-generic/unistd.h for the others.
_X86_64 = {
    "write": 1, "open": 2, "writev": 20, "sendfile": 40, "fsync": 74, "truncate": 76, "ftruncate": 77, "rename": 82,
    "mkdir": 83, "creat": 85, "link": 86, "unlink": 87, "symlink": 88, "chmod": 90, "fchmod": 91, "chown": 92,
    "fchown": 93, "lchown": 94, "sync": 162, "openat": 257, "mkdirat": 258, "fchownat": 260, "unlinkat": 263,
    "renameat": 264, "linkat": 265, "symlinkat": 266, "fchmodat": 268, "utimensat": 280, "syncfs": 306,
    "renameat2": 316, "copy_file_range": 326, "clone": 56, "fork": 57, "vfork": 58, "clone3": 435,
}  # fmt: skip
_GENERIC = {
    "mkdirat": 34, "unlinkat": 35, "symlinkat": 36, "linkat": 37, "renameat": 38, "truncate": 45, "ftruncate": 46,
    "fchmod": 52, "fchmodat": 53, "fchownat": 54, "fchown": 55, "openat": 56, "write": 64, "writev": 66,
    "sendfile": 71, "sync": 81, "fsync": 82, "utimensat": 88, "clone": 220, "syncfs": 267, "renameat2": 276,
    "copy_file_range": 285, "clone3": 435,
}  # fmt: skip
_MACHINE = os.uname().machine
NUMBERS = _X86_64 if _MACHINE == "x86_64" else _GENERIC
_SECCOMP = 317 if _MACHINE == "x86_64" else 277
_BY_NUMBER = {number: name for name, number in NUMBERS.items()}

FORKS = frozenset(("clone", "clone3", "fork", "vfork"))
CHANGES = frozenset(NUMBERS) - FORKS

#: Which argument holds the flags of an open, and which the path or the file descriptor that a call is about.
_FLAGS = {"open": 1, "openat": 2}
_PATH = {
    "open": 0,
    "creat": 0,
    "truncate": 0,
    "rename": 0,
    "mkdir": 0,
    "unlink": 0,
    "chmod": 0,
    "chown": 0,
    "lchown": 0,
}
_PATH |= dict.fromkeys(("openat", "mkdirat", "fchownat", "unlinkat", "renameat", "renameat2", "fchmodat"), 1)
_PATH |= {"utimensat": 1, "link": 1, "symlink": 1, "linkat": 3, "symlinkat": 2}
_OUTPUT = {"sendfile": 0, "copy_file_range": 2}
_TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

_LOAD, _EQUALS, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _NOTIFY = 0x7FFF0000, 0x7FC00000
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_GO_ON = 1
#: That a signal does not interrupt a call which is being judged is known since Linux 5.19.
_SET_FILTER, _LISTENER, _UNINTERRUPTED = 1, 8, 32
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Call:
    """One system call. ``path`` is what it is about: a path, or what a file descriptor leads to; "" for neither."""

    name: str
    path: str

    def __str__(self) -> str:
        return f"{self.name} {self.path}".rstrip()


#: What becomes of a call: it happens (0) or fails with this error.
Judge = Callable[[Call], int]


def run_judged(
    host: SandboxHost, script: str, judge: Judge, shell: tuple[str, ...] = ("/bin/sh",), calls: frozenset[str] = CHANGES
) -> str:
    """What a script prints whose ``calls`` are judged one by one. It goes over standard input, as Ansible sends it.

    Opening a file for append is not judged: so a probe asks whether it might write.
    """
    program = _program(calls)
    ours, theirs = socket.socketpair()

    def under_judgement() -> None:
        _check(_libc.prctl(38, 1, 0, 0, 0))  # PR_SET_NO_NEW_PRIVS
        listener = _libc.syscall(_SECCOMP, _SET_FILTER, _LISTENER | _UNINTERRUPTED, ctypes.byref(program))
        if listener < 0:
            listener = _check(_libc.syscall(_SECCOMP, _SET_FILTER, _LISTENER, ctypes.byref(program)))
        socket.send_fds(theirs, [b"."], [listener])
        os.close(listener)

    process = subprocess.Popen(
        host.entered(*shell),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=under_judgement,  # noqa: PLW1509 # no threads here, and exec follows
    )
    _message, descriptors, _flags, _address = socket.recv_fds(ours, 1, 1)
    assert process.stdin
    assert process.stdout
    answer = Path(f"/proc/self/fd/{process.stdout.fileno()}").readlink()
    process.stdin.write(script.encode("utf-8", "surrogateescape"))
    process.stdin.close()
    said = bytearray()
    try:
        _judge_all(descriptors[0], process.stdout.fileno(), judge, str(answer), said)
    finally:
        os.close(descriptors[0])
        ours.close()
        theirs.close()
        process.stdout.close()
        process.wait()
    return said.decode("utf-8", "surrogateescape")


def failing(
    number: int, error: int, made: list[Call] | None = None, *, only: str = ".", for_good: bool = False
) -> Judge:
    """Lets a call fail: the one of this number (from 0) among those whose words match ``only``.

    With ``for_good`` all from that one on fail. ``made`` gets every one of these calls.
    """
    count = -1

    def judge(call: Call) -> int:
        nonlocal count
        if not re.search(only, str(call)):
            return 0
        count += 1
        if made is not None:
            made.append(call)
        return error if count == number or (for_good and count > number) else 0

    return judge


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))


def _program(calls: frozenset[str]) -> _Program:
    """A filter that asks about these calls, and of the ways to open a file about those that write."""
    code = [(_LOAD, 0, 0, 0)]
    for name in sorted(calls):
        if name in _FLAGS:
            flags = 16 + 8 * _FLAGS[name]
            code += [(_EQUALS, 0, 4, NUMBERS[name]), (_LOAD, 0, 0, flags), (_ANY_BIT, 0, 1, _TO_WRITE)]
            code += [(_RETURN, 0, 0, _NOTIFY), (_RETURN, 0, 0, _ALLOW)]
        else:
            code += [(_EQUALS, 0, 1, NUMBERS[name]), (_RETURN, 0, 0, _NOTIFY)]
    code.append((_RETURN, 0, 0, _ALLOW))
    text = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in code))
    program = _Program(len(code), ctypes.cast(text, ctypes.c_void_p))
    program.text = text  # kept alive
    return program


def _check(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def _judge_all(listener: int, output: int, judge: Judge, answer: str, said: bytearray) -> None:
    """Until all processes have ended, and all that they printed was read."""
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    poll.register(output, select.POLLIN)
    open_ends = {listener, output}
    while open_ends:
        for descriptor, event in poll.poll():
            if descriptor == output:
                text = os.read(output, 1 << 16)
                said += text
                ended = not text
            else:
                ended = not event & select.POLLIN
                if not ended:
                    _judge_one(listener, judge, answer)
            if ended:
                poll.unregister(descriptor)
                open_ends.remove(descriptor)


def _judge_one(listener: int, judge: Judge, answer: str) -> None:
    notice = bytearray(80)
    try:
        fcntl.ioctl(listener, _RECEIVE, notice)
    except OSError as error:
        if error.errno != errno.ENOENT:  # the process was killed meanwhile
            raise
        return
    number, pid, _flags, call, _machine, _where, *arguments = struct.unpack("=QIIiIQ6Q", notice)
    name = _BY_NUMBER[call]
    if name in _FLAGS and arguments[_FLAGS[name]] & os.O_APPEND:
        failure = 0
    else:
        failure = judge(Call(name, _about(name, pid, arguments).replace(answer, "the answer")))
    verdict = struct.pack("=QqiI", number, 0, -failure, 0 if failure else _GO_ON)
    try:
        fcntl.ioctl(listener, _SEND, verdict)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise


def _about(name: str, pid: int, arguments: list[int]) -> str:
    if name in FORKS or name == "sync":
        return ""
    if name in _PATH and arguments[_PATH[name]]:
        return _text_at(pid, arguments[_PATH[name]])
    try:
        return str(Path(f"/proc/{pid}/fd/{arguments[_OUTPUT.get(name, 0)]}").readlink())
    except FileNotFoundError:
        return "nothing"


def _text_at(pid: int, address: int) -> str:
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        memory.seek(address)
        page = memory.read(4096 - address % 4096)
        if b"\0" not in page:
            page += memory.read(4096)
    return page.partition(b"\0")[0].decode("utf-8", "surrogateescape")
