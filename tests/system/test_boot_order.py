# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine says of sysctl files is what the loaders of this machine make of them, and what its kernel takes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._knobs import KNOBS
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._values import kernel_text, kernel_value

from tests.sandbox.hosts import SandboxHost
from tests.system.trees import (
    OFF,
    ON,
    TREES,
    A,
    Tree,
    clean,
    defaults_of,
    foreseen,
    lay_out,
    now,
    probed,
    reset,
    run_loader,
)

SYSTEMD = "/usr/lib/systemd/systemd-sysctl"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxHost]:
    if not (Path(SYSTEMD).exists() and shutil.which("sysctl")):
        lacking = "systemd-sysctl and sysctl are needed"
        if os.environ.get("CI"):
            pytest.fail(lacking)
        pytest.skip(lacking)
    host = SandboxHost("boot-order", tmp_path_factory.mktemp("boot-order") / "log")
    yield host
    host.stop()


@pytest.fixture(scope="module")
def defaults(machine: SandboxHost) -> dict[str, str]:
    return defaults_of(machine)


@pytest.fixture
def host(machine: SandboxHost, defaults: dict[str, str]) -> SandboxHost:
    """Without files, and with the kernel's own values."""
    clean(machine)
    reset(machine, defaults)
    return machine


def load_with_systemd(host: SandboxHost) -> None:
    run_loader(host, SYSTEMD)


def load_with_procps(host: SandboxHost) -> None:
    run_loader(host, "sysctl", "--system")


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES.keys())
def test_the_loaders_do_what_was_foreseen(host: SandboxHost, defaults: dict[str, str], tree: Tree) -> None:
    lay_out(host, tree)
    snapshot = probed(host)
    load_with_systemd(host)
    assert now(host, defaults) == foreseen(snapshot, snapshot.loaders.boot, defaults), "systemd-sysctl"
    reset(host, defaults)
    load_with_procps(host)
    assert now(host, defaults) == foreseen(snapshot, snapshot.loaders.reload, defaults), "sysctl --system"


def test_both_loaders_set_something_at_all(host: SandboxHost, defaults: dict[str, str]) -> None:
    lay_out(host, {A: OFF if defaults["tcp_tw_reuse"] == "1" else ON})
    load_with_systemd(host)
    assert host.sysctl("tcp_tw_reuse") != defaults["tcp_tw_reuse"]
    reset(host, defaults)
    assert host.sysctl("tcp_tw_reuse") == defaults["tcp_tw_reuse"]
    load_with_procps(host)
    assert host.sysctl("tcp_tw_reuse") != defaults["tcp_tw_reuse"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *[
            ("tcp_tw_reuse", text)
            for text in ("0x1", "0X1", "01", "08", "+1", '"1"', "1 # note", "1#", "-1", "1 2 3", "")
        ],
        # What is white space to Python is not always so to a kernel.
        *[("tcp_tw_reuse", text) for text in ("1\r", "\r1", " \f1", "1\v0", "1\x85", "\u30001", "1 \r", "\xa01")],
        *[
            ("ip_local_reserved_ports", text)
            for text in (" 8080", "8080 ", "\f8080", "8080\r", " ", "8080\x85", "8080\n")
        ],
        *[("tcp_timestamps", text) for text in ("0", "2", "255", "256", "0.5", "yes")],
        *[("tcp_max_tw_buckets", text) for text in ("-5", "-0x5", "2147483647", "2147483648", "-2147483648", "")],
        *[("ip_local_port_range", text) for text in ("15000 60000", "15000\t60000", "15000-60000", "60000 15000")],
        *[("ip_local_port_range", text) for text in ("15000 60000 7", "15000 60000 x", "15000 15000", "0 60000")],
        *[
            ("ip_local_reserved_ports", text)
            for text in ("8080,9000-9010", "8080, 9000", "8080 9000", "8080,", ",8080")
        ],
        *[
            ("ip_local_reserved_ports", text)
            for text in ("8080,,9090", "0,5", "0x10,010", "80,x", "65536", "9-8", "8-")
        ],
    ],
)
def test_the_kernel_takes_a_text_as_foreseen(host: SandboxHost, defaults: dict[str, str], name: str, text: str) -> None:
    host.run(
        "/bin/sh", "-c", 'printf "%s\\n" "$2" | cat >"$1"', "sh", f"/proc/sys/{KNOBS[name].path}", text, check=False
    )
    value = kernel_value(KNOBS[name], text)
    after = kernel_value(KNOBS[name], host.sysctl(name))
    assert after == (kernel_value(KNOBS[name], defaults[name]) if value is None else value)
    # What the engine writes is read back as it was written.
    if after is not None:
        host.set_sysctl(name, kernel_text(after))
        assert kernel_value(KNOBS[name], host.sysctl(name)) == after
