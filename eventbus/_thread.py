"""How a program without an event loop gets a bus: a loop in a thread of its own."""

from __future__ import annotations

import asyncio
import atexit
import contextvars
import os
import threading
from collections.abc import Generator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final

from eventbus._bus import Bus

if TYPE_CHECKING:
    from eventbus.config._layers import Source

_HELD_UP_SECONDS: Final = 1.0
"""How much longer than asked a close may take before its loop is left alone."""

_LEAVE_SECONDS: Final = 0.1
"""How long a loop may take to end once the bus is closed, before it is left alone."""


@contextmanager
def run_in_thread(source: Bus | Source, *, strict: bool = False) -> Generator[Bus]:
    """Run a bus on an event loop in a thread of its own, for as long as the block runs.

    For scripts, Django, Celery workers. ``emit``, ``stats`` and
    :meth:`Bus.flush_from_thread` work from any thread; leaving the block closes the bus
    within its ``close_timeout_seconds``. So does the end of a program that never leaves
    it. The child of a fork has no such thread: what it emits waits in the buffers,
    within their bounds, until it runs the bus in a thread, or on a loop, of its own;
    that it leaves the parent's block changes nothing.

    Args:
        source: A bus that was not started, the path of a configuration, what is in
            one, or several of these; see :meth:`Bus.from_config`.
        strict: As in :meth:`Bus.from_config`.

    Raises:
        ConfigError: As :meth:`Bus.from_config`.
    """
    bus = source if isinstance(source, Bus) else Bus.from_config(source, strict=strict)
    thread = _LoopThread(bus)
    try:
        thread.start()
        yield bus
    finally:
        thread.end()


class _LoopThread:
    """Starts *bus* on a loop in a thread, and closes it there when it is to end."""

    def __init__(self, bus: Bus) -> None:
        self._bus: Final = bus
        self._process: Final = os.getpid()
        self._started: Final = Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]()
        self._closed: Final = Future[None]()
        self._thread: Final = threading.Thread(
            target=contextvars.Context().run,
            args=(self._run,),
            name="eventbus",
            daemon=True,
        )

    @property
    def is_here(self) -> bool:
        """Whether this process is the one that has the thread."""
        return self._process == os.getpid()

    def start(self) -> None:
        """Return when the bus has started, or raise what its start raises."""
        _end_all_with_the_program()
        _running.add(self)
        self._thread.start()
        self._started.result()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            for future in (self._started, self._closed):
                if not future.done():
                    future.set_exception(error)

    async def _main(self) -> None:
        end = asyncio.Event()
        await self._bus.start()
        self._started.set_result((asyncio.get_running_loop(), end))
        await end.wait()
        await self._bus.aclose()
        self._closed.set_result(None)

    def end(self) -> None:
        """Close the bus; return when it is closed and the thread is about to end."""
        if self.is_here and self in _running:
            self.ask()
            self.wait()

    def ask(self) -> None:
        """Let the bus be closed, which nobody waits for yet."""
        if self._thread.is_alive() and self._started.exception() is None:
            loop, end = self._started.result()
            with suppress(RuntimeError):  # it has just ended
                loop.call_soon_threadsafe(end.set)

    def wait(self) -> None:
        """Wait for the close; raise what it raises."""
        _running.discard(self)
        if not self._thread.ident or self._started.exception() is not None:
            return
        limit = self._bus._life.close_timeout_seconds + _HELD_UP_SECONDS
        with suppress(TimeoutError):
            self._closed.result(limit)
        self._thread.join(_LEAVE_SECONDS)


_running: Final[set[_LoopThread]] = set()  # the program has one end


@cache
def _end_all_with_the_program() -> None:
    """Have :func:`_end_all` called once the main thread has come to its end.

    By the time that :mod:`atexit` calls its functions, executors take no more work,
    and sinks may need theirs.
    """
    register = getattr(threading, "_register_atexit", atexit.register)
    with suppress(RuntimeError):  # the program is ending already
        import_module("concurrent.futures.thread")  # its own hook comes after ours
        register(_end_all)


def _end_all() -> None:
    threads = [thread for thread in _running if thread.is_here]
    for thread in threads:
        thread.ask()
    for thread in threads:
        with suppress(Exception):  # nobody is there to be told
            thread.wait()
