# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
r"""The scripts that run on a host, put together, and their answer, taken apart. Pure but for reading the two files.

An answer is a row of sections: ``\n<nonce> B <name>\n``, bytes, ``\n<nonce> E <status>\n``; the last line is
``\n<nonce> Z\n``. What comes before the first section is a banner and is ignored.
"""

from __future__ import annotations

import functools
import re
import secrets
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ._knobs import KNOBS, RELATED, UNPRIVILEGED_PORT_START
from ._platforms import PLATFORMS

#: How a line of ours begins in any file, and the first line of a drop-in of ours.
MARK = "# linux_tcp.tuning "
OWNER = f"{MARK}timewait, format "
#: What a probe sends in place of a setting of somebody else in a drop-in of ours.
FOREIGN = f"{MARK}not told: a setting of somebody else"

#: What is asked for in other network namespaces: what the role sets everywhere.
PER_POD = ("tcp_tw_reuse", "tcp_timestamps")

#: What a probe is made of.
PROBE = ("_probe.sh", "_files.sh", "_boot.sh", "_writers.sh")
#: What is about other network namespaces.
NAMESPACES = "_namespaces.sh"
#: What counts sockets: that of the shell, and that of a Python which the host may have.
CENSUS, COUNTER = "_census.sh", "_census_host.py"


class BadAnswer(Exception):
    """A host's answer is cut off or is not one of ours."""


@dataclass(frozen=True)
class Section:
    """``name`` is a word; ``argument`` is what follows it, for example the knob. ``status`` is an exit status."""

    name: str
    argument: str
    content: bytes
    status: int

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Probe:
    """What a probe is to look at; see the variables at the top of _probe.sh."""

    dropin: str = ""
    try_to_write: tuple[str, ...] = ()
    listeners: bool = False
    evidence: bool = False
    defaults: bool = False
    advice: bool = False
    #: Count TIME_WAIT sockets, and name so many groups of them.
    sockets: bool = False
    top: int = 10
    #: Seconds between two samples of counters and sockets; 0 for none.
    interval: int = 0
    nonce: str = field(default_factory=lambda: secrets.token_hex(16))


@dataclass(frozen=True)
class Step:
    """A change to a host and its way back, each the name of a shell function and its arguments."""

    summary: str
    do: tuple[str, ...]
    undo: tuple[str, ...]


@functools.cache
def _source(name: str) -> str:
    """A script without the lines that are only comments: what is sent counts on slow links."""
    lines = Path(__file__).with_name(name).read_text(encoding="ascii").splitlines(keepends=True)
    return "".join(line for line in lines if line.strip() and not line.lstrip().startswith("#"))


def probe_script(probe: Probe) -> str:
    """The text of a script that reads a host."""
    parts = [*PROBE, *([NAMESPACES] if probe.advice else [])]
    if not (probe.sockets or probe.interval):
        return _script(probe, (), [*map(_source, parts), "probe_main() { prepare; probe; finish; }\nprobe_main\n"])
    variables = {
        "SOCKETS": str(int(probe.sockets)),
        "TOP": str(probe.top),
        "INTERVAL": str(probe.interval),
        "COUNTER": _source(COUNTER) if probe.sockets else "",
    }
    main = "probe_main() { prepare; probe; census; finish; }\nprobe_main\n"
    return _script(probe, variables.items(), [*map(_source, [*parts, CENSUS]), main])


def apply_script(probe: Probe, expected: str, steps: Sequence[Step], log: Iterable[str]) -> str:
    """The text of a script that carries out steps, if the host is still in the ``expected`` state, and reads it."""
    variables = (("EXPECTED", expected), ("STEPS", str(len(steps))), ("LOG", "\n".join(log)))
    functions = [
        f"{verb}_{number}() {{ {shlex.join(words)}; }}\n"
        for number, step in enumerate(steps, 1)
        for verb, words in (("do", step.do), ("undo", step.undo))
    ]
    return _script(
        probe,
        variables,
        [
            *map(_source, PROBE),
            _source("_apply.sh"),
            *functions,
            "apply_main() { prepare; apply; probe; finish; }\napply_main\n",
        ],
    )


def _script(probe: Probe, more: Iterable[tuple[str, str]], parts: Iterable[str]) -> str:
    variables = {
        "N": probe.nonce,
        "NAMES": " ".join([*KNOBS, UNPRIVILEGED_PORT_START]),
        "TRY": " ".join(probe.try_to_write),
        "DROPIN": probe.dropin,
        "LISTENERS": str(int(probe.listeners)),
        "EVIDENCE": str(int(probe.evidence)),
        "DEFAULTS": str(int(probe.defaults)),
        "ADVICE": str(int(probe.advice)),
        "RELATED": " ".join(setting.path for setting in RELATED.values()),
        "PER_POD": " ".join(PER_POD),
        "WORDS": "|".join([*KNOBS, UNPRIVILEGED_PORT_START]),
        "OWNER": OWNER,
        "MARK": MARK,
        "FOREIGN": FOREIGN,
        "PLATFORMS": " ".join(f"{platform.word}:{platform.sign}" for platform in PLATFORMS.values()),
        **dict(more),
    }
    assignments = (f"{name}={shlex.quote(value)}\n" for name, value in variables.items())
    # In braces, so that a script cut off on its way is a syntax error and runs nothing at all.
    return "".join(["{\n", *assignments, *parts, "}\n"])


def sections_of(answer: bytes, nonce: str) -> list[Section]:
    """The sections of an answer. Raises BadAnswer unless it is whole."""
    frame = re.compile(rb"\n" + nonce.encode() + rb" (?:B ([a-z0-9_]+) ?([^\n]*)|E ([0-9]+)|(Z))(?=\n|\Z)\n?")
    sections: list[Section] = []
    opened: re.Match[bytes] | None = None
    for found in frame.finditer(answer):
        _name, _argument, status, last = found.groups()
        if last:
            if opened:
                break
            return sections
        if status is None:
            if opened:
                raise BadAnswer(f"section {_word(opened)!r} has no end")
            opened = found
        elif opened is None:
            raise BadAnswer("a section ends that did not begin")
        else:
            content = answer[opened.end() : found.start()]
            argument = opened.group(2).decode("utf-8", "surrogateescape")
            sections.append(Section(_word(opened), argument, content, int(status)))
            opened = None
    raise BadAnswer("the answer ends in the middle" if sections or opened else "there is no answer of the script in it")


def _word(frame: re.Match[bytes]) -> str:
    return frame.group(1).decode("ascii")


def state_of(answer: bytes, nonce: str) -> str:
    """The state section of an answer, as the shell's ``$(state)`` has it: no NUL, no newline at the end."""
    frames = [f"\n{nonce} B state\n\n{nonce} E 0\n".encode(), f"\n{nonce} B state_end\n".encode()]
    state = answer.partition(frames[0])[2].partition(frames[1])[0]
    return state.replace(b"\0", b"").rstrip(b"\n").decode("utf-8", "surrogateescape")
