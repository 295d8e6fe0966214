"""How an event with mutable fields is kept from what others do to it."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Final, TypeVar, cast

from eventbus._event import Event, with_values

E = TypeVar("E", bound=Event)

_ATOMS: Final = frozenset({str, int, float, bool, bytes, complex, type(None)})


def own_copy(event: E, fields: Iterable[str]) -> E:
    """Return *event* with copies, at any depth, of what is in *fields*.

    Raises:
        Exception: A value brings a ``__deepcopy__`` that fails, or cannot be copied.
    """
    return with_values(event, {name: _copied(getattr(event, name)) for name in fields})


def _copied(value: object) -> object:
    kind = type(value)
    if kind is list or kind is set or kind is dict:
        plain = cast("dict[object, object]", value)
        own = plain.copy()  # first: another thread may go on changing the value
        if _ATOMS.issuperset(map(type, own)) and (
            kind is not dict or _ATOMS.issuperset(map(type, own.values()))
        ):
            return own
    if isinstance(value, memoryview):
        return memoryview(value.tobytes())
    return copy.deepcopy(value)
