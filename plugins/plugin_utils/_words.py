# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages in the words of whoever reads them: of which host, and with the names that its settings have there. Pure."""

from __future__ import annotations

import re
from typing import Any

ROLE = "linux_tcp.tuning.timewait"

_SAME = re.compile(r"(?<![\w.-])(conflicts|apply_to|state|owner|lint_play)(?=: )")
_PATH = re.compile(r"(?<![\w.-])path(?=: | must name)")


def of_role(text: str) -> str:
    """A message about options of timewait_settings, with the names of the role's variables."""
    return _PATH.sub("timewait_sysctl_file", _SAME.sub(r"timewait_\1", text))


def told(answer: dict[str, Any], host: str, *, by_role: bool) -> dict[str, Any]:
    """An answer whose warnings name the host: Ansible shows equal ones of several hosts once, and without a name."""
    named = of_role if by_role else str
    words: dict[str, Any] = {"msg": named(answer["msg"])} if "msg" in answer else {}
    if answer.get("warnings"):
        words["warnings"] = [f"{host}: {named(text)}" for text in answer["warnings"]]
    return {**answer, **words}
