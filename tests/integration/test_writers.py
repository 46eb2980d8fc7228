# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that set our keys beside the loader of sysctl files: found, named, and nothing else of theirs sent home."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import Probe, probe_script, sections_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._snapshot import snapshot_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._written import Written

from tests.integration.support import FACTS, SETTINGS, outcome, tasks, warnings_of
from tests.sandbox.hosts import SandboxHost
from tests.sandbox.runs import Run
from tests.sandbox.states import state

#: In the last one every command is BusyBox's.
SHELLS = {
    "dash": "exec dash",
    "bash": "exec bash --posix",
    "busybox": "mkdir -p /run/busybox; busybox --install -s /run/busybox; PATH=/run/busybox exec /run/busybox/sh",
}
HIDDEN = "hunter2"
UNITS = "/etc/systemd/system"
WANTS = f"{UNITS}/multi-user.target.wants"


def probed(host: SandboxHost, shell: str = "exec sh") -> tuple[bytes, Written]:
    """What a probe of the host prints, and what it found of other programs."""
    probe = Probe("/etc/sysctl.d/99-timewait.conf")
    host.write("/run/probe", probe_script(probe))
    answer = host.sh(f"{shell} /run/probe").encode("utf-8", "surrogateescape")
    return answer, snapshot_of(sections_of(answer, probe.nonce)).writers


def places(host: SandboxHost, shell: str = "exec sh") -> set[str]:
    """The files in which the host has something that sets our keys."""
    _answer, written = probed(host, shell)
    profiles = written.tuned.profiles if written.tuned else ()
    files = {file.path for file in [*profiles, *([written.ufw] if written.ufw else [])] if file.lines}
    return files | {command.path for command in written.commands}


def write_everywhere(host: SandboxHost) -> set[str]:
    """Lines with our keys in files of every kind; those that count."""
    line = f"X={HIDDEN} sysctl -w net.ipv4.tcp_tw_recycle=1 # {HIDDEN}\n"
    scripts = [
        "/etc/rc.local",
        "/etc/local.d/a.start",
        "/etc/NetworkManager/dispatcher.d/a b",
        "/etc/network/if-up.d/a",
    ]
    for path in [*scripts, "/etc/local.d/not-executable.start"]:
        host.write(path, f"#!/bin/sh\n{line}")
    for path in scripts:
        host.run("chmod", "755", path)
    tables = ["/etc/crontab", "/etc/cron.d/a", "/etc/network/interfaces", "/etc/cloud/cloud.cfg.d/a.cfg"]
    for path in tables:
        host.write(path, line)
    units = [f"{UNITS}/on.service", f"{UNITS}/on@.service", f"{UNITS}/timed.service", f"{UNITS}/nginx.service.d/a.conf"]
    for path in [*units, f"{UNITS}/off.service"]:
        host.write(path, f"[Service]\nExecStart={line}")
    host.sh(f"mkdir -p {WANTS}; ln -s ../x {WANTS}/on.service; ln -s ../x {WANTS}/on@1.service")
    host.sh(f"ln -s ../x {WANTS}/timed.timer; ln -s ../x {WANTS}/nginx.service; ln -s ../x {WANTS}/masked.service")
    host.sh(f"ln -s /dev/null {UNITS}/masked.service; mkfifo /etc/cron.d/fifo; truncate -s 2M /etc/cron.d/large")
    host.sh(f"echo '{line}' >>/etc/cron.d/large; mkdir /etc/cron.d/directory")
    return {*scripts, *tables, *units}


def give_tuned(host: SandboxHost, *, reapply: int, enabled: bool = True) -> None:
    """The files of tuned as Debian 12 has them, with a profile that includes another one."""
    host.write("/etc/tuned/tuned-main.conf", f"daemon = 1\n# reapply_sysctl = 1\nreapply_sysctl = {reapply}\n")
    host.write("/etc/tuned/active_profile", "mine\n")
    host.write("/etc/tuned/mine/tuned.conf", f"[main]\ninclude=base # {HIDDEN}\n[bootloader]\ncmdline={HIDDEN}\n")
    base = f"[sysctl]\nnet.ipv4.tcp_fastopen_key={HIDDEN}\nnet.ipv4.tcp_tw_reuse=0 # {HIDDEN}\n"
    host.write("/etc/tuned/base/tuned.conf", base)
    host.write("/etc/tuned/other/tuned.conf", "[sysctl]\nnet.ipv4.tcp_timestamps=0\n")
    if enabled:
        host.sh(f"mkdir -p {WANTS}; ln -sf /lib/systemd/system/tuned.service {WANTS}/tuned.service")


