# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job: settings on a host, what they look like, how often Ansible goes there, and that it converges."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.support import (
    BY_MODULE,
    BY_ROLE,
    FACTS,
    alias,
    environment_of,
    outcome,
    run_side_by_side,
    settings,
    tasks,
    warnings_of,
)
from tests.sandbox.hosts import SandboxHost
from tests.sandbox.runs import Ansible, Run
from tests.sandbox.states import DROPIN, files, install, knobs, state

Playbook = Callable[..., Run]


def lines_of(text: str) -> list[str]:
    """The lines of a sysctl file that set something."""
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_a_fresh_host_gets_the_safe_values_and_a_second_run_changes_nothing(
    run_playbook: Playbook, host: SandboxHost
) -> None:
    assert (host.sysctl("tcp_tw_reuse"), host.sysctl("tcp_timestamps")) == ("2", "1")
    first = run_playbook("linux_tcp.tuning.apply", host)
    assert (first.rc, first.changed) == (0, 1), first.text
    assert (host.sysctl("tcp_tw_reuse"), host.sysctl("tcp_timestamps")) == ("1", "1")
    # Not a word of recycle on a kernel that has no such thing.
    assert lines_of(host.read(DROPIN)) == ["net.ipv4.tcp_timestamps = 1", "net.ipv4.tcp_tw_reuse = 1"]
    assert "recycle" not in host.read(DROPIN)
    assert warnings_of(outcome(first)) == []

    before = state(host)
    second = run_playbook("linux_tcp.tuning.apply", host)
    assert (second.rc, second.changed) == (0, 0), second.text
    assert outcome(second).result["diff"] == []
    assert state(host) == before


def test_one_round_trip_when_converged_two_when_changing_one_for_facts_and_one_in_check_mode(
    run_playbook: Playbook, host: SandboxHost
) -> None:
    def trips(play: Any, *arguments: str) -> int:
        host.forget()
        assert run_playbook(play, host, *arguments).rc == 0
        return len(host.commands())

    assert trips(BY_ROLE, "--check") == 1
    assert trips(BY_ROLE) == 2
    assert trips(BY_ROLE) == 1
    assert trips(tasks({FACTS: {}})) == 1


EVERY_OPTION = {
    "tcp_tw_reuse": 1,
    "tcp_tw_recycle": 0,
    "tcp_timestamps": 2,
    "tcp_tw_reuse_delay": 500,
    "tcp_max_tw_buckets": 2000000,
    "ip_local_port_range": [15000, 60999],
    "ip_local_reserved_ports": [15672, "20000-20010"],
    "tcp_rfc1337": 1,
}


def test_every_option_can_be_set_at_once_and_the_file_says_how_to_undo_it(
    run_playbook: Playbook, host: SandboxHost
) -> None:
    before = {name: host.sysctl(name) for name in EVERY_OPTION if name != "tcp_tw_recycle"}
    run = run_playbook(settings(**EVERY_OPTION), host)
    assert run.rc == 0, run.text
    delay = "tcp_tw_reuse_delay" in knobs_there(host)
    expected = {
        "tcp_timestamps": "2",
        "tcp_tw_reuse": "1",
        **({"tcp_tw_reuse_delay": "500"} if delay else {}),
        "tcp_max_tw_buckets": "2000000",
        "ip_local_reserved_ports": "15672,20000-20010",
        "ip_local_port_range": "15000\t60999",
        "tcp_rfc1337": "1",
    }
    assert {name: host.sysctl(name) for name in expected} == expected
    undo = [f"echo '{before[name].replace(chr(9), ' ')}' >/proc/sys/net/ipv4/{name}" for name in expected]
    first, *lines = host.read(DROPIN).splitlines()
    assert first.startswith("# linux_tcp.tuning timewait, format 2, checksum ")
    note = "# linux_tcp.tuning note: "
    assert [line for line in lines if not line.startswith(note)] == [
        *(
            f"# linux_tcp.tuning before: net.ipv4.{name} = {before[name].replace(chr(9), ' ')}".rstrip()
            for name in expected
        ),
        *(f"# linux_tcp.tuning undo: {command}" for command in undo),
        "# linux_tcp.tuning undo: rm -f /run/linux_tcp.tuning-99-timewait.conf",
        f"# linux_tcp.tuning undo: rm {DROPIN}",
        *(f"net.ipv4.{name} = {value.replace(chr(9), ' ')}" for name, value in expected.items()),
    ]
    assert host.sh(f"stat -c '%a %u %g' {DROPIN}") == "644 0 0\n"
    assert run_playbook(settings(**EVERY_OPTION), host).changed == 0


