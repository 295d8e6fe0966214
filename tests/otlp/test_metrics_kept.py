"""What hangs or is cut off costs no metric but its own, and what is lost is told."""

from __future__ import annotations

import asyncio
import sys
import threading
from contextlib import suppress
from typing import Any

import pytest

from eventbus import Unavailable
from eventbus.metrics import MetricData, ObservableGauge
from eventbus.testing import replies, settled
from tests.otlp._metrics_rig import Rig, end, jobs, metrics, sending, timed


class SlowReader:
    """Holds up whoever collects, until it is let go."""

    def __init__(self, rig: Rig) -> None:
        self._reader = rig.reader
        self.begun, self.released = threading.Event(), threading.Event()
        self.inside = self.most = 0

    def counted(self) -> list[MetricData]:
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.begun.set()
        found = self._reader.counted()
        self.released.wait()
        self.inside -= 1
        return found

    def put_back(self, undelivered: Any) -> None:
        self._reader.put_back(undelivered)


async def test_what_was_being_collected_for_one_who_is_cancelled_is_not_lost() -> None:
    async with sending() as rig:
        slow = SlowReader(rig)
        rig.export._reader = slow  # type: ignore[misc]  # the rig makes both
        rig.count(a=2)
        first = asyncio.create_task(rig.export.export())
        await asyncio.to_thread(slow.begun.wait)
        first.cancel()
        await asyncio.wait((first,))
        rig.count(a=1)
        second = asyncio.create_task(rig.export.export())
        await settled()
        slow.released.set()
        await second
        assert first.cancelled()
        assert jobs(*rig.server.requests) == {"a": 3}
        assert timed(*rig.server.requests) == 3
        assert slow.most == 1
        await rig.export._thread.end()


async def test_a_gauge_that_hangs_costs_itself_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with sending() as rig:
        asked, answers = threading.Event(), threading.Event()

        def hanging() -> float:
            asked.set()
            answers.wait()
            return 7

        others: list[int] = []

        def other() -> float:
            others.append(1)
            return 1

        rig.catalog.gauges.append(ObservableGauge("hanging", hanging))
        rig.catalog.gauges.append(ObservableGauge("other", other))
        rig.count(a=1)
        first = asyncio.create_task(rig.export.export())
        await asyncio.to_thread(asked.wait)
        await rig.until_it_waits()
        assert jobs(rig.server.requests[0]) == {"a": 1}
        rig.clock.advance(10)
        await first
        for _ in range(2):
            rig.count(a=1)
            await rig.export.export()
        assert jobs(*rig.server.requests) == {"a": 3}
        gauges = [
            set(metrics(one)) & {"hanging", "other"} for one in rig.server.requests
        ]
        assert [names for names in gauges if names] == [{"other"}, {"other"}]
        assert caplog.text.count("took over 10 s: 'hanging' is left out") == 1
        (thread,) = [t for t in threading.enumerate() if is_left(t)]
        assert thread.daemon
        answers.set()
        await asyncio.to_thread(thread.join)
        assert len(others) == 2
        await rig.export.export()
        assert set(metrics(rig.server.requests[-1])) == {"hanging", "other"}
        await end(rig)


def is_left(thread: threading.Thread) -> bool:
    """Return whether it is the thread of the gauge that hangs."""
    frame = sys._current_frames()[thread.ident or 0]
    while frame.f_back is not None and frame.f_code.co_name != "hanging":
        frame = frame.f_back
    return frame.f_code.co_name == "hanging"


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), ValueError()])
async def test_a_gauge_that_raises_costs_itself_alone(error: BaseException) -> None:
    async with sending() as rig:

        def leaving() -> float:
            raise error

        rig.catalog.gauges.append(ObservableGauge("leaving", leaving))
        rig.catalog.gauges.append(ObservableGauge("other", lambda: 1))
        rig.count(a=1)
        await rig.export.export()
        assert set(metrics(rig.server.requests[-1])) == {"other"}
        assert rig.aggregator.take_warned() == {"gauge_failed": 1}
        await end(rig)


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (replies.http(503), "metrics (2 points) wait: Unavailable: the far side"),
        (replies.http(404), "metrics refused: 2 points"),
    ],
)
async def test_what_the_far_side_lacks_is_told_until_something_arrives(
    answer: replies.Reply, trouble: str
) -> None:
    async with sending(answer) as rig:
        rig.count(a=1)
        with suppress(Unavailable):
            await rig.export.export()
        assert (rig.export.trouble or "").startswith(trouble)
        rig.count(a=1)
        await rig.export.export()
        assert rig.export.trouble is None


async def test_what_a_close_could_not_send_is_told() -> None:
    async with sending(replies.http(503)) as rig:
        rig.export.start()
        rig.count(a=1)
        await rig.export.aclose()
        assert (rig.export.trouble or "").startswith("metrics (2 points) lost: ")
