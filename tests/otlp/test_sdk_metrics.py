"""Metrics that go to an exporter of OpenTelemetry's SDK."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    ConsoleMetricExporter,
    HistogramDataPoint,
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
    MetricsData,
)

from eventbus import (
    Bus,
    Catalog,
    Clock,
    Event,
    Label,
    Record,
    SinkContext,
    Unit,
    bind,
    sampling,
)
from eventbus._bounds import WrongSetting
from eventbus.metrics import BOUNDS_SECONDS, Aggregation, Gauge, Metrics
from eventbus.metrics import ObservableGauge as Asked
from eventbus.testing import ManualClock, check_sink, settled
from eventbus_otlp import OtlpSettings, OtlpSink, SdkSink
from eventbus_otlp._sdk_sink import TIMEOUT_SECONDS
from tests.otlp._servers import Request, serving
from tests.otlp._sinks import Ping, pings

CUMULATIVE, DELTA = AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


RUN_METRICS = Metrics(gauges=(Gauge(name="run.size", field="size"),))


class Run(Event, tag="run", metrics=RUN_METRICS):
    tool: Annotated[str, Label]
    took_ms: Annotated[float, Unit("ms")] = 5.0
    size: float = 1.0


Step = Callable[[], MetricExportResult]


class Exporter(MetricExporter):
    """Does what it is told, one call after the other; keeps what it took."""

    def __init__(self, *steps: Step, **preferences: Any) -> None:
        super().__init__(**preferences)
        self._steps = list(steps)
        self.took: list[MetricsData] = []
        self.running = self.most = 0
        self.threads: list[int] = []
        self.ended = threading.Event()
        self.called = threading.Semaphore(0)

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        self.running += 1
        self.most = max(self.most, self.running)
        self.threads.append(threading.get_ident())
        self.called.release()
        try:
            result = MetricExportResult.SUCCESS
            if self._steps:
                result = self._steps.pop(0)()
            if result is MetricExportResult.SUCCESS:
                self.took.append(metrics_data)
            return result
        finally:
            self.running -= 1

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        self.ended.set()

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    async def call(self) -> None:
        """Wait for the next call."""
        while not self.called.acquire(blocking=False):  # noqa: ASYNC110 - from a thread
            await asyncio.sleep(0)

    def counts(self, name: str = "ping") -> list[int]:
        """Return the value of the one series of *name*, of each call."""
        return [points(one)[name][0].value for one in self.took]


def deltas(*steps: Step) -> Exporter:
    preferred = {Counter: DELTA, Histogram: DELTA}
    return Exporter(*steps, preferred_temporality=preferred)


def failure() -> MetricExportResult:
    return MetricExportResult.FAILURE


def raises() -> MetricExportResult:
    raise OSError("no disk")


class Hanging:
    """A call that goes on when somebody says so."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def __call__(self) -> MetricExportResult:
        self.go_on.wait()
        return MetricExportResult.SUCCESS


