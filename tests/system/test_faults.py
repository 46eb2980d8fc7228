# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What befalls hosts: full and read-only file systems, strange files, odd environments, somebody else at work.

Each time everything is as asked, or everything is as before and the error says which step failed and why.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._policy import Impossible

from tests.sandbox.hosts import SandboxHost
from tests.sandbox.states import DROPIN, install
from tests.system.engine import failure_of, planned
from tests.system.outcomes import OPTIONS, SCENES, Scene, keep, seen, staged, told
from tests.system.syscalls import Call, run_judged

NEW = "/etc/sysctl.d/.99-timewait.conf.timewait-new"
#: So long that the drop-in takes two pages.
LONG = {"ip_local_reserved_ports": list(range(10001, 12001, 2))}

FULL = "mount -t tmpfs -o {},mode=755 tmpfs /etc/sysctl.d"
FULL_OF_BYTES = f"{FULL.format('size=4k')}; head -c 4096 /dev/zero >/etc/sysctl.d/full"
FILL_RUN = "mount -o remount,size=1M /run; head -c 2000000 /dev/zero >/run/full 2>/dev/null; true"
NO_INODES_IN_RUN = "mount -o remount,nr_inodes=$(($(stat -f -c '%c - %d' /run))) /run"
#: A real knob of another range in place of ours: the kernel takes 1 to 255.
ANOTHER_RANGE = "mount --bind /proc/sys/net/ipv4/ip_default_ttl /proc/sys/net/ipv4/tcp_tw_reuse"


@dataclass(frozen=True)
class Fault:
    """What happens to a host before it is looked at, and after; what is asked of it, and the words of the failure."""

    words: str
    before: str = ""
    between: str = ""
    scene: str = "first"
    then: Mapping[str, object] | None = None


