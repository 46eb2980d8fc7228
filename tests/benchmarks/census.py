# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a census of TIME_WAIT sockets costs a host, beside ss and beside a bare read of the same sockets.

The contenders take turns on the same sockets, which are gone after a minute, and a ratio is that of two runs of one
turn. A target that is missed is marked and is no error: times depend on the machine. Processor time is that of the
host's: shell, interpreter and kernel.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._census import Census, censuses_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import Probe, probe_script, sections_of

from tests.benchmarks.census_sockets import SHAPES
from tests.benchmarks.run import WORK, Took, busy_share, spread
from tests.sandbox.hosts import SandboxHost

MAKER = Path(__file__).with_name("census_sockets.py")
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

#: Asks for the sockets in TIME_WAIT of both families, and throws away what it gets.
BARE = """
import _socket, struct
for family in (2, 10):
    netlink = _socket.socket(16, 3, 4)
    netlink.send(struct.pack("=IHHIIBBBBI48x", 72, 20, 0x301, 1, 0, family, 6, 0, 0, 1 << 6))
    while struct.unpack_from("=H", netlink.recv(65536), 4)[0] not in (2, 3):
        pass
"""
#: What a program's memory came to, as it says itself at its end.
PEAK = 'open("/run/peak", "w").write(open("/proc/self/status").read())\n'
LAST_LINE = "answer(sys.argv[1:])))\n"


@dataclass(frozen=True)
class Contender:
    name: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Target:
    """What ``contender`` is to need of what ``base`` needs, at most, and where that counts: with so many sockets."""

    base: str
    of: str
    limit: float
    least: int


CENSUS = "the census"
#: Who counts where there is no Python, and where there is no ss either; see _census.sh.
FALLBACKS = {
    "without Python: ss and awk": "by_python() { return 1; }\n",
    "without ss: awk alone": "by_python() { return 1; }\nby_ss() { return 1; }\n",
}
TARGETS = (
    Target("ss -Htan state time-wait", "processor", 0.5, 100_000),
    Target("ss -Htan state time-wait", "clock", 0.6, 100_000),
    Target("a bare read", "processor", 1.5, 100_000),
)
#: Seconds of processor time with ten thousand sockets; MiB; bytes.
MOST_SECONDS, MOST_MEMORY, MOST_OUTPUT = 0.05, 32, 64 * 1024


def contenders(host: SandboxHost, probe: Probe) -> list[Contender]:
    # Of a probe, the census alone.
    script = probe_script(probe).replace("probe_main() {", "probe() { :; }\nprobe_main() {")
    host.write("/run/census", script)
    assert script.count(LAST_LINE) == 1
    host.write("/run/census-peak", script.replace(LAST_LINE, LAST_LINE + PEAK))
    host.write("/run/bare.py", BARE)
    for number, changes in enumerate(FALLBACKS.values()):
        host.write(f"/run/fallback{number}", script.replace("probe_main() {", f"{changes}probe_main() {{"))
    return [
        Contender(CENSUS, ("sh", "/run/census")),
        Contender("ss -Htan state time-wait", ("ss", "-Htan", "state", "time-wait")),
        Contender("a bare read", ("python3", "-E", "-S", "-s", "-B", "/run/bare.py")),
        *(Contender(name, ("sh", f"/run/fallback{number}")) for number, name in enumerate(FALLBACKS)),
    ]


def entered(host: SandboxHost, *command: str) -> list[str]:
    enter = ["nsenter", "--target", str(host.pid), "--net", "--mount"]
    if os.geteuid() != 0:
        enter += ["--user", "--preserve-credentials"]
    return [*enter, "--", *command]


