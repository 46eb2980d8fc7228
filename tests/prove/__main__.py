# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What TCP timestamps do to clients that share an address, tried: see docs/timestamps-2026.md."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.prove.plot import plot
from tests.prove.world import Scenario, world

HOUR = 3_600_000
#: Connections a second of all clients together; so many ports that the router hands each out about every two seconds.
RATE = 10
SLOW = 0.5
COUNTERS = ("PAWSTimewait", "PAWSEstab")

SERVER_SETTINGS = [
    ("tcp_timestamps", 0),
    ("tcp_timestamps", 2),
    ("tcp_tw_reuse", 1),
    ("tcp_rfc1337", 1),
    ("tcp_fin_timeout", 5),
    ("tcp_max_tw_buckets", 0),
]

SCENARIOS = [
    Scenario("one client, timestamps 1", 1, (0,)),
    Scenario("one client, timestamps 2", 2, (0,)),
    Scenario("two clients, timestamps 1", 1, (0, HOUR)),
    Scenario("two clients, timestamps 2", 2, (0, HOUR)),
    Scenario("two clients up for equally long, timestamps 2", 2, (0, 0)),
    Scenario("two clients, timestamps 0", 0, (0, HOUR)),
    *[
        Scenario(f"two clients, timestamps 1, server {name} {value}", 1, (0, HOUR), server={name: value})
        for name, value in SERVER_SETTINGS
    ],
    Scenario("two clients, timestamps 1, clients close first", 1, (0, HOUR), closes_first="client"),
    Scenario("two clients, timestamps 1, a pool of 4000 ports", 1, (0, HOUR), ports=4000),
    Scenario(
        "two clients, timestamps 1, a pool of 4000 ports, each kept for 120 s", 1, (0, HOUR), ports=4000, keeps=120
    ),
    Scenario("two clients, timestamps 1, no NAT", 1, (0, HOUR), ports=0),
]


@dataclass(frozen=True)
class Outcome:
    """Of one run: when each connection began, how long it took (None: given up), and the server's count of drops."""

    attempts: Sequence[tuple[float, float | None]]
    dropped: int

    @property
    def slow(self) -> int:
        return sum(took is None or took > SLOW for _at, took in self.attempts)

    @property
    def worst(self) -> float:
        return max((took for _at, took in self.attempts if took is not None), default=0.0)

    @property
    def failed(self) -> int:
        return sum(took is None for _at, took in self.attempts)


def outcome_of(scenario: Scenario, seconds: int) -> Outcome:
    clients = len(scenario.clocks)
    with world(scenario) as made:
        before = sum(map(made.server.counter, COUNTERS))
        lines = made.connect(clients / RATE, RATE * seconds // clients)
        dropped = sum(map(made.server.counter, COUNTERS)) - before
    return Outcome([(each["at"], each["took"]) for each in map(json.loads, lines)], dropped)


def row(title: str, outcomes: Sequence[Outcome]) -> str:
    slow = ", ".join(str(each.slow) for each in outcomes)
    worst = max(each.worst for each in outcomes)
    failed = sum(each.failed for each in outcomes)
    dropped = median(each.dropped for each in outcomes)
    return f"| {title} | {len(outcomes[0].attempts)} | {slow} | {worst:.1f} s | {failed} | {dropped:g} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make prove")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    print(
        f"| what is tried | connections | slower than {SLOW} s, by run | worst | given up | dropped by PAWS, median |"
    )
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    results: dict[str, list[Outcome]] = {}
    for scenario in SCENARIOS:
        with ThreadPoolExecutor() as pool:
            tried = pool.map(lambda _run, tried=scenario: outcome_of(tried, arguments.seconds), range(arguments.runs))
            results[scenario.title] = list(tried)
        print(row(scenario.title, results[scenario.title]), flush=True)
    if arguments.plot:
        plot({title: [each.attempts for each in outcomes] for title, outcomes in results.items()}, SLOW, arguments.plot)


main()
