# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts: their shape, their values, and that reading them touches nothing. And the audit playbook."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.integration.support import FACTS, alias, run_side_by_side, settings, tasks
from tests.sandbox.hosts import ROOT, SandboxHost
from tests.sandbox.runs import Ansible, Run
from tests.sandbox.states import cover_proc_net, install, state
from tests.system.sockets import connect, listen, sockets

Playbook = Callable[..., Run]
READ = tasks({FACTS: {}})
SCHEMA = json.loads((ROOT / "docs" / "timewait_facts.schema.json").read_text())


def facts_of(run: Run, host: str) -> dict[str, Any]:
    result = run.only("timewait_facts", host).result
    assert result["changed"] is False
    assert list(result["ansible_facts"]) == ["timewait"]
    facts: dict[str, Any] = result["ansible_facts"]["timewait"]
    return facts


def test_facts_have_the_documented_shape_on_every_kind_of_host_and_touch_nothing(
    ansible: Ansible, new_host: Callable[..., SandboxHost]
) -> None:
    hosts = [new_host("modern"), new_host("legacy", legacy=True), new_host("tuned"), new_host("wrong", legacy=True)]
    _modern, _legacy, tuned, wrong = hosts
    tune = settings(ip_local_port_range=[15000, 60999], ip_local_reserved_ports=["20000-20010", 30000])
    assert ansible.playbook(tune, tuned).rc == 0
    make_all_wrong(wrong)
    before = [state(host) for host in hosts]
    run = run_side_by_side(ansible, READ, hosts)
    assert run.rc == 0, run.text
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for host in hosts:
        jsonschema.Draft202012Validator(SCHEMA).validate(facts_of(run, host.name))
    assert [state(host) for host in hosts] == before


def test_facts_of_a_host_with_this_kernel(run_playbook: Playbook, host: SandboxHost) -> None:
    host.set_sysctl("tcp_tw_reuse", 0)
    host.set_sysctl("tcp_timestamps", 2)
    host.write("/etc/sysctl.d/50-a.conf", "# a\nnet.ipv4.tcp_tw_reuse = 1\n")
    host.write("/etc/sysctl.conf", "net.ipv4.tcp_tw_reuse = 2\n")
    facts = facts_of(run_playbook(READ, host), "host")
    assert facts["kernel"]["system"] == "Linux"
    assert facts["kernel"]["release"] == host.sh("uname -r").strip()
    reuse = facts["sysctls"]["tcp_tw_reuse"]
    assert (reuse["key"], reuse["supported"], reuse["value"], reuse["default"]) == ("net.ipv4.tcp_tw_reuse", True, 0, 2)
    assert (reuse["boot"]["value"], reuse["boot"]["source"], reuse["boot"]["line"]) == (1, "/etc/sysctl.d/50-a.conf", 2)
    assert reuse["boot"]["loader"].startswith("systemd-sysctl ")
    assert (reuse["reload"]["value"], reuse["reload"]["source"], reuse["reload"]["line"]) == (2, "/etc/sysctl.conf", 1)
    assert reuse["reload"]["loader"].startswith("procps ")
    recycle = facts["sysctls"]["tcp_tw_recycle"]
    assert (recycle["supported"], recycle["value"]) == (False, None)
    assert facts["timestamps"] == {"setting": 2, "offset": "none"}
    assert facts["sockets"]["time_wait"] == 0
    assert facts["sockets"]["limit"] == int(host.sysctl("tcp_max_tw_buckets"))
    assert facts["ports"] == {"range": [32768, 60999], "reserved": [], "usable": 28232}
    assert "TW" in facts["counters"]
    assert "PAWSPassive" not in facts["counters"]
    assert facts["exposure"]["unclassified"]["value"] is True
    assert [finding["id"] for finding in facts["findings"]] == ["boot_differs"]


def test_facts_of_a_host_with_an_old_kernel(run_playbook: Playbook, legacy_host: SandboxHost) -> None:
    legacy_host.set_sysctl("tcp_tw_recycle", 1)
    legacy_host.set_sysctl("ip_local_reserved_ports", "8080,33000-33009")
    cover_proc_net(legacy_host, "netstat", "TcpExt: TW PAWSPassive\nTcpExt: 5 42\n")
    facts = facts_of(run_playbook(READ, legacy_host), "legacy-host")
    assert facts["kernel"]["release"].startswith("2.6.")
    assert (facts["sysctls"]["tcp_tw_recycle"]["supported"], facts["sysctls"]["tcp_tw_recycle"]["value"]) == (True, 1)
    assert facts["sysctls"]["tcp_tw_reuse_delay"]["supported"] is False
    assert facts["counters"] == {"TW": 5, "PAWSPassive": 42}
    assert facts["ports"] == {"range": [32768, 61000], "reserved": [[8080, 8080], [33000, 33009]], "usable": 28223}
    [finding] = [finding for finding in facts["findings"] if finding["id"] == "recycle_enabled"]
    assert finding["severity"] == "error"
    assert any("42 SYNs dropped so far" in words for words in finding["evidence"])


