# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._containers import CONTAINERS
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._exposure import Exposure
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._knobs import KNOBS
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._policy import (
    REMEDY,
    Impossible,
    Refusal,
    check_host,
    check_values,
    check_writable,
    recycle_refusals,
    recycle_unseen,
    shares_network,
    unsupported,
)
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._values import PortRange
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.simulated import KERNELS, PRIVATE, UNTAGGED, a_host, asked

#: Each reason against recycle: a word of its text, and what makes it hold.
REASONS = {
    "public-facing": {"public": ("address 8.8.8.8 is globally routable",)},
    "behind NAT:": {"nat": ("IPVS masquerades",)},
    "nobody has attested": {"untagged": True},
    "has no tcp_tw_recycle": {"lacking": True},
    "timestamps are randomised": {"release": "4.10.0"},
}


def refusals_for(*reasons: str, value: int = 1) -> tuple[Refusal, ...]:
    facts: dict[str, object] = {}
    for reason in reasons:
        facts |= REASONS[reason]
    host = a_host("RHEL 7", release=facts.get("release", "3.10.0"))
    if facts.get("lacking"):
        del host.knobs["tcp_tw_recycle"]
    public, nat = facts.get("public", ()), facts.get("nat", ())
    private = () if facts.get("untagged") else PRIVATE.private
    return recycle_refusals(value, Exposure(public, nat, private), host.snapshot())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "reasons",
    [
        chosen
        for count in range(len(REASONS) + 1)
        for chosen in itertools.combinations(REASONS, count)
        # Who is known to be exposed is not unclassified.
        if "nobody has attested" not in chosen or not {"public-facing", "behind NAT:"} & set(chosen)
    ],
)
def test_every_reason_is_given_alone_and_together(reasons: tuple[str, ...]) -> None:
    refusals = refusals_for(*reasons)
    assert len(refusals) == len(reasons)
    for refusal, word in zip(refusals, reasons, strict=True):
        assert word in refusal.reason
        assert refusal.evidence
        assert (refusal.key, refusal.value, refusal.remedy) == ("net.ipv4.tcp_tw_recycle", 1, REMEDY)
    assert refusals_for(*reasons, value=0) == ()


@pytest.mark.parametrize("value", [1, 2, 7, -1, 2**31 - 1])
def test_every_value_but_0_is_refused_alike(value: int) -> None:
    (refusal,) = refusals_for("public-facing", value=value)
    assert refusal.value == value


@pytest.mark.parametrize("tag", ["public-facing", "behind NAT:"])
def test_the_evidence_is_handed_on(tag: str) -> None:
    (refusal,) = refusals_for(tag)
    assert refusal.evidence == next(iter(REASONS[tag].values()))


@given(
    st.sampled_from(sorted(KERNELS)),
    st.tuples(*[st.lists(st.text(min_size=1), max_size=2).map(tuple)] * 3).map(lambda parts: Exposure(*parts)),
    st.integers(-(2**31), 2**31 - 1),
)
def test_only_an_attested_private_host_of_an_old_kernel_may_have_it(
    kernel: str, exposure: Exposure, value: int
) -> None:
    refused = recycle_refusals(value, exposure, a_host(kernel).snapshot())
    old = kernel in ("RHEL 6", "RHEL 7", "Ubuntu 16.04", "Debian 9")
    assert bool(refused) == (value != 0 and not (exposure.attested_private and old))


@pytest.mark.parametrize(
    ("release", "allowed"), [("4.9.337", True), ("4.10.0", False), ("4.11.12", False), ("5.4", False)]
)
def test_random_timestamps_end_it_even_where_the_knob_is(release: str, allowed: bool) -> None:
    host = a_host("Debian 9", release=release)
    assert (not recycle_refusals(1, PRIVATE, host.snapshot())) is allowed


def test_an_untagged_host_is_not_a_private_one() -> None:
    (refusal,) = recycle_refusals(1, UNTAGGED, a_host("RHEL 7").snapshot())
    assert "without a tag it is taken to be exposed" in refusal.reason


@pytest.mark.parametrize("uid", ["0", ""])
def test_root_may_tune_a_linux_host(uid: str) -> None:
    check_host(a_host(uid=uid).snapshot(), asked())


def test_another_user_is_told_to_become_root() -> None:
    with pytest.raises(Impossible, match=r"uid 1000. Add become: true"):
        check_host(a_host(uid="1000").snapshot(), asked())


@pytest.mark.parametrize("system", ["FreeBSD", "Darwin", "unknown"])
def test_a_host_that_is_no_linux_is_left_alone(system: str) -> None:
    with pytest.raises(Impossible, match=f"this host runs {system}"):
        check_host(a_host(system=system).snapshot(), asked())


