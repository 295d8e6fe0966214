"""Sampling at emit time: what luck alone leaves out costs hardly more than a count."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from operator import length_hint
from typing import TYPE_CHECKING

from eventbus._ledger import BusLedger, Ledger
from eventbus._sampling_ratio import Ratio

if TYPE_CHECKING:
    from eventbus._sampler import Sampler


class Thinning(tuple[()]):
    """Leaves events of one attachment out as they are emitted.

    Whether an event is kept needs nothing of it, so the length of the next run of those
    that are left out is drawn beforehand. Each of them takes one step of
    :attr:`skips`, which is exact in any thread; how many were taken is counted when
    somebody asks. It is an empty tuple, so that an emit finds it by the same test as
    the ``None`` of what nobody selects.

    Args:
        ratio: Without a key.
        ledger: Of the attachment.
        bus_ledger: Of its bus.
    """

    skips: Iterator[bool]
    """Yields once for each event that is left out before the next kept one."""

    def __new__(cls, ratio: Ratio, ledger: Ledger, bus_ledger: BusLedger) -> Thinning:
        """Draw the first run."""
        self = super().__new__(cls)
        self._ratio = ratio
        self._ledger = ledger
        self._bus_ledger = bus_ledger
        self._draw()
        return self

    _ratio: Ratio
    _ledger: Ledger
    _bus_ledger: BusLedger
    _drawn: int
    _settled: int

    def _draw(self) -> None:
        self._drawn, self._settled = self._ratio.drawn_gap(), 0
        self.skips = repeat(True, self._drawn)

    def settle(self) -> None:
        """Count what was left out since the last time; the lock is held."""
        taken = self._drawn - length_hint(self.skips)
        count, self._settled = taken - self._settled, taken
        self._ledger.offered += count
        self._ledger.sampled_out += count
        self._bus_ledger.emitted += count

    def weight_of_next(self) -> float:
        """Return for how many events the one in hand stands, 0 to leave it out.

        The lock is held. Called by an emit that found the run at its end; another
        thread may have begun the next one meanwhile.
        """
        if next(self.skips, False):
            return 0.0
        self.settle()
        self._draw()
        return self._ratio.weight


def thinning(
    sampler: Sampler | None, ledger: Ledger, bus_ledger: BusLedger
) -> Thinning | None:
    """Return what leaves out by *sampler* as early as can be, if it may."""
    if isinstance(sampler, Ratio) and sampler.keyless and 0 < sampler.ratio < 1:
        return Thinning(sampler, ledger, bus_ledger)
    return None
