# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""_probe.sh and _apply.sh, run by every kind of shell that hosts have."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._dropin import Place, sed_pattern
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import (
    FOREIGN,
    MARK,
    OWNER,
    Probe,
    Section,
    Step,
    apply_script,
    probe_script,
    sections_of,
    state_of,
)
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._snapshot import snapshot_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

#: A host's /bin/sh may be any of these; bash, called by that name, is in its POSIX mode.
SHELLS = {"dash": ["dash"], "bash": ["bash", "--posix"], "busybox": ["busybox", "sh"]}
PATH = "/etc/sysctl.d/99-timewait.conf"
EVERY_BYTE = bytes(number for number in range(1, 256))


@pytest.fixture(params=SHELLS)
def sh(request: pytest.FixtureRequest) -> list[str]:
    shell = SHELLS[request.param]
    if not shutil.which(shell[0]):
        if os.environ.get("CI"):
            pytest.fail(f"{shell[0]} is not installed")
        pytest.skip(f"{shell[0]} is not installed")
    return shell


def text_of(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def functions(tmp_path: Path, probe: Probe | None = None) -> str:
    """Both scripts without their last line, with the host's places in a directory of the test."""
    script = apply_script(probe or Probe(), "", [], []).removeprefix("{\n").rpartition("apply_main()")[0]
    return placed(script, tmp_path)


def placed(script: str, tmp_path: Path) -> str:
    moved = script.replace("IPV4=/proc/sys/net/ipv4\n", f"IPV4={shlex.quote(str(tmp_path / 'ipv4'))}\n")
    moved = moved.replace(
        "LOCK=$RUN/linux_tcp.tuning\n",
        f"RUN={shlex.quote(str(tmp_path))}\nLOCK={shlex.quote(str(tmp_path / 'lock'))}\n"
        "sleep() { command sleep 0.05; }\n",
    )
    assert script.count("IPV4=/proc") == 1
    assert script.count("LOCK=$RUN/") == 1
    return moved


def run(sh: Sequence[str], script: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        sh, input=script.encode("utf-8", "surrogateescape"), capture_output=True, check=False, timeout=30
    )


def call(sh: Sequence[str], tmp_path: Path, *commands: str) -> subprocess.CompletedProcess[bytes]:
    return run(sh, functions(tmp_path) + "LC_ALL=C; export LC_ALL\n" + "\n".join(commands) + "\n")


NO_GREP = 'have() { [ "$1" != grep ] && command -v "$1" >/dev/null 2>&1; }'


def lines_found(sh: Sequence[str], tmp_path: Path, content: bytes, function: str) -> bytes:
    """What a function prints for a file; with grep and without it is the same."""
    file = tmp_path / "it's a file.conf"
    file.write_bytes(content)
    command = f"{function} {shlex.quote(str(file))}"
    with_grep = call(sh, tmp_path, command)
    without = call(sh, tmp_path, NO_GREP, command)
    assert with_grep.stdout == without.stdout
    assert with_grep.stderr == without.stderr == b""
    return with_grep.stdout


@pytest.mark.parametrize(
    "line",
    [
        b"net.ipv4.tcp_tw_reuse = 1",
        b"  net/ipv4/tcp_tw_recycle=1",
        b"\t-net.ipv4.tcp_timestamps",
        b"--net.ipv4.tcp_timestamps=1",
        b"net.ipv4.tcp_tw_reuse = \xff\xc3 1",
        b"net.ipv4.tcp_tw_reuse = 1\r",
        b"\v- \fnet.ipv4.tcp_tw_reuse\f\r=\v1",
        b"net.ipv4.{tcp_tw_reuse,x*} = 1",
        b"net.ipv4.ip_unprivileged_port_start = 80",
        MARK.encode() + b"commented out for 99-timewait.conf: net.ipv4.x = 0",
        OWNER.encode() + b"1",
    ],
)
def test_a_line_about_our_keys_is_found(sh: list[str], tmp_path: Path, line: bytes) -> None:
    assert lines_found(sh, tmp_path, b"\n# x\n" + line + b"\n", "our_lines") == b"3:" + line + b"\n"
    assert lines_found(sh, tmp_path, line, "our_lines") == b"1:" + line + b"\n"


@pytest.mark.parametrize(
    "line",
    [
        b"net.ipv4.tcp_fastopen_key = 1-2-3-4",
        b"net.ipv4.tcp_fastopen_key = 1 # unlike tcp_tw_reuse = 1",
        b"# net.ipv4.tcp_tw_reuse = secret",
        b"  ; net.ipv4.tcp_tw_reuse = secret",
        b"#net.ipv4.tcp_tw_reuse",
        b"= net.ipv4.tcp_tw_reuse",
        b"net.ipv4.tcp_fin_timeout = 5",
        b"",
        b"   ",
    ],
)
def test_a_line_about_something_else_stays_on_the_host(sh: list[str], tmp_path: Path, line: bytes) -> None:
    assert lines_found(sh, tmp_path, line + b"\n", "our_lines") == b""
    assert lines_found(sh, tmp_path, line + b"\n", "more_lines") == b""


@pytest.mark.parametrize(
    "line",
    [
        b"net.ipv4.tcp_tw_* = 1",
        b" - net/ipv4/tcp_tw_recycl? = 1",
        b"net.ipv4.tcp_tw_[!x]* =1\r",
        b"net.ipv4.tcp_tw_[^x]* =1",
        b"net.ipv4.tcp_tw_r[#e]cycle = 1",
        b"net.ipv4.tcp_tw_r[;e]cycle = 1",
        b"net.ipv4.tcp_tw_r[[:alpha:]]cycle = 1",
        b"net.ipv4.tcp_tw_re\\cycl* = 1",
        b"net//ipv4/tcp_tw_* = 1",
        b"/net/./ipv4/tcp_tw_* = 1",
        b"*.ipv4.tcp_tw_* = 1",
        b"net.ipv4.ip_local_reserved_p* = 1-2,8-9",
        b"net.ipv4.tcp_tw_{recycle,x*} = 1",
        b"net.{ipv4.tcp_tw_recycl?,ipv6} = 0x1",
        b"-net.ipv4.tcp_tw_*",
        b"net.ipv4.tcp_tw_* = \xff",
    ],
)
def test_a_glob_that_matches_our_keys_is_found(sh: list[str], tmp_path: Path, line: bytes) -> None:
    assert lines_found(sh, tmp_path, b"# x*\n" + line, "more_lines") == b"2:" + line + b"\n"


@pytest.mark.parametrize(
    "line",
    [
        b"net.ipv4.tcp_fastopen_k* = secret",
        b"net.ipv4.tcp_fast* = 1-2-3-4",
        b"net.ipv4.tcp_{fastopen_k*,tw_x} = 00000000-00000000-00000000-00000000",
        b"net.{ipv6.conf.*.stable_secret,ipv4.*} = 2001:db8::1",
        b"net.ipv6.* = secret",
        b"# net.ipv4.tcp_tw_* = secret",
        b" ; net.ipv4.tcp_tw_* = secret",
        b"#[net.ipv4.tcp_tw_*] = secret",
        b"kernel.* = secret",
        b"net.ipv4.tcp_fastopen_key = *net.ipv4.tcp_tw_*",
        b"net.ipv4.tcp_tw_[ = secret",
        b"# secret, see https://wiki/*",
        b"  ; secret in ../*",
        b"secret in ../*",
    ],
)
def test_a_glob_for_something_else_stays_on_the_host(sh: list[str], tmp_path: Path, line: bytes) -> None:
    assert lines_found(sh, tmp_path, line + b"\n", "more_lines") == b""
    assert lines_found(sh, tmp_path, line + b"\n", "our_lines") == b""


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        ("net.ipv4.ip_local_port_range = 1 2 = SECRET", "net.ipv4.ip_local_port_range = 1 2 ="),
        ("net.ipv4.tcp_tw_reuse = 1 # net.ipv4.tcp_fastopen_key = SECRET", "net.ipv4.tcp_tw_reuse = 1 #"),
        ("net.ipv4.tcp_tw_reuse=1;SECRET", "net.ipv4.tcp_tw_reuse=1;"),
        ("net.ipv4.tcp_tw_reuse = 1\rnet.ipv4.tcp_fastopen_key = SECRET\r", "net.ipv4.tcp_tw_reuse = 1\r#"),
        ("net.ipv4.tcp_tw_* = 1 # SECRET", "net.ipv4.tcp_tw_* = 1 #"),
        (" \rnet.ipv4.tcp_tw_recycle = 1 # SECRET", " \rnet.ipv4.tcp_tw_recycle = 1 #"),
        ("-net.ipv4.tcp_tw_r*\rnet.ipv4.tcp_fastopen_key = SECRET", "-net.ipv4.tcp_tw_r*\r#"),
        ("net.ipv4.tcp_tw_reuse\rnet.ipv4.tcp_fastopen_key = SECRET", "net.ipv4.tcp_tw_reuse\r#"),
        ("net.ipv4.tcp_tw_reuse ; net.ipv4.tcp_fastopen_key = SECRET", None),
        ("net.ipv4.tcp_fastopen_key = SECRET\rnet.ipv4.tcp_tw_reuse = 1", "#\rnet.ipv4.tcp_tw_reuse = 1"),
        # A glob may reach the key that holds a secret, too.
        ("net.ipv4.tcp_* = 00112233-44556677-8899aabb-ccddeeff", "net.ipv4.tcp_* = ?"),
        ("net.ipv4.* = 8080,00112233-44556677-8899aabb-ccddeeff\r", "net.ipv4.* = ?"),
        ("net.ipv4.* = 2001:db8::1", "net.ipv4.* = ?"),
        (
            f"{MARK}commented out for a.conf: net.ipv4.tcp_* = 0-1-2-3",
            f"{MARK}commented out for a.conf: net.ipv4.tcp_* = ?",
        ),
        (
            f"{MARK}commented out for a.conf: net.ipv4.x = 1-2,3-4",
            f"{MARK}commented out for a.conf: net.ipv4.x = 1-2,3-4",
        ),
        (f"{MARK}x\rnet.ipv4.tcp_fastopen_key = SECRET", f"{MARK}x\r#"),
        ("net.ipv4.tcp_tw_recycle \r= 1 # SECRET", "net.ipv4.tcp_tw_recycle \r= 1 #"),
        ("\r-net.ipv4.tcp_tw_* \r= 1 # SECRET", "\r-net.ipv4.tcp_tw_* \r= 1 #"),
    ],
)
def test_what_may_be_a_secret_in_a_line_about_our_keys_is_cut_off(
    sh: list[str], tmp_path: Path, line: str, sent: str | None
) -> None:
    content = f"\n{line}\n".encode()
    assert lines_found(sh, tmp_path, content, "our_lines") == b""
    assert lines_found(sh, tmp_path, content, "more_lines") == (b"" if sent is None else f"2:{sent}\n".encode())


