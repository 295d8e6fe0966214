"""How a test sees what a bus was handed, with or without a loop that works for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from typing import Final

from eventbus._bus import Bus
from eventbus._record import AnyRecord

_ANSWER_SECONDS: Final = 5.0  # a loop that is busy for longer is stuck


def is_here(bus: Bus) -> bool:
    """Return whether this thread may work for *bus*: no other thread runs its loop."""
    binding = bus._engine.binding
    return binding.loop is None or not binding.is_bound or binding.is_owner()


def work_for(bus: Bus, work: Callable[[], object]) -> None:
    """Do *work* where the loop of *bus* runs, and return once it is done.

    Raises:
        RuntimeError: The bus runs in another thread, whose loop does not answer.
        Exception: Whatever *work* raises.
    """
    loop = bus._engine.binding.loop
    if loop is None or is_here(bus):
        work()
        return
    done: Future[object] = Future()
    loop.call_soon_threadsafe(_settle_with, done, work)
    try:
        done.result(_ANSWER_SECONDS)
    except FutureTimeoutError:
        if done.done():
            raise
        raise RuntimeError(
            f"the loop of {bus!r} did not answer within {_ANSWER_SECONDS} s"
        ) from None


def seal(bus: Bus) -> None:
    """Bring everything emitted so far to the attachments of *bus*, now.

    Raises:
        RuntimeError: The bus runs in another thread, whose loop does not answer.
    """
    work_for(bus, bus._engine.work)


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


class Watcher:
    """Sees everything as it is sealed, and is given nothing."""

    def __init__(self, observe: Callable[[Sequence[AnyRecord]], None]) -> None:
        """Hand every sealed batch to *observe*."""
        self.observe = observe

    async def start(self) -> None:
        """Do nothing."""

    async def write(self, batch: Sequence[AnyRecord]) -> None:
        """Never called: nothing is sampled for it."""

    async def aclose(self) -> None:
        """Do nothing."""


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


def _settle_with(done: Future[object], work: Callable[[], object]) -> None:
    try:
        done.set_result(work())
    except Exception as error:  # noqa: BLE001 - raised again in the thread that asked
        done.set_exception(error)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