def test_sockets_are_counted_when_they_are_asked_for(ansible: Ansible, new_host: Callable[..., SandboxHost]) -> None:
    """In one round trip, by every kind of host; and what cannot be asked for is refused before there is one."""
    host, legacy = new_host("host"), new_host("legacy", legacy=True)
    ask = {FACTS: {"gather_subset": "{{ subset }}", "top": "{{ top | default(omit) }}", "interval": "{{ interval }}"}}
    cases = [
        alias(host, "counted", subset=["sockets"], interval=1),
        alias(legacy, "old", subset="sockets", interval=0, top=1),
        alias(host, "not-counted", subset=[], interval=0),
        alias(host, "wrong", subset=["everything"], interval=0),
    ]
    plan = [listen("127.0.0.1", 80), connect("127.0.0.1", 80, 8, closes="server"), connect("127.0.0.1", 80, 12)]
    before = [state(each) for each in (host, legacy)]
    with sockets(host, *plan), sockets(legacy, *plan):
        run = run_side_by_side(ansible, tasks(ask), cases)
    assert [state(each) for each in (host, legacy)] == before
    found = {name: facts_of(run, name) for name in ("counted", "old", "not-counted")}
    for facts in found.values():
        jsonschema.Draft202012Validator(SCHEMA).validate(facts)
    for name in ("counted", "old"):
        census = found[name]["sockets"]["census"]
        assert census["inbound"] == {"sockets": 8, "ports": 1, "top": [{"port": 80, "sockets": 8}]}
        [destination] = census["outbound"]["top"]
        assert (destination["destination"], destination["port"], destination["sockets"]) == ("127.0.0.1", 80, 12)
        assert destination["share"] == round(12 / found[name]["ports"]["usable"], 4)
    assert found["counted"]["timestamps"]["offset"] != "unknown"
    assert found["counted"]["rates"]["time_wait"] == 0
    assert (found["not-counted"]["sockets"]["census"], found["not-counted"]["rates"]) == (None, None)
    assert len(host.commands()) == 2
    wrong = run.only("timewait_facts", "wrong")
    assert wrong.status == "failed"
    assert "gather_subset can be sockets" in wrong.result["msg"]


def test_the_exposure_in_the_facts_has_its_evidence(ansible: Ansible, new_host: Callable[..., SandboxHost]) -> None:
    host = new_host("plain", legacy=True)
    public = new_host("public", legacy=True)
    public.sh("ip address add 9.9.9.9/32 dev lo")
    cases = [
        alias(host, "by-group"),
        alias(host, "by-variable", timewait_exposure="behind_nat"),
        alias(host, "private", timewait_exposure=["private"]),
        alias(host, "nobody-said"),
        alias(public, "by-address", timewait_exposure=["private"]),
    ]
    run = run_side_by_side(ansible, READ, cases, groups={"public-facing": ["by-group"]})
    found = {case.name: facts_of(run, case.name)["exposure"] for case in cases}
    true = {name: [word for word, verdict in exposure.items() if verdict["value"]] for name, exposure in found.items()}
    assert true == {
        "by-group": ["public_facing"],
        "by-variable": ["behind_nat"],
        "private": ["private"],
        "nobody-said": ["unclassified"],
        "by-address": ["public_facing"],
    }
    assert found["by-group"]["public_facing"]["evidence"] == ["tagged public_facing by group public-facing"]
    assert "timewait_exposure" in found["by-variable"]["behind_nat"]["evidence"][0]
    assert found["by-address"]["public_facing"]["evidence"] == ["address 9.9.9.9 is globally routable"]


def make_all_wrong(host: SandboxHost) -> None:
    host.set_sysctl("tcp_tw_recycle", 1)
    host.set_sysctl("tcp_tw_reuse", 1)
    host.set_sysctl("tcp_timestamps", 0)
    host.sh("mkfifo /etc/sysctl.d/60-fifo.conf")
    host.write("/etc/sysctl.d/50-a.conf", "net.ipv4.tcp_tw_recycle = 1\nnet.ipv4.tcp_tw_reuse = 0\n")
    cover_proc_net(host, "netstat", "TcpExt: TW PAWSPassive TCPTimeWaitOverflow\nTcpExt: 5 42 7\n")


