"""What metrics are once they are collected: plain values, in OpenTelemetry's terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from eventbus._record import AttributeValue

Temporality = Literal["delta", "cumulative"]
DataKind = Literal["sum", "gauge", "histogram"]


class Exemplar(msgspec.Struct, frozen=True):
    """One event of those that a point counts.

    Args:
        value: What it added, in the metric's unit.
        time_unix_nano: When it happened.
        trace_id: 32 hexadecimal digits; ``""`` when it happened in no trace.
        span_id: 16 hexadecimal digits, likewise.
    """

    value: float
    time_unix_nano: int
    trace_id: str = ""
    span_id: str = ""


class NumberPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One series of a sum or a gauge.

    Args:
        attributes: Its labels, by name in order.
        start_unix_nano: From when on it is counted; 0 for a gauge.
        time_unix_nano: Until when.
        value: The sum, or the last value.
        exemplars: At most one.
    """

    attributes: Mapping[str, AttributeValue]
    start_unix_nano: int
    time_unix_nano: int
    value: float
    exemplars: tuple[Exemplar, ...] = ()


class HistogramPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One series of a histogram.

    Args:
        attributes: Its labels, by name in order.
        start_unix_nano: From when on it is counted.
        time_unix_nano: Until when.
        count: How many values; the sum of ``buckets``.
        sum: All values together.
        buckets: How many are no more than each of ``bounds`` and more than the one
            before; the last is of those over all bounds.
        bounds: Ascending, in the metric's unit.
        min: The least of them, ``None`` where it is not known.
        max: The greatest, likewise.
        exemplars: At most one of each bucket.
    """

    attributes: Mapping[str, AttributeValue]
    start_unix_nano: int
    time_unix_nano: int
    count: int
    sum: float
    buckets: tuple[int, ...]
    bounds: tuple[float, ...]
    min: float | None = None
    max: float | None = None
    exemplars: tuple[Exemplar, ...] = ()


Point = NumberPoint | HistogramPoint


class MetricData(msgspec.Struct, frozen=True, kw_only=True):
    """One metric with all its series.

    Args:
        name: Its name, with dots.
        kind: ``"sum"``, ``"gauge"`` or ``"histogram"``.
        unit: In UCUM.
        description: For people.
        points: Its series.
        monotonic: Whether a sum only grows.
        temporality: Whether points say what came since the last collection, or since
            the start. Of no meaning for a gauge.
        resource: Of the service that a relayed event came from; ``None`` is this one.
    """

    name: str
    kind: DataKind
    unit: str
    description: str
    points: Sequence[Point]
    monotonic: bool = False
    temporality: Temporality = "cumulative"
    resource: Mapping[str, AttributeValue] | None = None
