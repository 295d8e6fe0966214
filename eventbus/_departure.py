"""When a batch leaves: at once after a pause, when it is full, or when it is time."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Final

from eventbus._buffer import RecordBuffer
from eventbus._chunk import RecordBatch
from eventbus._clock import Clock, TimerHandle
from eventbus._expiry import Expiry
from eventbus._ingress import Ingress
from eventbus._settings import Batch
from eventbus._waiting import TIMER_TOLERANCE_SECONDS, settle


class Departures:
    """Hands batches of one buffer to its workers.

    The first event leaves at once. After that a batch leaves when it is full, or
    ``max_delay_seconds`` after the one before; an empty buffer sets no timer.
    """

    def __init__(
        self,
        buffer: RecordBuffer,
        batch: Batch,
        expiry: Expiry,
        ingress: Ingress,
        clock: Clock,
        work: Callable[[], None],
    ) -> None:
        """Begin with nothing gone: the first event is due."""
        self._buffer: Final = buffer
        self._expiry: Final = expiry
        self._batch: Final = batch
        self._ingress: Final = ingress
        self._mutex: Final = ingress.mutex
        self._clock: Final = clock
        self._monotonic: Final = clock.monotonic
        self._work: Final = work
        self.taken_at = -math.inf
        self._idle: list[asyncio.Future[None]] = []
        self._timer: TimerHandle | None = None
        self._due_at = -math.inf
        self._was_full = False
        self._flushes: set[object] = set()
        self.paused = False
        self.closing = False

    @property
    def is_due(self) -> bool:
        """Whether a batch may leave now."""
        return bool(self._buffer.queued and not self.paused) and (
            self._leaves_early or self._clock.monotonic() >= self._due_at
        )

    @property
    def _leaves_early(self) -> bool:
        if self._buffer.is_full_batch(self._batch):
            return True
        return self.closing or bool(self._flushes)

    def take(self) -> RecordBatch | None:
        """Take a batch if one is due."""
        buffer, settings = self._buffer, self._batch
        if buffer.max_age_seconds is not None:
            self._expiry.look()
        if not buffer.queued or self.paused:
            return None
        now = self.taken_at = self._monotonic()
        is_full = buffer.queued >= settings.max_events
        if not (is_full or now >= self._due_at or self._leaves_early):
            return None
        with self._mutex:
            batch = buffer.take(settings)
        self._due_at = now + settings.max_delay_seconds
        self._was_full = is_full
        if self._idle:
            self.notify()
        return batch

    async def sleep(self) -> None:
        """Wait until a batch may be due; who was woken first seals what there is."""
        self._set_timer()
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._idle.append(woken)
        try:
            await woken
        except asyncio.CancelledError:
            if not woken.cancelled():
                self._work()
                self.notify()  # another must use the wake-up
            raise
        finally:
            if woken in self._idle:
                self._idle.remove(woken)
        if self._ingress.entries:
            self._work()

    def pilot(self) -> bool:
        """Wake a worker that likely has a batch at once, to seal what there is first.

        That is after a pause, and where the last batch was full: then the next may be.

        Returns:
            Whether one was woken; else nothing happens.
        """
        if not self._idle or self.paused:
            return False
        if not self._was_full and self._monotonic() < self._due_at:
            return False
        return self._wake_one()

    def notify(self) -> None:
        """Wake a worker if a batch is due, or set the timer for when it will be."""
        if self._buffer.max_age_seconds is not None:
            self._expiry.watch()
        if not self._idle:
            return
        if self.is_due:
            self._wake_one()
        else:
            self._set_timer()

    def _wake_one(self) -> bool:
        """Wake one who sleeps; return whether there was one: some may be cancelled."""
        while self._idle:
            woken = self._idle[-1]
            was_asleep = not woken.done()
            if was_asleep:
                try:
                    woken.set_result(None)
                except RuntimeError:  # its loop is closed
                    was_asleep = False
            self._idle.pop()
            if was_asleep:
                return True
        return False

    def _set_timer(self) -> None:
        if not self._buffer.queued or self.paused:
            if self._timer is not None:
                self._cancel_timer()
        elif self._timer is None:
            delay = max(self._due_at - self._clock.monotonic(), 0.0)
            self._timer = self._clock.call_later(delay, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        if self._clock.monotonic() >= self._due_at - TIMER_TOLERANCE_SECONDS:
            self._due_at = -math.inf
        self.notify()

    def hurry(self, flush: object) -> None:
        """Let batches leave without waiting to fill, until *flush* is over."""
        self._flushes.add(flush)
        self.notify()

    def calm(self, flush: object) -> None:
        """Let batches fill again: *flush* is over."""
        self._flushes.discard(flush)

    def pause(self) -> None:
        """Let nothing leave until :meth:`resume`; a close overrides it."""
        self.paused = not self.closing
        self._cancel_timer()

    def resume(self) -> None:
        """Let batches leave again."""
        self.paused = False
        self.notify()

    def close(self) -> None:
        """Let everything leave; workers that find nothing end."""
        self.closing = True
        self.paused = False
        self._cancel_timer()
        for woken in self._idle:
            settle(woken)

    def rebind(self) -> None:
        """Forget the loop that is gone."""
        self._cancel_timer()
        self._expiry.rest()
        self._flushes.clear()
        self._idle = [w for w in self._idle if not w.get_loop().is_closed()]
        self._due_at = -math.inf
        self.notify()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
