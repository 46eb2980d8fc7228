# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where settings stand, whose they are, and what becomes of them from day to day."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._advice._rules import findings_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._dropin import Place
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._exposure import Exposure
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._observed import Observed
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._plan import Plan, plan
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._platforms import PLATFORMS
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._policy import Impossible
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._request import DEFAULT_PATH as PATH
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import FOREIGN
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._steps import steps_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._sysctld import SYSCTL_CONF
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._values import BadRequest, PortRange

from tests.unit.simulated import KERNELS, SYSTEMD, UNTAGGED, Host, a_host, asked

BUSYBOX = "BusyBox v1.35.0 (Debian 1:1.35.0-4+b7) multi-call binary.\n"
OTHER = "/etc/sysctl.d/60-other.conf"
FIRST_FORMAT = (Path(__file__).parent / "formats" / "1.conf").read_text()
#: A boot script that reads /etc/sysctl.conf and nothing else.
RHEL_5 = [("process_1", "init", 0), ("script rc.sysinit", "sysctl -e -p /etc/sysctl.conf\n", 0)]
BLOCK = Place(SYSCTL_CONF, "99-timewait.conf", block=True)


def planned(host: Host, exposure: Exposure = UNTAGGED, **arguments: object) -> Plan:
    request = asked(**arguments)
    return plan(host.snapshot(request.path), exposure, request)


def tuned(host: Host, **arguments: object) -> Plan:
    made = planned(host, **arguments)
    host.carry_out(made)
    return made


def values(made: Plan) -> dict[str, object]:
    return {change.knob: change.after for change in made.changes}


def without_directory(**fields: object) -> Host:
    """A host with sysvinit and procps, and no /etc/sysctl.d."""
    return a_host(systemd=None, initscript=True, parent="missing", **fields)


