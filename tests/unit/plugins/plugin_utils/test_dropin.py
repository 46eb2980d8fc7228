# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._conflicts import with_file
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._dropin import (
    Record,
    mark_of,
    parse,
    render,
    sed_pattern,
    undo_commands,
)
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._knobs import KNOBS
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._loaders import LOADERS
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import OWNER
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._sysctld import decide
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
file_names = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=10)
records = st.builds(
    Record, values, values, st.lists(file_names.map("/etc/sysctl.d/{}.conf".format), max_size=3).map(tuple)
)


@given(records)
def test_a_drop_in_says_its_record(record: Record) -> None:
    assert parse(PATH, render(PATH, record)) == record


@given(records)
def test_a_drop_in_depends_on_its_record_alone(record: Record) -> None:
    assert render(PATH, record) == render(PATH, parse(PATH, render(PATH, record)))


@given(values, st.sampled_from(LOADERS))
def test_a_loader_reads_what_a_drop_in_sets(settings: dict[str, Value], loader: object) -> None:
    text = render(PATH, Record(settings, {"tcp_rfc1337": 1}, ("/etc/sysctl.conf",)))
    for name, knob in KNOBS.items():
        decided = decide(knob.path, with_file((), PATH, text), loader).value  # type: ignore[arg-type]
        assert (None if decided is None else kernel_value(knob, decided)) == settings.get(name)


def test_a_drop_in_is_known_by_its_first_line() -> None:
    text = render(PATH, Record({"tcp_tw_reuse": 1}))
    assert text.startswith(f"{OWNER}1\n")
    assert text.endswith("net.ipv4.tcp_tw_reuse = 1\n")


@pytest.mark.parametrize("first", [f"{OWNER}2", f"{OWNER}", f"{OWNER}1x", f"{OWNER}01", "# something else"])
def test_a_format_that_is_not_known_is_refused(first: str) -> None:
    with pytest.raises(BadRequest, match="reads format 1"):
        parse(PATH, f"{first}\nnet.ipv4.tcp_tw_reuse = 1\n")


def test_lines_that_somebody_added_are_passed_over() -> None:
    text = (
        f"{OWNER}1\n# before: net.ipv4.unknown = 1\n# before: nonsense\nvm.swappiness = 1\nnet.ipv4.tcp_tw_reuse = x\n"
    )
    assert parse(PATH, text) == Record()


def test_the_undo_restores_what_was_there_before() -> None:
    record = Record(
        {"tcp_tw_reuse": 1, "tcp_timestamps": 1, "ip_local_port_range": PortRange(15000, 60999)},
        {"tcp_tw_reuse": 2, "tcp_timestamps": 1, "ip_local_port_range": PortRange(32768, 60999)},
    )
    assert undo_commands(PATH, record) == [
        "echo '2' >/proc/sys/net/ipv4/tcp_tw_reuse",
        "echo '32768 60999' >/proc/sys/net/ipv4/ip_local_port_range",
        f"rm {PATH}",
    ]


@given(records)
def test_the_undo_never_writes_recycle(record: Record) -> None:
    assert not any("echo" in command and "recycle" in command for command in undo_commands(PATH, record))


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
    file.write_text(f"{mark_of(PATH)}{line}\n# {line}\n")
    *commands, _rm = undo_commands(PATH, Record({}, {}, (str(file),)))
    subprocess.run(["sh", "-c", "\n".join(commands)], check=True)
    assert file.read_text() == f"{'' if comes_back else mark_of(PATH)}{line}\n# {line}\n"


def test_a_mark_names_its_drop_in_and_is_no_pattern() -> None:
    assert mark_of(PATH) == "# linux_tcp.tuning commented out for 99-timewait.conf: "
    done = subprocess.run(
        ["sed", f"s/^{sed_pattern(mark_of(PATH))}//"],
        input=f"{mark_of(PATH)}a\n{mark_of(PATH).replace('.', 'x')}b\n",
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout == f"a\n{mark_of(PATH).replace('.', 'x')}b\n"


def test_the_undo_is_a_comment() -> None:
    text = render(PATH, Record({"tcp_tw_reuse": 1}, {"tcp_tw_reuse": 0}, ("/etc/sysctl.conf",)))
    assert [line for line in text.split("\n") if line and not line.startswith("#")] == ["net.ipv4.tcp_tw_reuse = 1"]
