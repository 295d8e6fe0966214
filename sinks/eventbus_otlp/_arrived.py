"""Which records have had their outcome for a signal, while another one is still due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from eventbus._record import AnyRecord
from eventbus_otlp._signal import Signal

MAX_REMEMBERED: Final = 65_536


class Fate(NamedTuple):
    """Why a record did not arrive; with neither reason it did."""

    rejected: str | None = None
    unencodable: str | None = None


_ARRIVED: Final = Fate()


class Arrived:
    """Remembers by signal and id what need not be sent again, and what came of it.

    Only what was sent for one signal, and not yet for another, is in here. Of more than
    *at_most* the oldest are forgotten: those are sent again.
    """

    def __init__(self, at_most: int = MAX_REMEMBERED) -> None:
        """Remember nothing."""
        self._at_most: Final = at_most
        self._outcomes: Final[dict[tuple[Signal, str], Fate]] = {}

    def left(self, signal: Signal, batch: Sequence[AnyRecord]) -> Sequence[int]:
        """Return the places in *batch* of what is due."""
        known = self._outcomes
        return [i for i, r in enumerate(batch) if (signal, r.id) not in known]

    def outcomes(
        self, signal: Signal, batch: Sequence[AnyRecord]
    ) -> tuple[dict[int, str], dict[int, str]]:
        """Return which of *batch* were refused, and which have no form, and why."""
        rejected: dict[int, str] = {}
        unencodable: dict[int, str] = {}
        for index, record in enumerate(batch):
            fate = self._outcomes.get((signal, record.id), _ARRIVED)
            if fate.rejected is not None:
                rejected[index] = fate.rejected
            if fate.unencodable is not None:
                unencodable[index] = fate.unencodable
        return rejected, unencodable

    def note(
        self,
        signal: Signal,
        batch: Sequence[AnyRecord],
        rejected: Mapping[int, str],
        unencodable: Mapping[int, str],
    ) -> None:
        """Remember what became of *batch*."""
        for index, record in enumerate(batch):
            if record.id:
                fate = Fate(rejected.get(index), unencodable.get(index))
                self._outcomes[signal, record.id] = fate
        while len(self._outcomes) > self._at_most:
            del self._outcomes[next(iter(self._outcomes))]

    def forget(self, signals: Iterable[Signal], batch: Sequence[AnyRecord]) -> None:
        """Forget *batch*: all of its signals have their outcome."""
        for signal in signals:
            for record in batch:
                self._outcomes.pop((signal, record.id), None)
