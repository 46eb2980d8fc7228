# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tag cannot be taken away. What can be done all the same is in docs/questions.md, and each of it is shown here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.integration.support import (
    ROLE,
    SETTINGS,
    alias,
    bystander,
    each_on_its_own,
    failure,
    outcome,
    tasks,
)
from tests.sandbox.hosts import ROOT, SandboxHost
from tests.sandbox.runs import Ansible
from tests.sandbox.states import everything

Play = dict[str, Any]

RECYCLE = {"tcp_tw_recycle": 1}
PRIVATE = {"timewait_exposure": ["private"]}
PUBLIC = {"timewait_exposure": ["public_facing"]}

BY_GROUP = "tagged public_facing by group public-facing"
CONTRADICTION = "only one of them can be true"

#: Answers its terms in turn, whichever process asks.
TURNS = """
from pathlib import Path
from ansible.plugins.lookup import LookupBase

class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        log = Path(terms[0])
        asked = len(log.read_text()) if log.exists() else 0
        with log.open("a") as file:
            file.write(".")
        return [terms[1:][min(asked, len(terms) - 2)]]
"""


def turns(directory: Path, name: str, *answers: Any) -> str:
    return f"{{{{ lookup('turns', '{directory / name}', *{list(answers)!r}) }}}}"


def asking(*before: Play, options: Play | None = None, **keywords: Any) -> Play:
    """A play that asks for recycle; ``keywords`` are those of its one task."""
    return tasks(*before, {"name": "Settings", SETTINGS: {**RECYCLE, **(options or {})}, **keywords})


def with_variables(**variables: Any) -> Play:
    return {**asking(), "vars": variables}


#: Ways to take a tag away, each tried on a host of that name in the group public-facing; and what the refusal says.
ATTEMPTS: dict[str, tuple[Play, str]] = {
    "group_names-of-the-play": (with_variables(group_names=["private"]), BY_GROUP),
    "groups-of-the-play": (with_variables(groups={"private": ["groups-of-the-play"]}), BY_GROUP),
    "groups-of-the-task": (asking(vars={"groups": {"private": ["groups-of-the-task"]}}), BY_GROUP),
    "group_names-as-facts": (asking({"ansible.builtin.set_fact": {"group_names": ["private"]}}), BY_GROUP),
    "hostvars-of-the-play": (with_variables(hostvars={"hostvars-of-the-play": PRIVATE}), BY_GROUP),
    "another-name": (with_variables(inventory_hostname="attested", inventory_hostname_short="x"), BY_GROUP),
    "another-name-for-the-task": (asking(vars={"inventory_hostname": "attested"}), BY_GROUP),
    "no-hosts": (with_variables(ansible_play_hosts=[], ansible_play_batch=[], play_hosts=[], omit="x"), BY_GROUP),
    "other-groups": (with_variables(timewait_public_groups=[], timewait_nat_groups=[]), BY_GROUP),
    "options-of-other-groups": (asking(options={"public_groups": [], "nat_groups": []}), BY_GROUP),
    "empty-option": (asking(options={"exposure": []}), BY_GROUP),
    "empty-template": (
        {**asking(options={"exposure": "{{ '' }}"}), "vars": {"timewait_exposure": "{{ '' }}"}},
        BY_GROUP,
    ),
    "connection": ({**asking(), "connection": "ansible.builtin.local"}, BY_GROUP),
    "itself": (asking(delegate_to="itself"), BY_GROUP),
    "refreshed": (asking({"ansible.builtin.meta": "refresh_inventory"}), BY_GROUP),
    "added-again": (
        asking({"ansible.builtin.add_host": {"name": "added-again", "groups": ["elsewhere"]}, "changed_when": False}),
        BY_GROUP,
    ),
    "cached-facts": (asking({"ansible.builtin.set_fact": {**PRIVATE, "cacheable": True}}), BY_GROUP),
    "private-play": (with_variables(**PRIVATE), CONTRADICTION),
    "private-task": (asking(vars=PRIVATE), CONTRADICTION),
    "private-fact": (asking({"ansible.builtin.set_fact": PRIVATE}), CONTRADICTION),
    "private-option": (asking(options={"exposure": ["private"]}), CONTRADICTION),
    "private-defaults": ({**asking(), "module_defaults": {SETTINGS: {"exposure": "private"}}}, CONTRADICTION),
    "private-role": (
        tasks({"ansible.builtin.include_role": {"name": ROLE}, "vars": {"timewait_tcp_tw_recycle": 1, **PRIVATE}}),
        CONTRADICTION,
    ),
    "private-group": (asking({"ansible.builtin.group_by": {"key": "private"}}), CONTRADICTION),
    "private-added": (
        asking({"ansible.builtin.add_host": {"name": "private-added", "groups": ["private"]}, "changed_when": False}),
        CONTRADICTION,
    ),
    "undefined-option": (asking(options={"exposure": "{{ nobody_said }}"}), "nobody_said"),
    "template-that-raises": (with_variables(timewait_exposure="{{ 1 / 0 }}"), "zero"),
    "undefined-in-a-list": (with_variables(timewait_nat_groups=["{{ nobody_said }}"]), "nobody_said"),
    "asynchronous": (asking(**{"async": 5, "poll": 1}), "async"),
}


