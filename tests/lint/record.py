# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records the oracle's answers: see dev/oracle."""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

from tests.lint.cases import Case, build, draw, fits
from tests.lint.oracle import RECORD, Answer, ask, record, recorded

SEED = 412


def _answers(cases: Iterable[Case], core: str) -> list[tuple[Case, Answer]]:
    with tempfile.TemporaryDirectory() as directory:
        trees = ((case.id, build(case)) for case in cases)
        return [(Case.of(name), answer) for name, answer in ask(trees, core, Path(directory))]


def _counts(answers: list[tuple[Case, Answer]]) -> str:
    lines = []
    for kind in fields(Case):
        all_of_it = Counter(getattr(case, kind.name) for case, _answer in answers)
        on = Counter(getattr(case, kind.name) for case, answer in answers if answer.on)
        lines.append(
            f"{kind.name}: " + ", ".join(f"{name or '-'} {on[name]}/{all_of_it[name]}" for name in sorted(all_of_it))
        )
    return "\n".join(lines)


def _known() -> dict[Case, Answer]:
    """What is recorded of content that has not changed since."""
    if not RECORD.exists():
        return {}
    return {case: answer for case, digest, answer in recorded() if fits(case) and build(case).digest == digest}


def main() -> int:
    count, core, fresh = int(sys.argv[1]), sys.argv[2], "--fresh" in sys.argv
    known = {} if fresh else _known()
    more = (case for case in draw(SEED) if case not in known)
    asked = list(itertools.islice(more, max(0, count - len(known))))
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        parts = pool.map(lambda number: _answers(asked[number::workers], core), range(workers))
        answers = [answer for part in parts for answer in part]
    for case, answer in answers:
        if answer.status != 0:
            sys.stderr.write(f"-- does not run: {case.id}\n{answer.output}\n")
    # Content that does not run to its end answers nothing.
    good = [(case, answer) for case, answer in answers if answer.status == 0]
    refused = len(asked) - len(good)
    good += known.items()
    record(good)
    on = sum(answer.on for _case, answer in good)
    sys.stdout.write(f"{_counts(good)}\n{len(good)} recorded, {on} of them on; {refused} do not run\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
