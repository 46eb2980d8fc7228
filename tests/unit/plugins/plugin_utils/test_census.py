# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._census import (
    Census,
    Destination,
    Port,
    Wanted,
    censuses_of,
    wanted_of,
)
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._facts import facts_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._observed import Observed
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._rates import growth_of, rates_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import Probe, Section, probe_script
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._transport import LONGEST_ARGUMENT, as_command
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._values import BadRequest

from tests.unit.simulated import UNTAGGED, a_host

SCHEMA = json.loads((Path(__file__).parents[4] / "docs" / "timewait_facts.schema.json").read_text(encoding="utf-8"))

ANSWER = """\
whole 1
fin_wait_2 9
inbound 41 2
outbound 50 2 0
undetermined 5 2
in 8080 11
in 80 30
other 40000 4 listener
other 5555 1 free
out 10.0.0.9 10.0.0.5 3306 43 15
out ::1 2001:db8::5 443 7 0
timestamps 10.0.0.5 3306 0 12
timestamps 2001:db8::5 443 3 1
timestamps 10.0.0.77 3306 1 0
offset per_connection
end
"""


def section(text: str = ANSWER, argument: str = "sock_diag") -> Section:
    return Section("census", argument, text.encode("utf-8", "surrogateescape"), 0)


def census(text: str = ANSWER, argument: str = "sock_diag") -> Census:
    [found] = censuses_of([Section("uname", "", b"Linux", 0), section(text, argument)])
    return found


def test_an_answer_is_read_and_sorted() -> None:
    found = census()
    assert (found.method, found.whole, found.time_wait, found.fin_wait_2) == ("sock_diag", True, 96, 9)
    assert found.inbound.ports == (Port(80, 30, listener=True), Port(8080, 11, listener=True))
    assert found.undetermined.ports == (Port(40000, 4, listener=True), Port(5555, 1, listener=False))
    assert found.outbound.destinations == (
        Destination("10.0.0.9", "10.0.0.5", 3306, 43, 0, 12, 15),
        Destination("::1", "2001:db8::5", 443, 7, 3, 1),
    )
    assert [one.timestamps for one in found.outbound.destinations] == ["not_negotiated", "mixed"]
    opened = census(ANSWER.replace("443 7 0", "443 7 52"))
    assert [one.port for one in opened.outbound.destinations] == [443, 3306]
    assert found.offset == "per_connection"


def test_addresses_of_proc_are_words_in_the_order_of_the_host() -> None:
    little = ANSWER.replace("out 10.0.0.9 10.0.0.5", "out 0900000A 0500000A").replace(
        "out ::1 2001:db8::5", f"out {'0' * 24}01000000 B80D0120{'0' * 16}05000000"
    )
    big = ANSWER.replace("out 10.0.0.9 10.0.0.5", "out 0A000009 0A000005").replace(
        "out ::1 2001:db8::5", f"out {'0' * 31}1 20010DB8{'0' * 23}5"
    )
    plain = census()
    assert census(little, "proc little").outbound == plain.outbound
    assert census(big, "proc big").outbound == plain.outbound


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "end\n",
        ANSWER.removesuffix("end\n"),
        ANSWER + "x\n",
        ANSWER.replace("inbound 41", "inbound -41"),
        ANSWER.replace("inbound 41", "inbound 4\u0661"),
        ANSWER.replace("inbound 41 2", "inbound 41"),
        ANSWER.replace("in 80 30", "in 80"),
        ANSWER.replace("3306 43 15", "3306 43"),
        ANSWER.replace("10.0.0.9", "\x1b[2J"),
        ANSWER.replace("10.0.0.9", "10.0.0"),
        ANSWER.replace("10.0.0.9", "fe80::1%\x07"),
        ANSWER.replace("offset per_connection", "offset {{x}}"),
        ANSWER.replace("fin_wait_2 9\n", ""),
        ANSWER.replace("outbound 50", f"outbound {'9' * 5000}"),
    ],
)
def test_an_answer_that_is_not_one_is_an_error(wrong: str) -> None:
    with pytest.raises((ValueError, IndexError, KeyError)):
        census(wrong)


def test_of_an_answer_with_too_many_groups_only_so_many_are_taken() -> None:
    many = "".join(f"in {port} 1\nout 10.0.0.9 10.0.0.5 {port} 1 0\n" for port in range(1, 500))
    found = census(ANSWER.replace("end\n", f"{many}end\n"))
    assert (len(found.inbound.ports), len(found.outbound.destinations)) == (100, 100)


@pytest.mark.parametrize("text", [ANSWER, ANSWER.replace("whole 1", "whole 0")])
@pytest.mark.parametrize(("setting", "offset"), [("0", "none"), ("1", "per_connection"), ("2", "none")])
def test_facts_with_a_census_have_the_shape_of_the_schema(text: str, setting: str, offset: str) -> None:
    host = a_host()
    host.knobs["tcp_timestamps"] = setting
    counted = census(text)
    growth = dict.fromkeys(counted.outbound.destinations, 2.5)
    found = facts_of(Observed(host.snapshot(), UNTAGGED, counted, rates_of(samples(), []), growth), [])
    jsonschema.validate(found, SCHEMA)
    assert json.loads(json.dumps(found)) == found
    assert found["sockets"]["census"]["complete"] is ("whole 1" in text)
    assert found["timestamps"]["offset"] == offset