def test_nothing_in_a_play_takes_a_tag_away(ansible: Ansible, legacy_host: SandboxHost) -> None:
    before = everything(legacy_host)
    hosts = [*(alias(legacy_host, name) for name in (*ATTEMPTS, "attested")), bystander(legacy_host)]
    groups = {"public-facing": list(ATTEMPTS), "private": ["attested"]}
    plays = each_on_its_own({name: play for name, (play, _words) in ATTEMPTS.items()})
    run = ansible.playbook(plays, hosts, "--limit", ",".join((*ATTEMPTS, "bystander")), groups=groups)
    for name, (_play, words) in ATTEMPTS.items():
        assert words in failure(run, name)["msg"], (name, failure(run, name)["msg"])
    assert everything(legacy_host) == before


def test_no_magic_variable_on_the_command_line_takes_a_tag_away(ansible: Ansible, legacy_host: SandboxHost) -> None:
    attack = {
        "group_names": ["private"],
        "groups": {"private": ["tagged"]},
        "hostvars": {"tagged": PRIVATE},
        "inventory_hostname": "attested",
        "ansible_play_hosts": [],
        "omit": "x",
    }
    before = everything(legacy_host)
    hosts = [alias(legacy_host, name) for name in ("tagged", "attested")]
    groups = {"public-facing": ["tagged"], "private": ["attested"]}
    run = ansible.playbook({**asking(), "hosts": "tagged"}, hosts, groups=groups, extra_vars=attack)
    assert BY_GROUP in failure(run, "tagged")["msg"]
    run = ansible.adhoc(SETTINGS, RECYCLE, hosts, "--limit", "tagged", groups=groups, extra_vars=attack)
    assert BY_GROUP in failure(run, "tagged")["msg"]
    assert everything(legacy_host) == before


def test_a_value_is_asked_for_once(ansible: Ansible, legacy_host: SandboxHost, tmp_path: Path) -> None:
    """What a template answers the first time is judged, and that is what would be set."""
    (tmp_path / "lookup_plugins").mkdir()
    (tmp_path / "lookup_plugins" / "turns.py").write_text(TURNS)
    values = {"first-off": (0, 1), "first-on": (1, 0)}
    plays = {name: tasks({SETTINGS: {"tcp_tw_recycle": turns(tmp_path, name, *of)}}) for name, of in values.items()}
    tags = {name: alias(legacy_host, name) for name in values}
    # The inventory's variable and that of the task are one and the same, asked for twice.
    answers = turns(tmp_path, "two-faced", "private", "public_facing")
    tags["two-faced"] = alias(legacy_host, "two-faced", timewait_exposure=answers)
    plays["two-faced"] = asking()
    run = ansible.playbook(
        each_on_its_own(plays), [*tags.values(), bystander(legacy_host)], groups={"public-facing": list(values)}
    )
    assert run.only(SETTINGS, "first-off").result["after"]["tcp_tw_recycle"] == 0
    assert BY_GROUP in failure(run, "first-on")["msg"]
    assert CONTRADICTION in failure(run, "two-faced")["msg"]
    for name in values:
        assert (tmp_path / name).read_text() == ".", name
    assert legacy_host.sysctl("tcp_tw_recycle") == "0"


def test_a_variable_of_the_inventory_stands_beside_that_of_a_play(ansible: Ansible, legacy_host: SandboxHost) -> None:
    before = everything(legacy_host)
    own_groups = {"ansible.builtin.group_by": {"key": "public_facing"}}
    cases: dict[str, tuple[Play, Play, str]] = {
        "private-play": (PUBLIC, {**asking(), "vars": PRIVATE}, CONTRADICTION),
        "private-task": (PUBLIC, asking(vars=PRIVATE), CONTRADICTION),
        "private-facts": (
            PUBLIC,
            asking({"ansible.builtin.set_fact": {**PRIVATE, "cacheable": True}}),
            "no tag private",
        ),
        "public-play": (PRIVATE, {**asking(), "vars": PUBLIC}, CONTRADICTION),
        "refreshed": (PRIVATE, asking(own_groups, {"ansible.builtin.meta": "refresh_inventory"}), CONTRADICTION),
    }
    hosts = [alias(legacy_host, name, **variables) for name, (variables, _play, _words) in cases.items()]
    plays = {name: play for name, (_variables, play, _words) in cases.items()}
    run = ansible.playbook(each_on_its_own(plays), [*hosts, bystander(legacy_host)])
    for name, (_variables, _play, words) in cases.items():
        assert words in failure(run, name)["msg"], (name, failure(run, name)["msg"])
    assert everything(legacy_host) == before


