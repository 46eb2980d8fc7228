# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""However tcp_tw_recycle is asked for on an exposed host, it is not set; and only because that host is exposed.

The ways are dealt out to the three versions of ansible-core; with ALL_WAYS in the environment each one tries them all.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.integration.ways.columns import ARRIVALS, OFF
from tests.integration.ways.runs import exposed, private, results_of
from tests.integration.ways.table import COLUMNS, WAYS, WAYS_OFF, Way, is_possible, pairs_of, pairs_possible
from tests.sandbox.hosts import SandboxHost
from tests.sandbox.runs import Result
from tests.sandbox.states import DROPIN, everything

CORES = ("core-2.16", "core-2.19", "core-2.21")


def share_of(core: str, ways: tuple[Way, ...]) -> tuple[Way, ...]:
    return ways if os.environ.get("ALL_WAYS") else ways[CORES.index(core) :: len(CORES)]


def columns_of(ways: tuple[Way, ...]) -> list[tuple[str, ...]]:
    return [(way.spelling, way.origin, way.arrival, way.entry) for way in ways]


def test_any_two_entries_of_two_columns_come_together_in_some_way() -> None:
    rows = columns_of(WAYS)
    assert len(WAYS) >= 400
    assert len(set(rows)) == len(rows)
    assert all(map(is_possible, rows))
    assert {pair for row in rows for pair in pairs_of(row)} == pairs_possible()
    # What cannot be together is the exception: most pairs there are.
    assert len(pairs_possible()) > 0.85 * sum(len(a) * len(b) for a, b in itertools.combinations(COLUMNS, 2))


def test_the_share_of_each_version_of_ansible_has_every_entry_of_every_column() -> None:
    for core in CORES if not os.environ.get("ALL_WAYS") else ():
        entries = zip(*columns_of(share_of(core, WAYS)), strict=True)
        assert [set(column) for column in entries] == [set(column) for column in COLUMNS]
    entries = zip(*columns_of(WAYS_OFF), strict=True)
    assert [set(column) for column in entries] == [set(column) for column in (OFF, *COLUMNS[1:])]


def check_refused(way: Way, result: dict[str, Any]) -> None:
    (refusal,) = result["refused"]
    word = exposed(way).word
    evidence = ARRIVALS[way.arrival].format(word=word, tag=word.replace("-", "_"), host=way.name)
    assert refusal["value"] == way.asked, way
    assert any(found.startswith(evidence) for found in refusal["evidence"]), (str(way), refusal["evidence"], evidence)
    assert f" on {way.name}: " in result["msg"], way
    assert "Nothing was touched" in result["msg"], way


def test_no_way_leads_to_recycle_on_an_exposed_host(core: str, tmp_path: Path, legacy_host: SandboxHost) -> None:
    before = everything(legacy_host)
    ways = share_of(core, WAYS)
    results = results_of(core, tmp_path, [exposed(way) for way in ways], [legacy_host])
    assert set(results) == set(ways)
    for way, found in results.items():
        assert (found.status, found.result["changed"]) == ("failed", False), way
        if way.outcome(core) == "refused":
            check_refused(way, found.result)
        else:
            assert found.result["msg"].startswith("tcp_tw_recycle must be an integer"), (str(way), found.result["msg"])
            assert "refused" not in found.result, way
    assert everything(legacy_host) == before


def check_set(way: Way, found: Result) -> None:
    result = found.result
    assert (found.status, result["changed"], result["refused"]) == ("ok", True, []), (str(way), result.get("msg"))
    assert result["after"]["tcp_tw_recycle"] == way.asked, way
    # ansible-core takes warnings out of the results of items.
    assert way.entry == "loop" or any("CVE-2026-23247" in words for words in result["warnings"]), way


def check_off(way: Way, found: Result) -> None:
    result = found.result
    assert (found.status, result["refused"]) == ("ok", []), (str(way), result.get("msg"))
    assert (result["after"]["tcp_tw_recycle"], result["after"]["tcp_tw_reuse"]) == (0, 1), way
    assert result["changed"] or result["before"]["tcp_tw_recycle"] == 0, way


def test_the_same_ways_set_it_on_a_private_host_and_off_is_refused_nowhere(
    core: str, tmp_path: Path, new_host: Callable[..., SandboxHost]
) -> None:
    """In turns on the same host: what the one turns on, whoever says that the host is exposed turns off."""
    hosts = [new_host(f"lane{number}", legacy=True) for number in range(3)]
    on = [private(way) for way in share_of(core, WAYS) if way.outcome(core) == "refused"]
    off = [exposed(way) for way in share_of(core, WAYS_OFF)]
    tries = [one for pair in itertools.zip_longest(on, off) for one in pair if one]
    results = results_of(core, tmp_path, tries, hosts)
    assert set(results) == {one.way for one in tries}
    for way, found in results.items():
        (check_off if way.spelling in OFF else check_set)(way, found)
    turned_off = [one for one in off if results[one.way].result["before"]["tcp_tw_recycle"] != 0]
    assert len(turned_off) >= len(off) / 2
    for host in hosts:
        assert f"net.ipv4.tcp_tw_recycle = {host.sysctl('tcp_tw_recycle')}\n" in host.read(DROPIN)
