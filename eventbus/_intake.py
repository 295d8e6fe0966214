"""What an attachment takes of what it is offered: sampling, sizes, bounds, waiting."""

from __future__ import annotations

from typing import Final, Protocol

import msgspec

from eventbus._buffer import RecordBuffer
from eventbus._door import Door
from eventbus._ledger import Ledger
from eventbus._settings import Overflow
from eventbus._verdict import was_pressed
from eventbus._window import Chunk, Window
from eventbus.sampling import Sampler

MAX_WEIGHT: Final = 1e18  # beyond it, sums of weights lose whole events


class Portion(msgspec.Struct, frozen=True):
    """What one window means to one attachment.

    Args:
        offered: How many records it selected.
        refused: How many of them came when its door was closed.
        sampled_out: How many it chose not to take.
        too_large: How many could never fit its bytes.
        unusable: How many it could not make anything of.
        kept: What is to be queued, or ``None``.
        dead_lettered: How many were kept as dead letters instead.
    """

    offered: int
    refused: int = 0
    sampled_out: int = 0
    too_large: int = 0
    unusable: int = 0
    kept: Chunk | None = None
    dead_lettered: int = 0


class Warn(Protocol):
    """Counts and says what went on though something was wrong."""

    def __call__(self, reason: str, error: BaseException) -> None:
        """Count one event for *reason*."""
        ...


def sample(window: Window, sampler: Sampler, warn: Warn) -> Window:
    """Return what *sampler* keeps of *window*, with its weights.

    What was decided as it was emitted stays so. A sampler that raises keeps the event.
    """
    picks: list[int] = []
    weights: list[float] = []
    decided = [bound.weight if bound else 0.0 for bound in window.contexts]
    for index, record in enumerate(window.records):
        try:
            weight = decided[index] or _weight(sampler.sample(record))
            taken = weight > 0
        except BaseException as error:  # a sampler is the user's code
            if was_pressed(error):
                raise
            warn("sampler_error", error)
            weight, taken = 1.0, True
        if taken:
            picks.append(index)
            weights.append(weight)
    return window.picked(picks, weights=weights)


def _weight(answer: object) -> float:
    """Return a sampler's *answer* as a weight.

    Raises:
        ValueError: It is none: negative, infinite or no number.
    """
    if isinstance(answer, int | float) and 0 <= answer <= MAX_WEIGHT:
        return float(answer)
    raise ValueError(f"expected a weight from 0 to {MAX_WEIGHT:g}, got {answer!r:.40}")


class Intake:
    """Puts portions into the buffer within its bounds; the lock is held meanwhile."""

    __slots__ = ("_buffer", "_door", "_ledger", "_overflow", "closed_for")

    def __init__(
        self, buffer: RecordBuffer, door: Door, ledger: Ledger, overflow: Overflow
    ) -> None:
        """Take everything that fits."""
        self._buffer = buffer
        self._door = door
        self._ledger = ledger
        self._overflow = overflow
        self.closed_for: str | None = None

    def accept_sealed(self, portion: Portion) -> list[Chunk]:
        """Count the *portion* of a seal and queue what fits; see :meth:`accept`.

        Its events were let in by the door; bytes come to publishers in line first.
        """
        room_bytes = 0 if self._door.waiting else self._buffer.room_bytes
        return self._accept(portion, self._buffer.room, room_bytes)

    def accept(self, portion: Portion) -> list[Chunk]:
        """Count *portion*, which no seal brought, and queue what fits.

        Returns:
            What was dropped, for the caller to let go of outside the lock.
        """
        return self._accept(portion, self._door.free, self._buffer.room_bytes)

    def _accept(self, portion: Portion, room: int, room_bytes: float) -> list[Chunk]:
        ledger, door = self._ledger, self._door
        ledger.offered += portion.offered + door.lost
        if portion.refused or door.lost:
            ledger.drop("queue_full", portion.refused + door.lost)
            door.lost = 0
        if portion.too_large or portion.unusable:
            ledger.drop("too_large", portion.too_large)
            ledger.drop("encode_error", portion.unusable)
        ledger.sampled_out += portion.sampled_out
        ledger.dead_lettered += portion.dead_lettered
        if portion.kept is None:
            return []
        if self.closed_for is not None:
            ledger.drop(self.closed_for, len(portion.kept))
            return [portion.kept]
        if self._overflow is Overflow.DROP_OLDEST:
            self._buffer.push(portion.kept)
            return self._make_room()
        if self._buffer.max_bytes is None:
            return self._push_within(portion.kept, room)
        return self._push_by_bytes(portion.kept, room, room_bytes)

    def _make_room(self) -> list[Chunk]:
        """Let the oldest go until the bounds hold again."""
        buffer = self._buffer
        gone = buffer.drop_oldest(-buffer.room)
        self._ledger.drop("queue_full", sum(map(len, gone)))
        while buffer.queued and buffer.room_bytes < 0:
            gone += buffer.drop_oldest(1)
            self._ledger.drop("bytes_full")
        return gone

    def _push_within(self, chunk: Chunk, room: int) -> list[Chunk]:
        if len(chunk) <= room:
            self._buffer.push(chunk.tightened())
            return []
        self._buffer.push(chunk.shift(max(room, 0)).tightened())
        self._ledger.drop("queue_full", len(chunk))
        return [chunk]

    def _push_by_bytes(self, chunk: Chunk, room: int, room_bytes: float) -> list[Chunk]:
        assert chunk.sizes is not None
        picks: list[int] = []
        for index in range(chunk.start, chunk.stop):
            size = chunk.sizes[index]
            if len(picks) < room and size <= room_bytes:
                picks.append(index)
                room_bytes -= size
            else:
                self._ledger.drop("bytes_full" if len(picks) < room else "queue_full")
        if len(picks) == len(chunk):
            self._buffer.push(chunk.tightened())
            return []
        self._buffer.push(chunk.picked(picks))
        return [chunk]
