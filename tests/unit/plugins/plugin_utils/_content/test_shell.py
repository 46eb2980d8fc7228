# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time

import pytest
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._model import OPEN
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._shell._settings import settings_in
from ansible_collections.linux_tcp.tuning.plugins.plugin_utils._content._texts._deployed import settings_in_file
from hypothesis import given
from hypothesis import strategies as st

from tests.lint.shell_snippets import SNIPPETS, UNKNOWN, K, Snippet

SETS = f"sysctl -w {K}=1\n"


def sets(script: str) -> str:
    """As in the table of snippets."""
    return ", ".join(
        f"{script.count(chr(10), 0, each.offset) + 1} {each.name.removeprefix('tcp_')} "
        + (UNKNOWN if OPEN in each.value else each.value)
        for each in settings_in(script)
    )


def test_no_two_snippets_are_called_alike_within_a_kind() -> None:
    assert len({(snippet.says, snippet.script) for snippet in SNIPPETS}) == len(SNIPPETS)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda snippet: snippet.says)
def test_a_snippet_sets_what_it_says_where_it_says_it(snippet: Snippet) -> None:
    assert sets(snippet.script) == snippet.sets


@given(st.lists(st.sampled_from(["'", '"', "`", "$(", "${", ")", "}", "\\", "\n", "|", "<<E", "{", "if", " x ", SETS])))
def test_whatever_stands_in_a_text_it_is_read_to_its_end(pieces: list[str]) -> None:
    text = "".join(pieces)
    for found in settings_in(text):
        assert 0 <= found.offset < len(text)
        assert text.startswith("1", found.offset)


@pytest.mark.parametrize(
    "name", [snippet.says for snippet in SNIPPETS if snippet.sets and "\ue000" not in snippet.script]
)
def test_what_stands_before_a_script_does_not_move_what_it_sets(name: str) -> None:
    snippet = next(snippet for snippet in SNIPPETS if snippet.says == name)
    if snippet.script.startswith("#!"):
        return
    shifted = ", ".join(
        f"{int(line) + 2} {rest}" for line, rest in (each.split(" ", 1) for each in snippet.sets.split(", "))
    )
    assert sets(f"echo\necho\n{snippet.script}") == shifted


#: Texts that somebody might write to keep a reader busy, each 100 000 characters long or made to grow.
HOSTILE = {
    "quotes": SETS + "'" * 100_000,
    "both quotes": SETS + "'\"" * 50_000,
    "a quote a line": SETS + 'echo "x\n' * 12_000 + "'",
    "parentheses": SETS + "(" * 100_000,
    "substitutions": SETS + "$(" * 50_000,
    "expansions": SETS + "${x:-" * 20_000,
    "backquotes": SETS + "`\\" * 50_000,
    "braces": SETS + "echo " + "{a,b}" * 40,
    "documents without ends": SETS + "cat <<E$x\n" * 10_000,
    "a function that calls itself": f"f() {{ f; f; {SETS}}}\nf\n",
    "functions that call twice": SETS + "".join(f"f{n}() {{ f{n + 1}; f{n + 1}; }}\n" for n in range(60)) + "f0\n",
    "loops in loops": SETS + "for a in 1 2 3 4 5 6 7 8 9; do " * 12 + ":; " + "done; " * 12,
    "a variable that doubles": SETS + "x=aaaaaaaaaa\n" + "x=$x$x\n" * 60 + "echo $x > /tmp/x",
    "a pattern with many stars": SETS + "x=" + "a" * 900 + "\ny=${x##*a*a*a*a*b}\n" * 10,
    "ifs": SETS + "if a; then\n" * 9_000,
    "branches that multiply": SETS + "if a; then x=1; else x=2; fi; y=$x$y\n" * 500,
    "a long word": SETS + "a" * 100_000,
    "sed": SETS + f"sed -i '{'s/tcp_tw_recycle/x/;' * 5_000}' x",
    "sed with brackets": SETS + f"sed -i 's/{'[a' * 50_000}/x/' x",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_takes_no_time_and_hides_nothing_before_it(name: str) -> None:
    begin = time.process_time()
    found = list(settings_in(HOSTILE[name]))
    assert time.process_time() - begin < 5
    assert ("tcp_tw_recycle", "1") in [(each.name, each.value) for each in found]


def test_a_text_without_our_keys_costs_next_to_nothing() -> None:
    text = 'if [ -f "$x" ]; then echo "hello" > /tmp/y; fi\n' * 20_000
    begin = time.process_time()
    assert list(settings_in(text)) == list(settings_in_file(None, text)) == []
    assert time.process_time() - begin < 0.5


def test_a_value_is_never_longer_than_a_line() -> None:
    found = list(settings_in(f"x=aaaaaaaaaa\n{'x=$x$x' + chr(10)}" * 10 + f"sysctl -w {K}=$x"))
    assert [len(each.value) <= 200 for each in found] == [True]
