"""How many events of one kind become one: a summary, in the place of the first."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from eventbus._bounds import WrongSetting, concerning
from eventbus._catalog import EventType, describe
from eventbus._chunk import Chunk, RecordBatch
from eventbus._context import Bound
from eventbus._event import Event
from eventbus._marks import Label
from eventbus._record import NO_ATTRIBUTES, AnyRecord, Attributes
from eventbus._select import Selection
from eventbus._severity import SEVERITY_NUMBER
from eventbus._window import Measure, Window

_NUMBERS: Final = (int, float)
_EXACT_IN_FLOAT: Final = 2**53  # no integer up to this one is rounded
_PLAIN: Final = (str, bool, int, float, type(None))

# Any, below: fields hold values of every type.


class Coalesce(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events of a batch become one where they are alike.

    When a batch leaves the buffer, those of its events that are selected, of one type
    and of one key become one ``eventbus.summary``, in the place of the first of them;
    one that is alone stays as it is. The others count as ``sampled_out``. It takes
    effect within a batch, so larger ones (``Batch(max_events=…, max_delay_seconds=…)``)
    make it stronger. A sink's ``observe`` sees all of them before.

    Args:
        select: Globs on event names; ``None`` is all.
        by: Fields whose values are the key; ``None`` is every ``Label`` field of the
            event's type. What lacks a field has that in common.
    """

    select: Annotated[list[str], Meta(min_length=1)] | str | None = None
    by: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Refuse globs that select nothing."""
        with concerning("select"):
            Selection(self.select)
        if isinstance(self.by, str):
            raise WrongSetting(
                f"by must be a list of names of fields, got {self.by!r}", "by"
            )


class Summary(Event, tag="eventbus.summary"):
    """Several events of one type and one key.

    Its record has the id, the place and the time of the first, the worst severity,
    the attributes and the trace that all of them have, and the sum of their weights.

    Args:
        name: The name of their type.
        key: Field by field, what they have in common.
        count: How many they were.
        weight: The sum of their weights: how many events they stood for.
        totals: The sum of each numeric field that is not in the key, exact: of whole
            numbers a whole number. What is ``None`` is left out of it, and weights do
            not count.
        first_time_unix_nano: When the earliest happened, in nanoseconds since 1970.
        last_time_unix_nano: When the latest happened, likewise.
    """

    name: Annotated[str, Label]
    key: dict[str, Any]
    count: int
    weight: float
    totals: dict[str, int | float]
    first_time_unix_nano: int
    last_time_unix_nano: int


class _Kind(msgspec.Struct, frozen=True):
    """What is known of one event type: its key, and what may have a total."""

    name: str
    key_fields: tuple[str, ...]
    other_fields: tuple[str, ...]


class Coalescer:
    """Makes the summaries of one attachment's batches.

    Args:
        coalesce: What becomes one.
        measure: Returns the size of each record, in bytes.
    """

    def __init__(self, coalesce: Coalesce, measure: Measure) -> None:
        """Begin without a plan for any type."""
        self._selection: Final = Selection(coalesce.select)
        self._by: Final = coalesce.by
        self._measure: Final = measure
        self._kinds: Final[dict[type[Event], _Kind | None]] = {}

    def merged(self, batch: RecordBatch) -> RecordBatch:
        """Return *batch* with summaries, or itself where nothing is alike."""
        groups: dict[Hashable, list[int]] = {}
        for place, record in enumerate(batch):
            if (key := self._key(record)) is not None:
                groups.setdefault(key, []).append(place)
        alike = [places for places in groups.values() if len(places) > 1]
        if not alike:
            return batch
        rows: list[_Row | None] = list(_rows(batch))
        for places in alike:
            rows[places[0]] = self._one([rows[place] for place in places])
            for place in places[1:]:
                rows[place] = None
        return _batch_of(batch.chunks, rows)

    def _key(self, record: AnyRecord) -> Hashable | None:
        """Return what *record* has in common with others; ``None`` stays alone."""
        event: Event = record.event
        cls = type(event)
        if cls not in self._kinds:
            self._kinds[cls] = self._kind(describe(cls))
        kind = self._kinds[cls]
        if kind is None:
            return None
        values: list[Any] = [getattr(event, n, None) for n in kind.key_fields]
        key: tuple[Any, ...] = (
            cls,
            id(record.resource),
            *((type(v), v) for v in values),
        )
        try:
            hash(key)
        except TypeError:
            return None
        return key

    def _kind(self, event_type: EventType) -> _Kind | None:
        if not self._selection.selects(event_type, varies=True):
            return None
        labels = tuple(field.name for field in event_type.fields if field.label)
        by = labels if self._by is None else self._by
        others = (f.name for f in event_type.fields if f.name not in by)
        return _Kind(event_type.name, by, tuple(others))

    def _one(self, rows: Sequence[_Row | None]) -> _Row:
        present = [row for row in rows if row is not None]
        records = [row.record for row in present]
        record = self._summary(records)
        size = None
        if present[0].size is not None:
            replaced = sum(row.size or 0 for row in present)
            size = min(self._measure([record])[0], replaced)  # no bound is passed
        deepest = max(present, key=_depth_of)
        return _Row(record, deepest.bound, size)

    def _summary(self, records: list[AnyRecord]) -> AnyRecord:
        first = records[0]
        kind = self._kinds[type(first.event)]
        assert kind is not None
        times = [record.time_unix_nano for record in records]
        weight = _total([record.weight for record in records])
        event = Summary(
            name=kind.name,
            key={n: _plain(getattr(first.event, n, None)) for n in kind.key_fields},
            count=len(records),
            weight=float(weight),
            totals=_totals([record.event for record in records], kind.other_fields),
            first_time_unix_nano=min(times),
            last_time_unix_nano=max(times),
        )
        return _in_place_of(records, event, float(weight))


class _Row(msgspec.Struct, frozen=True):
    """A record with what its window knows besides."""

    record: AnyRecord
    bound: Bound | None
    size: int | None


def _depth_of(row: _Row) -> int:
    return row.bound.depth if row.bound else 0


def _rows(batch: RecordBatch) -> Iterator[_Row]:
    for chunk in batch.chunks:
        places = range(chunk.start, chunk.stop)
        for place, record in zip(places, chunk.records(), strict=True):
            size = chunk.sizes[place] if chunk.sizes else None
            yield _Row(record, chunk.window.contexts[place], size)


def _batch_of(chunks: Sequence[Chunk], rows: Sequence[_Row | None]) -> RecordBatch:
    """Return the *rows* that are left, in runs as old as *chunks* are."""
    start, made = 0, list[Chunk]()
    for chunk in chunks:
        stop = start + len(chunk)
        left = [row for row in rows[start:stop] if row is not None]
        start = stop
        if left:
            made.append(_chunk_of(chunk, left))
    return RecordBatch(made)


def _chunk_of(chunk: Chunk, rows: list[_Row]) -> Chunk:
    records = [row.record for row in rows]
    times = [record.time_unix_nano for record in records]
    window = Window(
        _records_of,
        [record.sequence for record in records],
        columns=(records, times, [row.bound for row in rows]),
        since=chunk.window.since,
    )
    sizes = [row.size or 0 for row in rows] if chunk.sizes else None
    return Chunk(window, 0, len(rows), sizes, chunk.queued_at)


def _records_of(window: Window) -> list[AnyRecord]:
    records: list[Any] = list(window.items)
    return records


def _in_place_of(
    records: Sequence[AnyRecord], event: Summary, weight: float
) -> AnyRecord:
    first = records[0]
    has_one_trace = all(_trace_of(record) == _trace_of(first) for record in records)
    return msgspec.structs.replace(
        first,
        event=event,
        weight=weight,
        severity=max((r.severity or "info" for r in records), key=_severity_number),
        attributes=_common(records),
        schema_version=1,
        **({} if has_one_trace else _NO_TRACE),
    )


_NO_TRACE: Final[dict[str, Any]] = {
    "trace_id": None,
    "span_id": None,
    "parent_span_id": None,
    "trace_flags": 0,
    "tracestate": None,
}


def _trace_of(record: AnyRecord) -> list[Any]:
    return [getattr(record, name) for name in _NO_TRACE]


def _severity_number(severity: str) -> int:
    return SEVERITY_NUMBER[severity]


def _common(records: Sequence[AnyRecord]) -> Attributes:
    """Return the attributes that all *records* have."""
    common = dict(records[0].attributes)
    for record in records[1:]:
        for name in [n for n, v in common.items() if record.attributes.get(n) != v]:
            del common[name]
    return Attributes(common) if common else NO_ATTRIBUTES


def _totals(events: Sequence[Any], names: Sequence[str]) -> dict[str, int | float]:
    totals: dict[str, int | float] = {}
    for name in names:
        values = [getattr(event, name) for event in events]
        numbers = [value for value in values if type(value) in _NUMBERS]
        if numbers:
            totals[name] = _total(numbers)
    return totals


def _total(numbers: Sequence[int | float]) -> int | float:
    """Return the sum, whole if all *numbers* are, else rounded once at the end.

    Where no float is the sum it is not a number.
    """
    if all(type(number) is int for number in numbers):
        return sum(numbers)
    try:
        if any(abs(number) > _EXACT_IN_FLOAT for number in numbers):
            return _rounded_once(numbers)
        return math.fsum(numbers)
    except (OverflowError, ValueError):  # beyond a float, or both infinities
        return math.nan


def _rounded_once(numbers: Sequence[int | float]) -> float:
    """Return the sum of *numbers*, of which some integer may be no float."""
    if not all(map(math.isfinite, numbers)):
        return math.fsum(numbers)
    ratios = [number.as_integer_ratio() for number in numbers]
    unit = max(denominator for _, denominator in ratios)  # all are powers of two
    return sum(count * (unit // denominator) for count, denominator in ratios) / unit


def _plain(value: Any) -> Any:
    return value if type(value) in _PLAIN else msgspec.to_builtins(value)
