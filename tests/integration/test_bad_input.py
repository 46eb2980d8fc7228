# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cannot be asked for gets an error that helps, by module and by role, and nothing is touched."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.integration.support import (
    BY_MODULE,
    BY_ROLE,
    FACTS,
    SETTINGS,
    Alias,
    alias,
    failure,
    run_side_by_side,
    settings,
    tasks,
)
from tests.sandbox.hosts import SandboxHost
from tests.sandbox.runs import Ansible, Run
from tests.sandbox.states import running, state

Playbook = Callable[..., Run]

FULL_WIDTH_ONE = "\uff11"

#: Options, and the part of the message that helps.
NOT_INTEGERS: dict[str, tuple[dict[str, Any], str]] = {
    "true": ({"tcp_tw_reuse": True}, "tcp_tw_reuse must be an integer, not True"),
    "false": ({"tcp_tw_reuse": False}, "tcp_tw_reuse must be an integer, not False"),
    "float": ({"tcp_tw_reuse": 1.0}, "tcp_tw_reuse must be an integer, not 1.0"),
    "list": ({"tcp_tw_reuse": [1]}, "tcp_tw_reuse must be an integer, not [1]"),
    "dictionary": ({"tcp_tw_reuse": {"value": 1}}, "tcp_tw_reuse must be an integer"),
    "yes": ({"tcp_tw_reuse": "yes"}, "plain decimal digits, not 'yes'"),
    "empty": ({"tcp_tw_reuse": ""}, "plain decimal digits, not ''"),
    "decimal-point": ({"tcp_tw_reuse": "1.0"}, "plain decimal digits, not '1.0'"),
    "plus": ({"tcp_tw_reuse": "+1"}, "plain decimal digits, not '+1'"),
    "leading-zero": ({"tcp_tw_reuse": "01"}, "plain decimal digits, not '01'"),
    "hexadecimal": ({"tcp_tw_reuse": "0x1"}, "plain decimal digits, not '0x1'"),
    "full-width": ({"tcp_tw_reuse": FULL_WIDTH_ONE}, "plain decimal digits, not '\\uff11'"),
    "newline": ({"tcp_tw_reuse": "1\n0"}, "plain decimal digits, not '1\\n0'"),
    "underscore": ({"tcp_max_tw_buckets": "1_000"}, "plain decimal digits, not '1_000'"),
    "exponent": ({"tcp_max_tw_buckets": "1e6"}, "plain decimal digits, not '1e6'"),
    "twenty-digits": ({"tcp_max_tw_buckets": "9" * 20}, "plain decimal digits"),
    "timestamps-off": ({"tcp_timestamps": "off"}, "(0, 1 or 2) or on, not 'off'"),
    "timestamps-false": ({"tcp_timestamps": False}, "tcp_timestamps must be an integer (0, 1 or 2) or on, not False"),
    "recycle-true": ({"tcp_tw_recycle": True}, "tcp_tw_recycle must be an integer, not True"),
    "recycle-yes": ({"tcp_tw_recycle": "yes"}, "plain decimal digits, not 'yes'"),
    "recycle-hexadecimal": ({"tcp_tw_recycle": "0x1"}, "plain decimal digits, not '0x1'"),
    "recycle-leading-zero": ({"tcp_tw_recycle": "01"}, "plain decimal digits, not '01'"),
    "recycle-plus": ({"tcp_tw_recycle": "+1"}, "plain decimal digits, not '+1'"),
    "recycle-full-width": ({"tcp_tw_recycle": FULL_WIDTH_ONE}, "plain decimal digits, not '\\uff11'"),
}

OUT_OF_RANGE: dict[str, tuple[dict[str, Any], str]] = {
    "reuse-negative": ({"tcp_tw_reuse": -1}, "tcp_tw_reuse: -1 is outside 0 to 2"),
    "reuse-3": ({"tcp_tw_reuse": 3}, "tcp_tw_reuse: 3 is outside 0 to 2"),
    "reuse-huge": ({"tcp_tw_reuse": 10**30}, "is outside 0 to 2"),
    "timestamps-3": ({"tcp_timestamps": 3}, "tcp_timestamps: 3 is outside 0 to 2"),
    "delay-0": ({"tcp_tw_reuse_delay": 0}, "tcp_tw_reuse_delay: 0 is outside 1 to 60000. Milliseconds"),
    "delay-60001": ({"tcp_tw_reuse_delay": "60001"}, "is outside 1 to 60000"),
    "buckets-0": ({"tcp_max_tw_buckets": 0}, "tcp_max_tw_buckets: 0 is outside 1 to 2147483647"),
    "buckets-negative": ({"tcp_max_tw_buckets": -1}, "never lower it"),
    "buckets-huge": ({"tcp_max_tw_buckets": 2**31}, "is outside 1 to 2147483647"),
    "rfc1337-2": ({"tcp_rfc1337": 2}, "tcp_rfc1337: 2 is outside 0 to 1"),
    "timeout-601": ({"tcp_tw_timeout": 601}, "tcp_tw_timeout: 601 is outside 1 to 600. Seconds"),
}

