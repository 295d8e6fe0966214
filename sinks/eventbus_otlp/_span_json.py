"""How spans are written in JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eventbus.trace_context import TraceContext
from eventbus_otlp._encode_json import JsonRecords
from eventbus_otlp._json_value import key_values, to_json
from eventbus_otlp._plain_value import Plain
from eventbus_otlp._scope import Scope
from eventbus_otlp._span_writer import EXCEPTION, INTERNAL, SpanHead

# Any in this module: what msgspec writes.


class JsonSpans(JsonRecords):
    """Writes spans. See :class:`SpanWriter`."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(
            scope,
            resource_list="resourceSpans",
            scope_list="scopeSpans",
            record_list="spans",
        )

    def head(self, head: SpanHead) -> bytes:
        """See :class:`SpanWriter`."""
        said = {
            "traceId": head.trace_id,
            "spanId": head.span_id,
            "traceState": head.tracestate,
            "parentSpanId": head.parent_span_id,
            "flags": head.flags,
            "name": head.name,
            "kind": INTERNAL,
            "startTimeUnixNano": str(head.start),
            "endTimeUnixNano": str(head.end),
        }
        return to_json(_present(said))[1:-1]

    def exception(self, time: int, attributes: Mapping[str, Plain]) -> bytes:
        """See :class:`SpanWriter`."""
        said: dict[str, Any] = {"timeUnixNano": str(time), "name": EXCEPTION}
        said["attributes"] = key_values(attributes)
        return b',"events":' + to_json([said])

    def links(self, links: Sequence[TraceContext], dropped: int) -> bytes:
        """See :class:`SpanWriter`."""
        said = {"links": list(map(_link, links)), "droppedLinksCount": dropped}
        present = _present(said)
        return b"," + to_json(present)[1:-1] if present else b""

    def status(self, code: int, message: str) -> bytes:
        """See :class:`SpanWriter`."""
        said = _present({"message": message, "code": code})
        return b',"status":' + to_json(said) if code else b""


def _link(link: TraceContext) -> dict[str, Any]:
    return _present(
        {
            "traceId": link.trace_id,
            "spanId": link.span_id,
            "traceState": link.tracestate,
            "flags": link.trace_flags,
        }
    )


def _present(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value}
