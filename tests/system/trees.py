# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trees of sysctl files that lie in wait for a loader; what a loader made of one, and what the engine foresaw."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._knobs import KNOBS
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._loaders import Loader
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._script import Probe, probe_script, sections_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._snapshot import Snapshot, snapshot_of
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._sysctld import decide
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._values import Value, kernel_value

from tests.sandbox.hosts import SandboxHost

A, B = "/etc/sysctl.d/a.conf", "/etc/sysctl.d/b.conf"
ON, OFF = "net.ipv4.tcp_tw_reuse = 1", "net.ipv4.tcp_tw_reuse = 0"
TO_CONF = "-> ../sysctl.conf"

#: Files by path; "-> target" makes a link, None a directory.
Tree = Mapping[str, str | None]

TREES: dict[str, Tree] = {
    "nothing": {},
    "a later file": {A: ON, B: OFF},
    "a later file in a lower directory": {A: ON, "/usr/lib/sysctl.d/b.conf": OFF},
    "the same name in /etc and /run": {A: ON, "/run/sysctl.d/a.conf": OFF},
    "the same name in /run and /usr/local/lib": {"/run/sysctl.d/a.conf": ON, "/usr/local/lib/sysctl.d/a.conf": OFF},
    "the same name in /usr/local/lib and /usr/lib": {
        "/usr/local/lib/sysctl.d/a.conf": ON,
        "/usr/lib/sysctl.d/a.conf": OFF,
    },
    "names by their bytes": {
        "/etc/sysctl.d/99-a.conf": ON,
        "/etc/sysctl.d/99_a.conf": OFF,
        "/etc/sysctl.d/99.conf": ON,
    },
    "capitals come first": {"/etc/sysctl.d/B.conf": ON, A: OFF},
    "/etc/sysctl.conf": {"/etc/sysctl.conf": ON, "/etc/sysctl.d/zz.conf": OFF},
    "a link to /etc/sysctl.conf": {
        "/etc/sysctl.conf": ON,
        "/etc/sysctl.d/98.conf": OFF,
        "/etc/sysctl.d/99-sysctl.conf": TO_CONF,
    },
    "masked by a link to /dev/null": {"/usr/lib/sysctl.d/a.conf": ON, A: "-> /dev/null"},
    "masked by an empty file": {"/usr/lib/sysctl.d/a.conf": ON, A: ""},
    # A directory is opened like a file and hides one of its name; it was taken for not being there at all.
    "masked by a directory": {"/usr/lib/sysctl.d/a.conf": ON, A: None},
    "masked by a dangling link": {"/usr/lib/sysctl.d/a.conf": ON, A: "-> /nowhere"},
    "a hidden file": {"/etc/sysctl.d/.a.conf": ON},
    # The probe's globs left out the very name ".conf", which procps reads.
    "a file that is an extension only": {"/etc/sysctl.d/.conf": ON},
    "another extension": {"/etc/sysctl.d/a.conf~": ON, "/etc/sysctl.d/a": ON},
    "a key with slashes": {A: "net/ipv4/tcp_tw_reuse = 1"},
    "a key with a slash in front": {A: "/net/ipv4/tcp_tw_reuse = 1"},
    "a key with a dot in front": {A: ".net.ipv4.tcp_tw_reuse = 1"},
    "a key with dots, then a slash": {A: "net.ipv4/tcp_tw_reuse = 1"},
    "a key with a slash, then a dot": {A: "net/ipv4.tcp_tw_reuse = 1"},
    "a key with separators doubled": {A: "net//ipv4/./tcp_tw_reuse = 1"},
    # systemd tidies a key, procps asks the kernel for what is written.
    "a key with a slash behind": {A: "net/ipv4/tcp_tw_reuse/ = 1"},
    "a key with ..": {A: "net/ipv4/../ipv4/tcp_tw_reuse = 1"},
    "a whole path": {A: "/proc/sys/net/ipv4/tcp_tw_reuse = 1"},
    "-key": {A: f"-{ON}"},
    # procps takes what follows the dash as it is; systemd strips a space there.
    "- key": {A: f"- {ON}"},
    # procps drops a second dash, and no third.
    "--key": {A: f"--{ON}"},
    "---key": {A: f"---{ON}"},
    "a glob": {A: "net.ipv4.tcp_tw_reus* = 1"},
    "a glob in a directory": {A: "net.*.tcp_tw_reuse = 1"},
    "a glob that would have to match a slash": {A: "net.*tcp_tw_reuse = 1"},
    # The shell of the probe does not tidy patterns, nor know "^", nor braces.
    "a glob with separators doubled": {A: "net//ipv4/tcp_tw_reus* = 1"},
    "a glob with [^]": {A: "net.ipv4.tcp_tw_reus[^x] = 1"},
    "a glob with [!]": {A: "net.ipv4.tcp_tw_reus[!x] = 1"},
    "a glob with a character class": {A: "net.ipv4.tcp_tw_reus[[:alpha:]] = 1"},
    "a glob with # in it": {A: "net.ipv4.tcp_tw_reus[#e] = 1"},
    "a glob with ; in it": {A: "net.ipv4.tcp_tw_reus[;e] = 1"},
    "a glob with a backslash": {A: "net.ipv4.tcp_tw_re\\us* = 1"},
    "a glob with braces": {A: "net.ipv4.tcp_{x,tw_{reus?,y}} = 1"},
    "braces and no glob": {A: "net.ipv4.tcp_tw_{reuse,x} = 1"},
    "a bracket without its end": {A: "net.ipv4.tcp_tw_reus[e = 1"},
    "a key beats a later glob": {A: OFF, B: "net.ipv4.tcp_tw_reus* = 1"},
    "-key keeps it out of globs": {A: "net.ipv4.tcp_tw_reus* = 1", B: "-net.ipv4.tcp_tw_reuse"},
    "- key keeps it out of globs": {A: "net.ipv4.tcp_tw_reus* = 1", B: "- net.ipv4.tcp_tw_reuse"},
    "--key keeps it out of globs": {A: "net.ipv4.tcp_tw_reus* = 1", B: "--net.ipv4.tcp_tw_reuse"},
    "-key after an assignment": {A: ON, B: "-net.ipv4.tcp_tw_reuse"},
    "-key before an assignment": {A: "-net.ipv4.tcp_tw_reuse", B: ON},
    # systemd collects settings by key or glob: a repeated one keeps its place, a changed one moves to the end.
    "-glob cancels that glob": {A: "net.ipv4.tcp_tw_reu* = 1\n-net.ipv4.tcp_tw_reu*"},
    "-glob and another glob": {A: "net.ipv4.tcp_tw_reu* = 1\n-net.ipv4.tcp_tw_*se"},
    "a glob repeated": {A: "net.ipv4.tcp_tw_reu*=1\nnet.ipv4.tcp_tw_re*se=0\nnet.ipv4.tcp_tw_reu*=1"},
    "a glob changed": {A: "net.ipv4.tcp_tw_reu*=2\nnet.ipv4.tcp_tw_re*se=0\nnet.ipv4.tcp_tw_reu*=1"},
    # procps compares keys as they are spelt.
    "a key spelt otherwise and a glob": {A: "net//ipv4/tcp_tw_reuse = 1\nnet.ipv4.tcp_tw_reu* = 0"},
    "-key spelt otherwise and a glob": {A: "-/net/ipv4/tcp_tw_reuse\nnet.ipv4.tcp_tw_reu* = 0"},
    "white space": {A: f"\t{ON}\t\r\n"},
    # procps knows two more characters of white space.
    "form feed and vertical tab": {A: "\fnet.ipv4.tcp_tw_reuse\v=\v1"},
    "comments": {A: f"# {ON}\n  ; {ON}\n;{ON}"},
    "no equals sign": {A: "net.ipv4.tcp_tw_reuse 1"},
    "no newline at the end": {A: ON},
    "a byte order mark": {A: f"\ufeff{ON}"},
    "a line that goes on": {A: "net.ipv4.tcp_tw_reuse = \\\n1"},
    # A C string ends there; what follows was taken for a part of the value.
    "a NUL behind the value": {A: f"{ON}\0junk"},
    "names without .conf": {"/etc/sysctl.d/README": ON, "/etc/sysctl.d/b": OFF},
    "names that Red Hat passes over": {A: ON, "/etc/sysctl.d/b.rpmsave": OFF, "/etc/sysctl.d/c.conf~": OFF},
    "/etc/sysctl.conf and a lower directory": {"/etc/sysctl.conf": ON, "/usr/lib/sysctl.d/zz.conf": OFF},
    "/etc/sysctl.conf and /run": {"/etc/sysctl.conf": ON, "/run/sysctl.d/a.conf": OFF},
    "later names in higher directories": {"/usr/lib/sysctl.d/b.conf": OFF, "/run/sysctl.d/a.conf": ON},
    "one name everywhere": {
        "/etc/sysctl.d/a.conf": ON,
        "/run/sysctl.d/a.conf": OFF,
        "/usr/local/lib/sysctl.d/a.conf": "net.ipv4.tcp_timestamps = 0",
        "/usr/lib/sysctl.d/a.conf": "net.ipv4.tcp_rfc1337 = 1",
    },
    "masked in /run by an empty file": {A: ON, "/run/sysctl.d/a.conf": ""},
    "a value that is refused and another": {A: f"net.ipv4.tcp_tw_reuse = 77\n{ON}"},
    "another key's value that is refused": {A: f"net.ipv4.tcp_timestamps = x\n{ON}", B: "net.ipv4.tcp_rfc1337 = 1"},
    "a key that no kernel has": {A: f"net.ipv4.tcp_no_such_tcp_tw_reuse = x\n{ON}"},
    "a note behind a value": {A: f"{ON} # note"},
    "a note at a value": {A: f"{ON}# note"},
    "two equals signs": {A: "net.ipv4.tcp_tw_reuse == 1"},
    "no value": {A: f"{ON}\nnet.ipv4.tcp_tw_reuse ="},
    "a refused value behind another": {A: ON, B: "net.ipv4.tcp_tw_reuse = x"},
    "a refused value in the same file": {A: f"{ON}\nnet.ipv4.tcp_tw_reuse = x"},
    "a range": {A: "net.ipv4.ip_local_port_range = 15000\t60000 "},
    # systemd takes a carriage return and a NUL for the end of a line; what follows was not seen at all.
    "a carriage return ends a line": {A: f"# x\r{ON}"},
    "a NUL ends a line": {A: f"# x\0{ON}"},
    "two settings with a carriage return between": {A: f"{OFF}\r{ON}"},
    "a bare -key behind a carriage return": {A: "net.ipv4.tcp_tw_reus* = 1\n# x\r-net.ipv4.tcp_tw_reuse"},
    # To procps it is a part of the value. That was taken for its end.
    "a carriage return in a value": {A: "net.ipv4.tcp_tw_reuse = 1\r0"},
    "a value behind a carriage return": {A: "net.ipv4.tcp_tw_reuse =\r1"},
    "a carriage return in a key": {A: "net.ipv4.tcp_tw_reuse\r= 1"},
    # Python knows more kinds of white space than a kernel.
    "white space of Unicode": {A: "net.ipv4.tcp_tw_reuse = 1\x85", B: "net.ipv4.tcp_rfc1337 =\u30001"},
    # The backslash was taken for a member of the set.
    "a backslash within brackets": {A: "net.ipv4.tcp_tw_reus[\\e] = 1"},
    # procps compares what a glob finds, as the glob spells it, with keys as they are spelt.
    "a glob spelt otherwise than a key": {A: f"{OFF}\nnet/./ipv4/tcp_tw_reus* = 1"},
    "a glob with ..": {A: "net/core/../ipv4/tcp_tw_reus* = 1"},
    # Neither may be a slash behind a file, in whatever guise.
    "a key with /. behind": {A: "net/ipv4/tcp_tw_reuse/. = 1"},
    "a key longer than a path may be": {A: f"net{'/' * 5000}ipv4/tcp_tw_reuse = 1"},
    # It masks, but not since systemd 258.
    "a link that leads to itself": {A: "-> a.conf", "/usr/lib/sysctl.d/a.conf": ON},
    # procps takes the path of a file for a pattern, and reads what it leads to.
    "a file named like a pattern for others": {
        "/etc/sysctl.d/[ab].conf": OFF,
        A: ON,
        "/etc/sysctl.d/9.conf": "net.ipv4.tcp_rfc1337 = 1",
        "/etc/sysctl.d/zz?.conf": "net.ipv4.tcp_timestamps = 0",
    },
    "a file named like a pattern for a hidden one": {"/etc/sysctl.d/\\.conf": ON, "/etc/sysctl.d/.conf": ""},
    "a file named like a pattern with braces": {"/usr/lib/sysctl.d/{a,b}.conf": ON, "/usr/lib/sysctl.d/b.conf": ""},
    # Such a glob hands back a key with ".." in it, which an explicit key with ".." keeps away.
    "a key and a glob with ..": {A: "net/ipv4/../ipv4/tcp_tw_reuse = 0\nnet/ipv4/../ipv4/tcp_tw_reus* = 1"},
    # procps 4.0.5 keeps what it matches out of every glob.
    "-glob and a glob for the same": {A: "-net.ipv4.tcp_tw_*se\nnet.ipv4.tcp_tw_reu* = 1"},
}


