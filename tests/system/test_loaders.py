# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine says of boot scripts that run sysctl is what they make of files, with the real sysctl of two kinds.

The scripts in loaders/ do what those of distributions do, of which not all can be had here.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._boot import HostLoaders
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._knobs import KNOBS
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import (
    Probe,
    Section,
    probe_script,
    sections_of,
)
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._snapshot import snapshot_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._values import Value, kernel_value

from tests.sandbox.hosts import SandboxHost
from tests.system.trees import OFF, ON, TREES, Tree, clean, defaults_of, foreseen, lay_out, now, probed

LOOPS = Path(__file__).parent / "loaders"
PROGRAMS = ("systemd-sysctl", "sysctl", "busybox")
SYSTEMD = "/usr/lib/systemd/systemd-sysctl"


@dataclass(frozen=True)
class Boot:
    """A boot script; ``origin`` is where it would lie, ``init`` the sections of a host that runs it."""

    origin: str
    files: tuple[str, ...]
    init: tuple[str, ...] = ()
    process_1: str = "init"
    functions: bool = False
    arguments: str = ""
    busybox: bool = True

    @property
    def command(self) -> str:
        if self.functions:
            return f"sh -c '. ./openrc.sh; . ./{self.files[0]}; start'"
        return f"sh {shlex.quote(str(LOOPS / self.files[0]))} {self.arguments}"


BOOTS = {
    "RHEL 5": Boot("rc.sysinit", ("rc.sysinit-5",), busybox=False),
    "RHEL 6": Boot("rc.sysinit", ("rc.sysinit", "functions"), ("upstart",), busybox=False),
    "RHEL 7 without systemd": Boot("rc.sysinit", ("rc.sysinit-7", "functions-7"), busybox=False),
    "Ubuntu 14.04": Boot("upstart", ("procps.conf",), ("upstart",), busybox=False),
    "Void": Boot("runit", ("void",), process_1="runit"),
    "OpenRC": Boot("runlevels", ("openrc",), ("openrc",), functions=True),
    "OpenRC with --system": Boot("runlevels", ("openrc-system",), ("openrc",), functions=True, busybox=False),
    "Alpine": Boot("runlevels", ("alpine",), ("openrc",), functions=True),
    "OpenWrt": Boot("procd", ("openwrt",), process_1="procd", functions=True),
}
#: Debian's script itself, where this machine has it.
DEBIAN = Path("/etc/init.d/procps")
if DEBIAN.exists() and Path("/lib/init/init-d-script").exists():
    BOOTS["Debian"] = Boot("rcS.d", (str(DEBIAN),), arguments="start", busybox=False)
CASES = [(name, program) for name, boot in BOOTS.items() for program in ("procps", "busybox")[: 1 + boot.busybox]]

#: BusyBox joins a line that ends in a backslash with the next one, of which a probe sends nothing: it names no key.
NOT_FORESEEN = [("a line that goes on", "busybox")]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxHost]:
    lacking = [name for name in PROGRAMS if not (shutil.which(name) or Path(f"/usr/lib/systemd/{name}").exists())]
    if lacking:
        if os.environ.get("CI"):
            pytest.fail(f"{lacking} are needed")
        pytest.skip(f"{lacking} are needed")
    host = SandboxHost("loaders", tmp_path_factory.mktemp("loaders") / "log")
    host.sh("mkdir /run/busybox && ln -s $(command -v busybox) /run/busybox/sysctl")
    # Where systemd-sysctl is, initscripts would run that.
    host.sh(f"mount --bind /dev/null {SYSTEMD}")
    # Where systemd runs the host, Debian's scripts call systemctl.
    host.sh("rmdir /run/systemd/system")
    yield host
    host.stop()


@pytest.fixture(scope="module")
def defaults(host: SandboxHost) -> dict[str, str]:
    return defaults_of(host)


def in_place(program: str) -> str:
    """Goes to the scripts, with BusyBox in the place of sysctl or without."""
    path = "PATH=/run/busybox:$PATH; " if program == "busybox" else ""
    return f"{path}cd {shlex.quote(str(LOOPS))}; "


def loaders_with(host: SandboxHost, boot: Boot, program: str) -> HostLoaders:
    """What the engine makes of a boot script that the probe reads, and of a sysctl that answers."""
    probe = Probe()
    commands = f"boot_script {boot.origin} {' '.join(boot.files)}; section sysctl sysctl --version 2>&1; finish"
    script = in_place(program) + probe_script(probe).replace("probe_main\n}\n", f"{commands}\n}}\n")
    sections = sections_of(host.sh(script).encode(), probe.nonce)
    sections += [Section("process_1", "", boot.process_1.encode(), 0)]
    return snapshot_of(sections + [Section(name, "", b"", 0) for name in boot.init]).loaders


@pytest.fixture(scope="module")
def loaders(host: SandboxHost) -> dict[tuple[str, str], HostLoaders]:
    return {(name, program): loaders_with(host, BOOTS[name], program) for name, program in CASES}


def booted(host: SandboxHost, defaults: Mapping[str, str]) -> dict[tuple[str, str], dict[str, Value | None]]:
    """The kernel's values after each of the boot scripts, from its own values on."""
    back = "; ".join(f"echo '{text}' >/proc/sys/net/ipv4/{name}" for name, text in defaults.items())
    read = f"cd /proc/sys/net/ipv4; cat {' '.join(defaults)}"
    runs = [f"({in_place(program)}{BOOTS[name].command}) >/dev/null 2>&1" for name, program in CASES]
    lines = host.sh("".join(f"{back}\n{run}\n{read}\n" for run in runs)).splitlines()
    width = len(defaults)
    return {
        case: {
            name: kernel_value(KNOBS[name], text)
            for name, text in zip(defaults, lines[number * width : (number + 1) * width], strict=True)
        }
        for number, case in enumerate(CASES)
    }


