# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that run the command in their arguments, as data, and how that is found. Pure."""

from __future__ import annotations

import re

from .._texts._traced import Traced, joined

#: Options that take the next word, and how many words stand before the command.
WRAPPERS: dict[str, tuple[tuple[str, ...], int]] = {
    "sudo": (("-u", "-g", "-h", "-p", "-C", "-r", "-t", "-T", "-U", "-D", "-R", "--user", "--group"), 0),
    "doas": (("-u", "-C"), 0),
    "env": (("-u", "-C", "--unset", "--chdir"), 0),
    "nice": (("-n", "--adjustment"), 0),
    "ionice": (("-c", "-n", "-p"), 0),
    "chrt": ((), 1),
    "taskset": ((), 1),
    "timeout": (("-s", "-k", "--signal", "--kill-after"), 1),
    "chroot": ((), 1),
    "nsenter": (("-t", "--target", "-S", "-G"), 0),
    "unshare": (("-S", "-G"), 0),
    "setsid": ((), 0),
    "nohup": ((), 0),
    "stdbuf": (("-i", "-o", "-e"), 0),
    "command": ((), 0),
    "builtin": ((), 0),
    "time": (("-f", "-o"), 0),
    "busybox": ((), 0),
    "toybox": ((), 0),
    "exec": (("-a",), 0),
    "xargs": (("-n", "-I", "-P", "-d", "-L", "-s", "-a", "-E"), 0),
    "flock": (("-w", "-E"), 1),
    "watch": (("-n",), 0),
    "chronic": ((), 0),
    "systemd-run": (("-p", "--property", "-u", "--unit", "-M", "-H", "-E"), 0),
    "systemd-inhibit": ((), 0),
    "runuser": (("-u", "-g", "-s"), 0),
    "su": (("-s", "-g", "-G"), 1),
    "arch-chroot": ((), 1),
    "parallel": (("-j",), 0),
    "docker": ((), 0),
    "podman": ((), 0),
    "nerdctl": ((), 0),
    "kubectl": ((), 0),
    "lxc": ((), 0),
    "lxc-attach": (("-n", "--name"), 0),
    "ip": ((), 0),
}

#: They carry commands to other hosts, as one text.
ON_OTHER_HOSTS = (
    "ssh", "sshpass", "pssh", "parallel-ssh", "pdsh", "clush", "gpssh", "dsh", "salt", "salt-call", "ansible",
    "vagrant", "gcloud", "aws", "autossh", "mosh", "rsh", "virt-customize", "adb",
)  # fmt: skip

#: Words behind which another command begins: those of the commands that do a great many other things.
_BEGINS = {
    "ip": re.compile(r"netns exec \S+ "),
    "docker": re.compile(r"(?:compose )?(?:exec|run)(?: -\S+)* \S+ "),
    "kubectl": re.compile(r".*? -- "),
    "lxc": re.compile(r"exec \S+ (?:-- )?"),
    "lxc-attach": re.compile(r".*?-- "),
}
_BEGINS["podman"] = _BEGINS["nerdctl"] = _BEGINS["docker"]
_ASSIGNED = re.compile(r"[A-Za-z_]\w*=")
_TEXT_OPTIONS = {"su": ("-c", "--command"), "runuser": ("-c", "--command"), "flock": ("-c",), "env": ("-S",)}


def inner_command(name: str, arguments: list[Traced]) -> tuple[list[Traced], Traced | None]:
    """The words of the command that is run, or its text where it is one argument."""
    if name in _BEGINS:
        return _behind_words(name, arguments), None
    for number, word in enumerate(arguments[:-1]):
        if word.text in _TEXT_OPTIONS.get(name, ()):
            return [], arguments[number + 1]
    takes_next, operands = WRAPPERS.get(name, ((), 0))
    left = list(arguments)
    while left:
        if left[0].text in takes_next:
            left = left[2:]
        elif left[0].text == "--":
            left = left[1:]
            break
        elif (left[0].text.startswith("-") and len(left[0].text) > 1) or _ASSIGNED.match(left[0].text):
            left = left[1:]
        else:
            break
    left = left[operands:]
    is_text = name in ("watch", "parallel") and len(left) == 1
    return ([], joined(left)) if is_text else (left, None)


def _behind_words(name: str, arguments: list[Traced]) -> list[Traced]:
    # As one line, with as many blanks as there are words, to know how many words the beginning has.
    line = "".join(re.sub(r"\s", "_", word.text) + " " for word in arguments)
    found = _BEGINS[name].match(line)
    return arguments[found.group().count(" ") :] if found else []
