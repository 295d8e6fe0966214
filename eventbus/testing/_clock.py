"""A clock that moves only when a test says so."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

from eventbus._bounds import at_least

_START_UNIX_NANO = 1_700_000_000_000_000_000
_NANOSECONDS = 1_000_000_000


class _Timer:
    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        self.callback = None


class ManualClock:
    """A :class:`eventbus.Clock` for tests: ``Bus(clock=ManualClock())``.

    Args:
        start_unix_nano: The wall clock at the beginning, in nanoseconds since 1970.
    """

    def __init__(self, start_unix_nano: int = _START_UNIX_NANO) -> None:
        """Stand still."""
        self._unix_nano = start_unix_nano
        self._elapsed_nano = 0
        self._timers: list[tuple[int, int, _Timer]] = []
        self._order = itertools.count()

    def time_ns(self) -> int:
        """The wall clock, in nanoseconds since 1970."""
        return self._unix_nano

    def monotonic(self) -> float:
        """Seconds that :meth:`advance` has let pass."""
        return self._elapsed_nano / _NANOSECONDS

    def call_later(
        self, delay_seconds: float, callback: Callable[[], object]
    ) -> _Timer:
        """Call *callback* in the :meth:`advance` that lets *delay_seconds* pass."""
        timer = _Timer(callback)
        due = self._elapsed_nano + round(max(delay_seconds, 0) * _NANOSECONDS)
        heapq.heappush(self._timers, (due, next(self._order), timer))
        return timer

    @property
    def timers(self) -> int:
        """How many timers are set."""
        return sum(timer.callback is not None for _, _, timer in self._timers)

    def set_wall_clock(self, unix_nano: int) -> None:
        """Step the wall clock, backwards too; timers do not notice."""
        self._unix_nano = unix_nano

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass; timers that come due are called in their order.

        A timer set by another one is called too if it comes due within *seconds*.
        What tasks do then happens when the loop next runs: see :func:`settled`.
        """
        at_least("seconds", seconds, 0)
        end = self._elapsed_nano + round(seconds * _NANOSECONDS)
        while self._timers and self._timers[0][0] <= end:
            due, _, timer = heapq.heappop(self._timers)
            self._move_to(max(due, self._elapsed_nano))
            callback, timer.callback = timer.callback, None
            if callback is not None:
                callback()
        self._move_to(end)

    def _move_to(self, elapsed_nano: int) -> None:
        self._unix_nano += elapsed_nano - self._elapsed_nano
        self._elapsed_nano = elapsed_nano
