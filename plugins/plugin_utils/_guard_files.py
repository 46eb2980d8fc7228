# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of the controller that a task is about to carry to a host, as far as they could be about tcp_tw_recycle."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from ._content._model import FileKind
from ._guard import mentions

#: Settings are small texts. What is longer is passed over, and so is what comes after so many files or bytes.
LARGEST = 1 << 20
MOST_FILES = 10_000
MOST_BYTES = 64 << 20


class NoFiles:
    """For a module that an action calls: its ``src`` lies on the host."""

    def content(self, kind: FileKind, src: str) -> list[tuple[str, str]]:  # noqa: ARG002
        return []


class ControllerFiles:
    """The files that ``find`` finds for a ``src``, read (and decrypted) by ``read``.

    A template is not rendered here: its action renders it, and then calls the action ``copy`` with what came of it,
    which is looked at like any other.
    """

    def __init__(self, find: Callable[[str, str], str | None], read: Callable[[str], bytes]) -> None:
        self._find = find
        self._read = read

    def content(self, kind: FileKind, src: str) -> list[tuple[str, str]]:
        found = self._find(kind, src) if kind == "files" else None
        return [] if found is None else list(self._texts(Path(found)))

    def _texts(self, top: Path) -> Iterator[tuple[str, str]]:
        left = MOST_BYTES
        for count, (path, size) in enumerate(_regular_files(top)):
            left -= size
            if count >= MOST_FILES or left < 0:
                return
            text = self._read(str(path)).decode("utf-8", errors="replace")
            if "\0" not in text and mentions(text):
                yield str(path), text


def _regular_files(top: Path) -> Iterator[tuple[Path, int]]:
    for path in _below(top) if top.is_dir() else [top]:
        try:
            status = path.stat()
        except OSError:  # a link to nowhere: what carries it will say so
            continue
        if stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST:
            yield path, status.st_size


def _below(top: Path) -> Iterator[Path]:
    """Every name below a directory, through links as ``copy`` goes, but each directory once."""
    seen: set[str] = set()
    for directory, names, files in os.walk(top, followlinks=True):
        real = os.path.realpath(directory)
        if real in seen:
            names.clear()
            continue
        seen.add(real)
        names.sort()
        yield from (Path(directory, name) for name in sorted(files))
