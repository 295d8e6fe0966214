"""Decide that a real Collector gets the metrics of events, by every protocol."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any

import pytest

from eventbus import Event, Label, Record, Unit
from eventbus._clock import SystemClock
from eventbus._log import QuietLog
from eventbus.metrics import Aggregator, Temporality
from eventbus.metrics._gauge_watch import GaugeWatch
from eventbus_otlp import OtlpSettings
from eventbus_otlp._client import Client
from eventbus_otlp._metrics_encode import MetricsEncoder
from eventbus_otlp._metrics_export import MetricsExport
from eventbus_otlp._resolved import resolve
from eventbus_otlp._signal import form_of

from ._collector import Collector
from ._waiting import until

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TEMPORALITIES: tuple[Temporality, ...] = ("delta", "cumulative")


class Run(Event, tag="test.run"):
    tool: Annotated[str, Label]
    took_ms: Annotated[float, Unit("ms")]


@pytest.mark.proves("H1", "H13")
@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json", "grpc"])
@pytest.mark.parametrize("temporality", TEMPORALITIES)
async def test_a_collector_has_what_was_counted(
    collector: Collector, protocol: Any, temporality: Temporality
) -> None:
    run, clock = uuid.uuid4().hex, SystemClock()
    endpoint = collector.http_endpoint
    if protocol == "grpc":
        endpoint = collector.grpc_endpoint
    settings = OtlpSettings(endpoint=endpoint, protocol=protocol, signals=("metrics",))
    client = Client(resolve(settings, {}, print), settings, clock)
    aggregator = Aggregator()
    export = MetricsExport(
        aggregator.reader(temporality),
        GaugeWatch(
            aggregator,
            clock=clock,
            timeout_seconds=10,
            log=QuietLog(clock),
            name="otlp",
        ),
        MetricsEncoder(form_of(protocol), resource={"service.instance.id": run}),
        partial(client.send, "metrics"),
        clock=clock,
        interval_seconds=60,
        timeout_seconds=10,
        log=QuietLog(clock),
        name="otlp",
    )
    await client.start()
    event = Run(tool="shell", took_ms=30.0)
    for times in (2, 3):
        traced = Record(event, trace_id=TRACE, span_id=SPAN, trace_flags=1)
        aggregator.observe([Record(event)] * (times - 1) + [traced])
        await export.export()
    await client.aclose()

    found = await asyncio.to_thread(arrived, collector, run, 4)
    counters = [one["sum"] for one in found if one["name"] == "test.run"]
    histograms = [one["histogram"] for one in found if one["name"] == "test.run.took"]
    assert all(one["isMonotonic"] for one in counters)
    kind = 1 if temporality == "delta" else 2
    assert {one["aggregationTemporality"] for one in counters + histograms} == {kind}
    points = [point for one in counters for point in one["dataPoints"]]
    counts = [2, 3] if temporality == "delta" else [2, 5]
    assert [int(point["asInt"]) for point in points] == counts
    first, second = points
    began = "timeUnixNano" if temporality == "delta" else "startTimeUnixNano"
    assert second["startTimeUnixNano"] == first[began]
    for point, count in zip(
        [point for one in histograms for point in one["dataPoints"]],
        counts,
        strict=True,
    ):
        assert int(point["count"]) == count
        assert point["sum"] == pytest.approx(0.03 * count)
        assert (point["min"], point["max"]) == (0.03, 0.03)
        assert point["explicitBounds"][:3] == [0.005, 0.01, 0.025]
        assert [int(n) for n in point["bucketCounts"]].index(count) == 3
        (label,) = point["attributes"]
        assert label == {"key": "tool", "value": {"stringValue": "shell"}}
        (exemplar,) = point["exemplars"]
        assert (exemplar["traceId"], exemplar["spanId"]) == (TRACE, SPAN)
        assert exemplar["asDouble"] == 0.03


def arrived(collector: Collector, run: str, count: int) -> list[dict[str, Any]]:
    """Return the metrics of *run*, once *count* are there."""

    def look() -> list[dict[str, Any]] | None:
        found = list(metrics(collector, run))
        return found if len(found) >= count else None

    return until(look, what=f"{count} metrics of the run", timeout_seconds=30)


def metrics(collector: Collector, run: str) -> Iterator[dict[str, Any]]:
    for document in collector.read("metrics"):
        for resource_metrics in document["resourceMetrics"]:
            if run in str(resource_metrics["resource"]):
                for scope_metrics in resource_metrics["scopeMetrics"]:
                    yield from scope_metrics["metrics"]
