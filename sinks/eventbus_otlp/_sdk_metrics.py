"""Our metrics as objects of OpenTelemetry's SDK."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)

from eventbus_otlp._sdk_aggregation import Preferences
from eventbus_otlp._sdk_records import attributes_of, parts_of

_Object = Mapping[str, Any]  # Any: values of OTLP's JSON


def metrics_data(
    request: bytes, *, asked: Collection[str], preferences: Preferences
) -> MetricsData:
    """Return what is in *request*, an ``ExportMetricsServiceRequest`` in JSON.

    Args:
        request: In JSON.
        asked: Names of the gauges that are asked for their values.
        preferences: What is left out of it.
    """
    parts = [
        (resource, scope, metric)
        for resource, scope, metric in parts_of(request, "Metrics", "metrics")
        if _instrument_of(metric, asked) not in preferences.dropped
    ]
    if not preferences.extremes:
        _leave_out_extremes(parts)
    return MetricsData(
        [
            ResourceMetrics(resource, list(_by_scope(own)), resource.schema_url)
            for resource, own in groupby(parts, itemgetter(0))
        ]
    )


def _by_scope(parts: Iterable[tuple[Any, Any, _Object]]) -> Iterator[ScopeMetrics]:
    for scope, own in groupby(parts, itemgetter(1)):
        yield ScopeMetrics(
            scope, [_metric(metric) for _, _, metric in own], scope.schema_url
        )


def _instrument_of(metric: _Object, asked: Collection[str]) -> str:
    """Return what :class:`Preferences` calls the kind of *metric*."""
    kind = _kind_of(metric)
    return "asked" if kind == "gauge" and metric["name"] in asked else kind


def _leave_out_extremes(parts: Iterable[tuple[Any, Any, _Object]]) -> None:
    for _, _, metric in parts:
        for point in metric.get("histogram", {}).get("dataPoints", ()):
            point.pop("min", None)
            point.pop("max", None)


def _kind_of(metric: _Object) -> str:
    return next(kind for kind in _KINDS if kind in metric)


def _metric(metric: _Object) -> Metric:
    kind = _kind_of(metric)
    return Metric(
        metric["name"],
        metric.get("description", ""),
        metric.get("unit", ""),
        _KINDS[kind](metric[kind]),
    )


def _sum(content: _Object) -> Sum:
    return Sum(
        [_number(point) for point in content["dataPoints"]],
        AggregationTemporality(content["aggregationTemporality"]),
        content.get("isMonotonic", False),
    )


def _gauge(content: _Object) -> Gauge:
    return Gauge([_number(point) for point in content["dataPoints"]])


def _histogram(content: _Object) -> Histogram:
    return Histogram(
        [_distribution(point) for point in content["dataPoints"]],
        AggregationTemporality(content["aggregationTemporality"]),
    )


_KINDS: Final[Mapping[str, Callable[[_Object], Sum | Gauge | Histogram]]] = {
    "sum": _sum,
    "gauge": _gauge,
    "histogram": _histogram,
}


def _number(point: _Object) -> NumberDataPoint:
    return NumberDataPoint(**_place(point), value=_value(point))


def _distribution(point: _Object) -> HistogramDataPoint:
    return HistogramDataPoint(
        **_place(point),
        count=int(point["count"]),
        sum=float(point["sum"]),
        bucket_counts=list(map(int, point["bucketCounts"])),
        explicit_bounds=list(map(float, point["explicitBounds"])),
        min=_extreme(point, "min"),
        max=_extreme(point, "max"),
    )


def _place(point: _Object) -> dict[str, Any]:
    """Return what all points have in common."""
    return {
        "attributes": attributes_of(point),
        "start_time_unix_nano": int(point.get("startTimeUnixNano", 0)),
        "time_unix_nano": int(point["timeUnixNano"]),
        "exemplars": [_exemplar(one) for one in point.get("exemplars", ())],
    }


def _value(point: _Object) -> float:
    return int(point["asInt"]) if "asInt" in point else float(point["asDouble"])


def _extreme(point: _Object, name: str) -> Any:
    return float(point[name]) if name in point else None


def _exemplar(one: _Object) -> Exemplar:
    return Exemplar(
        {},
        _value(one),
        int(one["timeUnixNano"]),
        _id(one, "spanId"),
        _id(one, "traceId"),
    )


def _id(one: _Object, name: str) -> int | None:
    return int(one[name], 16) if name in one else None
