"""How records become metrics, batch by batch, and who may look at them when."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from threading import RLock
from typing import Final

from eventbus._catalog import Catalog
from eventbus._clock import Clock, SystemClock
from eventbus._record import NO_ATTRIBUTES, AnyRecord
from eventbus.metrics._data import MetricData, Point, Temporality
from eventbus.metrics._declaration import Aggregation, Metrics, ObservableGauge
from eventbus.metrics._gauges import observed
from eventbus.metrics._group import Change, Example
from eventbus.metrics._plan import NameOf, outside_name
from eventbus.metrics._reader import MetricReader
from eventbus.metrics._rows import Part, Resource, Sorter
from eventbus.metrics._stream import Stream
from eventbus.metrics._table import OVERFLOW, Table

_SLICE: Final = 256  # series copied at once: well under a millisecond


class _Counts:
    """All that was counted since one moment; a reset puts another in its place.

    So a fork or a reset needs no lock, not even one that a thread holds which is gone.
    """

    def __init__(self, started_unix_nano: int) -> None:
        self.started_unix_nano: Final = started_unix_nano
        self.lock: Final = RLock()  # held to change or copy series, never for user code
        self.streams: Final[dict[object, Stream]] = {}
        self.warned: Tally[str] = Tally()

    def warn(self, reason: str, count: int) -> None:
        with self.lock:
            self.warned[reason] += count


class Aggregator:
    """Counts events as their types declare it.

    :meth:`observe` belongs on one thread, the loop's: a sink calls it from its own
    ``observe(batch)``, which sees each selected event once, before sampling, and
    whatever becomes of its delivery. Everything else may be called from any thread at
    any time. A batch is summed up without a lock; then its sums are added, one by one
    and under a lock that who collects takes for at most 256 series at a time. So each
    series is whole in whatever is collected, and the loop is not held up for long.

    A record that stands for several events, because it was sampled elsewhere, counts
    as so many. Memory is bounded by :class:`Aggregation`.

    Args:
        aggregation: The bounds, and labels of every series.
        catalog: Event types, what a configuration says about their metrics, and the
            gauges to ask. A sink is given it in ``SinkContext``.
        resource: Of this service: what a relayed record brings another one with is
            counted apart.
        clock: Says when things were counted.
        name_of: What the label of a field is called; without it, as its ``Attribute``
            says, else as the field.
        declared: The metrics of event types by name, in place of those of their
            classes; what the catalog has of a configuration wins.
    """

    def __init__(
        self,
        aggregation: Aggregation | None = None,
        *,
        catalog: Catalog | None = None,
        resource: Resource = NO_ATTRIBUTES,
        clock: Clock | None = None,
        name_of: NameOf = outside_name,
        declared: Mapping[str, Metrics] | None = None,
    ) -> None:
        """Begin with nothing counted."""
        self._aggregation: Final = aggregation or Aggregation()
        self._catalog: Final = Catalog() if catalog is None else catalog
        self._clock: Final = SystemClock() if clock is None else clock
        self._name_of: Final = name_of
        self._declared: Final = declared or {}
        self._sorter: Final = Sorter(self._aggregation.exemplars, resource)
        self._counts = _Counts(self._clock.time_ns())

    def observe(self, batch: Sequence[AnyRecord]) -> None:
        """Count the events of *batch*; raises nothing.

        What cannot be counted is in :meth:`take_warned`.
        """
        counts = self._counts
        for part in self._sorter.parts(batch, counts.warn):
            try:
                changes = self._changes(counts, part)
            except Exception:  # noqa: BLE001 - one event type must not cost the others
                counts.warn("not_observed", len(part.rows.events))
                continue
            with counts.lock:
                for change in changes:
                    if change.make():
                        counts.warned["invalid_value"] += 1

    def _changes(self, counts: _Counts, part: Part) -> list[Change | Example]:
        stream = self._stream(counts, part.resource)
        return stream.changes(part.kind, part.rows)

    def _stream(self, counts: _Counts, resource: Resource | None) -> Stream:
        key: object = None if resource is None else frozenset(resource.items())
        if key is not None and key not in counts.streams:
            others = len(counts.streams) - (None in counts.streams)
            if others >= self._aggregation.max_resources:
                resource, key = OVERFLOW, "overflow"
        stream = counts.streams.get(key)
        if stream is None:
            stream = counts.streams[key] = Stream(
                resource,
                self._catalog,
                self._aggregation,
                self._name_of,
                counts.warn,
                self._declared,
            )
        return stream

    def snapshot(self) -> list[MetricData]:
        """Return all that was counted since the start, and count on."""
        return self.reader("cumulative").collect()

    def reader(self, temporality: Temporality) -> MetricReader:
        """Return who collects again and again; each reader of deltas has its own.

        Make one once and keep it: what is counted remembers each reader of deltas.
        """
        return MetricReader(self._counted, self._asked, temporality)

    def reset(self) -> None:
        """Begin anew with nothing counted; series start now.

        Also what a forked child calls: it would count again what its parent counted.
        It needs new readers as well: those of deltas may owe points, which the parent
        tells.
        """
        self._counts = _Counts(self._clock.time_ns())

    def take_warned(self) -> Mapping[str, int]:
        """Return what went wrong since the last call, as ``Outcome.warned`` has it.

        ``invalid_value``: no number, or one out of range, was not counted, or a sum
        got out of range and is cut at the greatest float, or a record's weight is none
        and the record counts as one event;
        ``sanitized``, ``truncated``: a label has another value than the event;
        ``metric_conflict``: a metric cannot be as it is declared; ``gauge_failed``;
        ``not_observed``: events that nothing could be made of.
        """
        counts = self._counts
        with counts.lock:
            taken = dict(counts.warned)
            counts.warned.clear()
        return taken

    def gauges(self) -> list[ObservableGauge]:
        """Return the gauges to ask, without one that is called as another metric."""
        counts = self._counts
        names = {name for one in list(counts.streams.values()) for name in one.tables}
        found: list[ObservableGauge] = []
        for gauge in list(self._catalog.gauges):
            if gauge.name in names:
                counts.warn("metric_conflict", 1)
            else:
                names.add(gauge.name)
                found.append(gauge)
        return found

    def ask(self, gauge: ObservableGauge) -> list[MetricData]:
        """Return what *gauge* says now, as one metric or none; raises nothing.

        It takes as long as the gauge does, in the thread of the caller.
        """
        return observed(
            gauge, self._clock.time_ns(), self._aggregation, self._counts.warn
        )

    def _asked(self) -> list[MetricData]:
        return [metric for gauge in self.gauges() for metric in self.ask(gauge)]

    def _counted(self, reader: object) -> list[MetricData]:
        counts = self._counts
        now = max(self._clock.time_ns(), counts.started_unix_nano)
        return [
            table.data(points, stream.resource)
            for stream in list(counts.streams.values())
            for table in list(stream.tables.values())
            if (points := _points(counts, table, now, reader))
        ]


def _points(counts: _Counts, table: Table, now: int, reader: object) -> list[Point]:
    series, start = table.all_series(), counts.started_unix_nano
    points: list[Point | None] = []
    for first in range(0, len(series), _SLICE):
        with counts.lock:
            part = series[first : first + _SLICE]
            points += [one.point(start, now, reader) for one in part]
    return [point for point in points if point is not None]
