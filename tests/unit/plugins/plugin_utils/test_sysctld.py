# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._loaders import LOADERS, Loader
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._sysctld import (
    Line,
    SysctlFile,
    decide,
    files_in_order,
    is_glob,
    matches,
    normalized,
    parse_line,
    settings_in,
)
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.simulated import a_host

SYSTEMD, SYSTEMD_252, SYSTEMD_250, SYSTEMD_245, SYSTEMD_243, SYSTEMD_OLD = LOADERS[:6]
PROCPS, PROCPS_4, PROCPS_3_3_17, PROCPS_OLD = LOADERS[6:]
REUSE = "net/ipv4/tcp_tw_reuse"
A, B = "/etc/sysctl.d/a.conf", "/etc/sysctl.d/b.conf"


def decided(files: Mapping[str, str], loader: Loader, **more: object) -> str | None:
    return decide(REUSE, a_host(files=dict(files), **more).snapshot().files, loader).value


def one(text: str, loader: Loader) -> str | None:
    return decided({A: text}, loader)


def test_the_last_assignment_of_a_file_wins() -> None:
    for loader in LOADERS:
        assert one("net.ipv4.tcp_tw_reuse = 1\nnet.ipv4.tcp_tw_reuse=0", loader) == "0"


def test_the_file_with_the_later_name_wins_wherever_it_lies() -> None:
    files = {"/usr/lib/sysctl.d/b.conf": "net.ipv4.tcp_tw_reuse=0", A: "net.ipv4.tcp_tw_reuse=1"}
    for loader in LOADERS:
        assert decided(files, loader) == "0"


@pytest.mark.parametrize(
    ("higher", "lower"),
    [
        ("/etc", "/run"),
        ("/etc", "/usr/lib"),
        ("/run", "/usr/local/lib"),
        ("/usr/local/lib", "/usr/lib"),
        ("/usr/lib", "/lib"),
    ],
)
def test_a_file_hides_one_of_the_same_name_in_a_lower_directory(higher: str, lower: str) -> None:
    files = {
        f"{higher}/sysctl.d/a.conf": "net.ipv4.tcp_tw_reuse=1",
        f"{lower}/sysctl.d/a.conf": "net.ipv4.tcp_tw_reuse=0",
    }
    assert decided(files, SYSTEMD) == decided(files, PROCPS) == "1"
    # Older releases of procps have /run before /etc.
    assert decided(files, PROCPS_OLD) == ("0" if higher == "/etc" and lower == "/run" else "1")


@pytest.mark.parametrize("mask", ["link", "dangling link", "empty", "directory"])
def test_a_file_is_masked_by_whatever_has_its_name(mask: str) -> None:
    host = a_host(files={"/usr/lib/sysctl.d/a.conf": "net.ipv4.tcp_tw_reuse=1"})
    if mask == "link":
        host.links[A] = "/dev/null"
    elif mask == "dangling link":
        host.links[A] = "/nowhere"
    elif mask == "empty":
        host.files[A] = ""
    else:
        host.special[A] = "directory"
    for loader in (SYSTEMD, PROCPS):
        assert decide(REUSE, host.snapshot().files, loader).value is None


@pytest.mark.parametrize("name", ["a", "a.conf~", "a.conf.rpmsave", "README", "a.CONF"])
def test_a_file_of_another_name_is_not_read(name: str) -> None:
    assert decided({f"/etc/sysctl.d/{name}": "net.ipv4.tcp_tw_reuse=1"}, SYSTEMD) is None
    assert decided({f"/etc/sysctl.d/{name}": "net.ipv4.tcp_tw_reuse=1"}, PROCPS) is None


@pytest.mark.parametrize("name", [".a.conf", ".conf"])
def test_procps_reads_hidden_files(name: str) -> None:
    files = {f"/etc/sysctl.d/{name}": "net.ipv4.tcp_tw_reuse=1"}
    assert (decided(files, SYSTEMD), decided(files, PROCPS)) == (None, "1")


