# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reports: JSON, SARIF, the table; and what users may give for paths."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._model import (
    Finding,
    Note,
    Position,
    ReachedHost,
)
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._report import Report, as_data, lines, relative
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._run import paths_of, write_report
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._sarif import as_sarif
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._exposure import Claim, exposure_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._values import BadRequest

PUBLIC = exposure_of([Claim("public_facing", "group edge")])
BOTH = exposure_of([Claim("public_facing", "group edge"), Claim("behind_nat", "group lan")])
PRIVATE = exposure_of([Claim("private", "group db")])
HOSTS = (ReachedHost("db1", PRIVATE), ReachedHost("lb1", BOTH), ReachedHost("new", exposure_of([])))

#: What must hold of any SARIF log, by the names of the standard's own schema, as far as our logs go.
POSITIVE = {"type": "integer", "minimum": 1}
TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
LOCATION = {
    "type": "object",
    "required": ["physicalLocation"],
    "properties": {
        "physicalLocation": {
            "type": "object",
            "required": ["artifactLocation", "region"],
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "required": ["uri"],
                    "properties": {"uri": {"type": "string", "pattern": "^[!-~]+$"}},
                },
                "region": {"type": "object", "required": ["startLine"], "properties": {"startLine": POSITIVE}},
            },
        }
    },
}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
SARIF = {
    "type": "object",
    "required": ["$schema", "version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name", "rules"],
                                "properties": {
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id", "shortDescription", "fullDescription", "help"],
                                            "properties": {
                                                "shortDescription": TEXT,
                                                "fullDescription": TEXT,
                                                "help": TEXT,
                                                "defaultConfiguration": {"properties": {"level": LEVEL}},
                                            },
                                        },
                                    }
                                },
                            }
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message", "ruleId", "level", "locations"],
                            "properties": {
                                "message": TEXT,
                                "level": LEVEL,
                                "locations": {"type": "array", "minItems": 1, "items": LOCATION},
                                "relatedLocations": {"type": "array", "items": LOCATION},
                                "suppressions": {
                                    "type": "array",
                                    "items": {"required": ["kind"], "properties": {"kind": {"const": "inSource"}}},
                                },
                            },
                        },
                    },
                    "invocations": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["executionSuccessful"],
                            "properties": {
                                "toolExecutionNotifications": {
                                    "type": "array",
                                    "items": {"required": ["message"], "properties": {"level": LEVEL, "message": TEXT}},
                                }
                            },
                        },
                    },
                },
            },
        },
    },
}


def finding(**more: Any) -> Finding:
    given: dict[str, Any] = {
        "path": "roles/web/vars/main.yml",
        "line": 4,
        "rule": "timewait-recycle",
        "severity": "error",
        "key": "net.ipv4.tcp_tw_recycle",
        "value": "1",
        "message": "net.ipv4.tcp_tw_recycle is set to 1: why",
        "remedy": "Leave it at 0.\nnet.ipv4.tcp_tw_recycle = 0",
        "reaches": Position("roles/web/tasks/main.yml", 2),
        **more,
    }
    return Finding(**given)


def report(*findings: Finding, notes: tuple[Note, ...] = (), directory: str = "/work") -> Report:
    return Report(findings, notes, 3, directory)


def test_a_finding_has_exactly_the_documented_fields() -> None:
    data = as_data(report(finding(hosts=HOSTS)))
    assert data == {
        "findings": [
            {
                "path": "roles/web/vars/main.yml",
                "line": 4,
                "reaches": {"path": "roles/web/tasks/main.yml", "line": 2},
                "rule": "timewait-recycle",
                "severity": "error",
                "key": "net.ipv4.tcp_tw_recycle",
                "value": "1",
                "hosts": [
                    {"name": "db1", "exposure": ["private"]},
                    {"name": "lb1", "exposure": ["public_facing", "behind_nat"]},
                    {"name": "new", "exposure": ["unclassified"]},
                ],
                "message": "net.ipv4.tcp_tw_recycle is set to 1: why",
                "remedy": "Leave it at 0.\nnet.ipv4.tcp_tw_recycle = 0",
            }
        ],
        "notes": [],
    }


def test_without_an_inventory_the_list_of_hosts_is_empty() -> None:
    assert as_data(report(finding()))["findings"][0]["hosts"] == []


def test_a_list_of_hosts_can_be_bounded_and_keeps_the_exposed_ones() -> None:
    (shown,) = as_data(report(finding(hosts=HOSTS)), most_hosts=2)["findings"]
    assert [host["name"] for host in shown["hosts"]] == ["lb1", "new"]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("roles/x.yml", "roles/x.yml"),
        ("./roles/../site.yml", "site.yml"),
        ("/work/site.yml", "site.yml"),
        ("/work", "."),
        ("/elsewhere/site.yml", "/elsewhere/site.yml"),
        ("../sibling/site.yml", "/sibling/site.yml"),
        ("/workshop/site.yml", "/workshop/site.yml"),
        ("..conf", "..conf"),
    ],
)
def test_paths_are_relative_below_the_working_directory_and_absolute_elsewhere(path: str, shown: str) -> None:
    assert relative(path, "/work") == shown


def test_the_table_says_where_what_why_whom_and_what_to_do() -> None:
    notes = (Note("vault.yml", None, "encrypted"), Note("a.yml", 3, "no YAML"))
    assert lines(report(finding(hosts=HOSTS), finding(line=9), notes=notes)) == [
        "roles/web/vars/main.yml:4: error: net.ipv4.tcp_tw_recycle is set to 1: why [timewait-recycle]",
        "    brought to hosts by roles/web/tasks/main.yml:2",
        "    hosts: 1 public_facing and behind_nat (lb1); 1 unclassified (new); 1 private (db1)",
        "roles/web/vars/main.yml:9: error: net.ipv4.tcp_tw_recycle is set to 1: why [timewait-recycle]",
        "    brought to hosts by roles/web/tasks/main.yml:2",
        "remedy for timewait-recycle: Leave it at 0.",
        "    net.ipv4.tcp_tw_recycle = 0",
        "vault.yml: note: encrypted",
        "a.yml:3: note: no YAML",
        "2 errors, 0 warnings, 0 info, 2 notes in 3 files",
    ]


