# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._exposure import exposure_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._inventory import claims_for
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._values import BadRequest

HOST = "web1"


def tags(
    variables: dict[str, Any] | None = None,
    inventory: dict[str, dict[str, Any]] | None = None,
    groups: dict[str, list[str]] | None = None,
    delegate: str | None = None,
    **options: Any,
) -> dict[str, set[str]]:
    """The tags of a host, each with where it comes from."""
    task_vars = {
        "inventory_hostname": HOST,
        "groups": groups or {},
        "hostvars": inventory or {HOST: {}},
        **(variables or {}),
    }
    found: dict[str, set[str]] = {}
    for claim in claims_for(task_vars, delegate, options, lambda value: value):
        found.setdefault(claim.tag, set()).add(claim.origin)
    return found


def test_a_host_without_tags_has_none() -> None:
    assert tags() == {}


def test_every_source_adds_its_tags() -> None:
    found = tags(
        variables={"timewait_exposure": ["behind_nat"]},
        groups={"public-facing": [HOST]},
        exposure="public_facing",
    )
    assert found == {
        "public_facing": {"group public-facing", "option exposure"},
        "behind_nat": {"variable timewait_exposure"},
    }


def test_a_play_cannot_take_away_what_the_inventory_says() -> None:
    found = tags({"timewait_exposure": ["private"]}, {HOST: {"timewait_exposure": "public_facing"}})
    assert set(found) == {"private", "public_facing"}


def test_a_variable_that_is_the_inventorys_is_named_once() -> None:
    found = tags({"timewait_exposure": "private"}, {HOST: {"timewait_exposure": "private"}})
    assert found == {"private": {"variable timewait_exposure of web1"}}


@pytest.mark.parametrize("value", ["private", "private,", "['private']", ["private"]])
def test_an_ini_inventory_delivers_text(value: object) -> None:
    assert set(tags({"timewait_exposure": value})) == {"private"}


def test_group_names_do_not_count() -> None:
    assert tags({"group_names": ["private"]}, groups={"private": ["other"]}) == {}
    assert set(tags({"group_names": []}, groups={"public_facing": [HOST]})) == {"public_facing"}


@pytest.mark.parametrize("where", ["option", "variable", "inventory"])
@pytest.mark.parametrize(("which", "tag"), [("public_groups", "public_facing"), ("nat_groups", "behind_nat")])
@pytest.mark.parametrize("value", [["dmz"], "dmz", "other,dmz", "[dmz]"])
def test_more_group_names_come_from_every_source(where: str, which: str, tag: str, value: object) -> None:
    more: dict[str, Any] = {
        "option": {which: value},
        "variable": {"variables": {f"timewait_{which}": value}},
        "inventory": {"inventory": {HOST: {f"timewait_{which}": value}}},
    }[where]
    assert tags(groups={"dmz": [HOST]}, **more) == {tag: {"group dmz"}}


@pytest.mark.parametrize("name", ["edge:web", "edge*", "edge,!web", "edge:&web", "~edge.*", "web?"])
@pytest.mark.parametrize("which", ["public_groups", "nat_groups"])
def test_a_pattern_in_place_of_a_group_name_is_an_error(name: str, which: str) -> None:
    with pytest.raises(BadRequest, match=f"timewait_{which}: .* is a pattern, and no group has that name"):
        tags({f"timewait_{which}": name}, groups={"edge": [HOST]})
    with pytest.raises(BadRequest, match="is a pattern"):
        tags(groups={"edge": [HOST]}, **{which: [name]})


def test_a_group_may_have_a_name_like_a_pattern() -> None:
    assert tags({"timewait_public_groups": "aws:edge"}, groups={"aws:edge": [HOST]}) == {
        "public_facing": {"group aws:edge"}
    }


def test_a_name_that_no_group_has_is_no_error() -> None:
    assert tags({"timewait_public_groups": ["edge", "web"]}, groups={"web": [HOST]}) == {"public_facing": {"group web"}}


def test_capitals_make_no_other_group() -> None:
    assert set(tags(groups={"Public-Facing": [HOST]})) == {"public_facing"}
    assert set(tags({"timewait_nat_groups": "EDGE"}, groups={"Edge": [HOST]})) == {"behind_nat"}


def test_variables_of_a_play_are_rendered() -> None:
    task_vars = {"inventory_hostname": HOST, "timewait_exposure": "{{ x }}"}
    claims = claims_for(task_vars, None, {}, lambda value: ["behind_nat"] if value == "{{ x }}" else value)
    assert [claim.tag for claim in claims] == ["behind_nat"]


