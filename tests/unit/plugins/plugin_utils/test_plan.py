# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._dropin import Place, parse
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._exposure import Exposure
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._knobs import KNOBS
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._plan import Change, Plan, plan
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._policy import Impossible, recycle_refusals
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._request import DEFAULT_PATH as PATH
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._sysctld import Line
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._tree import Edit
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._values import BadRequest, PortRange, kernel_value
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.unit.simulated import KERNELS, PRIVATE, PUBLIC, UNTAGGED, Host, a_host, asked

FILE = Place.file(PATH)


def planned(host: Host, exposure: Exposure = UNTAGGED, **arguments: object) -> Plan:
    request = asked(**arguments)
    return plan(host.snapshot(request.path), exposure, request)


def tuned(host: Host, exposure: Exposure = UNTAGGED, **arguments: object) -> Plan:
    made = planned(host, exposure, **arguments)
    host.carry_out(made)
    return made


def changed_values(made: Plan) -> dict[str, tuple[object, object]]:
    return {change.knob: (change.before, change.after) for change in made.changes}


def boot_says(made: Plan) -> dict[str, object]:
    assert made.text_after is not None
    return dict(parse(made.place, made.text_after).values)


def test_a_fresh_host_gets_safe_tuning() -> None:
    made = planned(a_host())
    assert changed_values(made) == {"tcp_tw_reuse": (2, 1)}
    assert boot_says(made) == {"tcp_timestamps": 1, "tcp_tw_reuse": 1}
    assert (made.text_before, made.edits, made.refused, made.warnings) == (None, (), (), ())
    assert made.changed


def test_recycle_is_never_written_to_a_file_where_the_kernel_lacks_it() -> None:
    assert "tcp_tw_recycle" not in (planned(a_host()).text_after or "")
    assert boot_says(planned(a_host("RHEL 7")))["tcp_tw_recycle"] == 0


def test_recycle_goes_off_first() -> None:
    host = a_host("Ubuntu 16.04")
    host.knobs |= {"tcp_tw_recycle": "1\n", "tcp_timestamps": "0\n"}
    made = planned(host)
    assert [change.knob for change in made.changes] == ["tcp_tw_recycle", "tcp_timestamps", "tcp_tw_reuse"]
    assert made.changes[0] == Change("tcp_tw_recycle", 1, 0)


@pytest.mark.parametrize(("now", "after"), [("0", 1), ("1", 1), ("2", 2)])
def test_timestamps_on_changes_only_a_0(now: str, after: int) -> None:
    made = planned(a_host(knobs={**KERNELS["Linux 6.18"][1], "tcp_timestamps": now}))
    assert boot_says(made)["tcp_timestamps"] == after
    assert changed_values(made).get("tcp_timestamps") == (None if int(now) == after else (0, 1))


def test_timestamps_of_2_in_a_file_stay_2() -> None:
    host = a_host(files={"/etc/sysctl.d/10.conf": "net.ipv4.tcp_timestamps = 2"})
    assert boot_says(planned(host))["tcp_timestamps"] == 2


def test_an_overruled_2_that_comes_to_light_is_not_taken_up() -> None:
    files = {
        "/etc/sysctl.d/10.conf": "net.ipv4.tcp_timestamps = 2",
        "/etc/sysctl.d/99-a.conf": "net.ipv4.tcp_timestamps = 0",
    }
    host = a_host(files=files)
    host.knobs["tcp_timestamps"] = "0\n"
    path = "/etc/sysctl.d/20-early.conf"
    assert changed_values(tuned(host, conflicts="comment_out", path=path))["tcp_timestamps"] == (0, 1)
    assert not planned(host, conflicts="comment_out", path=path).changed


@pytest.mark.parametrize("exact", [1, 2])
def test_timestamps_can_be_asked_for_exactly(exact: int) -> None:
    host = a_host()
    host.knobs["tcp_timestamps"] = f"{3 - exact}\n"
    assert changed_values(planned(host, tcp_timestamps=exact))["tcp_timestamps"] == (3 - exact, exact)


