"""How an event with mutable fields is kept from what others do to it."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any, TypeVar

from eventbus._event import Event, with_values

E = TypeVar("E", bound=Event)


def own_copy(event: E, fields: Iterable[str]) -> E:
    """Return *event* with copies, at any depth, of what is in *fields*.

    Raises:
        Exception: A value brings a ``__deepcopy__`` that fails, or cannot be copied.
    """
    return with_values(event, {name: _copied(getattr(event, name)) for name in fields})


def _copied(value: Any) -> Any:
    # Any: fields hold values of every type.
    if type(value) is memoryview:
        return memoryview(value.tobytes())
    return copy.deepcopy(value)
