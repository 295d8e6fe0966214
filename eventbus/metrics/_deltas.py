"""What came since the last collection, told from what there is since the start."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import add, sub
from typing import Any

from msgspec.structs import replace

from eventbus.metrics._data import (
    Exemplar,
    HistogramPoint,
    MetricData,
    NumberPoint,
    Point,
)
from eventbus.metrics._fold import MAX

Key = tuple[Any, ...]  # Any: values of labels


class Deltas:
    """Remembers what there was, and tells what is new."""

    def __init__(self) -> None:
        """Remember nothing: the first time, all there is since the start is new."""
        self._before: dict[Key, Point] = {}
        self._last_unix_nano = 0
        self._owed: dict[Key, tuple[MetricData, Point]] = {}

    def of(self, collected: Iterable[MetricData]) -> list[MetricData]:
        """Return what is new in *collected*, which is cumulative.

        Gauges, and sums that may fall, stay what they are, as OpenTelemetry has it.
        What began anew since the last time is new as a whole. A series to which
        nothing came is left out.
        """
        before, self._before = self._before, {}
        last = self._last_unix_nano
        found: list[MetricData] = []
        for metric in collected:
            if not (metric.monotonic or metric.kind == "histogram"):
                found.append(metric)
                continue
            points: list[Point] = []
            for point in metric.points:
                new = self._new(metric, point, before, last)
                if new is not None:
                    points.append(new)
            if points:
                found.append(replace(metric, points=points, temporality="delta"))
        owed, self._owed = self._owed, {}
        return found + [replace(data, points=[point]) for data, point in owed.values()]

    def put_back(self, undelivered: Iterable[MetricData]) -> None:
        """Tell *undelivered*, all or a part of what was new, again with what comes.

        So nothing is lost, and what is kept is a point for each series at most.
        """
        for metric in undelivered:
            if metric.temporality == "delta":
                for point in metric.points:
                    place = _place(metric, point)
                    _, owed = self._owed.get(place, (metric, None))
                    self._owed[place] = metric, _together(owed, point)

    def _new(
        self, metric: MetricData, point: Point, before: Mapping[Key, Point], last: int
    ) -> Point | None:
        key = _place(metric, point)
        self._before[key] = point
        self._last_unix_nano = max(self._last_unix_nano, point.time_unix_nano)
        start = max(point.start_unix_nano, last)
        then = before.get(key)
        now = max(point.time_unix_nano, start)  # a clock may be set back
        point = replace(point, time_unix_nano=now)
        new: Point | None = replace(point, start_unix_nano=start)
        if then is not None and _is_continued(then, point):
            new = _difference(then, point, start)
        _, owed = self._owed.pop(key, (metric, None))
        return owed if new is None else _together(owed, new)


def _place(metric: MetricData, point: Point) -> Key:
    """Return what makes two points one series, which can be added."""
    bounds = point.bounds if isinstance(point, HistogramPoint) else None
    return metric.name, _key(metric.resource), _key(point.attributes), bounds


def _together(owed: Point | None, new: Point) -> Point:
    """Return both, which are of one place, as one point."""
    if owed is None:
        return new
    if isinstance(new, NumberPoint):
        assert isinstance(owed, NumberPoint)
        return replace(
            new,
            start_unix_nano=owed.start_unix_nano,
            value=min(owed.value + new.value, MAX),
            exemplars=new.exemplars or owed.exemplars,
        )
    assert isinstance(owed, HistogramPoint)
    return replace(
        new,
        start_unix_nano=owed.start_unix_nano,
        count=owed.count + new.count,
        sum=min(owed.sum + new.sum, MAX),
        buckets=tuple(map(add, owed.buckets, new.buckets)),
        min=_extreme(min, owed.min, new.min),
        max=_extreme(max, owed.max, new.max),
        exemplars=new.exemplars or owed.exemplars,
    )


def _extreme(
    choose: Callable[[float, float], float], one: float | None, other: float | None
) -> float | None:
    return None if one is None or other is None else choose(one, other)


def _key(attributes: Mapping[str, Any] | None) -> Key:
    return () if attributes is None else tuple(attributes.items())


def _is_continued(then: Point, now: Point) -> bool:
    """Return whether *now* counts on from *then*, and did not begin anew."""
    if then.start_unix_nano != now.start_unix_nano:
        return False
    if isinstance(then, HistogramPoint) and isinstance(now, HistogramPoint):
        return then.count <= now.count
    if isinstance(then, NumberPoint) and isinstance(now, NumberPoint):
        return then.value <= now.value
    return False


def _difference(then: Point, now: Point, start: int) -> Point | None:
    new = _new_exemplars(then.exemplars, now.exemplars)
    if isinstance(now, NumberPoint):
        assert isinstance(then, NumberPoint)
        if now.value == then.value:
            return None
        value = now.value - then.value
        return replace(now, start_unix_nano=start, value=value, exemplars=new)
    assert isinstance(then, HistogramPoint)
    if now.count == then.count:
        return None
    return replace(
        now,
        start_unix_nano=start,
        count=now.count - then.count,
        sum=now.sum - then.sum,
        buckets=tuple(map(sub, now.buckets, then.buckets)),
        exemplars=new,
    )


def _new_exemplars(
    then: tuple[Exemplar, ...], now: tuple[Exemplar, ...]
) -> tuple[Exemplar, ...]:
    known = set(map(id, then))  # two events may look alike
    return tuple(exemplar for exemplar in now if id(exemplar) not in known)