class TestMinimum:
    """tcp_max_tw_buckets is a minimum: raised, never lowered."""

    @pytest.mark.parametrize("asked_for", [65535, 65536])
    @pytest.mark.parametrize("boot", ["", "net.ipv4.tcp_max_tw_buckets = 65536"])
    def test_a_value_that_is_high_enough_is_left_alone(self, asked_for: int, boot: str) -> None:
        made = planned(a_host(files={"/etc/sysctl.d/10.conf": boot}), tcp_max_tw_buckets=asked_for)
        assert "tcp_max_tw_buckets" not in boot_says(made)
        assert "tcp_max_tw_buckets" not in changed_values(made)

    def test_a_lower_value_is_raised(self) -> None:
        higher = a_host(files={"/etc/sysctl.d/50-x.conf": "net.ipv4.tcp_max_tw_buckets = 6000000"})
        assert boot_says(planned(higher, tcp_max_tw_buckets=3000000))["tcp_max_tw_buckets"] == 6000000
        made = planned(a_host(), tcp_max_tw_buckets=65537)
        assert changed_values(made)["tcp_max_tw_buckets"] == (65536, 65537)
        assert boot_says(made)["tcp_max_tw_buckets"] == 65537

    def test_a_file_that_would_lower_it_at_boot_is_overridden(self) -> None:
        host = a_host(files={"/etc/sysctl.d/10.conf": "net.ipv4.tcp_max_tw_buckets = 100"})
        made = planned(host, tcp_max_tw_buckets=1000)
        assert boot_says(made)["tcp_max_tw_buckets"] == 65536
        assert "tcp_max_tw_buckets" not in changed_values(made)

    def test_a_file_that_raises_it_at_boot_is_enough(self) -> None:
        host = a_host(files={"/etc/sysctl.d/10.conf": "net.ipv4.tcp_max_tw_buckets = 100000"})
        assert "tcp_max_tw_buckets" not in boot_says(planned(host, tcp_max_tw_buckets=1000))

    def test_asking_for_less_later_keeps_what_was_raised(self) -> None:
        host = a_host()
        tuned(host, tcp_max_tw_buckets=100000)
        made = planned(host, tcp_max_tw_buckets=70000)
        assert not made.changed
        assert boot_says(made)["tcp_max_tw_buckets"] == 100000


class TestAdded:
    """ip_local_reserved_ports are added to what is there, and removed again."""

    def test_ports_join_those_of_the_kernel_and_of_files(self) -> None:
        host = a_host(files={"/etc/sysctl.d/10.conf": "net.ipv4.ip_local_reserved_ports = 7000"})
        host.knobs["ip_local_reserved_ports"] = "9000-9010\n"
        made = planned(host, ip_local_reserved_ports=[8080])
        assert boot_says(made)["ip_local_reserved_ports"] == ((7000, 7000), (8080, 8080), (9000, 9010))

    def test_they_are_removed_when_no_longer_asked_for(self) -> None:
        host = a_host()
        host.knobs["ip_local_reserved_ports"] = "9000\n"
        tuned(host, ip_local_reserved_ports=[8080])
        assert changed_values(planned(host))["ip_local_reserved_ports"] == (
            ((8080, 8080), (9000, 9000)),
            ((9000, 9000),),
        )

    def test_what_somebody_added_since_then_stays(self) -> None:
        host = a_host()
        tuned(host, ip_local_reserved_ports=[8080])
        host.knobs["ip_local_reserved_ports"] = "7000,8080\n"
        made = planned(host, state="absent")
        assert changed_values(made)["ip_local_reserved_ports"] == (((7000, 7000), (8080, 8080)), ((7000, 7000),))

    def test_what_was_there_before_stays_although_it_was_asked_for(self) -> None:
        host = a_host()
        host.knobs["ip_local_reserved_ports"] = "8080\n"
        assert "ip_local_reserved_ports" not in changed_values(tuned(host, ip_local_reserved_ports=[8080]))
        assert "ip_local_reserved_ports" not in changed_values(planned(host, state="absent"))


def test_a_key_no_longer_asked_for_is_restored() -> None:
    host = a_host()
    tuned(host, ip_local_port_range="15000 60999", tcp_rfc1337=1)
    made = planned(host, tcp_rfc1337=1)
    assert changed_values(made) == {"ip_local_port_range": ((15000, 60999), (32768, 60999))}
    assert "ip_local_port_range" not in boot_says(made)
    assert parse(FILE, made.text_after or "").before["tcp_rfc1337"] == 0


