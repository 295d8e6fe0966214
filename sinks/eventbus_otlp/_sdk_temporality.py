"""Which metrics an exporter of OpenTelemetry's SDK gets as deltas."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from opentelemetry.sdk.metrics import Counter, Histogram
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricExporter

from eventbus.metrics import Aggregator, MetricData, MetricReader, Temporality
from eventbus_otlp._metrics_export import Reader


def preferred_reader(exporter: MetricExporter, aggregator: Aggregator) -> Reader:
    """Return who collects from *aggregator* what *exporter* prefers.

    What it prefers nothing for is cumulative, as to the SDK's own readers.
    https://opentelemetry.io/docs/specs/otel/metrics/sdk/#metricexporter
    """
    sums = _preferred(exporter, Counter)
    histograms = _preferred(exporter, Histogram)
    if sums == histograms:
        return aggregator.reader(sums)
    return _TwoReaders(aggregator.reader(sums), aggregator.reader(histograms))


def _preferred(exporter: MetricExporter, instrument: type) -> Temporality:
    # Any: the SDK's own readers ask this attribute, which has no public name.
    said: Any = getattr(exporter, "_preferred_temporality", None) or {}
    is_delta = said.get(instrument) is AggregationTemporality.DELTA
    return "delta" if is_delta else "cumulative"


class _TwoReaders:
    """Collects histograms with the one, all else with the other."""

    def __init__(self, others: MetricReader, histograms: MetricReader) -> None:
        self._others = others
        self._histograms = histograms
        self._deltas = others if others.temporality == "delta" else histograms

    def counted(self) -> list[MetricData]:
        found = [data for data in self._others.counted() if data.kind != "histogram"]
        return found + [
            data for data in self._histograms.counted() if data.kind == "histogram"
        ]

    def put_back(self, undelivered: Iterable[MetricData]) -> None:
        self._deltas.put_back(undelivered)
