"""Runs of a window's records: what a buffer holds, and what a sink is given."""

from __future__ import annotations

import math
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import overload

from eventbus._gaps import Gap
from eventbus._record import AnyRecord
from eventbus._window import Window


class Chunk:
    """A run of a window's records."""

    __slots__ = ("queued_at", "severe", "sizes", "start", "stop", "window")

    def __init__(
        self,
        window: Window,
        start: int,
        stop: int,
        sizes: Sequence[int] | None = None,
        queued_at: float = -math.inf,
        severe: list[bool] | None = None,
    ) -> None:
        """Keep the run; *sizes* are those of the whole window, where bytes count.

        *queued_at* is when it was queued, on the monotonic clock, where records expire.
        *severe* says of the whole window for which of them a reserve is, where one is.
        """
        self.window = window
        self.start = start
        self.stop = stop
        self.sizes = sizes
        self.queued_at = queued_at
        self.severe = severe

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

    @property
    def last_sequence(self) -> int:
        """The sequence of its newest record."""
        return self.window.sequences[self.stop - 1]

    def shift(self, count: int) -> Chunk:
        """Take the first *count* records off, and return them."""
        first = self.start
        self.start = stop = first + count
        return Chunk(self.window, first, stop, self.sizes, self.queued_at, self.severe)

    def run(self, start: int, stop: int) -> Chunk:
        """Return the records from *start* up to *stop* of this run."""
        first, last = self.start + start, self.start + stop
        return Chunk(self.window, first, last, self.sizes, self.queued_at, self.severe)

    def tightened(self) -> Chunk:
        """Return the run so that it keeps no window over twice its size alive."""
        if (self.stop - self.start) * 2 >= len(self.window.sequences):
            return self
        return self.picked(range(self.start, self.stop))

    def picked(self, picks: Sequence[int]) -> Chunk:
        """Return the records at *picks*, which are places in the window, as a run."""
        weights, sizes = self.window.weights, self.sizes
        window = self.window.picked(
            picks, weights=None if weights is None else [weights[i] for i in picks]
        )
        own_sizes = None if sizes is None else array("q", [sizes[i] for i in picks])
        severe = None if self.severe is None else [self.severe[i] for i in picks]
        return Chunk(window, 0, len(picks), own_sizes, self.queued_at, severe)

    def is_severe(self, place: int) -> bool:
        """Return whether a reserve is for the record at *place* in the window."""
        return self.severe is not None and self.severe[place]

    def alike(self) -> Iterator[Chunk]:
        """Yield the run in parts that are severe, or not, as a whole."""
        places = range(self.start, self.stop)
        start = 0
        for _, part in groupby(map(self.is_severe, places)):
            stop = start + len(list(part))
            yield self.run(start, stop)
            start = stop

    def sorted_out(self, max_bytes: int) -> tuple[Chunk, Chunk]:
        """Return the records of up to *max_bytes* each, and those over it."""
        assert self.sizes is not None
        small: list[int] = []
        large: list[int] = []
        for index in range(self.start, self.stop):
            (small if self.sizes[index] <= max_bytes else large).append(index)
        return self.picked(small) if large else self, self.picked(large)

    def records(self) -> list[AnyRecord]:
        """Return the records of the run."""
        return self.window.records[self.start : self.stop]


class RecordBatch(Sequence[AnyRecord]):
    """What a sink is given: a sequence whose records are made at the first look."""

    __slots__ = ("_chunks", "_records", "depth", "gaps", "length")

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        """Keep *chunks* until somebody looks."""
        length = deepest = 0
        for chunk in chunks:
            length += chunk.stop - chunk.start
            deepest |= chunk.window.depth
        self.length = length
        self._chunks = chunks
        self.depth = max(self.depths) if deepest else 0
        """How long the longest chain of events that caused one of these is."""
        self._records: list[AnyRecord] | None = None
        self.gaps: tuple[Gap, ...] = ()
        """What was dropped since the last batch that arrived; see :class:`Gap`."""

    def _made(self) -> list[AnyRecord]:
        if self._records is None:
            self._records = [r for chunk in self._chunks for r in chunk.records()]
        return self._records

    def __len__(self) -> int:
        return self.length

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
        return sum([chunk.size_bytes for chunk in self._chunks if chunk.sizes])

    @property
    def since(self) -> float:
        """When its oldest record was handed over, on the monotonic clock."""
        return min([chunk.window.since for chunk in self._chunks], default=math.inf)

    @property
    def depths(self) -> list[int]:
        """How long the chain of events is that caused each record."""
        return [
            bound.depth if bound else 0
            for chunk in self._chunks
            for bound in chunk.window.contexts[chunk.start : chunk.stop]
        ]

    def cut(self, stops: Iterable[int]) -> Iterator[RecordBatch]:
        """Yield the consecutive parts that end at *stops*, some of them empty."""
        rest = deque(chunk.run(0, len(chunk)) for chunk in self._chunks)
        place = 0
        for stop in stops:
            run: list[Chunk] = []
            while place < stop:
                count = min(stop - place, len(rest[0]))
                whole = count == len(rest[0])
                run.append(rest.popleft() if whole else rest[0].shift(count))
                place += count
            yield RecordBatch(run)

    def part(self, start: int, stop: int) -> RecordBatch:
        """Return the records from *start* up to *stop* as a batch."""
        chunks: list[Chunk] = []
        for chunk in self._chunks:
            first, last = max(start, 0), min(stop, len(chunk))
            if first < last:
                chunks.append(chunk.run(first, last))
            start, stop = start - len(chunk), stop - len(chunk)
        return RecordBatch(chunks)
