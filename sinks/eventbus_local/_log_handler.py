"""Which lines of ``logging`` become events, and how often: once."""

from __future__ import annotations

import logging

from eventbus_local._bridge import MAX_TEXT_CHARS, Bridge, Emitter, told
from eventbus_local._log_record import FROM_BUS, TAKEN_BY, event_of, extra_of


class LoggingHandler(logging.Handler):
    """Emits a :class:`LogEvent` for each line; for ``logging.config.dictConfig`` too.

    Never waits and never raises; a line that cannot be made an event goes to
    :meth:`logging.Handler.handleError`. Left out are the bus's own lines (the logger
    ``eventbus`` and those below it), lines that :class:`LoggingSink` made of events,
    lines that a sink writes while it delivers (:func:`eventbus.in_sink`), and lines
    written while this handler emits. A line that reaches several handlers
    of one bus is emitted once. Values given as ``extra=`` become attributes.

    Args:
        bus: Who takes the events: anything with ``emit``; ``None`` is the bus of
            :func:`eventbus.use`, if there is one.
        level: The least level, as in :class:`logging.Handler`.
        max_chars: Longest message or stack trace; of a longer one the rest is left
            out, noted in the text and counted in ``truncated_chars``.
    """

    def __init__(
        self,
        bus: Emitter | None = None,
        level: int | str = logging.NOTSET,
        *,
        max_chars: int = MAX_TEXT_CHARS,
    ) -> None:
        """Take lines from *level* on."""
        super().__init__(level)
        self._bridge = Bridge(bus)
        self._key = 0 if bus is None else id(bus)
        self._max_chars = max_chars

    def emit(self, record: logging.LogRecord) -> None:
        """See :meth:`logging.Handler.emit`."""
        try:
            if self._takes(record):
                event = event_of(record, max_chars=self._max_chars)
                self._bridge.emit(event, extra_of(record))
        except Exception:  # noqa: BLE001 - logging must not hurt its caller
            self.handleError(record)

    def _takes(self, record: logging.LogRecord) -> bool:
        if getattr(record, FROM_BUS, False):
            return False
        if not self._bridge.is_open(told(record.name)):
            return False
        taken: set[int] = record.__dict__.setdefault(TAKEN_BY, set())
        if self._key in taken:
            return False
        taken.add(self._key)
        return True
