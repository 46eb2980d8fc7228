# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._model import Assignment, Call, Position
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._plays._modules import carried
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._guard_files import NoFiles

KEY = "net.ipv4.tcp_tw_recycle"
SETS = f"sysctl -w {KEY}=1"


def values(module: str, arguments: dict[str, Any]) -> list[str]:
    free = arguments.pop("free", None)
    found = carried(Call(module, arguments, free, Position("/site.yml", 3)), NoFiles())
    return [each.value for each in found if isinstance(each, Assignment)]


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("sysctl", {"name": KEY, "value": 1}),
        ("my.own.sysctl", {"name": KEY, "value": True}),
        ("kernel_settings", {"sysctl": [{"name": KEY, "value": 1}]}),
        ("fedora.linux_system_roles.kernel_settings", {"sysctl": [{"name": KEY, "value": 1}]}),
        ("containers.podman.podman_container", {"sysctl": {KEY: 1}}),
        ("community.docker.docker_container", {"sysctls": {KEY: 1}}),
        ("command", {"free": "sh", "stdin": SETS}),
        ("command", {"argv": ["sh", "-s"], "stdin": f"uptime\n{SETS}\n"}),
        ("ansible.builtin.shell", {"free": "cat >/etc/sysctl.d/a.conf", "stdin": f"{KEY}=1"}),
        ("ansible.builtin.shell", {"cmd": "sysctl -p -", "stdin": f"{KEY}=1"}),
        ("ansible.builtin.shell", {"free": SETS, "stdin": "y"}),
    ],
)
def test_a_module_that_sets_it_is_seen_to_once(module: str, arguments: dict[str, Any]) -> None:
    assert values(module, arguments) == ["1"]


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("command", {"free": "cat", "stdin": SETS}),
        ("shell", {"free": f"grep {KEY}", "stdin": f"{KEY}=1"}),
        ("my.own.sysctl", {"name": KEY, "value": 1, "state": "absent"}),
        ("containers.podman.podman_container", {"sysctl": {KEY: 1}, "state": "absent"}),
        ("debug", {"msg": SETS}),
    ],
)
def test_a_module_that_only_mentions_it_is_not(module: str, arguments: dict[str, Any]) -> None:
    assert values(module, arguments) == []
