"""A sink that does as it is told: fails, hangs, rejects, answers nonsense on cue."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

from eventbus._clock import Clock, SystemClock
from eventbus._record import AnyRecord
from eventbus._sink import SinkContext
from eventbus.testing.steps import Step, ok


class ScriptedSink:
    """Follows a script, one step a call: ``ScriptedSink(steps.fail(Unavailable()))``.

    Args:
        *script: What the calls of ``write`` do, in their order.
        then: What every call after those does.
        start: What the calls of ``start`` do; then they succeed.
        aclose: What the calls of ``aclose`` do; then they succeed.
    """

    def __init__(
        self,
        *script: Step,
        then: Step = ok,
        start: Sequence[Step] = (),
        aclose: Sequence[Step] = (),
    ) -> None:
        """Begin at the first step.

        Raises:
            TypeError: Something in a script is no step.
        """
        for step in (*script, then, *start, *aclose):
            if not callable(step):
                raise TypeError(
                    f"a step is a function of eventbus.testing.steps, or of "
                    f"your own, got {step!r}"
                )
        self.delivered: list[AnyRecord] = []
        """What arrived at the far side, in its order, repeats included."""
        self.attempts: list[list[AnyRecord]] = []
        """The batch of each call of ``write``, whatever came of it."""
        self.starts = 0
        """How often ``start`` was called."""
        self.closes = 0
        """How often ``aclose`` was called."""
        self.clock: Clock = SystemClock()
        self._script = deque(script)
        self._then = then
        self._start_script = deque(start)
        self._aclose_script = deque(aclose)
        self._released = asyncio.Event()
        self._hanging = 0

    @property
    def hanging(self) -> int:
        """How many calls hang now."""
        return self._hanging

    @property
    def is_released(self) -> bool:
        """Whether hanging is over."""
        return self._released.is_set()

    def release(self) -> None:
        """Let every call that hangs go on, now and from now on."""
        self._released.set()

    async def until_released(self) -> None:
        """Hang; for steps of one's own."""
        self._hanging += 1
        try:
            await self._released.wait()
        finally:
            self._hanging -= 1

    def configure(self, context: SinkContext) -> None:
        """Take the bus's clock."""
        self.clock = context.clock

    async def start(self) -> None:
        """See :class:`eventbus.Sink`."""
        self.starts += 1
        await _next(self._start_script, ok)(self, ())

    async def write(self, batch: Sequence[AnyRecord]) -> Any:
        """See :class:`eventbus.Sink`; Any: a script may answer nonsense."""
        self.attempts.append(list(batch))
        return await _next(self._script, self._then)(self, batch)

    async def aclose(self) -> None:
        """See :class:`eventbus.Sink`."""
        self.closes += 1
        await _next(self._aclose_script, ok)(self, ())


def _next(script: deque[Step], then: Step) -> Step:
    return script.popleft() if script else then
