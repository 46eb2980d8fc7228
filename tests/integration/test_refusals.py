# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tcp_tw_recycle is refused wherever it could drop connections, by every door and whatever carries the tag."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.support import (
    BY_MODULE,
    BY_ROLE,
    SETTINGS,
    alias,
    bystander,
    each_on_its_own,
    failure,
    outcome,
    run_side_by_side,
    settings,
    tasks,
    warnings_of,
)
from tests.sandbox.hosts import SandboxHost
from tests.sandbox.runs import Ansible, Run
from tests.sandbox.states import DROPIN, cover_proc_net, install, state

Playbook = Callable[..., Run]

RECYCLE = {"tcp_tw_recycle": 1}

#: An inventory as people write it: strings, groups of groups, groups with hyphens.
INVENTORY = """
[public_facing]
group-public

[public-facing]
group-public-hyphen

[behind_nat]
group-nat

[behind-nat]
group-nat-hyphen

[dmz]
child-of-public

[public_facing:children]
dmz

[continent:children]
country

[country]
grandchild-of-nat

[behind_nat:children]
continent

[edge]
group-by-variable

[carrier-grade]
group-by-variable-hyphen

[edge:vars]
timewait_public_groups=edge,web

[carrier-grade:vars]
timewait_nat_groups=["carrier_grade"]

[all-hosts]
string timewait_exposure=public_facing
string-hyphen timewait_exposure=behind-nat
string-upper-case timewait_exposure=Public-Facing
comma-list timewait_exposure="behind_nat, public_facing"
json-list timewait_exposure=["public_facing"]
template timewait_exposure="{{ ['behind_nat'] if true else [] }}"
template-of-another timewait_exposure="{{ mine }}" mine=public_facing
untagged
empty timewait_exposure=""
empty-list timewait_exposure=[]
both-groups timewait_exposure=behind_nat

[public_facing]
both-groups
"""

#: Host, and the evidence that its refusal names.
TAGGED = {
    "group-public": "tagged public_facing by group public_facing",
    "group-public-hyphen": "tagged public_facing by group public-facing",
    "group-nat": "tagged behind_nat by group behind_nat",
    "group-nat-hyphen": "tagged behind_nat by group behind-nat",
    "child-of-public": "tagged public_facing by group public_facing",
    "grandchild-of-nat": "tagged behind_nat by group behind_nat",
    "group-by-variable": "tagged public_facing by group edge",
    "group-by-variable-hyphen": "tagged behind_nat by group carrier-grade",
    "string": "tagged public_facing by variable timewait_exposure of string",
    "string-hyphen": "tagged behind_nat by variable timewait_exposure of string-hyphen",
    "string-upper-case": "tagged public_facing by variable timewait_exposure",
    "comma-list": "tagged behind_nat by variable timewait_exposure of comma-list",
    "json-list": "tagged public_facing by variable timewait_exposure of json-list",
    "template": "tagged behind_nat by variable timewait_exposure of template",
    "template-of-another": "tagged public_facing by variable timewait_exposure of template-of-another",
    "untagged": "no tag private, public_facing or behind_nat for this host",
    "empty": "no tag private, public_facing or behind_nat for this host",
    "empty-list": "no tag private, public_facing or behind_nat for this host",
    "both-groups": "tagged public_facing by group public_facing",
}

ADHOC = "ad-hoc"
DOORS: dict[str, Any] = {
    "role": {**BY_ROLE, "vars": {"timewait_tcp_tw_recycle": 1}},
    "module": settings(**RECYCLE),
    ADHOC: RECYCLE,
}


def attempt(ansible: Ansible, door: str, hosts: Any, *arguments: str, **keywords: Any) -> Run:
    if door == ADHOC:
        return ansible.adhoc(SETTINGS, DOORS[door], hosts, "--forks", "10", *arguments, **keywords)
    return run_side_by_side(ansible, DOORS[door], hosts, *arguments, **keywords)


def check_refusal(result: dict[str, Any], host: str, evidence: str) -> None:
    """A refusal has all that its reader needs."""
    assert result["refused"], host
    found = [words for refusal in result["refused"] for words in refusal["evidence"]]
    assert any(evidence in words for words in found), (host, found)
    for refusal in result["refused"]:
        assert set(refusal) == {"key", "value", "reason", "evidence", "origin", "remedy"}
        assert refusal["key"] == "net.ipv4.tcp_tw_recycle"
        assert refusal["value"] != 0
        assert refusal["reason"] in result["msg"]
        assert "tcp_tw_reuse: 1" in refusal["remedy"]
        assert set(refusal["origin"]) == {"variable", "path", "line"}
    assert f" on {host}: " in result["msg"]
    assert evidence in result["msg"]
    assert "Nothing was touched" in result["msg"]
    assert result["changed"] is False


