# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ast
import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._advice._rules import findings_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._facts import facts_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._html import _markup, _page
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._html._page import page
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._observed import Observed
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._snapshot import printable
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.simulated import PUBLIC, UNTAGGED, a_host

VOID = {"input", "link", "meta"}
#: What would do harm in text, in an attribute, in a script, in a comment or behind a decoder.
HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "' onmouseover=alert(1) x='",
    "</style></script></title></pre></details><!-- ",
    "-->]]><svg/onload=alert(1)>",
    "&lt;b&gt; &amp; &#60;",
    "a\x00b\x1b[2J\r\nc\u202e\u2028\udcff\uff1cscript\uff1e",
    "javascript:alert(1)",
    "{{ 1 + 1 }} ${1} `id`",
)


class Parsed(HTMLParser):
    """What a page is made of."""

    def __init__(self, document: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.texts: list[str] = []
        self.others: list[str] = []
        self.opened: list[str] = []
        self.inside: dict[str, list[str]] = {"style": [], "script": [], "title": [], "code": [], "h3": [], "p": []}
        self.feed(document)
        self.close()
        assert not self.opened

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(attrs)))
        if tag not in VOID:
            self.opened.append(tag)
            self.texts.append("")
        if tag in self.inside:
            self.inside[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag
        self.texts.append("")

    def handle_data(self, data: str) -> None:
        self.texts[-1:] = [self.texts[-1] + data] if self.texts else [data]
        for tag in self.opened:
            if tag in self.inside:
                self.inside[tag][-1] += data

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)

    def unknown_decl(self, data: str) -> None:
        self.others.append(data)

    def attributes(self, name: str) -> list[str]:
        return [value or "" for _tag, attributes in self.tags for key, value in attributes if key == name]


def a_destination(address: str = "10.0.0.5", **more: object) -> dict[str, Any]:
    return {
        "source": "10.0.0.1", "destination": address, "port": 5432, "sockets": 12345, "open": 34, "share": 0.4372,
        "growth": 10.0, "seconds_left": 90.0, "reuse": "off", "timestamps": "mixed",
        "established": {"with": 30, "without": 4}, **more,
    }  # fmt: skip


def a_census(*destinations: dict[str, Any], many: int | None = None) -> dict[str, Any]:
    return {
        "method": "sock_diag", "complete": True, "time_wait": 13848, "fin_wait_2": 2,
        "inbound": {"sockets": 1203, "ports": 1, "top": [{"port": 443, "sockets": 1203}]},
        "outbound": {
            "sockets": 12345, "destinations": len(destinations) if many is None else many, "lost": 0,
            "top": list(destinations),
        },
        "undetermined": {"sockets": 300, "ports": 1, "top": [{"port": 8443, "sockets": 300, "listener": True}]},
    }  # fmt: skip


RATES = {
    "seconds": 2.0, "time_wait": 412.5, "reused": 0.02, "overflows": 0.0, "paws_drops": None, "syn_drops": 0.0,
    "paws_time_wait": 3.5,
}  # fmt: skip


def a_finding(**more: object) -> dict[str, Any]:
    return {
        "id": "ports_short", "severity": "error", "message": "ports run out", "evidence": ["27,000 of 28,232 taken"],
        "remedy": "let reuse work", "commands": ["sysctl -w net.ipv4.tcp_tw_reuse=1"], **more,
    }  # fmt: skip


def facts(kernel: str = "Linux 6.18", *, census: dict[str, Any] | None = None, **knobs: str) -> dict[str, Any]:
    """As they come from a host and through JSON."""
    host = a_host(kernel)
    host.knobs.update(knobs)
    snapshot = host.snapshot()
    found = json.loads(json.dumps(facts_of(Observed(snapshot, PUBLIC), findings_of(Observed(snapshot, UNTAGGED)))))
    found["sockets"]["census"] = census
    found["rates"] = RATES if census else None
    return found


def an_audit(blast_radius: list[dict[str, Any]] | None = None, **hosts: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "format": 1,
        "made": "2026-11-28T19:30:00Z",
        "hosts": hosts,
        "blast_radius": blast_radius or [],
        "summary": {"hosts": len(hosts), "silent": 0, "error": 0, "warning": 0, "info": 0},
    }


