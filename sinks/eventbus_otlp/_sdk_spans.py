"""Our spans as objects of OpenTelemetry's SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, SpanKind
from opentelemetry.trace.status import Status, StatusCode

from eventbus_otlp._sdk_records import (
    attributes_of,
    bounded_attributes_of,
    parts_of,
    span_context_of,
)

_Object = Mapping[str, Any]  # Any: values of OTLP's JSON


def spans(request: bytes) -> list[ReadableSpan]:
    """Return what is in *request*, an ``ExportTraceServiceRequest`` of ours in JSON."""
    return [
        ReadableSpan(
            span["name"],
            context=span_context_of(span),
            parent=_parent(span),
            resource=resource,
            attributes=bounded_attributes_of(span),
            events=[_event(event) for event in span.get("events", ())],
            links=[_link(link) for link in span.get("links", ())],
            kind=SpanKind(span["kind"] - 1),  # which the SDK counts from 0
            status=_status(span.get("status", {})),
            start_time=int(span["startTimeUnixNano"]),
            end_time=int(span["endTimeUnixNano"]),
            instrumentation_scope=scope,
        )
        for resource, scope, span in parts_of(request, "Spans", "spans")
    ]


def _parent(span: _Object) -> Any:
    if "parentSpanId" not in span:
        return None
    return span_context_of(span, span_id="parentSpanId")


def _event(event: _Object) -> Event:
    return Event(
        event["name"], attributes_of(event), timestamp=int(event["timeUnixNano"])
    )


def _link(link: _Object) -> Link:
    return Link(span_context_of(link), attributes_of(link))


def _status(status: _Object) -> Status:
    return Status(StatusCode(status.get("code", 0)), status.get("message"))
