"""Who collects metrics again and again, and gets all of it or what is new."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from eventbus.metrics._data import MetricData, Temporality
from eventbus.metrics._deltas import Deltas


class MetricReader:
    """Collects metrics; :meth:`eventbus.metrics.Aggregator.reader` makes it.

    From any thread, one call at a time. What is collected as deltas is told once: who
    cannot deliver it puts it back.
    """

    def __init__(
        self,
        counted: Callable[[object], list[MetricData]],
        asked: Callable[[], list[MetricData]],
        temporality: Temporality,
    ) -> None:
        """Keep where to collect; *counted* is told who asks for what is new."""
        self._counted: Final = counted
        self._asked: Final = asked
        self._deltas: Final = Deltas() if temporality == "delta" else None

    @property
    def temporality(self) -> Temporality:
        """Whether it gets what came since the last collection, or since the start."""
        return "cumulative" if self._deltas is None else "delta"

    def collect(self) -> list[MetricData]:
        """Return the metrics of now, and ask the gauges for theirs.

        Cumulative ones start when counting began, or began anew; deltas where the last
        collection ended, and what nothing came to is left out. To throw away what there
        is, collect it. A gauge that never answers keeps the caller for ever.
        """
        return self.counted() + self._asked()

    def counted(self) -> list[MetricData]:
        """Return the metrics of now, but for the gauges that would have to be asked.

        So no code of the program is called, and it ends soon.
        """
        if self._deltas is None:
            return self._counted(None)
        return self._deltas.of(self._counted(self))

    def put_back(self, undelivered: Iterable[MetricData]) -> None:
        """Collect *undelivered* again, with what comes until then.

        Nothing has to be put back of what is cumulative: it is in the next collection.
        """
        if self._deltas is not None:
            self._deltas.put_back(undelivered)
