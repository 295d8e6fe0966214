"""Sampling at emit time: what luck alone leaves out costs hardly more than a count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from eventbus._context import Bound
from eventbus._ledger import BusLedger, Ledger
from eventbus._sampling_ratio import Ratio

if TYPE_CHECKING:
    from eventbus._route import Route
    from eventbus._sampler import Sampler

_LEFT_OUT: Final = b"\x01"
_KEPT: Final = b"\x00"
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
        "_ratio",
        "_settled",
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
        self._kept = Bound(weight=ratio.weight)
        self._gap = ratio.drawn_gap()
        self._draw()

    def _draw(self) -> None:
        drawn = bytearray()
        for _ in range(_MAX_KEPT):
            run = min(self._gap, _MAX_DRAWN - len(drawn))
            drawn += _LEFT_OUT * run
            self._gap -= run
            if self._gap:
                break
            drawn += _KEPT
            self._gap = self._ratio.drawn_gap()
        self._drawn, self._settled = drawn, len(drawn)
        self.decisions = list(drawn)
        """1 leaves an event out, 0 keeps it; taken from the end."""

    def marked(self, bound: Bound | None) -> Bound:
        """Return what a kept event carries beside what is *bound* at its emit."""
        return replace(bound, weight=self._kept.weight) if bound else self._kept

    def settle(self) -> None:
        """Count what was left out since the last time; the lock is held."""
        left = len(self.decisions)
        count = self._drawn.count(_LEFT_OUT, left, self._settled)
        self._settled = left
        self._ledger.offered += count
        self._ledger.sampled_out += count
        self._bus_ledger.emitted += count

    def renew(self) -> int:
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
