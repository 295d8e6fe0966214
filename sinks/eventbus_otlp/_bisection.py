"""Whether a request that the far side calls invalid is searched for the bad record."""

from __future__ import annotations

from typing import Final

from eventbus import Refused, TooLarge

GIVE_UP_AFTER: Final = 8
"""So many single records are refused in a row before the far side is believed to
refuse everything."""

ASK_AGAIN_AFTER: Final = 32
"""So many requests are then refused as they are before one is searched again."""


class InvalidRequest(Refused):
    """The far side says that the request itself is wrong: one record may be why."""


class Bisection:
    """Turns "this request is invalid" into the one record that is.

    The bus splits what is too large, so a request of several records that is invalid is
    said to be, until the bad one is alone: it costs ``2 * log2(n) + 2`` requests. A far
    side that refuses everything would cost two for each record; so after
    ``GIVE_UP_AFTER`` single ones without a success between them, requests are refused
    as they are until one succeeds, but for one in ``ASK_AGAIN_AFTER``.
    """

    def __init__(self) -> None:
        """Trust the far side."""
        self._singles = 0
        self._wholes = 0

    def succeeded(self) -> None:
        """Note that the far side took something."""
        self._singles = self._wholes = 0

    def verdict(self, reason: str, records: int) -> TooLarge | Refused:
        """Return what to raise for a request of so many *records* that is invalid."""
        if records <= 1:
            self._singles += 1
            return Refused(reason)
        if self._singles < GIVE_UP_AFTER:
            return TooLarge(reason)
        self._wholes += 1
        if self._wholes >= ASK_AGAIN_AFTER:
            self._singles = self._wholes = 0
        return Refused(f"{reason}; so it said of every record before")
