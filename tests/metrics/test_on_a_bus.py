from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

import eventbus
from eventbus import Record, SinkContext, Unavailable, trace_context
from eventbus._chunk import Chunk, RecordBatch
from eventbus._context import TraceContext
from eventbus.metrics import (
    Aggregation,
    Aggregator,
    Deltas,
    Exemplar,
    HistogramPoint,
    MetricData,
    Metrics,
    NumberPoint,
    from_measurements,
)
from eventbus.sampling import Ratio
from eventbus.testing import RecordingSink, ScriptedSink, settled, steps
from tests._rig import Rig
from tests.metrics._events import SECOND, Request, Usage, histogram, named, values

SAMPLED = TraceContext("a" * 32, "b" * 16, 1)
NOT_SAMPLED = TraceContext("c" * 32, "d" * 16, 2)


class Counting(ScriptedSink):
    """Counts what it observes, and keeps the batches."""

    def __init__(self, *script: Any, aggregation: Aggregation | None = None) -> None:
        super().__init__(*script)
        self.aggregation = aggregation
        self.aggregator = Aggregator(aggregation)
        self.observed: list[Sequence[Any]] = []

    def configure(self, context: SinkContext) -> None:
        super().configure(context)
        self.aggregator = Aggregator(
            self.aggregation,
            catalog=context.catalog,
            resource=context.resource,
            clock=context.clock,
        )

    def observe(self, batch: Sequence[Any]) -> None:
        self.aggregator.observe(batch)
        self.observed.append(batch)
        self.were_made = [
            chunk.window._records is not None
            for chunk in batch.chunks  # type: ignore[attr-defined]
        ]

    def found(self) -> dict[str, MetricData]:
        return dict(named(self.aggregator.snapshot()))


@pytest.mark.proves("H15", "fault-51")
async def test_each_event_is_counted_once_before_sampling_and_however_often_sent() -> (
    None
):
    async with Rig() as rig:
        none = Counting()
        await rig.attach(none, name="none", sampler=Ratio(0.0))
        flaky = Counting(*[steps.fail(Unavailable())] * 2)
        await rig.attach(flaky, name="flaky")
        for n in range(10):
            rig.bus.emit(Request(route="/", duration_ms=float(n)))
        await settled()
        await rig.after(1)
        await rig.after(2)
        assert len(flaky.attempts) >= 3
        for sink in (none, flaky):
            assert values(sink.found()["http.request"]) == {("/", True): 10}
            assert histogram(sink.found()["http.request.duration"]).count == 10
        assert none.delivered == []


async def test_counting_makes_no_record() -> None:
    async with Rig() as rig:
        sink = Counting()
        await rig.attach(sink, sampler=Ratio(0.0))
        with eventbus.bind(tenant="x"):
            rig.bus.emit(Request(route="/", duration_ms=5.0))
        rig.bus.emit(Usage(input=1))
        await settled()
        assert sink.were_made == [False]
        assert values(sink.found()["http.request"]) == {("/", True): 1}
        assert values(sink.found()["usage.sum"]) == {(): 1}


@pytest.mark.proves("H6")
async def test_bound_attributes_become_labels_where_they_were_chosen() -> None:
    async with Rig() as rig:
        sink = Counting(aggregation=Aggregation(bound=("tenant",)))
        await rig.attach(sink)
        with eventbus.bind(tenant="x", user="me"):
            rig.bus.emit(Request(route="/"))
        rig.bus.emit(Request(route="/"))
        await settled()
        shown = [dict(p.attributes) for p in sink.found()["http.request"].points]
        own = {"http.route": "/", "success": True}
        assert shown == [{**own, "tenant": "x"}, own]


async def test_a_batch_counts_as_its_records_do() -> None:
    async with Rig() as rig:
        sink = Counting(aggregation=Aggregation(bound=("tenant",)))
        await rig.attach(sink)
        for n in range(50):
            with eventbus.bind(tenant=str(n % 3)), trace_context.attach(SAMPLED):
                rig.bus.emit(Request(route=f"/{n % 4}", duration_ms=float(n)))
            if n % 5 == 0:
                rig.bus.emit(Usage(input=n, output=1))
        relayed = Request(route="/r", duration_ms=9.0)
        rig.bus.relay(Record(relayed, weight=4.0, resource={"service.name": "s"}))
        await settled()
        again = Aggregator(sink.aggregation, clock=rig.clock)
        for batch in sink.observed:
            again.observe(list(batch))
        assert again.snapshot() == sink.aggregator.snapshot()
        whole = sum(len(batch) for batch in sink.observed)
        assert whole == 61


