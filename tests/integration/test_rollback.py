# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Undo: values and files as they were, byte for byte. tcp_tw_recycle is the one exception."""

from __future__ import annotations

from collections.abc import Callable

from tests.integration.support import outcome, settings, warnings_of
from tests.sandbox.hosts import SandboxHost
from tests.sandbox.runs import Run
from tests.sandbox.states import DROPIN, files, knobs, state

Playbook = Callable[..., Run]

#: Without a newline at its end, with a carriage return, a tab, a byte that is no text, and lines of others.
AWKWARD = (
    "# by hand\\r\\n\\tnet.ipv4.tcp_tw_reuse\\t=\\t0 \\r\\n\\nkernel.panic=10\\n# caf\\351\\n"
    "-net/ipv4/tcp_timestamps=0\\nnet.ipv4.tcp_fastopen_key = 0-0-0-0"
)

OPTIONS = {
    "tcp_timestamps": 2,
    "tcp_tw_reuse_delay": 500,
    "tcp_max_tw_buckets": 2000000,
    "ip_local_port_range": [15000, 60999],
    "ip_local_reserved_ports": ["20000-20010"],
    "tcp_rfc1337": 1,
    "conflicts": "comment_out",
}


def write_awkward_files(host: SandboxHost) -> None:
    """In places that come after ours, with owners and modes of their own."""
    host.sh(
        f"set -e; printf '{AWKWARD}' >/etc/sysctl.d/99-zz.conf; chmod 640 /etc/sysctl.d/99-zz.conf\n"
        "chown 12:34 /etc/sysctl.d/99-zz.conf\n"
        "mkdir -p /run/sysctl.d; printf 'net.ipv4.tcp_rfc1337=0\\n' >/run/sysctl.d/zz.conf\n"
        "printf 'net.ipv4.tcp_tw_reuse = 0\\n' >>/etc/sysctl.conf; ln -s ../sysctl.conf /etc/sysctl.d/99-sysctl.conf\n"
        "ln -s /dev/null /etc/sysctl.d/10-masked.conf"
    )


def test_rollback_brings_back_every_value_and_every_byte(
    run_playbook: Playbook, new_host: Callable[..., SandboxHost]
) -> None:
    hosts = [new_host("modern"), new_host("legacy", legacy=True)]
    for host in hosts:
        write_awkward_files(host)
        host.set_sysctl("ip_local_reserved_ports", "8080")
        host.set_sysctl("tcp_tw_reuse", 0)
    before = [(files(host), knobs(host)) for host in hosts]
    assert run_playbook(settings(**OPTIONS), hosts).rc == 0
    for host, known in zip(hosts, before, strict=True):
        assert host.sysctl("tcp_rfc1337") == "1"
        assert (files(host), knobs(host)) != known
    check = run_playbook("linux_tcp.tuning.rollback", hosts, "--check", "--diff")
    run = run_playbook("linux_tcp.tuning.rollback", hosts, "--diff")
    assert (run.rc, run.changed) == (0, 2), run.text
    for host, known in zip(hosts, before, strict=True):
        assert (files(host), knobs(host)) == known
        assert outcome(run, host.name).result["refused"] == []
        assert warnings_of(outcome(run, host.name)) == []
        assert outcome(check, host.name).result["diff"] == outcome(run, host.name).result["diff"]
        assert not host.sh("ls -A /run | grep linux_tcp || true")
    untouched = [state(host) for host in hosts]
    again = run_playbook("linux_tcp.tuning.rollback", hosts)
    assert (again.rc, again.changed) == (0, 0), again.text
    assert [state(host) for host in hosts] == untouched


def test_undo_on_a_host_that_was_never_tuned_changes_nothing(
    run_playbook: Playbook, new_host: Callable[..., SandboxHost]
) -> None:
    hosts = [new_host("modern"), new_host("legacy", legacy=True)]
    before = [state(host) for host in hosts]
    run = run_playbook("linux_tcp.tuning.rollback", hosts)
    assert (run.rc, run.changed) == (0, 0), run.text
    assert [state(host) for host in hosts] == before


def test_undo_never_arms_recycle_again_and_says_so(run_playbook: Playbook, legacy_host: SandboxHost) -> None:
    """Neither the value that was there, nor the line of a file that set it, comes back."""
    line = "net.ipv4.tcp_tw_recycle = 1\n"
    legacy_host.set_sysctl("tcp_tw_recycle", 1)
    legacy_host.set_sysctl("tcp_tw_reuse", 0)
    legacy_host.write("/etc/sysctl.d/99-zz.conf", f"kernel.panic = 10\n{line}net.ipv4.tcp_tw_reuse = 0\n")
    assert run_playbook(settings(conflicts="comment_out"), legacy_host).rc == 0
    assert legacy_host.sysctl("tcp_tw_recycle") == "0"

    run = run_playbook("linux_tcp.tuning.rollback", legacy_host)
    assert run.rc == 0, run.text
    assert (legacy_host.sysctl("tcp_tw_recycle"), legacy_host.sysctl("tcp_tw_reuse")) == ("0", "0")
    assert not legacy_host.exists(DROPIN)
    mark = "# linux_tcp.tuning commented out for 99-timewait.conf: "
    assert legacy_host.read("/etc/sysctl.d/99-zz.conf") == (
        f"kernel.panic = 10\n{mark}{line}net.ipv4.tcp_tw_reuse = 0\n"
    )
    refused = outcome(run).result["refused"]
    assert [(refusal["key"], refusal["value"]) for refusal in refused] == [("net.ipv4.tcp_tw_recycle", 1)]
    assert "nobody has attested" in refused[0]["reason"]
    assert any("was 1 and is not turned on again" in words for words in warnings_of(outcome(run)))
    assert run_playbook("linux_tcp.tuning.rollback", legacy_host).changed == 0


