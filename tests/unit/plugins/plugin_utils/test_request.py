# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._knobs import KNOBS
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._request import DEFAULT_PATH, request_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._values import BadRequest, PortRange
from hypothesis import given
from hypothesis import strategies as st


def test_nothing_asked_for_is_safe_tuning() -> None:
    request = request_of({})
    assert request.values == {"tcp_tw_recycle": 0, "tcp_tw_reuse": 1}
    assert (request.state, request.keep_on, request.conflicts, request.path) == ("present", True, "fail", DEFAULT_PATH)


def test_none_is_the_default_for_every_option() -> None:
    assert request_of(dict.fromkeys([*KNOBS, "state", "conflicts", "path"])) == request_of({})


@pytest.mark.parametrize("raw", ["on", "On", " on ", True, "True", "true"])
def test_timestamps_on_keeps_what_is_there(raw: object) -> None:
    request = request_of({"tcp_timestamps": raw})
    assert request.keep_on
    assert "tcp_timestamps" not in request.values


@pytest.mark.parametrize("raw", [1, "1", 2, "2"])
def test_timestamps_can_be_asked_for_exactly(raw: object) -> None:
    request = request_of({"tcp_timestamps": raw})
    assert not request.keep_on
    assert request.values["tcp_timestamps"] == int(str(raw))


@pytest.mark.parametrize("raw", ["off", False, "False", "yes", 3, -1])
def test_other_words_for_timestamps_are_refused(raw: object) -> None:
    with pytest.raises(BadRequest, match="tcp_timestamps"):
        request_of({"tcp_timestamps": raw})


@pytest.mark.parametrize("reuse", [1, 2])
def test_reuse_without_timestamps_is_refused(reuse: int) -> None:
    with pytest.raises(BadRequest, match="tcp_tw_reuse needs timestamps"):
        request_of({"tcp_tw_reuse": reuse, "tcp_timestamps": 0})


def test_timestamps_off_is_possible_with_reuse_off() -> None:
    assert request_of({"tcp_tw_reuse": 0, "tcp_timestamps": 0}).values["tcp_timestamps"] == 0


@pytest.mark.parametrize(
    "name", [name for name, knob in KNOBS.items() if knob.kind == "integer" and name != "tcp_tw_recycle"]
)
def test_an_integer_is_accepted_within_its_limits_only(name: str) -> None:
    knob = KNOBS[name]
    assert request_of({name: knob.minimum, "tcp_tw_reuse": 0} | {name: knob.minimum}).values[name] == knob.minimum
    assert request_of({name: knob.maximum}).values[name] == knob.maximum
    for number in (knob.minimum - 1, knob.maximum + 1):
        with pytest.raises(BadRequest, match=f"{name}: {number} is outside {knob.minimum} to {knob.maximum}"):
            request_of({name: number})


@pytest.mark.parametrize("number", [-1, 7, 2**31 - 1])
def test_a_recycle_that_is_not_0_reaches_the_policy(number: int) -> None:
    assert request_of({"tcp_tw_recycle": number}).values["tcp_tw_recycle"] == number


@pytest.mark.parametrize("raw", [0, "0", " 0 ", "-0", False, "False", "off", "Off", " no ", "false"])
def test_recycle_may_be_off_in_words(raw: object) -> None:
    assert request_of({"tcp_tw_recycle": raw}).recycle == 0


@pytest.mark.parametrize("raw", [True, "True", "on", "yes", "y", "of", "none", "0x0", "00", "+0", "0.0", 0.0, [], ""])
def test_no_other_word_is_off(raw: object) -> None:
    with pytest.raises(BadRequest, match="tcp_tw_recycle must be an integer"):
        request_of({"tcp_tw_recycle": raw})


@pytest.mark.parametrize("name", ["tcp_tw_reuse", "tcp_rfc1337", "tcp_max_tw_buckets"])
@pytest.mark.parametrize("raw", [False, "off", "no"])
def test_words_for_off_are_for_recycle_alone(name: str, raw: object) -> None:
    with pytest.raises(BadRequest, match=name):
        request_of({name: raw})


@pytest.mark.parametrize("raw", [True, "0x1", "01", "+1", "\uff11", "1.0", ["1"]])
@pytest.mark.parametrize("name", [name for name, knob in KNOBS.items() if knob.kind == "integer"])
def test_other_spellings_of_a_number_are_refused_for_every_knob(name: str, raw: object) -> None:
    if name == "tcp_timestamps" and raw is True:
        return
    with pytest.raises(BadRequest, match=name):
        request_of({name: raw})


def test_a_range_that_runs_out_at_once_is_refused() -> None:
    with pytest.raises(BadRequest, match="1023 ports are too few"):
        request_of({"ip_local_port_range": "15000 16022"})
    assert request_of({"ip_local_port_range": "15000 16023"}).values["ip_local_port_range"] == PortRange(15000, 16023)


@pytest.mark.parametrize("option", ["state", "conflicts"])
@pytest.mark.parametrize("raw", ["Present", "off", "", 0, False, [], ["present"], 1, True])
def test_a_word_that_is_no_choice_is_refused(option: str, raw: object) -> None:
    with pytest.raises(BadRequest, match=f"{option} must be one of"):
        request_of({option: raw})


@pytest.mark.parametrize("path", ["/etc/sysctl.d/99-timewait.conf", "/usr/local/lib/sysctl.d/a.conf"])
def test_a_path_in_a_directory_that_loaders_read_is_accepted(path: str) -> None:
    assert request_of({"path": path}).path == path


@pytest.mark.parametrize(
    "path",
    [
        "99-timewait.conf", "etc/sysctl.d/a.conf", "/etc/sysctl.conf", "/etc/sysctl.d/a", "/etc/sysctl.d/.a.conf",
        "/etc/sysctl.d/-a.conf", "/etc/sysctl.d/../passwd.conf", "/etc/sysctl.d//a.conf", "/etc/sysctl.d/sub/a.conf",
        "/usr/lib/sysctl.d/a.conf", "/run/sysctl.d/a.conf", "/etc/sysctl.d/a b.conf", "/etc/sysctl.d/a'.conf",
        "/etc/sysctl.d/$(id).conf", "/etc/sysctl.d/a.conf\n", "/etc/sysctl.d/é.conf", "/etc/sysctl.d/.conf",
        f"/etc/sysctl.d/{'a' * 200}.conf", "", False, [], 0,
    ],
)  # fmt: skip
def test_a_path_elsewhere_or_of_odd_letters_is_refused(path: object) -> None:
    with pytest.raises(BadRequest, match="path must name"):
        request_of({"path": path})


anything: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.lists(st.integers(), max_size=3)
)


@given(st.dictionaries(st.sampled_from([*KNOBS, "state", "conflicts", "path"]), anything))
def test_any_arguments_are_a_request_or_a_clear_error(arguments: dict[str, Any]) -> None:
    try:
        request = request_of(arguments)
    except BadRequest as error:
        assert len(str(error)) > 20  # noqa: PT017
    else:
        assert {"tcp_tw_recycle", "tcp_tw_reuse"} <= set(request.values)
