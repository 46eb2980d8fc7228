# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._advice._rules import findings_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._exposure import Exposure
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._facts import facts_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._knob_values import (
    boot_values,
    decided,
    knob_values,
    plain,
)
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._knobs import KNOBS
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._observed import Observed
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._values import PortRange

from tests.unit.simulated import KERNELS, PRIVATE, PUBLIC, UNTAGGED, Host, a_host

SCHEMA = json.loads((Path(__file__).parents[4] / "docs" / "timewait_facts.schema.json").read_text(encoding="utf-8"))
ZZ = "/etc/sysctl.d/zz.conf"


def facts(host: Host, exposure: Exposure = UNTAGGED) -> dict[str, Any]:
    snapshot = host.snapshot()
    host = Observed(snapshot, exposure)
    return facts_of(host, findings_of(host))


def busy(kernel: str) -> Host:
    host = a_host(
        kernel,
        files={
            ZZ: "net.ipv4.tcp_tw_reuse = 0\nnet.ipv4.tcp_tw_recycle = 1",
            "/etc/sysctl.conf": "net.ipv4.tcp_rfc1337=1",
        },
        special={"/etc/sysctl.d/fifo.conf": "special"},
        counters={"TCPTimeWaitOverflow": 3, "TW": 7},
    )
    host.knobs["ip_local_reserved_ports"] = "8080,40000-40009\n"
    return host


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("exposure", [UNTAGGED, PRIVATE, PUBLIC])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("make", [a_host, busy])
def test_facts_have_the_shape_of_the_schema(make: Any, kernel: str, exposure: Exposure) -> None:
    found = facts(make(kernel), exposure)
    jsonschema.validate(found, SCHEMA)
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize(
    "host",
    [
        Host(),
        a_host(systemd=None, procps=None),
        a_host(systemd=None, initscript=True),
        a_host(uid="", columns="", initial_namespace=False),
        a_host("Linux 6.18", system="Linux\x1b", release="6\udcff"),
    ],
)
def test_facts_of_an_odd_host_have_the_shape_of_the_schema(host: Host) -> None:
    found = facts(host)
    jsonschema.validate(found, SCHEMA)
    assert json.dumps(found).isprintable()


@pytest.mark.parametrize("broken", [{"counters": {"TW": "7"}}, {"ports": None}, {"extra": 1}])
def test_the_schema_refuses_another_shape(broken: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**facts(a_host()), **broken}, SCHEMA)


@pytest.mark.parametrize(
    ("value", "as_json"),
    [(None, None), (0, 0), (PortRange(1, 2), [1, 2]), ((), []), ((PortRange(1, 1), PortRange(3, 4)), [[1, 1], [3, 4]])],
)
def test_values_are_plain_data(value: Any, as_json: Any) -> None:
    assert plain(value) == as_json


def test_every_knob_is_listed_and_says_whether_it_is_there() -> None:
    sysctls = facts(a_host("Debian 10"))["sysctls"]
    assert list(sysctls) == list(KNOBS)
    assert not sysctls["tcp_tw_recycle"]["supported"]
    assert sysctls["tcp_tw_recycle"]["value"] is None
    assert sysctls["tcp_tw_reuse"]["supported"]
    assert sysctls["tcp_tw_reuse"]["key"] == "net.ipv4.tcp_tw_reuse"


@pytest.mark.parametrize(
    ("host", "boot", "reload"),
    [
        (
            a_host(),
            ("systemd-sysctl 252", "systemd runs this host"),
            ("procps 4.0.2", "sysctl is that of procps 4.0.2"),
        ),
        (a_host(systemd=None, procps=None), ("unknown", "process 1 cannot be seen"), ("unknown", "no program sysctl")),
        (
            a_host(systemd=None, more=[("own_processes", "", 0), ("process_1", "evil\x1b[2J", 0)]),
            ("none", "process 1 of this container is evil\\x1b[2J, an application"),
            ("procps 4.0.2", ""),
        ),
    ],
)
def test_the_loaders_are_named_with_the_reason(host: Host, boot: tuple[str, str], reload: tuple[str, str]) -> None:
    loaders = facts(host)["loaders"]
    for found, (name, reason) in ((loaders["boot"], boot), (loaders["reload"], reload)):
        assert found["name"] == name
        assert reason in found["reason"]


def test_where_nothing_reads_the_files_the_kernels_own_value_holds() -> None:
    host = a_host(
        systemd=None, files={ZZ: "net.ipv4.tcp_tw_reuse = 0"}, more=[("own_processes", "", 0), ("process_1", "x", 0)]
    )
    assert facts(host)["sysctls"]["tcp_tw_reuse"]["boot"] == {
        "value": 2,
        "source": None,
        "line": None,
        "loader": "none",
    }


def test_a_boot_names_its_loader_and_the_line_that_decides() -> None:
    reuse = facts(a_host(files={ZZ: "\nnet.ipv4.tcp_tw_reuse = 0"}))["sysctls"]["tcp_tw_reuse"]
    expected = {"value": 0, "source": ZZ, "line": 2}
    assert reuse["boot"] == {**expected, "loader": "systemd-sysctl 252"}
    assert reuse["reload"] == {**expected, "loader": "procps 4.0.2"}


