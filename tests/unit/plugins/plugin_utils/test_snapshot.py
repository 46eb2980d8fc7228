# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._loaders import LOADERS
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import Section
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._snapshot import (
    COUNTERS,
    DropIn,
    Kernel,
    Parent,
    harmless,
    printable,
    snapshot_of,
)
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._sysctld import Line
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._values import PortRange
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.simulated import KERNELS, a_host


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_knobs_of_a_kernel_are_those_that_it_has(kernel: str) -> None:
    snapshot = a_host(kernel).snapshot()
    release, knobs, _columns = KERNELS[kernel]
    assert set(snapshot.knobs) == set(knobs) - {"ip_unprivileged_port_start"}
    assert snapshot.kernel == Kernel("Linux", release, "x86_64")
    assert snapshot.knobs["ip_local_reserved_ports"] == ()
    assert isinstance(snapshot.knobs["ip_local_port_range"], PortRange)
    assert snapshot.unprivileged_port_start == (1024 if "ip_unprivileged_port_start" in knobs else None)


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_counters_of_a_kernel_are_read_by_name(kernel: str) -> None:
    columns = KERNELS[kernel][2].split()
    values = {name: number for number, name in enumerate(columns, 100)}
    counters = a_host(kernel, counters=values).snapshot().counters
    assert counters == {name: values[name] for name in COUNTERS if name in columns}


def test_rhel_6_has_no_overflow_counter_and_new_kernels_no_passive_one() -> None:
    assert "TCPTimeWaitOverflow" not in a_host("RHEL 6").snapshot().counters
    assert "PAWSPassive" in a_host("RHEL 6").snapshot().counters
    assert "PAWSPassive" not in a_host("Linux 6.18").snapshot().counters


@pytest.mark.parametrize(
    ("release", "version"),
    [
        ("2.6.32-754.el6.x86_64", (2, 6)),
        ("4.12", (4, 12)),
        ("4.10-rc1", (4, 10)),
        ("6.18.44-fc", (6, 18)),
        ("10.0.1", (10, 0)),
        ("", (0, 0)),
        ("abc", (0, 0)),
    ],
)
def test_a_version_is_compared_as_numbers(release: str, version: tuple[int, int]) -> None:
    assert Kernel("Linux", release, "x86_64").version == version


def test_an_empty_answer_makes_nothing_up() -> None:
    snapshot = snapshot_of([])
    assert snapshot.kernel.system == "unknown"
    assert (snapshot.uid, snapshot.dropin, snapshot.parent, snapshot.time_wait) == (None, None, None, None)
    assert not snapshot.initial_namespace
    for name in ("knobs", "counters", "listeners", "addresses", "nat", "files", "not_writable", "defaults"):
        assert len(getattr(snapshot, name)) == 0
    assert snapshot.loaders.boot is None
    assert snapshot.loaders.reload is None


def test_a_release_with_spaces_is_kept_whole() -> None:
    assert snapshot_of([Section("uname", "", b"Linux 5.4 patched x86_64\n", 0)]).kernel.release == "5.4 patched"


@pytest.mark.parametrize("text", ["what?\n", ""])
def test_a_knob_that_cannot_be_read_is_not_taken_for_absent(text: str) -> None:
    with pytest.raises(ValueError, match="tcp_tw_recycle reads"):
        a_host("RHEL 7", knobs={"tcp_tw_recycle": text}).snapshot()


def test_a_value_that_only_an_old_kernel_holds_is_read() -> None:
    assert a_host("RHEL 7", knobs={"tcp_tw_reuse": "7\n"}).snapshot().knobs["tcp_tw_reuse"] == 7


def test_defaults_are_apart_from_values() -> None:
    snapshot = a_host(knobs={"tcp_tw_reuse": "1\n"}, defaults={"tcp_tw_reuse": "2\n"}).snapshot()
    assert (snapshot.knobs, snapshot.defaults) == ({"tcp_tw_reuse": 1}, {"tcp_tw_reuse": 2})


