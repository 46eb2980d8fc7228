# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom an assignment reaches, by a real inventory of ansible-core."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils import _fleet
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._model import CLOSE, OPEN, Assignment, Position
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._report import exposure_words
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._exposure import Claim
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._fleet import Fleet, fleet_of

INVENTORY = """
[web]
web1
web2 timewait_exposure=public_facing
web3

[db]
db1
db2 timewait_exposure="{{ whose }}" whose=behind_nat

[edge]
edge1
edge2

[edge:vars]
timewait_exposure="{{ whose }}"

[nat]
gateway

[nat:vars]
timewait_nat_groups=nat

[torn]
torn1 timewait_exposure=public_facing

[private:children]
db
torn
edges

[edges]
"""

MakeFleet = Callable[..., Fleet]


@pytest.fixture
def make_fleet(tmp_path: Path) -> MakeFleet:
    def make(text: str = INVENTORY, limit: str | None = None, options: dict[str, Any] | None = None) -> Fleet:
        (tmp_path / "hosts").write_text(text)
        loader = DataLoader()
        inventory = InventoryManager(loader=loader, sources=[str(tmp_path / "hosts")])
        inventory.subset(limit)
        manager = VariableManager(loader=loader, inventory=inventory)
        hostvars = HostVars(inventory=inventory, variable_manager=manager, loader=loader)
        fleet = fleet_of({"hostvars": hostvars}, options or {}, Templar(loader=loader).template)
        assert fleet
        return fleet

    return make


def reached(fleet: Fleet, *plays: str, path: str = "site.yml") -> dict[str, str] | None:
    hosts = fleet.reached(Assignment("tcp_tw_recycle", "1", Position(path, 1), Position("site.yml", 1), plays=plays))
    return None if hosts is None else {host.name: ",".join(exposure_words(host.exposure)) for host in hosts}


def watched(fleet: Fleet) -> list[str]:
    """The hosts whose tags are asked for from now on."""
    asked: list[str] = []
    claims = fleet._claims

    def claims_and_who(host: str) -> list[Claim]:
        asked.append(host)
        return claims(host)

    fleet._claims = claims_and_who
    return asked


def test_hosts_of_a_pattern_have_the_exposure_of_their_groups_and_words(make_fleet: MakeFleet) -> None:
    assert reached(make_fleet(), "web") == {"web1": "unclassified", "web2": "public_facing", "web3": "unclassified"}


@pytest.mark.parametrize(
    ("plays", "names"),
    [
        (("db1",), "db1"),
        (("web:&db",), ""),
        (("web:!web1", "db1"), "web2 web3 db1"),
        (("localhost",), "localhost"),
        (("nowhere",), ""),
        ((f"{OPEN}target{CLOSE}",), "all"),
        (("{{ target }}",), "all"),
        ((), "all"),
        (("~(",), "all"),
    ],
)
def test_patterns_are_those_of_ansible_and_what_is_not_known_is_every_host(
    make_fleet: MakeFleet, plays: tuple[str, ...], names: str
) -> None:
    everyone = "web1 web2 web3 db1 db2 edge1 edge2 gateway torn1"
    assert set(reached(make_fleet(), *plays) or ()) == set((everyone if names == "all" else names).split())


def test_variables_of_groups_and_of_hosts_reach_only_these(make_fleet: MakeFleet) -> None:
    fleet = make_fleet()
    assert set(reached(fleet, "all", path="inventories/prod/group_vars/web.yml") or ()) == {"web1", "web2", "web3"}
    assert set(reached(fleet, "all", path="group_vars/web/sysctl.yml") or ()) == {"web1", "web2", "web3"}
    assert set(reached(fleet, "all", path="group_vars/web") or ()) == {"web1", "web2", "web3"}
    assert set(reached(fleet, "all", path="host_vars/db1.yaml") or ()) == {"db1"}
    assert reached(fleet, "web", path="group_vars/db.yml") == {}
    assert len(reached(fleet, "all", path="group_vars/all.yml") or ()) == 9
    assert len(reached(fleet, "all", path="group_vars/all/x.yml") or ()) == 9


def test_a_template_is_rendered_for_each_host_of_its_group(make_fleet: MakeFleet, tmp_path: Path) -> None:
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars" / "edge1.yml").write_text("whose: private\n")
    (tmp_path / "host_vars" / "edge2.yml").write_text("whose: public_facing\n")
    assert reached(make_fleet(), "edge") == {"edge1": "private", "edge2": "public_facing"}


def test_a_template_of_the_inventory_is_not_taken_for_that_of_the_first_host(make_fleet: MakeFleet) -> None:
    text = INVENTORY.replace("edge1\nedge2", "edge1 whose=private\nedge2 whose=public_facing")
    assert reached(make_fleet(text), "edge") == {"edge1": "private", "edge2": "public_facing"}


def test_variables_beside_the_inventory_count(make_fleet: MakeFleet, tmp_path: Path) -> None:
    for directory, name, words in (("group_vars", "web.yml", "private"), ("host_vars", "web3.yml", "behind_nat")):
        (tmp_path / directory).mkdir()
        (tmp_path / directory / name).write_text(f"timewait_exposure: {words}\n")
    assert reached(make_fleet(), "web") == {"web1": "private", "web2": "public_facing", "web3": "behind_nat"}


