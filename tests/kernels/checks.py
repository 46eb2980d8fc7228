# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest's answers show: each check shows something, says that this kernel cannot, or is wrong. Pure.

What a kernel does decides, not its version: where a trial and the engine disagree, the check fails.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jsonschema
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._advice._finding import Finding
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._advice._rules import findings_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._census import Census, censuses_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._exposure import Claim, exposure_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._facts import facts_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._observed import Observed
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._plan import Plan, plan
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._policy import (
    RECYCLE_WARNING,
    Impossible,
    recycle_unseen,
)
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._request import request_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import BadAnswer, Section, sections_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._snapshot import Snapshot, snapshot_of

from tests.kernels.boot import Answer
from tests.kernels.steps import COUNTERS, RECYCLE_OFF, REUSE_ONE

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "timewait_facts.schema.json").read_text(encoding="utf-8"))
RECYCLE = "tcp_tw_recycle"
NO_RECYCLE = "no tcp_tw_recycle: removed in Linux 4.12"
#: Seconds: a connection that takes no longer was answered at once.
AT_ONCE = 0.9
#: Of the sockets in steps.py: in FIN_WAIT_2, inbound, outbound, and the rest.
COUNTED = (2, 3, 4, 0)


class NotHere(Exception):
    """This kernel cannot show it; the message says what, and why."""


class Wrong(Exception):
    """It is not as it should be; the message says what was seen."""


@dataclass(frozen=True)
class Outcome:
    kind: Literal["shown", "not on this kernel", "WRONG"]
    check: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


@dataclass(frozen=True)
class Seen:
    """The answers of a guest; the probes among them have frames of ``nonce``."""

    answers: Mapping[str, Answer]
    nonce: str

    def sections(self, name: str) -> list[Section]:
        found: list[Section] = sections_of(self._content(name), self.nonce)
        return found

    def snapshot(self, name: str) -> Snapshot:
        return snapshot_of(self.sections(name))

    def trial(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._content(name))
        return found

    def census(self, name: str) -> Census | None:
        found = censuses_of(self.sections(name))
        return found[0] if found else None

    def _content(self, name: str) -> bytes:
        answer = self.answers.get(name)
        need(answer is not None, f"the guest did not get to the step {name!r}")
        assert answer is not None
        need(answer.status == 0, f"the step {name!r} ended with exit status {answer.status}; its console says why")
        return answer.content


