# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._advice._rules import findings_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._observed import Observed
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._plan import plan
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._writers import rewrites_in, settled, writer_warnings

from tests.unit.simulated import NONCE, UNTAGGED, Host, a_host, asked

DROPIN = {"/etc/sysctl.d/99-timewait.conf": "net.ipv4.tcp_tw_reuse = 1"}
PROFILE = "profile /etc/tuned/mine/tuned.conf"


def commands(*rows: str) -> tuple[str, str, int]:
    """The section of a probe with a place, or a name and a value, in each row."""
    return "writers", "".join(f"{NONCE} {row}\n" for row in rows), 0


def with_writers(*parts: tuple[str, str, int], kernel: str = "Linux 6.18", **fields: object) -> Host:
    return a_host(kernel, more=list(parts), **fields)


def by_tuned(main: str, *lines: str) -> list[tuple[str, str, int]]:
    text = "".join(f"{number}:{line}\n" for number, line in enumerate(lines, 1))
    return [("tuned", f"active= mine\n{main}\n", 0), (PROFILE, text, 0)]


def said(host: Host, **wanted: int) -> list[str]:
    snapshot = host.snapshot()
    return [str(rewrite) for rewrite in rewrites_in(snapshot, snapshot.files, wanted)]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/etc/rc.local", "rc.local sets net.ipv4.tcp_tw_reuse to 0 at the end of a boot (/etc/rc.local line 4)"),
        ("/etc/rc.d/rc.local", "rc.local sets"),
        ("/etc/init.d/boot.local", "boot.local sets"),
        ("/etc/local.d/tune.start", "the service 'local' sets"),
        ("/etc/systemd/system/tune.service", "the unit tune.service sets"),
        ("/etc/systemd/system/nginx.service.d/10-tune.conf", "the unit nginx.service sets"),
        ("/usr/local/lib/systemd/system/tune@.service", "the unit tune@.service sets"),
        ("/etc/NetworkManager/dispatcher.d/99-tune", "a dispatcher script of NetworkManager sets"),
        ("/etc/network/if-up.d/tune", "ifupdown sets"),
        ("/etc/cron.d/tune", "cron sets"),
        ("/var/spool/cron/crontabs/root", "cron sets"),
        ("/etc/cloud/cloud.cfg.d/99-tune.cfg", "cloud-init sets"),
    ],
)
def test_a_writer_is_named_with_file_line_and_value(path: str, words: str) -> None:
    (line,) = said(with_writers(commands(f"{path}:4:", "tcp_tw_reuse=0")), tcp_tw_reuse=1)
    assert line.startswith(words)
    assert f"({path} line 4)" in line
    assert line.endswith("where 1 is to hold")


@pytest.mark.parametrize(
    ("row", "wanted", "conflict"),
    [
        ("tcp_tw_reuse=1", {"tcp_tw_reuse": 1}, False),
        ("tcp_tw_reuse=0x1", {"tcp_tw_reuse": 1}, False),
        ("tcp_tw_reuse=0", {"tcp_tw_reuse": 1}, True),
        ("tcp_tw_reuse=0", {}, False),
        # The kernel takes neither: nothing is changed by them.
        ("tcp_tw_reuse=7", {"tcp_tw_reuse": 1}, False),
        ("tcp_tw_reuse=", {"tcp_tw_reuse": 1}, False),
        ("tcp_tw_recycle=1", {}, True),
        ("tcp_tw_recycle=-1", {}, True),
        ("tcp_tw_recycle=$", {}, True),
        ("tcp_tw_recycle=0", {}, False),
        ("tcp_max_tw_buckets=1000", {"tcp_max_tw_buckets": 2000}, True),
        ("tcp_max_tw_buckets=3000", {"tcp_max_tw_buckets": 2000}, False),
        ("tcp_fin_timeout=5", {}, False),
    ],
)
def test_a_writer_counts_when_the_outcome_is_not_what_is_wanted(
    row: str, wanted: dict[str, int], conflict: bool
) -> None:
    assert bool(said(with_writers(commands("/etc/rc.local:4:", row)), **wanted)) is conflict


