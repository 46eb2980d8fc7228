# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thousands of trees through every loader of every rig, and what the engine says: the report of ``make differential``.

usage: python -m tests.differential.run DIRECTORY-OF-ROOTS COUNT [again]

What loaders do does not depend on the engine: "again" compares what was kept of the last run with the engine of now.
"""

from __future__ import annotations

import itertools
import os
import pickle
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.differential.bench import Seen
from tests.differential.generate import traps_of
from tests.differential.judge import DELIBERATE, Engine, Mismatch
from tests.differential.mutants import survivors_of
from tests.differential.rigs import Program
from tests.differential.traps import TRAPS, Trap

ROOT = Path(__file__).resolve().parents[2]
#: What a run of so many trees must come up to: trees with each trap, trees with each two, and the share, in per cent,
#: of those in which the rule of thumb is wrong.
FULL, EACH, PAIR, NAIVE = 10_000, 300, 20, 30


@dataclass
class Results:
    programs: Sequence[Program]
    seen: list[Seen] = field(default_factory=list)
    mismatches: list[Mismatch] = field(default_factory=list)
    reproductions: list[str] = field(default_factory=list)
    #: Trees in which the rule of thumb is right, by loader.
    naive: Counter[str] = field(default_factory=Counter)


def run(roots: Path, count: int, directory: Path) -> Results:
    """Lets workers look at trees 0 to ``count``, one for each processor; what they see is kept in ``directory``."""
    workers = os.cpu_count() or 1
    directory.mkdir(parents=True, exist_ok=True)
    outputs = [directory / str(number) for number in range(workers)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}/.work/tree:{ROOT}"}
    command: list[str | Path] = [ROOT / "dev/sandbox", "--", sys.executable, "-m", "tests.differential.worker", roots]
    processes = [
        subprocess.Popen([*command, str(number), str(count), str(workers), output], cwd=ROOT, env=environment)
        for number, output in enumerate(outputs)
    ]
    statuses = [process.wait() for process in processes]
    if any(statuses):
        raise SystemExit("a worker failed: see above")
    return _results(outputs)


def _results(outputs: Sequence[Path]) -> Results:
    results = Results([])
    for output in outputs:
        parts = _pickled(output)
        results.programs = next(parts)
        for seen, mismatches, reproductions, right in parts:
            results.seen.append(seen)
            results.mismatches += mismatches
            results.reproductions += reproductions
            results.naive.update(right)
    results.seen.sort(key=lambda seen: seen.seed)
    return results


def judged_again(outputs: Sequence[Path]) -> Results:
    """The same results with what the engine says now; without the smallest trees that show a mismatch."""
    with ProcessPoolExecutor() as pool:
        parts = [*pool.map(_judged_again, outputs)]
    whole = parts[0]
    for part in parts[1:]:
        whole.seen += part.seen
        whole.mismatches += part.mismatches
        whole.naive.update(part.naive)
    whole.seen.sort(key=lambda seen: seen.seed)
    return whole


def _judged_again(output: Path) -> Results:
    results, engine = _results([output]), Engine()
    results.reproductions = []
    results.mismatches = [
        mismatch
        for seen in results.seen
        for program in results.programs
        for mismatch in engine.mismatches(seen, program)
    ]
    return results


def _pickled(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        while file.peek(1):
            yield pickle.load(file)  # noqa: S301


def together(one: Trap, other: Trap) -> bool:
    return one.place is None or one.place != other.place


def traps(count: int) -> tuple[list[str], bool]:
    """How often traps occur, each and by twos; and whether that is often enough."""
    trees = [traps_of(seed) for seed in range(count)]
    each = Counter(trap for chosen in trees for trap in chosen)
    pairs = Counter(pair for chosen in trees for pair in itertools.combinations(chosen, 2))
    possible = [pair for pair in itertools.combinations(TRAPS, 2) if together(*pair)]
    least = min(possible, key=lambda pair: pairs[pair])
    never = [pair for pair in itertools.combinations(TRAPS, 2) if not together(*pair)]
    lines = [f"  {each[trap]:5}  {trap.table}: {trap.name}" for trap in TRAPS]
    lines += [f"the least two together: {pairs[least]} trees, {least[0].name!r} and {least[1].name!r}"]
    lines += [f"never together, for both are about one place: {len(never)} of {len(never) + len(possible)} pairs"]
    lines += [f"  {one.name!r} and {other.name!r}" for one, other in never]
    enough = min(each.values()) >= EACH and pairs[least] >= PAIR
    return ["trees with each trap:", *lines], enough


def report(results: Results, count: int, seconds: float) -> bool:
    """Prints what came of it; whether it is as it should be."""
    lines, enough = traps(count)
    print("\n".join(lines))
    print(
        f"{count} trees for each of {len(results.programs)} loaders; mismatches, and where the rule of thumb is wrong:"
    )
    wrong = Counter(mismatch.program for mismatch in results.mismatches)
    shares = []
    for program in results.programs:
        share = 100 * (count - results.naive[program.name]) / count
        version = program.version.split("\n", maxsplit=1)[0].replace("sysctl from ", "")
        print(f"  {wrong[program.name]:5}  {share:5.1f} %  {program.name} ({version})")
        if program.how != "sysctl -p":
            shares.append(share)
    for name, applies in DELIBERATE.items():
        left_out = Counter(p.name for p in results.programs for seen in results.seen if applies(seen, p))
        print(f"not compared, for {name}: {', '.join(f'{n} trees of {p}' for p, n in left_out.items()) or 'none'}")
    print(f"the rule of thumb is wrong in {min(shares):.1f} % of the trees at least (sysctl -p reads one file)")
    print(f"time: {seconds:.0f} s on {os.cpu_count()} processors")
    for text in results.reproductions:
        print(f"\n{text}")
    full = count >= FULL
    return not wrong and (not full or (enough and min(shares) >= NAIVE))


def main() -> int:
    roots, count = Path(sys.argv[1]), int(sys.argv[2])
    kept = ROOT / ".work/differential"
    start = time.monotonic()
    results = judged_again(sorted(kept.iterdir())) if "again" in sys.argv else run(roots, count, kept)
    right = report(results, count, time.monotonic() - start)
    survivors = survivors_of(results)
    print(f"mutants that survive: {', '.join(survivors) or 'none'}")
    return 0 if right and not survivors else 1


if __name__ == "__main__":
    sys.exit(main())
