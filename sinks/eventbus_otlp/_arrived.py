"""Which records have had their outcome for a signal, while another one is still due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from eventbus._record import AnyRecord
from eventbus_otlp._signal import Signal

MAX_REMEMBERED: Final = 65_536


class Arrived:
    """Remembers by signal and id what need not be sent again, and what came of it.

    Only what was sent for one signal, and not yet for another, is in here. Of more than
    *at_most* the oldest are forgotten: those are sent again.
    """

    def __init__(self, at_most: int = MAX_REMEMBERED) -> None:
        """Remember nothing."""
        self._at_most: Final = at_most
        self._outcomes: Final[dict[tuple[Signal, str], str | None]] = {}

    def left(self, signal: Signal, batch: Sequence[AnyRecord]) -> Sequence[int]:
        """Return the places in *batch* of what is due."""
        known = self._outcomes
        return [i for i, r in enumerate(batch) if (signal, r.id) not in known]

    def rejected(self, signal: Signal, batch: Sequence[AnyRecord]) -> dict[int, str]:
        """Return which of *batch* were refused, by place, and why."""
        known = self._outcomes
        reasons = ((i, known.get((signal, r.id))) for i, r in enumerate(batch))
        return {i: reason for i, reason in reasons if reason is not None}

    def note(
        self, signal: Signal, batch: Sequence[AnyRecord], rejected: Mapping[int, str]
    ) -> None:
        """Remember *batch*, of which those at *rejected* were refused."""
        for index, record in enumerate(batch):
            if record.id:
                self._outcomes[signal, record.id] = rejected.get(index)
        while len(self._outcomes) > self._at_most:
            del self._outcomes[next(iter(self._outcomes))]

    def forget(self, signals: Iterable[Signal], batch: Sequence[AnyRecord]) -> None:
        """Forget *batch*: all of its signals have their outcome."""
        for signal in signals:
            for record in batch:
                self._outcomes.pop((signal, record.id), None)
