"""Which series there are, and in which of their buckets a value is."""

from __future__ import annotations

import math
import tracemalloc
from typing import Annotated, Any

import pytest

from eventbus import Catalog, Event, Record, Unit
from eventbus._own_metrics import Measurement
from eventbus._record import Attributes
from eventbus.metrics import (
    Aggregation,
    Aggregator,
    Histogram,
    Metrics,
    ObservableGauge,
    from_measurements,
)
from eventbus.metrics._series import Scale
from tests.metrics._events import Request, counted, histogram, named, records, values

BOUNDS = (0.005, 0.043, 0.051, 0.1, 1.001, 1.003)  # not all are exact as floats
TOOK = Metrics(histograms=(Histogram(name="took", field="took", buckets=BOUNDS),))


class Millis(Event, metrics=TOOK):
    took: Annotated[float, Unit("ms")]


class Micros(Event, metrics=TOOK):
    took: Annotated[float, Unit("us")]


@pytest.mark.proves("H2")
@pytest.mark.parametrize(("kind", "per_second"), [(Millis, 10**3), (Micros, 10**6)])
def test_a_value_that_is_a_bound_is_in_the_bucket_below_it(
    kind: type[Millis | Micros], per_second: int
) -> None:
    steps = [kind(took=round(bound * per_second)) for bound in BOUNDS]
    found = histogram(named(counted(*steps).snapshot())["took"])
    assert found.buckets == (*[1] * len(BOUNDS), 0)


def test_a_label_that_is_not_as_it_is_counts_once_for_each_event() -> None:
    long = Request(route="x" * 300)
    aggregator = counted(long, Request(route="/"), long)
    assert aggregator.take_warned() == {"truncated": 2}


def test_labels_that_never_equal_themselves_take_no_memory_of_their_own() -> None:
    aggregator = Aggregator(Aggregation(max_series=5))

    def observe(times: int) -> None:
        odd: Any = [float("nan") for _ in range(times)]
        aggregator.observe(records(*(Request(route=one) for one in odd)))

    observe(100)
    tracemalloc.start()
    for _ in range(20):
        observe(500)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 200_000  # 10,000 keys of 100 bytes and more each
    assert values(named(aggregator.snapshot())["http.request"]) == {
        ("nan", True): 10_100
    }


def test_labels_that_are_shared_and_labels_that_are_not_make_the_same_series() -> None:
    aggregation = Aggregation(bound=("tenant",))
    aggregator = Aggregator(aggregation)
    a, b = Attributes({"tenant": "a"}), Attributes({"tenant": "b"})
    event = Request(route="/")
    for bound in ([a, a], [a, b], [b, b], [Attributes({"tenant": "a"}), a]):
        aggregator.observe([Record(event, attributes=one) for one in bound])
    assert values(named(aggregator.snapshot())["http.request"]) == {
        ("/", True, "a"): 5,
        ("/", True, "b"): 3,
    }


@pytest.mark.parametrize("several", [False, True])
def test_a_bound_label_that_is_odd_loses_no_point(several: bool) -> None:
    aggregator = Aggregator(Aggregation(bound=("tenant",)))
    odd: Any = {"tenant": ["a", {}]}
    batch = records(Request(route="/"), Request(route="/"), attributes=odd)
    if several:
        batch += records(Request(route="/"), attributes={"tenant": "b"})
    aggregator.observe(batch)
    found = values(named(aggregator.snapshot())["http.request"])
    assert found.pop(("/", True, "['a', {}]")) == 2
    assert found == ({("/", True, "b"): 1} if several else {})
    assert aggregator.take_warned() == {"sanitized": 2}


def test_a_value_out_of_range_is_the_nearest_that_there_is() -> None:
    hours = Scale(3600, 1, ())
    assert hours.of(10**308) == -hours.of(-(10**308)) == 1.7976931348623157e308
    assert hours.of(-1.7e308) == -1.7976931348623157e308


def said_by(*gauges: ObservableGauge, **bounds: Any) -> Aggregator:
    catalog = Catalog()
    catalog.gauges += gauges
    return Aggregator(Aggregation(**bounds), catalog=catalog)


def test_labels_of_a_gauge_that_is_asked_are_as_those_of_events() -> None:
    labels: Any = {"room": "x" * 300, "absent": None, "app": "y"}
    gauge = ObservableGauge("rooms", lambda: [(1, labels)])
    aggregator = said_by(gauge, labels={"zone": "z"})
    ((point,),) = [metric.points for metric in aggregator.snapshot()]
    assert list(point.attributes.items()) == [
        ("app", "y"),
        ("room", "x" * 256),
        ("zone", "z"),
    ]
    assert aggregator.take_warned() == {"truncated": 1}


def test_a_gauge_that_is_called_as_another_metric_is_left_out_and_counted() -> None:
    gauges = [ObservableGauge(name, lambda: 1) for name in ("http.request", "a", "a")]
    aggregator = said_by(*gauges)
    aggregator.observe(records(Request(route="/")))
    assert [metric.name for metric in aggregator.snapshot()] == ["http.request", "a"]
    assert aggregator.take_warned() == {"metric_conflict": 2}


def test_a_gauge_of_the_bus_s_own_starts_never_and_its_labels_are_in_order() -> None:
    one = Measurement(
        name="m",
        kind="gauge",
        unit="",
        description="",
        value=math.pi,
        attributes={"b": "2", "a": "1"},
    )
    ((point,),) = [
        metric.points
        for metric in from_measurements([one], start_unix_nano=5, time_unix_nano=9)
    ]
    assert (point.start_unix_nano, point.time_unix_nano) == (0, 9)
    assert list(point.attributes) == ["a", "b"]