def test_silenced_findings_are_counted_and_not_shown() -> None:
    silenced = report(finding(skipped=True))
    assert as_data(silenced)["findings"] == []
    assert silenced.counts["error"] == 0
    assert lines(silenced) == ["0 errors, 0 warnings, 0 info, 1 silenced in 3 files"]


def test_many_hosts_are_a_number_and_a_few_names() -> None:
    hosts = tuple(ReachedHost(f"web{number}", PUBLIC) for number in range(10_000))
    shown = lines(report(finding(hosts=hosts)))
    assert "    hosts: 10000 public_facing (web0, web1, web2, ...)" in shown


def test_a_hostile_name_is_harmless_in_the_table() -> None:
    shown = lines(
        report(
            finding(path="a\x1b[2J\n.yml", hosts=(ReachedHost("web\x1b", PUBLIC),)), notes=(Note("\x1b", None, "\x1b"),)
        )
    )
    assert not any("\x1b" in line or "\n" in line for line in shown)


@pytest.mark.parametrize(
    "content",
    [
        report(),
        report(finding(), finding(rule="timewait-fin-timeout", severity="info", skipped=True)),
        report(finding(hosts=HOSTS, path="/elsewhere/\u00fc \x1b.yml"), notes=(Note("vault.yml", None, "encrypted"),)),
    ],
)
def test_every_log_is_sarif(content: Report) -> None:
    jsonschema.validate(as_sarif(content), SARIF)


def test_a_sarif_result_points_at_the_value_and_at_what_carries_it() -> None:
    (run,) = as_sarif(report(finding(hosts=HOSTS)))["runs"]
    (result,) = run["results"]
    place = {"artifactLocation": {"uri": "roles/web/vars/main.yml"}, "region": {"startLine": 4}}
    assert result["locations"] == [{"physicalLocation": place}]
    assert result["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "roles/web/tasks/main.yml"
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "timewait-recycle"
    assert result["level"] == "error"
    assert result["properties"]["hosts"] == {
        "db1": ["private"],
        "lb1": ["public_facing", "behind_nat"],
        "new": ["unclassified"],
    }


@pytest.mark.parametrize(("severity", "level"), [("error", "error"), ("warning", "warning"), ("info", "note")])
def test_severities_have_their_words_in_sarif(severity: Any, level: str) -> None:
    assert as_sarif(report(finding(severity=severity)))["runs"][0]["results"][0]["level"] == level


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("roles/a b/\u00fc.yml", "roles/a%20b/%C3%BC.yml"),
        ("a:b.yml", "a%3Ab.yml"),
        ("/elsewhere/x.yml", "file:///elsewhere/x.yml"),
    ],
)
def test_a_path_is_a_uri_in_sarif(path: str, uri: str) -> None:
    (result,) = as_sarif(report(finding(path=path)))["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_a_silenced_finding_is_suppressed_in_sarif() -> None:
    silenced, open_one = as_sarif(report(finding(skipped=True), finding()))["runs"][0]["results"]
    assert silenced["suppressions"] == [{"kind": "inSource"}]
    assert "suppressions" not in open_one


def test_a_finding_that_moves_to_another_line_is_the_same_to_sarif() -> None:
    first, moved, other = as_sarif(report(finding(), finding(line=40), finding(value="2")))["runs"][0]["results"]
    assert first["partialFingerprints"] == moved["partialFingerprints"] != other["partialFingerprints"]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("roles", "play books", "a,b"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("raw", "paths"),
    [
        ("roles", ["roles"]),
        (["roles", "play books"], ["roles", "play books"]),
        ("roles,play books", ["roles", "play books"]),
        ("[roles, 'play books']", ["roles", "play books"]),
        ('["roles"]', ["roles"]),
        ("a,b", ["a,b"]),
        ("./roles/", ["roles"]),
    ],
)
def test_paths_may_be_given_as_people_give_them(tree: Path, raw: object, paths: list[str]) -> None:
    assert paths_of(raw) == paths


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        ("nowhere", "there is no nowhere"),
        ("roles,nowhere", "there is no nowhere"),
        (["roles", "no\x1bwhere"], r"there is no no\x1bwhere"),
        ([], "must be a list"),
        ("", "must be a list"),
        (7, "must be a list"),
        ([7], "must be a list"),
        ({"roles": 1}, "must be a list"),
        ("[roles", "must be a list"),
        ("[]", "must be a list"),
    ],
)
def test_what_is_no_path_is_refused_by_name(tree: Path, raw: object, named: str) -> None:
    with pytest.raises(BadRequest) as caught:
        paths_of(raw)
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("name", "made"), [("out.json", as_data), ("out.sarif", as_sarif), ("out", as_data), ("sarif.txt", as_data)]
)
def test_the_ending_of_the_report_decides_what_it_is(
    tmp_path: Path, name: str, made: Callable[[Report], dict[str, Any]]
) -> None:
    content = report(finding(hosts=HOSTS))
    write_report(content, str(tmp_path / name))
    assert json.loads((tmp_path / name).read_text()) == made(content)


def test_a_report_that_cannot_be_written_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"missing/out\.json: there is no directory"):
        write_report(report(), str(tmp_path / "missing" / "out.json"))
