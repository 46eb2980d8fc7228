# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._dropin import (
    FORMAT,
    Place,
    Record,
    is_hand_edited,
    parse,
    render,
    sed_pattern,
    undo_commands,
)
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._knobs import KNOBS
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._loaders import LOADERS, Loader
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import MARK, OWNER
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._sysctld import SYSCTL_CONF, SysctlFile, decide
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._tree import own_in, with_text
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._values import (
    BadRequest,
    PortRange,
    Value,
    kernel_value,
    merged,
)
from hypothesis import given
from hypothesis import strategies as st

PATH = "/etc/sysctl.d/99-timewait.conf"
FILE = Place.file(PATH)
BLOCK = Place(SYSCTL_CONF, "99-timewait.conf", block=True)
HISTORY = Path(__file__).parent / "formats"

port_ranges = st.tuples(st.integers(1, 65535), st.integers(1, 65535)).map(lambda pair: PortRange(min(pair), max(pair)))


def values_of(name: str) -> st.SearchStrategy[Value]:
    knob = KNOBS[name]
    if knob.kind == "port_range":
        return port_ranges
    if knob.kind == "port_list":
        return st.lists(port_ranges, max_size=4).map(merged)
    lowest, highest = knob.accepted or (-(2**31), 2**31 - 1)
    return st.integers(lowest, highest)


values = st.fixed_dictionaries({}, optional={name: values_of(name) for name in KNOBS})
owners = st.text("abcXYZ019_.@-", max_size=10)
records = st.builds(Record, values, values, owners, st.sampled_from(["whole", "unended", "missing"]))
places = st.sampled_from([FILE, BLOCK])
file_names = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=10)
edited = st.lists(file_names.map("/etc/sysctl.d/{}.conf".format), max_size=3)


@given(places, records, edited)
def test_a_text_says_its_record(place: Place, record: Record, files: list[str]) -> None:
    text = render(place, record, files)
    assert parse(place, text) == record
    assert not is_hand_edited(text)


@given(places, records, edited)
def test_a_probe_sees_every_line_of_a_text(place: Place, record: Record, files: list[str]) -> None:
    lines = render(place, record, files).removesuffix("\n").split("\n")
    assert all(line.startswith((MARK, "net.ipv4.")) for line in lines)


@given(records, edited, st.integers(0, 40), st.sampled_from(["#", "x", "\n"]))
def test_whatever_is_changed_by_hand_is_noticed(record: Record, files: list[str], at: int, what: str) -> None:
    text = render(FILE, record, files)
    changed = text[:-at] + what + text[-at:] if at else text + what
    assert is_hand_edited(changed) or changed.removesuffix("\n") == text.removesuffix("\n")


@given(records, edited)
def test_a_block_is_found_again_among_the_lines_of_others(record: Record, files: list[str]) -> None:
    conf = SysctlFile(SYSCTL_CONF, "regular", is_sysctl_conf=True, length=3)
    text = render(BLOCK, record, files)
    tree = with_text(with_text((conf,), BLOCK, text), FILE, render(FILE, record))
    assert [(own.place, own.text) for own in own_in(tree)] == [(BLOCK, text), (FILE, render(FILE, record))]
    assert tree[0].lines[0].number == 4


@given(values, st.sampled_from(LOADERS))
def test_a_loader_reads_what_a_drop_in_sets(settings: dict[str, Value], loader: Loader) -> None:
    text = render(FILE, Record(settings, {"tcp_rfc1337": 1}), ["/etc/sysctl.conf"])
    if loader.syntax.tokens:
        # To procps 3 a line without a value is none: no ports is what the kernel begins with.
        settings = {name: value for name, value in settings.items() if value != ()}
    for name, knob in KNOBS.items():
        decided = decide(knob.path, with_text((), FILE, text), loader).value
        assert (None if decided is None else kernel_value(knob, decided)) == settings.get(name)


def test_a_drop_in_is_known_by_its_first_line() -> None:
    text = render(FILE, Record({"tcp_tw_reuse": 1}))
    assert text.startswith(f"{OWNER}{FORMAT}, checksum ")
    assert text.endswith("net.ipv4.tcp_tw_reuse = 1\n")


