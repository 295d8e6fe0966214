"""What series are together that come to have the same labels under other names."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from eventbus.metrics import HistogramPoint, NumberPoint
from eventbus_otlp._metrics_form import Point


def merged(
    points: Sequence[Point], labels: Sequence[bytes]
) -> tuple[Sequence[Point], Sequence[bytes]]:
    """Return *points* of one metric, each with *labels* of its own, and these.

    A request may have each series but once:
    https://opentelemetry.io/docs/specs/otel/metrics/data-model/#single-writer
    """
    found: dict[bytes, Point] = {}
    for point, label in zip(points, labels, strict=True):
        other = found.get(label)
        found[label] = point if other is None else _together(other, point)
    return list(found.values()), list(found)


def _together(one: Point, other: Point) -> Point:
    """Return both as one: the sum of counters and histograms, the later of gauges."""
    if isinstance(one, HistogramPoint) and isinstance(other, HistogramPoint):
        pairs = zip(one.buckets, other.buckets, strict=True)  # one metric, one form
        return replace(
            one,
            count=one.count + other.count,
            sum=one.sum + other.sum,
            buckets=tuple(a + b for a, b in pairs),
            min=_of_both(min, one.min, other.min),
            max=_of_both(max, one.max, other.max),
            exemplars=one.exemplars or other.exemplars,
        )
    assert isinstance(one, NumberPoint)
    assert isinstance(other, NumberPoint)
    if one.start_unix_nano == 0:  # a gauge's
        return other
    return replace(
        one,
        value=one.value + other.value,
        exemplars=one.exemplars or other.exemplars,
    )


def _of_both(
    choose: Callable[[float, float], float], one: float | None, other: float | None
) -> float | None:
    return None if one is None or other is None else choose(one, other)
