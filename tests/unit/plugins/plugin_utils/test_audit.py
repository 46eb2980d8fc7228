# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._audit import (
    Radius,
    audit_of,
    hosts_with,
    names_of,
    radii_of,
    radius_of,
    reason_of,
)
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._known import known_facts

from tests.unit.simulated import with_facts


def client(offset: str = "unknown", setting: int = 1, *, nat: bool = False) -> dict[str, Any]:
    facts = with_facts()
    facts["timestamps"] = {"setting": setting, "offset": offset}
    facts["exposure"]["behind_nat"] = {
        "value": nat,
        "evidence": ["tagged behind_nat by group behind_nat"] if nat else [],
    }
    return facts


def server() -> dict[str, Any]:
    return with_facts("RHEL 7", tcp_tw_recycle="1\n")


@pytest.mark.parametrize(
    ("facts", "release", "dropped", "not_known"),
    [
        (client("per_connection"), "3.10.0", True, 0),
        (client("per_host"), "3.10.0", False, 0),
        (client("none", 2), "3.10.0", False, 0),
        (client("none", 2, nat=True), "3.10.0", True, 0),
        (client("unknown", nat=True), "3.10.0", True, 0),
        (client("unknown"), "3.10.0", False, 1),
        (client("none", 0), "3.10.0", False, 0),
        (client("none", 0), "4.4.0-210-generic", True, 0),
        (client("none", 0), "a kernel", True, 0),
        (None, "3.10.0", False, 1),
    ],
)
def test_a_server_with_recycle_drops_whose_timestamps_do_not_grow(
    facts: dict[str, Any] | None, release: str, dropped: bool, not_known: int
) -> None:
    radius = radius_of("db3", release, {"db3": client("per_connection"), "web1": facts})
    assert radius == Radius("db3", ("web1",) if dropped else (), not_known)


def test_connections_that_a_host_dropped_itself_are_no_nat_in_front_of_it() -> None:
    facts = client("per_host")
    facts["exposure"]["behind_nat"] = {"value": True, "evidence": ["recycle has dropped 3 here (PAWSPassive)"]}
    assert radius_of("db3", "3.10.0", {"web1": facts}) == Radius("db3", (), 0)


def test_every_server_with_recycle_has_its_hosts() -> None:
    facts = {"db3": server(), "db4": with_facts("RHEL 7"), "web2": client("per_connection"), "web1": client("per_host")}
    # Of db4, and of db3 for itself, nothing was tried.
    assert radii_of(facts) == [Radius("db3", ("web2",), 1)]


def test_many_hosts_are_named_by_their_number() -> None:
    many = Radius("db3", tuple(f"web{number}" for number in range(212)), 31)
    assert reason_of(many).startswith("212 of your hosts would be dropped by db3 now and then")
    assert names_of(many) == ["web0", "web1", "web2", "web3", "web4", "and 207 more", "not known of 31 more"]
    assert names_of(Radius("db3", ("web\x1b",), 0)) == ["web\\x1b"]


def test_the_document_is_plain_data_with_sums() -> None:
    facts = {"web1": client(), "db3": server(), "gone": None}
    audit = audit_of(facts, "2026-11-28T19:30:00Z")
    assert json.loads(json.dumps(audit)) == audit
    assert list(audit["hosts"]) == ["db3", "gone", "web1"]
    assert audit["summary"] == {"hosts": 3, "silent": 1, "error": 1, "warning": 0, "info": 0}
    assert audit["blast_radius"] == [{"server": "db3", "dropped": [], "not_known": 2}]
    assert hosts_with(facts, ("error",)) == ["db3"]


class HostVars:
    def __init__(self, **facts: Any) -> None:
        self.facts = facts

    def raw_get(self, host: str) -> dict[str, Any]:
        return {"ansible_facts": self.facts[host]} if host in self.facts else {}


@pytest.mark.parametrize(
    "facts",
    [
        None,
        {},
        {"timewait": None},
        {"timewait": "x"},
        {"timewait": {"kernel": {"release": "6"}}},
        {"timewait": {**client(), "timestamps": {"offset": "none"}}},
        {"timewait": {**client(), "exposure": []}},
        {"timewait": {**client(), "kernel": {"release": 7}}},
        {"timewait": {**client(), "sysctls": {"tcp_tw_recycle": 1}}},
    ],
)
def test_facts_of_another_make_are_as_good_as_none(facts: object) -> None:
    assert known_facts(HostVars(web1=facts), ["web1", "web2"]) == {}


def test_facts_are_those_that_ansible_holds() -> None:
    assert known_facts(HostVars(web1={"timewait": client("per_host")}), ["web1"]) == {"web1": client("per_host")}
