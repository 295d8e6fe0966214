"""What a collector was sent, as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

# Any in this module: OpenTelemetry's messages, which have no types, and the values of
# attributes, which are of any type of OTLP's AnyValue.

AttributeValues = Mapping[str, Any]

_KINDS: Final = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUSES: Final = ("unset", "ok", "error")
_TEMPORALITIES: Final = (None, "delta", "cumulative")
_DATA: Final = ("gauge", "sum", "histogram", "exponential_histogram", "summary")


class _Told(msgspec.Struct, frozen=True, kw_only=True):
    """Who sent it.

    Args:
        resource: Attributes of its resource.
        scope: Name of its instrumentation scope.
        scope_version: Version of that.
    """

    resource: AttributeValues
    scope: str
    scope_version: str


class OtlpLog(_Told, frozen=True, kw_only=True):
    """A log record.

    Args:
        name: The event's name; empty for a log record that is no event.
        body: What it says, or ``None``.
        severity_text: As the sender calls it.
        severity_number: 1 to 24, or 0.
        time_unix_nano: When it happened, or 0.
        observed_time_unix_nano: When it was seen, or 0.
        attributes: By name.
        dropped_attributes_count: How many are missing.
        trace_id: In hexadecimal digits, or empty.
        span_id: In hexadecimal digits, or empty.
        flags: W3C trace flags.
    """

    name: str
    body: Any
    severity_text: str
    severity_number: int
    time_unix_nano: int
    observed_time_unix_nano: int
    attributes: AttributeValues
    dropped_attributes_count: int
    trace_id: str
    span_id: str
    flags: int


class OtlpSpanEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event within a span."""

    name: str
    time_unix_nano: int
    attributes: AttributeValues


class OtlpLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link from a span to another one; the ids are hexadecimal digits."""

    trace_id: str
    span_id: str
    attributes: AttributeValues


class OtlpSpan(_Told, frozen=True, kw_only=True):
    """A span.

    Args:
        name: Of the span.
        kind: ``"internal"``, ``"server"``, ``"client"``, ``"producer"``,
            ``"consumer"`` or ``"unspecified"``.
        trace_id: In hexadecimal digits.
        span_id: In hexadecimal digits.
        parent_span_id: In hexadecimal digits, or empty.
        tracestate: As in the W3C header.
        start_time_unix_nano: When it began.
        end_time_unix_nano: When it ended.
        status: ``"unset"``, ``"ok"`` or ``"error"``.
        status_message: What is said of it.
        attributes: By name.
        events: In their order.
        links: In their order.
    """

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_span_id: str
    tracestate: str
    start_time_unix_nano: int
    end_time_unix_nano: int
    status: str
    status_message: str
    attributes: AttributeValues
    events: tuple[OtlpSpanEvent, ...]
    links: tuple[OtlpLink, ...]


class OtlpPoint(msgspec.Struct, frozen=True, kw_only=True):
    """A point of a metric.

    Args:
        attributes: By name.
        start_time_unix_nano: From when on it counts.
        time_unix_nano: Until when.
        value: Of a gauge or a sum; else ``None``.
        count: How many values a histogram or summary has; else ``None``.
        sum: What they add up to.
        min: The least of them, where told.
        max: The greatest of them, where told.
        bounds: Between the buckets of a histogram.
        bucket_counts: One more than *bounds*.
        exemplars: How many are with it.
    """

    attributes: AttributeValues
    start_time_unix_nano: int
    time_unix_nano: int
    value: int | float | None = None
    count: int | None = None
    sum: float | None = None
    min: float | None = None
    max: float | None = None
    bounds: tuple[float, ...] = ()
    bucket_counts: tuple[int, ...] = ()
    exemplars: int = 0


class OtlpMetric(_Told, frozen=True, kw_only=True):
    """A metric, as one request has it.

    Args:
        name: Of the metric.
        unit: As in ``"s"`` or ``"{event}"``.
        description: In words.
        kind: ``"sum"``, ``"gauge"``, ``"histogram"``, ``"exponential_histogram"`` or
            ``"summary"``.
        temporality: ``"delta"`` or ``"cumulative"``, or ``None`` where it has none.
        is_monotonic: Whether a sum only grows.
        points: In their order.
    """

    name: str
    unit: str
    description: str
    kind: str
    temporality: str | None
    is_monotonic: bool
    points: tuple[OtlpPoint, ...]


def logs_of(request: Any) -> Iterator[OtlpLog]:
    """Yield the log records of an ``ExportLogsServiceRequest``."""
    for group in request.resource_logs:
        for told, scope in _scopes(group, group.scope_logs):
            for one in scope.log_records:
                yield _log(one, told)


def _log(one: Any, told: Mapping[str, Any]) -> OtlpLog:
    return OtlpLog(
        name=one.event_name,
        body=_value(one.body),
        severity_text=one.severity_text,
        severity_number=one.severity_number,
        time_unix_nano=one.time_unix_nano,
        observed_time_unix_nano=one.observed_time_unix_nano,
        attributes=_attributes(one.attributes),
        dropped_attributes_count=one.dropped_attributes_count,
        trace_id=one.trace_id.hex(),
        span_id=one.span_id.hex(),
        flags=one.flags,
        **told,
    )


def spans_of(request: Any) -> Iterator[OtlpSpan]:
    """Yield the spans of an ``ExportTraceServiceRequest``."""
    for group in request.resource_spans:
        for told, scope in _scopes(group, group.scope_spans):
            for one in scope.spans:
                yield _span(one, told)


def _span(one: Any, told: Mapping[str, Any]) -> OtlpSpan:
    return OtlpSpan(
        name=one.name,
        kind=_named(_KINDS, one.kind),
        trace_id=one.trace_id.hex(),
        span_id=one.span_id.hex(),
        parent_span_id=one.parent_span_id.hex(),
        tracestate=one.trace_state,
        start_time_unix_nano=one.start_time_unix_nano,
        end_time_unix_nano=one.end_time_unix_nano,
        status=_named(_STATUSES, one.status.code),
        status_message=one.status.message,
        attributes=_attributes(one.attributes),
        events=tuple(
            OtlpSpanEvent(
                name=event.name,
                time_unix_nano=event.time_unix_nano,
                attributes=_attributes(event.attributes),
            )
            for event in one.events
        ),
        links=tuple(
            OtlpLink(
                trace_id=link.trace_id.hex(),
                span_id=link.span_id.hex(),
                attributes=_attributes(link.attributes),
            )
            for link in one.links
        ),
        **told,
    )


def metrics_of(request: Any) -> Iterator[OtlpMetric]:
    """Yield the metrics of an ``ExportMetricsServiceRequest``."""
    for group in request.resource_metrics:
        for told, scope in _scopes(group, group.scope_metrics):
            for one in scope.metrics:
                yield _metric(one, told)


def _metric(one: Any, told: Mapping[str, Any]) -> OtlpMetric:
    kind = one.WhichOneof("data")
    data = getattr(one, kind or _DATA[0])
    return OtlpMetric(
        name=one.name,
        unit=one.unit,
        description=one.description,
        kind=kind or "",
        temporality=_TEMPORALITIES[getattr(data, "aggregation_temporality", 0)],
        is_monotonic=getattr(data, "is_monotonic", False),
        points=tuple(map(_point, data.data_points)),
        **told,
    )


def _point(one: Any) -> OtlpPoint:
    fields = {field.name for field in one.DESCRIPTOR.fields}
    numbers: dict[str, Any] = {}
    if "as_int" in fields:
        kind = one.WhichOneof("value")
        numbers["value"] = getattr(one, kind) if kind else None
    else:
        numbers["count"] = one.count
        told = (name for name in ("sum", "min", "max") if _is_told(one, name))
        numbers |= {name: getattr(one, name) for name in told}
    if "explicit_bounds" in fields:
        numbers["bounds"] = tuple(one.explicit_bounds)
        numbers["bucket_counts"] = tuple(one.bucket_counts)
    return OtlpPoint(
        attributes=_attributes(one.attributes),
        start_time_unix_nano=one.start_time_unix_nano,
        time_unix_nano=one.time_unix_nano,
        exemplars=len(getattr(one, "exemplars", ())),
        **numbers,
    )


def _is_told(one: Any, name: str) -> bool:
    field = one.DESCRIPTOR.fields_by_name.get(name)
    if field is None:
        return False
    return not field.has_presence or bool(one.HasField(name))


def _scopes(group: Any, scopes: Iterable[Any]) -> Iterator[tuple[dict[str, Any], Any]]:
    resource = _attributes(group.resource.attributes)
    for scope in scopes:
        told = {
            "resource": resource,
            "scope": scope.scope.name,
            "scope_version": scope.scope.version,
        }
        yield told, scope


def _attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in pairs:
        if pair.key in found:  # which OTLP forbids, and a mapping would hide
            raise ValueError(f"attributes have {pair.key!r} twice")
        found[pair.key] = _value(pair.value)
    return found


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    found = getattr(value, kind)
    if kind == "array_value":
        return [_value(one) for one in found.values]
    if kind == "kvlist_value":
        return _attributes(found.values)
    return found


def _named(names: tuple[str, ...], number: int) -> str:
    return names[number] if number < len(names) else str(number)
