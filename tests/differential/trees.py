# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trees of sysctl files as they lie on a host, byte for byte; and as a shell script that makes one again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class File:
    content: bytes
    mode: int = 0o644


@dataclass(frozen=True)
class Link:
    target: str


@dataclass(frozen=True)
class HardLink:
    to: str


@dataclass(frozen=True)
class Directory:
    pass


@dataclass(frozen=True)
class Fifo:
    pass


Node = File | Link | HardLink | Directory | Fifo
#: By path on the host; a directory comes before what is in it.
Tree = Mapping[str, Node]

ETC, RUN, LOCAL, USR = DIRECTORIES = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d")
CONF = "/etc/sysctl.conf"
#: What of a host is the tree's: all that is below these.
TOPS = ("/etc", "/run", "/usr/local/lib", USR)


def lay_out(tree: Tree, root: Path) -> None:
    """Puts a tree below ``root``, where another may have been before."""
    for top in TOPS:
        for entry in os.scandir(f"{root}{top}"):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)
    for path, node in tree.items():
        _make(f"{root}{path}", node, root)


def _make(path: str, node: Node, root: Path) -> None:
    match node:
        case File(content, mode):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            os.write(descriptor, content)
            os.close(descriptor)
        case Link(target):
            os.symlink(target, path)
        case HardLink(to):
            os.link(f"{root}{to}", path)
        case Directory():
            # Some are mount points, hence always there.
            os.makedirs(path, exist_ok=True)
        case Fifo():
            os.mkfifo(path)


def real_path(path: str, root: Path) -> str:
    """What a path leads to where ``root`` is the root directory, without a slash in front; it must lead somewhere."""
    left = path.split("/")
    done: list[str] = []
    while left:
        part = left.pop(0)
        if part in ("", "."):
            continue
        if part == "..":
            done = done[:-1]
            continue
        here = "/".join([*done, part])
        if (root / here).is_symlink():
            target = os.readlink(root / here)
            left, done = target.split("/") + left, [] if target.startswith("/") else done
        else:
            done.append(part)
    return "/".join(done)


def as_script(tree: Tree) -> str:
    """The commands that make a tree, for a person to try it; what a printf cannot tell in ASCII is octal."""
    return "\n".join(_command(path, node) for path, node in tree.items())


def _command(path: str, node: Node) -> str:
    name = _quoted(path)
    match node:
        case File(content, mode):
            chmod = "" if mode == 0o644 else f" && chmod {mode:o} {name}"
            return f"printf {_octal(content)} >{name}{chmod}"
        case Link(target):
            return f"ln -s -- {_quoted(target)} {name}"
        case HardLink(to):
            return f"ln -- {_quoted(to)} {name}"
        case Directory():
            return f"mkdir -p {name}"
        case Fifo():
            return f"mkfifo {name}"


def _octal(content: bytes) -> str:
    shown = "".join(
        "\\n" if byte == 10 else chr(byte) if 32 <= byte < 127 and byte not in b"'\\%" else f"\\{byte:03o}"
        for byte in content
    )
    return f"'{shown}'"


def _quoted(text: str) -> str:
    raw = os.fsencode(text)
    if all(32 <= byte < 127 and byte not in b"'" for byte in raw):
        return f"'{text}'" if not text.replace("/", "").replace(".", "").replace("-", "").isalnum() else text
    return f'"$(printf {_octal(raw)})"'
