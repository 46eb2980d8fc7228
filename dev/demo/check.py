# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells whether a run went as expected: usage: check.py refused|changed|unchanged RESULTS."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def as_expected(expected: str, lines: list[dict[str, Any]]) -> bool:
    results = [line["result"] for line in lines if "task" in line]
    recaps = [recap for line in lines for recap in line.get("recap", {}).values()]
    if expected == "refused":
        return any(result.get("refused") for result in results)
    if not recaps:
        return False
    changed = sum(recap["changed"] for recap in recaps)
    return changed > 0 if expected == "changed" else changed == 0


if __name__ == "__main__":
    text = Path(sys.argv[2]).read_text(encoding="utf-8")
    sys.exit(0 if as_expected(sys.argv[1], [json.loads(line) for line in text.splitlines()]) else 1)
