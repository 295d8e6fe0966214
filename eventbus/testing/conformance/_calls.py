"""How a sink is called while it is checked: in a task of its own, bounded, timed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Final

import msgspec

from eventbus._verdict import describe_error
from eventbus.testing.conformance._rules import Rule, SinkViolation
from eventbus.testing.conformance._watch import Watch

# Any in this module: what a sink of unknown quality returns.

MAX_BLOCKING_SECONDS: Final = 0.05
LEFT_OVER_SECONDS: Final = 0.1
"""How long a task may outlive ``aclose``: it takes a pass of the loop or two to end."""


class Ended(msgspec.Struct, frozen=True):
    """How a call ended.

    Args:
        answer: What it returned.
        error: What it raised, or ``None``.
        was_cancelled: Whether it was cancelled on the way.
    """

    answer: Any = None
    error: BaseException | None = None
    was_cancelled: bool = False

    @property
    def how(self) -> str:
        """How it ended, for messages."""
        if self.error is not None:
            return f"raised {describe_error(self.error)}"
        return f"returned {self.answer!r}"


class _Stepwise:
    """Awaits a coroutine, and measures how long it keeps the loop at a time.

    Args:
        coroutine: Is awaited.
        suspended: Called with the number of each suspension, from 0.
    """

    def __init__(
        self, coroutine: Awaitable[Any], suspended: Callable[[int], None]
    ) -> None:
        self._coroutine = coroutine
        self._suspended = suspended
        self.longest_seconds = 0.0

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._coroutine.__await__()
        proceed: Callable[[], Any] = steps.__next__
        number = 0
        while True:
            try:
                waited_for = self._timed(proceed)
            except StopIteration as end:
                return end.value
            self._suspended(number)
            number += 1
            try:
                yield waited_for
            except BaseException as error:  # noqa: BLE001 - goes on into the coroutine
                proceed = _throwing(steps, error)
            else:
                proceed = steps.__next__

    def _timed(self, proceed: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        try:
            return proceed()
        finally:
            took = time.perf_counter() - began
            self.longest_seconds = max(self.longest_seconds, took)


def _throwing(
    steps: Generator[Any, Any, Any], error: BaseException
) -> Callable[[], Any]:
    return lambda: steps.throw(error)


class Calls:
    """Calls into the sinks of one check.

    Args:
        patience_seconds: Longest a call may take, in real time.
        watch: Notices what the calls do.
    """

    def __init__(self, patience_seconds: float, watch: Watch) -> None:
        """Begin with no call made."""
        self.patience_seconds: Final = patience_seconds
        self.watch: Final = watch
        self._longest_seconds: dict[str, list[float]] = {}

    async def make(
        self,
        method: Callable[..., Any],
        *args: Any,
        cancel_at: int | None = None,
        cancel_after_seconds: float | None = None,
    ) -> Ended:
        """Call *method*, a coroutine function, and return how it ended.

        Args:
            method: Of a sink.
            *args: For it.
            cancel_at: Cancel it at this suspension, from 0; ``None`` never does.
            cancel_after_seconds: Cancel it after this time; likewise.

        Raises:
            SinkViolation: It does not end in time, or not as it should when it is
                cancelled.
        """
        name = method.__name__
        loop, cancelled = asyncio.get_running_loop(), list[bool]()

        def cancel() -> None:
            if task.cancel():
                cancelled.append(True)

        with self.watch.inside():
            # Not begun before it has its name here, as by an eager task factory.
            task = asyncio.Task(self._run(method, args, cancel_at, cancel), loop=loop)
        timer = None
        if cancel_after_seconds is not None:
            timer = loop.call_later(cancel_after_seconds, cancel)
        try:
            await self._wait(task, name)
        finally:
            if timer is not None:
                timer.cancel()
        if not cancelled:
            return _uncancelled(task, name)
        if not task.cancelled():
            raise SinkViolation(
                Rule.CANCELLED,
                f"{name} was cancelled and {task.result().how} "
                "instead of letting the CancelledError through",
            )
        return Ended(was_cancelled=True)

    async def _run(
        self,
        method: Callable[..., Any],
        args: tuple[Any, ...],
        cancel_at: int | None,
        cancel: Callable[[], None],
    ) -> Ended:
        def suspended(number: int) -> None:
            if number == cancel_at:
                cancel()

        steps = _Stepwise(method(*args), suspended)
        try:
            return Ended(await steps)
        except (asyncio.CancelledError, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001 - it is what is examined
            return Ended(error=error)
        finally:
            longest = self._longest_seconds.setdefault(method.__name__, [])
            longest.append(steps.longest_seconds)

    async def _wait(self, task: asyncio.Task[Ended], name: str) -> None:
        try:
            done, _ = await asyncio.wait([task], timeout=self.patience_seconds)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait([task], timeout=self.patience_seconds)
            raise
        if not done:
            task.cancel()
            await asyncio.wait([task], timeout=self.patience_seconds)
            raise SinkViolation(
                Rule.CANCELLED, f"{name} did not end within {self.patience_seconds} s"
            )

    def observe(self, observe: Callable[..., Any], batch: Any) -> None:
        """Call a sink's *observe*.

        Raises:
            SinkViolation: It raised, or returned something.
        """
        began = time.perf_counter()
        try:
            with self.watch.inside():
                answer = observe(batch)
        except Exception as error:
            raise SinkViolation(
                Rule.OBSERVE, f"observe raised {describe_error(error)}"
            ) from error
        took = time.perf_counter() - began
        self._longest_seconds.setdefault("observe", []).append(took)
        if answer is not None:
            raise SinkViolation(Rule.OBSERVE, f"observe returned {answer!r}")

    async def left_over(self) -> list[asyncio.Future[Any]]:
        """Return the tasks of sinks that do not end by themselves, and cancel them."""
        if self.watch.tasks:
            await asyncio.wait(self.watch.tasks, timeout=LEFT_OVER_SECONDS)
        left = list(self.watch.tasks)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=self.patience_seconds)
        return left

    def check_blocking(self) -> None:
        """Check that no method kept the loop too long at each of its calls.

        At each one: a machine that is busy elsewhere delays one call, not all.

        Raises:
            SinkViolation: One did.
        """
        for name, calls in self._longest_seconds.items():
            least = min(calls)
            if least > MAX_BLOCKING_SECONDS:
                raise SinkViolation(
                    Rule.BLOCKING,
                    f"{name} kept it for {least * 1000:.0f} ms at each of "
                    f"{len(calls)} call(s)",
                )


def _uncancelled(task: asyncio.Task[Ended], name: str) -> Ended:
    if task.cancelled():
        raise SinkViolation(
            Rule.ERRORS, f"{name} raised CancelledError though nobody cancelled it"
        )
    return task.result()
