# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script that changes a host is killed at every point at which the host can differ, and nothing is lost."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._knobs import KNOBS

from tests.sandbox.hosts import SandboxHost
from tests.system.engine import failure_of, planned
from tests.system.interrupted import (
    File,
    How,
    Interrupted,
    Interrupter,
    World,
    interrupter,
    is_flag,
    is_temporary,
    settled,
    without_look,
)
from tests.system.trees import boot_with_sysctl_conf_alone, run_loader

OTHER = "/etc/sysctl.d/60-other.conf"
RECYCLE = "tcp_tw_recycle"
ZZ = "/etc/sysctl.d/99-zz.conf"
Options = Mapping[str, Any]

#: What a careless copy would lose: a carriage return, a byte that is no UTF-8, a NUL, a newline not there, the mode.
CONFLICTING = f"printf '# \\r\\n\\377\\000\\nnet.ipv4.tcp_tw_reuse = 0\\n#' >{ZZ}; chmod 664 {ZZ}"
REBOOTED = "rm -f /run/linux_tcp.tuning*"


@dataclass(frozen=True)
class Case:
    """What is killed: a run with ``options`` on a host as ``found``, after ``earlier`` runs and what came ``then``."""

    options: Options
    found: str = ":"
    earlier: Sequence[Options] = ()
    then: str = ":"
    legacy: bool = False
    sysctl_conf_alone: bool = False
    points: int = 6

    @property
    def boots_with_systemd(self) -> bool:
        return not (self.legacy or self.sysctl_conf_alone)

    @property
    def undo(self) -> list[Options]:
        """What undoes all runs."""
        runs = {(run.get("path"), run.get("apply_to"), run.get("owner")) for run in (*self.earlier, self.options)}
        names = ("path", "apply_to", "owner")
        return [{"state": "absent", **dict(zip(names, run, strict=True))} for run in sorted(runs, key=str)]


MANY = {"tcp_rfc1337": 1, "ip_local_port_range": [15000, 60999]}
OTHERS = {"tcp_tw_reuse": 0, "tcp_timestamps": 2, "tcp_max_tw_buckets": 300000}

CASES = {
    "the first run": Case(MANY),
    "other values": Case(OTHERS, earlier=[MANY]),
    "other values after a boot": Case(OTHERS, earlier=[MANY], then=REBOOTED),
    "an undo": Case({"state": "absent"}, earlier=[MANY]),
    "a line in the way": Case({"conflicts": "comment_out"}, CONFLICTING),
    "a line brought back": Case({"state": "absent"}, CONFLICTING, [{"conflicts": "comment_out"}]),
    "a block": Case({}, "printf 'kernel.panic = 5' >/etc/sysctl.conf", sysctl_conf_alone=True),
    "a block in a file of its own": Case({}, "rm /etc/sysctl.conf", sysctl_conf_alone=True),
    "a block taken away": Case(
        {"state": "absent"}, "printf 'kernel.panic = 5' >/etc/sysctl.conf", [{}], sysctl_conf_alone=True
    ),
    "a block and its file taken away": Case({"state": "absent"}, "rm /etc/sysctl.conf", [{}], sysctl_conf_alone=True),
    "a block and a line in the way": Case(
        {"conflicts": "comment_out", **MANY},
        "printf 'net.ipv4.tcp_tw_reuse=0\\nnet.ipv4.tcp_tw_reuse=0' >/etc/sysctl.conf; chmod 600 /etc/sysctl.conf",
        [{"conflicts": "comment_out"}],
        sysctl_conf_alone=True,
    ),
    "a second caller": Case({"path": OTHER, "tcp_rfc1337": 1}, earlier=[{}]),
    "one of two callers undone": Case({"state": "absent"}, earlier=[MANY, {"path": OTHER, "tcp_rfc1337": 1}]),
    "another file name": Case(
        {"owner": "web", "path": OTHER, "conflicts": "comment_out", **OTHERS},
        CONFLICTING,
        [{"owner": "web", "conflicts": "comment_out", **MANY}],
    ),
    "recycle turned off": Case(
        {"conflicts": "comment_out"},
        f"echo 1 >/proc/sys/net/ipv4/tcp_tw_recycle; echo net.ipv4.tcp_tw_recycle=1 >{ZZ}",
        legacy=True,
    ),
    "an undo where recycle was on": Case(
        {"state": "absent"},
        f"echo 1 >/proc/sys/net/ipv4/tcp_tw_recycle; echo net.ipv4.tcp_tw_recycle=1 >{ZZ}",
        [{"conflicts": "comment_out"}],
        legacy=True,
    ),
    "the running kernel alone": Case({"apply_to": "runtime", **MANY}),
    "other values of the running kernel": Case(
        {"apply_to": "runtime", **OTHERS}, earlier=[{"apply_to": "runtime", **MANY}]
    ),
    "the running kernel, undone": Case(
        {"apply_to": "runtime", "state": "absent"}, earlier=[{"apply_to": "runtime", **MANY}]
    ),
    "from the running kernel to the next boot too": Case(OTHERS, earlier=[{"apply_to": "runtime", **MANY}]),
    "the next boot alone": Case({"apply_to": "boot", **MANY}),
}


