"""Whether a call into a sink held the event loop, so that nothing else could run."""

from __future__ import annotations

import math
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from eventbus._clock import Clock

T = TypeVar("T")

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

    # Any: what a coroutine yields and is sent is the loop's business.
    @types.coroutine
    def over(
        self, call: Coroutine[Any, Any, T], paused: Callable[[float], None]
    ) -> Generator[Any, Any, T]:
        """Await *call*, as a plain ``await`` does.

        Args:
            call: Of a sink.
            paused: Is given when the call began, at its first pause if it has one.
        """
        steps = call
        if type(call) is not types.CoroutineType:  # a sink may return anything
            steps = _awaited(call)
        now, longest = self._monotonic, 0.0
        value: Any = None
        thrown: list[BaseException] = []  # never in a frame that its traceback holds
        began = now()
        try:
            signal: Any = steps.send(None)
            paused(began)
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
            self.ended_at = ended = now()
            held = ended - began
            if held >= BLOCKED_SECONDS or longest >= BLOCKED_SECONDS:
                self._told(max(held, longest))


async def _awaited(call: Awaitable[T]) -> T:
    return await call
