"""What of a structlog event dict its event says."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

from eventbus._clock import SystemClock
from eventbus._log import QuietLog
from eventbus_local._bridge import MAX_TEXT_CHARS, Bridge, CutText, Emitter, told
from eventbus_local._log_event import LogEvent, severity_of
from eventbus_local._log_record import exception_fields, exception_of

# Any in this module: an event dict holds values of any type.

_LEVELS: Final = {
    "critical": logging.CRITICAL,
    "fatal": logging.CRITICAL,
    "exception": logging.ERROR,
    "error": logging.ERROR,
    "warning": logging.WARNING,
    "warn": logging.WARNING,
    "debug": logging.DEBUG,
    "trace": logging.NOTSET,
}
_CALLSITE: Final = {
    "pathname": "file",
    "lineno": "line",
    "func_name": "function",
    "thread": "thread_id",
    "thread_name": "thread_name",
    "stack": "stack",
}
_USED: Final = frozenset(
    {"event", "logger", "level", "exc_info", "exception", "timestamp", *_CALLSITE}
)


class StructlogProcessor:
    """A structlog processor that emits a :class:`LogEvent` and passes its input on.

    It stands after the processors that add context and before the renderer; where
    structlog goes on to ``logging`` and that has a :class:`LoggingHandler`, one of
    the two is enough. Never waits, never raises, never changes the event dict.

    Args:
        bus: As for :class:`LoggingHandler`.
        max_chars: As for :class:`LoggingHandler`.
    """

    def __init__(
        self, bus: Emitter | None = None, *, max_chars: int = MAX_TEXT_CHARS
    ) -> None:
        """Look the bus's emitter up once."""
        self._bridge = Bridge(bus)
        self._max_chars = max_chars
        self._log = QuietLog(SystemClock())

    def __call__(
        self, logger: Any, method_name: str, event_dict: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Emit what *event_dict* says, and return it as it is."""
        name = told(event_dict.get("logger") or getattr(logger, "name", None) or "")
        if self._bridge.is_open(name):
            try:
                event = _event_of(event_dict, name, method_name, self._max_chars)
                extra = {k: v for k, v in event_dict.items() if k not in _USED}
                self._bridge.emit(event, extra)
            except Exception as error:  # noqa: BLE001 - logging must not hurt its caller
                kind = type(error).__name__
                self._log.warning("structlog", "a line became no event: %s", kind)
        return event_dict


def _event_of(
    event_dict: Mapping[str, Any], logger: str, method_name: str, max_chars: int
) -> LogEvent:
    text = CutText(max_chars)
    message = text.cut(told(event_dict.get("event", "")))
    level = told(event_dict.get("level") or method_name).lower()
    fields: dict[str, Any] = {
        field: _fitting(field, event_dict[key])
        for key, field in _CALLSITE.items()
        if key in event_dict
    }
    exception: dict[str, Any] = exception_fields(_exception(event_dict), text)
    if not exception and "exception" in event_dict:
        exception = {"exception_stacktrace": text.cut(told(event_dict["exception"]))}
    return LogEvent(
        message=message,
        logger=logger,
        level=level.upper(),
        severity=severity_of(_LEVELS.get(level, logging.INFO)),
        truncated_chars=text.cut_chars or None,
        **fields,
        **exception,
    )


def _fitting(field: str, value: object) -> Any:
    if field in ("line", "thread_id"):
        return value if type(value) is int else None
    return told(value)


def _exception(event_dict: Mapping[str, Any]) -> BaseException | None:
    info = event_dict.get("exc_info")
    return exception_of(sys.exc_info() if info is True else info)
