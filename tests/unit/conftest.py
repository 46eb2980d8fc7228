# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of hypothesis: no deadline, as machines are busy; in CI the same examples each time. And modules of
collections for plays that ansible-core loads.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder
from hypothesis import settings

settings.register_profile("here", deadline=None, database=None)
settings.register_profile("ci", deadline=None, database=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")

#: Modules that ansible-core wants to find when it loads a play; nothing of them is run.
MODULES = ("ansible/posix/plugins/modules/sysctl.py", "community/general/plugins/modules/ini_file.py")


@pytest.fixture(scope="session")
def modules_of_collections(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    top = tmp_path_factory.mktemp("collections")
    for name in MODULES:
        (top / "ansible_collections" / name).parent.mkdir(parents=True)
        (top / "ansible_collections" / name).touch()
    finder = _AnsibleCollectionFinder(paths=[str(top)])
    finder._install()
    with pytest.MonkeyPatch.context() as patch:
        # ansible_collections is imported already, from every directory of this path.
        patch.syspath_prepend(str(top))
        yield
    finder._remove()
