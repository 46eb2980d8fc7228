# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every system call of _apply.sh that changes something fails once, in every kind of plan; and from each one on, all.

Then everything is as asked, or everything is as before and the error says which step failed and why, or it names what
is not as before.
"""

from __future__ import annotations

import errno
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from tests.sandbox.hosts import SandboxHost
from tests.system.engine import Planned
from tests.system.outcomes import RECYCLE, SCENES, Seen, keep, seen, staged, told
from tests.system.syscalls import CHANGES, FORKS, Call, failing, run_judged

ERRORS = (errno.EIO, errno.ENOSPC, errno.EPERM)
SH = ("/bin/sh",)
#: What is said on the way to the controller is tried below, in a test of its own.
CHANGING = "^(?!.*(/dev/null|the answer))"
#: Of these the ones that are about a file, a value or the lock.
OF_PATHS = " /(etc|run|proc)/"


@dataclass(frozen=True)
class Stage:
    """A host with a plan; what it is like before and, carried out, after; and the script that brings it back."""

    host: SandboxHost
    made: Planned
    before: Seen
    asked: Seen
    back: str

    @property
    def script(self) -> str:
        """Without the second look at the host, which takes most of the time and changes nothing."""
        first, look, rest = self.made.script.rpartition("apply; probe; finish;")
        assert look
        return f"{first}apply; finish;{rest}"

    def run(
        self, number: int, error: int, only: str, *, for_good: bool = False, shell: tuple[str, ...] = SH
    ) -> Outcome:
        calls: list[Call] = []
        judge = failing(number, error, calls, only=only, for_good=for_good)
        kind = FORKS if only == "fork|clone" else CHANGES
        answer = run_judged(self.host, self.script, judge, shell, kind)
        return Outcome(told(self.made, answer), seen(self.host, self.back), calls)


@dataclass(frozen=True)
class Outcome:
    failure: str | None
    after: Seen
    calls: list[Call]


Stages = Callable[[str], Stage]


@pytest.fixture
def stage(new_host: Callable[..., SandboxHost]) -> Stages:
    def made(name: str) -> Stage:
        scene = SCENES[name]
        host = new_host("host", legacy=scene.legacy)
        plan = staged(host, scene)
        before, back = seen(host), keep(host)
        host.sh(plan.script)
        return Stage(host, plan, before, seen(host, back), back)

    return made


def numbers_of(stage: Stage, only: str, shell: tuple[str, ...] = SH) -> Sequence[int]:
    """Which of these calls there are. Of the look before the first step only the first and the last."""
    calls = stage.run(-1, 0, only, shell=shell).calls
    lock = next((number for number, call in enumerate(calls) if call.path.startswith("/run/linux_tcp.tuning.")), 0)
    steps = next(number for number, call in enumerate(calls) if number > lock and not call.path.startswith("pipe:"))
    return [*range(lock + 3), *range(max(steps - 2, lock + 3), len(calls))]


def check(stage: Stage, outcome: Outcome, what: str) -> None:
    """What this file is about."""
    wrong = outcome.after.differs_from(stage.asked if outcome.failure is None else stage.before)
    if outcome.failure is not None and f"net.ipv4.{RECYCLE}" in wrong:
        # Off it stays. The imitated knob of an old kernel is emptied by a write that fails.
        wrong.remove(f"net.ipv4.{RECYCLE}")
        off = outcome.after.knobs.get(RECYCLE) == "0"
        said = [words for words in ("is not turned on again", "may still be on") if words in outcome.failure]
        assert said in ([["is not turned on again"], ["may still be on"]] if off else [["may still be on"]]), what
    # What is not as before is named, be it a step that could not be undone or a file that could not be removed.
    unsaid = [name for name in wrong if name.removeprefix("/run/linux_tcp.tuning-") not in str(outcome.failure)]
    assert not unsaid, f"{what}: {outcome.failure}"
    if outcome.failure is not None and wrong and "could not be undone" not in outcome.failure:
        assert all("timewait-new" in name for name in wrong), f"{what}: {outcome.failure}"


def lasting(failure: str | None) -> bool:
    return failure is None or failure.startswith(("failed to ", "nothing was changed: "))


@pytest.mark.parametrize("name", SCENES)
def test_a_call_that_fails_leaves_everything_as_asked_or_as_before(stage: Stages, name: str) -> None:
    on = stage(name)
    failed = 0
    for number, error in zip(numbers_of(on, CHANGING), itertools.cycle(ERRORS), strict=False):
        outcome = on.run(number, error, CHANGING)
        what = f"{outcome.calls[number]} ({errno.errorcode[error]})"
        assert lasting(outcome.failure), what
        check(on, outcome, what)
        assert outcome.after.locks == () or outcome.calls[number].path.startswith("/run/linux_tcp.tuning."), what
        failed += outcome.failure is not None
    assert failed > 15


@pytest.mark.parametrize("shell", [("bash",), ("busybox", "sh")], ids=" ".join)
def test_it_is_the_same_with_another_shell(stage: Stages, shell: tuple[str, ...]) -> None:
    on = stage("block again")
    for number in numbers_of(on, CHANGING, shell):
        outcome = on.run(number, errno.ENOSPC, CHANGING, shell=shell)
        check(on, outcome, str(outcome.calls[number]))


@pytest.mark.parametrize("name", ["first", "comment_out undone", "block again", "recycle on"])
def test_what_is_not_as_before_is_named_when_from_some_call_on_all_fail(stage: Stages, name: str) -> None:
    on = stage(name)
    not_undone = 0
    for number in numbers_of(on, OF_PATHS):
        outcome = on.run(number, errno.EROFS, OF_PATHS, for_good=True)
        what = f"{outcome.calls[number]} and all after it"
        assert lasting(outcome.failure), what
        check(on, outcome, what)
        not_undone += "could not be undone" in str(outcome.failure)
    assert not_undone > 1


def test_a_process_that_cannot_be_started_leaves_everything_as_asked_or_as_before(stage: Stages) -> None:
    on = stage("first")
    calls = on.run(-1, 0, "fork|clone").calls
    undone = 0
    for number in range(len(calls)):
        outcome = on.run(number, errno.EAGAIN, "fork|clone")
        cut = outcome.failure is not None and "the answer ends in the middle" in outcome.failure
        if cut or "no answer of the script" in str(outcome.failure):
            # It was at its first or its last words.
            assert not outcome.after.differs_from(on.asked) or not outcome.after.differs_from(on.before)
        else:
            check(on, outcome, f"process {number}")
        undone += "no more processes could be started" in str(outcome.failure)
    # How many depends on which of the processes of a pipeline is started first.
    assert undone


@pytest.mark.parametrize("name", SCENES)
def test_nobody_need_listen(stage: Stages, name: str) -> None:
    """The controller is gone: every word for it is lost, and the plan is carried out none the less."""
    on = stage(name)
    outcome = on.run(0, errno.EPIPE, "the answer", for_good=True)
    assert outcome.calls
    assert outcome.after.differs_from(on.asked) == []
    assert outcome.after.locks == ()
