"""How a wait ends when nothing happens for too long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final, TypeVar

from eventbus import Clock
from eventbus._bounds import above
from eventbus._clock import TimerHandle
from eventbus_schemas._facts import fitting
from eventbus_schemas.hooks._errors import IdleTimeoutError

T = TypeVar("T")

_NAME: Final = "idle_timeout_seconds"


def idle_time(seconds: float | None) -> float | None:
    """Return *seconds*, the argument ``idle_timeout_seconds``.

    Raises:
        TypeError: It is neither a number nor ``None``.
        ValueError: It is 0 or less.
    """
    if seconds is not None:
        fitting(float, _NAME, seconds, show=repr)
        above(_NAME, seconds, 0)
    return seconds


class IdleTimer:
    """Ends waits that take too long, each by itself.

    Args:
        seconds: How long a wait may take; ``None`` is for ever.
        words: The text of the error that ends it.
        clock: Measures it.
    """

    def __init__(self, seconds: float | None, words: str, clock: Clock) -> None:
        """Wait for nothing yet."""
        self._seconds: Final = idle_time(seconds)
        self._words: Final = words
        self._clock: Final = clock
        self._limits: Final[set[_Limit]] = set()

    async def wait(self, awaitable: Awaitable[T], *, spent_seconds: float = 0.0) -> T:
        """Await *awaitable*, within what is left of the time.

        Raises:
            IdleTimeoutError: The time is over; *awaitable* was cancelled.
        """
        if self._seconds is None:
            return await awaitable
        limit = _Limit(self._clock)
        self._limits.add(limit)
        try:
            async with limit.scope:
                limit.set(self._seconds - spent_seconds)
                return await awaitable
        except TimeoutError:
            if limit.scope.expired():
                raise IdleTimeoutError(self._words) from None
            raise
        finally:
            limit.lift()
            self._limits.discard(limit)

    def put_off(self) -> None:
        """Let the waits that are under way begin anew."""
        if self._seconds is not None:
            for limit in self._limits:
                limit.set(self._seconds)


class _Limit:
    """Of one wait."""

    __slots__ = ("_clock", "_timer", "scope")

    def __init__(self, clock: Clock) -> None:
        self.scope: Final = asyncio.timeout(None)
        self._clock: Final = clock
        self._timer: TimerHandle | None = None

    def set(self, seconds: float) -> None:
        self.lift()
        self._timer = self._clock.call_later(seconds, self._expire)

    def lift(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _expire(self) -> None:
        self.scope.reschedule(asyncio.get_running_loop().time())
