"""What is counted of a batch: columns for each event type and service."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from msgspec.structs import astuple

from eventbus._chunk import Chunk, RecordBatch
from eventbus._context import Bound
from eventbus._event import Event
from eventbus._portion import MAX_WEIGHT
from eventbus._record import (
    NO_ATTRIBUTES,
    AnyRecord,
    AttributeValue,
    Record,
)
from eventbus.metrics._declaration import ExemplarFilter
from eventbus.metrics._fold import is_number
from eventbus.metrics._series import Mark

# Any in this module: a column holds values of any type.

T = TypeVar("T")

Resource = Mapping[str, AttributeValue]
Warn = Callable[[str, int], None]

_SAMPLED: Final = 1  # https://www.w3.org/TR/trace-context/#sampled-flag


class Rows(msgspec.Struct, frozen=True):
    """Records of one event type and one service, as columns.

    Args:
        events: Their events.
        bound: What was bound to each: its context, or its attributes already.
        weights: How many events each stands for; ``None``: one.
        marks: Those that may be exemplars; ``None``: none may.
    """

    events: Sequence[Event]
    bound: Sequence[Bound | Mapping[str, AttributeValue] | None]
    weights: Sequence[float] | None = None
    marks: Sequence[Mark | None] | None = None


def attributes_of(
    bound: Bound | Mapping[str, AttributeValue] | None,
) -> Mapping[str, AttributeValue]:
    """Return what was bound to an event; only metrics with such labels ask."""
    return bound.attributes if isinstance(bound, Bound) else bound or NO_ATTRIBUTES


class Part(NamedTuple):
    """Rows, and whose they are.

    Args:
        kind: The type of all their events.
        resource: Of the service they were relayed from; ``None`` is this one.
        rows: They themselves.
    """

    kind: type[Event]
    resource: Resource | None
    rows: Rows


class Sorter:
    """Sorts batches by event type and service.

    Args:
        exemplars: Which events may be exemplars.
        resource: Of this service.
    """

    def __init__(self, exemplars: ExemplarFilter, resource: Resource) -> None:
        """Keep both."""
        self._filter: Final = exemplars
        self._resource: Final = resource

    def parts(self, batch: Sequence[AnyRecord], warn: Warn) -> Iterator[Part]:
        """Yield the rows of *batch*; records that nobody has made yet stay unmade.

        A record whose weight is none counts as one event, and *warn* is told.
        """
        if isinstance(batch, RecordBatch):
            for chunk in batch.chunks:
                yield from self._of_run(chunk, warn)
        else:
            yield from self._of_records(batch, warn)

    def _of_run(self, chunk: Chunk, warn: Warn) -> Iterator[Part]:
        window, start, stop = chunk.window, chunk.start, chunk.stop
        items: Sequence[Any] = _cut(window.items, start, stop)
        kinds = set(map(type, items))
        if Record in kinds:
            yield from self._of_records(chunk.records(), warn)
            return
        contexts = _cut(window.contexts, start, stop)
        marks: list[Mark | None] | None = None
        if self._filter == "always_on":
            marks = _marks_of_all(_cut(window.times, start, stop), contexts)
        elif self._filter == "trace_based" and any(contexts):
            marks = _marks_of_sampled(_cut(window.times, start, stop), contexts)
        weights = window.weights
        if weights is not None:
            weights = _sound(_cut(weights, start, stop), warn)
        rows = Rows(items, contexts, weights, marks)
        if len(kinds) == 1:
            yield Part(kinds.pop(), None, rows)
        else:
            yield from _by_kind(rows)

    def _of_records(self, records: Iterable[AnyRecord], warn: Warn) -> Iterator[Part]:
        """Yield the rows of *records* that are made already, relayed ones among them.

        They have the weight of their window.
        """
        sorted_: defaultdict[tuple[Any, int], list[AnyRecord]] = defaultdict(list)
        for record in records:
            sorted_[type(record.event), id(record.resource)].append(record)
        for (kind, _), own in sorted_.items():
            resource = own[0].resource
            foreign = resource is not None and resource != self._resource
            weights = _sound([record.weight for record in own], warn)
            marks = [self._mark(record) for record in own]
            rows = Rows(
                [record.event for record in own],
                [record.attributes for record in own],
                weights if any(weight != 1 for weight in weights) else None,
                marks if any(marks) else None,
            )
            yield Part(kind, resource if foreign else None, rows)

    def _mark(self, record: AnyRecord) -> Mark | None:
        if self._filter == "always_off":
            return None
        trace_id, span_id = record.trace_id or "", record.span_id or ""
        is_sampled = bool(trace_id) and record.trace_flags & _SAMPLED
        if is_sampled or self._filter == "always_on":
            return record.time_unix_nano, trace_id, span_id
        return None


def _marks_of_all(
    times: Sequence[int], contexts: Sequence[Bound | None]
) -> list[Mark | None]:
    traces = [context.trace if context else None for context in contexts]
    return [
        (time, trace.trace_id, trace.span_id) if trace else (time, "", "")
        for time, trace in zip(times, traces, strict=True)
    ]


def _marks_of_sampled(
    times: Sequence[int], contexts: Sequence[Bound | None]
) -> list[Mark | None] | None:
    """Return ``None`` where none is sampled."""
    traces = [context.trace if context else None for context in contexts]
    if not any(traces):
        return None
    marks = [
        (time, trace.trace_id, trace.span_id)
        if trace and trace.trace_flags & _SAMPLED
        else None
        for time, trace in zip(times, traces, strict=True)
    ]
    return marks if any(marks) else None


def _sound(weights: Sequence[float], warn: Warn) -> Sequence[float]:
    """Return *weights*, with 1 in the place of what is none."""
    bad = [not (is_number(one) and one <= MAX_WEIGHT) for one in weights]
    if not any(bad):
        return weights
    warn("invalid_value", sum(bad))
    return [1 if is_bad else one for one, is_bad in zip(weights, bad, strict=True)]


def _cut(column: Sequence[T], start: int, stop: int) -> Sequence[T]:
    return column if stop - start == len(column) else column[start:stop]


def _by_kind(rows: Rows) -> Iterator[Part]:
    """Yield *rows* of several event types apart."""
    places: defaultdict[type[Event], list[int]] = defaultdict(list)
    for place, event in enumerate(rows.events):
        places[type(event)].append(place)
    for kind, own in places.items():
        yield Part(kind, None, Rows(*(_picked(c, own) for c in astuple(rows))))


def _picked(column: Sequence[Any] | None, places: Sequence[int]) -> Any:
    return None if column is None else [column[place] for place in places]
