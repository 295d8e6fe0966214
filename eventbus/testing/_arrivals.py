"""What came so far, and how a test waits for more of it without looking again."""

from __future__ import annotations

import asyncio
from typing import Final, Generic, TypeVar

from eventbus.testing._listening import Bell

T = TypeVar("T")

DEFAULT_WAIT_SECONDS: Final = 5.0


class Arrivals(Generic[T]):
    """What came, in its order.

    Args:
        what: What it is, in the plural, for messages.
    """

    def __init__(self, what: str) -> None:
        """Begin empty."""
        self.items: Final[list[T]] = []
        self._what = what
        self._bell = Bell()

    def add(self, item: T) -> None:
        """Take *item*, and wake everybody who waits."""
        self.items.append(item)
        self._bell.ring()

    async def wait_for(self, count: int, timeout_seconds: float) -> list[T]:
        """Return what came, once that is *count* at least.

        Raises:
            AssertionError: It is fewer after *timeout_seconds* of real time.
        """
        __tracebackhide__ = True
        try:
            async with asyncio.timeout(timeout_seconds):
                while len(self.items) < count:
                    with self._bell.waiting() as rung:
                        await rung
        except TimeoutError:
            raise AssertionError(
                f"expected {count} {self._what} within {timeout_seconds} s, "
                f"got {len(self.items)}"
            ) from None
        return list(self.items)
