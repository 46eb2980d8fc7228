# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms that are commands and scripts."""

from __future__ import annotations

from tests.lint.sinks import CONF, OLD_OFF, PROC, Sink, file_and, had, lines

_SCRIPT = [
    "#!/bin/sh",
    "# Network settings",
    "set -e",
    "sysctl -w net.core.somaxconn=1024",
    "sysctl -w {k=v}",
    "exit 0",
]

COMMANDS: dict[str, Sink] = {
    "shell-w": Sink(lines("shell: sysctl -w {k=v}")),
    "shell-quoted": Sink(lines("ansible.builtin.shell: \"sysctl -q -w '{k=v}'\"")),
    "shell-no-w": Sink(lines("shell: /sbin/sysctl {k=v} > /dev/null")),
    "shell-several": Sink(lines("shell: sysctl -w net.core.somaxconn=1024 {k=v} && sysctl -p || true")),
    "shell-cmd": Sink(lines("ansible.builtin.shell:", '  cmd: "sysctl -e -w {k=v}"', "  executable: /bin/bash")),
    "shell-args": Sink(lines("shell: sysctl -w {k=v}", "args:", "  chdir: /", "  executable: /bin/sh")),
    "shell-lines": Sink(
        lines(
            "shell: |",
            "  set -e",
            "  sysctl -w net.core.somaxconn=1024",
            "  # the value that matters",
            "  sysctl -w {k=v}",
        )
    ),
    "shell-folded": Sink(lines("shell: >", "  sysctl -w", "  net.core.somaxconn=1024", "  {k=v}")),
    "shell-continued": Sink(lines("shell: |", "  sysctl -w \\", "    net.core.somaxconn=1024 \\", "    {k=v}")),
    "shell-proc": Sink(lines(f"shell: echo {{v}} > {PROC}"), needs="fixed"),
    "shell-proc-if": Sink(
        lines("shell: |", f"  if [ -f {PROC} ]; then", f'    echo "{{v}}" >{PROC}', "  fi"), needs="fixed"
    ),
    "shell-proc-and": Sink(lines(f"shell: test -w {PROC} && echo {{v}} > {PROC}"), needs="fixed"),
    "shell-proc-tee": Sink(lines(f"shell: echo {{v}} | tee {PROC}"), needs="fixed"),
    "shell-proc-path": Sink(
        lines("shell: echo '{v}' > /proc/sys/{{ '{k}' | replace('.', '/') }}"), needs="literal-key"
    ),
    "shell-bash-c": Sink(lines(f"command: bash -c 'echo {{v}} > {PROC}'"), needs="fixed"),
    "shell-variable": Sink(lines("shell: |", "  want={v}", f'  echo "$want" > {PROC}'), needs="fixed"),
    "shell-key-variable": Sink(lines("shell: |", "  key={k}", '  sysctl -w "$key={v}"'), needs="no-whole"),
    "shell-for": Sink(
        lines(
            "shell: |", "  for knob in tcp_rfc1337 tcp_tw_recycle; do", '    sysctl -w "net.ipv4.$knob={v}"', "  done"
        ),
        needs="fixed",
    ),
    "shell-for-proc": Sink(
        lines("shell: |", "  for f in tcp_rfc1337 tcp_tw_recycle; do echo {v} > /proc/sys/net/ipv4/$f; done"),
        needs="fixed",
    ),
    "shell-append": Sink(lines('shell: echo "{k = v}" >> /etc/sysctl.conf')),
    "shell-append-both": Sink(
        lines("shell: |", '  grep -q {k} /etc/sysctl.conf || echo "{k=v}" >> /etc/sysctl.conf', "  sysctl -p"),
        needs="no-whole",
    ),
    "shell-echo-e": Sink(
        lines(
            "shell: \"echo -e 'net.core.somaxconn = 1024\\\\n{k = v}' >> /etc/sysctl.conf\"",
            "args:",
            "  executable: /bin/bash",
        )
    ),
    "shell-printf": Sink(lines(f"shell: printf '%s\\n' '{{k=v}}' >> {CONF}")),
    "shell-printf-format": Sink(lines(f"shell: printf '%s = %s\\n' {{k}} {{v}} >> {CONF}"), needs="no-whole"),
    "shell-tee": Sink(lines(f'shell: echo "{{k = v}}" | tee -a {CONF}')),
    "shell-heredoc": Sink(
        lines(
            "shell: |",
            f"  cat > {CONF} <<EOF",
            "  net.core.somaxconn = 1024",
            "  {k = v}",
            "  EOF",
            f"  sysctl -p {CONF}",
        ),
        needs="no-loop",
    ),
    "shell-heredoc-quoted": Sink(lines("shell: |", "  cat <<'END' >> /etc/sysctl.conf", "  {k=v}", "  END")),
    "shell-heredoc-tee": Sink(lines("shell: |", f"  tee -a {CONF} > /dev/null << EOT", "  {k = v}", "  EOT")),
    "shell-group": Sink(
        lines("shell: |", "  {", '    echo "net.core.somaxconn = 1024"', '    echo "{k = v}"', f"  }} >> {CONF}")
    ),
    "shell-stdin": Sink(lines("shell: echo '{k=v}' | sysctl -p -")),
    "shell-sed": Sink(
        had(OLD_OFF, "shell: sed -i 's/^net.ipv4.tcp_tw_recycle.*/net.ipv4.tcp_tw_recycle = {v}/' /etc/sysctl.conf"),
        needs="fixed",
    ),
    "shell-sed-bars": Sink(
        had(OLD_OFF, "shell: sed -i -e 's|tcp_tw_recycle = 0|tcp_tw_recycle = {v}|' /etc/sysctl.conf"), needs="fixed"
    ),
    "shell-sed-group": Sink(
        had(OLD_OFF, "shell: sed -r -i 's/^(net.ipv4.tcp_tw_recycle ?= ?).*/\\1{v}/' /etc/sysctl.conf"), needs="fixed"
    ),
    "shell-sed-append": Sink(had(OLD_OFF, "command: sed -i '$ a {k=v}' /etc/sysctl.conf")),
    "shell-sed-delete": Sink(
        had(OLD_OFF, "shell: |", "  sed -i '/tcp_tw_recycle/d' /etc/sysctl.conf", "  echo '{k=v}' >> /etc/sysctl.conf"),
        needs="no-loop",
    ),
    "shell-function": Sink(
        lines("shell: |", '  put() { sysctl -w "$1=$2"; }', "  put net.core.somaxconn 1024", "  put {k} {v}"),
        needs="no-whole",
    ),
    "command-w": Sink(lines("command: sysctl -w {k=v}")),
    "command-quoted": Sink(lines('ansible.builtin.command: "sysctl -w {k=v}"')),
    "command-argv": Sink(lines("ansible.builtin.command:", "  argv:", "    - sysctl", "    - -w", '    - "{k=v}"')),
    "command-argv-flow": Sink(lines("command:", '  argv: [/usr/sbin/sysctl, --write, "{k=v}"]')),
    "command-cmd": Sink(lines("command:", "  cmd: /sbin/sysctl -w {k=v}", "  chdir: /")),
    "command-action": Sink(lines("action: command sysctl -w {k=v}")),
    "command-local_action": Sink(lines("local_action: command sysctl -w {k=v}")),
    "command-whole": Sink(lines('command: "{k=v}"'), needs="commands"),
    "shell-whole": Sink(lines('shell: "{k=v} && true"'), needs="commands"),
    "command-creates": Sink(lines("command: sysctl -w {k=v} creates=/no/such/file")),
    "raw": Sink(lines("raw: sysctl -w {k=v}")),
    "raw-proc": Sink(lines(f"ansible.builtin.raw: echo {{v}} > {PROC}"), needs="fixed"),
    "script": Sink(file_and("files/tune.sh", _SCRIPT, "script: tune.sh"), needs="literal"),
    "script-arguments": Sink(
        file_and("files/bin/tune.sh", _SCRIPT, "ansible.builtin.script: bin/tune.sh --quiet"), needs="literal"
    ),
    "script-cmd": Sink(file_and("files/tune.sh", _SCRIPT, "script:", "  cmd: tune.sh"), needs="literal"),
    "copy-rc.local": Sink(
        file_and("files/rc.local", _SCRIPT, "copy: {src: rc.local, dest: /etc/rc.local, mode: '0755'}"), needs="literal"
    ),
    "copy-cron": Sink(
        file_and(
            "files/net.cron",
            ["# m h dom mon dow user", "@reboot root sysctl -w {k=v}"],
            "copy: src=net.cron dest=/etc/cron.d/net",
        ),
        needs="literal",
    ),
    "cron": Sink(
        lines(
            "cron:",
            "  name: set {k}",
            "  cron_file: net",
            "  user: root",
            "  special_time: reboot",
            '  job: "sysctl -w {k=v}"',
        )
    ),
    "rc.local-line": Sink(lines("lineinfile:", "  path: /etc/rc.local", "  create: yes", '  line: "sysctl -w {k=v}"')),
    "rc.local-block": Sink(
        lines("blockinfile:", "  path: /etc/rc.local", "  create: yes", "  block: |", f"    echo {{v}} > {PROC}"),
        needs="fixed",
    ),
    "grub-line": Sink(
        lines(
            "lineinfile:",
            "  path: /etc/default/grub",
            "  create: yes",
            "  regexp: '^GRUB_CMDLINE_LINUX='",
            "  line: \"GRUB_CMDLINE_LINUX='quiet sysctl.{k=v}'\"",
        ),
        needs="fixed",
    ),
}
