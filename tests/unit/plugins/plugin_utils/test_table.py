# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._advice._rules import findings_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._facts import facts_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._observed import Observed
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._table import HEADINGS, table

from tests.unit.simulated import PUBLIC, UNTAGGED, Host, a_host


def facts(host: Host) -> dict[str, object]:
    snapshot = host.snapshot()
    return facts_of(Observed(snapshot, PUBLIC), findings_of(Observed(snapshot, UNTAGGED)))


def test_each_host_has_a_row_and_each_finding_its_lines() -> None:
    bad = a_host("RHEL 7")
    bad.knobs["tcp_tw_recycle"] = "1\n"
    head, first, second, *findings = table({"web2": facts(bad), "web1": facts(a_host())})
    assert head.split() == list(HEADINGS)
    assert first.split() == ["web1", "6.18.44", "public_facing", "2", "absent", "1", "17", "(0%)", "none"]
    assert second.split()[:6] == ["web2", "3.10.0-1160.119.1.el7.x86_64", "public_facing", "0", "1", "1"]
    assert "error: recycle_enabled" in second
    assert findings[0] == ""
    assert findings[1].startswith("web2: error: tcp_tw_recycle is on")
    assert any(line.startswith("    remedy: ") for line in findings)


def test_columns_are_aligned() -> None:
    head, first, second = table({"a": facts(a_host()), "a-long-name": facts(a_host())})
    assert head.index("KERNEL") == first.index("6.18") == second.index("6.18")


def test_a_host_without_facts_is_told() -> None:
    _head, row = table({"web1": None})
    assert row.startswith("web1  -")
    assert "no facts" in row


def test_text_of_a_host_is_escaped() -> None:
    assert "\x1b" not in "\n".join(table({"web\x1b1": facts(a_host(release="6.18\x1b[2J"))}))
