"""How long to wait before a batch is tried again, and when to give up."""

from __future__ import annotations

from random import Random
from typing import Final

from eventbus._bounds import between
from eventbus._settings import Retry
from eventbus._sliding import SlidingSum

_MAX_DOUBLINGS: Final = 200  # beyond any cap, and far from overflow
_BUDGET_WINDOW_SECONDS: Final = 60.0
_FREE_RETRIES: Final = 10  # a lone batch backs off to 30 s within eight


class Backoff:
    """Exponential backoff with full jitter.

    Args:
        retry: The bounds.
        random: Where the jitter comes from: one per attachment, so that attachments
            that failed together do not come back together.
    """

    def __init__(self, retry: Retry, random: Random) -> None:
        """Keep the bounds."""
        self._retry: Final = retry
        self._random: Final = random

    def jittered(self, attempt: int) -> float:
        """Return a wait of our own after the *attempt*-th failure, in seconds.

        Uniform between 0 and ``initial_seconds`` doubled with each further failure, at
        most ``max_seconds``.
        """
        doublings = min(max(attempt, 1) - 1, _MAX_DOUBLINGS)
        bound = self._retry.initial_seconds * 2.0**doublings
        return self._random.uniform(0.0, min(bound, self._retry.max_seconds))

    def next_delay(
        self,
        attempt: int,
        *,
        elapsed_seconds: float,
        server_delay_seconds: float | None = None,
        over_budget: bool = False,
    ) -> float | None:
        """Return the seconds to wait before the next attempt; ``None`` is to give up.

        Giving up is judged by our own wait: it would end after
        ``max_elapsed_seconds``. A far side that asks for a longer one gets it, and one
        more attempt after it: its wish is no reason to drop.

        Args:
            attempt: How many attempts have failed, from 1.
            elapsed_seconds: Since the first attempt began.
            server_delay_seconds: The far side's wish, used up to
                ``max_server_delay_seconds``. Negative or NaN is as good as none.
            over_budget: The wait is ``max_seconds``, without jitter.
        """
        own = self._retry.max_seconds if over_budget else self.jittered(attempt)
        limit = self._retry.max_elapsed_seconds
        if limit and elapsed_seconds + own > limit:
            return None
        if server_delay_seconds is None or not server_delay_seconds >= 0:
            return own
        return max(own, min(server_delay_seconds, self._retry.max_server_delay_seconds))


class RetryBudget:
    """Keeps retries a bounded share of the traffic, over the last minute.

    Ten retries a minute are free, whatever their size, so that a lone batch can be
    tried again though nothing fresh goes out.

    Args:
        ratio: Records sent again per record sent fresh, 0 to 1.
    """

    def __init__(self, ratio: float) -> None:
        """Begin with nothing sent."""
        between("ratio", ratio, 0, 1)
        self._ratio: Final = ratio
        self._fresh: Final = SlidingSum(_BUDGET_WINDOW_SECONDS, slots=60)
        self._again: Final = SlidingSum(_BUDGET_WINDOW_SECONDS, slots=60)
        self._retries: Final = SlidingSum(_BUDGET_WINDOW_SECONDS, slots=60)
        self.deposit: Final = self._fresh.add
        """Counts so many records as sent for the first time, at so many seconds."""

    def spend(self, records: int, now: float) -> bool:
        """Take *records* to be sent again; return whether the budget has them.

        What is refused takes nothing from the budget.
        """
        again = self._again.total(now) + records
        free = self._retries.total(now) < _FREE_RETRIES
        if not free and again > self._ratio * self._fresh.total(now):
            return False
        self._again.add(records, now)
        self._retries.add(1, now)
        return True
