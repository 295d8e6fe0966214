"""The clock that moves only when a test says so."""

from __future__ import annotations

import asyncio

import pytest

from eventbus.testing import ManualClock, settled

NANO = 1_000_000_000


def test_it_stands_still_until_it_is_moved() -> None:
    clock = ManualClock(start_unix_nano=5 * NANO)
    assert (clock.time_ns(), clock.monotonic()) == (5 * NANO, 0.0)
    clock.advance(1.5)
    assert (clock.time_ns(), clock.monotonic()) == (6_500_000_000, 1.5)


def test_timers_are_called_in_their_order_at_their_time() -> None:
    clock, calls = ManualClock(), list[tuple[str, float]]()
    for name, delay in (("late", 3), ("soon", 1), ("too", 1)):
        clock.call_later(
            delay, lambda name=name: calls.append((name, clock.monotonic()))
        )
    clock.advance(2)
    assert calls == [("soon", 1.0), ("too", 1.0)]
    clock.advance(1)
    assert calls[2:] == [("late", 3.0)]


def test_a_timer_set_by_a_timer_is_called_if_it_comes_due() -> None:
    clock, calls = ManualClock(), list[float]()

    def again() -> None:
        calls.append(clock.monotonic())
        clock.call_later(1, again)

    clock.call_later(1, again)
    clock.advance(3)
    assert calls == [1.0, 2.0, 3.0]
    assert clock.timers == 1


def test_a_cancelled_timer_is_not_called() -> None:
    clock, calls = ManualClock(), list[bool]()
    clock.call_later(1, lambda: calls.append(True)).cancel()
    clock.advance(2)
    assert calls == []
    assert clock.timers == 0


def test_a_step_of_the_wall_clock_moves_no_timer() -> None:
    clock, calls = ManualClock(), list[bool]()
    clock.call_later(1, lambda: calls.append(True))
    clock.set_wall_clock(0)
    assert clock.time_ns() == 0
    assert calls == []
    clock.advance(1)
    assert clock.time_ns() == NANO
    assert calls == [True]


def test_time_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="seconds must be >= 0, got -1"):
        ManualClock().advance(-1)


async def test_settled_waits_until_everybody_waits() -> None:
    steps: list[int] = []

    async def work() -> None:
        for step in range(50):
            await asyncio.sleep(0)
            steps.append(step)
        await asyncio.Event().wait()

    task = asyncio.ensure_future(work())
    await settled()
    assert len(steps) == 50
    task.cancel()
