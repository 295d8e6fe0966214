from __future__ import annotations

import signal
from threading import Thread
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventbus import Catalog
from eventbus.metrics import (
    Aggregation,
    Aggregator,
    Deltas,
    HistogramPoint,
    MetricData,
    ObservableGauge,
)
from eventbus.testing import ManualClock
from tests.metrics._events import (
    SECOND,
    Request,
    Usage,
    histogram,
    named,
    records,
    values,
)

TIMES = st.lists(st.floats(0, 20_000), max_size=8)


def observe(aggregator: Aggregator, *times: float) -> None:
    aggregator.observe(records(*(Request(route="/", duration_ms=t) for t in times)))


@pytest.mark.proves("H13")
def test_cumulative_points_start_when_counting_began() -> None:
    clock = ManualClock()
    aggregator = Aggregator(clock=clock)
    began = clock.time_ns()
    reader = aggregator.reader("cumulative")
    for count in (1, 2):
        clock.advance(10)
        observe(aggregator, 5.0)
        (metric, _) = reader.collect()
        (point,) = metric.points
        assert metric.temporality == reader.temporality == "cumulative"
        assert values(metric) == {("/", True): count}
        assert point.start_unix_nano == began
        assert point.time_unix_nano == began + count * 10 * SECOND


@pytest.mark.proves("H13")
def test_deltas_start_where_the_last_ones_ended() -> None:
    clock = ManualClock()
    aggregator = Aggregator(clock=clock)
    reader = aggregator.reader("delta")
    last = clock.time_ns()
    for times in ([5.0], [20.0, 1.0], [100.0]):
        clock.advance(10)
        observe(aggregator, *times)
        found = named(reader.collect())
        point = histogram(found["http.request.duration"])
        assert found["http.request"].temporality == "delta"
        assert values(found["http.request"]) == {("/", True): len(times)}
        assert (point.count, sum(point.buckets)) == (len(times), len(times))
        assert point.sum == pytest.approx(sum(times) / 1000)
        assert (point.min, point.max) == (min(times) / 1000, max(times) / 1000)
        assert (point.start_unix_nano, point.time_unix_nano) == (last, clock.time_ns())
        last = clock.time_ns()


def test_a_series_to_which_nothing_came_is_left_out_of_deltas() -> None:
    aggregator = Aggregator()
    reader = aggregator.reader("delta")
    observe(aggregator, 5.0)
    assert len(reader.collect()) == 2
    assert reader.collect() == []
    aggregator.observe(records(Request(route="/a")))
    assert list(values(reader.collect()[0])) == [("/a", True)]


@pytest.mark.proves("H13", "H8")
def test_after_a_reset_points_start_there() -> None:
    clock = ManualClock()
    aggregator = Aggregator(clock=clock)
    cumulative, delta = aggregator.reader("cumulative"), aggregator.reader("delta")
    observe(aggregator, 1.0)
    clock.advance(1)
    cumulative.collect(), delta.collect()
    clock.advance(1)
    aggregator.reset()
    began = clock.time_ns()
    clock.advance(1)
    observe(aggregator, 3.0, 4.0)
    for reader in (cumulative, delta):
        point = histogram(named(reader.collect())["http.request.duration"])
        assert (point.count, point.min, point.start_unix_nano) == (2, 0.003, began)


@pytest.mark.proves("H8")
def test_a_snapshot_takes_nothing_away() -> None:
    aggregator = Aggregator()
    reader = aggregator.reader("delta")
    observe(aggregator, 5.0)
    assert values(aggregator.snapshot()[0]) == values(aggregator.snapshot()[0])
    assert values(reader.collect()[0]) == {("/", True): 1}


@pytest.mark.proves("H13")
@settings(deadline=None)
@given(st.lists(st.tuples(TIMES, st.sampled_from(["a", "b", "none"])), max_size=20))
def test_deltas_of_each_reader_add_up_to_what_is_cumulative(steps: list[Any]) -> None:
    aggregator = Aggregator()
    readers = {name: aggregator.reader("delta") for name in "ab"}
    since: dict[str, list[float]] = {"a": [], "b": []}
    counts = dict.fromkeys("ab", 0)

    def collect(name: str) -> None:
        if draw_failure():
            readers[name].put_back(readers[name].collect())
        found = named(readers[name].collect())
        seen = since[name]
        assert bool(found) == bool(seen)
        if seen:
            point = histogram(found["http.request.duration"])
            assert point.count == len(seen)
            assert (point.min, point.max) == (min(seen) / 1000, max(seen) / 1000)
            counts[name] += point.count
        seen.clear()

    def draw_failure() -> bool:
        return len(since["a"]) % 3 == 0

    total = 0
    for times, name in steps:
        observe(aggregator, *times)
        total += len(times)
        for seen in since.values():
            seen += times
        if name != "none":
            collect(name)
    for name in "ab":
        collect(name)
    assert counts == {"a": total, "b": total}


