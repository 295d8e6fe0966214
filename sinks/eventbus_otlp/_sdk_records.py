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
    set_span_in_context,
)

# Any in this module: values of OTLP's JSON, and what the SDK takes for them.

_Object = Mapping[str, Any]


def log_records(request: bytes) -> list[ReadableLogRecord]:
    """Return what is in *request*, an ``ExportLogsServiceRequest`` of ours in JSON."""
    return list(_records(msgspec.json.decode(request)))


def _records(request: _Object) -> Iterator[ReadableLogRecord]:
    for of_resource in request["resourceLogs"]:
        resource = Resource(_attributes(of_resource.get("resource", {})))
        for of_scope in of_resource["scopeLogs"]:
            scope = _scope(of_scope.get("scope", {}), of_scope.get("schemaUrl"))
            for record in of_scope["logRecords"]:
                yield ReadableLogRecord(_record(record), resource, scope)


def _scope(scope: _Object, schema_url: str | None) -> InstrumentationScope:
    return InstrumentationScope(scope.get("name", ""), scope.get("version"), schema_url)


def _record(record: _Object) -> LogRecord:
    return LogRecord(
        timestamp=int(record.get("timeUnixNano", 0)),
        observed_timestamp=int(record.get("observedTimeUnixNano", 0)),
        context=_context(record),
        severity_text=record.get("severityText"),
        severity_number=SeverityNumber(record.get("severityNumber", 0)),
        body=_value(record["body"]) if "body" in record else None,
        attributes=_bounded(record),
        event_name=record.get("eventName"),
    )


def _context(record: _Object) -> Context:
    context = Context()
    if "traceId" not in record:
        return context
    span = SpanContext(
        int(record["traceId"], 16),
        int(record.get("spanId", "0"), 16),
        is_remote=False,
        trace_flags=TraceFlags(record.get("flags", 0)),
    )
    return set_span_in_context(NonRecordingSpan(span), context)


def _bounded(record: _Object) -> Any:
    """Return attributes that know how many were left out."""
    attributes = _attributes(record)
    dropped = record.get("droppedAttributesCount", 0)
    if not dropped:
        return attributes
    # Older versions drop structured values without being asked not to.
    bounded = BoundedAttributes(  # pyright: ignore[reportDeprecated]
        attributes=attributes, immutable=False, extended_attributes=True
    )
    bounded.dropped = dropped
    return bounded


def _attributes(holder: _Object) -> dict[str, Any]:
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
