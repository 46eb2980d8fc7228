# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``ansible-lint --fix`` changes: the last line of each example is the one that a match is on."""

from __future__ import annotations

import pytest
from ansiblelint.yaml_utils import FormattedYAML

from timewait_engine.fix import off_in_text, off_in_yaml

MENDED = {
    'net.ipv4.tcp_tw_recycle: "1"': '  net.ipv4.tcp_tw_recycle: "0"',
    "net.ipv4.tcp_tw_recycle: 1": "  net.ipv4.tcp_tw_recycle: 0",
    "net.ipv4.tcp_tw_recycle: -1": "  net.ipv4.tcp_tw_recycle: 0",
    "net.ipv4.tcp_tw_recycle: true": "  net.ipv4.tcp_tw_recycle: 0",
    "name: net/ipv4/tcp_tw_recycle\n  value: 2": "  value: 0",
    "item: {name: net.ipv4.tcp_tw_recycle, value: 1, state: present}": (
        "  item: { name: net.ipv4.tcp_tw_recycle, value: 0, state: present }"
    ),
    "items:\n    - key: net.ipv4.tcp_tw_recycle\n      val: '1'": '      val: "0"',
    "tune_tcp_tw_recycle: 1": "  tune_tcp_tw_recycle: 0",
}

LEFT = {
    "a template": 'net.ipv4.tcp_tw_recycle: "{{ one }}"',
    "a text with more in it": "sysctl: name=net.ipv4.tcp_tw_recycle value=1",
    "a value whose key is elsewhere": "tuning: 1",
    "two values on the line": "item: {a: {name: tcp_tw_recycle, value: 1}, b: {name: tcp_tw_recycle, value: 1}}",
    "a script that mentions it": "script: |\n    sysctl -w net.ipv4.tcp_tw_recycle=1\n  retries: 1",
    "a value that was merged from another line": "<<: *other",
}


def mended(text: str) -> tuple[bool, str]:
    text = f"---\nother: &other\n  net.ipv4.tcp_tw_recycle: 1\nhere:\n  {text}\n"
    yaml = FormattedYAML(version=(1, 1))
    data = yaml.load(text)
    done = off_in_yaml(data, text.count("\n"))
    return done, yaml.dumps(data)


@pytest.mark.parametrize("text", MENDED)
def test_a_value_beside_its_key_becomes_0_in_the_way_it_was_written(text):
    done, result = mended(text)
    assert done
    assert result.splitlines()[-1] == MENDED[text]
    assert "net.ipv4.tcp_tw_recycle: 1" in result.splitlines()[2]


@pytest.mark.parametrize("text", LEFT.values(), ids=LEFT)
def test_everything_else_is_left_to_whoever_wrote_it(text):
    yaml = FormattedYAML(version=(1, 1))
    whole = f"---\nother: &other\n  net.ipv4.tcp_tw_recycle: 1\nhere:\n  {text}\n"
    assert mended(text) == (False, yaml.dumps(yaml.load(whole)))


@pytest.mark.parametrize(
    ("line", "result"),
    [
        ("net.ipv4.tcp_tw_recycle = 1", "net.ipv4.tcp_tw_recycle = 0"),
        ("net/ipv4/tcp_tw_recycle=-1 ", "net/ipv4/tcp_tw_recycle=0 "),
        ("  - net.ipv4.tcp_tw_recycle=1", "  - net.ipv4.tcp_tw_recycle=0"),
        ("net.ipv4.tcp_tw_recycle = {{ one }}", None),
        ("sysctl -w net.ipv4.tcp_tw_recycle=1", None),
        ("{% if x %}net.ipv4.tcp_tw_recycle = 1{% endif %}", None),
    ],
)
def test_a_line_of_a_sysctl_file_that_does_nothing_else_becomes_0(line, result):
    text = f"# net.ipv4.tcp_tw_recycle = 1\n{line}\nnet.ipv4.tcp_tw_reuse = 1\n"
    assert off_in_text(text, 2) == (result and text.replace(f"\n{line}\n", f"\n{result}\n"))
    assert off_in_text(text, 9) is None
