"""The bus's own measurements in the form of all other metrics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from eventbus._durations import Durations
from eventbus._own_metrics import Kind, Measurement
from eventbus._record import Attributes
from eventbus.metrics._data import (
    DataKind,
    HistogramPoint,
    MetricData,
    NumberPoint,
    Point,
)

_KINDS: Final[dict[Kind, DataKind]] = {
    "counter": "sum",
    "updowncounter": "sum",
    "gauge": "gauge",
    "histogram": "histogram",
}


def from_measurements(
    measurements: Iterable[Measurement], *, start_unix_nano: int, time_unix_nano: int
) -> list[MetricData]:
    """Return what the bus measures of itself as metrics, since the start.

    ``Deltas`` tells what is new in them. For ``eventbus.own_metrics(bus.stats())``.

    Args:
        measurements: Of one moment.
        start_unix_nano: When the bus was made.
        time_unix_nano: That moment.
    """
    points: dict[str, list[Point]] = {}
    first: dict[str, Measurement] = {}
    for one in measurements:
        first.setdefault(one.name, one)
        point = _point(one, start_unix_nano, time_unix_nano)
        points.setdefault(one.name, []).append(point)
    return [
        MetricData(
            name=name,
            kind=_KINDS[one.kind],
            unit=one.unit,
            description=one.description,
            points=points[name],
            monotonic=one.kind == "counter",
        )
        for name, one in first.items()
    ]


def _point(one: Measurement, start: int, now: int) -> Point:
    attributes = Attributes(sorted(one.attributes.items()))
    if isinstance(one.value, Durations):
        return HistogramPoint(
            attributes=attributes,
            start_unix_nano=start,
            time_unix_nano=now,
            count=one.value.count,
            sum=one.value.sum_seconds,
            buckets=one.value.buckets,
            bounds=one.value.bounds,
        )
    return NumberPoint(
        attributes=attributes,
        start_unix_nano=0 if one.kind == "gauge" else start,
        time_unix_nano=now,
        value=one.value,
    )
