# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: sandbox hosts. Here no ansible runs: what holds, holds for every ansible-core."""

from __future__ import annotations

from tests.sandbox.fixtures import host, legacy_host, new_host

__all__ = ["host", "legacy_host", "new_host"]
