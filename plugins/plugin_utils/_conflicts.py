# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other files that would win over our drop-in at the next boot, and what can be done about them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ._dropin import Place
from ._knobs import KNOBS
from ._loaders import Loader
from ._request import PLAIN_NAME
from ._snapshot import printable
from ._sysctld import SYSCTL_CONF, Decision, Setting, SysctlFile, decide, files_in_order
from ._tree import Edit, editable, is_in_block, is_ours, leads_to_sysctl_conf, with_edit, with_text
from ._values import Value, kernel_text, kernel_value


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
    read = [file for file in files_in_order(files, loader) if file.name == name] if loader else []
    # A boot script may read several of one name.
    return None if not read or any(file.path == path for file in read) else read[0]


def hidden_in(files: Sequence[SysctlFile], path: str, loader: Loader | None) -> list[SysctlFile]:
    """The files with settings that the loader does not read because ``path`` has their name."""
    name = path.rpartition("/")[2]
    return [
        file
        for file in files
        if file.name == name and file.path != path and file.kind == "regular" and not is_ours(file)
        if (hider := hidden_by(file.path, files, loader)) and hider.path == path
    ]


def edit_for(conflict: Conflict, files: Sequence[SysctlFile], mark: str) -> Edit | None:
    """The edit that takes a conflict away; None where the file is not for us to edit."""
    file = conflict.setting.file
    path = SYSCTL_CONF if leads_to_sysctl_conf(file) else file.path
    line = conflict.setting.line
    # What one loader reads as a line, another reads as several, of which a mark takes only the first.
    if any(end in line.text.rstrip("\r") for end in "\r\0"):
        return None
    if is_ours(file) or not editable(path, files) or is_in_block(line, files):
        return None
    return Edit(path, conflict.setting.line, mark_after=mark)


def comment_out(
    files: tuple[SysctlFile, ...], loader: Loader | None, wanted: Mapping[str, Value], mark: str
) -> tuple[list[Edit], tuple[SysctlFile, ...], list[Conflict]]:
    """The edits after which the files lead to what is wanted, the files after them, and the conflicts that are left."""
    edits: list[Edit] = []
    while True:
        conflicts = conflicts_in(files, loader, wanted)
        possible = [edit for conflict in conflicts if (edit := edit_for(conflict, files, mark))]
        if not possible:
            return edits, files, conflicts
        edits.append(possible[0])
        files = with_edit(files, possible[0])


def winning_path(
    files: tuple[SysctlFile, ...], loader: Loader | None, wanted: Mapping[str, Value], text: str, place: Place
) -> str | None:
    """Another path for a drop-in under which it wins, or None when none does."""
    directory = place.path.rpartition("/")[0]
    others = with_text(files, place, None)
    stems = [conflict.setting.file.name.removesuffix(".conf") for conflict in conflicts_in(files, loader, wanted)]
    # "_" sorts behind the "." of ".conf", where "-" would sort before it.
    names = [f"{stem}_timewait.conf" for stem in stems] + ["zz-timewait.conf"]
    for name in [] if place.block else filter(PLAIN_NAME.fullmatch, names):
        candidate = Place.file(f"{directory}/{name}")
        tree = with_text(others, candidate, text)
        if any(file.path == candidate.path for file in others):
            continue
        if not hidden_by(candidate.path, tree, loader) and not conflicts_in(tree, loader, wanted):
            return candidate.path
    return None