def give_ufw(host: SandboxHost, *, enabled: str, file: str = "/etc/ufw/sysctl.conf") -> None:
    host.sh("rm -rf /etc/default")
    host.write("/etc/ufw/ufw.conf", f"# ENABLED=yes\nENABLED={enabled}\nLOGLEVEL=low\n")
    host.write("/etc/default/ufw", f'IPV6=yes\nIPT_SYSCTL={file}\nIPT_MODULES="{HIDDEN}"\n')
    host.write(
        file, f"#net/ipv4/tcp_tw_reuse=1\nnet/ipv4/tcp_fastopen_key={HIDDEN}\nnet/ipv4/tcp_timestamps=0 # {HIDDEN}\n"
    )


@pytest.mark.parametrize("shell", SHELLS)
def test_every_place_is_looked_at_and_no_secret_leaves_the_host(host: SandboxHost, shell: str) -> None:
    assert places(host, SHELLS[shell]) == set()
    expected = write_everywhere(host)
    give_tuned(host, reapply=0)
    host.sh("printf '# \\000\\n' >>/etc/tuned/base/tuned.conf")
    give_ufw(host, enabled="yes", file="/etc/ufw/my.conf")
    before = state(host)
    answer, written = probed(host, SHELLS[shell])
    assert {command.path for command in written.commands} == expected
    assert {(command.line, command.knob, command.text) for command in written.commands} <= {
        (line, "tcp_tw_recycle", "1") for line in (1, 2)
    }
    assert places(host, SHELLS[shell]) == {
        *expected,
        "/etc/ufw/my.conf",
        "/etc/tuned/mine/tuned.conf",
        "/etc/tuned/base/tuned.conf",
    }
    assert HIDDEN.encode() not in answer
    after = state(host)
    assert (after.knobs, after.files, after.times) == (before.knobs, before.files, before.times)


def test_what_does_not_run_does_not_count(host: SandboxHost) -> None:
    give_tuned(host, reapply=0, enabled=False)
    give_ufw(host, enabled="no")
    host.sh("mkfifo /etc/rc.local; chmod 755 /etc/rc.local")
    assert places(host) == set()
    give_tuned(host, reapply=0)
    assert places(host) == {"/etc/tuned/mine/tuned.conf", "/etc/tuned/base/tuned.conf"}
    host.sh(f"ln -s /dev/null {UNITS}/tuned.service")
    assert places(host) == set()
    give_ufw(host, enabled="YES")
    assert places(host) == {"/etc/ufw/sysctl.conf"}


def test_profiles_are_found_where_each_version_of_tuned_has_them(host: SandboxHost) -> None:
    give_tuned(host, reapply=0)
    profile = "[sysctl]\nnet.ipv4.tcp_rfc1337=1\n"
    host.write("/etc/tuned/profiles/base/tuned.conf", profile)
    assert places(host) == {"/etc/tuned/mine/tuned.conf", "/etc/tuned/profiles/base/tuned.conf"}
    host.sh("rm -r /etc/tuned/profiles")
    host.write("/run/a/base/tuned.conf", profile)
    host.write("/run/b/base/tuned.conf", profile)
    host.write("/run/b/mine/tuned.conf", "[main]\ninclude=base\n")
    host.sh("echo 'profile_dirs = /run/a, /run/b' >>/etc/tuned/tuned-main.conf")
    assert places(host) == {"/run/b/mine/tuned.conf", "/run/b/base/tuned.conf"}
    host.write("/etc/tuned/active_profile", "* ../x base\n")
    assert places(host) == {"/run/b/base/tuned.conf"}


