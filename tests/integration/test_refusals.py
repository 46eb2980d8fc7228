# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tcp_tw_recycle is refused wherever it could drop connections, by every door and whatever carries the tag."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.integration.support import (
    BY_ROLE,
    ROLE,
    SETTINGS,
    alias,
    bystander,
    each_on_its_own,
    failure,
    outcome,
    run_side_by_side,
    settings,
    tasks,
)
from tests.sandbox.hosts import SandboxHost
from tests.sandbox.runs import Ansible, Run
from tests.sandbox.states import cover_proc_net, everything, install, state

Playbook = Callable[..., Run]

RECYCLE = {"tcp_tw_recycle": 1}

#: What people write into an INI inventory, beside what tests/integration/ways has.
INVENTORY = """
[carrier-grade]
group-by-variable-hyphen

[carrier-grade:vars]
timewait_nat_groups=["carrier_grade"]

[all-hosts]
comma-list timewait_exposure="behind_nat, public_facing"
empty timewait_exposure=""
empty-list timewait_exposure=[]
both-groups timewait_exposure=behind_nat

[public_facing]
both-groups
"""

#: Host, and the evidence that its refusal names.
TAGGED = {
    "group-by-variable-hyphen": "tagged behind_nat by group carrier-grade",
    "comma-list": "tagged behind_nat by variable timewait_exposure of comma-list",
    "empty": "no tag private, public_facing or behind_nat for this host",
    "empty-list": "no tag private, public_facing or behind_nat for this host",
    "both-groups": "tagged public_facing by group public_facing",
}

ASKING_ROLE = {**BY_ROLE, "vars": {"timewait_tcp_tw_recycle": 1}}


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


