"""How a portion gets into the buffer: what fits its bounds, and what has to go."""

from __future__ import annotations

import math

from eventbus._buffer import RecordBuffer
from eventbus._chunk import Chunk
from eventbus._door import Door
from eventbus._ledger import Ledger
from eventbus._portion import Portion


class Intake:
    """Puts portions into the buffer within its bounds; the lock is held meanwhile."""

    __slots__ = ("_buffer", "_door", "_ledger", "closed_for")

    def __init__(self, buffer: RecordBuffer, door: Door, ledger: Ledger) -> None:
        """Take everything that fits."""
        self._buffer = buffer
        self._door = door
        self._ledger = ledger
        self.closed_for: str | None = None

    def accept_sealed(self, portion: Portion) -> list[Chunk]:
        """Count the *portion* of a seal and queue what fits; see :meth:`accept`.

        Its events were let in by the door, and have their places though the bounds
        are lower now; bytes come to publishers in line first.
        """
        door, buffer = self._door, self._buffer
        if buffer.queued:
            buffer.tighten()
        room_bytes = 0 if door.waiting else buffer.room_bytes
        if door.stays_open:
            room = buffer.room - door.waiting
        else:
            room = max(buffer.room, door.sealing)
        return self._accept(portion, room, room_bytes)

    def accept(self, portion: Portion) -> list[Chunk]:
        """Count *portion*, which no seal brought, and queue what fits.

        Returns:
            What was dropped, for the caller to let go of outside the lock.
        """
        return self._accept(portion, self._door.free, self._buffer.room_bytes)

    def _accept(self, portion: Portion, room: int, room_bytes: float) -> list[Chunk]:
        ledger, door, kept = self._ledger, self._door, portion.kept
        ledger.offered += len(portion.sequences) + door.lost
        if door.lost:
            before, last = portion.neighbours
            ledger.drop("queue_full", door.lost, before, last)
            door.lost = 0
        for gap in portion.lost:
            ledger.drop(gap.reason, gap.count, gap.first_sequence, gap.last_sequence)
        ledger.sampled_out += portion.sampled_out
        for reason, count in portion.set_aside.items():
            ledger.keep_aside(reason, count)
        if kept is None or kept.start == kept.stop:
            return []
        if self.closed_for is not None:
            ledger.drop_those(self.closed_for, [kept])
            return [kept]
        if door.drops_oldest:
            self._push_alike(kept)
            return self.make_room()
        if self._buffer.max_bytes is None and kept.severe is None:
            if not portion.lost and kept.stop - kept.start <= room:
                self._buffer.push(kept)
                return []
            return self._push_within(kept, room)
        return self._push_one_by_one(kept, room, room_bytes)

    def _push_alike(self, chunk: Chunk) -> None:
        for part in (chunk,) if chunk.severe is None else chunk.alike():
            self._buffer.push(part)

    def make_room(self) -> list[Chunk]:
        """Let the oldest go until the bounds hold again, where that is the policy.

        Returns:
            What was dropped, for the caller to let go of outside the lock.
        """
        if not self._door.drops_oldest:
            return []
        buffer = self._buffer
        spared = self._drop_ordinary() if buffer.severe else []
        gone = buffer.drop_oldest(-buffer.room)
        self._ledger.drop_those("queue_full", gone)
        while buffer.queued and buffer.room_bytes < 0:
            gone += (large := buffer.drop_oldest(1))
            self._ledger.drop_those("bytes_full", large)
        return gone + spared

    def _drop_ordinary(self) -> list[Chunk]:
        """Let the oldest go whom no reserve protects, until the bounds hold."""
        buffer, gone, place = self._buffer, list[Chunk](), 0
        while place < len(buffer.chunks) and min(buffer.room, buffer.room_bytes) < 0:
            chunk = buffer.chunks[place]
            severe = chunk.is_severe(chunk.start)
            most = buffer.unreserved if severe else len(chunk)
            count = min(len(chunk), most, max(-buffer.room, 1))
            if not count:
                place += 1
                continue
            reason = "queue_full" if buffer.room < 0 else "bytes_full"
            gone.append(buffer.drop_at(place, count))
            self._ledger.drop_those(reason, gone[-1:])
        return gone

    def _push_within(self, chunk: Chunk, room: int) -> list[Chunk]:
        if chunk.stop - chunk.start <= room:
            self._buffer.push(chunk.tightened())
            return []
        self._buffer.push(chunk.shift(max(room, 0)).tightened())
        self._ledger.drop_those("queue_full", [chunk])
        return [chunk]

    def fits(self, chunk: Chunk, index: int, room: int, room_bytes: float) -> bool:
        """Return whether the record at *index* of the window of *chunk* fits."""
        size = chunk.sizes[index] if chunk.sizes else 0
        if not chunk.is_severe(index):
            room -= self._buffer.reserved_events
            room_bytes -= self._buffer.reserved_bytes
        return room > 0 and size <= room_bytes

    def _push_one_by_one(
        self, chunk: Chunk, room: int, room_bytes: float
    ) -> list[Chunk]:
        picks: list[int] = []
        for index in range(chunk.start, chunk.stop):
            if self.fits(chunk, index, room - len(picks), room_bytes):
                picks.append(index)
                room_bytes -= chunk.sizes[index] if chunk.sizes else 0
            else:
                has_room = self.fits(chunk, index, room - len(picks), math.inf)
                reason = "bytes_full" if has_room else "queue_full"
                place = index - chunk.start
                self._ledger.drop_those(reason, [chunk.run(place, place + 1)])
        if len(picks) == len(chunk):
            self._buffer.push(chunk.tightened())
            return []
        self._buffer.push(chunk.picked(picks))
        return [chunk]