def boot(host: SandboxHost) -> None:
    """What the real loader makes of the files, from a recycle that is off as after a boot."""
    host.set_sysctl("tcp_tw_recycle", 0)
    host.sh("for l in /usr/lib/systemd/systemd-sysctl /lib/systemd/systemd-sysctl; do [ ! -x $l ] || exec $l; done")


def test_no_spelling_of_a_recycle_line_is_revived(run_playbook: Playbook, new_host: Callable[..., SandboxHost]) -> None:
    """Not one that was commented out (99), and not one that the drop-in had outranked (10 and the globs)."""
    lines = {
        "/etc/sysctl.d/99-zz.conf": ["net/ipv4/tcp_tw_recycle=0x1", "-net.ipv4.tcp_tw_recycle = 01"],
        "/etc/sysctl.d/10-old.conf": [
            "net.ipv4.tcp_tw_recycle = 1",
            "net.ipv4.tcp_tw_r[a-e]cycle = 7",
            "net.ipv4.tcp_tw_* = 1",
        ],
    }
    cases = [(path, line) for path, spelled in lines.items() for line in spelled]
    hosts = [new_host(f"host{number}", legacy=True) for number in range(len(cases))]
    for host, (path, line) in zip(hosts, cases, strict=True):
        host.write(path, f"kernel.panic = 10\n{line}\n")
        host.write("/etc/sysctl.d/98-reuse.conf", "net.ipv4.tcp_tw_reuse = 0\n")
    assert run_playbook(settings(conflicts="comment_out"), hosts).rc == 0
    texts = [host.read(path) for host, (path, _line) in zip(hosts, cases, strict=True)]
    run = run_playbook("linux_tcp.tuning.rollback", hosts)
    assert (run.rc, run.changed) == (0, len(hosts)), run.text
    for host, (path, line), text in zip(hosts, cases, texts, strict=True):
        assert host.read(path) == text, line
        boot(host)
        assert (host.sysctl("tcp_tw_recycle"), host.sysctl("tcp_tw_reuse")) == ("0", "0"), line
        assert outcome(run, host.name).result["refused"][0]["key"] == "net.ipv4.tcp_tw_recycle", line
        assert host.exists(DROPIN) == path.endswith("10-old.conf"), line
    again = run_playbook("linux_tcp.tuning.rollback", hosts)
    assert (again.rc, again.changed) == (0, 0), again.text

    kept = hosts[-1]
    assert any("stays, with nothing but" in words for words in warnings_of(outcome(run, kept.name)))
    kept.run("rm", "/etc/sysctl.d/10-old.conf")
    assert run_playbook("linux_tcp.tuning.rollback", kept).changed == 1
    assert not kept.exists(DROPIN)


def test_on_a_host_attested_private_undo_may_bring_recycle_back_with_a_warning(
    run_playbook: Playbook, legacy_host: SandboxHost
) -> None:
    legacy_host.set_sysctl("tcp_tw_recycle", 1)
    legacy_host.write("/etc/sysctl.d/99-zz.conf", "net.ipv4.tcp_tw_recycle = 1\n")
    before = (files(legacy_host), knobs(legacy_host))
    assert run_playbook(settings(conflicts="comment_out"), legacy_host).rc == 0
    legacy_host.vars["timewait_exposure"] = ["private"]
    run = run_playbook("linux_tcp.tuning.rollback", legacy_host)
    assert run.rc == 0, run.text
    assert (files(legacy_host), knobs(legacy_host)) == before
    assert outcome(run).result["refused"] == []
    assert any("CVE-2026-23247" in words for words in warnings_of(outcome(run))), warnings_of(outcome(run))


def test_a_value_that_somebody_else_set_meanwhile_is_left_alone(run_playbook: Playbook, host: SandboxHost) -> None:
    assert run_playbook(settings(tcp_rfc1337=1, tcp_max_tw_buckets=2000000), host).rc == 0
    host.set_sysctl("tcp_max_tw_buckets", 3000000)
    run = run_playbook("linux_tcp.tuning.rollback", host)
    assert run.rc == 0, run.text
    assert (host.sysctl("tcp_max_tw_buckets"), host.sysctl("tcp_rfc1337")) == ("3000000", "0")
    assert any(
        "tcp_max_tw_buckets is 3000000" in words and "left alone" in words for words in warnings_of(outcome(run))
    )


def test_lines_written_meanwhile_survive_the_undo(run_playbook: Playbook, host: SandboxHost) -> None:
    host.write("/etc/sysctl.d/99-zz.conf", "net.ipv4.tcp_tw_reuse = 0\n")
    assert run_playbook(settings(conflicts="comment_out"), host).rc == 0
    commented = host.read("/etc/sysctl.d/99-zz.conf")
    host.write("/etc/sysctl.d/99-zz.conf", f"# first\n{commented}vm.swappiness = 5\n")
    assert run_playbook("linux_tcp.tuning.rollback", host).rc == 0
    assert host.read("/etc/sysctl.d/99-zz.conf") == "# first\nnet.ipv4.tcp_tw_reuse = 0\nvm.swappiness = 5\n"


def test_a_drop_in_of_a_newer_format_is_left_to_the_release_that_wrote_it(
    run_playbook: Playbook, host: SandboxHost
) -> None:
    host.write(DROPIN, "# linux_tcp.tuning timewait, format 3\nnet.ipv4.tcp_tw_reuse = 1\n")
    before = state(host)
    for play in ("linux_tcp.tuning.apply", "linux_tcp.tuning.rollback"):
        run = run_playbook(play, host)
        assert run.rc == 2
        assert "A newer release wrote it" in outcome(run).result["msg"]
    assert state(host) == before