@pytest.mark.parametrize("door", DOORS)
def test_a_tag_of_the_inventory_refuses_recycle_by_every_door_and_nothing_is_touched(
    ansible: Ansible, legacy_host: SandboxHost, tmp_path: Path, door: str
) -> None:
    inventory = tmp_path / "hosts.ini"
    inventory.write_text(INVENTORY)
    before = state(legacy_host)
    hosts = [alias(legacy_host, name) for name in TAGGED]
    for arguments in (["--check"], []):
        run = attempt(ansible, door, hosts, "--inventory", str(inventory), *arguments)
        assert run.rc == 2, run.text
        for name, evidence in TAGGED.items():
            check_refusal(failure(run, name), name, evidence)
        assert state(legacy_host) == before


#: What is asked for, and what the kernel is to read then; all of it is the same to an old kernel: on.
SPELLINGS = {"number": 1, "text": "1", "spaces": " 1 ", "two": 2, "negative": -1, "template": "{{ '%d' % 7 }}"}
SPELT = settings(tcp_tw_recycle="{{ asked }}")


def test_every_value_but_0_is_refused_however_it_is_written(ansible: Ansible, legacy_host: SandboxHost) -> None:
    before = state(legacy_host)
    hosts = [alias(legacy_host, name, asked=asked) for name, asked in SPELLINGS.items()]
    run = run_side_by_side(ansible, SPELT, hosts)
    for name in SPELLINGS:
        check_refusal(failure(run, name), name, "no tag private, public_facing or behind_nat for this host")
    assert state(legacy_host) == before


def test_a_host_attested_private_may_have_it_with_a_warning(
    ansible: Ansible, new_host: Callable[..., SandboxHost]
) -> None:
    """The control of the tests above: the same requests, but for the tag, are let through."""
    hosts = [new_host(name, legacy=True) for name in SPELLINGS]
    for host in hosts:
        host.vars["asked"] = SPELLINGS[host.name]
        host.vars["timewait_exposure"] = "private"
    by_group = new_host("by-group", legacy=True)
    by_group.vars["asked"] = 1
    run = run_side_by_side(ansible, SPELT, [*hosts, by_group], groups={"private": ["by-group"]})
    assert run.rc == 0, run.text
    for host in (*hosts, by_group):
        expected = {"two": "2", "negative": "-1", "template": "7"}.get(host.name, "1")
        assert host.sysctl("tcp_tw_recycle") == expected
        assert f"net.ipv4.tcp_tw_recycle = {expected}\n" in host.read(DROPIN)
        assert any("CVE-2026-23247" in words for words in warnings_of(outcome(run, host.name)))
        assert outcome(run, host.name).result["refused"] == []


def test_a_kernel_without_recycle_refuses_it_even_on_a_private_host(run_playbook: Playbook, host: SandboxHost) -> None:
    host.vars["timewait_exposure"] = ["private"]
    before = state(host)
    run = run_playbook(settings(**RECYCLE), host)
    check_refusal(failure(run, "host"), "host", "no /proc/sys/net/ipv4/tcp_tw_recycle")
    assert "removed in Linux 4.12" in failure(run, "host")["msg"]
    assert "timestamps are randomised" in failure(run, "host")["msg"]
    assert state(host) == before


#: What carries a tag, as keywords of a play with one task; "options" are the task's own.
CARRIERS: dict[str, dict[str, Any]] = {
    "play-variable": {"vars": {"timewait_exposure": ["public_facing"]}},
    "option": {"options": {"exposure": ["public_facing"]}},
    "option-text": {"options": {"exposure": " public-facing "}},
    "module-defaults": {"module_defaults": {SETTINGS: {"exposure": ["public_facing"]}}},
    "group-defaults": {"module_defaults": {"group/linux_tcp.tuning.timewait": {"exposure": ["public_facing"]}}},
    "groups-option": {"options": {"public_groups": ["office"]}},
    "groups-variable": {"vars": {"timewait_public_groups": "office"}},
    "groups-of-defaults": {"module_defaults": {SETTINGS: {"public_groups": ["office"]}}},
}


