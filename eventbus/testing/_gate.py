"""What holds something back until the test says go."""

from __future__ import annotations

from eventbus.testing._arrivals import DEFAULT_WAIT_SECONDS, Arrivals
from eventbus.testing._listening import Bell


class Gate:
    """Holds back what waits at it until :meth:`open`, and lets it pass from then on."""

    def __init__(self) -> None:
        """Begin closed."""
        self._is_open = False
        self._bell = Bell()
        self._reached = Arrivals[None]("at the gate")

    def __repr__(self) -> str:
        return f"<Gate {'open' if self.is_open else 'closed'}>"

    @property
    def is_open(self) -> bool:
        """Whether everything passes."""
        return self._is_open

    def open(self) -> None:
        """Let everything pass, now and from now on; from any thread."""
        self._is_open = True
        self._bell.ring()

    async def wait(self) -> None:
        """Pass, once it is open."""
        self._reached.add(None)
        with self._bell.waiting() as rung:
            if not self._is_open:
                await rung

    async def reached(
        self, count: int = 1, *, timeout_seconds: float = DEFAULT_WAIT_SECONDS
    ) -> None:
        """Wait until something came to the gate for the *count*-th time.

        Raises:
            AssertionError: Not within *timeout_seconds* of real time.
        """
        __tracebackhide__ = True
        await self._reached.wait_for(count, timeout_seconds)
