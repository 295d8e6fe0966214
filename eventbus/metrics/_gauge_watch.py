"""How long a gauge may take to answer, and what becomes of one that does not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from eventbus._clock import Clock
from eventbus._log import QuietLog
from eventbus._side_thread import SideThread
from eventbus._waiting import wait_until_done
from eventbus.metrics._aggregator import Aggregator
from eventbus.metrics._data import MetricData
from eventbus.metrics._declaration import ObservableGauge


class GaugeWatch:
    """Asks gauges in a daemon thread, one after the other, for a limited time.

    A gauge that has not answered when the time is over is said once in the log, and is
    left out until it has; its thread is its own until then, so there is at most one
    thread more for each such gauge. Those after it are the first to be asked the next
    time, and it is the last: so the slow ones take turns.

    Args:
        aggregator: Has the gauges.
        clock: Measures the time.
        timeout_seconds: For all gauges together.
        log: Takes what people should know.
        name: Of the sink, for the log.
    """

    def __init__(
        self,
        aggregator: Aggregator,
        *,
        clock: Clock,
        timeout_seconds: float,
        log: QuietLog,
        name: str,
    ) -> None:
        """Ask nothing yet."""
        self._aggregator: Final = aggregator
        self._clock: Final = clock
        self._timeout_seconds: Final = timeout_seconds
        self._log: Final = log
        self._name: Final = name
        self._thread: Final = SideThread(_Round.ask, "eventbus gauges")
        self._unanswered: list[_Round] = []
        self._cut_off: ObservableGauge | None = None

    async def ask(self) -> list[MetricData]:
        """Return what the gauges say; on the loop, one call at a time.

        If cancelled, the gauge that is being asked is left to its thread.
        """
        gauges = self._in_turn()
        if not gauges:
            return []
        asking = _Round(self._aggregator, gauges)
        call = asyncio.ensure_future(self._thread.call(asking))
        try:
            if not await wait_until_done(call, self._clock, self._timeout_seconds):
                self._say(asking.present)
        finally:
            await self._leave(asking, call)
        return list(asking.found)

    def _in_turn(self) -> list[ObservableGauge]:
        """Return the gauges to ask, from the one behind who was cut off last."""
        self._unanswered = [one for one in self._unanswered if not one.is_over]
        waiting = [id(one.present) for one in self._unanswered]
        gauges = self._aggregator.gauges()
        places = [n for n, gauge in enumerate(gauges) if gauge is self._cut_off]
        first = places[0] + 1 if places else 0
        turned = gauges[first:] + gauges[:first]
        return [gauge for gauge in turned if id(gauge) not in waiting]

    async def _leave(self, asking: _Round, call: asyncio.Future[None]) -> None:
        if call.done():
            return
        asking.is_left = True
        self._cut_off = asking.present
        self._unanswered.append(asking)
        call.cancel()
        await asyncio.wait((call,))

    def _say(self, gauge: ObservableGauge) -> None:
        self._log.warning(
            f"{self._name}: gauge {gauge.name}",
            "sink %r: gauges took over %g s: %r is left out until it has answered",
            self._name,
            self._timeout_seconds,
            gauge.name,
        )

    def end(self) -> None:
        """Let the thread end."""
        self._thread.end()


class _Round:
    """Asks *gauges* in a thread; everybody may look how far it is."""

    def __init__(
        self, aggregator: Aggregator, gauges: Sequence[ObservableGauge]
    ) -> None:
        self._aggregator: Final = aggregator
        self._gauges: Final = gauges
        self.present = gauges[0]
        """Who is being asked."""
        self.found: list[MetricData] = []
        self.is_left = False
        """Whether nobody waits for it any more."""
        self.is_over = False

    def ask(self) -> None:
        """Ask one after the other, for as long as somebody waits."""
        try:
            for gauge in self._gauges:
                if self.is_left:
                    return
                self.present = gauge
                self.found += self._aggregator.ask(gauge)
        finally:
            self.is_over = True
