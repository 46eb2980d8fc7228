# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._texts._deployed import settings_in_file

K = "net.ipv4.tcp_tw_recycle"
LINE = f"{K} = 1\n"
COMMAND = f"sysctl -w {K}=1\n"


def sets(destination: str | None, text: str) -> str:
    found = settings_in_file(destination, text)
    return ", ".join(
        f"{text.count(chr(10), 0, each.offset) + 1} {each.name.removeprefix('tcp_')} {each.value}" for each in found
    )


#: Where to, what, and what that sets in which line.
FILES = {
    "sysctl.conf": ("/etc/sysctl.conf", f"# x\n{LINE}", "2 tw_recycle 1"),
    "a drop-in": ("/etc/sysctl.d/90-x.conf", LINE, "1 tw_recycle 1"),
    "a vendor's drop-in": ("/usr/lib/sysctl.d/x.conf", LINE, "1 tw_recycle 1"),
    "a drop-in without .conf": ("/etc/sysctl.d/x", LINE, "1 tw_recycle 1"),
    "a command in sysctl.conf": ("/etc/sysctl.conf", COMMAND, ""),
    "ufw's": ("/etc/ufw/sysctl.conf", "net/ipv4/tcp_tw_recycle=1\n", "1 tw_recycle 1"),
    "a temporary file": ("/tmp/x.conf", LINE, "1 tw_recycle 1"),
    "nobody knows where": (None, LINE, "1 tw_recycle 1"),
    "a knob": ("/proc/sys/net/ipv4/tcp_tw_recycle", "1\n", "1 tw_recycle 1"),
    "documentation": ("/srv/README.md", LINE, ""),
    "a note": ("/root/notes.txt", LINE, ""),
    "a kernel command line of a small board": ("/boot/cmdline.txt", f"quiet sysctl.{K}=1", "1 tw_recycle 1"),
    "a page": ("/var/www/index.html", f"<pre>\n{LINE}</pre>", ""),
    "a source": ("/usr/src/x.c", f"/*\n{LINE}*/\n", ""),
    "a script by its first line": ("/usr/local/bin/tune", f"#!/bin/sh\n{COMMAND}", "2 tw_recycle 1"),
    "a script by env": (None, f"#!/usr/bin/env bash\n{COMMAND}", "2 tw_recycle 1"),
    "a script by its name": ("/opt/tune.sh", COMMAND, "1 tw_recycle 1"),
    "a script that prints": ("/opt/tune.sh", f"cat <<EOF\n{LINE}EOF\n", ""),
    "a script that nobody knows": (None, f"set -e\n{COMMAND}", "2 tw_recycle 1"),
    "rc.local": ("/etc/rc.local", f"echo 1 > /proc/sys/net/ipv4/tcp_tw_recycle\nexit 0\n{COMMAND}", "1 tw_recycle 1"),
    "an init script": ("/etc/init.d/tune", f'case "$1" in\nstart)\n  {COMMAND};;\nesac\n', "3 tw_recycle 1"),
    "OpenRC": ("/etc/local.d/tune.start", COMMAND, "1 tw_recycle 1"),
    "a tuned profile": ("/etc/tuned/x/tuned.conf", f"[main]\n{LINE}[sysctl]\n{K}=1\n[sysfs]\n{LINE}", "4 tw_recycle 1"),
    "quotes in a tuned profile": ("/etc/tuned/x/tuned.conf", f'[sysctl]\n{K} = "1" # x\n', "2 tw_recycle 1"),
    "a tuned profile without a name": (None, f"[main]\n[sysctl]\n{LINE}", "3 tw_recycle 1"),
    "a unit": ("/etc/systemd/system/x.service", f"[Service]\nExecStart=/sbin/{COMMAND}", "2 tw_recycle 1"),
    "a unit with prefixes": (
        "/etc/systemd/system/x.service",
        f"[Service]\nExecStartPre=-/sbin/{COMMAND}",
        "2 tw_recycle 1",
    ),
    "a unit with a shell": (
        "/etc/systemd/system/x.service.d/y.conf",
        "[Service]\nExecStartPost=+/bin/sh -c 'echo 1 > \\\n  /proc/sys/net/ipv4/tcp_tw_recycle'\n",
        "2 tw_recycle 1",
    ),
    "a unit that is commented out": ("/etc/systemd/system/x.service", f"[Service]\n#ExecStart=/sbin/{COMMAND}", ""),
    "a unit's description": (
        "/etc/systemd/system/x.service",
        f"[Unit]\nDescription={COMMAND}[Service]\nExecStart=/x",
        "",
    ),
    "a unit without a name": (None, f"[Unit]\n[Service]\nExecStart=/sbin/{COMMAND}", "3 tw_recycle 1"),
    "cron.d": ("/etc/cron.d/x", f"MAILTO=x\n*/5 * * * * root /sbin/{COMMAND}", "2 tw_recycle 1"),
    "cron.d, at boot": ("/etc/cron.d/x", f"@reboot root {COMMAND}", "1 tw_recycle 1"),
    "cron.d, a redirection": (
        "/etc/cron.d/x",
        "*/5 * * * * root echo 1 > /proc/sys/net/ipv4/tcp_tw_recycle\n",
        "1 tw_recycle 1",
    ),
    "a crontab": ("/var/spool/cron/crontabs/root", f"@reboot /sbin/{COMMAND}", "1 tw_recycle 1"),
    "a comment in a crontab": ("/etc/crontab", f"# * * * * * root {COMMAND}", ""),
    "cron.daily": ("/etc/cron.daily/x", COMMAND, "1 tw_recycle 1"),
    "interfaces": ("/etc/network/interfaces", f"iface eth0 inet dhcp\n  post-up {COMMAND}", "2 tw_recycle 1"),
    "if-up.d": ("/etc/network/if-up.d/x", COMMAND, "1 tw_recycle 1"),
    "udev": ("/etc/udev/rules.d/x.rules", f'ACTION=="add", RUN+="/sbin/{COMMAND.strip()}"\n', "1 tw_recycle 1"),
    "grub": ("/etc/default/grub", f'# sysctl.{K}=1\nGRUB_CMDLINE_LINUX="quiet sysctl.{K}=1"\n', "2 tw_recycle 1"),
    "a kernel command line": ("/etc/kernel/cmdline", f"quiet sysctl.{K}=1", "1 tw_recycle 1"),
    "lxc": ("/var/lib/lxc/x/config", f"lxc.net.0.type = veth\nlxc.sysctl.{K} = 1\n", "2 tw_recycle 1"),
    "cloud-init": (
        "/var/lib/cloud/seed/user-data",
        (
            f"#cloud-config\nruncmd:\n  - {COMMAND}  - [sysctl, -w, net.ipv4.tcp_tw_reuse=0]\n"
            f"write_files:\n  - path: /etc/sysctl.d/x.conf\n    content: |\n      # x\n      {LINE}"
        ),
        "3 tw_recycle 1, 4 tw_reuse 0, 9 tw_recycle 1",
    ),
    "documentation of cloud-init": (
        None,
        f"#cloud-config\nwrite_files:\n  - path: /root/README.md\n    content: |\n      {LINE}",
        "",
    ),
    "user data of parts": (
        None,
        (
            'Content-Type: multipart/mixed; boundary="//"\nMIME-Version: 1.0\n\n'
            "--//\nContent-Type: text/x-shellscript\n\n"
            f"#!/bin/bash\n{COMMAND}\n--//--\n"
        ),
        "8 tw_recycle 1",
    ),
    "compose, a map": ("/srv/docker-compose.yml", f"services:\n  x:\n    sysctls:\n      {K}: 1\n", "4 tw_recycle 1"),
    "compose, a list": ("/srv/compose.yaml", f"services:\n  x:\n    sysctls:\n      - {K}=1\n", "4 tw_recycle 1"),
    "compose, a command": (
        "/srv/compose.yaml",
        f'services:\n  x:\n    command: sh -c "{COMMAND.strip()}"\n',
        "3 tw_recycle 1",
    ),
    "a pod": (
        "/srv/pod.yml",
        f'apiVersion: v1\nspec:\n  securityContext:\n    sysctls:\n    - name: {K}\n      value: "1"\n',
        "6 tw_recycle 1",
    ),
    "a container of a pod": (
        None,
        (
            f"apiVersion: v1\nspec:\n  initContainers:\n  - command:\n    - sh\n    - -c\n    - |\n      {COMMAND}"
            "      echo 0 > /proc/sys/net/ipv4/tcp_tw_reuse\n"
        ),
        "8 tw_recycle 1, 9 tw_reuse 0",
    ),
    "arguments of a container": (
        None,
        f"apiVersion: v1\nspec:\n  containers:\n  - args: ['-c', '{COMMAND.strip()}']\n    command: [sh]\n",
        "4 tw_recycle 1",
    ),
    "a config map": (
        None,
        f"apiVersion: v1\nkind: ConfigMap\ndata:\n  x.conf: |\n    {LINE}    a.b = 1\n",
        "5 tw_recycle 1",
    ),
    "a manifest of many": (None, f"apiVersion: v1\n---\napiVersion: v1\nsysctls: [{K}=1]\n", "4 tw_recycle 1"),
    "variables of a playbook": ("/srv/x.yml", f"sysctl_settings:\n  {K}: 1\n", ""),
    "Python": (
        "/opt/x.py",
        (
            f"#!/usr/bin/env python\n# os.system('{COMMAND.strip()}')\nos.system('{COMMAND.strip()}')\n"
            f"subprocess.check_call(['sysctl', '-w', '{K}=0'])\n"
            "with open('/proc/sys/net/ipv4/tcp_tw_reuse', 'w') as f:\n    f.write('1\\n')\n"
            f"print('{COMMAND.strip()}')\n"
        ),
        "3 tw_recycle 1, 4 tw_recycle 0, 6 tw_reuse 1",
    ),
    "Python that reads": (None, "#!/usr/bin/python3\nx = open('/proc/sys/net/ipv4/tcp_tw_recycle').read()\n", ""),
    "Perl": ("/opt/x.pl", f'system("sysctl -w {K}=1");\n', "1 tw_recycle 1"),
    "something else": ("/etc/nginx/nginx.conf", "# tcp_tw_recycle = 1\nworker_processes 1;\n", ""),
    "a program of another kind": (None, f"#!/usr/bin/env node\nx('{COMMAND.strip()}')\n", ""),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_sets_what_its_reader_makes_of_it(name: str) -> None:
    destination, text, expected = FILES[name]
    assert sets(destination, text) == expected