def test_procps_alone_reads_sysctl_conf_and_reads_it_last() -> None:
    files = {"/etc/sysctl.conf": "net.ipv4.tcp_tw_reuse=1", "/etc/sysctl.d/zz.conf": "net.ipv4.tcp_tw_reuse=0"}
    assert (decided(files, SYSTEMD), decided(files, PROCPS)) == ("0", "1")


def test_a_link_to_sysctl_conf_is_read_in_its_place() -> None:
    files = {"/etc/sysctl.conf": "net.ipv4.tcp_tw_reuse=1", "/etc/sysctl.d/98.conf": "net.ipv4.tcp_tw_reuse=0"}
    host = a_host(files=files, links={"/etc/sysctl.d/99-sysctl.conf": "/etc/sysctl.conf"})
    decision = decide(REUSE, host.snapshot().files, SYSTEMD)
    assert decision.value == "1"
    assert decision.setting
    assert decision.setting.file.path == "/etc/sysctl.d/99-sysctl.conf"
    assert decision.setting.file.is_sysctl_conf


def test_names_are_ordered_by_their_bytes() -> None:
    names = ["B.conf", "_.conf", "a.conf", "99-a.conf", "99.conf", "99_a.conf", "é.conf", "z.conf", "\udcff.conf"]
    files = [SysctlFile(f"/etc/sysctl.d/{name}", "regular") for name in sorted(names)]
    ordered = [file.name for file in files_in_order(files, SYSTEMD)]
    assert ordered == [
        "99-a.conf", "99.conf", "99_a.conf", "B.conf", "_.conf", "a.conf", "z.conf", "é.conf", "\udcff.conf"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "net.ipv4.tcp_tw_reuse = 1",
        "\tnet.ipv4.tcp_tw_reuse\t=\t1\t",
        "net.ipv4.tcp_tw_reuse=1\r",
        "net/ipv4/tcp_tw_reuse = 1",
        "/net/ipv4/tcp_tw_reuse = 1",
        ".net.ipv4.tcp_tw_reuse = 1",
        "net//ipv4/tcp_tw_reuse = 1",
        "net..ipv4.tcp_tw_reuse = 1",
        "net/./ipv4/tcp_tw_reuse = 1",
        "net.ipv4.tcp_tw_reuse = 1\0junk",
        "-net.ipv4.tcp_tw_reuse = 1",
    ],
)
def test_spellings_of_a_line_that_both_loaders_take(text: str) -> None:
    assert one(text, SYSTEMD) == one(text, PROCPS) == "1"


@pytest.mark.parametrize(
    "text",
    [
        "# net.ipv4.tcp_tw_reuse = 1",
        "  ; net.ipv4.tcp_tw_reuse = 1",
        "net.ipv4.tcp_tw_reuse 1",
        "net.ipv4/tcp_tw_reuse = 1",
        "net/ipv4.tcp_tw_reuse = 1",
        "\ufeffnet.ipv4.tcp_tw_reuse = 1",
        "/proc/sys/net/ipv4/tcp_tw_reuse = 1",
        "net.ipv4. tcp_tw_reuse = 1",
        "tcp_tw_reuse = 1",
        "",
    ],
)
def test_lines_that_neither_loader_takes(text: str) -> None:
    assert one(text, SYSTEMD) is None
    assert one(text, PROCPS) is None


@pytest.mark.parametrize(
    ("text", "systemd", "procps"),
    [
        # systemd tidies a key; procps asks the kernel for what is written.
        ("net/ipv4/tcp_tw_reuse/ = 1", "1", None),
        ("net.ipv4.tcp_tw_reuse. = 1", "1", None),
        ("net/ipv4/../ipv4/tcp_tw_reuse = 1", None, "1"),
        # procps drops two dashes, and knows more white space.
        ("--net.ipv4.tcp_tw_reuse = 1", None, "1"),
        ("---net.ipv4.tcp_tw_reuse = 1", None, None),
        ("- net.ipv4.tcp_tw_reuse = 1", "1", None),
        ("\fnet.ipv4.tcp_tw_reuse\v= 1", None, "1"),
    ],
)
def test_spellings_that_the_loaders_take_differently(text: str, systemd: str | None, procps: str | None) -> None:
    assert (one(text, SYSTEMD), one(text, PROCPS)) == (systemd, procps)


