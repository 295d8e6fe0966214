"""How durations are counted: a few fixed buckets, once per call and never per event."""

from __future__ import annotations

from bisect import bisect_left
from operator import add
from typing import Final

import msgspec

BOUNDS_SECONDS: Final = (
    *(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25),
    *(0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
)  # OpenTelemetry's advice for durations in seconds, and Prometheus's default

_SHORT: Final = BOUNDS_SECONDS[0]


class Durations(msgspec.Struct, frozen=True):
    """How long things took, as a histogram.

    Args:
        sum_seconds: All of them together.
        buckets: How many took no longer than each of ``bounds`` and longer than the
            one before; the last is of those that took longer than all of them.
    """

    sum_seconds: float = 0.0
    buckets: tuple[int, ...] = (0,) * (len(BOUNDS_SECONDS) + 1)

    @property
    def count(self) -> int:
        """How many they are."""
        return sum(self.buckets)

    @property
    def bounds(self) -> tuple[float, ...]:
        """The upper bounds of all buckets but the last, in seconds, ascending."""
        return BOUNDS_SECONDS

    def __add__(self, other: Durations) -> Durations:
        """Return both together."""
        buckets = tuple(map(add, self.buckets, other.buckets))
        return Durations(self.sum_seconds + other.sum_seconds, buckets)


class DurationCounts:
    """Counts durations; written by one thread, read by any."""

    __slots__ = ("_buckets", "_sum_seconds")

    def __init__(self) -> None:
        """Start with none."""
        self._buckets = [0] * (len(BOUNDS_SECONDS) + 1)
        self._sum_seconds = 0.0

    def add(self, seconds: float) -> None:
        """Count one that took so many *seconds*."""
        self._sum_seconds += seconds
        bucket = 0 if seconds <= _SHORT else bisect_left(BOUNDS_SECONDS, seconds)
        self._buckets[bucket] += 1

    def value(self) -> Durations:
        """Return the counts of now."""
        return Durations(self._sum_seconds, tuple(self._buckets))
