"""Events with metrics, records of them, and what was collected in short."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from eventbus import Attribute, Event, Label, Record, Span, Unit
from eventbus.metrics import (
    Aggregator,
    Counter,
    Gauge,
    Histogram,
    HistogramPoint,
    MetricData,
    Metrics,
    NumberPoint,
)

SECOND = 1_000_000_000


class Request(Event, tag="http.request"):
    route: Annotated[str, Label, Attribute("http.route")]
    success: Annotated[bool, Label] = True
    duration_ms: Annotated[float | None, Unit("ms")] = None


class Tool(Event, tag="tool", span=Span("tool", duration="duration_ms", ok="success")):
    tool_name: Annotated[str, Label]
    success: Annotated[bool, Label]
    duration_ms: Annotated[float, Unit("ms")]


class Usage(
    Event,
    tag="usage",
    metrics=Metrics(
        defaults=False,
        counters=(Counter(name="usage.sum", field="input"),),
        histograms=(
            Histogram(
                name="usage.tokens",
                fields={"in": "input", "out": "output"},
                by="token_type",
            ),
        ),
        gauges=(Gauge(name="usage.window", field="window"),),
    ),
):
    model: Annotated[str | None, Label] = None
    input: Annotated[int | None, Unit("{token}")] = None
    output: Annotated[int | None, Unit("{token}")] = None
    window: int | None = None


def records(*events: Event, **given: Any) -> list[Record[Any]]:
    """Return a record of each of *events*."""
    return [Record(event, **given) for event in events]


def counted(*events: Event, **given: Any) -> Aggregator:
    """Return what counted *events*."""
    aggregator = Aggregator()
    aggregator.observe(records(*events, **given))
    return aggregator


def named(collected: Sequence[MetricData]) -> Mapping[str, MetricData]:
    """Return *collected* by name."""
    assert len({metric.name for metric in collected}) == len(collected)
    return {metric.name: metric for metric in collected}


def values(metric: MetricData) -> Mapping[tuple[Any, ...], float]:
    """Return the value of each series of a sum or a gauge, by its labels' values."""
    found: dict[tuple[Any, ...], float] = {}
    for point in metric.points:
        assert isinstance(point, NumberPoint)
        found[tuple(point.attributes.values())] = point.value
    return found


def histogram(metric: MetricData, **labels: Any) -> HistogramPoint:
    """Return the only point of *metric* with these *labels*."""
    (point,) = [
        point
        for point in metric.points
        if all(point.attributes.get(name) == value for name, value in labels.items())
    ]
    assert isinstance(point, HistogramPoint)
    return point
