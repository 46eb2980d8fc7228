# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small trees whose text says what the lint must find in it.

A file begins with ``== its path``. A line that ends with ``<= set`` holds a value that reaches a host; ``lowered`` one
that does not as far as can be told; ``undecided`` one that cannot be told. The mark is not part of the file.
"""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._judge import is_on
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._lint import lint

_MARK = re.compile(r"[ \t]*<= (set|lowered|undecided)$")


def written(text: str, directory: Path) -> set[tuple[str, int, str]]:
    """Writes the tree, and gives what its marks say."""
    expected = set()
    for part in re.split(r"^== ", text, flags=re.MULTILINE)[1:]:
        name, _end, content = part.partition("\n")
        lines = content.split("\n")
        for number, line in enumerate(lines, 1):
            mark = _MARK.search(line)
            if mark:
                expected.add((name.strip(), number, mark.group(1)))
                lines[number - 1] = line[: mark.start()]
        path = directory / name.strip()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines))
    return expected


def found(directory: Path, name: str = "tcp_tw_recycle") -> set[tuple[str, int, str]]:
    """What the lint says of a directory, in the same form; values of 0 do not count."""
    made = set()
    for one in lint([str(directory)]).assignments:
        if one.name == name and (one.undecided or is_on(one.value)):
            how = "undecided" if one.undecided else "lowered" if one.lowered else "set"
            made.add((str(Path(one.at.path).relative_to(directory)), one.at.line, how))
    return made
