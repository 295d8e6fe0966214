"""Metrics of an exporter of OpenTelemetry's SDK are what others make of them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    ConsoleMetricExporter,
    HistogramDataPoint,
    InMemoryMetricReader,
    MetricsData,
    Sum,
)

from eventbus import (
    Catalog,
)
from eventbus.metrics import BOUNDS_SECONDS, MetricData, NumberPoint
from eventbus.metrics import ObservableGauge as Asked
from eventbus.testing import ManualClock, OtlpCollector
from eventbus_otlp import OtlpSettings, OtlpSink, SdkSink
from eventbus_otlp._metrics_encode import MetricsEncoder
from eventbus_otlp._sdk_aggregation import Preferences
from eventbus_otlp._sdk_metrics import metrics_data
from tests.otlp._sdk_exporter import (
    CUMULATIVE,
    DELTA,
    SPAN,
    TRACE,
    Exporter,
    configured,
    idle,
    runs,
    sink_with,
)

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
    async with OtlpCollector() as server:
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
        theirs, their_gauges, sent, gauges = (
            request.message for request in server.requests
        )
    assert (theirs, their_gauges) == (sent, gauges)
    assert len(sent.resource_metrics) == 2
    names = {
        metric.name
        for resource in (*sent.resource_metrics, *gauges.resource_metrics)
        for metric in resource.scope_metrics[0].metrics
    }
    assert names == {"run", "run.took", "run.size", "queue.size"}
    assert bytes.fromhex(TRACE) in server.requests[0].content


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


@pytest.mark.parametrize("monotonic", [True, False])
def test_a_sum_says_whether_it_only_grows(monotonic: bool) -> None:
    point = NumberPoint(attributes={}, start_unix_nano=1, time_unix_nano=2, value=3)
    data = MetricData(
        name="m",
        kind="sum",
        unit="1",
        description="what it is",
        points=[point],
        monotonic=monotonic,
    )
    body = MetricsEncoder("json", resource={}).encode([data])
    found = metrics_data(body, asked=(), preferences=Preferences())
    [metric] = found.resource_metrics[0].scope_metrics[0].metrics
    assert (metric.description, metric.unit) == ("what it is", "1")
    assert isinstance(metric.data, Sum)
    assert metric.data.is_monotonic is monotonic