@pytest.mark.parametrize("number", ["3", "", "2x", "02", "1x"])
def test_a_format_that_is_not_known_is_refused(number: str) -> None:
    with pytest.raises(BadRequest, match="reads formats up to 2"):
        parse(FILE, f"{OWNER}{number}\nnet.ipv4.tcp_tw_reuse = 1\n")


def test_the_first_format_still_says_its_record() -> None:
    text = (HISTORY / "1.conf").read_text()
    assert parse(FILE, text) == Record(
        {"tcp_timestamps": 1, "tcp_tw_reuse": 1, "tcp_max_tw_buckets": 400000},
        {"tcp_timestamps": 0, "tcp_tw_reuse": 2, "tcp_max_tw_buckets": 65536},
    )
    assert not is_hand_edited(text)


def test_the_second_format_is_what_it_was() -> None:
    """Of a format that hosts have, not a byte may change without a new number."""
    record = Record({"tcp_tw_reuse": 1, "tcp_rfc1337": 1}, {"tcp_tw_reuse": 2, "tcp_rfc1337": 0}, "proxy", "unended")
    for name, place in (("2.conf", FILE), ("2-block.conf", BLOCK)):
        text = (HISTORY / name).read_text()
        assert parse(place, text) == record
        assert render(place, record, ["/etc/sysctl.d/zz.conf"]) == text


def test_lines_that_somebody_added_are_passed_over() -> None:
    text = (
        f"{OWNER}2\n{MARK}before: net.ipv4.unknown = 1\n{MARK}before: nonsense\nvm.swappiness = 1\n"
        "net.ipv4.tcp_tw_reuse = x\n"
    )
    assert parse(FILE, text) == Record()


def test_the_undo_restores_what_was_there_before() -> None:
    record = Record(
        {"tcp_tw_reuse": 1, "tcp_timestamps": 1, "ip_local_port_range": PortRange(15000, 60999)},
        {"tcp_tw_reuse": 2, "tcp_timestamps": 1, "ip_local_port_range": PortRange(32768, 60999)},
    )
    assert undo_commands(FILE, record) == [
        "echo '2' >/proc/sys/net/ipv4/tcp_tw_reuse",
        "echo '32768 60999' >/proc/sys/net/ipv4/ip_local_port_range",
        "rm -f /run/linux_tcp.tuning-99-timewait.conf",
        f"rm {PATH}",
    ]


@given(records)
def test_the_undo_never_writes_recycle(record: Record) -> None:
    assert not any("echo" in command and "recycle" in command for command in undo_commands(FILE, record))


@pytest.mark.parametrize(
    ("line", "comes_back"),
    [
        ("net.ipv4.tcp_timestamps = 0", True),
        ("net.ipv4.tcp_tw_recycle = 1", False),
        ("net/ipv4/tcp_tw_recycle=1", False),
        ("net.ipv4.tcp_tw_* = 1", False),
        ("net.ipv4.tcp_tw_recycl? = 1", False),
        ("net.ipv4.tcp_tw_recycl[e] = 1", False),
    ],
)
def test_the_undo_brings_a_line_back_unless_it_could_turn_recycle_on(
    tmp_path: Path, line: str, comes_back: bool
) -> None:
    file = tmp_path / "it's 60.conf"
    file.write_text(f"{FILE.mark}{line}\n# {line}\n")
    *commands, _forget, _rm = undo_commands(FILE, Record(), [str(file)])
    subprocess.run(["sh", "-c", "\n".join(commands)], check=True)
    assert file.read_text() == f"{'' if comes_back else FILE.mark}{line}\n# {line}\n"


def test_a_mark_names_its_drop_in_and_is_no_pattern() -> None:
    assert FILE.mark == "# linux_tcp.tuning commented out for 99-timewait.conf: "
    done = subprocess.run(
        ["sed", f"s/^{sed_pattern(FILE.mark)}//"],
        input=f"{FILE.mark}a\n{FILE.mark.replace('.', 'x')}b\n",
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout == f"a\n{FILE.mark.replace('.', 'x')}b\n"


def test_the_undo_is_a_comment() -> None:
    text = render(FILE, Record({"tcp_tw_reuse": 1}, {"tcp_tw_reuse": 0}), ["/etc/sysctl.conf"])
    assert [line for line in text.split("\n") if line and not line.startswith("#")] == ["net.ipv4.tcp_tw_reuse = 1"]
