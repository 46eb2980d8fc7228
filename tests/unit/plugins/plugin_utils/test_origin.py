# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils import _origin

TASK = {"linux_tcp.tuning.timewait_settings": {"tcp_tw_recycle": "{{ recycle | default(0) }}"}}


def a_task(ds: Any, path: str | None = "/x/play.yml:7") -> Any:
    return SimpleNamespace(get_ds=lambda: ds, get_path=lambda: path)


class Positioned(int):
    ansible_pos = ("/x/vars.yml", 3, 1)


class Tag:
    def __init__(self, path: str | None, line_num: int | None, description: str | None = None) -> None:
        self.path, self.line_num, self.description = path, line_num, description


def tags(monkeypatch: pytest.MonkeyPatch, tag: Tag | None) -> None:
    monkeypatch.setattr(_origin, "Origin", SimpleNamespace(get_tag=lambda _value: tag))


@pytest.mark.parametrize(
    ("written", "variable"),
    [
        ("{{ recycle }}", "recycle"),
        ("{{recycle|int}}", "recycle"),
        ("{{ hostvars['x'].recycle }}", "hostvars"),
        ("1", None),
        (1, None),
        (None, None),
    ],
)
def test_the_variable_is_the_one_that_the_template_names(
    monkeypatch: pytest.MonkeyPatch, written: object, variable: str | None
) -> None:
    tags(monkeypatch, None)
    origin = _origin.origin_of(a_task({"module": {"tcp_tw_recycle": written}}), "tcp_tw_recycle", 1)
    assert origin == {"variable": variable, "path": "/x/play.yml", "line": 7}


@pytest.mark.parametrize("ds", [None, {}, {"module": None}, "tcp_tw_recycle=1", {"module": {"other": "{{ x }}"}}])
def test_a_task_that_does_not_name_the_option_has_no_variable(monkeypatch: pytest.MonkeyPatch, ds: object) -> None:
    tags(monkeypatch, None)
    assert _origin.origin_of(a_task(ds), "tcp_tw_recycle", 1)["variable"] is None


def test_the_option_is_found_below_module_defaults_and_action_too(monkeypatch: pytest.MonkeyPatch) -> None:
    tags(monkeypatch, None)
    ds = {"action": {"module": "x", "args": {"tcp_tw_recycle": "{{ deep }}"}}}
    assert _origin.origin_of(a_task(ds), "tcp_tw_recycle", 1)["variable"] == "deep"


def test_the_position_of_the_value_comes_before_that_of_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    tags(monkeypatch, Tag("/x/vars.yml", 3))
    assert _origin.origin_of(a_task(TASK), "tcp_tw_recycle", 1) == {
        "variable": "recycle",
        "path": "/x/vars.yml",
        "line": 3,
    }


def test_a_value_without_a_file_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    tags(monkeypatch, Tag(None, None, "<CLI option '-e'>"))
    assert _origin.origin_of(a_task(TASK), "tcp_tw_recycle", 1)["path"] == "<CLI option '-e'>"


def test_an_older_core_keeps_the_position_at_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_origin, "Origin", None)
    assert _origin.origin_of(a_task(TASK), "tcp_tw_recycle", Positioned(1))["line"] == 3
    assert _origin.origin_of(a_task(TASK), "tcp_tw_recycle", 1)["line"] == 7


@pytest.mark.parametrize("path", [None, "", "play"])
def test_what_is_not_known_is_not_made_up(monkeypatch: pytest.MonkeyPatch, path: str | None) -> None:
    monkeypatch.setattr(_origin, "Origin", None)
    origin = _origin.origin_of(a_task(TASK, path=path), "tcp_tw_recycle", 1)
    assert (origin["path"], origin["line"]) == (None, None)


def test_a_real_tag_of_ansible_core_is_read() -> None:
    if _origin.Origin is None:
        pytest.fail("the environment of the unit tests has an ansible-core that tags values")
    value = _origin.Origin(path="/x/vars.yml", line_num=12, col_num=1).tag("1")
    assert _origin.origin_of(a_task(TASK), "tcp_tw_recycle", value)["line"] == 12


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        ({"variable": "a", "path": "/x.yml", "line": 3}, " (variable a, /x.yml line 3)"),
        ({"variable": None, "path": "<CLI option '-a'>", "line": None}, " (<CLI option '-a'>)"),
        ({"variable": None, "path": None, "line": None}, ""),
    ],
)
def test_an_origin_in_words_has_what_is_known(origin: dict[str, Any], words: str) -> None:
    assert _origin.in_words(origin) == words
