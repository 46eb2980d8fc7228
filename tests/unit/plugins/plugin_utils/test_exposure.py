# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._exposure import (
    TAGS,
    Claim,
    exposure_of,
    group_claims,
    is_global,
    listed,
    words_of,
)
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._values import BadRequest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.simulated import a_host


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("0.0.0.1", False),
        ("1.1.1.1", True),
        ("9.255.255.255", True),
        ("10.0.0.0", False),
        ("10.255.255.255", False),
        ("11.0.0.0", True),
        ("100.63.255.255", True),
        ("100.64.0.0", False),
        ("100.127.255.255", False),
        ("100.128.0.0", True),
        ("126.255.255.255", True),
        ("127.0.0.1", False),
        ("128.0.0.1", True),
        ("169.253.255.255", True),
        ("169.254.169.254", False),
        ("172.15.255.255", True),
        ("172.16.0.1", False),
        ("172.31.255.255", False),
        ("172.32.0.0", True),
        ("192.0.0.1", False),
        ("192.0.1.1", True),
        ("192.0.2.1", False),
        ("192.88.99.1", False),
        ("192.167.255.255", True),
        ("192.168.0.1", False),
        ("192.169.0.0", True),
        ("198.17.255.255", True),
        ("198.18.0.1", False),
        ("198.19.255.255", False),
        ("198.20.0.0", True),
        ("198.51.100.1", False),
        ("203.0.113.1", False),
        ("223.255.255.255", True),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("::ffff:8.8.8.8", True),
        ("::ffff:10.0.0.1", False),
        ("100::1", False),
        ("2000::1", True),
        ("2001::1", False),
        ("2001:1::1", True),
        ("2001:2::1", False),
        ("2001:2:1::1", True),
        ("2001:10::1", False),
        ("2001:db8::1", False),
        ("2001:4860:4860::8888", True),
        ("2002:808:808::1", False),
        ("2a00:1450::1", True),
        ("3ffe::1", True),
        ("3fff::1", False),
        ("3fff:1000::1", True),
        ("4000::1", False),
        ("fc00::1", False),
        ("fdff::1", False),
        ("fe80::1", False),
        ("ff02::1", False),
    ],
)
def test_an_address_is_globally_routable_or_not(address: str, public: bool) -> None:
    assert is_global(ipaddress.ip_address(address)) is public


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("0.0.0.1", "0.255.255.255"),
        ("127.0.0.0", "127.255.255.255"),
        ("169.254.0.0", "169.254.255.255"),
        ("192.0.0.0", "192.0.0.255"),
        ("192.0.2.0", "192.0.2.255"),
        ("192.88.99.0", "192.88.99.255"),
        ("192.168.0.0", "192.168.255.255"),
        ("198.51.100.0", "198.51.100.255"),
        ("203.0.113.0", "203.0.113.255"),
        ("224.0.0.0", "255.255.255.255"),
        ("2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff"),
        ("2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ],
)
def test_a_special_block_is_one_from_its_first_address_to_its_last(first: str, last: str) -> None:
    assert not is_global(ipaddress.ip_address(first))
    assert not is_global(ipaddress.ip_address(last))


@pytest.mark.parametrize(
    ("raw", "tags"),
    [
        (None, []),
        ("", []),
        ([], []),
        ("private", ["private"]),
        ("behind-nat", ["behind_nat"]),
        ("Public_Facing", ["public_facing"]),
        ("public_facing,behind_nat", ["public_facing", "behind_nat"]),
        ("public_facing behind-nat", ["public_facing", "behind_nat"]),
        ("['public_facing', \"behind_nat\"]", ["public_facing", "behind_nat"]),
        (["behind_nat"], ["behind_nat"]),
        (("behind_nat", "public-facing"), ["behind_nat", "public_facing"]),
        ({"private"}, ["private"]),
    ],
)
def test_tags_may_be_written_in_several_ways(raw: object, tags: list[str]) -> None:
    assert words_of(raw, "here") == [Claim(tag, "here") for tag in tags]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "raw",
    [
        "publicfacing",
        "public",
        "nat",
        ["private", None],
        [1],
        [["private"]],
        True,
        1,
        {"private": 1},
        "\uff50rivate",
    ],
)
def test_an_unknown_tag_is_refused_by_naming_its_origin(raw: object) -> None:
    with pytest.raises(BadRequest, match="here"):
        words_of(raw, "here")


@given(st.text(max_size=20))
def test_any_text_has_known_tags_or_is_refused(text: str) -> None:
    try:
        claims = words_of(text, "here")
    except BadRequest as error:
        assert str(error).isascii()  # noqa: PT017
    else:
        assert all(claim.tag in TAGS for claim in claims)


@pytest.mark.parametrize("group", ["public_facing", "public-facing"])
def test_a_group_may_have_hyphens_or_underscores(group: str) -> None:
    assert group_claims("web", {group: ["web"]}, [], []) == [Claim("public_facing", f"group {group}")]


