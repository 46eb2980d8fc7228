# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which loader a host has: each platform's evidence, and evidence that does not say."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._boot import Evidence, loaders_of, said_by
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._loaders import LOADERS, NOTHING, SCRIPTS
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import Probe, probe_script, sections_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._snapshot import snapshot_of

from tests.unit.simulated import PROCPS, SYSTEMD

LOOPS = Path(__file__).parents[3] / "system" / "loaders"
BUSYBOX = "sysctl: unrecognized option '--version'\nBusyBox v1.36.1 (2024-06-10) multi-call binary.\n"
OLD_PROCPS = "sysctl (procps version 3.2.8)\n"
DEBIAN = "DAEMON=\n$DAEMON $QUIET_SYSCTL --system || STATUS=\n"
SHELLS = {"dash": ["dash"], "bash": ["bash", "--posix"], "busybox": ["busybox", "sh"]}


def lines_of(*names: str) -> str:
    """The lines of boot scripts that a probe sends."""
    found = (line.strip() for name in names for line in (LOOPS / name).read_text().splitlines())
    wanted = (line for line in found if ("sysctl" in line or "--system" in line) and not line.startswith("#"))
    return "".join(f"{line.partition('=')[0]}{'=' if '=' in line else ''}\n" for line in wanted)


INIT = Evidence(process_1="init", sysctl=PROCPS)
OPENRC = replace(INIT, openrc=True)


def boot(evidence: Evidence) -> tuple[str, str]:
    loaders = loaders_of(evidence)
    return loaders.boot_name, loaders.boot_reason