def samples(
    *, more: int = 30, tw: int = 80, killed: int = 0, seconds: float = 2, columns: str = "TW TWKilled ListenDrops"
) -> list[Section]:
    def sample(uptime: float, there: int, values: str) -> list[Section]:
        texts = {
            "uptime": f"{uptime:.2f} 1.00\n",
            "netstat": f"TcpExt: {columns}\nTcpExt: {values}\n",
            "sockstat": f"sockets: used 1\nTCP: inuse 2 orphan 0 tw {there} alloc 6 mem 0\n",
        }
        return [Section(f"sample_{name}", "", text.encode(), 0) for name, text in texts.items()]

    after = {"TW": 1000 + tw, "TWKilled": killed, "ListenDrops": 14}
    later = " ".join(str(after.get(name, 20)) for name in columns.split())
    before = " ".join({"TW": "1000", "ListenDrops": "4"}.get(name, "0") for name in columns.split())
    return [*sample(100, 200, before), *sample(100 + seconds, 200 + more, later)]


@pytest.mark.parametrize(
    ("more", "tw", "killed", "rate"),
    [
        (30, 80, 0, 40),  # counted when they come
        (-80, 0, 0, 0),
        (30, 30, 10, 20),
        (80, 0, 0, 40),  # counted when they are gone
        (0, 80, 0, 40),
    ],
)
def test_what_comes_into_time_wait_is_counted_on_every_kernel(more: int, tw: int, killed: int, rate: float) -> None:
    rates = rates_of(samples(more=more, tw=tw, killed=killed), [])
    assert rates
    assert (rates["seconds"], rates["time_wait"], rates["syn_drops"]) == (2, rate, 5)


@pytest.mark.parametrize("columns", ["PAWSEstab PAWSTimewait", "PAWSTimewait", "PAWSEstab"])
def test_drops_by_time_wait_have_a_counter_of_their_own_or_are_among_the_others(columns: str) -> None:
    rates = rates_of(samples(columns=columns), [])
    assert rates
    assert rates["paws_time_wait"] == 10


def test_what_a_destination_has_more_is_its_growth() -> None:
    before = census(ANSWER.replace("3306 43", "3306 13"))
    growth = growth_of([before, census()], {"seconds": 2})
    assert {one.port: by for one, by in growth.items()} == {3306: 15.0, 443: 0.0}
    assert growth_of([census()], {"seconds": 2}) == {}
    assert growth_of([before, census()], None) == {}


def test_the_growth_of_a_destination_that_was_not_named_before_is_not_known_unless_all_were() -> None:
    gone = ANSWER.replace("out ::1 2001:db8::5 443 7 0\n", "")
    some = census(gone)
    every = census(gone.replace("outbound 50 2", "outbound 43 1"))
    for before, known in ((some, {3306}), (every, {3306, 443})):
        assert {one.port for one in growth_of([before, census()], {"seconds": 2})} == known


def test_a_rate_that_no_counter_tells_is_unknown_and_sums_are_of_those_there_are() -> None:
    rates = rates_of(samples(columns="PAWSActive PAWSEstab"), [])
    assert rates == {
        "seconds": 2,
        "time_wait": None,
        "reused": None,
        "overflows": None,
        "paws_drops": 20,
        "syn_drops": None,
        "paws_time_wait": 10,
    }


def test_a_counter_that_began_again_is_no_rate_below_nothing() -> None:
    rates = rates_of(samples(more=-200, tw=-1000), [])
    assert rates
    assert rates["time_wait"] == 0


def test_with_a_census_the_sockets_of_this_namespace_count() -> None:
    first = census()
    second = census(ANSWER.replace("outbound 50", "outbound 250"))
    rates = rates_of(samples(more=3000, tw=0), [first, second])
    assert rates
    assert rates["time_wait"] == 100


@pytest.mark.parametrize("sections", [[], samples()[:3], samples()[:5], samples(seconds=0), samples(seconds=-1)])
def test_without_two_samples_there_is_no_rate(sections: list[Section]) -> None:
    assert rates_of(sections, []) is None


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ({}, Wanted()),
        ({"gather_subset": None, "top": None, "interval": None}, Wanted()),
        ({"gather_subset": "", "top": "", "interval": ""}, Wanted()),
        ({"gather_subset": []}, Wanted()),
        ({"gather_subset": ["sockets"]}, Wanted(sockets=True)),
        ({"gather_subset": "sockets"}, Wanted(sockets=True)),
        ({"gather_subset": "sockets, sockets", "top": "100", "interval": 2}, Wanted(sockets=True, top=100, interval=2)),
    ],
)
def test_what_is_wanted_is_read(arguments: dict[str, Any], wanted: Wanted) -> None:
    assert wanted_of(arguments) == wanted


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"gather_subset": "all"}, "sockets"),
        ({"gather_subset": ["sockets", "x"]}, "sockets"),
        ({"gather_subset": True}, "sockets"),
        ({"gather_subset": {"sockets": True, "x": 1}}, "sockets"),
        ({"top": 0}, "from 1 to 100"),
        ({"top": 101}, "from 1 to 100"),
        ({"top": "1.0"}, "plain decimal digits"),
        ({"interval": -1}, "from 0 to 300"),
        ({"interval": 301}, "from 0 to 300"),
        ({"interval": True}, "integer"),
    ],
)
def test_what_cannot_be_wanted_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        wanted_of(arguments)


def test_without_sockets_and_interval_nothing_of_the_census_is_sent() -> None:
    plain = probe_script(Probe())
    for word in ("census", "COUNTER", "sock_diag", "sample_uptime"):
        assert word not in plain
    assert "TCPDIAG_GETSOCK" not in probe_script(Probe(interval=2))


def test_the_longest_script_of_a_probe_still_fits_into_an_argument() -> None:
    script = probe_script(Probe(evidence=True, defaults=True, sockets=True, top=100, interval=300))
    assert len(as_command(script)) < LONGEST_ARGUMENT * 0.8
