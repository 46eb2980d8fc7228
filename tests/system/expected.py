# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host must be like after whatever has happened to it.

Texts of this collection are known by their looks alone: nothing of the engine decides what is expected.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tests.system.histories import Append, Ask, Event, Reboot
from tests.system.worlds import CONF, Node, Seen

_HEAD = b"# linux_tcp.tuning timewait, format "
_BLOCK = re.compile(
    rb"# linux_tcp\.tuning block of (\S+), format .*?\n# linux_tcp\.tuning end of block \1\n", re.DOTALL
)
_MARK = re.compile(rb"^# linux_tcp\.tuning commented out for [\w.@-]+: ", re.MULTILINE)
#: One that would turn recycle on; a glob may mean it.
_ARMING = re.compile(_MARK.pattern + rb"(?=[^=\n]*(?:recycle|[*?[])[^=\n]*=[ \t]*(?!0\s*$))", re.MULTILINE)
_OFF = re.compile(_MARK.pattern + rb"(net\.ipv4\.tcp_tw_recycle = 1\r?)$", re.MULTILINE)
_COPY = b"# linux_tcp.tuning copy of "
_SETTING = re.compile(r"^net\.ipv4\.(\w+) = ?(.*)$", re.MULTILINE)
_BEFORE = re.compile(r"^# (?:linux_tcp\.tuning )?before: net\.ipv4\.(\w+) = ?(.*)$", re.MULTILINE)


def texts_of_ours(seen: Seen) -> list[str]:
    """Drop-ins, blocks, and what is kept in /run."""
    found = [text for path, node in seen.files.items() for text in _texts_in(path, node)]
    return [text.decode("latin-1") for text in [*found, *seen.kept.values()]]


def _texts_in(path: str, node: Node) -> list[bytes]:
    if path == CONF:
        return [block.group() for block in _BLOCK.finditer(node.content)]
    return [node.content] if is_ours(path, node) else []


def is_ours(path: str, node: Node) -> bool:
    return node.kind == "f" and node.content.startswith(_HEAD) and path.startswith(("/etc/", "/usr/local/"))