@pytest.mark.parametrize(
    ("evidence", "name", "reason"),
    [
        (Evidence(systemd_booted=True, systemd=SYSTEMD), "systemd-sysctl 252", "systemd runs this host, with systemd-"),
        (Evidence(process_1="systemd", systemd=SYSTEMD), "systemd-sysctl 252", "process 1 is systemd, with systemd-"),
        (Evidence(systemd_booted=True, systemd=SYSTEMD, masked=True), "none", "systemd-sysctl.service is masked"),
        (Evidence(sbin_init="systemd", systemd=SYSTEMD), "systemd-sysctl 252", "process 1 cannot be seen, and its"),
        (
            Evidence(chroot=True, process_1="init", sbin_init="systemd", systemd=SYSTEMD),
            "systemd-sysctl 252",
            "this is a chroot, and its /sbin/init is systemd",
        ),
        # Debian with sysvinit-core, which has systemd's programs too.
        (
            replace(INIT, systemd=SYSTEMD, scripts=(("rcS.d", DEBIAN),)),
            "procps 4.0.2",
            "a script in /etc/rcS.d that calls",
        ),
        (replace(OPENRC, scripts=(("runlevels", DEBIAN),)), "procps 4.0.2", "OpenRC runs the boot scripts, and runs"),
        (replace(OPENRC, scripts=(("runlevels", lines_of("openrc-system")),)), "procps 4.0.2", "calls sysctl --system"),
        (
            replace(OPENRC, scripts=(("runlevels", lines_of("openrc")),)),
            "OpenRC's sysctl with procps 4.0.2",
            "sysctl -p",
        ),
        (
            replace(OPENRC, sysctl=BUSYBOX, scripts=(("runlevels", lines_of("alpine")),)),
            "Alpine's sysctl with BusyBox 1.36.1",
            "process 1 is init, and OpenRC runs the boot scripts, and runs a script in /etc/runlevels",
        ),
        (
            Evidence(process_1="openrc-init", sysctl=PROCPS, scripts=(("runlevels", "sysctl -q --system\n"),)),
            "procps 4.0.2",
            "process 1 is openrc-init",
        ),
        (
            Evidence(process_1="runit", sysctl=PROCPS, scripts=(("runit", 'msg "Loading sysctl"\nsysctl --system\n'),)),
            "procps 4.0.2",
            "process 1 is runit",
        ),
        (
            Evidence(process_1="runit", sysctl=PROCPS, scripts=(("runit", lines_of("void")),)),
            "08-sysctl.sh with procps 4.0.2",
            "core-",
        ),
        (
            replace(
                INIT, upstart=True, sysctl=OLD_PROCPS, scripts=(("rc.sysinit", lines_of("rc.sysinit", "functions")),)
            ),
            "rc.sysinit with procps 3.2.8",
            "that of Upstart",
        ),
        (
            replace(INIT, sysctl=OLD_PROCPS, scripts=(("rc.sysinit", lines_of("rc.sysinit-5")),)),
            "rc.sysinit with procps 3.2.8",
            "",
        ),
        (
            replace(INIT, scripts=(("rc.sysinit", lines_of("rc.sysinit-7", "functions-7")),)),
            "rc.sysinit with procps 4.0.2",
            "",
        ),
        (
            replace(INIT, systemd=SYSTEMD, scripts=(("rc.sysinit", lines_of("rc.sysinit-7", "functions-7")),)),
            "systemd-sysctl 252",
            "a script in /etc/rc.d/rc.sysinit, with systemd-sysctl",
        ),
        (
            replace(INIT, upstart=True, scripts=(("upstart", lines_of("procps.conf")),)),
            "the job procps with procps 4.0.2",
            "",
        ),
        (
            Evidence(process_1="procd", sysctl=BUSYBOX, scripts=(("procd", lines_of("openwrt")),)),
            "OpenWrt's sysctl with BusyBox 1.36.1",
            "process 1 is procd",
        ),
        (
            Evidence(chroot=True, sbin_init="init", sysctl=PROCPS, scripts=(("runlevels", DEBIAN),)),
            "procps 4.0.2",
            "chroot",
        ),
        # An application in a container; its image may hold whatever it likes.
        (
            Evidence(process_1="nginx", container=True, systemd=SYSTEMD, sysctl=PROCPS, scripts=(("rcS.d", DEBIAN),)),
            "none",
            "process 1 of this container is nginx, an application: nothing reads sysctl files here",
        ),
        # BusyBox knows no such option.
        (replace(INIT, sysctl=BUSYBOX, scripts=(("rcS.d", DEBIAN),)), "none", "BusyBox 1.36.1 has no --system"),
    ],
)
def test_evidence_tells_the_loader(evidence: Evidence, name: str, reason: str) -> None:
    found = boot(evidence)
    assert found[0] == name
    assert reason in found[1]
    assert loaders_of(evidence).boot is not None


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (Evidence(), "process 1 cannot be seen, and its /sbin/init is not there"),
        (Evidence(systemd=SYSTEMD, sysctl=PROCPS), "process 1 cannot be seen"),
        (Evidence(systemd_booted=True), "there is no systemd-sysctl"),
        (Evidence(systemd_booted=True, systemd="error while loading shared libraries"), "does not say what it is"),
        (INIT, "process 1 is init, and no boot script that is known here was found"),
        (replace(INIT, scripts=(("rcS.d", None),)), "may not read"),
        (replace(INIT, scripts=(("rcS.d", ""),)), "none of those known here"),
        (
            replace(INIT, scripts=(("rcS.d", "sysctl -q --system\nsysctl -p /etc/my.conf\n"),)),
            "none of those known here",
        ),
        (replace(INIT, scripts=(("rcS.d", "sysctl -q -p\n"),)), "none of those known here"),
        (replace(INIT, scripts=(("elsewhere", DEBIAN),)), "no boot script that is known here"),
        # What belongs to another init.
        (replace(INIT, scripts=(("runlevels", DEBIAN),)), "no boot script"),
        (replace(OPENRC, scripts=(("rcS.d", DEBIAN),)), "no boot script"),
        (Evidence(process_1="dinit", sysctl=PROCPS, scripts=(("rcS.d", DEBIAN),)), "process 1 is dinit"),
        (Evidence(process_1="dinit", container=True, sysctl=PROCPS), "process 1 is dinit"),
        # The machine's own process 1 is no application.
        (Evidence(process_1="my-init", sysctl=PROCPS, systemd=SYSTEMD), "process 1 is my-init"),
        (
            Evidence(chroot=True, systemd_booted=True, systemd=SYSTEMD),
            "this is a chroot, and its /sbin/init is not there",
        ),
        # Two that differ.
        (
            replace(INIT, scripts=(("rcS.d", DEBIAN), ("rc.sysinit", lines_of("rc.sysinit", "functions")))),
            "boot scripts that differ",
        ),
        (replace(INIT, scripts=(("rcS.d", DEBIAN), ("rcS.d", "changed by hand sysctl\n"))), "boot scripts that differ"),
        # What its sysctl makes of it is not known.
        (replace(OPENRC, sysctl=BUSYBOX, scripts=(("runlevels", lines_of("openrc-system")),)), "how its sysctl reads"),
        (
            replace(OPENRC, sysctl="BusyBox v1.31.1", scripts=(("runlevels", lines_of("alpine")),)),
            "how its sysctl reads",
        ),
        (replace(INIT, sysctl=None, scripts=(("rcS.d", DEBIAN),)), "there is no program sysctl"),
        (replace(INIT, sysctl="sysctl: illegal option", scripts=(("rcS.d", DEBIAN),)), "does not say what it is"),
        (replace(INIT, sysctl=None, scripts=(("rc.sysinit", lines_of("rc.sysinit-5")),)), "how its sysctl reads"),
    ],
)
def test_evidence_that_does_not_tell_gives_unknown(evidence: Evidence, reason: str) -> None:
    found = boot(evidence)
    assert found[0] == "unknown"
    assert reason in found[1]
    assert loaders_of(evidence).boot is None