keys = [
    "net.ipv4.tcp_tw_reuse",
    "net/ipv4/tcp_",
    "tw_recycle",
    "tcp_fastopen_key",
    "*",
    "?",
    "[",
    "]",
    "{",
    "}",
    "^",
    "!",
]
fragments = st.sampled_from([*keys, "#", ";", "=", " ", "\t", "\r", ".", "/", "-", "\\", "1", "\x7f", "\udcff", MARK])


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(fragments, max_size=7).map("".join), min_size=20, max_size=40))
def test_grep_and_the_shell_alone_find_the_same_lines(sh: list[str], tmp_path: Path, lines: list[str]) -> None:
    content = "\n".join(lines).encode("utf-8", "surrogateescape")
    lines_found(sh, tmp_path, content, "our_lines")
    lines_found(sh, tmp_path, content, "more_lines")


def test_a_line_with_a_key_of_ours_and_a_wildcard_is_told_once(sh: list[str], tmp_path: Path) -> None:
    content = b"net.ipv4.tcp_tw_reuse*\n"
    assert lines_found(sh, tmp_path, content, "our_lines") == b"1:net.ipv4.tcp_tw_reuse*\n"
    assert lines_found(sh, tmp_path, content, "more_lines") == b""


def test_a_file_is_told_by_its_kind(sh: list[str], tmp_path: Path) -> None:
    (tmp_path / "regular").write_text("x")
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "special")
    (tmp_path / "large").touch()
    os.truncate(tmp_path / "large", 1048577)
    (tmp_path / "just small enough").touch()
    os.truncate(tmp_path / "just small enough", 1048576)
    (tmp_path / "link").symlink_to("regular")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "a symbolic link").symlink_to("nowhere")
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "mask").symlink_to("/dev/null")
    (tmp_path / "pipe").symlink_to("special")
    (tmp_path / "-n * [x]").symlink_to("large")
    kinds = {
        "regular": "regular",
        "directory": "directory",
        "special": "special",
        "large": "large",
        "just small enough": "regular",
        "missing": "missing",
        "link": "link regular",
        "dangling": "link missing",
        "a symbolic link": "link missing",
        "circle": "link loop",
        "mask": "link null",
        "pipe": "link special",
        "-n * [x]": "link large",
        "log": "link special",
    }
    (tmp_path / "log").symlink_to("/proc/kmsg")
    commands = [f'kind_of {shlex.quote(str(tmp_path / name))}; printf "%s\\n" "$kind"' for name in kinds]
    assert call(sh, tmp_path, *commands).stdout.decode().splitlines() == list(kinds.values())


