# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The findings in the project that ansible-lint is run on: looked for once, for all rules and files."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ansiblelint.config import Options
from pathspec import GitIgnoreSpec

from timewait_engine.load import engine

if TYPE_CHECKING:
    from plugins.plugin_utils._content._model import Finding

_logger = logging.getLogger(__name__)

#: What ansible-lint never looks into, beside what git ignores.
_NEVER = (".ansible", ".git", ".tox", ".mypy_cache", "__pycache__", ".pytest_cache", ".ruff_cache")


class Placed(NamedTuple):
    """A finding, and the files that it is of: where the value stands, and where the task that carries it does."""

    finding: Finding
    files: frozenset[Path]


class Project(NamedTuple):
    root: str
    findings: tuple[Placed, ...]

    def below(self, paths: Collection[Path]) -> list[Finding]:
        return [
            finding
            for finding, files in self.findings
            if any(file == path or path in file.parents for file in files for path in paths)
        ]

    def of(self, path: Path) -> list[Finding]:
        return [finding for finding, files in self.findings if path in files]


def arguments(options: Options) -> list[Path]:
    """What ansible-lint was asked to look at."""
    return [Path(path).resolve() for path in options.lintables or ["."]]


def project_of(options: Options) -> Project:
    """The working directory, as ansible-lint advises to run it in the project's; else the project that it makes out.

    Where there is no mark of a project that is the root of all files: then what the arguments have in common.
    """
    given = arguments(options)
    if all(path.is_relative_to(Path.cwd()) for path in given):
        return _looked_into(str(Path.cwd()))
    project = Path(options.project_dir).resolve()
    if project != Path(project.anchor):
        return _looked_into(str(project))
    return _looked_into(os.path.commonpath([path if path.is_dir() else path.parent for path in given]))


@cache
def _looked_into(root: str) -> Project:
    """All that is to be reported. What comment or tag silences is left out, and so is what git ignores."""
    ignored = _ignored(root)
    found = engine("_content._lint").lint([root], ignored=ignored)
    for note in found.notes:
        _logger.info("%s: %s", note.path, note.message)
    findings: list[Finding] = engine("_content._judge").judged(found.assignments)
    return Project(
        root,
        tuple(
            Placed(finding, frozenset(Path(name).resolve() for name in (finding.path, finding.reaches.path)))
            for finding in findings
            if not finding.skipped and not ignored(finding.path)
        ),
    )


def _ignored(root: str) -> Callable[[str], bool]:
    file = Path(root) / ".gitignore"
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.is_file() else []
    spec = GitIgnoreSpec.from_lines([*_NEVER, *lines])

    def ignored(path: str) -> bool:
        below = os.path.relpath(path, root)
        return bool(spec.match_file(f"{below}/" if Path(path).is_dir() else below))

    return ignored
