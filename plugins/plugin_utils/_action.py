# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions have in common: their arguments, the tags of the host, and errors that say what to do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ._exposure import Claim, exposure_of
from ._inventory import claims_for, host_of
from ._policy import Impossible
from ._script import BadAnswer, Section
from ._snapshot import Snapshot, harmless, printable, snapshot_of
from ._transport import NoWay, Transport
from ._values import BadRequest
from ._words import ROLE, told

if TYPE_CHECKING:
    from ._content._report import Report

#: Options that every action takes, so that module_defaults can be given for the whole group. Values are raw: what
#: they may be is checked by the engine, because core's own types let true, '1.0' and full-width digits through.
COMMON_SPEC: dict[str, dict[str, Any]] = {
    "exposure": {"type": "raw"},
    "public_groups": {"type": "raw"},
    "nat_groups": {"type": "raw"},
}


class TimewaitAction(ActionBase):  # type: ignore[misc]
    """One round trip over the connection, no temporary files, no interpreter on the host."""

    TRANSFERS_FILES = False
    _requires_connection = True
    _supports_check_mode = True
    _supports_async = False

    spec: ClassVar[dict[str, dict[str, Any]]] = {}

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        host = host_of(task_vars or {})
        task_vars = {**(task_vars or {}), "inventory_hostname": host}
        _validated, arguments = self.validate_argument_spec(argument_spec={**COMMON_SPEC, **self.spec})
        try:
            if self._requires_connection:
                self._transport = Transport(
                    self, lambda level, text: Display().verbose(text, host=host, caplevel=level)
                )
            claims = self._claims(arguments, task_vars, self._task.delegate_to)
            answer = self.answer(arguments, claims, task_vars)
        # Returned, not raised: ansible-core 2.16 takes the message of an exception for a template of the user's own.
        except (BadRequest, Impossible, NoWay) as error:
            answer = {"failed": True, "msg": str(error)}
        except BadAnswer as error:
            answer = {"failed": True, "msg": f"the host's answer cannot be used: {error}"}
        answer = told(answer, self._task.delegate_to or host, by_role=self._by_role())
        return {**result, **harmless(answer)}

    def _by_role(self) -> bool:
        """Whether this is the task of our role."""
        role = self._task._role
        return role is not None and role.get_name() == ROLE

    def ask(self, script: str, nonce: str) -> tuple[bytes, list[Section], Snapshot]:
        """Runs a script on the host: its answer, the sections in it, and the state of the host. Raises BadAnswer."""
        answer, sections = self._transport.run(script, nonce)
        return answer, sections, self.state_in(sections)

    def state_in(self, sections: list[Section]) -> Snapshot:
        """The state of a host in its answer. Raises BadAnswer."""
        try:
            return snapshot_of(sections)
        except (ValueError, IndexError) as error:
            raise BadAnswer(printable(str(error))) from error

    def report_on_play(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> Report:
        """What the play of this task would set on this host, judged by the tags of this host.

        That is the host of the play, to whatever other one this task may be delegated: then what the task says of
        the host that it changes says nothing of that one.
        """
        # Each worker process imports what it needs anew: the facts do without the engine of the lint.
        from ._content._judge import judged  # noqa: PLC0415
        from ._content._model import ReachedHost  # noqa: PLC0415
        from ._content._report import Report  # noqa: PLC0415
        from ._live import assignments_in_play  # noqa: PLC0415

        found = assignments_in_play(self._task, task_vars, self._loader.get_basedir())
        own = {**arguments, "exposure": None} if self._task.delegate_to else arguments
        claims = self._claims(own, task_vars, None)
        host = ReachedHost(task_vars["inventory_hostname"], exposure_of(claims))
        here = str(Path.cwd())
        findings = judged(found.assignments, lambda _assignment: (host,), here)
        return Report(tuple(findings), found.notes, found.files, here)

    def answer(self, arguments: dict[str, Any], claims: list[Claim], task_vars: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def _claims(self, arguments: dict[str, Any], task_vars: dict[str, Any], delegate: str | None) -> list[Claim]:
        try:
            return claims_for(task_vars, delegate, arguments, self._templar.template)
        except AnsibleError as error:
            raise BadRequest(f"the exposure of this host cannot be told: a variable has no value: {error}") from error
