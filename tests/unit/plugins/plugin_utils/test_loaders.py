# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How files are read, as data: what each row makes of files that lie in wait for it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._conflicts import (
    Conflict,
    comment_out,
    edit_for,
    hidden_by,
)
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._loaders import (
    CREDENTIALS,
    LOADERS,
    NOTHING,
    SCRIPTS,
    SYNTAXES,
    Loader,
    Syntax,
)
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._sysctld import (
    KERNEL_COMMAND_LINE,
    Line,
    SysctlFile,
    decide,
    files_in_order,
    with_slashes,
)

from tests.unit.simulated import Host, a_host

REUSE = "net/ipv4/tcp_tw_reuse"
ON, OFF = "net.ipv4.tcp_tw_reuse = 1", "net.ipv4.tcp_tw_reuse = 0"
PROCPS = next(syntax for program, _since, syntax in SYNTAXES if program == "procps")
BUSYBOX = next(syntax for program, _since, syntax in SYNTAXES if program == "busybox")
PROCPS_3_2 = Syntax("procps")


def script(name: str, syntax: Syntax = PROCPS) -> Loader:
    """The loader that a boot script is; of several by one name the first that reads files."""
    row = next(row for row in SCRIPTS if name in (row.name, row.origin) and row.sets)
    assert row.sets
    return Loader("script", syntax, row.sets, file_by_file=not row.joined)


RED_HAT_6 = Loader("script", PROCPS_3_2, SCRIPTS[1].sets or (), file_by_file=True)
RED_HAT_7 = Loader("script", PROCPS, SCRIPTS[2].sets or (), file_by_file=True)
VOID, ALPINE, OPENWRT = script("runit"), script("Alpine's sysctl"), script("procd")
UPSTART, OPENRC, SYSINIT = script("upstart"), script("OpenRC's sysctl"), script("rc.sysinit")
EVERY_SCRIPT = [RED_HAT_6, RED_HAT_7, VOID, ALPINE, OPENWRT, UPSTART, OPENRC, SYSINIT]
BY_ONE = Loader("script", BUSYBOX, OPENWRT.sets, file_by_file=True)


def files_of(files: Mapping[str, str]) -> tuple[SysctlFile, ...]:
    return a_host(files=dict(files)).snapshot().files


def decided(files: Mapping[str, str], loader: Loader) -> str | None:
    return decide(REUSE, files_of(files), loader).value


def order(loader: Loader, *paths: str) -> list[str]:
    return [file.path for file in files_in_order([SysctlFile(path, "regular") for path in paths], loader)]


EVERYWHERE = [
    f"{parent}/sysctl.d/{name}.conf"
    for parent in ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib")
    for name in ("b", "a")
]


@pytest.mark.parametrize(
    ("loader", "parents"),
    [
        (RED_HAT_6, ["/etc"]),
        (RED_HAT_7, ["/etc"]),
        (VOID, ["/run", "/etc", "/usr/local/lib", "/usr/lib"]),
        (OPENRC, ["/run", "/etc", "/usr/local/lib", "/usr/lib", "/lib"]),
        (ALPINE, ["/run"]),
        (OPENWRT, ["/etc"]),
        (UPSTART, ["/etc"]),
        (SYSINIT, []),
        (NOTHING, []),
    ],
)
def test_of_files_with_one_name_a_script_reads_these(loader: Loader, parents: list[str]) -> None:
    expected = [f"{parent}/sysctl.d/{name}.conf" for parent in parents for name in ("a", "b")]
    assert order(loader, *EVERYWHERE) == expected