def test_a_link_into_proc_is_not_followed(sh: list[str], tmp_path: Path) -> None:
    """Such files look empty, and some of them never end. This one has a line that would be found."""
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, env={"A": "\nnet.ipv4.tcp_tw_reuse = 1\n"})
    (tmp_path / "link").symlink_to(f"/proc/{process.pid}/environ")
    answer = call(sh, tmp_path, "N=n", f"sysctl_file {tmp_path}/link").stdout
    found = call(sh, tmp_path, f"our_lines {tmp_path}/link").stdout
    process.communicate()
    assert found == b"2:net.ipv4.tcp_tw_reuse = 1\n"
    assert answer == f"\nn B path\n{tmp_path}/link\nn E 0\n\nn B lines link regular\n\nn E 0\n".encode()


def test_a_fifo_is_never_opened(sh: list[str], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    answer = call(sh, tmp_path, "N=n", f"sysctl_file {tmp_path}/fifo").stdout
    assert answer == f"\nn B path\n{tmp_path}/fifo\nn E 0\n\nn B lines special\n\nn E 0\n".encode()


@pytest.mark.parametrize(
    "content",
    [b"", b"a", b"a\n", b"a\n\n\n", b"a\r\nb\r\n", b"'\"$(id)`id`\\n%s ${x}\n-n\n", EVERY_BYTE, EVERY_BYTE + b"\n"],
)
def test_a_file_is_written_byte_for_byte(sh: list[str], tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "it's.conf"
    done = call(sh, tmp_path, "umask 077", shlex.join(["set_file", str(file), text_of(content)]))
    assert (done.returncode, done.stderr) == (0, b"")
    assert file.read_bytes() == content
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_is_as_it_should_be_is_not_written_again(sh: list[str], tmp_path: Path) -> None:
    file = tmp_path / "a.conf"
    file.write_bytes(b"a\n")
    inode = file.stat().st_ino
    call(sh, tmp_path, shlex.join(["set_file", str(file), "a\n"]))
    assert file.stat().st_ino == inode
    call(sh, tmp_path, shlex.join(["set_file", str(file), "a"]))
    assert file.read_bytes() == b"a"
    assert file.stat().st_ino != inode


def test_a_link_is_not_written_through(sh: list[str], tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "a.conf"
    target.write_text("old")
    link.symlink_to(target)
    done = call(sh, tmp_path, shlex.join(["set_file", str(link), "new"]) + ' || echo "status $?"')
    assert done.stdout == f"{link} is a symbolic link now\nstatus 1\n".encode()
    assert target.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == [link, target]


def test_a_temporary_file_left_over_is_no_hindrance_and_is_not_followed(sh: list[str], tmp_path: Path) -> None:
    file, target = tmp_path / "a.conf", tmp_path / "target"
    target.write_text("old")
    (tmp_path / ".a.conf.timewait-new").symlink_to(target)
    call(sh, tmp_path, shlex.join(["set_file", str(file), "new"]))
    assert (file.read_text(), target.read_text()) == ("new", "old")
    assert not file.is_symlink()


BLOCK = Place("/etc/sysctl.conf", "99-timewait.conf", block=True)
WHERE = (sed_pattern(BLOCK.begin), sed_pattern(BLOCK.end))
A_BLOCK = f"{BLOCK.begin}format 2\nnet.ipv4.tcp_tw_reuse = 1\n{BLOCK.end}\n"
ANOTHER = A_BLOCK.replace("reuse = 1", "reuse = 0\nnet.ipv4.tcp_rfc1337 = 1")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, "missing"),
        (b"", "whole"),
        (b"one\n", "whole"),
        (b"one\n\n\n", "whole"),
        (b"one\ntwo", "unended"),
        (b"one\r\ntwo\r\n", "whole"),
        (b"one\n" + EVERY_BYTE.replace(b"\n", b"") + b"two", "unended"),
        (b"# linux_tcpxtuning block of 99-timewait.conf, x\n" + ANOTHER.replace("99-", "98-").encode(), "whole"),
    ],
)
def test_a_block_comes_and_goes_and_leaves_every_other_byte(
    sh: list[str], tmp_path: Path, content: bytes | None, found: str
) -> None:
    file = tmp_path / "sysctl.conf"
    if content is not None:
        file.write_bytes(content)
        file.chmod(0o640)
    before = content or b""
    end = b"\n" if found == "unended" else b""
    for text in (A_BLOCK, A_BLOCK, ANOTHER):
        done = call(sh, tmp_path, shlex.join(["set_block", str(file), *WHERE, text]))
        assert (done.stdout, done.stderr, done.returncode) == (b"", b"", 0)
        assert file.read_bytes() == before + end + text.encode()
    assert stat.S_IMODE(file.stat().st_mode) == (0o640 if content is not None else 0o644)
    remove = shlex.join(["remove_block", str(file), *WHERE, found])
    for _twice in range(2):
        done = call(sh, tmp_path, remove)
        assert (done.stdout, done.stderr) == (b"", b"")
        assert (file.read_bytes() if file.exists() else None) == content
    assert [path.name for path in tmp_path.iterdir()] == ([] if content is None else ["sysctl.conf"])


