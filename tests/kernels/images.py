# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernels as files: which there are, what they call themselves, and the modules that came with them."""

from __future__ import annotations

import gzip
import lzma
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

#: The modules that a census by sock_diag or ss needs, in the order in which they are loaded.
DIAG_MODULES = ("inet_diag", "tcp_diag")
UNPACK: Mapping[str, Callable[[bytes], bytes]] = {".ko": bytes, ".ko.gz": gzip.decompress, ".ko.xz": lzma.decompress}
#: Where kernels lie: by themselves, in boot, and beside their modules, as some distributions have it.
PLACES = (
    "vmlinuz-*", "bzImage*", "boot/vmlinuz-*", "boot/bzImage*", "lib/modules/*/vmlinuz", "usr/lib/modules/*/vmlinuz",
)  # fmt: skip


@dataclass(frozen=True)
class Kernel:
    """``tree`` is where its modules are looked for: in lib/modules of it, or in usr/lib/modules."""

    path: Path
    release: str
    tree: Path


def release_of(image: bytes) -> str | None:
    """What a kernel for x86 says that it is, such as 4.9.0-13-amd64; None for what is none.

    The header is that of Documentation/x86/boot.rst: "HdrS" at 0x202, at 0x20e where the text is.
    """
    if image[0x202:0x206] != b"HdrS":
        return None
    [at] = struct.unpack_from("<H", image, 0x20E)
    words = image[at + 0x200 : at + 0x300].partition(b"\0")[0].decode("ascii", "replace").split()
    return words[0] if at and words else None


def kernels_in(directory: Path) -> list[Kernel]:
    """The kernels in a directory, and where an unpacked package has one; the oldest first."""
    found = []
    for pattern in PLACES:
        for path in sorted(directory.glob(pattern)):
            release = release_of(path.read_bytes()) if path.is_file() else None
            if release:
                found.append(Kernel(path, release, directory))
    return sorted(found, key=lambda kernel: _numbers(kernel.release))


def _numbers(release: str) -> list[int]:
    words = "".join(character if character.isdigit() else " " for character in release).split()
    return [int(word) for word in words[:3]]


def modules_of(kernel: Kernel) -> dict[str, bytes]:
    """The modules of DIAG_MODULES that are there, by file name, as the kernel takes them."""
    found = {}
    for number, name in enumerate(DIAG_MODULES):
        for place in (kernel.tree / "lib/modules", kernel.tree / "usr/lib/modules"):
            for ending, unpack in UNPACK.items():
                path = place / kernel.release / "kernel/net/ipv4" / f"{name}{ending}"
                if path.is_file():
                    found[f"{number}-{name}.ko"] = unpack(path.read_bytes())
    return found
