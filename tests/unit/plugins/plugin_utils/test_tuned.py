# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tuned makes of profiles. tuned 2.20 did the same with them (reapply_sysctl_exclude apart, which came later)."""

from __future__ import annotations

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._sysctld import Line, SysctlFile
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._tuned import set_by
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._written import TunedFiles

ETC = "/etc/tuned/{}/tuned.conf"
USR = "/usr/lib/tuned/{}/tuned.conf"
#: Two more settings, so that what the cases say of others shows.
BASE = "[main]\nsummary=x\n[sysctl]\nnet.ipv4.tcp_rfc1337=1\nnet.ipv4.tcp_tw_reuse=2\n"


def file(path: str, text: str) -> SysctlFile:
    return SysctlFile(path, "regular", lines=tuple(Line(n, line) for n, line in enumerate(text.split("\n"), 1)))


def tuned(profiles: dict[str, str], active: str = "mine", main: str = "reapply_sysctl = 0") -> TunedFiles:
    files = tuple(file(path, text) for path, text in profiles.items())
    return TunedFiles(tuple(active.split()), tuple(main.split("\n")), files)


def values(found: TunedFiles, *files: SysctlFile) -> dict[str, str | None]:
    return {name: assignment.text for name, assignment in set_by(found, files).items()}


@pytest.mark.parametrize(
    ("mine", "expected"),
    [
        ("[main]\ninclude=base\n[sysctl]\nnet.ipv4.tcp_tw_reuse=0 # no", {"tcp_rfc1337": "1", "tcp_tw_reuse": "0"}),
        ("[sysctl]\nnet/ipv4/tcp_tw_reuse=0", {"tcp_tw_reuse": "0"}),
        ('[sysctl]\n  net.ipv4.ip_local_port_range = "20000 50000"', {"ip_local_port_range": "20000 50000"}),
        ("[sysctl]\nnet.ipv4.tcp_max_tw_buckets=>1000", {"tcp_max_tw_buckets": ">1000"}),
        ("[sysctl]\nnet.ipv4.tcp_rfc1337=${v}", {"tcp_rfc1337": None}),
        ("[main]\ninclude=base\n[sysctl]\nreplace=1\nnet.ipv4.tcp_timestamps=0", {"tcp_timestamps": "0"}),
        ("[main]\ninclude = base\n[sysctl]\ndrop=net.ipv4.tcp_rfc1337 ; x", {"tcp_tw_reuse": "2"}),
        ("[main]\ninclude=base\n[sysctl]\nenabled=0\nnet.ipv4.tcp_timestamps=0", {}),
        ("[more]\ntype=sysctl\nnet.ipv4.tcp_timestamps=2", {"tcp_timestamps": "2"}),
        ("[sysctl]\ntype=sysfs\nnet.ipv4.tcp_timestamps=2", {}),
        ("[variables]\ninclude=base\n[sysctl]\nnet.ipv4.tcp_timestamps=2", {"tcp_timestamps": "2"}),
        ("[main]\ninclude=other, base;-nowhere", {"tcp_rfc1337": "1", "tcp_tw_reuse": "2", "tcp_timestamps": "0"}),
        ("[main]\ninclude=mine", {}),
        ("[sysctl]\nnet.ipv4.tcp_fin_timeout=5", {}),
    ],
)
def test_a_profile_sets_what_tuned_would_set(mine: str, expected: dict[str, str | None]) -> None:
    other = "[sysctl]\nnet.ipv4.tcp_timestamps=0"
    profiles = {ETC.format("mine"): mine, ETC.format("base"): BASE, ETC.format("other"): other}
    assert values(tuned(profiles)) == expected


def test_the_last_of_several_active_profiles_wins() -> None:
    profiles = {ETC.format("one"): BASE, ETC.format("two"): "[sysctl]\nnet.ipv4.tcp_tw_reuse=0"}
    assert values(tuned(profiles, active="one two")) == {"tcp_rfc1337": "1", "tcp_tw_reuse": "0"}
    assert values(tuned(profiles, active="two one")) == {"tcp_rfc1337": "1", "tcp_tw_reuse": "2"}


