"""One call into a sink: bounded in time, and whatever comes back becomes a verdict."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Final

from eventbus._chunk import RecordBatch
from eventbus._clock import Clock, TimerHandle
from eventbus._context import enter_depth, enter_sink
from eventbus._loop_watch import LoopWatch
from eventbus._sink import Sink
from eventbus._verdict import (
    DELIVERED,
    Again,
    Progress,
    Verdict,
    judge_answer,
    judge_error,
    progress_of,
    was_pressed,
)
from eventbus._waiting import (
    GRACE_SECONDS,
    TIMER_TOLERANCE_SECONDS,
    TimeLimit,
    outlast,
)

TIMED_OUT: Final = "TimeoutError"

CLOSE_TRIES: Final = 10
"""How often a sink is closed anew that somebody else cancels while it closes."""


def attempt(
    sink: Sink, batch: RecordBatch, deadline: Deadline, watch: LoopWatch, now: float
) -> Verdict | Awaitable[Verdict]:
    """Offer *batch* to *sink* once, *now*, in the task of the caller, a worker.

    Returns:
        What became of it, or what is to be awaited at once: the call paused.

    Raises:
        asyncio.CancelledError: The task was cancelled, and not by the timeout. See
            :func:`eventbus._verdict.progress_of` for how far it came.
        KeyboardInterrupt: It came from the keyboard.
    """
    enter_depth(batch.depth + 1)
    deadline.begin()
    try:
        answer, rest = watch.begin(sink.write, now, deadline.pause, batch)
        if rest is not None:
            return _attempted(rest, batch, deadline)
        return DELIVERED if answer is None else judge_answer(answer, len(batch))
    except BaseException as error:  # noqa: BLE001 - whatever a sink raises is judged
        try:
            return _judge(error, deadline)
        finally:
            deadline.end()


async def _attempted(
    rest: Awaitable[object], batch: RecordBatch, deadline: Deadline
) -> Verdict:
    try:
        answer = await rest
        return DELIVERED if answer is None else judge_answer(answer, len(batch))
    except BaseException as error:  # noqa: BLE001 - whatever a sink raises is judged
        return _judge(error, deadline)
    finally:
        deadline.end()


async def open_sink(sink: Sink, deadline: Deadline, watch: LoopWatch) -> Verdict | None:
    """Start *sink* once; ``None`` is success. Raises as :func:`attempt` does."""
    deadline.begin()
    try:
        await watch.over(sink.start, deadline.pause)
    except BaseException as error:  # noqa: BLE001 - whatever a sink raises is judged
        return _judge(error, deadline)
    finally:
        deadline.end()
    return None


async def close_sink(
    sink: Sink, limit: TimeLimit
) -> asyncio.Task[BaseException | None]:
    """Close *sink*, and cancel that when it takes too long.

    Somebody else's cancellation only makes it begin again.

    Returns:
        The call, whose result is what the sink raised; it goes on only if it ignored
        its cancellation.
    """
    tries = CLOSE_TRIES
    while True:
        closing = asyncio.create_task(_closed(sink), name=f"eventbus close {sink!r}")
        if not await limit.outlast(closing):
            await outlast(closing, seconds=limit.grace_seconds())
        tries -= 1
        if not closing.cancelled() or not tries:
            break
    if not closing.done():
        closing.cancel()
        await outlast(closing, seconds=limit.grace_seconds())
    return closing


async def _closed(sink: Sink) -> BaseException | None:
    task = asyncio.current_task()
    assert task is not None
    enter_sink()
    try:
        await sink.aclose()
    except BaseException as error:
        if task.cancelling() or isinstance(error, GeneratorExit) or was_pressed(error):
            raise
        return error
    return None


def _judge(error: BaseException, deadline: Deadline) -> Verdict:
    """Return what *error* means, or raise it again if it is not the sink's own.

    After the deadline only what the far side itself must have said is an answer.
    """
    if isinstance(error, asyncio.CancelledError) and deadline.is_cancelled_by_others:
        raise error
    if isinstance(error, GeneratorExit) or was_pressed(error):
        raise error
    verdict = judge_error(error)
    if deadline.passed and isinstance(verdict, Again):
        return deadline.verdict(progress_of(error))
    return verdict


class Deadline:
    """Cancels a worker whose call takes too long, and says if that does not help.

    One timer serves many calls: it is set at the first pause of one and looks, when it
    comes due, whether the present call has had its time. :meth:`rest` takes it away
    when none will follow soon.

    Args:
        clock: Where the timer is set.
        seconds: How long a call may take; ``None`` is no limit.
        told: Is given the cause when a call goes on though it was cancelled.
    """

    __slots__ = (
        "_cancelled",
        "_clock",
        "_due",
        "_seconds",
        "_task",
        "_timer",
        "_told",
        "passed",
    )

    def __init__(
        self, clock: Clock, seconds: float | None, told: Callable[[str], None]
    ) -> None:
        """Watch over the present task; set no timer yet."""
        task = asyncio.current_task()
        assert task is not None
        self.passed = False
        self._task = task
        self._cancelled = 0
        self._clock = clock
        self._seconds = seconds
        self._told = told
        self._due = math.inf
        self._timer: TimerHandle | None = None

    def begin(self) -> None:
        """A call begins."""
        self.passed = False
        self._cancelled = self._task.cancelling()

    def pause(self, began: float) -> None:
        """The call, which *began* then, pauses for the first time: now time counts."""
        if self._seconds is not None:
            self._due = began + self._seconds
            if self._timer is None:
                left = max(self._due - self._clock.monotonic(), 0.0)
                self._timer = self._clock.call_later(left, self._look)

    def _look(self) -> None:
        self._timer = None
        if math.isinf(self._due) or self._task.get_loop().is_closed():
            return
        if self.passed:
            self._told(f"{self._reason}, and its cancellation was ignored")
            return
        left = self._due - self._clock.monotonic()
        if left > TIMER_TOLERANCE_SECONDS:
            self._timer = self._clock.call_later(left, self._look)
            return
        self.passed = True
        self._task.cancel()
        self._task.get_loop().call_soon(self._give_grace)  # it ends in this pass, if so

    def _give_grace(self) -> None:
        if not math.isinf(self._due):
            self._timer = self._clock.call_later(GRACE_SECONDS, self._look)

    @property
    def _reason(self) -> str:
        return f"no answer within {self._seconds} s"

    @property
    def is_cancelled_by_others(self) -> bool:
        """Whether the present call was cancelled, and not only by this deadline."""
        return self._task.cancelling() > self._cancelled + self.passed

    def end(self) -> None:
        """The call is over."""
        self._due = math.inf
        if self.passed:
            self._task.uncancel()

    def rest(self) -> None:
        """Take the timer away: an idle bus wakes nobody."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def verdict(self, progress: Progress) -> Again:
        """Return what it means that the time is up, after *progress*."""
        return Again(TIMED_OUT, self._reason, unknown=True, progress=progress)
