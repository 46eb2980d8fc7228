# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of which the lint alone cannot say what the oracle does, each with the reason; it can with an inventory."""

from __future__ import annotations

from tests.lint.cases import Case
from tests.lint.traps import SHADOWS


def reason(case: Case) -> str | None:
    """Why no look at the content alone can tell what happened; None where it can."""
    if case.trap in SHADOWS:
        return "only an inventory tells which hosts have which of the two values"
    return next((why for (kind, name), why in UNDECIDABLE.items() if getattr(case, kind) == name), None)


#: What was chosen, and why it cannot be decided.
UNDECIDABLE: dict[tuple[str, str], str] = {
    ("trap", "zero-of-higher-rank"): "only an inventory tells that there is no host but the one with that variable",
    ("trap", "one-of-lower-rank"): "only an inventory tells that there is no host without the variable that wins",
    ("trap", "one-for-others"): "only an inventory tells that the host with that variable is none of the play's",
}
