# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connection to a host that dev/sandbox made on this machine."""

from __future__ import annotations

DOCUMENTATION = """
name: sandbox
short_description: Run commands on a throwaway host made by dev/sandbox
description:
  - The P(ansible.builtin.local#connection) plugin, each command of which enters the namespaces of another process.
  - Files are transferred as P(ansible.builtin.local#connection) does. Only C(/etc), C(/run) and C(/usr/local/lib)
    differ between the machine and the sandbox, so that suits temporary directories.
author: the linux_tcp.tuning authors
version_added: 0.1.0
extends_documentation_fragment:
  - connection_pipelining
options:
  pid:
    description: Process whose namespaces are entered.
    type: int
    required: true
    vars:
      - name: sandbox_pid
  log:
    description: File that gets one line for each command run, so that tests can count round trips.
    type: path
    required: true
    vars:
      - name: sandbox_log
  legacy:
    description: Whether C(uname) shows an old kernel release.
    type: bool
    default: false
    vars:
      - name: sandbox_legacy
  become_success_timeout:
    description: See P(ansible.builtin.local#connection).
    type: int
    default: 10
  become_strip_preamble:
    description: See P(ansible.builtin.local#connection).
    type: bool
    default: true
"""

import os
import shlex
from pathlib import Path

from ansible.plugins.connection.local import Connection as LocalConnection


class Connection(LocalConnection):
    """Enters the namespaces of the sandbox for every command."""

    def _enter(self) -> list[str]:
        enter = ["nsenter", "--target", str(self.get_option("pid")), "--net", "--mount"]
        if os.geteuid() != 0:
            enter += ["--user", "--preserve-credentials"]
        if self.get_option("legacy"):
            enter = ["setarch", os.uname().machine, "--uname-2.6", *enter]
        return enter

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        # One write of one line: forks append to the same file.
        with Path(self.get_option("log")).open("a", encoding="utf-8", errors="surrogateescape") as log:
            log.write(repr(cmd) + "\n")
        wrapped = shlex.join([*self._enter(), "--", "/bin/sh", "-c", cmd])
        return super().exec_command(wrapped, in_data=in_data, sudoable=sudoable)
