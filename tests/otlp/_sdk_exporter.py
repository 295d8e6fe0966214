"""An exporter of metrics that does what it is told, and what it is told about."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Annotated, Any

from opentelemetry.sdk.metrics import Counter, Histogram
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExporter,
    MetricExportResult,
    MetricsData,
)

from eventbus import (
    Catalog,
    Clock,
    Event,
    Label,
    Record,
    SinkContext,
    Unit,
)
from eventbus.metrics import Gauge, Metrics
from eventbus.testing import ManualClock
from eventbus_otlp import SdkSink

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
    found: dict[str, list[Any]] = {}
    for resource in data.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                found.setdefault(metric.name, []).extend(metric.data.data_points)
    return found


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