class TestBlock:
    @pytest.mark.parametrize("text", ["", "vm.swappiness = 1\n", "vm.swappiness = 1", "net.ipv4.tcp_tw_reuse = 0\n"])
    def test_settings_go_to_sysctl_conf_where_there_is_no_directory(self, text: str) -> None:
        host = without_directory(files={SYSCTL_CONF: text})
        made = tuned(host)
        assert made.place == BLOCK
        assert host.files[SYSCTL_CONF].startswith(text)
        assert not planned(host).changed
        host.reboot()
        assert (host.knobs["tcp_tw_reuse"], host.knobs["tcp_timestamps"]) == ("1\n", "1\n")
        tuned(host, state="absent")
        assert host.files == {SYSCTL_CONF: text}

    def test_a_line_behind_the_block_is_a_conflict_and_one_before_it_is_none(self) -> None:
        host = without_directory(files={SYSCTL_CONF: "net.ipv4.tcp_tw_reuse = 0\n"})
        tuned(host)
        host.files[SYSCTL_CONF] += "net.ipv4.tcp_tw_reuse = 2\n"
        with pytest.raises(Impossible, match=r"/etc/sysctl.conf line \d+ says '2' where 1 is wanted"):
            planned(host)
        tuned(host, conflicts="comment_out")
        assert not planned(host, conflicts="comment_out").changed
        host.reboot()
        assert host.knobs["tcp_tw_reuse"] == "1\n"
        tuned(host, state="absent")
        assert host.files[SYSCTL_CONF] == "net.ipv4.tcp_tw_reuse = 0\nnet.ipv4.tcp_tw_reuse = 2\n"

    def test_somebody_elses_line_in_the_block_stops_everything(self) -> None:
        host = without_directory(files={SYSCTL_CONF: ""})
        tuned(host)
        lines = host.files[SYSCTL_CONF].split("\n")
        # A line about other keys does not leave the host: only the numbers tell.
        host.files[SYSCTL_CONF] = "\n".join([*lines[:3], "", *lines[3:]])
        for state in ("present", "absent"):
            with pytest.raises(Impossible, match="has lines of somebody else in it, or no end"):
                planned(host, state=state, tcp_rfc1337=1)

    @pytest.mark.parametrize("keep", [1, 5])
    def test_a_block_without_an_end_stops_everything(self, keep: int) -> None:
        host = without_directory(files={SYSCTL_CONF: ""})
        tuned(host)
        host.files[SYSCTL_CONF] = "\n".join(host.files[SYSCTL_CONF].split("\n")[:keep])
        with pytest.raises(Impossible, match="or no end"):
            planned(host)

    @pytest.mark.parametrize("trouble", [{"links": {SYSCTL_CONF: "/x"}}, {"special": {SYSCTL_CONF: "directory"}}])
    def test_sysctl_conf_must_be_a_regular_file(self, trouble: dict[str, object]) -> None:
        with pytest.raises(Impossible, match="Only a regular file is written to"):
            planned(without_directory(**trouble))

    def test_it_moves_to_a_drop_in_when_the_directory_is_there(self) -> None:
        host = without_directory(files={SYSCTL_CONF: "vm.swappiness = 1"})
        tuned(host, tcp_rfc1337=1)
        host.parent = "writable directory"
        made = tuned(host, tcp_rfc1337=1)
        assert (made.changes, host.files[SYSCTL_CONF]) == ((), "vm.swappiness = 1")
        tuned(host, state="absent")
        assert host.files == {SYSCTL_CONF: "vm.swappiness = 1"}
        assert (host.knobs["tcp_tw_reuse"], host.knobs["tcp_rfc1337"]) == ("2\n", "0\n")

    @pytest.mark.parametrize("files", [{}, {SYSCTL_CONF: "x"}, {SYSCTL_CONF: "x\n"}])
    @pytest.mark.parametrize("order", [(PATH, OTHER), (OTHER, PATH)])
    def test_the_last_of_two_blocks_leaves_the_file_as_the_first_one_found_it(
        self, files: dict[str, str], order: tuple[str, str]
    ) -> None:
        host = a_host(systemd=None, more=RHEL_5, files=dict(files))
        tuned(host)
        tuned(host, path=OTHER)
        for path in order:
            tuned(host, state="absent", path=path)
        assert host.files == files

    def test_a_block_that_moves_to_another_name_still_knows_how_the_file_was_found(self) -> None:
        host = a_host(systemd=None, more=RHEL_5)
        tuned(host, owner="web")
        tuned(host, owner="web", path=OTHER)
        tuned(host, owner="web", state="absent", path=OTHER)
        assert host.files == {}

    def test_undo_finds_it_wherever_it_stands(self) -> None:
        host = without_directory(files={SYSCTL_CONF: "x"})
        tuned(host)
        host.parent = "writable directory"
        tuned(host, state="absent")
        assert (host.files, host.knobs["tcp_tw_reuse"]) == ({SYSCTL_CONF: "x"}, "2\n")