def test_all_lines_of_a_file_are_put_in_order() -> None:
    sections = [
        Section("path", "", b"/etc/sysctl.d/a.conf", 0),
        Section("lines", "regular", b"3:net.ipv4.tcp_tw_reuse = 1:2\n10:x\n", 0),
        Section("more_lines", "", b"2:net.ipv4.tcp_* = 0\n3:net.ipv4.tcp_tw_reuse = 1:2\n", 0),
        Section("path", "", b"/etc/sysctl.conf", 0),
        Section("lines", "link sysctl.conf regular", b"", 0),
    ]
    first, second = snapshot_of(sections).files
    assert first.lines == (
        Line(2, "net.ipv4.tcp_* = 0"),
        Line(3, "net.ipv4.tcp_tw_reuse = 1:2"),
        Line(10, "x"),
    )
    assert (first.link, first.is_sysctl_conf, first.kind) == (False, False, "regular")
    assert (second.path, second.link, second.is_sysctl_conf, second.lines) == ("/etc/sysctl.conf", True, True, ())


@pytest.mark.parametrize("kind", ["null", "directory", "missing", "special", "unreadable", "large"])
def test_what_is_no_file_is_told_apart(kind: str) -> None:
    host = a_host(special={"/etc/sysctl.d/a.conf": kind})
    assert {file.path: file.kind for file in host.snapshot().files}["/etc/sysctl.d/a.conf"] == kind


def test_a_kind_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        snapshot_of([Section("path", "", b"/x", 0), Section("lines", "mirage", b"", 0)])


def test_a_drop_in_of_somebody_else_has_no_text() -> None:
    path = "/etc/sysctl.d/99-timewait.conf"
    assert a_host(files={path: "vm.swappiness = 1\n"}).snapshot().dropin == DropIn("regular", link=False, text=None)
    assert a_host().snapshot().dropin == DropIn("missing", link=False, text=None)
    assert a_host(links={path: "/x"}).snapshot().dropin == DropIn("regular", link=True, text=None)


def test_the_parent_directory_has_a_mode_and_an_owner() -> None:
    host = a_host(parent="link directory", parent_owner="drwxrwxr-x. 0 10")
    assert host.snapshot().parent == Parent(
        "directory", link=True, writable=False, mode="drwxrwxr-x.", uid="0", gid="10"
    )
    assert a_host(parent_owner="").snapshot().parent == Parent("directory", link=False, writable=True)


@pytest.mark.parametrize("told", ["d", "drwx 0 0", "drwxr-xr-x 0", "drwxr-xr-x 0 0 0"])
def test_an_owner_of_another_form_is_no_answer(told: str) -> None:
    with pytest.raises(ValueError, match="mode and owner"):
        a_host(parent_owner=told).snapshot()


def test_a_knob_that_cannot_be_written_comes_with_the_hosts_words() -> None:
    snapshot = a_host(not_writable={"tcp_tw_reuse": "sh: cannot create: Read-only file system\x1b[0m\n"}).snapshot()
    assert snapshot.not_writable == {"tcp_tw_reuse": "sh: cannot create: Read-only file system\\x1b[0m"}


def test_the_number_of_time_wait_sockets_is_that_of_tcp() -> None:
    assert a_host().snapshot().time_wait == 17
    assert snapshot_of([Section("sockstat", "", b"sockets: used 1\n", 0)]).time_wait is None


def test_listeners_are_sorted_and_unique() -> None:
    assert a_host(listeners=(8080, 22, 22)).snapshot().listeners == (22, 8080)


def test_addresses_of_both_families_are_read() -> None:
    host = a_host(addresses4=("127.0.0.1", "203.0.113.7", "127.0.0.1"), addresses6=("20010db8" + "0" * 23 + "1",))
    expected = [ipaddress.ip_address(text) for text in ("127.0.0.1", "203.0.113.7", "2001:db8::1")]
    assert list(host.snapshot().addresses) == expected


