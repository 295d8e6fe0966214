"""Who may call an exporter, and what becomes of a call that is given up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from eventbus._side_thread import SideThread

# Any in this module: what a function of the program takes and returns.


class ExporterThread:
    """Calls *function* in a daemon thread, one call at a time.

    A call that is cancelled goes on in its thread: the next one waits for its end, and
    no other thread begins.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        """Start nothing yet."""
        self._function: Final = function
        self.start_over()

    def start_over(self) -> None:
        """Begin with a thread of its own, in the child of a fork."""
        self._thread = SideThread(self._function, "eventbus export")
        self._turn = asyncio.Lock()
        self._call: asyncio.Task[Any] | None = None

    async def call(self, *arguments: Any) -> Any:
        """Return what the function returns, or raise what it raises."""
        async with self._turn:
            if self._call is not None:
                await asyncio.wait([self._call])  # one that was cancelled goes on
            call = asyncio.create_task(self._thread.call(*arguments), name="export")
            self._call = call
            try:
                return await asyncio.shield(call)
            finally:
                if call.done():
                    self._call = None

    async def end(self) -> None:
        """Let the thread end; what it has in hand is left to it."""
        call, self._call = self._call, None
        if call is not None:
            call.cancel()
            await asyncio.wait([call])
        self._thread.end()