def test_two_scripts_that_do_the_same_are_one() -> None:
    assert boot(replace(INIT, scripts=(("rcS.d", DEBIAN), ("rcS.d", "sysctl --system\n"))))[0] == "procps 4.0.2"


@pytest.mark.parametrize(
    ("version", "dash", "globs", "credential"),
    [
        ("219", False, False, False),
        ("228", False, False, False),
        ("242", False, False, False),
        ("243", True, False, False),
        ("245", True, True, False),
        ("251", True, True, False),
        ("252", True, True, True),
        ("257.9", True, True, True),
    ],
)
def test_systemd_learnt_dashes_globs_and_credentials(version: str, dash: bool, globs: bool, credential: bool) -> None:
    loader = loaders_of(Evidence(systemd_booted=True, systemd=f"systemd {version}")).boot
    assert loader
    assert loader.kind == "systemd-sysctl"
    assert (loader.syntax.dash_prefix, loader.syntax.globs, len(loader.sets) == 2) == (dash, globs, credential)


@pytest.mark.parametrize(
    ("text", "first", "globs"),
    [
        ("procps-ng version 3.3.3", "/run/sysctl.d", False),
        ("sysctl from procps-ng 3.3.16", "/run/sysctl.d", False),
        ("sysctl from procps-ng 3.3.17", "/etc/sysctl.d", False),
        ("sysctl from procps-ng 4.0.2", "/etc/sysctl.d", True),
        ("sysctl from procps-ng 4.0.4.", "/etc/sysctl.d", True),
    ],
)
def test_procps_ranks_directories_by_its_version(text: str, first: str, globs: bool) -> None:
    loader = loaders_of(Evidence(sysctl=text)).reload
    assert loader
    assert (loader.kind, loader.directories[0], loader.syntax.globs) == ("procps", first, globs)
    assert loader.reads_sysctl_conf


@pytest.mark.parametrize("text", [None, "", "sysctl: illegal option -- -", "procps-ng version x"])
def test_a_sysctl_that_nobody_knows_is_unknown(text: str | None) -> None:
    loaders = loaders_of(replace(INIT, sysctl=text, scripts=(("rcS.d", DEBIAN),)))
    assert (loaders.boot, loaders.reload) == (None, None)
    assert (loaders.boot_name, loaders.reload_name) == ("unknown", "unknown")


@pytest.mark.parametrize(("text", "name"), [(BUSYBOX, "BusyBox 1.36.1"), (OLD_PROCPS, "procps 3.2.8")])
def test_a_sysctl_without_system_reads_nothing_on_demand(text: str, name: str) -> None:
    loaders = loaders_of(Evidence(sysctl=text))
    assert (loaders.reload, loaders.reload_name) == (NOTHING, "none")
    assert loaders.reload_reason == f"the sysctl of {name} has no --system"


@pytest.mark.parametrize(
    "change",
    [
        ("sysctl.conf", "sysctl.local"),
        ("-p", "-f"),
        ("/etc/sysctl.d", "/opt/sysctl.d"),
        ("apply_sysctl\n", "apply_sysctl\nsysctl -w net.ipv4.tcp_tw_reuse=\n"),
    ],
)
def test_a_script_that_somebody_changed_is_not_the_same(change: tuple[str, str]) -> None:
    text = lines_of("rc.sysinit", "functions")
    changed = text.replace(*change)
    assert changed != text
    assert boot(replace(INIT, scripts=(("rc.sysinit", text),)))[0] != "unknown"
    assert boot(replace(INIT, scripts=(("rc.sysinit", changed),)))[0] == "unknown"


def test_messages_and_redirections_make_no_difference() -> None:
    said = said_by(
        'echo "Loading sysctl"\nsysctl   -q\t-p "$f" >/dev/null 2>&1 # note\nsysctl -q -p "$f"\nSYSCTL_ARGS=\n'
    )
    assert said == 'sysctl -q -p "$f"'