class TestMisleading:
    """Files made to look like ours, or to make us do something to others."""

    def test_two_equal_blocks_stop_everything(self) -> None:
        host = without_directory(files={SYSCTL_CONF: "vm.swappiness = 1\n"})
        tuned(host)
        host.files[SYSCTL_CONF] += host.files[SYSCTL_CONF].partition("\n")[2]
        for state in ("present", "absent"):
            with pytest.raises(Impossible, match="begins a block that is there already"):
                planned(host, state=state)

    @pytest.mark.parametrize("name", ["x/e touch pwned;#", "a b.conf", ""])
    def test_a_block_with_a_name_that_is_more_than_a_name_stops_everything(self, name: str) -> None:
        host = a_host(files={SYSCTL_CONF: f"# linux_tcp.tuning block of {name}, format 2, checksum 0\n"})
        with pytest.raises(Impossible, match="is none of ours"):
            planned(host)

    def test_a_copy_of_our_drop_in_elsewhere_is_somebody_elses(self) -> None:
        host = a_host()
        tuned(host, owner="web")
        text = host.files[PATH]
        copies = {SYSCTL_CONF: text, "/usr/lib/sysctl.d/10-image.conf": text, "/etc/sysctl.d/a b.conf": text}
        host.files |= copies
        host.links["/etc/sysctl.d/99-sysctl.conf"] = SYSCTL_CONF
        assert not planned(host, owner="web").changed
        tuned(host, owner="web", state="absent")
        assert host.files == copies

    def test_a_hard_link_to_sysctl_conf_is_a_file_of_its_own(self) -> None:
        host = a_host(files={"/etc/sysctl.d/zz.conf": "net.ipv4.tcp_tw_reuse = 0\n"})
        host.is_sysctl_conf = ("/etc/sysctl.d/zz.conf",)
        (edit,) = planned(host, conflicts="comment_out").edits
        assert edit.file == "/etc/sysctl.d/zz.conf"

    @pytest.mark.parametrize(("systemd", "procps"), [(None, None), (None, BUSYBOX), (SYSTEMD, BUSYBOX)])
    def test_recycle_stays_off_whatever_loader_is_not_known(self, systemd: str | None, procps: str | None) -> None:
        zz = "/etc/sysctl.d/zz.conf"
        host = a_host("RHEL 7", files={zz: "net.ipv4.tcp_tw_recycle = 1\n"})
        tuned(host, conflicts="comment_out")
        commented = host.files[zz]
        host.systemd, host.procps = systemd, procps
        host.more = [("masked", "", 0)] if systemd else []
        assert not tuned(host, conflicts="comment_out").edits
        made = tuned(host, state="absent")
        assert made.refused
        assert host.files[zz] == commented

    def test_one_known_loader_is_not_enough_to_bring_a_line_back(self) -> None:
        line = f"{Place.file(PATH).mark}net.ipv4/tcp_tw_recycle = 1"
        host = a_host("RHEL 7", procps=None)
        tuned(host)
        host.files["/etc/sysctl.d/zz.conf"] = line
        assert tuned(host, state="absent").refused
        assert host.files["/etc/sysctl.d/zz.conf"] == line

    def test_an_undo_of_the_running_kernel_writes_no_file(self) -> None:
        host = a_host("RHEL 7", files={OTHER: "net.ipv4.tcp_tw_recycle = 1\n"})
        start = dict(host.files)
        tuned(host, apply_to="runtime")
        assert values(tuned(host, state="absent")) == {"tcp_tw_reuse": 0}
        assert host.files == start

    def test_undo_leaves_a_zero_where_a_line_could_turn_recycle_on(self) -> None:
        host = a_host("RHEL 7", systemd=None, procps=None, files={OTHER: "net.ipv4.tcp_tw_recycle = 1\n"})
        tuned(host)
        made = tuned(host, state="absent")
        assert "without it line 1 of /etc/sysctl.d/60-other.conf would turn recycle on" in str(made.warnings)
        assert "net.ipv4.tcp_tw_recycle = 0\n" in host.files[PATH]
        assert not planned(host, state="absent").changed
        del host.files[OTHER]
        tuned(host, state="absent")
        assert host.files == {}

    def test_the_plain_undo_leaves_a_zero_where_a_line_would_turn_recycle_on(self) -> None:
        host = a_host("RHEL 7", files={"/etc/sysctl.d/10-app.conf": "net.ipv4.tcp_tw_recycle = 1\n"})
        tuned(host)
        assert f"undo: echo 'net.ipv4.tcp_tw_recycle = 0' >{PATH}\n" in host.files[PATH]
        assert f"undo: rm {PATH}\n" not in host.files[PATH]
        assert not planned(host).changed

    def test_a_zero_that_would_not_decide_does_not_stay(self) -> None:
        release, knobs, _columns = KERNELS["RHEL 7"]
        host = without_directory(files={SYSCTL_CONF: ""}, release=release, knobs=dict(knobs))
        tuned(host)
        host.files[SYSCTL_CONF] += "net.ipv4.tcp_tw_recycle = 1\n"
        made = tuned(host, state="absent")
        assert (made.text_after, host.files[SYSCTL_CONF]) == (None, "net.ipv4.tcp_tw_recycle = 1\n")

    def test_the_kernels_command_line_has_no_say_on_recycle(self) -> None:
        words = "sysctl.net.ipv4.tcp_tw_recycle=1\nsysctl.net.ipv4.tcp_tw_reuse=0\n"
        assert tuned(a_host(more=[("cmdline", words, 0)])).changed


