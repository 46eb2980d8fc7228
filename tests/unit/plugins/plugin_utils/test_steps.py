# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._plan import plan
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import BadAnswer, Section, Step
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._steps import diff_of, failure_in, log_of, steps_of

from tests.unit.simulated import UNTAGGED, Host, a_host, asked

PATH = "/etc/sysctl.d/99-timewait.conf"
ZZ = "/etc/sysctl.d/99-zz.conf"


def planned(host: Host, **arguments: object) -> list[Step]:
    return steps_of(plan(host.snapshot(), UNTAGGED, asked(**arguments)))


def tuned(**arguments: object) -> Host:
    host = a_host(files={ZZ: "\nnet.ipv4.tcp_tw_reuse = 0\n"})
    host.carry_out(plan(host.snapshot(), UNTAGGED, asked(conflicts="comment_out", **arguments)))
    return host


def test_the_record_is_written_before_the_values_that_it_records() -> None:
    host = a_host(files={ZZ: "\nnet.ipv4.tcp_tw_reuse = 0\n"})
    steps = planned(host, conflicts="comment_out")
    assert [step.do[0] for step in steps] == ["set_file", "edit_line", "remember", "set_knob"]
    assert steps[0].do[1] == PATH
    assert steps[0].undo == ("remove_file", PATH)
    assert steps[2].do[1] == "99-timewait.conf"
    assert steps[2].undo == ("forget", "99-timewait.conf")
    assert steps[3].do == ("set_knob", "tcp_tw_reuse", "1")
    assert steps[3].undo == ("set_knob", "tcp_tw_reuse", "2")


def test_the_record_is_removed_after_the_values_are_restored() -> None:
    host = tuned()
    steps = planned(host, state="absent")
    assert [step.do[0] for step in steps] == ["set_knob", "edit_line", "forget", "remove_file"]
    assert steps[3].undo == ("set_file", PATH, host.files[PATH])


def test_a_key_no_longer_set_is_restored_before_the_record_forgets_it() -> None:
    host = tuned(tcp_rfc1337=1)
    host.knobs["tcp_tw_reuse"] = "0\n"
    steps = planned(host, conflicts="comment_out")
    assert [step.do[:2] for step in steps] == [
        ("set_knob", "tcp_rfc1337"),
        ("set_file", PATH),
        ("remember", "99-timewait.conf"),
        ("set_knob", "tcp_tw_reuse"),
    ]


def test_an_edit_and_its_undo_are_each_others_way_back() -> None:
    step = planned(a_host(files={ZZ: "\nnet.ipv4.tcp_tw_reuse = 0\n"}), conflicts="comment_out")[1]
    mark = "# linux_tcp.tuning commented out for 99-timewait.conf: "
    pattern = mark.replace(".", "[.]")
    # Not twice: the way back is gone as well where a step failed before it did anything.
    assert step.do == ("edit_line", ZZ, "2", f"{{/^{pattern}/!s/^/{mark}/;}}")
    assert step.undo == ("edit_line", ZZ, "2", f"s/^{pattern}//")
    back = planned(tuned(), state="absent")[1]
    assert (back.do, back.undo) == (step.undo, step.do)
    assert (step.summary, back.summary) == (f"comment out line 2 of {ZZ}", f"bring back line 2 of {ZZ}")


def test_nothing_to_do_has_no_steps() -> None:
    assert planned(tuned(), conflicts="comment_out") == []


def test_the_log_has_a_line_for_each_change() -> None:
    host = a_host(files={ZZ: "\nnet.ipv4.tcp_tw_reuse = 0\n"})
    assert log_of(
        plan(host.snapshot(), UNTAGGED, asked(conflicts="comment_out", ip_local_port_range="15000 60999"))
    ) == [
        "net.ipv4.tcp_tw_reuse: 2 -> 1",
        "net.ipv4.ip_local_port_range: 32768 60999 -> 15000 60999",
        f"write {PATH}",
        f"comment out line 2 of {ZZ}",
    ]


