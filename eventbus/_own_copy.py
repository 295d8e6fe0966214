"""How an event with mutable fields is kept from what others do to it."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any, Final, TypeVar, cast

from eventbus._event import Event, with_values

E = TypeVar("E", bound=Event)

_ATOMS: Final = frozenset({str, int, float, bool, bytes, complex, type(None)})


def own_copy(event: E, fields: Iterable[str]) -> E:
    """Return *event* with copies, at any depth, of what is in *fields*.

    Raises:
        Exception: A value brings a ``__deepcopy__`` that fails, or cannot be copied.
    """
    return with_values(event, {name: _copied(getattr(event, name)) for name in fields})


def _copied(value: Any) -> Any:
    # Any: fields hold values of every type.
    kind = cast("type[Any]", type(value))
    if kind is memoryview:
        return memoryview(value.tobytes())
    if kind is list or kind is set or kind is dict:
        own = value.copy()  # first: another thread may go on changing the value
        if _ATOMS.issuperset(map(type, own)) and (
            kind is not dict or _ATOMS.issuperset(map(type, own.values()))
        ):
            return own
    return copy.deepcopy(value)
