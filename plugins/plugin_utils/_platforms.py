# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Systems whose configuration is made elsewhere: a file written to /etc is not theirs. As data.

``sign`` is a path that only such a system has. Those with a read-only /usr whose /etc is the administrator's (openSUSE
MicroOS, Flatcar, SteamOS) are tuned like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ._knobs import KNOBS
from ._values import Value, kernel_text


@dataclass(frozen=True)
class Platform:
    """``before``, a row per setting joined by ``between``, and ``after`` make one line to put into ``where``."""

    word: str
    sign: str
    name: str
    where: str
    row: str
    between: str = " "
    before: str = ""
    after: str = ""

    def configuration(self, values: Mapping[str, Value]) -> str:
        """What sets these values, in the words of this system's own configuration."""
        rows = [self.row.format(key=KNOBS[name].key, value=kernel_text(value)) for name, value in values.items()]
        return f"{self.before}{self.between.join(rows)}{self.after}"


PLATFORMS = {
    platform.word: platform
    for platform in (
        # nixos/modules/config/sysctl.nix
        Platform(
            word="nixos",
            sign="/etc/NIXOS",
            name="NixOS",
            where="configuration.nix",
            row='boot.kernel.sysctl."{key}" = "{value}";',
        ),
        # gnu/services/sysctl.scm
        Platform(
            word="guix",
            sign="/run/current-system/parameters",
            name="Guix System",
            where="the services of the operating-system",
            before="(modify-services %base-services (sysctl-service-type config => "
            "(sysctl-configuration (inherit config) (settings (append '(",
            row='("{key}" . "{value}")',
            after=") %default-sysctl-settings)))))",
        ),
        # ostree-prepare-root(1); Fedora CoreOS: "Setting kernel tunables (sysctl)"
        Platform(
            word="ostree",
            sign="/run/ostree-booted",
            name="a system deployed by ostree",
            where="its image (a file in /usr/lib/sysctl.d) or its Butane configuration (a file in /etc/sysctl.d)",
            before="'",
            row="{key} = {value}",
            between="', '",
            after="'",
        ),
        # The reference of Bottlerocket's settings has it under "kernel".
        Platform(
            word="bottlerocket",
            sign="/usr/share/bottlerocket",
            name="Bottlerocket",
            where="its user data",
            before="settings.kernel.sysctl = {",
            row='"{key}" = "{value}"',
            between=", ",
            after="}",
        ),
    )
}
