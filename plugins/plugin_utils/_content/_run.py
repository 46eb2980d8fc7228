# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the doors that lint a tree have in common: the paths that a user gives, and the report that is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from .._reports import file_for, write_text
from .._snapshot import printable
from .._values import BadRequest
from ._report import Report, as_data
from ._sarif import as_sarif


def paths_of(raw: object) -> list[str]:
    """The paths in a list, in the text of one (``-e timewait_lint_paths=[roles, site.yml]``), or with commas between.

    Raises BadRequest for anything else, and for a path that is not there.
    """
    paths = _listed(raw) if isinstance(raw, str) and not Path(raw).exists() else [raw] if isinstance(raw, str) else raw
    if not isinstance(paths, (list, tuple)) or not paths or not all(isinstance(path, str) and path for path in paths):
        raise BadRequest(f"paths must be a list of files and directories, not {ascii(raw)[:120]}")
    # Texts of their own: those that Ansible gives carry where they come from.
    plain = [str(Path(str(path)).expanduser()) for path in paths]
    for path in plain:
        if not Path(path).exists():
            raise BadRequest(f"paths: there is no {printable(path)} (seen from the working directory, {Path.cwd()})")
    return plain


def _listed(raw: str) -> Any:
    if raw.startswith("["):
        try:
            return yaml.safe_load(raw)
        except yaml.YAMLError:
            return None
    return [part.strip() for part in raw.split(",")]


#: By the ending of the report's name; JSON for all others.
_FORMATS: dict[str, Callable[[Report], dict[str, Any]]] = {".sarif": as_sarif}


def write_report(report: Report, path: str) -> None:
    """Writes SARIF where the name ends in ``.sarif``, else JSON. Raises BadRequest where that cannot be done."""
    file = file_for(path)
    write_text(file, f"{json.dumps(_FORMATS.get(file.suffix, as_data)(report), indent=1)}\n")
