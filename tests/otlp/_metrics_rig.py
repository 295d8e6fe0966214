"""What counts jobs and sends their metrics to a scripted server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from eventbus import Catalog, Event, Label, Record, Unit
from eventbus._clock import SystemClock
from eventbus._log import QuietLog
from eventbus.metrics import Aggregator
from eventbus.metrics._gauge_watch import GaugeWatch
from eventbus.testing import ManualClock
from eventbus_otlp import OtlpSettings
from eventbus_otlp._client import Client
from eventbus_otlp._metrics_encode import MetricsEncoder
from eventbus_otlp._metrics_export import MetricsExport
from eventbus_otlp._resolved import resolve
from tests.otlp._servers import (
    Answer,
    Request,
    Server,
    Writer,
    serving,
    took,
)


class Job(Event, tag="job"):
    kind: Annotated[str, Label]
    took_s: Annotated[float, Unit("s")] = 1.0


class Rig:
    """What counts jobs, and sends their metrics to *server*."""

    def __init__(self, server: Server, client: Client, **options: Any) -> None:
        self.server = server
        self.clock = ManualClock()
        self.catalog = Catalog()
        self.aggregator = Aggregator(catalog=self.catalog, clock=self.clock)
        self.reader = self.aggregator.reader(options.pop("temporality", "delta"))
        self.export = MetricsExport(
            self.reader,
            GaugeWatch(
                self.aggregator,
                clock=self.clock,
                timeout_seconds=10,
                log=QuietLog(self.clock),
                name="otlp",
            ),
            MetricsEncoder("protobuf", resource={"service.name": "s"}),
            partial(client.send, "metrics"),
            clock=self.clock,
            interval_seconds=60,
            timeout_seconds=options.pop("timeout_seconds", 10),
            log=QuietLog(self.clock),
            name="otlp",
        )

    def count(self, **kinds: int) -> None:
        for kind, times in kinds.items():
            self.aggregator.observe([Record(Job(kind=kind))] * times)
        self.clock.advance(1)

    async def after(self, seconds: float) -> Request:
        """Let time pass; return the request that comes then."""
        await self.until_it_waits()
        self.clock.advance(seconds)
        return await self.server.request()

    async def until_it_waits(self) -> None:
        while not self.clock.timers:  # noqa: ASYNC110 - a timer wakes nobody
            await asyncio.sleep(0)


@asynccontextmanager
async def sending(*answers: Answer, **options: Any) -> AsyncGenerator[Rig]:
    async with serving(*answers, otherwise=takes) as server:
        settings = OtlpSettings(
            endpoint=server.url, signals=("metrics",), compression="none"
        )
        client = Client(resolve(settings, {}, print), settings, SystemClock())
        await client.start()
        try:
            yield Rig(server, client, **options)
        finally:
            await client.aclose()


async def takes(writer: Writer, request: Request) -> None:
    """Take it all."""
    await took()(writer, request)


def metrics(request: Request) -> dict[str, Any]:
    message = ExportMetricsServiceRequest.FromString(request.body)
    return {
        metric.name: metric
        for resource in message.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def jobs(*requests: Request) -> dict[str, int]:
    """Return how many jobs of each kind the counters of *requests* say, as deltas."""
    found: dict[str, int] = {}
    for request in requests:
        counter = metrics(request).get("job")
        for point in counter.sum.data_points if counter is not None else ():
            kind = point.attributes[0].value.string_value
            found[kind] = found.get(kind, 0) + point.as_int
    return found


def timed(*requests: Request) -> int:
    """Return how many jobs the histograms of *requests* say, as deltas."""
    return sum(
        point.count
        for request in requests
        if "job.took" in metrics(request)
        for point in metrics(request)["job.took"].histogram.data_points
    )


async def end(rig: Rig) -> None:
    rig.export.start()
    await rig.export.aclose()