def knobs_there(host: SandboxHost) -> list[str]:
    return host.sh("ls /proc/sys/net/ipv4").split()


def undo_command(text: str) -> str:
    """What the comment of a drop-in says is to be run."""
    found = re.search(r"to undo it without Ansible, as root: (.*)", text)
    assert found, text
    return found[1]


@pytest.mark.parametrize("legacy", [False, True], ids=["this kernel", "old kernel"])
def test_the_undo_commands_in_the_file_work_without_ansible(
    run_playbook: Playbook, new_host: Callable[..., SandboxHost], legacy: bool
) -> None:
    host = new_host("host", legacy=legacy)
    other = "# mine\n\nnet.ipv4.tcp_timestamps = 0\nkernel.panic = 10\nnet.ipv4.tcp_tw_reuse=0"
    host.write("/etc/sysctl.d/99-zz.conf", other)
    before = (files(host), knobs(host))
    options = {"ip_local_port_range": [15000, 60999], "tcp_rfc1337": 1, "conflicts": "comment_out"}
    run = run_playbook(settings(**options), host)
    assert run.rc == 0, run.text
    assert (files(host), knobs(host)) != before
    host.sh(f"set -e\n{undo_command(host.read(DROPIN))}")
    assert (files(host), knobs(host)) == before


def test_a_check_predicts_what_the_run_does_and_touches_nothing(
    run_playbook: Playbook, new_host: Callable[..., SandboxHost]
) -> None:
    modern, legacy = new_host("modern"), new_host("legacy", legacy=True)
    legacy.set_sysctl("tcp_tw_recycle", 1)
    hosts = [modern, legacy]
    for host in hosts:
        host.write("/etc/sysctl.d/99-zz.conf", "net.ipv4.tcp_tw_reuse = 0\nvm.secret = 12345\n")
    options = {name: value for name, value in EVERY_OPTION.items() if name != "tcp_timestamps"}
    play = settings(**options, conflicts="comment_out")
    before = [state(host) for host in hosts]
    check = run_playbook(play, hosts, "--check", "--diff")
    assert check.rc == 0, check.text
    assert [state(host) for host in hosts] == before
    done = run_playbook(play, hosts, "--diff")
    assert done.rc == 0, done.text
    for host in hosts:
        predicted, result = outcome(check, host.name).result, outcome(done, host.name).result
        for what in ("changed", "diff", "before", "after", "boot", "refused"):
            assert predicted[what] == result[what], (host.name, what)
        assert warnings_of(outcome(check, host.name)) == warnings_of(outcome(done, host.name))
        # Nothing of anybody else's in it.
        assert "secret" not in str(result)
        assert "12345" not in str(result)


