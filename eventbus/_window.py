"""What one pass of the bus sealed: columns that attachments share, records on demand.

A window keeps events, times and contexts as columns; the records themselves are made
when a sink first looks at them, once for all who share the window.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any, Final, Literal, Protocol, TypeGuard, cast

import msgspec

from eventbus._context import Bound
from eventbus._event import Event
from eventbus._record import AnyRecord, Record

Item = Event | AnyRecord  # a relayed record stands in the place of its event
Handed = tuple[Item, int, Bound | None]  # with its time and what was bound
Published = tuple[Item, int, Bound | None, Literal[True]]  # whose publisher may wait
Entry = Handed | Published
Columns = tuple[Sequence[Item], Sequence[int], Sequence[Bound | None]]

_PUBLISHED_LENGTH: Final = 4

item_of = cast("Callable[[Entry], Item]", itemgetter(0))
time_of = cast("Callable[[Entry], int]", itemgetter(1))
context_of = cast("Callable[[Entry], Bound | None]", itemgetter(2))


def is_published(entry: Entry) -> TypeGuard[Published]:
    """Return whether a publisher handed *entry* over, who may have to wait."""
    return len(entry) == _PUBLISHED_LENGTH


def has_published(entries: Sequence[Entry]) -> bool:
    """Return whether any of *entries* was handed over by a publisher."""
    return sum(map(len, entries)) > (_PUBLISHED_LENGTH - 1) * len(entries)  # in C


def event_of(item: Item) -> Event:
    """Return the event of an entry, relayed or not."""
    return item.event if isinstance(item, Record) else item


def with_event(item: Item, event: Event) -> Item:
    """Return *item* with *event* in the place of its own."""
    if not isinstance(item, Record):
        return event
    return item if event is item.event else msgspec.structs.replace(item, event=event)


MakeRecords = Callable[["Window"], list[AnyRecord]]


class Measure(Protocol):
    """Returns the size of each record, in bytes; see :meth:`LineEncoder.sizes`."""

    def __call__(
        self, records: Sequence[AnyRecord], max_bytes: int | None = None, /
    ) -> list[int]:
        """Measure *records*, exactly as long as they are not over *max_bytes*."""
        ...


class Window:
    """Records of one pass, in order: what was handed over, or columns of it."""

    __slots__ = (
        "_contexts",
        "_entries",
        "_items",
        "_make",
        "_records",
        "_times",
        "depth",
        "has_bound",
        "sequences",
        "since",
        "was_made",
        "weights",
    )

    def __init__(
        self,
        make: MakeRecords,
        sequences: Sequence[int],
        *,
        entries: Sequence[Entry] = (),
        columns: Columns | None = None,
        weights: Sequence[float] | None = None,
        since: float = math.inf,
        depth: int | None = None,
    ) -> None:
        """Keep *entries* or *columns*; *make* turns them into records when asked.

        *since* is when the oldest was handed over, on the monotonic clock; infinity
        is unknown. *depth* is looked for where it is not known.
        """
        self._make = make
        self._entries = entries
        self._items: Sequence[Item] | None = columns[0] if columns else None
        self._times: Sequence[int] | None = columns[1] if columns else None
        self._contexts: Sequence[Bound | None] | None = columns[2] if columns else None
        self._records: list[AnyRecord] | None = None
        self.was_made = False
        """Whether the records were made once and forgotten."""
        self.sequences = sequences
        self.weights = weights
        self.since = since
        self.has_bound = True
        """Whether anything may be bound to its events."""
        self.depth: int = self._longest_chain() if depth is None else depth
        """How long the longest chain of events that caused one of these is."""

    def _longest_chain(self) -> int:
        contexts: Iterable[Bound | None] | None = self._contexts
        if contexts is None:
            contexts = map(context_of, self._entries)
        present = list(filter(None, contexts))
        self.has_bound = bool(present)
        return max([bound.depth for bound in present]) if present else 0

    def __len__(self) -> int:
        return len(self.sequences)

    @property
    def items(self) -> Sequence[Item]:
        """The events, or relayed records in their places."""
        if self._items is None:
            self._items = list(map(item_of, self._entries))
        return self._items

    @property
    def times(self) -> Sequence[int]:
        """When each was emitted, in nanoseconds since 1970."""
        if self._times is None:
            self._times = list(map(time_of, self._entries))
        return self._times

    @property
    def contexts(self) -> Sequence[Bound | None]:
        """What was bound where each was emitted."""
        if self._contexts is None:
            if not self._entries:
                return [None] * len(self.sequences)  # nothing was, so nothing is kept
            self._contexts = list(map(context_of, self._entries))
        return self._contexts

    @property
    def event_types(self) -> frozenset[type[Event]]:
        """The types of the events."""
        items = map(item_of, self._entries) if self._items is None else self._items
        kinds = set[Any](map(type, items))  # Any: events, and records among them
        if Record in kinds:
            kinds.discard(Record)
            relayed = [item.event for item in self.items if type(item) is Record]
            kinds.update(map(type, relayed))
        return frozenset(kinds)

    def tighten(self, *, forget: bool = False) -> bool:
        """Let go of the entries: columns take half the memory when it has to wait.

        Args:
            forget: Whether to let go of the records too; they are made again.

        Returns:
            Whether there was anything to let go of.
        """
        had_entries, had_records = bool(self._entries), self._records is not None
        if had_entries:
            _ = self.items
            self._contexts = self.contexts if any(self.contexts) else None
            self._times = array("q", self.times)  # signed, 64 bits: until the year 2262
            self._entries = ()
        if forget and had_records:
            self.was_made, self._records = True, None
        return had_entries or (forget and had_records)

    @property
    def records(self) -> list[AnyRecord]:
        """The records, made at the first look."""
        records = self._records
        if records is None:
            records = self._records = self._make(self)
        return records

    def before(self, sequence: int) -> int:
        """Return how many records came before *sequence*."""
        return bisect_left(self.sequences, sequence)

    def head(self, stop: int) -> Window:
        """Return the window up to *stop*."""
        return self if stop == len(self) else self.picked(range(stop))

    def tail(self, start: int) -> Window:
        """Return the window from *start* on."""
        return self.picked(range(start, len(self))) if start else self

    @classmethod
    def of(cls, records: list[AnyRecord], *, since: float = math.inf) -> Window:
        """Return a window of records that are made already."""
        times = [record.time_unix_nano for record in records]
        columns = (records, times, [None] * len(records))
        sequences = [record.sequence for record in records]
        return cls(_items_of, sequences, columns=columns, since=since, depth=0)

    def replaced(
        self, items: Sequence[Item], contexts: Sequence[Bound | None] | None = None
    ) -> Window:
        """Return a window with *items*, and *contexts*, in the place of its own."""
        columns = (items, self.times, self.contexts if contexts is None else contexts)
        return self._like(self._make, columns)

    def private(self, own: Callable[[Item], Item]) -> Window:
        """Return the window with records of its own, of *own* copies of the items."""
        make = self._make

        def make_own(window: Window) -> list[AnyRecord]:
            return make(window.replaced(list(map(own, window.items))))

        columns = (self.items, self.times, self.contexts)
        return self._like(make_own, columns)

    def _like(self, make: MakeRecords, columns: Columns) -> Window:
        return Window(
            make,
            self.sequences,
            columns=columns,
            weights=self.weights,
            since=self.since,
            depth=self.depth,
        )

    def picked(
        self, picks: Sequence[int], *, weights: Sequence[float] | None = None
    ) -> Window:
        """Return a window of its own with the records at *picks*."""
        columns = tuple(
            [column[i] for i in picks]
            for column in (self.items, self.times, self.contexts)
        )
        sequences = [self.sequences[i] for i in picks]
        part = Window(
            self._make,
            sequences,
            columns=cast("Columns", columns),
            weights=weights,
            since=self.since,
            depth=None if self.depth else 0,
        )
        part.was_made = self.was_made
        if self._records is not None:
            part._records = [self._records[i] for i in picks]
            if weights is not None and self.weights is None:
                part._records = list(map(weighted, part._records, weights))
        return part


def _items_of(window: Window) -> list[AnyRecord]:
    return list(cast("Sequence[AnyRecord]", window.items))


def weighted(record: AnyRecord, weight: float) -> AnyRecord:
    """Return *record* standing for *weight* times as many events."""
    if weight == 1:
        return record
    return msgspec.structs.replace(record, weight=record.weight * weight)