@pytest.mark.parametrize(
    ("loader", "parents"),
    [
        (RED_HAT_6, ["conf", "etc"]),
        (RED_HAT_7, ["usr/lib", "run", "etc", "conf"]),
        (VOID, ["run", "etc", "usr/local/lib", "usr/lib", "conf"]),
        (OPENRC, ["run", "etc", "usr/local/lib", "usr/lib", "lib", "conf"]),
        (ALPINE, ["lib", "usr/lib", "etc", "conf", "run"]),
        (OPENWRT, ["etc", "conf"]),
        (UPSTART, ["etc", "conf"]),
        (SYSINIT, ["conf"]),
        (NOTHING, []),
    ],
)
def test_of_files_with_different_names_a_script_reads_these(loader: Loader, parents: list[str]) -> None:
    places = {
        parent: f"/{parent}/sysctl.d/{parent.replace('/', '')}.conf"
        for parent in ("etc", "run", "usr/local/lib", "usr/lib", "lib")
    }
    places["conf"] = "/etc/sysctl.conf"
    assert order(loader, *places.values()) == [places[parent] for parent in parents]


def test_a_link_to_dev_null_masks_nothing_for_a_script() -> None:
    host = a_host(files={"/usr/lib/sysctl.d/a.conf": ON}, links={"/etc/sysctl.d/a.conf": "/dev/null"})
    files = host.snapshot().files
    assert decide(REUSE, files, RED_HAT_7).value == decide(REUSE, files, ALPINE).value == "1"
    assert decide(REUSE, files, LOADERS[0]).value is None
    masked = files_of({"/usr/lib/sysctl.d/a.conf": ON, "/etc/sysctl.d/a.conf": ""})
    assert decide(REUSE, masked, RED_HAT_7).value is decide(REUSE, masked, ALPINE).value is None


@pytest.mark.parametrize(
    ("name", "read"),
    [("a", True), ("README", True), ("a.conf~", False), ("a.bak", False), ("a.rpmsave", False), (".a.conf", False)],
)
def test_red_hats_old_script_reads_files_of_other_names(name: str, read: bool) -> None:
    files = {f"/etc/sysctl.d/{name}": ON}
    assert decided(files, RED_HAT_6) == ("1" if read else None)
    assert all(decided(files, loader) is None for loader in EVERY_SCRIPT if loader is not RED_HAT_6)


def test_a_file_beats_sysctl_conf_for_red_hats_old_script_only() -> None:
    files = {"/etc/sysctl.conf": OFF, "/etc/sysctl.d/a.conf": ON}
    for loader in EVERY_SCRIPT:
        assert decided(files, loader) == ("1" if loader is RED_HAT_6 else "0")


def test_what_a_line_says_of_others_holds_in_its_file_only() -> None:
    files = {"/etc/sysctl.d/a.conf": OFF, "/etc/sysctl.d/b.conf": "net.ipv4.tcp_tw_reus* = 1"}
    for loader in (RED_HAT_7, VOID, ALPINE, OPENWRT, OPENRC):
        assert decided(files, loader) == "1"
    # By way of cat it is all one file.
    assert decided(files, UPSTART) == "0"


@pytest.mark.parametrize(
    ("loader", "directories", "conf"),
    [
        (NOTHING, (), False),
        (SYSINIT, (), True),
        (OPENWRT, ("/etc/sysctl.d",), True),
        (
            LOADERS[0],
            ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d"),
            False,
        ),
    ],
)
def test_a_loader_says_where_drop_ins_are_read(loader: Loader, directories: tuple[str, ...], conf: bool) -> None:
    assert (loader.directories, loader.reads_sysctl_conf) == (directories, conf)


