# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tag comes from, an exposed one or the attestation that the host is private: one function for each entry."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.integration.support import SETTINGS
from tests.integration.ways.case import BYSTANDER, Case

VARIABLE = "timewait_exposure"

#: In tags and in names of groups a hyphen is as good as an underscore.
WORDS = ("public_facing", "behind-nat", "public-facing", "behind_nat")
TAGS = ("public_facing", "behind_nat", "private")

#: Groups in groups, whoever is in them.
CHILDREN: dict[str, Any] = {
    tag: {"children": {f"child_of_{tag}": {"children": {f"grandchild_of_{tag}": {}}}}} for tag in TAGS
}

#: An inventory source that makes groups and variables of variables.
CONSTRUCTED = json.dumps(
    {
        "plugin": "ansible.builtin.constructed",
        "groups": {tag: f"constructed_group == '{tag}'" for tag in TAGS},
        "compose": {VARIABLE: "composed_exposure"},
    }
)


def _named_group(case: Case) -> None:
    names = {"public_facing": "timewait_public_groups", "behind_nat": "timewait_nat_groups"}
    case.groups.append("edge" if case.tag in names else case.word)
    if case.tag in names:
        case.tags[names[case.tag]] = _one_of(case, "edge", "web, edge", ["edge"])


def _added_host(case: Case) -> None:
    added = {"name": case.target, "groups": [case.word], **case.connection}
    case.plays.append(
        {
            "hosts": BYSTANDER,
            "gather_facts": False,
            "tasks": [{"ansible.builtin.add_host": added, "changed_when": False}],
        }
    )


def _template(case: Case) -> None:
    case.tags["mine"] = case.word
    case.tags[VARIABLE] = _one_of(case, "{{ mine }}", "{{ [mine] if true else [] }}", ["{{ mine | upper }}"])


def _set_fact(case: Case) -> None:
    there = {"delegate_to": case.target, "delegate_facts": True} if case.target != case.host else {}
    case.before.append({"ansible.builtin.set_fact": {VARIABLE: [case.word]}, **there})


def _option(case: Case) -> None:
    case.options["exposure"] = _one_of(case, case.word, [case.word], f" {case.word},")


def _defaults_of_the_module(case: Case) -> None:
    case.play.setdefault("module_defaults", {}).setdefault(SETTINGS, {})["exposure"] = [case.word]


def _nothing(case: Case) -> None:
    """No tag is not the same as the attestation."""
    if case.tag == "private":
        case.groups.append("private")


def _one_of(case: Case, *choices: Any) -> Any:
    return choices[case.way.number % len(choices)]


ARRIVALS: dict[str, Callable[[Case], None]] = {
    "group": lambda case: case.groups.append(case.word),
    "child group": lambda case: case.groups.append(f"child_of_{case.tag}"),
    "grandchild group": lambda case: case.groups.append(f"grandchild_of_{case.tag}"),
    "named group": _named_group,
    "constructed group": lambda case: case.tags.update(constructed_group=case.tag),
    "group_by": lambda case: case.before.append({"ansible.builtin.group_by": {"key": case.word}}),
    "added host": _added_host,
    "text": lambda case: case.tags.update({VARIABLE: _one_of(case, case.word, case.word.title(), f" {case.word} ")}),
    "list": lambda case: case.tags.update({VARIABLE: [case.word]}),
    "INI text": lambda case: case.ini.append(
        f"{case.target} {VARIABLE}={_one_of(case, case.word, json.dumps([case.word]), json.dumps(case.word + ', '))}"
    ),
    "template": _template,
    "composed variable": lambda case: case.tags.update(composed_exposure=[case.word]),
    "set_fact": _set_fact,
    "variable of the play": lambda case: case.play.setdefault("vars", {}).update({VARIABLE: [case.word]}),
    # For a whole run: see runs.py.
    "extra variable": lambda _case: None,
    "option": _option,
    "defaults of the module": _defaults_of_the_module,
    "nothing": _nothing,
}
