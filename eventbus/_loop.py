"""Which event loop a bus belongs to, and how it is woken from anywhere."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, TypeVar

from eventbus._errors import BusClosedError
from eventbus._ingress import NoLoopError

T = TypeVar("T")

_LOOK_SECONDS: Final = 0.5  # how long another loop may have stopped unnoticed

_STANDS_STILL: Final = (
    "the bus belongs to an event loop that does not run now: "
    "await it there, or close that loop first"
)


class LoopBinding:
    """The loop of one bus, once there is one.

    Args:
        work: What the loop is to do when it is woken.
    """

    def __init__(self, work: Callable[[], None]) -> None:
        """Belong to no loop yet."""
        self._work = work
        self.thread: int | None = None
        self._context = contextvars.Context()
        self.loop: asyncio.AbstractEventLoop | None = None
        self._planned: asyncio.Handle | None = None

    def bind(self) -> None:
        """Belong to the running loop."""
        self.loop = asyncio.get_running_loop()
        self.thread = threading.get_ident()

    def start_over(self) -> None:
        """Belong to no loop any more, in the child of a fork."""
        self.loop = self.thread = self._planned = None
        self._context = contextvars.Context()  # the parent's may be entered for ever

    @property
    def is_bound(self) -> bool:
        """Whether there is a loop that can still work."""
        return self.loop is not None and not self.loop.is_closed()

    @property
    def is_elsewhere(self) -> bool:
        """Whether the loop can still work, and is not the running one."""
        return self.is_bound and self.loop is not asyncio.get_running_loop()

    async def there(self, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Await *call* on the bus's own loop, from another one.

        Raises:
            BusClosedError: That loop ended before there was an answer.
            RuntimeError: That loop does not run, or stopped meanwhile.
        """
        # Any: what a coroutine yields and is sent is the loop's business.
        loop = self.loop
        if loop is None or not loop.is_running():
            raise RuntimeError(_STANDS_STILL)
        future = asyncio.run_coroutine_threadsafe(call(), loop)
        answer = asyncio.wrap_future(future)
        try:
            while not answer.done():
                await asyncio.wait([answer], timeout=_LOOK_SECONDS)
                if not answer.done() and not loop.is_running():
                    raise RuntimeError(_STANDS_STILL)
        finally:
            future.cancel()
        if answer.cancelled():  # not we: all its tasks are, when a loop ends
            raise BusClosedError("the event loop of the bus ended meanwhile")
        return answer.result()

    def is_owner(self) -> bool:
        """Return whether the calling thread is the loop's."""
        return self.thread == threading.get_ident()

    def work(self) -> None:
        """Do the work here and now, on the loop, whatever is bound there."""
        planned, self._planned = self._planned, None
        self._context.run(self._work)
        if planned is not None:  # nothing is left for it; what came since has its own
            planned.cancel()

    def wake(self, pilot: Callable[[], bool] | None = None) -> None:
        """Make the loop work soon; before :meth:`bind`, work waits for the start.

        Args:
            pilot: Wakes a task that calls :meth:`work` first; returns whether it could.
                That saves a pass of the loop. It is asked on the loop's thread only.

        Raises:
            NoLoopError: The loop is closed.
        """
        if self.loop is None:
            return
        call = self.loop.call_soon_threadsafe
        if self.is_owner() and asyncio.current_task(self.loop) is not None:
            if pilot is not None and pilot():
                return
            call = self.loop.call_soon  # no signal handler inside the loop's own wait
        try:
            self._planned = call(self._work, context=self._context)
        except RuntimeError as error:
            raise NoLoopError(str(error)) from error


def before_loop_ends(action: Callable[[], Awaitable[None]]) -> AsyncGenerator[None]:
    """Have *action* awaited before the running loop is closed.

    After a program's end ``asyncio.run`` cancels all tasks, waits for those it knew
    of, and then closes the asynchronous generators that were begun on the loop. What
    is returned is one: keep it; closing it awaits *action* there and then.
    """
    guard = _guard(action)
    with suppress(StopIteration):
        guard.__anext__().send(None)  # it is begun, and registered with the loop
    return guard


async def _guard(action: Callable[[], Awaitable[None]]) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        await action()
