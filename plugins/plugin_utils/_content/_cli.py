# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lint as a program of its own, for hooks and CI: no inventory, no playbook. Exit status 2 for errors."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .._values import BadRequest
from ._judge import judged
from ._lint import lint
from ._report import Report, lines
from ._run import paths_of, write_report


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="timewait-lint",
        description="Finds what turns tcp_tw_recycle on, in Ansible content. Nothing of the content is run.",
    )
    parser.add_argument("paths", nargs="*", default=["."], help="files and directories; this directory by default")
    parser.add_argument(
        "--report", metavar="PATH", help="write a report: SARIF where the name ends in .sarif, else JSON"
    )
    arguments = parser.parse_args(words)
    try:
        found = lint(paths_of(arguments.paths))
        here = str(Path.cwd())
        report = Report(tuple(judged(found.assignments, directory=here)), found.notes, found.files, here)
        if arguments.report:
            write_report(report, arguments.report)
    except BadRequest as error:
        parser.error(str(error))
    sys.stdout.write("".join(f"{line}\n" for line in lines(report)))
    return 2 if report.counts["error"] else 0
