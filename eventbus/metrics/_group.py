"""How the events of one type become sums of series that have the same labels."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import compress, repeat
from operator import attrgetter, is_
from typing import Any, Final, NamedTuple

import msgspec

from eventbus._event import Event
from eventbus._record import Attributes
from eventbus.metrics._data import Exemplar
from eventbus.metrics._declaration import Aggregation, LabelValue
from eventbus.metrics._fold import Folded, fold, fold_repeated, is_number, last_of
from eventbus.metrics._labels import label_of
from eventbus.metrics._plan import MetricPlan, Source
from eventbus.metrics._rows import Rows, Warn, attributes_of
from eventbus.metrics._series import Mark, Scale, Series
from eventbus.metrics._table import Table

# Any in this module: an event's field may hold a value of any type.

AS_IT_IS: Final = Scale(1, 1, ())

_EVENT: Final = 1  # what an event adds to a counter of events
_SPELLINGS: Final = 4  # several keys may be one series: with None and UNSET, say

Key = tuple[Any, ...]  # values of labels


RowOf = Callable[[Any, int], list[Series]]
"""Returns the series of a key, to which so many events are new."""


class Target(NamedTuple):
    """Where the values of one field go.

    Args:
        table: The metric.
        column: Which of the group's fields; ``None``: it counts events.
        scale: From the field's unit to the metric's.
        told_by: The label that tells the field, and its value.
    """

    table: Table
    column: int | None
    scale: Scale
    told_by: Mapping[str, str]


class Change(msgspec.Struct, frozen=True):
    """What is added to a series; all that takes long or can go wrong is done."""

    series: Series
    folded: Folded
    scale: Scale

    def make(self) -> bool:
        """Add it; return whether the sum is out of range, and cut."""
        return self.series.add(self.folded, self.scale)


class Example(msgspec.Struct, frozen=True):
    """What a series is shown by, in one of its buckets."""

    series: Series
    bucket: int
    exemplar: Exemplar

    def make(self) -> bool:
        """Show it, in the place of the one before."""
        self.series.exemplars[self.bucket] = self.exemplar
        return False


class Group:
    """The metrics of one event type that have the same labels.

    Args:
        plans: The metrics, each with its table.
        aggregation: The bounds, and the labels of every series.
        warn: Called with a reason and a count for what is not counted, or not as it is.
    """

    def __init__(
        self,
        plans: Sequence[tuple[MetricPlan, Table]],
        aggregation: Aggregation,
        warn: Warn,
    ) -> None:
        """Work out once how labels and values are got."""
        first = plans[0][0]
        self._label_names: Final = [name for name, _ in first.labels]
        self._label_fields: Final = [field for _, field in first.labels]
        self._bound: Final = tuple(dict.fromkeys((*aggregation.bound, *first.bound)))
        self._aggregation: Final = aggregation
        self._warn: Final = warn
        sources = [source.field for plan, _ in plans for source in plan.sources]
        self._fields: Final = list(dict.fromkeys(sources))
        self._targets: Final = [
            target for plan, table in plans for target in self._targets_of(plan, table)
        ]
        self._labels_of: Final = _getter(self._label_fields)
        self._values_of: Final = _getter(self._fields)
        self._rows: Final[dict[Any, list[Series]]] = {}

    def _targets_of(self, plan: MetricPlan, table: Table) -> Iterator[Target]:
        if not plan.sources:
            yield Target(table, None, AS_IT_IS, {})
        for source in plan.sources:
            told = {} if plan.by is None else {plan.by: source.told_by or ""}
            column = self._fields.index(source.field)
            yield Target(table, column, _scale(source, plan.bounds), told)

    def changes(self, rows: Rows) -> list[Change | Example]:
        """Return what *rows* add; nothing is added yet."""
        try:
            shared = self._shared(rows)
            keys = self._keys(rows, is_shared=shared is not None)
            return self._changes(rows, keys, self._values(rows), shared)
        except Exception:  # noqa: BLE001 - values of types that no field should have
            keys = list(map(self._safe_key, self._keys_one_by_one(rows)))
            values = map(self._safe_values, rows.events)
            return self._changes(rows, keys, values, None)

    def _shared(self, rows: Rows) -> Key | None:
        """Return the bound labels of all events; ``None``: they may differ."""
        first = rows.bound[0]
        if not (self._bound and all(map(is_, rows.bound, repeat(first)))):
            return None
        return tuple(map(attributes_of(first).get, self._bound))

    def _keys(self, rows: Rows, *, is_shared: bool) -> Iterable[Any]:
        """Return what tells the series of each event apart, as it stands there."""
        own = _taken(self._labels_of, rows.events)
        if is_shared or not self._bound:
            return own
        return zip(own, self._bound_keys(rows), strict=True)

    def _bound_keys(self, rows: Rows) -> list[Key]:
        keys: list[Key] = []
        before: object = keys  # which nothing is
        key: Key = ()
        for one in rows.bound:
            if one is not before:  # neighbours mostly share what is bound
                before, key = one, tuple(map(attributes_of(one).get, self._bound))
            keys.append(key)
        return keys

    def _values(self, rows: Rows) -> Iterable[Any]:
        return _taken(self._values_of, rows.events)

    def _keys_one_by_one(self, rows: Rows) -> Iterator[tuple[list[Any], Any]]:
        for event, bound in zip(rows.events, self._bound_keys(rows), strict=True):
            yield [getattr(event, name, None) for name in self._label_fields], bound

    def _safe_key(self, parts: tuple[Sequence[Any], Sequence[Any]]) -> Any:
        own, bound = (tuple([self._hashable(value) for value in p]) for p in parts)
        key = own[0] if len(own) == 1 else own
        return (key, bound) if self._bound else key

    def _safe_values(self, event: Event) -> Any:
        values = tuple([getattr(event, name, None) for name in self._fields])
        return values[0] if len(values) == 1 else values

    def _changes(
        self,
        rows: Rows,
        keys: Iterable[Any],
        values: Iterable[Any],
        shared: Key | None,
    ) -> list[Change | Example]:
        """Return what events with *keys*, and with *shared* labels, add."""

        def row_of(key: Any, count: int) -> list[Series]:
            return self._row(key if shared is None else (key, shared), count)

        if rows.marks is not None:
            keys, values = list(keys), list(values)
            examples = list(self._examples(rows.marks, keys, values, row_of))
            return [*self._sums(rows, keys, values, row_of), *examples]
        return [*self._sums(rows, keys, values, row_of)]

    def _sums(
        self, rows: Rows, keys: Iterable[Any], values: Iterable[Any], row_of: RowOf
    ) -> Iterator[Change]:
        """Yield what each series gets."""
        weights = rows.weights
        if not self._fields and weights is None:
            for key, count in Tally(keys).items():
                for series in row_of(key, count):
                    yield Change(series, Folded(count, count), AS_IT_IS)
            return
        if weights is not None:
            values = zip(values, weights, strict=True)
        members: defaultdict[Any, list[Any]] = defaultdict(list)
        for key, value in zip(keys, values, strict=True):
            members[key].append(value)
        for key, own in members.items():
            row = row_of(key, len(own))
            yield from self._sum(row, own, is_weighted=weights is not None)

    def _sum(
        self, row: list[Series], own: list[Any], *, is_weighted: bool
    ) -> Iterator[Change]:
        """Yield what the series of *row* get from their *own* values."""
        count, weights = len(own), None
        if is_weighted:
            own, weights = map(list, zip(*own, strict=True))
        several = len(self._fields) > 1
        columns = list(zip(*own, strict=True)) if several else [own]
        for target, series in zip(self._targets, row, strict=True):
            times = None if weights is None else series.whole(weights)
            if target.column is None:
                total = count if times is None else sum(times)
                folded = Folded(total, total)
            else:
                folded = _folded(target, columns[target.column], times)
                if folded.invalid:
                    self._warn("invalid_value", folded.invalid)
            yield Change(series, folded, target.scale)

    def _examples(
        self,
        marks: Sequence[Mark | None],
        keys: Sequence[Any],
        values: Sequence[Any],
        row_of: RowOf,
    ) -> Iterator[Example]:
        """Yield the last event with a mark, of each bucket of each series."""
        marks, keys, values = _marked(marks, keys, values)
        if not marks:
            return
        several = len(self._fields) > 1
        columns = list(zip(*values, strict=True)) if several else [values]
        for place, target in enumerate(self._targets):
            if target.table.plan.kind == "gauge":
                continue
            own: Iterable[Any] = repeat(_EVENT, len(keys))
            buckets: Iterable[int] = repeat(0, len(keys))
            if target.column is not None:
                own = columns[target.column]
                buckets = _buckets(target.scale.bounds, own)
            cells = zip(keys, buckets, strict=True)
            last = dict(zip(cells, zip(own, marks, strict=True), strict=True))
            for (key, bucket), (one, mark) in last.items():
                if is_number(one):
                    exemplar = Exemplar(target.scale.of(one), *mark)
                    yield Example(row_of(key, 0)[place], bucket, exemplar)

    def _row(self, key: Any, count: int) -> list[Series]:
        """Return the series of each target for events with *key*.

        *count* of them are new, and counted where their labels are not as they are.
        """
        row = self._rows.get(key)
        return self._new_row(key, count) if row is None else row

    def _new_row(self, key: Any, count: int) -> list[Series]:
        own, bound = key if self._bound else (key, ())
        if len(self._label_fields) == 1:
            own = (own,)
        labels = dict(self._aggregation.labels)
        given = (*zip(self._bound, bound, strict=True),)
        odd = False
        for name, value in (*given, *zip(self._label_names, own, strict=True)):
            label = label_of(value, self._aggregation.max_label_length)
            if label.value is not None:
                labels[name] = label.value
            if label.warning is not None:
                self._warn(label.warning, count)
                odd = True
        shared = _in_order(labels)
        row = [
            target.table.series_of(
                _in_order({**labels, **target.told_by}) if target.told_by else shared
            )
            for target in self._targets
        ]
        most = self._aggregation.max_series * _SPELLINGS
        if not odd and len(self._rows) < most and self._has_room_for(row):
            self._rows[key] = row
        return row

    def _has_room_for(self, row: list[Series]) -> bool:
        return not any(
            target.table.is_overflow(series)
            for target, series in zip(self._targets, row, strict=True)
        )

    def _hashable(self, value: Any) -> Any:
        try:
            hash(value)
        except Exception:  # noqa: BLE001 - a value's own code
            label = label_of(value, self._aggregation.max_label_length)
            self._warn(label.warning or "sanitized", 1)
            return label.value
        return value


def _marked(
    marks: Sequence[Mark | None], *columns: Sequence[Any]
) -> tuple[Sequence[Mark], Sequence[Any], Sequence[Any]]:
    """Return the rows that have a mark."""
    keys, values = columns
    present = [mark for mark in marks if mark is not None]
    return present, [*compress(keys, marks)], [*compress(values, marks)]


def _buckets(bounds: Sequence[float], values: Sequence[Any]) -> Sequence[int]:
    """Return in which bucket each value is; -1 for what is no number."""
    with suppress(Exception):  # of values of types that no field should have
        total = sum(values)
        if total - total == 0 and min(values) >= 0:  # no NaN, nothing infinite
            return list(map(bisect_left, repeat(bounds), values))
    return [bisect_left(bounds, v) if is_number(v) else -1 for v in values]


def _folded(
    target: Target, values: Sequence[Any], times: Sequence[int] | None
) -> Folded:
    if target.table.plan.kind == "gauge":
        return last_of(values)
    if times is None:
        return fold(values, target.scale.bounds)
    return fold_repeated(values, times, target.scale.bounds)


def _taken(
    getter: Callable[[Any], Any] | None, events: Sequence[Event]
) -> Iterable[Any]:
    return repeat((), len(events)) if getter is None else map(getter, events)


def _getter(names: Sequence[str]) -> Callable[[Any], Any] | None:
    return attrgetter(*names) if names else None


def _scale(source: Source, bounds: Sequence[float]) -> Scale:
    factor = source.factor
    # In decimals, so that 0.005 s are 5 ms and not a little more.
    own = tuple([float(Fraction(str(bound)) / factor) for bound in bounds])
    return Scale(factor.numerator, factor.denominator, own)


def _in_order(labels: Mapping[str, LabelValue]) -> Attributes:
    return Attributes(sorted(labels.items()))
