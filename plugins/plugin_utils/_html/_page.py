# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An audit as one HTML file, to look at in a browser. Pure but for reading the style sheet and the script.

It needs no network, and its policy forbids it any. All that comes from hosts passes through ``_markup.text``; should
something get past it, the policy names the one style sheet and the one script of the page by their hashes, so nothing
else would run.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ._entry import Entry, entries_of
from ._fleet import blast_radius, findings, overview
from ._host import section
from ._markup import EMPTY, Html, element, joined, text, verbatim
from ._parts import DOT, many, pairs
from ._table import hosts

#: The format of audits that this reads.
FORMAT: Final = 1
#: So many hosts, the worst, are shown in full, the others with what is wrong with them only. A file for 10,000 hosts
#: would be too large to be opened.
MOST_WHOLE: Final = 500
#: The destinations of all hosts together; no host has more than its facts name.
MOST_DESTINATIONS: Final = 20_000
#: So few hosts with something wrong are open at first.
MOST_OPEN: Final = 5


def page(audit: Mapping[str, Any]) -> str:
    """The text of an HTML file, all of it in ASCII. Raises ValueError where the audit is of another format."""
    if audit["format"] != FORMAT:
        raise ValueError(f"the audit is of format {audit['format']!r}; only {FORMAT} is known")
    entries = entries_of(audit["hosts"])
    made = _time(str(audit["made"]))
    parts = {
        "fleet": ("Fleet", overview(entries)),
        "recycle": ("Recycle", blast_radius(audit["blast_radius"], entries)),
        "findings": ("Findings", findings(entries)),
        "hosts": ("Hosts", hosts(entries)),
        "details": ("Details", _details(entries)),
    }
    shown = {name: part for name, part in parts.items() if part[1]}
    links = [element("a", text(title), href=f"#{name}") for name, (title, _part) in shown.items()]
    header = element(
        "header",
        element("h1", text("TIME_WAIT audit")),
        element("p", many(len(entries), "host", "hosts"), DOT, text(made)),
        element("nav", *links, aria_label="Parts of this page"),
    )
    main = element("main", *(element("section", part, id=name) for name, (_title, part) in shown.items()))
    body = element("body", header, main, _words())
    return f"<!DOCTYPE html>\n{element('html', _head(made), body, lang='en')}\n"


def _head(made: str) -> Html:
    return element(
        "head",
        element("meta", charset="utf-8"),
        _policy(),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", text(f"TIME_WAIT audit of {made}")),
        verbatim("style", _source(_STYLE)),
        verbatim("script", _source(_SCRIPT)),
    )


def _details(entries: Sequence[Entry]) -> Html:
    """A section for each host."""
    if not entries:
        return EMPTY
    most = MOST_DESTINATIONS // min(len(entries), MOST_WHOLE)
    wrong = sum(entry.state != "fine" for entry in entries)
    # The worst come first.
    opened = max(wrong, int(len(entries) == 1)) if wrong <= MOST_OPEN else 0
    sections = [
        section(entry, most, opened=entry.number <= opened, whole=at < MOST_WHOLE) for at, entry in enumerate(entries)
    ]
    note = text(f"The {MOST_WHOLE:,} worst are shown in full; of the others, what is wrong with them.")
    short = element("p", note, class_="note") if len(entries) > MOST_WHOLE else EMPTY
    return joined([element("h2", text("Host by host")), short, *sections])


def _words() -> Html:
    """What the words of the tables mean."""
    return element(
        "footer", element("h2", text("Words")), pairs((word, text(meaning, 1000)) for word, meaning in WORDS.items())
    )


WORDS: Final[Mapping[str, str]] = {
    "Ports taken": "The part of the usable ephemeral ports that connections to this destination take, in TIME_WAIT and "
    "open ones. Each destination has all ports to itself: at 100% no new connection to it can be opened, unless reuse "
    "works.",
    "Open": "Connections in any other state than TIME_WAIT.",
    "Full in": "When no port is left for this destination, if the number of sockets goes on growing as it did while it "
    "was measured.",
    "Reuse": "In the table of hosts the setting tcp_tw_reuse; in that of destinations whether it lets new connections "
    "take over sockets in TIME_WAIT, for which both ends need timestamps.",
    "Timestamps": "In the table of hosts the setting, and how this kernel makes them; in that of destinations what the "
    "connections that were established when they were looked at had negotiated.",
    "Inbound": "The local port has a listener: this host closed first, and reuse is irrelevant.",
    "Outbound": "This host connected, and closed first.",
    "Overflows": "Sockets closed without TIME_WAIT because tcp_max_tw_buckets was reached.",
    "Undetermined": "The listener is gone, or the port is not one that only the kernel gives to connections.",
    "PAWS drops": "Segments dropped because of their timestamp.",
    "TIME_WAIT": "A high number of sockets in TIME_WAIT is by itself no problem.",
}


_STYLE: Final = "_report.css"
_SCRIPT: Final = "_report.js"


@functools.cache
def _source(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="ascii")


def _policy() -> Html:
    """Nothing is loaded, sent or run but this one style sheet and this one script."""
    style, script = (
        base64.b64encode(hashlib.sha256(_source(name).encode()).digest()).decode() for name in (_STYLE, _SCRIPT)
    )
    rules = (
        "default-src 'none'",
        f"style-src 'sha256-{style}'",
        f"script-src 'sha256-{script}'",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return element("meta", http_equiv="Content-Security-Policy", content="; ".join(rules))


def _time(made: str) -> str:
    found = re.fullmatch(r"([0-9-]{10})T([0-9]{2}:[0-9]{2})(?::[0-9.]+)?Z", made)
    return f"{found[1]} {found[2]} UTC" if found else made