#: What nobody can defend against: how docs/questions.md calls it, and a play that does it to an exposed host.
LIMITS: dict[str, tuple[str, Play]] = {
    "host-over-group": ("A variable of a host replaces that of its group", asking()),
    "later-source": ("a later source of the inventory", asking()),
    "another-alias": ("One machine under two names", asking()),
    "connects-elsewhere": ("Variables that connect elsewhere", asking(vars={"sandbox_pid": "{{ in_truth }}"})),
    "alike": (
        "delegated by a host that says the same of itself",
        {**asking(delegate_to="attested"), "vars": PUBLIC},
    ),
    "two-faced": (
        "A template that answers otherwise each time",
        {**asking(), "vars": {"timewait_exposure": "{{ faces }}"}},
    ),
    "by-variable": ("An extra variable replaces every other of its name", asking()),
    "by-named-group": ("`timewait_public_groups`", asking()),
}
BY_EXTRA_VARIABLES = ("by-variable", "by-named-group")


def test_the_documentation_lists_what_cannot_be_defended() -> None:
    text = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8")
    section = text.partition("## Can the refusal be got around?\n")[2].partition("\n## ")[0]
    bullets = [" ".join(bullet.split()) for bullet in re.split(r"(?m)^- ", section)[1:]]
    told = [next(words for words, _play in LIMITS.values() if words in bullet) for bullet in bullets]
    assert sorted(told) == sorted({words for words, _play in LIMITS.values()})


def numbered(names: Iterable[str]) -> dict[str, tuple[int, Play]]:
    """Plays of limits, each with the number that it asks for: another one than the others."""
    found: dict[str, tuple[int, Play]] = {}
    for number, name in enumerate(names, start=10):
        text = json.dumps(LIMITS[name][1])
        found[name] = (number, json.loads(text.replace('"tcp_tw_recycle": 1', f'"tcp_tw_recycle": {number}')))
    return found


def test_what_the_documentation_says_cannot_be_defended_cannot(
    ansible: Ansible, legacy_host: SandboxHost, tmp_path: Path
) -> None:
    (tmp_path / "lookup_plugins").mkdir()
    (tmp_path / "lookup_plugins" / "turns.py").write_text(TURNS)
    more = tmp_path / "more.json"
    dmz = {"hosts": {"host-over-group": PRIVATE}, "vars": PUBLIC}
    more.write_text(json.dumps({"all": {"hosts": {"later-source": PRIVATE}, "children": {"dmz": dmz}}}))
    variables: dict[str, Play] = {
        "later-source": PUBLIC,
        "in-truth": PUBLIC,
        "another-alias": PRIVATE,
        "attested": PRIVATE,
        "connects-elsewhere": {**PRIVATE, "sandbox_pid": 1, "in_truth": legacy_host.pid},
        "alike": PUBLIC,
        "two-faced": {"faces": turns(tmp_path, "faces", "private", "public_facing")},
    }
    plays = numbered([name for name in LIMITS if name not in BY_EXTRA_VARIABLES])
    hosts = [alias(legacy_host, name, **variables.get(name, {})) for name in {**plays, **variables}]
    run = ansible.playbook(
        each_on_its_own({name: play for name, (_number, play) in plays.items()}),
        [*hosts, bystander(legacy_host)],
        *("--inventory", str(more)),
    )
    for name, (number, _play) in plays.items():
        assert run.only(SETTINGS, name).result.get("after", {}).get("tcp_tw_recycle") == number, (name, run.text)


def test_what_the_documentation_says_of_extra_variables_is_so(ansible: Ansible, legacy_host: SandboxHost) -> None:
    attack = {**PRIVATE, "timewait_public_groups": []}
    hosts = [
        alias(legacy_host, "by-variable", **PUBLIC),
        alias(legacy_host, "by-named-group", timewait_public_groups=["edge"]),
        bystander(legacy_host),
    ]
    plays = numbered(BY_EXTRA_VARIABLES)
    every = each_on_its_own({name: play for name, (_number, play) in plays.items()})
    run = ansible.playbook(every, hosts, groups={"edge": ["by-named-group"]})
    for name in plays:
        assert "tagged public_facing" in failure(run, name)["msg"]
    run = ansible.playbook(every, hosts, groups={"edge": ["by-named-group"]}, extra_vars=attack)
    for name, (number, _play) in plays.items():
        assert outcome(run, name).result["after"]["tcp_tw_recycle"] == number, (name, run.text)
