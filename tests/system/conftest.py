# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: sandbox hosts. Here no ansible runs: what holds, holds for every ansible-core."""

from __future__ import annotations

import pytest

from tests.sandbox.fixtures import host, legacy_host, new_host

__all__ = ["host", "legacy_host", "new_host"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--histories", type=int, default=30, help="how many random histories of a host to try")
    parser.addoption("--from", type=int, default=0, help="the number of the first of them")
