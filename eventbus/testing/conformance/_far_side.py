"""What the author of a sink can say about the other end, to have more checked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from typing import Literal

Failure = Literal["unavailable", "refused", "partial", "hang"]


class FarSide(ABC):
    """The other end of the sinks that a factory makes; one for all of them."""

    failures: frozenset[Failure] = frozenset()
    """The failures that :meth:`fail_next` can bring about. The suite brings about the
    others itself, in front of the sink."""

    @abstractmethod
    async def received(self) -> Sequence[str]:
        """Return the ids of all records that ever arrived, repeats included."""

    async def fail_next(self, failure: Failure) -> None:  # noqa: B027 - optional
        """Make the next request fail; asked only for what :attr:`failures` names.

        Args:
            failure: ``"unavailable"``, ``"refused"``: none of its records arrives;
                ``"partial"``: some are refused and named, the others arrive;
                ``"hang"``: there is no answer.
        """


class Arrivals:
    """What arrived, from one look to the next."""

    def __init__(self, far_side: FarSide) -> None:
        """Look first when :meth:`new` is called."""
        self._far_side = far_side
        self._seen: Counter[str] = Counter()

    async def new(self) -> Counter[str]:
        """Return how often each id arrived since the last call."""
        everything = Counter(await self._far_side.received())
        new = everything - self._seen
        self._seen = everything
        return new
