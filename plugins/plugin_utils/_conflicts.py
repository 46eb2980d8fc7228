# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other files that would win over our drop-in at the next boot, and what can be done about them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ._dropin import mark_of, values_in
from ._knobs import KNOBS
from ._loaders import Loader
from ._request import PLAIN_NAME
from ._script import OWNER
from ._snapshot import printable
from ._sysctld import SYSCTL_CONF, Decision, Line, Setting, SysctlFile, decide, files_in_order
from ._values import Value, kernel_text, kernel_value

#: Files below these belong to the administrator; those of packages are never edited.
EDITABLE = ("/etc/", "/run/", "/usr/local/lib/")


@dataclass(frozen=True)
class Edit:
    """A line of somebody else's file that is commented out (``out``) or brought back."""

    file: str
    line: Line
    out: bool


@dataclass(frozen=True)
class Conflict:
    """``setting`` decides the knob at boot, and not as it should be."""

    knob: str
    wanted: Value
    setting: Setting

    def __str__(self) -> str:
        says = "keeps it from being set" if self.setting.value is None else f"says {printable(self.setting.value)!r}"
        return (
            f"{KNOBS[self.knob].key}: {printable(self.setting.file.path)} line {self.setting.line.number} {says} "
            f"where {kernel_text(self.wanted)} is wanted"
        )


def with_file(files: Iterable[SysctlFile], path: str, text: str | None) -> tuple[SysctlFile, ...]:
    """The same files with one written (or, without a text, removed)."""
    others = tuple(file for file in files if file.path != path)
    if text is None:
        return others
    lines = tuple(Line(number, line) for number, line in enumerate(text.split("\n"), 1))
    return (*others, SysctlFile(path, "regular", lines=lines))


def with_edit(files: Iterable[SysctlFile], edit: Edit, mark: str) -> tuple[SysctlFile, ...]:
    """The same files with one line commented out or brought back, under every name that the file has."""

    def edited(line: Line) -> Line:
        if line.number != edit.line.number:
            return line
        return Line(line.number, mark + line.text if edit.out else line.text.removeprefix(mark))

    return tuple(
        replace(file, lines=tuple(map(edited, file.lines)))
        if file.path == edit.file or (file.is_sysctl_conf and edit.file == SYSCTL_CONF)
        else file
        for file in files
    )


def conflicts_in(files: Sequence[SysctlFile], loader: Loader | None, wanted: Mapping[str, Value]) -> list[Conflict]:
    """The knobs that the loader would not leave as wanted. tcp_tw_recycle is 0 unless wanted otherwise.

    A recycle line under a kernel that lacks the knob counts: it comes alive when an older kernel is booted.
    """
    if loader is None:
        return []
    conflicts = []
    for name, value in {"tcp_tw_recycle": 0, **wanted}.items():
        decision = decide(KNOBS[name].path, files, loader)
        if decision.setting and not _fits(name, value, decision):
            conflicts.append(Conflict(name, value, decision.setting))
    return conflicts


def _fits(name: str, wanted: Value, decision: Decision) -> bool:
    if decision.value is None:
        # A bare "-tcp_tw_recycle" sets nothing, which is as good as 0.
        return name == "tcp_tw_recycle" and wanted == 0
    return kernel_value(KNOBS[name], decision.value) == wanted


def hidden_by(path: str, files: Sequence[SysctlFile], loader: Loader | None) -> SysctlFile | None:
    """The file in a higher directory because of which the loader does not read ``path``, of the same name."""
    name = path.rpartition("/")[2]
    read = next((file for file in files_in_order(files, loader) if file.name == name), None) if loader else None
    return None if read is None or read.path == path else read


def is_ours(file: SysctlFile) -> bool:
    """Whether the file is a drop-in of this collection."""
    return any(line.number == 1 and line.text.startswith(OWNER) for line in file.lines)


def ours_beside(path: str, files: Iterable[SysctlFile]) -> dict[str, tuple[str, Value]]:
    """What other drop-ins of this collection set: by knob, the file and the value."""
    return {
        name: (file.path, value)
        for file in files
        if file.path != path and is_ours(file)
        for name, value in values_in(line.text for line in file.lines).items()
    }


def edit_for(conflict: Conflict, files: Iterable[SysctlFile]) -> Edit | None:
    """The edit that takes a conflict away; None where the file is not for us to edit, as a link never is."""
    file = conflict.setting.file
    path = SYSCTL_CONF if file.is_sysctl_conf else file.path
    link = any(known.link for known in files if known.path == path)
    if is_ours(file) or not path.startswith(EDITABLE) or link:
        return None
    # Our drop-in names the files that were edited, one a line.
    if not path.isprintable():
        return None
    return Edit(path, conflict.setting.line, out=True)


def comment_out(
    files: tuple[SysctlFile, ...], loader: Loader | None, wanted: Mapping[str, Value], path: str
) -> tuple[list[Edit], tuple[SysctlFile, ...], list[Conflict]]:
    """The edits that make the drop-in at ``path`` win, the files after them, and the conflicts that are left."""
    edits: list[Edit] = []
    while True:
        conflicts = conflicts_in(files, loader, wanted)
        possible = [edit for conflict in conflicts if (edit := edit_for(conflict, files))]
        if not possible:
            return edits, files, conflicts
        edits.append(possible[0])
        files = with_edit(files, possible[0], mark_of(path))


def winning_path(
    files: tuple[SysctlFile, ...], loader: Loader | None, wanted: Mapping[str, Value], text: str, path: str
) -> str | None:
    """A name for the drop-in under which it wins, or None when no name does."""
    directory = path.rpartition("/")[0]
    others = with_file(files, path, None)
    stems = [conflict.setting.file.name.removesuffix(".conf") for conflict in conflicts_in(files, loader, wanted)]
    # "_" sorts behind the "." of ".conf", where "-" would sort before it.
    names = [f"{stem}_timewait.conf" for stem in stems] + ["zz-timewait.conf"]
    for name in filter(PLAIN_NAME.fullmatch, names):
        candidate = f"{directory}/{name}"
        tree = with_file(others, candidate, text)
        if any(file.path == candidate for file in others):
            continue
        if not hidden_by(candidate, tree, loader) and not conflicts_in(tree, loader, wanted):
            return candidate
    return None
