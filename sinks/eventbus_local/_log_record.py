"""What of a record of ``logging`` its event says."""

from __future__ import annotations

import logging
import traceback
from typing import Any, Final

from eventbus import Severity
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
    """Return *record* as an event; of longer texts the rest is left out and counted.

    A foreign value where ``logging`` has a text becomes its text; where it has a
    number, it is left out, and a level that is none counts as ``INFO``.
    """
    text = CutText(max_chars)
    message = text.cut(_message(record))
    exception = exception_fields(exception_of(record.exc_info), text)
    if not exception and record.exc_text:
        exception = {"exception_stacktrace": text.cut(told(record.exc_text))}
    return LogEvent(
        message=message,
        logger=told(record.name),
        level=told(record.levelname),
        severity=_severity(record.levelno),
        file=_text(record.pathname or None),
        line=_number(record.lineno) or None,
        function=_text(record.funcName),
        thread_id=_number(record.thread),
        thread_name=_text(record.threadName),
        stack=text.cut(told(record.stack_info)) if record.stack_info else None,
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


def _text(value: object) -> str | None:
    return None if value is None else told(value)


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, int) else None


def _severity(level: object) -> Severity:
    return severity_of(level if isinstance(level, int | float) else logging.INFO)


def _message(record: logging.LogRecord) -> str:
    try:
        return told(record.getMessage())
    except Exception:  # noqa: BLE001 - arguments do not fit, or have no text
        return f"{told(record.msg)} {told(record.args)}"