@pytest.mark.parametrize(
    ("row", "conflict"),
    [("8080", True), ("8080,9000-9010", False), ("8000-9999", False), ("", True), ("$", True)],
)
def test_more_reserved_ports_than_wanted_are_no_conflict(row: str, conflict: bool) -> None:
    host = with_writers(commands("/etc/rc.local:4:", f"ip_local_reserved_ports={row}"))
    made = plan(host.snapshot(), UNTAGGED, asked(ip_local_reserved_ports=[8080, 9005]))
    assert any("rc.local" in warning for warning in made.warnings) is conflict


def test_a_range_is_read_as_two_ports() -> None:
    host = with_writers(commands("/etc/rc.local:4:", "ip_local_port_range=15000_61000"))
    made = plan(host.snapshot(), UNTAGGED, asked(ip_local_port_range=[16000, 60999]))
    assert any("to 15000 61000" in warning for warning in made.warnings)


@pytest.mark.parametrize("kernel", ["RHEL 7", "Linux 6.18"])
def test_a_writer_that_turns_recycle_on_counts_under_every_kernel(kernel: str) -> None:
    host = with_writers(commands("/etc/rc.local:2:", "tcp_tw_recycle=1"), kernel=kernel)
    (warning,) = [text for text in plan(host.snapshot(), UNTAGGED, asked()).warnings if "rc.local" in text]
    assert "sets net.ipv4.tcp_tw_recycle to 1" in warning
    assert ("an older one would take it" in warning) is (kernel == "Linux 6.18")
    assert "take net.ipv4.tcp_tw_recycle out of it: vi +2 /etc/rc.local" in warning
    assert any(finding.id == "conflicting_writer" for finding in findings_of(Observed(host.snapshot(), UNTAGGED)))


def test_a_writer_never_stops_the_settings() -> None:
    host = with_writers(*by_tuned("reapply_sysctl = 0", "[sysctl]", "net.ipv4.tcp_tw_reuse = 0"))
    made = plan(host.snapshot(), UNTAGGED, asked())
    assert not made.refused
    assert made.text_after is not None
    assert any(warning.startswith("tuned sets net.ipv4.tcp_tw_reuse to 0 when it starts") for warning in made.warnings)


@pytest.mark.parametrize(
    ("main", "line", "warned"),
    [
        ("reapply_sysctl = 0", "net.ipv4.tcp_tw_reuse = 0", True),
        ("reapply_sysctl = 0", "net.ipv4.tcp_tw_reuse = ${reuse}", True),
        ("reapply_sysctl = 0", "net.ipv4.tcp_tw_reuse = 1", False),
        ("reapply_sysctl = 0", "net.ipv4.tcp_tw_reuse = <1", False),
        # The drop-in is in a directory that tuned applies after its profiles.
        ("reapply_sysctl = 1", "net.ipv4.tcp_tw_reuse = 0", False),
        ("", "net.ipv4.tcp_tw_reuse = 0", False),
    ],
)
def test_tuned_counts_when_it_wins_over_the_drop_in(main: str, line: str, warned: bool) -> None:
    host = with_writers(*by_tuned(main, "[sysctl]", line))
    made = plan(host.snapshot(), UNTAGGED, asked())
    found = [warning for warning in made.warnings if warning.startswith("tuned")]
    assert bool(found) is warned
    if warned:
        assert "sed -i '2s/^/# /' /etc/tuned/mine/tuned.conf && systemctl restart tuned" in found[0]
        assert "reapply_sysctl = 1" in found[0]


def test_tuned_wins_over_a_drop_in_that_it_does_not_read() -> None:
    host = with_writers(*by_tuned("", "[sysctl]", "net.ipv4.tcp_tw_reuse = 0"))
    path = "/usr/local/lib/sysctl.d/99-timewait.conf"
    made = plan(host.snapshot(path), UNTAGGED, asked(path=path))
    (warning,) = [text for text in made.warnings if text.startswith("tuned")]
    assert "in a file in /etc/sysctl.d" in warning


