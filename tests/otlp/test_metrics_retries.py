"""When metrics that did not arrive go out again, and what is told until they do."""

from __future__ import annotations

import threading

import pytest

from eventbus import Unavailable
from eventbus.metrics import ObservableGauge
from eventbus.testing import replies
from eventbus_otlp._bisection import GIVE_UP_AFTER
from tests.otlp._collector import refusing
from tests.otlp._metrics_rig import jobs, sending


@pytest.mark.parametrize(
    ("wish", "failures", "seconds"),
    [
        (None, 0, 1),
        (None, 5, 32),
        (None, 6, 60),  # the interval
        (None, 10_000, 60),
        (7, 0, 7),
        (200, 6, 200),
        (10**9, 0, 300),
    ],
)
async def test_it_is_sent_again_soon_and_as_the_far_side_wishes_within_bounds(
    wish: float | None, failures: int, seconds: float
) -> None:
    async with sending() as rig:
        error = Unavailable("down", retry_after_seconds=wish)
        assert rig.export._retry_after(error, failures) == seconds


async def test_after_a_success_failures_are_counted_anew() -> None:
    down = replies.http(503)
    async with sending(down, replies.ok, down) as rig:
        rig.export.start()
        for seconds in (60, 1, 60, 1):
            rig.count(a=1)
            await rig.after(seconds)
        await rig.export.aclose()
        assert jobs(rig.server.requests[-1]) == {"a": 2}


async def test_what_was_refused_is_told_until_something_arrives_whole() -> None:
    async with sending(replies.http(404), replies.took(1)) as rig:
        rig.count(a=1)
        await rig.export.export()
        await rig.export.export()  # nothing new
        assert (rig.export.trouble or "").startswith("metrics refused: 2 points: ")
        rig.count(a=1)
        await rig.export.export()
        assert (rig.export.trouble or "").startswith("metrics refused: 1 of 2 points")
        rig.count(a=1)
        await rig.export.export()
        assert rig.export.trouble is None


async def test_one_bad_point_now_and_then_costs_no_other() -> None:
    picky = refusing(replies.http(400), lambda request: "bad" in jobs(request))
    times = GIVE_UP_AFTER + 1
    async with sending(otherwise=picky) as rig:
        for _ in range(times):
            rig.count(bad=1, good=1)
            await rig.export.export()
        taken = [one for one in rig.server.requests if "bad" not in jobs(one)]
        assert jobs(*taken) == {"good": times}
        assert rig.export.refused == times


async def test_the_thread_of_the_gauges_ends_with_the_close() -> None:
    async with sending() as rig:
        threads: list[threading.Thread] = []
        gauge = ObservableGauge("g", lambda: threads.append(threading.current_thread()))
        rig.catalog.gauges.append(gauge)
        rig.export.start()
        await rig.export.aclose()
        (thread,) = threads
        thread.join(timeout=10)
        assert not thread.is_alive()
