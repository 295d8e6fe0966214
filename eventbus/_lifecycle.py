"""How a bus starts, flushes and ends, with all its attachments."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Literal, TypeVar

import anyio

from eventbus._attachment import Attachment
from eventbus._barrier import Barriers, is_past
from eventbus._clock import Clock
from eventbus._engine import Engine
from eventbus._errors import AttachError, BusClosedError
from eventbus._sink import Sink
from eventbus._stats import AttachmentReport, Report
from eventbus._waiting import wait_until_done

T = TypeVar("T")

Phase = Literal["not started", "running", "closing", "closed"]


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
        self._close_timeout_seconds: Final = close_timeout_seconds
        self.barriers: Final = Barriers(engine.clock)
        self.attachments: dict[str, Attachment] = {}
        self._leaving: dict[Attachment, asyncio.Task[AttachmentReport]] = {}
        self._closing: asyncio.Task[Report] | None = None
        self.phase: Phase = "not started"

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
        everybody = dict(self.attachments)  # threads look while the loop attaches
        for attachment in list(everybody.values()):
            if attachment.dead_letters is not None:
                everybody[attachment.dead_letters.name] = attachment.dead_letters
        return everybody

    @property
    def pending(self) -> int:
        """How many events are pending, over all attachments."""
        return sum(a.buffer.pending + a.door.arrived for a in self.everybody.values())

    def free_name(self, name: str | None, default: str) -> str:
        """Return *name*, or a free one like *default*.

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
        """Return the name under which *sink* is attached, or ``None``."""
        holders = (a.name for a in self.everybody.values() if a.sink is sink)
        return next(holders, None)

    def add(self, attachment: Attachment) -> None:
        """Connect *attachment*, and start it when the bus runs."""
        self._check_thread(f"attaching {attachment.name!r}")
        self.attachments[attachment.name] = attachment
        self._engine.connect(attachment)
        loop = self._engine.binding.loop
        if self.is_running and loop is not None:
            if loop.is_running():
                self._launch(attachment)
            elif not loop.is_closed():
                loop.call_soon(self._launch, attachment)

    def _check_thread(self, action: str) -> None:
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
        self.phase = "running"
        for attachment in self.attachments.values():
            self._launch(attachment)
        self._engine.work()

    async def _wait_until_started(self) -> None:
        clock = self._engine.clock
        deadline = clock.monotonic() + self._start_timeout_seconds
        for attachment in list(self.everybody.values()):
            if not attachment.plan.pulls:
                await attachment.ready(max(deadline - clock.monotonic(), 0))

    async def flush(self, timeout_seconds: float | None) -> Report:
        """See :meth:`eventbus.Bus.flush`."""
        binding = self._engine.binding
        if self.is_running and binding.is_elsewhere:
            return await binding.there(lambda: self.flush(timeout_seconds))
        if timeout_seconds is None:
            timeout_seconds = self._close_timeout_seconds
        if not self.is_closed:
            self._engine.work()
        if not self.is_running or not binding.is_bound:
            return self._report(self._engine.sealer.next_sequence)
        barrier = self._engine.sealer.next_sequence
        waited_for = [a for a in self.everybody.values() if not a.plan.pulls]
        await self.barriers.wait(waited_for, barrier, timeout_seconds)
        return self._report(barrier)

    def _report(self, barrier: int) -> Report:
        with (
            self._engine.ingress.left,
            self._engine.ingress.mutex,
            self._engine.ingress.inside,
        ):
            reports = {
                name: attachment.report(
                    is_past=attachment.plan.pulls or is_past(attachment, barrier)
                )
                for name, attachment in self.everybody.items()
            }
        complete = all(report.complete for report in reports.values())
        return Report(complete=complete, attachments=reports)

    async def detach(
        self, attachment: Attachment, timeout_seconds: float | None
    ) -> AttachmentReport:
        """See :meth:`eventbus.Attachment.detach`."""
        if attachment.last_report is not None:
            return attachment.last_report
        if attachment not in self._leaving and self._closing is not None:
            report = await _see_through(self._closing)
            return report.attachments[attachment.name]
        if attachment not in self._leaving:
            self._check_thread(f"detaching {attachment.name!r}")
            self._engine.disconnect(attachment)
            del self.attachments[attachment.name]
            self._leaving[attachment] = asyncio.create_task(
                self._detach(attachment, timeout_seconds),
                name=f"eventbus detach {attachment.name}",
            )
        return await _see_through(self._leaving[attachment])

    async def _detach(
        self, attachment: Attachment, timeout_seconds: float | None
    ) -> AttachmentReport:
        if timeout_seconds is None:
            timeout_seconds = self._close_timeout_seconds
        with suppress(asyncio.CancelledError):  # it ended at once, that is all
            await _end(attachment, timeout_seconds, "sink_detached")
        del self._leaving[attachment]
        attachment.last_report = attachment.report(is_past=True)
        return attachment.last_report

    async def aclose(self, timeout_seconds: float | None) -> Report:
        """See :meth:`eventbus.Bus.aclose`."""
        binding = self._engine.binding
        if self.phase != "closed" and binding.is_elsewhere:
            return await binding.there(lambda: self.aclose(timeout_seconds))
        if self._closing is None or _is_stranded(self._closing):
            if timeout_seconds is None:
                timeout_seconds = self._close_timeout_seconds
            if self.phase != "not started" and not binding.is_bound:
                self._run_here()
            self.phase = "closing"
            self._engine.close()
            self._closing = asyncio.create_task(
                self._close(timeout_seconds), name="eventbus close"
            )
        return await _see_through(self._closing)

    async def _close(self, timeout_seconds: float) -> Report:
        for attachment in self.everybody.values():
            for waiter in list(attachment.waiters):
                waiter.turn_away()
        endings = [
            asyncio.create_task(_end(attachment, timeout_seconds, "shutdown_deadline"))
            for attachment in self.attachments.values()
        ]
        leaving = list(self._leaving.values())
        hurry = asyncio.create_task(
            _hurry(leaving, self._engine.clock, timeout_seconds)
        )
        await _await_all([*endings, hurry])
        self.phase = "closed"
        return self._report(self._engine.sealer.next_sequence)


