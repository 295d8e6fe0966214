"""Sampling at emit time: what luck alone leaves out costs hardly more than a count."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from eventbus._context import Bound
from eventbus._ledger import BusLedger, Ledger
from eventbus._sampling_ratio import Ratio

if TYPE_CHECKING:
    from eventbus._route import Route
    from eventbus._sampler import Sampler

_LEFT_OUT: Final = True
_KEPT: Final = False
_MAX_DRAWN: Final = 4096
_MAX_KEPT: Final = 64  # so many logarithms at a time, about 30 microseconds


class Thinning(list[None]):
    """Leaves events of one attachment out as they are emitted.

    Whether an event is kept needs nothing of it, so decisions are drawn beforehand,
    some thousands at a time. Each event takes one off :attr:`decisions`, which is exact
    in any thread; how many were left out is counted when somebody asks.

    It is an empty list, so that an emit finds it by the same test as the ``None`` of
    what nobody selects.

    Args:
        ratio: Without a key.
        ledger: Of the attachment.
        bus_ledger: Of its bus.
    """

    __slots__ = (
        "_bus_ledger",
        "_drawn",
        "_gap",
        "_kept",
        "_ledger",
        "_places",
        "_ratio",
        "_settled",
        "_token",
        "decisions",
        "route",
    )

    route: Route
    """Where a kept event goes."""

    def __init__(self, ratio: Ratio, ledger: Ledger, bus_ledger: BusLedger) -> None:
        """Draw the first decisions."""
        super().__init__()
        self._ratio = ratio
        self._ledger = ledger
        self._bus_ledger = bus_ledger
        self._token = object()  # not this one itself: no cycle keeps a bus alive
        self._kept = Bound(drawn_by=self._token)
        self._gap = ratio.drawn_gap()
        self._draw()

    def _draw(self) -> None:
        places: list[int] = []
        place, drawn_gap = self._gap, self._ratio.drawn_gap
        while place < _MAX_DRAWN and len(places) < _MAX_KEPT:
            places.append(place)
            place += 1 + drawn_gap()
        drawn = min(place, _MAX_DRAWN)
        decisions = [_LEFT_OUT] * drawn
        for kept in places:
            decisions[-1 - kept] = _KEPT
        new = place - drawn, drawn, places, 0, decisions
        # Nothing is called here: an interrupt comes before all of it, or after.
        self._gap, self._drawn, self._places, self._settled, self.decisions = new
        """Whether each is left out; the next one is the last."""

    def marked(self, bound: Bound | None) -> Bound:
        """Return what a kept event carries beside what is *bound* at its emit."""
        return replace(bound, drawn_by=self._token) if bound else self._kept

    def kept_of(self, contexts: Sequence[Bound | None]) -> dict[int, float]:
        """Return the weight of each that was kept as it was emitted, by its place."""
        token, weight = self._token, self._ratio.weight
        return {
            index: weight
            for index, bound in enumerate(contexts)
            if bound is not None and bound.drawn_by is token
        }

    def settle(self) -> None:
        """Count what was left out since the last time; the lock is held."""
        taken = self._drawn - len(self.decisions)
        settled = bisect_left(self._places, self._settled)
        kept = bisect_left(self._places, taken) - settled
        count = taken - self._settled - kept
        self._settled = taken
        self._ledger.offered += count
        self._ledger.sampled_out += count
        self._bus_ledger.emitted += count

    def renew(self) -> bool:
        """Return the next decision after the last; the lock is held.

        Another thread may have drawn new ones meanwhile.
        """
        while True:
            try:
                return self.decisions.pop()
            except IndexError:
                self.settle()
                self._draw()


def thinning(
    sampler: Sampler | None, ledger: Ledger, bus_ledger: BusLedger
) -> Thinning | None:
    """Return what leaves out by *sampler* as early as can be, if it may."""
    if type(sampler) is Ratio and sampler.keyless and 0 < sampler.ratio < 1:
        return Thinning(sampler, ledger, bus_ledger)
    return None
