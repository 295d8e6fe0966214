"""Gauges are asked for a limited time, and each of them has its turn."""

from __future__ import annotations

import asyncio
import threading

import pytest

from eventbus import Catalog
from eventbus._log import QuietLog
from eventbus.metrics import Aggregator, ObservableGauge
from eventbus.metrics._gauge_watch import GaugeWatch
from eventbus.testing import ManualClock


class Slow:
    """A gauge that answers when it may."""

    def __init__(self, name: str, catalog: Catalog) -> None:
        self.asked, self.may_answer = threading.Event(), threading.Event()
        self.thread = threading.current_thread()
        self.gauge = ObservableGauge(name, self._answer)
        catalog.gauges.append(self.gauge)

    def _answer(self) -> float:
        self.thread = threading.current_thread()
        self.asked.set()
        self.may_answer.wait()
        self.asked.clear()
        self.may_answer.clear()
        return 1

    async def answers(self) -> None:
        await asyncio.to_thread(self.asked.wait)
        self.may_answer.set()

    async def is_asked(self) -> None:
        await asyncio.to_thread(self.asked.wait)


class Rig:
    """Three gauges of which time is enough for one and a half."""

    def __init__(self) -> None:
        catalog = Catalog()
        self.clock = ManualClock()
        self.gauges = {name: Slow(name, catalog) for name in "abc"}
        self.watch = GaugeWatch(
            Aggregator(catalog=catalog, clock=self.clock),
            clock=self.clock,
            timeout_seconds=10,
            log=QuietLog(self.clock),
            name="sink",
        )

    async def round(self, answers: str, cut_off: str) -> list[str]:
        """Return who was heard where one answers in time, and the next one late."""
        asking = asyncio.create_task(self.watch.ask())
        await self.gauges[answers].answers()
        late = self.gauges[cut_off]
        await late.is_asked()
        self.clock.advance(10)
        heard = await asking
        late.may_answer.set()
        await asyncio.to_thread(late.thread.join)
        return [metric.name for metric in heard]


async def test_gauges_that_are_too_slow_together_take_turns() -> None:
    rig = Rig()
    heard = [
        await rig.round(answers, cut_off)
        for answers, cut_off in [("a", "b"), ("c", "a"), ("b", "c"), ("a", "b")]
    ]
    assert heard == [["a"], ["c"], ["b"], ["a"]]
    rig.watch.end()


async def test_who_is_cut_off_is_said_with_the_time_that_all_had(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig()
    await rig.round("a", "b")
    assert "gauges took over 10 s: 'b' is left out until it has answered" in caplog.text
    rig.watch.end()


async def test_a_gauge_that_is_gone_leaves_the_others_in_their_order() -> None:
    rig = Rig()
    await rig.round("a", "b")
    rig.watch._aggregator._catalog.gauges.remove(rig.gauges["b"].gauge)
    assert await rig.round("a", "c") == ["a"]
    rig.watch.end()