class TestRuntime:
    def test_another_caller_in_the_running_kernel_alone_is_seen(self) -> None:
        host = a_host()
        tuned(host, apply_to="runtime", tcp_rfc1337=1)
        with pytest.raises(Impossible, match=r"undo the other with state: absent and path: /etc/sysctl.d/99-time"):
            planned(host, path=OTHER, tcp_rfc1337=0)
        tuned(host, path=OTHER)
        tuned(host, state="absent")
        assert values(tuned(host, state="absent", path=OTHER)) == {"tcp_tw_reuse": 2}

    def test_another_caller_in_the_running_kernel_is_seen_beside_its_own_drop_in(self) -> None:
        host, wide = a_host(), "15000 60999"
        tuned(host)
        tuned(host, apply_to="runtime", ip_local_port_range=wide)
        tuned(host, apply_to="runtime", path=OTHER, ip_local_port_range=wide)
        tuned(host)
        assert values(tuned(host, state="absent", path=OTHER)) == {"ip_local_port_range": PortRange(32768, 60999)}

    def test_no_file_is_written(self) -> None:
        host = a_host()
        made = tuned(host, apply_to="runtime")
        assert values(made) == {"tcp_tw_reuse": 1}
        assert host.files == {}
        assert "the values hold until the next boot; then net.ipv4.tcp_timestamps falls back to the default" in str(
            made.warnings
        )
        assert not planned(host, apply_to="runtime").changed

    def test_files_that_say_otherwise_are_no_conflict_but_a_warning(self) -> None:
        host = a_host(files={"/usr/lib/sysctl.d/99-zz.conf": "net.ipv4.tcp_tw_reuse = 0"})
        assert "net.ipv4.tcp_tw_reuse will be 0" in str(planned(host, apply_to="runtime").warnings)

    def test_it_works_where_etc_is_read_only_and_undo_knows_what_was_before(self) -> None:
        host = a_host(parent="directory")
        tuned(host, apply_to="runtime", tcp_rfc1337=1)
        assert values(tuned(host, apply_to="runtime")) == {"tcp_rfc1337": 0}
        assert values(tuned(host, state="absent")) == {"tcp_tw_reuse": 2}
        assert not planned(host, state="absent").changed
        assert host.remembered == {}

    def test_after_a_boot_there_is_nothing_to_undo(self) -> None:
        host = a_host()
        tuned(host, apply_to="runtime")
        host.reboot()
        assert not planned(host, state="absent").changed

    def test_a_drop_in_from_before_stays_as_it_is(self) -> None:
        host = a_host(files={OTHER: "x", "/etc/sysctl.d/zz.conf": "net.ipv4.tcp_tw_reuse = 0\n"})
        start = dict(host.files)
        tuned(host, conflicts="comment_out", tcp_rfc1337=1)
        written = dict(host.files)
        assert values(tuned(host, apply_to="runtime")) == {"tcp_rfc1337": 0}
        assert host.files == written
        assert values(tuned(host, state="absent", apply_to="runtime")) == {"tcp_tw_reuse": 2}
        assert host.files == written
        tuned(host, conflicts="comment_out")
        assert values(tuned(host, state="absent")) == {"tcp_tw_reuse": 2}
        assert host.files == start

    def test_an_image_with_the_drop_in_and_a_read_only_etc_is_tuned_and_undone(self) -> None:
        host = a_host()
        tuned(host, apply_to="boot")
        host.parent = "directory"
        assert values(tuned(host, apply_to="runtime", tcp_rfc1337=1)) == {"tcp_tw_reuse": 1, "tcp_rfc1337": 1}
        undone = {"tcp_tw_reuse": 2, "tcp_rfc1337": 0}
        assert values(tuned(host, state="absent", apply_to="runtime")) == undone
        assert not planned(host, state="absent", apply_to="runtime").changed


