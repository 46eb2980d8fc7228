# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One of many hosts fails, each for a reason of its own: the others are tuned, and each failure says what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.integration.support import ROLE, environment_of, failure, run_side_by_side, tasks
from tests.sandbox.hosts import SandboxHost
from tests.sandbox.runs import Ansible, Run
from tests.sandbox.states import DROPIN, install, knobs

HEALTHY = ("healthy-1", "healthy-2", "healthy-3")
AS_BEFORE = "Everything is as it was before"


@dataclass(frozen=True)
class Fault:
    """What was done to a host, what undoes it, and what the user is told. ``login`` is its login shell."""

    words: tuple[str, ...]
    script: str = ""
    mended: str = ""
    login: str = ""
    cat: str = ""
    legacy: bool = False
    as_before: bool = True


def on_second_trip(change: str) -> str:
    return f'if [ -e /run/second ]; then {change}; else : >/run/second; fi\nexec /bin/sh "$@"'


FAULTS = {
    "full": Fault(
        (f"failed to write {DROPIN}: cat: write error: No space left on device", AS_BEFORE),
        "mount -t tmpfs -o size=4k,mode=755 tmpfs /etc/sysctl.d; head -c 4096 /dev/zero >/etc/sysctl.d/full",
        "rm /etc/sysctl.d/full",
    ),
    "no-inodes": Fault(
        (f"failed to write {DROPIN}: cannot create /etc/sysctl.d/.99", "No space left on device", AS_BEFORE),
        "mount -t tmpfs -o nr_inodes=1,mode=755 tmpfs /etc/sysctl.d",
        "umount /etc/sysctl.d",
    ),
    "no-lock": Fault(
        ("nothing was changed: cannot create /run/linux_tcp.tuning", "Read-only file system", "run it again"),
        "mount -o remount,bind,ro /run",
        "mount -o remount,bind,rw /run",
    ),
    "read-only": Fault(
        ("/etc/sysctl.d cannot be written to", "timewait_apply_to: runtime leaves files alone"),
        "mount --bind /etc/sysctl.d /etc/sysctl.d; mount -o remount,bind,ro /etc/sysctl.d",
        "umount /etc/sysctl.d",
    ),
    "read-only-values": Fault(
        ("net.ipv4.tcp_tw_reuse, net.ipv4.tcp_rfc1337 cannot be written here", "Read-only file system"),
        "mount --bind /proc/sys/net/ipv4 /proc/sys/net/ipv4; mount -o remount,bind,ro /proc/sys/net/ipv4",
        "umount /proc/sys/net/ipv4",
    ),
    "no-directory": Fault(("Make it: mkdir -p /etc/sysctl.d",), "rmdir /etc/sysctl.d", "mkdir /etc/sysctl.d"),
    "for-all": Fault(("may be written by others than root",), "chmod 777 /etc/sysctl.d", "chmod 755 /etc/sysctl.d"),
    "conflict": Fault(
        ("/etc/sysctl.d/99-zz.conf",),
        "echo net.ipv4.tcp_tw_reuse = 0 >/etc/sysctl.d/99-zz.conf",
        "rm /etc/sysctl.d/99-zz.conf",
    ),
    "busy": Fault(
        ("nothing was changed: values or files on the host are others than a moment ago", "Run it again"),
        login=on_second_trip("echo net.ipv4.tcp_rfc1337 = 1 >/etc/sysctl.d/10-a.conf"),
        as_before=False,
    ),
    "cut-off": Fault(
        ("the host's answer cannot be used: ", "How far the host came is not known. Run it again"),
        login='if [ -e /run/second ]; then exec head -c 700 >/dev/null; fi; : >/run/second; exec /bin/sh "$@"',
        mended="rm /run/programs/login-shell; ln -s /bin/sh /run/programs/login-shell",
    ),
    "refuses": Fault(
        ("failed to write '1' to net.ipv4.tcp_tw_reuse: cat: no more", AS_BEFORE),
        cat="case $to in */tcp_tw_reuse) echo 'cat: no more' >&2; exit 1 ;; esac",
        mended="rm /run/programs/cat",
    ),
    "not-undone": Fault(
        (
            "failed to write '1' to net.ipv4.tcp_rfc1337: cat: no more. These steps could not be undone: ",
            "write '1' to net.ipv4.tcp_tw_reuse (cat: not back). Mend the cause and run it again",
        ),
        cat="case $to in */tcp_rfc1337) echo 'cat: no more' >&2; : >/run/failed; exit 1 ;; */tcp_tw_reuse)\n"
        "if [ -e /run/failed ]; then echo 'cat: not back' >&2; exit 1; fi ;; esac",
        mended="rm /run/programs/cat",
        as_before=False,
    ),
    "old": Fault(
        (
            "failed to write '1' to net.ipv4.tcp_tw_reuse: cat: no more",
            f"{AS_BEFORE}, but net.ipv4.tcp_tw_recycle is not turned on again",
        ),
        "echo 1 >/proc/sys/net/ipv4/tcp_tw_recycle",
        cat="case $to in */tcp_tw_reuse)\n"
        "if [ ! -e /run/failed ]; then : >/run/failed; echo 'cat: no more' >&2; exit 1; fi ;; esac",
        mended="rm /run/programs/cat",
        legacy=True,
        as_before=False,
    ),
}


