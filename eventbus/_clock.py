"""What time it is, and how to be called later: the only place that knows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class TimerHandle(Protocol):
    """A call that is due later."""

    def cancel(self) -> None:
        """Call it off; harmless when it was made or called off already."""
        ...


class Clock(Protocol):
    """Wall clock for timestamps, monotonic clock for everything that waits."""

    def time_ns(self) -> int:
        """Nanoseconds since 1970, for timestamps only."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        ...

    def call_later(
        self, delay_seconds: float, callback: Callable[[], object]
    ) -> TimerHandle:
        """Call *callback* on the running loop once *delay_seconds* have passed."""
        ...


class SystemClock:
    """The clocks of the system; timers belong to the running event loop."""

    time_ns = staticmethod(time.time_ns)
    monotonic = staticmethod(time.monotonic)

    def call_later(
        self, delay_seconds: float, callback: Callable[[], object]
    ) -> TimerHandle:
        """See :class:`Clock`."""
        return asyncio.get_running_loop().call_later(delay_seconds, callback)
