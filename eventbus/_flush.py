"""How a flush waits, wherever it is called, and what it reports."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from eventbus._attachment import Attachment
from eventbus._barrier import Barriers
from eventbus._bounds import not_nan
from eventbus._engine import Engine
from eventbus._stats import Report

if TYPE_CHECKING:
    from eventbus._lifecycle import Lifecycle

_LATE_SECONDS: Final = 0.05
"""How much later the answer of another loop may come than was asked for."""


class Flushes:
    """Waits for what came before a moment, and reports on all attachments.

    Args:
        life: Whose attachments they are.
        engine: What these are connected to.
    """

    def __init__(self, life: Lifecycle, engine: Engine) -> None:
        """Start with nobody waiting."""
        self._life: Final = life
        self._engine: Final = engine
        self.barriers: Final = Barriers(engine.clock)

    async def flush(self, timeout_seconds: float | None) -> Report:
        """See :meth:`eventbus.Bus.flush`."""
        not_nan("timeout_seconds", timeout_seconds)
        life, binding = self._life, self._engine.binding
        if timeout_seconds is None:
            timeout_seconds = life.close_timeout_seconds
        if life.is_running and binding.is_elsewhere:
            return await self._flush_there(timeout_seconds)
        self._engine.log.catch_up()
        if not life.is_closed:
            self._engine.work()
        barrier = self._engine.sealer.next_sequence
        if not life.is_running or not binding.is_bound:
            return self.report(barrier)
        waited_for = [
            attachment
            for attachment in life.everybody.values()
            if not (attachment.plan.pulls or attachment.workers.is_calling())
        ]
        await self.barriers.wait(waited_for, barrier, timeout_seconds)
        return self.report(barrier)

    async def _flush_there(self, timeout_seconds: float) -> Report:
        """Flush on the bus's loop; report in time though that should stand still."""
        there = self._engine.binding.there(lambda: self.flush(timeout_seconds))
        flushing = asyncio.create_task(there)
        try:
            limit = timeout_seconds + _LATE_SECONDS
            await asyncio.wait([flushing], timeout=limit)
            return flushing.result() if flushing.done() else self._late_report()
        finally:
            flushing.cancel()

    def flush_from_thread(self, timeout_seconds: float | None) -> Report:
        """See :meth:`eventbus.Bus.flush_from_thread`."""
        not_nan("timeout_seconds", timeout_seconds)
        _refuse_on_a_loop("flush_from_thread", "flush")
        life, loop = self._life, self._engine.binding.loop
        if timeout_seconds is None:
            timeout_seconds = life.close_timeout_seconds
        if life.is_running and loop is not None and loop.is_running():
            flushing = asyncio.run_coroutine_threadsafe(
                self.flush(timeout_seconds), loop
            )
            with suppress(TimeoutError, CancelledError):
                return flushing.result(timeout_seconds + _LATE_SECONDS)
            flushing.cancel()
        return self._late_report()

    def _late_report(self) -> Report:
        """Report without the loop's help: what is pending may be from before."""
        return self._report_by(
            lambda one: one.plan.pulls or one.door.free == one.plan.buffer.max_events
        )

    def report(self, barrier: int) -> Report:
        """Return what became of everything before the sequence *barrier*, by now."""
        return self._report_by(lambda one: one.plan.pulls or one.is_past(barrier))

    def _report_by(self, is_past: Callable[[Attachment], bool]) -> Report:
        ingress = self._engine.ingress
        with ingress.left, ingress.mutex, ingress.inside:
            ingress.settle()
            is_over = self._life.phase == "closed"
            reports = {
                name: attachment.report(is_past=is_past(attachment), is_over=is_over)
                for name, attachment in self._life.everybody.items()
            }
        complete = all(report.complete for report in reports.values())
        return Report(complete=complete, attachments=reports)


def _refuse_on_a_loop(action: str, instead: str) -> None:
    """Raise where *action* would hold up the event loop that runs in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        f"{action} would hold up the event loop that runs in this thread: "
        f"await {instead} there"
    )