def _pairs(pattern: re.Pattern[str], texts: Iterable[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, value in (pair for text in texts for pair in pattern.findall(text)):
        found.setdefault(name, set()).add(value)
    return found


def held(seen: Seen) -> dict[str, set[str]]:
    """The values that texts of ours set."""
    return _pairs(_SETTING, texts_of_ours(seen))


def asked_for(seen: Seen) -> dict[str, set[str]]:
    """Of these, those whose text is in its place and knows what was before: nobody else's undo takes them away."""
    found = [text for path, node in seen.files.items() for text in _texts_in(path, node)]
    texts = [*found, *(text for text in seen.kept.values() if not text.startswith(_COPY))]
    pairs = [(_pairs(_SETTING, [text]), _pairs(_BEFORE, [text])) for text in (t.decode("latin-1") for t in texts)]
    return {name: values for settings, before in pairs for name, values in settings.items() if name in before}


def off(files: Mapping[str, Node]) -> Counter[tuple[str, bytes]]:
    """The lines that are commented out, and that would turn recycle on for any loader."""
    return Counter((path, line) for path, node in files.items() for line in _OFF.findall(node.content))


def recorded(seen: Seen) -> dict[str, str]:
    """The values from before that texts of ours know of."""
    return {name: min(values) for name, values in _pairs(_BEFORE, texts_of_ours(seen)).items()}


def files_of_others(files: Mapping[str, Node]) -> dict[str, Node]:
    """The files as they would be without us: no drop-in, no block, nothing commented out."""
    others = {path: _without_texts(path, node) for path, node in files.items()}
    return {path: replace(node, content=_MARK.sub(b"", node.content)) for path, node in others.items() if node}


def but_for_recycle(files: Mapping[str, Node]) -> dict[str, Node]:
    """The files without what an undo leaves behind where tcp_tw_recycle may not be turned on.

    A line that would turn it on stays commented out, and a text of ours that sets it to 0, and nothing else, stays.
    """
    left = {}
    for path, node in files.items():
        texts = [text.decode("latin-1") for text in _texts_in(path, node)]
        zero = texts and _pairs(_SETTING, texts) == {"tcp_tw_recycle": {"0"}}
        left[path] = _without_texts(path, node) if zero else node
    return {path: replace(node, content=_ARMING.sub(b"", node.content)) for path, node in left.items() if node}


#: What the undo without Ansible leaves commented out: it cannot tell what a glob means.
_MAYBE_ARMING = re.compile(_MARK.pattern + rb"(?=[^=\n]*(?:recycle|[*?[]))", re.MULTILINE)
_ZERO = b"net.ipv4.tcp_tw_recycle = 0\n"


def but_for_what_may_be_recycle(files: Mapping[str, Node], others: Mapping[str, Node]) -> dict[str, Node]:
    """The files without what the undo without Ansible leaves behind, among the files of others."""
    left = {path: node for path, node in files.items() if node.content != _ZERO}
    front = left[CONF].content.removesuffix(_ZERO) if CONF in left else b""
    if CONF in left and front != left[CONF].content:
        # The zero is a line of its own, so the line before it has an end now.
        ended = CONF not in others or others[CONF].content.endswith(b"\n")
        left[CONF] = replace(left[CONF], content=front if ended else front.removesuffix(b"\n"))
    return {path: replace(node, content=_MAYBE_ARMING.sub(b"", node.content)) for path, node in left.items()}


def _without_texts(path: str, node: Node) -> Node | None:
    if path != CONF:
        return None if is_ours(path, node) else node
    content = _without_block(node.content)
    return None if content is None else replace(node, content=content)


def _without_block(content: bytes) -> bytes | None:
    """A block says how it found the file that it is in; that counts as long as nobody wrote behind it."""
    for block in list(_BLOCK.finditer(content)):
        front, back = content.split(block.group(), 1)
        if b"\n# linux_tcp.tuning found: missing\n" in block.group() and not front + back:
            return None
        if b"\n# linux_tcp.tuning found: unended\n" in block.group() and not back:
            front = front.removesuffix(b"\n")
        content = front + back
    return content


def can_append(files: Mapping[str, Node], event: Append) -> bool:
    return event.path not in files or files[event.path].kind == "f"


def appended(files: Mapping[str, Node], event: Append) -> dict[str, Node]:
    """Somebody else's line on a line of its own; where there is no such file, it and its directory are made."""
    node = files.get(event.path, Node())
    newline = b"\n" if node.content and not node.content.endswith(b"\n") else b""
    directory = event.path.rpartition("/")[0]
    made = {} if directory in (*files, "/etc") else {directory: Node("d", b"", "755")}
    text = node.content + newline + event.line.encode() + b"\n"
    return {**files, **made, event.path: Node("f", text, node.mode, node.owner)}


def ports(text: str) -> set[int]:
    spans = [part.partition("-") for part in text.split(",") if part]
    return {port for low, _dash, high in spans for port in range(int(low), int(high or low) + 1)}


@dataclass(frozen=True)
class Known:
    """What has to come back: files of others, and the values that knobs of ours had before they were ours.

    Three values do not come back. One that no run saw, because it left the kernel alone (``apply_to: boot``) and the
    host then booted with ours. One that somebody else has written since, which stays; of reserved ports, those that are
    not ours stay. And a tcp_tw_recycle that was on, where it may not be turned on (``rearms``).
    """

    files: Mapping[str, Node]
    before: Mapping[str, str]
    rearms: bool

    def left(self, name: str, now: str, ours: set[str]) -> str:
        """What a knob has when it is ours no longer."""
        before = self.before.get(name, now)
        if name == "tcp_tw_recycle" and before != "0" and not self.rearms:
            return now
        if name == "ip_local_reserved_ports" and now not in ours:
            mine = {port for text in ours for port in ports(text)}
            return ",".join(map(str, sorted(ports(now) - (mine - ports(before)))))
        return before if now in ours else now


def same(name: str, one: str, other: str) -> bool:
    return ports(one) == ports(other) if name == "ip_local_reserved_ports" else one == other


def known_after(known: Known, event: Event, before: Seen, after: Seen) -> Known:
    """The same, when something has happened."""
    files = dict(known.files)
    if isinstance(event, Append) and can_append(files, event):
        files = appended(files, event)
    if isinstance(event, Reboot):
        files = {path: node for path, node in files.items() if not path.startswith("/run/")}
    was, ours = held(before), held(after)
    values = {name: value for name, value in known.before.items() if name in ours}
    if isinstance(event, Ask) and event.kernel:
        seen = {name: before.knobs[name] for name in ours if name in before.knobs and name not in values}
        values |= {name: value for name, value in seen.items() if value not in was.get(name, ())}
    return Known(files, values, known.rearms)
