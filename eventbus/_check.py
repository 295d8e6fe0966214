"""Whether the values of an event are of the types its class says.

msgspec checks what it decodes, not what a program constructs.
"""

from __future__ import annotations

import datetime
import decimal
import uuid
from typing import Any, Final

import msgspec

from eventbus._event import Event

_MAX_SHAPES: Final = 64  # combinations of value types; beyond them each is checked

_values: Final = msgspec.structs.astuple

_KEPT_TYPES: Final = (
    bytes,
    bytearray,
    datetime.datetime,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    decimal.Decimal,
    uuid.UUID,
)


class FieldCheck:
    """Checks events of one type; combinations of value types are checked once."""

    __slots__ = ("_event_type", "_good")

    def __init__(self, event_type: type[Event]) -> None:
        """Start knowing no combination."""
        self._event_type = event_type
        self._good: set[tuple[type, ...]] = set()

    def error(self, event: Event) -> str | None:
        """Return what is wrong with *event* and where, or ``None``."""
        shape = tuple(map(type, _values(event)))
        if shape in self._good:
            return None
        error = self.full_error(event)
        if error is None and len(self._good) < _MAX_SHAPES:
            self._good.add(shape)
        return error

    def full_error(self, event: Event) -> str | None:
        """Check every value of *event*, the insides of containers included."""
        try:
            plain: Any = msgspec.to_builtins(event, builtin_types=_KEPT_TYPES)
            msgspec.convert(plain, self._event_type, builtin_types=_KEPT_TYPES)
        except Exception as error:  # noqa: BLE001 - values may raise whatever they like
            return str(error) or type(error).__name__
        return None
