"""Which records have become too old to be sent, and when somebody has to look."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from eventbus._buffer import RecordBuffer
from eventbus._chunk import RecordBatch
from eventbus._clock import Clock, TimerHandle
from eventbus._fate import Fate
from eventbus._ingress import Ingress
from eventbus._trouble import NO_TROUBLE, Trouble
from eventbus._waiting import TIMER_TOLERANCE_SECONDS


class Expiry:
    """Drops what one attachment has held for too long, counted ``expired``.

    It looks before each batch leaves and before each attempt, and once for the oldest
    that is queued: one timer serves the whole queue.
    """

    def __init__(
        self, buffer: RecordBuffer, fate: Fate, ingress: Ingress, clock: Clock
    ) -> None:
        """Set no timer yet."""
        self._buffer: Final = buffer
        self._fate: Final = fate
        self._ingress: Final = ingress
        self._clock: Final = clock
        self._timer: TimerHandle | None = None

    def look(self) -> None:
        """Drop what is too old in the queue, and set the timer for what will be."""
        with self._ingress.mutex:
            old = self._buffer.take_queued_by(self._limit)
        self._fate.lost(old, "expired", NO_TROUBLE, sent=False)
        self.watch()

    @property
    def _limit(self) -> float:
        """When the latest was queued that is too old now."""
        assert self._buffer.max_age_seconds is not None
        now = self._clock.monotonic() + TIMER_TOLERANCE_SECONDS
        return now - self._buffer.max_age_seconds

    def watch(self) -> None:
        """Set the timer for the oldest that is queued, unless it is set."""
        queue, max_age = self._buffer.chunks, self._buffer.max_age_seconds
        if self._timer is None and queue and max_age is not None:
            delay = max(queue[0].queued_at + max_age - self._clock.monotonic(), 0.0)
            with suppress(RuntimeError):  # no loop runs yet
                self._timer = self._clock.call_later(delay, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        if self._buffer.max_age_seconds is not None:
            self.look()

    def rest(self) -> None:
        """Take the timer away."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def fresh(self, batch: RecordBatch, trouble: Trouble) -> RecordBatch:
        """Drop what is too old in *batch*, after *trouble*, and return the rest."""
        limit = self._limit
        old = sum([len(c) for c in batch.chunks if c.queued_at <= limit])
        if not old:
            return batch
        expired, rest = batch.cut((old, len(batch)))
        self._fate.lost(expired, "expired", trouble)
        return rest

    def at_most(self, seconds: float | None, batch: RecordBatch) -> float | None:
        """Return how long *batch* may wait *seconds*, for ever if ``None``.

        No longer than until the last of it is too old: then the next one may leave.
        """
        max_age = self._buffer.max_age_seconds
        if max_age is None:
            return seconds
        newest = max(chunk.queued_at for chunk in batch.chunks)
        left = max(newest + max_age - self._clock.monotonic(), 0.0)
        return left if seconds is None else min(seconds, left)