@dataclass
class Scene:
    """A host with a case: as it was ``first`` and ``before`` the run that is killed, and ``after`` one that was not.

    ``kernel`` are the values that it has without any file.
    """

    case: Case
    host: SandboxHost
    interrupter: Interrupter
    kernel: Mapping[str, str]
    first: World
    before: World
    after: World
    undone: World
    script: str
    #: Texts of ours, by path, that are steps on the way.
    on_the_way: Mapping[str, set[str]]

    def at_each_point(self, how: How, *shell: str) -> list[Interrupted]:
        self.interrupter.restore(self.before)
        runs = list(self.interrupter.each_point(self.script, how, *shell))
        assert runs[-1].at == ""
        assert settled(runs[-1].world) == settled(self.after)
        assert len(runs) > self.case.points, [run.at for run in runs]
        return runs[:-1]


#: What is killed in ways other than all at once, too: enough of it to have each kind of step. With EVERY_CASE in the
#: environment, all.
SOME = {
    name: case
    for name, case in CASES.items()
    if os.environ.get("EVERY_CASE")
    or name in ("other values after a boot", "a line brought back", "a block taken away")
}


@pytest.fixture
def scene(request: pytest.FixtureRequest, new_host: Callable[..., SandboxHost]) -> Iterator[Scene]:
    yield from set_scene(request.param, new_host)


