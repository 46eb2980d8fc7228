# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of the recorded snippets of content (see dev/oracle), run for real by the ansible-core under test."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.lint.cases import Built, Case, build
from tests.lint.oracle import ask, recorded

#: How many cases; fewer with those that the record is not of.
SAMPLE = {"core-2.19": 30}
PLAIN = Case("sysctl", "play-tasks", "literal", "scalar", "1")


def test_a_sample_of_the_recorded_cases_still_ends_as_recorded(core: str, tmp_path: Path) -> None:
    known = list(recorded())
    sample = known[:: len(known) // SAMPLE.get(core, 10)]
    trees = [(case.id, build(case)) for case, _digest, _answer in sample]
    then = {case.id: answer.on for case, _digest, answer in sample}
    now = {name: (answer.status, answer.on) for name, answer in ask(trees, core, tmp_path)}
    assert now == {name: (0, on) for name, on in then.items()}


def test_the_oracle_sees_what_was_broken(core: str, tmp_path: Path) -> None:
    built = build(PLAIN)
    site = built.files["site.yml"]

    def changed(old: str, new: str) -> Built:
        assert old in site
        return replace(built, files={**built.files, "site.yml": site.replace(old, new)})

    trees = [
        ("as it is", built),
        ("another key", changed("tcp_tw_recycle", "tcp_tw_reuse")),
        ("no host", changed("hosts: web", "hosts: none")),
        ("as it was", built),
        ("no module", changed("sysctl:", "no_such_module:")),
    ]
    answers = dict(ask(trees, core, tmp_path))
    assert {name: (answer.status == 0, answer.on) for name, answer in answers.items()} == {
        "as it is": (True, True),
        "another key": (True, False),
        "no host": (True, False),
        "as it was": (True, True),
        "no module": (False, False),
    }
