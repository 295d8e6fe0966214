"""Who runs an attachment's delivery: tasks that are owned, replaced and awaited."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Final

from eventbus._attempt import UNWIND_SECONDS, Deadline
from eventbus._clock import TimerHandle
from eventbus._delivery import FAULT_TRIES, Delivery, Hand
from eventbus._departure import Departures
from eventbus._retry import Backoff
from eventbus._trouble import NO_TROUBLE
from eventbus._verdict import describe_error
from eventbus._waiting import settle, wait_until_done

if TYPE_CHECKING:
    from eventbus._attachment import Attachment


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
        self.delivery: Final = Delivery(attachment)
        self.departures: Final = Departures(
            attachment.buffer, plan.batch, host.ingress, host.clock
        )
        self._hands: dict[asyncio.Task[None], Hand] = {}
        self._orphans: Hand = []
        self._left_alone: set[asyncio.Task[None]] = set()
        self._opened: asyncio.Future[None] | None = None
        self._finished: asyncio.Future[None] | None = None
        self._deaths = 0
        self._restart: TimerHandle | None = None
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
        self.departures.rebind()
        self.delivery.rebind()
        self.is_open = False
        if self._opened is None or self._opened.get_loop() is not loop:
            self._opened = loop.create_future()
        self._finished = loop.create_future()
        self._spawn()

    def opened(self) -> asyncio.Future[None]:
        """Return what is done once the sink has started, or never will."""
        if self._opened is None:
            self._opened = asyncio.get_running_loop().create_future()
        if self.delivery.stopped:
            settle(self._opened)
        return self._opened

    def _spawn(self) -> None:
        self._restart = None
        if self.delivery.stopped or len(self._hands) >= self._count:
            return
        task = asyncio.get_running_loop().create_task(
            self._work(), name=f"eventbus {self._attachment.name}"
        )
        share = math.ceil(len(self._orphans) / (self._count - len(self._hands)))
        self._hands[task] = self._orphans[:share]
        del self._orphans[:share]
        task.add_done_callback(self._ended)

    async def _work(self) -> None:
        task = asyncio.current_task()
        assert task is not None
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
        await self.delivery.settle(hand, deadline)
        while not (self.delivery.stopped or self._attachment.health.failed):
            batch = self.departures.take()
            if batch is None:
                deadline.rest()
                batch = await self.departures.next()
            if batch is None:
                return
            hand.append((batch, NO_TROUBLE))
            self.delivery.deposit(batch)
            await self.delivery.settle(hand, deadline)
            self._deaths = 0
        self.departures.close()

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
            self._attachment.health.degrade(f"its task died: {cause}")
            self._blame(hand, cause)
            self._take_over(hand)
            self._replace()
        else:
            self._take_over(hand)
            if not self._hands:
                self._finish()

    def _take_over(self, hand: Hand) -> None:
        self._orphans += hand
        hand.clear()

    def _blame(self, hand: Hand, cause: str) -> None:
        """Count the death as an attempt at the batch that was tried, if there was one.

        The third one makes it poison.
        """
        if not hand:
            return
        batch, trouble = hand.pop()
        now = self._clock.monotonic()
        after = trouble.and_then(cause, since=now, unknown=True, is_fault=True)
        if after.faults >= FAULT_TRIES:
            self._attachment.fate.lost(batch, "retry_exhausted", after)
        else:
            self.delivery.note_repeats(batch, before=trouble, after=after)
            hand.append((batch, after))

    def _replace(self) -> None:
        self._deaths += 1
        if self._restart is None:
            draining = self.delivery.draining
            delay = 0.0 if draining else self._backoff.jittered(self._deaths)
            self._restart = self._clock.call_later(delay, self._spawn)

    def _restart_now(self) -> None:
        if self._restart is not None:
            self._restart.cancel()
            self._spawn()

    def _finish(self) -> None:
        if self._attachment.health.failed:
            self._attachment.give_up()
        if self._opened is not None:
            settle(self._opened)
        if self._finished is not None:
            settle(self._finished)

    async def drain(self, timeout_seconds: float) -> None:
        """Deliver what is pending, for so long; a start is waited for only then."""
        self.delivery.drain()
        self.departures.close()
        self._restart_now()
        pending = self._attachment.buffer.pending
        if self._finished is not None and (self.is_open or pending):
            await wait_until_done(self._finished, self._clock, timeout_seconds)

    async def stop(self) -> None:
        """Cancel the workers; one that ignores it is left alone, and said so."""
        self.delivery.stop()
        self.departures.close()
        for task in self._hands:
            task.cancel()
        try:
            if self._hands:
                await asyncio.wait(set(self._hands), timeout=UNWIND_SECONDS)
        finally:
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
        """Take what no worker will settle any more."""
        hand, self._orphans = self._orphans, []
        return hand

    def oldest(self) -> int | None:
        """Return the sequence of the oldest record in hand, or ``None``."""
        hands = [*self._hands.values(), self._orphans]
        return min(
            (batch.first_sequence for hand in hands for batch, _ in hand), default=None
        )