PORTS: dict[str, tuple[dict[str, Any], str]] = {
    "range-reversed": ({"ip_local_port_range": [60999, 15000]}, "60999 is not below 15000"),
    "range-of-one": ({"ip_local_port_range": [15000, 15000]}, "15000 is not below 15000"),
    "range-too-small": ({"ip_local_port_range": [15000, 15100]}, "101 ports are too few"),
    "range-too-low": ({"ip_local_port_range": [1023, 60999]}, "ip_unprivileged_port_start, which is 1024 here"),
    "range-too-high": ({"ip_local_port_range": [15000, 65536]}, "65536 is not a port"),
    "range-of-three": ({"ip_local_port_range": [15000, 20000, 60999]}, "must be two ports, such as [15000, 60999]"),
    "range-of-words": ({"ip_local_port_range": "all ports"}, "plain decimal digits"),
    "range-of-booleans": ({"ip_local_port_range": [True, 60999]}, "True is not a port; ports are numbers"),
    "range-as-number": ({"ip_local_port_range": 15000}, "must be two ports"),
    "reserved-0": ({"ip_local_reserved_ports": [0]}, "0 is not a port; ports go from 1 to 65535"),
    "reserved-65536": ({"ip_local_reserved_ports": ["8080", "65000-65536"]}, "65536 is not a port"),
    "reserved-reversed": ({"ip_local_reserved_ports": ["9010-9000"]}, "9010 is above 9000"),
    "reserved-word": ({"ip_local_reserved_ports": "8080,http"}, "'http' is not a port; ports are numbers"),
    "reserved-dictionary": ({"ip_local_reserved_ports": {"a": 1}}, "must be a list of ports"),
}

MEANINGS: dict[str, tuple[dict[str, Any], str]] = {
    "reuse-without-timestamps": ({"tcp_timestamps": 0}, "tcp_tw_reuse needs timestamps"),
    "contradiction": ({"exposure": ["private", "public_facing"]}, "only one of them can be true"),
    "contradiction-with-nat": ({"exposure": "behind-nat, private"}, "only one of them can be true"),
    "unknown-exposure": ({"exposure": ["internal"]}, "unknown exposure 'internal'; the words are public_facing"),
    "exposure-boolean": ({"exposure": True}, "must be a list of public_facing, behind_nat, private"),
    "exposure-of-booleans": ({"exposure": [True]}, "must be a list of public_facing, behind_nat, private, not [True]"),
    "state": ({"state": "gone"}, "state must be one of present, absent, not 'gone'"),
    "conflicts": ({"conflicts": "ignore"}, "conflicts must be one of fail, comment_out"),
}

WHERE = "path must name a .conf file directly in /etc/sysctl.d or /usr/local/lib/sysctl.d"
PATHS: dict[str, tuple[dict[str, Any], str]] = {
    "relative-path": ({"path": "99-timewait.conf"}, WHERE),
    "relative-path-that-looks-right": ({"path": "etc/sysctl.d/a.conf"}, WHERE),
    "path-outside": ({"path": "/tmp/a.conf"}, WHERE),
    "path-of-packages": ({"path": "/usr/lib/sysctl.d/a.conf"}, WHERE),
    "path-in-run": ({"path": "/run/sysctl.d/a.conf"}, WHERE),
    "path-with-dots": ({"path": "/etc/sysctl.d/../passwd.conf"}, WHERE),
    "path-below": ({"path": "/etc/sysctl.d/sub/a.conf"}, WHERE),
    "path-doubled-slash": ({"path": "/etc//sysctl.d/a.conf"}, WHERE),
    "path-of-no-conf": ({"path": "/etc/sysctl.d/a.cfg"}, WHERE),
    "path-hidden": ({"path": "/etc/sysctl.d/.a.conf"}, WHERE),
    "path-with-newline": ({"path": "/etc/sysctl.d/a\n.conf"}, WHERE),
    "path-as-list": ({"path": ["/etc/sysctl.d/a.conf"]}, WHERE),
    "path-directory": ({"path": "/etc/sysctl.d"}, WHERE),
    "path-sysctl-conf": ({"path": "/etc/sysctl.conf"}, WHERE),
    "path-is-a-link": ({"path": "/etc/sysctl.d/link.conf"}, "link.conf is a symbolic link"),
    "path-is-a-dead-link": ({"path": "/etc/sysctl.d/dead.conf"}, "dead.conf is a symbolic link"),
    "path-is-an-alien-file": ({"path": "/etc/sysctl.d/alien.conf"}, "was not written by this collection"),
    "path-is-an-empty-file": ({"path": "/etc/sysctl.d/empty.conf"}, "was not written by this collection"),
    "path-is-a-directory": ({"path": "/etc/sysctl.d/directory.conf"}, "was not written by this collection"),
    "path-is-a-fifo": ({"path": "/etc/sysctl.d/fifo.conf"}, "was not written by this collection"),
}

