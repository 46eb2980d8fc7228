# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section of a host in an HTML report. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ._entry import Entry
from ._markup import EMPTY, SPACE, Html, element, joined, text
from ._parts import (
    DASH,
    DOT,
    EXPOSURES,
    OFFSETS,
    REUSES,
    TIMESTAMPS,
    cell,
    count,
    destination,
    duration,
    gauge,
    many,
    mark,
    named,
    number,
    pairs,
    per_second,
    share,
    small,
    table,
    word,
)

#: Longer commands do not come from this collection.
_LONGEST_COMMAND: Final = 4000
_MOST_EVIDENCE: Final = 25
_MOST_PORTS: Final = 12
_RATES: Final[Mapping[str, str]] = {
    "time_wait": "into TIME_WAIT",
    "reused": "reused",
    "overflows": "overflows",
    "paws_drops": "PAWS drops",
    "paws_time_wait": "PAWS, TIME_WAIT",
    "syn_drops": "SYN drops",
}


def section(entry: Entry, destinations: int, *, opened: bool, whole: bool) -> Html:
    """A host, with so many ``destinations`` at most; only what is wrong with it, where it is not to be ``whole``."""
    if entry.facts is None:
        body = element("p", text("This host gave no facts: it was unreachable, or the probe failed."))
    else:
        body = joined(_body(entry, entry.facts, destinations, whole=whole))
    return element(
        "details",
        element("summary", element("h3", text(entry.name)), mark(entry.state), small(_digest(entry))),
        # The link leads inside, so that browsers open what is around it.
        element("div", body, id=entry.anchor, class_="host"),
        class_="fine" if entry.state == "fine" else None,
        open="" if opened else None,
    )


def _digest(entry: Entry) -> Html:
    """A host in a line."""
    if entry.facts is None:
        return EMPTY
    found = Counter(finding["severity"] for finding in entry.findings)
    words = {"error": ("error", "errors"), "warning": ("warning", "warnings"), "info": ("remark", "remarks")}
    parts = [many(found[severity], *words[severity]) for severity in words if found[severity]]
    parts.append(joined([count(entry.facts["sockets"]["time_wait"]), Html(" in TIME_WAIT")]))
    worst = entry.worst
    if worst and worst["share"] is not None:
        parts.append(joined([share(worst["share"]), Html(" of ports to "), destination(worst)]))
    return joined(parts, DOT)


def _body(entry: Entry, facts: Mapping[str, Any], destinations: int, *, whole: bool) -> Iterator[Html]:
    if not entry.findings:
        yield element("p", text("Nothing wrong was found on this host."), class_="good")
    else:
        yield element("ol", *map(_finding, entry.findings), class_="findings")
    if not whole:
        yield pairs([("Kernel", text(facts["kernel"]["release"])), ("Connections", _capacity_line(facts["capacity"]))])
        return
    if facts["sockets"]["census"]:
        yield from _census(facts["sockets"]["census"], destinations)
    blocks = [_sockets(facts), _capacity(facts["capacity"], facts["ports"])]
    if facts["rates"]:
        blocks.append(_rates(facts["rates"]))
    yield element("div", *blocks, _about(facts), class_="blocks")
    yield element("h4", text("Settings"))
    yield _settings(facts["sysctls"])


def _finding(finding: Mapping[str, Any]) -> Html:
    evidence = finding["evidence"][:_MOST_EVIDENCE]
    more = len(finding["evidence"]) - len(evidence)
    items = [element("li", text(words)) for words in evidence]
    remedy = [element("p", text(line, 1000)) for line in str(finding["remedy"]).split("\n") if line.strip()]
    return element(
        "li",
        element("h4", mark(finding["severity"]), SPACE, text(finding["message"], 1000)),
        small(element("code", text(finding["id"]))),
        element("ul", *items, element("li", text(f"and {more} more")) if more else EMPTY, class_="evidence"),
        element("div", *remedy, class_="remedy"),
        _commands(finding["commands"]),
    )


