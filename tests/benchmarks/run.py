# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long playbooks of the collection take, compared with others on the same throwaway hosts.

The contenders take turns, so that whatever else the machine does meets all of them, and a ratio is that of two runs of
the same round. A target that is missed is marked and is no error: times depend on the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.contenders import CONTENDERS, TARGETS, Contender, Target
from tests.benchmarks.network import connect
from tests.sandbox.hosts import ROOT, SandboxHost

WORK = ROOT / ".work"
# Neither the user's nor the environment's of this program: the hosts' Python is to be that of a server.
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Way:
    """How ansible reaches the hosts."""

    title: str
    ssh: bool = True
    new_connections: bool = False
    settings: dict[str, str] = field(default_factory=dict)


WAYS = {
    "ssh": Way("ssh, connections kept from run to run"),
    "ssh-new": Way("ssh, new connections in every run", new_connections=True),
    "ssh-pipelining": Way("ssh, connections kept, ANSIBLE_PIPELINING=true", settings={"ANSIBLE_PIPELINING": "true"}),
    "ssh-interpreter": Way(
        "ssh, connections kept, ansible_python_interpreter known",
        settings={"ANSIBLE_PYTHON_INTERPRETER": str(shutil.which("python3", path=PATH))},
    ),
    "sandbox": Way("no network: the connection plugin of the tests, much like local", ssh=False),
}


@dataclass(frozen=True)
class Took:
    """Seconds of a run: by the clock, and of processor time (without a network that of the hosts is among it)."""

    clock: float
    processor: float


@dataclass(frozen=True)
class Measured:
    """The runs of each contender, one for each round, and which share of the processors others used meanwhile."""

    runs: dict[Contender, list[Took]]
    disturbance: list[float]

    def ratios(self, target: Target) -> list[float]:
        pairs = zip(self.runs[target.contender], self.runs[target.base], strict=True)
        return [one.clock / other.clock for one, other in pairs]