def test_a_diff_shows_our_lines_of_the_file_of_other_files_and_of_the_kernel(
    run_playbook: Playbook, legacy_host: SandboxHost
) -> None:
    legacy_host.set_sysctl("tcp_tw_recycle", 1)
    legacy_host.write("/etc/sysctl.d/99-zz.conf", "kernel.panic = 10\nnet.ipv4.tcp_tw_reuse = 0\n")
    run = run_playbook(settings(conflicts="comment_out"), legacy_host, "--diff")
    dropin, edit, kernel = outcome(run).result["diff"]
    assert (dropin["before"], dropin["before_header"]) == ("", DROPIN)
    assert dropin["after"] == legacy_host.read(DROPIN)
    assert edit == {
        "before_header": "/etc/sysctl.d/99-zz.conf line 2",
        "after_header": "/etc/sysctl.d/99-zz.conf line 2",
        "before": "net.ipv4.tcp_tw_reuse = 0\n",
        "after": "# linux_tcp.tuning commented out for 99-timewait.conf: net.ipv4.tcp_tw_reuse = 0\n",
    }
    assert kernel["before"] == "net.ipv4.tcp_tw_recycle = 1\nnet.ipv4.tcp_tw_reuse = 0\n"
    assert kernel["after"] == "net.ipv4.tcp_tw_recycle = 0\nnet.ipv4.tcp_tw_reuse = 1\n"
    assert "+net.ipv4.tcp_tw_reuse = 1" in run.text
    assert "panic" not in run.text


def test_recycle_goes_off_on_an_old_kernel_before_anything_else_is_written(
    run_playbook: Playbook, legacy_host: SandboxHost
) -> None:
    legacy_host.set_sysctl("tcp_tw_recycle", 1)
    legacy_host.set_sysctl("tcp_timestamps", 0)
    run = run_playbook(BY_ROLE, legacy_host)
    assert run.rc == 0, run.text
    assert [legacy_host.sysctl(name) for name in ("tcp_tw_recycle", "tcp_timestamps", "tcp_tw_reuse")] == [
        "0",
        "1",
        "1",
    ]
    assert lines_of(legacy_host.read(DROPIN)) == [
        "net.ipv4.tcp_tw_recycle = 0",
        "net.ipv4.tcp_timestamps = 1",
        "net.ipv4.tcp_tw_reuse = 1",
    ]
    names = ["tcp_tw_recycle", "tcp_timestamps", "tcp_tw_reuse"]
    by_time = legacy_host.sh(f"cd /proc/sys/net/ipv4 && stat -c '%.Y %n' {' '.join(names)} | sort | cut -d' ' -f2")
    assert by_time.split() == names
    assert run_playbook(BY_ROLE, legacy_host).changed == 0


def test_every_value_of_recycle_but_0_is_turned_off(
    run_playbook: Playbook, new_host: Callable[..., SandboxHost]
) -> None:
    hosts = [new_host(f"recycle{value}", legacy=True) for value in (7, -1)]
    for host in hosts:
        host.set_sysctl("tcp_tw_recycle", host.name.removeprefix("recycle"))
    assert run_playbook(BY_ROLE, hosts).rc == 0
    assert [host.sysctl("tcp_tw_recycle") for host in hosts] == ["0", "0"]


def test_timestamps_on_keeps_what_is_on_and_a_number_is_taken_exactly(
    ansible: Ansible, new_host: Callable[..., SandboxHost]
) -> None:
    # What is asked for, what is there, and what is to come of it.
    cases = [("on", 2, "2"), ("on", 1, "1"), ("on", 0, "1"), (1, 2, "1"), (2, 1, "2"), ("2", 0, "2"), (0, 1, "0")]
    hosts = [new_host(f"asked-{asked}-has-{present}") for asked, present, _expected in cases]
    for host, (asked, present, _expected) in zip(hosts, cases, strict=True):
        host.set_sysctl("tcp_timestamps", present)
        host.vars["timewait_tcp_timestamps"] = asked
        host.vars["timewait_tcp_tw_reuse"] = 0 if asked == 0 else 1
    assert run_side_by_side(ansible, BY_ROLE, hosts).rc == 0
    for host, (_asked, _present, expected) in zip(hosts, cases, strict=True):
        assert host.sysctl("tcp_timestamps") == expected, host.name
        assert f"net.ipv4.tcp_timestamps = {expected}\n" in host.read(DROPIN), host.name
    assert run_side_by_side(ansible, BY_ROLE, hosts).changed == 0


