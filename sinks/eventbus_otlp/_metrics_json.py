"""How metrics are written in JSON.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding: ids in hexadecimal
digits, enumerations as numbers, 64-bit integers as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from eventbus.metrics import Exemplar, HistogramPoint, MetricData, NumberPoint
from eventbus_otlp._encode_json import JsonRecords
from eventbus_otlp._json_value import key_values, number, to_json
from eventbus_otlp._metrics_form import (
    MAX_COUNT,
    TEMPORALITIES,
    Point,
    as_integer,
    hex_ids,
)
from eventbus_otlp._plain_value import Plain
from eventbus_otlp._scope import Scope

# Any in this module: what msgspec writes.

_WORDS: Final = ("name", "description", "unit")


class JsonMetrics(JsonRecords):
    """Writes metrics. See :class:`MetricWriter`."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(
            scope,
            resource_list="resourceMetrics",
            scope_list="scopeMetrics",
            record_list="metrics",
        )

    def labels(self, kind: str, table: Mapping[str, Plain]) -> bytes:
        """See :class:`MetricWriter`."""
        del kind
        return to_json(key_values(table)) if table else b""

    def metric(
        self, data: MetricData, texts: Sequence[str], labels: Iterable[bytes]
    ) -> bytes:
        """See :class:`MetricWriter`."""
        points = [
            _point(point, own) for point, own in zip(data.points, labels, strict=True)
        ]
        content: dict[str, Any] = {"dataPoints": points}
        if data.kind != "gauge":
            content["aggregationTemporality"] = TEMPORALITIES[data.temporality]
        if data.kind == "sum" and data.monotonic:
            content["isMonotonic"] = True
        words = dict(zip(_WORDS, texts, strict=True))
        said = {word: text for word, text in words.items() if text}
        return to_json({**said, data.kind: content})


def _point(point: Point, labels: bytes) -> dict[str, Any]:
    made: dict[str, Any] = {"attributes": msgspec.Raw(labels)} if labels else {}
    if point.start_unix_nano:
        made["startTimeUnixNano"] = str(point.start_unix_nano)
    made["timeUnixNano"] = str(point.time_unix_nano)
    if isinstance(point, NumberPoint):
        made |= _number(point.value)
    else:
        made |= _distribution(point)
    if point.exemplars:
        made["exemplars"] = list(map(_exemplar, point.exemplars))
    return made


def _distribution(point: HistogramPoint) -> dict[str, Any]:
    made: dict[str, Any] = {
        "count": str(min(point.count, MAX_COUNT)),
        "sum": number(point.sum),
        "bucketCounts": [str(min(count, MAX_COUNT)) for count in point.buckets],
        "explicitBounds": list(map(number, point.bounds)),
    }
    if point.min is not None:
        made["min"] = number(point.min)
    if point.max is not None:
        made["max"] = number(point.max)
    return made


def _number(value: float) -> dict[str, Any]:
    whole = as_integer(value)
    if whole is None:
        return {"asDouble": number(float(value))}
    return {"asInt": str(whole)}


def _exemplar(one: Exemplar) -> dict[str, Any]:
    trace_id, span_id = hex_ids(one)
    made: dict[str, Any] = {"timeUnixNano": str(one.time_unix_nano)}
    made |= _number(one.value)
    if span_id:
        made["spanId"] = span_id
    if trace_id:
        made["traceId"] = trace_id
    return made
