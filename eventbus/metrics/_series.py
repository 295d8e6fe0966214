"""What is kept of one series: its sums since the start, and examples of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

from eventbus._record import Attributes
from eventbus.metrics._data import Exemplar, HistogramPoint, NumberPoint
from eventbus.metrics._fold import MAX, Folded

Mark = tuple[int, str, str]
"""When an event happened, and where: its trace and its span."""


class Scale:
    """How values of a field become those of a metric, and its bounds the other way."""

    __slots__ = ("bounds", "denominator", "numerator")

    def __init__(
        self, numerator: int, denominator: int, bounds: Sequence[float]
    ) -> None:
        """Keep the factor as a fraction; *bounds* are in the field's unit."""
        self.numerator: Final = numerator
        self.denominator: Final = denominator
        self.bounds: Final = bounds

    def of(self, value: float) -> float:
        """Return *value* in the metric's unit, or the nearest float there is."""
        if self.numerator == self.denominator:
            return value
        try:
            scaled = value * self.numerator / self.denominator
        except OverflowError:  # of integers
            return math.copysign(MAX, value)
        return min(max(scaled, -MAX), MAX)


class _Series:
    """What all kinds have in common: labels, and what is left of weights."""

    __slots__ = ("_left", "attributes", "exemplars")

    def __init__(self, attributes: Attributes) -> None:
        self.attributes: Final = attributes
        self.exemplars: dict[int, Exemplar] = {}
        self._left = 0.0

    def whole(self, weights: Iterable[float]) -> list[int]:
        """Return *weights* as whole numbers whose sum never is off by one.

        Buckets hold whole numbers alone: of the weight 2.5, two events count 2 and 3.
        """
        times: list[int] = []
        left = self._left
        for weight in weights:
            left += weight
            often = int(left)
            left -= often
            times.append(often)
        self._left = left
        return times

    def _examples(self) -> tuple[Exemplar, ...]:
        return tuple(self.exemplars.values())


class CounterSeries(_Series):
    """A sum."""

    __slots__ = ("total",)

    def __init__(self, attributes: Attributes) -> None:
        super().__init__(attributes)
        self.total: float = 0

    def add(self, folded: Folded, scale: Scale) -> bool:
        """Add what was folded; return whether the sum is out of range, and cut."""
        total = self.total + scale.of(folded.total)
        self.total = min(total, MAX)
        return total > MAX

    def point(self, start: int, now: int, _: object) -> NumberPoint:
        """Return the series as it is."""
        return NumberPoint(
            attributes=self.attributes,
            start_unix_nano=start,
            time_unix_nano=now,
            value=self.total,
            exemplars=self._examples(),
        )


class GaugeSeries(_Series):
    """The last value."""

    __slots__ = ("value",)

    def __init__(self, attributes: Attributes) -> None:
        super().__init__(attributes)
        self.value: float | None = None

    def add(self, folded: Folded, scale: Scale) -> bool:
        """Take what was folded in the place of the value."""
        if folded.count:
            self.value = scale.of(folded.total)
        return False

    def point(self, _: int, now: int, __: object) -> NumberPoint | None:
        """Return the series as it is."""
        if self.value is None:
            return None
        return NumberPoint(
            attributes=self.attributes,
            start_unix_nano=0,
            time_unix_nano=now,
            value=self.value,
        )


class HistogramSeries(_Series):
    """Sum, extremes and buckets."""

    __slots__ = ("_bounds", "buckets", "count", "high", "low", "recent", "total")

    def __init__(self, attributes: Attributes, bounds: tuple[float, ...]) -> None:
        super().__init__(attributes)
        self._bounds = bounds
        self.buckets = [0] * (len(bounds) + 1)
        self.count = 0
        self.total: float = 0
        self.low, self.high = math.inf, -math.inf
        self.recent: dict[object, tuple[float, float]] = {}
        """The extremes since each reader of deltas was here last."""

    def add(self, folded: Folded, scale: Scale) -> bool:
        """Add what was folded; return whether the sum is out of range, and cut."""
        if not folded.count:
            return False
        self.count += folded.count
        total = self.total + scale.of(folded.total)
        self.total = min(total, MAX)
        low, high = scale.of(folded.low), scale.of(folded.high)
        self.low, self.high = min(self.low, low), max(self.high, high)
        for reader, (lowest, highest) in self.recent.items():
            self.recent[reader] = min(lowest, low), max(highest, high)
        for bucket, count in folded.buckets.items():
            self.buckets[bucket] += count
        return total > MAX

    def point(self, start: int, now: int, reader: object) -> HistogramPoint | None:
        """Return the series as it is; the extremes are those since *reader* was here.

        For a reader ``None`` they are those since the start.
        """
        if not self.count:
            return None
        extremes = self.low, self.high
        if reader is not None:
            extremes = self.recent.get(reader, extremes)
            self.recent[reader] = math.inf, -math.inf
        return HistogramPoint(
            attributes=self.attributes,
            start_unix_nano=start,
            time_unix_nano=now,
            count=self.count,
            sum=self.total,
            buckets=tuple(self.buckets),
            bounds=self._bounds,
            min=extremes[0],
            max=extremes[1],
            exemplars=self._examples(),
        )


Series = CounterSeries | GaugeSeries | HistogramSeries
