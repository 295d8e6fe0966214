"""How metrics are written in protobuf.

https://github.com/open-telemetry/opentelemetry-proto, ``metrics/v1/metrics.proto``; a
request has the shape of those with log records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from struct import pack
from typing import Final

from eventbus.metrics import Exemplar, HistogramPoint, MetricData, NumberPoint
from eventbus_otlp._encode_protobuf import ProtobufRecords
from eventbus_otlp._metrics_form import (
    MAX_COUNT,
    TEMPORALITIES,
    Point,
    as_integer,
    hex_ids,
)
from eventbus_otlp._plain_value import Plain
from eventbus_otlp._scope import Scope
from eventbus_otlp._value import key_values
from eventbus_otlp._wire import (
    FIXED64,
    Heads,
    delimited,
    double_field,
    fixed64_field,
    tag,
    text_field,
    varint_field,
)

_METRICS: Final = 2  # ScopeMetrics.metrics
_KINDS: Final = {"gauge": 5, "sum": 7, "histogram": 9}  # fields of Metric
_POINTS: Final = 1  # of Gauge, Sum and Histogram
_TEMPORALITY: Final = 2  # of Sum and Histogram
_MONOTONIC: Final = 3  # of Sum
_START, _TIME = 2, 3  # of both kinds of points
_NUMBER_ATTRIBUTES: Final = 7
_HISTOGRAM_ATTRIBUTES: Final = 9
_NUMBER_EXEMPLARS: Final = 5
_HISTOGRAM_EXEMPLARS: Final = 8
_AS_DOUBLE, _AS_INT = 4, 6  # of NumberDataPoint
_EXEMPLAR_AS_DOUBLE: Final = 3


class ProtobufMetrics(ProtobufRecords):
    """Writes metrics. See :class:`MetricWriter`."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope, attributes=_NUMBER_ATTRIBUTES, dropped_attributes=0)
        self._metric_heads = Heads(_METRICS)

    def labels(self, kind: str, table: Mapping[str, Plain]) -> bytes:
        """See :class:`MetricWriter`."""
        is_histogram = kind == "histogram"
        number = _HISTOGRAM_ATTRIBUTES if is_histogram else _NUMBER_ATTRIBUTES
        return key_values(table, number)

    def metric(
        self, data: MetricData, texts: Sequence[str], labels: Iterable[bytes]
    ) -> bytes:
        """See :class:`MetricWriter`."""
        points = b"".join(
            [
                delimited(_POINTS, _point(point, own))
                for point, own in zip(data.points, labels, strict=True)
            ]
        )
        if data.kind != "gauge":
            points += varint_field(_TEMPORALITY, TEMPORALITIES[data.temporality])
        if data.kind == "sum":
            points += varint_field(_MONOTONIC, data.monotonic)
        words = [text_field(number, text) for number, text in enumerate(texts, 1)]
        content = b"".join((*words, delimited(_KINDS[data.kind], points)))
        return self._metric_heads[len(content)] + content


def _point(point: Point, labels: bytes) -> bytes:
    times = fixed64_field(_START, point.start_unix_nano)
    times += fixed64_field(_TIME, point.time_unix_nano)
    if isinstance(point, NumberPoint):
        value = _number(point.value, _AS_DOUBLE)
        shown = _exemplars(point.exemplars, _NUMBER_EXEMPLARS)
        return times + value + shown + labels
    shown = _exemplars(point.exemplars, _HISTOGRAM_EXEMPLARS)
    return times + _distribution(point) + shown + labels


def _distribution(point: HistogramPoint) -> bytes:
    counts = [min(count, MAX_COUNT) for count in point.buckets]
    low, high = point.min, point.max
    return b"".join(
        (
            fixed64_field(4, min(point.count, MAX_COUNT)),
            double_field(5, point.sum),
            delimited(6, pack(f"<{len(counts)}Q", *counts)),
            delimited(7, pack(f"<{len(point.bounds)}d", *point.bounds)),
            b"" if low is None else double_field(11, low),
            b"" if high is None else double_field(12, high),
        )
    )


def _number(value: float, as_double: int) -> bytes:
    whole = as_integer(value)
    if whole is None:
        return double_field(as_double, float(value))
    return tag(_AS_INT, FIXED64) + pack("<q", whole)  # Exemplar's is the same


def _exemplars(exemplars: Iterable[Exemplar], number: int) -> bytes:
    return b"".join([delimited(number, _exemplar(one)) for one in exemplars])


def _exemplar(one: Exemplar) -> bytes:
    trace_id, span_id = hex_ids(one)
    return b"".join(
        (
            fixed64_field(2, one.time_unix_nano),
            _number(one.value, _EXEMPLAR_AS_DOUBLE),
            delimited(4, bytes.fromhex(span_id)) if span_id else b"",
            delimited(5, bytes.fromhex(trace_id)) if trace_id else b"",
        )
    )
