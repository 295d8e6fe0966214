"""What an exporter of OpenTelemetry's SDK prefers of metrics, and what it gets."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.metrics import Counter, Histogram, ObservableGauge, _Gauge
from opentelemetry.sdk.metrics.export import AggregationTemporality
from opentelemetry.sdk.metrics.view import (
    DefaultAggregation,
    DropAggregation,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    LastValueAggregation,
    SumAggregation,
)

from eventbus import Catalog
from eventbus._bounds import WrongSetting
from eventbus._log import LOGGER_NAME
from eventbus.metrics import BOUNDS_SECONDS
from eventbus.metrics import ObservableGauge as Asked
from eventbus.testing import ManualClock
from eventbus_otlp import SdkSink
from tests.otlp._sdk_exporter import Exporter, configured, points, runs, sink_with

ALL = {"run", "run.took", "run.size", "queue.size"}


async def exported(preferred: Any) -> dict[str, list[Any]]:
    """Return the points of each metric that an exporter with these wishes gets."""
    exporter, catalog = Exporter(preferred_aggregation=preferred), Catalog()
    catalog.gauges.append(Asked("queue.size", lambda: 2.5, "1"))
    sink = configured(SdkSink(exporter), ManualClock(), catalog)
    await sink.start()
    sink.observe(runs(3, 40.5))
    await sink.aclose()
    assert all(data.resource_metrics for data in exporter.took)
    return {name: own for data in exporter.took for name, own in points(data).items()}


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.name == LOGGER_NAME]


@pytest.mark.parametrize(
    ("instrument", "name"),
    [
        (Counter, "run"),
        (Histogram, "run.took"),
        (_Gauge, "run.size"),
        (ObservableGauge, "queue.size"),
    ],
)
async def test_what_is_preferred_dropped_is_not_exported(
    instrument: type, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert set(await exported({instrument: DropAggregation()})) == ALL - {name}
    assert said(caplog) == []


async def test_an_exporter_that_drops_all_is_not_called() -> None:
    instruments = (Counter, Histogram, _Gauge, ObservableGauge)
    assert await exported(dict.fromkeys(instruments, DropAggregation())) == {}


async def test_histograms_go_without_extremes_where_that_is_preferred() -> None:
    for wanted in (True, False):
        aggregation = ExplicitBucketHistogramAggregation(record_min_max=wanted)
        [point] = (await exported({Histogram: aggregation}))["run.took"]
        assert (point.min, point.max) == ((0.003, 0.0405) if wanted else (None, None))
        assert point.count == 2


@pytest.mark.parametrize(
    "preferred",
    [
        None,
        {Counter: DefaultAggregation(), Histogram: DefaultAggregation()},
        {Counter: SumAggregation(), Histogram: ExplicitBucketHistogramAggregation()},
        {_Gauge: LastValueAggregation(), ObservableGauge: LastValueAggregation()},
    ],
)
async def test_what_is_to_be_had_is_no_reason_for_a_word(
    preferred: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert set(await exported(preferred)) == ALL
    assert said(caplog) == []


async def test_what_is_not_to_be_had_is_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    preferred = {
        Counter: LastValueAggregation(),
        Histogram: ExponentialBucketHistogramAggregation(),
    }
    found = await exported(preferred)
    assert set(found) == ALL
    assert list(found["run.took"][0].explicit_bounds) == list(BOUNDS_SECONDS)
    assert said(caplog) == [
        "sink 'sdk': Exporter prefers LastValueAggregation for Counter and gets "
        "SumAggregation: metrics are counted as they are declared",
        "sink 'sdk': Exporter prefers ExponentialBucketHistogramAggregation for "
        "Histogram and gets ExplicitBucketHistogramAggregation: metrics are counted as "
        "they are declared",
    ]


async def test_other_buckets_than_the_declared_ones_are_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = await exported({Histogram: ExplicitBucketHistogramAggregation([1.0, 2.0])})
    assert list(found["run.took"][0].explicit_bounds) == list(BOUNDS_SECONDS)
    assert said(caplog) == [
        "sink 'sdk': Exporter prefers buckets of [1.0, 2.0] for Histogram and gets "
        "those that are declared with each metric"
    ]


@pytest.mark.parametrize("instrument", [Counter, Histogram])
@pytest.mark.parametrize("wanted", [AggregationTemporality.UNSPECIFIED, "delta"])
def test_a_temporality_that_is_none_is_refused(instrument: type, wanted: Any) -> None:
    exporter = Exporter(preferred_temporality={instrument: wanted})
    with pytest.raises(WrongSetting, match="Exporter must prefer CUMULATIVE or DELTA"):
        SdkSink(exporter)


async def test_it_is_said_once_and_again_in_the_child_of_a_fork(
    caplog: pytest.LogCaptureFixture,
) -> None:
    preferred: Any = {Counter: LastValueAggregation()}
    sink = sink_with(Exporter(preferred_aggregation=preferred))
    for times in (1, 1):
        await sink.start()
        assert len(said(caplog)) == times
    await sink.aclose()
    sink.after_fork()
    await sink.start()
    assert len(said(caplog)) == 2
    await sink.aclose()