def test_the_timewait_bucket_limit_is_raised_and_never_lowered(run_playbook: Playbook, host: SandboxHost) -> None:
    host.set_sysctl("tcp_max_tw_buckets", 1000)
    assert run_playbook(settings(tcp_max_tw_buckets=4000), host).changed == 1
    assert host.sysctl("tcp_max_tw_buckets") == "4000"
    assert "net.ipv4.tcp_max_tw_buckets = 4000" in lines_of(host.read(DROPIN))
    assert run_playbook(settings(tcp_max_tw_buckets=2000), host).changed == 0
    assert host.sysctl("tcp_max_tw_buckets") == "4000"


def test_a_higher_timewait_bucket_limit_is_fine_and_nothing_is_written_for_it(
    run_playbook: Playbook, host: SandboxHost
) -> None:
    host.set_sysctl("tcp_max_tw_buckets", 500000)
    assert run_playbook(settings(tcp_max_tw_buckets=1000), host).rc == 0
    assert host.sysctl("tcp_max_tw_buckets") == "500000"
    assert "buckets" not in host.read(DROPIN)
    second = run_playbook(settings(tcp_max_tw_buckets=1000), host)
    assert second.changed == 0
    assert outcome(second).status == "ok"


def test_reserved_ports_are_added_and_undo_removes_only_ours(run_playbook: Playbook, host: SandboxHost) -> None:
    host.set_sysctl("ip_local_reserved_ports", "8080,9000-9010")
    play = settings(ip_local_reserved_ports=["9005-9020", 8081])
    assert run_playbook(play, host).rc == 0
    assert host.sysctl("ip_local_reserved_ports") == "8080-8081,9000-9020"
    assert run_playbook(play, host).changed == 0
    # Somebody else reserves one more meanwhile.
    host.set_sysctl("ip_local_reserved_ports", "8080-8081,9000-9020,7777")
    assert run_playbook(settings(state="absent"), host).rc == 0
    assert host.sysctl("ip_local_reserved_ports") == "7777,8080,9000-9010"


def test_a_key_that_is_no_longer_asked_for_gets_its_former_value_back(
    run_playbook: Playbook, host: SandboxHost
) -> None:
    before = host.sysctl("ip_local_port_range")
    assert run_playbook(settings(tcp_rfc1337=1, ip_local_port_range="20000 60000"), host).rc == 0
    assert host.sysctl("tcp_rfc1337") == "1"
    less = run_playbook(settings(tcp_rfc1337=1), host)
    assert less.changed == 1
    assert (host.sysctl("tcp_rfc1337"), host.sysctl("ip_local_port_range")) == ("1", before)
    assert "port_range" not in host.read(DROPIN)
    assert run_playbook(settings(tcp_rfc1337=1), host).changed == 0


def test_a_knob_that_the_kernel_does_not_have_is_a_warning_and_no_line_in_the_file(
    run_playbook: Playbook, new_host: Callable[..., SandboxHost]
) -> None:
    modern, legacy = new_host("modern"), new_host("legacy", legacy=True)
    play = settings(tcp_tw_timeout=15, tcp_tw_reuse_delay=500)
    for changed in (2, 0):
        run = run_playbook(play, [modern, legacy])
        assert (run.rc, run.changed) == (0, changed), run.text
        warnings = warnings_of(outcome(run, "modern"))
        assert any("fixes TIME_WAIT at 60 s" in words for words in warnings), warnings
        warnings = warnings_of(outcome(run, "legacy"))
        assert any("tcp_tw_reuse_delay" in words and "Linux 6.14 added it" in words for words in warnings), warnings
    assert "[WARNING]" in run.text
    assert "tcp_tw_timeout" not in modern.read(DROPIN)
    assert "delay" not in legacy.read(DROPIN)