def test_every_finding_has_evidence_and_a_remedy_and_good_hosts_have_none(
    run_playbook: Playbook, new_host: Callable[..., SandboxHost]
) -> None:
    wrong, good = new_host("wrong", legacy=True), new_host("good")
    make_all_wrong(wrong)
    assert run_playbook(settings(), good).rc == 0
    run = run_playbook(READ, [wrong, good])
    assert facts_of(run, "good")["findings"] == []
    findings = facts_of(run, "wrong")["findings"]
    assert {finding["id"] for finding in findings} == {
        "recycle_enabled",
        "reuse_without_timestamps",
        "boot_hangs",
        "recycle_in_file",
        "boot_differs",
        "bucket_overflow",
    }
    assert all(finding["evidence"] and finding["remedy"] and finding["message"] for finding in findings)


def test_a_change_of_mind_is_a_change_of_facts(run_playbook: Playbook, host: SandboxHost) -> None:
    """Facts in ansible_facts, and no variable at the top of anybody's play."""
    run = run_playbook(
        tasks(
            {FACTS: {}},
            {
                "ansible.builtin.assert": {
                    "that": [
                        "ansible_facts.timewait.sysctls.tcp_tw_reuse.value == 2",
                        "ansible_facts.timewait.ports.range == [32768, 60999]",
                    ]
                }
            },
            {"linux_tcp.tuning.timewait_settings": {}},
            {FACTS: {}},
            {"ansible.builtin.assert": {"that": ["ansible_facts.timewait.sysctls.tcp_tw_reuse.value == 1"]}},
        ),
        host,
    )
    assert run.rc == 0, run.text


AUDIT = "linux_tcp.tuning.audit"


def test_the_audit_ends_with_a_table_and_fails_when_a_host_has_an_error(
    run_playbook: Playbook, new_host: Callable[..., SandboxHost]
) -> None:
    good, wrong = new_host("good"), new_host("wrong", legacy=True)
    # A warning alone is no reason to fail.
    good.write("/etc/sysctl.d/50-a.conf", "net.ipv4.tcp_rfc1337 = 1\n")
    calm = run_playbook(AUDIT, good)
    assert calm.rc == 0, calm.text
    assert calm.changed == 0
    assert "boot_differs" in calm.text

    make_all_wrong(wrong)
    before = state(wrong)
    run = run_playbook(AUDIT, [good, wrong])
    assert run.rc == 2, run.text
    lines = run.only("timewait_report").result["table"]
    # As they are, for people: not as JSON.
    assert "\n".join(lines[:3]) in run.text
    headings, *rows = lines[:3]
    assert headings.split()[:2] == ["HOST", "KERNEL"]
    assert [row.split()[0] for row in rows] == ["good", "wrong"]
    assert "error: recycle_enabled" in rows[1]
    assert "    # sysctl -w net.ipv4.tcp_tw_recycle=0" in lines
    assert any(line.startswith("1 of your hosts would be dropped by wrong now and then") for line in lines)
    assert lines[-1] == "2 hosts: 1 with errors, 1 with warnings, 0 with info only, 0 with nothing wrong"
    # The host that has it fails, and no other.
    assert {host: counters["failures"] for host, counters in run.recap.items()} == {"good": 0, "wrong": 1}
    assert "recycle_enabled" in run.only("fail", "wrong").result["msg"]
    assert state(wrong) == before
    assert len(wrong.commands()) == 1


@pytest.mark.parametrize("which", ["one of two", "the only one"])
def test_the_audit_fails_when_a_host_cannot_be_asked_and_shows_the_others(
    run_playbook: Playbook, new_host: Callable[..., SandboxHost], which: str
) -> None:
    silent = new_host("silent")
    silent.vars["ansible_shell_executable"] = install(silent, "login-shell", "exit 1")
    hosts = [silent, new_host("talks")] if which == "one of two" else [silent]
    run = run_playbook(AUDIT, hosts)
    assert run.rc == 2, run.text
    if which == "one of two":
        lines = run.only("timewait_report").result["table"]
        assert [line.split()[0] for line in lines[1:3]] == ["silent", "talks"]
        assert "no facts" in lines[1]


def test_the_audit_writes_a_report_for_people_and_one_for_programs(
    run_playbook: Playbook, new_host: Callable[..., SandboxHost], tmp_path: Path
) -> None:
    client, server = new_host("client"), new_host("server", legacy=True)
    server.set_sysctl("tcp_tw_recycle", 1)
    plan = [listen("127.0.0.1", 80), connect("127.0.0.1", 80, 12)]
    page, data = tmp_path / "report.html", tmp_path / "report.json"
    with sockets(client, *plan):
        run = run_playbook(AUDIT, [client, server], extra_vars={"timewait_report": str(page)})
    assert sorted(run.only("timewait_report").result["written"]) == [str(page), str(data)]
    audit = json.loads(data.read_text())
    assert (audit["format"], sorted(audit["hosts"])) == (1, ["client", "server"])
    for facts in audit["hosts"].values():
        jsonschema.Draft202012Validator(SCHEMA).validate(facts)
    [destination] = audit["hosts"]["client"]["sockets"]["census"]["outbound"]["top"]
    assert (destination["sockets"], destination["reuse"]) == (12, "unknown")
    radius = {"server": "server", "dropped": ["client"], "not_known": 0}
    assert audit["blast_radius"] == [radius]
    assert run.only("timewait_report").result["blast_radius"] == [{**radius, "number": 1}]
    text = page.read_text()
    assert text.startswith("<!DOCTYPE html>")
    assert "recycle_enabled" in text
    assert str(page) in run.text