BAD = {**NOT_INTEGERS, **OUT_OF_RANGE, **PORTS, **MEANINGS, **PATHS}

PREFIXED = {"path": "timewait_sysctl_file"}


def put_traps(host: SandboxHost) -> None:
    host.sh(
        "cd /etc/sysctl.d; ln -s /run/target link.conf; ln -s /nowhere/at/all dead.conf; echo target >/run/target\n"
        "echo 'net.ipv4.tcp_rfc1337 = 0' >alien.conf; : >empty.conf; mkdir directory.conf; mkfifo fifo.conf"
    )


def role_variables(options: dict[str, Any]) -> dict[str, Any]:
    return {PREFIXED.get(name, f"timewait_{name}"): value for name, value in options.items()}


def test_every_bad_request_gets_the_sentence_that_helps_and_touches_nothing(
    ansible: Ansible, host: SandboxHost
) -> None:
    put_traps(host)
    before = state(host)
    aliases = [alias(host, name, options=options) for name, (options, _sentence) in BAD.items()]
    for arguments in (["--check"], []):
        run = run_side_by_side(ansible, BY_MODULE, aliases, *arguments)
        for name, (_options, sentence) in BAD.items():
            assert sentence in failure(run, name)["msg"], name
        # Neither tracebacks nor crashes that happen to be errors, too.
        assert "Traceback" not in run.text
        assert "unhandled" not in run.text.lower()
        assert state(host) == before


def test_every_bad_request_to_the_role_fails_and_touches_nothing(ansible: Ansible, host: SandboxHost) -> None:
    put_traps(host)
    before = state(host)
    aliases = [alias(host, name, **role_variables(options)) for name, (options, _sentence) in BAD.items()]
    run = run_side_by_side(ansible, BY_ROLE, aliases)
    for name in BAD:
        assert failure(run, name)["msg"], name
    assert "Traceback" not in run.text
    assert state(host) == before


def test_what_cannot_be_asked_for_is_told_before_the_host_is_contacted(ansible: Ansible, host: SandboxHost) -> None:
    names = [*NOT_INTEGERS, *OUT_OF_RANGE, *MEANINGS]
    run_side_by_side(ansible, BY_MODULE, [alias(host, name, options=BAD[name][0]) for name in names])
    assert host.commands() == []


def test_an_option_that_does_not_exist_is_an_error(run_playbook: Playbook, host: SandboxHost) -> None:
    run = run_playbook(settings(tcp_tw_reues=1, force=True), host)
    assert run.rc == 2
    assert "tcp_tw_reues" in failure(run, "host")["msg"]
    assert host.commands() == []


def test_reuse_2_is_refused_on_a_kernel_where_it_means_on_for_all(
    run_playbook: Playbook, legacy_host: SandboxHost, host: SandboxHost
) -> None:
    before = state(legacy_host)
    run = run_playbook(settings(tcp_tw_reuse=2), [legacy_host, host])
    assert "takes every value but 0 for 'on for all connections'" in failure(run, "legacy-host")["msg"]
    assert state(legacy_host) == before
    assert run.only("timewait_settings", "host").status == "ok"
    assert host.sysctl("tcp_tw_reuse") == "2"


LISTEN = """
import socket, sys, time
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
for port in sys.argv[2:]:
    listener = socket.socket(family)
    listener.bind((sys.argv[1], int(port)))
    listener.listen()
    globals()["kept" + port] = listener
print("listening", flush=True)
time.sleep(300)
"""