def faulty(new_host: Callable[..., SandboxHost], name: str) -> SandboxHost:
    fault = FAULTS[name]
    host = new_host(name, legacy=fault.legacy)
    if fault.login:
        host.vars["ansible_shell_executable"] = install(host, "login-shell", fault.login)
    if fault.cat:
        real = host.sh("command -v cat").strip()
        install(host, "cat", f'to=$(readlink /proc/$$/fd/1)\n{fault.cat}\nexec {real} "$@"')
    host.sh(fault.script)
    return host


def text_of(host: SandboxHost) -> tuple[dict[str, str], str]:
    """Values, and the names of files."""
    return knobs(host), host.sh("ls -A /etc/sysctl.d /run 2>&1 | grep -v -e second -e failed")


def recap(run: Run) -> dict[str, tuple[int, int]]:
    return {name: (counters["changed"], counters["failures"]) for name, counters in run.recap.items()}


def test_each_of_many_hosts_fails_for_its_own_reason_and_the_others_are_tuned(
    ansible: Ansible, new_host: Callable[..., SandboxHost]
) -> None:
    healthy = [new_host(name) for name in HEALTHY]
    bad = [faulty(new_host, name) for name in FAULTS]
    before = {host.name: text_of(host) for host in bad}
    options = {"extra_vars": {"timewait_tcp_rfc1337": 1}, "environment": environment_of(programs=True)}
    run = run_side_by_side(ansible, "linux_tcp.tuning.apply", [*bad[:6], *healthy, *bad[6:]], **options)
    assert run.rc == 2, run.text
    assert recap(run) == {**dict.fromkeys(HEALTHY, (1, 0)), **dict.fromkeys(FAULTS, (0, 1))}
    for host in healthy:
        assert (host.sysctl("tcp_tw_reuse"), host.sysctl("tcp_rfc1337"), host.exists(DROPIN)) == ("1", "1", True)
    for host in bad:
        message = failure(run, host.name)["msg"]
        assert [words for words in FAULTS[host.name].words if words not in message] == [], f"{host.name}: {message}"
        assert f"fatal: [{host.name}]: FAILED!" in run.text
        assert not FAULTS[host.name].as_before or text_of(host) == before[host.name], host.name
    assert bad[-1].sysctl("tcp_tw_recycle") == "0"
    # What each was told to do, done: then the same run tunes them all, the one with a half of it, too.
    for host in bad:
        host.sh(FAULTS[host.name].mended)
    again = run_side_by_side(ansible, "linux_tcp.tuning.apply", [*bad, *healthy], **options)
    assert again.rc == 0, again.text
    assert recap(again) == {**dict.fromkeys(HEALTHY, (0, 0)), **dict.fromkeys(FAULTS, (1, 0))}
    assert [host.sysctl("tcp_tw_reuse") for host in bad] == ["1"] * len(bad)


def test_plays_stop_as_they_were_told_to_when_a_host_fails(
    ansible: Ansible, new_host: Callable[..., SandboxHost]
) -> None:
    """Whether the next task runs is decided by the play's own keywords; the failed host is tuned nowhere half."""
    mark = {"name": "Next", "ansible.builtin.raw": "echo next >>/run/next"}
    role = {"name": "Tune", "ansible.builtin.import_role": {"name": ROLE}}
    hosts = [new_host("a-healthy"), faulty(new_host, "full"), new_host("b-healthy")]
    cases = [
        # Keywords, and who comes to the next task.
        ({"any_errors_fatal": True}, []),
        ({"serial": 2, "max_fail_percentage": 40}, []),
        ({"serial": 2, "max_fail_percentage": 60}, ["a-healthy", "b-healthy"]),
    ]
    for keywords, expected in cases:
        run = run_side_by_side(ansible, tasks(role, mark, **keywords), hosts)
        assert run.rc == 2, run.text
        assert "No space left on device" in failure(run, "full")["msg"]
        assert [result.host for result in run.results if result.task == "Next"] == expected, keywords
    assert hosts[0].sysctl("tcp_tw_reuse") == "1"
    assert hosts[1].sysctl("tcp_tw_reuse") == "2"
