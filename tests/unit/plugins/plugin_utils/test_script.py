# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import shlex
import subprocess

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import (
    BadAnswer,
    Probe,
    Section,
    Step,
    apply_script,
    probe_script,
    sections_of,
    state_of,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.simulated import NONCE, a_host

names = st.from_regex(r"[a-z0-9_]{1,12}", fullmatch=True)
arguments = st.text(st.characters(exclude_characters="\n", codec="utf-8"), max_size=12).map(str.lstrip)


def framed(sections: list[Section], nonce: str = NONCE) -> bytes:
    parts = []
    for section in sections:
        argument = f" {section.argument}" if section.argument else ""
        parts.append(f"\n{nonce} B {section.name}{argument}\n".encode("utf-8", "surrogateescape"))
        parts.append(section.content + f"\n{nonce} E {section.status}\n".encode())
    return b"".join(parts) + f"\n{nonce} Z\n".encode()


several = st.lists(st.builds(Section, names, arguments, st.binary(max_size=40), st.integers(0, 255)), max_size=5)


@given(several)
def test_sections_of_any_bytes_are_read_back_exactly(sections: list[Section]) -> None:
    assert sections_of(framed(sections), NONCE) == sections


@given(several, st.binary(max_size=60))
def test_a_banner_before_the_answer_is_ignored(sections: list[Section], banner: bytes) -> None:
    assert sections_of(banner + framed(sections), NONCE) == sections


def test_an_answer_cut_off_at_any_byte_is_an_error() -> None:
    answer = a_host().answer()
    whole = sections_of(answer, NONCE)
    assert sections_of(answer[:-1], NONCE) == whole  # Ansible may strip the last newline
    for end in range(len(answer) - 1):
        with pytest.raises(BadAnswer):
            sections_of(answer[:end], NONCE)


def test_a_forged_frame_of_another_run_is_content() -> None:
    other = "f" * 32
    forged = framed([Section("knob", "tcp_tw_recycle", b"1", 0)], other)
    sections = [Section("lines", "regular", forged, 0)]
    assert sections_of(framed(sections), NONCE) == sections


@pytest.mark.parametrize("inner", [f"{NONCE} Z", f"x{NONCE} E 0", f"\n{NONCE}", f"\n{NONCE} Zz", f"\n{NONCE} E x"])
def test_what_is_not_a_whole_frame_is_content(inner: str) -> None:
    sections = [Section("lines", "regular", inner.encode(), 0)]
    assert sections_of(framed(sections), NONCE) == sections


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "no answer"),
        (b"Permission denied\n", "no answer"),
        (f"\n{NONCE} B a\n\n{NONCE} B b\n\n{NONCE} Z\n".encode(), "has no end"),
        (f"\n{NONCE} E 0\n\n{NONCE} Z\n".encode(), "did not begin"),
        (f"\n{NONCE} B a\n\n{NONCE} Z\n".encode(), "ends in the middle"),
        (f"\n{NONCE} B a\n\n{NONCE} E 0\n".encode(), "ends in the middle"),
    ],
)
def test_frames_out_of_order_are_an_error(answer: bytes, words: str) -> None:
    with pytest.raises(BadAnswer, match=words):
        sections_of(answer, NONCE)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_never_an_answer(noise: bytes) -> None:
    with pytest.raises(BadAnswer):
        sections_of(noise, NONCE)


def test_carriage_returns_nul_and_odd_bytes_survive_as_text() -> None:
    section = sections_of(framed([Section("lines", "", b"a\r\n\0\xff\xc3", 0)]), NONCE)[0]
    assert section.text.encode("utf-8", "surrogateescape") == b"a\r\n\0\xff\xc3"


def test_the_state_is_what_a_shell_substitutes_for_it() -> None:
    answer = a_host(files={"/etc/sysctl.d/a.conf": "x\0y\udcff\n\n\n"}).answer()
    state = state_of(answer, NONCE)
    assert "\0" not in state
    assert "1:xy\udcff" in state
    assert state.startswith(f"\n{NONCE} B knob tcp_timestamps\n1\n")
    assert not state.endswith("\n")
    assert "uname" not in state
    assert "sockstat" not in state


def test_every_run_has_a_nonce_of_its_own() -> None:
    assert len({Probe().nonce for _number in range(100)}) == 100
    assert len(Probe().nonce) == 32


hostile = "'; touch /tmp/x; echo '$(id)`id`\n\\\"${HOME}\t*\r\udcff!"


def test_values_reach_the_shell_as_they_are() -> None:
    step = Step("s", ("printf", "%s", hostile), ("true",))
    script = apply_script(Probe(), hostile, [step], ["log line"]).removeprefix("{\n").rpartition("apply_main() {")[0]
    shown = """printf '%s|' "$EXPECTED" "$STEPS" "$LOG"; do_1"""
    got = subprocess.run(["sh", "-c", script + shown], capture_output=True, check=True).stdout
    raw = hostile.encode("utf-8", "surrogateescape")
    assert got == raw + b"|1|log line|" + raw


def test_the_scripts_are_sent_without_comments() -> None:
    for script in (probe_script(Probe()), apply_script(Probe(), "", [], [])):
        body = script[script.index("IPV4=") :]
        assert not [line for line in body.split("\n") if line.strip().startswith("#")]
        assert shlex.quote("# linux_tcp.tuning ") in script


def test_a_script_is_one_command_that_a_shell_reads_to_its_end_first() -> None:
    for script, last in ((probe_script(Probe()), "probe_main"), (apply_script(Probe(), "", [], []), "apply_main")):
        assert script.startswith("{\n")
        assert script.endswith(f"\n{last}\n}}\n")