def test_a_block_is_rewritten_where_it_stands_and_lines_behind_it_stay(sh: list[str], tmp_path: Path) -> None:
    file = tmp_path / "sysctl.conf"
    file.write_text(f"one\n{A_BLOCK}two")
    call(sh, tmp_path, shlex.join(["set_block", str(file), *WHERE, ANOTHER]))
    assert file.read_text() == f"one\n{ANOTHER}two"
    call(sh, tmp_path, shlex.join(["remove_block", str(file), *WHERE, "unended"]))
    assert file.read_text() == "one\ntwo"


def test_a_line_like_the_end_of_a_block_before_it_does_no_harm(sh: list[str], tmp_path: Path) -> None:
    file = tmp_path / "sysctl.conf"
    front = f"one\n{BLOCK.end}\ntwo\n"
    file.write_text(f"{front}{A_BLOCK}three\n")
    call(sh, tmp_path, shlex.join(["set_block", str(file), *WHERE, ANOTHER]))
    assert file.read_text() == f"{front}{ANOTHER}three\n"
    call(sh, tmp_path, shlex.join(["remove_block", str(file), *WHERE, "whole"]))
    assert file.read_text() == f"{front}three\n"


def test_a_key_of_no_end_takes_no_time(sh: list[str], tmp_path: Path) -> None:
    file = tmp_path / "zz.conf"
    file.write_text(f"*{'.' * 100000} = 1\nnet.ipv4.tcp_tw_r* = 1\n")
    done = call(sh, tmp_path, f"more_lines {file}")
    assert done.stdout == b"2:net.ipv4.tcp_tw_r* = 1\n"


def test_a_run_of_blanks_of_no_end_takes_no_time(sh: list[str], tmp_path: Path) -> None:
    blanks = " " * 100000
    content = f"{blanks}net.ipv4.tcp_tw_reuse{blanks}={blanks}1;{blanks}\n".encode()
    assert lines_found(sh, tmp_path, content, "more_lines") == b"1:net.ipv4.tcp_tw_reuse = 1;\n"


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        (b"kernel.x = SECRET\0net.ipv4.tcp_tw_reuse = 1\r5", b"#\0net.ipv4.tcp_tw_reuse = 1\r5"),
        (b"net.ipv4.tcp_tw_reuse =\r1 # SECRET", b"net.ipv4.tcp_tw_reuse =\r1 #"),
        (b"net.ipv4.tcp_tw_reuse =\r0011-2233-4455", b"net.ipv4.tcp_tw_reuse =\r#"),
        (b"net.ipv4.tcp_tw_reuse = 1\0SECRET", b"net.ipv4.tcp_tw_reuse = 1\0#"),
        (b"-\rnet.ipv4.tcp_tw_*\r\x03\0\x04", b"-\rnet.ipv4.tcp_tw_*\r#\0#"),
        (b"kernel.x = SECRET\rkernel.y = SECRET\0", None),
        (b"net.ipv4.tcp_tw_reuse = 1 #" + b"\r" * 70000, None),
    ],
)
def test_of_what_is_several_lines_to_systemd_only_pieces_about_our_keys_are_told(
    sh: list[str], tmp_path: Path, line: bytes, sent: bytes | None
) -> None:
    found = lines_found(sh, tmp_path, b"\n" + line + b"\n", "more_lines")
    assert found == (b"" if sent is None else b"2:" + sent + b"\n")


