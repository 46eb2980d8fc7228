# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._conflicts import (
    comment_out,
    conflicts_in,
    edit_for,
    winning_path,
)
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._dropin import Place, Record, render
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._knobs import KNOBS
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._loaders import LOADERS
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._sysctld import Line, SysctlFile, decide
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._tree import (
    Edit,
    is_ours,
    with_edit,
    with_edits,
    with_text,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.simulated import Host, a_host

SYSTEMD, PROCPS = LOADERS[1], LOADERS[7]
PATH = "/etc/sysctl.d/99-timewait.conf"
WANTED = {"tcp_tw_reuse": 1}
FILE = Place.file(PATH)
TEXT = render(FILE, Record(WANTED))
REUSE_OFF = "net.ipv4.tcp_tw_reuse = 0"


def files_of(host: Host) -> tuple[SysctlFile, ...]:
    return with_text(host.snapshot().files, FILE, TEXT)


def conflicts(**fields: object) -> list[str]:
    return [str(conflict) for conflict in conflicts_in(files_of(a_host(**fields)), SYSTEMD, WANTED)]


def test_a_drop_in_alone_has_no_conflict() -> None:
    assert conflicts() == []


def test_a_later_file_is_a_conflict() -> None:
    (words,) = conflicts(files={"/etc/sysctl.d/99-zz.conf": f"\n{REUSE_OFF}\n"})
    assert words == "net.ipv4.tcp_tw_reuse: /etc/sysctl.d/99-zz.conf line 2 says '0' where 1 is wanted"


def test_an_earlier_file_is_none() -> None:
    assert conflicts(files={"/etc/sysctl.d/50.conf": REUSE_OFF}) == []


def test_the_same_value_in_a_later_file_is_none() -> None:
    assert conflicts(files={"/etc/sysctl.d/99-zz.conf": "net.ipv4.tcp_tw_reuse = 0x1"}) == []


def test_a_value_that_the_kernel_refuses_is_a_conflict() -> None:
    assert conflicts(files={"/etc/sysctl.d/99-zz.conf": "net.ipv4.tcp_tw_reuse = yes"})


def test_a_bare_dash_behind_the_drop_in_is_a_conflict() -> None:
    (words,) = conflicts(files={"/etc/sysctl.d/99-zz.conf": "-net.ipv4.tcp_tw_reuse"})
    assert "keeps it from being set" in words


def test_a_glob_is_none_because_the_key_itself_beats_it() -> None:
    assert conflicts(files={"/etc/sysctl.d/99-zz.conf": "net.ipv4.tcp_tw_reu* = 0"}) == []


def test_sysctl_conf_is_a_conflict_for_who_reads_it() -> None:
    host = a_host(files={"/etc/sysctl.conf": REUSE_OFF})
    assert conflicts_in(files_of(host), SYSTEMD, WANTED) == []
    assert len(conflicts_in(files_of(host), PROCPS, WANTED)) == 1
    linked = a_host(files={"/etc/sysctl.conf": REUSE_OFF}, links={"/etc/sysctl.d/99-zz.conf": "/etc/sysctl.conf"})
    assert len(conflicts_in(files_of(linked), SYSTEMD, WANTED)) == 1


def test_a_drop_in_below_usr_local_lib_is_hidden_by_one_of_its_name_in_etc() -> None:
    path = "/usr/local/lib/sysctl.d/99-timewait.conf"
    place = Place.file(path)
    files = with_text(a_host(files={PATH: REUSE_OFF}).snapshot().files, place, render(place, Record(WANTED)))
    (conflict,) = conflicts_in(files, SYSTEMD, WANTED)
    assert conflict.setting.file.path == PATH
    masked = with_text(a_host(links={PATH: "/dev/null"}).snapshot().files, place, render(place, Record(WANTED)))
    assert decide(KNOBS["tcp_tw_reuse"].path, masked, SYSTEMD).value is None


@pytest.mark.parametrize(
    "line",
    [
        "net.ipv4.tcp_tw_recycle = 1",
        "net/ipv4/tcp_tw_recycle=-1",
        "net.ipv4.tcp_tw_* = 1",
        "net.ipv4.tcp_tw_recycle=yes",
    ],
)
def test_a_line_that_turns_recycle_on_is_a_conflict_on_every_kernel(line: str) -> None:
    (words,) = conflicts(files={"/etc/sysctl.d/10.conf": line})
    assert words.startswith("net.ipv4.tcp_tw_recycle: /etc/sysctl.d/10.conf line 1")


@pytest.mark.parametrize(
    "line", ["net.ipv4.tcp_tw_recycle = 0", "net.ipv4.tcp_tw_recycle = 0x0", "-net.ipv4.tcp_tw_recycle"]
)
def test_a_line_that_keeps_recycle_off_is_none(line: str) -> None:
    assert conflicts(files={"/etc/sysctl.d/10.conf": line}) == []


def test_a_bare_dash_is_a_conflict_where_recycle_is_wanted() -> None:
    files = a_host(files={"/etc/sysctl.d/10.conf": "-net.ipv4.tcp_tw_recycle"}).snapshot().files
    assert len(conflicts_in(files, SYSTEMD, {"tcp_tw_recycle": 1})) == 1


def test_an_unknown_loader_has_no_conflicts() -> None:
    assert conflicts_in(files_of(a_host(files={"/etc/sysctl.d/zz.conf": REUSE_OFF})), None, WANTED) == []


def edits(host: Host) -> tuple[list[Edit], list[str]]:
    found, files, left = comment_out(files_of(host), SYSTEMD, WANTED, FILE.mark)
    assert conflicts_in(files, SYSTEMD, WANTED) == left
    return found, [conflict.setting.file.path for conflict in left]


def test_lines_are_commented_out_until_the_drop_in_wins() -> None:
    host = a_host(files={"/etc/sysctl.d/99-x.conf": f"{REUSE_OFF}\n{REUSE_OFF}", "/etc/sysctl.d/99-y.conf": REUSE_OFF})
    found, left = edits(host)
    assert [(edit.file, edit.line.number, edit.mark_after == FILE.mark) for edit in found] == [
        ("/etc/sysctl.d/99-y.conf", 1, True),
        ("/etc/sysctl.d/99-x.conf", 2, True),
        ("/etc/sysctl.d/99-x.conf", 1, True),
    ]
    assert left == []


@pytest.mark.parametrize("path", ["/etc/sysctl.d/zz.conf", "/run/sysctl.d/zz.conf", "/usr/local/lib/sysctl.d/zz.conf"])
def test_the_administrators_files_are_edited(path: str) -> None:
    found, left = edits(a_host(files={path: REUSE_OFF}))
    assert [edit.file for edit in found] == [path]
    assert left == []


@pytest.mark.parametrize("path", ["/usr/lib/sysctl.d/zz.conf", "/lib/sysctl.d/zz.conf"])
def test_files_of_packages_are_never_edited(path: str) -> None:
    assert edits(a_host(files={path: REUSE_OFF})) == ([], [path])


def test_a_file_behind_a_link_is_never_edited() -> None:
    host = a_host(files={"/opt/x.conf": REUSE_OFF}, links={"/etc/sysctl.d/zz.conf": "/opt/x.conf"})
    assert edits(host) == ([], ["/etc/sysctl.d/zz.conf"])


def test_sysctl_conf_is_edited_by_its_own_name() -> None:
    host = a_host(files={"/etc/sysctl.conf": REUSE_OFF}, links={"/etc/sysctl.d/99-zz.conf": "/etc/sysctl.conf"})
    found, left = edits(host)
    assert [edit.file for edit in found] == ["/etc/sysctl.conf"]
    assert left == []


def test_another_drop_in_of_ours_is_never_edited() -> None:
    other = "/etc/sysctl.d/99-zz.conf"
    host = a_host(files={other: render(Place.file(other), Record({"tcp_tw_reuse": 2}))})
    (conflict,) = conflicts_in(files_of(host), SYSTEMD, WANTED)
    assert is_ours(conflict.setting.file)
    assert edits(host) == ([], [other])


@pytest.mark.parametrize("name", ["a\nnet.ipv4.tcp_tw_recycle = 1\n#", "z\x1b[2J", "z\udcff"])
def test_a_file_with_control_characters_in_its_name_is_never_edited(name: str) -> None:
    # Its name is written into the drop-in, where a newline in it would begin a setting.
    file = SysctlFile(f"/etc/sysctl.d/{name}.conf", "regular", lines=(Line(1, "net.ipv4.tcp_tw_recycle = 1"),))
    (conflict,) = conflicts_in([file], SYSTEMD, {})
    assert edit_for(conflict, [file], FILE.mark) is None


@pytest.mark.parametrize("link", [False, True])
def test_sysctl_conf_is_edited_unless_it_is_a_link_itself(link: bool) -> None:
    lines = (Line(1, "net.ipv4.tcp_tw_recycle = 1"),)
    conf = SysctlFile("/etc/sysctl.conf", "regular", link=link, is_sysctl_conf=True, lines=lines)
    files = [replace(conf, path="/etc/sysctl.d/99-sysctl.conf", link=True), conf]
    (conflict,) = conflicts_in(files, SYSTEMD, {})
    assert edit_for(conflict, files, FILE.mark) == (
        None if link else Edit("/etc/sysctl.conf", lines[0], mark_after=FILE.mark)
    )


def test_an_edit_and_its_way_back_leave_the_file_as_it_was() -> None:
    host = a_host(
        files={"/etc/sysctl.conf": f"x\n{REUSE_OFF}\n"}, links={"/etc/sysctl.d/99-zz.conf": "/etc/sysctl.conf"}
    )
    files = host.snapshot().files
    line = Line(2, REUSE_OFF)
    mark = FILE.mark
    out = with_edit(files, Edit("/etc/sysctl.conf", line, mark_after=mark))
    assert {file.path: file.lines[1].text for file in out if len(file.lines) > 1} == {
        "/etc/sysctl.conf": mark + REUSE_OFF,
        "/etc/sysctl.d/99-zz.conf": mark + REUSE_OFF,
    }
    back = with_edits(out, [Edit("/etc/sysctl.conf", Line(2, mark + REUSE_OFF), mark_before=mark)])
    assert back == files


def test_a_file_written_replaces_the_one_that_was_there() -> None:
    files = with_text(with_text((), FILE, "a\nb"), FILE, "c\n")
    assert files == (SysctlFile(PATH, "regular", lines=(Line(1, "c"),)),)
    assert with_text(with_text(files, FILE, TEXT), FILE, None) == ()


def test_a_file_of_somebody_else_is_not_taken_away() -> None:
    files = a_host(files={PATH: REUSE_OFF}).snapshot().files
    assert with_text(files, FILE, None) == files


def test_the_remedy_names_a_path_that_wins() -> None:
    files = files_of(a_host(files={"/etc/sysctl.d/99-zz.conf": REUSE_OFF}))
    assert winning_path(files, SYSTEMD, WANTED, TEXT, FILE) == "/etc/sysctl.d/99-zz_timewait.conf"


def test_no_name_wins_over_sysctl_conf_when_it_comes_last() -> None:
    files = files_of(a_host(files={"/etc/sysctl.conf": REUSE_OFF}))
    assert winning_path(files, PROCPS, WANTED, TEXT, FILE) is None


names = st.from_regex(r"[0-9a-z_~.-]{0,6}", fullmatch=True)
lines = st.sampled_from(
    [
        REUSE_OFF,
        "net.ipv4.tcp_tw_reuse = 1",
        "-net.ipv4.tcp_tw_reuse",
        "net.ipv4.tcp_tw_r* = 2",
        "net/ipv4/tcp_tw_recycle=1",
    ]
)
directories = st.sampled_from(["/etc", "/run", "/usr/local/lib", "/usr/lib"])
trees = st.dictionaries(
    st.tuples(directories, names).map(lambda pair: f"{pair[0]}/sysctl.d/{pair[1]}.conf"),
    st.lists(lines, max_size=3).map("\n".join),
    max_size=4,
)


@given(trees)
def test_a_winning_path_really_wins(tree: dict[str, str]) -> None:
    files = files_of(a_host(files=tree))
    path = winning_path(files, SYSTEMD, WANTED, TEXT, FILE)
    if path:
        moved = with_text(with_text(files, FILE, None), Place.file(path), TEXT)
        assert decide(KNOBS["tcp_tw_reuse"].path, moved, SYSTEMD).value == "1"
        assert conflicts_in(moved, SYSTEMD, WANTED) == []


@given(trees)
def test_commenting_out_ends_and_leaves_what_is_not_ours_to_edit(tree: dict[str, str]) -> None:
    tree.pop(PATH, None)
    found, left = edits(a_host(files=tree))
    assert all(path.startswith("/usr/lib/") for path in left)
    assert all(edit.file.startswith(("/etc/", "/run/", "/usr/local/lib/")) for edit in found)
    assert len({(edit.file, edit.line.number) for edit in found}) == len(found)
