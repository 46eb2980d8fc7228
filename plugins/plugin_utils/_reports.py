# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports that are written on the controller."""

from __future__ import annotations

from pathlib import Path

from ._snapshot import printable
from ._values import BadRequest


def write_text(path: Path, text: str) -> None:
    """Writes a report. Raises BadRequest where that cannot be done."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadRequest(f"the report cannot be written to {printable(str(path))}: {error.strerror}") from error
