"""What the bus says of itself as events, and why they cannot feed themselves.

They go past ``emit``, straight to those who select them, but never to the attachment
they are about. What they move themselves is no news: it is left out of every report,
and a state that only they brought about is not told.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import field

from eventbus._attachment import Attachment, with_keepers
from eventbus._clock import TimerHandle
from eventbus._engine import Engine
from eventbus._event import Event
from eventbus._ledger import DROP_REASONS, REJECTED
from eventbus._log import QUIET_SECONDS
from eventbus._marks import Attribute, Label, Unit
from eventbus._own_metrics import COMPONENT_NAME, STATE
from eventbus._own_share import DELIVERED, OFFERED, SAMPLED_OUT, SET_ASIDE
from eventbus._severity import SEVERITY_NUMBER, Severity
from eventbus._stats import AttachmentStats, BusStats, State

MIN_OWN_EVENTS_SECONDS: Final = QUIET_SECONDS

_SEVERITIES: Final[Mapping[State, Severity]] = {
    "ready": "info",
    "degraded": "warn",
    "failed": "error",
}


class AttachmentStateChanged(Event, tag="eventbus.attachment_state"):
    """An attachment is in another state than was told before; ready until then.

    Args:
        attachment: Its name.
        state: ``"ready"``, ``"degraded"`` or ``"failed"``.
        previous: What was told before.
        cause: Why it is not ready, or ``None``.
        severity: ``info`` for ready, ``warn`` for degraded, ``error`` for failed.
    """

    attachment: Annotated[str, Label, Attribute(COMPONENT_NAME)]
    state: Annotated[State, Label, Attribute(STATE)]
    previous: Annotated[State, Label]
    cause: str | None = None
    severity: Severity = "info"


class Drops(msgspec.Struct, frozen=True):
    """How many events were dropped for one reason."""

    reason: str
    count: int


class AttachmentReported(Event, tag="eventbus.attachment_report"):
    """What became of an attachment's events since the report before.

    The bus's own are left out; a report in which nothing moved is not made.

    Args:
        attachment: Its name.
        interval_seconds: Since the report before, made or not.
        offered: Selected for it.
        delivered: Taken by the far side.
        rejected: Refused by the far side for good.
        dropped: Lost against our wish.
        drops: The same by reason.
        sampled_out: Not taken, by choice.
        dead_lettered: Set aside for a person.
        spooled: Kept on disk.
        pending: Not decided at this moment.
        oldest_pending_seconds: How long the oldest pending event has waited.
        state: ``"ready"``, ``"degraded"`` or ``"failed"``.
        cause: Why it is not ready, or ``None``.
    """

    attachment: Annotated[str, Label, Attribute(COMPONENT_NAME)]
    interval_seconds: Annotated[float, Unit("s")]
    offered: int = 0
    delivered: int = 0
    rejected: int = 0
    dropped: int = 0
    drops: tuple[Drops, ...] = field(default=())
    sampled_out: int = 0
    dead_lettered: int = 0
    spooled: int = 0
    pending: int = 0
    oldest_pending_seconds: Annotated[float, Unit("s")] = 0.0
    state: Annotated[State, Label, Attribute(STATE)] = "ready"
    cause: str | None = None


class Counts(msgspec.Struct, frozen=True):
    """The counts of one attachment without the bus's own events."""

    offered: int = 0
    delivered: int = 0
    rejected: int = 0
    sampled_out: int = 0
    dead_lettered: int = 0
    spooled: int = 0
    drops: Mapping[str, int] = {}

    @classmethod
    def of(cls, stats: AttachmentStats, own: Mapping[str, int]) -> Counts:
        """Return those of *stats*, less what is the bus's *own*."""
        return cls(
            stats.offered - own.get(OFFERED, 0),
            stats.delivered - own.get(DELIVERED, 0),
            stats.rejected - own.get(REJECTED, 0),
            stats.sampled_out - own.get(SAMPLED_OUT, 0),
            stats.dead_lettered - own.get(SET_ASIDE, 0),
            stats.spooled,
            {r: stats.dropped.get(r, 0) - own.get(r, 0) for r in DROP_REASONS},
        )

    def since(self, before: Counts) -> dict[str, Any]:
        """Return what moved since *before*, by field of a report; empty if nothing."""
        # Any: numbers, and a tuple of drops.
        names = (name for name in self.__struct_fields__ if name != "drops")
        deltas = {name: getattr(self, name) - getattr(before, name) for name in names}
        moved: dict[str, Any] = {name: delta for name, delta in deltas.items() if delta}
        drops = {r: n - before.drops.get(r, 0) for r, n in sorted(self.drops.items())}
        if any(drops.values()):
            moved["dropped"] = sum(drops.values())
            moved["drops"] = tuple(Drops(r, n) for r, n in drops.items() if n)
        return moved


class _Told:
    """What was said of one attachment so far."""

    __slots__ = ("at", "counts", "state")

    def __init__(self) -> None:
        self.state: State = "ready"
        self.at: float | None = None
        self.counts = Counts()


