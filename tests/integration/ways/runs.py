# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many ways in a few runs of ansible, side by side."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.integration.support import SETTINGS, Alias
from tests.integration.ways.arrivals import ARRIVALS, CHILDREN, CONSTRUCTED, VARIABLE, WORDS
from tests.integration.ways.case import BYSTANDER, OPTION, Case
from tests.integration.ways.columns import RUNS
from tests.integration.ways.entries import plays_of
from tests.integration.ways.origins import ORIGINS
from tests.integration.ways.table import Way
from tests.sandbox.hosts import SandboxHost
from tests.sandbox.runs import WORK, Ansible, Result, Run

#: As many as keep two processors busy.
LANES = 3


@dataclass(frozen=True)
class Try:
    """A way on a host that is tagged with ``word``."""

    way: Way
    word: str


def exposed(way: Way) -> Try:
    # An extra variable is for all of a run: one word, one run.
    return Try(way, WORDS[1 if way.arrival == "extra variable" else way.number % len(WORDS)])


def private(way: Way) -> Try:
    return Try(way, "private")


def _case(one: Try, host: SandboxHost, vault: str) -> Case:
    value = one.way.spelt.yaml.format(number=one.way.number, vault=json.dumps(vault))
    case = Case(one.way, one.word, value, host.vars)
    ORIGINS[one.way.origin](case)
    ARRIVALS[one.way.arrival](case)
    return case


def _encrypted(core: str, password: Path, numbers: list[int]) -> dict[int, str]:
    """Numbers as ansible-vault encrypts their texts."""
    if not numbers:
        return {}
    program = str(WORK / "venv" / core / "bin" / "ansible-vault")
    command = [program, "encrypt_string", "--vault-password-file", str(password), *map(str, numbers)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = ["\n".join(part.split()) for part in done.stdout.split("!vault |")[1:]]
    return dict(zip(numbers, found, strict=True))


def _inventory(cases: Sequence[Case]) -> str:
    """The hosts of the ways, their groups and variables."""
    hosts: dict[str, Any] = {}
    groups = [{tag: group} for tag, group in CHILDREN.items()]
    for case in cases:
        if case.way.arrival != "added host":
            hosts[case.target] = {**case.connection, **case.tags}
        if case.host != case.target:
            groups.append({"private": {"hosts": {case.host: case.connection}}})
        if case.variables:
            hosts[case.host] = {**hosts.get(case.host, {}), **case.variables}
        if case.of_bystander:
            hosts[BYSTANDER] = {**hosts.get(BYSTANDER, {}), **case.of_bystander}
        groups += [{group: {"hosts": {case.target: {}}}} for group in case.groups]
        groups.append({f"of_{case.target}": case.own_group})
    return _with_values({"all": {"hosts": hosts, "children": _merged(groups)}}, cases)


def _merged(groups: Iterable[dict[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for group in groups:
        for name, content in group.items():
            merged[name] = _merged((merged[name], content)) if isinstance(merged.get(name), dict) else content
    return merged


def _with_values(data: Any, cases: Iterable[Case]) -> str:
    text = json.dumps(data, indent=1)
    for case in cases:
        text = case.with_value(text)
    return text


def _sources(directory: Path, cases: Sequence[Case]) -> list[str]:
    """Arguments for three more sources of the inventory, the last of which looks at the others."""
    texts = {
        "ways.yml": _inventory(cases),
        "ways.ini": "\n".join(["[all]", *(line for case in cases for line in case.ini)]),
        "constructed.yml": CONSTRUCTED,
    }
    for name, text in texts.items():
        (directory / name).write_text(text, encoding="utf-8")
    return [argument for name in texts for argument in ("--inventory", str(directory / name))]


def _run(core: str, directory: Path, cases: Sequence[Case], password: Path, forks: int) -> dict[Way, Result]:
    """What became of each way, in one run of ansible."""
    directory.mkdir()
    plays = [] if cases[0].way.entry in RUNS else [play for case in cases for play in plays_of(case)]
    extra = {name: value for case in cases for name, value in case.extra.items()}
    files = {"ways-playbook.yml": _with_values(plays, cases), "extra.yml": _with_values(extra, cases)}
    for path, text in (item for found in (files, *(case.files for case in cases)) for item in found.items()):
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text, encoding="utf-8")
    secret = ["--vault-password-file", str(password), "--extra-vars", f"@{directory / 'extra.yml'}"]
    done = _ansible(core, directory, cases, [*_sources(directory, cases), *secret, "--forks", str(forks)])
    return {case.way: _result(done, case) for case in cases}


def _ansible(core: str, directory: Path, cases: Sequence[Case], arguments: list[str]) -> Run:
    ansible = Ansible(core, directory)
    first = cases[0]
    if first.way.entry == "ad hoc":
        return ansible.adhoc(SETTINGS, {OPTION: "{{ asked }}"}, [], *arguments)
    if first.way.entry == "apply playbook":
        return ansible.playbook("linux_tcp.tuning.apply", [], *arguments)
    bystanders = [Alias(name, {**first.connection, "stands_by": True}) for name in (BYSTANDER, f"another-{BYSTANDER}")]
    return ansible.playbook(
        str(directory / "ways-playbook.yml"),
        bystanders,
        *arguments,
        extra_vars={VARIABLE: first.word} if first.way.arrival == "extra variable" else None,
        environment={
            "ANSIBLE_LIBRARY": str(directory / "library"),
            **{name: value for case in cases for name, value in case.environment.items()},
        },
    )


def _result(done: Run, case: Case) -> Result:
    """The result of the one task; of its one item in a loop."""
    found = [result for result in done.results if (result.host, result.action) == (case.host, SETTINGS)]
    play = done.text.partition(f"PLAY [{case.host}:")[2].partition("\nPLAY ")[0]
    assert len(found) == 1, f"{len(found)} results of {case.way} in:\n{play or done.text}"
    items = found[0].result.get("results")
    return replace(found[0], result=items[0]) if items else found[0]


def _runs(tries: Sequence[Try]) -> list[list[list[Try]]]:
    """For each lane the runs that are done in it one after the other, each of it in the order of the tries."""
    alone: dict[tuple[str, str], list[Try]] = {}
    together: list[Try] = []
    for one in tries:
        if one.way.entry in RUNS or one.way.arrival == "extra variable":
            own = (one.way.entry, "") if one.way.entry in RUNS else ("", one.word)
            alone.setdefault(own, []).append(one)
        else:
            together.append(one)
    size = -(-len(together) // (LANES - 1))
    return [[together[start : start + size]] for start in range(0, len(together), size)] + [list(alone.values())]


def results_of(core: str, directory: Path, tries: Sequence[Try], hosts: Sequence[SandboxHost]) -> dict[Way, Result]:
    """What became of every try. Each lane has its host; with one for all of them nothing may be written there."""
    password = directory / "password"
    password.write_text("correct horse")
    vaults = _encrypted(core, password, [one.way.number for one in tries if one.way.spelling == "vault"])
    lanes = _runs(tries)

    def in_lane(number: int) -> dict[Way, Result]:
        host = hosts[number % len(hosts)]
        found: dict[Way, Result] = {}
        for count, run in enumerate(lanes[number]):
            cases = [_case(one, host, vaults.get(one.way.number, "")) for one in run]
            found |= _run(core, directory / f"run{number}-{count}", cases, password, 1 if len(hosts) > 1 else 10)
        return found

    with ThreadPoolExecutor(LANES) as pool:
        return {way: result for found in pool.map(in_lane, range(len(lanes))) for way, result in found.items()}
