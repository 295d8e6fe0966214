"""What goes wrong in a scenario, attempt by attempt: drawn from a seed."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Collection, Mapping
from random import Random
from typing import Final

import msgspec

from eventbus.testing.conformance._far_side import Failure


class Fault(enum.Enum):
    """What becomes of one attempt."""

    NONE = "none"
    UNAVAILABLE = "unavailable"
    """Nothing arrives; try again."""
    REFUSED = "refused"
    """Nothing arrives, for good."""
    PARTIAL = "partial"
    """Some are refused, the others arrive."""
    TOO_LARGE = "too_large"
    """Nothing arrives; split."""
    ANSWER_LOST = "answer_lost"
    """Everything arrives, and nobody says so."""
    HANG_BEFORE = "hang_before"
    """Nothing arrives, there is no answer."""
    HANG_INSIDE = "hang_inside"
    """The sink's own write is cancelled on the way."""
    HANG_AFTER = "hang_after"
    """Everything arrives, there is no answer."""


FAILURE_OF: Final[Mapping[Fault, Failure]] = {
    Fault.UNAVAILABLE: "unavailable",
    Fault.REFUSED: "refused",
    Fault.PARTIAL: "partial",
    Fault.HANG_INSIDE: "hang",
}
"""Faults that a far side can bring about by itself."""

_LEAVES_DOUBT: Final = frozenset(
    {Fault.ANSWER_LOST, Fault.HANG_INSIDE, Fault.HANG_AFTER}
)
_DECIDES: Final = frozenset({Fault.REFUSED, Fault.PARTIAL})


class Scenario(msgspec.Struct, frozen=True):
    """One way in which a far side behaves.

    Args:
        name: For the report.
        odds: How likely each fault is; nothing goes wrong in the other attempts.
        in_flight: How many writes may run at once.
        raises_on_close: Whether ``aclose`` raises after closing.
    """

    name: str
    odds: Mapping[Fault, float] = {}
    in_flight: int = 3
    raises_on_close: bool = False


SCENARIOS: Final = (
    Scenario("always_ok"),
    Scenario("random_transient", {Fault.UNAVAILABLE: 0.4, Fault.ANSWER_LOST: 0.2}),
    Scenario("random_permanent", {Fault.REFUSED: 0.4}),
    Scenario(
        "random_mix",
        {
            Fault.UNAVAILABLE: 0.2,
            Fault.ANSWER_LOST: 0.15,
            Fault.REFUSED: 0.15,
            Fault.PARTIAL: 0.15,
            Fault.TOO_LARGE: 0.15,
        },
    ),
    Scenario(
        "hang",
        {Fault.HANG_BEFORE: 0.2, Fault.HANG_INSIDE: 0.3, Fault.HANG_AFTER: 0.2},
        in_flight=1,
    ),
    Scenario("partial", {Fault.PARTIAL: 0.6}),
    Scenario("raise_on_close", {Fault.UNAVAILABLE: 0.2}, raises_on_close=True),
)


class Faults:
    """Draws the fault of each attempt, so that every record can have one end.

    A record whose outcome is in doubt is not refused later: the far side may have it.
    An answer is lost only at the first attempt, as the bus tries a sink that raises
    what it should not three times in all.
    """

    def __init__(self, scenario: Scenario, seed: int) -> None:
        """Begin with *seed*."""
        self._odds = scenario.odds
        self._random = Random(seed)
        self._tried: Counter[str] = Counter()
        self.doubtful: set[str] = set()
        """The ids whose outcome was unknown at some time."""

    def draw(self, ids: Collection[str]) -> Fault:
        """Return what becomes of an attempt at the records with these *ids*."""
        point = self._random.random()
        drawn = Fault.NONE
        for fault, odds in self._odds.items():
            if 0 <= point < odds:
                drawn = fault
            point -= odds
        drawn = drawn if self._is_possible(drawn, ids) else Fault.NONE
        self._tried.update(ids)
        if drawn in _LEAVES_DOUBT:
            self.doubtful.update(ids)
        return drawn

    def _is_possible(self, fault: Fault, ids: Collection[str]) -> bool:
        if fault is Fault.ANSWER_LOST:
            return not any(self._tried[id_] for id_ in ids)
        if fault is Fault.TOO_LARGE or fault is Fault.PARTIAL:
            return len(ids) > 1 and self.doubtful.isdisjoint(ids)
        return fault not in _DECIDES or self.doubtful.isdisjoint(ids)

    def some_of(self, size: int) -> list[int]:
        """Return the indexes that are refused of a batch: at least one, not all."""
        return sorted(self._random.sample(range(size), self._random.randrange(1, size)))