@pytest.fixture(params=SHELLS)
def sh(request: pytest.FixtureRequest) -> list[str]:
    shell = SHELLS[request.param]
    if not shutil.which(shell[0]):
        if os.environ.get("CI"):
            pytest.fail(f"{shell[0]} is not installed")
        pytest.skip(f"{shell[0]} is not installed")
    return shell


def probed(sh: list[str], command: str) -> bytes:
    """What commands with the functions of a probe print."""
    script = probe_script(Probe(nonce="n")).replace("probe_main\n}\n", f"{command}\n}}\n")
    done = subprocess.run(sh, input=script.encode(), capture_output=True, check=True, timeout=30)
    assert done.stderr == b""
    return done.stdout


@pytest.mark.parametrize(
    "names",
    [
        ("rc.sysinit", "functions"),
        ("rc.sysinit-5",),
        ("rc.sysinit-7", "functions-7"),
        ("procps.conf",),
        ("void",),
        ("openrc",),
        ("openrc-system",),
        ("alpine",),
        ("openwrt",),
    ],
)
def test_a_known_script_is_known_by_what_a_probe_sends_of_it(sh: list[str], names: tuple[str, ...]) -> None:
    paths = " ".join(shlex.quote(str(LOOPS / name)) for name in names)
    (section,) = sections_of(probed(sh, f"boot_script somewhere {paths}; finish"), "n")
    assert (section.name, section.argument, section.status) == ("script", "somewhere", 0)
    assert section.text.rstrip("\n") == lines_of(*names).rstrip("\n")
    assert said_by(section.text) in [row.says for row in SCRIPTS]


def test_no_value_in_a_boot_script_leaves_the_host(sh: list[str], tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\nsysctl -w net.ipv4.tcp_fastopen_key=secret # =secret\nPASSWORD=secret\n  sysctl -a\n")
    answer = probed(sh, f"boot_script rcS.d {shlex.quote(str(script))}; finish")
    assert sections_of(answer, "n")[0].text == "sysctl -w net.ipv4.tcp_fastopen_key=\nsysctl -a\n"
    assert b"secret" not in answer


def test_a_boot_script_that_is_none_is_passed_over(sh: list[str], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    paths = [tmp_path / "fifo", tmp_path / "nothing", tmp_path]
    for path in paths:
        assert sections_of(probed(sh, f"boot_script rcS.d {shlex.quote(str(path))}; finish"), "n") == []
    (tmp_path / "large").write_bytes(b"#" * 1048577)
    answer = probed(sh, f"boot_script rcS.d {shlex.quote(str(tmp_path / 'large'))}; finish")
    assert [section.status for section in sections_of(answer, "n")] == [1]


@pytest.mark.parametrize(
    ("stat", "name"),
    [("1 (init) S 0", "init"), ("1 (a) (b) S 0", "a) (b"), ("1 (two words) S 0", "two words"), (None, "")],
)
def test_a_process_is_named_in_brackets(sh: list[str], tmp_path: Path, stat: str | None, name: str) -> None:
    if stat is not None:
        (tmp_path / "stat").write_text(f"{stat}\n")
    script = probe_script(Probe(nonce="n")).replace("/proc/$1/stat", f"{tmp_path}/stat")
    script = script.replace("probe_main\n}\n", "process 1\n}\n")
    done = subprocess.run(sh, input=script.encode(), capture_output=True, check=True, timeout=30)
    assert done.stdout.decode() == name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("BOOT_IMAGE=/vmlinuz root=/dev/sda1 quiet", None),
        ("quiet sysctl.net.ipv4.tcp_tw_reuse=1 ro", ["sysctl.net.ipv4.tcp_tw_reuse=1"]),
        ("sysctl/net/ipv4/tcp_tw_reuse=1", ["sysctl/net/ipv4/tcp_tw_reuse=1"]),
        ("sysctl.kernel.secret=tcp_tw_reuse x", []),
        ('sysctl.net.ipv4.ip_local_port_range="1 2" x', ['sysctl.net.ipv4.ip_local_port_range="1 2"']),
        ('"sysctl.net.ipv4.ip_local_port_range=1 2" x', ['"sysctl.net.ipv4.ip_local_port_range=1 2"']),
        ("ro -- sysctl.net.ipv4.tcp_tw_reuse=1", []),
        ("sysctl.net.ipv4.tcp_tw_reuse=* /etc/*", ["sysctl.net.ipv4.tcp_tw_reuse=*"]),
    ],
)
def test_of_the_kernels_command_line_only_our_words_are_sent(
    sh: list[str], tmp_path: Path, text: str, words: list[str] | None
) -> None:
    (tmp_path / "cmdline").write_text(f"{text}\n")
    script = probe_script(Probe(nonce="n")).replace("/proc/cmdline", f"{tmp_path}/cmdline")
    script = script.replace("probe_main\n}\n", "command_line; finish\n}\n")
    done = subprocess.run(sh, input=script.encode(), capture_output=True, check=True, timeout=30)
    sections = sections_of(done.stdout, "n")
    assert [section.text.split("\n")[:-1] for section in sections] == ([] if words is None else [words])


