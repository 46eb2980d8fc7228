# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes sandbox hosts reachable by ssh, from the network namespace that this process is in."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.sandbox.hosts import SandboxHost

USER = "bench"
NETWORK = "192.0.2"

# passwd and shadow are links to the machine's own, see dev/sandbox-init. The shell is told: a directory of keys, the
# address of the host, and where sshd is (it wants to be called by its full name).
START_SSHD = f"""
set -eu
keys=$1 address=$2 sshd=$3
for file in passwd shadow; do cp --remove-destination "/run/sandbox-machine/etc/$file" "/etc/$file"; done
echo '{USER}:x:64000:65534::/run/{USER}:/bin/sh' >>/etc/passwd
echo '{USER}:*:::::::' >>/etc/shadow
rm -f /etc/sudoers
echo '{USER} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers
chmod 440 /etc/sudoers
mkdir -p /run/sshd
install -d -o {USER} /run/{USER}
install -m 600 "$keys/host" /run/sshd/host
install -m 644 "$keys/user.pub" /run/sshd/authorized_keys
ip address add "$address/24" dev eth0
ip link set eth0 up
"$sshd" -f /dev/null -h /run/sshd/host -o "ListenAddress $address" -o 'AuthorizedKeysFile /run/sshd/authorized_keys' \
    -o 'PasswordAuthentication no' -o 'Subsystem sftp internal-sftp' -o 'PidFile none'
"""


def connect(hosts: list[SandboxHost], directory: Path) -> dict[str, dict[str, Any]]:
    """Joins hosts by a bridge and starts sshd on them; the inventory variables of each. Needs root."""
    keys = directory / "keys"
    keys.mkdir()
    for name in ("host", "user"):
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(keys / name))
    host_key = (keys / "host.pub").read_text(encoding="ascii")
    (keys / "known_hosts").write_text(f"{NETWORK}.* {host_key}", encoding="ascii")
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "link", "add", "bridge", "type", "bridge")
    _run("ip", "address", "add", f"{NETWORK}.254/24", "dev", "bridge")
    _run("ip", "link", "set", "bridge", "up")
    return {host.name: _connect(host, number, keys) for number, host in enumerate(hosts, 1)}


def _connect(host: SandboxHost, number: int, keys: Path) -> dict[str, Any]:
    port, address = f"port{number}", f"{NETWORK}.{number}"
    _run("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", str(host.pid))
    _run("ip", "link", "set", port, "master", "bridge", "up")
    host.run("/bin/sh", "-c", START_SSHD, "sh", str(keys), address, str(shutil.which("sshd")))
    return {
        "ansible_host": address,
        "ansible_user": USER,
        "ansible_ssh_private_key_file": str(keys / "user"),
        # Nothing of the user's own ssh configuration counts here.
        "ansible_ssh_common_args": f"-F none -o UserKnownHostsFile={keys / 'known_hosts'}",
    }


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