async def test_a_part_of_a_batch_counts_as_that_part() -> None:
    async with Rig() as rig:
        sink = Counting()
        await rig.attach(sink)
        for n in range(10):
            with trace_context.attach(SAMPLED):
                rig.bus.emit(Request(route=str(n)))
        await settled()
        (batch,) = sink.observed
        assert isinstance(batch, RecordBatch)
        (chunk,) = batch.chunks
        part = Aggregator()
        part.observe(RecordBatch([Chunk(chunk.window, 3, 5)]))
        assert list(values(part.snapshot()[0])) == [("3", True), ("4", True)]


async def test_a_sampled_record_that_is_written_counts_with_its_weight() -> None:
    async with Rig() as rig:
        sink = RecordingSink()
        await rig.attach(sink, sampler=Ratio(0.25, key="route"))
        for n in range(400):
            rig.bus.emit(Request(route=str(n)))
        await settled()
        assert 50 < len(sink.records) < 150
        aggregator = Aggregator()
        for batch in sink.batches:
            aggregator.observe(batch)
        total = sum(values(named(aggregator.snapshot())["http.request"]).values())
        assert total == 4 * len(sink.records)


@pytest.mark.parametrize("weight", [math.nan, math.inf, -5.0, 1e300, "7", None])
def test_a_weight_that_is_none_costs_no_other_event(weight: Any) -> None:
    event, aggregator = Request(route="/", duration_ms=5.0), Aggregator()
    aggregator.observe([Record(event, weight=one) for one in (2.0, weight, 0.0)])
    found = named(aggregator.snapshot())
    assert values(found["http.request"]) == {("/", True): 3}
    assert histogram(found["http.request.duration"]).count == 3
    assert aggregator.take_warned() == {"invalid_value": 1}


async def test_a_part_of_a_sampled_batch_counts_with_the_weights_of_that_part() -> None:
    class Kept(RecordingSink):
        async def write(self, batch: Sequence[Any]) -> None:
            assert isinstance(batch, RecordBatch)
            (chunk,) = batch.chunks
            first = chunk.start + 1
            parts.append(RecordBatch([Chunk(chunk.window, first, first + 2)]))

    parts: list[RecordBatch] = []
    async with Rig() as rig:
        await rig.attach(Kept(), sampler=Ratio(0.5, key="route"))
        for n in range(40):
            rig.bus.emit(Request(route=str(n)))
        await settled()
    aggregator = Aggregator()
    aggregator.observe(parts[0])
    assert sum(values(named(aggregator.snapshot())["http.request"]).values()) == 4


def exemplars(sink: Counting, name: str) -> list[Exemplar]:
    points: Any = sink.found()[name].points
    return [exemplar for point in points for exemplar in point.exemplars]


@pytest.mark.proves("H1")
async def test_a_sampled_trace_is_shown_as_an_exemplar_of_its_bucket() -> None:
    async with Rig() as rig:
        sink = Counting()
        await rig.attach(sink)
        times = {}
        for milliseconds in (1.0, 2.0, 30.0, 40.0):
            rig.clock.advance(1)
            times[milliseconds] = rig.clock.time_ns()
            with trace_context.attach(SAMPLED):
                rig.bus.emit(Request(route="/", duration_ms=milliseconds))
            with trace_context.attach(NOT_SAMPLED):
                rig.bus.emit(Request(route="/", duration_ms=milliseconds))
            rig.bus.emit(Request(route="/", duration_ms=milliseconds))
        await settled()
        assert exemplars(sink, "http.request.duration") == [
            Exemplar(0.002, times[2.0], SAMPLED.trace_id, SAMPLED.span_id),
            Exemplar(0.04, times[40.0], SAMPLED.trace_id, SAMPLED.span_id),
        ]
        (one,) = exemplars(sink, "http.request")
        assert (one.value, one.time_unix_nano) == (1, times[40.0])


