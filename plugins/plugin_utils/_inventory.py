# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tags of the host that a task changes, out of Ansible's variables."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ._exposure import Claim, group_claims, listed, words_of
from ._values import BadRequest

VARIABLE = "timewait_exposure"
PUBLIC_GROUPS = "timewait_public_groups"
NAT_GROUPS = "timewait_nat_groups"
VARIABLES = (VARIABLE, PUBLIC_GROUPS, NAT_GROUPS)

#: Characters that patterns of hosts are made of, and that groups seldom have in their names.
_OF_PATTERNS = "*?:!&~"


def host_of(task_vars: Mapping[str, Any]) -> str:
    """The inventory's name of the host that this task is for.

    The variable inventory_hostname would not do: a play, or facts from a compromised host, can set it to the name of
    a host that is attested private. The worker process knows for whom it works.
    """
    host = getattr(multiprocessing.current_process(), "_host", None)
    return str(task_vars["inventory_hostname"] if host is None else host.get_name())


def claims_for(
    task_vars: Mapping[str, Any],
    delegate: str | None,
    options: Mapping[str, Any],
    template: Callable[[Any], Any],
) -> list[Claim]:
    """Every tag of the host, whatever it comes from.

    ``delegate`` is the host that a task is delegated to: then that one is changed, and its tags count.
    ``template`` renders a variable of this play. Raises BadRequest for a value that is no tag, and lets the errors
    of ``template`` through: a tag that cannot be known must not be taken for none.
    """
    own = str(task_vars["inventory_hostname"])
    host = delegate or own
    hostvars = task_vars.get("hostvars", {})
    inventory = _variables_of(hostvars, host)
    variables = {name: template(task_vars[name]) for name in VARIABLES if name in task_vars}
    if delegate and variables.get(VARIABLE) == _variables_of(hostvars, own).get(VARIABLE):
        # The variable is the other host's, and says nothing of this one.
        variables.pop(VARIABLE, None)
    groups = task_vars.get("groups", {})
    more = [
        _names(what, groups, options.get(option), variables.get(what), inventory.get(what))
        for what, option in ((PUBLIC_GROUPS, "public_groups"), (NAT_GROUPS, "nat_groups"))
    ]
    claims = group_claims(host, groups, *more)
    found = words_of(inventory.get(VARIABLE), f"variable {VARIABLE} of {host}")
    found += [
        claim
        for claim in words_of(variables.get(VARIABLE), f"variable {VARIABLE}")
        if claim.tag not in {known.tag for known in found}
    ]
    if _facts_pretend(task_vars, inventory):
        # A host may add exposure to itself. That it is private is for somebody else to say.
        found = [claim for claim in found if claim.tag != "private"]
    claims += found + words_of(options.get("exposure"), "option exposure")
    if host not in hostvars:
        # An address, say: the groups of the host that it leads to are not known.
        claims = [claim for claim in claims if claim.tag != "private"]
    return claims


def _variables_of(hostvars: Mapping[str, Any], host: str) -> dict[str, Any]:
    """The inventory's variables of a host, as far as they concern us; none for a host that is not in it."""
    if host not in hostvars:
        return {}
    variables = hostvars[host]
    return {name: variables[name] for name in (*VARIABLES, "ansible_facts") if name in variables}


def _names(what: str, groups: Iterable[str], *lists: Any) -> set[str]:
    """Names of groups in lists. Raises BadRequest for a pattern: to take it for a name would be to ignore it."""
    names = {name for names in lists for name in listed(names, what, "group names")}
    for name in sorted(names.difference(groups)):
        if any(character in _OF_PATTERNS for character in name):
            raise BadRequest(f"{what}: {ascii(name)[:60]} is a pattern, and no group has that name. Name the groups")
    return names


def _facts_pretend(*sources: Mapping[str, Any]) -> bool:
    """Whether facts, which come from the host itself, set one of the variables that tags are read from."""
    return any(name in (source.get("ansible_facts") or {}) for source in sources for name in VARIABLES)