def test_the_line_commented_out_for_a_key_no_longer_asked_for_comes_back() -> None:
    host = a_host(files={"/etc/sysctl.d/zz.conf": "net.ipv4.tcp_rfc1337 = 0\nnet.ipv4.tcp_tw_reuse = 0\n"})
    tuned(host, tcp_rfc1337=1, conflicts="comment_out")
    mark = FILE.mark
    assert host.files["/etc/sysctl.d/zz.conf"] == f"{mark}net.ipv4.tcp_rfc1337 = 0\n{mark}net.ipv4.tcp_tw_reuse = 0\n"
    made = tuned(host)
    assert [edit.line.number for edit in made.edits] == [1]
    assert host.files["/etc/sysctl.d/zz.conf"] == f"net.ipv4.tcp_rfc1337 = 0\n{mark}net.ipv4.tcp_tw_reuse = 0\n"
    assert not planned(host).changed
    tuned(host, state="absent")
    assert host.files["/etc/sysctl.d/zz.conf"] == "net.ipv4.tcp_rfc1337 = 0\nnet.ipv4.tcp_tw_reuse = 0\n"


def test_a_line_that_another_one_had_kept_out_comes_back_in_the_same_run() -> None:
    """The line of the value now wanted was behind the one that was wanted before; it took a second run to see it."""
    host = a_host(files={"/etc/sysctl.d/99-zz.conf": "net.ipv4.tcp_rfc1337 = 0\nnet.ipv4.tcp_rfc1337 = 1\n"})
    start = dict(host.files)
    tuned(host, tcp_rfc1337=0, conflicts="comment_out")
    tuned(host, tcp_rfc1337=1, conflicts="comment_out")
    assert host.files["/etc/sysctl.d/99-zz.conf"] == start["/etc/sysctl.d/99-zz.conf"]
    assert not planned(host, tcp_rfc1337=1, conflicts="comment_out").changed


def test_the_record_keeps_the_very_first_values() -> None:
    host = a_host()
    tuned(host, tcp_timestamps=2)
    tuned(host, tcp_timestamps=1)
    assert parse(FILE, host.files[PATH]).before == {"tcp_timestamps": 1, "tcp_tw_reuse": 2}


def test_a_value_that_somebody_changed_since_then_is_left_alone() -> None:
    host = a_host()
    tuned(host)
    host.knobs["tcp_tw_reuse"] = "0\n"
    made = planned(host, state="absent")
    assert made.changes == ()
    assert any("tcp_tw_reuse is 0" in warning and "before, it was 2" in warning for warning in made.warnings)
    assert made.text_after is None


def test_a_value_that_drifted_is_a_change_by_itself() -> None:
    host = a_host()
    tuned(host)
    host.knobs["tcp_tw_reuse"] = "2\n"
    made = planned(host)
    assert made.changed
    assert (made.edits, made.text_before) == ((), made.text_after)


def test_a_line_that_came_back_is_a_change_by_itself() -> None:
    host = a_host(files={"/etc/sysctl.d/zz.conf": "net.ipv4.tcp_tw_reuse = 0\n"})
    tuned(host, conflicts="comment_out")
    host.files["/etc/sysctl.d/zz.conf"] += "net.ipv4.tcp_tw_reuse = 0\n"
    made = planned(host, conflicts="comment_out")
    assert made.changed
    assert (made.changes, made.text_before) == ((), made.text_after)


def test_a_value_without_a_record_of_what_it_replaced_is_left_alone() -> None:
    host = a_host()
    tuned(host, tcp_rfc1337=1)
    host.files[PATH] = host.files[PATH].replace("# linux_tcp.tuning before: net.ipv4.tcp_rfc1337 = 0\n", "")
    host.remembered.clear()
    made = planned(host, state="absent")
    assert changed_values(made) == {"tcp_tw_reuse": (1, 2)}
    assert len(made.warnings) == 1
    assert "was edited by hand" in made.warnings[0]


def test_a_value_of_a_kernel_that_is_gone_is_forgotten() -> None:
    host = a_host()
    tuned(host, tcp_tw_reuse_delay=500)
    del host.knobs["tcp_tw_reuse_delay"]
    assert set(changed_values(planned(host, state="absent"))) == {"tcp_tw_reuse"}


@pytest.mark.parametrize("kind", ["special", "unreadable", "large"])
def test_a_file_that_was_not_read_is_said(kind: str) -> None:
    path = "/etc/sysctl.d/50-x.conf"
    assert any(warning.startswith(f"{path} was not read") for warning in planned(a_host(special={path: kind})).warnings)
    assert planned(a_host(special={path: "directory"})).warnings == ()


def test_what_another_drop_in_of_ours_sets_stays() -> None:
    host = a_host()
    tuned(host, path="/etc/sysctl.d/90-a.conf")
    tuned(host, path="/etc/sysctl.d/91-b.conf")
    made = tuned(host, path="/etc/sysctl.d/90-a.conf", state="absent")
    assert changed_values(made) == {}
    assert any("91-b.conf asks for it too" in warning for warning in made.warnings)


