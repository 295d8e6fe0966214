from __future__ import annotations

import logging
import math
import tracemalloc
from collections import Counter as Tally
from collections import defaultdict
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventbus import Catalog, Event, Label, Record, Unit
from eventbus.metrics import (
    Aggregation,
    Aggregator,
    Counter,
    Histogram,
    Metrics,
    NumberPoint,
)
from tests.metrics._events import (
    Request,
    Usage,
    counted,
    histogram,
    named,
    records,
    values,
)

ROUTES = st.sampled_from(["/", "/a", "/b"])
REQUESTS = st.builds(
    Request,
    route=ROUTES,
    success=st.booleans(),
    duration_ms=st.one_of(st.none(), st.floats(0, 20_000)),
)
USAGES = st.builds(
    Usage,
    model=st.sampled_from([None, "a", "b"]),
    input=st.one_of(st.none(), st.integers(0, 10**6)),
    output=st.one_of(st.none(), st.integers(0, 10**6)),
    window=st.one_of(st.none(), st.integers(-5, 5)),
)


@pytest.mark.proves("H1")
@settings(deadline=None)
@given(st.lists(st.lists(st.one_of(REQUESTS, USAGES), max_size=40), max_size=5))
def test_what_is_counted_is_what_one_would_count_one_by_one(
    batches: list[list[Any]],
) -> None:
    aggregator = Aggregator()
    for batch in batches:
        aggregator.observe(records(*batch))
    events = [event for batch in batches for event in batch]
    requests = [event for event in events if isinstance(event, Request)]
    usages = [event for event in events if isinstance(event, Usage)]
    found = named(aggregator.snapshot())

    by_labels = Tally((event.route, event.success) for event in requests)
    assert (values(found["http.request"]) if requests else {}) == by_labels

    timed: defaultdict[Any, list[float]] = defaultdict(list)
    for event in requests:
        if event.duration_ms is not None:
            timed[event.route, event.success].append(event.duration_ms / 1000)
    points = found["http.request.duration"].points if timed else ()
    assert len(points) == len(timed)
    for (route, success), seconds in timed.items():
        point = histogram(
            found["http.request.duration"], **{"http.route": route, "success": success}
        )
        assert point.count == len(seconds) == sum(point.buckets)
        assert point.sum == pytest.approx(sum(seconds))
        assert (point.min, point.max) == pytest.approx((min(seconds), max(seconds)))
        for index, bound in enumerate(point.bounds):
            under = sum(value <= bound for value in seconds)
            assert sum(point.buckets[: index + 1]) == under

    sums: defaultdict[Any, int] = defaultdict(int)
    windows: dict[Any, float] = {}
    for event in usages:
        key = () if event.model is None else (event.model,)
        sums[key] += event.input or 0
        if event.window is not None:
            windows[key] = event.window
    assert (values(found["usage.sum"]) if usages else {}) == sums
    assert (values(found["usage.window"]) if windows else {}) == windows
    tokens = [n for e in usages for n in (e.input, e.output) if n is not None]
    shown = found["usage.tokens"].points if tokens else ()
    assert sum(point.count for point in shown) == len(tokens)  # type: ignore[union-attr]
    assert aggregator.take_warned() == {}


def test_a_histogram_over_fields_tells_them_by_its_label() -> None:
    found = named(counted(Usage(model="m", input=3, output=5000)).snapshot())
    inside = histogram(found["usage.tokens"], token_type="in")
    assert inside.attributes == {"model": "m", "token_type": "in"}
    assert (inside.count, inside.sum, inside.max) == (1, 3, 3)
    assert histogram(found["usage.tokens"], token_type="out").sum == 5000


def test_labels_come_in_the_order_of_their_names() -> None:
    (point,) = named(counted(Request(route="/")).snapshot())["http.request"].points
    assert list(point.attributes) == ["http.route", "success"]


@pytest.mark.proves("H6")
def test_an_event_s_own_field_wins_over_what_is_bound_and_that_over_the_default() -> (
    None
):
    class Step(Event, metrics=Metrics(bound=("model",))):
        source: Annotated[str | None, Label] = None

    aggregation = Aggregation(
        labels={"source": "default", "model": "default", "app": "x"},
        bound=("source",),
    )
    aggregator = Aggregator(aggregation)
    bound = {"source": "bound", "model": "bound", "user": "me"}
    aggregator.observe(records(Step(source="own"), Step(), attributes=bound))
    aggregator.observe(records(Step()))
    shown = [dict(p.attributes) for p in named(aggregator.snapshot())["step"].points]
    assert shown == [
        {"app": "x", "model": "bound", "source": "own"},
        {"app": "x", "model": "bound", "source": "bound"},
        {"app": "x", "model": "default", "source": "default"},
    ]


