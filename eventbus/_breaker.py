"""Whether a call may be made at all, after what became of the last ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, Literal

from eventbus._retry import Backoff
from eventbus._sliding import SlidingSum

State = Literal["closed", "open", "half_open"]

DEFAULT_MAX_CONSECUTIVE: Final = 5
DEFAULT_MIN_CALLS: Final = 20
DEFAULT_MAX_FAILURE_RATIO: Final = 0.5
DEFAULT_WINDOW_SECONDS: Final = 10.0
_SLOTS: Final = 100


class CircuitBreaker:
    """Stops calls to a far side that keeps failing, then tries one.

    Closed, every call is allowed. Too many failures open it: no call is made until the
    backoff has passed. Then it is half open and allows one call, the probe: a success
    closes it, a failure opens it for longer.

    Each ticket of :meth:`allow` is given back once: to :meth:`succeeded`,
    :meth:`failed`, or :meth:`abandoned`. What comes back from before the last change of
    state changes nothing. Time is seconds of a clock that never goes back.

    Args:
        backoff: How long it stays open, by how often it opened in a row.
        max_consecutive: So many failures in a row open it.
        min_calls: Calls in the window before their ratio says anything.
        max_failure_ratio: Such a share of failures in the window opens it.
        window_seconds: How far back calls count.
    """

    def __init__(
        self,
        backoff: Backoff,
        *,
        max_consecutive: int = DEFAULT_MAX_CONSECUTIVE,
        min_calls: int = DEFAULT_MIN_CALLS,
        max_failure_ratio: float = DEFAULT_MAX_FAILURE_RATIO,
        window_seconds: float = DEFAULT_WINDOW_SECONDS,
    ) -> None:
        """Begin closed."""
        self._backoff: Final = backoff
        self._max_consecutive: Final = max_consecutive
        self._min_calls: Final = min_calls
        self._max_failure_ratio: Final = max_failure_ratio
        self._calls: Final = SlidingSum(window_seconds, slots=_SLOTS)
        self._failures: Final = SlidingSum(window_seconds, slots=_SLOTS)
        self._state: State = "closed"
        self._period = 1
        self._consecutive = 0
        self._openings = 0
        self._open_until = 0.0
        self._probing = False
        self._transitions: dict[State, int] = {"closed": 0, "open": 0, "half_open": 0}

    @property
    def state(self) -> State:
        """Where it is; ``"open"`` until :meth:`allow` hands out the probe."""
        return self._state

    @property
    def transitions(self) -> Mapping[State, int]:
        """How often each state was entered."""
        return dict(self._transitions)

    def allow(self, now: float) -> int:
        """Return a ticket for one call, or 0 while none may be made."""
        if self._state == "closed":
            return self._period
        if self.retry_in(now) > 0:
            return 0
        if self._state == "open":
            self._enter("half_open")
        self._probing = True
        return self._period

    def retry_in(self, now: float) -> float:
        """Return in how many seconds :meth:`allow` may be asked again; 0 is now.

        Infinite while the probe is under way: its outcome decides.
        """
        if self._state == "closed":
            return 0.0
        if self._state == "half_open":
            return math.inf if self._probing else 0.0
        return max(0.0, self._open_until - now)

    def succeeded(self, now: float, *, ticket: int | None = None) -> None:
        """Count a call that worked; without a *ticket*, one of the present state."""
        if ticket != self._period and self._is_stale(ticket):
            return
        if self._state == "closed":
            self._consecutive = 0
            self._calls.add(1, now)
            if self._failures.amount and self._is_too_much(now):
                self._open(now)
        elif self._state == "half_open":
            self._close()

    def failed(self, now: float, *, ticket: int | None = None) -> None:
        """Count a call that did not; without a *ticket*, one of the present state."""
        if self._is_stale(ticket):
            return
        if self._state == "half_open":
            self._open(now)
        elif self._state == "closed":
            self._consecutive += 1
            self._calls.add(1, now)
            self._failures.add(1, now)
            if self._is_too_much(now):
                self._open(now)

    def abandoned(self, *, ticket: int | None = None) -> None:
        """Give back a ticket whose call has no outcome: the next call is the probe."""
        if not self._is_stale(ticket):
            self._probing = False

    def _is_stale(self, ticket: int | None) -> bool:
        return ticket is not None and ticket != self._period

    def _is_too_much(self, now: float) -> bool:
        calls = self._calls.total(now)
        return self._consecutive >= self._max_consecutive or (
            calls >= self._min_calls
            and self._failures.total(now) >= self._max_failure_ratio * calls
        )

    def _open(self, now: float) -> None:
        self._openings += 1
        self._open_until = now + self._backoff.jittered(self._openings)
        self._enter("open")

    def _close(self) -> None:
        self._openings = 0
        self._consecutive = 0
        self._calls.clear()
        self._failures.clear()
        self._enter("closed")

    def _enter(self, state: State) -> None:
        self._state = state
        self._period += 1
        self._probing = False
        self._transitions[state] += 1
