"""How many series a metric may have, and which of them takes the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from eventbus._errors import MetricError
from eventbus._record import Attributes, AttributeValue
from eventbus.metrics._data import DataKind, MetricData, Point
from eventbus.metrics._plan import Kind, MetricPlan
from eventbus.metrics._series import (
    CounterSeries,
    GaugeSeries,
    HistogramSeries,
    Series,
)

OVERFLOW: Final = Attributes({"otel.metric.overflow": True})
"""OpenTelemetry's label of the series that takes what the others have no room for."""

_KINDS: Final[Mapping[Kind, DataKind]] = {
    "counter": "sum",
    "gauge": "gauge",
    "histogram": "histogram",
}


class Table:
    """The series of one metric of one service.

    Args:
        plan: What the metric is.
        max_series: Most of them, the one for the rest included.
    """

    __slots__ = ("_max_series", "_overflow", "plan", "series")

    def __init__(self, plan: MetricPlan, max_series: int) -> None:
        """Begin with none."""
        self.plan: Final = plan
        self.series: Final[dict[tuple[Any, ...], Series]] = {}  # Any: values of labels
        self._max_series: Final = max_series
        self._overflow: Series | None = None

    def check_same(self, plan: MetricPlan) -> None:
        """Raise :class:`eventbus.MetricError` unless *plan* is the same metric."""
        ours = self.plan
        facts = (
            ("kind", ours.kind, plan.kind),
            ("unit", ours.unit, plan.unit),
            ("buckets", ours.bounds, plan.bounds),
        )
        for fact, own, other in facts:
            if own != other:
                raise MetricError(
                    f"metric {plan.name!r} is declared twice, with {fact} {own!r} for "
                    f"{ours.description!r} and {other!r} for {plan.description!r}"
                )

    def series_of(self, attributes: Attributes) -> Series:
        """Return the series with *attributes*, or the one that takes the rest."""
        key = tuple(attributes.items())
        found = self.series.get(key)
        if found is not None:
            return found
        if len(self.series) < self._max_series - 1:
            found = self.series[key] = self._new(attributes)
            return found
        if self._overflow is None:
            self._overflow = self._new(OVERFLOW)
        return self._overflow

    def is_overflow(self, series: Series) -> bool:
        """Return whether *series* is the one that takes the rest."""
        return series is self._overflow

    def _new(self, attributes: Attributes) -> Series:
        if self.plan.kind == "counter":
            return CounterSeries(attributes)
        if self.plan.kind == "gauge":
            return GaugeSeries(attributes)
        return HistogramSeries(attributes, self.plan.bounds)

    def all_series(self) -> list[Series]:
        """Return the series of this moment; from any thread."""
        overflow = self._overflow
        found = list(self.series.values())
        return found if overflow is None else [*found, overflow]

    def data(
        self,
        points: list[Point],
        resource: Mapping[str, AttributeValue] | None,
    ) -> MetricData:
        """Return the metric with *points*."""
        return MetricData(
            name=self.plan.name,
            kind=_KINDS[self.plan.kind],
            unit=self.plan.unit,
            description=self.plan.description,
            points=points,
            monotonic=self.plan.kind == "counter",
            resource=resource,
        )
