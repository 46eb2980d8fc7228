# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of linux_tcp.tuning.timewait_settings; its documentation is in plugins/modules/timewait_settings.py."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible import constants as C
from ansible.utils.display import Display
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._action import TimewaitAction
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._model import Note
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._report import Report, as_data, sentences
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._exposure import Claim, exposure_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._knob_values import boot_values, knob_values, plain
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._knobs import KNOBS
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._live import STRANGE
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._origin import in_words, origin_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._plan import Plan, plan
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._policy import REMEDY, Impossible
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._request import Request, request_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import (
    BadAnswer,
    Probe,
    Section,
    apply_script,
    probe_script,
    state_of,
)
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._snapshot import Snapshot
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._steps import diff_of, failure_in, log_of, steps_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._words import ROLE


def _given(arguments: dict[str, Any]) -> dict[str, Any]:
    return {option: value for option, value in arguments.items() if value is not None}


def _refusal_of_play(report: Report) -> str:
    errors = "; ".join(sentences(report, "error"))
    return (
        f"refused, because another task of this play would turn tcp_tw_recycle on: {errors}. Nothing was touched. "
        f"{REMEDY} lint_play: false leaves the play unread"
    )


class ActionModule(TimewaitAction):
    spec = {
        **{name: {"type": "str"} for name in ("state", "conflicts", "path", "apply_to", "owner")},
        "lint_play": {"type": "bool"},
        **{name: {"type": "raw"} for name in KNOBS},
    }

    def answer(self, arguments: dict[str, Any], claims: list[Claim], task_vars: dict[str, Any]) -> dict[str, Any]:
        request = request_of({"owner": self._owner(), **_given(arguments)})
        exposure_of(claims)  # a contradiction among the tags ends it before the host is contacted
        if request.state == "absent" or arguments["lint_play"] is False:
            return self._settled(request, arguments, claims, task_vars)
        report = self._read_play(arguments, task_vars)
        if report.counts["error"]:
            return {"changed": False, "failed": True, "msg": _refusal_of_play(report), **as_data(report)}
        result = self._settled(request, arguments, claims, task_vars)
        return {**result, "warnings": [*result.get("warnings", ()), *sentences(report, "warning")]}

    def _read_play(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> Report:
        """What the play brings to this host. That it cannot be read is no reason to leave the host untuned."""
        try:
            report = self.report_on_play(arguments, task_vars)
        except STRANGE as error:
            report = Report((), (Note("this play", None, f"could not be looked into: {error}"),), 0, "")
        host = task_vars["inventory_hostname"]
        for note in report.notes:
            Display().verbose(f"lint_play: {note.path}: {note.message}", host=host, caplevel=0)
        return report

    def _settled(
        self, request: Request, arguments: dict[str, Any], claims: list[Claim], task_vars: dict[str, Any]
    ) -> dict[str, Any]:
        probe = Probe(
            request.path,
            try_to_write=tuple(KNOBS),
            listeners="ip_local_port_range" in request.values,
            # Looking for signs of exposure takes time, and only what would turn recycle on asks for them.
            evidence=bool(request.recycle) or request.state == "absent",
        )
        answer, _sections, snapshot = self.ask(probe_script(probe), probe.nonce)
        made = plan(snapshot, exposure_of(claims, snapshot), request)
        result = self._predicted(made, snapshot, arguments)
        if request.recycle and request.state == "present":
            result = self._with_victims(result, snapshot, task_vars)
        if made.refused and request.state == "present":
            return {**result, "failed": True, "msg": self._refusal(result["refused"], task_vars)}
        if self._task.check_mode or not made.changed:
            return result
        steps = steps_of(made)
        log = [] if self._no_log(task_vars) else log_of(made)
        script = apply_script(probe, state_of(answer, probe.nonce), steps, log)
        sections = self._carry_out(script, probe.nonce)
        failure = failure_in(sections, steps)
        try:
            after = self.state_in(sections)
            left = plan(after, exposure_of(claims, after), request)
        except (Impossible, BadAnswer) as error:
            # What the host says now must not hide what went wrong.
            if not failure:
                raise
            raise Impossible(f"{failure}. {error}") from error
        # A connection plugin that tries again sends the script twice: the second finds the first's work done.
        if failure and left.changed:
            return {**result, "changed": False, "failed": True, "msg": failure, "after": knob_values(after)}
        if left.changed:
            return {**result, "failed": True, "msg": f"not as planned in the end; left to do: {log_of(left)}"}
        return {**result, "after": knob_values(after), "boot": boot_values(after, after.files)}

    def _with_victims(self, result: dict[str, Any], snapshot: Snapshot, task_vars: dict[str, Any]) -> dict[str, Any]:
        """With the hosts that recycle on this one would drop, as far as their facts are known by now."""
        # Each worker process imports what it needs anew, and this is rarely needed.
        from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._audit import (  # noqa: PLC0415
            names_of,
            radius_of,
            reason_of,
        )
        from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._known import known_facts  # noqa: PLC0415

        host = self._task.delegate_to or task_vars["inventory_hostname"]
        hosts = task_vars["groups"]["all"]
        facts = {**dict.fromkeys(hosts), **known_facts(task_vars["hostvars"], hosts)}
        radius = radius_of(host, snapshot.kernel.release, facts)
        if not radius.dropped:
            return result
        if result["refused"]:
            more = {**result["refused"][0], "reason": reason_of(radius), "evidence": names_of(radius)}
            return {**result, "refused": [*result["refused"], more]}
        return {**result, "warnings": [*result["warnings"], f"{reason_of(radius)} ({', '.join(names_of(radius))})"]}

    def _carry_out(self, script: str, nonce: str) -> list[Section]:
        try:
            return self._transport.run(script, nonce)[1]
        except BadAnswer as error:
            unknown = "How far the host came is not known. Run it again: it goes on from there"
            raise BadAnswer(f"{error}. {unknown}") from error

    def _predicted(self, made: Plan, snapshot: Snapshot, arguments: dict[str, Any]) -> dict[str, Any]:
        """The result as it will be: in check mode the answer, in a real run what is then confirmed."""
        before = knob_values(snapshot)
        origin = origin_of(self._task, "tcp_tw_recycle", arguments.get("tcp_tw_recycle"))
        return {
            "changed": made.changed,
            "diff": diff_of(made),
            "before": before,
            "after": {**before, **{change.knob: plain(change.after) for change in made.changes}},
            "boot": boot_values(snapshot, made.files),
            "refused": [
                {**asdict(refusal), "evidence": list(refusal.evidence), "origin": origin} for refusal in made.refused
            ],
            "warnings": list(made.warnings),
        }

    def _refusal(self, refused: list[dict[str, Any]], task_vars: dict[str, Any]) -> str:
        first = refused[0]
        host = self._task.delegate_to or task_vars["inventory_hostname"]
        reasons = "; ".join(f"{refusal['reason']} ({', '.join(refusal['evidence'])})" for refusal in refused)
        return (
            f"refused to set {first['key']} to {first['value']}{in_words(first['origin'])} on {host}: {reasons}. "
            f"Nothing was touched. {first['remedy']}"
        )

    def _owner(self) -> str:
        """Whose settings these are, unless the task says so: those of the role that uses our role, if any does."""
        if not self._by_role():
            return ""
        parents = self._task._role.get_parents()
        return str(parents[0].get_name() if parents else ROLE)

    def _no_log(self, task_vars: dict[str, Any]) -> bool:
        silent = C.config.get_config_value("DEFAULT_NO_TARGET_SYSLOG", variables=task_vars)
        return bool(self._task.no_log or silent)
