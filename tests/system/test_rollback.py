# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Undo brings back every value and every byte, whatever has happened to a host in between.

``--histories=3000 --from=1000`` tries more of them, and others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._exposure import Claim
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._knobs import KNOBS
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._loaders import LOADERS, Loader
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._policy import Impossible
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._snapshot import Snapshot
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._sysctld import SysctlFile, decide
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._values import (
    BadRequest,
    Value,
    kernel_text,
    kernel_value,
)

from tests.sandbox.hosts import SandboxHost
from tests.system.engine import Planned, carry_out, planned
from tests.system.expected import (
    Known,
    asked_for,
    but_for_recycle,
    but_for_what_may_be_recycle,
    can_append,
    files_of_others,
    held,
    is_ours,
    known_after,
    off,
    recorded,
    same,
    texts_of_ours,
)
from tests.system.histories import Append, Ask, Event, History, Purge, Reboot, Write, history, one_caller, smaller
from tests.system.trees import defaults_of, foreseen
from tests.system.worlds import SHELLS, Seen, booted, create, look, prepare, reboot

PRIVATE = [Claim("private", "the inventory")]


class Stage:
    """One host that is one world after the other."""

    def __init__(self, host: SandboxHost) -> None:
        self.host = host
        prepare(host)
        self.defaults = defaults_of(host)


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[bool, Stage]]:
    made = {
        legacy: Stage(SandboxHost(f"legacy-{legacy}", tmp_path_factory.mktemp("rollback") / "log", legacy))
        for legacy in (False, True)
    }
    yield made
    for stage in made.values():
        stage.host.stop()


@pytest.fixture
def numbers(request: pytest.FixtureRequest) -> range:
    first: int = request.config.getoption("--from")
    return range(first, first + request.config.getoption("--histories"))


class Run:
    """A history as it happens, with what must hold at every moment of it."""

    def __init__(self, stage: Stage, history: History, happened: Counter[str]) -> None:
        self.happened = happened
        self.host, self.defaults, self.world = stage.host, stage.defaults, history.world
        self.claims = PRIVATE if history.private else []
        create(self.host, history.world, self.defaults)
        self.seen = look(self.host)
        self.refused = False
        rearms = history.private and history.legacy
        self.known = Known(files_of_others(self.seen.files), recorded(self.seen), rearms)

    def happens(self, event: Event) -> None:
        before = self.seen
        if isinstance(event, Ask):
            self.asked(event)
        elif isinstance(event, Reboot):
            reboot(self.host, self.world, self.defaults)
            self.happened["reboot"] += 1
        elif isinstance(event, Write):
            self.host.set_sysctl(event.name, event.text)
        elif isinstance(event, Purge):
            if is_ours(event.path, before.files.get(event.path, before.files["/usr/lib/sysctl.d"])):
                self.host.run("rm", event.path)
        elif can_append(before.files, event):
            self.append(event)
        self.look_around(event)

    def append(self, event: Append) -> None:
        script = """
            mkdir -p "${1%/*}"
            if [ -s "$1" ] && [ "$(tail -c 1 "$1" | wc -l)" -eq 0 ]; then echo >>"$1"; fi
            printf '%s\\n' "$2" >>"$1"
        """
        self.host.run("/bin/sh", "-c", script, "sh", event.path, event.line)

    def look_around(self, event: Event) -> None:
        before, self.seen = self.seen, look(self.host)
        known, self.known = self.known, known_after(self.known, event, before, self.seen)
        assert files_of_others(self.seen.files) == self.known.files
        if isinstance(event, Ask):
            was, ours = held(before), held(self.seen)
            stay = asked_for(self.seen) if event.undo else {}
            if not known.rearms:
                assert before.knobs.get("tcp_tw_recycle") != "0" or self.seen.knobs["tcp_tw_recycle"] == "0"
                assert off(before.files) <= off(self.seen.files)
            for name, now in before.knobs.items():
                after = self.seen.knobs[name]
                left = known.left(name, now, was[name]) if name in was else now
                if name in stay:
                    assert after in {now, *stay[name]}, name
                elif name in ours:
                    assert after in {now, *ours[name]} or same(name, after, left), name
                else:
                    assert same(name, after, left), (name, now, after, left)

    def asked(self, event: Ask) -> None:
        options = dict(event.options)
        try:
            made = planned(self.host, self.claims, **options)
        except (Impossible, BadRequest):
            self.happened["impossible"] += 1
            self.nothing_happened()
            return
        # So far this was check mode.
        self.nothing_happened()
        undo = options.get("state") == "absent"
        if made.plan.refused and not undo:
            assert options["tcp_tw_recycle"] != 0
            assert not self.known.rearms
            self.happened["refused"] += 1
            return
        assert undo or self.known.rearms or not options.get("tcp_tw_recycle")
        carry_out(self.host, made)
        self.refused |= bool(made.plan.refused)
        self.happened["undone" if undo else "tuned"] += made.plan.changed
        again = planned(self.host, self.claims, **options)
        assert not again.plan.changed, (again.plan.changes, again.plan.edits)
        assert predicted(made, self.seen) == values_in(look(self.host))
        assert lines_of(made.plan.files) == lines_of(again.snapshot.files)
        self.boots_as_foreseen(again.snapshot)
        # Under a kernel that has none such lines are inert, and other files may come to light.
        if not self.known.rearms and "tcp_tw_recycle" in self.seen.knobs:
            stays_off(made.snapshot, again.snapshot)

    def nothing_happened(self) -> None:
        assert look(self.host) == self.seen

    def boots_as_foreseen(self, snapshot: Snapshot) -> None:
        loader = snapshot.loaders.boot
        if loader is not None:
            values = booted(self.host, self.world, self.defaults)
            now = {name: kernel_value(KNOBS[name], text) for name, text in values.items()}
            assert now == foreseen(snapshot, loader, self.defaults)


