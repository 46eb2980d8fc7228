# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boots kernels and shows on each what it can show: see docs/kernels.md. One argument: a directory with kernels."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.kernels.boot import Accelerator, Failed, Guest, accelerators
from tests.kernels.checks import OLD_KERNELS_ONLY, Outcome, Seen, outcomes_of
from tests.kernels.images import Kernel, kernels_in, modules_of
from tests.kernels.initramfs import Archive, userland
from tests.kernels.steps import PYTHON_MODULES, Script

#: The exit status for a machine that lacks something; see dev/lib.sh.
LACKING = 77


def archive_of(kernel: Kernel) -> bytes:
    archive = Archive()
    for name, content in modules_of(kernel).items():
        archive.add(f"modules/{name}", content)
    return archive.bytes()


class Runner:
    """Boots one kernel after the other, with KVM as long as that works."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.script = Script()
        self.accelerators = accelerators()
        archive = userland(PYTHON_MODULES)
        self.script.add_to(archive)
        self.userland = archive.bytes()

    def boot(self, kernel: Kernel) -> tuple[Seen, Accelerator, float]:
        """What the guest answered, by what it ran, and how many seconds that took. Raises Failed."""
        initramfs = self.place / "initramfs"
        initramfs.write_bytes(self.userland + archive_of(kernel))
        guest = Guest(kernel.path, initramfs, self.place, self.script.mark)
        if self.accelerators[0] == "kvm":
            try:
                return self._timed(guest, "kvm")
            except Failed:
                # What does not run with KVM may run without it; and then so do the rest.
                self.accelerators = self.accelerators[1:]
        return self._timed(guest, "tcg")

    def _timed(self, guest: Guest, accelerator: Accelerator) -> tuple[Seen, Accelerator, float]:
        begin = time.monotonic()
        answers = guest.boot(accelerator)
        return Seen(answers, self.script.nonce), accelerator, time.monotonic() - begin


def try_kernel(runner: Runner, kernel: Kernel) -> list[Outcome]:
    """Prints what is seen on a kernel."""
    print(f"-- {kernel.path.name}: Linux {kernel.release}", flush=True)
    try:
        seen, accelerator, seconds = runner.boot(kernel)
    except Failed as error:
        outcomes = [Outcome("WRONG", "boot", str(error))]
    else:
        print(f"   booted and tried in {seconds:.0f} s ({accelerator})")
        outcomes = outcomes_of(seen)
    for outcome in outcomes:
        print(f"   {outcome}", flush=True)
    return outcomes


def main(arguments: Sequence[str]) -> int:
    [directory] = arguments
    kernels = kernels_in(Path(directory))
    if not kernels:
        return LACKING
    with tempfile.TemporaryDirectory(prefix="timewait-kernels-") as place:
        runner = Runner(Path(place))
        outcomes = [outcome for kernel in kernels for outcome in try_kernel(runner, kernel)]
    shown = {outcome.check for outcome in outcomes if outcome.kind == "shown"}
    missing = [name for name in OLD_KERNELS_ONLY if name not in shown]
    if missing:
        print(f"on none of these kernels: {', '.join(missing)}")
    wrong = sum(outcome.kind == "WRONG" for outcome in outcomes)
    print(f"{len(kernels)} kernels, {sum(outcome.kind == 'shown' for outcome in outcomes)} shown, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
