"""A thread beside the loop that a program does not wait for when it ends."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Final

Call = tuple[contextvars.Context, tuple[Any, ...], asyncio.Future[Any]]
# Any: what a function of the program takes and returns


class SideThread:
    """Calls *function* in a daemon thread, which begins with the first call.

    Worker threads of anyio's, and of executors, are waited for at the end of the
    program: a call that never returns would keep it from ending.

    Args:
        function: May block.
        name: The thread's name.
    """

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        """Start nothing yet."""
        self._function: Final = function
        self._name: Final = name
        self._calls: SimpleQueue[Call | None] | None = None

    async def call(self, *arguments: Any) -> Any:
        """Return what the function returns; if cancelled, leave its thread alone.

        One call at a time; after one that was left alone the next has a new thread.
        """
        if self._calls is None:
            self._calls = SimpleQueue()
            threading.Thread(
                target=_work,
                args=(self._function, self._calls),
                name=self._name,
                daemon=True,
            ).start()
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._calls.put((contextvars.copy_context(), arguments, done))
        try:
            return await done
        except asyncio.CancelledError:
            self.end()
            raise

    def forget(self) -> None:
        """Begin anew in the child of a fork: the thread is the parent's."""
        self._calls = None

    def end(self) -> None:
        """Let the thread end after its present call."""
        if self._calls is not None:
            self._calls.put(None)
            self._calls = None


def _work(function: Callable[..., Any], calls: SimpleQueue[Call | None]) -> None:
    while (call := calls.get()) is not None:
        context, arguments, done = call
        result, error = None, None
        try:
            result = context.run(function, *arguments)
        except BaseException as raised:  # noqa: BLE001 - it is raised where it is awaited
            error = raised
        with suppress(RuntimeError):  # the loop may be gone by now
            done.get_loop().call_soon_threadsafe(_settle, done, result, error)
        del call, context, arguments, done, result, error  # while it waits


def _settle(
    done: asyncio.Future[Any], result: object, error: BaseException | None
) -> None:
    if done.done():
        return
    if isinstance(error, StopIteration):  # which no future takes
        error = RuntimeError("the function raised StopIteration")
    if error is None:
        done.set_result(result)
    else:
        done.set_exception(error)
