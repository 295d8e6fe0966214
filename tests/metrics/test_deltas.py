"""What is new since the last time, told from cumulative metrics of whatever origin."""

from __future__ import annotations

from typing import Any

import pytest

from eventbus import Record
from eventbus.metrics import (
    Aggregator,
    Deltas,
    Exemplar,
    HistogramPoint,
    MetricData,
    NumberPoint,
)
from tests.metrics._events import Request, values

LARGEST = 1.7976931348623157e308
EXAMPLE = Exemplar(1, 1)


def number(value: float, **given: Any) -> MetricData:
    point = {"attributes": {}, "start_unix_nano": 1, "time_unix_nano": 2, **given}
    return metric("sum", NumberPoint(value=value, **point))


def spread(count: int, **given: Any) -> MetricData:
    point = {"attributes": {}, "start_unix_nano": 1, "time_unix_nano": 2, **given}
    total = {"sum": float(count), **point}
    return metric(
        "histogram",
        HistogramPoint(count=count, buckets=(count,), bounds=(), **total),
    )


def metric(kind: Any, point: NumberPoint | HistogramPoint) -> MetricData:
    return MetricData(
        name="m",
        kind=kind,
        unit="",
        description="",
        points=[point],
        monotonic=kind == "sum",
    )


def only(found: list[MetricData]) -> Any:
    ((point,),) = [metric.points for metric in found]
    return point


def put_back_twice(data: MetricData) -> Any:
    deltas = Deltas()
    for _ in range(2):
        deltas.put_back(Deltas().of([data]))
    return only(deltas.of([]))


@pytest.mark.parametrize("make", [number, spread])
def test_what_is_less_than_before_began_anew(make: Any) -> None:
    deltas = Deltas()
    deltas.of([make(5)])
    point = only(deltas.of([make(2, time_unix_nano=3)]))
    assert (point.value if make is number else point.count) == 2


def test_a_clock_that_is_set_back_makes_no_interval_that_ends_before_it_begins() -> (
    None
):
    deltas = Deltas()
    spans = []
    for value, now in [(1, 100), (2, 50), (3, 120)]:
        point = only(deltas.of([number(value, time_unix_nano=now)]))
        spans.append((point.start_unix_nano, point.time_unix_nano))
    assert spans == [(1, 100), (100, 100), (100, 120)]


def test_sums_that_are_put_back_stay_finite() -> None:
    assert put_back_twice(number(LARGEST)).value == LARGEST
    assert put_back_twice(spread(1, sum=LARGEST)).sum == LARGEST


def test_extremes_that_are_not_known_stay_so_when_they_are_put_back() -> None:
    point = put_back_twice(spread(1))
    assert (point.count, point.min, point.max) == (2, None, None)


@pytest.mark.parametrize("make", [number, spread])
def test_an_example_stays_with_what_was_put_back(make: Any) -> None:
    deltas = Deltas()
    first = make(1, exemplars=(EXAMPLE,))
    deltas.put_back(deltas.of([first]))
    later = make(2, exemplars=(EXAMPLE,), time_unix_nano=3)
    assert only(deltas.of([later])).exemplars == (EXAMPLE,)


def test_services_are_told_apart() -> None:
    aggregator = Aggregator()
    reader = aggregator.reader("delta")
    for times in (1, 2):
        for name, more in (("a", 0), ("b", 5)):
            one = Record(Request(route="/"), resource={"service.name": name})
            aggregator.observe([one] * (times + more))
        found = reader.collect()
        assert [values(metric)["/", True] for metric in found] == [times, times + 5]
