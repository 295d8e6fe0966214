"""Our log records as objects of OpenTelemetry's SDK."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

# Any in this module: values of OTLP's JSON, and what the SDK takes for them.

_Object = Mapping[str, Any]


def log_records(request: bytes) -> list[ReadableLogRecord]:
    """Return what is in *request*, an ``ExportLogsServiceRequest`` of ours in JSON."""
    return [
        ReadableLogRecord(_record(record), resource, scope)
        for resource, scope, record in parts_of(request, "Logs", "logRecords")
    ]


def parts_of(
    request: bytes, kind: str, name: str
) -> Iterator[tuple[Resource, InstrumentationScope, _Object]]:
    """Yield what is in a *request* of a *kind*, each with where it comes from.

    Args:
        request: In JSON.
        kind: As in ``resourceLogs``.
        name: Of the lists in its scopes.
    """
    for of_resource in msgspec.json.decode(request)[f"resource{kind}"]:
        resource = Resource(attributes_of(of_resource.get("resource", {})))
        for of_scope in of_resource[f"scope{kind}"]:
            scope = _scope(of_scope.get("scope", {}), of_scope.get("schemaUrl"))
            for part in of_scope[name]:
                yield resource, scope, part


def _scope(scope: _Object, schema_url: str | None) -> InstrumentationScope:
    return InstrumentationScope(scope.get("name", ""), scope.get("version"), schema_url)


def _record(record: _Object) -> LogRecord:
    return LogRecord(
        timestamp=int(record.get("timeUnixNano", 0)),
        observed_timestamp=int(record.get("observedTimeUnixNano", 0)),
        context=_context_of(record),
        severity_text=record.get("severityText"),
        severity_number=SeverityNumber(record.get("severityNumber", 0)),
        body=_value(record["body"]) if "body" in record else None,
        attributes=bounded_attributes_of(record),
        event_name=record.get("eventName"),
    )


def _context_of(record: _Object) -> Context:
    context = Context()
    if "traceId" not in record:
        return context
    return set_span_in_context(NonRecordingSpan(span_context_of(record)), context)


def span_context_of(holder: _Object, *, span_id: str = "spanId") -> SpanContext:
    """Return the ids that *holder* names, that of the span under *span_id*."""
    return SpanContext(
        int(holder["traceId"], 16),
        int(holder.get(span_id, "0"), 16),
        is_remote=False,
        trace_flags=TraceFlags(holder.get("flags", 0) & 0xFF),
        trace_state=TraceState.from_header([holder.get("traceState", "")]),
    )


def bounded_attributes_of(record: _Object) -> Any:
    """Return the attributes of *record*, which know how many were left out."""
    attributes = attributes_of(record)
    dropped = record.get("droppedAttributesCount", 0)
    if not dropped:
        return attributes
    # Older versions drop structured values without being asked not to.
    bounded = BoundedAttributes(  # pyright: ignore[reportDeprecated]
        attributes=attributes, immutable=False, extended_attributes=True
    )
    bounded.dropped = dropped
    return bounded


def attributes_of(holder: _Object) -> dict[str, Any]:
    """Return the attributes of *holder*."""
    return {pair["key"]: _value(pair["value"]) for pair in holder.get("attributes", ())}


def _value(value: _Object) -> Any:
    for kind, content in value.items():
        return _READERS[kind](content)
    return None


def _array(content: _Object) -> list[Any]:
    return [_value(value) for value in content.get("values", ())]


def _table(content: _Object) -> dict[str, Any]:
    return {pair["key"]: _value(pair["value"]) for pair in content.get("values", ())}


_READERS: Final[Mapping[str, Any]] = {
    "stringValue": str,
    "boolValue": bool,
    "intValue": int,
    "doubleValue": float,  # NaN and the infinities are words
    "bytesValue": b64decode,
    "arrayValue": _array,
    "kvlistValue": _table,
}
