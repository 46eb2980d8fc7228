# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports that are written on the controller."""

from __future__ import annotations

from pathlib import Path

from ._snapshot import printable
from ._values import BadRequest


def file_for(raw: str) -> Path:
    """The file that a user names for a report. Raises BadRequest where it cannot be one."""
    try:
        path = Path(raw).expanduser()
    except RuntimeError as error:
        raise BadRequest(f"the report cannot be written to {printable(raw)}: there is no such user") from error
    if path.is_dir() or not path.name:
        raise BadRequest(f"the report cannot be written to {printable(raw)}: that is a directory; name a file in it")
    if path.exists() and not path.is_file():
        raise BadRequest(f"the report cannot be written to {printable(raw)}: that is no regular file")
    if not path.parent.is_dir():
        raise BadRequest(f"the report cannot be written to {printable(raw)}: there is no directory {path.parent}")
    return path


def write_text(path: Path, text: str) -> None:
    """Writes a report. Raises BadRequest where that cannot be done."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadRequest(f"the report cannot be written to {printable(str(path))}: {error.strerror}") from error
