# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests on throwaway hosts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sandbox.hosts import SandboxHost


@pytest.fixture
def new_host(tmp_path: Path) -> Iterator[Callable[..., SandboxHost]]:
    """Makes hosts by name: ``new_host("web1", legacy=True)``."""
    made: list[SandboxHost] = []

    def make(name: str, legacy: bool = False) -> SandboxHost:
        host = SandboxHost(name, tmp_path / f"{name}.log", legacy)
        made.append(host)
        return host

    yield make
    for host in made:
        host.stop()


@pytest.fixture
def host(new_host: Callable[..., SandboxHost]) -> SandboxHost:
    """A host with the kernel of this machine."""
    return new_host("host")


@pytest.fixture
def legacy_host(new_host: Callable[..., SandboxHost]) -> SandboxHost:
    """A host that seems to run an old kernel, with tcp_tw_recycle."""
    return new_host("legacy-host", legacy=True)