def test_absent_where_nothing_is_changes_nothing() -> None:
    made = planned(a_host(), state="absent")
    assert not made.changed
    assert made.warnings == ()


class TestRecycle:
    """What was off stays off."""

    @pytest.mark.parametrize("exposure", [UNTAGGED, PUBLIC])
    def test_a_refusal_leaves_everything_alone(self, exposure: Exposure) -> None:
        host = a_host("RHEL 7", files={"/etc/sysctl.d/zz.conf": "net.ipv4.tcp_tw_reuse = 0"})
        made = planned(host, exposure, tcp_tw_recycle=1)
        assert made.refused
        assert not made.changed
        assert made.files == host.snapshot().files

    def test_an_attested_private_host_may_have_it_with_a_warning(self) -> None:
        made = planned(a_host("RHEL 7"), PRIVATE, tcp_tw_recycle=1)
        assert changed_values(made)["tcp_tw_recycle"] == (0, 1)
        assert any("CVE-2026-23247" in warning for warning in made.warnings)
        assert not any("CVE" in warning for warning in planned(a_host("RHEL 7"), PRIVATE).warnings)

    def test_undo_does_not_turn_it_on_again(self) -> None:
        host = a_host("RHEL 7")
        host.knobs["tcp_tw_recycle"] = "1\n"
        tuned(host)
        made = planned(host, state="absent")
        assert "tcp_tw_recycle" not in changed_values(made)
        assert made.refused == recycle_refusals(1, UNTAGGED, host.snapshot())
        assert any("is not turned on again" in warning for warning in made.warnings)

    def test_undo_turns_it_on_again_where_the_policy_allows_it(self) -> None:
        host = a_host("RHEL 7")
        host.knobs["tcp_tw_recycle"] = "1\n"
        tuned(host, PRIVATE)
        made = planned(host, PRIVATE, state="absent")
        assert changed_values(made)["tcp_tw_recycle"] == (0, 1)
        assert not made.refused

    @pytest.mark.parametrize(
        ("kernel", "line"),
        [
            ("RHEL 7", "net.ipv4.tcp_tw_recycle = 1"),
            ("RHEL 7", "net.ipv4.tcp_tw_recycle = yes"),
            ("Linux 6.18", "net/ipv4/tcp_tw_recycle = -1"),
            ("Linux 6.18", "net.ipv4.tcp_tw_* = 1"),
            ("Linux 6.18", "net.ipv4.tcp_tw_rec{ycle,*} = 1"),
        ],
    )
    def test_undo_does_not_bring_such_a_line_back(self, kernel: str, line: str) -> None:
        host = a_host(kernel, files={"/etc/sysctl.d/zz.conf": f"{line}\n"})
        tuned(host, conflicts="comment_out")
        # Whether or not the loader is still known.
        host.systemd = host.procps = None
        made = tuned(host, state="absent")
        assert host.files["/etc/sysctl.d/zz.conf"] == f"{FILE.mark}{line}\n"
        assert made.refused
        assert not planned(host, state="absent").changed

    @pytest.mark.parametrize(
        "line",
        ["net.ipv4.tcp_rfc1337 = 0 # not tcp_tw_recycle = 1", "net.ipv4.tcp_timestamps = 2 # tcp_tw_recycle"],
    )
    def test_undo_brings_a_line_back_that_only_speaks_of_it(self, line: str) -> None:
        host = a_host(files={"/etc/sysctl.d/zz.conf": f"{line}\n"})
        tuned(host, tcp_timestamps=1, tcp_rfc1337=1, conflicts="comment_out")
        assert host.files["/etc/sysctl.d/zz.conf"].startswith("#")
        made = tuned(host, state="absent")
        assert host.files["/etc/sysctl.d/zz.conf"] == f"{line}\n"
        assert not made.refused

    def test_undo_brings_a_glob_back_that_is_about_other_keys(self) -> None:
        line = f"{FILE.mark}net.ipv4.tcp_timestamp* = 2"
        host = a_host()
        tuned(host)
        host.files["/etc/sysctl.d/zz.conf"] = line
        made = planned(host, state="absent")
        assert made.edits == (Edit("/etc/sysctl.d/zz.conf", Line(1, line), mark_before=FILE.mark),)
        assert not made.refused

    def test_two_lines_of_it_are_refused_once_for_each_reason(self) -> None:
        lines = "net.ipv4.tcp_tw_recycle = 1\nnet.ipv4.tcp_timestamps = 0\nnet/ipv4/tcp_tw_recycle = 1\n"
        host = a_host(files={"/etc/sysctl.d/zz.conf": lines})
        tuned(host, conflicts="comment_out")
        made = planned(host, state="absent")
        assert made.refused == recycle_refusals(1, UNTAGGED, host.snapshot())
        assert [edit.line.number for edit in made.edits] == [2]

    def test_turning_it_on_again_comes_with_the_warning(self) -> None:
        host = a_host("RHEL 7")
        host.knobs["tcp_tw_recycle"] = "1\n"
        tuned(host, PRIVATE)
        assert any("CVE-2026-23247" in warning for warning in planned(host, PRIVATE, state="absent").warnings)
        quiet = a_host("RHEL 7")
        tuned(quiet, PRIVATE)
        assert planned(quiet, PRIVATE, state="absent").warnings == ()

    @pytest.mark.parametrize("line", ["net.ipv4.tcp_tw_recycle = 1\n", "net.ipv4.tcp_tw_rec* = -1\n"])
    def test_a_file_that_would_turn_it_on_again_is_held_down(self, line: str) -> None:
        host = a_host("RHEL 7", files={"/etc/sysctl.d/10.conf": line})
        tuned(host)
        made = tuned(host, state="absent")
        assert boot_says(made) == {"tcp_tw_recycle": 0}
        assert made.refused
        assert any(f"{PATH} stays" in warning for warning in made.warnings)
        assert not planned(host, state="absent").changed
        host.reboot()
        assert host.knobs["tcp_tw_recycle"] == "0\n"
        host.files["/etc/sysctl.d/10.conf"] = ""
        tuned(host, state="absent")
        assert PATH not in host.files

    def test_a_file_that_may_turn_it_on_is_not_held_down(self) -> None:
        host = a_host("RHEL 7", files={"/etc/sysctl.d/10.conf": "net.ipv4.tcp_tw_recycle = 1\n"})
        tuned(host, PRIVATE)
        assert planned(host, PRIVATE, state="absent").text_after is None

    def test_lines_about_other_keys_come_back_although_the_loader_is_not_known(self) -> None:
        files = {"/etc/sysctl.d/zz.conf": "net.ipv4.tcp_tw_reuse = 0\nnet.ipv4.tcp_timestamps = 2\n"}
        host = a_host(files=dict(files))
        tuned(host, tcp_timestamps=1, conflicts="comment_out")
        host.systemd = host.procps = None
        made = tuned(host, state="absent")
        assert host.files == files
        assert made.files == host.snapshot().files