class Bench:
    """Runs contenders on hosts."""

    def __init__(self, options: argparse.Namespace, directory: Path, sockets: Path, hosts: list[SandboxHost]) -> None:
        self._options, self._directory, self._sockets, self._hosts = options, directory, sockets, hosts
        python = {"ansible_python_interpreter": shutil.which("python3", path=PATH)}
        self._variables = {False: {host.name: {**host.vars, **python} for host in hosts}}
        if options.machine:
            self._variables[True] = connect(hosts, directory)

    def measure(self, way: Way) -> Measured:
        inventory = self._write("inventory", {"all": {"hosts": self._variables[way.ssh]}})
        measured = Measured({contender: [] for contender in CONTENDERS}, [])
        for number in range(self._options.rounds + 1):
            busy = busy_share()
            round_of = [self._run(contender, way, inventory) for contender in CONTENDERS]
            if number == 0:
                continue  # it fills the caches
            measured.disturbance.append(busy)
            for contender, took in zip(CONTENDERS, round_of, strict=True):
                measured.runs[contender].append(took)
        return measured

    def _run(self, contender: Contender, way: Way, inventory: Path) -> Took:
        if contender.before:
            for host in self._hosts:
                host.sh(contender.before)
        playbook = contender.playbook
        if not isinstance(playbook, str):
            playbook = str(self._write("playbook", playbook))
        program = WORK / "venv" / self._options.core / "bin" / "ansible-playbook"
        environment = self._environment(way)
        processor, clock = processor_time(), time.perf_counter()
        done = subprocess.run(
            [program, "--inventory", inventory, playbook],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        took = Took(time.perf_counter() - clock, processor_time() - processor)
        recap = re.findall(r"changed=(\d+) +unreachable=0 +failed=0 ", done.stdout)
        if done.returncode or recap != [str(contender.changed)] * len(self._hosts):
            sys.exit(f"{contender.name} did not do what was to be measured:\n{done.stdout}{done.stderr}")
        return took

    def _environment(self, way: Way) -> dict[str, str]:
        # Nothing of the user's own configuration of ansible and Python counts here.
        config = self._directory / "ansible.cfg"
        config.touch()
        sockets = tempfile.mkdtemp(dir=self._sockets) if way.new_connections else str(self._sockets)
        return {
            "PATH": PATH,
            "LANG": "C.UTF-8",
            "HOME": str(self._directory),
            "PYTHONPYCACHEPREFIX": str(self._directory / "pycache"),
            "ANSIBLE_CONFIG": str(config),
            "ANSIBLE_COLLECTIONS_PATH": f"{WORK / 'tree'}:{WORK / 'vendor'}",
            "ANSIBLE_CONNECTION_PLUGINS": str(ROOT / "tests" / "sandbox" / "connection"),
            "ANSIBLE_FORKS": str(self._options.forks),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": sockets,
            **way.settings,
        }

    def _write(self, name: str, content: Any) -> Path:
        # JSON is YAML.
        path = self._directory / f"{name}.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        return path


def processor_time() -> float:
    """Seconds that finished children have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def busy_share(seconds: float = 0.5) -> float:
    """The share of the processors that is in use while this program waits."""

    def ticks() -> tuple[int, int]:
        values = [int(word) for word in Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:9]]
        return sum(values), values[3] + values[4]

    total, idle = ticks()
    time.sleep(seconds)
    total_after, idle_after = ticks()
    return 1 - (idle_after - idle) / max(total_after - total, 1)


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def table(title: str, measured: Measured) -> Iterator[str]:
    row = "  {:26} {:22} {:10} {:22} {}".format
    yield f"\n{title} (others used {statistics.median(measured.disturbance):.0%} of the processors)"
    yield row("", "seconds", "processor", "ratio", "target")
    targets = {target.contender: target for target in TARGETS}
    for contender, runs in measured.runs.items():
        clock = spread([took.clock for took in runs])
        processor = f"{statistics.median(took.processor for took in runs):.2f}"
        ratio, verdict = "", ""
        if target := targets.get(contender):
            ratios = measured.ratios(target)
            ratio = spread(ratios)
            verdict = f"{target}{'' if target.met(statistics.median(ratios)) else '  MISSED'}"
        yield row(contender.name, clock, processor, ratio, verdict).rstrip()


def versions(core: str) -> str:
    def output(*command: str | Path) -> str:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    python = WORK / "venv" / core / "bin" / "python"
    show = "import ansible, platform; print(f'ansible-core {ansible.__version__} (Python {platform.python_version()})')"
    manifest = WORK / "vendor" / "ansible_collections" / "ansible" / "posix" / "MANIFEST.json"
    posix = json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"]
    hosts = output(str(shutil.which("python3", path=PATH)), "--version")
    return f"{output(python, '-c', show)}, ansible.posix {posix}; hosts: Linux {platform.release()}, {hosts}"


@contextmanager
def throwaway_hosts(number: int, directory: Path) -> Iterator[list[SandboxHost]]:
    hosts: list[SandboxHost] = []
    try:
        for index in range(1, number + 1):
            hosts.append(SandboxHost(f"host{index}", directory / f"host{index}.log"))  # noqa: PERF401  stopped one by one
        yield hosts
    finally:
        for host in hosts:
            host.stop()


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dev/bench", description=__doc__)
    parser.add_argument("--core", required=True, help="environment in .work/venv whose ansible runs")
    parser.add_argument("--machine", help="network namespace of the machine: this one is another; needed for ssh")
    parser.add_argument("--hosts", type=int, default=16)
    parser.add_argument("--forks", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    return parser.parse_args()


def main() -> None:
    options = parse()
    if options.machine == str(Path("/proc/self/ns/net").readlink()):
        sys.exit("this is the network namespace of the machine itself: please call dev/bench")
    if not shutil.which("python3", path=PATH):
        sys.exit(f"no python3 in {PATH}: ansible.builtin.ping and ansible.posix.sysctl need it on the hosts")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    print(versions(options.core))
    print(f"{options.hosts} hosts, {options.forks} forks, {os.cpu_count()} processors for controller and hosts alike")
    print(f"median (lowest to highest) of {options.rounds} rounds; processor: seconds of processor time", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="bench", dir=WORK) as directory,
        # The path of a socket has to be short.
        tempfile.TemporaryDirectory(prefix="bench") as sockets,
        throwaway_hosts(options.hosts, Path(directory)) as hosts,
    ):
        bench = Bench(options, Path(directory), Path(sockets), hosts)
        for name in options.ways:
            way = WAYS[name]
            if way.ssh and not options.machine:
                print(f"\n{way.title}: not measured, only root can make such hosts", flush=True)
                continue
            print("\n".join(table(way.title, bench.measure(way))), flush=True)


if __name__ == "__main__":
    main()
