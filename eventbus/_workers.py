"""Who runs an attachment's delivery: tasks that are owned, replaced and awaited."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from eventbus._attempt import Deadline
from eventbus._chunk import RecordBatch
from eventbus._clock import TimerHandle
from eventbus._coalesce import Coalescer
from eventbus._context import enter_sink, enter_span
from eventbus._current_span import current_span
from eventbus._delivery import DRAIN_PAUSE_SECONDS, FAULT_TRIES, Delivery, Hand
from eventbus._departure import Departures
from eventbus._errand import begun
from eventbus._retry import Backoff
from eventbus._trouble import NO_TROUBLE
from eventbus._verdict import describe_error
from eventbus._waiting import TimeLimit, outlast, settle

if TYPE_CHECKING:
    from eventbus._attachment import Attachment

DEATHS_AT_ONCE: Final = 100
"""So many workers in a row are replaced without a pause while the attachment closes."""


class Workers:
    """The tasks that bring one attachment's batches to its sink.

    One worker opens the sink; then there are as many as batches may be in flight. A
    worker that dies is replaced after a backoff, and its batch is tried again.
    """

    def __init__(self, attachment: Attachment) -> None:
        """Prepare; :meth:`launch` starts the first worker."""
        plan, host = attachment.plan, attachment.host
        self._attachment: Final = attachment
        self._count: Final = plan.batch.max_in_flight
        self._clock: Final = host.clock
        self._backoff: Final = Backoff(plan.retry, host.random)
        self._coalescer: Final = (
            None if plan.coalesce is None else Coalescer(plan.coalesce, host.measure)
        )
        self.delivery: Final = Delivery(attachment)
        self.departures: Final = Departures(
            attachment.buffer,
            plan.batch,
            attachment.expiry,
            host.ingress,
            host.clock,
            host.work,
        )
        self._hands: dict[asyncio.Task[None], Hand] = {}
        self._orphans: Hand = []
        self._left_alone: set[asyncio.Task[None]] = set()
        self._opened: asyncio.Future[None] | None = None
        self._finished: asyncio.Future[None] | None = None
        self._deaths = 0
        self._restart: TimerHandle | None = None
        self._is_suspended = False
        self.is_open = False
        self.was_asked_to_start = False

    def launch(self) -> None:
        """Start working on the running loop; on a new loop, start over."""
        loop = asyncio.get_running_loop()
        if self._finished is not None and self._finished.get_loop() is loop:
            return
        for hand in self._hands.values():
            self._take_over(hand)
        self._hands.clear()
        self._left_alone.clear()
        self._cancel_restart()
        self._is_suspended = False
        self.delivery.rebind()
        self.is_open = False
        if self._opened is None or self._opened.get_loop() is not loop:
            self._opened = loop.create_future()
        self._finished = loop.create_future()
        self._spawn()

    def opened(self) -> asyncio.Future[None]:
        """Return what is done once the sink has started, or never will."""
        if self._opened is None or self._opened.get_loop().is_closed():
            self._opened = asyncio.get_running_loop().create_future()
        if self.delivery.stopped:
            settle(self._opened)
        return self._opened

    def _spawn(self) -> None:
        self._restart = None
        if self.delivery.stopped or len(self._hands) >= self._count:
            return
        task = begun(self._work(), f"eventbus {self._attachment.name}")
        share = math.ceil(len(self._orphans) / (self._count - len(self._hands)))
        self._hands[task] = self._orphans[:share]
        del self._orphans[:share]
        task.add_done_callback(self._ended)

    async def _work(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        enter_sink(not self._attachment.plan.handles)
        enter_span(current_span())
        hand = self._hands[task]
        deadline = self.delivery.deadline()
        try:
            if self.is_open or await self._open(deadline):
                for _ in range(len(self._hands), self._count):
                    self._spawn()
                await self._deliver(hand, deadline)
        finally:
            deadline.rest()

    async def _deliver(self, hand: Hand, deadline: Deadline) -> None:
        delivery, departures = self.delivery, self.departures
        health = self._attachment.health
        await delivery.settle(hand, deadline)
        while not (delivery.stopped or health.failed):
            batch = departures.take()
            if batch is None:
                if departures.closing:
                    return
                deadline.rest()
                await departures.sleep()
                continue
            hand.append((batch, NO_TROUBLE))
            now = departures.taken_at
            if self._coalescer is not None:
                batch = self._coalesced(hand, self._coalescer)
                now = self._clock.monotonic()
            rest = delivery.begin(hand, deadline, now)
            if rest is not None:
                await rest
            if hand:
                await delivery.settle(hand, deadline)
            self._deaths = 0
        departures.close()

    def _coalesced(self, hand: Hand, coalescer: Coalescer) -> RecordBatch:
        """Let what is alike in the batch in *hand* become one; return the batch."""
        batch, trouble = hand[-1]
        try:
            merged = coalescer.merged(batch)
        except Exception as error:  # noqa: BLE001 - values compare as they like
            self._attachment.health.degrade(f"coalesce: {describe_error(error)}")
            return batch
        if merged is not batch:
            hand[-1] = (merged, trouble)
            self._attachment.fate.coalesced(batch, merged)
        return merged

    async def _open(self, deadline: Deadline) -> bool:
        self.was_asked_to_start = True
        self.is_open = await self.delivery.open(deadline)
        settle(self.opened())
        return self.is_open

    def _ended(self, task: asyncio.Task[None]) -> None:
        hand = self._hands.pop(task, [])
        self._left_alone.discard(task)
        error = None if task.cancelled() else task.exception()
        died = task.cancelled() or error is not None
        if died and not self.delivery.stopped:
            cause = describe_error(error) if error else "it was cancelled"
            ends = self.delivery.draining or self._is_suspended
            is_fault = error is not None or not ends
            if is_fault:
                self._attachment.health.degrade(f"its task died: {cause}")
            self.delivery.died(hand)
            self._blame(hand, cause, is_fault=is_fault)
            self._take_over(hand)
            self._replace()
        else:
            self._take_over(hand)
            if self._attachment.health.failed:
                self._attachment.give_up()
            if not self._hands:
                self._finish()

    def _take_over(self, hand: Hand) -> None:
        self._orphans += hand
        hand.clear()

    def _blame(self, hand: Hand, cause: str, *, is_fault: bool) -> None:
        """Count the death as an attempt at the batch that was tried, if there was one.

        The third fault makes it poison. A host that cancels all its tasks when it ends
        is none.
        """
        if not hand:
            return
        batch, trouble = hand.pop()
        now = self._clock.monotonic()
        after = trouble.and_then(cause, since=now, unknown=True, is_fault=is_fault)
        if after.faults >= FAULT_TRIES:
            self._attachment.fate.lost(batch, "retry_exhausted", after)
        else:
            self.delivery.note_repeats(batch, before=trouble, after=after)
            hand.append((batch, after))

    def _replace(self) -> None:
        if self._is_suspended:
            return
        self._deaths += 1
        draining = self.delivery.draining
        if draining and self._deaths <= DEATHS_AT_ONCE:
            self._spawn()
        elif self._restart is None:
            delay = self._backoff.jittered(self._deaths)
            delay = min(delay, DRAIN_PAUSE_SECONDS) if draining else delay
            self._restart = self._clock.call_later(delay, self._spawn)

    def _restart_now(self) -> None:
        if self._cancel_restart():
            self._spawn()

    def _cancel_restart(self) -> bool:
        restart, self._restart = self._restart, None
        if restart is not None:
            restart.cancel()
        return restart is not None

    def suspend(self) -> list[asyncio.Task[None]]:
        """End the workers until the next :meth:`launch`; return who runs still."""
        self._is_suspended = True
        self._cancel_restart()
        running = [] if self.delivery.stopped else [*self._hands]
        for task in running:
            task.cancel()
        return running

    def _finish(self) -> None:
        if self._opened is not None:
            settle(self._opened)
        if self._finished is not None:
            settle(self._finished)

    def pause(self) -> None:
        """Begin no call of ``write`` until :meth:`resume`, or the drain."""
        self.departures.pause()
        self.delivery.pause()

    def resume(self) -> None:
        """Go on with what is pending."""
        self.delivery.resume()
        self.departures.resume()

    async def drain(self, limit: TimeLimit) -> None:
        """Deliver what is pending in time; a start is waited for only then."""
        self.delivery.drain()
        self.departures.close()
        self._restart_now()
        pending = self._attachment.buffer.pending
        if self._finished is not None and (self.is_open or pending):
            await limit.outlast(self._finished)

    async def stop(self, limit: TimeLimit) -> None:
        """Cancel the workers; one that ignores it is left alone, and said so."""
        self.delivery.stop()
        self.departures.close()
        for task in self._hands:
            task.cancel()
        if self._hands:
            await outlast(*self._hands, seconds=limit.grace_seconds())
        self._leave_the_rest_alone()

    def _leave_the_rest_alone(self) -> None:
        for task, hand in self._hands.items():
            self._take_over(hand)
            if not task.done():
                self._left_alone.add(task)
                self._attachment.health.fail("write ignored its cancellation")
        if self._opened is not None:
            settle(self._opened)

    def left_over(self) -> Hand:
        """Take what no worker will settle any more.

        When the sink has failed that is all but the batches it may have in hand.
        """
        if self._attachment.health.failed:
            for hand in self._hands.values():
                self._orphans += hand[:-1]
                del hand[:-1]
        left, self._orphans = self._orphans, []
        return left

    def disown(self) -> None:
        """Leave the tasks to the process that was forked: they do nothing here.

        A child that goes on with the parent's loop ends them.
        """
        self.delivery.stopped = True
        for task, hand in self._hands.items():
            hand.clear()
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            with suppress(RuntimeError):  # asyncio minds another thread's call
                task.cancel()

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """Those that work now."""
        return [*self._hands]

    def is_calling(self) -> bool:
        """Return whether the present task is one of them: it is inside the sink."""
        return asyncio.current_task() in self._hands

    def in_hand(self) -> Iterator[RecordBatch]:
        """Yield the batches that left the buffer and are not decided."""
        for hand in [*self._hands.values(), self._orphans]:
            for batch, _ in hand:
                yield batch
