# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rule timewait-recycle; its page is timewait_recycle.md."""

from __future__ import annotations

from typing import Any

from ansiblelint.errors import MatchError
from ansiblelint.file_utils import Lintable
from ansiblelint.rules import TransformMixin

from timewait_engine.fix import off_in_text, off_in_yaml
from timewait_engine.rule import TimewaitRule


class TimewaitRecycleRule(TimewaitRule, TransformMixin):
    """tcp_tw_recycle is turned on."""

    id = "timewait-recycle"
    description = (
        "With tcp_tw_recycle a server drops the connections of clients that share an address behind NAT, at random and "
        "without a trace in any log. Set it to 0; for outgoing connections tcp_tw_reuse with timestamps on both ends "
        "does what recycle was set for."
    )
    severity = "VERY_HIGH"
    tags = ["unpredictability"]
    version_changed = "0.1.0"
    link = "https://git.kernel.org/linus/4396e46187ca5070219b81773c4e65088dac50cc"
    _ids = {
        "timewait-recycle": "tcp_tw_recycle is turned on.",
        "timewait-recycle[not-decided]": "tcp_tw_recycle is set to a value that cannot be told.",
        "timewait-recycle[not-in-force]": "tcp_tw_recycle is turned on where it is not in force.",
    }

    def transform(self, match: MatchError, lintable: Lintable, data: Any) -> None:
        if not isinstance(data, str):
            match.fixed = off_in_yaml(data, match.lineno)
        elif b"\r" not in lintable.path.read_bytes():
            # ansible-lint would write every line of the file with another ending.
            text = off_in_text(lintable.content, match.lineno)
            if text is not None:
                lintable.content = text
                match.fixed = True
