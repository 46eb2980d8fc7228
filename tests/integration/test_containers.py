# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers, as a probe sees them. Real ones are in molecule/containers."""

from __future__ import annotations

from collections.abc import Callable

from tests.integration.support import BY_MODULE, FACTS, failure, outcome, run_side_by_side, tasks, warnings_of
from tests.sandbox.hosts import SandboxHost
from tests.sandbox.runs import Ansible
from tests.sandbox.states import remount_read_only, state


def test_what_only_the_machine_of_a_container_has_cannot_be_seen_from_it_and_is_not_taken_for_off(
    ansible: Ansible, new_host: Callable[..., SandboxHost]
) -> None:
    """Before Linux 4.12 the file of tcp_tw_recycle, and before 4.10 all of them, are in the initial namespace only."""
    some, none = new_host("some", legacy=True), new_host("none", legacy=True)
    some.sh("cd /proc/sys/net/ipv4 && rm tcp_tw_recycle tcp_max_tw_buckets")
    none.sh("cd /proc/sys/net/ipv4 && rm tcp_*")
    before = state(none)
    options = {"tcp_max_tw_buckets": 300000}
    for host in (some, none):
        host.vars["options"] = options
    run = run_side_by_side(ansible, BY_MODULE, [some, none])
    warned = "\n".join(warnings_of(outcome(run, "some")))
    assert "tcp_tw_recycle cannot be seen from here" in warned
    assert "its value there holds for this container too. Check the machine that runs it" in warned
    assert "tcp_max_tw_buckets cannot be seen from here: before Linux 4.11" in warned
    assert some.sysctl("tcp_tw_reuse") == "1"
    message = failure(run, "none")["msg"]
    assert "tcp_tw_reuse cannot be seen from here: before Linux 4.10" in message
    assert "Tune the host itself" in message
    assert state(none) == before


def test_whoever_starts_a_container_is_told_the_words_for_it(
    ansible: Ansible, new_host: Callable[..., SandboxHost]
) -> None:
    marks = {"podman": "/run/.containerenv", "kubernetes": "/run/secrets/kubernetes.io/serviceaccount/token"}
    hosts = [new_host(name) for name in marks]
    for host in hosts:
        host.write(marks[host.name], "a secret of theirs")
        remount_read_only(host, "/proc/sys/net")
    facts = run_side_by_side(ansible, tasks({FACTS: {}}), hosts)
    for host in hosts:
        kernel = facts.only("timewait_facts", host.name).result["ansible_facts"]["timewait"]["kernel"]
        assert (kernel["container"], kernel["initial_namespace"]) == (host.name, False)
    run = run_side_by_side(ansible, BY_MODULE, hosts, "--check")
    assert "podman run --sysctl net.ipv4.tcp_tw_reuse=1; or run it privileged" in failure(run, "podman")["msg"]
    said = failure(run, "kubernetes")["msg"]
    assert 'securityContext: {sysctls: [{name: net.ipv4.tcp_tw_reuse, value: "1"}]}' in said
    assert "--allowed-unsafe-sysctls=net.ipv4.tcp_tw_reuse" in said
    assert "a secret of theirs" not in facts.text + run.text
