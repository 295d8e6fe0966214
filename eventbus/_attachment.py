"""What one attachment is: a sink with its own bounds, buffer, counts and state."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import chain
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from eventbus._attempt import close_sink
from eventbus._buffer import RecordBuffer
from eventbus._clock import Clock
from eventbus._context import Bound, scope
from eventbus._door import Door
from eventbus._fate import Fate
from eventbus._health import Health
from eventbus._ingress import Ingress
from eventbus._intake import Intake, Portion, sample
from eventbus._ledger import BusLedger, Ledger
from eventbus._log import QuietLog
from eventbus._plan import Plan
from eventbus._record import AnyRecord
from eventbus._settings import Overflow
from eventbus._sink import Sink, optional_method
from eventbus._stats import AttachmentReport, AttachmentStats, State
from eventbus._thinning import thinning
from eventbus._trouble import Trouble, letter
from eventbus._verdict import describe_error, refuse_awaitable, was_pressed
from eventbus._waiting import TimeLimit, wait_until_done
from eventbus._window import Chunk, Measure, RecordBatch, Window
from eventbus._workers import Workers

if TYPE_CHECKING:
    from eventbus._publish import Waiter


class Host(msgspec.Struct, frozen=True):
    """What a bus lends to its attachments.

    Args:
        ingress: Whose lock guards the counts.
        ledger: The bus's own counts.
        clock: What time it is.
        log: Where to say what went wrong.
        random: Where jitter comes from.
        measure: Returns the size of each record, in bytes.
        detach: Takes an attachment off the bus.
        decided: Called whenever records reached their final state.
        seal: Brings what was handed over to the attachments; on the loop only.
    """

    ingress: Ingress
    ledger: BusLedger
    clock: Clock
    log: QuietLog
    random: Random
    measure: Measure
    detach: Callable[[Attachment, float | None], Awaitable[AttachmentReport]]
    decided: Callable[[], None]
    seal: Callable[[], None]


class Attachment:
    """One sink on one bus; :meth:`eventbus.Bus.attach` makes it."""

    def __init__(self, sink: Sink, plan: Plan, host: Host) -> None:
        """Start empty; the bus starts the delivery."""
        self.sink: Final = sink
        self.plan: Final = plan
        self.host: Final = host
        self.buffer: Final = RecordBuffer(plan.buffer)
        self.door: Final = Door(self.buffer, plan.buffer.overflow)
        self.ledger: Final = Ledger()
        self.intake: Final = Intake(
            self.buffer, self.door, self.ledger, plan.buffer.overflow
        )
        self.health: Final = Health(plan.name, host.log)
        self.fate: Final = Fate(
            plan.name,
            ingress=host.ingress,
            buffer=self.buffer,
            ledger=self.ledger,
            log=host.log,
            freed=self._room_freed,
        )
        self.waiters: deque[Waiter] = deque()
        self._observe_all: Any = optional_method(sink, "observe")
        self._weighs = (plan.buffer.max_bytes or plan.batch.max_bytes) is not None
        self._takes_all = self._has_nothing_of_the_users and not self._weighs
        self.dead_letters: Attachment | None = None
        self._closing: asyncio.Task[BaseException | None] | None = None
        self.last_report: AttachmentReport | None = None
        self._lost_before = 0
        self.thinning: Final = (
            thinning(plan.sampler, self.ledger, host.ledger)
            if self._observe_all is None
            else None
        )
        self.workers: Final = Workers(self)

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
        return self.health.state

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

    def portion(self, window: Window, stop: int) -> Portion:
        """Work out what *window* means here; runs the user's code, without the lock.

        Args:
            window: What is selected, redacted as asked.
            stop: From which record on the door was closed.
        """
        if self._takes_all and self.intake.closed_for is None:
            count = len(window)
            return Portion(count, count - stop, kept=Chunk(window, 0, stop))
        try:
            if self._has_nothing_of_the_users or not len(window):
                return self._portion(window, stop)
            with scope(Bound(depth=window.depth + 1)):
                return self._portion(window, stop)
        except Exception as error:  # noqa: BLE001 - it must not hurt the neighbours
            self.health.degrade(f"{stop} event(s) lost: {describe_error(error)}")
            offered, refused = len(window), len(window) - stop
            return Portion(offered, refused, unusable=stop)

    @property
    def _has_nothing_of_the_users(self) -> bool:
        return self._observe_all is None and self.plan.sampler is None

    def _portion(self, window: Window, stop: int) -> Portion:
        if len(window):
            self._observe(window)
        offered, refused = len(window), len(window) - stop
        kept = Chunk(window, 0, stop)
        if self.plan.sampler is not None:
            sampled = sample(window.head(stop), self.plan.sampler, self._warn)
            kept = Chunk(sampled, 0, len(sampled))
        portion = Portion(offered, refused, stop - len(kept), kept=kept)
        if self._weighs:
            portion = self._weighed(portion, kept.measured(self.host.measure))
        return self._diverted(portion)

    def _weighed(self, portion: Portion, kept: Chunk) -> Portion:
        max_bytes = self.buffer.max_bytes
        if max_bytes is None or max(kept.sizes or (), default=0) <= max_bytes:
            return replace(portion, kept=kept)
        kept, large = kept.sorted_out(max_bytes)
        trouble = Trouble.once(f"larger than max_bytes of the buffer, {max_bytes}")
        aside = self.fate.set_aside(RecordBatch([large]), "too_large", trouble)
        return replace(
            portion,
            kept=kept,
            dead_lettered=len(large) if aside else 0,
            too_large=0 if aside else len(large),
        )

    def _diverted(self, portion: Portion) -> Portion:
        """Keep as dead letters what comes when the sink was given up for good."""
        kept, reason = portion.kept, self.intake.closed_for
        if not kept or reason is None or self.dead_letters is None:
            return portion
        trouble = Trouble(last_error=self.health.cause or "")
        if not self.fate.set_aside(RecordBatch([kept]), reason, trouble):
            return portion
        dead_lettered = portion.dead_lettered + len(kept)
        return replace(portion, kept=None, dead_lettered=dead_lettered)

    def _observe(self, window: Window) -> None:
        if self._observe_all is None:
            return
        try:
            answer = self._observe_all(RecordBatch([Chunk(window, 0, len(window))]))
            refuse_awaitable(answer, "observe")
        except BaseException as error:  # a sink must not hurt its neighbours
            if was_pressed(error):
                raise
            self.ledger.fail(type(error).__name__)
            self.health.degrade(f"observe raised {describe_error(error)}")

    def _warn(self, reason: str, error: BaseException) -> None:
        self.host.ledger.warn(reason)
        self.host.log.warning(
            f"{self.name}: {reason}",
            "%s at attachment %r: %s",
            reason,
            self.name,
            describe_error(error),
        )

    @property
    def makes_publishers_wait_for_bytes(self) -> bool:
        """Whether room depends on the size of a record, which a seal works out."""
        buffer = self.plan.buffer
        return buffer.overflow is Overflow.WAIT and buffer.max_bytes is not None

    def offer(self, portion: Portion) -> bool | None:
        """Queue a publisher's *portion*; return whether it was taken.

        ``None`` is neither: the publisher has to wait, and has a place in line that a
        :class:`~eventbus._publish.Waiter` gives back.
        """
        portion = self._diverted(portion)
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
        return bool(self.waiters) or not self.has_room(portion)

    def has_room(self, portion: Portion) -> bool:
        """Return whether a publisher's *portion* fits now; the lock is held."""
        size_bytes = portion.kept.size_bytes if portion.kept else 0
        return self.door.free > 0 and size_bytes <= self.buffer.room_bytes

    def _room_freed(self) -> None:
        if self.waiters:
            self.admit_waiting()
        self.host.decided()

    def admit_waiting(self) -> None:
        """Take the records of publishers in line, for as long as the next one fits."""
        while self.waiters and self._has_room_for_next():
            self.waiters.popleft().admit()

    def _has_room_for_next(self) -> bool:
        with self.host.ingress.left, self.host.ingress.mutex, self.host.ingress.inside:
            return self.has_room(self.waiters[0].portion)

    def keep_aside(self, letters: Attachment) -> None:
        """Let *letters* keep what is set aside here."""
        self.dead_letters = letters
        self.fate.keep_dead_letters = self._send_letters

    def _send_letters(self, batch: RecordBatch, reason: str, trouble: Trouble) -> None:
        assert self.dead_letters is not None
        letters = [letter(record, self.name, reason, trouble) for record in batch]
        self.dead_letters.take(letters)

    def take(self, records: list[AnyRecord]) -> None:
        """Queue *records* that no seal brought."""
        window = Window.of(records)
        portion = self.portion(window, len(window))
        self.accept(portion)

    def accept(self, portion: Portion) -> bool:
        """Queue *portion*, which no seal brought; return whether it was taken."""
        portion = self._diverted(portion)
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
        for batch, trouble in [*self.workers.left_over(), (queued, cause)]:
            self.fate.lost(batch, reason, trouble if trouble.attempts else cause)
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
        return AttachmentStats(**self._counts(in_seal, refused))

    def stats_amid(self) -> AttachmentStats:
        """Return the counts in the middle of counting: of final states alone.

        What was offered and has none yet is pending, whatever stage it is at.
        """
        ledger, counts = self.ledger, self._counts(amid=True)
        decided = ledger.delivered + ledger.sampled_out + ledger.spooled + ledger.lost
        counts["offered"] = ledger.offered
        counts["dropped"] = MappingProxyType(dict(ledger.dropped))
        counts["pending"] = ledger.offered - decided
        return AttachmentStats(**counts)

    def report(self, *, is_past: bool) -> AttachmentReport:
        """Return the counts, and whether all is well since the report before.

        Args:
            is_past: Whether nothing that was waited for is pending.
        """
        with self.host.ingress.left, self.host.ingress.mutex, self.host.ingress.inside:
            counts = self._counts()
        lost = self.ledger.lost + self.door.refused
        complete = is_past and lost == self._lost_before
        self._lost_before = lost
        return AttachmentReport(**counts, complete=complete)

    def _counts(
        self, in_seal: int = 0, refused: int = 0, *, amid: bool = False
    ) -> dict[str, Any]:
        # Any: the fields of AttachmentStats, of several types.
        if self.thinning is not None and not amid:
            self.thinning.settle()
        ledger, door = self.ledger, self.door
        on_its_way = in_seal + door.arrived
        at_door = refused + door.refused + door.lost
        overflow = door.overflow_of(on_its_way)
        dropped = ledger.dropped.copy()
        if at_door + overflow:
            dropped["queue_full"] += at_door + overflow
        pending = self.buffer.pending + on_its_way - overflow
        return {
            "offered": ledger.offered + on_its_way + at_door,
            "delivered": ledger.delivered,
            "rejected": ledger.rejected,
            "dropped": MappingProxyType(dict(dropped)),
            "sampled_out": ledger.sampled_out,
            "dead_lettered": ledger.dead_lettered,
            "spooled": ledger.spooled,
            "pending": pending,
            "pending_peak": max(self.buffer.peak, pending),
            "pending_bytes": self.buffer.pending_bytes,
            "possible_duplicates": ledger.possible_duplicates,
            "errors": MappingProxyType(dict(ledger.errors)),
            "state": self.health.state,
            "cause": self.health.cause,
        }
