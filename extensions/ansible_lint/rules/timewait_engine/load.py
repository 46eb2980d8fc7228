# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the collection's engine by where this file is, so that nobody has to set a path.

ansible-lint loads rules as top-level modules, and the directory of collections that they are in may be in no path of
Python's: the engine is loaded under a package name of its own.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

_PACKAGE = "timewait_engine_of_the_collection"
_HERE = Path(__file__).resolve().parent

#: In the wheel it is beside this file, else where the collection has it.
_PLACES = (_HERE / "plugin_utils", _HERE.parents[3] / "plugins" / "plugin_utils")


def engine(name: str) -> ModuleType:
    """A module of the engine, such as ``_content._lint``."""
    if _PACKAGE not in sys.modules:
        package = ModuleType(_PACKAGE)
        package.__path__ = [str(next(place for place in _PLACES if place.is_dir()))]
        sys.modules[_PACKAGE] = package
    return import_module(f"{_PACKAGE}.{name}")
