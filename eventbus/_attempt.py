"""One call into a sink: bounded in time, and whatever comes back becomes a verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from eventbus._clock import Clock
from eventbus._context import Bound, scope
from eventbus._sink import Sink
from eventbus._verdict import Again, Verdict, judge_answer, judge_error, was_pressed
from eventbus._window import RecordBatch

TIMED_OUT: Final = "TimeoutError"


async def attempt(
    sink: Sink, batch: RecordBatch, *, clock: Clock, timeout_seconds: float | None
) -> Verdict:
    """Offer *batch* to *sink* once, in the task of the caller.

    Raises:
        asyncio.CancelledError: The task was cancelled, and not by the timeout. Its
            ``delivered`` says how many records from the front the sink had finished,
            where it kept count.
        KeyboardInterrupt: It came from the keyboard.
    """

    async def write() -> Verdict:
        with scope(Bound(depth=batch.depth + 1)):
            return judge_answer(await sink.write(batch), len(batch))

    return await _guarded(write, clock, timeout_seconds)


async def open_sink(
    sink: Sink, *, clock: Clock, timeout_seconds: float | None
) -> Verdict | None:
    """Start *sink* once; ``None`` is success. Raises as :func:`attempt` does."""

    async def start() -> None:
        await sink.start()

    return await _guarded(start, clock, timeout_seconds)


T = TypeVar("T")


async def _guarded(
    call: Callable[[], Awaitable[T]], clock: Clock, timeout_seconds: float | None
) -> T | Verdict:
    deadline = _Deadline(clock, timeout_seconds)
    try:
        return await call()
    except asyncio.CancelledError as error:
        if deadline.passed:
            return deadline.verdict(getattr(error, "delivered", 0))
        if deadline.task.cancelling():
            raise
        return judge_error(error)
    except GeneratorExit:
        raise
    except BaseException as error:
        if was_pressed(error):
            raise
        return judge_error(error)
    finally:
        deadline.end()


class _Deadline:
    """Cancels the present task when the time is up."""

    __slots__ = ("_seconds", "_timer", "passed", "task")

    def __init__(self, clock: Clock, seconds: float | None) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.task = task
        self.passed = False
        self._seconds = seconds
        self._timer = None if seconds is None else clock.call_later(seconds, self._pass)

    def _pass(self) -> None:
        self.passed = True
        self.task.cancel()

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self.passed:
            self.task.uncancel()

    def verdict(self, delivered: int) -> Again:
        reason = f"no answer within {self._seconds} s"
        return Again(TIMED_OUT, reason, unknown=True, delivered=delivered)
