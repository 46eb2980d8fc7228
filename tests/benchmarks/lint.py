# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the lint takes, beside ansible-lint over the same content and ansible-inventory over the same inventory.

The contenders take turns, so that whatever else the machine does meets all of them, and a ratio is that of two runs of
the same round. A target that is missed is marked and is no error: times depend on the machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import lint_tree
from tests.benchmarks.run import PATH, WORK, Took, busy_share, processor_time, spread
from tests.sandbox.hosts import ROOT

RULES = ROOT / "extensions" / "ansible_lint" / "rules"


@dataclass(frozen=True)
class Contender:
    """A command; ``says`` must be in what it prints, so that nothing is measured that does not do its work."""

    name: str
    command: tuple[str, ...]
    status: int
    says: str


Runs = dict[Contender, list[Took]]


@dataclass(frozen=True)
class Target:
    """What the median of ``contender`` / ``base`` is to be: at most ``limit``, or at least."""

    contender: Contender
    base: Contender
    limit: float
    at_least: bool = False

    def verdict(self, runs: Runs) -> str:
        pairs = list(zip(runs[self.contender], runs[self.base], strict=True))
        ratios = [one.clock / other.clock for one, other in pairs]
        processor = statistics.median(one.processor / other.processor for one, other in pairs)
        ratio = statistics.median(ratios)
        met = ratio >= self.limit if self.at_least else ratio <= self.limit
        sign = ">=" if self.at_least else "<="
        words = f"{self.contender.name} / {self.base.name}"
        wanted = f"{sign} {self.limit:g}{'' if met else '  MISSED'}"
        return f"  {words:60} {spread(ratios):22} {wanted:14} (processor {processor:.2f})"


def contenders_and_targets(core: str) -> tuple[list[Contender], list[Target]]:
    binaries = {name: str(WORK / "venv" / name / "bin") for name in ("checks", core)}
    lint = (f"{binaries['checks']}/ansible-lint", "--offline", "-f", "pep8", "-c")
    plain = Contender("ansible-lint", (*lint, "without.json"), 0, "Passed")
    rules = Contender("ansible-lint with the rules", (*lint, "with.json"), 2, "timewait-recycle")
    playbook = (f"{binaries[core]}/ansible-playbook", "linux_tcp.tuning.lint", "-i")
    found = "net.ipv4.tcp_tw_recycle is set to 1"
    content = Contender("linux_tcp.tuning.lint", (*playbook, "localhost,"), 2, found)
    inventory = (f"{binaries[core]}/ansible-inventory", "-i", "inventory.ini", "--list")
    listed = Contender("ansible-inventory --list", inventory, 0, "host_00000")
    fleet = Contender("linux_tcp.tuning.lint of all hosts", (*playbook, "inventory.ini"), 2, found)
    targets = [Target(rules, plain, 1.1), Target(plain, content, 10, at_least=True), Target(fleet, listed, 1.5)]
    return [plain, rules, content, listed, fleet], targets


def environment(home: Path) -> dict[str, str]:
    config = home / "ansible.cfg"
    config.touch()
    return {
        "PATH": f"{WORK / 'venv' / 'checks' / 'bin'}:{PATH}",
        "LANG": "C.UTF-8",
        "HOME": str(home),
        "NO_COLOR": "1",
        "PYTHONPYCACHEPREFIX": str(home / "pycache"),
        "ANSIBLE_CONFIG": str(config),
        "ANSIBLE_COLLECTIONS_PATH": f"{WORK / 'tree'}:{WORK / 'vendor'}",
    }


def seconds(contender: Contender, tree: Path, variables: dict[str, str]) -> Took:
    processor, clock = processor_time(), time.perf_counter()
    done = subprocess.run(
        contender.command,
        cwd=tree,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    took = Took(time.perf_counter() - clock, processor_time() - processor)
    if done.returncode != contender.status or contender.says not in done.stdout + done.stderr:
        end = (done.stdout + done.stderr)[-4000:]
        sys.exit(f"{contender.name} did not do what was to be measured (status {done.returncode}):\n{end}")
    return took


def report(runs: Runs, targets: list[Target]) -> Iterator[str]:
    for contender, took in runs.items():
        processor = statistics.median(one.processor for one in took)
        yield f"  {contender.name:34} {spread([one.clock for one in took]):24} s   processor {processor:.2f} s"
    yield "ratios, and what they are to be"
    for target in targets:
        yield target.verdict(runs)


def main() -> None:
    parser = argparse.ArgumentParser(prog="dev/bench-lint", description=__doc__)
    parser.add_argument("--core", required=True, help="environment in .work/venv whose ansible runs")
    parser.add_argument("--hosts", type=int, default=10000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    contenders, targets = contenders_and_targets(options.core)
    runs: Runs = {contender: [] for contender in contenders}
    with tempfile.TemporaryDirectory(prefix="bench", dir=WORK) as directory:
        home, tree = Path(directory) / "home", Path(directory) / "tree"
        home.mkdir()
        files = lint_tree.write(tree)
        lint_tree.write_inventory(tree, options.hosts)
        lint_tree.write_config(tree, "without.json")
        lint_tree.write_config(tree, "with.json", rulesdir=[str(RULES)], use_default_rules=True)
        print(f"{files} files; {options.hosts} hosts in {lint_tree.GROUPS} groups; {os.cpu_count()} processors")
        print(f"median (lowest to highest) of {options.rounds} rounds", flush=True)
        variables, others = environment(home), []
        for _round in range(options.rounds):
            others.append(busy_share())
            for contender in contenders:
                runs[contender].append(seconds(contender, tree, variables))
    print(f"others used {statistics.median(others):.0%} of the processors")
    print("\n".join(report(runs, targets)))


if __name__ == "__main__":
    main()