@pytest.mark.parametrize(
    ("text", "old", "new", "busybox"),
    [
        (f"-{ON}", None, "1", None),
        ("net.ipv4.tcp_tw_reus* = 1", None, "1", None),
        ("net/ipv4.tcp_tw_reuse = 1", None, None, "1"),
        ("net..ipv4.tcp_tw_reuse = 1", "1", "1", "1"),
        ("/proc/sys/net/ipv4/tcp_tw_reuse = 1", None, None, "1"),
        ("/net/ipv4/tcp_tw_reuse = 1", "1", "1", None),
        ("net.ipv4/tcp_tw_reuse = 1", None, None, None),
        ("net/ipv4/tcp_tw_reuse/ = 1", None, None, None),
        ("net.ipv4.tcp_tw_reuse. = 1", None, None, None),
        # A value that BusyBox cannot write ends the file.
        (f"net.ipv4.tcp_tw_reuse = x\n{ON}", "1", "1", None),
        (f"{ON}\nnet.ipv4.tcp_tw_reuse = 0 # note", "0 # note", "0 # note", "0 # note"),
        (f"{ON}\nnet.ipv4.tcp_tw_reuse = 0# note", "1", "1", "1"),
        (f"net.ipv4.tcp_timestamps = x\n{ON}", "1", "1", None),
        (f"net.ipv4.tcp_timestamps = \n{ON}", "1", "1", "1"),
    ],
)
def test_sysctl_p_reads_lines_by_its_kind(text: str, old: str | None, new: str | None, busybox: str | None) -> None:
    files = {"/etc/sysctl.conf": text}
    loaders = [Loader("script", syntax, OPENWRT.sets, file_by_file=True) for syntax in (PROCPS_3_2, PROCPS, BUSYBOX)]
    assert [decided(files, loader) for loader in loaders] == [old, new, busybox]


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("net.ipv4.tcp_tw_reuse", REUSE),
        (REUSE, REUSE),
        (".net.ipv4.tcp_tw_reuse", ".net.ipv4.tcp_tw_reuse"),
        ("net.ipv4/tcp_tw_reuse", "net/ipv4.tcp_tw_reuse"),
        ("net/ipv4.tcp_tw_reuse", REUSE),
        ("net.ipv6.tcp_tw_reuse", "net/ipv6.tcp_tw_reuse"),
        ("net//ipv4.tcp_tw_reuse", "net//ipv4/tcp_tw_reuse"),
        ("", ""),
    ],
)
def test_busybox_makes_slashes_of_dots_where_that_leads_somewhere(key: str, path: str) -> None:
    assert with_slashes(key, REUSE) == path


def test_rows_of_one_kind_go_from_new_to_old() -> None:
    kinds = [[loader.since for loader in LOADERS if loader.kind == kind] for kind in ("systemd-sysctl", "procps")]
    programs = [[since for known, since, _syntax in SYNTAXES if known == program] for program in ("procps", "busybox")]
    for since in (*kinds, *programs):
        assert since == sorted(since, reverse=True)
        assert len(since) == len(set(since)) > 0


def test_no_script_is_known_by_the_words_of_another() -> None:
    said = [(row.origin, row.says) for row in SCRIPTS]
    assert len(set(said)) == len(said)


def with_command_line(*words: str, **more: object) -> Host:
    return a_host(more=[("cmdline", "".join(f"{word}\n" for word in words), 0)], **more)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("sysctl.net.ipv4.tcp_tw_reuse=1", "1"),
        ("sysctl/net/ipv4/tcp_tw_reuse=1", "1"),
        ("sysctl.net/ipv4.tcp_tw_reuse=1", "1"),
        ('sysctl.net.ipv4.tcp_tw_reuse="1 2"', "1 2"),
        ('"sysctl.net.ipv4.tcp_tw_reuse=1 2"', "1 2"),
        ("sysctl.net.ipv4.tcp_tw_reuse=", None),
        ("sysctl.net.ipv4.tcp_tw_reuse", None),
        ("sysctl.-net.ipv4.tcp_tw_reuse=1", None),
        ("sysctl.net.ipv4.tcp_tw_reus*=1", None),
        ("xsysctl.net.ipv4.tcp_tw_reuse=1", None),
    ],
)
def test_the_kernels_command_line_counts(word: str, value: str | None) -> None:
    files = with_command_line(word).snapshot().files
    for loader in (*LOADERS, *EVERY_SCRIPT, BY_ONE, NOTHING):
        decision = decide(REUSE, files, loader)
        assert decision.value == value
        assert value is None or (decision.setting and decision.setting.file.path == KERNEL_COMMAND_LINE)


