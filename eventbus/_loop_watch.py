"""Whether a call into a sink held the event loop, so that nothing else could run."""

from __future__ import annotations

import math
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Any, Final, TypeVar, TypeVarTuple

from eventbus._clock import Clock

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

BLOCKED_SECONDS: Final = 0.1  # asyncio's own slow_callback_duration


class LoopWatch:
    """Measures the longest stretch of a call between two of its pauses.

    Args:
        clock: What time it is.
        told: Is given the seconds, once after a call that held the loop for
            ``BLOCKED_SECONDS`` or longer.
    """

    __slots__ = ("_monotonic", "_told", "ended_at")

    def __init__(self, clock: Clock, told: Callable[[float], None]) -> None:
        """Keep the parts."""
        self._monotonic: Final = clock.monotonic
        self._told: Final = told
        self.ended_at = -math.inf
        """When the last call ended."""

    @contextmanager
    def stretch(self) -> Generator[None]:
        """Measure the block, which has no pauses."""
        began = self._monotonic()
        try:
            yield
        finally:
            held = self._monotonic() - began
            if held >= BLOCKED_SECONDS:
                self._told(held)

    # Any in what follows: what a coroutine yields and is sent is the loop's business.

    def begin(
        self,
        function: Callable[[*Ts], Coroutine[Any, Any, T]],
        began: float,
        paused: Callable[[float], None],
        *args: *Ts,
    ) -> tuple[T, None] | tuple[None, Awaitable[T]]:
        """Call *function* and run it up to its first pause, here and now.

        Args:
            function: Of a sink.
            began: What time it is.
            paused: Is given when the call began, if it pauses.
            *args: What *function* is given.

        Returns:
            Its result, or what goes on with it, to be awaited by the same task at once.
        """
        try:
            steps = call = function(*args)
        except BaseException:
            self._end(began, 0.0)
            raise
        if type(call) is not types.CoroutineType:  # a sink may return anything
            steps = _awaited(call)
        try:
            signal = steps.send(None)
        except StopIteration as stop:
            self.ended_at = ended = self._monotonic()
            if ended - began >= BLOCKED_SECONDS:
                self._told(ended - began)
            result: T = stop.value
            return result, None
        except BaseException:
            self._end(began, 0.0)
            raise
        paused(began)
        return None, self._rest(steps, signal, began)

    async def over(
        self,
        function: Callable[[], Coroutine[Any, Any, T]],
        paused: Callable[[float], None],
    ) -> T | None:
        """Call *function* and await it, as a plain ``await`` does."""
        result, rest = self.begin(function, self._monotonic(), paused)
        return result if rest is None else await rest

    @types.coroutine
    def _rest(
        self, steps: Coroutine[Any, Any, T], signal: Any, began: float
    ) -> Generator[Any, Any, T]:
        now, longest = self._monotonic, 0.0
        value: Any = None
        thrown: list[BaseException] = []  # never in a frame that its traceback holds
        try:
            while True:
                if (held := now() - began) > longest:
                    longest = held
                try:
                    value = yield signal
                except BaseException as error:  # noqa: BLE001 - all of it is the call's
                    thrown.append(error)
                began = now()
                signal = steps.throw(thrown.pop()) if thrown else steps.send(value)
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            self._end(began, longest)

    def _end(self, began: float, longest: float) -> None:
        """Note that a call ended, whose last stretch *began* then."""
        self.ended_at = ended = self._monotonic()
        if (held := ended - began) >= BLOCKED_SECONDS or longest >= BLOCKED_SECONDS:
            self._told(max(held, longest))


async def _awaited(call: Awaitable[T]) -> T:
    return await call
