# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lint says that a script sets is what the host has when the script has run."""

from __future__ import annotations

import re

from tests.lint.shell_snippets import CONF, SNIPPETS, Snippet
from tests.sandbox.hosts import SandboxHost

#: Every knob has this before a script runs, so that any write shows.
BEFORE = "77"
KNOBS = ("tw_recycle", "tw_reuse")
LIVE_LINE = re.compile(r"^\s*-?net[./]ipv4[./]tcp_(\w+)\s*=\s*(.*?)\s*$", re.MULTILINE)

#: Programs that are somewhere else: ssh and sudo run what they are given.
STAND_INS = {"sudo": 'while [ "${1#-}" != "$1" ]; do shift; done; exec "$@"', "ssh": 'shift 3; exec sh -c "$*"'}

DRIVER = """
export PATH=/run/stand-ins:$PATH
cd /run/snippets
for snippet in *.sh; do
  for shell in $(cat "${snippet%.sh}.shells"); do
    for knob in tcp_tw_recycle tcp_tw_reuse; do echo 77 >/proc/sys/net/ipv4/$knob; done
    rm -f /etc/sysctl.d/*
    cp "${snippet%.sh}.before" /etc/sysctl.conf
    (cd / && timeout 10 "$shell" "/run/snippets/$snippet" </dev/null >/dev/null 2>&1)
    echo "== ${snippet%.sh} $shell"
    for knob in tcp_tw_recycle tcp_tw_reuse; do echo "-- $knob"; cat /proc/sys/net/ipv4/$knob; echo; done
    echo '-- files'
    cat /etc/sysctl.conf /etc/sysctl.d/* 2>/dev/null || :
  done
done
"""


def test_scripts_leave_what_the_lint_says(legacy_host: SandboxHost) -> None:
    run = [(f"{number:03}", snippet) for number, snippet in enumerate(SNIPPETS) if snippet.shells]
    legacy_host.sh("mkdir /run/snippets /run/stand-ins")
    put(legacy_host, {f"/run/stand-ins/{name}": f"#!/bin/sh\n{text}\n" for name, text in STAND_INS.items()})
    legacy_host.sh("chmod 755 /run/stand-ins/*")
    files = {}
    for number, snippet in run:
        files[f"/run/snippets/{number}.sh"] = snippet.script
        files[f"/run/snippets/{number}.before"] = snippet.before
        files[f"/run/snippets/{number}.shells"] = " ".join(snippet.shells)
    put(legacy_host, files)
    left = states(legacy_host.sh(DRIVER))
    assert len(left) == sum(len(snippet.shells) for _number, snippet in run)
    wrong = {
        (snippet.says, shell): (state, expected(snippet))
        for number, snippet in run
        for shell in snippet.shells
        if (state := left[number, shell]) != expected(snippet)
    }
    assert not wrong


def put(host: SandboxHost, files: dict[str, str]) -> None:
    """Many files in one go."""
    host.sh("".join(f"cat >{path} <<'END OF FILE'\n{text}\nEND OF FILE\n" for path, text in files.items()))


def expected(snippet: Snippet) -> set[str]:
    if snippet.seen is not None:
        return {each for each in snippet.seen.split(", ") if each}
    return {each.partition(" ")[2] for each in snippet.sets.split(", ") if each}


def states(text: str) -> dict[tuple[str, str], set[str]]:
    """Names and values, by number and shell, of what was written to knobs or stands in files."""
    found: dict[tuple[str, str], set[str]] = {}
    for state in text.split("== ")[1:]:
        head, *knobs, files = re.split(r"^-- ", state, flags=re.MULTILINE)
        number, shell = head.split()
        values = {f"{name} {value}" for name, value in LIVE_LINE.findall(files)}
        for knob in knobs:
            name, value = knob.split("\n", 1)
            values |= {f"{name.removeprefix('tcp_')} {value.strip()}"} if value.strip() not in (BEFORE, "") else set()
        found[number, shell] = values
    return found


def test_the_snippets_are_about_the_file_that_is_looked_at() -> None:
    assert any(CONF in snippet.script and snippet.shells for snippet in SNIPPETS)