def test_a_profile_may_include_the_one_of_its_own_name_that_it_stands_before() -> None:
    mine = "[main]\ninclude=mine\n[sysctl]\nnet.ipv4.tcp_tw_reuse=0"
    found = set_by(tuned({ETC.format("mine"): mine, USR.format("mine"): BASE}), ())
    assert {name: (assignment.path, assignment.line) for name, assignment in found.items()} == {
        "tcp_rfc1337": ("/usr/lib/tuned/mine/tuned.conf", 4),
        "tcp_tw_reuse": ("/etc/tuned/mine/tuned.conf", 4),
    }


@pytest.mark.parametrize(
    ("main", "wins"),
    [
        ("", "file"),
        ("reapply_sysctl = 1", "file"),
        ("reapply_sysctl=True # yes", "file"),
        ("reapply_sysctl = 0", "profile"),
        ("reapply_sysctl = no", "profile"),
        ("reapply_sysctl = 1\nreapply_sysctl_exclude = kernel.x, net.ipv4.tcp_tw_*", "profile"),
        ("reapply_sysctl = 1\nreapply_sysctl_exclude = net.ipv4.tcp_rfc*", "file"),
    ],
)
def test_sysctl_files_win_unless_tuned_was_told_not_to_apply_them(main: str, wins: str) -> None:
    files = [file("/etc/sysctl.d/99-timewait.conf", "net.ipv4.tcp_tw_reuse = 1")]
    found = values(tuned({ETC.format("mine"): "[sysctl]\nnet.ipv4.tcp_tw_reuse = 0"}, main=main), *files)
    assert found == {"tcp_tw_reuse": {"file": "1", "profile": "0"}[wins]}


@pytest.mark.parametrize(
    ("path", "text", "read"),
    [
        ("/etc/sysctl.d/50-a.conf", "net.ipv4.tcp_tw_reuse=1", True),
        ("/etc/sysctl.d/.hidden.conf", "net/ipv4/tcp_tw_reuse=1", True),
        ("/run/sysctl.d/99-timewait.conf", "net.ipv4.tcp_tw_reuse=1", True),
        ("/etc/sysctl.conf", "net.ipv4.tcp_tw_reuse=1", True),
        ("/usr/local/lib/sysctl.d/99-z.conf", "net.ipv4.tcp_tw_reuse=1", False),
        ("/usr/lib/sysctl.d/99-z.conf", "net.ipv4.tcp_tw_reuse=1", False),
        ("/etc/sysctl.d/50-a.conf", "-net.ipv4.tcp_tw_reuse=1", False),
        ("/etc/sysctl.d/50-a.conf", "net.ipv4.tcp_tw_re*=1", False),
    ],
)
def test_tuned_applies_two_directories_and_sysctl_conf_again(path: str, text: str, read: bool) -> None:
    profile = tuned({ETC.format("mine"): "[sysctl]\nnet.ipv4.tcp_rfc1337=1"}, main="")
    found = values(profile, file(path, text))
    assert found == {"tcp_rfc1337": "1", **({"tcp_tw_reuse": "1"} if read else {})}


def test_tuned_reads_run_before_etc_and_sysctl_conf_last() -> None:
    profile = tuned({ETC.format("mine"): "[sysctl]\nvm.swappiness=1"}, main="")
    run = file("/run/sysctl.d/50-a.conf", "net.ipv4.tcp_tw_reuse=1")
    etc = file("/etc/sysctl.d/50-a.conf", "net.ipv4.tcp_tw_reuse=2")
    last = file("/etc/sysctl.conf", "net.ipv4.tcp_tw_reuse=0")
    assert values(profile, etc, run) == {"tcp_tw_reuse": "1"}
    assert values(profile, last, etc, run) == {"tcp_tw_reuse": "0"}


def test_without_a_sysctl_section_tuned_applies_nothing() -> None:
    profile = tuned({ETC.format("mine"): "[main]\nsummary=x\n[disk]\nreadahead=>4096"}, main="")
    assert values(profile, file("/etc/sysctl.conf", "net.ipv4.tcp_tw_reuse=0")) == {}