class OwnEvents:
    """Tells changes of state as they come, and what moved in every interval.

    At most one change per attachment in ten seconds: what changes back meanwhile is
    not told.

    Args:
        engine: What the attachments are connected to.
        attachments: By name, without the keepers of dead letters; they come and go.
        stats: Returns the counts of now, keepers included.
        interval_seconds: The time between two reports.
    """

    def __init__(
        self,
        engine: Engine,
        attachments: Mapping[str, Attachment],
        stats: Callable[[], BusStats],
        interval_seconds: float,
    ) -> None:
        """Register the event types; say nothing before :meth:`start`."""
        self._engine: Final = engine
        self._attachments: Final = attachments
        self._stats: Final = stats
        self._interval_seconds: Final = interval_seconds
        for event_type in (AttachmentStateChanged, AttachmentReported):
            engine.router.emitter(event_type)
        self._told: dict[Attachment, _Told] = {}
        self._changed: dict[Attachment, None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_called = False
        self._reporting: TimerHandle | None = None
        self._telling: TimerHandle | None = None
        self._reported_at = 0.0

    def start_over(self) -> None:
        """Have told nothing, in the child of a fork; it starts with the bus."""
        self._told.clear()
        self._changed.clear()
        self._loop = self._reporting = self._telling = None

    def start(self) -> None:
        """Begin on the running loop; on a new one, go on there."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._is_called = loop, False
            self._cancel_timers()
            self._reported_at = self._engine.clock.monotonic()
            self._set_timer()

    def stop(self) -> None:
        """Report what moved, and say nothing more."""
        if self._loop is not None:
            self._report()
            self._loop = None
            self._cancel_timers()

    def _cancel_timers(self) -> None:
        for timer in (self._reporting, self._telling):
            if timer is not None:
                timer.cancel()
        self._reporting = self._telling = None

    def _set_timer(self) -> None:
        interval = self._interval_seconds
        self._reporting = self._engine.clock.call_later(interval, self._on_time)

    def _on_time(self) -> None:
        self._report()
        self._set_timer()

    def note(self, attachment: Attachment) -> None:
        """Tell soon that *attachment* changed its state, if it did."""
        if self._loop is None or attachment.health.by_own_events:
            return
        self._changed[attachment] = None
        if not self._is_called:
            self._is_called = True
            self._loop.call_soon(self._tell, context=contextvars.Context())

    def _tell(self) -> None:
        self._is_called = False
        if self._loop is None:
            return
        now = self._engine.clock.monotonic()
        waits = [self._tell_of(one, now) for one in list(self._changed)]
        wait = min(filter(None, waits), default=None)
        if wait is not None and self._telling is None:
            self._telling = self._engine.clock.call_later(wait, self._tell_later)

    def _tell_later(self) -> None:
        self._telling = None
        self._tell()

    def _tell_of(self, attachment: Attachment, now: float) -> float | None:
        """Tell the state of *attachment*, or return how long that has to wait."""
        told, health = self._told.setdefault(attachment, _Told()), attachment.health
        quiet_until = now if told.at is None else told.at + QUIET_SECONDS
        if health.state != told.state and now < quiet_until:
            return quiet_until - now
        del self._changed[attachment]
        if health.state != told.state:
            previous, told.state, told.at = told.state, health.state, now
            event = AttachmentStateChanged(
                attachment=attachment.name,
                state=health.state,
                previous=previous,
                cause=health.cause,
                severity=_SEVERITIES[health.state],
            )
            self._send(event, attachment)
        return None

    def _report(self) -> None:
        now = self._engine.clock.monotonic()
        interval, self._reported_at = now - self._reported_at, now
        stats = self._stats().attachments
        attached = with_keepers(self._attachments.values())
        everybody = {one.name: one for one in attached}
        self._told = {a: t for a, t in self._told.items() if a in attached}
        news = [
            (everybody[name], self._news(everybody[name], one, interval))
            for name, one in stats.items()
            if name in everybody
        ]
        for attachment, event in news:
            if event is not None:
                self._send(event, attachment)

    def _news(
        self, attachment: Attachment, stats: AttachmentStats, interval_seconds: float
    ) -> AttachmentReported | None:
        told = self._told.setdefault(attachment, _Told())
        own = attachment.ledger.own
        counts = Counts.of(stats, own.counts)
        moved, told.counts = counts.since(told.counts), counts
        if not moved:
            return None
        return AttachmentReported(
            attachment=attachment.name,
            interval_seconds=interval_seconds,
            pending=stats.pending - len(own.pending),
            oldest_pending_seconds=stats.oldest_pending_seconds,
            state=stats.state,
            cause=stats.cause,
            **moved,
        )

    def _send(self, event: Event, about: Attachment) -> None:
        """Offer *event* to all who select it, but not to whom it is *about*."""
        known = self._engine.router.catalog.register(type(event))
        number = SEVERITY_NUMBER[getattr(event, "severity", known.identity.severity)]
        window = self._engine.sealer.window_of(event, self._engine.clock.time_ns())
        for one in list(self._attachments.values()):
            select = one.plan.select
            floor = select.severity_floor(varies=True) or 0
            selects = select.selects(known, varies=True) and number >= floor
            if one is not about and selects:
                one.take_own(window)
