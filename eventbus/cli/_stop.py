"""How a person or a service manager ends a command: once in order, twice at once."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """The wish to end, told to a thread and to the loop.

    Attributes:
        asked: Set once the end is asked for.
        by: The signal's name, or ``None``.
    """

    def __init__(self) -> None:
        """Begin without the wish."""
        self.asked: Final = threading.Event()
        self.by: str | None = None
        self._callbacks: list[Callable[[], object]] = []

    def call(self, callback: Callable[[], object]) -> None:
        """Call *callback* on the loop when a signal comes."""
        self._callbacks.append(callback)

    @contextmanager
    def on_signals(self) -> Generator[None]:
        """Take SIGINT and SIGTERM while the block runs.

        The second one finds the system's own handling: the process ends at once.
        """
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        with suppress(NotImplementedError):  # Windows: KeyboardInterrupt it is
            for number in _SIGNALS:
                loop.add_signal_handler(number, self._received, loop, number)
        try:
            yield
        finally:
            _let_go(loop)
            for number, handler in before.items():
                if handler is not None:  # one that was not set by Python stays
                    signal.signal(number, handler)

    def _received(
        self, loop: asyncio.AbstractEventLoop, number: signal.Signals
    ) -> None:
        self.by = number.name
        self.asked.set()
        _let_go(loop)
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        for callback in self._callbacks:
            callback()


def _let_go(loop: asyncio.AbstractEventLoop) -> None:
    with suppress(NotImplementedError):
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
