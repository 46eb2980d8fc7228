# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long each connection took, by the moment it began: one panel for each thing tried."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

Attempts = Sequence[tuple[float, float | None]]
COLUMNS = 3
#: Where connections stand that were given up, in seconds.
NEVER = 20.0

# Small: many panels stand on one page.
mpl.rcParams.update({"font.size": 8})


def plot(results: Mapping[str, Sequence[Attempts]], slow: float, path: Path) -> None:
    """Writes the picture; the runs of one title lie above each other. Slower than ``slow`` seconds stands out."""
    rows = math.ceil(len(results) / COLUMNS)
    figure, axes = plt.subplots(
        rows, COLUMNS, figsize=(10, 1.9 * rows), sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    for panel in axes.flat[len(results) :]:
        panel.set_axis_off()
    for panel, (title, runs) in zip(axes.flat, results.items(), strict=False):
        points = [(at, NEVER if took is None else took) for attempts in runs for at, took in attempts]
        for chosen, colour, size in (
            ([each for each in points if each[1] <= slow], "#1f77b4", 3),
            ([each for each in points if each[1] > slow], "#d62728", 9),
        ):
            panel.scatter(
                [at for at, _took in chosen],
                [took for _at, took in chosen],
                s=size,
                c=colour,
                linewidths=0,
                rasterized=True,
            )
        panel.set_title("\n".join(textwrap.wrap(title, 44)), fontsize=8)
        panel.set_yscale("log")
        panel.set_yticks([0.001, 0.01, 0.1, 1, NEVER], ["1 ms", "10 ms", "100 ms", "1 s", "never"])
        panel.grid(alpha=0.3)
    figure.supxlabel("the connection began, seconds into the run")
    figure.supylabel("time to connect")
    figure.savefig(path, dpi=120)