def test_a_tag_that_cannot_be_known_is_not_taken_for_none() -> None:
    def template(_value: object) -> object:
        raise KeyError("x is undefined")

    with pytest.raises(KeyError):
        claims_for({"inventory_hostname": HOST, "timewait_exposure": "{{ x }}"}, None, {}, template)


@pytest.mark.parametrize(
    "source",
    [
        {"variables": {"timewait_exposure": "secret-place"}},
        {"inventory": {HOST: {"timewait_exposure": "secret-place"}}},
        {"exposure": "secret-place"},
    ],
)
def test_a_word_that_is_no_tag_is_refused_from_every_source(source: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="unknown exposure"):
        tags(**source)


class TestDelegation:
    """The host that is changed is the one that counts."""

    INVENTORY: ClassVar = {HOST: {"timewait_exposure": "private"}, "lb": {"timewait_exposure": "public_facing"}}

    def test_the_tags_of_the_other_host_count(self) -> None:
        found = tags({"timewait_exposure": "private"}, self.INVENTORY, {"behind_nat": ["lb"]}, delegate="lb")
        assert found == {"public_facing": {"variable timewait_exposure of lb"}, "behind_nat": {"group behind_nat"}}

    def test_the_tags_of_the_own_host_do_not(self) -> None:
        found = tags(
            {"timewait_exposure": "private"}, {HOST: self.INVENTORY[HOST], "lb": {}}, {"private": [HOST]}, delegate="lb"
        )
        assert found == {}

    def test_a_variable_of_the_play_counts_for_the_other_host_too(self) -> None:
        found = tags({"timewait_exposure": "behind_nat"}, self.INVENTORY, delegate="lb")
        assert set(found) == {"public_facing", "behind_nat"}

    def test_a_host_that_is_not_in_the_inventory_is_unclassified(self) -> None:
        found = tags({"timewait_exposure": "private"}, self.INVENTORY, delegate="10.0.0.9")
        assert found == {}

    def test_the_option_counts_for_the_host_that_is_changed(self) -> None:
        assert tags(inventory=self.INVENTORY, delegate="lb", exposure=["behind_nat"]) == {
            "public_facing": {"variable timewait_exposure of lb"},
            "behind_nat": {"option exposure"},
        }


class TestFacts:
    """Facts come from the host itself: it may call itself exposed, and never private."""

    @pytest.mark.parametrize("name", ["timewait_exposure", "timewait_public_groups", "timewait_nat_groups"])
    @pytest.mark.parametrize("where", ["task", "inventory"])
    def test_a_host_cannot_call_itself_private(self, name: str, where: str) -> None:
        facts = {"ansible_facts": {name: ["private"]}}
        variables = {"timewait_exposure": ["private"], **(facts if where == "task" else {})}
        inventory = {HOST: {"timewait_exposure": ["private"], **(facts if where == "inventory" else {})}}
        assert tags(variables, inventory) == {}

    def test_a_host_can_call_itself_public(self) -> None:
        facts = {"timewait_exposure": ["public_facing"], "ansible_facts": {"timewait_exposure": ["public_facing"]}}
        assert set(tags(facts)) == {"public_facing"}

    def test_groups_still_attest(self) -> None:
        facts = {"ansible_facts": {"timewait_exposure": ["private"]}, "timewait_exposure": ["private"]}
        assert tags(facts, groups={"private": [HOST]}) == {"private": {"group private"}}

    def test_other_facts_are_no_reason_for_doubt(self) -> None:
        assert set(tags({"timewait_exposure": "private", "ansible_facts": {"kernel": "6.18"}})) == {"private"}
        assert set(tags({"timewait_exposure": "private", "ansible_facts": None})) == {"private"}


def test_a_contradiction_is_seen_although_the_sources_differ() -> None:
    task_vars = {
        "inventory_hostname": HOST,
        "timewait_exposure": ["private"],
        "hostvars": {HOST: {"timewait_exposure": ["public_facing"]}},
    }
    with pytest.raises(BadRequest, match="only one of them can be true"):
        exposure_of(claims_for(task_vars, None, {}, lambda value: value))


def test_a_delegate_that_the_inventory_does_not_know_is_not_private() -> None:
    claims = {"timewait_exposure": ["private", "behind_nat"]}
    assert set(tags(claims, {HOST: {}}, delegate="192.0.2.7", exposure="private")) == {"behind_nat"}


def test_a_list_of_groups_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(BadRequest, match="timewait_nat_groups must be a list of group names"):
        tags({"timewait_nat_groups": "{{ nosuch }}"})
