"""What is kept so that it need not be made again, and how much of it."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Remembered(dict[K, V], Generic[K, V]):
    """A mapping that starts over when it is full, so that it follows what is in use.

    Args:
        most: How many it holds.
    """

    def __init__(self, most: int) -> None:
        self._most = most

    def remember(self, key: K, value: V) -> None:
        """Keep *value*."""
        if len(self) >= self._most:
            self.clear()
        self[key] = value
