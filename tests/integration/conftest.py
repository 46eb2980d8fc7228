# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: sandbox hosts, and ansible of the version under test (environment variable CORE) run on them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sandbox.fixtures import host, legacy_host, new_host
from tests.sandbox.runs import Ansible, Run

__all__ = ["host", "legacy_host", "new_host"]


@pytest.fixture(scope="session")
def core() -> str:
    """The environment to take ansible from: core-2.16, core-2.19 or core-2.21."""
    return os.environ.get("CORE", "core-2.19")


@pytest.fixture
def ansible(core: str, tmp_path: Path) -> Ansible:
    return Ansible(core, tmp_path)


@pytest.fixture
def run_playbook(ansible: Ansible) -> Callable[..., Run]:
    return ansible.playbook


@pytest.fixture
def adhoc(ansible: Ansible) -> Callable[..., Run]:
    return ansible.adhoc