@pytest.mark.proves("fault-1")
def test_a_value_that_is_no_number_is_not_observed_but_counted() -> None:
    odd: list[Any] = [math.nan, math.inf, -1.0, "7", 10**400]
    aggregator = counted(
        *(Request(route="/", duration_ms=value) for value in (*odd, 5.0, None))
    )
    found = named(aggregator.snapshot())
    assert values(found["http.request"]) == {("/", True): 7}
    assert histogram(found["http.request.duration"]).count == 1
    assert aggregator.take_warned() == {"invalid_value": len(odd)}
    assert aggregator.take_warned() == {}


@pytest.mark.proves("H1")
def test_a_counter_refuses_what_is_below_zero_and_takes_zero() -> None:
    aggregator = counted(Usage(input=0), Usage(input=-5), Usage(input=2))
    assert values(named(aggregator.snapshot())["usage.sum"]) == {(): 2}
    assert aggregator.take_warned()["invalid_value"] == 2  # the histogram's as well


class Unhashable(list[int]):
    pass


class Hostile:
    def __hash__(self) -> int:
        raise OSError

    def __str__(self) -> str:
        raise OSError


@pytest.mark.proves("H5")
@pytest.mark.parametrize(
    "odd",
    [Unhashable(), Hostile(), {}, "\ud800", "x" * 100_000],
    ids=lambda v: type(v).__name__,
)
def test_an_odd_label_loses_no_point_and_hurts_no_neighbour(odd: Any) -> None:
    aggregator = Aggregator()
    for _ in range(2):
        aggregator.observe(
            records(
                Request(route="/", duration_ms=1.0),
                Request(route=odd, duration_ms=2.0),
                Request(route="/", duration_ms=3.0),
            )
        )
    found = named(aggregator.snapshot())
    assert sum(values(found["http.request"]).values()) == 6
    assert values(found["http.request"])["/", True] == 4
    assert histogram(found["http.request.duration"], **{"http.route": "/"}).sum == 0.008
    long = type(odd) is str and len(odd) > 256
    reason = "truncated" if long else "sanitized"
    assert aggregator.take_warned() == {reason: 2}


@pytest.mark.proves("H12")
def test_beyond_the_cap_one_series_takes_the_rest_and_sums_stay_exact() -> None:
    aggregator = Aggregator(Aggregation(max_series=10))
    for batch in range(20):
        aggregator.observe(
            records(
                *(Request(route=f"/{batch}/{n}", duration_ms=1.0) for n in range(10))
            )
        )
    found = named(aggregator.snapshot())
    counter, times = found["http.request"], found["http.request.duration"]
    assert len(counter.points) == len(times.points) == 10
    assert sum(values(counter).values()) == 200
    assert histogram(times, **{"otel.metric.overflow": True}).count == 191
    (rest,) = [p for p in counter.points if "otel.metric.overflow" in p.attributes]
    assert rest.attributes == {"otel.metric.overflow": True}


@pytest.mark.proves("H12")
def test_a_million_label_values_would_take_no_more_memory_than_the_cap() -> None:
    aggregator = Aggregator()
    numbers = iter(range(10**9))

    def observe(count: int) -> None:
        batch = [Request(route=f"/{next(numbers)}") for _ in range(count)]
        aggregator.observe(records(*batch))

    for _ in range(10):
        observe(500)
    tracemalloc.start()
    for _ in range(20):
        observe(500)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 200_000  # 10,000 values of 60 bytes and more each
    assert sum(values(named(aggregator.snapshot())["http.request"]).values()) == 15_000


def test_a_record_that_stands_for_several_counts_as_so_many() -> None:
    aggregator = counted(Request(route="/", duration_ms=5.0), weight=10.0)
    found = named(aggregator.snapshot())
    assert values(found["http.request"]) == {("/", True): 10}
    point = histogram(found["http.request.duration"])
    assert (point.count, point.buckets[0], point.sum) == (10, 10, 0.05)


def test_a_bad_value_of_a_record_that_stands_for_several_is_one_bad_value() -> None:
    aggregator = counted(Request(route="/", duration_ms=math.nan), weight=10.0)
    assert [metric.name for metric in aggregator.snapshot()] == ["http.request"]
    assert aggregator.take_warned() == {"invalid_value": 1}


def test_weights_with_a_fraction_add_up_and_counts_stay_whole() -> None:
    aggregator = Aggregator()
    for _ in range(30):
        aggregator.observe(records(Request(route="/", duration_ms=5.0), weight=10 / 3))
    found = named(aggregator.snapshot())
    (total,) = values(found["http.request"]).values()
    assert type(total) is int
    assert total in (99, 100)
    assert histogram(found["http.request.duration"]).count == total


def test_several_event_types_may_feed_one_metric() -> None:
    shared = Metrics(
        defaults=False, histograms=(Histogram(name="took", field="ms", labels=()),)
    )

    class One(Event, metrics=shared):
        ms: Annotated[float, Unit("ms")]

    class Two(Event, metrics=shared):
        ms: Annotated[float, Unit("ms")]

    (found,) = counted(One(ms=1), Two(ms=2), One(ms=3)).snapshot()
    assert histogram(found).count == 3