def test_without_a_line_a_boot_gives_the_default_and_a_reload_changes_nothing() -> None:
    host = a_host()
    host.knobs["tcp_tw_reuse"] = "0\n"
    reuse = facts(host)["sysctls"]["tcp_tw_reuse"]
    assert (reuse["value"], reuse["default"], reuse["boot"]["value"], reuse["reload"]["value"]) == (0, 2, 2, 0)
    assert (reuse["boot"]["source"], reuse["boot"]["line"]) == (None, None)


def test_a_value_that_the_kernel_refuses_leaves_the_default() -> None:
    host = a_host(files={ZZ: "net.ipv4.tcp_tw_reuse = 9"})
    boot = decided("tcp_tw_reuse", host.snapshot().files, host.snapshot().loaders.boot, "l", 2)
    assert boot == {"value": 2, "source": ZZ, "line": 1, "loader": "l"}


def test_an_unknown_loader_predicts_nothing() -> None:
    reuse = facts(a_host(systemd=None, procps=None, files={ZZ: "net.ipv4.tcp_tw_reuse = 0"}))["sysctls"]["tcp_tw_reuse"]
    assert reuse["boot"] == {"value": None, "source": None, "line": None, "loader": "unknown"}


def test_values_and_boot_values_have_the_knobs_of_the_kernel() -> None:
    snapshot = a_host("RHEL 7").snapshot()
    assert knob_values(snapshot)["ip_local_port_range"] == [32768, 61000]
    assert list(knob_values(snapshot)) == list(boot_values(snapshot, snapshot.files))
    assert "tcp_tw_reuse_delay" not in knob_values(snapshot)


@pytest.mark.parametrize(("setting", "offset"), [("0", "none"), ("1", "unknown"), ("2", "none")])
def test_the_offset_of_timestamps_is_not_guessed(setting: str, offset: str) -> None:
    host = a_host()
    host.knobs["tcp_timestamps"] = setting
    assert facts(host)["timestamps"] == {"setting": int(setting), "offset": offset}


@pytest.mark.parametrize(("limit", "share"), [("34", 0.5), ("17", 1.0), ("65536", 0.0003), ("0", None), ("-1", None)])
def test_the_share_of_time_wait_sockets_is_of_the_limit(limit: str, share: float | None) -> None:
    host = a_host()
    host.knobs["tcp_max_tw_buckets"] = limit
    assert facts(host)["sockets"] == {"time_wait": 17, "limit": int(limit), "share": share, "census": None}


@pytest.mark.parametrize(
    ("more", "capacity"),
    [
        ({}, (60, 470.5, 470.5, 28232.0)),
        ({"tcp_tw_reuse": "1"}, (60, 28232.0, 470.5, 28232.0)),
        ({"tcp_tw_reuse": "1", "tcp_timestamps": "0"}, (60, 470.5, 470.5, 28232.0)),
        ({"tcp_tw_reuse_delay": "100"}, (60, 470.5, 470.5, 282320.0)),
        ({"tcp_tw_timeout": "10"}, (10, 2823.2, 2823.2, 28232.0)),
        ({"ip_local_port_range": "1000\t1001", "ip_local_reserved_ports": "1000-1001"}, (60, 0.0, 0.0, 0.0)),
    ],
)
def test_the_capacity_is_what_ports_and_time_allow_for(more: dict[str, str], capacity: tuple[float, ...]) -> None:
    host = a_host("Debian 10")
    host.knobs |= more
    assert tuple(facts(host)["capacity"].values()) == capacity


@pytest.mark.parametrize(
    ("present", "reserved", "usable"),
    [
        ("32768\t60999", "", 28232),
        ("32768\t60999", "8080,40000-40009", 28222),
        ("1000\t1001", "1000", 1),
        ("1000\t1001", "1-2000", 0),
    ],
)
def test_usable_ports_are_those_of_the_range_that_are_not_reserved(present: str, reserved: str, usable: int) -> None:
    host = a_host()
    host.knobs |= {"ip_local_port_range": present, "ip_local_reserved_ports": reserved}
    assert facts(host)["ports"]["usable"] == usable


def test_counters_that_the_kernel_lacks_are_absent() -> None:
    assert "PAWSPassive" not in facts(a_host())["counters"]
    assert facts(a_host("RHEL 7", counters={"PAWSPassive": 2}))["counters"]["PAWSPassive"] == 2


def test_exposure_has_a_verdict_and_its_evidence() -> None:
    assert facts(a_host(), PUBLIC)["exposure"] == {
        "public_facing": {"value": True, "evidence": list(PUBLIC.public_facing)},
        "behind_nat": {"value": False, "evidence": []},
        "private": {"value": False, "evidence": []},
        "unclassified": {"value": False, "evidence": []},
    }
    assert facts(a_host())["exposure"]["unclassified"]["value"]
    assert facts(a_host())["exposure"]["unclassified"]["evidence"]
    both = facts(a_host(), Exposure(PUBLIC.public_facing, (), PRIVATE.private))["exposure"]
    assert not both["private"]["value"]


def test_text_of_a_host_is_escaped() -> None:
    host = a_host(release="6.18\x1b[31m", files={"/etc/sysctl.d/\x1b.conf": "net.ipv4.tcp_tw_reuse = 0"})
    assert "\\u001b" not in json.dumps(facts(host, Exposure(("\x1b",), (), ())))
