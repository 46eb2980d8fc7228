# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values, as people write them in YAML; and which of them switch a knob on."""

from __future__ import annotations

from tests.lint.trees import Text, mark

#: By name in a case: as a scalar of YAML, and as it is written in other languages.
VALUES: dict[str, tuple[str, str]] = {
    "1": ("1", "1"),
    "quoted-1": ('"1"', "1"),
    "single-quoted-1": ("'1'", "1"),
    "2": ("2", "2"),
    "minus-1": ("-1", "-1"),
    "yes": ("yes", "yes"),
    "quoted-yes": ('"yes"', "yes"),
    "true": ("true", "true"),
    "True": ("True", "True"),
    "on": ("on", "on"),
    "hex-1": ("0x1", "0x1"),
    "quoted-hex-1": ('"0x1"', "0x1"),
    "plus-1": ("+1", "+1"),
    "octal-1": ("01", "01"),
    "quoted-octal-1": ('"01"', "01"),
    "sum-1": ('"{{ 0 + 1 }}"', "{{ 0 + 1 }}"),
    "0": ("0", "0"),
    "quoted-0": ('"0"', "0"),
    "double-0": ("00", "00"),
    "hex-0": ("0x0", "0x0"),
    "quoted-hex-0": ('"0x0"', "0x0"),
    "no": ("no", "no"),
    "quoted-no": ('"no"', "no"),
    "false": ("false", "false"),
    "off": ("off", "off"),
    "minus-0": ("-0", "-0"),
    "difference-0": ('"{{ 1 - 1 }}"', "{{ 1 - 1 }}"),
}
_OFF_WORDS = {"", "no", "false", "off", "n", "f"}


def written(name: str) -> Text:
    """The value, marked."""
    yaml, text = VALUES[name]
    return Text(mark(yaml), mark(text))


def is_on(value: str) -> bool:
    """Whether somebody who writes this wants the knob on. A kernel would refuse some of it: that is no consent."""
    bare = value.strip().strip("\"'").lower()
    try:
        # As C reads it: a leading 0 is octal.
        return int(bare, 16 if "x" in bare else 8 if bare.lstrip("+-").startswith("0") else 10) != 0
    except ValueError:
        return bare not in _OFF_WORDS


def wants_on(name: str) -> bool:
    return is_on(VALUES[name][1].replace("{{ 0 + 1 }}", "1").replace("{{ 1 - 1 }}", "0"))