def test_a_clock_that_was_set_back_gives_no_time_before_the_start() -> None:
    clock = ManualClock()
    aggregator = Aggregator(clock=clock)
    observe(aggregator, 1.0)
    clock.time_ns = lambda: 5  # type: ignore[method-assign]
    (point,) = aggregator.snapshot()[0].points
    assert point.time_unix_nano == point.start_unix_nano


@pytest.mark.proves("H8")
def test_collecting_in_another_thread_sees_whole_series_and_loses_nothing() -> None:
    aggregator = Aggregator(Aggregation(max_series=600))
    readers = [aggregator.reader("delta") for _ in range(2)]
    deltas = [0, 0]
    seen: list[int] = []
    torn: list[HistogramPoint] = []
    done: list[bool] = []

    def watch() -> None:
        while True:
            is_last = bool(done)
            for metric in aggregator.snapshot():
                if metric.kind == "histogram":
                    points: Any = metric.points
                    torn.extend(p for p in points if sum(p.buckets) != p.count)
                    torn.extend(p for p in points if abs(p.sum - p.count) > 1e-6)
                    seen.append(sum(p.count for p in points))
            for index, reader in enumerate(readers):
                for metric in reader.collect():
                    if metric.kind == "histogram":
                        deltas[index] += sum(p.count for p in metric.points)  # type: ignore[union-attr]
            if is_last:
                return

    thread = Thread(target=watch)
    thread.start()
    batch = records(*(Request(route=f"/{n}", duration_ms=1000.0) for n in range(400)))
    for _ in range(60):
        aggregator.observe(batch)
    done.append(True)
    thread.join()
    assert torn == []
    assert seen == sorted(seen)
    assert seen[-1] == 24_000
    assert deltas == [24_000, 24_000]


def test_an_observable_gauge_is_asked_at_each_collection() -> None:
    asked: list[int] = []

    def size() -> float:
        asked.append(1)
        return len(asked)

    catalog = Catalog()
    catalog.gauges.append(ObservableGauge("pool.size", size, unit="{connection}"))
    aggregator = Aggregator(Aggregation(labels={"app": "x"}), catalog=catalog)
    for reader in (aggregator.reader("delta"), aggregator.reader("cumulative")):
        (gauge,) = reader.collect()
        assert (gauge.name, gauge.kind, gauge.unit) == (
            *("pool.size", "gauge", "{connection}"),
        )
        assert values(gauge) == {("x",): len(asked)}
    assert len(asked) == 2


@pytest.mark.proves("H1")
def test_an_observable_gauge_may_have_series_or_nothing_to_say() -> None:
    said: Any = None
    catalog = Catalog()
    catalog.gauges.append(ObservableGauge("rooms", lambda: said))
    aggregator = Aggregator(catalog=catalog)
    assert aggregator.snapshot() == []
    said = [(1, {"room": "a"}), (2.5, {"room": "b"}), (float("nan"), {"room": "c"})]
    assert values(aggregator.snapshot()[0]) == {("a",): 1, ("b",): 2.5}
    assert aggregator.take_warned() == {"invalid_value": 1}


@pytest.mark.parametrize(
    "said", [lambda: 1 / 0, lambda: "7", lambda: [(1, {"a b": "x"})], lambda: [1]]
)
def test_a_gauge_that_fails_harms_no_other_metric(said: Any) -> None:
    catalog = Catalog()
    catalog.gauges += [ObservableGauge("bad", said), ObservableGauge("good", lambda: 1)]
    aggregator = Aggregator(catalog=catalog)
    assert [metric.name for metric in aggregator.snapshot()] == ["good"]
    assert aggregator.take_warned() == {"gauge_failed": 1}


def test_a_gauge_without_end_is_bounded() -> None:
    def endless() -> Any:
        n = 0
        while True:
            n += 1
            yield n, {"n": n}

    catalog = Catalog()
    catalog.gauges.append(ObservableGauge("endless", endless))
    aggregator = Aggregator(Aggregation(max_series=5), catalog=catalog)
    (gauge,) = aggregator.snapshot()
    assert len(gauge.points) == 5
    assert aggregator.take_warned() == {"gauge_failed": 1}


