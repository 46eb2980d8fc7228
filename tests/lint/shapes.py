# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes of data that hold the setting, and what a task says to go through them."""

from __future__ import annotations

from dataclasses import dataclass

from tests.lint.trees import Text

#: The variable of the data. It says nothing of what is in it.
NAME = "net_settings"


@dataclass(frozen=True)
class Shape:
    """``lines`` are the data in YAML with {key}, {value} and {text} (the value within a string).

    In ``loop``, a keyword and an expression, {data} is the data. ``key`` and ``value`` are expressions over the item;
    ``key`` None: the task itself names the key; with braces it is a text with an expression in it. ``value`` "": the
    task has the value. ``whole`` stands for "key = value" where the data have both as one. ``rows`` is the head of a
    loop in a template over the same data.
    """

    lines: tuple[str, ...]
    loop: tuple[str, str] | None
    key: str | None
    value: str
    whole: str | None = None
    rows: str | None = None
    more: tuple[str, ...] = ()

    @property
    def inline(self) -> bool:
        """Whether the data may stand under the loop's keyword itself."""
        return self.loop is not None and self.loop[1] == "{data}"


@dataclass(frozen=True)
class Item:
    """What a task works with: the data to be declared, the loop to be said, and how key and value are called in it."""

    data: list[str]
    loop: list[str]
    key: Text
    #: The value; an expression, unless the task itself holds the value.
    value: Text
    expression: str | None
    whole: Text | None
    #: The head of a loop over the data in a template; None where there is nothing to loop over.
    rows: str | None
    spelled: str

    def pair(self, equals: str) -> str:
        """``key = value`` as a part of a text."""
        return self.whole.text if self.whole else f"{self.key.text}{equals}{self.value.text}"


def _filled(line: str, key: str, value: Text) -> str:
    return line.replace("{key}", key).replace("{value}", value.yaml).replace("{text}", value.text)


def _loop(shape: Shape, key: str, data: list[str] | None) -> list[str]:
    if shape.loop is None:
        return []
    keyword, expression = shape.loop
    more = [line.replace("{key}", key) for line in shape.more]
    if data is not None:
        return [f"{keyword}:", *(f"  {line}" for line in data), *more]
    expression = expression.replace("{data}", NAME).replace("{key}", key)
    if keyword in {"with_nested", "with_together"}:
        head, last = expression.rsplit(" ", 1)
        return [f"{keyword}:", f"  - {head}", f'  - "{{{{ {last} }}}}"', *more]
    return [f'{keyword}: "{{{{ {expression} }}}}"', *more]


def item_of(shape: Shape, key: str, value: Text, *, inline: bool) -> Item:
    """The shape with key and value in it; ``inline``: the data stand in the loop, or in the task itself."""
    data = [_filled(line, key, value) for line in shape.lines]
    expression: str | None = shape.value.replace("{data}", NAME)
    called = Text.jinja(str(expression))
    if not shape.value or (inline and shape.loop is None):
        expression, called = None, value
    named = Text(key, key)
    if shape.key is not None:
        named = Text(f'"{shape.key}"', shape.key) if "{{" in shape.key else Text.jinja(shape.key)
    return Item(
        data=data,
        loop=_loop(shape, key, data if inline else None),
        key=named,
        value=called,
        expression=expression,
        whole=Text.jinja(shape.whole.replace("{data}", NAME)) if shape.whole else None,
        rows=shape.rows and shape.rows.replace("{data}", NAME).replace("{key}", key),
        spelled=key,
    )


_ITEMS = (
    "- name: net.core.somaxconn",
    "  value: 4096",
    "- name: {key}",
    "  value: {value}",
    "- name: net.ipv4.tcp_fin_timeout",
    "  value: 30",
)
_FLOW = (
    "- { name: 'net.core.somaxconn', value: 4096 }",
    "- { name: '{key}', value: {value} }",
    "- { name: 'net.ipv4.tcp_fin_timeout', value: 30 }",
)
_DICT = ("net.core.somaxconn: 4096", "{key}: {value}", "net.ipv4.tcp_fin_timeout: 30")
_NAMED = "for item in {data}"
_SORTED = "for item in {data} | dictsort"


def _items(keyword: str, expression: str = "{data}", lines: tuple[str, ...] = _ITEMS, item: str = "item") -> Shape:
    return Shape(lines, (keyword, expression), f"{item}.name", f"{item}.value", rows=_NAMED)