def defaults_of(host: SandboxHost) -> dict[str, str]:
    """The kernel's own values, on a fresh host."""
    return {name: host.sysctl(name) for name in KNOBS if host.exists(f"/proc/sys/{KNOBS[name].path}")}


def clean(host: SandboxHost) -> None:
    """Takes all sysctl files away."""
    empty = "rm -rf $d/sysctl.d && mkdir $d/sysctl.d || exit"
    host.sh(f"for d in /etc /run /usr/local/lib; do {empty}; done; rm -f /usr/lib/sysctl.d/*; : >/etc/sysctl.conf")


def reset(host: SandboxHost, defaults: Mapping[str, str]) -> None:
    host.sh("\n".join(f"echo '{text}' >/proc/sys/net/ipv4/{name}" for name, text in defaults.items()))


def lay_out(host: SandboxHost, tree: Tree) -> None:
    for path, content in tree.items():
        if content is None:
            host.run("mkdir", path)
        elif content.startswith("-> "):
            host.run("ln", "-s", content.removeprefix("-> "), path)
        else:
            octal = "".join(f"\\{byte:03o}" for byte in content.encode())
            host.sh(f"printf '{octal}' >'{path}'")


def probed(host: SandboxHost) -> Snapshot:
    probe = Probe()
    return snapshot_of(sections_of(host.sh(probe_script(probe)).encode("utf-8", "surrogateescape"), probe.nonce))