class TestConflicts:
    LINE = "net.ipv4.tcp_tw_reuse = 0\n"

    def test_a_file_that_would_win_fails_with_its_remedies(self) -> None:
        host = a_host(files={"/etc/sysctl.d/99-zz.conf": self.LINE})
        with pytest.raises(Impossible) as caught:
            planned(host)
        for words in ("99-zz.conf line 1", "comment_out", "path: /etc/sysctl.d/99-zz_timewait.conf, which wins"):
            assert words in str(caught.value)

    def test_the_path_of_the_remedy_works(self) -> None:
        host = a_host(files={"/etc/sysctl.d/99-zz.conf": self.LINE})
        host.carry_out(planned(host, path="/etc/sysctl.d/99-zz_timewait.conf"))
        host.reboot()
        assert host.knobs["tcp_tw_reuse"] == "1\n"

    def test_comment_out_neutralises_it_and_absent_brings_it_back(self) -> None:
        host = a_host(files={"/etc/sysctl.d/99-zz.conf": self.LINE})
        tuned(host, conflicts="comment_out")
        assert host.files["/etc/sysctl.d/99-zz.conf"] == FILE.mark + self.LINE
        assert parse(FILE, host.files[PATH]).owner == ""
        assert "edited: /etc/sysctl.d/99-zz.conf" in host.files[PATH]
        tuned(host, state="absent")
        assert host.files == {"/etc/sysctl.d/99-zz.conf": self.LINE}

    def test_a_packages_file_is_named_although_comment_out_is_set(self) -> None:
        host = a_host(files={"/usr/lib/sysctl.d/99-zz.conf": self.LINE})
        with pytest.raises(Impossible, match=r"/usr/lib/sysctl.d/99-zz.conf line 1"):
            planned(host, conflicts="comment_out")

    def test_another_caller_with_the_same_values_is_no_conflict(self) -> None:
        host = a_host()
        tuned(host)
        assert not planned(host, path="/etc/sysctl.d/99-other.conf").changes

    def test_another_caller_with_other_values_is_named(self) -> None:
        host = a_host()
        tuned(host, path="/etc/sysctl.d/99-zz.conf", tcp_tw_reuse=2)
        with pytest.raises(Impossible, match=r"99-zz.conf, also written by this collection, says 2 "):
            planned(host, conflicts="comment_out")

    def test_a_recycle_line_is_not_brought_back_because_another_has_come(self) -> None:
        path = "/etc/sysctl.d/99-zz.conf"
        host = a_host("RHEL 7", files={path: "net.ipv4.tcp_tw_recycle = 1\n"})
        tuned(host, conflicts="comment_out")
        host.files[path] += "net.ipv4.tcp_tw_recycle = 0\n"
        assert planned(host, conflicts="comment_out").edits == ()

    def test_a_drop_in_that_is_hidden_by_another_file_is_no_use(self) -> None:
        path = "/usr/local/lib/sysctl.d/99-timewait.conf"
        with pytest.raises(Impossible, match=r"the same name"):
            planned(a_host(files={PATH: ""}), path=path)

    def test_what_a_reload_would_do_is_a_warning(self) -> None:
        made = planned(a_host(files={"/etc/sysctl.conf": self.LINE}))
        (warning,) = made.warnings
        assert "'sysctl --system' (procps 4.0.2) would undo this" in warning
        assert "/etc/sysctl.conf line 1" in warning

    def test_an_unknown_loader_is_a_warning(self) -> None:
        made = planned(a_host(systemd=None, procps=None))
        assert any("is not known" in warning for warning in made.warnings)
        assert boot_says(made)["tcp_tw_reuse"] == 1