def _commands(lines: Sequence[object]) -> Html:
    if not lines:
        return EMPTY
    shown = joined(map(_command, map(str, lines)), Html("\n"))
    return element("div", element("pre", element("code", shown), tabindex=0), class_="commands")


def _command(line: str) -> Html:
    """A line to paste. What it would not be when pasted, since it had to be escaped or cut, becomes a comment."""
    shown = text(line, _LONGEST_COMMAND)
    safe = line.strip().isascii() and line.strip().isprintable() and len(line.strip()) <= _LONGEST_COMMAND
    return shown if safe else joined([Html("# cannot be pasted: "), shown])


def _census(census: Mapping[str, Any], most: int) -> Iterator[Html]:
    outbound = census["outbound"]
    top = outbound["top"][:most]
    if top:
        more = (number(outbound["destinations"]) or 0) - len(top)
        headings = ("Destination", "Ports taken", "TIME_WAIT", "Open", "Growth", "Full in", "Timestamps", "Reuse")
        yield element("h4", text("Destinations"))
        yield table(headings, map(_destination, top), "Connections from this host", "cards destinations")
        yield element("p", text(f"and {more:,.0f} more with fewer ports"), class_="note") if more > 0 else EMPTY
    notes = [
        *(("The kernel could not tell all sockets.",) if not census["complete"] else ()),
        *((f"Up to {outbound['lost']} sockets of each are not counted.",) if outbound["lost"] else ()),
    ]
    yield element("p", text(" ".join(notes)), class_="note") if notes else EMPTY
    groups = [(title, census[name]) for title, name in _GROUPS if census[name]["top"]]
    if groups:
        yield pairs([(title, _ports(group)) for title, group in groups])


_GROUPS: Final = (("Inbound, by port", "inbound"), ("Undetermined, by port", "undetermined"))


def _ports(group: Mapping[str, Any]) -> Html:
    listed = named(group["top"], _MOST_PORTS, _port)
    ports = many(int(number(group["ports"]) or 0), "port", "ports")
    return joined([count(group["sockets"]), Html(" sockets on "), ports, Html(": "), listed])


def _port(found: Mapping[str, Any]) -> Html:
    listener = Html(" with a listener") if found.get("listener") else EMPTY
    return element("span", element("b", text(found["port"])), listener, SPACE, count(found["sockets"]), class_="port")


def _destination(found: Mapping[str, Any]) -> Html:
    established = found["established"]
    looked_at = joined([count(established["with"]), Html(" with, "), count(established["without"]), Html(" without")])
    seen = any(number(established[side]) for side in ("with", "without"))
    where = joined([element("code", destination(found)), SPACE, small(Html("from "), text(found["source"]))])
    return element(
        "tr",
        element("th", where, scope="row", role="rowheader"),
        cell(gauge(found["share"]), element("b", share(found["share"]))),
        cell(count(found["sockets"]), kind="amount"),
        cell(count(found["open"]), kind="amount"),
        cell(per_second(found["growth"]), kind="amount"),
        cell(_left(found), kind="amount"),
        cell(word(TIMESTAMPS, found["timestamps"]), SPACE, small(looked_at) if seen else EMPTY),
        cell(word(REUSES, found["reuse"])),
        role="row",
    )


def _left(found: Mapping[str, Any]) -> Html:
    if found["seconds_left"] is not None:
        return duration(found["seconds_left"])
    growth = number(found["growth"])
    if growth is None:
        return DASH
    return small(text("never: reuse" if growth > 0 else "no growth"))


def _block(title: str, body: Html) -> Html:
    return element("div", element("h4", text(title)), body)