def test_a_profile_of_a_package_is_copied_and_not_edited() -> None:
    parts = by_tuned("reapply_sysctl = 0", "[sysctl]", "net.ipv4.tcp_tw_reuse = 0")
    packaged = [
        (
            head.replace("/etc/tuned/mine", "/usr/lib/tuned/mine"),
            text.replace("/etc/tuned/mine", "/usr/lib/tuned/mine"),
            rc,
        )
        for head, text, rc in parts
    ]
    made = plan(with_writers(*packaged).snapshot(), UNTAGGED, asked())
    (warning,) = [text for text in made.warnings if text.startswith("tuned")]
    assert "cp -r /usr/lib/tuned/mine /etc/tuned/ && sed -i '2s/^/# /' /etc/tuned/mine/tuned.conf" in warning


def test_a_file_that_tuned_alone_applies_counts() -> None:
    files = {"/etc/sysctl.conf": "net.ipv4.tcp_tw_reuse = 0"}
    host = with_writers(*by_tuned("", "[sysctl]", "vm.swappiness = 1"), files=files)
    made = plan(host.snapshot(), UNTAGGED, asked())
    (warning,) = [text for text in made.warnings if text.startswith("tuned")]
    assert "(/etc/sysctl.conf line 1)" in warning
    assert "sed -i '1s/^/# /' /etc/sysctl.conf && systemctl restart tuned" in warning


def test_the_last_line_of_the_file_of_ufw_decides() -> None:
    lines = "3:net/ipv4/tcp_tw_reuse=1\n4:net.ipv4.tcp_tw_reuse = 0\n5:net/ipv4/tcp_timestamps=1\n"
    (line,) = said(with_writers(("ufw /etc/ufw/sysctl.conf", lines, 0)), tcp_tw_reuse=1, tcp_timestamps=1)
    assert line.startswith("ufw sets net.ipv4.tcp_tw_reuse to 0 when it starts, be it before or after the sysctl files")
    assert "(/etc/ufw/sysctl.conf line 4)" in line
    assert not said(with_writers(("ufw /etc/ufw/sysctl.conf", lines, 0)), tcp_tw_reuse=0)


@pytest.mark.parametrize(
    ("now", "files", "written", "found"),
    [
        ("0", {}, "0", False),
        ("2", {}, "0", True),
        ("0", DROPIN, "0", True),
        ("0", DROPIN, "1", False),
    ],
)
def test_nobody_asked_so_the_files_and_then_the_kernel_say_what_is_wanted(
    now: str, files: dict[str, str], written: str, found: bool
) -> None:
    host = with_writers(commands("/etc/rc.local:4:", f"tcp_tw_reuse={written}"), files=files)
    host.knobs["tcp_tw_reuse"] = f"{now}\n"
    findings = [
        finding for finding in findings_of(Observed(host.snapshot(), UNTAGGED)) if finding.id == "conflicting_writer"
    ]
    assert bool(findings) is found


def test_recycle_is_never_taken_for_settled() -> None:
    host = with_writers(kernel="RHEL 7")
    host.knobs["tcp_tw_recycle"] = "1\n"
    assert settled(host.snapshot())["tcp_tw_recycle"] == 0


def test_text_from_a_host_is_shown_escaped() -> None:
    path = "/etc/cron.d/\x1b[2J'x"
    host = with_writers(commands(f"{path}:4:", "tcp_tw_recycle=1"))
    snapshot = host.snapshot()
    (warning,) = writer_warnings(snapshot, snapshot.files, {})
    assert "\x1b" not in warning
    assert "\\x1b[2J" in warning


def test_a_number_that_is_none_is_no_answer() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        with_writers(("ufw /etc/ufw/sysctl.conf", "x:net.ipv4.tcp_tw_reuse=1", 0)).snapshot()