class TestDropIn:
    def test_a_file_of_somebody_else_is_not_overwritten(self) -> None:
        host = a_host(files={PATH: "net.ipv4.tcp_tw_reuse = 1\n"})
        with pytest.raises(Impossible, match="was not written by this collection"):
            planned(host)
        made = planned(host, state="absent")
        assert not made.changed
        assert made.warnings == (f"{PATH} is there and was not written by this collection; it stays",)

    def test_a_vendors_file_of_the_same_name_is_not_hidden(self) -> None:
        vendors = "/usr/lib/sysctl.d/50-default.conf"
        with pytest.raises(Impossible, match=f"would keep {vendors} from being read"):
            planned(a_host(files={vendors: "x"}), path="/etc/sysctl.d/50-default.conf")

    @pytest.mark.parametrize("target", ["/etc/passwd", "/nowhere"])
    def test_a_link_is_not_followed(self, target: str) -> None:
        with pytest.raises(Impossible, match="is a symbolic link"):
            planned(a_host(links={PATH: target}))

    @pytest.mark.parametrize("kind", ["directory", "special", "large", "unreadable", "null"])
    def test_what_is_no_file_is_not_overwritten(self, kind: str) -> None:
        with pytest.raises(Impossible, match="was not written by this collection"):
            planned(a_host(special={PATH: kind}))

    def test_a_newer_format_is_left_alone(self) -> None:
        host = a_host(files={PATH: "# linux_tcp.tuning timewait, format 3\n"})
        with pytest.raises(BadRequest, match="A newer release wrote it"):
            planned(host)

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"parent": "missing"}, "there is no directory /etc/sysctl.d"),
            ({"parent": "link writable directory"}, "is a link"),
            ({"parent": "writable regular"}, "or no directory"),
            ({"parent": "directory"}, "mounted read-only"),
            ({"parent_owner": "drwxrwxrwx 0 0"}, "written by others than root"),
            ({"parent_owner": "drwxrwxrwt 0 0"}, "written by others than root"),
            ({"parent_owner": "drwxrwxr-x 0 50"}, "written by others than root"),
            ({"parent_owner": "drwxr-xr-x 1000 0"}, "written by others than root"),
        ],
    )
    def test_a_directory_that_cannot_be_trusted_is_refused(self, fields: dict[str, Any], words: str) -> None:
        with pytest.raises(Impossible, match=words):
            planned(a_host(**fields))

    @pytest.mark.parametrize("owner", ["drwxr-xr-x 0 0", "drwxrwxr-x 0 0", "drwxr-xr-x. 0 50", ""])
    def test_a_directory_of_roots_is_trusted(self, owner: str) -> None:
        assert planned(a_host(parent_owner=owner)).changed

    def test_nothing_to_write_asks_nothing_of_the_directory(self) -> None:
        host = a_host()
        tuned(host)
        host.parent = "directory"
        assert not planned(host).changed