def test_of_two_metrics_with_one_name_the_second_is_left_out_and_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class First(Event, metrics=Metrics(counters=(Counter(name="clash"),))):
        n: int = 0

    class Second(
        Event, metrics=Metrics(histograms=(Histogram(name="clash", field="n"),))
    ):
        n: int = 0

    with caplog.at_level(logging.WARNING):
        aggregator = counted(First(), Second(), Second())
    found = named(aggregator.snapshot())
    assert values(found["clash"]) == {(): 1}
    assert values(found["second"]) == {(): 2}
    assert aggregator.take_warned() == {"metric_conflict": 2}
    assert "metric 'clash' is declared twice, with kind 'counter'" in caplog.text


def test_what_a_configuration_says_replaces_what_the_class_says() -> None:
    catalog = Catalog([Request])
    catalog.metrics["http.request"] = Metrics(labels=("success",))
    aggregator = Aggregator(catalog=catalog)
    aggregator.observe(records(Request(route="/"), Request(route="/a")))
    assert values(named(aggregator.snapshot())["http.request"]) == {(True,): 2}


def test_a_configuration_that_does_not_fit_is_said_and_the_class_s_holds(
    caplog: pytest.LogCaptureFixture,
) -> None:
    catalog = Catalog()
    catalog.metrics["http.request"] = Metrics(labels=("rout",))
    aggregator = Aggregator(catalog=catalog)
    aggregator.observe(records(Request(route="/")))
    assert values(named(aggregator.snapshot())["http.request"]) == {("/", True): 1}
    assert "has no field 'rout'. Did you mean 'route'?" in caplog.text
    assert aggregator.take_warned() == {"metric_conflict": 1}


def test_relayed_records_are_counted_for_the_service_they_came_from() -> None:
    own, other = {"service.name": "own"}, {"service.name": "other"}
    aggregator = Aggregator(resource=own)
    event = Request(route="/")
    aggregator.observe([Record(event), Record(event, resource=dict(own))])
    mixed = [Record(event), *[Record(event, resource=other)] * 3, Record(event)]
    aggregator.observe(mixed)
    found = {
        None if data.resource is None else data.resource["service.name"]: data
        for data in aggregator.snapshot()
    }
    assert values(found[None]) == {("/", True): 4}
    assert values(found["other"]) == {("/", True): 3}


def test_services_beyond_the_bound_are_counted_together() -> None:
    aggregator = Aggregator(Aggregation(max_resources=2))
    aggregator.observe(records(Request(route="/")))
    for n in range(5):
        event = Request(route="/")
        aggregator.observe([Record(event, resource={"service.name": str(n)})])
    found = aggregator.snapshot()
    assert [(m.resource or {}).get("service.name") for m in found] == [
        *(None, "0", "1", None),
    ]
    assert sum(sum(values(data).values()) for data in found) == 6
    assert found[-1].resource == {"otel.metric.overflow": True}


def test_a_reset_begins_anew() -> None:
    aggregator = counted(Request(route="/"))
    aggregator.reset()
    assert aggregator.snapshot() == []
    aggregator.observe(records(Request(route="/")))
    assert values(named(aggregator.snapshot())["http.request"]) == {("/", True): 1}


def test_a_whole_number_is_sent_as_one() -> None:
    (point,) = named(counted(Request(route="/")).snapshot())["http.request"].points
    assert isinstance(point, NumberPoint)
    assert type(point.value) is int


class Failing(Aggregator):
    def _changes(self, counts: Any, part: Any) -> Any:
        if part.kind is Usage:
            raise OSError
        return super()._changes(counts, part)


def test_what_nothing_can_be_made_of_is_counted_and_costs_no_other_type() -> None:
    aggregator = Failing()
    aggregator.observe(records(Usage(), Request(route="/"), Usage()))
    assert values(named(aggregator.snapshot())["http.request"]) == {("/", True): 1}
    assert aggregator.take_warned() == {"not_observed": 2}


class Long(Event, tag="long"):
    took_h: Annotated[float, Unit("h")]


@pytest.mark.parametrize("value", [1.7e308, 10**308])
def test_a_sum_that_gets_out_of_range_is_cut_and_counted(value: float) -> None:
    aggregator = Aggregator()
    readers = [aggregator.reader("delta"), aggregator.reader("cumulative")]
    for _ in range(3):
        aggregator.observe(records(Long(took_h=value), Long(took_h=1.0)))
        for reader in readers:
            point = histogram(named(reader.collect())["long.took"])
            assert math.isfinite(point.sum)
            assert math.isfinite(point.max or 0)
            assert point.count in (2, 4, 6)
    assert aggregator.take_warned() == {"invalid_value": 2}
