# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._snapshot import words_of_shell
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._words import of_role, told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "set conflicts: comment_out, or set path: /etc/x",
            "set timewait_conflicts: comment_out, or set timewait_sysctl_file: /etc/x",
        ),
        ("path must name a file", "timewait_sysctl_file must name a file"),
        ("with state: absent and path: /x", "with timewait_state: absent and timewait_sysctl_file: /x"),
        ("; apply_to: runtime leaves files alone", "; timewait_apply_to: runtime leaves files alone"),
        ("say owner: web", "say timewait_owner: web"),
        (
            "timewait_state: absent, my_path: x, a path of its own",
            "timewait_state: absent, my_path: x, a path of its own",
        ),
    ],
)
def test_users_of_the_role_read_of_its_variables(text: str, expected: str) -> None:
    assert of_role(text) == expected


def test_warnings_name_the_host_and_messages_do_not() -> None:
    answer = {"changed": True, "msg": "state: absent", "warnings": ["path: x", "y"]}
    assert told(answer, "web1", by_role=False) == {**answer, "warnings": ["web1: path: x", "web1: y"]}
    assert told(answer, "web1", by_role=True)["msg"] == "timewait_state: absent"
    assert told({"changed": False}, "web1", by_role=True) == {"changed": False}


@pytest.mark.parametrize(
    "text",
    [
        "/bin/sh: 294: cannot create /x: Permission denied",
        "sh: line 294: cannot create /x: Permission denied",
        "/bin/sh: eval: line 229: cannot create /x: Permission denied",
        "cannot create /x: Permission denied",
    ],
)
def test_the_words_of_a_shell_are_without_its_line_numbers(text: str) -> None:
    assert words_of_shell(text) == "cannot create /x: Permission denied"
