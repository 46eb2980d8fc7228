# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpacks the collections named in a requirements file from a downloaded wheel.

usage: unpack-collections.py REQUIREMENTS WHEEL_DIRECTORY TARGET
"""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path


def unpack(requirements: Path, downloads: Path, target: Path) -> None:
    names = re.findall(r"^# collection: (\w+)\.(\w+)$", requirements.read_text(encoding="utf-8"), re.MULTILINE)
    (wheel,) = downloads.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for namespace, name in names:
            prefix = f"ansible_collections/{namespace}/{name}/"
            members = [member for member in archive.namelist() if member.startswith(prefix)]
            if not members:
                sys.exit(f"{wheel.name} has no collection {namespace}.{name}")
            archive.extractall(target, members)


if __name__ == "__main__":
    unpack(*map(Path, sys.argv[1:]))