def stays_off(before: Snapshot, after: Snapshot) -> None:
    """No boot turns tcp_tw_recycle on that would not have done so before; none at all, where the loader is unknown."""
    for loader in [before.loaders.boot] if before.loaders.boot else LOADERS:
        assert recycle_at_boot(before, loader) or not recycle_at_boot(after, loader), loader


def recycle_at_boot(snapshot: Snapshot, loader: Loader) -> Value | None:
    knob = KNOBS["tcp_tw_recycle"]
    text = decide(knob.path, snapshot.files, loader).value
    return None if text is None else kernel_value(knob, text)


def predicted(made: Planned, seen: Seen) -> dict[str, str]:
    return values_in(seen) | {change.knob: kernel_text(change.after) for change in made.plan.changes}


def values_in(seen: Seen) -> dict[str, str]:
    return {name: text for name, text in seen.knobs.items() if name in KNOBS}


def lines_of(files: tuple[SysctlFile, ...]) -> dict[str, list[str]]:
    """Where a link leads to, the numbers of lines behind a block, and a CR behind a mark are not foreseen."""
    told = [file for file in files if file.lines and not file.link]
    return {file.path: [line.text.rstrip("\r") for line in file.lines] for file in told}


def each(numbers: range, made: Callable[[int], History], holds: Callable[[History], None]) -> None:
    """Tries a history for each number. What goes wrong is told with as little of its history as it takes."""
    for number in numbers:
        history = made(number)
        try:
            holds(history)
        except AssertionError as error:
            raise AssertionError(f"history {number}: {smallest(history, holds)}") from error


def smallest(history: History, holds: Callable[[History], None]) -> History:
    fails = next((less for less in smaller(history) if not does_hold(less, holds)), None)
    return smallest(fails, holds) if fails else history


def does_hold(history: History, holds: Callable[[History], None]) -> bool:
    try:
        holds(history)
    except AssertionError:
        return False
    return True


def test_undo_brings_back_every_value_and_every_byte(stages: Mapping[bool, Stage], numbers: range) -> None:
    happened: Counter[str] = Counter()

    def comes_back(history: History) -> None:
        run = Run(stages[history.legacy], history, happened)
        for event in history.events:
            run.happens(event)
        for path in history.undone:
            run.happens(Ask({"state": "absent", "path": path}))
        assert run.seen.kept == {}
        left = run.seen.files if run.known.rearms else but_for_recycle(run.seen.files)
        assert left == run.known.files
        assert run.refused or run.seen.files == left
        happened["recycle stays off"] += run.seen.files != left

    each(numbers, history, comes_back)
    lacking = {"tuned", "undone", "refused", "impossible", "reboot", "recycle stays off"} - set(+happened)
    assert not lacking


def test_so_does_the_undo_without_ansible(stages: Mapping[bool, Stage], numbers: range) -> None:
    happened: Counter[str] = Counter()

    def comes_back(history: History) -> None:
        run = Run(stages[history.legacy], history, happened)
        for event in history.events:
            run.happens(event)
        was = planned(run.host, run.claims, state="absent").snapshot
        for text in texts_of_ours(run.seen)[:1]:
            command = re.findall("^# .* to undo it without Ansible, as root: (.*)", text, re.MULTILINE)[0]
            run.host.sh(command)
            happened[f"undone by {history.world.shell}"] += 1
        left = look(run.host)
        assert left.kept == {}
        assert but_for_what_may_be_recycle(left.files, run.known.files) == run.known.files
        stays_off(was, planned(run.host, run.claims, state="absent").snapshot)
        # Where it was turned on, it stays as it is: the undo has no policy to ask.
        before = {**run.known.before, "tcp_tw_recycle": run.seen.knobs.get("tcp_tw_recycle", "")}
        assert left.knobs == {name: before.get(name, text) for name, text in run.seen.knobs.items()}

    each(numbers[::2], one_caller, comes_back)
    assert set(happened) >= {f"undone by {shell}" for shell in SHELLS}