class TestBoot:
    def test_the_running_kernel_is_left_alone(self) -> None:
        host = a_host(not_writable={"tcp_tw_reuse": "Read-only file system"})
        host.knobs["tcp_timestamps"] = "0\n"
        made = tuned(host, apply_to="boot")
        assert made.changes == ()
        assert not planned(host, apply_to="boot").changed
        host.reboot()
        assert (host.knobs["tcp_tw_reuse"], host.knobs["tcp_timestamps"]) == ("1\n", "1\n")

    def test_an_image_is_built_without_proc(self) -> None:
        host = a_host()
        host.knobs.clear()
        made = tuned(host, apply_to="boot", tcp_rfc1337=1, tcp_tw_reuse_delay=500, tcp_max_tw_buckets=100000)
        lines = [line for line in host.files[PATH].split("\n") if line and not line.startswith("#")]
        assert lines == [
            "net.ipv4.tcp_timestamps = 1",
            "net.ipv4.tcp_tw_reuse = 1",
            "net.ipv4.tcp_max_tw_buckets = 100000",
            "net.ipv4.tcp_rfc1337 = 1",
        ]
        assert "tcp_tw_reuse_delay" in str(made.warnings)
        with pytest.raises(Impossible, match="cannot be read"):
            planned(host)

    def test_the_builders_kernel_says_nothing_about_the_image(self) -> None:
        host = a_host()
        host.knobs |= {"tcp_timestamps": "2\n", "tcp_max_tw_buckets": "900000\n"}
        tuned(host, apply_to="boot", tcp_max_tw_buckets=100000)
        assert "tcp_timestamps = 1\n" in host.files[PATH]
        assert "tcp_max_tw_buckets = 100000\n" in host.files[PATH]

    def test_an_undo_of_files_keeps_the_record_until_the_kernel_is_undone(self) -> None:
        host = a_host()
        tuned(host)
        made = tuned(host, state="absent", apply_to="boot")
        assert (made.changes, host.files) == ((), {})
        assert values(tuned(host, state="absent")) == {"tcp_tw_reuse": 2}
        assert host.remembered == {}

    def test_undo_removes_the_file_and_leaves_the_kernel(self) -> None:
        host = a_host()
        tuned(host, apply_to="boot")
        host.reboot()
        made = tuned(host, state="absent", apply_to="boot")
        assert (made.changes, host.files) == ((), {})

    def test_both_after_the_boot_of_an_image_has_nothing_to_do(self) -> None:
        host = a_host()
        tuned(host, apply_to="boot", tcp_rfc1337=1)
        host.reboot()
        assert not planned(host, tcp_rfc1337=1).changed
        assert planned(host, state="absent").changes == ()

    def test_both_after_boot_keeps_the_record_of_what_the_kernel_had(self) -> None:
        host = a_host()
        tuned(host, apply_to="boot")
        tuned(host)
        assert values(tuned(host, state="absent")) == {"tcp_tw_reuse": 2}

    def test_a_text_for_the_next_boot_does_not_hide_what_the_kernel_was_given(self) -> None:
        host = a_host()
        tuned(host, tcp_rfc1337=1)
        tuned(host, apply_to="boot", tcp_tw_reuse=0)
        assert values(tuned(host, state="absent")) == {"tcp_tw_reuse": 2, "tcp_rfc1337": 0}

    def test_nor_when_the_host_was_booted_since_then(self) -> None:
        host = a_host()
        tuned(host, tcp_rfc1337=1)
        host.reboot()
        tuned(host, apply_to="boot", tcp_tw_reuse=0)
        assert values(tuned(host, state="absent")) == {"tcp_tw_reuse": 2, "tcp_rfc1337": 0}

    def test_nor_does_one_that_moves(self) -> None:
        host = a_host()
        tuned(host, owner="web", tcp_rfc1337=1)
        tuned(host, owner="web", apply_to="boot", path=OTHER)
        assert not planned(host, owner="web", apply_to="boot", path=OTHER).changed
        assert values(tuned(host, state="absent", path=OTHER)) == {"tcp_tw_reuse": 2, "tcp_rfc1337": 0}
        assert (host.files, host.remembered) == ({}, {})


