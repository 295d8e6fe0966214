"""What both forms of a request say, as the official classes read them."""

from __future__ import annotations

from typing import Any, Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)

from eventbus import Record
from eventbus_otlp._encode import LogsEncoder
from eventbus_otlp._encode_spans import SpansEncoder
from eventbus_otlp._encoded import Encoded
from tests.otlp._official import from_json, same

FORMS: Final[Any] = ("protobuf", "json")


def both(batch: list[Record[Any]], **options: Any) -> tuple[Any, Encoded]:
    """Return *batch* as a request of logs, the same from both forms."""
    return _both(batch, LogsEncoder, ExportLogsServiceRequest, **options)


def both_of_spans(batch: list[Record[Any]], **options: Any) -> tuple[Any, Encoded]:
    """Return *batch* as a request of spans, the same from both forms."""
    return _both(batch, SpansEncoder, ExportTraceServiceRequest, **options)


def _both(
    batch: list[Record[Any]],
    encoder: Any,
    request: Any,
    *,
    resource: Any = None,
    **options: Any,
) -> tuple[Any, Encoded]:
    protobuf, text = (
        encoder(form, resource=resource or {}, **options).encode(batch)
        for form in FORMS
    )
    assert protobuf[1:] == text[1:]
    read = request.FromString(protobuf.body)
    assert same(from_json(text.body or b"{}", request), read)
    return read, protobuf


def logs(batch: list[Record[Any]], **options: Any) -> list[Any]:
    """Return all log records of *batch*, in the order of the request."""
    read, _ = both(batch, **options)
    groups = [group for one in read.resource_logs for group in one.scope_logs]
    return [log for group in groups for log in group.log_records]


def spans(*batch: Record[Any], **options: Any) -> list[Any]:
    """Return all spans of *batch*, in the order of the request."""
    read, _ = both_of_spans(list(batch), **options)
    groups = [group for one in read.resource_spans for group in one.scope_spans]
    return [span for group in groups for span in group.spans]


def attributes(owner: Any) -> dict[str, Any]:
    """Return the attributes of a record, a span, an event or a resource by name."""
    found = {}
    for one in owner.attributes:
        kind = one.value.WhichOneof("value")
        found[one.key] = kind and getattr(one.value, kind)
    assert len(found) == len(owner.attributes)
    return found