def test_files_come_after_the_kernels_command_line() -> None:
    host = with_command_line("sysctl.net.ipv4.tcp_tw_reuse=1", files={"/etc/sysctl.d/a.conf": OFF})
    files = host.snapshot().files
    assert decide(REUSE, files, LOADERS[0]).value == "0"
    assert decide(REUSE, files, NOTHING).value == "1"
    # A loader knows nothing of what the kernel did before it.
    host.files = {"/etc/sysctl.d/a.conf": "-net.ipv4.tcp_tw_reuse"}
    assert decide(REUSE, host.snapshot().files, LOADERS[0]).value == "1"
    host.files = {"/etc/sysctl.d/a.conf": "net.ipv4.tcp_tw_reus* = 0"}
    assert decide(REUSE, host.snapshot().files, LOADERS[0]).value == "0"


@pytest.mark.parametrize("more", [{"release": "5.7.19"}, {"initial_namespace": False}])
def test_the_kernels_command_line_is_nothing_to_an_old_kernel_or_a_container(more: Mapping[str, object]) -> None:
    files = with_command_line("sysctl.net.ipv4.tcp_tw_reuse=1", **more).snapshot().files
    assert decide(REUSE, files, LOADERS[0]).value is None


def test_a_credential_comes_after_all_files_since_systemd_252() -> None:
    files = {"/etc/sysctl.d/zz.conf": OFF, "/etc/credstore/sysctl.extra": ON}
    assert [decided(files, loader) for loader in LOADERS] == ["1", "1", *["0"] * (len(LOADERS) - 2)]
    assert all(decided(files, loader) in ("0", None) for loader in EVERY_SCRIPT)


@pytest.mark.parametrize(("first", "second"), list(itertools.pairwise(CREDENTIALS)))
def test_of_several_credentials_the_first_is_handed_over(first: str, second: str) -> None:
    assert decided({f"{first}/sysctl.extra": ON, f"{second}/sysctl.extra": OFF}, LOADERS[0]) == "1"


@pytest.mark.parametrize("path", [KERNEL_COMMAND_LINE, *(f"{directory}/sysctl.extra" for directory in CREDENTIALS)])
def test_what_is_handed_over_is_never_edited(path: str) -> None:
    file = SysctlFile(path, "regular", lines=(Line(1, "net/ipv4/tcp_tw_reuse = 0"),))
    decision = decide(REUSE, [file], LOADERS[0])
    assert decision.setting
    assert edit_for(Conflict("tcp_tw_reuse", 1, decision.setting), [file], "# x ") is None
    edits, files, left = comment_out((file,), LOADERS[0], {"tcp_tw_reuse": 1}, "# x ")
    assert (edits, files) == ([], (file,))
    assert str(left[0]) == f"net.ipv4.tcp_tw_reuse: {path} line 1 says '0' where 1 is wanted"


def test_keys_made_to_keep_us_busy_take_no_time() -> None:
    keys = [
        "net" + "." * 1000000 + "tcp_tw_reuse",
        "." * 1000000,
        *[f"net{'.' * 40}{n}.tcp_tw_reuse" for n in range(300)],
    ]
    assert decided({"/etc/sysctl.conf": "".join(f"{key} = 1\n" for key in keys)}, BY_ONE) is None


def test_a_script_that_reads_both_files_of_one_name_hides_neither() -> None:
    names = ("/etc/sysctl.d/a.conf", "/run/sysctl.d/a.conf")
    files = [SysctlFile(path, "regular") for path in names]
    hiding = {loader: hidden_by(names[0], files, loader) for loader in (VOID, OPENRC, OPENWRT, ALPINE, LOADERS[-1])}
    assert [file and file.path for file in hiding.values()] == [None, None, None, names[1], names[1]]
