# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of every plan any number of steps may have been done when the run was killed: nothing is lost by that."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._plan import Plan, plan
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._policy import Impossible
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._request import DEFAULT_PATH as PATH
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import Step
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._steps import diff_of, log_of, steps_of

from tests.unit.simulated import UNTAGGED, Host, a_host, asked

OTHER = "/etc/sysctl.d/60-other.conf"
ZZ = "/etc/sysctl.d/99-zz.conf"
Options = Mapping[str, object]

RUNS: dict[str, Options] = {
    "the defaults": {},
    "more": {"tcp_rfc1337": 1, "ip_local_reserved_ports": [8080]},
    "others": {"tcp_tw_reuse": 0, "tcp_timestamps": 2, "ip_local_reserved_ports": [9090]},
    "runtime": {"apply_to": "runtime", "tcp_rfc1337": 1},
    "runtime, others": {"apply_to": "runtime", "tcp_tw_reuse": 0, "tcp_timestamps": 2},
    "boot": {"apply_to": "boot", "tcp_rfc1337": 1},
    "somewhere else": {"path": OTHER, "tcp_rfc1337": 1},
    "by the same owner": {"owner": "web", "tcp_tw_reuse": 0},
    "by the same owner somewhere else": {"owner": "web", "path": OTHER, "tcp_rfc1337": 1},
    "undone": {"state": "absent"},
    "undone, runtime": {"state": "absent", "apply_to": "runtime"},
}
UNDO: tuple[Options, ...] = (
    {"state": "absent", "owner": "web"},
    {"state": "absent", "path": OTHER},
    {"state": "absent", "apply_to": "runtime"},
)


def planned(host: Host, options: Options) -> Plan:
    request = asked(conflicts="comment_out", **options)
    return plan(host.snapshot(request.path), UNTAGGED, request)


def do(host: Host, step: Step) -> None:
    """What _apply.sh does for a step."""
    match step.do:
        case ("set_file", path, text):
            host.files[path] = text
        case ("remove_file", path):
            host.files.pop(path, None)
        case ("remember", name, text):
            host.remembered[name] = text
        case ("forget", name):
            host.remembered.pop(name, None)
        case ("set_knob", name, text):
            host.knobs[name] = text.replace(" ", "\t") + "\n"
        case ("edit_line", path, number, command):
            lines = host.files[path].split("\n")
            found = re.fullmatch(r"(?:\{/.*/!)?s/(.*)/(.*)/(?:;\})?", command)
            assert found, command
            lines[int(number) - 1] = re.sub(found[1], found[2], lines[int(number) - 1])
            host.files[path] = "\n".join(lines)
        case _:
            raise AssertionError(step)


def run(host: Host, *runs: Options) -> Host:
    host = host.copy()
    for options in runs:
        for step in steps_of(planned(host, options)):
            do(host, step)
    return host


def left(host: Host) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    return host.files, host.knobs, host.remembered


def pairs() -> list[tuple[Options, Options]]:
    found = []
    for runs in itertools.product(RUNS.values(), repeat=2):
        try:
            run(beginning(), *runs)
        except Impossible:
            continue
        found.append(runs)
    return found


def beginning() -> Host:
    return a_host(files={ZZ: "# \nnet.ipv4.tcp_tw_reuse = 0\n"})


@pytest.mark.parametrize("booted", [False, True], ids=["", "after a boot"])
def test_after_any_step_the_next_run_and_an_undo_end_where_they_should(booted: bool) -> None:
    points = 0
    for first, second in pairs():
        host = run(beginning(), first)
        if booted:
            host.reboot()
        before = host.copy()
        steps = steps_of(planned(host, second))
        after = run(host, second)
        undone = run(after, *UNDO)
        for number, step in enumerate(steps):
            where = f"{first}, then {second}, killed after step {number}, {step.summary}"
            do(host, step)
            assert left(run(host, second)) == left(after), where
            files, knobs, remembered = left(run(host, *UNDO))
            if first.get("apply_to") == "boot":
                # What the kernel had before is not on record: what the killed run did not change stays, too.
                knobs = {n: undone.knobs[n] if text == before.knobs[n] else text for n, text in knobs.items()}
            assert (files, knobs, remembered) == left(undone), where
            points += 1
    assert points > 300


def test_what_a_run_left_that_was_killed_goes_first_and_is_a_change() -> None:
    host = run(beginning(), {})
    assert not planned(host, {}).changed
    paths = ["/etc/sysctl.d/.99-timewait.conf.timewait-new", "/run/linux_tcp.tuning.boot.1.2"]
    host.more = [("left_over", path, 0) for path in paths]
    made = planned(host, {})
    assert made.changed
    assert [step.do for step in steps_of(made)] == [("remove_file", path) for path in paths]
    assert log_of(made) == [f"remove {path}, left by a run that was killed" for path in paths]
    assert [(diff["before"], diff["after"]) for diff in diff_of(made)] == [("\n".join([*paths, ""]), "")]
    # It leaves all files alone.
    assert planned(host, {"apply_to": "runtime", "state": "absent"}).left_over == (paths[1],)


def test_what_is_kept_in_run_and_is_not_true_any_more_is_a_change() -> None:
    host = run(beginning(), {})
    host.remembered["99-timewait.conf"] += "# linux_tcp.tuning until now: net.ipv4.tcp_tw_reuse = 0\n"
    made = planned(host, {})
    assert made.changed
    assert [step.do[0] for step in steps_of(made)] == ["remember"]
    assert left(run(host, {})) == left(run(beginning(), {}))


def test_a_value_that_is_as_it_was_before_is_no_reason_for_a_warning() -> None:
    host = run(beginning(), {"tcp_rfc1337": 1})
    host.knobs["tcp_rfc1337"] = "0\n"
    assert planned(host, {"state": "absent"}).warnings == ()
    host.knobs["tcp_tw_reuse"] = "0\n"
    assert "which this collection did not set" in planned(host, {"state": "absent"}).warnings[0]
    assert PATH in host.files