def test_a_widened_range_must_not_take_in_ports_that_services_listen_on(
    run_playbook: Playbook, host: SandboxHost
) -> None:
    with (
        running(host, sys.executable, "-c", LISTEN, "127.0.0.1", "15672", "40000"),
        running(host, sys.executable, "-c", LISTEN, "::1", "20000"),
    ):
        before = state(host)
        run = run_playbook(settings(ip_local_port_range=[15000, 60999]), host)
        message = failure(run, "host")["msg"]
        # 40000 is within the present range: that is as it was.
        assert "would take in ports that services listen on: 15672, 20000." in message
        assert "ip_local_reserved_ports: [15672, 20000]" in message
        assert state(host) == before
        mended = settings(ip_local_port_range=[15000, 60999], ip_local_reserved_ports=[15672, 20000])
        run = run_playbook(mended, host)
        assert (run.rc, run.changed) == (0, 1), run.text
        assert run_playbook(mended, host).changed == 0


#: {0} makes a file that must not come to be.
INJECTIONS = ("$(touch {0})", "`touch {0}`", "'; touch {0}; '", '"; touch {0}; "', "\n touch {0}\n", "a' & touch {0} #")
STRING_OPTIONS = (
    "tcp_tw_reuse",
    "tcp_tw_recycle",
    "tcp_timestamps",
    "ip_local_port_range",
    "ip_local_reserved_ports",
    "state",
    "conflicts",
    "path",
    "exposure",
    "public_groups",
    "nat_groups",
)


def test_nothing_that_a_user_writes_is_run_by_the_shell(ansible: Ansible, host: SandboxHost, tmp_path: Path) -> None:
    proof = tmp_path / "injected"
    cases: list[Alias] = []
    for number, text in enumerate(INJECTIONS):
        attack = text.format(proof)
        cases += [alias(host, f"{option}-{number}", options={option: attack}) for option in STRING_OPTIONS]
        cases += [
            alias(host, f"path-in-directory-{number}", options={"path": f"/etc/sysctl.d/{attack}.conf"}),
            # As a variable's value, and as names of groups.
            alias(host, f"variable-{number}", timewait_exposure=[attack]),
            alias(host, f"listed-{number}", timewait_public_groups=[attack], timewait_nat_groups=[attack]),
        ]
    names = {f"web $(touch {proof})": [case.name for case in cases], f"nat'; touch {proof}; '": ["variable-0"]}
    for play in (BY_MODULE, tasks({FACTS: {"exposure": "{{ (options | default({})).exposure | default([]) }}"}})):
        run_side_by_side(ansible, play, cases, groups=names)
    assert not proof.exists()
    assert not host.exists(str(proof))
    assert host.commands(), "none of them reached the host"


def test_nothing_that_a_host_holds_is_run_by_a_shell_or_rendered_as_a_template(
    run_playbook: Playbook, host: SandboxHost, tmp_path: Path
) -> None:
    proof = tmp_path / "injected"
    pipe = "{{ lookup('pipe', 'touch " + str(proof) + "') }}"
    shell = f"$(touch {proof}) `touch {proof}` '; touch {proof}; '"
    host.write("/etc/sysctl.d/99-zz.conf", f"net.ipv4.tcp_tw_reuse = {pipe}\nnet.ipv4.tcp_rfc1337 = {shell}\n")
    host.write(f"/etc/sysctl.d/zz {pipe.replace('/', '_')} '$(id)' `id`.conf", f"net.ipv4.tcp_timestamps = {shell}\n")
    host.write("/run/sysctl.d/zz.conf", "net.ipv4.tcp_tw_reuse = \x1b]0;title\x07 0\n")
    run = run_playbook(
        tasks(
            {FACTS: {}, "register": "found"},
            {"ansible.builtin.debug": {"msg": "{{ found }} {{ ansible_facts.timewait | to_json }}"}},
            {SETTINGS: {"conflicts": "comment_out"}},
            {SETTINGS: {"state": "absent"}},
        ),
        host,
        "--diff",
    )
    assert run.rc == 0, run.text
    assert not proof.exists()
    assert not host.exists(str(proof))
    assert "\x1b" not in run.text
    assert "\x07" not in run.text


def test_a_file_whose_name_would_break_out_of_our_file_is_not_edited(run_playbook: Playbook, host: SandboxHost) -> None:
    """The drop-in names the files with lines that it commented out."""
    host.write("/etc/sysctl.d/zz\x1b[31m\nnet.ipv4.tcp_rfc1337 = 1\n.conf", "net.ipv4.tcp_tw_reuse = 0\n")
    before = state(host)
    run = run_playbook(settings(conflicts="comment_out"), host, "--diff")
    assert "/etc/sysctl.d/zz\\x1b[31m\\nnet.ipv4.tcp_rfc1337 = 1\\n.conf line 1 says '0'" in failure(run, "host")["msg"]
    assert "\x1b" not in run.text
    assert state(host) == before
