# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils import _guard_files
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._model import Assignment, Note, Position
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._exposure import Exposure
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._guard import (
    Place,
    Verdict,
    call_of,
    dangerous,
    mentions,
    position_of,
    verdict,
    worth_a_look,
)
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._guard_files import ControllerFiles, NoFiles
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._guard_hooks import (
    NEEDED,
    Guard,
    Missing,
    Refused,
    install,
)

TASK = Position("/site.yml", 7)
PLACE = Place("web1", "Tune it", TASK, hidden=False)
SET = Assignment("tcp_tw_recycle", "1", TASK, TASK)

EXPOSED = Exposure(("tagged public_facing by group public_facing",), (), ())
PRIVATE = Exposure((), (), ("tagged private by group private",))
UNTAGGED = Exposure((), (), ())


@pytest.mark.parametrize(
    "value",
    [
        "net.ipv4.tcp_tw_recycle",
        "sysctl -w net.ipv4.tcp_tw_re'cyc'le=1",
        'net.ipv4."tcp_tw"_re\\cycle',
        "net.ipv4.tcp_tw_* = 1",
        "echo 1 > /proc/sys/net/ipv4/tcp_tw_?ecycle",
        "net/ipv4/[t]cp_tw",
        {"tcp_tw_recycle": 1},
        {"sysctls": [{"a": ["tcp_tw_recycle"]}]},
        ("x", {"tcp_tw_recycle"}),
        Path("/files/recycle.conf"),
    ],
)
def test_whatever_could_name_the_key_is_a_mention(value: Any) -> None:
    assert mentions(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "net.ipv4.tcp_tw_reuse = 1",
        "rm -rf /tmp/*",
        {"a": [1, None, True, 2.5]},
        ["tcp_timestamps"],
    ],
)
def test_what_cannot_name_it_is_none(value: Any) -> None:
    assert not mentions(value)


def test_looking_for_a_mention_takes_no_time_on_a_long_text() -> None:
    started = time.process_time()
    assert not mentions("net" * 300_000)
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("module", "arguments", "worth"),
    [
        ("ansible.builtin.copy", {"src": "a.conf", "dest": "/etc/a.conf"}, True),
        ("ansible.builtin.script", {"_raw_params": "tune.sh"}, True),
        ("script", {"cmd": "tune.sh"}, True),
        ("ansible.builtin.command", {"_raw_params": "sysctl -w net.ipv4.tcp_tw_recycle=1"}, True),
        ("ansible.builtin.command", {"_raw_params": "uptime"}, False),
        ("ansible.builtin.file", {"path": "/etc/motd"}, False),
    ],
)
def test_most_tasks_are_not_worth_a_look(module: str, arguments: dict[str, Any], worth: bool) -> None:
    assert worth_a_look(module, arguments) is worth


class Vaulted:
    """As ansible-core's own: no str, but the text when asked for it."""

    def __str__(self) -> str:
        return "net.ipv4.tcp_tw_recycle = 1"


def test_a_call_has_plain_arguments_and_the_name_that_the_engine_knows() -> None:
    call = call_of("ansible.legacy.command", {"_raw_params": Vaulted(), "argv": ("a", {"b"}), 1: 2.5}, TASK)
    assert call.module == "command"
    assert call.free == "net.ipv4.tcp_tw_recycle = 1"
    assert call.arguments == {"argv": ["a", ["b"]], "1": 2.5}
    assert call.by == TASK
    assert mentions({"content": Vaulted()})


@pytest.mark.parametrize(
    ("path", "position"),
    [("/a:b/site.yml:12", ("/a:b/site.yml", 12)), ("", ("", 0)), (None, ("", 0)), ("/site.yml", ("", 0))],
)
def test_where_a_task_stands_is_known_or_left_out(path: str | None, position: tuple[str, int]) -> None:
    assert position_of(path) == position


@pytest.mark.parametrize("value", ["1", "2", "-1", "0x1", "yes", "+1", "01", "on"])
def test_every_value_but_zero_is_dangerous(value: str) -> None:
    assert dangerous([replace(SET, value=value)])


@pytest.mark.parametrize("value", ["0", "00", "0x0", "-0", "no", "off", ""])
def test_zero_in_any_spelling_is_not(value: str) -> None:
    assert not dangerous([replace(SET, value=value)])


def test_other_keys_and_notes_are_not_dangerous() -> None:
    found = [replace(SET, name="tcp_tw_reuse"), Note("/site.yml", 7, "the archive is not looked into")]
    assert dangerous(found) == ()


def test_an_exposed_host_is_refused_with_task_line_and_remedy() -> None:
    refusal = verdict([SET], EXPOSED, PLACE).refusal
    assert refusal
    assert refusal.startswith("refused to set net.ipv4.tcp_tw_recycle to 1 on web1: this host is public-facing: ")
    assert "timewait_guard stopped task 'Tune it' at /site.yml:7 before it ran. Leave tcp_tw_recycle at 0." in refusal


def test_a_host_without_a_tag_is_refused() -> None:
    refusal = verdict([SET], UNTAGGED, PLACE).refusal
    assert refusal
    assert "nobody has attested that this host is private" in refusal


