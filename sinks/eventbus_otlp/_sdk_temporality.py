"""Which metrics an exporter of OpenTelemetry's SDK gets as deltas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from opentelemetry.sdk.metrics import Counter, Histogram
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricExporter

from eventbus._bounds import WrongSetting
from eventbus.metrics import Aggregator, MetricData, MetricReader, Temporality
from eventbus_otlp._metrics_export import Reader

_OURS: Final[Mapping[AggregationTemporality, Temporality]] = {
    AggregationTemporality.CUMULATIVE: "cumulative",
    AggregationTemporality.DELTA: "delta",
}


def preferred_reader(exporter: MetricExporter, aggregator: Aggregator) -> Reader:
    """Return who collects from *aggregator* what *exporter* prefers.

    What it prefers nothing for is cumulative, as to the SDK's own readers.
    https://opentelemetry.io/docs/specs/otel/metrics/sdk/#metricexporter

    Raises:
        WrongSetting: It prefers something else than one of the two.
    """
    sums = _preferred(exporter, Counter)
    histograms = _preferred(exporter, Histogram)
    if sums == histograms:
        return aggregator.reader(sums)
    return _TwoReaders(aggregator.reader(sums), aggregator.reader(histograms))


def _preferred(exporter: MetricExporter, instrument: type) -> Temporality:
    # Any: the SDK's own readers ask this attribute, which has no public name.
    said: Any = getattr(exporter, "_preferred_temporality", None) or {}
    wanted = said.get(instrument, AggregationTemporality.CUMULATIVE)
    if wanted not in _OURS:
        raise WrongSetting(
            f"{type(exporter).__name__} must prefer CUMULATIVE or DELTA "
            f"for {instrument.__name__}, got {wanted!r}",
            "exporter",
        )
    return _OURS[wanted]


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
