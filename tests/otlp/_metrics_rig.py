"""What counts jobs and sends their metrics to a scripted server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any

from eventbus import Catalog, Event, Label, Record, Unit
from eventbus._log import QuietLog
from eventbus.metrics import Aggregator
from eventbus.metrics._gauge_watch import GaugeWatch
from eventbus.testing import ManualClock, OtlpCollector, OtlpMetric, OtlpRequest
from eventbus.testing.replies import Reply, ok
from eventbus_otlp import OtlpSettings
from eventbus_otlp._client import Client
from eventbus_otlp._metrics_encode import MetricsEncoder
from eventbus_otlp._metrics_export import MetricsExport
from tests.otlp._sinks import open_client


class Job(Event, tag="job"):
    kind: Annotated[str, Label]
    took_s: Annotated[float, Unit("s")] = 1.0


class Rig:
    """What counts jobs, and sends their metrics to *server*."""

    def __init__(self, server: OtlpCollector, client: Client, **options: Any) -> None:
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

    async def after(self, seconds: float) -> OtlpRequest:
        """Let time pass; return the request that comes then."""
        await self.until_it_waits()
        self.clock.advance(seconds)
        return await self.server.next_request()

    async def until_it_waits(self) -> None:
        while not self.clock.timers:  # noqa: ASYNC110 - a timer wakes nobody
            await asyncio.sleep(0)


@asynccontextmanager
async def sending(
    *script: Reply, otherwise: Reply = ok, **options: Any
) -> AsyncGenerator[Rig]:
    async with OtlpCollector(*script, otherwise=otherwise) as server:
        settings = OtlpSettings(
            endpoint=server.url, signals=("metrics",), compression="none"
        )
        async with open_client(settings) as client:
            yield Rig(server, client, **options)


def metrics(request: OtlpRequest) -> dict[str, OtlpMetric]:
    return {metric.name: metric for metric in request.metrics}


def jobs(*requests: OtlpRequest) -> dict[str, int]:
    """Return how many jobs of each kind the counters of *requests* say, as deltas."""
    found: dict[str, int] = {}
    for request in requests:
        counter = metrics(request).get("job")
        for point in counter.points if counter is not None else ():
            assert isinstance(point.value, int)
            kind = point.attributes["kind"]
            found[kind] = found.get(kind, 0) + point.value
    return found


def timed(*requests: OtlpRequest) -> int:
    """Return how many jobs the histograms of *requests* say, as deltas."""
    return sum(
        point.count or 0
        for request in requests
        if "job.took" in metrics(request)
        for point in metrics(request)["job.took"].points
    )


async def end(rig: Rig) -> None:
    rig.export.start()
    await rig.export.aclose()