def test_a_trie_with_its_branches_is_read() -> None:
    trie = b"""  +-- 10.0.0.0/24 2 0 2
     |-- 10.0.0.5
        /32 host LOCAL
--
     |-- 10.0.0.255
        /32 link BROADCAST
"""
    snapshot = snapshot_of([Section("addresses4", "", trie, 0)])
    assert [str(address) for address in snapshot.addresses] == ["10.0.0.5"]


def test_an_address_that_is_a_broadcast_address_too_is_read() -> None:
    """What Linux 5.10 has for lo."""
    trie = b"""           |-- 127.0.0.0
              /32 link BROADCAST
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
--
              /32 link BROADCAST
              /8 host LOCAL
"""
    snapshot = snapshot_of([Section("addresses4", "", trie, 0)])
    assert [str(address) for address in snapshot.addresses] == ["127.0.0.0", "127.0.0.1"]


@pytest.mark.parametrize(
    ("section", "content", "found"),
    [
        ("iptables_tables", "filter\nnat\n", "iptables"),
        ("iptables_tables", "filter\nnatural\n", None),
        ("ip6tables_tables", "nat\n", "ip6tables"),
        ("nft", "  type nat hook postrouting priority srcnat; policy accept;\n", "nftables"),
        ("nft", "", None),
        ("ipvs", "3\n", "IPVS"),
        ("ipvs", "0\n", None),
    ],
)
def test_address_translation_is_found_where_it_is(section: str, content: str, found: str | None) -> None:
    nat = a_host(more=[(section, content, 0)]).snapshot().nat
    assert len(nat) == (1 if found else 0)
    assert found is None or found in nat[0]


def test_loaders_are_those_that_answered() -> None:
    loaders = a_host().snapshot().loaders
    assert (loaders.boot, loaders.reload) == (LOADERS[1], LOADERS[7])
    assert (loaders.boot_name, loaders.reload_name) == ("systemd-sysctl 252", "procps 4.0.2")


@given(st.text(max_size=400))
def test_printable_text_has_no_control_characters(text: str) -> None:
    shown = printable(text)
    assert all(" " <= character <= "~" for character in shown)
    assert len(shown) <= 303 or len(text.strip()) <= 300


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\n", "plain"),
        ("a\x1b]0;x\x07", "a\\x1b]0;x\\x07"),
        ("é", "\\xe9"),
        ("\udcff", "\\udcff"),
        ("a\nb", "a\\nb"),
    ],
)
def test_printable_escapes_what_a_terminal_would_obey(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_result_is_harmless_whatever_is_in_it() -> None:
    obeyed = "a\x1b[31m\r\n\u009bé\u202e\udcff"
    shown = "a\\x1b[31m\\r\\n\\x9bé\\u202e\\udcff"
    diff = {"before": obeyed, "after": "b\n", "before_header": obeyed}
    assert harmless({"msg": obeyed, "diff": [diff], "n": [1, None, True, 0.5], "before": {"x": 1}}) == {
        "msg": shown,
        "diff": [{"before": shown.replace("\\n", "\n"), "after": "b\n", "before_header": shown}],
        "n": [1, None, True, 0.5],
        "before": {"x": 1},
    }


def test_what_a_host_says_of_its_kernel_is_fit_for_a_message() -> None:
    assert a_host(release="6.18\x1b[31m\r").snapshot().kernel.release == "6.18\\x1b[31m\\r"
    assert a_host(release="6.18\nx").snapshot().kernel.release == "6.18\\nx"


@pytest.mark.parametrize(
    ("told", "kind"),
    [(None, None), ("podman", "podman"), ("systemd-nspawn", "systemd-nspawn"), ("wsl", "unknown"), ("\x1b", "unknown")],
)
def test_a_container_is_of_a_known_kind_or_of_none(told: str | None, kind: str | None) -> None:
    assert a_host(container=told).snapshot().container == kind