def test_a_host_with_a_file_of_its_own_is_not_judged_by_its_groups_first_host(
    make_fleet: MakeFleet, tmp_path: Path
) -> None:
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars" / "db1").mkdir()
    (tmp_path / "host_vars" / "db1" / "x.yml").write_text("timewait_public_groups: [db]\n")
    fleet = make_fleet(INVENTORY.replace("[db]\ndb1", "[db]\ndb0\ndb1"))
    assert reached(fleet, "db0") == {"db0": "private"}
    assert reached(fleet, "db1") == {"db1": "public_facing"}


def test_options_count_for_every_host(make_fleet: MakeFleet) -> None:
    assert reached(make_fleet(options={"public_groups": "web"}), "web1") == {"web1": "public_facing"}
    assert reached(make_fleet(), "gateway") == {"gateway": "behind_nat"}


@pytest.mark.parametrize("name", ["torn1", "db2"])
def test_a_contradiction_is_noted_and_attests_nothing(make_fleet: MakeFleet, name: str) -> None:
    fleet = make_fleet()
    (exposure,) = (reached(fleet, name) or {}).values()
    assert exposure in ("public_facing", "behind_nat")
    (note,) = fleet.notes
    assert name in note.message
    assert "only one of them can be true" in note.message


def test_a_tag_without_a_value_is_noted_and_attests_nothing(make_fleet: MakeFleet) -> None:
    fleet = make_fleet()
    assert reached(fleet, "edge1") == {"edge1": "unclassified"}
    assert "edge1 is taken to be exposed: a variable has no value" in fleet.notes[0].message


def test_variables_that_are_encrypted_are_noted_and_attest_nothing(make_fleet: MakeFleet, tmp_path: Path) -> None:
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "web.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n3132\n")
    fleet = make_fleet("[web]\nweb1\nweb2\n[private]\nweb1\nweb2\ndb1\n")
    assert reached(fleet, "all") == {"web1": "unclassified", "web2": "unclassified", "db1": "private"}
    (note,) = fleet.notes
    assert "web1 is taken to be exposed" in note.message
    assert "decrypt" in note.message


def test_a_limit_leaves_hosts_out(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(limit="web1")
    assert reached(fleet, "web") == {"web1": "unclassified"}
    assert reached(fleet, "db") is None
    assert reached(fleet, "nowhere") == {}


def test_variables_are_told_apart_host_by_host(make_fleet: MakeFleet) -> None:
    fleet = make_fleet()
    web1, *_others, localhost, elsewhere = fleet.classes
    assert {"web1", "web", "all"} <= set(web1)
    assert "db" not in web1
    assert "localhost" in localhost
    # A group that only content knows is one of another inventory.
    assert "staging" in elsewhere
    assert "web" not in elsewhere


@pytest.mark.parametrize(
    ("classes", "names"), [(None, "web1 web2 web3"), ({1, 3}, "web2"), ({0, 2}, "web1 web3"), ({10}, ""), ({}, "")]
)
def test_an_assignment_of_some_classes_reaches_their_hosts(
    make_fleet: MakeFleet, classes: set[int] | None, names: str
) -> None:
    one = Assignment("tcp_tw_recycle", "1", Position("site.yml", 1), Position("site.yml", 1), plays=("web",))
    given = None if classes is None else frozenset(classes)
    hosts = make_fleet().reached(replace(one, classes=given))
    assert [host.name for host in hosts or ()] == names.split()


def test_a_class_of_hosts_is_asked_for_once_and_called_by_no_name(make_fleet: MakeFleet) -> None:
    names = "\n".join(f"h{number}" for number in range(300))
    fleet = make_fleet(f"[big]\n{names}\n[big:vars]\ntimewait_exposure=private\n")
    asked = watched(fleet)
    hosts = fleet.reached(Assignment("tcp_tw_recycle", "1", Position("x", 1), Position("x", 1)))
    assert hosts
    assert {host.exposure.private for host in hosts} == {("tagged private by variable timewait_exposure",)}
    assert asked == ["h0"]


def test_where_hosts_may_differ_each_is_asked_for(make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not _fleet._hosts_may_differ()
    monkeypatch.setattr("ansible.constants.VARIABLE_PLUGINS_ENABLED", ["host_group_vars", "some.collection.vault"])
    assert _fleet._hosts_may_differ()
    fleet = make_fleet("[big]\na\nb\n")
    asked = watched(fleet)
    reached(fleet, "big")
    assert asked == ["a", "b"]
    monkeypatch.undo()
    monkeypatch.setattr("ansible.constants.CACHE_PLUGIN", "jsonfile")
    assert _fleet._hosts_may_differ()


def test_the_files_of_the_inventory_are_known(make_fleet: MakeFleet, tmp_path: Path) -> None:
    assert make_fleet().sources == [str(tmp_path / "hosts")]


def test_no_inventory_is_no_fleet(tmp_path: Path) -> None:
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[])
    manager = VariableManager(loader=loader, inventory=inventory)
    hostvars = HostVars(inventory=inventory, variable_manager=manager, loader=loader)
    assert fleet_of({"hostvars": hostvars}, {}, Templar(loader=loader).template) is None