def a_full_audit() -> dict[str, Any]:
    """Something of everything that a page can show."""
    bad = facts("RHEL 7", census=a_census(a_destination(), a_destination("fd00::5", seconds_left=None), many=40))
    bad["sysctls"]["tcp_tw_recycle"]["value"] = 1
    bad["sysctls"]["tcp_timestamps"]["boot"].update(source="/etc/sysctl.d/50.conf", line=3, value=0)
    bad["sysctls"]["tcp_rfc1337"]["boot"].update(source="/etc/sysctl.d/60.conf", line=4, value=0)
    bad["kernel"]["container"] = "docker"
    bad["sockets"]["census"].update(complete=False)
    bad["sockets"]["census"]["outbound"]["lost"] = 7
    bad["findings"] = [a_finding(), a_finding(id="b", severity="warning"), a_finding(id="c", severity="info")]
    radius = [{"server": "db3", "dropped": [f"web{number}" for number in range(1, 8)], "not_known": 3}]
    return an_audit(radius, db3=bad, web1=facts(), web2=None)


def visible(document: str) -> str:
    """The texts of a page, white space apart."""
    return re.sub(
        r"\s+", " ", re.sub(r"<[^>]*>", "", re.sub(r"<(style|script)>.*?</\1>", "", document, flags=re.DOTALL))
    )


