# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of Ansible's inventory that an assignment reaches, with their exposure. No host is contacted.

Ten thousand hosts fall into a few classes: those with the same groups and the same words of their own have the same
exposure. It is asked for once per class, because to put together the variables of one host takes a millisecond.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from ._content._model import OPEN, Assignment, Note, ReachedHost
from ._exposure import Claim, Exposure, exposure_of
from ._inventory import VARIABLES, claims_for
from ._values import BadRequest

#: A variable's file says whose value it is: of a group, or of a host.
_SCOPE = re.compile(r"(?:^|/)(group_vars|host_vars)/([^/]+?)(?:\.ya?ml|\.json)?(?:/|\Z)")


class Fleet:
    """What is known of all hosts of an inventory.

    ``raw`` gives the variables of a host before templates are rendered, ``claims`` its tags (it may raise BadRequest).
    ``each``: hosts may differ by more than the inventory's groups and files, so that classes would be wrong.
    """

    def __init__(
        self,
        inventory: Any,
        raw: Callable[[str], Mapping[str, Any]],
        claims: Callable[[str], list[Claim]],
        *,
        each: bool = False,
    ) -> None:
        self._inventory, self._raw, self._claims, self._each = inventory, raw, claims, each
        self._named = _hosts_with_files(inventory)
        self._templated: dict[tuple[object, ...], bool] = {}
        self._exposures: dict[tuple[object, ...], Exposure] = {}
        self._reached: dict[object, tuple[ReachedHost, ...] | None] = {}
        hosts = inventory.get_hosts("all", ignore_limits=True, ignore_restrictions=True)
        local = inventory.get_host("localhost")
        self._hosts = [*hosts, *([local] if local is not None and local not in hosts else [])]
        self.notes: list[Note] = []

    @property
    def classes(self) -> list[AbstractSet[str]]:
        """The names by which content may have variables for a host: host by host, and last those of no host here."""
        names = [frozenset((host.name, *(group.name for group in host.get_groups()))) for host in self._hosts]
        return [*names, _Others(frozenset().union(*names))]

    @property
    def sources(self) -> list[str]:
        """The files and directories of the inventory."""
        return [str(Path(path).absolute()) for path in _sources(self._inventory)]

    def reached(self, assignment: Assignment) -> tuple[ReachedHost, ...] | None:
        """The hosts that it reaches; None where these are all outside the limit of this run (``--limit``).

        Content that no play of the tree reaches may be used by any: then it is every host.
        """
        scope = _SCOPE.search(assignment.at.path)
        names = scope.groups() if scope and scope.group(2) != "all" else None
        key = (assignment.plays, assignment.classes, names)
        if key not in self._reached:
            patterns = assignment.plays or ("all",)
            known = None if assignment.classes is None else self._of_classes(assignment.classes)
            hosts = self._within(names, known, self._matching(patterns))
            everywhere = hosts or self._within(names, known, self._matching(patterns, ignore_limits=True))
            outside = bool(everywhere) and not hosts
            self._reached[key] = None if outside else tuple(ReachedHost(h.name, self._exposure(h)) for h in hosts)
        return self._reached[key]

    def _matching(self, patterns: Iterable[str], *, ignore_limits: bool = False) -> list[Any]:
        from ansible.errors import AnsibleError

        found: dict[str, Any] = {}
        for pattern in patterns:
            # What is put together when the play runs may be any host.
            known = "all" if OPEN in pattern or "{{" in pattern else pattern
            try:
                hosts = self._inventory.get_hosts(known, ignore_limits=ignore_limits, ignore_restrictions=True)
            except AnsibleError:
                hosts = self._inventory.get_hosts("all", ignore_limits=ignore_limits, ignore_restrictions=True)
            found |= {host.name: host for host in hosts}
        return list(found.values())

    def _of_classes(self, numbers: Collection[int]) -> set[str]:
        return {host.name for number, host in enumerate(self._hosts) if number in numbers}

    @staticmethod
    def _within(scope: tuple[str, ...] | None, known: set[str] | None, hosts: list[Any]) -> list[Any]:
        hosts = hosts if known is None else [host for host in hosts if host.name in known]
        if scope is None:
            return hosts
        kind, name = scope
        if kind == "host_vars":
            return [host for host in hosts if host.name == name]
        return [host for host in hosts if any(group.name == name for group in host.get_groups())]

    def _exposure(self, host: Any) -> Exposure:
        kind = (tuple(sorted(group.name for group in host.get_groups())), *_words(host.vars))
        if host.name in self._named or self._each or self._is_templated(kind, host):
            kind = (host.name,)
        if kind not in self._exposures:
            self._exposures[kind] = self._asked(host.name)
        return self._exposures[kind]

    def _is_templated(self, kind: tuple[object, ...], host: Any) -> bool:
        """Whether a tag is a template, which may make something else of it for each host."""
        from ansible.errors import AnsibleError

        if kind not in self._templated:
            try:
                words = _words(self._raw(host.name))
            except AnsibleError:  # a file that is encrypted, say: whoever asks for the tags will say so
                words = ()
            self._templated[kind] = any("{{" in word or "{%" in word for word in words)
        return self._templated[kind]

    def _asked(self, host: str) -> Exposure:
        try:
            claims = self._claims(host)
        except BadRequest as error:
            self.notes.append(Note("inventory", None, f"{host} is taken to be exposed: {error}"))
            return exposure_of(())
        # The class speaks for all of its hosts, and is not to be called by the name of one.
        claims = [Claim(claim.tag, claim.origin.removesuffix(f" of {host}")) for claim in claims]
        try:
            return exposure_of(claims)
        except BadRequest as error:
            self.notes.append(Note("inventory", None, f"{host} is taken to be exposed: {error}"))
            return exposure_of(claim for claim in claims if claim.tag != "private")


