# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest does, in order: the collection's own probes, and the trials of guest.py between them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._knobs import KNOBS
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import Probe, probe_script

from tests.kernels.guest import NOT_LOOPBACK
from tests.kernels.initramfs import Archive
from tests.system.sockets import connect, listen

HERE = Path(__file__).parent
ENGINE = HERE.parent.parent / "plugins" / "plugin_utils"

#: What makes one of those who can count do it: the others know nothing then.
COUNTERS = {
    "sock_diag": "by_ss() { return 1; }; by_proc() { return 1; }\n",
    "ss": "by_python() { return 1; }; by_proc() { return 1; }\n",
    "proc": "by_python() { return 1; }; by_ss() { return 1; }\n",
}
#: IPv4 alone: IPv6 is a module in some kernels. How many are what is in checks.py.
SOCKETS = (
    listen("127.0.0.1", 80),
    connect("127.0.0.1", 80, 3, closes="server"),
    listen("127.0.0.2", 3306),
    connect("127.0.0.2", 3306, 4),
    connect("127.0.0.2", 3306, 2, closes="half"),
)

#: The remedies of the findings, word for word.
RECYCLE_OFF, REUSE_ONE = "sysctl -w net.ipv4.tcp_tw_recycle=0", "sysctl -w net.ipv4.tcp_tw_reuse=1"

#: The modules of Python that run in a guest.
PYTHON_MODULES = (
    "__future__", "_collections", "_socket", "contextlib", "encodings.ascii", "errno", "itertools", "json", "os",
    "pathlib", "socket", "struct", "subprocess", "sys", "time", "typing",
)  # fmt: skip

INIT = """\
#!/bin/sh
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs run /run
for module in /modules/*.ko; do
  if [ -f "$module" ]; then insmod "$module"; fi
done
ip link set lo up
ip address add {address}/32 dev lo
# A kernel may have one serial port only.
out=/dev/ttyS1
echo "{mark} A" >"$out" || out=/dev/ttyS0
echo "{mark} A" >"$out"
answer() {{
  name=$1
  shift
  "$@" </dev/null >/run/answer
  status=$?
  {{ echo; echo "{mark} B $name $status"; base64 /run/answer; echo "{mark} E"; }} >"$out"
}}
sockets() {{
  mkfifo /run/hold /run/said
  python3 -B /guest/sockets.py "$(cat /guest/plan)" </run/hold >/run/said &
  exec 3>/run/hold
  read -r word </run/said
  [ "$word" = ready ]
}}
release() {{
  exec 3>&-
  wait
}}
{steps}
echo "{mark} Z" >"$out"
reboot -f
"""

#: Name and command. Where there is no tcp_tw_recycle, what is tried with it is not done.
STEPS = """\
answer before sh /guest/probe
answer sockets sockets
answer facts sh /guest/facts
answer census_sock_diag sh /guest/census_sock_diag
answer census_ss sh /guest/census_ss
answer census_proc sh /guest/census_proc
answer offset python3 -B /guest/guest.py offset
release
answer child unshare -n sh /guest/probe
answer clock python3 -B /guest/guest.py clock
answer shared_address python3 -B /guest/guest.py shared_address
reuse=$(cat /proc/sys/net/ipv4/tcp_tw_reuse)
answer reuse python3 -B /guest/guest.py reuse
answer reuse_two sh /guest/probe
answer reuse_remedy {reuse_one}
answer reuse_one sh /guest/probe
echo "$reuse" >/proc/sys/net/ipv4/tcp_tw_reuse
if [ -e /proc/sys/net/ipv4/tcp_tw_recycle ]; then
  echo 1 >/proc/sys/net/ipv4/tcp_tw_recycle
  answer shared_address_recycle python3 -B /guest/guest.py shared_address
  answer recycle sh /guest/probe
  answer recycle_remedy {recycle_off}
  answer shared_address_remedied python3 -B /guest/guest.py shared_address
  answer remedied sh /guest/probe
fi"""


@dataclass(frozen=True)
class Script:
    """What a guest runs: its files, and the words by which its answers are known."""

    mark: str = field(default_factory=lambda: secrets.token_hex(8))
    nonce: str = field(default_factory=lambda: secrets.token_hex(16))

    def files(self) -> Mapping[str, str]:
        """By path."""
        looking = Probe(try_to_write=tuple(KNOBS), evidence=True, nonce=self.nonce)
        counting = Probe(evidence=True, defaults=True, sockets=True, nonce=self.nonce)
        steps = STEPS.format(reuse_one=REUSE_ONE, recycle_off=RECYCLE_OFF)
        return {
            "init": INIT.format(mark=self.mark, address=NOT_LOOPBACK, steps=steps),
            "guest/probe": probe_script(looking),
            "guest/facts": probe_script(counting),
            **{f"guest/census_{name}": with_counter(probe_script(counting), name) for name in COUNTERS},
            "guest/plan": json.dumps(SOCKETS),
            "guest/guest.py": (HERE / "guest.py").read_text(encoding="utf-8"),
            "guest/sockets.py": (HERE.parent / "system" / "sockets.py").read_text(encoding="utf-8"),
            "guest/census.py": (ENGINE / "_census_host.py").read_text(encoding="utf-8"),
        }

    def add_to(self, archive: Archive) -> None:
        for path, text in self.files().items():
            archive.add(path, text.encode())


def with_counter(script: str, name: str) -> str:
    """The script of a probe, with one only who counts the sockets."""
    if script.count("probe_main() {") != 1:
        raise ValueError("the script of a probe has no main function, or two")
    return script.replace("probe_main() {", f"{COUNTERS[name]}probe_main() {{")
