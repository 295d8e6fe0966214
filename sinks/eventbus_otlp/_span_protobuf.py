"""How spans are written in protobuf.

https://github.com/open-telemetry/opentelemetry-proto, ``trace/v1/trace.proto``
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eventbus.trace_context import TraceContext
from eventbus_otlp._encode_protobuf import ProtobufRecords
from eventbus_otlp._plain_value import Plain
from eventbus_otlp._scope import Scope
from eventbus_otlp._span_writer import EXCEPTION, INTERNAL, SpanHead
from eventbus_otlp._value import key_values
from eventbus_otlp._wire import delimited, fixed32_field, fixed64_field, varint_field
from eventbus_otlp._wire import text_field as text


class ProtobufSpans(ProtobufRecords):
    """Writes spans. See :class:`SpanWriter`."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope, attributes=9, dropped_attributes=10)

    def head(self, head: SpanHead) -> bytes:
        """See :class:`SpanWriter`."""
        parent = head.parent_span_id
        return b"".join(
            (
                delimited(1, bytes.fromhex(head.trace_id)),
                delimited(2, bytes.fromhex(head.span_id)),
                text(3, head.tracestate),
                delimited(4, bytes.fromhex(parent)) if parent else b"",
                fixed32_field(16, head.flags),
                text(5, head.name),
                varint_field(6, INTERNAL),
                fixed64_field(7, head.start),
                fixed64_field(8, head.end),
            )
        )

    def exception(self, time: int, attributes: Mapping[str, Plain]) -> bytes:
        """See :class:`SpanWriter`."""
        content = fixed64_field(1, time) + text(2, EXCEPTION)
        return delimited(11, content + key_values(attributes, 3))

    def links(self, links: Sequence[TraceContext], dropped: int) -> bytes:
        """See :class:`SpanWriter`."""
        written = [delimited(13, _link(link)) for link in links]
        return b"".join((*written, varint_field(14, dropped)))

    def status(self, code: int, message: str) -> bytes:
        """See :class:`SpanWriter`."""
        return delimited(15, text(2, message) + varint_field(3, code)) if code else b""


def _link(link: TraceContext) -> bytes:
    return b"".join(
        (
            delimited(1, bytes.fromhex(link.trace_id)),
            delimited(2, bytes.fromhex(link.span_id)),
            text(3, link.tracestate or ""),
            fixed32_field(6, link.trace_flags),
        )
    )