@pytest.mark.parametrize(
    ("chosen", "traces"),
    [
        ("always_on", {SAMPLED.trace_id, NOT_SAMPLED.trace_id, ""}),
        ("trace_based", {SAMPLED.trace_id}),
        ("always_off", set()),
    ],
)
async def test_which_events_are_shown_is_a_choice(
    chosen: Any, traces: set[str]
) -> None:
    async with Rig() as rig:
        sink = Counting(aggregation=Aggregation(exemplars=chosen))
        await rig.attach(sink)
        for index, context in enumerate((SAMPLED, NOT_SAMPLED, None)):
            with trace_context.attach(context):
                rig.bus.emit(Request(route=str(index), duration_ms=1.0))
            rig.bus.relay(
                Record(
                    Request(route=f"r{index}", duration_ms=1.0),
                    trace_id=context.trace_id if context else None,
                    trace_flags=context.trace_flags if context else 0,
                )
            )
            await settled()
        for name in ("http.request", "http.request.duration"):
            assert {one.trace_id for one in exemplars(sink, name)} == traces


async def test_an_exemplar_is_told_to_a_reader_of_deltas_once() -> None:
    async with Rig() as rig:
        sink = Counting()
        await rig.attach(sink)
        reader = sink.aggregator.reader("delta")
        with trace_context.attach(SAMPLED):
            rig.bus.emit(Request(route="/", duration_ms=1.0))
        await settled()
        assert histogram(named(reader.collect())["http.request.duration"]).exemplars
        rig.bus.emit(Request(route="/", duration_ms=1.0))
        await settled()
        point = histogram(named(reader.collect())["http.request.duration"])
        assert (point.count, point.exemplars) == (1, ())


async def test_events_in_no_trace_count_beside_others_that_are_in_one() -> None:
    async with Rig() as rig:
        sink = Counting()
        await rig.attach(sink)
        with trace_context.attach(SAMPLED):
            rig.bus.emit(Request(route="/", duration_ms=1.0))
        rig.bus.emit(Usage(input=1, output=2))
        await settled()
        assert sink.aggregator.take_warned() == {}
        points: Any = sink.found()["usage.tokens"].points
        assert sorted(point.sum for point in points) == [1, 2]


async def test_an_exemplar_of_a_value_that_is_none_is_dropped() -> None:
    async with Rig() as rig:
        sink = Counting()
        await rig.attach(sink)
        with trace_context.attach(SAMPLED):
            rig.bus.emit(Request(route="/", duration_ms=float("nan")))
            rig.bus.emit(Request(route="/", duration_ms=1.0))
        await settled()
        assert [one.value for one in exemplars(sink, "http.request.duration")] == [
            0.001
        ]


async def test_the_bus_s_own_measurements_are_metrics_like_others() -> None:
    async with Rig() as rig:
        await rig.attach(RecordingSink())
        deltas, began, found = Deltas(), rig.clock.time_ns(), []
        for _ in range(2):
            await rig.emit(1, 2, 3)
            rig.clock.advance(1)
            measured = from_measurements(
                eventbus.own_metrics(rig.bus.stats()),
                start_unix_nano=began,
                time_unix_nano=rig.clock.time_ns(),
            )
            found.append((named(measured), named(deltas.of(measured))))
        (_, _), (whole, new) = found
        created = whole["otel.sdk.log.created"]
        assert (created.kind, created.monotonic) == ("sum", True)
        assert values(created) == {(): 6}
        assert values(new["otel.sdk.log.created"]) == {(): 3}
        (point,) = new["otel.sdk.log.created"].points
        assert isinstance(point, NumberPoint)
        assert point.start_unix_nano == began + SECOND
        assert new["otel.sdk.log.created"].temporality == "delta"
        capacity = new["otel.sdk.processor.log.queue.capacity"]
        assert (capacity.monotonic, capacity.temporality) == (False, "cumulative")
        calls = [p for p in whole["eventbus.call.duration"].points if p.count]  # type: ignore[union-attr]
        (call,) = calls
        assert isinstance(call, HistogramPoint)
        assert call.count == sum(call.buckets) == 2
        assert (call.min, call.max) == (None, None)


async def test_a_configuration_s_metrics_reach_the_sinks_of_the_bus() -> None:
    bus = eventbus.Bus.from_config(
        {"metrics": {"http.request": {"labels": ["success"]}}}, strict=True
    )
    sink = Counting()
    async with bus:
        attachment = bus.attach(sink)
        await attachment.ready()
        bus.emit(Request(route="/"))
        await bus.flush()
        assert values(sink.found()["http.request"]) == {(True,): 1}
        assert bus.catalog.metrics == {"http.request": Metrics(labels=("success",))}
