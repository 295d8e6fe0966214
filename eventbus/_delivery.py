"""What happens to a batch after each attempt: done, split, again, or given up.

A hand is what a worker holds: batches, each with its trouble so far. Settling a hand
makes attempt after attempt until each batch in it has its final state.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Final

from eventbus._attempt import Deadline, attempt, open_sink
from eventbus._breaker import CircuitBreaker
from eventbus._fate import REJECTED
from eventbus._retry import Backoff, RetryBudget
from eventbus._trouble import Trouble
from eventbus._verdict import (
    DELIVERED,
    Again,
    Delivered,
    Fatal,
    Rejected,
    Split,
    Verdict,
)
from eventbus._waiting import settle, wait_until_done
from eventbus._window import RecordBatch

if TYPE_CHECKING:
    from eventbus._attachment import Attachment

FAULT_TRIES: Final = 3
"""How often a batch is tried that makes its sink fail by a fault of its own."""

DRAIN_PAUSE_SECONDS: Final = 0.25
"""The longest wait between attempts while the attachment is closing."""

Hand = list[tuple[RecordBatch, Trouble]]  # the next batch to settle is the last


class Delivery:
    """Settles the hands of one attachment's workers."""

    def __init__(self, attachment: Attachment) -> None:
        """Prepare for a sink that has not been tried yet."""
        plan, host = attachment.plan, attachment.host
        self._sink: Final = attachment.sink
        self._handles: Final = plan.handles
        self._fate: Final = attachment.fate
        self._health: Final = attachment.health
        self._ledger: Final = attachment.ledger
        self._warned: Final = host.ledger.warn
        self._clock: Final = host.clock
        self._retry: Final = plan.retry
        self._backoff: Final = Backoff(plan.retry, host.random)
        self._budget: Final = RetryBudget(plan.retry.budget_ratio)
        self._breaker: Final = CircuitBreaker(self._backoff)
        self._backing_off: set[asyncio.Future[None]] = set()
        self._barred: set[asyncio.Future[None]] = set()
        self.draining = False
        self.stopped = False

    def deadline(self) -> Deadline:
        """Return a watch over the present task's calls into the sink."""
        return Deadline(self._clock, self._retry.timeout_seconds)

    async def open(self, deadline: Deadline) -> bool:
        """Start the sink, as often as it takes; ``False`` when that was given up."""
        failures = 0
        while not self.stopped:
            verdict = await open_sink(self._sink, deadline)
            if verdict is None:
                self._health.ready()
                return True
            failures += 1
            reason = f"start failed: {_reason(verdict)}"
            if isinstance(verdict, Fatal | Rejected):
                self._health.fail(reason)
                return False
            self._health.degrade(reason)
            if self.draining:
                return False
            delay = self._backoff.jittered(failures)
            await self._pause(delay, self._backing_off)
        return False

    async def settle(self, hand: Hand, deadline: Deadline) -> None:
        """Deliver or give up everything in *hand*."""
        while hand and not (self.stopped or self._health.failed):
            batch, trouble = hand[-1]
            since = self._clock.monotonic()
            ticket = self._breaker.allow(since) or await self._permission()
            if not ticket:
                hand.pop()
                self._fate.lost(batch, "circuit_open", trouble)
                continue
            if not trouble.attempts:
                self._budget.deposit(len(batch), since)
            try:
                verdict = await attempt(self._sink, batch, deadline)
            except BaseException as error:
                self._breaker.abandoned(ticket=ticket)
                self._keep_progress(hand, getattr(error, "delivered", 0))
                raise
            if self._is_over():
                return
            hand.pop()
            if verdict is DELIVERED:
                self._breaker.succeeded(self._clock.monotonic(), ticket=ticket)
                self._fate.delivered(batch)
                self._health.ready()
                self._let_the_barred_look()
                continue
            self._tell_breaker(verdict, len(batch), ticket)
            if isinstance(verdict, Again):
                await self._try_again(hand, batch, trouble, verdict, since)
            else:
                self._conclude(hand, batch, trouble, verdict)

    def _is_over(self) -> bool:
        """Whether what was in hand during an attempt is no longer ours to decide."""
        return self.stopped

    def _tell_breaker(self, verdict: Verdict, size: int, ticket: int) -> None:
        now = self._clock.monotonic()
        failed = isinstance(verdict, Again)
        if self._handles and isinstance(verdict, Delivered):
            failed = len(verdict.rejected) == size
        if failed:
            self._breaker.failed(now, ticket=ticket)
        else:
            self._breaker.succeeded(now, ticket=ticket)
        self._let_the_barred_look()

    def _let_the_barred_look(self) -> None:
        """Let those who wait for the circuit go on, if it allows a call."""
        if self._barred and self._breaker.retry_in(self._clock.monotonic()) == 0:
            for woken in list(self._barred):
                settle(woken)

    def _conclude(
        self, hand: Hand, batch: RecordBatch, trouble: Trouble, verdict: Verdict
    ) -> None:
        match verdict:
            case Delivered():
                for reason, count in verdict.warned.items():
                    self._warned(reason, count)
                self._fate.delivered_in_part(batch, verdict)
                self._health.ready()
            case Split() if len(batch) > 1:
                middle = len(batch) // 2
                hand.append((batch.part(middle, len(batch)), trouble))
                hand.append((batch.part(0, middle), trouble))
            case Split():
                self._fate.lost(batch, "too_large", self._after(trouble, verdict))
            case Rejected():
                self._fate.lost(batch, REJECTED, self._after(trouble, verdict))
                self._health.ready()
            case _:
                self._fate.lost(batch, "permanent", self._after(trouble, verdict))
                self._health.fail(_reason(verdict))

    def _after(self, trouble: Trouble, verdict: Verdict) -> Trouble:
        now = self._clock.monotonic()
        return trouble.and_then(_reason(verdict), since=now, unknown=False)

    async def _try_again(
        self,
        hand: Hand,
        batch: RecordBatch,
        trouble: Trouble,
        verdict: Again,
        since: float,
    ) -> None:
        self._ledger.errors[verdict.kind] += 1
        self._health.degrade(verdict.reason)
        hand.append((batch, trouble))
        self._keep_progress(hand, verdict.delivered)
        if not hand:
            return
        batch, _ = hand.pop()
        after = trouble.and_then(verdict.reason, since=since, unknown=verdict.unknown)
        delay = self._next_delay(verdict, after, len(batch))
        if delay is None:
            self._fate.lost(batch, "retry_exhausted", after)
            return
        if after.unknown and not trouble.unknown:
            self._ledger.possible_duplicates += len(batch)
        hand.append((batch, after))
        await self._pause(delay, self._backing_off)

    def _keep_progress(self, hand: Hand, delivered: int) -> None:
        """Count the front of the present batch that did arrive before it broke off."""
        if not hand or not delivered:
            return
        batch, trouble = hand.pop()
        done = max(0, min(delivered, len(batch)))
        self._fate.delivered(batch.part(0, done))
        if done < len(batch):
            hand.append((batch.part(done, len(batch)), trouble))

    def _next_delay(self, verdict: Again, after: Trouble, size: int) -> float | None:
        if verdict.is_fault and after.attempts >= FAULT_TRIES:
            return None
        now = self._clock.monotonic()
        delay = self._backoff.next_delay(
            after.attempts,
            elapsed_seconds=now - after.since,
            server_delay_seconds=verdict.server_delay_seconds,
            over_budget=not self._budget.spend(size, now),
        )
        if delay is not None and self.draining:
            return min(delay, DRAIN_PAUSE_SECONDS)
        return delay

    async def _permission(self) -> int:
        """Wait until the circuit allows a call; 0 when it is open at the end."""
        while True:
            now = self._clock.monotonic()
            ticket = self._breaker.allow(now)
            if ticket or self.draining:
                return ticket
            wait = self._breaker.retry_in(now)
            await self._pause(None if math.isinf(wait) else wait, self._barred)

    async def _pause(
        self, seconds: float | None, among: set[asyncio.Future[None]]
    ) -> None:
        """Wait, but no longer than until the attachment closes."""
        if self.draining and (seconds is None or seconds > DRAIN_PAUSE_SECONDS):
            seconds = DRAIN_PAUSE_SECONDS
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        among.add(woken)
        try:
            await wait_until_done(woken, self._clock, seconds)
        finally:
            among.discard(woken)

    def _wake(self) -> None:
        for woken in [*self._backing_off, *self._barred]:
            settle(woken)

    def drain(self) -> None:
        """End every wait: what is held is tried once more, without long pauses."""
        self.draining = True
        self._wake()

    def stop(self) -> None:
        """Make no further attempt and decide nothing more."""
        self.stopped = True
        self._wake()

    def rebind(self) -> None:
        """Forget the loop that is gone."""
        self._backing_off.clear()
        self._barred.clear()


def _reason(verdict: Verdict) -> str:
    return "" if isinstance(verdict, Delivered) else verdict.reason
