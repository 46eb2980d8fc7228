# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers by kind, as data, and how sysctls are given to one from outside. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from ._knobs import KNOBS
from ._values import Value, kernel_text


@dataclass(frozen=True)
class Kind:
    """How whoever starts a container of this kind sets sysctls in it.

    ``start`` is what to write, with all sysctls at ``{}``. ``each`` is one of them: ``assignment`` is ``key=value`` as
    a shell needs it. ``between`` stands between two.
    """

    words: str
    start: str
    each: str = ""
    between: str = " "


#: By the word that a probe has for them. Sources: podman-run(1) and docker's reference of "container run", --sysctl;
#: Kubernetes' documentation, "Using sysctls in a Kubernetes Cluster"; lxc.container.conf(5), SYSCTL; systemd-nspawn(1),
#: --private-network, and src/nspawn/nspawn-mount.c (/proc/sys/net is left writable with a network of its own).
CONTAINERS: Mapping[str, Kind] = {
    "podman": Kind("a podman container", "podman run {}", "--sysctl {assignment}"),
    "docker": Kind("a docker container", "docker run {}", "--sysctl {assignment}"),
    "kubernetes": Kind(
        "a Kubernetes pod", "securityContext: {{sysctls: [{}]}}", '{{name: {key}, value: "{value}"}}', ", "
    ),
    "lxc": Kind("an LXC container", "in its configuration {}", "lxc.sysctl.{key} = {value}", "; "),
    "systemd-nspawn": Kind(
        "a systemd-nspawn container",
        "systemd-nspawn --network-veth, as with a network of its own it may set them itself",
    ),
    "unknown": Kind("a container", "set these in what starts it: {}", "{assignment}"),
}

#: The knobs that a kubelet lets every pod set, and the release of Kubernetes since which it does; None: from the first
#: that knew sysctls at all. Source: pkg/kubelet/sysctl/safe_sysctls.go, and the page above for the releases.
SAFE_IN_KUBERNETES: Mapping[str, str | None] = {"ip_local_port_range": None, "ip_local_reserved_ports": "1.27"}


def words_for(container: str | None) -> str:
    """What a host is that is not in the initial network namespace."""
    return CONTAINERS[container].words if container else "a container"


def set_from_outside(container: str, values: Mapping[str, Value]) -> str:
    """How to start a container so that it has these values, to be pasted."""
    kind = CONTAINERS[container]
    settings = [
        kind.each.format(key=KNOBS[name].key, value=text, assignment=shlex.quote(f"{KNOBS[name].key}={text}"))
        for name, text in ((name, kernel_text(value)) for name, value in values.items())
    ]
    return kind.start.format(kind.between.join(settings)) + (_allowed(values) if container == "kubernetes" else "")


def _allowed(values: Mapping[str, Value]) -> str:
    """What a kubelet says to these sysctls, where it is not simply yes."""
    unsafe = ",".join(KNOBS[name].key for name in values if name not in SAFE_IN_KUBERNETES)
    late = [
        f"{KNOBS[name].key} since Kubernetes {SAFE_IN_KUBERNETES[name]}"
        for name in values
        if SAFE_IN_KUBERNETES.get(name)
    ]
    said = [f"with --allowed-unsafe-sysctls={unsafe}"] if unsafe else []
    return f" (the kubelet takes these {', '.join([*said, *late])})" if said or late else ""
