"""What one attachment is: a sink with its own bounds, buffer, counts and state."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from eventbus._attempt import close_sink
from eventbus._balance import counts_amid, counts_of
from eventbus._buffer import RecordBuffer
from eventbus._chunk import RecordBatch
from eventbus._door import Door
from eventbus._expiry import Expiry
from eventbus._fate import Fate
from eventbus._health import Health, trouble_of
from eventbus._host import Host
from eventbus._intake import Intake
from eventbus._ledger import Ledger
from eventbus._own_share import SAMPLED_OUT, SET_ASIDE
from eventbus._plan import Plan, check_kind
from eventbus._portion import Portion, Portions
from eventbus._record import AnyRecord
from eventbus._resize import resize
from eventbus._sampler import for_attachment
from eventbus._settings import Buffer, Overflow
from eventbus._sink import Sink, optional_method
from eventbus._stats import AttachmentReport, AttachmentStats, State
from eventbus._thinning import Thinning, thinning
from eventbus._trouble import Trouble, letter, without_secrets
from eventbus._verdict import describe_error
from eventbus._waiting import TimeLimit, wait_until_done
from eventbus._window import Window
from eventbus._workers import Workers

if TYPE_CHECKING:
    from eventbus._publish import Waiter


class Attachment:
    """One sink on one bus; :meth:`eventbus.Bus.attach` makes it."""

    def __init__(self, sink: Sink, plan: Plan, host: Host) -> None:
        """Start empty; the bus starts the delivery."""
        self.sink: Final = sink
        self.plan = plan
        self.host: Final = host
        self._watchers: Final = host.watchers
        self.buffer: Final = RecordBuffer(plan.buffer, host.clock.monotonic)
        self.door: Final = Door(self.buffer, plan.buffer)
        self.ledger: Final = Ledger()
        self.intake: Final = Intake(self.buffer, self.door, self.ledger)
        self.health: Final = Health(
            plan.name,
            host.log,
            host.clock.time_ns,
            entered=partial(host.state_entered, self),
        )
        self.fate: Final = Fate(
            plan.name,
            ingress=host.ingress,
            buffer=self.buffer,
            ledger=self.ledger,
            log=host.log,
            now=host.clock.monotonic,
            freed=self.room_freed,
        )
        self.expiry: Final = Expiry(self.buffer, self.fate, host.ingress, host.clock)
        self.waiters: deque[Waiter] = deque()
        self.dead_letters: Attachment | None = None
        self._closing: asyncio.Task[BaseException | None] | None = None
        self.last_report: AttachmentReport | None = None
        self._lost_before = 0
        self.portions: Final = Portions(self)
        self.thinning: Final = self._thinning()
        self.workers: Final = Workers(self)

    def _thinning(self) -> Thinning | None:
        if self.portions.is_observed:  # it has to see what is left out too
            return None
        return thinning(self.plan.sampler, self.ledger, self.host.ledger)

    def __repr__(self) -> str:
        """Show the name and the state."""
        return f"<Attachment {self.name!r} {self.state}>"

    @property
    def name(self) -> str:
        """The name, unique on the bus."""
        return self.plan.name

    @property
    def state(self) -> State:
        """``"ready"``, ``"degraded"`` while it is trying, ``"failed"`` for good."""
        troubled = self.health.state == "ready" and trouble_of(self.sink) is not None
        return "degraded" if troubled else self.health.state

    @property
    def max_kept_bytes(self) -> int | None:
        """Over how many bytes an event leaves no trace here; ``None``: some might."""
        if self.dead_letters is not None or self.portions.is_looked_at:
            return None
        return self.buffer.max_bytes

    async def ready(self, timeout_seconds: float | None = None) -> bool:
        """Wait until the sink has started; return whether it has.

        Args:
            timeout_seconds: Longest wait; ``None`` waits until it started, or failed,
                or was detached.
        """
        opened = self.workers.opened()
        await wait_until_done(opened, self.host.clock, timeout_seconds)
        return self.workers.is_open

    async def detach(self, timeout_seconds: float | None = None) -> AttachmentReport:
        """Take no further events, deliver what is pending, and close the sink.

        Args:
            timeout_seconds: For all of it; what is pending after it is dropped as
                ``sink_detached``. ``None`` is the bus's ``close_timeout_seconds``.

        Detaching twice, or after the bus was closed, changes nothing. If cancelled,
        it is detached as asked all the same, and the cancellation is raised after it.

        Raises:
            RuntimeError: Awaited in the ``write``, or the handler, of this very
                attachment, which it would wait for: begin it in a task of its own.
        """
        return await self.host.detach(self, timeout_seconds)

    def pause(self) -> None:
        """Begin no further call of ``write`` until :meth:`resume`.

        A call that runs goes on. Meanwhile the buffer fills within its bounds, and
        what it does when it is full is what it always does. A flush waits, and is
        incomplete when its time is over; :meth:`detach` and the close of the bus
        deliver what is pending all the same. Pausing twice, or what was detached,
        changes nothing.

        Raises:
            AttachError: Called on another thread than that of the bus's loop.
        """
        self.host.check_thread(f"pausing {self.name!r}")
        self.workers.pause()

    def resume(self) -> None:
        """Go on with what is pending, after :meth:`pause`; else it changes nothing.

        Raises:
            AttachError: Called on another thread than that of the bus's loop.
        """
        self.host.check_thread(f"resuming {self.name!r}")
        self.workers.resume()

    def resize(self, buffer: Buffer) -> None:
        """Have the bounds and the overflow policy of *buffer* from now on.

        With smaller bounds nothing that is pending is dropped under
        ``Overflow.WAIT`` and ``Overflow.DROP_NEWEST``: there is no room until enough
        of it is decided. Under ``Overflow.DROP_OLDEST`` the oldest that are not in
        flight go at once, counted ``queue_full`` or ``bytes_full``. Publishers that
        wait go in if there is room, wait on under ``Overflow.WAIT``, each for its
        own time, and under any other policy return at once, with the event taken or
        dropped by that policy. One whose event is over the new ``max_bytes``
        returns at once, too: it is counted ``too_large``. What was detached takes
        nothing, whatever its bounds.

        Args:
            buffer: Takes the place of the present one as a whole.

        Raises:
            AttachError: *buffer* is no ``Buffer``, or it was called on another thread
                than that of the bus's loop.
            RuntimeError: Called by an ``observe`` or a sampler, in the middle of a
                seal.
        """
        self.host.check_thread(f"resizing {self.name!r}")
        check_kind(self.name, "buffer", buffer, Buffer)
        resize(self, buffer)

    def follow(self, bounds: Buffer) -> None:
        """Let *bounds* hold for what comes; the lock is held, no lease is out."""
        self.plan = replace(self.plan, buffer=bounds)
        self.portions.follow(self.plan)
        self.buffer.rebound(bounds)
        self.door.follow(bounds)
        self.host.refresh(self)

    def start_over(self) -> None:
        """Be as new, in the child of a fork; who waited is none of this process's."""
        self.workers.disown()
        for waiter in list(self.waiters):
            with suppress(RuntimeError):  # asyncio minds another thread's call
                waiter.turn_away()
        letters = self.dead_letters
        sampler = self.plan.sampler
        if sampler is not None:
            sampler = for_attachment(sampler, self.host.clock)  # with luck of its own
        plan = replace(self.plan, sampler=sampler)
        Attachment.__init__(self, self.sink, plan, self.host)
        self.health.cause = "not started in this process, which was forked"
        if letters is not None:
            self.keep_aside(letters)
        after_fork = optional_method(self.sink, "after_fork")
        if after_fork is None:
            return
        try:
            after_fork()
        except Exception as error:  # noqa: BLE001 - a sink is anybody's code
            self.health.degrade(f"after_fork raised {describe_error(error)}")

    @property
    def makes_publishers_wait_past_the_list(self) -> bool:
        """Whether room depends on what a seal works out: the size, the severity."""
        bounds = self.plan.buffer
        depends = not (bounds.max_bytes is None and bounds.reserve is None)
        return depends and bounds.overflow is Overflow.WAIT

    def offer(self, portion: Portion) -> bool | None:
        """Queue a publisher's *portion*; return whether it was taken.

        ``None`` is neither: the publisher has to wait, and has a place in line that a
        :class:`~eventbus._publish.Waiter` gives back.
        """
        portion = self.portions.diverted(portion)
        ingress = self.host.ingress
        with ingress.left, ingress.mutex, ingress.inside:
            ingress.revoke()
            ingress.settle()
            if self._makes_publishers_wait(portion):
                self.door.waiting += 1
                return None
            gone = self.intake.accept(portion)
        self.workers.departures.notify()
        return bool(portion.kept) and not gone

    def _makes_publishers_wait(self, portion: Portion) -> bool:
        if self.plan.buffer.overflow is not Overflow.WAIT or not portion.kept:
            return False
        if self.intake.closed_for is not None:
            return False
        has_to_queue = bool(self.waiters) and not portion.is_severe
        return has_to_queue or not self.has_room(portion)

    def has_room(self, portion: Portion) -> bool:
        """Return whether a publisher's *portion* fits now; the lock is held."""
        if not portion.kept:
            return self.door.free > 0
        room, room_bytes = self.door.free, self.buffer.room_bytes
        return self.intake.fits(portion.kept, portion.kept.start, room, room_bytes)

    def room_freed(self) -> None:
        """Let those look again who wait for room, or for the end of a record."""
        if self.waiters:
            self.admit_waiting()
        if self._watchers:
            self.host.decided()

    def admit_waiting(self) -> None:
        """Take the records of publishers in line, for as long as the next one fits."""
        while self.waiters and (waiter := self._next_in_line()) is not None:
            self.waiters.remove(waiter)
            waiter.admit()

    def _next_in_line(self) -> Waiter | None:
        """Return who goes in now: the first, else the first of those who are severe."""
        if self.plan.buffer.overflow is not Overflow.WAIT:
            return self.waiters[0]
        with self.host.ingress.left, self.host.ingress.mutex, self.host.ingress.inside:
            if self.has_room(self.waiters[0].portion):
                return self.waiters[0]
            if self.plan.buffer.reserve is None:
                return None
            severe = (w for w in self.waiters if w.portion.is_severe)
            first = next(severe, None)
            return first if first and self.has_room(first.portion) else None

    def keep_aside(self, letters: Attachment) -> None:
        """Let *letters* keep what is set aside here."""
        self.dead_letters = letters
        self.fate.keep_dead_letters = self._send_letters

    def _send_letters(self, batch: RecordBatch, reason: str, trouble: Trouble) -> None:
        assert self.dead_letters is not None
        told = without_secrets(trouble, self.host.log.clean)
        letters = [letter(record, self.name, reason, told) for record in batch]
        if self.ledger.own.pending:
            own = self.ledger.own.pending.intersection(r.sequence for r in letters)
            self.dead_letters.ledger.own.offer(own)
        self.dead_letters.take(letters)

    def take(self, records: list[AnyRecord]) -> None:
        """Queue *records* that no seal brought."""
        window = Window.of(records, since=self.host.clock.monotonic())
        self.accept(self.portions.of(window, len(window)))

    def take_own(self, window: Window) -> None:
        """Queue an event of the bus about itself, which came past the ingress."""
        own, ingress = self.ledger.own, self.host.ingress
        own.offer(window.sequences)
        self.health.by_own_events = True
        portion = self.portions.diverted(self.portions.of(window, len(window)))
        self.health.by_own_events = False
        if not portion.kept:
            fates = {
                SAMPLED_OUT: portion.sampled_out,
                **{gap.reason: gap.count for gap in portion.lost},
                SET_ASIDE: sum(portion.set_aside.values()),
            }
            fate = next(fate for fate, count in fates.items() if count)
            own.end_those(window.sequences, fate)
        with ingress.left, ingress.mutex, ingress.inside:
            ingress.revoke()
            ingress.settle()
            gone = self.intake.accept(portion)
        del gone
        self.workers.departures.notify()

    def accept(self, portion: Portion) -> bool:
        """Queue *portion*, which no seal brought; return whether it was taken."""
        portion = self.portions.diverted(portion)
        wanted = bool(portion.kept)
        with self.host.ingress.left, self.host.ingress.mutex, self.host.ingress.inside:
            gone = self.intake.accept(portion)
        self.workers.departures.notify()
        return wanted and not gone

    def give_up(self, reason: str = "permanent") -> None:
        """Lose everything that is held, and whatever comes, for *reason*."""
        with self.host.ingress.left, self.host.ingress.mutex, self.host.ingress.inside:
            self.intake.closed_for = reason
            queued = self.buffer.take_all()
        cause = Trouble(last_error=self.health.cause or "")
        for batch, trouble in self.workers.left_over():
            if not trouble.attempts:
                trouble = replace(cause, since=trouble.since)
            self.fate.lost(batch, reason, trouble)
        self.fate.lost(queued, reason, cause, sent=False)
        for waiter in list(self.waiters):
            if self.host.ingress.closed:
                waiter.turn_away()
            else:
                self.waiters.remove(waiter)
                waiter.admit()

    async def end(self, limit: TimeLimit, reason: str) -> None:
        """Deliver what can be in time, lose the rest for *reason*, close the sink."""
        await self.workers.drain(limit)
        await self.workers.stop(limit)
        self.give_up(reason)
        self.expiry.rest()
        await self._close_sink(limit)

    async def _close_sink(self, limit: TimeLimit) -> None:
        if not self.workers.was_asked_to_start:
            return
        closing = await close_sink(self.sink, limit)
        self._closing = closing
        if not closing.done() or closing.cancelled():
            self.health.degrade("aclose did not end in time")
        elif (error := closing.result()) is not None:
            self.ledger.fail(type(error).__name__)
            self.health.degrade(f"aclose raised {describe_error(error)}")

    def is_past(self, sequence: int) -> bool:
        """Return whether nothing before *sequence* is pending.

        All that is pending is looked at: dead letters come in no order.
        """
        in_hand = (chunk for batch in self.workers.in_hand() for chunk in batch.chunks)
        pending = chain(in_hand, self.buffer.chunks)
        return all(chunk.first_sequence >= sequence for chunk in pending)

    def stats(self, in_seal: int = 0, refused: int = 0) -> AttachmentStats:
        """Return the counts of now; the lock is held and arrivals are counted.

        Args:
            in_seal: How many are on their way here in a seal.
            refused: How many more are in it that came when the door was closed.
        """
        return AttachmentStats(**counts_of(self, in_seal, refused))

    def stats_amid(self) -> AttachmentStats:
        """Return the counts in the middle of counting: of final states alone.

        What was offered and has none yet is pending, whatever stage it is at.
        """
        return AttachmentStats(**counts_amid(self))

    def report(self, *, is_past: bool, is_over: bool = False) -> AttachmentReport:
        """Return the counts, and whether all is well since the report before.

        Args:
            is_past: Whether nothing that was waited for is pending.
            is_over: Whether nothing at all may be pending any more.
        """
        with self.host.ingress.left, self.host.ingress.mutex, self.host.ingress.inside:
            counts = counts_of(self)
        lost = self.ledger.lost + self.door.refused
        is_past = is_past and not (is_over and counts["pending"])
        complete = is_past and lost == self._lost_before and counts["trouble"] is None
        self._lost_before = lost
        return AttachmentReport(**counts, complete=complete)


def with_keepers(attachments: Iterable[Attachment]) -> list[Attachment]:
    """Return *attachments*, then those who keep their dead letters."""
    attachments = list(attachments)  # threads look while the loop attaches
    keepers = [one.dead_letters for one in attachments]
    return [*attachments, *(keeper for keeper in keepers if keeper is not None)]
