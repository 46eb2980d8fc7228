# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs content for real: lines of JSON with trees of files come in, lines with what became of each go out.

To be started inside ``dev/sandbox --legacy``, by the Python that has the ansible-core to run. It imports ansible once
and forks for each tree, which gets an /etc, a /run/case and knobs of its own.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import stat
import sys
import traceback
from pathlib import Path
from typing import Any

from ansible.cli.playbook import PlaybookCLI

from tests.lint.languages import loaded

# Imported once, and not by each child.
for module in ("ansible.executor.playbook_executor", "ansible.plugins.strategy.linear"):
    importlib.import_module(module)

CASE = Path("/run/case")
PROGRAMS = CASE / "bin"
ETC = Path("/etc")
KNOBS = Path("/proc/sys/net/ipv4")
KNOB = KNOBS / "tcp_tw_recycle"
#: What a host has where programs other than the sysctl loader are told to set sysctls.
DIRECTORIES = ("cloud/cloud.cfg.d", "cron.d", "default", "local.d", "rc.d", "sysctl.d", "systemd/system", "tuned/web")
CLONE_NEWNS = 0x00020000
LIBC = ctypes.CDLL(None, use_errno=True)


def _checked(status: int, what: str) -> None:
    if status != 0:
        raise OSError(ctypes.get_errno(), what)


def _tmpfs(path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True)
    _checked(LIBC.mount(b"tmpfs", os.fsencode(path), b"tmpfs", 0, b"mode=755"), f"mount {path}")


def _own_host() -> None:
    """This process' own /etc and knobs: as those of the sandbox, nothing of an earlier tree in them."""
    links = {entry.name: entry.readlink() for entry in ETC.iterdir() if entry.is_symlink()}
    knobs = {knob.name: knob.read_text(encoding="ascii") for knob in KNOBS.iterdir()}
    _checked(LIBC.unshare(CLONE_NEWNS), "unshare")
    for path in (ETC, KNOBS, CASE):
        _tmpfs(path)
    own = {directory.split("/", maxsplit=1)[0] for directory in DIRECTORIES}
    for name, target in links.items():
        if name not in own:
            (ETC / name).symlink_to(target)
    for directory in DIRECTORIES:
        (ETC / directory).mkdir(parents=True, exist_ok=True)
    (ETC / "sysctl.conf").write_text("# /etc/sysctl.conf\n", encoding="ascii")
    for name, value in knobs.items():
        (KNOBS / name).write_text(value, encoding="ascii")
    # The module cron asks for it, even where it writes a file of its own.
    PROGRAMS.mkdir()
    (PROGRAMS / "crontab").symlink_to("/bin/true")
    os.environ["PATH"] += f":{PROGRAMS}"


def _write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _play(tree: Path, arguments: list[str]) -> tuple[int, str]:
    """Exit status and output of ansible-playbook, in a process of its own."""
    out = CASE / "output"
    child = os.fork()
    if child == 0:
        status = 250
        try:
            os.chdir(tree)
            for target in (1, 2):
                os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), target)
            status = _command_line(arguments)
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 251
        except BaseException:  # noqa: BLE001  # whatever it is, a forked child must not return into the parent's code
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)
    _pid, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), out.read_text(encoding="utf-8", errors="replace")


def _command_line(arguments: list[str]) -> int:
    command = PlaybookCLI(["ansible-playbook", *arguments])
    command.parse()
    return int(command.run() or 0)


def _regular_files(directory: Path) -> list[Path]:
    """Those that belong to this host; what is a link leads to the machine."""
    found = []
    for entry in sorted(directory.iterdir()):
        if entry.is_symlink():
            continue
        if entry.is_dir():
            found += _regular_files(entry)
        elif stat.S_ISREG(entry.stat().st_mode):
            found.append(entry)
    return found


def _value() -> str:
    return KNOB.read_text(encoding="utf-8", errors="replace").strip()


def _run_case(case: dict[str, Any]) -> dict[str, Any]:
    _own_host()
    tree = CASE / "tree"
    _write(tree, case["files"])
    _write(ETC, case.get("etc", {}))
    status, output = _play(tree, case["arguments"])
    # The unconfigured value tells a setting of 0 from none.
    arrived = [] if _value() == "0" else [["knob", _value()]]
    for path in _regular_files(ETC):
        arrived += [[str(path), value] for value in loaded(path)]
    return {"id": case["id"], "status": status, "arrived": arrived, "output": output}


def _answer(case: dict[str, Any]) -> str:
    """Runs a tree in a child of its own, whose mounts end with it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            with os.fdopen(writing, "w", encoding="utf-8") as pipe:
                try:
                    pipe.write(json.dumps(_run_case(case)))
                except Exception:  # noqa: BLE001
                    pipe.write(
                        json.dumps({"id": case["id"], "status": 252, "arrived": [], "output": traceback.format_exc()})
                    )
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return text


def main() -> None:
    for line in sys.stdin:
        sys.stdout.write(_answer(json.loads(line)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