class _Others(AbstractSet[str]):
    """The groups and hosts that are in content and not in this inventory: another may have them."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    @classmethod
    def _from_iterable(cls, it: Iterable[Any]) -> AbstractSet[Any]:
        # What some names have in common with these can be counted.
        return frozenset(it)

    def __contains__(self, name: object) -> bool:
        return name not in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _words(variables: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(repr(variables.get(name)) for name in VARIABLES)


def _sources(inventory: Any) -> list[str]:
    return [str(source) for source in getattr(inventory, "_sources", None) or ()]


def _hosts_with_files(inventory: Any) -> set[str]:
    """The hosts that have variables in a file of their own, beside the inventory."""
    names: set[str] = set()
    for source in _sources(inventory):
        path = Path(source)
        directory = (path if path.is_dir() else path.parent) / "host_vars"
        if directory.is_dir():
            for entry in directory.iterdir():
                names |= {entry.name, entry.stem}
    return names


def fleet_of(task_vars: Mapping[str, Any], options: Mapping[str, Any], template: Callable[[Any], Any]) -> Fleet | None:
    """The hosts that the playbook was given; None without an inventory.

    ``options`` are those of the task, and ``template`` renders variables of this play, as for claims_for().
    """
    from ansible.errors import AnsibleError

    hostvars = task_vars["hostvars"]
    inventory = hostvars._inventory

    def claims(host: str) -> list[Claim]:
        groups = {group.name: (host,) for group in inventory.get_host(host).get_groups()}
        try:
            return claims_for(
                {"inventory_hostname": host, "hostvars": hostvars, "groups": groups}, None, options, template
            )
        except AnsibleError as error:
            raise BadRequest(f"a variable has no value: {error}") from error

    return Fleet(inventory, hostvars.raw_get, claims, each=_hosts_may_differ()) if inventory.hosts else None


def _hosts_may_differ() -> bool:
    """Whether variables may come from elsewhere than from the inventory and its files: by plugin, or kept facts."""
    from ansible import constants as C
    from ansible.plugins.loader import vars_loader

    plugins = {Path(path).stem for path in vars_loader.all(path_only=True)} | set(C.VARIABLE_PLUGINS_ENABLED)
    return {name.rpartition(".")[2] for name in plugins} != {"host_group_vars"} or C.CACHE_PLUGIN != "memory"
