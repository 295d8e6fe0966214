"""How long to wait for a future, by the bus's own clock."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import Any, Final

from eventbus._clock import Clock, TimerHandle

TIMER_TOLERANCE_SECONDS: Final = 1e-6  # a timer may come a rounding error early

GRACE_SECONDS: Final = 0.03
"""How long what was cut off by a time limit may take to end before it is left alone."""

_GRACE_IN_ALL_SECONDS: Final = 0.06
_LEAST_GRACE_SECONDS: Final = 0.005  # some passes of the loop


def settle(future: asyncio.Future[None]) -> None:
    """Finish *future* unless it is finished already, or its loop is gone."""
    if not future.done() and not future.get_loop().is_closed():
        future.set_result(None)


async def wait_until_done(
    future: asyncio.Future[Any],  # Any: the result is nobody's business here
    clock: Clock,
    timeout_seconds: float | None,
    *,
    loop_seconds: float | None = None,
) -> bool:
    """Wait until *future* is done or the time is up; return whether it is done.

    Neither a timeout nor a cancellation of the waiter touches *future*.

    Args:
        future: What is waited for.
        clock: What measures the time.
        timeout_seconds: Longest wait; ``None`` is no limit.
        loop_seconds: Longest wait by the time of the event loop, besides.
    """
    if future.done() or timeout_seconds == 0:
        return future.done()
    loop = asyncio.get_running_loop()
    gate: asyncio.Future[None] = loop.create_future()

    def open_gate(_: object = None) -> None:
        settle(gate)

    future.add_done_callback(open_gate)
    timers: list[TimerHandle] = []
    if timeout_seconds is not None:
        timers.append(clock.call_later(max(timeout_seconds, 0), open_gate))
    if loop_seconds is not None:
        timers.append(loop.call_later(loop_seconds, open_gate))
    try:
        await gate
    finally:
        future.remove_done_callback(open_gate)
        for timer in timers:
            timer.cancel()
    return future.done()


class WaitingRoom:
    """Those who wait for one thing, each until its own time is up or all are woken.

    Args:
        clock: What measures the time.
    """

    __slots__ = ("_clock", "_woken")

    def __init__(self, clock: Clock) -> None:
        """Begin empty."""
        self._clock: Final = clock
        self._woken: set[asyncio.Future[None]] = set()

    def __bool__(self) -> bool:
        return bool(self._woken)

    async def wait(self, seconds: float | None) -> None:
        """Wait until :meth:`wake`, or *seconds* at most; ``None`` is no limit."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._woken.add(woken)
        try:
            await wait_until_done(woken, self._clock, seconds)
        finally:
            self._woken.discard(woken)

    def wake(self) -> None:
        """Let all of them go on."""
        for woken in list(self._woken):
            settle(woken)

    def clear(self) -> None:
        """Forget those whose loop is gone."""
        self._woken.clear()


class TimeLimit:
    """How long an ending may take; what waits within it withstands cancellation.

    Once cancelled, the time of the event loop counts as well: a clock that stands
    still, as one for tests may, must not keep a program from its end.

    Args:
        clock: What time it is.
        seconds: From now on.
    """

    __slots__ = ("_clock", "_ends_at", "_grace_ends_at", "_loop_ends_at")

    def __init__(self, clock: Clock, seconds: float) -> None:
        """Begin now."""
        self._clock: Final = clock
        self._ends_at = clock.monotonic() + seconds
        self._grace_ends_at: float | None = None
        self._loop_ends_at: float | None = None

    @property
    def left_seconds(self) -> float:
        """How much of it is left, 0 at least."""
        left = self._ends_at - self._clock.monotonic()
        if (by_loop := self._loop_seconds) is not None:
            left = min(left, by_loop)
        return left if left > TIMER_TOLERANCE_SECONDS else 0.0

    @property
    def _loop_seconds(self) -> float | None:
        if self._loop_ends_at is None:
            return None
        return self._loop_ends_at - asyncio.get_running_loop().time()

    def grace_seconds(self) -> float:
        """Return how long what is cut off now may take, by the time of the loop.

        From the first time on, there is little of it in all.
        """
        now = asyncio.get_running_loop().time()
        if self._grace_ends_at is None:
            self._grace_ends_at = now + _GRACE_IN_ALL_SECONDS
        left = self._grace_ends_at - now
        return max(min(GRACE_SECONDS, left), _LEAST_GRACE_SECONDS)

    def shorten(self, seconds: float) -> None:
        """End in *seconds* at the latest; who waits already has to be woken."""
        self._ends_at = min(self._ends_at, self._clock.monotonic() + seconds)

    async def outlast(self, future: asyncio.Future[Any]) -> bool:
        """Wait until *future* is done or the time is up; return whether it is done.

        A cancellation of the waiter only makes it look again.
        """
        # Any: the result is nobody's business here
        while not future.done() and (left := self.left_seconds) > 0:
            by_loop = self._loop_seconds
            try:
                await wait_until_done(future, self._clock, left, loop_seconds=by_loop)
            except asyncio.CancelledError:
                if by_loop is None:
                    now = asyncio.get_running_loop().time()
                    self._loop_ends_at = now + self.left_seconds
        return future.done()


async def outlast(
    *futures: asyncio.Future[Any],  # Any: the results are nobody's business here
    seconds: float = math.inf,
) -> None:
    """Wait for all *futures*, whoever cancels meanwhile, at most so long.

    The time is that of the event loop: this is for what was cut off, or ends by itself.
    """
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + seconds
    while waiting := [future for future in futures if not future.done()]:
        left = ends_at - loop.time()
        if left <= 0:
            return
        with suppress(asyncio.CancelledError):
            await asyncio.wait(waiting, timeout=None if math.isinf(left) else left)