def test_a_gauge_has_the_last_value_whatever_is_collected() -> None:
    aggregator = Aggregator()
    reader = aggregator.reader("delta")
    aggregator.observe(records(Usage(window=3), Usage(window=-4), Usage()))
    for _ in range(2):
        assert values(named(reader.collect())["usage.window"]) == {(): -4}


def test_what_was_put_back_comes_with_what_is_new_as_one_interval() -> None:
    clock = ManualClock()
    aggregator = Aggregator(clock=clock)
    reader = aggregator.reader("delta")
    began = clock.time_ns()
    observe(aggregator, 1.0, 50.0)
    clock.advance(10)
    reader.put_back(reader.collect())
    observe(aggregator, 20.0)
    clock.advance(10)
    found = reader.collect()
    point = histogram(named(found)["http.request.duration"])
    assert (point.count, sum(point.buckets)) == (3, 3)
    assert (point.min, point.max, point.sum) == (0.001, 0.05, pytest.approx(0.071))
    assert (point.start_unix_nano, point.time_unix_nano) == (began, clock.time_ns())
    assert values(named(found)["http.request"]) == {("/", True): 3}
    assert reader.collect() == []


def test_a_part_may_be_put_back_and_comes_even_if_nothing_is_new() -> None:
    aggregator = Aggregator()
    reader = aggregator.reader("delta")
    observe(aggregator, 1.0)
    counter, _ = reader.collect()
    reader.put_back([counter])
    assert reader.collect() == [counter]


def test_a_gauge_that_was_put_back_comes_once() -> None:
    aggregator = Aggregator()
    reader = aggregator.reader("delta")
    aggregator.observe(records(Usage(window=3)))
    reader.put_back(reader.collect())
    assert values(named(reader.collect())["usage.window"]) == {(): 3}


def test_what_was_put_back_survives_a_reset() -> None:
    aggregator = Aggregator()
    reader = aggregator.reader("delta")
    observe(aggregator, 1.0)
    reader.put_back(reader.collect())
    aggregator.reset()
    found = named(reader.collect())
    assert values(found["http.request"]) == {("/", True): 1}
    assert histogram(found["http.request.duration"]).count == 1


def test_nothing_that_is_cumulative_comes_twice() -> None:
    aggregator = Aggregator()
    reader = aggregator.reader("cumulative")
    observe(aggregator, 1.0)
    reader.put_back(reader.collect())
    assert values(reader.collect()[0]) == {("/", True): 1}


def test_what_was_put_back_of_one_place_twice_is_added() -> None:
    aggregator = Aggregator()
    reader = aggregator.reader("delta")
    observe(aggregator, 1.0)
    first = reader.collect()
    observe(aggregator, 1.0)
    second = reader.collect()
    reader.put_back(first)
    reader.put_back(second)
    found = named(reader.collect())
    assert values(found["http.request"]) == {("/", True): 2}
    assert histogram(found["http.request.duration"]).count == 2


def test_of_one_place_with_other_buckets_both_come_back() -> None:
    deltas = Deltas()
    for bounds in ((1.0,), (2.0,)):
        deltas.put_back([_one_value(bounds)])
    found = deltas.of([])
    assert [point for metric in found for point in metric.points] == [
        point for bounds in ((1.0,), (2.0,)) for point in _one_value(bounds).points
    ]


def _one_value(bounds: tuple[float, ...]) -> MetricData:
    point = HistogramPoint(
        attributes={},
        start_unix_nano=1,
        time_unix_nano=2,
        count=1,
        sum=0.5,
        buckets=(1, 0),
        bounds=bounds,
    )
    return MetricData(
        name="m",
        kind="histogram",
        unit="s",
        description="",
        points=[point],
        temporality="delta",
    )


def test_what_was_counted_is_had_without_asking_a_gauge() -> None:
    catalog = Catalog()
    asked: list[int] = []
    catalog.gauges.append(ObservableGauge("asked", lambda: asked.append(1)))
    aggregator = Aggregator(catalog=catalog)
    reader = aggregator.reader("delta")
    observe(aggregator, 1.0)
    assert set(named(reader.counted())) == {"http.request", "http.request.duration"}
    assert not asked


def test_a_key_pressed_while_a_gauge_is_asked_goes_on() -> None:
    """It is the keyboard's, and no fault of the gauge."""
    catalog = Catalog()
    catalog.gauges.append(
        ObservableGauge("asked", lambda: signal.raise_signal(signal.SIGINT))
    )
    with pytest.raises(KeyboardInterrupt):
        Aggregator(catalog=catalog).snapshot()
