# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule of ours is: the findings that bear its name, as matches of the files that they stand in.

A value may stand in a file that ansible-lint does not read, such as ``files/sysctl.conf``, or in one that it gives up
because of something else. So the first file that a rule is shown brings all matches below the arguments of the run, and
each file those that stand in it or that a task in it carries; none comes twice.
"""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ansiblelint.errors import MatchError
from ansiblelint.file_utils import Lintable
from ansiblelint.rules import AnsibleLintRule

from timewait_engine.project import Project, arguments, project_of

if TYPE_CHECKING:
    from ansiblelint.config import Options

    from plugins.plugin_utils._content._model import Finding, Severity

#: What findings less than errors are called in tags, by severity. A single word in brackets is markup to ansible-lint.
MILDER: dict[Severity, str] = {"warning": "not-decided", "info": "not-in-force"}

#: What ansible-lint would take for a colour or a link when it prints a message.
_MARKUP = re.compile(r"\[(?=[\w/])")


class TimewaitRule(AnsibleLintRule):
    """Findings of the collection's engine as matches."""

    #: What its findings are as a rule: these bear its name, those that are less than an error are warnings.
    natural: ClassVar[Severity] = "error"

    def __init__(self) -> None:
        super().__init__()
        self._shown: set[tuple[Path, str | None]] = set()
        self._reported: set[Finding] = set()

    @property
    def url(self) -> str:
        return self.link

    def getmatches(self, file: Lintable) -> list[MatchError]:
        """All matches that a file brings; an error of ours is one of them, because silence is taken for clean."""
        try:
            project = project_of(self._options)
            return [self._match(finding, file, project.root) for finding in self._brought(file, project)]
        except Exception as error:  # noqa: BLE001
            where = traceback.extract_tb(error.__traceback__)[-1]
            message = f"{self.id} could not look: {error!r} ({Path(where.filename).name}:{where.lineno})"
            return [self.create_matcherror(message, filename=file, tag=f"{self.id}[not-looked]")]

    def _brought(self, file: Lintable, project: Project) -> Iterator[Finding]:
        path = file.path.resolve()
        if (path, file.kind) in self._shown:
            # Each file is shown once in a run: this is another one.
            self._shown.clear()
            self._reported.clear()
        found = project.of(path) if self._shown else project.below([*arguments(self._options), path])
        self._shown.add((path, file.kind))
        for finding in found:
            if finding.rule == self.id and finding not in self._reported:
                self._reported.add(finding)
                yield finding

    @property
    def _options(self) -> Options:
        if self.options is None:
            raise RuntimeError("this rule is part of no collection of rules")
        return self.options

    def _match(self, finding: Finding, file: Lintable, root: str) -> MatchError:
        return self.create_matcherror(
            message=_message(finding, root),
            lineno=finding.line,
            filename=self._lintable(finding, file),
            tag=self._tag(finding),
        )

    def _lintable(self, finding: Finding, file: Lintable) -> Lintable:
        made = Lintable(finding.path)
        if made.path == file.path:
            return file
        # What the user named is reported even below exclude_paths.
        made.explicit = made.path.resolve() in arguments(self._options)
        return made

    def _tag(self, finding: Finding) -> str:
        """ansible-lint has no severity for a match: a tag that is on the list of warnings is what makes it milder."""
        tag = self.id if finding.severity == self.natural else f"{self.id}[{MILDER[finding.severity]}]"
        if finding.severity != "error" and tag not in self._options.warn_list:
            self._options.warn_list = [*self._options.warn_list, tag]
        return tag


def _message(finding: Finding, root: str) -> str:
    # A message is the same wherever the project is.
    text = _MARKUP.sub("[ ", finding.message.replace(f"{root}/", ""))
    remedy = finding.remedy.partition("\n")[0]
    if finding.reaches == (finding.path, finding.line):
        return f"{text}. {remedy}"
    carrier = os.path.relpath(finding.reaches.path, root)
    return f"{text} (brought to hosts by {carrier}:{finding.reaches.line}). {remedy}"