@contextmanager
def sockets(host: SandboxHost, shape: str, number: int) -> Iterator[None]:
    command = [sys.executable, "-B", str(MAKER), shape, str(number), str(os.cpu_count() or 1)]
    with subprocess.Popen(entered(host, *command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as maker:
        assert maker.stdout
        if maker.stdout.readline() != "ready\n":
            sys.exit("the sockets to be counted could not be made")
        yield


def took(host: SandboxHost, contender: Contender, output: Path) -> Took:
    with output.open("wb") as file:
        begin = time.perf_counter()
        process = subprocess.Popen(entered(host, *contender.command), stdout=file, env={"PATH": PATH})
        _pid, status, usage = os.wait4(process.pid, 0)
        clock = time.perf_counter() - begin
    if status:
        sys.exit(f"{contender.name} failed: {status}")
    return Took(clock, usage.ru_utime + usage.ru_stime)


def peak_memory(host: SandboxHost) -> float:
    """MiB of the interpreter that counts."""
    text = host.sh(f"PATH={PATH} sh /run/census-peak >/dev/null; cat /run/peak")
    found = re.search(r"VmHWM:\s+([0-9]+) kB", text)
    assert found
    return int(found.group(1)) / 1024


def check(answer: Path, probe: Probe, number: int) -> Census:
    [census] = censuses_of(sections_of(answer.read_bytes(), probe.nonce))
    if census.method != "sock_diag" or not number * 0.99 <= census.time_wait <= number:
        sys.exit(f"the census did not count what was to be counted: {census}")
    return census


def mark(value: float, limit: float) -> str:
    return f"<= {limit:g}{'' if value <= limit else '  MISSED'}"


def ratio(runs: dict[str, list[Took]], one: str, other: str, of: str) -> list[float]:
    return [getattr(a, of) / getattr(b, of) for a, b in zip(runs[one], runs[other], strict=True)]


def verdicts(runs: dict[str, list[Took]], number: int) -> Iterator[str]:
    for target in TARGETS:
        if number < target.least:
            continue
        ratios = ratio(runs, CENSUS, target.base, target.of)
        words = f"{CENSUS} / {target.base}, {target.of}"
        yield f"  {words:52} {spread(ratios):22} {mark(statistics.median(ratios), target.limit)}"
    for name in FALLBACKS:
        yield f"  {f'{name} / {CENSUS}, processor':52} {spread(ratio(runs, name, CENSUS, 'processor'))}"
    if number <= 10_000:
        seconds = statistics.median(one.processor for one in runs[CENSUS])
        yield f"  {'seconds of processor time':52} {seconds:<22.3f} {mark(seconds, MOST_SECONDS)}"


def measure(shape: str, number: int, rounds: int) -> Iterator[str]:
    probe = Probe(sockets=True)
    runs: dict[str, list[Took]] = {}
    with tempfile.TemporaryDirectory(prefix="bench", dir=WORK) as directory:
        host = SandboxHost("host", Path(directory) / "log")
        try:
            host.set_sysctl("tcp_max_tw_buckets", 4 * number)
            host.set_sysctl("ip_local_port_range", "16384\t65535")
            # A socket that is taken over is one too few.
            host.set_sysctl("tcp_tw_reuse", 0)
            answer = Path(directory) / "answer"
            begin = time.perf_counter()
            with sockets(host, shape, number):
                made = time.perf_counter() - begin
                others = busy_share()
                for _turn in range(rounds):
                    for contender in contenders(host, probe):
                        output = answer if contender.name == CENSUS else Path("/dev/null")
                        runs.setdefault(contender.name, []).append(took(host, contender, output))
                census = check(answer, probe, number)
                size = answer.stat().st_size
                memory = peak_memory(host)
        finally:
            host.stop()
    yield (
        f"{number} sockets, {shape}: {census.inbound.sockets} inbound, {census.outbound.sockets} outbound to "
        f"{census.outbound.members} destinations, {census.undetermined.sockets} undetermined; made in {made:.0f} s; "
        f"others used {others:.0%} of the processors"
    )
    for name, times in runs.items():
        clock, processor = ([getattr(one, of) for one in times] for of in ("clock", "processor"))
        yield f"  {name:28} {spread(clock):22} s   processor {spread(processor):22} s"
    yield from verdicts(runs, number)
    yield f"  {'peak memory in MiB':52} {memory:<22.1f} {mark(memory, MOST_MEMORY)}"
    yield f"  {'output in bytes':52} {size:<22} {mark(size, MOST_OUTPUT)}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="dev/bench-census", description=__doc__)
    parser.add_argument("--sockets", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=["outbound", "mixed"])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(f"Linux {platform.release()}, {os.cpu_count()} processors; median (lowest to highest) of {options.rounds}")
    for number in options.sockets:
        for shape in options.shapes:
            print("\n".join(measure(shape, number, options.rounds)), flush=True)


if __name__ == "__main__":
    main()