class TestConfiguredElsewhere:
    @pytest.mark.parametrize("word", PLATFORMS)
    def test_files_are_refused_with_the_lines_for_its_own_configuration(self, word: str) -> None:
        host = a_host(platform=word)
        for apply_to in ("both", "boot"):
            with pytest.raises(Impossible) as refusal:
                planned(host, apply_to=apply_to, ip_local_port_range="15000 60999")
            text = str(refusal.value)
            assert PLATFORMS[word].where in text
            assert "apply_to: runtime" in text
            for part in ("net.ipv4.tcp_tw_reuse", "net.ipv4.tcp_timestamps", "15000 60999"):
                assert part in text

    def test_nixos_gets_its_own_words(self) -> None:
        with pytest.raises(Impossible, match=r' boot.kernel.sysctl."net.ipv4.tcp_tw_reuse" = "1"; and '):
            planned(a_host(platform="nixos"))

    def test_the_running_kernel_can_be_tuned(self) -> None:
        host = a_host(platform="nixos")
        assert values(tuned(host, apply_to="runtime")) == {"tcp_tw_reuse": 1}
        assert values(tuned(host, state="absent")) == {"tcp_tw_reuse": 2}

    def test_once_its_configuration_says_so_all_is_well(self) -> None:
        text = "net.ipv4.tcp_tw_reuse = 1\nnet.ipv4.tcp_timestamps = 1\n"
        host = a_host(platform="nixos", files={"/nix/x": text}, links={"/etc/sysctl.d/60-nixos.conf": "/nix/x"})
        made = tuned(host)
        assert (values(made), made.text_after) == ({"tcp_tw_reuse": 1}, None)
        assert not planned(host).changed

    def test_every_sign_is_one_word(self) -> None:
        """A probe gets them as a list of words."""
        assert all(len(f"{p.word}:{p.sign}".split()) == 1 and p.sign.startswith("/") for p in PLATFORMS.values())