def plays_of(cases: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    plays = {
        name: {
            **settings(**RECYCLE, **case.get("options", {})),
            **{keyword: value for keyword, value in case.items() if keyword != "options"},
        }
        for name, case in cases.items()
    }
    return each_on_its_own(plays)


def test_a_tag_counts_whatever_carries_it(ansible: Ansible, legacy_host: SandboxHost) -> None:
    before = state(legacy_host)
    hosts = [*(alias(legacy_host, name) for name in CARRIERS), bystander(legacy_host)]
    run = ansible.playbook(plays_of(CARRIERS), hosts, groups={"office": list(CARRIERS)})
    for name in CARRIERS:
        check_refusal(failure(run, name), name, "tagged public_facing by")
    assert state(legacy_host) == before


def test_tags_of_roles_tasks_blocks_and_extra_vars_count(ansible: Ansible, legacy_host: SandboxHost) -> None:
    asked = {"timewait_tcp_tw_recycle": 1}
    tagged = {"timewait_exposure": ["behind_nat"]}
    plays = {
        "role": {**BY_ROLE, "roles": [{"role": BY_ROLE["roles"][0], "vars": {**asked, **tagged}}]},
        "task": tasks({SETTINGS: RECYCLE, "vars": tagged}),
        "block": tasks({"block": [{SETTINGS: RECYCLE}], "vars": tagged}),
        "set_fact": tasks({"ansible.builtin.set_fact": tagged}, {SETTINGS: RECYCLE}),
    }
    before = state(legacy_host)
    for name, play in plays.items():
        run = ansible.playbook(play, legacy_host)
        assert run.rc == 2, name
        check_refusal(failure(run, "legacy-host"), "legacy-host", "tagged behind_nat by variable timewait_exposure")
    run = ansible.playbook(settings(**RECYCLE), legacy_host, extra_vars=tagged)
    check_refusal(failure(run, "legacy-host"), "legacy-host", "tagged behind_nat by variable timewait_exposure")
    run = ansible.adhoc(SETTINGS, RECYCLE, legacy_host, "--extra-vars", "timewait_exposure=behind-nat")
    check_refusal(failure(run, "legacy-host"), "legacy-host", "tagged behind_nat by variable timewait_exposure")
    assert state(legacy_host) == before


def test_groups_made_while_the_play_runs_count(ansible: Ansible, legacy_host: SandboxHost) -> None:
    before = state(legacy_host)
    added = {
        "name": "added",
        "groups": ["public-facing"],
        **{name: value for name, value in legacy_host.vars.items() if name.startswith(("ansible_", "sandbox_"))},
    }
    run = ansible.playbook(
        [
            tasks({"ansible.builtin.group_by": {"key": "behind_nat"}}, {SETTINGS: RECYCLE, "ignore_errors": True}),
            tasks({"ansible.builtin.add_host": added}),
            {**settings(**RECYCLE), "hosts": "added"},
        ],
        legacy_host,
    )
    assert "tagged behind_nat by group behind_nat" in failure(run, "legacy-host")["msg"]
    assert "tagged public_facing by group public-facing" in failure(run, "added")["msg"]
    assert state(legacy_host) == before


def test_the_host_that_counts_is_the_one_that_is_changed(
    ansible: Ansible, new_host: Callable[..., SandboxHost]
) -> None:
    """Under delegate_to in both directions, by group and by variable."""
    private, public = new_host("private-host", legacy=True), new_host("public-host", legacy=True)
    private.vars["timewait_exposure"] = "private"
    by_variable = alias(public, "public-by-variable", timewait_exposure="public_facing")
    untagged = alias(public, "untagged")
    hosts = [private, public, by_variable, untagged]
    groups = {"public_facing": ["public-host"]}
    before = [state(host) for host in (private, public)]
    for target in ("public-host", "public-by-variable", "untagged"):
        play = {**tasks({SETTINGS: RECYCLE, "delegate_to": target}), "hosts": "private-host"}
        run = ansible.playbook(play, hosts, groups=groups)
        message = failure(run, "private-host")["msg"]
        assert f"on {target}: " in message, message
        assert ("no tag" if target == "untagged" else "tagged public_facing") in message
    assert [state(host) for host in (private, public)] == before
    for origin in ("public-host", "public-by-variable"):
        play = {**tasks({SETTINGS: RECYCLE, "delegate_to": "private-host"}), "hosts": origin}
        run = ansible.playbook(play, hosts, groups=groups)
        assert run.rc == 0, run.text
    assert private.sysctl("tcp_tw_recycle") == "1"
    assert state(public) == before[1]


#: Ways to take a tag away. Each is tried on a host in the group public_facing.
ATTACKS: dict[str, dict[str, Any]] = {
    "by-group_names": {"vars": {"group_names": ["private"]}},
    "by-groups": {"vars": {"groups": {"private": ["by-groups"]}}},
    "by-play": {"vars": {"timewait_exposure": ["private"]}},
    "by-option": {"options": {"exposure": ["private"]}},
    "by-other-groups": {"vars": {"timewait_public_groups": [], "timewait_nat_groups": []}},
    "by-option-of-other-groups": {"options": {"public_groups": [], "nat_groups": []}},
    "by-another-name": {"vars": {"inventory_hostname": "attested-private", "inventory_hostname_short": "x"}},
    "by-hostvars": {"vars": {"hostvars": {"by-hostvars": {"timewait_exposure": ["private"]}}}},
}


def test_a_tag_cannot_be_taken_away(ansible: Ansible, legacy_host: SandboxHost) -> None:
    before = state(legacy_host)
    hosts = [*(alias(legacy_host, name) for name in (*ATTACKS, "attested-private")), bystander(legacy_host)]
    groups = {"public-facing": list(ATTACKS), "private": ["attested-private"]}
    run = ansible.playbook(plays_of(ATTACKS), hosts, groups=groups)
    for name in ATTACKS:
        message = failure(run, name)["msg"]
        assert "tagged public_facing" in message or "only one of them can be true" in message, (name, message)
    assert state(legacy_host) == before
    for name in ("by-group_names", "by-groups", "by-play", "by-other-groups", "by-another-name"):
        run = ansible.playbook(
            settings(**RECYCLE), hosts[: len(ATTACKS)], groups=groups, extra_vars=ATTACKS[name]["vars"]
        )
        assert len([result for result in run.results if result.status == "failed"]) == len(ATTACKS), run.text
    assert state(legacy_host) == before


def test_a_host_variable_cannot_be_taken_away_by_a_play_or_an_extra_var(
    ansible: Ansible, legacy_host: SandboxHost
) -> None:
    """But an extra var does override the inventory's variable within ansible-core itself: a group is the better tag."""
    legacy_host.vars["timewait_exposure"] = ["public_facing"]
    before = state(legacy_host)
    private = {"timewait_exposure": ["private"]}
    run = ansible.playbook({**settings(**RECYCLE), "vars": private}, legacy_host)
    assert "only one of them can be true" in failure(run, "legacy-host")["msg"]
    run = ansible.playbook(tasks({SETTINGS: RECYCLE, "vars": private}), legacy_host)
    assert "only one of them can be true" in failure(run, "legacy-host")["msg"]
    assert state(legacy_host) == before


#: What a compromised host answers, and what counts in it: a host may add exposure to itself, and nothing else.
FACTS_OF_A_LIAR = {
    "list": ({"timewait_exposure": ["private"]}, "no tag private"),
    "word": ({"timewait_exposure": "private", "timewait_public_groups": []}, "no tag private"),
    "groups": (
        {"group_names": ["private"], "groups": {"private": ["groups"]}, "timewait_exposure": ["private"]},
        "no tag private",
    ),
    "hostvars": (
        {"hostvars": {"hostvars": {"timewait_exposure": ["private"]}}, "timewait_exposure": ["private"]},
        "no tag private",
    ),
    "facts": ({"timewait": {"exposure": {"private": {"value": True, "evidence": ["me"]}}}}, "no tag private"),
    "nested": ({"ansible_facts": {"timewait_exposure": ["private"]}}, "no tag private"),
    "hidden": ({"timewait_exposure": ["private"], "ansible_facts": {}}, "no tag private"),
    "hidden-by-nothing": ({"timewait_exposure": ["private"], "ansible_facts": None}, "no tag private"),
    "another-name": ({"inventory_hostname": "attested-private"}, "no tag private"),
    "public": ({"timewait_exposure": ["public_facing"]}, "tagged public_facing"),
}


def module_of(name: str) -> str:
    return f"answer_{name.replace('-', '_')}"


def test_a_host_cannot_attest_itself_private(ansible: Ansible, legacy_host: SandboxHost, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    plays = {}
    for name, (facts, _evidence) in FACTS_OF_A_LIAR.items():
        answer = json.dumps({"changed": False, "ansible_facts": facts})
        (library / f"{module_of(name)}.sh").write_text(f"#!/bin/sh\nprintf '%s' '{answer}'\n")
        plays[name] = tasks({module_of(name): {}}, {SETTINGS: RECYCLE})
    before = state(legacy_host)
    hosts = [*(alias(legacy_host, name) for name in (*FACTS_OF_A_LIAR, "attested-private")), bystander(legacy_host)]
    private = {"private": ["attested-private"]}
    run = ansible.playbook(each_on_its_own(plays), hosts, groups=private, environment={"ANSIBLE_LIBRARY": str(library)})
    for name, (_facts, evidence) in FACTS_OF_A_LIAR.items():
        assert run.only(module_of(name), name).status == "ok", run.text
        check_refusal(failure(run, name), name, evidence)
    assert state(legacy_host) == before


def test_what_cannot_be_told_is_an_error(ansible: Ansible, legacy_host: SandboxHost, tmp_path: Path) -> None:
    """Fail closed: a contradiction, a word that nobody knows, a variable without a value."""
    cases = {
        "private-and-public": ({"timewait_exposure": ["private", "public_facing"]}, "only one of them can be true"),
        "private-in-a-public-group": ({"timewait_exposure": ["private"]}, "only one of them can be true"),
        "unknown-word": ({"timewait_exposure": ["internal"]}, "unknown exposure"),
        "undefined": ({"timewait_exposure": "{{ nobody_defined_this }}"}, "nobody_defined_this"),
        "undefined-in-a-list": ({"timewait_exposure": ["{{ nobody_defined_this }}"]}, "nobody_defined_this"),
        "undefined-groups": ({"timewait_public_groups": ["{{ nobody_defined_this }}"]}, "nobody_defined_this"),
        "broken-template": ({"timewait_exposure": "{{ 1 / 0 }}"}, "zero"),
        "lookup-that-fails": ({"timewait_exposure": "{{ lookup('file', '/there/is/no/such') }}"}, "/there/is/no/such"),
        "boolean": ({"timewait_exposure": False}, "must be a list of"),
        "dictionary": ({"timewait_exposure": {"private": True}}, "must be a list of"),
    }
    before = state(legacy_host)
    hosts = [alias(legacy_host, name, **variables) for name, (variables, _word) in cases.items()]
    groups = {"public-facing": ["private-in-a-public-group"]}
    for play in (settings(**RECYCLE), settings(), settings(state="absent")):
        run = run_side_by_side(ansible, play, hosts, groups=groups)
        for name, (_variables, word) in cases.items():
            assert word in failure(run, name)["msg"], (name, failure(run, name)["msg"])
    assert state(legacy_host) == before
    assert legacy_host.commands() == []


def globally_addressed(host: SandboxHost) -> None:
    host.sh("ip address add 9.9.9.9/32 dev lo")


def globally_addressed_by_ipv6(host: SandboxHost) -> None:
    host.sh("ip address add 2620:fe::fe/128 dev lo nodad")


def with_dropped_connections(host: SandboxHost) -> None:
    header = "TcpExt: SyncookiesSent PAWSPassive TW"
    cover_proc_net(host, "netstat", f"{header}\nTcpExt: 1 42 7\nIpExt: InNoRoutes\nIpExt: 0\n")


def with_an_iptables_nat_table(host: SandboxHost) -> None:
    cover_proc_net(host, "ip_tables_names", "filter\nnat\n")


def with_ipvs_masquerading(host: SandboxHost) -> None:
    cover_proc_net(
        host,
        "ip_vs",
        "IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n"
        "TCP  C0A80001:0050 rr\n  -> C0A80002:0050      Masq    1      0          0\n",
    )


def with_an_nftables_nat_chain(host: SandboxHost) -> None:
    """A program in the place of nft: what counts is what it says."""
    host.sh("mount -t tmpfs tmpfs /sys/module && mkdir /sys/module/nf_tables")
    path = install(
        host,
        "nft",
        "printf 'table ip t {\\n\\tchain post {\\n\\t\\ttype nat hook postrouting priority srcnat; policy accept;\\n"
        '\\t\\toifname "eth0" masquerade\\n\\t}\\n}\\n\'',
    )
    host.sh(f"mount -t tmpfs tmpfs /usr/local/bin && cp {path} /usr/local/bin/nft")


EVIDENCE: dict[str, tuple[Callable[[SandboxHost], None], str]] = {
    "global-address": (globally_addressed, "address 9.9.9.9 is globally routable"),
    "global-ipv6-address": (globally_addressed_by_ipv6, "address 2620:fe::fe is globally routable"),
    "dropped-connections": (with_dropped_connections, "has already dropped 42 connection attempts here (PAWSPassive)"),
    "iptables": (with_an_iptables_nat_table, "the nat table of iptables is in use"),
    "ipvs": (with_ipvs_masquerading, "IPVS masquerades"),
    "nftables": (with_an_nftables_nat_chain, "nftables has a"),
}


def test_signs_of_exposure_on_the_host_refuse_it_although_it_is_tagged_private(
    ansible: Ansible, new_host: Callable[..., SandboxHost]
) -> None:
    hosts = [new_host(name, legacy=True) for name in EVIDENCE]
    for host in hosts:
        EVIDENCE[host.name][0](host)
        host.vars["timewait_exposure"] = ["private"]
    before = [state(host) for host in hosts]
    for door, arguments in (("role", []), ("module", ["--check"]), (ADHOC, [])):
        run = attempt(ansible, door, hosts, *arguments)
        for host in hosts:
            check_refusal(failure(run, host.name), host.name, EVIDENCE[host.name][1])
    assert [state(host) for host in hosts] == before


def test_addresses_that_are_not_global_are_no_evidence(run_playbook: Playbook, legacy_host: SandboxHost) -> None:
    for address in ("10.1.2.3/32", "192.168.7.7/32", "100.64.3.2/32", "172.31.0.1/32", "169.254.1.1/32"):
        legacy_host.sh(f"ip address add {address} dev lo")
    legacy_host.sh("ip address add fd00::7/128 dev lo nodad")
    legacy_host.vars["timewait_exposure"] = ["private"]
    run = run_playbook(settings(**RECYCLE), legacy_host)
    assert run.rc == 0, run.text


def test_a_refusal_says_where_the_value_comes_from(
    ansible: Ansible, core: str, legacy_host: SandboxHost, tmp_path: Path
) -> None:
    """Variable everywhere; file and line of the value where ansible-core keeps them, never made up ones."""
    group_vars = tmp_path / "group_vars"
    group_vars.mkdir()
    variables = group_vars / "all.yml"
    variables.write_text("---\n# a comment\ntimewait_tcp_tw_reuse: 1\ntimewait_tcp_tw_recycle: 1\n")
    run = ansible.playbook(BY_ROLE, legacy_host)
    origin = failure(run, "legacy-host")["refused"][0]["origin"]
    assert origin["variable"] == "timewait_tcp_tw_recycle"
    if core != "core-2.16":
        assert (origin["path"], origin["line"]) == (str(variables), 4)

    literal = tmp_path / "literal.yml"
    literal.write_text(
        "---\n- hosts: all\n  gather_facts: false\n  tasks:\n    - linux_tcp.tuning.timewait_settings:\n"
        "        tcp_tw_recycle: 1\n"
    )
    run = ansible.playbook(literal.read_text(), legacy_host)
    origin = failure(run, "legacy-host")["refused"][0]["origin"]
    assert origin["variable"] is None
    assert Path(origin["path"]).name.startswith("playbook")
    assert origin["line"] == (5 if core == "core-2.16" else 6)


def test_ignore_errors_and_rescue_do_not_get_it_set(run_playbook: Playbook, legacy_host: SandboxHost) -> None:
    before = state(legacy_host)
    run = run_playbook(
        tasks(
            {SETTINGS: RECYCLE, "ignore_errors": True},
            {"block": [{SETTINGS: RECYCLE}], "rescue": [{"ansible.builtin.debug": {"msg": "rescued"}}]},
            {SETTINGS: RECYCLE, "failed_when": False},
        ),
        legacy_host,
    )
    assert run.rc == 0, run.text
    assert state(legacy_host) == before


def test_safe_settings_need_no_tag_and_work_on_exposed_hosts(
    ansible: Ansible, new_host: Callable[..., SandboxHost]
) -> None:
    hosts = [new_host(name, legacy=True) for name in ("web", "gateway", "nobody-said")]
    for host in hosts:
        host.set_sysctl("tcp_tw_recycle", 1)
    globally_addressed(hosts[0])
    run = run_side_by_side(ansible, BY_MODULE, hosts, groups={"public_facing": ["web"], "behind_nat": ["gateway"]})
    assert run.rc == 0, run.text
    assert [host.sysctl("tcp_tw_recycle") for host in hosts] == ["0", "0", "0"]
