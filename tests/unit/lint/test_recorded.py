# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lint against what ansible-playbook was seen to do (see dev/oracle)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.lint.agreement import HOSTS, disagreement, write
from tests.lint.cases import Case, build
from tests.lint.oracle import Answer, recorded
from tests.lint.undecidable import reason

RECORDED = list(recorded())


def test_there_are_at_least_two_thousand_cases_and_half_of_them_switch_the_knob_on() -> None:
    on = sum(answer.on for _case, _digest, answer in RECORDED)
    assert len(RECORDED) >= 2000
    assert 0.35 < on / len(RECORDED) < 0.75


def test_the_record_is_of_the_content_that_the_generator_makes_now() -> None:
    stale = [case.id for case, digest, _answer in RECORDED if build(case).digest != digest]
    assert not stale, f"run make oracle: {len(stale)} cases were of other content, such as {stale[:3]}"


def _disagreements(cases: list[tuple[Case, str, Answer]], directory: Path) -> Iterator[str]:
    for case, digest, answer in cases:
        built = build(case)
        tree = directory / digest
        write(built, tree)
        said = disagreement(built, tree, on=answer.on, hosts=HOSTS if reason(case) else ())
        if said:
            yield f"{case.id}: {said}"
        shutil.rmtree(tree)


def test_the_lint_says_of_every_case_what_happened_at_the_line_where_the_value_stands(tmp_path: Path) -> None:
    found = list(_disagreements(RECORDED, tmp_path))
    assert not found, f"{len(found)} of {len(RECORDED)}:\n" + "\n".join(found[:40])
