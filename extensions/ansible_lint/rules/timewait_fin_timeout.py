# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rule timewait-fin-timeout; its page is timewait_fin_timeout.md."""

from __future__ import annotations

from timewait_engine.rule import TimewaitRule


class TimewaitFinTimeoutRule(TimewaitRule):
    """tcp_fin_timeout is set to shorten TIME_WAIT, which it does not."""

    id = "timewait-fin-timeout"
    description = (
        "tcp_fin_timeout is about FIN_WAIT_2, where the other side has not closed yet. TIME_WAIT lasts 60 seconds "
        "whatever it is set to."
    )
    severity = "INFO"
    tags = ["opt-in", "idiom"]
    version_changed = "0.1.0"
    link = "https://docs.kernel.org/networking/ip-sysctl.html"
    natural = "info"