def test_a_report_that_cannot_be_written_is_an_error_after_the_table(
    ansible: Ansible, host: SandboxHost, tmp_path: Path
) -> None:
    mine = tmp_path / "inventory.json"
    mine.write_text("{}")
    paths = {
        "/there/is/no/directory.html": "there is no directory /there/is/no",
        str(tmp_path): "that is a directory",
        ".": "that is a directory",
        "/dev/null": "no regular file",
        "~nobody-of-that-name/x.html": "there is no such user",
        str(tmp_path / "inventory.html"): "would be overwritten",
    }
    report = "linux_tcp.tuning.timewait_report"
    steps = [{"name": path, report: {"path": path}, "ignore_errors": True} for path in paths]
    run = ansible.playbook(tasks({FACTS: {}}, *steps), host)
    assert {result.task: result.status for result in run.results if result.task in paths} == dict.fromkeys(
        paths, "failed"
    )
    for result in run.results:
        if result.task in paths:
            assert paths[result.task] in result.result["msg"]
    assert run.text.count("\nHOST ") == len(paths)
    assert sorted(tmp_path.glob("*.html")) == []
    assert mine.read_text() == "{}"


def test_the_table_is_not_printed_among_the_json_of_a_callback(ansible: Ansible, host: SandboxHost) -> None:
    quiet = tasks({FACTS: {}}, {"linux_tcp.tuning.timewait_report": {"show": False}})
    shown = tasks({FACTS: {}}, {"linux_tcp.tuning.timewait_report": {}})
    for play, environment in (
        (quiet, {}),
        (shown, {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}),
    ):
        run = ansible.playbook(play, host, environment=environment)
        assert run.rc == 0, run.text
        assert "\nHOST " not in run.text
        assert "HOST " in run.only("timewait_report").result["table"][0]


def test_facts_that_are_not_ours_are_an_error_and_no_traceback(ansible: Ansible, host: SandboxHost) -> None:
    strange = {
        "kernel": {"release": "6"}, "timestamps": {"setting": 1, "offset": "none"},
        "sysctls": {"tcp_tw_recycle": {"value": 0}}, "exposure": {"behind_nat": {"value": False}}, "findings": [{}],
    }  # fmt: skip
    for facts, rc in (strange, 2), ({"kernel": 1}, 0), ("x", 0):
        set_it = {"ansible.builtin.set_fact": {"ansible_facts": {"timewait": facts}}}
        run = ansible.playbook(tasks(set_it, {"linux_tcp.tuning.timewait_report": {}}), host)
        assert run.rc == rc, run.text
        assert "Traceback" not in run.text
        result = run.only("timewait_report").result
        if rc:
            assert "call it in this play" in result["msg"]
        else:
            assert "no facts" in result["table"][1]


def test_a_refusal_names_the_hosts_that_recycle_would_drop_where_their_facts_are_known(
    ansible: Ansible, new_host: Callable[..., SandboxHost]
) -> None:
    client, server = new_host("client"), new_host("server", legacy=True)
    # A server whose kernel and tags would let it through is warned.
    hosts = [
        client,
        alias(server, "public", timewait_exposure="public_facing"),
        alias(server, "db", timewait_exposure="private"),
    ]
    ask = {"hosts": "client", "gather_facts": False, "tasks": [{FACTS: {"gather_subset": ["sockets"]}}]}
    want = {"tcp_tw_recycle": 1}
    play = {"hosts": "public:db", "gather_facts": False, "tasks": [{"linux_tcp.tuning.timewait_settings": want}]}
    blind = ansible.playbook([play], hosts, "--check")
    assert "would be dropped by" not in blind.text
    run = ansible.playbook([ask, play], hosts, "--check")
    refused = run.only("timewait_settings", "public").result
    words = "1 of your hosts would be dropped by public now and then"
    assert words in refused["msg"]
    assert refused["refused"][-1]["evidence"] == ["client", "not known of 1 more"]
    allowed = run.only("timewait_settings", "db")
    assert allowed.status == "ok"
    assert any("1 of your hosts would be dropped by db now and then" in text for text in allowed.result["warnings"])
