# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest is made of, and how its answers are read."""

from __future__ import annotations

import base64
import lzma
import os
import stat
import struct
import subprocess
from pathlib import Path

import pytest

from tests.kernels import steps
from tests.kernels.__main__ import LACKING, main
from tests.kernels.boot import Answer, Failed, answers_in
from tests.kernels.checks import OLD_KERNELS_ONLY
from tests.kernels.images import kernels_in, modules_of, release_of
from tests.kernels.initramfs import Archive, libraries_in

ROOT = Path(__file__).parents[3]


def image(text: str) -> bytes:
    made = bytearray(0x400)
    made[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", made, 0x20E, 0x100)
    words = text.encode() + b"\0"
    made[0x300 : 0x300 + len(words)] = words
    return bytes(made)


def test_a_kernel_says_which_release_it_is() -> None:
    assert release_of(image("4.9.0-13-amd64 (a@b) #1 SMP Debian 4.9.228-1")) == "4.9.0-13-amd64"


@pytest.mark.parametrize("content", [b"", b"\x7fELF" + b"\0" * 0x400, b"\0" * 0x400, image("")])
def test_what_is_no_kernel_has_no_release(content: bytes) -> None:
    assert release_of(content) is None


def test_kernels_are_found_by_their_names_and_what_is_in_them_the_oldest_first(tmp_path: Path) -> None:
    names = {
        "vmlinuz-6.1": "6.1.0 x",
        "bzImage": "3.10.105 x",
        "boot/vmlinuz-4.19": "4.19.2-a x",
        "usr/lib/modules/7.2/vmlinuz": "7.2 x",
        "initrd.img": "4.4.1 x",
    }
    for name, text in names.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(image(text))
    (tmp_path / "vmlinuz-notes").write_text("no kernel")
    assert [kernel.release for kernel in kernels_in(tmp_path)] == ["3.10.105", "4.19.2-a", "6.1.0", "7.2"]


@pytest.mark.parametrize("place", ["lib/modules", "usr/lib/modules"])
def test_modules_beside_a_kernel_are_taken_unpacked_and_in_order(tmp_path: Path, place: str) -> None:
    (tmp_path / "bzImage").write_bytes(image("6.1.0 x"))
    [kernel] = kernels_in(tmp_path)
    assert modules_of(kernel) == {}
    directory = tmp_path / place / "6.1.0/kernel/net/ipv4"
    directory.mkdir(parents=True)
    (directory / "tcp_diag.ko.xz").write_bytes(lzma.compress(b"tcp"))
    (directory / "inet_diag.ko").write_bytes(b"inet")
    assert modules_of(kernel) == {"0-inet_diag.ko": b"inet", "1-tcp_diag.ko": b"tcp"}


def test_an_archive_is_one_that_cpio_reads(tmp_path: Path) -> None:
    cpio = next((name for name in ("busybox", "cpio") if _runs(name)), None)
    if not cpio:
        pytest.skip("there is neither busybox nor cpio")
    archive = Archive()
    archive.add("/a/b/file", b"12345", stat.S_IFREG | 0o640)
    archive.add("a/b/file", b"never taken")
    archive.link("a/link", "b/file")
    command = ["busybox", "cpio"] if cpio == "busybox" else ["cpio"]
    subprocess.run([*command, "-i", "-d"], input=archive.bytes(), cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "a/b/file").read_bytes() == b"12345"
    assert stat.S_IMODE((tmp_path / "a/b/file").stat().st_mode) == 0o640
    assert (tmp_path / "a/link").readlink() == Path("b/file")


def _runs(name: str) -> bool:
    try:
        return subprocess.run([name, "--help"], capture_output=True, check=False).returncode in (0, 1)
    except FileNotFoundError:
        return False


def test_archives_can_stand_one_behind_the_other() -> None:
    archive = Archive()
    archive.add("dev/null", mode=stat.S_IFCHR | 0o600, device=(1, 3))
    assert len(archive.bytes()) % 4 == 0
    assert archive.bytes().count(b"070701") == 3


def test_libraries_are_those_that_ldd_found() -> None:
    listing = (
        "\tlinux-vdso.so.1 (0x00007ffd)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n"
        "\tlibgone.so => not found\n\t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n"
    )
    assert libraries_in(listing) == ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"]
    assert libraries_in("\tnot a dynamic executable\n") == []


def said(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in ("", *lines)).encode()


def test_answers_are_read_from_between_what_a_kernel_says() -> None:
    content = bytes(range(256))
    coded = base64.encodebytes(content).decode().splitlines()
    text = said("[    1.0] hello", "m A", "m B one 0", *coded, "m E", "[   2.0] more", "m B two 3", "m E", "m Z")
    assert answers_in(text, "m") == {"one": Answer(0, content), "two": Answer(3, b"")}


@pytest.mark.parametrize("last", ["", "x m Z", "m Zzz"])
def test_without_its_end_an_answer_is_none(last: str) -> None:
    with pytest.raises(Failed):
        answers_in(said("m B one 0", "m E", last), "m")


def test_an_answer_that_is_cut_off_is_left_out() -> None:
    assert answers_in(said("m B one 0", "AAAA", "m B two 0", "m E", "m Z"), "m") == {"two": Answer(0, b"")}


def test_what_a_guest_runs_is_shell(tmp_path: Path) -> None:
    script = steps.Script()
    for name in ("init", "guest/probe", "guest/facts", *(f"guest/census_{name}" for name in steps.COUNTERS)):
        path = tmp_path / name.replace("/", "_")
        path.write_text(script.files()[name])
        subprocess.run(["sh", "-n", str(path)], check=True)
    assert f"answer recycle_remedy {steps.RECYCLE_OFF}\n" in script.files()["init"]
    assert steps.NOT_LOOPBACK in script.files()["init"]


def test_a_directory_without_kernels_is_something_lacking(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == LACKING


@pytest.mark.parametrize("arguments", [[], [""], ["/nonexistent"]])
def test_without_kernels_one_line_says_which_findings_are_not_shown(arguments: list[str]) -> None:
    done = subprocess.run(
        [str(ROOT / "dev/test-kernels"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "LACKING_FILE"},
    )
    assert done.returncode == LACKING
    [line] = done.stderr.splitlines()
    assert all(name in line for name in OLD_KERNELS_ONLY)
    assert "missing: kernels" in line
