# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An initramfs: a cpio archive with programs of this machine, the libraries that they need, and files of ours."""

from __future__ import annotations

import json
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

#: Device nodes for kernels without devtmpfs: the numbers are those of Documentation/admin-guide/devices.txt.
NODES = {"console": (5, 1), "null": (1, 3), "zero": (1, 5), "urandom": (1, 9), "ttyS0": (4, 64), "ttyS1": (4, 65)}

#: Prints the files of all modules that are loaded once those are imported that are named. Some modules are loaded from
#: elsewhere than where their names point, and some stand for others.
LOADED = """
import importlib, json, os, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
library = os.path.dirname(os.__file__)
files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
for name in list(sys.modules):
    path = os.path.join(library, *name.split("."))
    files |= {path + ".py", os.path.join(path, "__init__.py")}
print(json.dumps(sorted(file for file in files if file and os.path.isfile(file))))
"""


class Archive:
    """A cpio archive of the format that kernels take, "newc"; see Documentation/driver-api/early-userspace."""

    def __init__(self) -> None:
        self._entries: dict[str, bytes] = {}

    def add(
        self, path: str, content: bytes = b"", mode: int = stat.S_IFREG | 0o755, device: tuple[int, int] = (0, 0)
    ) -> None:
        """A file, or what ``mode`` says; the directories above come by themselves, and the first of a name stays."""
        path = path.strip("/")
        parent = path.rpartition("/")[0]
        if parent:
            self.add(parent, mode=stat.S_IFDIR | 0o755)
        if path not in self._entries:
            self._entries[path] = _entry(path, content, mode, device, len(self._entries) + 1)

    def link(self, path: str, target: str) -> None:
        self.add(path, target.encode(), stat.S_IFLNK | 0o777)

    def directory(self, path: str) -> None:
        self.add(path, mode=stat.S_IFDIR | 0o755)

    def bytes(self) -> bytes:
        """All of it. Several may stand one behind the other, if each has a length that can be divided by four."""
        return b"".join([*self._entries.values(), _entry("TRAILER!!!", b"", 0, (0, 0), 0)])


def _entry(path: str, content: bytes, mode: int, device: tuple[int, int], number: int) -> bytes:
    name = path.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(name), 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name
    return _padded(head) + _padded(content)


def _padded(content: bytes) -> bytes:
    return content + b"\0" * (-len(content) % 4)


def libraries_in(listing: str) -> list[str]:
    """The paths in what ldd prints."""
    return re.findall(r"(?:=> |^\s*)(/\S+) \(0x", listing, re.MULTILINE)


def add_program(archive: Archive, path: Path) -> None:
    """A program, or a library, where it is on this machine, and what it is linked with."""
    archive.add(str(path), path.read_bytes())
    listing = subprocess.run(["ldd", str(path)], capture_output=True, text=True, check=False).stdout
    for library in libraries_in(listing):
        archive.add(library, Path(library).read_bytes())


def add_command(archive: Archive, name: str) -> None:
    """A program that is found by its name, as /bin/NAME. Raises FileNotFoundError."""
    found = shutil.which(name)
    if not found:
        raise FileNotFoundError(f"there is no {name} on this machine")
    path = Path(found).resolve()
    add_program(archive, path)
    if str(path) != f"/bin/{name}":
        archive.link(f"bin/{name}", str(path))


def add_busybox(archive: Archive) -> None:
    """BusyBox under each of its names, but for those that are there."""
    add_command(archive, "busybox")
    listed = subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True).stdout
    for name in listed.split():
        archive.link(f"bin/{name}", "busybox")


def add_python(archive: Archive, modules: Iterable[str]) -> None:
    """The Python that runs this, as /bin/python3, with as much of its library as these modules take."""
    python = Path(sys._base_executable).resolve()  # type: ignore[attr-defined]
    add_program(archive, python)
    archive.link("bin/python3", str(python))
    listed = subprocess.run(
        [python, "-E", "-s", "-S", "-B", "-c", LOADED, *modules], capture_output=True, text=True, check=True
    ).stdout
    for name in json.loads(listed):
        add = add_program if ".so" in Path(name).suffixes else _add_file
        add(archive, Path(name))


def _add_file(archive: Archive, path: Path) -> None:
    archive.add(str(path), path.read_bytes())


def userland(python_modules: Iterable[str]) -> Archive:
    """What every guest has."""
    archive = Archive()
    for name, numbers in NODES.items():
        archive.add(f"dev/{name}", mode=stat.S_IFCHR | 0o600, device=numbers)
    for name in ("proc", "sys", "run", "tmp", "etc/sysctl.d"):
        archive.directory(name)
    add_command(archive, "ss")
    add_busybox(archive)
    add_python(archive, python_modules)
    return archive