def now(host: SandboxHost, defaults: Mapping[str, str]) -> dict[str, Value | None]:
    return {name: kernel_value(KNOBS[name], host.sysctl(name)) for name in defaults}


def foreseen(snapshot: Snapshot, loader: Loader | None, defaults: Mapping[str, str]) -> dict[str, Value | None]:
    assert loader
    values: dict[str, Value | None] = {}
    for name, default in defaults.items():
        text = decide(KNOBS[name].path, snapshot.files, loader).value
        value = None if text is None else kernel_value(KNOBS[name], text)
        values[name] = kernel_value(KNOBS[name], default) if value is None else value
    return values


def run_loader(host: SandboxHost, *command: str) -> None:
    # Its status says that some line was refused, which is what some trees are about.
    host.run(*command, check=False)


def boot_with_sysctl_conf_alone(host: SandboxHost) -> None:
    """From now on the host boots with a script that reads no other file, as on RHEL 5."""
    host.write("/etc/rc.d/rc.sysinit", (Path(__file__).parent / "loaders" / "rc.sysinit-5").read_text(encoding="utf-8"))
    host.write("/run/stat-of-init", "1 (init) S 0 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0\n")
    host.write("/etc/rc.d/init.d/functions", "")
    # Nor with a boot script of this machine.
    host.sh("rm -rf /run/systemd /etc/rcS.d /etc/init; mount --bind /run/stat-of-init /proc/1/stat")