def strings_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a document there are strings; keys are not among them."""
    if isinstance(value, str):
        yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from strings_in(inner, (*path, key))


def changed(value: Any, path: tuple[Any, ...], text: str) -> Any:
    """The document with ``text`` appended to the string there."""
    if not path:
        return value + text
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], text)
    return copy


FULL = a_full_audit()
PATHS = [path for path in strings_in(FULL) if path[0] != "summary"]
TAGS = {tag for tag, _attributes in Parsed(page(FULL)).tags}
ATTRIBUTES = {key for _tag, attributes in Parsed(page(FULL)).tags for key, _value in attributes}


def shown(path: tuple[Any, ...]) -> bool:
    """Whether the page shows the text that stands there."""
    if {"reason", "loader", "reload"} & set(path) or path[-2:] == ("tcp_tw_timeout", "key"):
        return False
    if path[-2:] == ("tcp_tw_reuse_delay", "key"):
        return path[1] == "web1"
    return path[:3] != ("blast_radius", 0, "dropped") or path[3] < 3


def decides(path: tuple[Any, ...], hostile: str) -> bool:
    """Whether another text makes the page another one: a word of an enumeration, a host, lines of a remedy."""
    return path[-1] in {"severity", "offset"} or path[0] == "blast_radius" or (path[-1] == "remedy" and "\n" in hostile)


# What stands in it


def test_the_page_says_what_it_is_and_when_it_was_made() -> None:
    document = page(an_audit(web1=facts(), web2=facts()))
    assert "2 hosts &middot; 2026-11-28 19:30 UTC" in document
    assert Parsed(document).inside["title"] == ["TIME_WAIT audit of 2026-11-28 19:30 UTC"]


def test_an_audit_of_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="format 2"):
        page({**an_audit(), "format": 2})


def figures(document: str) -> dict[str, str]:
    found = re.search(r'<dl class="figures">(.*?)</dl>', document)
    assert found
    return dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", found[1]))


def test_each_host_counts_by_the_worst_that_is_wrong_with_it() -> None:
    assert figures(page(FULL)) == {
        "Hosts": "3",
        "With errors": "1",
        "Gave no facts": "1",
        "Warnings, no errors": "0",
        "Nothing wrong": "1",
        "TIME_WAIT sockets": "34",
        "tcp_tw_recycle on": "1",
    }
    info = facts()
    info["findings"] = [a_finding(severity="info")]
    assert figures(page(an_audit(web1=info)))["Remarks only"] == "1"


def test_the_worst_destination_of_all_hosts_is_named_with_the_host_that_connects_there() -> None:
    some, most = facts(census=a_census(a_destination())), facts(census=a_census(a_destination("fd00::9", share=0.93)))
    document = page(an_audit(web1=some, web2=most, web3=facts()))
    assert "Worst destination [fd00::9]:5432 from web2 93% of the ports, 12,379 sockets, full in 90 s" in visible(
        document.replace("Worst destination</span>", "Worst destination </span>").replace("</a><svg", "</a> <svg")
    )
    assert "sockets were counted on 2 of 3 hosts" in document


def test_where_sockets_were_not_counted_destinations_are_not_said_to_be_none() -> None:
    document = page(an_audit(web1=facts()))
    assert "sockets were not counted" in document
    assert "not counted</small>" in document
    counted = page(an_audit(web1=facts(census=a_census())))
    assert "No host has connections of its own." in visible(counted)


def test_it_is_told_whom_a_server_with_recycle_drops_and_of_how_many_that_is_not_known() -> None:
    words = visible(page(FULL))
    assert "7 of your hosts would be dropped now and then by db3: web1, web2, web3 and 4 more; not known of 3 more" in (
        words
    )
    nobody = visible(page(an_audit([{"server": "db3", "dropped": [], "not_known": 1}], db3=facts())))
    assert "No host of this audit is known to be dropped by db3; not known of 1 more" in nobody
    assert "dropped" not in visible(page(an_audit(db3=facts()))).replace("Segments dropped", "")


def test_a_finding_has_evidence_remedy_and_commands() -> None:
    parsed = Parsed(page(FULL))
    assert "27,000 of 28,232 taken" in parsed.texts
    assert "let reuse work" in parsed.texts
    assert "sysctl -w net.ipv4.tcp_tw_reuse=1" in parsed.inside["code"]


def test_commands_stand_one_on_a_line_so_that_they_can_be_copied() -> None:
    host = facts()
    host["findings"] = [a_finding(commands=["sysctl -w a=1", "echo 'b' > \"c\""])]
    assert "sysctl -w a=1\necho 'b' > \"c\"" in Parsed(page(an_audit(web1=host))).inside["code"]


@pytest.mark.parametrize(
    "command", ["rm \u202e/x", "rm \xe4", "a\nb", "rm /tmp/" + "a" * 4000], ids=["bidi", "umlaut", "newline", "long"]
)
def test_a_command_that_cannot_be_shown_as_it_is_becomes_a_comment(command: str) -> None:
    host = facts()
    host["findings"] = [a_finding(commands=[command])]
    (shown,) = [code for code in Parsed(page(an_audit(web1=host))).inside["code"] if "cannot be pasted" in code]
    assert shown.startswith("# ")
    assert "\n" not in shown


def test_a_remedy_may_have_several_lines() -> None:
    host = facts()
    host["findings"] = [a_finding(remedy="first\n\nsecond")]
    assert {"first", "second"} <= set(Parsed(page(an_audit(web1=host))).inside["p"])


def test_a_host_with_nothing_wrong_says_so_and_a_silent_one_too() -> None:
    words = visible(page(FULL))
    assert words.count("Nothing wrong was found on this host.") == 1
    assert words.count("This host gave no facts") == 1


def test_a_destination_is_shown_with_all_that_is_known_of_it() -> None:
    host = facts(census=a_census(a_destination(), a_destination("10.9.9.9", seconds_left=None, reuse="works"), many=40))
    document = page(an_audit(web1=host))
    row = document[document.index("from 10.0.0.1") :]
    found = [visible(cell) for cell in re.findall(r"<td.*?</td>", row)[:7]]
    assert found == ["44%", "12,345", "34", "10/s", "90 s", "mixed 30 with, 4 without", "off"]
    assert "never: reuse" in document
    assert "and 38 more with fewer ports" in document
    assert "1,203 sockets on 1 port: 443 1,203" in visible(document)


def test_capacity_and_rates_are_shown() -> None:
    words = visible(page(an_audit(web1=facts(census=a_census()))))
    assert "now470/swithout reuse470/swith reuse28,232/sTIME_WAIT lasts60 susable ports28,232" in words
    assert "into TIME_WAIT412/sreused&lt;0.1/soverflows0/sPAWS drops&ndash;PAWS, TIME_WAIT3.5/sSYN drops0/s" in words


def test_a_value_that_a_file_changes_at_boot_is_marked_and_one_that_no_file_sets_is_not() -> None:
    document = page(FULL)
    assert document.count("differs") == 1
    assert "<strong>0 differs</strong></td>" in document
    assert "<code>/etc/sysctl.d/50.conf</code> line 3" in document


def test_the_worst_host_comes_first_then_silent_ones_then_by_name() -> None:
    warned, remarked = facts(), facts()
    warned["findings"], remarked["findings"] = [a_finding(severity="warning")], [a_finding(severity="info")]
    broken = facts()
    broken["findings"] = [a_finding(severity="info"), a_finding()]
    audit = an_audit(a=facts(), b=facts(), c=remarked, d=warned, e=None, f=broken)
    assert Parsed(page(audit)).inside["h3"] == ["f", "e", "d", "c", "a", "b"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "120 min"), (7200, "2 h"), (172800, "2 days")],
)
def test_time_is_told_in_the_unit_that_a_person_would_use(seconds: int, words: str) -> None:
    host = facts(census=a_census(a_destination(seconds_left=seconds)))
    assert f">{words}</td>" in page(an_audit(web1=host))


@pytest.mark.parametrize("share", [0, 0.0001, 0.5, 1, 3.2])
def test_a_bar_is_as_long_as_the_share_says_and_never_longer_than_its_track(share: float) -> None:
    parsed = Parsed(page(an_audit(web1=facts(census=a_census(a_destination(share=share))))))
    widths = {float(width) for width in parsed.attributes("width") if width.replace(".", "").isdigit()}
    assert min(share, 1) * 100 in widths
    assert max(widths - {1000.0}) <= 100


def test_a_share_that_is_not_known_has_no_bar() -> None:
    document = page(an_audit(web1=facts(census=a_census(a_destination(share=None, growth=None, seconds_left=None)))))
    assert 'class="bar"' not in document


def test_what_is_unknown_is_not_sorted_as_zero() -> None:
    host = facts()
    host["sockets"].update(time_wait=None, share=None)
    row = re.search(r"<tbody.*?</tbody>", page(an_audit(web1=host)))
    assert row
    assert "&ndash;" in row[0]
    assert "absent" in row[0]
    assert 'data-v="0"' not in row[0]


def test_text_where_a_number_should_be_is_shown_as_text() -> None:
    host = facts(census=a_census(a_destination(share="<b>", sockets="<i>", growth=float("nan"), seconds_left="<u>")))
    document = page(an_audit(web1=host))
    assert {"<b>", "<i>", "nan", "<u>"} <= set(Parsed(document).texts)


def test_severity_is_always_a_word_too() -> None:
    for mark in re.findall(r'<span class="mark[^>]*>(.*?)</span>', page(FULL)):
        assert mark in {"error", "warning", "info", "no facts", "nothing wrong"}


# Sizes


@pytest.mark.parametrize("number", [0, 1])
def test_an_audit_of_no_host_and_of_one_makes_a_page(number: int) -> None:
    parsed = Parsed(page(an_audit(**{f"web{at}": facts() for at in range(number)})))
    assert sum(tag == "details" for tag, _attributes in parsed.tags) == number


def test_with_many_hosts_the_worst_are_shown_in_full_and_the_others_only_with_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_page, "MOST_WHOLE", 2)
    bad = facts()
    bad["findings"] = [a_finding()]
    document = page(an_audit(a=facts(), b=bad, c=bad, d=bad))
    assert document.count("Setting</th>") == 2
    assert document.count("let reuse work") == 3
    assert "The 2 worst are shown in full" in document


def test_the_destinations_of_all_hosts_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_page, "MOST_DESTINATIONS", 6)
    census = a_census(*(a_destination(f"10.0.0.{number}") for number in range(9)))
    document = page(an_audit(a=facts(census=census), b=facts(census=census)))
    assert document.count("<code>10.0.0.2:5432</code> <small>from") == 2
    assert "10.0.0.3:5432" not in document
    assert document.count("and 6 more with fewer ports") == 2


def test_a_few_bad_hosts_are_open_and_many_are_not() -> None:
    bad = facts()
    bad["findings"] = [a_finding()]

    def opened(number: int) -> int:
        hosts = {f"bad{at}": bad for at in range(number)}
        return len(Parsed(page(an_audit(**hosts, good=facts()))).attributes("open"))

    assert (opened(1), opened(5), opened(6)) == (1, 5, 0)


def test_evidence_findings_and_ports_without_end_are_cut_and_said_to_be() -> None:
    host = facts(census=a_census())
    host["findings"] = [a_finding(id=f"f{at}", evidence=["e"] * 100) for at in range(30)]
    host["sockets"]["census"]["inbound"] = {
        "sockets": 9, "ports": 90, "top": [{"port": port, "sockets": 1} for port in range(90)],
    }  # fmt: skip
    words = visible(page(an_audit(web1=host)))
    assert "and 75 more" in words
    assert "and 22 more" in words
    assert "and 78 more" in words


# Nothing of a host becomes markup


def prove_harmless(parsed: Parsed) -> None:
    assert {tag for tag, _attributes in parsed.tags} <= TAGS
    assert {key for _tag, attributes in parsed.tags for key, _value in attributes} <= ATTRIBUTES
    assert not parsed.others


@given(st.sampled_from(PATHS), st.sampled_from(HOSTILE) | st.text(min_size=1, max_size=60))
@example(("hosts", "db3", "findings", 0, "remedy"), HOSTILE[6])
def test_no_text_of_a_host_becomes_a_tag_or_an_attribute_and_all_of_it_is_there(
    path: tuple[Any, ...], hostile: str
) -> None:
    value = FULL
    for key in path:
        value = value[key]
    parsed = Parsed(page(changed(FULL, path, hostile)))
    prove_harmless(parsed)
    if not decides(path, hostile):
        assert parsed.tags == Parsed(page(FULL)).tags
    if shown(path):
        lines = f"{value}{hostile}".split("\n") if path[-1] == "remedy" else [f"{value}{hostile}"]
        assert all(printable(line) in "".join(parsed.texts) for line in lines)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_in_every_place_at_once_is_text(hostile: str) -> None:
    audit = FULL
    for path in PATHS:
        audit = changed(audit, path, hostile)
    parsed = Parsed(page(audit))
    prove_harmless(parsed)
    assert "".join(parsed.texts).count(printable(f"x{hostile}")[1:]) > 60


@given(st.sampled_from(HOSTILE) | st.text(min_size=1, max_size=60))
def test_no_name_of_a_host_becomes_a_tag_or_an_attribute(name: str) -> None:
    radius = [{"server": name, "dropped": [name], "not_known": 0}]
    hosts = {name: FULL["hosts"]["db3"], "\udcff" + name: None}
    parsed = Parsed(page({**an_audit(radius), "hosts": hosts}))
    plain = {"web1": FULL["hosts"]["db3"], "\udcffweb1": None}
    radius = [{"server": "web1", "dropped": ["web1"], "not_known": 0}]
    assert parsed.tags == Parsed(page({**an_audit(radius), "hosts": plain})).tags
    assert parsed.inside["h3"] == [printable(name), printable("\udcff" + name)]


def test_links_lead_to_sections_and_have_nothing_of_a_host_in_them() -> None:
    parsed = Parsed(page({**FULL, "hosts": {f"{name}\"><'&": found for name, found in FULL["hosts"].items()}}))
    targets, ids = parsed.attributes("href"), parsed.attributes("id")
    assert {"#h1", "#h2", "#h3"} <= set(targets)
    assert all(re.fullmatch(r"#[a-z0-9]+", target) for target in targets)
    assert {target[1:] for target in targets} <= set(ids)
    assert max(Counter(ids).values()) == 1


def test_the_page_is_ascii() -> None:
    assert page(changed(FULL, ("hosts", "db3", "kernel", "release"), "\xe4\u20ac\U0001f600\udcff")).isascii()


def test_html_is_made_of_constants_only_but_where_texts_are_escaped() -> None:
    files = [file for file in Path(_page.__file__).parent.glob("*.py") if file.name != "_markup.py"]
    assert len(files) == 7
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Html":
                assert isinstance(node.args[0], ast.Constant), f"{file.name} line {node.lineno}"


# It needs nothing but itself, and may not


def policy(document: str) -> dict[str, str]:
    (content,) = [
        dict(attributes)["content"] or ""
        for tag, attributes in Parsed(document).tags
        if tag == "meta" and ("http-equiv", "Content-Security-Policy") in attributes
    ]
    return {rule.partition(" ")[0]: rule.partition(" ")[2] for rule in content.split("; ")}


def test_the_policy_names_the_one_style_sheet_and_the_one_script_by_their_hashes() -> None:
    document = page(FULL)
    parsed, rules = Parsed(document), policy(document)
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    for tag in ("style", "script"):
        (content,) = parsed.inside[tag]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[f"{tag}-src"] == f"'sha256-{digest}'"
    assert set(rules) == {"default-src", "style-src", "script-src", "base-uri", "form-action"}


def test_the_policy_comes_before_all_that_it_rules() -> None:
    tags = [tag for tag, _attributes in Parsed(page(FULL)).tags]
    assert tags[:4] == ["html", "head", "meta", "meta"]


def test_nothing_is_loaded_and_no_element_has_a_style_or_a_handler() -> None:
    parsed = Parsed(page(FULL))
    assert not {"src", "srcset", "style", "action", "data", "background", "poster"} & ATTRIBUTES
    assert not [name for name in ATTRIBUTES if name.startswith("on")]
    assert not {"link", "img", "iframe", "object", "embed", "base"} & TAGS
    for tag in ("style", "script"):
        assert "url(" not in parsed.inside[tag][0]
        assert "@import" not in parsed.inside[tag][0]
        assert not re.search(r"https?://(?!www\.gnu\.org)", parsed.inside[tag][0])


@pytest.mark.parametrize(
    "word", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval", "Function("]
)
def test_the_script_makes_no_markup_of_text(word: str) -> None:
    assert word not in Parsed(page(FULL)).inside["script"][0]


def test_what_only_the_script_can_serve_is_hidden_without_it() -> None:
    tags = Parsed(page(FULL)).tags
    assert [dict(attributes).get("hidden") for tag, attributes in tags if tag == "form"] == [""]
    assert not [tag for tag, _attributes in tags if tag == "button"]


@given(st.sampled_from(HOSTILE) | st.text(max_size=60))
def test_text_in_an_attribute_stays_in_it(text: str) -> None:
    parsed = Parsed(_markup.element("a", _markup.text(text), class_=text, data_v=1, hidden=None))
    assert parsed.tags == [("a", (("class", printable(text)), ("data-v", "1")))]


@pytest.mark.parametrize("source", ["a</style>", "<!-- b", "</SCRIPT>"])
def test_a_style_sheet_that_would_end_its_element_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match="would end"):
        _markup.verbatim("style", source)


def labels_in(style: str, table: str) -> dict[int, str]:
    found = re.findall(rf'\.{table} td:nth-child\((\d+)\)::before {{ content: "([^"]+)"; }}', style)
    return {int(column): words for column, words in found}


@pytest.mark.parametrize("table", ["fleet", "kinds", "destinations", "settings"])
def test_the_labels_of_cards_are_the_headings_of_the_table(table: str) -> None:
    document = page(FULL)
    found = re.search(rf'<table class="cards {table}".*?</thead>', document)
    assert found
    headings = re.findall(r"<th [^>]*>(.*?)</th>", found[0])
    labels = labels_in(Parsed(document).inside["style"][0], table)
    assert labels
    assert all(headings[column - 1] == words for column, words in labels.items())


def test_the_style_sheet_hides_as_many_rows_at_first_as_the_script_does() -> None:
    parsed = Parsed(page(FULL))
    (step,) = re.findall(r"const STEP = ([0-9]+);", parsed.inside["script"][0])
    assert f".loading .fleet tbody tr:nth-child(n + {int(step) + 1})" in parsed.inside["style"][0]


def test_a_knob_that_a_kernel_lacks_is_absent_after_a_boot_too() -> None:
    [row] = re.findall(
        "<tr[^>]*><th[^>]*><code>net[.]ipv4[.]tcp_tw_recycle</code>.*?</tr>", page(an_audit(web1=facts()))
    )
    assert re.sub("<[^>]*>", " ", row).split() == ["net.ipv4.tcp_tw_recycle", "absent", "absent"]
