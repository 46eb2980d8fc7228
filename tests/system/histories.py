# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may happen to a host: the world that it is, what is asked of it, and what others do, all drawn by dice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from tests.system.worlds import BOOTS, CONF, SHELLS, Node, World

_T = TypeVar("_T")

FORMATS = Path(__file__).parents[1] / "unit" / "plugins" / "plugin_utils" / "formats"
ETC = "/etc/sysctl.d"
PATHS = (
    f"{ETC}/99-timewait.conf",
    f"{ETC}/60-other.conf",
    "/usr/local/lib/sysctl.d/99-timewait.conf",
    f"{ETC}/zz-last.conf",
)


@dataclass(frozen=True)
class Ask:
    """A run of timewait_settings."""

    options: Mapping[str, Any]

    @property
    def kernel(self) -> bool:
        """Whether it is about the running kernel, too."""
        return self.options.get("apply_to") != "boot"

    @property
    def undo(self) -> bool:
        """Whether it takes back all that it did."""
        return self.options.get("state") == "absent" and self.options.get("apply_to", "both") == "both"


@dataclass(frozen=True)
class Reboot:
    pass


@dataclass(frozen=True)
class Write:
    """Somebody else writes a value to the kernel."""

    name: str
    text: str


@dataclass(frozen=True)
class Append:
    """Somebody else writes a line at the end of a file."""

    path: str
    line: str


@dataclass(frozen=True)
class Purge:
    """Somebody else removes a drop-in of ours."""

    path: str


Event = Ask | Reboot | Write | Append | Purge


@dataclass(frozen=True)
class History:
    legacy: bool
    private: bool
    world: World
    events: tuple[Event, ...]
    #: The paths that are undone in the end, in this order.
    undone: tuple[str, ...]


_RECYCLE = ["net.ipv4.tcp_tw_recycle = 1", "net/ipv4/tcp_tw_recycle=0x1"] * 2
_LINES = [
    "net.ipv4.tcp_tw_reuse = 0",
    "net/ipv4/tcp_tw_reuse=1",
    "\tnet.ipv4.tcp_tw_reuse\t=\t0 ",
    "-net.ipv4.tcp_tw_reuse",
    "net.ipv4.tcp_tw_re* = 1",
    "-net.ipv4.tcp_timestamps = 0",
    "net.ipv4.tcp_timestamps = 2",
    "net.ipv4.tcp_tim*mps = 0",
    *_RECYCLE,
    "net.ipv4.tcp_tw_recycle=0",
    "net.ipv4.tcp_max_tw_buckets = 5000",
    "net.ipv4.tcp_rfc1337 = 1",
    "net.ipv4.tcp_rfc1337=0",
    "net.ipv4.ip_local_reserved_ports = 7000,7010-7020",
    "net.ipv4.ip_local_port_range = 20000 60000",
    "net.core.somaxconn = 4096",
    "# caf\xe9",
    "; tcp_tw_reuse = 7",
    "",
]
_NAMES = ("10-first.conf", "99-timewait.conf", "99-z.conf", "zz.conf")
_LIKELY = (CONF, f"{ETC}/zz.conf", f"{ETC}/10-first.conf")
_OTHERS = tuple(f"{d}/{n}" for d in (ETC, "/run/sysctl.d", "/usr/local/lib/sysctl.d") for n in _NAMES)
_PACKAGED = ("/usr/lib/sysctl.d/50-package.conf", "/usr/lib/sysctl.d/zz-package.conf")

_VALUES: Mapping[str, tuple[str, ...]] = {
    "tcp_timestamps": ("0", "1", "2"),
    "tcp_tw_reuse": ("0", "1"),
    "tcp_max_tw_buckets": ("100", "65536", "700000"),
    "ip_local_reserved_ports": ("", "8080", "9000-9010,20000"),
    "ip_local_port_range": ("32768 60999", "20000 40000"),
    "tcp_rfc1337": ("0", "1"),
}
#: Of an old kernel, and of a new one.
_OLD, _NEW = (
    {"tcp_tw_recycle": ("0", "1", "-3")},
    {"tcp_tw_reuse": ("0", "1", "2"), "tcp_tw_reuse_delay": ("1000", "500")},
)