@pytest.mark.parametrize(
    "glob",
    [
        "net.ipv4.tcp_tw_reus*",
        "net/ipv4/tcp_tw_reus?",
        "net.*.tcp_tw_reuse",
        "*.ipv4.tcp_tw_reuse",
        "net//ipv4/tcp_tw_reus*",
        "net.ipv4.tcp_tw_reus[a-f]",
        "net.ipv4.tcp_tw_reus[!x]",
        "net.ipv4.tcp_tw_reus[^x]",
        "net.ipv4.tcp_tw_reus[#e]",
        "net.ipv4.tcp_tw_reus[[:alpha:]]",
        "net.ipv4.tcp_tw_reus[^[:digit:]]",
        "net.ipv4.tcp_tw_re\\us*",
    ],
)
def test_globs_that_both_loaders_expand(glob: str) -> None:
    assert one(f"{glob} = 1", SYSTEMD) == one(f"{glob} = 1", PROCPS) == "1"


@pytest.mark.parametrize(
    "glob",
    [
        "net.*tcp_tw_reuse",
        "net.*",
        "net.ipv4.tcp_tw_reuse?",
        "net.ipv4.tcp_tw_reus[x]",
        "net.ipv4.tcp_tw_reus[[:digit:]]",
        "net.ipv4.tcp_tw_reus[e",
        "net.ipv4.tcp_tw_re\\*use",
        "net.ipv6.tcp_*",
    ],
)
def test_globs_that_do_not_match(glob: str) -> None:
    assert one(f"{glob} = 1", SYSTEMD) is None
    assert one(f"{glob} = 1", PROCPS) is None


@pytest.mark.parametrize(
    "glob",
    [
        "net.ipv4.tcp_tw_{reuse,x*}",
        "net.ipv4.tcp_{x,tw_{reus?,y}}",
        "net.ipv4.tcp_tw_{reus?}",
        "net.{ipv4.tcp_tw_reus?,x}",
    ],
)
def test_systemd_alone_knows_alternatives_in_braces(glob: str) -> None:
    assert (one(f"{glob} = 1", SYSTEMD), one(f"{glob} = 1", PROCPS)) == ("1", None)


def test_braces_alone_make_no_glob() -> None:
    assert one("net.ipv4.tcp_tw_{reuse,x} = 1", SYSTEMD) is None


def test_braces_without_end_take_no_time() -> None:
    assert one("net.ipv4." + "{a,b}" * 5000 + "* = 1", SYSTEMD) is None
    assert one("net.ipv4." + "{" + "a," * 50000 + "}{a,b}* = 1", SYSTEMD) is None


@pytest.mark.parametrize("loader", [SYSTEMD_243, SYSTEMD_OLD, PROCPS_OLD])
def test_older_loaders_know_no_globs(loader: Loader) -> None:
    assert one("net.ipv4.tcp_tw_reus* = 1", loader) is None


def test_older_systemd_knows_no_dash() -> None:
    assert one("-net.ipv4.tcp_tw_reuse = 1", SYSTEMD_OLD) is None
    assert one("-net.ipv4.tcp_tw_reuse = 1", SYSTEMD_243) == "1"


def test_an_assignment_to_the_key_beats_a_glob_in_a_later_file() -> None:
    files = {A: "net.ipv4.tcp_tw_reuse=0", B: "net.ipv4.tcp_tw_reus*=1"}
    assert decided(files, SYSTEMD) == decided(files, PROCPS) == "0"


def test_a_bare_dash_keeps_a_key_out_of_globs() -> None:
    text = "net.ipv4.tcp_tw_reus*=1\n-net.ipv4.tcp_tw_reuse"
    for loader in (SYSTEMD, PROCPS):
        decision = decide(REUSE, a_host(files={A: text}).snapshot().files, loader)
        assert decision.value is None
        assert decision.setting
        assert decision.setting.line.number == 2


