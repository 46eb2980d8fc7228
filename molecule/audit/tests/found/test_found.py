# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The audit of a fleet with a recycling server and a host whose reuse does nothing: what is reported, and how."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import scenario
from scenario import Run

PAGE = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "audit.html")
DATA = PAGE.with_suffix(".json")

#: Every host, and the ids of its findings.
FINDINGS = {
    "server": ["recycle_enabled"],
    "client": [],
    "no_timestamps": ["reuse_without_timestamps"],
    "one_clock": [],
    "translated": [],
    "no_python": [],
}

CONNECTIONS = 40
#: Run on the client, which closes each connection first. Prints its first timestamp (TCP_TIMESTAMP is 24).
CONNECT = f"""
import socket
for _ in range({CONNECTIONS}):
    connection = socket.create_connection(("10.0.0.1", 8080))
    print(connection.getsockopt(socket.IPPROTO_TCP, 24))
    connection.close()
"""


@dataclass(frozen=True)
class Audit:
    """One run of the audit: what it wrote, and every host before and after."""

    run: Run
    report: dict[str, Any]
    page: str
    before: dict[str, dict[str, str]]
    after: dict[str, dict[str, str]]
    #: Of the client's connections to the server, in milliseconds.
    timestamps: list[int]
    #: TIME_WAIT sockets of the client after it, as its kernel lists them.
    time_wait: int


def fingerprint(name: str) -> dict[str, str]:
    """With the names of files that are anywhere in the container and not in its image: nothing may be left behind."""
    difference = [scenario.ENGINE, "diff", f"{scenario.PREFIX}-{scenario.NAME}-{name}"]
    left = subprocess.run(difference, check=True, capture_output=True, text=True).stdout
    return {**scenario.fingerprint(scenario.host_of(name)), "left": left}


def fingerprints() -> dict[str, dict[str, str]]:
    return {name: fingerprint(name) for name in FINDINGS}


@pytest.fixture(scope="module")
def audit() -> Audit:
    for file in (PAGE, DATA):
        file.unlink(missing_ok=True)
    client = scenario.host_of("client")
    # Where the tests are run once more.
    client.check_output("while grep -q ' 06 ' /proc/net/tcp; do sleep 1; done")
    # Between two processors a FIN may overtake an ACK, and the reset that follows would end a TIME_WAIT now and then.
    client.check_output("echo 1 >/proc/sys/net/ipv4/tcp_rfc1337")
    before = fingerprints()
    # Here, and not in prepare.yml: they last for a minute.
    timestamps = [int(line) for line in client.check_output("python2.7 -c %s", CONNECT).split()]
    run = scenario.playbook("converge.yml")
    time_wait = int(client.check_output("grep -c ' 06 ' /proc/net/tcp"))
    assert DATA.exists(), run.words
    report = json.loads(DATA.read_text("utf-8"))
    return Audit(run, report, PAGE.read_text("utf-8"), before, fingerprints(), timestamps, time_wait)


def test_the_run_fails_on_the_hosts_that_have_an_error_and_on_no_other(audit):
    assert audit.run.rc == 2, audit.run.words
    failed = {name for name, counts in audit.run.stats.items() if counts["failures"] or counts["unreachable"]}
    assert failed == {name for name, found in FINDINGS.items() if found}


def test_every_host_is_in_the_report(audit):
    assert set(audit.report["hosts"]) == set(FINDINGS)


@pytest.mark.parametrize("name", FINDINGS)
def test_the_report_has_the_findings_of_the_host_and_no_other(audit, name):
    assert [finding["id"] for finding in audit.report["hosts"][name]["findings"]] == FINDINGS[name]


@pytest.fixture(scope="module")
def dropped(audit: Audit) -> list[str]:
    """Whether the client is among them is up to the kernel that runs this: one clock, or a random one each time."""
    random = max(audit.timestamps) - min(audit.timestamps) > 60_000
    return [*(["client"] if random else []), "no_timestamps", "translated"]


def test_the_blast_radius_is_whom_recycle_would_drop(audit, dropped):
    assert audit.report["blast_radius"] == [{"server": "server", "dropped": dropped, "not_known": 1}]


def test_the_sockets_of_the_client_are_counted_by_destination(audit):
    assert audit.time_wait == CONNECTIONS
    sockets = audit.report["hosts"]["client"]["sockets"]
    assert sockets["time_wait"] == CONNECTIONS
    [destination] = sockets["census"]["outbound"]["top"]
    found = {key: destination[key] for key in ("source", "destination", "port", "sockets")}
    assert found == {"source": "10.0.0.2", "destination": "10.0.0.1", "port": 8080, "sockets": CONNECTIONS}


def test_nothing_changed(audit):
    assert audit.run.changed() == []


@pytest.mark.parametrize("name", FINDINGS)
def test_the_host_is_untouched(audit, name):
    assert audit.after[name] == audit.before[name]


def test_a_report_in_a_directory_that_is_not_there_is_an_error_that_says_so(tmp_path):
    missing = tmp_path / "missing"
    page = missing / "audit.html"
    run = scenario.playbook("converge.yml", "--extra-vars", json.dumps({"timewait_report": str(page)}))
    assert run.rc == 2, run.words
    failed = [result["msg"] for results in run.results.values() for result in results.values() if result.get("failed")]
    assert failed == [f"the report cannot be written to {page}: there is no directory {missing}"]
    assert not missing.exists()


#: Attributes that name something to be loaded, to be sent to or to be followed.
ADDRESSES = ("src", "srcset", "href", "xlink:href", "action", "formaction", "data", "poster", "background", "ping")


class Parsed(HTMLParser):
    """What a page is made of: each tag with its attributes, and each text with the tag that it stands in."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.opened: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "input"):
            self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.opened[-1] if self.opened else "", data))


@pytest.fixture(scope="module")
def page(audit: Audit) -> Parsed:
    return Parsed(audit.page)


def test_the_page_shows_each_host_with_its_findings(page):
    ids = {found for names in FINDINGS.values() for found in names}
    shown: dict[str, list[str]] = {}
    for tag, words in page.texts:
        if tag == "h3":
            shown[words] = []
        elif tag == "code" and shown and words in ids:
            list(shown.values())[-1].append(words)
    assert shown == FINDINGS


def test_the_page_says_whom_recycle_would_drop(page, dropped):
    words = "".join(text for _tag, text in page.texts)
    assert f"{len(dropped)} of your hosts would be dropped now and then by server: {', '.join(dropped)}; " in words


def test_the_page_names_nothing_that_a_browser_would_load(page):
    addresses = [
        value or "" for _tag, attributes in page.tags for name, value in attributes.items() if name in ADDRESSES
    ]
    assert addresses
    assert [address for address in addresses if not address.startswith("#")] == []
    [style] = [words for tag, words in page.texts if tag == "style"]
    assert "url(" not in style
    assert "@import" not in style


def test_the_policy_of_the_page_lets_a_browser_load_nothing(page):
    """It stands before all that it rules, and allows no source but texts of the page itself, by their hashes."""
    assert [tag for tag, _attributes in page.tags[:4]] == ["html", "head", "meta", "meta"]
    policy = page.tags[3][1]
    assert policy["http-equiv"] == "Content-Security-Policy"
    rules = dict(rule.split(" ", 1) for rule in policy["content"].split("; "))
    assert rules["default-src"] == "'none'"
    assert [words for words in rules.values() if not re.fullmatch("'none'|'sha256-[^' ]+'", words)] == []