def test_numbers_may_be_written_as_digits_in_a_string_and_lists_as_strings(
    ansible: Ansible, new_host: Callable[..., SandboxHost]
) -> None:
    """As INI inventories and extra vars deliver them."""
    spelled = {
        "text": {"timewait_tcp_tw_reuse": "1", "timewait_ip_local_port_range": "15000 60999"},
        "dashed": {"timewait_ip_local_port_range": "15000-60999", "timewait_tcp_rfc1337": "0"},
        "listed": {"timewait_ip_local_port_range": ["15000", "60999"]},
    }
    hosts = [new_host(name) for name in spelled]
    for host in hosts:
        host.vars |= {**spelled[host.name], "timewait_ip_local_reserved_ports": "15672, 20000-20010"}
    run = run_side_by_side(ansible, BY_ROLE, hosts)
    assert run.rc == 0, run.text
    for host in hosts:
        assert host.sysctl("ip_local_port_range") == "15000\t60999"
        assert host.sysctl("ip_local_reserved_ports") == "15672,20000-20010"
    assert run_side_by_side(ansible, BY_ROLE, hosts).changed == 0


def test_two_files_may_belong_to_two_callers(run_playbook: Playbook, host: SandboxHost) -> None:
    """Equal values are accepted side by side; different ones are refused with both files named."""
    other = "/etc/sysctl.d/98-proxy.conf"
    assert run_playbook(settings(tcp_rfc1337=1), host).rc == 0
    assert run_playbook(settings(tcp_rfc1337=1, path=other), host).rc == 0
    before = state(host)
    run = run_playbook(settings(tcp_rfc1337=0, path=other), host)
    assert run.rc == 2
    message = outcome(run).result["msg"]
    assert f"{DROPIN}, also written by this collection, says 1 where {other} is to say 0" in message
    assert state(host) == before


def test_the_result_tells_the_values_before_and_after_and_at_the_next_boot(
    run_playbook: Playbook, host: SandboxHost
) -> None:
    result = outcome(run_playbook(settings(), host)).result
    assert (result["before"]["tcp_tw_reuse"], result["after"]["tcp_tw_reuse"]) == (2, 1)
    assert isinstance(result["after"]["ip_local_port_range"], list)
    number = host.read(DROPIN).splitlines().index("net.ipv4.tcp_tw_reuse = 1") + 1
    boot = result["boot"]["tcp_tw_reuse"]
    assert (boot["value"], boot["source"], boot["line"]) == (1, DROPIN, number)
    assert boot["loader"].startswith("systemd-sysctl ")
    assert result["refused"] == []


def test_a_change_is_logged_on_the_host_unless_that_is_not_wanted(
    run_playbook: Playbook, new_host: Callable[..., SandboxHost]
) -> None:
    said, silent = new_host("said"), new_host("silent")
    for host in (said, silent):
        install(host, "logger", 'printf "%s\\n" "$*" >>/run/logged')
    environment = environment_of(programs=True)
    assert run_playbook(BY_MODULE, said, environment=environment).rc == 0
    assert said.read("/run/logged").splitlines() == [
        "-t linux_tcp.tuning -- net.ipv4.tcp_tw_reuse: 2 -> 1",
        f"-t linux_tcp.tuning -- write {DROPIN}",
    ]
    run = run_playbook(BY_MODULE, silent, environment={**environment, "ANSIBLE_NO_TARGET_SYSLOG": "1"})
    assert run.rc == 0
    assert not silent.exists("/run/logged")


def test_many_names_of_one_host_do_not_disturb_each_other(ansible: Ansible, host: SandboxHost) -> None:
    run = run_side_by_side(ansible, BY_MODULE, [alias(host, f"name{number}") for number in range(4)])
    assert run.rc == 0, run.text
    assert host.sysctl("tcp_tw_reuse") == "1"
    assert run_side_by_side(ansible, BY_MODULE, [alias(host, f"name{number}") for number in range(4)]).changed == 0
