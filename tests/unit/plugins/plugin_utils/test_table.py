# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._table import HEADINGS, table

from tests.unit.simulated import with_facts


def bad() -> dict[str, Any]:
    return with_facts("RHEL 7", tcp_tw_recycle="1\n")


def counted(destination: str, sockets: int, share: float | None) -> dict[str, Any]:
    """Facts with a census of one destination."""
    facts = with_facts()
    one = {"destination": destination, "port": 3306, "sockets": sockets, "share": share}
    facts["sockets"]["census"] = {"outbound": {"top": [one]}}
    return facts


def test_each_host_has_a_row_in_the_order_of_names() -> None:
    head, first, second, *_findings = table({"web2": bad(), "web1": with_facts()})
    assert head.split("  ")[0] == "HOST"
    assert all(heading in head for heading in HEADINGS)
    assert first.split()[:6] == ["web1", "6.18.44", "unclassified", "2", "absent", "1"]
    assert first.endswith("17 (<1% of limit)  not counted        nothing wrong")
    assert second.split()[:6] == ["web2", "3.10.0-1160.119.1.el7.x86_64", "unclassified", "0", "1", "1"]
    assert second.endswith("error: recycle_enabled")


def test_a_finding_comes_with_its_hosts_evidence_remedy_and_commands() -> None:
    lines = table({"web1": with_facts(), "db1": bad()}, width=70)
    at = next(number for number, line in enumerate(lines) if line.startswith("error: tcp_tw_recycle is on"))
    text = "\n".join(lines[at:])
    assert "[recycle_enabled]" in text
    assert "\n    on db1\n        net.ipv4.tcp_tw_recycle is 1\n" in text
    assert "\n    remedy: sysctl -w net.ipv4.tcp_tw_recycle=0, and" in text
    assert "\n    # sysctl -w net.ipv4.tcp_tw_recycle=0\n" in text
    assert all(len(line) <= 70 for line in lines[at:-1])
    assert lines[-1] == "2 hosts: 1 with errors, 0 with warnings, 0 with info only, 1 with nothing wrong"


def test_what_several_hosts_have_is_told_once_with_the_evidence_of_some() -> None:
    lines = table({f"db{number}": bad() for number in range(9)})
    assert sum(line.startswith("error: tcp_tw_recycle is on") for line in lines) == 1
    assert [line.strip() for line in lines if line.startswith("    on ")] == ["on db0", "on db1", "on db2"]
    assert "    and on 6 more: db3, db4, db5, db6, db7, db8" in lines


def test_the_worst_comes_first() -> None:
    warned = with_facts("Debian 9", tcp_tw_reuse="2\n")
    lines = [line for line in table({"a": warned, "b": bad()}) if line.startswith(("error", "warning"))]
    assert [line.partition(":")[0] for line in lines] == ["error", "warning"]


def test_the_worst_destination_is_shown_with_its_part_of_the_ports() -> None:
    _head, first, second, third, *_rest = table(
        {"a": counted("10.0.0.5", 25409, 0.9), "b": counted("2001:db8::5", 3, None), "c": with_facts()}
    )
    assert "10.0.0.5:3306 (90% of ports)" in first
    assert "[2001:db8::5]:3306 " in second
    assert "not counted" in third


def test_columns_are_aligned() -> None:
    head, first, second, *_sums = table({"a": with_facts(), "a-long-name": with_facts()})
    assert head.index("KERNEL") == first.index("6.18") == second.index("6.18")


def test_a_host_without_facts_is_told() -> None:
    _head, row, _blank, sums = table({"web1": None})
    assert row.startswith("web1  -")
    assert "no facts" in row
    assert sums == "1 host: 0 with errors, 0 with warnings, 0 with info only, 0 with nothing wrong, 1 without facts"


def test_a_host_counts_by_the_worst_that_it_has() -> None:
    both = with_facts("RHEL 7", tcp_tw_recycle="1\n", tcp_tw_reuse="2\n")
    assert {finding["severity"] for finding in both["findings"]} == {"error", "warning"}
    assert table({"a": both})[-1].startswith("1 host: 1 with errors, 0 with warnings,")


def test_many_servers_and_many_hosts_are_told_by_their_number() -> None:
    lines = table({f"db{number:02}": bad() for number in range(40)}, width=1000)
    assert sum(line.startswith("whom db") for line in lines) == 3
    assert "37 more hosts have tcp_tw_recycle on" in lines
    [others] = [line for line in lines if line.startswith("    and on 37 more: db03, db04")]
    assert others.endswith("db22, ...")


def test_whom_a_recycling_server_drops_is_told() -> None:
    client = with_facts()
    client["timestamps"] = {"setting": 1, "offset": "per_connection"}
    lines = table({"db3": bad(), "web1": client}, width=1000)
    assert any(line.startswith("1 of your hosts would be dropped by db3") and line.endswith("(web1)") for line in lines)


def test_text_of_a_host_is_escaped() -> None:
    facts = with_facts(release="6.18\x1b[2J")
    finding = {"id": "\x1b", "severity": "error\x1b", "message": "\x1b", "remedy": "\x1b", "commands": ["\x1b"]}
    facts["findings"] = [{**finding, "severity": "error", "evidence": ["\x1b"]}]
    facts["sockets"]["census"] = {"outbound": {"top": [{"destination": "\x1b", "port": 1, "share": 0.5}]}}
    assert "\x1b" not in "\n".join(table({"web\x1b1": facts}))
