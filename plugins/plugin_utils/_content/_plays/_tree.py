# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a tree: which there are, and their text. The only part of the lint that reads files; it reads regular
files below the paths it is given, and follows no link out of them.
"""

from __future__ import annotations

import fnmatch
import os
import posixpath
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .._model import CLOSE, OPEN, Note, Position
from .._templates._limits import LARGEST_FILE
from .._templates._located import Text
from .._templates._yaml import BadYaml, documents

#: Directories in which nobody keeps content of their own.
PASSED_OVER = frozenset(
    (".git", ".hg", ".svn", ".tox", ".nox", ".venv", "venv", "node_modules", "__pycache__", "site-packages", ".cache")
)
#: What a file must mention to hold a setting; a glob may cover a key without naming it.
_MENTIONS = re.compile(
    rb"tw_recycle|recycle|tw_reuse|tcp_timestamps|fin_timeout|ipv4[./][a-z_]*[*?[]|net[./][*?[]|(?m:^\s*-?\*)"
)
_YAML = (".yml", ".yaml", ".json", "")


#: Enough of a file to tell whether it is text.
_BEGINNING = 8192


class Tree:
    """The files below some paths. ``notes`` gathers what could not be looked into."""

    def __init__(self, roots: Iterable[str], ignored: Callable[[str], bool] = lambda _directory: False) -> None:
        self._ignored = ignored
        self.roots = [posixpath.normpath(root) for root in roots]
        self.notes: list[Note] = []
        #: Path and size of every file, in the order of paths.
        self.files: dict[str, int] = {}
        #: Those that mention something that the rules are about.
        self.hot: set[str] = set()
        #: Those whose text became part of a value, or of another template.
        self.taken: set[str] = set()
        self._texts: dict[str, str | None] = {}
        self._documents: dict[str, list[Any]] = {}
        self._real = [os.path.realpath(root) for root in self.roots]
        for root in self.roots:
            self._index(root)
        self.directories = {parent for path in self.files for parent in _parents(path)}

    def note(self, path: str, line: int | None, message: str) -> None:
        made = Note(path, line, message)
        if made not in self.notes:
            self.notes.append(made)

    def _index(self, root: str) -> None:
        if os.path.isfile(root):
            self._add(root)
            return
        for directory, below, names in os.walk(root, onerror=self._unreadable):
            below[:] = sorted(
                name for name in below if name not in PASSED_OVER and not self._ignored(posixpath.join(directory, name))
            )
            for name in list(below):
                path = posixpath.join(directory, name)
                if os.path.islink(path):
                    below.remove(name)
                    self._linked_directory(path)
            for name in sorted(names):
                self._add(posixpath.join(directory, name))

    def _unreadable(self, error: OSError) -> None:
        self.note(str(error.filename), None, f"cannot be read: {error.strerror}")

    def _linked_directory(self, path: str) -> None:
        """A link within the tree leads to what is looked into anyway; its files are known by this path, too."""
        if not self._is_inside(path):
            self.note(path, None, "a link that leads out of the tree is not followed")
            return
        target = os.path.realpath(path)
        if os.path.realpath(posixpath.dirname(path)).startswith(target):
            self.note(path, None, "a link to a directory that it is in is not followed")
            return
        for directory, below, names in os.walk(target):
            below[:] = [name for name in below if name not in PASSED_OVER]
            for name in names:
                self._add(posixpath.join(path, os.path.relpath(posixpath.join(directory, name), target)))

    def _is_inside(self, path: str) -> bool:
        real = os.path.realpath(path)
        return any(real == root or real.startswith(root.rstrip("/") + "/") for root in self._real)

    def _add(self, path: str) -> None:
        try:
            if os.path.islink(path) and not self._is_inside(path):
                self.note(path, None, "a link that leads out of the tree is not followed")
                return
            status = os.stat(path)
        except OSError as error:
            self.note(path, None, f"cannot be read: {error.strerror}")
            return
        if stat.S_ISREG(status.st_mode):
            self.files[path] = status.st_size
            self._look_at(path, status.st_size)

    def _look_at(self, path: str, size: int) -> None:
        try:
            with open(path, "rb") as file:
                content = file.read(LARGEST_FILE if size <= LARGEST_FILE else _BEGINNING)
        except OSError as error:
            self.note(path, None, f"cannot be read: {error.strerror}")
            return
        if size > LARGEST_FILE:
            # Images, archives and programs are large and many, and nobody expects anything in them.
            if b"\0" not in content:
                self.note(path, None, f"larger than {LARGEST_FILE // 2**20} MiB: not looked into")
            return
        found = _MENTIONS.search(content)
        if found and b"\0" in content:
            self.note(path, None, "a binary file: not looked into")
        elif found:
            if content.startswith(b"$ANSIBLE_VAULT;"):
                return
            self.hot.add(path)
            self._texts[path] = _decoded(content)

    def text(self, path: str) -> str | None:
        """The text of a file; None for one that cannot be read as text, which is noted."""
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def _read(self, path: str) -> str | None:
        size = self.files.get(path)
        if size is None or size > LARGEST_FILE:
            return None
        try:
            with open(path, "rb") as file:
                content = file.read(LARGEST_FILE + 1)
        except OSError as error:
            self.note(path, None, f"cannot be read: {error.strerror}")
            return None
        if content.startswith(b"$ANSIBLE_VAULT;"):
            self.note(path, None, "encrypted by ansible-vault: not looked into")
            return None
        return None if b"\0" in content else _decoded(content)

    def located(self, path: str) -> Text | None:
        """The text of a file with the position of each line."""
        text = self.text(path)
        if text is None:
            return None
        starts = [0, *(found.end() for found in re.finditer("\n", text))]
        return Text(text, tuple((start, Position(path, number)) for number, start in enumerate(starts, 1)))

    def documents(self, path: str) -> list[Any]:
        """The YAML documents of a file; none for what is no YAML, which is noted."""
        if path not in self._documents:
            text = self.text(path)
            try:
                self._documents[path] = documents(text, path) if text is not None else []
            except BadYaml as error:
                self.note(path, error.line, f"this is no YAML: {error}")
                self._documents[path] = []
        return self._documents[path]

    def data(self, path: str) -> Any:
        """The first document; None for an empty file."""
        made = self.documents(path)
        return made[0] if made else None

    def below(self, directory: str) -> list[str]:
        prefix = posixpath.normpath(directory) + "/"
        return [path for path in self.files if path.startswith(prefix)]

    def matching(self, pattern: str) -> list[str]:
        """The files at a path in which what is not known may be anything."""
        if OPEN not in pattern:
            path = posixpath.normpath(pattern)
            return [path] if path in self.files else []
        pieces = re.split(f"{OPEN}.*?{CLOSE}", posixpath.normpath(pattern))
        if not any(character.isalnum() for character in posixpath.basename("*".join(pieces))):
            # Nothing of the name is known: it could be any file.
            return []
        glob = "*".join(piece.replace("[", "[[]").replace("*", "[*]").replace("?", "[?]") for piece in pieces)
        depth = glob.count("/")
        return [path for path in self.files if path.count("/") == depth and fnmatch.fnmatchcase(path, glob)]

    def globbed(self, pattern: str) -> list[str]:
        """The files of one directory that a shell's pattern stands for."""
        depth = pattern.count("/")
        return [path for path in self.files if path.count("/") == depth and fnmatch.fnmatchcase(path, pattern)]

    def yaml_at(self, stem: str) -> list[str]:
        """What Ansible loads for ``main`` in defaults, vars, meta: the file by any ending, or a directory of files."""
        for ending in _YAML:
            if stem + ending in self.files:
                return [stem + ending]
        return [path for path in self.below(stem) if posixpath.splitext(path)[1] in _YAML]


def _parents(path: str) -> Iterator[str]:
    while (parent := posixpath.dirname(path)) not in ("", "/", path):
        yield parent
        path = parent


def _decoded(content: bytes) -> str:
    text = content.decode("utf-8", "replace").removeprefix("\ufeff")
    # Private characters are marks of our own.
    return re.sub("[\ue000-\ue01f]", "?", text).replace("\r\n", "\n")