def each(cases: Mapping[str, Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scene", cases.values(), ids=cases.keys(), indirect=True)


def set_scene(case: Case, new_host: Callable[..., SandboxHost]) -> Iterator[Scene]:
    host = new_host("host", legacy=case.legacy)
    with interrupter(host) as at_work:
        if case.sysctl_conf_alone:
            boot_with_sysctl_conf_alone(host)
        host.sh(case.found)
        kernel = at_work.look().knobs
        if case.boots_with_systemd:
            load_files(host)
        first = at_work.look()
        run(host, *case.earlier)
        host.sh(case.then)
        before = at_work.look()
        made = planned(host, **case.options)
        assert made.plan.place.block == case.sysctl_conf_alone
        run(host, case.options)
        after = at_work.look()
        assert after != before
        assert not planned(host, **case.options).plan.changed
        run(host, *case.undo)
        undone = at_work.look()
        assert but_for_recycle(undone) == but_for_recycle(first)
        at_work.restore(before)
        texts: dict[str, set[str]] = {}
        for step in made.steps:
            if step.do[0] == "remember":
                texts.setdefault(f"/run/linux_tcp.tuning-{step.do[1]}", set()).add(step.do[2])
        yield Scene(case, host, at_work, kernel, first, before, after, undone, without_look(made), texts)


def run(host: SandboxHost, *runs: Options) -> None:
    """Settles each, in turn."""
    for options in runs:
        made = planned(host, **options)
        if made.plan.changed:
            assert failure_of(made, host.sh(without_look(made))) is None


def recycle_of(point: Interrupted) -> list[dict[str, str]]:
    return [{}, {name: value for name, value in point.world.knobs.items() if name == RECYCLE}]


def but_for_recycle(world: World) -> tuple[dict[str, Any], dict[str, str]]:
    """A world in which it does not show whether recycle was turned off."""
    files = {
        path: (*about, re.sub(r"(?m)^# linux_tcp.tuning commented out for .*: (?=.*tcp_tw_recycle)", "", text))
        for path, (*about, text) in world.files.items()
    }
    return files, {**world.knobs, RECYCLE: ""}


@each(CASES)
def test_killed_at_any_point_nothing_is_lost_and_the_next_run_ends_it(scene: Scene) -> None:
    """As when the power fails, or memory runs out: nothing of the script is left to run."""
    points = scene.at_each_point("all")
    for point in points:
        check_whole(scene, point)
    check_recovery(scene, points)
    # With apply_to: boot what a boot brought is not taken back.
    if scene.case.boots_with_systemd and scene.case.options.get("apply_to") != "boot":
        check_after_a_boot(scene, points)


def check_whole(scene: Scene, point: Interrupted) -> None:
    """Every file is one of before or after; values from before are on record."""
    where = f"killed at {point.at!r}, point {point.point}"
    before, after = scene.before, scene.after
    for path in {*before.files, *after.files, *point.world.files}:
        now = point.world.files.get(path)
        if now and (is_flag(path) or is_temporary(path)):
            continue
        on_the_way = now is not None and now[3] in scene.on_the_way.get(path, ())
        assert on_the_way or now in (before.files.get(path), after.files.get(path)), f"{where}: {path} is {now}"
    assert sum(map(is_temporary, point.world.files)) <= 2, where
    assert sum(map(is_flag, point.world.files)) <= 1, where
    texts = "".join(file[3] for path, file in point.world.files.items() if not is_temporary(path))
    for name, value in point.world.knobs.items():
        assert value in (before.knobs[name], after.knobs[name]), f"{where}: {name} is {value}"
        undone = name == RECYCLE and scene.case.options.get("state") == "absent"
        if value != scene.first.knobs[name] and not undone:
            key, was = KNOBS[name].key, " ".join(scene.first.knobs[name].split())
            assert f"# linux_tcp.tuning before: {key} = {was}\n" in texts, f"{where}: {name} is {value}, and was {was}"


def check_recovery(scene: Scene, points: Sequence[Interrupted]) -> None:
    """Of points that left the same, one tells for all of them what the next run does, and what an undo does."""
    worlds = {repr((settled(point.world), any(map(is_flag, point.world.files)))): point for point in points}
    assert len(worlds) >= 3
    for point in worlds.values():
        where = f"after having been killed at {point.at!r}, point {point.point}"
        scene.interrupter.restore(point.world)
        run(scene.host, scene.case.options)
        assert scene.interrupter.look() == scene.after, f"another run, {where}"
        scene.interrupter.restore(point.world)
        run(scene.host, *scene.case.undo)
        assert but_for_recycle(scene.interrupter.look()) == but_for_recycle(scene.undone), f"an undo, {where}"


def check_after_a_boot(scene: Scene, points: Sequence[Interrupted]) -> None:
    """As when the power failed: the values are those of the kernel and of the files that are there."""
    worlds = {repr(on_disk(point.world)): point for point in points}
    booted = []
    for point in worlds.values():
        where = f"after the power failed at {point.at!r}, point {point.point}"
        for runs, end in (([scene.case.options], scene.after), (scene.case.undo, scene.undone)):
            scene.interrupter.restore(World(on_disk(point.world), scene.kernel))
            load_files(scene.host)
            booted.append(scene.interrupter.look().knobs)
            run(scene.host, *runs)
            now = scene.interrupter.look()
            assert (on_disk(now), now.knobs) == (on_disk(end), end.knobs), where
    if scene.case.options.get("apply_to") != "runtime":
        assert any(knobs != scene.first.knobs for knobs in booted)


def load_files(host: SandboxHost) -> None:
    """What happens at boot; the loader has much to say of lines that are none."""
    run_loader(host, "sh", "-c", "/usr/lib/systemd/systemd-sysctl 2>/dev/null")


def on_disk(world: World) -> dict[str, File]:
    return {path: file for path, file in world.files.items() if not path.startswith("/run/")}


@each({"a line in the way": CASES["a line in the way"], "a line brought back": CASES["a line brought back"]})
def test_each_step_is_on_disk_before_the_next_one(scene: Scene) -> None:
    """A file before it gets its name, and its name before anything else: then a power failure is like a kill."""
    # mv may try one call, and then another.
    calls = [call for call, _again in itertools.groupby(point.at[:6] for point in scene.at_each_point("all"))]
    names = [number for number, call in enumerate(calls) if call == "rename"]
    assert len(names) >= 1
    for number in names:
        assert re.match(r"(f|fdata)?sync", calls[number - 1]), calls
        assert re.match(r"(f|fdata)?sync", calls[number + 1]), calls


@each(SOME)
def test_the_shell_alone_killed_at_any_point_loses_nothing_either(scene: Scene) -> None:
    """What it had started goes on to its end."""
    points = scene.at_each_point("shell")
    for point in points:
        check_whole(scene, point)
    check_recovery(scene, points)


@each(SOME)
def test_a_program_killed_at_any_point_leaves_all_done_or_all_as_before(scene: Scene) -> None:
    """Such as mv, and what the shell runs in a process of its own."""
    ends = []
    for point in scene.at_each_point("child"):
        if point.answer.endswith(" Z\n"):
            ends.append(settled(point.world))
            # Recycle is not turned on again.
            as_before = [
                settled(replace(scene.before, knobs={**scene.before.knobs, **now})) for now in recycle_of(point)
            ]
            assert ends[-1] in (*as_before, settled(scene.after)), f"killed at {point.at!r}, point {point.point}"
        else:
            check_whole(scene, point)
    assert settled(scene.before) in ends


@each(SOME)
def test_with_the_connection_cut_at_any_point_the_script_goes_on_to_its_end(scene: Scene) -> None:
    first, *points = scene.at_each_point("gone")
    # The first word of the answer, before anything is done.
    assert (first.answer, settled(first.world)) == ("", settled(scene.before))
    for point in points:
        assert point.world == scene.after, f"cut at {point.at!r}, point {point.point}"


@each({"a block": CASES["a block"], "other values": CASES["other values"]})
@pytest.mark.parametrize("shell", ["bash", "busybox"])
def test_with_other_shells_and_programs_nothing_is_lost_either(scene: Scene, shell: str) -> None:
    """They make the same changes by other calls, or in another order."""
    command = ["bash"]
    if shell == "busybox":
        scene.host.sh("mkdir /run/busybox && busybox --install -s /run/busybox")
        command = ["env", "PATH=/run/busybox", "/run/busybox/sh"]
    points = scene.at_each_point("all", *command)
    for point in points:
        check_whole(scene, point)
    check_recovery(scene, points)