def test_the_diff_shows_our_lines_only() -> None:
    host = a_host(files={ZZ: "secret = 1\nnet.ipv4.tcp_tw_reuse = 0\n"})
    made = plan(host.snapshot(), UNTAGGED, asked(conflicts="comment_out"))
    file, line, kernel = diff_of(made)
    assert (file["before"], file["after"], file["after_header"]) == ("", made.text_after, PATH)
    assert line == {
        "before_header": f"{ZZ} line 2",
        "after_header": f"{ZZ} line 2",
        "before": "net.ipv4.tcp_tw_reuse = 0\n",
        "after": "# linux_tcp.tuning commented out for 99-timewait.conf: net.ipv4.tcp_tw_reuse = 0\n",
    }
    assert (kernel["before"], kernel["after"]) == ("net.ipv4.tcp_tw_reuse = 2\n", "net.ipv4.tcp_tw_reuse = 1\n")
    assert "secret" not in str(diff_of(made))


def test_the_diff_of_an_undo_is_the_other_way_round() -> None:
    host = tuned()
    file, line, kernel = diff_of(plan(host.snapshot(), UNTAGGED, asked(state="absent")))
    assert (file["before"], file["after"]) == (host.files[PATH], "")
    assert line["before"].startswith("# linux_tcp.tuning")
    assert line["after"] == "net.ipv4.tcp_tw_reuse = 0\n"
    assert kernel["after"] == "net.ipv4.tcp_tw_reuse = 2\n"


def test_a_plan_without_changes_has_no_diff() -> None:
    made = plan(tuned().snapshot(), UNTAGGED, asked(conflicts="comment_out"))
    assert diff_of(made) == []
    assert log_of(made) == []


def test_a_line_of_a_host_is_escaped_in_the_diff() -> None:
    host = a_host(files={ZZ: "net.ipv4.tcp_tw_reuse = \x1b[31m0\n"})
    _file, line, _kernel = diff_of(plan(host.snapshot(), UNTAGGED, asked(conflicts="comment_out")))
    assert line["before"] == "net.ipv4.tcp_tw_reuse = \\x1b[31m0\n"


STEPS = [Step("write '1' to net.ipv4.tcp_tw_reuse", ("a",), ("b",)), Step("write /x", ("c",), ("d",))]


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ([Section("lock", "", b"", 0), Section("done", "", b"", 0)], None),
        ([Section("lock", "", b"another run, process 7\n", 1)], "nothing was changed: another run, process 7"),
        ([Section("lock", "", b"", 0), Section("changed_meanwhile", "", b"", 1)], "somebody else is changing them"),
        (
            [Section("failed", "1", b"cat: write error: Invalid argument\n", 1)],
            "failed to write '1' to net.ipv4.tcp_tw_reuse: cat: write error: Invalid argument. Everything is as it was",
        ),
        (
            [Section("lock", "", b"sh: 7: cannot create /run/x: Read-only\n", 1)],
            "nothing was changed: cannot create /run/x",
        ),
        ([Section("failed", "99", b"", 1)], "failed to carry out the plan"),
        ([Section("failed", "2", b"", 1)], "failed to write /x: the host gave no reason"),
        (
            [Section("failed", "2", b"No space\x1b", 1), Section("not_undone", "1", b"Read-only", 1)],
            "No space\\x1b. These steps could not be undone: write '1' to net.ipv4.tcp_tw_reuse (Read-only)",
        ),
    ],
)
def test_a_failure_is_told_in_the_hosts_own_words(sections: list[Section], words: str | None) -> None:
    told = failure_in(sections, STEPS)
    assert (told is None) if words is None else (told is not None and words in told)


def test_a_failure_does_not_turn_recycle_on_again() -> None:
    host = a_host("RHEL 7")
    host.knobs |= {"tcp_tw_recycle": "1\n"}
    steps = planned(host)
    assert ("set_knob", "tcp_tw_recycle", "0") in [step.do for step in steps]
    assert not [step for step in steps if step.undo[:2] == ("set_knob", "tcp_tw_recycle")]
    number = [step.do[:2] for step in steps].index(("set_knob", "tcp_tw_recycle")) + 1
    for failed, words in [
        (number - 1, "Everything is as it was before. net.ipv4.tcp_tw_recycle may still be on"),
        (number, "Everything is as it was before. net.ipv4.tcp_tw_recycle may still be on"),
        (number + 1, "Everything is as it was before, but net.ipv4.tcp_tw_recycle is not turned on again"),
    ]:
        told = failure_in([Section("failed", str(failed), b"No space", 1)], steps)
        assert told is not None
        assert told.endswith(words)


def test_a_host_that_does_not_say_how_it_ended_is_an_error() -> None:
    with pytest.raises(BadAnswer, match="does not say"):
        failure_in([Section("lock", "", b"", 0)], STEPS)
