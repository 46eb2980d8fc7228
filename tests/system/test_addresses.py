# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's own addresses, as kernels of different ages list them."""

from __future__ import annotations

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import Probe, probe_script, sections_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._snapshot import snapshot_of

from tests.sandbox.hosts import SandboxHost
from tests.sandbox.states import cover_proc_net

#: Of Linux 5.10, with an address of lo.
LOOPBACK = """Local:
  +-- 0.0.0.0/0 2 0 2
     |-- 10.99.0.1
        /32 host LOCAL
     +-- 10.99.1.0/24 2 0 2
        |-- 10.99.1.255
           /32 link BROADCAST
     +-- 127.0.0.0/8 2 0 2
        +-- 127.0.0.0/31 1 0 0
           |-- 127.0.0.0
              /32 link BROADCAST
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
        |-- 127.255.255.255
           /32 link BROADCAST
"""
WITHOUT_GREP = 'have() { [ "$1" != grep ] && command -v "$1" >/dev/null 2>&1; }\n'


@pytest.mark.parametrize("shell", ["dash", "bash --posix", "busybox sh"])
@pytest.mark.parametrize("changes", ["", WITHOUT_GREP])
def test_an_address_that_is_a_broadcast_address_too_is_read(host: SandboxHost, changes: str, shell: str) -> None:
    cover_proc_net(host, "fib_trie", LOOPBACK)
    probe = Probe(evidence=True)
    host.write("/run/probe", probe_script(probe).replace("probe_main() {", f"{changes}probe_main() {{"))
    answer = host.sh(f"{shell} /run/probe").encode("utf-8", "surrogateescape")
    found = [
        str(address) for address in snapshot_of(sections_of(answer, probe.nonce)).addresses if address.version == 4
    ]
    assert found == ["10.99.0.1", "127.0.0.0", "127.0.0.1"]
