"""How much happened in the last seconds, in bounded memory."""

from __future__ import annotations

from typing import Final


class SlidingSum:
    """The sum of what was added within a window that moves with time.

    Time is cut in slots: what is older than the window is gone, and what is up to one
    slot younger may be.

    Args:
        window_seconds: Length of the window.
        slots: Into how many parts it is cut.
    """

    def __init__(self, window_seconds: float, *, slots: int) -> None:
        """Begin with nothing."""
        self._slot_seconds: Final = window_seconds / slots
        self._amounts = [0] * slots
        self._newest = 0
        self._before_newest = 0
        self._newest_until = 0.0
        self.amount = 0
        """The sum when somebody last added or asked; what has gone since is in it."""

    def add(self, amount: int, now: float) -> None:
        """Add *amount* at *now*, in seconds of a clock that never goes back."""
        if now >= self._newest_until:
            self._move(now)
        self.amount += amount

    def total(self, now: float) -> int:
        """Return the sum within the window that ends *now*."""
        if now >= self._newest_until:
            self._move(now)
        return self.amount

    def clear(self) -> None:
        """Forget everything."""
        self._amounts = [0] * len(self._amounts)
        self.amount = self._before_newest = 0

    def _move(self, now: float) -> None:
        amounts, amount = self._amounts.copy(), self.amount
        slots = len(amounts)
        newest = max(self._newest, int(now / self._slot_seconds))
        amounts[self._newest % slots] = amount - self._before_newest
        for slot in range(max(self._newest, newest - slots) + 1, newest + 1):
            amount -= amounts[slot % slots]
            amounts[slot % slots] = 0
        new = amounts, amount, amount - amounts[newest % slots], newest
        # Nothing is called here: an interrupt comes before all of it, or after.
        self._amounts, self.amount, self._before_newest, self._newest = new
        self._newest_until = (newest + 1) * self._slot_seconds
