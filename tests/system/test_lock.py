# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many runs at once on one host, some of which die; and holders of the lock that are dead, or take too long."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import BadAnswer

from tests.sandbox.hosts import SandboxHost
from tests.sandbox.states import state
from tests.system.engine import Planned, failure_of, planned
from tests.system.interrupted import Interrupter, interrupter, without_look

LOCK = "/run/linux_tcp.tuning"
AT_ONCE = 8


@pytest.fixture
def looker(host: SandboxHost) -> Iterator[Interrupter]:
    with interrupter(host) as looker:
        yield looker


def flag_of(host: SandboxHost, pid: int) -> str:
    boot = host.read("/proc/sys/kernel/random/boot_id").strip()
    start = host.read(f"/proc/{pid}/stat").rpartition(") ")[2].split()[19]
    return f"{LOCK}.{boot}.{pid}.{start}"


def answer_of(host: SandboxHost, script: str) -> str:
    return host.run("/bin/sh", "-c", script).stdout


def test_a_flag_of_the_dead_is_waited_for_by_nobody(host: SandboxHost, looker: Interrupter) -> None:
    first = looker.look()
    alive = flag_of(host, host.pid)
    boot, pid, start = alive.removeprefix(f"{LOCK}.").split(".")
    dead = {
        "nobody has this number": f"{LOCK}.{boot}.4194304.1",
        "somebody else has it now": f"{LOCK}.{boot}.{pid}.{int(start) + 1}",
        "of an earlier boot": f"{LOCK}.00000000-0000-0000-0000-000000000000.{pid}.{start}",
        "cut short": f"{LOCK}.{boot}",
    }
    for why, flag in dead.items():
        looker.restore(first)
        made = planned(host)
        host.write(flag, "")
        # With no patience at all.
        assert failure_of(made, answer_of(host, without_look(made))) is None, why
        assert not host.exists(flag), why
        # Nor does one stay where there is nothing else to do.
        host.write(flag, "")
        again = planned(host)
        assert again.plan.left_over == (flag,), why
        assert failure_of(again, answer_of(host, without_look(again))) is None, why
        assert not planned(host).plan.changed, why


def test_a_living_holder_is_waited_for_so_long_and_then_nothing_is_touched(host: SandboxHost) -> None:
    made = planned(host)
    flag = flag_of(host, host.pid)
    host.write(flag, "")
    before = state(host)
    begin = time.monotonic()
    failure = failure_of(made, answer_of(host, without_look(made, patience=2)))
    assert 2 <= time.monotonic() - begin < 20
    assert failure == (
        f"nothing was changed: another run, process {host.pid} on this host, has been at it for 2 s. Mend that, or "
        "wait for it, and run it again"
    )
    assert state(host) == before
    # It is not taken for something that was left over.
    assert planned(host).plan.left_over == ()


@dataclass
class Caller:
    """Wants a place of its own settled, whatever the others do; ``deadly`` is how often its runs are killed."""

    host: SandboxHost
    path: str
    deadly: float
    dice: random.Random
    runs: int = 0
    killed: int = 0

    def settle(self, **options: Any) -> None:
        while (made := planned(self.host, path=self.path, **options)).plan.changed:
            assert self.runs < 200
            self.runs += 1
            failure = self._carry_out(made)
            assert failure is None or "somebody else is changing them too" in failure, failure

    def _carry_out(self, made: Planned) -> str | None:
        # Waits are shorter, and as many as make up the same time.
        script = without_look(made, patience=600).replace("sleep 1\n", "sleep 0.05\n")
        run = subprocess.Popen(
            self.host.entered("/bin/sh", "-c", script), stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        if self.dice.random() < self.deadly:
            try:
                run.wait(self.dice.uniform(0, 0.3))
            except subprocess.TimeoutExpired:
                os.killpg(run.pid, signal.SIGKILL)
        answer = run.communicate(timeout=60)[0]
        try:
            return failure_of(made, answer)
        except BadAnswer:
            assert run.returncode == -signal.SIGKILL
            self.killed += 1
            return None


@pytest.mark.parametrize("deadly", [0, 0.5], ids=["all live", "half of them are killed"])
def test_of_many_callers_at_once_each_gets_its_turn_and_nothing_is_lost(
    host: SandboxHost, looker: Interrupter, deadly: float
) -> None:
    first = looker.look()
    callers = [
        Caller(host, f"/etc/sysctl.d/{60 + number}-caller.conf", deadly, random.Random(number))  # noqa: S311  # to be the same each time
        for number in range(AT_ONCE)
    ]
    values = {"tcp_rfc1337": 1, "ip_local_port_range": [15000, 60999]}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda caller: caller.settle(**values), callers))
        there = looker.look()
        assert {path for path in there.files if path.startswith("/etc/sysctl.d/")} == {each.path for each in callers}
        assert not [path for path in there.files if path.startswith(f"{LOCK}.")]
        assert (there.knobs["tcp_tw_reuse"], there.knobs["tcp_rfc1337"]) == ("1\n", "1\n")
        list(pool.map(lambda caller: caller.settle(state="absent"), callers))
    assert looker.look() == first
    # They were in each other's way, and some died.
    assert sum(caller.runs for caller in callers) > 2 * AT_ONCE
    assert bool(deadly) == bool(sum(caller.killed for caller in callers))


def test_of_many_runs_of_one_plan_one_does_it_and_the_others_say_so(host: SandboxHost, looker: Interrupter) -> None:
    first = looker.look()
    for _round in range(3):
        made = planned(host, tcp_rfc1337=1)
        script = without_look(made, patience=600).replace("sleep 1\n", "sleep 0.05\n")
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(lambda _each, script=script: answer_of(host, script), range(AT_ONCE)))
        failures = [failure_of(made, answer) for answer in answers]
        assert failures.count(None) == 1
        assert all(failure is None or "others than a moment ago" in failure for failure in failures)
        assert not planned(host, tcp_rfc1337=1).plan.changed
        looker.restore(first)
