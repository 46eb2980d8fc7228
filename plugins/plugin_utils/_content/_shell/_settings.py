# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shell commands: the sysctls that they set. Nothing is run: what a script does is followed on paper. Pure.

Of a branch that cannot be decided both sides count, a loop over known words is gone through word by word, functions are
followed where they are called, and texts on their way through pipes into files.
"""

from __future__ import annotations

from collections.abc import Iterator

from .._model import Found
from .._texts._deployed import settings_of_script
from .._texts._traced import traced


def settings_in(text: str) -> Iterator[Found]:
    """The settings in a script, or in the text of a shell command."""
    yield from settings_of_script(traced(text))