def _sockets(facts: Mapping[str, Any]) -> Html:
    sockets, census = facts["sockets"], facts["sockets"]["census"]
    part = EMPTY if sockets["share"] is None else joined([Html(", "), share(sockets["share"]), Html(" of it")])
    rows = [
        ("TIME_WAIT", count(sockets["time_wait"])),
        ("limit", joined([count(sockets["limit"]), part])),
    ]
    if census:
        rows += [
            ("outbound", count(census["outbound"]["sockets"])),
            ("inbound", count(census["inbound"]["sockets"])),
            ("undetermined", count(census["undetermined"]["sockets"])),
            ("FIN_WAIT_2", count(census["fin_wait_2"])),
            ("counted by", text(census["method"])),
        ]
    return _block("Sockets", pairs(rows))


def _capacity(capacity: Mapping[str, Any], ports: Mapping[str, Any]) -> Html:
    rows = [
        ("now", per_second(capacity["now"])),
        ("without reuse", per_second(capacity["per_destination"])),
        ("with reuse", per_second(capacity["per_destination_with_reuse"])),
        ("TIME_WAIT lasts", duration(capacity["time_wait_seconds"])),
        ("usable ports", count(ports["usable"])),
    ]
    return _block("Connections to one destination", pairs(rows))


def _capacity_line(capacity: Mapping[str, Any]) -> Html:
    return joined([per_second(capacity["now"]), Html(" to one destination")])


def _rates(rates: Mapping[str, Any]) -> Html:
    rows = [(label, per_second(rates[name])) for name, label in _RATES.items()]
    return _block("Rates", pairs([*rows, ("measured for", duration(rates["seconds"]))]))


def _about(facts: Mapping[str, Any]) -> Html:
    kernel, exposure = facts["kernel"], facts["exposure"]
    where = kernel["container"] or ("" if kernel["initial_namespace"] else "a network namespace of its own")
    rows = [
        ("kernel", text(f"{kernel['system']} {kernel['release']} {kernel['machine']}")),
        *((("inside", text(where)),) if where else ()),
        ("timestamp offsets", word(OFFSETS, facts["timestamps"]["offset"])),
        ("applies sysctl files", text(facts["loaders"]["boot"]["name"])),
        *(
            (label, joined(map(text, exposure[name]["evidence"]), Html("; ")) or text("yes"))
            for name, label in EXPOSURES.items()
            if exposure[name]["value"]
        ),
    ]
    return _block("About", pairs(rows))


def _settings(sysctls: Mapping[str, Any]) -> Html:
    shown = [found for name, found in sysctls.items() if found["supported"] or name in _ALWAYS]
    headings = ("Setting", "Now", "After boot", "Decided by")
    return table(headings, map(_setting, shown), "Settings", "cards settings")


_ALWAYS: Final = ("tcp_tw_reuse", "tcp_tw_recycle", "tcp_timestamps")


def _setting(found: Mapping[str, Any]) -> Html:
    boot = found["boot"]
    # A knob that this kernel lacks is not there after a boot, unless a line waits for another kernel.
    absent = not found["supported"] and boot["value"] is None
    after = small(text("absent")) if absent else _value(boot["value"])
    where = EMPTY if boot["value"] is None else small(text("kernel's default"))
    if boot["source"] is not None:
        where = joined([element("code", text(boot["source"])), Html(" line "), text(boot["line"])])
        # Without a line in a file, whatever set the value may set it again.
        if found["supported"] and boot["value"] not in (None, found["value"]):
            after = element("strong", after, Html(" differs"))
    return element(
        "tr",
        element("th", element("code", text(found["key"])), scope="row", role="rowheader"),
        cell(_value(found["value"]) if found["supported"] else small(text("absent"))),
        cell(after),
        cell(where),
        role="row",
    )


def _value(value: Any) -> Html:
    """An integer, a range of ports or a list of such ranges."""
    if value is None:
        return small(text("not known"))
    if not isinstance(value, (list, tuple)):
        return text(value)
    if value and not isinstance(value[0], (list, tuple)):
        return text("-".join(map(str, value)))
    return named(value, _MOST_PORTS, _range) if value else small(text("none"))


def _range(value: Sequence[object]) -> Html:
    ends = list(dict.fromkeys(map(str, value)))
    return text("-".join(ends))