def points(data: MetricsData) -> dict[str, list[Any]]:
    """Return the points of each metric by its name."""
    return {
        metric.name: list(metric.data.data_points)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def sink_with(
    exporter: MetricExporter, clock: Clock | None = None, **options: Any
) -> SdkSink:
    return configured(SdkSink(exporter, **options), clock or ManualClock())


def configured(sink: Any, clock: Clock, catalog: Catalog | None = None) -> Any:
    resource = {"service.name": "checkout"}
    sink.configure(
        SinkContext("sdk", resource, Catalog() if catalog is None else catalog, clock)
    )
    return sink


async def idle(sink: SdkSink, clock: ManualClock) -> None:
    """Wait until *sink* waits for its time."""
    while sink._thread._call is not None or not clock.timers:  # noqa: ASYNC110
        await asyncio.sleep(0)


def runs(*durations_ms: float, tool: str = "shell", **more: Any) -> list[Record[Run]]:
    return [
        Record(Run(tool=tool, took_ms=each), time_unix_nano=1, **more)
        for each in durations_ms
    ]


# What arrives, beside what others make of the same.

OURS = runs(3, 40.5) + runs(7e3, tool="edit")
TRACED = runs(8, trace_id=TRACE, span_id=SPAN, trace_flags=1)
RELAYED = runs(9, resource={"service.name": "elsewhere"})


@pytest.mark.parametrize(
    ("said", "ours"), [(CUMULATIVE, "cumulative"), (DELTA, "delta")]
)
async def test_what_arrives_is_what_the_otlp_sink_sends(
    said: AggregationTemporality, ours: Any
) -> None:
    """By the SDK's own exporter, field by field."""
    catalog, clock = Catalog(), ManualClock()
    catalog.gauges.append(Asked("queue.size", lambda: [(2.5, {"queue": "a"})], "1"))
    preferred = {Counter: said, Histogram: said}
    async with serving() as server:
        url = f"{server.url}/v1/metrics"
        exporter = OTLPMetricExporter(url, preferred_temporality=preferred)
        settings = OtlpSettings(
            endpoint=server.url, signals=("metrics",), temporality=ours
        )
        sinks: list[Any] = [SdkSink(exporter), OtlpSink(settings)]
        for sink in sinks:
            await configured(sink, clock, catalog).start()
        for batch in (OURS + TRACED, RELAYED + OURS):
            for sink in sinks:
                sink.observe(batch)
        clock.advance(1)
        for sink in sinks:
            await sink.aclose()
        theirs, sent = map(message, server.requests)
    assert theirs == sent
    assert len(sent.resource_metrics) == 2
    names = {
        metric.name
        for resource in sent.resource_metrics
        for metric in resource.scope_metrics[0].metrics
    }
    assert names == {"run", "run.took", "run.size", "queue.size"}
    assert bytes.fromhex(TRACE) in server.requests[0].content


def message(request: Request) -> Any:
    return ExportMetricsServiceRequest.FromString(request.content)


@pytest.mark.parametrize("of_sums", [CUMULATIVE, DELTA])
@pytest.mark.parametrize("of_histograms", [CUMULATIVE, DELTA])
async def test_it_counts_as_the_sdk_does_for_each_preference(
    of_sums: AggregationTemporality, of_histograms: AggregationTemporality
) -> None:
    """Two collections, read by the SDK's own reader of the SDK's own instruments."""
    preferred: Any = {Counter: of_sums, Histogram: of_histograms}
    reader = InMemoryMetricReader(preferred_temporality=preferred)
    provider = MeterProvider([reader])
    meter = provider.get_meter("judge")
    counter = meter.create_counter("run")
    histogram = meter.create_histogram(
        "run.took", explicit_bucket_boundaries_advisory=BOUNDS_SECONDS
    )
    exporter, clock = Exporter(preferred_temporality=preferred), ManualClock()
    sink = sink_with(exporter, clock)
    await sink.start()
    for batch in (OURS, runs(20)):
        for record in batch:
            labels = {"tool": record.event.tool}
            counter.add(1, labels)
            histogram.record(record.event.took_ms / 1000, labels)
        sink.observe(batch)
        await idle(sink, clock)
        clock.advance(60.0)
        await exporter.call()
        await idle(sink, clock)
        theirs = reader.get_metrics_data()
        assert theirs is not None
        expected = comparable(theirs)
        assert comparable(exporter.took[-1]) == expected
    assert [found[0] for found in expected.values()] == [of_sums, of_histograms]
    await sink.aclose()
    provider.shutdown()


def comparable(data: MetricsData) -> dict[str, Any]:
    """Return what counters and histograms say, but when."""
    return {
        metric.name: said_of(metric.data)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name in ("run", "run.took")
    }


def said_of(data: Any) -> tuple[AggregationTemporality, list[Any]]:
    found = sorted(map(said_by, data.data_points), key=str)
    return data.aggregation_temporality, found


def said_by(point: Any) -> Mapping[str, Any]:
    said: dict[str, Any] = {"attributes": dict(point.attributes)}
    if not isinstance(point, HistogramDataPoint):
        return said | {"value": point.value}
    return said | {
        "count": point.count,
        "sum": pytest.approx(point.sum),
        "buckets": list(point.bucket_counts),
        "bounds": list(point.explicit_bounds),
        "extremes": (point.min, point.max),
    }


async def test_a_console_exporter_prints_them() -> None:
    out = io.StringIO()
    sink = sink_with(ConsoleMetricExporter(out))
    await sink.start()
    sink.observe(OURS)
    await sink.aclose()
    [resource] = json.loads(out.getvalue())["resource_metrics"]
    assert resource["resource"]["attributes"]["service.name"] == "checkout"
    [scope] = resource["scope_metrics"]
    assert scope["scope"]["name"] == "eventbus"
    first = scope["metrics"][0]
    assert (first["name"], first["unit"]) == ("run", "{event}")
    values = {
        point["attributes"]["tool"]: point["value"]
        for point in first["data"]["data_points"]
    }
    assert values == {"shell": 2, "edit": 1}


# When it goes out, and what becomes of what is not taken.


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
    caplog: pytest.LogCaptureFixture,
) -> None:
    hanging = Hanging()
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