def test_the_file_that_carries_the_value_is_named() -> None:
    carried = replace(SET, at=Position("/files/a.conf", 3))
    refusal = verdict([carried], EXPOSED, PLACE).refusal
    assert refusal
    assert "task 'Tune it' at /site.yml:7, by /files/a.conf:3, before it ran" in refusal


def test_a_private_host_is_let_through_with_a_warning() -> None:
    outcome = verdict([SET], PRIVATE, PLACE)
    assert outcome.refusal is None
    assert len(outcome.warnings) == 1
    assert "its kernel was not looked at" in outcome.warnings[0]


@pytest.mark.parametrize("exposure", [EXPOSED, PRIVATE, UNTAGGED])
def test_a_value_that_only_the_host_knows_is_let_through_with_a_warning(exposure: Exposure) -> None:
    unknown = replace(SET, value="$1", undecided=("$1",))
    outcome = verdict([unknown], exposure, PLACE)
    assert outcome.refusal is None
    assert "to what is known only when it runs ($1)" in outcome.warnings[0]


def test_a_decided_value_counts_more_than_one_that_is_not() -> None:
    assert verdict([replace(SET, value="$1", undecided=("$1",)), SET], EXPOSED, PLACE).refusal


def test_nothing_of_a_hidden_task_is_shown_but_the_key() -> None:
    hidden = replace(PLACE, hidden=True)
    secret = replace(SET, value="1-secret", undecided=())
    refusal = verdict([secret], EXPOSED, hidden).refusal
    warned = (
        verdict([secret], PRIVATE, hidden).warnings
        + verdict([replace(secret, undecided=("secret",))], EXPOSED, hidden).warnings
    )
    assert refusal
    assert "secret" not in refusal + "".join(warned)


def test_what_comes_from_a_task_cannot_steer_a_terminal() -> None:
    nasty = Place("web\x1b[2J", "name\nrefused", Position("/a\x07", 1), hidden=False)
    refusal = verdict([replace(SET, value="1\x1b]0;")], EXPOSED, nasty).refusal
    assert refusal
    assert refusal.isprintable()
    assert Verdict() == Verdict(None, ())


def files(tmp_path: Path) -> ControllerFiles:
    return ControllerFiles(lambda _kind, name: str(tmp_path / name), lambda path: Path(path).read_bytes())


def test_a_file_that_mentions_the_key_is_read_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("net.ipv4.tcp_tw_recycle = 1\n")
    (tmp_path / "b.conf").write_text("net.ipv4.tcp_tw_reuse = 1\n")
    assert files(tmp_path).content("files", "a.conf") == [(str(tmp_path / "a.conf"), "net.ipv4.tcp_tw_recycle = 1\n")]
    assert files(tmp_path).content("files", "b.conf") == []
    assert files(tmp_path).content("templates", "a.conf") == []
    assert NoFiles().content("files", str(tmp_path / "a.conf")) == []
    assert ControllerFiles(lambda _kind, _name: None, lambda _path: b"").content("files", "a.conf") == []


def test_of_a_directory_the_regular_texts_are_read(tmp_path: Path) -> None:
    line = b"net.ipv4.tcp_tw_recycle = 1\n"
    below = tmp_path / "d" / "below"
    below.mkdir(parents=True)
    (below / "latin.conf").write_bytes(b"# \xe9\n" + line)
    (below / "binary").write_bytes(b"\0" + line)
    (below / "large").write_bytes(line + b"#" * _guard_files.LARGEST)
    (below / "dangling").symlink_to("nowhere")
    (below / "around").symlink_to(tmp_path / "d")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "linked.conf").write_bytes(line)
    (below / "elsewhere").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(below / "pipe")
    assert [Path(path).name for path, _text in files(tmp_path).content("files", "d")] == ["latin.conf", "linked.conf"]


@pytest.mark.parametrize(("limit", "value"), [("MOST_FILES", 2), ("MOST_BYTES", 60)])
def test_reading_a_directory_ends_somewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(_guard_files, limit, value)
    for number in range(5):
        (tmp_path / f"{number}.conf").write_text("net.ipv4.tcp_tw_recycle = 1\n")
    assert len(files(tmp_path).content("files", ".")) == 2


@pytest.mark.parametrize(("owner", "name", "parameters"), NEEDED)
def test_what_is_missing_in_ansible_core_is_an_error(
    owner: Any, name: str, parameters: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not there, or there with another signature.
    monkeypatch.setattr(owner, name, (lambda: None) if parameters else None)
    with pytest.raises(Missing, match="is not there, or not as it was"):
        install()


class Manager:
    RUN_OK = 0
    RUN_FAILED_HOSTS = 2


@pytest.mark.parametrize(("refused", "status", "expected"), [(0, 0, 0), (0, 4, 4), (1, 0, 2), (1, 4, 4)])
def test_the_status_of_a_run_with_a_refusal_is_not_0(refused: int, status: int, expected: int) -> None:
    guard = Guard()
    guard._count.value = refused
    assert guard.around_play(lambda _manager, _play: status, Manager(), None) == expected


def test_a_refusal_has_no_traceback_and_no_template() -> None:
    refused = Refused("{{ 1 }}")
    assert "exception" not in refused.result
    assert refused.result.get("msg", "{{ 1 }}") == "{{ 1 }}"