def test_a_bare_dash_cancels_an_assignment_before_it_for_systemd_only() -> None:
    text = "net.ipv4.tcp_tw_reuse=1\n-net.ipv4.tcp_tw_reuse"
    assert (one(text, SYSTEMD), one(text, PROCPS)) == (None, "1")


def test_an_assignment_after_a_bare_dash_counts() -> None:
    text = "-net.ipv4.tcp_tw_reuse\nnet.ipv4.tcp_tw_reuse=1"
    assert one(text, SYSTEMD) == one(text, PROCPS) == "1"


def test_a_bare_dash_and_a_space_exclude_for_systemd_only() -> None:
    text = "net.ipv4.tcp_tw_reus*=1\n- net.ipv4.tcp_tw_reuse"
    assert (one(text, SYSTEMD), one(text, PROCPS)) == (None, "1")


def test_two_bare_dashes_exclude_for_procps_only() -> None:
    text = "net.ipv4.tcp_tw_reus*=1\n--net.ipv4.tcp_tw_reuse"
    assert (one(text, SYSTEMD), one(text, PROCPS)) == ("1", None)


def test_a_bare_dash_before_a_glob_cancels_that_very_glob_for_systemd() -> None:
    text = "net.ipv4.tcp_tw_reu*=1\n-net.ipv4.tcp_tw_reu*"
    assert (one(text, SYSTEMD), one(text, PROCPS_4)) == (None, "1")
    other = "net.ipv4.tcp_tw_reu*=1\n-net.ipv4.tcp_tw_*se"
    assert one(other, SYSTEMD) == one(other, PROCPS_4) == "1"


def test_a_bare_dash_before_a_glob_keeps_what_it_matches_from_any_glob_since_procps_4_0_5() -> None:
    for glob in ("net.ipv4.tcp_tw_reu*", "net.ipv4.tcp_tw_*se", "net.*reuse"):
        text = f"net.ipv4.tcp_tw_reu*=1\n-{glob}"
        assert (one(text, PROCPS), one(text, PROCPS_4)) == (None, "1")
    assert one("net.ipv4.tcp_tw_reuse=1\n-net.ipv4.tcp_*", PROCPS) == "1"


def test_carriage_returns_and_nuls_end_lines_for_systemd_only() -> None:
    for end in "\r\0":
        text = f"# x{end}net.ipv4.tcp_tw_reuse=1"
        assert (one(text, SYSTEMD), one(text, PROCPS), one(text, PROCPS_3_3_17)) == ("1", None, None)
    # What strtok(3) leaves behind a value is a part of it.
    assert one("net.ipv4.tcp_tw_reuse= 1\t\r0", PROCPS_3_3_17) == "1\t"
    text = "net.ipv4.tcp_tw_reuse=1\r0"
    assert (one(text, SYSTEMD), one(text, PROCPS), one(text, PROCPS_3_3_17)) == ("1", "1\r0", "1")


def test_a_glob_repeated_with_its_value_keeps_its_place_for_systemd() -> None:
    text = "net.ipv4.tcp_tw_reu*=1\nnet.ipv4.tcp_tw_re*se=0\nnet.ipv4.tcp_tw_reu*=1"
    assert (one(text, SYSTEMD), one(text, PROCPS)) == ("0", "1")


def test_a_glob_repeated_with_another_value_moves_to_the_end() -> None:
    text = "net.ipv4.tcp_tw_reu*=2\nnet.ipv4.tcp_tw_re*se=0\nnet.ipv4.tcp_tw_reu*=1"
    assert one(text, SYSTEMD) == one(text, PROCPS) == "1"


@pytest.mark.parametrize("key", ["net//ipv4/tcp_tw_reuse", "/net/ipv4/tcp_tw_reuse"])
def test_procps_does_not_see_that_a_key_spelt_otherwise_is_the_same(key: str) -> None:
    text = f"{key} = 1\nnet.ipv4.tcp_tw_reu* = 0"
    assert (one(text, SYSTEMD), one(text, PROCPS)) == ("1", "0")
    excluded = f"-{key}\nnet.ipv4.tcp_tw_reu* = 0"
    assert (one(excluded, SYSTEMD), one(excluded, PROCPS)) == (None, "0")


