# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trees of sysctl files by number: which traps are in each, and what becomes of a tree with them.

A value occurs in one line of a tree only, wherever its key has values enough: so what a kernel holds tells which line
it was that decided.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable

from tests.differential.traps import BYTES, LENGTHS, LINES, LINKS, LONG, NAMES, RANKS, TRAPS, Trap
from tests.differential.trees import (
    CONF,
    DIRECTORIES,
    ETC,
    RUN,
    USR,
    Directory,
    Fifo,
    File,
    HardLink,
    Link,
    Node,
    Tree,
)

#: So many that every two traps meet often enough in ten thousand trees.
TRAPS_IN_A_TREE = 10

#: Keys by how many values they have for us; the first ones tell lines apart.
KEYS = (
    "tcp_max_tw_buckets",
    "tcp_tw_reuse_delay",
    "tcp_timestamps",
    "ip_local_reserved_ports",
    "ip_local_port_range",
    "tcp_tw_reuse",
    "tcp_rfc1337",
)
#: Names for files that are no trap themselves, before and behind those that are.
PLAIN = ("10-a.conf", "50-b.conf", "60-c.conf", "99-d.conf", "a.conf", "zz.conf")


def traps_of(seed: int) -> list[Trap]:
    """The traps in a tree, in the order of the table."""
    chooser = random.Random(f"traps {seed}")  # noqa: S311
    chosen: set[Trap] = set()
    for trap in chooser.sample(TRAPS, len(TRAPS)):
        if trap.place is None or all(trap.place != other.place for other in chosen):
            chosen.add(trap)
        if len(chosen) == TRAPS_IN_A_TREE:
            break
    return [trap for trap in TRAPS if trap in chosen]


def tree_of(seed: int) -> Tree:
    return _Builder(seed).build(traps_of(seed))