def need(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Wrong(otherwise)


def findings(snapshot: Snapshot) -> dict[str, Finding]:
    host = Observed(snapshot, exposure_of([], snapshot))
    return {finding.id: finding for finding in findings_of(host)}


def asked(snapshot: Snapshot, *tags: str, recycle: int = 1) -> Plan:
    """What timewait_settings makes of a task that asks for tcp_tw_recycle, on a host with these tags."""
    claims = [Claim(tag, "a group") for tag in tags]
    return plan(snapshot, exposure_of(claims, snapshot), request_of({RECYCLE: recycle, "apply_to": "runtime"}))


def facts(seen: Seen) -> str:
    snapshot = seen.snapshot("facts")
    host = Observed(snapshot, exposure_of([], snapshot), seen.census("facts"))
    whole = facts_of(host, findings_of(host))
    try:
        jsonschema.validate(whole, SCHEMA)
    except jsonschema.ValidationError as error:
        raise Wrong(f"the facts do not have the shape of the schema: {error.message}") from error
    need(snapshot.initial_namespace, "a guest's own network namespace was not taken for the initial one")
    names = [name for name in (RECYCLE, "tcp_tw_reuse", "tcp_timestamps") if name in snapshot.knobs]
    values = ", ".join(f"{name} {snapshot.knobs[name]}" for name in names)
    return f"the facts of {snapshot.kernel.release} have the shape of the schema ({values})"


def census(seen: Seen) -> str:
    need(seen.answers["sockets"].status == 0, "the sockets to be counted were not made; the console says why")
    found = {name: seen.census(f"census_{name}") for name in COUNTERS}
    by_proc = found["proc"]
    need(by_proc is not None and by_proc.method == "proc", "nobody counted the sockets in /proc/net/tcp")
    counted = [name for name, one in found.items() if one]
    for name in counted:
        need(_numbers(found[name]) == COUNTED, f"{name} counted {_numbers(found[name])}, and there are {COUNTED}")
    missing = [name for name in COUNTERS if name not in counted]
    said = f"census by {', '.join(counted)}: each counts 3 inbound, 4 outbound and 2 in FIN_WAIT_2"
    return f"{said}; not by {' and '.join(missing)}, as tcp_diag is a module that is not here" if missing else said


def _numbers(census: Census | None) -> tuple[int, ...]:
    assert census is not None
    return census.fin_wait_2, census.inbound.sockets, census.outbound.sockets, census.undetermined.sockets


def timestamps(seen: Seen) -> str:
    offset = seen.trial("offset")["offset"]
    counted = seen.census("census_sock_diag")
    if counted and counted.method == "sock_diag":
        need(counted.offset == offset, f"the census says {counted.offset} of timestamps, and {offset} by itself")
    need(offset != "unknown", "the self-test of timestamps has no answer")
    before = seen.snapshot("before").kernel.version < (4, 10)
    need(not before or offset == "none", f"timestamps have the offset {offset}, which Linux 4.10 began with")
    return f"offset of timestamps: {offset}"


def clock(seen: Seen) -> str:
    """The control of recycle_enabled: what it does to a client's clock is noticed by every kernel."""
    found = seen.trial("clock")
    need(found["rejected"] > 0, "PAWS did not notice a host whose clock is ahead of another's")
    need(found["seconds"] is not None, "a client whose port is in TIME_WAIT got no connection at all")
    free = seen.trial("shared_address")
    need(_answered(free["same_address"]), "without recycle, a host behind a shared address was not answered at once")
    return "two hosts with different clocks behind one address are answered at once (PAWS tells their clocks apart)"


def _answered(seconds: float | None) -> bool:
    return seconds is not None and seconds < AT_ONCE


def recycle_enabled(seen: Seen) -> str:
    before = seen.snapshot("before")
    need("recycle_enabled" not in findings(before), "recycle_enabled is found on a kernel that has just started")
    if RECYCLE not in before.knobs:
        need(before.kernel.version >= (4, 12), f"{before.kernel.release} has no tcp_tw_recycle, and should have it")
        raise NotHere(f"recycle_enabled ({NO_RECYCLE})")
    on, snapshot = seen.trial("shared_address_recycle"), seen.snapshot("recycle")
    dropped = on["rises"].get("PAWSPassive", 0)
    need(on["same_address"] is None, "with recycle, a host behind a shared address was answered all the same")
    need(_answered(on["other_address"]), "with recycle, a host with an address of its own was not answered at once")
    need(dropped > 0, f"connections were dropped, and PAWSPassive did not rise: {on['rises']}")
    _is_found(snapshot, "recycle_enabled", f"{dropped} SYNs dropped so far (PAWSPassive)", RECYCLE_OFF)
    _is_mended(seen)
    return (
        f"recycle_enabled: {dropped} SYNs of a host behind a shared address dropped, and no other; gone after "
        f"'{RECYCLE_OFF}', and the host is answered at once ({on['rises']})"
    )


def _is_found(snapshot: Snapshot, name: str, evidence: str, remedy: str) -> None:
    finding = findings(snapshot).get(name)
    need(finding is not None, f"{name} was not found")
    assert finding is not None
    there = any(words.startswith(evidence) for words in finding.evidence)
    need(there, f"{name} has the evidence {finding.evidence}, and not {evidence!r}")
    need(finding.commands == (remedy,), f"{name} has other commands than {remedy!r}: {finding.commands}")


def _is_mended(seen: Seen) -> None:
    need(seen.answers["recycle_remedy"].status == 0, f"'{RECYCLE_OFF}' failed")
    after = seen.trial("shared_address_remedied")
    need(_answered(after["same_address"]), "with recycle off again, a host behind a shared address was not answered")
    need(after["rises"].get("PAWSPassive") == 0, f"with recycle off again, connections were dropped: {after['rises']}")
    need("recycle_enabled" not in findings(seen.snapshot("remedied")), "recycle_enabled is found after its remedy")


def reuse_two_is_global(seen: Seen) -> str:
    off, on, two = (seen.trial("reuse")[value] for value in "012")
    need(off == {"error": "EADDRNOTAVAIL", "taken_over": 0}, f"two ports in TIME_WAIT, reuse 0: {off}")
    need(on == {"error": None, "taken_over": 1}, f"two ports in TIME_WAIT for three seconds, reuse 1: {on}")
    snapshot, name = seen.snapshot("reuse_two"), "reuse_two_is_global"
    need(snapshot.knobs["tcp_tw_reuse"] == 2, "tcp_tw_reuse could not be set to 2")
    is_found = name in findings(snapshot)
    need(two in (on, off), f"two ports in TIME_WAIT for three seconds, reuse 2: {two}")
    need(is_found == (two == on), f"{name} is {'' if is_found else 'not '}found, and reuse 2 did this: {two}")
    if not is_found:
        raise NotHere(f"{name} (2 means loopback only since Linux 4.18: no other TIME_WAIT is taken over)")
    _is_found(snapshot, name, "net.ipv4.tcp_tw_reuse is 2", REUSE_ONE)
    need(seen.answers["reuse_remedy"].status == 0, f"'{REUSE_ONE}' failed")
    need(name not in findings(seen.snapshot("reuse_one")), f"{name} is still found after its remedy")
    return f"{name}: 2 takes over a TIME_WAIT of an address that is not loopback; gone after '{REUSE_ONE}'"


def refusal(seen: Seen) -> str:
    before = seen.snapshot("before")
    need(bool(asked(before).refused), "tcp_tw_recycle: 1 is not refused on a host without a tag")
    for tag in ("public_facing", "behind_nat"):
        need(bool(asked(before, tag).refused), f"tcp_tw_recycle: 1 is not refused on a host tagged {tag}")
    private = asked(before, "private")
    if RECYCLE not in before.knobs:
        _is_refused(private, "this kernel has no tcp_tw_recycle")
        return "tcp_tw_recycle: 1 is refused, with the tag private too: this kernel has no such knob"
    if before.kernel.version >= (4, 10):
        _is_refused(private, "timestamps are randomised")
        return "tcp_tw_recycle: 1 is refused, with the tag private too: timestamps are randomised from Linux 4.10 on"
    need(not private.refused, f"tcp_tw_recycle: 1 is refused on a private host: {private.refused}")
    need(RECYCLE_WARNING in private.warnings, f"no warning comes with tcp_tw_recycle: 1: {private.warnings}")
    need((RECYCLE, 0, 1) in [(c.knob, c.before, c.after) for c in private.changes], "tcp_tw_recycle: 1 changes nothing")
    after = seen.snapshot("remedied")
    dropped = after.counters.get("PAWSPassive", 0)
    _is_refused(asked(after, "private"), f"dropped {dropped} connection attempts")
    return (
        "tcp_tw_recycle: 1 is refused without a tag, allowed with a warning on a private host, and refused there after "
        f"{dropped} drops (PAWSPassive)"
    )


def _is_refused(made: Plan, words: str) -> None:
    said = [f"{refused.reason} {refused.evidence}" for refused in made.refused]
    need(any(words in text for text in said), f"no refusal says {words!r}: {said}")


def child_namespace(seen: Seen) -> str:
    if seen.answers["child"].status:
        raise NotHere("what a container sees (no network namespaces)")
    inside, outside = seen.snapshot("child"), seen.snapshot("before")
    need(not inside.initial_namespace, "a new network namespace was taken for the initial one")
    unseen = recycle_unseen(inside)
    if RECYCLE not in outside.knobs:
        need(unseen is None, f"a knob that this kernel does not have is said to be out of sight: {unseen}")
        raise NotHere(f"a container that cannot see tcp_tw_recycle ({NO_RECYCLE})")
    if outside.kernel.version >= (4, 11):
        need(RECYCLE in inside.knobs, "a namespace has no tcp_tw_recycle of its own, which Linux 4.11 began with")
        raise NotHere("a container that cannot see tcp_tw_recycle (each has its own since Linux 4.11)")
    need(RECYCLE not in inside.knobs, "a network namespace has a tcp_tw_recycle, which Linux 4.11 began with")
    need(bool(unseen) and "cannot be seen from here" in str(unseen), f"it is not said to be out of sight: {unseen}")
    return f"in a new network namespace tcp_tw_recycle is out of sight, and that is said{_settings_inside(inside)}"


def _settings_inside(inside: Snapshot) -> str:
    """Before Linux 4.10 tcp_tw_reuse is out of sight there too, and nothing can be set."""
    try:
        asked(inside, recycle=0)
    except Impossible as error:
        need("cannot be seen from here" in str(error), f"timewait_settings says something else there: {error}")
        return "; timewait_settings stops there with the same words of tcp_tw_reuse"
    need(inside.kernel.version >= (4, 10), "timewait_settings has nothing to say of a tcp_tw_reuse that is not there")
    return ""


CHECKS: Mapping[str, Callable[[Seen], str]] = {
    "facts": facts,
    "census": census,
    "timestamps": timestamps,
    "clock": clock,
    "recycle_enabled": recycle_enabled,
    "reuse_two_is_global": reuse_two_is_global,
    "refusal": refusal,
    "child_namespace": child_namespace,
}
#: Findings that only an old kernel can show.
OLD_KERNELS_ONLY = ("recycle_enabled", "reuse_two_is_global")


def outcomes_of(seen: Seen) -> list[Outcome]:
    return [_outcome(name, check, seen) for name, check in CHECKS.items()]


def _outcome(name: str, check: Callable[[Seen], str], seen: Seen) -> Outcome:
    try:
        return Outcome("shown", name, check(seen))
    except NotHere as why:
        return Outcome("not on this kernel", name, str(why))
    except (Wrong, Impossible, BadAnswer, ValueError, LookupError) as error:
        return Outcome("WRONG", name, f"{name}: {error if isinstance(error, Wrong) else repr(error)}")