def _is_stranded(task: asyncio.Task[T]) -> bool:
    """Return whether *task* never came to its end: cancelled, or its loop is gone."""
    return task.cancelled() or (not task.done() and task.get_loop().is_closed())


async def _await_all(tasks: Sequence[asyncio.Task[T]]) -> None:
    """Wait for *tasks*; if cancelled, make them end at once, and no more than that."""
    if not tasks:
        return
    try:
        await asyncio.wait(tasks)
    except asyncio.CancelledError:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _hurry(
    tasks: Sequence[asyncio.Task[T]], clock: Clock, timeout_seconds: float
) -> None:
    """Let *tasks* end by themselves for so long, then make them end at once."""
    all_done = asyncio.gather(*tasks, return_exceptions=True)
    try:
        await wait_until_done(all_done, clock, timeout_seconds)
    finally:
        for task in tasks:
            task.cancel()
        await _await_all(tasks)


async def _end(attachment: Attachment, timeout_seconds: float, reason: str) -> None:
    """End *attachment*, then who keeps its dead letters, in one time."""
    clock = attachment.host.clock
    ends_at = clock.monotonic() + timeout_seconds
    try:
        await attachment.end(timeout_seconds, reason)
    except asyncio.CancelledError:
        ends_at = clock.monotonic()
        raise
    finally:
        if attachment.dead_letters is not None:
            left = max(ends_at - clock.monotonic(), 0)
            await attachment.dead_letters.end(left, reason)


async def _see_through(task: asyncio.Task[T]) -> T:
    """Wait for *task* to its end, whoever cancels meanwhile; then let them."""
    cancelled: asyncio.CancelledError | None = None
    with anyio.CancelScope(shield=True):
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError as error:
                cancelled = error
    if cancelled is not None:
        raise cancelled
    return task.result()
