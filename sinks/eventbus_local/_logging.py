"""What becomes of an event that goes out through the program's ``logging``."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, ClassVar

import anyio.to_thread

from eventbus import Outcome
from eventbus._record import AnyRecord
from eventbus._severity import SEVERITY_NUMBER, Severity
from eventbus_local._event_line import ShownFields, event_line
from eventbus_local._log_event import LEVEL_OF, LogEvent
from eventbus_local._log_record import FROM_BUS
from eventbus_local._settings import LoggingSettings


class LoggingSink:
    """Logs each event as ``[agent] tool_result tool_name="shell" duration_ms=12.5``.

    The text is made only when the logger is enabled for the level. Handlers run in a
    worker thread. A log record carries ``event_name``, ``event_id``, ``event_fields``
    (a mapping; bound attributes included), ``trace_id`` and ``span_id``. A
    :class:`LogEvent` is not logged again: it came from there.

    Args:
        settings: See :class:`LoggingSettings`.
    """

    Settings: ClassVar = LoggingSettings
    ordered: ClassVar = True

    def __init__(self, settings: LoggingSettings | None = None) -> None:
        """Touch no logger yet."""
        self._settings = settings or LoggingSettings()
        self._fields = ShownFields()

    async def start(self) -> None:
        """See :class:`eventbus.Sink`."""

    async def write(self, batch: Sequence[AnyRecord]) -> Outcome | None:
        """See :class:`eventbus.Sink`; a handler that raises rejects its record."""
        return await anyio.to_thread.run_sync(
            self._log_all, batch, abandon_on_cancel=True
        )

    async def aclose(self) -> None:
        """See :class:`eventbus.Sink`; the handlers are the program's."""

    def _log_all(self, batch: Sequence[AnyRecord]) -> Outcome | None:
        logger = logging.getLogger(self._settings.logger)
        rejected: list[tuple[int, str]] = []
        for index, record in enumerate(batch):
            try:
                self._log(logger, record)
            except Exception as error:  # noqa: BLE001 - handlers are foreign code
                rejected.append((index, f"a handler raised {type(error).__name__}"))
        return Outcome(rejected=rejected) if rejected else None

    def _log(self, logger: logging.Logger, record: AnyRecord) -> None:
        level = LEVEL_OF[self._severity(record)]
        if isinstance(record.event, LogEvent) or not logger.isEnabledFor(level):
            return
        message = event_line(record, self._fields)
        line = logging.LogRecord(
            logger.name, level, "(eventbus)", 0, message, (), None, record.name
        )
        if record.time_unix_nano:
            line.created = record.time_unix_nano / 1e9
            line.msecs = float(record.time_unix_nano // 1_000_000 % 1000)
        line.__dict__.update(self._extra(record))
        logger.handle(line)

    def _severity(self, record: AnyRecord) -> Severity:
        severity: Severity = record.severity or "info"
        routine = self._settings.routine_level
        is_error = SEVERITY_NUMBER[severity] >= SEVERITY_NUMBER["error"]
        return severity if routine is None or is_error else routine

    def _extra(self, record: AnyRecord) -> dict[str, Any]:
        # Any: the fields of an event hold values of any type.
        own = {field.name: value for field, value in self._fields.of(record)}
        return {
            FROM_BUS: True,
            "event_name": record.name,
            "event_id": record.id,
            "event_fields": {**record.attributes, **own},
            "trace_id": record.trace_id,
            "span_id": record.span_id,
        }
