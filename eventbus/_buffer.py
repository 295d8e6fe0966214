"""What one attachment holds: a queue in order, what is in flight, and their bounds."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile

from eventbus._chunk import Chunk, RecordBatch
from eventbus._settings import Batch, Buffer


class RecordBuffer:
    """The bounded queue of one attachment, in events and, where asked, in bytes.

    Room is freed at a record's final state only: what is in flight, retrying or
    waiting for a split still counts.
    """

    __slots__ = (
        "_chunks",
        "_now",
        "in_flight",
        "in_flight_bytes",
        "max_age_seconds",
        "max_bytes",
        "max_events",
        "peak",
        "queued",
        "queued_bytes",
        "reserved_bytes",
        "reserved_events",
        "severe",
        "severe_bytes",
        "unsent",
    )

    def __init__(
        self, bounds: Buffer, now: Callable[[], float] = time.monotonic
    ) -> None:
        """Start empty; *now* is the monotonic clock."""
        self._chunks: deque[Chunk] = deque()
        self._now = now
        self.max_age_seconds: float | None = None
        self.rebound(bounds)
        self.queued = self.in_flight = self.unsent = self.peak = 0
        self.queued_bytes = self.in_flight_bytes = 0
        self.severe = self.severe_bytes = 0

    def rebound(self, bounds: Buffer) -> None:
        """Have other *bounds* from now on; the caller keeps them.

        What is held where nothing expired before grows old from now on.
        """
        self.max_events = bounds.max_events
        self.max_bytes = bounds.max_bytes
        self.reserved_events = bounds.reserved_events
        self.reserved_bytes = bounds.reserved_bytes
        if self.max_age_seconds is None is not bounds.max_age_seconds:
            self.date(self._chunks)
        self.max_age_seconds = bounds.max_age_seconds

    def date(self, chunks: Iterable[Chunk]) -> None:
        """Let *chunks* grow old from now on."""
        now = self._now()
        for chunk in chunks:
            chunk.queued_at = now

    @property
    def pending(self) -> int:
        """Records that are not decided yet."""
        return self.queued + self.in_flight

    @property
    def pending_bytes(self) -> int:
        """Their size in bytes; 0 where bytes do not count."""
        return self.queued_bytes + self.in_flight_bytes

    @property
    def room(self) -> int:
        """How many more records fit; negative when there are too many."""
        return self.max_events - self.queued - self.in_flight

    @property
    def room_bytes(self) -> float:
        """How many more bytes fit; infinite where bytes do not count."""
        return (
            math.inf if self.max_bytes is None else self.max_bytes - self.pending_bytes
        )

    @property
    def chunks(self) -> Sequence[Chunk]:
        """What is queued, in order."""
        return self._chunks

    def push(self, chunk: Chunk) -> None:
        """Queue *chunk* behind everything else; the caller keeps the bounds."""
        count = chunk.stop - chunk.start
        if not count:
            return
        if self.max_age_seconds is not None:
            chunk.queued_at = self._now()
        self._chunks.append(chunk)
        self.queued += count
        if chunk.sizes is not None:
            self.queued_bytes += chunk.size_bytes
        if chunk.severe is not None:
            self._count_severe(chunk, 1)
        pending = self.queued + self.in_flight
        if pending > self.peak:
            self.peak = min(pending, self.max_events)

    def tighten(self) -> None:
        """Keep what is queued in columns: it is going to wait for another turn.

        Where half of the bytes are taken, the records that were made to size them go:
        they take as much again, and are made anew when they leave.
        """
        is_full = 2 * self.pending_bytes > (self.max_bytes or math.inf)
        for chunk in reversed(self._chunks):
            if not chunk.window.tighten(forget=is_full):
                return  # and so have been all before

    def take_all(self) -> RecordBatch:
        """Move the whole queue into flight, though to no sink: it is ``unsent``."""
        self.unsent += self.queued
        return self.take(Batch(max_events=max(self.queued, 1)))

    def take_queued_by(self, moment: float) -> RecordBatch:
        """Move what was queued by *moment* into flight, to no sink: ``unsent`` too."""
        old = takewhile(lambda chunk: chunk.queued_at <= moment, self._chunks)
        count = sum(map(len, old))
        self.unsent += count
        return self.take(Batch(max_events=count)) if count else RecordBatch(())

    def take(self, batch: Batch) -> RecordBatch:
        """Move the next batch from the queue into flight."""
        chunks: list[Chunk] = []
        room, room_bytes = batch.max_events, batch.max_bytes
        bytes_before = self.queued_bytes
        while self._chunks and room:
            chunk = self._chunks[0]
            count = chunk.stop - chunk.start
            if count > room:
                count = room
            if room_bytes is not None and chunk.sizes is not None:
                count = _fitting(chunk, count, room_bytes, alone=not chunks)
                room_bytes -= sum(chunk.sizes[chunk.start : chunk.start + count])
            if not count:
                break
            chunks.append(self._shift(chunk, count))
            room -= count
        if bytes_before:
            self.in_flight_bytes += bytes_before - self.queued_bytes
        return RecordBatch(chunks)

    def _shift(self, chunk: Chunk, count: int) -> Chunk:
        """Move the front of the oldest chunk out; it counts as pending all along."""
        self.in_flight += count
        self.queued -= count
        whole = count == chunk.stop - chunk.start
        head = self._chunks.popleft() if whole else chunk.shift(count)
        if head.sizes is not None or head.severe is not None:
            self._uncount(head)
        return head

    def _uncount(self, chunk: Chunk) -> None:
        if chunk.sizes is not None:
            self.queued_bytes -= chunk.size_bytes
        if chunk.severe is not None:
            self._count_severe(chunk, -1)

    def _count_severe(self, chunk: Chunk, sign: int) -> None:
        for place in range(chunk.start, chunk.stop):
            if chunk.is_severe(place):
                self.severe += sign
                self.severe_bytes += sign * (chunk.sizes[place] if chunk.sizes else 0)

    @property
    def unreserved(self) -> int:
        """How many of those that a reserve is for are queued beyond it.

        Where the reserve is bytes, 1 while there are any.
        """
        if self.reserved_bytes:
            return int(self.severe_bytes > self.reserved_bytes)
        return max(self.severe - self.reserved_events, 0)

    def drop_at(self, place: int, count: int) -> Chunk:
        """Take the first *count* records of the run at *place* out of the queue."""
        chunk = self._chunks[place]
        gone = chunk.shift(count)
        self._uncount(gone)
        self.queued -= count
        if len(chunk):
            self._chunks[place] = chunk.tightened()
        else:
            del self._chunks[place]
        return gone

    def drop_oldest(self, count: int) -> list[Chunk]:
        """Take the oldest *count* records out of the queue, and return them."""
        gone: list[Chunk] = []
        while count > 0 and self._chunks:
            oldest = self._chunks[0]
            gone.append(self._shift(oldest, min(count, len(oldest))))
            self.in_flight -= len(gone[-1])
            count -= len(gone[-1])
        if gone and self._chunks:
            self._chunks[0] = self._chunks[0].tightened()
        return gone

    def recount(self, in_hand: Iterable[RecordBatch]) -> None:
        """Count anew what was sized or judged: the queue, and in flight, *in_hand*."""
        queue = [part for chunk in self._chunks for part in chunk.alike()]
        self._chunks = deque(queue)
        self.severe = self.severe_bytes = 0
        for chunk in queue:
            if chunk.severe is not None:
                self._count_severe(chunk, 1)
        self.queued_bytes = sum(chunk.size_bytes for chunk in queue)
        self.in_flight_bytes = sum(batch.size_bytes for batch in in_hand)

    def shrink(self, batch: RecordBatch, merged: RecordBatch) -> None:
        """Free the room of what *batch*, in flight, holds more than *merged*."""
        self.in_flight -= len(batch) - len(merged)
        self.in_flight_bytes -= batch.size_bytes - merged.size_bytes

    def decided(self, batch: RecordBatch) -> None:
        """Free the room of *batch*, which was in flight."""
        self.in_flight -= batch.length
        if self.in_flight_bytes:
            self.in_flight_bytes -= batch.size_bytes

    def is_full_batch(self, batch: Batch) -> bool:
        """Return whether what is queued fills a batch, or nothing more fits here."""
        if self.queued >= batch.max_events or self.room <= 0:
            return True
        return batch.max_bytes is not None and self.queued_bytes >= batch.max_bytes


def _fitting(chunk: Chunk, room: int, room_bytes: int, *, alone: bool) -> int:
    """Return how many records of *chunk* fit; at least one when it is *alone*."""
    assert chunk.sizes is not None
    count = 0
    for size in chunk.sizes[chunk.start : min(chunk.stop, chunk.start + room)]:
        room_bytes -= size
        if room_bytes < 0 and not (alone and count == 0):
            break
        count += 1
    return count