_OPTIONS: Mapping[str, tuple[Any, ...]] = {
    "tcp_tw_reuse": (0, 1, 1),
    "tcp_tw_recycle": (0, 0, 1),
    "tcp_timestamps": ("on", 1, 2),
    "tcp_tw_reuse_delay": (500, 2000),
    "tcp_max_tw_buckets": (1000, 100000, 2000000),
    "ip_local_reserved_ports": ([8080], "9005-9020", [7000, 30000], []),
    "ip_local_port_range": ("15000 60999", "20000 60000"),
    "tcp_rfc1337": (0, 1),
    "path": PATHS,
    "owner": ("", "web", "db"),
    "apply_to": ("both", "both", "runtime", "boot"),
}
#: What somebody else writes to knobs.
_WRITTEN = {
    "tcp_tw_reuse": "0",
    "tcp_rfc1337": "1",
    "tcp_max_tw_buckets": "300000",
    "ip_local_reserved_ports": "7000,8080,9005-9020,12345",
    "tcp_timestamps": "2",
}


#: What a history may be about, above all: options that are always asked for.
_ABOUT: Sequence[Mapping[str, Sequence[Any]]] = (
    {},
    {},
    {"tcp_tw_recycle": (0,)},
    {"ip_local_reserved_ports": _OPTIONS["ip_local_reserved_ports"][:3]},
)


def history(seed: int) -> History:
    """The same history for the same number."""
    dice = Random(seed)  # noqa: S311
    about = dice.choice(_ABOUT)
    recycle = "tcp_tw_recycle" in about
    legacy = recycle or dice.random() < 0.4
    events: list[Event] = []
    options: Mapping[str, Any] = {}
    for _event in range(dice.randint(1, 4)):
        options = _ask(dice, about, options if dice.random() < 0.4 else {})
        events.append(Ask(options))
        if dice.random() < 0.4:
            events.append(_happening(dice, options))
    # The first is where a text of an older release may stand.
    used = {PATHS[0], *(event.options.get("path", PATHS[0]) for event in events if isinstance(event, Ask))}
    undone = dice.sample(sorted(used), len(used))
    private = dice.random() < (0.1 if recycle else 0.4)
    return History(legacy, private, _world(dice, legacy, ours=True, recycle=recycle), tuple(events), tuple(undone))


def one_caller(seed: int) -> History:
    """A caller that asks for one thing or two, of both kernel and files."""
    dice = Random(seed)  # noqa: S311
    legacy, path = dice.random() < 0.5, dice.choice(PATHS)
    fixed = {"path": path, "owner": "", "apply_to": "both", "conflicts": "comment_out", "tcp_tw_recycle": 0}
    asked = tuple(Ask(_some(dice, _OPTIONS) | fixed) for _ask in range(dice.randint(1, 2)))
    return History(legacy, dice.random() < 0.4, _world(dice, legacy, ours=False), asked, (path,))