def test_the_deciding_line_is_named() -> None:
    host = a_host(files={A: "# one\n\nnet.ipv4.tcp_tw_reuse = 1\n", B: "net.ipv4.tcp_timestamps = 1"})
    decision = decide(REUSE, host.snapshot().files, SYSTEMD)
    assert decision.setting
    assert (decision.setting.file.path, decision.setting.line) == (A, Line(3, "net.ipv4.tcp_tw_reuse = 1"))
    assert not decision.setting.ignore_failure


@pytest.mark.parametrize("loader", [SYSTEMD, PROCPS])
@pytest.mark.parametrize("key", ["net.ipv4.tcp_tw_reuse =", "net.ipv4.tcp_tw_reus* ="])
def test_of_several_lines_the_deciding_one_is_named(loader: Loader, key: str) -> None:
    host = a_host(files={A: f"{key} 1\n{key} 1\n{key} 0\n{key} 0"})
    decision = decide(REUSE, host.snapshot().files, loader)
    assert decision.setting
    assert (decision.value, decision.setting.line.number) == ("0", 4)


def test_of_several_exclusions_the_last_one_is_named() -> None:
    decision = decide(REUSE, a_host(files={A: "-net.ipv4.tcp_tw_reuse\n" * 2}).snapshot().files, PROCPS)
    assert decision.setting
    assert decision.setting.line.number == 2


def test_a_comment_sign_behind_a_value_does_not_make_a_comment() -> None:
    assert one("net.ipv4.tcp_tw_reuse = 1 #", SYSTEMD) == "1 #"
    assert one("net.ipv4.tcp_tw_reuse = 1;", PROCPS) == "1;"


def test_a_value_is_taken_as_it_is_written() -> None:
    assert one("net.ipv4.tcp_tw_reuse == 1 # note", SYSTEMD) == "= 1 # note"
    assert one("net.ipv4.tcp_tw_reuse =", SYSTEMD) == ""


def test_without_a_line_nothing_is_decided() -> None:
    decision = decide(REUSE, a_host().snapshot().files, SYSTEMD)
    assert (decision.value, decision.setting) == (None, None)


@given(st.text(max_size=40), st.sampled_from(LOADERS))
@example("=1", SYSTEMD)
@example("-", PROCPS)
@example("[", SYSTEMD)
def test_any_line_is_a_setting_or_none(text: str, loader: Loader) -> None:
    file = SysctlFile(A, "regular", lines=(Line(1, text),))
    setting = parse_line(file.lines[0], file, loader)
    assert settings_in(file, loader) == ([setting] if setting else [])
    assert isinstance(decide(REUSE, [file], loader).value, (str, type(None)))


@given(st.text("abc./", max_size=20))
def test_a_normalized_key_has_no_empty_parts(key: str) -> None:
    path = normalized(key)
    assert all(part not in ("", ".") for part in path.split("/")) or path == ""
    assert not path.startswith("/")


@given(st.lists(st.text("abc_1", min_size=1, max_size=5), min_size=1, max_size=4))
def test_dots_and_slashes_mean_the_same_key(parts: list[str]) -> None:
    assert normalized(".".join(parts)) == normalized("/".join(parts)) == "/".join(parts)


def test_an_interface_with_a_dot_in_its_name_keeps_it() -> None:
    assert normalized("net/ipv4/conf/eth0.1/arp_ignore") == "net/ipv4/conf/eth0.1/arp_ignore"
    assert normalized("net.ipv4.conf.eth0/1.arp_ignore") == "net/ipv4/conf/eth0.1/arp_ignore"


@given(st.text("abc*?/", max_size=12))
def test_a_path_matches_itself(path: str) -> None:
    assert matches(path, path)
    assert is_glob(path) == bool({"*", "?"} & set(path))
