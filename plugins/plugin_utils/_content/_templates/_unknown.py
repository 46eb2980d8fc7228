# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A value that the content alone does not tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jinja2 import Undefined

from .._model import CLOSE, OPEN, Position
from ._choices import choose

#: Attributes that Jinja looks for on whatever is called.
_ASKED_BY_JINJA = frozenset(("unsafe_callable", "alters_data", "jinja_pass_arg"))


class Unknown(Undefined):
    """What stands for such a value. All that is made of it is unknown too; asked for a truth, it is both in turn.

    ``missing``: no definition was found; otherwise it is one of a running host, of a vault or of a lookup.
    """

    __slots__ = ("missing", "position", "words")

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = None,
        name: str | None = None,
        exc: type[Exception] = Exception,  # noqa: ARG002 - what Jinja calls it with
        missing: bool = True,  # noqa: FBT001, FBT002 - Jinja hands the others over by position
    ) -> None:
        super().__init__(hint, obj, name)
        self.words = "_".join(str(name or hint or "a value").split())[:80]
        self.missing = missing
        #: Where the innermost expression stands that asks for it.
        self.position: Position | None = None

    def placed(self, position: Position) -> Unknown:
        if self.position:
            return self
        made = type(self)(name=self.words, missing=self.missing)
        made.position = position
        return made

    def __str__(self) -> str:
        return f"{OPEN}{self.words}{CLOSE}"

    __repr__ = __str__

    def __hash__(self) -> int:
        return hash(self.words)

    def __bool__(self) -> bool:
        return choose(("truth", self.words), 2) == 0

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __contains__(self, item: object) -> bool:
        return bool(self._made(f"{item} in"))

    def _made(self, words: str) -> Unknown:
        return type(self)(name=f"{self.words} {words}"[:80], missing=False)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in _ASKED_BY_JINJA:
            raise AttributeError(name)
        return type(self)(name=f"{self.words}.{name}"[:80], missing=self.missing)

    def __getitem__(self, name: Any) -> Any:
        return type(self)(name=f"{self.words}.{name}"[:80], missing=self.missing)

    def __call__(self, *_arguments: Any, **_options: Any) -> Any:
        return type(self)(name=self.words, missing=self.missing)

    def _operated(self, other: Any = "") -> Any:
        return self._made(f"with {other}")

    def __eq__(self, other: object) -> Any:
        return self._made(f"== {other}")

    def __ne__(self, other: object) -> Any:
        return self._made(f"!= {other}")

    __lt__ = __le__ = __gt__ = __ge__ = _operated
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _operated
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _operated
    __pos__ = __neg__ = __pow__ = __rpow__ = _operated


def known(value: Any) -> bool:
    """Whether a value is decided, as far as it is a scalar."""
    return not isinstance(value, Unknown) and not (isinstance(value, str) and OPEN in value)