class TestOwner:
    def test_a_changed_path_moves_the_record_and_removes_the_old_file(self) -> None:
        host = a_host(files={"/etc/sysctl.d/zz.conf": "net.ipv4.tcp_tw_reuse = 0\n"})
        start = dict(host.files)
        tuned(host, owner="web", conflicts="comment_out", tcp_rfc1337=1)
        made = tuned(host, owner="web", conflicts="comment_out", tcp_rfc1337=1, path=OTHER)
        assert (made.changes, PATH in host.files) == ((), False)
        assert f"{PATH} goes: the settings of web move to {OTHER}" in str(made.warnings)
        assert not planned(host, owner="web", conflicts="comment_out", tcp_rfc1337=1, path=OTHER).changed
        assert "commented out for 60-other.conf" in host.files["/etc/sysctl.d/zz.conf"]
        assert values(tuned(host, state="absent", path=OTHER)) == {"tcp_tw_reuse": 2, "tcp_rfc1337": 0}
        assert (host.files, host.remembered) == (start, {})

    def test_of_two_records_of_one_owner_the_former_knows_what_was_before(self) -> None:
        host = a_host()
        tuned(host, owner="web")
        host.files[OTHER] = host.files[PATH].replace(
            "before: net.ipv4.tcp_tw_reuse = 2", "before: net.ipv4.tcp_tw_reuse = 0"
        )
        # Of the former, a copy would say the same once more.
        host.remembered.clear()
        tuned(host, owner="web", path=OTHER)
        assert values(tuned(host, state="absent", path=OTHER)) == {"tcp_tw_reuse": 2}

    def test_the_old_file_goes_last_and_a_block_is_written_behind_the_edits(self) -> None:
        host = a_host()
        tuned(host, owner="web")
        moving = steps_of(planned(host, owner="web", path=OTHER, tcp_rfc1337=1))
        assert moving[-1].do == ("remove_file", PATH)
        late = without_directory(files={SYSCTL_CONF: "", "/run/sysctl.d/zz.conf": "net.ipv4.tcp_tw_reuse = 0\n"})
        late.files[SYSCTL_CONF] = "net.ipv4.tcp_rfc1337 = 1\n"
        tuned(late)
        late.files[SYSCTL_CONF] += "net.ipv4.tcp_tw_reuse = 0\n"
        steps = [step.do[0] for step in steps_of(planned(late, conflicts="comment_out", tcp_rfc1337=1))]
        assert steps.index("edit_line") < steps.index("set_block")

    def test_a_key_that_is_dropped_on_the_way_is_restored(self) -> None:
        host = a_host()
        tuned(host, owner="web", tcp_rfc1337=1)
        assert values(tuned(host, owner="web", path=OTHER)) == {"tcp_rfc1337": 0}

    def test_a_line_that_turns_recycle_on_is_marked_anew_and_never_comes_alive(self) -> None:
        host = a_host("RHEL 7", files={"/etc/sysctl.d/zz.conf": "net.ipv4.tcp_tw_recycle = 1\n"})
        tuned(host, owner="web", conflicts="comment_out")
        made = tuned(host, owner="web", conflicts="comment_out", path=OTHER)
        (edit,) = made.edits
        assert edit.mark_before
        assert edit.mark_after
        host.reboot()
        assert host.knobs["tcp_tw_recycle"] == "0\n"

    @pytest.mark.parametrize("owners", [("", ""), ("web", "db"), ("web", "")])
    def test_others_keep_theirs(self, owners: tuple[str, str]) -> None:
        host = a_host()
        tuned(host, owner=owners[0], tcp_rfc1337=1)
        tuned(host, owner=owners[1], path=OTHER, ip_local_port_range="15000 60999")
        assert {PATH, OTHER} <= host.files.keys()
        assert not planned(host, owner=owners[0], tcp_rfc1337=1).changed
        assert not planned(host, owner=owners[1], path=OTHER, ip_local_port_range="15000 60999").changed

    @pytest.mark.parametrize("order", [(PATH, OTHER), (OTHER, PATH)])
    def test_whoever_goes_last_restores_what_was_before_both(self, order: tuple[str, str]) -> None:
        host = a_host()
        tuned(host)
        tuned(host, path=OTHER, tcp_rfc1337=1)
        first = tuned(host, state="absent", path=order[0])
        assert "tcp_tw_reuse stays 1" in str(first.warnings)
        assert host.knobs["tcp_tw_reuse"] == "1\n"
        tuned(host, state="absent", path=order[1])
        assert (host.knobs["tcp_tw_reuse"], host.knobs["tcp_rfc1337"], host.files) == ("2\n", "0\n", {})

    def test_what_another_one_asks_for_the_next_boot_only_does_not_stay(self) -> None:
        host = a_host()
        tuned(host, path=OTHER, apply_to="boot")
        tuned(host)
        assert values(tuned(host, state="absent")) == {"tcp_tw_reuse": 2}
        tuned(host, state="absent", path=OTHER)
        assert (host.knobs["tcp_tw_reuse"], host.files) == ("2\n", {})

    def test_two_callers_with_one_file_are_told_before_one_undoes_the_other(self) -> None:
        host = a_host()
        tuned(host, owner="web", tcp_rfc1337=1)
        with pytest.raises(
            Impossible, match=r"belongs to web, which asks for net.ipv4.tcp_rfc1337. Give one of the two"
        ):
            planned(host, owner="db", ip_local_port_range="15000 60999")
        with pytest.raises(Impossible, match="belongs to web"):
            planned(host, owner="db", path=f"/usr/local/lib/sysctl.d/{PATH.rpartition('/')[2]}")
        assert not planned(host, owner="web", tcp_rfc1337=1).changed
        assert planned(host, owner="db", tcp_rfc1337=1).changed

    def test_undo_by_path_is_of_that_path_alone(self) -> None:
        host = a_host()
        tuned(host, owner="web")
        tuned(host, owner="db", path=OTHER, tcp_rfc1337=1)
        made = tuned(host, owner="web", state="absent", path=OTHER)
        assert (values(made), set(host.files)) == ({"tcp_rfc1337": 0}, {PATH})
        assert f"{PATH} stays, which is of web. To undo it as well, use path: {PATH}" in str(made.warnings)

    def test_undo_of_a_purged_path_is_of_that_path_alone(self) -> None:
        host = a_host()
        tuned(host, owner="web")
        tuned(host, owner="db", path=OTHER, tcp_rfc1337=1)
        del host.files[OTHER]
        assert values(tuned(host, owner="web", state="absent", path=OTHER)) == {"tcp_rfc1337": 0}
        assert (set(host.files), set(host.remembered)) == ({PATH}, {"99-timewait.conf"})
        assert not planned(host, owner="db", state="absent", path=OTHER).changed

    def test_undo_finds_what_the_owner_has_under_another_name(self) -> None:
        host = a_host()
        tuned(host, owner="web", path=OTHER)
        assert values(tuned(host, owner="web", state="absent")) == {"tcp_tw_reuse": 2}
        assert host.files == {}

    @pytest.mark.parametrize("path", [PATH, OTHER])
    def test_a_second_undo_finds_nothing(self, path: str) -> None:
        host = a_host()
        tuned(host, owner="web", path="/etc/sysctl.d/70-web.conf")
        tuned(host, owner="db", path=path, apply_to="runtime", tcp_rfc1337=1)
        tuned(host, owner="web", path=path, state="absent")
        assert (path.rpartition("/")[2] in host.remembered, host.knobs["tcp_rfc1337"]) == (False, "0\n")
        assert not planned(host, owner="web", path=path, state="absent").changed

    @pytest.mark.parametrize("owner", ["a b", "x\ny", "{{ x }}", "é", "a" * 101])
    def test_a_name_that_could_be_more_than_a_name_is_refused(self, owner: str) -> None:
        with pytest.raises(BadRequest, match="owner must be a name"):
            asked(owner=owner)


