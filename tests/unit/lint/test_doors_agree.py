# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lint of a play and that of a tree say the same of what both can see."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from tests.lint.agreement import HOSTS, reported, write
from tests.lint.cases import Case, build, draw
from tests.unit.played import Player

pytestmark = pytest.mark.usefixtures("modules_of_collections")

CASES = 150

#: What a play does not know before it runs, or runs elsewhere: dynamic includes, facts, another host.
NOT_YET = re.compile(
    r"include|by-name|tasks_from|set_fact|fact-of|gathered|stage|set-again|local_action|imported-playbook"
)
#: What only a look at the whole tree does: a play that is tagged never is not loaded here as it would be.
OTHERWISE = re.compile(r"play-never")

OURS = "  pre_tasks:\n    - name: Ours\n      debug:\n"


def cases() -> list[Case]:
    seen = (case for case in draw(3) if not NOT_YET.search(case.id) and not OTHERWISE.search(case.id))
    return [case for case in itertools.islice(seen, CASES) if _has_room(build(case).files["site.yml"])]


def _has_room(playbook: str) -> bool:
    """Whether a task of ours can be put before the others of its last play."""
    return "pre_tasks" not in playbook and "import_playbook" not in playbook


def test_what_a_play_turns_on_is_what_its_tree_turns_on(tmp_path: Path) -> None:
    differing = []
    for number, case in enumerate(cases()):
        top = tmp_path / str(number)
        built = build(case)
        write(built, top)
        expected = bool(reported(top, HOSTS)["set"])
        site = top / "site.yml"
        site.write_text(site.read_text().rstrip("\n") + f"\n{OURS}")
        source = next(path for path in (top / "hosts", top / "hosts.yml") if path.is_file())
        player = Player(top)
        found = player.places(player.read(str(source), on="h1"))
        if (None in found.values()) != expected:
            differing.append(f"{case.id}: {found}")
    assert not differing, "\n".join(differing)
