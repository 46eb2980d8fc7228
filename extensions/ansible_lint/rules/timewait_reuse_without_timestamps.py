# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rule timewait-reuse-without-timestamps; its page is timewait_reuse_without_timestamps.md."""

from __future__ import annotations

from timewait_engine.rule import TimewaitRule


class TimewaitReuseWithoutTimestampsRule(TimewaitRule):
    """tcp_tw_reuse is on and timestamps are off."""

    id = "timewait-reuse-without-timestamps"
    description = (
        "Without TCP timestamps the kernel never reuses a TIME_WAIT socket, and does not say so. Leave "
        "net.ipv4.tcp_timestamps at 1, on both ends of a connection."
    )
    severity = "MEDIUM"
    tags = ["unpredictability"]
    version_changed = "0.1.0"
    link = "https://docs.kernel.org/networking/ip-sysctl.html"
    natural = "warning"
