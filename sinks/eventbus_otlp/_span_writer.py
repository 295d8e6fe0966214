"""What a form of OTLP has to know of spans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from eventbus.trace_context import TraceContext
from eventbus_otlp._plain_value import Plain
from eventbus_otlp._writer import RecordWriter

INTERNAL: Final = 1  # SPAN_KIND_INTERNAL
UNSET: Final = 0  # STATUS_CODE_UNSET
OK: Final = 1  # STATUS_CODE_OK
ERROR: Final = 2  # STATUS_CODE_ERROR
EXCEPTION: Final = "exception"
# https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-spans/


class SpanHead(NamedTuple):
    """What a span has before its attributes.

    Args:
        trace_id: A valid id.
        span_id: A valid id.
        parent_span_id: A valid id; empty for the first span of its trace.
        flags: W3C trace flags.
        tracestate: W3C tracestate; empty is none.
        name: Its name.
        start: When it began, in nanoseconds since 1970.
        end: When it ended.
    """

    trace_id: str
    span_id: str
    parent_span_id: str
    flags: int
    tracestate: str
    name: str
    start: int
    end: int


class SpanWriter(RecordWriter, Protocol):
    """Writes spans."""

    def head(self, head: SpanHead) -> bytes:
        """Write what stands before the attributes.

        Raises:
            Exception: Something of it has no form.
        """
        ...

    def exception(self, time: int, attributes: Mapping[str, Plain]) -> bytes:
        """Write the event that says that an exception was raised."""
        ...

    def links(self, links: Sequence[TraceContext], dropped: int) -> bytes:
        """Write links, and how many more there are that have no form."""
        ...

    def status(self, code: int, message: str) -> bytes:
        """Write the status; nothing for ``UNSET``."""
        ...