def test_a_text_is_remembered_and_forgotten(sh: list[str], tmp_path: Path) -> None:
    call(sh, tmp_path, shlex.join(["remember", "99-timewait.conf", "a\nb\n"]))
    assert (tmp_path / "linux_tcp.tuning-99-timewait.conf").read_text() == "a\nb\n"
    assert call(sh, tmp_path, "N=n", "remembered").stdout == b"\nn B remembered 99-timewait.conf\na\nb\n\nn E 0\n"
    call(sh, tmp_path, "forget 99-timewait.conf")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_not_there_is_an_error_and_no_end(sh: list[str], tmp_path: Path) -> None:
    done = call(sh, tmp_path, shlex.join(["set_file", str(tmp_path / "no" / "a.conf"), "new"]) + ' || echo "status $?"')
    assert done.stdout.endswith(b"status 1\n")
    assert b"no" in done.stderr


MARKED = Place.file(PATH).mark


def edits(file: Path, number: int) -> tuple[str, str]:
    return (
        shlex.join(["edit_line", str(file), str(number), f"{{/^{sed_pattern(MARKED)}/!s/^/{MARKED}/;}}"]),
        shlex.join(["edit_line", str(file), str(number), f"s/^{sed_pattern(MARKED)}//"]),
    )


@pytest.mark.parametrize(
    "content",
    [
        b"one\ntwo\nthree\n",
        b"one\ntwo",
        b"one\r\ntwo\r\nthree",
        b"one\n\n\n\n",
        b"one\n\xff\xfe" + EVERY_BYTE.replace(b"\n", b"") + b"\nx",
    ],
)
def test_one_line_is_commented_out_and_comes_back_byte_for_byte(sh: list[str], tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "it's.conf"
    file.write_bytes(content)
    file.chmod(0o640)
    out, back = edits(file, 2)
    assert call(sh, tmp_path, out).stderr == b""
    before, two, after = (
        content.partition(content.split(b"\n")[1]) if content.split(b"\n")[1] else (b"one\n", b"", b"\n\n\n")
    )
    assert file.read_bytes() == before + MARKED.encode() + two + after
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert call(sh, tmp_path, back).stderr == b""
    assert file.read_bytes() == content
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [file]


def test_a_line_that_is_not_commented_out_does_not_come_back(sh: list[str], tmp_path: Path) -> None:
    file = tmp_path / "a.conf"
    content = f"x\n{MARKED.replace('.', 'x')}y\n"
    file.write_text(content)
    inode = file.stat().st_ino
    for number in (1, 2, 9):
        assert call(sh, tmp_path, edits(file, number)[1] + " && echo fine").stdout == b"fine\n"
    assert file.read_text() == content
    assert file.stat().st_ino == inode


def test_a_line_that_was_not_brought_back_is_not_marked_twice_by_the_way_back(sh: list[str], tmp_path: Path) -> None:
    file = tmp_path / "a.conf"
    file.write_text(f"{MARKED}x = 1\n")
    assert call(sh, tmp_path, edits(file, 1)[0] + " && echo fine").stdout == b"fine\n"
    assert file.read_text() == f"{MARKED}x = 1\n"


def test_editing_a_file_that_is_gone_is_an_error(sh: list[str], tmp_path: Path) -> None:
    done = call(sh, tmp_path, edits(tmp_path / "gone", 1)[0] + ' || echo "status $?"')
    assert done.stdout == f"{tmp_path}/gone is gone\nstatus 1\n".encode()
    assert not list(tmp_path.iterdir())


class TestKnobs:
    @pytest.fixture
    def ipv4(self, tmp_path: Path) -> Path:
        directory = tmp_path / "ipv4"
        directory.mkdir()
        (directory / "tcp_tw_reuse").write_text("2\n")
        (directory / "ip_local_port_range").write_text("32768\t60999\n")
        return directory

    def test_a_value_is_written_and_read_back(self, sh: list[str], tmp_path: Path, ipv4: Path) -> None:
        done = call(sh, tmp_path, "set_knob tcp_tw_reuse 1 && echo fine")
        assert (done.stdout, (ipv4 / "tcp_tw_reuse").read_text()) == (b"fine\n", "1\n")

    def test_tabs_and_spaces_are_alike(self, sh: list[str], tmp_path: Path, ipv4: Path) -> None:
        done = call(sh, tmp_path, "set_knob ip_local_port_range '32768 60999' && echo fine")
        assert (done.stdout, (ipv4 / "ip_local_port_range").read_text()) == (b"fine\n", "32768\t60999\n")

    def test_a_value_that_is_not_taken_is_an_error(self, sh: list[str], tmp_path: Path, ipv4: Path) -> None:
        (ipv4 / "tcp_rfc1337").symlink_to("/dev/null")
        done = call(sh, tmp_path, 'set_knob tcp_rfc1337 1 || echo "status $?"')
        assert done.stdout == f"{ipv4}/tcp_rfc1337 took '1' and reads ''\nstatus 1\n".encode()

    def test_a_knob_that_cannot_be_written_says_why(self, sh: list[str], tmp_path: Path, ipv4: Path) -> None:
        (ipv4 / "tcp_rfc1337").mkdir()
        done = call(sh, tmp_path, 'set_knob tcp_rfc1337 1 || echo "status $?"')
        assert done.stdout == b"status 1\n"
        assert b"irectory" in done.stderr

    def test_opening_for_writing_changes_nothing(self, sh: list[str], tmp_path: Path, ipv4: Path) -> None:
        (ipv4 / "tcp_rfc1337").symlink_to("/proc/sys/kernel/ostype")  # not even root may write it
        (ipv4 / "tcp_timestamps").mkdir()
        done = call(sh, tmp_path, "N=n", "TRY='tcp_tw_reuse tcp_rfc1337 tcp_timestamps tcp_nothing'", "try_to_write")
        assert (ipv4 / "tcp_tw_reuse").read_text() == "2\n"
        sections = sections_of(done.stdout + b"\nn Z\n", "n")
        assert [(section.argument, bool(section.status)) for section in sections] == [
            ("tcp_tw_reuse", False),
            ("tcp_rfc1337", True),
        ]


class TestLock:
    HOLDER = "lock || { echo refused; exit; }"

    def flags(self, tmp_path: Path) -> list[Path]:
        return sorted(tmp_path.glob("lock.*"))

    def boot(self) -> str:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()

    def test_a_lock_is_taken_and_given_back(self, sh: list[str], tmp_path: Path) -> None:
        done = call(sh, tmp_path, self.HOLDER, "ls -A . >/dev/null", f"ls {tmp_path}", "unlock")
        assert done.stdout.startswith(f"lock.{self.boot()}.".encode())
        assert self.flags(tmp_path) == []

    def test_the_flag_of_a_dead_process_is_taken_away(self, sh: list[str], tmp_path: Path) -> None:
        dead = subprocess.Popen(["true"])
        dead.wait()
        mine = os.getpid()
        for name in (f"{self.boot()}.{dead.pid}.123", f"{self.boot()}.{mine}.1", f"an-earlier-boot.{mine}.1", "odd"):
            (tmp_path / f"lock.{name}").touch()
        done = call(sh, tmp_path, self.HOLDER, "echo got it", "unlock")
        assert done.stdout == b"got it\n"
        assert self.flags(tmp_path) == []

    def test_a_live_holder_is_waited_for_and_then_named(self, sh: list[str], tmp_path: Path) -> None:
        script = functions(tmp_path) + f"{self.HOLDER}\necho held\nread line\nunlock\n"
        with subprocess.Popen([*sh, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
            assert holder.stdin
            assert holder.stdout
            assert holder.stdout.readline() == b"held\n"
            done = call(sh, tmp_path, "PATIENCE=3", self.HOLDER)
            assert (
                done.stdout
                == f"another run, process {holder.pid} on this host, has been at it for 3 s\nrefused\n".encode()
            )
            assert len(self.flags(tmp_path)) == 1
            holder.communicate(b"\n")
        assert self.flags(tmp_path) == []

    def test_of_several_only_one_is_inside_at_a_time(self, sh: list[str], tmp_path: Path) -> None:
        inside = tmp_path / "inside"
        script = (
            functions(tmp_path)
            + f"PATIENCE=400\n{self.HOLDER}\nmkdir {inside} || echo two inside\n"
            + f"command sleep 0.02\nrmdir {inside}\nunlock\necho done\n"
        )
        runs = [subprocess.Popen([*sh, "-c", script], stdout=subprocess.PIPE) for _number in range(5)]
        assert [process.communicate(timeout=30)[0] for process in runs] == [b"done\n"] * 5

    def test_a_directory_that_cannot_be_written_is_no_end(self, sh: list[str], tmp_path: Path) -> None:
        done = call(sh, tmp_path, f"LOCK={tmp_path}/nowhere/lock", self.HOLDER)
        assert done.stdout == b"refused\n"

    def test_the_start_of_a_process_is_found_behind_any_name(self, sh: list[str], tmp_path: Path) -> None:
        program = tmp_path / "a) S 1 (b"
        shutil.copy("/bin/sleep" if not Path("/bin/sleep").is_symlink() else os.path.realpath("/bin/sleep"), program)
        with subprocess.Popen([program, "30"], executable=program) as process:
            stat_line = Path(f"/proc/{process.pid}/stat").read_text()
            done = call(sh, tmp_path, f"start_of {process.pid}")
            process.kill()
        assert done.stdout.decode() == stat_line.rpartition(") ")[2].split()[19]


class TestWhole:
    """The scripts from their first line to their last."""

    @pytest.fixture
    def dropin(self, tmp_path: Path) -> Path:
        (tmp_path / "ipv4").mkdir()
        (tmp_path / "ipv4" / "tcp_tw_reuse").write_text("2\n")
        (tmp_path / "sysctl.d").mkdir()
        return tmp_path / "sysctl.d" / "99-timewait.conf"

    def probed(self, sh: Sequence[str], tmp_path: Path, probe: Probe) -> tuple[bytes, list[Section]]:
        done = run(sh, placed_probe(probe_script(probe), tmp_path))
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout, sections_of(done.stdout, probe.nonce)

    def applied(
        self, sh: Sequence[str], tmp_path: Path, probe: Probe, expected: str, steps: Sequence[Step]
    ) -> dict[str, Section]:
        done = run(sh, placed(apply_script(probe, expected, steps, []), tmp_path))
        assert done.returncode == 0
        return {section.name: section for section in sections_of(done.stdout, probe.nonce)}

    def steps(self, dropin: Path, text: str = f"{OWNER}1\n") -> list[Step]:
        return [
            Step("file", ("set_file", str(dropin), text), ("remove_file", str(dropin))),
            Step("knob", ("set_knob", "tcp_tw_reuse", "1"), ("set_knob", "tcp_tw_reuse", "2")),
        ]

    def test_a_probe_answers(self, sh: list[str], tmp_path: Path, dropin: Path) -> None:
        _answer, sections = self.probed(
            sh, tmp_path, Probe(str(dropin), ("tcp_tw_reuse",), listeners=True, defaults=True)
        )
        snapshot = snapshot_of(sections)
        assert snapshot.kernel.release == os.uname().release
        assert snapshot.uid == os.geteuid()
        assert snapshot.knobs == {"tcp_tw_reuse": 2}
        assert snapshot.dropin
        assert snapshot.dropin.kind == "missing"
        assert snapshot.parent
        assert (snapshot.parent.kind, snapshot.parent.writable, snapshot.parent.mode[:4]) == ("directory", True, "drwx")
        assert snapshot.files[-1].path == "/etc/sysctl.conf"

    def test_a_plan_is_carried_out(self, sh: list[str], tmp_path: Path, dropin: Path) -> None:
        probe = Probe(str(dropin))
        answer, _sections = self.probed(sh, tmp_path, probe)
        sections = self.applied(sh, tmp_path, probe, state_of(answer, probe.nonce), self.steps(dropin))
        assert "done" in sections
        assert sections["lock"].status == 0
        assert sections["knob"].content == b"1\n"
        assert sections["dropin"].text == dropin.read_text() == f"{OWNER}1\n"
        assert not list(tmp_path.glob("lock.*"))

    def test_a_state_of_any_bytes_is_known_again(self, sh: list[str], tmp_path: Path, dropin: Path) -> None:
        dropin.write_bytes(OWNER.encode() + b"1\n\0" + EVERY_BYTE * 2 + b"\n\n\n")
        probe = Probe(str(dropin))
        answer, _sections = self.probed(sh, tmp_path, probe)
        assert "done" in self.applied(sh, tmp_path, probe, state_of(answer, probe.nonce), self.steps(dropin))

    @pytest.mark.parametrize("what", ["knob", "dropin", "newline", "directory"])
    def test_a_host_that_changed_meanwhile_is_left_alone(
        self, sh: list[str], tmp_path: Path, dropin: Path, what: str
    ) -> None:
        dropin.write_text(f"{OWNER}1\nx\n")
        probe = Probe(str(dropin))
        answer, _sections = self.probed(sh, tmp_path, probe)
        if what == "knob":
            (tmp_path / "ipv4" / "tcp_tw_reuse").write_text("0\n")
        elif what == "directory":
            dropin.parent.chmod(0o777)
        else:
            end = " " if what == "dropin" else "\n"
            dropin.write_text(f"{OWNER}1\nx{end}\n")
        before = dropin.read_bytes()
        sections = self.applied(sh, tmp_path, probe, state_of(answer, probe.nonce), self.steps(dropin))
        assert "changed_meanwhile" in sections
        assert "done" not in sections
        assert dropin.read_bytes() == before

    def test_a_step_that_fails_takes_everything_back_in_the_opposite_order(
        self, sh: list[str], tmp_path: Path, dropin: Path
    ) -> None:
        probe = Probe(str(dropin))
        answer, _sections = self.probed(sh, tmp_path, probe)
        steps = [
            *self.steps(dropin),
            Step("fails", ("sh", "-c", "echo my words; exit 3"), ("true",)),
            Step("never", ("set_file", f"{tmp_path}/never", "x"), ("true",)),
        ]
        sections = self.applied(sh, tmp_path, probe, state_of(answer, probe.nonce), steps)
        assert (sections["failed"].argument, sections["failed"].text) == ("3", "my words")
        assert "not_undone" not in sections
        assert not dropin.exists()
        assert (tmp_path / "ipv4" / "tcp_tw_reuse").read_text() == "2\n"
        assert not (tmp_path / "never").exists()
        assert sections["knob"].content == b"2\n"

    def test_a_way_back_that_fails_is_told_and_the_others_are_gone(
        self, sh: list[str], tmp_path: Path, dropin: Path
    ) -> None:
        probe = Probe(str(dropin))
        answer, _sections = self.probed(sh, tmp_path, probe)
        first = self.steps(dropin)[0]
        steps = [first, Step("s", ("true",), ("sh", "-c", "echo no way; exit 1")), Step("fails", ("false",), ("true",))]
        sections = self.applied(sh, tmp_path, probe, state_of(answer, probe.nonce), steps)
        assert (sections["not_undone"].argument, sections["not_undone"].text) == ("2", "no way")
        assert not dropin.exists()

    def test_signals_and_a_closed_connection_do_not_end_it_half_way(
        self, sh: list[str], tmp_path: Path, dropin: Path
    ) -> None:
        probe = Probe(str(dropin))
        answer, _sections = self.probed(sh, tmp_path, probe)
        started = tmp_path / "started"
        steps = [Step("slow", ("sh", "-c", f": >{started}; sleep 0.3"), ("true",)), *self.steps(dropin)]
        script = placed(apply_script(probe, state_of(answer, probe.nonce), steps, []), tmp_path)
        with subprocess.Popen(sh, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdin
            assert process.stdout
            process.stdin.write(script.encode("utf-8", "surrogateescape"))
            process.stdin.close()
            until = time.monotonic() + 10
            while not started.exists() and time.monotonic() < until:
                time.sleep(0.01)
            process.stdout.close()
            for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
                process.send_signal(number)
            process.wait(timeout=10)
        assert dropin.read_text() == f"{OWNER}1\n"
        assert (tmp_path / "ipv4" / "tcp_tw_reuse").read_text() == "1\n"
        assert not list(tmp_path.glob("lock.*"))

    def test_a_lock_that_cannot_be_had_ends_it_before_the_first_step(
        self, sh: list[str], tmp_path: Path, dropin: Path
    ) -> None:
        probe = Probe(str(dropin))
        answer, _sections = self.probed(sh, tmp_path, probe)
        script = placed(apply_script(probe, state_of(answer, probe.nonce), self.steps(dropin), []), tmp_path)
        script = script.replace(f"LOCK={tmp_path}/lock", f"LOCK={tmp_path}/nowhere/lock")
        sections = {section.name: section for section in sections_of(run(sh, script).stdout, probe.nonce)}
        assert sections["lock"].status == 1
        assert "done" not in sections
        assert not dropin.exists()

    def test_a_script_cut_off_on_its_way_does_nothing(self, sh: list[str], tmp_path: Path, dropin: Path) -> None:
        probe = Probe(str(dropin))
        answer, _sections = self.probed(sh, tmp_path, probe)
        script = placed(apply_script(probe, state_of(answer, probe.nonce), self.steps(dropin), []), tmp_path)
        last = len(script) - len("}\n")
        # "apply_main" cut to "apply", and "do_1" cut from "do_10", are names of functions too.
        named = [script.rindex("apply_main") + len("apply"), script.index("do_1()") + len("do_1")]
        for end in [*range(0, last, last // 25), *named, *range(last - 12, last)]:
            done = run(sh, script[:end])
            assert probe.nonce.encode() not in done.stdout, end
            assert not dropin.exists(), end
        assert probe.nonce.encode() in run(sh, script[:-1]).stdout


def placed_probe(script: str, tmp_path: Path) -> str:
    return script.replace("IPV4=/proc/sys/net/ipv4\n", f"IPV4={shlex.quote(str(tmp_path / 'ipv4'))}\n")


#: What a host has, and the kind of container that it is taken for. PID 1 has a secret in its environment.
CONTAINERS = {
    "none": ({}, b""),
    "podman": ({"run/.containerenv": "", ".dockerenv": ""}, b"podman"),
    "docker": ({".dockerenv": "", "run/systemd/container": "docker\n"}, b"docker"),
    "kubernetes": ({"var/run/secrets/kubernetes.io/namespace": "x", "run/.containerenv": ""}, b"kubernetes"),
    "told by systemd": ({"run/systemd/container": "systemd-nspawn\n"}, b"systemd-nspawn"),
    "another": ({"run/systemd/container": "wsl\n"}, b"wsl"),
    "LXC without systemd": ({"proc/1/environ": "TERM=x\0container=lxc\0PASSWORD=secret\0"}, b"lxc"),
    "a user namespace": ({"proc/self/uid_map": "         0     100000      65536\n"}, b"unknown"),
    "LXC in a user namespace": (
        {"proc/self/uid_map": "0 100000 65536\n", "proc/1/environ": "container=lxc\0"},
        b"lxc",
    ),
    "no user namespace": (
        {"proc/self/uid_map": "         0          0 4294967295\n", "proc/1/environ": "A=b\0container=\0"},
        b"",
    ),
    "a machine of its own": (
        {"proc/sys/net/core/netdev_max_backlog": "", "proc/1/environ": "container=lxc\0"},
        b"",
    ),
}


@pytest.mark.parametrize("case", CONTAINERS)
def test_a_container_is_told_by_its_kind_in_one_word(sh: list[str], tmp_path: Path, case: str) -> None:
    tree, kind = CONTAINERS[case]
    for name, content in tree.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    script = functions(tmp_path)
    for place in ("/run/", "/var/run/secrets", "/.dockerenv", "/proc/self/uid_map", "/proc/1/", "/proc/sys/net/core"):
        script = script.replace(f" {place}", f" {tmp_path}{place}")
        script = script.replace(f"<{place}", f"<{tmp_path}{place}").replace(f"={place}", f"={tmp_path}{place}")
    done = run(sh, f"{script}unset KUBERNETES_SERVICE_HOST; N=n\ncontainer\n")
    assert done.stderr == b""
    assert done.stdout == (b"\nn B container\n" + kind + b"\nn E 0\n" if kind else b"")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("net.ipv4.tcp_tw_reuse = 1", True),
        (" # net/ipv4/tcp_tw_reuse=0\r", True),
        (f"{MARK}edited: /etc/sysctl.d/a=b:c.conf", True),
        ("# before: net.ipv4.tcp_timestamps = 1", True),
        ("# commented out a line in: /etc/sysctl.d/a=b.conf", True),
        ("#   sed -i -e '/tcp_tw_recycle/b' /etc/sysctl.d/a.conf", True),
        ("# somebody was here", True),
        ("net.ipv4.tcp_fastopen_key = SECRET", False),
        ("#net.ipv4.tcp_fastopen_key=SECRET", False),
        ("net.ipv4.tcp_tw_reuse = 1 # SECRET", False),
        ("net.ipv4.tcp_* = SECRET", False),
        ("net.ipv4.tcp_tw_reuse = 1\rnet.ipv4.tcp_fastopen_key = SECRET", False),
    ],
)
def test_a_setting_of_somebody_else_in_a_text_of_ours_is_not_told(
    sh: list[str], tmp_path: Path, line: str, told: bool
) -> None:
    file = tmp_path / "ours.conf"
    content = f"{OWNER}2\n{line}\nnet.ipv4.tcp_rfc1337 = 1\n"
    file.write_bytes(content.encode())
    answer = call(sh, tmp_path, "N=n", f"sysctl_file {file}; DROPIN={file}; dropin").stdout.decode()
    assert (line in answer) is told
    assert (FOREIGN in answer) is not told
    assert "SECRET" not in answer
    assert (f"n B dropin regular\n{content}\nn E 0\n" in answer) is told
