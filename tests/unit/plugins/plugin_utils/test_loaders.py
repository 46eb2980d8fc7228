# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._loaders import LOADERS, loaders_of

from tests.unit.simulated import PROCPS, SYSTEMD


@pytest.mark.parametrize(
    ("version", "dash", "globs"),
    [
        ("219", False, False),
        ("228", False, False),
        ("242", False, False),
        ("243", True, False),
        ("245", True, True),
        ("257.9", True, True),
    ],
)
def test_systemd_learnt_dashes_and_globs(version: str, dash: bool, globs: bool) -> None:
    loader = loaders_of(f"systemd {version}", None, initscript=False).boot
    assert loader
    assert (loader.kind, loader.dash_prefix, loader.globs) == ("systemd-sysctl", dash, globs)


@pytest.mark.parametrize(
    ("text", "first", "globs"),
    [
        ("procps-ng version 3.3.3", "/run/sysctl.d", False),
        ("sysctl from procps-ng 3.3.16", "/run/sysctl.d", False),
        ("sysctl from procps-ng 3.3.17", "/run/sysctl.d", True),
        ("sysctl from procps-ng 4.0.2", "/etc/sysctl.d", True),
        ("sysctl from procps-ng 4.0.4.", "/etc/sysctl.d", True),
    ],
)
def test_procps_ranks_directories_by_its_version(text: str, first: str, globs: bool) -> None:
    loader = loaders_of(None, text, initscript=False).reload
    assert loader
    assert (loader.kind, loader.directories[0], loader.globs) == ("procps", first, globs)
    assert loader.reads_sysctl_conf


@pytest.mark.parametrize(
    "text", [None, "", "procps version 3.2.8", "BusyBox v1.36.1 () multi-call binary.", "sysctl: illegal option -- -"]
)
def test_a_sysctl_that_nobody_knows_is_unknown(text: str | None) -> None:
    loaders = loaders_of(None, text, initscript=True)
    assert (loaders.boot, loaders.reload) == (None, None)
    assert (loaders.boot_name, loaders.reload_name) == ("unknown", "unknown")


def test_systemd_is_what_boots_a_host_that_has_it() -> None:
    loaders = loaders_of(SYSTEMD, PROCPS, initscript=True)
    assert loaders.boot
    assert (loaders.boot.kind, loaders.boot_name) == ("systemd-sysctl", "systemd-sysctl 252")


def test_an_init_script_calls_procps() -> None:
    loaders = loaders_of(None, PROCPS, initscript=True)
    assert loaders.boot is loaders.reload is not None
    assert loaders.boot_name == "procps 4.0.2"


def test_procps_alone_says_nothing_of_the_boot() -> None:
    loaders = loaders_of(None, PROCPS, initscript=False)
    assert (loaders.boot, loaders.boot_name) == (None, "unknown")
    assert loaders.reload


def test_a_systemd_that_does_not_answer_is_unknown_not_procps() -> None:
    assert loaders_of("error while loading shared libraries", PROCPS, initscript=True).boot is None


def test_loaders_of_a_kind_go_from_new_to_old() -> None:
    for kind in ("systemd-sysctl", "procps"):
        since = [loader.since for loader in LOADERS if loader.kind == kind]
        assert since == sorted(since, reverse=True)