def test_writers_are_a_finding_and_warnings_until_they_are_mended(
    run_playbook: Callable[..., Run], host: SandboxHost
) -> None:
    give_tuned(host, reapply=0)
    give_ufw(host, enabled="yes")
    host.write("/etc/rc.local", "#!/bin/sh\nsysctl -w net.ipv4.tcp_tw_recycle=1 net.ipv4.tcp_tw_reuse=1\n")
    host.run("chmod", "755", "/etc/rc.local")
    expected = [
        "tuned sets net.ipv4.tcp_tw_reuse to 0 when it starts",
        "ufw sets net.ipv4.tcp_timestamps to 0 when it starts",
        "rc.local sets net.ipv4.tcp_tw_recycle to 1 at the end of a boot",
    ]
    run = run_playbook(tasks({SETTINGS: {}}, {FACTS: {}}), host)
    assert run.rc == 0, run.text
    warnings = [text for text in warnings_of(outcome(run)) if " sets " in text]
    assert [text.partition(" (")[0].partition(",")[0] for text in warnings] == expected
    findings = run.only("timewait_facts").result["ansible_facts"]["timewait"]["findings"]
    (finding,) = [finding for finding in findings if finding["id"] == "conflicting_writer"]
    assert finding["severity"] == "warning"
    assert [text.partition(" (")[0].partition(",")[0] for text in finding["evidence"]] == expected
    assert HIDDEN not in run.text

    # The remedies, as they are.
    host.sh("sed -i 's/^reapply_sysctl.*/reapply_sysctl = 1/' /etc/tuned/tuned-main.conf")
    remedy = warnings[1].partition("To mend it: ")[2]
    assert remedy == "sed -i '3s/^/# /' /etc/ufw/sysctl.conf && ufw reload"
    host.sh(remedy.partition(" && ")[0])
    host.sh("sed -i 's/net.ipv4.tcp_tw_recycle=1//' /etc/rc.local")
    run = run_playbook(tasks({SETTINGS: {}}, {FACTS: {}}), host)
    assert not [text for text in warnings_of(outcome(run)) if " sets " in text]
    assert run.only("timewait_facts").result["ansible_facts"]["timewait"]["findings"] == []


#: What a shell makes of these, it does here.
LINES = (
    "sysctl -w net.ipv4.tcp_tw_recycle=1",
    "sysctl -q -w net/ipv4/tcp_tw_recycle=1 net.ipv4.tcp_tw_reuse=1",
    "sysctl 'net.ipv4.tcp_tw_recycle=1' >/dev/null; true",
    'sysctl -w net.ipv4.tcp_tw_recycle="1"',
    "echo 1 > /proc/sys/net/ipv4/tcp_tw_recycle",
    'echo "1" >"/proc/sys/net/ipv4/tcp_tw_recycle"',
    "echo -n 1 >/proc/sys/net/ipv4/tcp_tw_recycle",
    "printf '1\\n' >/proc/sys/net/ipv4/tcp_tw_recycle; echo 1 >/proc/sys/net/ipv4/tcp_tw_reuse",
    "echo 1 | tee /proc/sys/net/ipv4/tcp_tw_recycle >/dev/null",
    "sh -c 'echo 1 >/proc/sys/net/ipv4/tcp_tw_recycle'",
    "true && sysctl -w net.ipv4.tcp_tw_recycle=1 # net.ipv4.tcp_tw_reuse=1",
    "sysctl -w net.ipv4.ip_local_port_range='15000 61000'",
    "echo 15000 61000 >/proc/sys/net/ipv4/ip_local_port_range",
    "sysctl -w net.ipv4.ip_local_reserved_ports=8080,9000-9010",
    "#sysctl -w net.ipv4.tcp_tw_recycle=1",
    "true # sysctl -w net.ipv4.tcp_tw_recycle=1",
    "sysctl -n net.ipv4.tcp_tw_recycle; cat /proc/sys/net/ipv4/tcp_tw_reuse",
    '[ "$(sysctl -n net.ipv4.tcp_tw_recycle)" = 1 ] || true',
)


def test_what_is_said_of_a_line_is_what_it_does(legacy_host: SandboxHost) -> None:
    host = legacy_host
    host.write("/etc/rc.local", "\n".join(LINES) + "\n")
    host.run("chmod", "755", "/etc/rc.local")
    _answer, written = probed(host)
    names = ("tcp_tw_recycle", "tcp_tw_reuse", "ip_local_port_range", "ip_local_reserved_ports")
    before = {name: host.sysctl(name) for name in names}
    for number, line in enumerate(LINES, 1):
        host.sh(line)
        after = {name: " ".join(host.sysctl(name).split()) for name in names if host.sysctl(name) != before[name]}
        said = {command.knob: command.text for command in written.commands if command.line == number}
        assert said == after, line
        for name, value in before.items():
            host.set_sysctl(name, value)