class _Builder:
    """A tree in the making: files are lists of lines until their bytes matter."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311
        self.keys = self.random.sample(KEYS, 4)
        self.lines: dict[str, list[bytes]] = {CONF: [b"# /etc/sysctl.conf\n"]}
        self.nodes: dict[str, Node] = {}
        self.values = iter(range(3, 250))
        #: Directories that are not there, and what is in their place.
        self.replaced: dict[str, Link | None] = {}

    def build(self, traps: list[Trap]) -> Tree:
        for name in self.random.sample(PLAIN, 3):
            self.add(self.path(name), self.ordinary())
        for trap in traps:
            self.lay(trap)
        return self.whole()

    # -- what lines are made of

    def value(self, key: str) -> str:
        number = next(self.values)
        texts = {
            "ip_local_port_range": f"{15000 + number} {60000 + number}",
            "ip_local_reserved_ports": f"{8000 + 2 * number}",
            "tcp_tw_reuse": f"{number % 2}",
            "tcp_rfc1337": "1",
        }
        return texts.get(key, str(number))

    def words(self) -> dict[str, str]:
        name = self.random.choice(self.keys)
        return {
            "k": f"net.ipv4.{name}",
            "s": f"net/ipv4/{name}",
            "n": name,
            "stem": name[:-1],
            "end": name[-1],
            "tail": name.rpartition("_")[2],
            "v": self.value(name),
            "w": self.value(name),
        }

    def ordinary(self) -> bytes:
        return b"%(k)s = %(v)s\n" % {key.encode(): text.encode() for key, text in self.words().items()}

    # -- where they go

    def path(self, name: str) -> str:
        return f"{self.random.choice(DIRECTORIES)}/{name}"

    def add(self, path: str, text: bytes) -> None:
        """Lines of a trap stay together, somewhere in the file."""
        present = self.lines.setdefault(path, [])
        present.insert(self.random.randint(0, len(present)), text)

    def some_file(self) -> str:
        return self.random.choice([path for path in self.lines if path != CONF])

    def free(self, directory: str | None = None) -> str:
        """A path that nothing has, behind or before other files."""
        while True:
            name = f"{self.random.choice('0189az')}{self.random.choice('059bz')}-{self.random.randint(0, 99)}.conf"
            path = f"{directory or self.random.choice(DIRECTORIES)}/{name}"
            if path not in self.lines and path not in self.nodes:
                return path

    def over(self) -> str:
        """A path that masks a file in another directory, if there is one to be masked that way."""
        names = {path.rpartition("/")[2] for path in self.lines if path != CONF}
        paths = [
            f"{directory}/{name}"
            for name in sorted(names)
            for directory in DIRECTORIES
            if f"{directory}/{name}" not in self.lines and f"{directory}/{name}" not in self.nodes
        ]
        return self.random.choice(paths)

    # -- traps

    def lay(self, trap: Trap) -> None:
        getattr(self, f"lay_{trap.table}")(trap.name)

    def lay_names(self, name: str) -> None:
        self.add(self.path(self.random.choice(NAMES[name])), self.ordinary())

    def lay_ranks(self, name: str) -> None:
        pair = RANKS[name]
        file = self.random.choice(PLAIN)
        for number in pair or range(len(DIRECTORIES)):
            self.add(f"{DIRECTORIES[number]}/{file}", self.ordinary())

    def lay_lines(self, name: str) -> None:
        text = self.random.choice(LINES[name]).format(**self.words())
        path = self.random.choice([self.some_file(), self.free(), CONF])
        self.add(path, os.fsencode(text) + b"\n")

    def lay_long(self, name: str) -> None:
        fill, text = self.random.choice(LONG[name])
        words = self.words()
        length = self.random.choice(LENGTHS)
        short = len(text.format(x="", **words))
        filling = (fill * (length - short))[: length - short]
        path = self.random.choice([self.some_file(), self.free(), CONF])
        self.add(path, text.format(x=filling, **words).encode() + b"\n")

    def lay_bytes(self, name: str) -> None:
        path = self.random.choice(list(self.lines))
        self.lines[path] = [self.random.choice(BYTES[name])(b"".join(self.lines[path]))]

    def lay_kinds(self, name: str) -> None:
        makers: dict[str, Callable[[], None]] = {
            "an empty file": lambda: self.make(self.over(), File(b"")),
            "a file of comments only": lambda: self.make(self.over(), File(b"# nothing\n;\n \n")),
            "a file that nobody may read": lambda: self.make(self.over(), File(self.ordinary(), 0)),
            "a directory named .conf": lambda: self.make(self.over(), Directory()),
            "a directory with files in it": self.directory,
            "a FIFO that another file masks": self.masked_fifo,
            "a FIFO": lambda: self.make(self.over(), Fifo()),
            "a hard link": lambda: self.make(self.free(), HardLink(self.some_file())),
        }
        makers[name]()

    def make(self, path: str, node: Node) -> None:
        self.nodes[path] = node

    def directory(self) -> None:
        path = self.over()
        self.make(path, Directory())
        self.make(f"{path}/99-inside.conf", File(self.ordinary()))

    def masked_fifo(self) -> None:
        path = self.free(ETC)
        self.add(path, self.ordinary())
        self.make(path.replace(ETC, USR), Fifo())

    def lay_links(self, name: str) -> None:
        path = self.random.choice([self.over(), self.free()])
        target = self.random.choice(LINKS[name])
        if target == "SELF":
            target = path.rpartition("/")[2]
        elif target == "OTHER":
            target = self.some_file()
        elif target == "LINK":
            target = self.free()
            self.make(target, Link(self.some_file()))
        elif target == "ELSEWHERE":
            target = "/etc/other.conf"
            self.add(target, self.ordinary())
        self.make(path, Link(target))

    def lay_places(self, name: str) -> None:
        match name:
            case "/etc/sysctl.d is a link":
                self.replaced[ETC] = Link("sysctl.other")
            case "/etc/sysctl.d is missing":
                self.replaced[ETC] = None
            case "/run/sysctl.d is a link to /etc/sysctl.d":
                self.replaced[RUN] = Link("../etc/sysctl.d")
            case "/etc/sysctl.conf has settings":
                for _turn in range(3):
                    self.add(CONF, self.ordinary())
            case _:
                del self.lines[CONF]
                nodes: dict[str, Node] = {
                    "/etc/sysctl.conf is a link": Link(self.some_file()),
                    "/etc/sysctl.conf is a directory": Directory(),
                    "/etc/sysctl.conf is empty": File(b""),
                }
                if name in nodes:
                    self.make(CONF, nodes[name])

    # -- the outcome

    def whole(self) -> Tree:
        nodes: dict[str, Node] = {path: File(b"".join(lines)) for path, lines in self.lines.items()}
        nodes |= self.nodes
        for directory, link in self.replaced.items():
            to = "/etc/sysctl.other" if directory == ETC and link else None
            nodes = _moved(nodes, directory, to)
            if link:
                nodes[directory] = link
        nodes = {
            path: node
            for path, node in nodes.items()
            if not isinstance(node, HardLink) or isinstance(nodes.get(node.to), File)
        }
        directories = {path.rpartition("/")[0] for path in nodes} | {*DIRECTORIES} - {*self.replaced}
        made: dict[str, Node] = {path: Directory() for path in sorted(directories - {"/etc"})}
        return made | dict(sorted(nodes.items(), key=_order))


def _moved(nodes: dict[str, Node], directory: str, to: str | None) -> dict[str, Node]:
    """With all that was in a directory in another one, or nowhere."""
    inside = {path for path in nodes if path.startswith(f"{directory}/")}
    kept = {path: node for path, node in nodes.items() if path not in inside}
    return kept | {to + path.removeprefix(directory): nodes[path] for path in inside if to}


def _order(item: tuple[str, Node]) -> tuple[bool, str]:
    """Hard links behind what they are to."""
    return isinstance(item[1], HardLink), item[0]
