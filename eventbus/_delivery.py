"""What happens to a batch after each attempt: done, split, again, or given up.

A hand is what a worker holds: batches, each with its trouble so far. Settling a hand
makes attempt after attempt until each batch in it has its final state.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from eventbus._attempt import Deadline, attempt, open_sink
from eventbus._breaker import CircuitBreaker
from eventbus._chunk import RecordBatch
from eventbus._ledger import REJECTED
from eventbus._loop_watch import LoopWatch
from eventbus._retry import Backoff, RetryBudget
from eventbus._trouble import Trouble
from eventbus._verdict import (
    DELIVERED,
    Again,
    Conclusion,
    Delivered,
    Fatal,
    Progress,
    Rejected,
    Split,
    Verdict,
    progress_of,
)
from eventbus._waiting import WaitingRoom

if TYPE_CHECKING:
    from eventbus._attachment import Attachment

FAULT_TRIES: Final = 3
"""How often a batch is tried that makes its sink fail by a fault of its own."""

DRAIN_PAUSE_SECONDS: Final = 0.25
"""The longest wait between attempts while the attachment is closing."""

CUT_OFF: Final = "no answer before the time was over"

Hand = list[tuple[RecordBatch, Trouble]]  # the next batch to settle is the last


def split_points(size: int) -> list[int]:
    """Return where the parts end that a batch of *size* records, too large, is cut in.

    Halves; thirds where halving to the end would take a step more, so that finding a
    single culprit costs at most ``2 * log2(size) + 2`` writes.
    """
    power = 1 << (size.bit_length() - 1)
    parts = 3 if power < size <= power + power // 2 else 2
    return [size * part // parts for part in range(1, parts + 1)]


class Delivery:
    """Settles the hands of one attachment's workers."""

    def __init__(self, attachment: Attachment) -> None:
        """Prepare for a sink that has not been tried yet."""
        plan, host = attachment.plan, attachment.host
        self._sink: Final = attachment.sink
        self._handles: Final = plan.handles
        self._fate: Final = attachment.fate
        self._buffer: Final = attachment.buffer
        self._expiry: Final = attachment.expiry
        self._health: Final = attachment.health
        self._ledger: Final = attachment.ledger
        self._count_at_once: Final = attachment.ledger.at_once.add
        self._own: Final = attachment.ledger.own
        self._give_up: Final = attachment.give_up
        self._warned: Final = host.ledger.warn
        self._name: Final = plan.name
        self._log: Final = host.log
        self._clock: Final = host.clock
        self.watch: Final = LoopWatch(host.clock, self._note_block)
        self._retry: Final = plan.retry
        self._backoff: Final = Backoff(plan.retry, host.random)
        self._budget: Final = RetryBudget(plan.retry.budget_ratio)
        self._deposit: Final = self._budget.deposit
        self._breaker: Final = CircuitBreaker(self._backoff)
        self._backing_off: Final = WaitingRoom(host.clock)
        self._barred: Final = WaitingRoom(host.clock)  # they ask the circuit again
        self._held_back: Final = WaitingRoom(host.clock)
        self._paused = False
        self.draining = False
        self.stopped = False

    def deadline(self) -> Deadline:
        """Return a watch over the present task's calls into the sink."""
        return Deadline(self._clock, self._retry.timeout_seconds, self._health.degrade)

    async def open(self, deadline: Deadline) -> bool:
        """Start the sink, as often as it takes; ``False`` when that was given up."""
        failures = 0
        while not self.stopped:
            verdict = await open_sink(self._sink, deadline, self.watch)
            if verdict is None:
                self._health.ready()
                return True
            failures += 1
            reason = f"start failed: {_reason(verdict)}"
            if isinstance(verdict, Fatal | Rejected):
                self._health.fail(reason)
                return False
            self._health.degrade(reason)
            delay = self._backoff.jittered(failures)
            await self._pause(delay, self._backing_off)
        return False

    def _note_block(self, seconds: float) -> None:
        """Say whose call held the event loop, and for how long at a stretch."""
        self._warned("loop_blocked", 1)
        remedy = "threaded=True" if self._handles else "a worker thread"
        self._log.warning(
            f"{self._name}: loop_blocked",
            "sink %r held the event loop for %.1f s: nothing else ran; %s takes it off",
            self._name,
            seconds,
            remedy,
        )

    def begin(
        self, hand: Hand, deadline: Deadline, now: float
    ) -> Coroutine[Any, Any, None] | None:
        """Try the batch in *hand*, taken *now*, for the first time, if it may be tried.

        Any: what is awaited yields and is sent is the loop's business.

        Returns:
            What is to be awaited at once: the call paused, or went wrong. What is left
            in *hand* then has to be settled.
        """
        self._deposit(hand[0][0].length, now)
        if self._paused or self.stopped or self._health.failed:
            return None
        if self._buffer.max_age_seconds is not None:
            return None
        ticket = self._breaker.allow(now)
        return self._advance(hand, deadline, ticket, now) if ticket else None

    async def settle(self, hand: Hand, deadline: Deadline) -> None:
        """Deliver or give up everything in *hand*."""
        while hand and not (self.stopped or self._health.failed):
            if self._buffer.max_age_seconds is not None and not self._is_fresh(hand):
                continue
            if self._paused and not self.draining:
                await self._pause_with(hand, None, self._held_back)
                continue
            since = self._clock.monotonic()
            ticket = self._breaker.allow(since)
            if ticket:
                rest = self._advance(hand, deadline, ticket, since)
                if rest is not None:
                    await rest
            elif self.draining:
                batch, trouble = hand.pop()
                self._fate.lost(batch, "circuit_open", trouble)
            else:
                wait = self._breaker.retry_in(since)
                wanted = None if math.isinf(wait) else wait
                await self._pause_with(hand, wanted, self._barred)

    def _is_fresh(self, hand: Hand) -> bool:
        """Drop what is too old in the next batch; return whether any of it is left."""
        batch, trouble = hand[-1]
        rest = self._expiry.fresh(batch, trouble)
        if hand and rest is not batch:
            hand[-1:] = [(rest, trouble)] if rest else []
        return bool(rest)

    def _advance(
        self, hand: Hand, deadline: Deadline, ticket: int, since: float
    ) -> Coroutine[Any, Any, None] | None:
        """Try the next batch in *hand*; return what is left to await, if anything is.

        Any: what it yields and is sent is the loop's business.
        """
        tried = batch, trouble = hand[-1]
        if self._own.pending or self._health.by_own_events:
            self._note_whose(batch)
        if self._ledger.gaps.untold:
            self._fate.tell_gaps(batch)
        try:
            verdict = attempt(self._sink, batch, deadline, self.watch, since)
        except BaseException as error:
            self._fate.keep_gaps(batch)
            self._break_off(hand, ticket, since, error)
            raise
        if verdict is not DELIVERED or not hand:
            return self._go_on(hand, tried, ticket, since, verdict)
        hand.pop()
        self._arrived(batch, trouble, ticket, since)
        return None

    async def _go_on(
        self,
        hand: Hand,
        tried: tuple[RecordBatch, Trouble],
        ticket: int,
        since: float,
        verdict: Verdict | Awaitable[Verdict],
    ) -> None:
        """Wait for the *verdict* of an attempt, if it must be, and do what it asks."""
        batch, trouble = tried
        if isinstance(verdict, Awaitable):
            try:
                verdict = await verdict
            except BaseException as error:
                self._fate.keep_gaps(batch)
                self._break_off(hand, ticket, since, error)
                raise
        if not hand:  # it was taken away: the time to close was over
            self._ledger.calls.add(self.watch.ended_at - since)
            return
        hand.pop()
        if verdict is DELIVERED:
            self._arrived(batch, trouble, ticket, since)
            return
        self._ledger.calls.add(self.watch.ended_at - since)
        self._note_whose(batch)
        self._tell_breaker(verdict, len(batch), ticket)
        await self._decide(hand, batch, trouble.begun(since), verdict, since)

    def _arrived(
        self, batch: RecordBatch, trouble: Trouble, ticket: int, since: float
    ) -> None:
        """Count *batch*, of which nothing is wrong."""
        now = self.watch.ended_at
        self._breaker.succeeded(now, ticket=ticket)
        if trouble.since is None:
            self._count_at_once(now - since)
        else:
            self._ledger.calls.add(now - since)
            self._ledger.end_operation(now - trouble.since)
        self._fate.delivered(batch)
        if self._health.state != "ready":
            self._health.ready()
        if self._barred:
            self._barred.wake()

    async def _decide(
        self,
        hand: Hand,
        batch: RecordBatch,
        trouble: Trouble,
        verdict: Verdict,
        since: float,
    ) -> None:
        if not isinstance(verdict, Delivered):
            self._fate.keep_gaps(batch)
        if isinstance(verdict, Again):
            await self._try_again(hand, batch, trouble, verdict, since)
        else:
            self._conclude(hand, batch, trouble, verdict)

    def _break_off(
        self, hand: Hand, ticket: int, since: float, error: BaseException
    ) -> None:
        """Keep what is known of an attempt, begun *since*, that *error* broke off."""
        self._ledger.calls.add(self._clock.monotonic() - since)
        self._breaker.abandoned(ticket=ticket)
        self._barred.wake()
        if not hand:
            return
        batch, trouble = hand[-1]
        hand[-1] = (batch, trouble.begun(since))
        self._keep_progress(hand, progress_of(error))
        if self.stopped and hand:
            self._health.degrade(CUT_OFF)

    def died(self, hand: Hand) -> None:
        """Keep what a worker had, who died at whatever place, with *hand*.

        If it had the probe of an open circuit, somebody else may have another.
        """
        for batch, _ in hand:
            self._fate.keep_gaps(batch)
        self._breaker.abandoned()
        self._barred.wake()

    def _note_whose(self, batch: RecordBatch) -> None:
        """Note whether what comes of *batch* is the doing of own events alone."""
        self._health.by_own_events = self._own.are_all(batch.chunks)

    def _tell_breaker(self, verdict: Verdict, size: int, ticket: int) -> None:
        now = self._clock.monotonic()
        failed = isinstance(verdict, Again)
        if self._handles and isinstance(verdict, Delivered):
            failed = len(verdict.rejected) == size
        if failed:
            self._breaker.failed(now, ticket=ticket)
        else:
            self._breaker.succeeded(now, ticket=ticket)
        self._barred.wake()

    def _conclude(
        self, hand: Hand, batch: RecordBatch, trouble: Trouble, verdict: Conclusion
    ) -> None:
        match verdict:
            case Delivered():
                for reason, count in verdict.warned.items():
                    self._warned(reason, count)
                self._end_operation(trouble, verdict)
                self._fate.delivered_in_part(batch, verdict)
                self._health.ready()
            case Split() if len(batch) > 1:
                parts = list(batch.cut(split_points(len(batch))))
                hand += [(part, trouble) for part in reversed(parts)]
            case Split():
                self._fate.lost(batch, "too_large", self._after(trouble, verdict))
            case Rejected():
                self._fate.lost(batch, REJECTED, self._after(trouble, verdict))
                self._health.ready()
            case Fatal():
                progress = verdict.progress
                rest = self._without_arrived(batch, progress)
                self._fate.lost(rest, "permanent", self._after(trouble, verdict))
                self._health.fail(verdict.reason)
                self._wake()
                self._give_up()

    def _end_operation(self, trouble: Trouble, verdict: Delivered) -> None:
        """Count how long a batch took that arrived, but for what *verdict* names."""
        if trouble.since is not None:
            reason = REJECTED if verdict.rejected else ""
            reason = reason or ("encode_error" if verdict.unencodable else "")
            seconds = self._clock.monotonic() - trouble.since
            self._ledger.end_operation(seconds, reason)

    def _after(self, trouble: Trouble, verdict: Verdict) -> Trouble:
        now = self._clock.monotonic()
        reason = _reason(verdict)
        return trouble.and_then(reason, since=now, unknown=False, is_fault=False)

    async def _try_again(
        self,
        hand: Hand,
        batch: RecordBatch,
        trouble: Trouble,
        verdict: Again,
        since: float,
    ) -> None:
        self._ledger.fail(verdict.kind)
        self._health.degrade(verdict.reason)
        rest = self._without_arrived(batch, verdict.progress)
        if not rest:
            self._end_operation(trouble, Delivered(verdict.progress.rejected))
            return
        after = trouble.and_then(
            verdict.reason,
            since=since,
            unknown=verdict.unknown,
            is_fault=verdict.is_fault,
        )
        delay = self._next_delay(verdict, after, len(rest))
        if delay is None:
            self._fate.lost(rest, "retry_exhausted", after)
            return
        hand.append((rest, after))
        if not (self.stopped or self._health.failed):
            self.note_repeats(rest, before=trouble, after=after)
            await self._pause_with(hand, delay, self._backing_off)

    def note_repeats(
        self, batch: RecordBatch, *, before: Trouble, after: Trouble
    ) -> None:
        """Count *batch* once if the far side may see it twice."""
        if after.unknown and not before.unknown:
            self._ledger.possible_duplicates += len(batch)

    def _keep_progress(self, hand: Hand, progress: Progress) -> None:
        if hand and progress.count > 0:
            batch, trouble = hand.pop()
            rest = self._without_arrived(batch, progress)
            if rest:
                hand.append((rest, trouble))

    def _without_arrived(self, batch: RecordBatch, progress: Progress) -> RecordBatch:
        """Count the front of *batch* that has its outcome, and return the rest."""
        done = min(progress.count, len(batch))
        if done <= 0:
            return batch
        arrived, rest = batch.cut((done, len(batch)))
        self._fate.delivered_in_part(arrived, Delivered(progress.rejected))
        return rest

    def _next_delay(self, verdict: Again, after: Trouble, size: int) -> float | None:
        if verdict.is_fault and after.faults >= FAULT_TRIES:
            return None
        now = self._clock.monotonic()
        delay = self._backoff.next_delay(
            after.attempts,
            elapsed_seconds=now - after.begun_by(now),
            server_delay_seconds=verdict.server_delay_seconds,
            over_budget=not self._budget.spend(size, now),
        )
        if delay is not None and self.draining:
            return min(delay, DRAIN_PAUSE_SECONDS)
        return delay

    async def _pause_with(
        self, hand: Hand, seconds: float | None, room: WaitingRoom
    ) -> None:
        """Wait, but no longer than the next batch in *hand* is worth it."""
        await self._pause(self._expiry.at_most(seconds, hand[-1][0]), room)

    async def _pause(self, seconds: float | None, room: WaitingRoom) -> None:
        """Wait, but no longer than until the attachment closes."""
        if self.draining and (seconds is None or seconds > DRAIN_PAUSE_SECONDS):
            seconds = DRAIN_PAUSE_SECONDS
        await room.wait(seconds)

    def _wake(self) -> None:
        for room in (self._backing_off, self._barred, self._held_back):
            room.wake()

    def pause(self) -> None:
        """Begin no further attempt until :meth:`resume`; a drain overrides it."""
        self._paused = True

    def resume(self) -> None:
        """Go on with what is held."""
        self._paused = False
        self._held_back.wake()

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
        self._held_back.clear()
        self._breaker.abandoned()


def _reason(verdict: Verdict) -> str:
    return "" if isinstance(verdict, Delivered) else verdict.reason
