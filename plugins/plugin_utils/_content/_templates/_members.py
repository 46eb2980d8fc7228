# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands at a key that is not known, or known in part: any of the values that may, or none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .._model import CLOSE, OPEN
from ._choices import choose
from ._unknown import Unknown

#: Begins the words of what is not there at all: where Ansible would stop, nothing comes of it.
NOWHERE = "\ue002"


def member(container: Mapping[Any, Any] | Sequence[Any], key: Any) -> Any:
    """The value at a key that is open, in one way through all that is."""
    pairs = list(container.items() if isinstance(container, Mapping) else enumerate(container))
    fitting = [value for name, value in pairs if may_be(key, str(name))]
    which = choose(("member", str(key), tuple(str(name) for name, _value in pairs)), len(fitting) + 1)
    return fitting[which] if which < len(fitting) else Unknown(name=f"{NOWHERE}{key}")


def got(container: Mapping[Any, Any], key: Any, default: Any = None) -> Any:
    """What ``get`` of a dict gives for such a key."""
    found = member(container, key)
    return default if isinstance(found, Unknown) and found.missing else found


def may_be(open_text: Any, name: str) -> bool:
    """Whether a text with open pieces may turn out to be a name."""
    if isinstance(open_text, Unknown):
        return True
    pieces = re.split(f"{OPEN}.*?{CLOSE}", str.__str__(str(open_text)))
    return re.fullmatch(".*".join(map(re.escape, pieces)), name, re.DOTALL) is not None