class TestSomebodyElse:
    def test_a_drop_in_that_was_removed_is_written_again_and_knows_what_was_before(self) -> None:
        host = a_host()
        tuned(host, tcp_rfc1337=1)
        del host.files[PATH]
        made = tuned(host, tcp_rfc1337=1)
        assert f"{PATH} was removed by somebody else" in str(made.warnings)
        assert values(tuned(host, state="absent")) == {"tcp_tw_reuse": 2, "tcp_rfc1337": 0}

    def test_a_drop_in_is_gone_only_when_it_is(self) -> None:
        def gone(host: Host) -> bool:
            return "drop_in_gone" in [finding.id for finding in findings_of(Observed(host.snapshot(), UNTAGGED))]

        host = a_host()
        tuned(host)
        assert not gone(host)
        del host.files[PATH]
        assert gone(host)
        host.reboot()
        assert not gone(host)

    def test_what_a_removed_drop_in_knew_is_not_lost_on_others(self) -> None:
        host = a_host()
        tuned(host)
        del host.files[PATH]
        tuned(host, path=OTHER)
        tuned(host, state="absent")
        assert values(tuned(host, state="absent", path=OTHER)) == {"tcp_tw_reuse": 2}

    def test_a_drop_in_that_was_removed_can_be_undone(self) -> None:
        host = a_host(files={"/etc/sysctl.d/zz.conf": "net.ipv4.tcp_tw_reuse = 0\n"})
        tuned(host, conflicts="comment_out")
        del host.files[PATH]
        assert values(tuned(host, state="absent")) == {"tcp_tw_reuse": 2}
        assert host.files == {"/etc/sysctl.d/zz.conf": "net.ipv4.tcp_tw_reuse = 0\n"}

    def test_a_hand_edited_drop_in_is_said_to_be_one(self) -> None:
        host = a_host()
        tuned(host)
        host.files[PATH] = host.files[PATH].replace("reuse = 1", "reuse = 0")
        assert f"{PATH} was edited by hand" in str(planned(host).warnings)
        tuned(host)
        assert planned(host).warnings == ()

    def test_a_drop_in_of_the_first_format_is_undone_and_brought_up_to_date(self) -> None:
        for arguments, files in (({}, {PATH}), ({"state": "absent"}, set())):
            host = a_host(files={PATH: FIRST_FORMAT})
            host.knobs |= {"tcp_tw_reuse": "1\n", "tcp_max_tw_buckets": "400000\n"}
            tuned(host, **arguments)
            assert set(host.files) == files
            tuned(host, state="absent")
            assert (host.knobs["tcp_tw_reuse"], host.knobs["tcp_max_tw_buckets"]) == ("2\n", "65536\n")
            assert host.knobs["tcp_timestamps"] == "0\n"
            assert host.files == {}


@pytest.mark.parametrize("arguments", [{}, {"state": "absent"}, {"path": "/etc/sysctl.d/99-b.conf", "owner": "me"}])
def test_a_text_of_ours_with_a_setting_of_somebody_else_is_neither_overwritten_nor_removed(
    arguments: dict[str, str],
) -> None:
    host = a_host()
    tuned(host, owner="me")
    host.files[PATH] += f"{FOREIGN}\n"
    with pytest.raises(Impossible, match=rf"{PATH} has a setting in it that this collection did not write"):
        planned(host, **arguments)