SHAPES: dict[str, Shape] = {
    "scalar": Shape(("{value}",), None, None, "{data}"),
    "in-dict": Shape(("recycle: {value}", "reuse: 1"), None, None, "{data}.recycle"),
    "in-dict-by-name": Shape(("reuse: 1", "recycle: {value}"), None, None, "{data}['recycle']"),
    "in-list": Shape(("- 1", "- {value}"), None, None, "{data}[1]"),
    "last-of-list": Shape(("- 0", "- {value}"), None, None, "{data} | last"),
    "deep": Shape(("tcp:", "  timewait:", "    recycle: {value}"), None, None, "{data}.tcp.timewait.recycle"),
    "loop": _items("loop"),
    "with_items": _items("with_items"),
    "with_list": _items("with_list"),
    "flow": _items("loop", lines=_FLOW),
    "with-flow": _items("with_items", lines=_FLOW),
    "odd-words": Shape(
        ("- param: net.core.somaxconn", "  to: 1024", "- to: {value}", "  param: {key}"),
        ("with_items", "{data}"),
        "item.param",
        "item.to",
        rows=_NAMED,
    ),
    "by-index-name": Shape(_ITEMS, ("loop", "{data}"), "item['name']", "item['value']", rows=_NAMED),
    "loop_var": Shape(
        _ITEMS, ("loop", "{data}"), "knob.name", "knob.value", more=("loop_control:", "  loop_var: knob")
    ),
    "label": Shape(
        _FLOW,
        ("loop", "{data}"),
        "item.name",
        "item.value",
        more=("loop_control:", '  label: "{{ item.name }}"', "  index_var: number"),
    ),
    "dict2items": Shape(_DICT, ("loop", "{data} | dict2items"), "item.key", "item.value"),
    "with_dict": Shape(_DICT, ("with_dict", "{data}"), "item.key", "item.value"),
    "query-dict": Shape(_DICT, ("loop", "query('dict', {data})"), "item.key", "item.value"),
    "lookup-dict": Shape(_DICT, ("loop", "lookup('dict', {data}, wantlist=True)"), "item.key", "item.value"),
    "dictsort": Shape(_DICT, ("loop", "{data} | dictsort"), "item[0]", "item[1]", rows=_SORTED),
    "dict-items": Shape(
        _DICT, ("loop", "{data}.items() | list"), "item.0", "item.1", rows="for item in {data}.items()"
    ),
    "words-of-dict2items": Shape(
        _DICT, ("loop", "{data} | dict2items(key_name='name', value_name='to')"), "item.name", "item.to"
    ),
    "nested-dict": Shape(
        ("net.core.somaxconn:", "  value: 1024", "{key}:", "  value: {value}", "  state: present"),
        ("loop", "{data} | dict2items"),
        "item.key",
        "item.value.value",
        rows=None,
    ),
    "nested-flow": Shape(
        ("{key}: {value: {value}, reload: yes}", "net.core.somaxconn: {value: 1024}"),
        ("with_dict", "{data}"),
        "item.key",
        "item.value.value",
    ),
    "single-keys": Shape(
        ("- net.core.somaxconn: 1024", "- {key}: {value}"),
        ("loop", "{data}"),
        "(item | dict2items | first).key",
        "(item | dict2items | first).value",
        rows=_NAMED,
    ),
    "single-keys-first": Shape(
        ("- {key}: {value}", "- net.core.somaxconn: 1024"),
        ("with_items", "{data}"),
        "item.keys() | first",
        "item.values() | first",
        rows=_NAMED,
    ),
    "pairs": Shape(
        ("- [net.core.somaxconn, 1024]", "- [{key}, {value}]"), ("loop", "{data}"), "item[0]", "item[1]", rows=_NAMED
    ),
    "short-keys": Shape(
        ("tcp_fin_timeout: 30", "tcp_tw_recycle: {value}"),
        ("with_dict", "{data}"),
        "net.ipv4.{{ item.key }}",
        "item.value",
    ),
    "underscores": Shape(
        ("net_ipv4_tcp_tw_recycle: {value}", "net_ipv4_tcp_fin_timeout: 30"),
        ("loop", "{data} | dict2items"),
        "item.key | regex_replace('^net_ipv4_', 'net.ipv4.')",
        "item.value",
    ),
    "prefixed": Shape(
        ("- {name: tcp_syncookies, value: 1}", "- {name: tcp_tw_recycle, value: {value}}"),
        ("loop", "{data}"),
        "'net.ipv4.' ~ item.name",
        "item.value",
        rows=_NAMED,
    ),
    "subelements": Shape(
        (
            "- topic: tcp",
            "  settings:",
            "    - name: {key}",
            "      value: {value}",
            "    - {name: net.ipv4.ip_forward, value: 0}",
        ),
        ("loop", "{data} | subelements('settings')"),
        "item.1.name",
        "item.1.value",
    ),
    "with_nested": Shape(("- {value}",), ("with_nested", "[net.ipv4.tcp_rfc1337, {key}] {data}"), "item[0]", "item[1]"),
    "with_together": Shape(
        ("- 30", "- {value}"), ("with_together", "[net.ipv4.tcp_fin_timeout, {key}] {data}"), "item.0", "item.1"
    ),
    "zip": Shape(
        ("- 30", "- {value}"),
        ("loop", "['net.ipv4.tcp_fin_timeout', '{key}'] | zip({data}) | list"),
        "item.0",
        "item.1",
        rows="for item in ['net.ipv4.tcp_fin_timeout', '{key}'] | zip({data})",
    ),
    "product": Shape(("- {value}",), ("loop", "['{key}'] | product({data}) | list"), "item.0", "item.1"),
    "strings": Shape(
        ("- net.core.somaxconn=1024", "- {key}={text}"),
        ("loop", "{data}"),
        "item.split('=')[0]",
        "item.split('=')[1]",
        whole="item",
        rows=_NAMED,
    ),
    "spaced-strings": Shape(
        ('- "net.core.somaxconn = 1024"', '- "{key} = {text}"'),
        ("with_items", "{data}"),
        "(item | split('=') | first) | trim",
        "(item | split('=') | last) | trim",
        whole="item",
        rows=_NAMED,
    ),
    "combined": Shape(
        _DICT, ("loop", "{'net.core.somaxconn': 1024} | combine({data}) | dict2items"), "item.key", "item.value"
    ),
    "combined-recursively": Shape(
        ("sysctl:", "  {key}: {value}"),
        ("with_dict", "({'sysctl': {'net.core.somaxconn': 1024}} | combine({data}, recursive=True)).sysctl"),
        "item.key",
        "item.value",
    ),
    "joined": _items("loop", "[{'name': 'net.core.somaxconn', 'value': 1024}] + {data}", _FLOW),
    "flattened": _items("loop", "[[{'name': 'net.core.somaxconn', 'value': 1024}], {data}] | flatten"),
    "items2dict": Shape(
        _ITEMS,
        ("with_dict", "{data} | items2dict(key_name='name', value_name='value')"),
        "item.key",
        "item.value",
        rows=None,
    ),
    "selected": _items("loop", "{data} | selectattr('name', 'search', 'ipv4') | list"),
    "rejected": _items("loop", "{data} | rejectattr('name', 'search', 'recycle') | list"),
    "defaulted": _items("loop", "{data} | default([])"),
    "indexed": Shape(_ITEMS, ("with_indexed_items", "{data}"), "item.1.name", "item.1.value"),
    "sub-dict": Shape(
        ("limits: {nofile: 65536}", "kernel:", "  net.core.somaxconn: 1024", "  {key}: {value}"),
        ("with_dict", "{data}.kernel"),
        "item.key",
        "item.value",
        rows=None,
    ),
    "merged-mapping": Shape(
        ("base: &base", "  {key}: {value}", "all:", "  <<: *base", "  net.core.somaxconn: 1024"),
        ("with_dict", "{data}.all"),
        "item.key",
        "item.value",
    ),
    "anchored-value": Shape(
        (
            "wanted: &wanted {value}",
            "list:",
            "  - {name: net.ipv4.tcp_rfc1337, value: 0}",
            "  - {name: {key}, value: *wanted}",
        ),
        ("loop", "{data}.list"),
        "item.name",
        "item.value",
    ),
    "block-scalar": Shape(
        ("- name: {key}", "  value: >-", "    {text}"), ("loop", "{data}"), "item.name", "item.value", rows=_NAMED
    ),
    "with-when": Shape(
        _ITEMS, ("loop", "{data}"), "item.name", "item.value", more=("when: item.name is search('ipv4')",)
    ),
    "only-others": Shape(
        _ITEMS, ("with_items", "{data}"), "item.name", "item.value", more=("when: item.name != '{key}'",)
    ),
    "by-state": Shape(
        ("- { name: net.core.somaxconn, value: 1024 }", "- { name: {key}, value: {value}, enabled: no }"),
        ("loop", "{data}"),
        "item.name",
        "item.value",
        more=("when: item.enabled | default(true) | bool",),
    ),
    "keys": Shape(("- net.ipv4.tcp_rfc1337", "- {key}"), ("with_items", "{data}"), "item", ""),
    "quoted-keys": Shape(
        ("'net.core.somaxconn': 1024", "'{key}': {value}"), ("with_dict", "{data}"), "item.key", "item.value"
    ),
    "lines": Shape(
        (
            "- {regexp: '^net.core.somaxconn', line: 'net.core.somaxconn = 1024'}",
            "- regexp: '^{key}'",
            "  line: '{key} = {text}'",
        ),
        ("with_items", "{data}"),
        "item.line.split(' = ')[0]",
        "item.line.split(' = ')[1]",
        whole="item.line",
        rows=_NAMED,
    ),
    "commands": Shape(
        ("- sysctl -w net.core.somaxconn=1024", "- sysctl -w {key}={text}"),
        ("loop", "{data}"),
        "(item.split() | last).split('=')[0]",
        "(item.split() | last).split('=')[1]",
        whole="item",
    ),
    "text": Shape(
        ("|", "net.core.somaxconn = 1024", "{key} = {text}", "net.ipv4.tcp_fin_timeout = 30"),
        None,
        None,
        "{data}",
        whole="{data}",
    ),
}
