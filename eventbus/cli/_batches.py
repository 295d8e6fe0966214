"""How batches get from the thread that reads to the loop that publishes."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Final

# Any in this module: what is handed over is readings, or lines.


class NobodyTakes(Exception):
    """The loop takes no further batch."""


class Batches:
    """A queue from one thread to the loop it is made on.

    Args:
        ahead: Most batches that wait to be taken.
    """

    def __init__(self, ahead: int) -> None:
        """Begin empty."""
        self._loop: Final = asyncio.get_running_loop()
        self._room: Final = threading.Semaphore(ahead)
        self._waiting: Final[asyncio.Queue[list[Any] | None]] = asyncio.Queue()
        self._is_closed = False

    def put(self, batch: list[Any]) -> None:
        """Hand over *batch*, in the thread; waits while too many wait to be taken.

        Raises:
            NobodyTakes: It was closed, before the call or during the wait.
        """
        self._room.acquire()
        if self._is_closed:
            raise NobodyTakes
        self._loop.call_soon_threadsafe(self._waiting.put_nowait, batch)

    def end(self) -> None:
        """Let the iteration end after what was put; on the loop."""
        self._waiting.put_nowait(None)

    def close(self) -> None:
        """Take nothing more, and end the thread's wait for room; on the loop."""
        self._is_closed = True
        self._room.release()

    def __aiter__(self) -> Batches:
        """Take batch after batch, on the loop."""
        return self

    async def __anext__(self) -> list[Any]:
        """Take the next batch, and make room for another."""
        batch = await self._waiting.get()
        if batch is None:
            raise StopAsyncIteration
        self._room.release()
        return batch