def test_an_encrypted_credential_is_a_file_that_was_not_read(sh: list[str], tmp_path: Path) -> None:
    for directory in ("etc/credstore", "etc/credstore.encrypted"):
        (tmp_path / directory).mkdir(parents=True)
        (tmp_path / directory / "sysctl.extra").write_text("net.ipv4.tcp_tw_reuse = 1\nkernel.x = secret\n")
    script = probe_script(Probe(nonce="n")).replace(" /etc/credstore", f" {tmp_path}/etc/credstore")
    script = script.replace("probe_main\n}\n", "credentials; finish\n}\n")
    done = subprocess.run(sh, input=script.encode(), capture_output=True, check=True, timeout=30)
    plain, encrypted = snapshot_of(sections_of(done.stdout, "n")).files
    assert (plain.kind, [line.text for line in plain.lines]) == ("regular", ["net.ipv4.tcp_tw_reuse = 1"])
    assert (encrypted.kind, encrypted.lines) == ("encrypted", ())
    assert encrypted.path.endswith("/etc/credstore.encrypted/sysctl.extra")
    assert b"secret" not in done.stdout


def test_the_loaders_of_a_probe_are_those_of_its_evidence() -> None:
    loaders = snapshot_of(
        sections_of(b"\nn B systemd_booted\n\nn E 0\n\nn B systemd\nsystemd 245\nn E 0\n\nn Z\n", "n")
    ).loaders
    assert (loaders.boot, loaders.boot_name) == (LOADERS[3], "systemd-sysctl 245")


@pytest.mark.parametrize(("root", "found"), [("/", False), (".", True), ("nothing", False)])
def test_another_root_than_that_of_process_1_is_a_chroot(sh: list[str], tmp_path: Path, root: str, found: bool) -> None:
    place = tmp_path / root
    script = probe_script(Probe(nonce="n")).replace("/proc/1/root", str(place))
    script = script.replace("probe_main\n}\n", "if in_chroot; then echo yes; fi\n}\n")
    done = subprocess.run(sh, input=script.encode(), capture_output=True, check=True, timeout=30)
    assert done.stdout == (b"yes\n" if found else b"")


@pytest.mark.parametrize(
    ("processes", "container"),
    [
        ({1: "nginx", 2: "kthreadd"}, False),
        ({1: "nginx", 2: "nginx"}, True),
        ({1: "nginx"}, True),
        # Where nobody may see process 1, nothing is known.
        ({}, False),
    ],
)
def test_the_kernels_own_process_tells_a_machine_from_a_container(
    sh: list[str], tmp_path: Path, processes: dict[int, str], container: bool
) -> None:
    for number, name in processes.items():
        (tmp_path / str(number)).write_text(f"{number} ({name}) S 0\n")
    script = probe_script(Probe(nonce="n")).replace("/proc/$1/stat", f"{tmp_path}/$1")
    script = script.replace("/run/systemd/system", str(tmp_path / "nothing")).replace(
        "/proc/1/root", str(tmp_path / "no")
    )
    script = script.replace("probe_main\n}\n", "boots; finish\n}\n")
    done = subprocess.run(sh, input=script.encode(), capture_output=True, check=True, timeout=30)
    evidence = {section.name: section.text for section in sections_of(done.stdout, "n")}
    assert evidence["process_1"] == processes.get(1, "")
    assert ("own_processes" in evidence) == container
    assert not {"systemd_booted", "chroot"} & set(evidence)


def test_a_script_made_to_keep_us_busy_takes_no_time() -> None:
    long = " " * 1000000
    assert said_by(f"sysctl{long}-p{long};{long}>{long}\n" * 3) == "sysctl -p; >"
    assert said_by("sysctl " + "$a " * 300000 + "--syste").endswith("--syste")
    assert boot(replace(INIT, scripts=(("rcS.d", "sysctl " + "$a " * 300000 + "--syste"),)))[0] == "unknown"
    assert boot(Evidence(systemd_booted=True, systemd="systemd " + "9" * 10000))[0] == "systemd-sysctl 999999"