def test_a_dry_run_refuses_too(ansible: Ansible, legacy_host: SandboxHost, tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.ini"
    inventory.write_text(INVENTORY)
    before = everything(legacy_host)
    hosts = [alias(legacy_host, name) for name in TAGGED]
    asking = ("--extra-vars", "timewait_tcp_tw_recycle=1", "--inventory", str(inventory))
    run = ansible.playbook("linux_tcp.tuning.apply", hosts, *asking, "--check")
    assert run.rc == 2, run.text
    for name, evidence in TAGGED.items():
        check_refusal(failure(run, name), name, evidence)
    assert everything(legacy_host) == before


def test_a_kernel_without_recycle_refuses_it_even_on_a_private_host(run_playbook: Playbook, host: SandboxHost) -> None:
    host.vars["timewait_exposure"] = ["private"]
    before = state(host)
    run = run_playbook(settings(**RECYCLE), host)
    check_refusal(failure(run, "host"), "host", "no /proc/sys/net/ipv4/tcp_tw_recycle")
    assert "removed in Linux 4.12" in failure(run, "host")["msg"]
    assert "timestamps are randomised" in failure(run, "host")["msg"]
    assert state(host) == before


#: What carries a tag, beside what tests/integration/ways has.
NAT = {"timewait_exposure": ["behind_nat"]}
CARRIERS: dict[str, dict[str, Any]] = {
    "task": tasks({SETTINGS: RECYCLE, "vars": NAT}),
    "block": tasks({"block": [{SETTINGS: RECYCLE}], "vars": NAT}),
    "role": tasks({"ansible.builtin.include_role": {"name": ROLE}, "vars": {"timewait_tcp_tw_recycle": 1, **NAT}}),
    "group-defaults": {
        **settings(**RECYCLE),
        "module_defaults": {"group/linux_tcp.tuning.timewait": {"exposure": ["behind_nat"]}},
    },
    "groups-option": settings(**RECYCLE, nat_groups=["office"]),
    "groups-variable": {**settings(**RECYCLE), "vars": {"timewait_nat_groups": "office"}},
    "for-boot": settings(**RECYCLE, apply_to="boot", exposure="behind_nat"),
    "for-now": settings(**RECYCLE, apply_to="runtime", exposure="behind_nat"),
    "elsewhere": settings(**RECYCLE, path="/usr/local/lib/sysctl.d/a.conf", owner="me", exposure="behind_nat"),
    "unread": settings(**RECYCLE, lint_play=False, conflicts="comment_out", exposure="behind_nat"),
    "groups-of-defaults": {**settings(**RECYCLE), "module_defaults": {SETTINGS: {"nat_groups": ["office"]}}},
}


def test_a_tag_counts_whatever_carries_it(ansible: Ansible, legacy_host: SandboxHost) -> None:
    before = everything(legacy_host)
    hosts = [*(alias(legacy_host, name) for name in CARRIERS), bystander(legacy_host)]
    run = ansible.playbook(each_on_its_own(CARRIERS), hosts, groups={"office": list(CARRIERS)})
    for name in CARRIERS:
        check_refusal(failure(run, name), name, "tagged behind_nat by")
    assert everything(legacy_host) == before


def test_the_host_that_counts_is_the_one_that_is_changed(
    ansible: Ansible, new_host: Callable[..., SandboxHost]
) -> None:
    """Under delegate_to in both directions, by group and by variable."""
    private, public = new_host("private-host", legacy=True), new_host("public-host", legacy=True)
    private.vars["timewait_exposure"] = "private"
    by_variable = alias(public, "public-by-variable", timewait_exposure="public_facing")
    hosts = [private, public, by_variable, alias(public, "untagged"), alias(public, "localhost"), bystander(public)]
    before = everything(public)
    # Each with the host of its play, and the one that is changed.
    refused = {
        "public-host": "tagged public_facing by group",
        "public-by-variable": "tagged public_facing by variable",
        "untagged": "no tag",
        "localhost": "tagged public_facing by group",
    }
    local = {"local_action": {"module": SETTINGS, **RECYCLE}}
    tried = [{SETTINGS: RECYCLE, "delegate_to": host} for host in refused if host != "localhost"] + [local]
    plays = [{**tasks(task), "hosts": "private-host:bystander", "ignore_errors": True} for task in tried]
    each = {SETTINGS: {"tcp_tw_recycle": 4}, "delegate_to": "{{ item }}", "loop": ["private-host", "public-host"]}
    plays.append({**tasks(each), "hosts": "untagged", "ignore_errors": True})
    plays += [
        {**tasks({SETTINGS: {"tcp_tw_recycle": number}, "delegate_to": "private-host"}), "hosts": origin}
        for number, origin in enumerate(("public-host", "public-by-variable"), start=2)
    ]
    run = ansible.playbook(plays, hosts, groups={"public_facing": ["public-host", "localhost"]})
    messages = [result.result["msg"] for result in run.results if result.host == "private-host"]
    for message, (target, evidence) in zip(messages, refused.items(), strict=True):
        assert f" on {target}: " in message, message
        assert evidence in message
    allowed, denied = outcome(run, "untagged").result["results"]
    assert allowed["after"]["tcp_tw_recycle"] == 4
    assert "on public-host: this host is public-facing" in denied["msg"]
    for number, origin in enumerate(("public-host", "public-by-variable"), start=2):
        assert outcome(run, origin).result["after"]["tcp_tw_recycle"] == number
    assert private.sysctl("tcp_tw_recycle") == "3"
    assert everything(public) == before


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

#: What the modules of ansible-core that change groups answer.
OF_OTHER_MODULES = {
    "add_group": "private",
    "parent_groups": ["all"],
    "add_host": {"host_name": "list", "groups": ["private"], "host_vars": {"timewait_exposure": "private"}},
}


def module_of(name: str) -> str:
    return f"answer_{name.replace('-', '_')}"


def test_a_host_cannot_attest_itself_private(ansible: Ansible, legacy_host: SandboxHost, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    plays = {}
    for name, (facts, _evidence) in FACTS_OF_A_LIAR.items():
        answer = json.dumps({"changed": False, "ansible_facts": facts, **OF_OTHER_MODULES})
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
        "pattern": ({"timewait_public_groups": "edge:web"}, "is a pattern, and no group has that name"),
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
    before = [everything(host) for host in hosts]
    for run in (run_side_by_side(ansible, ASKING_ROLE, hosts), ansible.adhoc(SETTINGS, RECYCLE, hosts, "--check")):
        for host in hosts:
            check_refusal(failure(run, host.name), host.name, EVIDENCE[host.name][1])
    assert [everything(host) for host in hosts] == before


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
            {SETTINGS: RECYCLE, "no_log": True, "ignore_errors": True},
            {
                SETTINGS: RECYCLE,
                "retries": 2,
                "delay": 0,
                "register": "tried",
                "until": "tried is not failed",
                "ignore_errors": True,
            },
        ),
        legacy_host,
    )
    assert run.rc == 0, run.text
    assert state(legacy_host) == before