def test_a_knob_that_cannot_be_written_is_told_only_when_it_must_be() -> None:
    host = a_host(not_writable={"tcp_tw_reuse": "Read-only file system", "tcp_timestamps": "Read-only file system"})
    with pytest.raises(Impossible, match=r"net.ipv4.tcp_tw_reuse cannot be written here: Read-only file system"):
        planned(host)
    host.knobs["tcp_tw_reuse"] = "1\n"
    assert planned(host).changes == ()


def test_a_knob_that_the_kernel_lacks_is_a_warning_and_no_line() -> None:
    made = planned(a_host("Debian 10"), tcp_tw_reuse_delay=500, tcp_tw_timeout=30)
    assert set(boot_says(made)) == {"tcp_timestamps", "tcp_tw_reuse"}
    assert len([warning for warning in made.warnings if "nothing was" in warning]) == 2


def test_a_container_of_an_old_kernel_is_warned_of_the_recycle_that_it_cannot_see() -> None:
    host = a_host("Debian 10", release="4.11.0", initial_namespace=False)
    assert any("cannot be seen from here" in warning for warning in planned(host).warnings)


# Properties over whole hosts.

LINES = [
    "net.ipv4.tcp_tw_reuse = 0",
    "net/ipv4/tcp_tw_reuse=1",
    "net.ipv4.tcp_timestamps = 0",
    "net.ipv4.tcp_timestamps = 2",
    "net.ipv4.tcp_tw_recycle = 1",
    "net.ipv4.tcp_tw_recycle = 0",
    "net.ipv4.tcp_tw_re* = 1",
    "net.ipv4.tcp_tim*mps = 0",
    "-net.ipv4.tcp_timestamps",
    "net.ipv4.tcp_max_tw_buckets = 100",
    "net.ipv4.ip_local_reserved_ports = 7000",
    "net.ipv4.ip_local_port_range = 20000 60000",
    "# a comment",
    "",
]
names = st.sampled_from(["10.conf", "99-a.conf", "99-timewait-local.conf", "99-z.conf", "zz.conf"])
file_paths = st.one_of(
    names.map("/etc/sysctl.d/{}".format), names.map("/run/sysctl.d/{}".format), st.just("/etc/sysctl.conf")
)
trees = st.dictionaries(file_paths, st.lists(st.sampled_from(LINES), max_size=4).map("\n".join), max_size=3)
exposures = st.sampled_from([PRIVATE, PUBLIC, UNTAGGED])
knob_texts = st.fixed_dictionaries(
    {
        "tcp_tw_recycle": st.sampled_from(["0\n", "1\n", "-3\n"]),
        "tcp_timestamps": st.sampled_from(["0\n", "1\n", "2\n"]),
        "tcp_tw_reuse": st.sampled_from(["0\n", "1\n"]),
        "tcp_max_tw_buckets": st.sampled_from(["100\n", "65536\n", "262144\n"]),
        "ip_local_reserved_ports": st.sampled_from(["\n", "8080\n", "9000-9010\n"]),
    }
)


@st.composite
def hosts(draw: st.DrawFn) -> Host:
    host = a_host(draw(st.sampled_from(sorted(KERNELS))), files=draw(trees))
    host.knobs |= {name: text for name, text in draw(knob_texts).items() if name in host.knobs}
    if draw(st.booleans()):
        host.files.setdefault("/etc/sysctl.conf", "")
        host.links["/etc/sysctl.d/99-sysctl.conf"] = "/etc/sysctl.conf"
    elif draw(st.booleans()):
        # No /etc/sysctl.d: the settings go to /etc/sysctl.conf.
        host.systemd, host.initscript, host.parent = None, True, "missing"
        host.files = {path: text for path, text in host.files.items() if not path.startswith("/etc/sysctl.d/")}
        host.files.setdefault("/etc/sysctl.conf", draw(st.sampled_from(["", "x", "x\n"])))
    return host


requests: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
    {"conflicts": st.just("comment_out")},
    optional={
        "tcp_tw_reuse": st.sampled_from([0, 1]),
        "tcp_tw_recycle": st.sampled_from([0, 1]),
        "tcp_timestamps": st.sampled_from([1, 2, "on"]),
        "tcp_max_tw_buckets": st.sampled_from([1000, 100000]),
        "ip_local_reserved_ports": st.sampled_from([[8080], "9005-9020", []]),
        "ip_local_port_range": st.sampled_from(["15000 60999"]),
        "tcp_rfc1337": st.sampled_from([0, 1]),
        "path": st.sampled_from([PATH, "/etc/sysctl.d/20-early.conf"]),
    },
)


