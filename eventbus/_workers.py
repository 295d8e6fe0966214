"""Who runs an attachment's delivery: tasks that are owned, replaced and awaited."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from eventbus._attempt import Deadline
from eventbus._delivery import FAULT_TRIES, Delivery, Hand
from eventbus._departure import Departures
from eventbus._retry import Backoff
from eventbus._trouble import NO_TROUBLE
from eventbus._verdict import describe_error
from eventbus._waiting import settle, wait_until_done

if TYPE_CHECKING:
    from eventbus._attachment import Attachment

UNWIND_SECONDS: Final = 0.05
"""How long cancelled workers may take to end before they are left alone."""


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
        self._restarting = False
        self.is_open = False

    def launch(self) -> None:
        """Start working on the running loop; on a new loop, start over."""
        loop = asyncio.get_running_loop()
        if self._finished is not None and self._finished.get_loop() is loop:
            return
        for hand in self._hands.values():
            self._orphans += hand
        self._hands.clear()
        self.departures.rebind()
        self.delivery.rebind()
        self.is_open = False
        self._opened = self.opened()
        self._finished = loop.create_future()
        self._spawn()

    @property
    def was_launched(self) -> bool:
        """Whether the sink was ever asked to start."""
        return self._finished is not None

    def opened(self) -> asyncio.Future[None]:
        """Return what is done once the sink has started, or never will."""
        loop = asyncio.get_running_loop()
        if self._opened is None or self._opened.get_loop() is not loop:
            self._opened = loop.create_future()
        return self._opened

    def _spawn(self) -> None:
        self._restarting = False
        if self.delivery.stopped:
            return
        task = asyncio.get_running_loop().create_task(
            self._work(), name=f"eventbus {self._attachment.name}"
        )
        self._hands[task] = self._orphans[:]
        self._orphans.clear()
        task.add_done_callback(self._ended)

    async def _work(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        hand = self._hands[task]
        deadline = self.delivery.deadline()
        try:
            if self.is_open or await self._open(deadline):
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
            await self.delivery.settle(hand, deadline)
            self._deaths = 0
        self.departures.close()

    async def _open(self, deadline: Deadline) -> bool:
        self.is_open = await self.delivery.open(deadline)
        settle(self.opened())
        while self.is_open and len(self._hands) < self._count:
            self._spawn()
        return self.is_open

    def _ended(self, task: asyncio.Task[None]) -> None:
        hand = self._hands.pop(task, [])
        self._left_alone.discard(task)
        self._orphans += hand
        error = None if task.cancelled() else task.exception()
        died = task.cancelled() or error is not None
        if died and not self.delivery.stopped:
            self._replace(describe_error(error) if error else "it was cancelled")
        elif not self._hands:
            self._finish()

    def _replace(self, cause: str) -> None:
        self._deaths += 1
        self._attachment.health.degrade(f"its task died: {cause}")
        now = self._clock.monotonic()
        self._orphans[:] = [
            (batch, trouble.and_then(cause, since=now, unknown=True))
            for batch, trouble in self._orphans
        ]
        self._set_poison_aside()
        if not self._restarting:
            self._restarting = True
            delay = 0.0
            if not self.delivery.draining:
                delay = self._backoff.jittered(self._deaths)
            self._clock.call_later(delay, self._spawn)

    def _set_poison_aside(self) -> None:
        poison = [one for one in self._orphans if one[1].attempts >= FAULT_TRIES]
        self._orphans[:] = [one for one in self._orphans if one not in poison]
        for batch, trouble in poison:
            self._attachment.fate.lost(batch, "retry_exhausted", trouble)

    def _finish(self) -> None:
        if self._attachment.health.failed:
            self._attachment.give_up()
        if self._opened is not None:
            settle(self._opened)
        if self._finished is not None:
            settle(self._finished)

    async def drain(self, timeout_seconds: float) -> None:
        """Deliver what is pending; after the timeout, stop whatever still runs."""
        self.delivery.drain()
        self.departures.close()
        if self._finished is not None:
            await wait_until_done(self._finished, self._clock, timeout_seconds)
        await self.stop()

    async def stop(self) -> None:
        """Cancel the workers; one that ignores it is left alone, and said so."""
        self.delivery.stop()
        tasks = set(self._hands)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=UNWIND_SECONDS)
        for task, hand in list(self._hands.items()):
            self._orphans += hand
            hand.clear()
            self._left_alone.add(task)
            self._attachment.health.fail("write ignored its cancellation")

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
