from __future__ import annotations

import math

import pytest

from eventbus import Batch, Buffer, Retry, Unavailable
from eventbus.testing import ScriptedSink, settled, steps
from tests._rig import AT_ONCE, ONE_BY_ONE, Rig, numbers


async def test_what_is_not_available_now_is_tried_again_after_the_backoff() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(*[steps.fail(Unavailable())] * 3)
        await rig.attach(sink)
        await rig.emit(1)
        for wait in (1.0, 2.0, 4.0):
            tried = len(sink.attempts)
            await rig.after(wait - 0.01)
            assert len(sink.attempts) == tried
            assert rig.stats().pending == 1
            await rig.after(0.01)
            assert len(sink.attempts) == tried + 1
        assert numbers(sink.delivered) == [1]
        assert rig.stats().possible_duplicates == 0


async def test_it_gives_up_when_the_next_wait_would_end_after_max_elapsed() -> None:
    async with Rig() as rig:
        retry = Retry(max_elapsed_seconds=6.0)
        sink = ScriptedSink(then=steps.fail(Unavailable("down")))
        await rig.attach(sink, retry=retry)
        await rig.emit(1)
        await rig.after(1.0)
        await rig.after(2.0)
        assert len(sink.attempts) == 3
        assert rig.stats().dropped == {"retry_exhausted": 1}


async def test_the_far_side_is_given_the_time_it_asks_for_up_to_a_limit() -> None:
    async with Rig() as rig:
        waits = [steps.fail(Unavailable(retry_after_seconds=s)) for s in (7.0, 1e9)]
        await rig.attach(sink := ScriptedSink(*waits))
        await rig.emit(1)
        await rig.after(6.9)
        assert len(sink.attempts) == 1
        await rig.after(0.1)
        assert len(sink.attempts) == 2
        await rig.after(299.9)
        assert len(sink.attempts) == 2
        await rig.after(0.1)
        assert numbers(sink.delivered) == [1]


@pytest.mark.parametrize("wish", [0.0, -5.0, math.nan])
@pytest.mark.proves("fault-55")
async def test_a_wish_of_no_time_or_nonsense_is_a_plain_backoff(wish: float) -> None:
    async with Rig() as rig:
        sink = ScriptedSink(steps.fail(Unavailable(retry_after_seconds=wish)))
        await rig.attach(sink)
        await rig.emit(1)
        await rig.after(0.99)
        assert len(sink.attempts) == 1
        await rig.after(0.01)
        assert numbers(sink.delivered) == [1]


@pytest.mark.proves("fault-57")
async def test_steps_of_the_wall_clock_change_no_wait() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(steps.fail(Unavailable()))
        await rig.attach(sink, batch=Batch(max_delay_seconds=1.0))
        await rig.emit(1)
        year = 365 * 86_400 * 10**9
        for step in (-3600 * 10**9, 10 * year, -20 * year):
            rig.clock.set_wall_clock(max(rig.clock.time_ns() + step, 0))
            await rig.after(0.3)
            assert len(sink.attempts) == 1
        await rig.emit(2)
        await rig.after(0.1)
        assert numbers(sink.delivered) == [1, 2]
        assert all(record.time_unix_nano >= 0 for record in sink.delivered)


@pytest.mark.proves("fault-54")
async def test_sinks_that_failed_together_do_not_come_back_together() -> None:
    async with Rig() as rig:
        sinks = [ScriptedSink(steps.fail(Unavailable())) for _ in range(200)]
        for index, sink in enumerate(sinks):
            rig.bus.attach(sink, name=str(index))
        await settled()
        await rig.emit(1)
        assert [len(sink.attempts) for sink in sinks] == [1] * 200
        came_back = []
        for _ in range(10):
            await rig.after(0.1)
            came_back.append(sum(len(sink.attempts) == 2 for sink in sinks))
        slots = [b - a for a, b in zip([0, *came_back], came_back, strict=False)]
        assert came_back[-1] == 200
        assert max(slots) < 60


