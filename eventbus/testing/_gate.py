"""What holds something back until the test says go."""

from __future__ import annotations

import asyncio

from eventbus.testing._arrivals import Arrivals


class Gate:
    """Holds back what waits at it until :meth:`open`, and lets it pass from then on.

    It is of one event loop.
    """

    def __init__(self) -> None:
        """Begin closed."""
        self._opened = asyncio.Event()
        self._reached = Arrivals[None]("at the gate")

    def __repr__(self) -> str:
        return f"<Gate {'open' if self.is_open else 'closed'}>"

    @property
    def is_open(self) -> bool:
        """Whether everything passes."""
        return self._opened.is_set()

    def open(self) -> None:
        """Let everything pass, now and from now on."""
        self._opened.set()

    async def wait(self) -> None:
        """Pass, once it is open."""
        self._reached.add(None)
        await self._opened.wait()

    async def reached(self, count: int = 1, *, timeout_seconds: float = 5.0) -> None:
        """Wait until something came to the gate for the *count*-th time.

        Raises:
            AssertionError: Not within *timeout_seconds* of real time.
        """
        __tracebackhide__ = True
        await self._reached.wait_for(count, timeout_seconds)