def test_what_nobody_would_refuse_is_done_on_exposed_hosts(
    ansible: Ansible, new_host: Callable[..., SandboxHost]
) -> None:
    """Beside the many ways to ask for nothing in tests/integration/ways. Recycle is on, and goes off."""
    web, modern = new_host("web", legacy=True), new_host("modern")
    for act in (globally_addressed, with_dropped_connections):
        act(web)
    web.set_sysctl("tcp_tw_recycle", 7)
    web.write("/etc/sysctl.d/10-old.conf", "net.ipv4.tcp_tw_recycle = 1\n")
    private = new_host("private-host", legacy=True)
    hosts = [
        *(web, modern, private),
        *(alias(web, name) for name in ("gateway", "nobody-said", "predicted", "reuse-off", "again", "undone")),
        *(alias(modern, name) for name in ("modern-off", "modern-role", "modern-undone")),
        bystander(web),
    ]
    plays = {
        "predicted": tasks({SETTINGS: {}, "check_mode": True}),
        "web": settings(),
        "gateway": settings(tcp_tw_recycle=0, exposure=["behind_nat"]),
        "nobody-said": settings(tcp_tw_reuse=0, tcp_timestamps=1),
        "again": settings(tcp_rfc1337=1, nat_groups="office"),
        "undone": settings(state="absent", tcp_tw_recycle=1),
        "modern": settings(tcp_tw_recycle=False),
        "modern-off": settings(tcp_tw_recycle="off", tcp_tw_reuse=2),
        "modern-role": tasks({"ansible.builtin.include_role": {"name": ROLE}}),
        "modern-undone": settings(state="absent"),
        "private-host": settings(exposure=[" Private "], tcp_tw_recycle=0),
    }
    expected = {
        "predicted": (True, {"tcp_tw_recycle": 0, "tcp_tw_reuse": 1}),
        "web": (True, {"tcp_tw_recycle": 0, "tcp_tw_reuse": 1}),
        "gateway": (False, {"tcp_tw_recycle": 0, "tcp_tw_reuse": 1}),
        "nobody-said": (True, {"tcp_tw_recycle": 0, "tcp_tw_reuse": 0}),
        "again": (True, {"tcp_tw_recycle": 0, "tcp_tw_reuse": 1, "tcp_rfc1337": 1}),
        "undone": (True, {"tcp_tw_recycle": 0, "tcp_tw_reuse": 0, "tcp_rfc1337": 0}),
        "modern": (True, {"tcp_tw_reuse": 1}),
        "modern-off": (True, {"tcp_tw_reuse": 2}),
        "modern-role": (True, {"tcp_tw_reuse": 1}),
        "modern-undone": (True, {"tcp_tw_reuse": 2}),
        "private-host": (True, {"tcp_tw_recycle": 0, "tcp_tw_reuse": 1}),
    }
    groups = {
        "public_facing": ["web", "modern", "undone"],
        "behind_nat": ["again", "modern-undone"],
        "office": ["again"],
    }
    run = ansible.playbook(each_on_its_own(plays), hosts, groups=groups)
    assert run.rc == 0, run.text
    for name, (changed, values) in expected.items():
        result = outcome(run, name).result
        assert (result["changed"], {**result["after"], **values}) == (changed, result["after"]), (name, result)
    # Neither the kernel's 7 nor the file's 1 comes back.
    assert {refusal["value"] for refusal in outcome(run, "undone").result["refused"]} == {1, 7}
    assert web.sysctl("tcp_tw_recycle") == "0"
