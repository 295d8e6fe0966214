"""Which aggregations an exporter of OpenTelemetry's SDK prefers, and which it gets.

Metrics are counted as they are declared with their event types: sums, histograms with
the declared buckets, and last values. An exporter may go without some of them, and
without the least and the greatest value of histograms; the rest is not to be had.

https://opentelemetry.io/docs/specs/otel/metrics/sdk/#metricexporter
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, NamedTuple

from opentelemetry.sdk.metrics import Counter, Histogram, ObservableGauge, _Gauge
from opentelemetry.sdk.metrics.export import MetricExporter
from opentelemetry.sdk.metrics.view import (
    DefaultAggregation,
    DropAggregation,
    ExplicitBucketHistogramAggregation,
    LastValueAggregation,
    SumAggregation,
)

# Any in this module: the SDK's own readers ask attributes without a public name.

_OURS: Final[Mapping[type, type]] = {
    Counter: SumAggregation,
    Histogram: ExplicitBucketHistogramAggregation,
    _Gauge: LastValueAggregation,
    ObservableGauge: LastValueAggregation,
}


class Preferences(NamedTuple):
    """What an exporter goes without.

    Args:
        dropped: Kinds of metrics, as OTLP's JSON names them, with ``"asked"`` for
            gauges that are asked for their values.
        extremes: Whether histograms say their least and greatest value.
    """

    dropped: Collection[str] = ()
    extremes: bool = True


_KINDS: Final[Mapping[type, str]] = {
    Counter: "sum",
    Histogram: "histogram",
    _Gauge: "gauge",
    ObservableGauge: "asked",
}


def preferences_of(exporter: MetricExporter) -> Preferences:
    """Return what *exporter* goes without."""
    said = _said(exporter)
    dropped = [
        kind
        for instrument, kind in _KINDS.items()
        if isinstance(said.get(instrument), DropAggregation)
    ]
    of_histograms = said.get(Histogram)
    return Preferences(dropped, getattr(of_histograms, "_record_min_max", True))


def not_obeyed(exporter: MetricExporter) -> Iterator[str]:
    """Yield a sentence for each preference of *exporter* that is not obeyed."""
    name = type(exporter).__name__
    for instrument, ours in _OURS.items():
        wanted = _said(exporter).get(instrument)
        if wanted is None or isinstance(wanted, DefaultAggregation | DropAggregation):
            continue
        if not isinstance(wanted, ours):
            yield (
                f"{name} prefers {type(wanted).__name__} for {instrument.__name__} "
                f"and gets {ours.__name__}: metrics are counted as they are declared"
            )
        elif (bounds := getattr(wanted, "_boundaries", None)) is not None:
            yield (
                f"{name} prefers buckets of {list(bounds)} for {instrument.__name__} "
                "and gets those that are declared with each metric"
            )


def _said(exporter: MetricExporter) -> Mapping[type, Any]:
    return getattr(exporter, "_preferred_aggregation", None) or {}
