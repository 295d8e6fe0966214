"""A bus on a clock of the test's own, numbered events, a sink that waits for cues."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from random import Random
from types import TracebackType
from typing import Any

from eventbus import (
    Attachment,
    AttachmentStats,
    Batch,
    Bus,
    Event,
    Gap,
    Retry,
    Sink,
    gaps_of,
)
from eventbus._record import AnyRecord
from eventbus.testing import ManualClock, settled
from tests._measured import law_holds, measured

AT_ONCE = Batch(max_delay_seconds=0.0)
ONE_BY_ONE = Batch(max_events=1, max_delay_seconds=0.0)
PATIENT = Retry(timeout_seconds=None)


class Numbered(Event, tag="numbered"):
    n: int
    text: str = ""


class Wrong(Event, tag="wrong", severity="error"):
    n: int


class Top(Random):
    """Draws the largest wait there is: 1, 2, 4, … at most 30 seconds."""

    def uniform(self, a: float, b: float) -> float:
        return b


def numbers(records: Iterable[AnyRecord]) -> list[int]:
    return [record.event.n for record in records]


class Rig:
    """Starts a bus, and checks at the end that every event is accounted for."""

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock()
        self.bus = Bus(clock=self.clock, **options)

    async def __aenter__(self) -> Rig:
        await self.bus.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.check_balance()
        await self.bus.aclose(0)
        if error is None:
            self.check_balance()
            assert sum(a.pending for a in self.bus.stats().attachments.values()) == 0

    async def attach(self, sink: Sink, **wishes: Any) -> Attachment:
        """Attach *sink* as ``sink`` and let it start; its backoff is without luck."""
        attachment = self.bus.attach(sink, **{"name": "sink", **wishes})
        settle_jitter(attachment)
        await settled()
        return attachment

    async def emit(self, *values: int) -> list[bool]:
        """Emit, then let happen what can without the passing of time."""
        answers = [self.bus.emit(Numbered(n=value)) for value in values]
        await settled()
        return answers

    async def after(self, seconds: float) -> None:
        """Let time pass, then let happen what can."""
        self.clock.advance(seconds)
        await settled()

    async def at_once(self, seconds: float, task: asyncio.Task[Any]) -> Any:
        """Return what *task* returns once *seconds* have passed, and not before."""
        await settled()
        assert not task.done()
        await self.after(seconds)
        return await task

    def stats(self, name: str = "sink") -> AttachmentStats:
        return self.bus.stats().attachments[name]

    def check_balance(self) -> None:
        for name, stats in self.bus.stats().attachments.items():
            assert stats.balanced, f"{name}: {stats}"
        for name, found in measured(self.bus).items():
            assert law_holds(found), f"{name}: {found}"


def settle_jitter(attachment: Attachment) -> None:
    """Make each backoff of *attachment* as long as it may be."""
    workers = attachment.workers
    for backoff in (workers._backoff, workers.delivery._backoff):
        object.__setattr__(backoff, "_random", Top())


class CuedSink:
    """Each call of ``write`` waits for its cue.

    A cue is an exception to raise, or what to return.
    """

    def __init__(self) -> None:
        self.attempts: list[list[AnyRecord]] = []
        self.delivered: list[AnyRecord] = []
        self._waiting: deque[tuple[list[AnyRecord], asyncio.Future[Any]]] = deque()

    @property
    def in_flight(self) -> int:
        return len(self._waiting)

    async def cue(self, answer: object = None, *, index: int = 0) -> None:
        """End the call at *index*, by age, with *answer*."""
        batch, future = self._waiting[index]
        del self._waiting[index]
        if answer is None:
            self.delivered += batch
        if isinstance(answer, BaseException):
            future.set_exception(answer)
        else:
            future.set_result(answer)
        await settled()

    async def start(self) -> None:
        pass

    async def write(self, batch: Sequence[AnyRecord]) -> Any:
        records = list(batch)
        self.attempts.append(records)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        waiting = (records, future)
        self._waiting.append(waiting)
        try:
            return await future
        finally:
            if waiting in self._waiting:
                self._waiting.remove(waiting)

    async def aclose(self) -> None:
        pass


class Telling(CuedSink):
    """Keeps the gaps that each attempt was told of."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[Gap, ...]] = []

    async def write(self, batch: Sequence[AnyRecord]) -> Any:
        self.told.append(gaps_of(batch))
        return await super().write(batch)

    async def cue_all(self) -> None:
        while self.in_flight:
            await self.cue()
