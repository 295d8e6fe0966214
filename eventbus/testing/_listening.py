"""How a test sees what a bus was handed, with or without a loop that works for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from eventbus._bus import Bus

_ANSWER_SECONDS: Final = 5.0  # a loop that is busy for longer is stuck


def seal(bus: Bus) -> None:
    """Bring everything emitted so far to the attachments of *bus*, now.

    Raises:
        RuntimeError: The bus runs in another thread, whose loop does not answer.
    """
    binding = bus._engine.binding
    if binding.loop is None or not binding.is_bound or binding.is_owner():
        bus._engine.work()
        return
    sealed = threading.Event()

    def work() -> None:
        bus._engine.work()
        sealed.set()

    binding.loop.call_soon_threadsafe(work)
    if not sealed.wait(_ANSWER_SECONDS):
        raise RuntimeError(
            f"the loop of {bus!r} did not answer within {_ANSWER_SECONDS} s"
        )


@contextmanager
def woken_here(bus: Bus) -> Generator[None]:
    """Let events wake the running loop while the block runs, if they wake none yet."""
    binding = bus._engine.binding
    if binding.is_bound:
        yield
        return
    binding.bind()
    here = binding.loop
    try:
        yield
    finally:
        if binding.loop is here and not bus._life.is_running:
            binding.loop = None


class Bell:
    """Rings on every loop that somebody waits on; from any thread."""

    def __init__(self) -> None:
        """Start with nobody waiting."""
        self._waiting: set[asyncio.Future[None]] = set()

    @contextmanager
    def waiting(self) -> Generator[asyncio.Future[None]]:
        """Give a future that is done once the bell rings."""
        rung: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(rung)
        try:
            yield rung
        finally:
            self._waiting.discard(rung)

    def ring(self) -> None:
        """Wake everybody."""
        for rung in list(self._waiting):
            rung.get_loop().call_soon_threadsafe(_settle, rung)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