def with_newlines(tree: Tree) -> Tree:
    """Files joined by cat are to be apart. One without a line masks others."""
    return {path: f"{text}\n" if text and not text.startswith("-> ") else text for path, text in tree.items()}


@pytest.mark.parametrize("name", TREES)
def test_boot_scripts_do_what_was_foreseen(
    host: SandboxHost, defaults: dict[str, str], loaders: dict[tuple[str, str], HostLoaders], name: str
) -> None:
    clean(host)
    # So that the probe takes the files of any name that Red Hat's script reads.
    host.write("/etc/rc.d/rc.sysinit", "")
    lay_out(host, with_newlines(TREES[name]))
    snapshot = probed(host)
    after = booted(host, defaults)
    for case in CASES:
        if (name, case[1]) not in NOT_FORESEEN:
            assert after[case] == foreseen(snapshot, loaders[case].boot, defaults), case


def test_every_boot_script_sets_something_at_all(host: SandboxHost, defaults: dict[str, str]) -> None:
    clean(host)
    lay_out(host, {"/etc/sysctl.conf": OFF if defaults["tcp_tw_reuse"] == "1" else ON})
    after = booted(host, defaults)
    assert [case for case in CASES if after[case]["tcp_tw_reuse"] == int(defaults["tcp_tw_reuse"])] == []


def call_process_1(host: SandboxHost, name: str) -> None:
    host.write("/run/stat", f"1 ({name}) S 0 1 1\n")
    host.sh("umount /proc/1/stat 2>/dev/null; mount --bind /run/stat /proc/1/stat")


def test_a_host_tells_what_it_boots_with(new_host: Callable[..., SandboxHost]) -> None:
    host = new_host("boots")

    def loader() -> tuple[str, str]:
        loaders = probed(host).loaders
        assert loaders.reload_name.startswith("procps ")
        return loaders.boot_name, loaders.boot_reason

    host.sh("rm -rf /etc/rcS.d /etc/rc.d /etc/runlevels /etc/runit /etc/systemd")
    name, reason = loader()
    assert name.startswith("systemd-sysctl ")
    assert reason == "systemd runs this host, with systemd-sysctl"

    host.sh("mkdir -p /etc/systemd/system && ln -s /dev/null /etc/systemd/system/systemd-sysctl.service")
    assert loader() == ("none", "systemd runs this host, and systemd-sysctl.service is masked")

    # From here on systemd is only installed.
    host.sh("rm -rf /run/systemd/system /etc/systemd/system")
    call_process_1(host, "init")
    assert loader() == ("unknown", "process 1 is init, and no boot script that is known here was found")

    host.write("/etc/rcS.d/S01procps", "#!/bin/sh\nsysctl -q --system\n")
    name, reason = loader()
    assert name.startswith("procps ")
    assert reason.startswith("process 1 is init, and runs a script in /etc/rcS.d that calls sysctl --system; ")

    for source in ("rc.sysinit", "functions"):
        path = "/etc/rc.d/rc.sysinit" if source == "rc.sysinit" else "/etc/rc.d/init.d/functions"
        host.write(path, (LOOPS / source).read_text(encoding="utf-8"))
    assert loader() == ("unknown", "process 1 is init, and there are boot scripts that differ in what they read")
    host.sh("rm -r /etc/rcS.d")
    assert loader()[0].startswith("rc.sysinit with procps ")

    host.write("/run/openrc/softlevel", "default\n")
    host.write("/etc/runlevels/boot/sysctl", (LOOPS / "alpine").read_text(encoding="utf-8"))
    assert loader()[0].startswith("Alpine's sysctl with procps ")

    call_process_1(host, "runit")
    host.write("/etc/runit/core-services/08-sysctl.sh", (LOOPS / "void").read_text(encoding="utf-8"))
    assert loader()[0].startswith("08-sysctl.sh with procps ")

    call_process_1(host, "nginx")
    # In a container the second process is not the kernel's, if there is one.
    host.sh("[ ! -e /proc/2/stat ] || mount --bind /run/stat /proc/2/stat")
    assert loader() == ("none", "process 1 of this container is nginx, an application: nothing reads sysctl files here")


def test_a_credential_beats_every_file_as_systemd_has_it(new_host: Callable[..., SandboxHost]) -> None:
    host = new_host("credential")
    defaults = defaults_of(host)
    lay_out(host, {"/etc/sysctl.d/zz.conf": OFF, "/usr/lib/sysctl.d/b.conf": "net.ipv4.tcp_rfc1337 = 1"})
    host.write("/run/credentials/@system/sysctl.extra", f"# extra\n{ON}\n-net.ipv4.tcp_rfc1337\nkernel.secret = x\n")
    snapshot = probed(host)
    given = next(file for file in snapshot.files if file.path == "/run/credentials/@system/sysctl.extra")
    assert [(line.number, line.text) for line in given.lines] == [(2, ON), (3, "-net.ipv4.tcp_rfc1337")]
    host.sh(f"CREDENTIALS_DIRECTORY=/run/credentials/@system {SYSTEMD}")
    assert now(host, defaults) == foreseen(snapshot, snapshot.loaders.boot, defaults)
    version = int(snapshot.loaders.boot_name.rpartition(" ")[2])
    seen = (host.sysctl("tcp_tw_reuse"), host.sysctl("tcp_rfc1337"))
    assert seen == (("1", defaults["tcp_rfc1337"]) if version >= 252 else ("0", "1"))
