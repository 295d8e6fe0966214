"""What a line of ``logging`` is as an event, and how levels and severities map."""

from __future__ import annotations

import logging
from typing import Annotated, Final

from eventbus import Attribute, Catalog, Event, Label, Severity

_SEVERITIES: Final[tuple[tuple[int, Severity], ...]] = (
    (logging.CRITICAL, "fatal"),
    (logging.ERROR, "error"),
    (logging.WARNING, "warn"),
    (logging.INFO, "info"),
    (logging.DEBUG, "debug"),
)

LEVEL_OF: Final[dict[str, int]] = {
    "trace": logging.DEBUG // 2,
    **{severity: level for level, severity in _SEVERITIES},
}


def severity_of(level: float) -> Severity:
    """Return the severity of a numeric level, as ``logging`` counts them."""
    for least, severity in _SEVERITIES:
        if level >= least:
            return severity
    return "trace"


class LogEvent(Event, tag="log.record"):
    """A line of ``logging`` or structlog.

    ``message`` is not ``Sensitive``: a program writes its log to be read, and every
    other handler shows the same text. Bind and log no secrets.
    """

    message: str
    logger: Annotated[str, Label, Attribute("log.logger")]
    level: Annotated[str, Label, Attribute("log.level")]
    severity: Severity = "info"
    truncated_chars: int | None = None
    file: Annotated[str | None, Attribute("code.file.path")] = None
    line: Annotated[int | None, Attribute("code.line.number")] = None
    function: Annotated[str | None, Attribute("code.function.name")] = None
    thread_id: Annotated[int | None, Attribute("thread.id")] = None
    thread_name: Annotated[str | None, Attribute("thread.name")] = None
    exception_type: Annotated[str | None, Attribute("exception.type")] = None
    exception_message: Annotated[str | None, Attribute("exception.message")] = None
    exception_stacktrace: Annotated[str | None, Attribute("exception.stacktrace")] = (
        None
    )
    stack: Annotated[str | None, Attribute("code.stacktrace")] = None


logging_catalog: Final = Catalog([LogEvent], name="logging")