def _some(dice: Random, choices: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    return {name: dice.choice(values) for name, values in choices.items() if dice.random() < 0.4}


def _ask(dice: Random, about: Mapping[str, Sequence[Any]], former: Mapping[str, Any]) -> dict[str, Any]:
    """``former`` is what another caller asks for, and this one too."""
    options = _some(dice, _OPTIONS) | {name: dice.choice(values) for name, values in about.items()}
    if former:
        options |= {name: value for name, value in former.items() if name not in ("path", "owner", "apply_to", "state")}
        options["path"] = dice.choice([path for path in PATHS if path != former.get("path", PATHS[0])])
    if dice.random() < 0.85:
        options["conflicts"] = "comment_out"
    if dice.random() < 0.15:
        options["state"] = "absent"
    return options


def _happening(dice: Random, options: Mapping[str, Any]) -> Event:
    """Something that somebody else does, preferably to what was asked for."""
    name = dice.choice([name for name in _WRITTEN if name in options] or ["tcp_tw_reuse"])
    line = dice.choice([line for line in _LINES if line.isascii()])
    append = Append(dice.choice([CONF, f"{ETC}/zz.conf"]), line)
    write = Write(name, _WRITTEN[name])
    others: list[Event] = [Reboot(), append, Purge(options.get("path", PATHS[0])), write, write]
    return dice.choice(others)


def _world(dice: Random, legacy: bool, *, ours: bool, recycle: bool = False) -> World:
    """``ours``: there may be a drop-in of an older release; ``recycle``: tcp_tw_recycle is on."""
    knobs = _some(dice, {**_VALUES, **(_OLD if legacy else _NEW)})
    if recycle:
        knobs["tcp_tw_recycle"] = dice.choice(["1", "-3"])
    files = _files(dice, _LINES + _RECYCLE * 3 if recycle else _LINES, ours=ours)
    return World(dice.choice(["systemd", *BOOTS]), dice.choice(list(SHELLS)), files, knobs)


def _files(dice: Random, lines: Sequence[str], *, ours: bool) -> dict[str, Node]:
    paths = [path for path in _LIKELY if dice.random() < 0.5] + [dice.choice(_OTHERS + _PACKAGED)]
    files = {path: _node(dice, lines) for path in paths if dice.random() < 0.9}
    if CONF in files and files[CONF].kind == "l":
        files[CONF] = Node("l", b"sysctl.d/zz.conf", "777")
    if ours and dice.random() < 0.2:
        files[PATHS[0]] = Node("f", (FORMATS / dice.choice(["1.conf", "2.conf"])).read_bytes())
        mark = b"# linux_tcp.tuning commented out for 99-timewait.conf: "
        files[f"{ETC}/zz.conf"] = Node("f", mark + b"net.ipv4.tcp_tw_reuse = 0")
    for directory in (ETC, "/run/sysctl.d", "/usr/local/lib/sysctl.d"):
        if dice.random() < 0.8 or any(path.startswith(f"{directory}/") for path in files):
            files[directory] = Node("d", b"", "755")
    return files


def _node(dice: Random, known: Sequence[str]) -> Node:
    if dice.random() < 0.15:
        return Node("l", dice.choice([b"/dev/null", b"../sysctl.conf"]), "777")
    lines = dice.choices(known, k=dice.randint(0, 4))
    end = dice.choice(["\n", "\n", "\r\n"])
    text = end.join(lines) + (end if lines and dice.random() < 0.6 else "")
    mode, owner = dice.choice(["644", "644", "600", "640", "444", "1640"]), dice.choice(["0:0", "0:0", "12:34"])
    return Node("f", text.encode("latin-1"), mode, owner)


def smaller(history: History) -> Iterator[History]:
    """The same with something left out."""
    world = history.world
    yield from (replace(history, events=_but(history.events, n)) for n in range(len(history.events)))
    files = [path for path in world.files if world.files[path].kind != "d"]
    yield from (replace(history, world=replace(world, files=_without(world.files, path))) for path in files)
    yield from (replace(history, world=replace(world, knobs=_without(world.knobs, name))) for name in world.knobs)
    for number, event in enumerate(history.events):
        if isinstance(event, Ask):
            for option in event.options:
                less = Ask(_without(event.options, option))
                yield replace(history, events=(*history.events[:number], less, *history.events[number + 1 :]))


def _but(events: tuple[Event, ...], number: int) -> tuple[Event, ...]:
    return events[:number] + events[number + 1 :]


def _without(whole: Mapping[str, _T], name: str) -> dict[str, _T]:
    return {key: value for key, value in whole.items() if key != name}
