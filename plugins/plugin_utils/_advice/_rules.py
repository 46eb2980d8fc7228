# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rule. Pure. No finding without evidence."""

from __future__ import annotations

from collections.abc import Callable

from .._observed import Observed
from ._files import (
    boot_differs,
    boot_hangs,
    conflicting_writer,
    drop_in_gone,
    file_not_read,
    recycle_in_file,
    text_damaged,
)
from ._finding import SEVERITIES, Finding
from ._settings import (
    bucket_overflow,
    buckets_lowered,
    conntrack_myth,
    fin_timeout_myth,
    pods_keep_defaults,
    recycle_enabled,
    reuse_two_is_global,
    reuse_without_timestamps,
)
from ._sockets import (
    nat_timestamp_disorder,
    peers_without_timestamps,
    ports_exhausted,
    ports_running_out,
    reserved_ports_missing,
    reuse_irrelevant_here,
)

#: Each is called as the finding that it makes.
RULES: tuple[Callable[[Observed], Finding | None], ...] = (
    recycle_enabled,
    recycle_in_file,
    ports_exhausted,
    ports_running_out,
    peers_without_timestamps,
    nat_timestamp_disorder,
    reuse_without_timestamps,
    reuse_two_is_global,
    bucket_overflow,
    buckets_lowered,
    boot_differs,
    boot_hangs,
    file_not_read,
    text_damaged,
    drop_in_gone,
    conflicting_writer,
    reserved_ports_missing,
    reuse_irrelevant_here,
    fin_timeout_myth,
    conntrack_myth,
    pods_keep_defaults,
)


def findings_of(host: Observed) -> list[Finding]:
    """Every finding of a host, the worst first; none for a host with nothing wrong."""
    found = [finding for rule in RULES if (finding := rule(host))]
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))
