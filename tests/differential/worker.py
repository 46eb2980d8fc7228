# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What loaders make of trees, and the engine of both, tree by tree: a part of a run, in a sandbox of its own.

usage: python -m tests.differential.worker DIRECTORY-OF-ROOTS FIRST LAST STEP OUTPUT
"""

from __future__ import annotations

import pickle
import sys
from collections import Counter
from pathlib import Path

from tests.differential.bench import Bench
from tests.differential.generate import tree_of
from tests.differential.judge import Engine, Mismatch, naive_is_right
from tests.differential.shrink import shrunk
from tests.differential.trees import Tree, as_script

#: Of more mismatches of a loader than these only the number is of interest.
SHOWN = 2


def main() -> None:
    roots, first, last, step, output = sys.argv[1:]
    below = Path("/run/rigs")
    below.mkdir()
    bench = Bench(roots_in(Path(roots)), below)
    engine = Engine()
    with Path(output).open("wb") as file:
        pickle.dump(bench.programs, file)
        shown: Counter[str] = Counter()
        for seed in range(int(first), int(last), int(step)):
            tree = tree_of(seed)
            seen = bench.see(seed, tree)
            found = [each for program in bench.programs for each in engine.mismatches(seen, program)]
            new = {each.program: each for each in found if shown[each.program] < SHOWN}
            shown.update(new.keys())
            reproductions = [_reproduction(bench, engine, tree, each) for each in new.values()]
            right = {name for name, outcome in seen.outcomes.items() if naive_is_right(seen, outcome)}
            pickle.dump((seen, found, reproductions, right), file)
    bench.stop()


def roots_in(directory: Path) -> dict[str, Path]:
    """The root file systems that lie in a directory, that of this machine for a missing one."""
    roots = {path.name: path for path in sorted(directory.iterdir())} if directory.is_dir() else {}
    return roots or {"this machine": Path("/")}


def _reproduction(bench: Bench, engine: Engine, tree: Tree, mismatch: Mismatch) -> str:
    """The smallest tree that shows the same, as a shell script, and what was made of it."""
    program = next(program for program in bench.programs if program.name == mismatch.program)

    def shown(smaller: Tree) -> list[Mismatch]:
        found = engine.mismatches(bench.see(mismatch.seed, smaller, [program]), program)
        return [each for each in found if each.what == mismatch.what]

    smallest = shrunk(tree, lambda smaller: bool(shown(smaller)))
    of_it = next(iter(shown(smallest)), mismatch)
    return (
        f"# tree {of_it.seed}, {of_it.program}, {of_it.what}: foreseen {of_it.foreseen}, found {of_it.found}\n"
        f"{as_script(smallest)}\n{program.command}"
    )


if __name__ == "__main__":
    main()
