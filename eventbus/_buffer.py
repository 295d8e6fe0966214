"""What one attachment holds: a queue in order, what is in flight, and their bounds."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable

from eventbus._settings import Batch, Buffer
from eventbus._window import Chunk, RecordBatch


class RecordBuffer:
    """The bounded queue of one attachment, in events and, where asked, in bytes.

    Room is freed at a record's final state only: what is in flight, retrying or
    waiting for a split still counts.
    """

    __slots__ = (
        "_chunks",
        "in_flight",
        "in_flight_bytes",
        "max_bytes",
        "max_events",
        "peak",
        "queued",
        "queued_bytes",
    )

    def __init__(self, bounds: Buffer) -> None:
        """Start empty."""
        self._chunks: deque[Chunk] = deque()
        self.max_events = bounds.max_events
        self.max_bytes = bounds.max_bytes
        self.queued = self.in_flight = self.peak = 0
        self.queued_bytes = self.in_flight_bytes = 0

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
        return self.max_events - self.pending

    @property
    def room_bytes(self) -> float:
        """How many more bytes fit; infinite where bytes do not count."""
        return (
            math.inf if self.max_bytes is None else self.max_bytes - self.pending_bytes
        )

    @property
    def chunks(self) -> Iterable[Chunk]:
        """What is queued, in order."""
        return self._chunks

    def push(self, chunk: Chunk) -> None:
        """Queue *chunk* behind everything else; the caller keeps the bounds."""
        count = chunk.stop - chunk.start
        if not count:
            return
        if self._chunks:
            self._chunks[-1].window.tighten()
        self._chunks.append(chunk)
        self.queued += count
        if chunk.sizes is not None:
            self.queued_bytes += chunk.size_bytes
        pending = self.queued + self.in_flight
        if pending > self.peak:
            self.peak = min(pending, self.max_events)

    def take_all(self) -> RecordBatch:
        """Move the whole queue into flight."""
        return self.take(Batch(max_events=max(self.queued, 1)))

    def take(self, batch: Batch) -> RecordBatch:
        """Move the next batch from the queue into flight."""
        if self.queued and batch.max_bytes is None:
            chunk = self._chunks[0]
            if chunk.stop - chunk.start >= batch.max_events:  # as bursts are
                head = self._shift(chunk, batch.max_events)
                if head.sizes is not None:
                    self.in_flight_bytes += head.size_bytes
                return RecordBatch((head,))
        chunks: list[Chunk] = []
        room, room_bytes = batch.max_events, batch.max_bytes
        bytes_before = self.queued_bytes
        while self._chunks and room:
            chunk = self._chunks[0]
            count = min(room, chunk.stop - chunk.start)
            if room_bytes is not None and chunk.sizes is not None:
                count = _fitting(chunk, count, room_bytes, alone=not chunks)
                room_bytes -= sum(chunk.sizes[chunk.start : chunk.start + count])
            if not count:
                break
            chunks.append(self._shift(chunk, count))
            room -= count
        self.in_flight_bytes += bytes_before - self.queued_bytes
        return RecordBatch(chunks)

    def _shift(self, chunk: Chunk, count: int) -> Chunk:
        """Move the front of the oldest chunk out; it counts as pending all along."""
        self.in_flight += count
        self.queued -= count
        whole = count == chunk.stop - chunk.start
        head = self._chunks.popleft() if whole else chunk.shift(count)
        if head.sizes is not None:
            self.queued_bytes -= head.size_bytes
        return head

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

    def decided(self, batch: RecordBatch) -> None:
        """Free the room of *batch*, which was in flight."""
        self.in_flight -= batch.length
        if self.in_flight_bytes:
            self.in_flight_bytes -= batch.size_bytes

    def is_full_batch(self, batch: Batch) -> bool:
        """Return whether what is queued fills a batch."""
        return self.queued >= batch.max_events or (
            batch.max_bytes is not None and self.queued_bytes >= batch.max_bytes
        )


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