@pytest.mark.parametrize("name", ["tcp_tw_reuse", "tcp_timestamps"])
def test_a_kernel_without_the_knobs_needs_a_look_at_proc(name: str) -> None:
    host = a_host()
    del host.knobs[name]
    with pytest.raises(Impossible, match="Is /proc mounted"):
        check_host(host.snapshot(), asked())
    host.initial_namespace = False
    with pytest.raises(Impossible, match="Is /proc mounted"):
        check_host(host.snapshot(), asked())


@pytest.mark.parametrize(("name", "since"), [("tcp_tw_reuse", "4.10"), ("tcp_timestamps", "4.13")])
def test_a_container_of_an_old_kernel_is_sent_to_its_host(name: str, since: str) -> None:
    host = a_host("Ubuntu 16.04", initial_namespace=False)
    del host.knobs[name]
    with pytest.raises(
        Impossible, match=rf"{name} cannot be seen from here: before Linux {since}.*Tune the host itself"
    ):
        check_host(host.snapshot(), asked())


@pytest.mark.parametrize(
    ("release", "possible"), [("3.10.0", False), ("4.17.19", False), ("4.18.0", True), ("6.18.44", True)]
)
def test_a_reuse_of_2_is_refused_where_it_means_on_for_everyone(release: str, possible: bool) -> None:
    request, snapshot = asked(tcp_tw_reuse=2), a_host(release=release).snapshot()
    if possible:
        check_values(request, snapshot)
    else:
        with pytest.raises(Impossible, match="loopback only"):
            check_values(request, snapshot)
    check_values(asked(tcp_tw_reuse=1), snapshot)


def test_a_range_below_the_unprivileged_ports_is_refused() -> None:
    snapshot = a_host().snapshot()
    with pytest.raises(Impossible, match=r"1023 is below net.ipv4.ip_unprivileged_port_start, which is 1024"):
        check_values(asked(ip_local_port_range="1023 60999"), snapshot)
    check_values(asked(ip_local_port_range="1024 60999"), snapshot)
    check_values(asked(ip_local_port_range="1 60999"), a_host("RHEL 7").snapshot())


def test_a_range_that_takes_in_listeners_is_refused() -> None:
    host = a_host(listeners=(22, 8080, 9090, 40000))
    with pytest.raises(Impossible, match=r"listen on: 8080, 9090\..*ip_local_reserved_ports: \[8080, 9090\]"):
        check_values(asked(ip_local_port_range="8080 60999"), host.snapshot())
    check_values(asked(ip_local_port_range="9091 60999"), host.snapshot())


def test_the_highest_port_of_a_range_is_in_it() -> None:
    with pytest.raises(Impossible, match="listen on: 61000"):
        check_values(asked(ip_local_port_range="32768 61000"), a_host(listeners=(61000, 61001)).snapshot())


def test_a_long_row_of_listeners_is_cut_short() -> None:
    with pytest.raises(Impossible) as caught:
        check_values(asked(ip_local_port_range="1024 60999"), a_host(listeners=tuple(range(2000, 3000))).snapshot())
    assert "2019]" in str(caught.value)
    assert "2020" not in str(caught.value)


def test_reserved_listeners_are_no_hindrance() -> None:
    host = a_host(listeners=(8080, 9090))
    check_values(asked(ip_local_port_range="1024 60999", ip_local_reserved_ports="8080,9090"), host.snapshot())
    host.knobs["ip_local_reserved_ports"] = "8080-9090\n"
    check_values(asked(ip_local_port_range="1024 60999"), host.snapshot())


def test_a_listener_in_the_range_that_was_there_before_is_no_hindrance() -> None:
    check_values(asked(ip_local_port_range="32768 60999"), a_host(listeners=(40000,)).snapshot())


def test_the_first_namespace_of_an_old_kernel_needs_a_look_at_proc() -> None:
    host = a_host("Ubuntu 16.04")
    del host.knobs["tcp_tw_reuse"]
    with pytest.raises(Impossible, match="Is /proc mounted"):
        check_host(host.snapshot(), asked())


def test_a_container_of_the_kernel_that_made_the_knob_its_own_needs_a_look_at_proc() -> None:
    host = a_host("Debian 9", release="4.10.0", initial_namespace=False)
    del host.knobs["tcp_tw_reuse"]
    with pytest.raises(Impossible, match="Is /proc mounted"):
        check_host(host.snapshot(), asked())


def test_a_knob_that_the_kernel_lacks_is_explained() -> None:
    snapshot = a_host("Debian 10").snapshot()
    assert "Linux 6.14 added it" in unsupported("tcp_tw_reuse_delay", snapshot)
    assert "fixes TIME_WAIT at 60 s" in unsupported("tcp_tw_timeout", snapshot)
    assert "added it" not in unsupported("tcp_rfc1337", snapshot)
    assert snapshot.kernel.release in unsupported("tcp_rfc1337", snapshot)