def applied(host: Host, exposure: Exposure, arguments: Mapping[str, object]) -> Plan:
    made = planned(host, exposure, **arguments)
    assume(not made.refused)
    host.carry_out(made)
    return made


@settings(max_examples=120)
@given(hosts(), exposures, requests)
def test_a_second_run_changes_nothing(host: Host, exposure: Exposure, arguments: dict[str, object]) -> None:
    applied(host, exposure, arguments)
    again = planned(host, exposure, **arguments)
    assert not again.changed, (again.changes, again.edits)


@settings(max_examples=120)
@given(hosts(), exposures, requests, requests)
def test_a_reboot_keeps_every_value_that_was_asked_for(
    host: Host, exposure: Exposure, first: dict[str, object], second: dict[str, object]
) -> None:
    applied(host, exposure, first)
    made = applied(host, exposure, {**second, "path": first.get("path", PATH)})
    held = {name: host.snapshot().knobs[name] for name in boot_says(made)}
    assert held == boot_says(made)
    host.reboot()
    assert {name: host.snapshot().knobs[name] for name in held} == held


@settings(max_examples=120)
@given(hosts(), exposures, st.lists(requests, min_size=1, max_size=2))
def test_present_then_absent_gives_the_start_but_never_recycle(
    host: Host, exposure: Exposure, several: list[dict[str, object]]
) -> None:
    start = host.copy()
    path = several[0].get("path", PATH)
    for arguments in several:
        applied(host, exposure, {**arguments, "path": path})
    made = planned(host, exposure, state="absent", path=path)
    host.carry_out(made)
    for name in start.knobs:
        before, after = (kernel_value(KNOBS[name], h.knobs[name]) if name in KNOBS else 0 for h in (start, host))
        rearming = (
            name == "tcp_tw_recycle" and isinstance(before, int) and recycle_refusals(before, exposure, host.snapshot())
        )
        assert after == (0 if rearming else before), name
    mark = Place.file(str(path)).mark
    kept_out = [line for text in host.files.values() for line in text.split("\n") if line.startswith(mark)]
    assert all("recycle" in line or "tcp_tw_re*" in line for line in kept_out)
    assert bool(kept_out) <= bool(made.refused)
    files = {file: text.replace(mark, "") for file, text in host.files.items()}
    if made.text_after is not None:
        assert boot_says(made) == {"tcp_tw_recycle": 0}
        rest = files.pop(made.path).replace(made.text_after, "")
        if made.place.block:
            unended = parse(made.place, made.text_after).found == "unended"
            files[made.path] = rest.removesuffix("\n") if unended else rest
    assert files == start.files
    # Whatever the files say: recycle stays off where the policy refuses it.
    if "tcp_tw_recycle" in host.knobs and recycle_refusals(1, exposure, host.snapshot()):
        host.reboot()
        assert host.knobs["tcp_tw_recycle"] == "0\n"
    assert not planned(host, exposure, state="absent", path=path).changed


@settings(max_examples=80)
@given(hosts(), exposures, requests, st.booleans())
def test_no_plan_turns_recycle_on_where_the_policy_refuses_it(
    host: Host, exposure: Exposure, arguments: dict[str, object], undo: bool
) -> None:
    host.knobs.pop("tcp_rfc1337", None)
    applied(host, exposure, {**arguments, "tcp_tw_recycle": 0})
    made = planned(host, exposure, **{**arguments, "state": "absent" if undo else "present"})
    if recycle_refusals(1, exposure, host.snapshot()):
        assert all(change.knob != "tcp_tw_recycle" or change.after == 0 for change in made.changes)
        assert "tcp_tw_recycle = 1" not in (made.text_after or "").replace("before: net.ipv4.tcp_tw_recycle = 1", "")
        brought_back = [edit.text_after for edit in made.edits if not edit.mark_after]
        assert not any("recycle = 1" in line or "tcp_tw_re* = 1" in line for line in brought_back)


def test_ranges_are_ranges_and_not_lists() -> None:
    assert boot_says(planned(a_host(), ip_local_port_range="15000 60999"))["ip_local_port_range"] == PortRange(
        15000, 60999
    )


def test_a_container_in_the_network_of_its_machine_is_tuned_with_a_warning() -> None:
    made = plan(a_host(container="podman").snapshot(), UNTAGGED, asked())
    assert made.changed
    assert any("its values are that machine's" in warning for warning in made.warnings)
    assert plan(a_host(container="podman", initial_namespace=False).snapshot(), UNTAGGED, asked()).warnings == ()
