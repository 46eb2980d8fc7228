# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays as ansible-core loads them, for the lint of the play that a task runs in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook import Playbook
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils import _live
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._judge import is_on
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._lint import lint
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._model import Result
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._live import assignments_in_play


class Player:
    """A project in a directory, and its play as the task "Ours" of it sees it on one host."""

    def __init__(self, directory: Path) -> None:
        self._top = directory

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            (self._top / name).parent.mkdir(parents=True, exist_ok=True)
            (self._top / name).write_text(text)

    def read(self, inventory_source: str = "web1,db1,", on: str = "web1", **variables: Any) -> Result:
        loader = DataLoader()
        loader.set_basedir(str(self._top))
        inventory = InventoryManager(loader=loader, sources=[inventory_source])
        manager = VariableManager(loader=loader, inventory=inventory)
        HostVars(inventory=inventory, variable_manager=manager, loader=loader)
        playbook = Playbook.load(str(self._top / "site.yml"), variable_manager=manager, loader=loader)
        play = playbook.get_plays()[-1].copy()
        (ours,) = [one for one in _live._flat(play.compile()) if one.name == "Ours"]
        host = inventory.get_host(on)
        task_vars = {**manager.get_vars(play=play, host=host, task=ours), **variables}
        # What ran before is in the variables of the host, for whichever task.
        manager.set_nonpersistent_facts(on, variables)
        return assignments_in_play(ours, task_vars, str(self._top))

    def places(self, found: Result) -> dict[str, str | None]:
        """Place and value of what turns recycle on: and why it may not; "?" for what cannot be told."""
        return {
            f"{one.at.path.removeprefix(f'{self._top}/')}:{one.at.line}": "?" if one.undecided else one.lowered
            for one in found.assignments
            if one.name == "tcp_tw_recycle" and (one.undecided or is_on(one.value))
        }

    def tree(self) -> Result:
        return lint([str(self._top)])