@pytest.mark.proves("fault-59")
async def test_over_the_retry_budget_every_wait_is_the_longest() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(*[steps.fail(Unavailable()), steps.ok] * 20)
        await rig.attach(sink, batch=Batch(max_events=10, max_delay_seconds=0.0))
        for start in range(0, 100, 10):  # ten retries are free
            await rig.emit(*range(start, start + 10))
            await rig.after(1.0)
        await rig.emit(*range(100, 110))
        assert len(sink.attempts) == 21
        await rig.after(29.9)
        assert len(sink.attempts) == 21
        await rig.after(0.1)
        assert len(sink.attempts) == 22
        assert rig.stats().delivered == 110


@pytest.mark.proves("fault-59")
async def test_retries_stay_below_the_budget_while_half_of_all_calls_fail() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(*[steps.ok, steps.fail(Unavailable())] * 5000)
        await rig.attach(
            sink,
            batch=Batch(max_events=10, max_delay_seconds=0.0, max_in_flight=4),
            buffer=Buffer(max_events=100_000),
        )
        for start in range(0, 12_000, 20):
            await rig.emit(*range(start, start + 20))
            await rig.after(0.1)
        fresh = len({n for batch in sink.attempts for n in numbers(batch)})
        again = sum(map(len, sink.attempts)) - fresh
        assert again <= 0.2 * fresh + 10 * 10


async def test_faults_are_counted_apart_from_times_the_far_side_was_down() -> None:
    async with Rig() as rig:
        down, fault = steps.fail(Unavailable()), steps.fail(ValueError())
        await rig.attach(sink := ScriptedSink(down, down, down, fault, fault))
        await rig.emit(1)
        for _ in range(8):
            await rig.after(30.0)
        assert numbers(sink.delivered) == [1]


async def test_what_arrived_before_a_failure_is_not_sent_again() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(steps.fail(Unavailable(), after=2))
        await rig.attach(sink, batch=AT_ONCE)
        await rig.emit(1, 2, 3)
        assert (rig.stats().delivered, rig.stats().pending) == (2, 1)
        await rig.after(1.0)
        assert numbers(sink.delivered) == [1, 2, 3]
        assert [numbers(batch) for batch in sink.attempts] == [[1, 2, 3], [3]]


async def test_an_attempt_that_takes_too_long_is_cancelled_and_tried_again() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(steps.hang())
        await rig.attach(sink, retry=Retry(timeout_seconds=3.0))
        await rig.emit(1)
        await rig.after(2.9)
        assert sink.hanging == 1
        await rig.after(0.1)
        assert sink.hanging == 0
        assert rig.stats().errors == {"TimeoutError": 1}
        assert rig.stats().cause == "no answer within 3.0 s"
        await rig.after(1.0)
        assert numbers(sink.delivered) == [1]
        assert rig.stats().possible_duplicates == 1


async def test_what_may_have_arrived_all_the_same_counts_once_as_possibly_twice() -> (
    None
):
    async with Rig() as rig:
        cut = steps.fail(Unavailable("cut off", outcome_unknown=True))
        await rig.attach(sink := ScriptedSink(cut, cut))
        await rig.emit(1, 2)
        await rig.after(1.0)
        await rig.after(2.0)
        assert numbers(sink.delivered) == [1, 2]
        assert rig.stats().possible_duplicates == 2
        assert rig.stats().errors == {"Unavailable": 2}


async def test_a_fault_of_the_sink_is_tried_three_times() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(*[steps.fail(ValueError("bug"))] * 3)
        await rig.attach(sink, batch=ONE_BY_ONE)
        await rig.emit(1, 2)
        for _ in range(10):
            await rig.after(4.0)
        assert [numbers(batch) for batch in sink.attempts] == [[1], [1], [1], [2]]
        assert rig.stats().dropped == {"retry_exhausted": 1}