@pytest.mark.parametrize(
    ("release", "initial", "present", "warned"),
    [
        ("4.9.0", False, False, True),
        ("4.11.0", False, False, True),
        ("4.12.0", False, False, False),
        ("4.9.0", True, False, False),
        ("4.11.0", False, True, False),
    ],
)
def test_absent_does_not_mean_off_in_a_container_of_an_old_kernel(
    release: str, initial: bool, present: bool, warned: bool
) -> None:
    host = a_host("Debian 9", release=release, initial_namespace=initial)
    if not present:
        del host.knobs["tcp_tw_recycle"]
    assert bool(recycle_unseen(host.snapshot())) is warned


def test_the_knob_was_removed_in_4_12() -> None:
    assert KNOBS["tcp_tw_recycle"].removed == (4, 12)


READ_ONLY = {"tcp_tw_reuse": "Read-only file system", "ip_local_port_range": "Read-only file system"}
WANTED = {"tcp_tw_reuse": 1, "tcp_timestamps": 1, "ip_local_port_range": PortRange(15000, 60999)}
TO_PASTE = {
    "podman": "podman run --sysctl net.ipv4.tcp_tw_reuse=1 --sysctl 'net.ipv4.ip_local_port_range=15000 60999'; or",
    "docker": "docker run --sysctl net.ipv4.tcp_tw_reuse=1 --sysctl 'net.ipv4.ip_local_port_range=15000 60999'; or",
    "kubernetes": (
        'securityContext: {sysctls: [{name: net.ipv4.tcp_tw_reuse, value: "1"}, '
        '{name: net.ipv4.ip_local_port_range, value: "15000 60999"}]} '
        "(the kubelet takes these with --allowed-unsafe-sysctls=net.ipv4.tcp_tw_reuse); or"
    ),
    "lxc": "lxc.sysctl.net.ipv4.tcp_tw_reuse = 1; lxc.sysctl.net.ipv4.ip_local_port_range = 15000 60999; or",
    "systemd-nspawn": "systemd-nspawn --network-veth",
    "unknown": "net.ipv4.tcp_tw_reuse=1",
}


@pytest.mark.parametrize("kind", CONTAINERS)
def test_a_container_that_may_not_set_a_sysctl_is_told_what_to_start_it_with(kind: str) -> None:
    host = a_host(container=kind, initial_namespace=False, not_writable=READ_ONLY)
    with pytest.raises(Impossible) as caught:
        check_writable(WANTED, host.snapshot())
    message = str(caught.value)
    assert "net.ipv4.tcp_tw_reuse, net.ipv4.ip_local_port_range cannot be written here: Read-only file" in message
    assert f"This is {CONTAINERS[kind].words}" in message
    assert TO_PASTE[kind] in message
    assert message.endswith("; or run it privileged. apply_to: boot leaves the running kernel alone")
    assert "tcp_timestamps" not in message


def test_what_a_kubelet_allows_by_itself_needs_no_flag() -> None:
    host = a_host(container="kubernetes", initial_namespace=False, not_writable={"ip_local_reserved_ports": "no"})
    with pytest.raises(Impossible, match=r"takes these net\.ipv4\.ip_local_reserved_ports since Kubernetes 1\.27\);"):
        check_writable({"ip_local_reserved_ports": (PortRange(80, 80),)}, host.snapshot())
    host = a_host(container="kubernetes", initial_namespace=False, not_writable={"ip_local_port_range": "no"})
    with pytest.raises(Impossible) as caught:
        check_writable(WANTED, host.snapshot())
    assert "kubelet" not in str(caught.value)


def test_a_container_in_the_network_of_its_machine_is_told_to_tune_that() -> None:
    host = a_host(container="docker", not_writable=READ_ONLY)
    with pytest.raises(Impossible, match=r"This is a docker container in the network of the machine .* itself"):
        check_writable(WANTED, host.snapshot())
    assert "Tune that machine itself" in str(shares_network(host.snapshot()))
    assert shares_network(a_host(container="docker", initial_namespace=False).snapshot()) is None
    assert shares_network(a_host().snapshot()) is None
    check_writable({"tcp_timestamps": 1}, host.snapshot())


def test_a_knob_that_only_the_machine_of_a_container_has_is_not_said_to_be_missing_from_the_kernel() -> None:
    host = a_host("Debian 9", container="lxc", initial_namespace=False)
    assert "tcp_max_tw_buckets cannot be seen from here: before Linux 4.11" in unsupported(
        "tcp_max_tw_buckets", host.snapshot()
    )
    assert "(an LXC container). Tune the host itself" in unsupported("tcp_max_tw_buckets", host.snapshot())
    assert "has no such knob (Linux 6.14 added it)" in unsupported("tcp_tw_reuse_delay", host.snapshot())
    host.release = "4.19.0"
    assert "has no such knob" in unsupported("tcp_max_tw_buckets", host.snapshot())
