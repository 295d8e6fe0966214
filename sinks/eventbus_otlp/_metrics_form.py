"""What both forms of metrics have in common: which words and numbers can be sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from eventbus.metrics import Exemplar, HistogramPoint, MetricData, NumberPoint
from eventbus_otlp._plain_value import Plain
from eventbus_otlp._trace_ids import is_span_id, is_trace_id
from eventbus_otlp._wire import MAX_INT64, MIN_INT64

Point = NumberPoint | HistogramPoint

MAX_COUNT: Final = 2**64 - 1

TEMPORALITIES: Final = {"delta": 1, "cumulative": 2}


class MetricWriter(Protocol):
    """Writes metrics and requests with them."""

    def labels(self, kind: str, table: Mapping[str, Plain]) -> bytes:
        """Write the labels of a point of a metric of *kind*."""
        ...

    def metric(
        self, data: MetricData, texts: Sequence[str], labels: Iterable[bytes]
    ) -> bytes:
        """Write one metric.

        Args:
            data: The metric.
            texts: Its name, description and unit, fit to be sent.
            labels: Those of each point, as :meth:`labels` wrote them.
        """
        ...

    def resource(self, attributes: Mapping[str, Plain], dropped: int) -> bytes:
        """See :class:`RecordWriter`."""
        ...

    def request(self, records: Mapping[bytes, Sequence[bytes]]) -> bytes:
        """See :class:`RecordWriter`."""
        ...


def as_integer(value: float) -> int | None:
    """Return *value* if it is an integer that 64 bits hold, however it is made."""
    if isinstance(value, int) and MIN_INT64 <= value <= MAX_INT64:
        return int(value)
    return None


def hex_ids(exemplar: Exemplar) -> tuple[str, str]:
    """Return the ids of the trace and the span; ``""`` for what is none."""
    trace_id, span_id = exemplar.trace_id, exemplar.span_id
    return (
        trace_id if is_trace_id(trace_id) else "",
        span_id if is_span_id(span_id) else "",
    )
