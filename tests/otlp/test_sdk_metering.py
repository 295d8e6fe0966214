"""When metrics go to an exporter of OpenTelemetry's SDK, and what is not taken."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

import pytest
from opentelemetry.sdk.metrics import Counter, Histogram
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExportResult,
)

from eventbus import (
    Bus,
    bind,
    sampling,
)
from eventbus._bounds import WrongSetting
from eventbus.metrics import Aggregation
from eventbus.testing import ManualClock, check_sink, settled
from eventbus_otlp import SdkSink
from eventbus_otlp._sdk_sink import TIMEOUT_SECONDS
from tests.otlp._sdk_exporter import (
    CUMULATIVE,
    DELTA,
    Exporter,
    Hanging,
    Run,
    Step,
    deltas,
    failure,
    idle,
    points,
    raises,
    runs,
    sink_with,
)
from tests.otlp._sinks import Ping, pings


@pytest.mark.proves("H13")
async def test_metrics_go_out_every_so_often_and_once_more_at_the_close() -> None:
    exporter, clock = Exporter(), ManualClock()
    async with Bus(clock=clock) as bus:
        sink = SdkSink(
            exporter,
            metric_interval_seconds=30.0,
            aggregation=Aggregation(bound=("tenant",)),
        )
        half = sampling.Ratio(0.5, key="trace_id")
        await bus.attach(sink, name="sdk", sampler=half).ready()
        with bind(tenant="a1"):
            for n in range(3):
                bus.emit(Ping(n=n))
        assert (await bus.flush(10)).complete
        stats = bus.stats().attachments["sdk"]
        assert stats.delivered + stats.sampled_out == 3
        await settled()
        clock.advance(30.0)
        await exporter.call()
        with bind(tenant="a1"):
            bus.emit(Ping(n=4))
        await bus.flush(10)
    assert exporter.counts() == [3, 4]
    assert points(exporter.took[0])["ping"][0].attributes == {"tenant": "a1"}
    assert exporter.ended.is_set()


@pytest.mark.parametrize(("step", "after_seconds"), [(failure, 1.0), (raises, 60.0)])
async def test_deltas_that_are_not_taken_go_with_the_next(
    step: Step, after_seconds: float, caplog: pytest.LogCaptureFixture
) -> None:
    exporter, clock = deltas(step), ManualClock()
    sink = sink_with(exporter, clock)
    await sink.start()
    sink.observe(pings(1, 2))
    await idle(sink, clock)
    clock.advance(60.0)
    await exporter.call()
    await idle(sink, clock)
    assert exporter.took == []
    sink.observe(pings(3))
    clock.advance(after_seconds)
    await exporter.call()
    await sink.aclose()
    assert exporter.counts() == [3]
    assert ("says FAILURE" in caplog.text) == (step is failure)
    assert ("no disk" in caplog.text) == (step is raises)


@pytest.mark.parametrize(
    ("sums", "histograms"), [(DELTA, CUMULATIVE), (CUMULATIVE, DELTA)]
)
async def test_only_what_is_preferred_as_deltas_is_told_again(
    sums: AggregationTemporality, histograms: AggregationTemporality
) -> None:
    preferred: Any = {Counter: sums, Histogram: histograms}
    exporter = Exporter(failure, preferred_temporality=preferred)
    clock = ManualClock()
    sink = sink_with(exporter, clock)
    await sink.start()
    sink.observe(runs(1, 2))
    await idle(sink, clock)
    clock.advance(60.0)
    await exporter.call()
    sink.observe(runs(3))
    await sink.aclose()
    [data] = map(points, exporter.took)
    assert (data["run"][0].value, data["run.took"][0].count) == (3, 3)
    assert [len(data["run"]), len(data["run.took"])] == [1, 1]


async def test_an_exporter_that_hangs_keeps_one_thread_and_is_told_no_delta_twice(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging, loop = Hanging(), asyncio.get_running_loop()
    exporter, clock = deltas(hanging), ManualClock()
    sink = sink_with(exporter, clock)
    await sink.start()
    sink.observe(pings(1, 2))
    await idle(sink, clock)
    clock.advance(60.0)
    await exporter.call()
    sink.observe(pings(3))
    assert await sink.write(pings(3)) is None
    clock.advance(TIMEOUT_SECONDS)
    await settled()
    assert "metrics wait: Exporter has not answered for 90 s" in caplog.text
    await sink.start()
    monkeypatch.setattr(loop, "time", lambda: monotonic() + 10**6)
    await settled()
    hanging.go_on.set()
    await sink.aclose()
    assert exporter.counts() == [2, 1]
    assert exporter.most == len(set(exporter.threads)) == 1


async def test_a_close_that_is_cancelled_leaves_a_hanging_exporter_alone() -> None:
    hanging = Hanging()
    exporter, clock = Exporter(hanging), ManualClock()
    sink = sink_with(exporter, clock)
    await sink.start()
    sink.observe(pings(1))
    closing = asyncio.create_task(sink.aclose())
    await exporter.call()
    closing.cancel("the time is up")
    with pytest.raises(asyncio.CancelledError, match="the time is up"):
        await closing
    assert asyncio.all_tasks() == {asyncio.current_task()}
    while not exporter.ended.is_set():  # noqa: ASYNC110 - from a thread
        await asyncio.sleep(0)
    hanging.go_on.set()
    await sink.aclose()


async def test_a_bus_closes_in_time_though_its_exporter_hangs() -> None:
    hanging = Hanging()
    exporter = Exporter(hanging)
    async with Bus(clock=ManualClock(), close_timeout_seconds=0) as bus:
        bus.attach(SdkSink(exporter), name="sdk")
        bus.emit(Ping(n=1))
        assert (await bus.flush(10)).complete
    hanging.go_on.set()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_the_child_of_a_fork_counts_from_zero_in_its_own_thread() -> None:
    hanging = Hanging()
    exporter, clock = Exporter(hanging), ManualClock()
    sink = sink_with(exporter, clock)
    await sink.start()
    sink.observe(pings(1, 2, 3))
    parents = asyncio.create_task(sink.aclose())
    await exporter.call()
    sink.after_fork()
    sink.observe(pings(4))
    await sink.start()
    await sink.aclose()
    assert exporter.counts() == [1]
    assert len(set(exporter.threads)) == 2
    hanging.go_on.set()
    await parents


async def test_what_is_no_number_is_counted_as_warned_at_the_attachment() -> None:
    async with Bus() as bus:
        bus.attach(SdkSink(Exporter()), name="sdk")
        bus.emit(Run(tool="shell", took_ms=float("nan")))
        await bus.flush(10)
        assert bus.stats().warned == {"invalid_value": 1}
        assert bus.stats().attachments["sdk"].delivered == 1


async def test_what_the_exporter_sends_is_left_alone_by_instrumentation() -> None:
    from opentelemetry import context

    seen: list[object] = []

    def looks() -> MetricExportResult:
        seen.append(context.get_value(context._SUPPRESS_INSTRUMENTATION_KEY))
        return MetricExportResult.SUCCESS

    sink = sink_with(Exporter(looks))
    await sink.start()
    sink.observe(pings(1))
    await sink.aclose()
    assert seen == [True]


def test_an_interval_out_of_range_is_refused() -> None:
    with pytest.raises(
        WrongSetting, match=r"metric_interval_seconds must be > 0, got 0"
    ):
        SdkSink(Exporter(), metric_interval_seconds=0)


def test_only_metrics_are_observed() -> None:
    from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter

    assert not hasattr(SdkSink(InMemoryLogRecordExporter()), "observe")
    assert hasattr(SdkSink(Exporter()), "observe")


async def test_it_keeps_the_specification() -> None:
    await check_sink(lambda: SdkSink(Exporter()))