def test_a_group_counts_for_its_hosts_only() -> None:
    groups = {"public_facing": ["other"], "all": ["web"], "private": ["web"]}
    assert group_claims("web", groups, [], []) == [Claim("private", "group private")]


def test_more_groups_can_be_named_and_the_fixed_names_still_count() -> None:
    groups = {"dmz-1": ["web"], "masked": ["web"], "behind_nat": ["web"]}
    claims = group_claims("web", groups, ["dmz_1"], ["masked"])
    assert {(claim.tag, claim.origin) for claim in claims} == {
        ("public_facing", "group dmz-1"),
        ("behind_nat", "group masked"),
        ("behind_nat", "group behind_nat"),
    }


def test_a_group_named_in_both_lists_means_both() -> None:
    claims = group_claims("web", {"dmz": ["web"]}, ["dmz"], ["dmz"])
    assert {claim.tag for claim in claims} == {"public_facing", "behind_nat"}


def test_naming_a_fixed_group_again_takes_nothing_away() -> None:
    claims = group_claims("web", {"behind_nat": ["web"]}, ["behind_nat"], [])
    assert {claim.tag for claim in claims} == {"public_facing", "behind_nat"}


def test_no_tag_and_no_evidence_is_unclassified() -> None:
    exposure = exposure_of([], a_host().snapshot())
    assert exposure.unclassified
    assert not exposure.attested_private


def test_private_counts_when_nothing_speaks_against_it() -> None:
    exposure = exposure_of([Claim("private", "option exposure")], a_host().snapshot())
    assert exposure.attested_private
    assert not exposure.unclassified
    assert exposure.private == ("tagged private by option exposure",)


@pytest.mark.parametrize("tag", ["public_facing", "behind_nat"])
def test_private_with_another_tag_is_a_contradiction(tag: str) -> None:
    claims = [Claim("private", "group private"), Claim(tag, "option exposure")]  # type: ignore[arg-type]
    with pytest.raises(BadRequest, match=r"private \(group private\) and .*option exposure"):
        exposure_of(claims)


def test_tags_add_up() -> None:
    claims = [Claim("public_facing", "a"), Claim("behind_nat", "b"), Claim("public_facing", "c")]
    exposure = exposure_of(claims)
    assert exposure.public_facing == ("tagged public_facing by a", "tagged public_facing by c")
    assert exposure.behind_nat == ("tagged behind_nat by b",)


def test_a_public_address_is_evidence_against_an_attestation() -> None:
    host = a_host(addresses4=("127.0.0.1", "8.8.8.8"))
    exposure = exposure_of([Claim("private", "a")], host.snapshot())
    assert exposure.public_facing == ("address 8.8.8.8 is globally routable",)
    assert not exposure.attested_private


def test_address_translation_is_evidence_against_an_attestation() -> None:
    exposure = exposure_of([Claim("private", "a")], a_host(more=[("iptables_tables", "nat\n", 0)]).snapshot())
    assert exposure.behind_nat == ("the nat table of iptables is in use",)
    assert not exposure.attested_private


def test_dropped_connections_are_evidence_of_nat() -> None:
    host = a_host("RHEL 7", counters={"PAWSPassive": 3})
    exposure = exposure_of([Claim("private", "a")], host.snapshot())
    assert exposure.behind_nat == ("tcp_tw_recycle has already dropped 3 connection attempts here (PAWSPassive)",)
    assert exposure_of([], a_host("RHEL 7").snapshot()).behind_nat == ()


@pytest.mark.parametrize("tag", ["public_facing", "behind_nat"])
def test_one_tag_is_enough_to_be_classified(tag: str) -> None:
    assert not exposure_of([Claim(tag, "a")]).unclassified  # type: ignore[arg-type]


def test_evidence_comes_on_top_of_tags() -> None:
    host = a_host(addresses4=("8.8.8.8",), more=[("ipvs", "1\n", 0)])
    exposure = exposure_of([Claim("public_facing", "a"), Claim("behind_nat", "b")], host.snapshot())
    assert exposure.public_facing == ("tagged public_facing by a", "address 8.8.8.8 is globally routable")
    assert exposure.behind_nat == ("tagged behind_nat by b", "IPVS masquerades (ipvsadm -m)")


def test_evidence_is_bounded() -> None:
    host = a_host(addresses4=tuple(f"8.8.{number}.1" for number in range(200)))
    assert len(exposure_of([], host.snapshot()).public_facing) == 10


@pytest.mark.parametrize(
    "raw", ["edge", "['edge']", '["edge", "dmz"]', ["edge, dmz"], ["'edge'"], ("edge",), "dmz,edge", "[edge, dmz]"]
)
def test_a_list_of_names_is_read_in_every_form(raw: object) -> None:
    assert "edge" in listed(raw, "here", "names")


@pytest.mark.parametrize("raw", [5, [["edge"]], {"edge": 1}, "{{ nosuch }}", ["a[b"], True])
def test_what_is_no_list_of_names_is_never_taken_for_none(raw: object) -> None:
    with pytest.raises(BadRequest, match="here must be a list of names"):
        listed(raw, "here", "names")
