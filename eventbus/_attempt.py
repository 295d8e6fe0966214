"""One call into a sink: bounded in time, and whatever comes back becomes a verdict."""

from __future__ import annotations

import asyncio
import math
from typing import Final

from eventbus._clock import Clock, TimerHandle
from eventbus._context import enter_depth
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
from eventbus._waiting import TIMER_TOLERANCE_SECONDS, wait_until_done
from eventbus._window import RecordBatch

TIMED_OUT: Final = "TimeoutError"

CLOSE_GRACE_SECONDS: Final = 0.05
"""How long a sink may take to close when delivering has used up all the time."""

UNWIND_SECONDS: Final = 0.05
"""How long what was cancelled may take to end before it is left alone."""


async def attempt(sink: Sink, batch: RecordBatch, deadline: Deadline) -> Verdict:
    """Offer *batch* to *sink* once, in the task of the caller, a worker.

    Raises:
        asyncio.CancelledError: The task was cancelled, and not by the timeout. See
            :func:`eventbus._verdict.progress_of` for how far it came.
        KeyboardInterrupt: It came from the keyboard.
    """
    enter_depth(batch.depth + 1)
    deadline.begin()
    try:
        answer = await sink.write(batch)
        return DELIVERED if answer is None else judge_answer(answer, len(batch))
    except BaseException as error:  # noqa: BLE001 - whatever a sink raises is judged
        return _judge(error, deadline)
    finally:
        deadline.end()


async def open_sink(sink: Sink, deadline: Deadline) -> Verdict | None:
    """Start *sink* once; ``None`` is success. Raises as :func:`attempt` does."""
    deadline.begin()
    try:
        await sink.start()
    except BaseException as error:  # noqa: BLE001 - whatever a sink raises is judged
        return _judge(error, deadline)
    finally:
        deadline.end()
    return None


async def close_sink(
    sink: Sink, clock: Clock, timeout_seconds: float
) -> asyncio.Task[BaseException | None]:
    """Close *sink*, and cancel that when it takes too long.

    Returns:
        The call, whose result is what the sink raised; it goes on only if it ignored
        its cancellation.
    """
    closing = asyncio.create_task(_closed(sink), name=f"eventbus close {sink!r}")
    try:
        if not await wait_until_done(closing, clock, timeout_seconds):
            await asyncio.wait([closing], timeout=CLOSE_GRACE_SECONDS)
    finally:
        if not closing.done():
            closing.cancel()
            await asyncio.wait([closing], timeout=UNWIND_SECONDS)
    return closing


async def _closed(sink: Sink) -> BaseException | None:
    task = asyncio.current_task()
    assert task is not None
    try:
        await sink.aclose()
    except BaseException as error:
        if task.cancelling() or isinstance(error, GeneratorExit) or was_pressed(error):
            raise
        return error
    return None


def _judge(error: BaseException, deadline: Deadline) -> Verdict:
    """Return what *error* means, or raise it again if it is not the sink's own."""
    if isinstance(error, asyncio.CancelledError):
        if deadline.is_cancelled_by_others:
            raise error
        if deadline.passed:
            return deadline.verdict(progress_of(error))
    if isinstance(error, GeneratorExit) or was_pressed(error):
        raise error
    return judge_error(error)


class Deadline:
    """Cancels a worker whose call takes too long.

    One timer serves many calls: it is set once and looks, when it comes due, whether
    the present call has had its time. :meth:`rest` takes it away when none will follow
    soon.

    Args:
        clock: Where the timer is set.
        seconds: How long a call may take; ``None`` is no limit.
    """

    __slots__ = (
        "_cancelled",
        "_clock",
        "_due",
        "_seconds",
        "_task",
        "_timer",
        "passed",
    )

    def __init__(self, clock: Clock, seconds: float | None) -> None:
        """Watch over the present task; set no timer yet."""
        task = asyncio.current_task()
        assert task is not None
        self.passed = False
        self._task = task
        self._cancelled = 0
        self._clock = clock
        self._seconds = seconds
        self._due = math.inf
        self._timer: TimerHandle | None = None

    def begin(self) -> None:
        """A call begins."""
        self.passed = False
        self._cancelled = self._task.cancelling()
        if self._seconds is not None:
            self._due = self._clock.monotonic() + self._seconds
            if self._timer is None:
                self._timer = self._clock.call_later(self._seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        if math.isinf(self._due):
            return
        left = self._due - self._clock.monotonic()
        if left > TIMER_TOLERANCE_SECONDS:
            self._timer = self._clock.call_later(left, self._look)
            return
        self.passed = True
        self._task.cancel()

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
        reason = f"no answer within {self._seconds} s"
        return Again(TIMED_OUT, reason, unknown=True, progress=progress)
