"""How a log line becomes an event without ever becoming one of itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import msgspec

import eventbus
from eventbus import AttributeValue, Event
from eventbus_local._event_line import shown_value
from eventbus_local._log_event import LogEvent
from eventbus_local._settings import OWN_LOGGER

MAX_TEXT_CHARS: Final = 65_536
_MAX_EXTRAS: Final = 128  # OpenTelemetry's default limit of attributes
_MAX_EXTRA_CHARS: Final = 4096
_FIELDS: Final = frozenset(LogEvent.__struct_fields__)
_SCALARS: Final = (str, bool, int, float)


class Emitter(Protocol):
    """What takes the events: a :class:`eventbus.Bus`, or anything that can emit."""

    def emit(self, event: Event) -> bool:
        """See :meth:`eventbus.Bus.emit`."""
        ...


class Bridge:
    """Emits log events, but none that emitting one gave rise to.

    Args:
        bus: Who takes them; ``None`` is the bus of :func:`eventbus.use`, if any.
    """

    def __init__(self, bus: Emitter | None) -> None:
        """Look the bus's emitter up once."""
        self._emit: Callable[[LogEvent], bool] = (
            eventbus.emitter(LogEvent) if bus is None else bus.emit
        )
        self._here = threading.local()

    def is_open(self, logger: str) -> bool:
        """Return whether a line of *logger* may pass.

        Lines of the bus about itself do not, nor do lines that a sink writes while it
        delivers, nor those that are written while this thread emits another.
        """
        own = logger == OWN_LOGGER or logger.startswith(f"{OWN_LOGGER}.")
        emits = getattr(self._here, "emits", False)
        return not (own or emits or eventbus.in_sink())

    def emit(self, event: LogEvent, extra: Mapping[str, Any]) -> None:
        """Emit *event* with *extra* bound to it."""
        self._here.emits = True
        try:
            if not extra:
                self._emit(event)
                return
            with eventbus.bind(_as_attributes(extra)):
                self._emit(event)
        finally:
            self._here.emits = False


class CutText(msgspec.Struct):
    """Cuts texts that are too long, and counts what it cut."""

    max_chars: int
    cut_chars: int = 0

    def cut(self, text: str) -> str:
        """Return *text*, or its beginning with a note of how much is missing."""
        left = len(text) - self.max_chars
        if left <= 0:
            return text
        self.cut_chars += left
        return f"{text[: self.max_chars]}… [{left} more characters]"


def _as_attributes(extra: Mapping[str, Any]) -> dict[str, AttributeValue]:
    """Return *extra* as attributes; a name that LogEvent has gets ``extra.`` before."""
    named = list(extra.items())[:_MAX_EXTRAS]
    return {
        f"extra.{name}" if name in _FIELDS else str(name): attribute_value(value)
        for name, value in named
        if value is not None
    }


def attribute_value(value: object) -> AttributeValue:
    """Return *value* as an attribute may be: itself, or its text."""
    kind = type(value)
    plain: Any = value
    if kind is str:
        return str(plain[:_MAX_EXTRA_CHARS])
    if kind in _SCALARS:
        scalar: bool | int | float = plain
        return scalar
    if kind in (list, tuple) and all(type(item) in _SCALARS for item in plain):
        return tuple(plain)
    return shown_value(value)[:_MAX_EXTRA_CHARS]


def told(value: object) -> str:
    """Return the text of *value*, whatever its class does when asked for it."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - the conversion is the value's own code
        return f"<{type(value).__name__} without text>"
