"""How a bus starts and ends, with all its attachments."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeVar

import anyio

from eventbus._attachment import Attachment, with_keepers
from eventbus._bounds import not_nan
from eventbus._engine import Engine
from eventbus._errand import Errand
from eventbus._errors import AttachError, BusClosedError
from eventbus._flush import Flushes
from eventbus._fork import start_over_in_children
from eventbus._loop import before_loop_ends
from eventbus._sink import Sink
from eventbus._stats import AttachmentReport, Report
from eventbus._waiting import GRACE_SECONDS, TimeLimit, outlast

if TYPE_CHECKING:
    from eventbus._own_events import OwnEvents

T = TypeVar("T")

Phase = Literal["not started", "running", "closing", "closed"]


class _Departure(NamedTuple):
    """An attachment's detach that is under way."""

    limit: TimeLimit
    errand: Errand[AttachmentReport]


class Lifecycle:
    """The attachments of one bus, from attaching to the last report.

    Args:
        engine: What they are connected to.
        start_timeout_seconds: Longest wait for sinks to start.
        close_timeout_seconds: What a close, or a detach, may take.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        start_timeout_seconds: float,
        close_timeout_seconds: float,
    ) -> None:
        """Begin with nothing attached."""
        self._engine: Final = engine
        self._start_timeout_seconds: Final = start_timeout_seconds
        self.close_timeout_seconds: Final = close_timeout_seconds
        self.flushes: Final = Flushes(self, engine)
        self.attachments: dict[str, Attachment] = {}
        self._leaving: dict[Attachment, _Departure] = {}
        self._closing: Errand[Report] | None = None
        self._guard: AsyncGenerator[None] | None = None
        self._parents: object = None
        self.own_events: OwnEvents | None = None
        self.phase: Phase = "not started"
        start_over_in_children(self)

    @property
    def is_running(self) -> bool:
        """Whether there are workers that a close would end."""
        return self.phase == "running"

    @property
    def is_closed(self) -> bool:
        """Whether nothing can be attached any more."""
        return self.phase in ("closing", "closed")

    @property
    def everybody(self) -> dict[str, Attachment]:
        """The attachments and the keepers of their dead letters, by name."""
        return {one.name: one for one in with_keepers(self.attachments.values())}

    @property
    def pending(self) -> int:
        """How many events are pending, over all attachments."""
        ingress = self._engine.ingress
        with ingress.left, ingress.mutex, ingress.inside:
            if not ingress.inside.is_amid:
                ingress.settle()
        return sum(a.buffer.pending + a.door.arrived for a in self.everybody.values())

    def free_name(self, name: str | None, default: str) -> str:
        """Return *name*, or a free one like *default*.

        That of an attachment which is still being detached is free: it has left the
        counts, and its detach returns the rest of them.

        Raises:
            AttachError: *name* is taken or blank.
        """
        if name is not None:
            if not name.strip():
                raise AttachError(f"the name of an attachment must not be {name!r}")
            if name in self.everybody:
                raise AttachError(f"the name {name!r} is taken by another attachment")
            return name
        number = 1
        free = default
        while free in self.everybody:
            number += 1
            free = f"{default}-{number}"
        return free

    def holder_of(self, sink: Sink) -> str | None:
        """Return the name under which *sink* is attached, or ``None``.

        Raises:
            AttachError: It is still being detached.
        """
        for attachment in with_keepers(self._leaving):
            if attachment.sink is sink:
                raise AttachError(
                    f"the {type(sink).__name__} that was attached as "
                    f"{attachment.name!r} is still being detached: await that first"
                )
        holders = (a.name for a in self.everybody.values() if a.sink is sink)
        return next(holders, None)

    def add(self, attachment: Attachment) -> None:
        """Connect *attachment*, and start it when the bus runs."""
        self.check_thread(f"attaching {attachment.name!r}")
        self.attachments[attachment.name] = attachment
        self._engine.connect(attachment)
        loop = self._engine.binding.loop
        if self.is_running and loop is not None:
            if loop.is_running():
                self._launch(attachment)
            elif not loop.is_closed():
                loop.call_soon(self._launch, attachment)

    def check_thread(self, action: str) -> None:
        """Raise ``AttachError`` for *action* on another thread than the loop's."""
        if self.is_running and not self._engine.binding.is_owner():
            raise AttachError(
                f"{action} must happen on the thread of the bus's event loop "
                "(loop.call_soon_threadsafe gets there)"
            )

    def _launch(self, attachment: Attachment) -> None:
        for one in (attachment, attachment.dead_letters):
            if one is not None and not one.plan.pulls:
                one.workers.launch()

    async def start(self) -> None:
        """See :meth:`eventbus.Bus.start`."""
        if self.is_closed:
            raise BusClosedError("start was called after the bus was closed")
        if self._engine.binding.is_elsewhere:
            raise RuntimeError("the bus runs on another event loop already")
        self._run_here()
        await self._wait_until_started()

    def _run_here(self) -> None:
        if not self._engine.binding.is_bound:
            self._engine.binding.bind()
            self._guard = before_loop_ends(self._leave_loop)
            self._forget_old_loop()
        self.phase = "running"
        for attachment in self.attachments.values():
            self._launch(attachment)
        self._engine.work()
        if self.own_events is not None:
            self.own_events.start()

    def _forget_old_loop(self) -> None:
        """Let go of all who waited on a loop that is gone; go on with its detaches."""
        self.flushes.barriers.rebind()
        for attachment in with_keepers([*self.attachments.values(), *self._leaving]):
            attachment.workers.departures.rebind()
            for waiter in list(attachment.waiters):
                if waiter.is_stranded:
                    waiter.turn_away()
            attachment.admit_waiting()
        for attachment, departure in self._leaving.items():
            self._launch(attachment)
            self._leaving[attachment] = self._departure(attachment, departure.limit)

    async def _leave_loop(self) -> None:
        """End all workers, with nothing decided: another loop may take it up."""
        everybody = with_keepers([*self.attachments.values(), *self._leaving])
        running = [task for one in everybody for task in one.workers.suspend()]
        await outlast(*running, seconds=GRACE_SECONDS)

    def start_over(self) -> None:
        """Be as if never started, in the child of a fork; what was closed stays closed.

        What belongs to the parent's loop is kept and left alone: to let go of it would
        close what the parent uses.
        """
        tasks = [one.workers.tasks for one in self.everybody.values()]
        loop = self._engine.binding.loop
        self._parents = (loop, self._guard, self._closing, tasks, self._parents)
        self._guard = None
        if self.own_events is not None:
            self.own_events.start_over()
        self._engine.start_over(self._renewed)

    def _renewed(self) -> list[Attachment]:
        """Renew all attachments; return those that are not being detached."""
        for one in with_keepers([*self.attachments.values(), *self._leaving]):
            one.start_over()
        self.flushes.barriers.rebind()
        for one in self._leaving:
            one.last_report = one.report(is_past=True)
        self._leaving.clear()
        if self.phase == "closing":
            self.phase, self._closing = "closed", None
        elif self.phase == "running":
            self.phase = "not started"
        return [*self.attachments.values()]

    async def _wait_until_started(self) -> None:
        clock = self._engine.clock
        deadline = clock.monotonic() + self._start_timeout_seconds
        for attachment in list(self.everybody.values()):
            if not attachment.plan.pulls:
                await attachment.ready(max(deadline - clock.monotonic(), 0))

    async def detach(
        self, attachment: Attachment, timeout_seconds: float | None
    ) -> AttachmentReport:
        """See :meth:`eventbus.Attachment.detach`."""
        if attachment.last_report is not None:
            return attachment.last_report
        _refuse_inside([attachment], f"detach of {attachment.name!r}")
        if attachment not in self._leaving and self._closing is not None:
            _refuse_inside(self.attachments.values(), f"detach of {attachment.name!r}")
            report = await _see_through(self._closing)
            return report.attachments[attachment.name]
        if self.is_running and not self._engine.binding.is_bound:
            self._run_here()
        if attachment not in self._leaving:
            self.check_thread(f"detaching {attachment.name!r}")
            if timeout_seconds is None:
                timeout_seconds = self.close_timeout_seconds
            self._engine.disconnect(attachment)
            del self.attachments[attachment.name]
            limit = TimeLimit(self._engine.clock, timeout_seconds)
            self._leaving[attachment] = self._departure(attachment, limit)
        return await _see_through(self._leaving[attachment].errand)

    def _departure(self, attachment: Attachment, limit: TimeLimit) -> _Departure:
        name = f"eventbus detach {attachment.name}"
        leave = partial(self._detach, attachment, limit)
        return _Departure(limit, Errand(leave, name))

    async def _detach(
        self, attachment: Attachment, limit: TimeLimit
    ) -> AttachmentReport:
        await _end(attachment, limit, "sink_detached")
        self._leaving.pop(attachment, None)
        attachment.last_report = attachment.report(is_past=True)
        return attachment.last_report

    async def aclose(self, timeout_seconds: float | None) -> Report:
        """See :meth:`eventbus.Bus.aclose`."""
        not_nan("timeout_seconds", timeout_seconds)
        binding = self._engine.binding
        if self.phase != "closed" and binding.is_elsewhere:
            return await binding.there(lambda: self.aclose(timeout_seconds))
        if self.phase != "closed":
            _refuse_inside([*self.attachments.values(), *self._leaving], "aclose")
        if self._closing is None or self._closing.is_stranded:
            if timeout_seconds is None:
                timeout_seconds = self.close_timeout_seconds
            if self.phase in ("running", "closing") and not binding.is_bound:
                self._run_here()
            self.phase = "closing"
            self._engine.close()
            limit = TimeLimit(self._engine.clock, timeout_seconds)
            self._closing = Errand(partial(self._close, limit), "eventbus close")
        return await _see_through(self._closing)

    async def _close(self, limit: TimeLimit) -> Report:
        if self.own_events is not None:
            self.own_events.stop()
        for attachment in self.everybody.values():
            for waiter in list(attachment.waiters):
                waiter.turn_away()
        leaving = list(self._leaving.values())
        for departure in leaving:
            departure.limit.shorten(limit.left_seconds)
            departure.errand.look_again()
        endings = [
            Errand(partial(_end, attachment, limit, "shutdown_deadline"), name)
            for name, attachment in self.attachments.items()
        ]
        departures = (departure.errand.done for departure in leaving)
        await outlast(*(ending.done for ending in endings), *departures)
        if self._guard is not None:
            await self._guard.aclose()
        self.phase = "closed"
        self._engine.log.close()
        return self.flushes.report(self._engine.sealer.next_sequence)


def _refuse_inside(attachments: Iterable[Attachment], action: str) -> None:
    """Raise where *action*, which waits for *attachments*, would wait for itself."""
    for attachment in with_keepers(attachments):
        if attachment.workers.is_calling():
            raise RuntimeError(
                f"{action} was awaited inside a call of {attachment.name!r}, whose end "
                "it waits for: begin it in a task of its own, which nobody in there "
                "waits for"
            )


async def _end(attachment: Attachment, limit: TimeLimit, reason: str) -> None:
    """End *attachment*, then who keeps its dead letters, in one time."""
    await attachment.end(limit, reason)
    if attachment.dead_letters is not None:
        await attachment.dead_letters.end(limit, reason)


async def _see_through(errand: Errand[T]) -> T:
    """Wait for *errand* to its end, whoever cancels meanwhile; then let them."""
    cancelled: asyncio.CancelledError | None = None
    with anyio.CancelScope(shield=True):
        while not errand.done.done():
            try:
                await asyncio.wait([errand.done])
            except asyncio.CancelledError as error:
                cancelled = error
    if cancelled is not None:
        raise cancelled
    return errand.done.result()