FAULTS = {
    "no byte is left": Fault(
        f"failed to write {DROPIN}: cat: write error: No space left on device. Everything is as", FULL_OF_BYTES
    ),
    "a page is left, and two are needed": Fault(
        f"failed to write {DROPIN}: cat: write error: No space left on device. Everything is as",
        FULL.format("size=4k"),
        then=LONG,
    ),
    "no inode is left": Fault(
        f"failed to write {DROPIN}: cannot create {NEW}: No space left on device. Everything is as",
        FULL.format("nr_inodes=1"),
    ),
    "no byte is left for the line of somebody else": Fault(
        "failed to comment out line 2 of /etc/sysctl.d/99-zz.conf: cp: error ",
        f"{FULL.format('size=12k')}; {SCENES['comment_out'].script}; head -c 4096 /dev/zero >/etc/sysctl.d/full",
        scene="comment_out",
    ),
    "no byte is left in /run": Fault(
        "failed to remember what was before 99-timewait.conf: cat: write error: No space left on device. Everything is",
        between=FILL_RUN,
    ),
    "no inode is left in /run": Fault("nothing was changed: cannot create /run/linux_tcp.", between=NO_INODES_IN_RUN),
    "/run is read-only": Fault("nothing was changed: cannot create /run/", between="mount -o remount,bind,ro /run"),
    "/etc/sysctl.d becomes read-only": Fault(
        "nothing was changed: values or files",
        between="mount --bind /etc/sysctl.d /etc/sysctl.d; mount -o remount,bind,ro /etc/sysctl.d",
    ),
    "the values become read-only": Fault(
        "failed to write '1' to net.ipv4.tcp_tw_reuse: cannot create /proc/sys/net/ipv4/tcp_tw_reuse: Read-only file "
        "system. Everything is",
        between="mount --bind /proc/sys/net/ipv4 /proc/sys/net/ipv4; mount -o remount,bind,ro /proc/sys/net/ipv4",
    ),
    "the kernel refuses the value": Fault(
        "failed to write '0' to net.ipv4.tcp_tw_reuse: cat: write error: Invalid argument. Everything is",
        ANOTHER_RANGE,
        then={"tcp_tw_reuse": 0, "tcp_rfc1337": 1},
    ),
    "the values are gone": Fault(
        "nothing was changed: values or files", between="mount -t tmpfs tmpfs /proc/sys/net/ipv4"
    ),
    "a directory has the name of the temporary file": Fault(
        f"failed to write {DROPIN}: rm: cannot remove '{NEW}': Is a directory; cannot ", f"mkdir {NEW}"
    ),
    # As containers have single files from outside. An immutable file answers alike, with other words.
    "the drop-in is a mount of its own": Fault(
        f"failed to write {DROPIN}: mv: cannot move '{NEW}' to '{DROPIN}': Device or resource busy. Everything is",
        between=f"mount --bind {DROPIN} {DROPIN}",
        scene="again",
    ),
    "the drop-in that is to go is a mount of its own": Fault(
        f"failed to remove {DROPIN}: rm: cannot remove '{DROPIN}': Device or resource busy. Everything is",
        between=f"mount --bind {DROPIN} {DROPIN}",
        scene="absent",
    ),
    "a limit on the size of files": Fault(
        f"failed to write {DROPIN}: cat: write error: File too large. Everything is", between="ulimit -f 0"
    ),
    "sync fails": Fault(
        f"failed to write {DROPIN}: sync: as the test wants it. Everything is",
        between="sync() { echo 'sync: as the test wants it'; return 1; }",
    ),
    "restorecon fails": Fault(
        f"failed to write {DROPIN}: restorecon: as the test wants it. Everything is",
        between="restorecon() { echo 'restorecon: as the test wants it'; return 1; }",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_leaves_everything_as_before_and_says_what_failed(host: SandboxHost, name: str) -> None:
    fault = FAULTS[name]
    host.sh(fault.before)
    scene = SCENES[fault.scene]
    made = staged(host, scene if fault.then is None else Scene(fault.then))
    before = seen(host)
    # In the shell that carries the plan out: so a limit, or a function in place of a program, is in force.
    answer = host.sh(f"{fault.between}\n{made.script}")
    failure = failure_of(made, answer)
    assert fault.words in str(failure)
    assert name == "the values are gone" or seen(host).differs_from(before) == []


@pytest.fixture(scope="module")
def roomy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxHost]:
    """A host for many cases that leave nothing behind."""
    host = SandboxHost("host", tmp_path_factory.mktemp("faults") / "log")
    yield host
    host.stop()


#: What somebody else does after the look.
MEANWHILE = {
    **{
        f"a file in {place}": f"mkdir -p {place}/sysctl.d; echo net.ipv4.tcp_tw_reuse = 0 >{place}/sysctl.d/zz.conf"
        for place in ("/etc", "/run", "/usr/local/lib", "/usr/lib")
    },
    "a line in /etc/sysctl.conf": "echo net.ipv4.tcp_tw_reuse = 0 >>/etc/sysctl.conf",
    "a mask": "ln -s /dev/null /etc/sysctl.d/10-a.conf",
    "a directory that masks": "mkdir /etc/sysctl.d/10-a.conf",
    "the drop-in": f"echo '# mine now' >{DROPIN}",
    "the drop-in, a FIFO": f"mkfifo {DROPIN}",
    "the drop-in, a directory": f"mkdir {DROPIN}",
    "the drop-in, a link": f"ln -s /run/elsewhere {DROPIN}",
    "the mode of the directory": "chmod 777 /etc/sysctl.d",
    "the owner of the directory": "chown 12 /etc/sysctl.d",
    "the directory, a link": "mv /etc/sysctl.d /etc/moved.d; ln -s moved.d /etc/sysctl.d",
    "the directory is gone": "rmdir /etc/sysctl.d",
    "a record in /run": "echo x >/run/linux_tcp.tuning-99-timewait.conf",
    **{
        f"a value: {name}": f"echo {value} >/proc/sys/net/ipv4/{name}"
        for name, value in {
            "tcp_timestamps": "2",
            "tcp_tw_reuse": "0",
            "ip_local_port_range": "20000 50000",
            "ip_local_reserved_ports": "20000",
            "ip_unprivileged_port_start": "80",
        }.items()
    },
}


@pytest.mark.parametrize("name", MEANWHILE)
def test_what_changes_after_the_look_stops_the_plan_untouched(roomy: SandboxHost, name: str) -> None:
    made = planned(roomy, **OPTIONS)
    back = f"{keep(roomy)}; rm -rf /etc/moved.d /*/sysctl.d/zz.conf /usr/*/sysctl.d/zz.conf /usr/local/lib/sysctl.d/*"
    start = roomy.sysctl("ip_unprivileged_port_start")
    roomy.sh(MEANWHILE[name])
    before = seen(roomy)
    answer = roomy.sh(made.script)
    after = seen(roomy, f"{back}; echo {start} >/proc/sys/net/ipv4/ip_unprivileged_port_start")
    assert "nothing was changed: values or files on the host are others" in str(failure_of(made, answer))
    assert after == before


@dataclass(frozen=True)
class Through:
    """A host whose shell is started by another program, with other words before it."""

    host: SandboxHost
    words: tuple[str, ...]

    def sh(self, script: str) -> str:
        return self.host.run(*self.words, "/bin/sh", "-c", script).stdout


def limited(command: str) -> tuple[str, ...]:
    return ("sh", "-c", f'{command}; exec "$@"', "sh")


#: What makes no difference, whoever starts the shell.
SURROUNDINGS = {
    # The kernel asks for the owner of the values, which root is without any of them, too.
    "root without capabilities": ("setpriv", "--bounding-set=-all", "--inh-caps=-all"),
    "no environment": ("env", "-i"),
    "no PATH": ("env", "PATH="),
    # Then grep takes a "--" behind its pattern for a file.
    "POSIXLY_CORRECT": ("env", "POSIXLY_CORRECT=1"),
    "variables that shells and programs obey": (
        *("env", "IFS=/", "CDPATH=/", "ENV=/nowhere", "BASH_ENV=/nowhere", "GREP_OPTIONS=--color=always"),
        *("LC_ALL=de_DE.UTF-8", "LANGUAGE=de", "TMPDIR=/nowhere", "HOME=/nowhere", "SHELLOPTS=noglob:noclobber"),
    ),
    "umask 777": limited("umask 777"),
    "umask 000": limited("umask 000"),
    "few open files": limited("ulimit -n 16"),
    "a working directory that is gone": limited("mkdir /run/gone; cd /run/gone; rmdir /run/gone"),
    "programs of BusyBox": limited(
        "mkdir -p /run/bb; for p in $(busybox --list); do ln -sf $(command -v busybox) /run/bb/$p; done; PATH=/run/bb"
    ),
    "no /tmp": limited("mount --bind /proc/sys /tmp"),
    "nothing to log with, nor to flush": limited("mount --bind /dev/null $(command -v sync)"),
}


@pytest.mark.parametrize("name", SURROUNDINGS)
@pytest.mark.parametrize("scene", ["comment_out", "block"])
def test_surroundings_make_no_difference(host: SandboxHost, name: str, scene: str) -> None:
    host.sh(SCENES[scene].script)
    back = keep(host)
    there = Through(host, SURROUNDINGS[name])
    with_them = planned(there, **SCENES[scene].then)  # type: ignore[arg-type] # it is asked for sh alone
    assert told(with_them, there.sh(with_them.script)) is None
    ends = seen(host, back)
    plain = staged(host, Scene(SCENES[scene].then))
    assert told(plain, host.sh(plain.script)) is None
    assert seen(host) == ends


#: A temporary file that was there, and what it leads to.
LEFT = {
    "of a killed run": f"echo half a file >{NEW}",
    "a link to a secret": f"echo root:x >/etc/shadow-of-the-test; ln -s /etc/shadow-of-the-test {NEW}",
    "a link to nothing": f"ln -s /run/nowhere {NEW}",
    "a FIFO": f"mkfifo {NEW}",
}


@pytest.mark.parametrize("name", LEFT)
@pytest.mark.parametrize("scene", ["first", "comment_out"])
def test_what_has_the_name_of_the_temporary_file_is_replaced_not_followed(
    host: SandboxHost, name: str, scene: str
) -> None:
    host.sh(SCENES[scene].script)
    host.sh(LEFT[name].replace("99-timewait.conf", "99-timewait.conf" if scene == "first" else "99-zz.conf"))
    made = planned(host, **SCENES[scene].then)
    assert told(made, host.sh(made.script)) is None
    assert host.sh("ls -A /etc/sysctl.d").split() == ["99-timewait.conf", *(["99-zz.conf"] if scene != "first" else [])]
    assert host.sh("cat /etc/shadow-of-the-test 2>/dev/null || true") == ("root:x\n" if "secret" in name else "")
    assert not host.exists("/run/nowhere")


def test_a_link_that_is_put_there_at_the_last_moment_is_not_followed(host: SandboxHost) -> None:
    host.write("/etc/shadow-of-the-test", "root:x\n")
    made = planned(host)
    opened = []

    def judge(call: Call) -> int:
        if call.path == NEW and call.name.startswith("open") and not opened:
            opened.append(host.sh(f"ln -s /etc/shadow-of-the-test {NEW}"))
        return 0

    failure = told(made, run_judged(host, made.script, judge))
    assert f"failed to write {DROPIN}: cannot create {NEW}: File exists. Everything is as it was before" in str(failure)
    assert opened
    assert host.read("/etc/shadow-of-the-test") == "root:x\n"
    assert host.sh("ls -A /etc/sysctl.d") == ""


def test_the_other_name_of_a_hard_link_keeps_what_it_has(host: SandboxHost) -> None:
    made = staged(host, SCENES["again"])
    host.sh(f"ln {DROPIN} /etc/other-name")
    before = host.read("/etc/other-name")
    assert told(made, host.sh(made.script)) is None
    assert host.read("/etc/other-name") == before != host.read(DROPIN)


@pytest.mark.parametrize("kind", ["mkdir", "mkfifo", "ln -s /run/elsewhere"])
def test_a_drop_in_that_is_no_file_is_told_and_left(host: SandboxHost, kind: str) -> None:
    host.sh(f"{kind} {DROPIN}")
    before = seen(host)
    with pytest.raises(Impossible, match=DROPIN):
        planned(host)
    assert seen(host) == before


def test_a_fifo_in_place_of_a_knob_is_no_knob_and_nobody_waits_for_it(legacy_host: SandboxHost) -> None:
    legacy_host.sh("cd /proc/sys/net/ipv4; rm tcp_rfc1337; mkfifo tcp_rfc1337")
    made = planned(Through(legacy_host, ("timeout", "20")), tcp_rfc1337=1)  # type: ignore[arg-type] # as above
    assert "tcp_rfc1337" not in made.snapshot.knobs
    assert any("tcp_rfc1337" in warning for warning in made.plan.warnings)
    assert told(made, legacy_host.sh(made.script)) is None


def test_a_fifo_that_takes_the_place_of_a_knob_after_the_look_is_not_waited_for(legacy_host: SandboxHost) -> None:
    made = planned(legacy_host, tcp_rfc1337=1)
    legacy_host.sh("cd /proc/sys/net/ipv4; rm tcp_rfc1337; mkfifo tcp_rfc1337")
    answer = legacy_host.run("timeout", "20", "sh", "-c", made.script).stdout
    assert "nothing was changed: values or files" in str(failure_of(made, answer))


@pytest.mark.parametrize("attribute", ["immutable", "append-only"])
@pytest.mark.parametrize("scene", ["again", "absent"])
def test_a_file_that_not_even_root_may_replace_stays(host: SandboxHost, scene: str, attribute: str) -> None:
    made = staged(host, SCENES[scene])
    # A tmpfs has these attributes since Linux 6.6.
    frozen = host.run("chattr", f"+{attribute[0]}", DROPIN, check=False)
    if frozen.returncode and not os.environ.get("CI"):
        pytest.skip(frozen.stderr)
    assert frozen.returncode == 0, frozen.stderr
    before = seen(host)
    failure = str(failure_of(made, host.sh(made.script)))
    assert f" {DROPIN}: " in failure
    assert "Operation not permitted. Everything is as it was before" in failure
    assert seen(host) == before


@pytest.mark.parametrize("program", ["sync", "restorecon"])
def test_a_program_that_fails_on_the_way_back_too_is_named(host: SandboxHost, program: str) -> None:
    """It works until the drop-in is written, and no more from then on."""
    made = staged(host, SCENES["again"])
    written = f"if grep -q tcp_max_tw_buckets {DROPIN}; then : >/run/done; fi"
    install(host, program, f"{written}\n[ -e /run/done ] || exit 0\necho no more >&2\nexit 1")
    answer = host.sh(f"PATH=/run/programs:$PATH\n{made.script}")
    failure = str(failure_of(made, answer))
    assert f"failed to write {DROPIN}: no more. These steps could not be undone: " in failure
    assert f"write {DROPIN} (no more)" in failure
    assert "remember what was before 99-timewait.conf (no more). Mend the cause" in failure
