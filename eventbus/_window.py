"""What one pass of the bus sealed: columns that attachments share, records on demand.

A window keeps events, times and contexts as columns; the records themselves are made
when a sink first looks at them, once for all who share the window.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

from eventbus._context import Bound
from eventbus._event import Event
from eventbus._record import AnyRecord

Item = Event | AnyRecord  # a relayed record stands in the place of its event
MakeRecords = Callable[["Window"], list[AnyRecord]]
Measure = Callable[[Sequence[AnyRecord]], list[int]]


class Window:
    """Records of one pass, in order, as columns."""

    __slots__ = (
        "_make",
        "_records",
        "contexts",
        "items",
        "sequences",
        "times",
        "weights",
    )

    def __init__(
        self,
        make: MakeRecords,
        items: Sequence[Item],
        times: Sequence[int],
        contexts: Sequence[Bound | None],
        sequences: Sequence[int],
        *,
        weights: Sequence[float] | None = None,
    ) -> None:
        """Keep the columns; *make* turns them into records when asked."""
        self._make = make
        self.items = items
        self.times = times
        self.contexts = contexts
        self.sequences = sequences
        self.weights = weights
        self._records: list[AnyRecord] | None = None

    def __len__(self) -> int:
        return len(self.items)

    @property
    def records(self) -> list[AnyRecord]:
        """The records, made at the first look."""
        if self._records is None:
            self._records = self._make(self)
        return self._records

    @property
    def depth(self) -> int:
        """How long the longest chain of events that caused one of these is."""
        contexts = self.contexts
        if contexts.count(None) == len(contexts):
            return 0
        return max(bound.depth for bound in contexts if bound is not None)

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
    def of(cls, records: list[AnyRecord]) -> Window:
        """Return a window of records that are made already."""
        return cls(
            lambda _: records,
            records,
            [record.time_unix_nano for record in records],
            [None] * len(records),
            [record.sequence for record in records],
        )

    def replaced(self, items: Sequence[Item]) -> Window:
        """Return a window with *items* in the place of its own."""
        return Window(self._make, items, self.times, self.contexts, self.sequences)

    def picked(
        self, picks: Sequence[int], *, weights: Sequence[float] | None = None
    ) -> Window:
        """Return a window of its own with the records at *picks*."""
        part = Window(
            self._make,
            [self.items[i] for i in picks],
            [self.times[i] for i in picks],
            [self.contexts[i] for i in picks],
            [self.sequences[i] for i in picks],
            weights=weights,
        )
        if self._records is not None and weights is None:
            part._records = [self._records[i] for i in picks]
        return part


class Chunk:
    """A run of a window's records."""

    __slots__ = ("sizes", "start", "stop", "window")

    def __init__(
        self, window: Window, start: int, stop: int, sizes: list[int] | None = None
    ) -> None:
        """Keep the run; *sizes* are those of the whole window, where bytes count."""
        if (stop - start) * 2 < len(window):
            # A small part must not keep a large window alive.
            picks = range(start, stop)
            window = window.picked(picks, weights=_slice(window.weights, start, stop))
            sizes = _slice(sizes, start, stop)
            start, stop = 0, len(picks)
        self.window = window
        self.start = start
        self.stop = stop
        self.sizes = sizes

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def size_bytes(self) -> int:
        """The bytes of the run; 0 where bytes do not count."""
        return sum(self.sizes[self.start : self.stop]) if self.sizes else 0

    @property
    def first_sequence(self) -> int:
        """The sequence of its oldest record."""
        return self.window.sequences[self.start]

    def split(self, count: int) -> tuple[Chunk, Chunk]:
        """Return the first *count* records and the rest."""
        middle = self.start + count
        return (
            Chunk(self.window, self.start, middle, self.sizes),
            Chunk(self.window, middle, self.stop, self.sizes),
        )

    def measured(self, measure: Measure, max_bytes: int) -> Chunk:
        """Return the run with sizes, without the records over *max_bytes*."""
        sizes = measure(self.window.records)
        run = range(self.start, self.stop)
        picks = [index for index in run if sizes[index] <= max_bytes]
        if len(picks) == len(run):
            return Chunk(self.window, self.start, self.stop, sizes)
        weights = self.window.weights
        window = self.window.picked(
            picks, weights=weights and [weights[index] for index in picks]
        )
        return Chunk(window, 0, len(picks), [sizes[index] for index in picks])

    def singles(self) -> Iterator[Chunk]:
        """Return the records one by one, as runs."""
        for index in range(self.start, self.stop):
            yield Chunk(self.window, index, index + 1, self.sizes)

    def records(self) -> list[AnyRecord]:
        """Return the records of the run."""
        return self.window.records[self.start : self.stop]


def _slice(column: Any, start: int, stop: int) -> Any:
    # Any: columns of several element types, or none at all.
    return None if column is None else list(column[start:stop])


class RecordBatch(Sequence[AnyRecord]):
    """What a sink is given: a sequence whose records are made at the first look."""

    __slots__ = ("_chunks", "_length", "_records")

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        """Keep *chunks* until somebody looks."""
        self._chunks = chunks
        self._length = sum(map(len, chunks))
        self._records: list[AnyRecord] | None = None

    def _made(self) -> list[AnyRecord]:
        if self._records is None:
            self._records = [r for chunk in self._chunks for r in chunk.records()]
        return self._records

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[AnyRecord]:
        return iter(self._made())

    @overload
    def __getitem__(self, index: int) -> AnyRecord: ...
    @overload
    def __getitem__(self, index: slice) -> list[AnyRecord]: ...
    def __getitem__(self, index: int | slice) -> AnyRecord | list[AnyRecord]:
        return self._made()[index]

    def __repr__(self) -> str:
        return f"<RecordBatch of {len(self)}>"

    @property
    def chunks(self) -> Sequence[Chunk]:
        """The runs the batch is made of."""
        return self._chunks

    @property
    def size_bytes(self) -> int:
        """The bytes of the batch; 0 where bytes do not count."""
        return sum(chunk.size_bytes for chunk in self._chunks)

    @property
    def depth(self) -> int:
        """How long the longest chain of events that caused one of these is."""
        return max((chunk.window.depth for chunk in self._chunks), default=0)

    @property
    def first_sequence(self) -> int:
        """The sequence of its oldest record."""
        return self._chunks[0].first_sequence

    def part(self, start: int, stop: int) -> RecordBatch:
        """Return the records from *start* up to *stop* as a batch."""
        chunks: list[Chunk] = []
        for chunk in self._chunks:
            first, last = max(start, 0), min(stop, len(chunk))
            if first < last:
                chunks.append(
                    Chunk(
                        chunk.window,
                        chunk.start + first,
                        chunk.start + last,
                        chunk.sizes,
                    )
                )
            start, stop = start - len(chunk), stop - len(chunk)
        return RecordBatch(chunks)
