"""What of a record of ``logging`` its event says."""

from __future__ import annotations

import logging
import traceback
from typing import Any, Final

from eventbus_local._bridge import CutText, told
from eventbus_local._log_event import LogEvent, severity_of

FROM_BUS: Final = "_eventbus_event"
TAKEN_BY: Final = "_eventbus_taken_by"
_STANDARD: Final = frozenset(
    {
        *logging.makeLogRecord({}).__dict__,
        *("message", "asctime", "taskName", "color_message", FROM_BUS, TAKEN_BY),
    }
)


def event_of(record: logging.LogRecord, *, max_chars: int) -> LogEvent:
    """Return *record* as an event; of longer texts the rest is left out and counted."""
    text = CutText(max_chars)
    message = text.cut(_message(record))
    exception = exception_fields(exception_of(record.exc_info), text)
    if not exception and record.exc_text:
        exception = {"exception_stacktrace": text.cut(record.exc_text)}
    return LogEvent(
        message=message,
        logger=record.name,
        level=record.levelname,
        severity=severity_of(record.levelno),
        file=record.pathname or None,
        line=record.lineno or None,
        function=record.funcName,
        thread_id=record.thread,
        thread_name=record.threadName,
        stack=text.cut(record.stack_info) if record.stack_info else None,
        truncated_chars=text.cut_chars or None,
        **exception,
    )


def extra_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return what the caller added with ``extra=``. Any: values of any type."""
    return {k: v for k, v in record.__dict__.items() if k not in _STANDARD}


def exception_of(info: object) -> BaseException | None:
    """Return the exception that *info* is or holds, as ``sys.exc_info()`` does."""
    found: Any = info
    if type(info) is tuple and len(found) == 3:
        found = found[1]
    return found if isinstance(found, BaseException) else None


def exception_fields(error: BaseException | None, text: CutText) -> dict[str, Any]:
    """Return the fields of a :class:`LogEvent` that describe *error*."""
    if error is None:
        return {}
    kind = type(error)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return {
        "exception_type": f"{module}{kind.__qualname__}",
        "exception_message": text.cut(told(error)),
        "exception_stacktrace": text.cut("".join(traceback.format_exception(error))),
    }


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - arguments do not fit, or have no text
        return f"{told(record.msg)} {told(record.args)}"
