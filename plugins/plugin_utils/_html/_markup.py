# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTML, made such that a text cannot become markup: the one way from a text to HTML. Pure."""

from __future__ import annotations

import functools
import html
from collections.abc import Iterable
from typing import NewType

from .._snapshot import printable

#: What may stand in a page as it is. Only this module makes it of texts that come from elsewhere.
Html = NewType("Html", str)

#: A policy cut short would be none.
_LONGEST_ATTRIBUTE = 2000

EMPTY = Html("")
SPACE = Html(" ")
#: Elements that have no content and no end.
_VOID = frozenset({"input", "link", "meta"})


def text(value: object, limit: int = 300) -> Html:
    """A text as HTML: in ASCII, without control characters, cut short after ``limit`` characters."""
    return _escaped(str(value), limit)


@functools.lru_cache(maxsize=8192)
def _escaped(value: str, limit: int) -> Html:
    """Most words of a page come again and again."""
    return Html(html.escape(printable(value, limit), quote=True))


def element(tag: str, /, *children: Html, **attributes: object) -> Html:
    """An element. Of ``attributes``, ``class_`` is class and ``data_v`` is data-v; None leaves one out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value, _LONGEST_ATTRIBUTE)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{tag}{written}>" if tag in _VOID else f"<{tag}{written}>{''.join(children)}</{tag}>")


def joined(parts: Iterable[Html], between: Html = EMPTY) -> Html:
    return Html(between.join(parts))


def verbatim(name: str, source: str) -> Html:
    """A style sheet or script of this collection: HTML does not escape what is in them."""
    if "</" in source or "<!--" in source:
        raise ValueError(f"this would end the element {name}")
    return Html(f"<{name}>{source}</{name}>")
