"""One call into a sink: bounded in time, and whatever comes back becomes a verdict."""

from __future__ import annotations

import asyncio
import math
from typing import Final

from eventbus._clock import Clock, TimerHandle
from eventbus._context import enter_depth
from eventbus._sink import Sink
from eventbus._verdict import DELIVERED, Again, Verdict, judge_answer, judge_error, was_pressed
from eventbus._waiting import TIMER_TOLERANCE_SECONDS
from eventbus._window import RecordBatch

TIMED_OUT: Final = "TimeoutError"


async def attempt(sink: Sink, batch: RecordBatch, deadline: Deadline) -> Verdict:
    """Offer *batch* to *sink* once, in the task of the caller, a worker.

    Raises:
        asyncio.CancelledError: The task was cancelled, and not by the timeout. Its
            ``delivered`` says how many records from the front the sink had finished,
            where it kept count.
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


def _judge(error: BaseException, deadline: Deadline) -> Verdict:
    """Return what *error* means, or raise it again if it is not the sink's own."""
    if isinstance(error, asyncio.CancelledError):
        if deadline.passed:
            return deadline.verdict(getattr(error, "delivered", 0))
        if deadline.task.cancelling():
            raise error
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

    __slots__ = ("_clock", "_due", "_seconds", "_timer", "passed", "task")

    def __init__(self, clock: Clock, seconds: float | None) -> None:
        """Watch over the present task; set no timer yet."""
        task = asyncio.current_task()
        assert task is not None
        self.task = task
        self.passed = False
        self._clock = clock
        self._seconds = seconds
        self._due = math.inf
        self._timer: TimerHandle | None = None

    def begin(self) -> None:
        """A call begins."""
        self.passed = False
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
        self.task.cancel()

    def end(self) -> None:
        """The call is over."""
        self._due = math.inf
        if self.passed:
            self.task.uncancel()

    def rest(self) -> None:
        """Take the timer away: an idle bus wakes nobody."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def verdict(self, delivered: int) -> Again:
        """Return what it means that the time is up."""
        reason = f"no answer within {self._seconds} s"
        return Again(TIMED_OUT, reason, unknown=True, delivered=delivered)
