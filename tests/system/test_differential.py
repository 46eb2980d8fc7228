# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of ``make differential``, with the loaders of this machine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.differential.mutants import MUTANTS, engine_of, survivors_of
from tests.differential.rigs import SYSTEMD
from tests.differential.run import Results, run

TREES = 150


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    if not (any(Path(path).exists() for path in SYSTEMD) and shutil.which("sysctl")):
        lacking = "systemd-sysctl and sysctl are needed"
        if os.environ.get("CI"):
            pytest.fail(lacking)
        pytest.skip(lacking)
    directory = tmp_path_factory.mktemp("differential")
    return run(directory / "no-rigs", TREES, directory)


def test_what_the_loaders_of_this_machine_make_of_generated_trees_was_foretold(results: Results) -> None:
    assert {program.how for program in results.programs} == {"systemd-sysctl", "sysctl --system", "sysctl -p"}
    assert len(results.seen) == TREES
    assert results.mismatches == [], "\n\n".join(results.reproductions)


def test_the_sample_tells_the_engine_from_most_of_its_mutants(results: Results) -> None:
    assert len(survivors_of(results)) < len(MUTANTS) / 2


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_the_engine_but_for_one_thing(mutant, tmp_path: Path) -> None:
    engine = engine_of(mutant, tmp_path, f"mutant_of_{MUTANTS.index(mutant)}")
    assert engine.sysctld.decide("net/ipv4/tcp_tw_reuse", [], engine.boot.LOADERS[0]).value is None
