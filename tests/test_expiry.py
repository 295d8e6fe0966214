"""What becomes too old is dropped, never sent, and holds nobody up."""

from __future__ import annotations

import asyncio

import pytest

from eventbus import (
    Buffer,
    Bus,
    Overflow,
    Retry,
    TooLarge,
    Unavailable,
)
from eventbus._bounds import WrongSetting
from eventbus.testing import ManualClock, RecordingSink, ScriptedSink, settled, steps
from tests._rig import AT_ONCE, ONE_BY_ONE, PATIENT, CuedSink, Numbered, Rig, numbers

FIVE = Buffer(max_age_seconds=5.0)


@pytest.mark.proves("fault-46")
async def test_what_is_older_is_dropped_and_what_is_younger_is_sent() -> None:
    async with Rig() as rig:
        sink = CuedSink()
        await rig.attach(sink, buffer=FIVE, batch=AT_ONCE, retry=PATIENT)
        await rig.emit(0)
        await rig.emit(1, 2)
        await rig.after(3.0)
        await rig.emit(3)
        await rig.after(1.99)
        assert rig.stats().dropped == {}
        await rig.after(0.01)
        assert rig.stats().dropped == {"expired": 2}
        rig.check_balance()
        await sink.cue()
        await sink.cue()
        assert numbers(sink.delivered) == [0, 3]


@pytest.mark.proves("fault-46")
async def test_a_full_buffer_that_nobody_reads_frees_its_room_in_time() -> None:
    async with Rig() as rig:
        buffer = Buffer(max_events=3, max_age_seconds=5.0, wait_timeout_seconds=None)
        hung = ScriptedSink(then=steps.hang())
        await rig.attach(hung, buffer=buffer, batch=ONE_BY_ONE, retry=PATIENT)
        await rig.emit(1, 2, 3)
        waiting = asyncio.create_task(rig.bus.publish(Numbered(n=4)))
        await rig.at_once(5.0, waiting)
        assert (rig.stats().dropped, rig.stats().pending) == ({"expired": 2}, 2)
        rig.check_balance()


@pytest.mark.proves("fault-46")
async def test_one_timer_serves_the_whole_queue_and_none_an_empty_one() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(RecordingSink(), buffer=FIVE)
        assert rig.clock.timers == 0
        attachment.pause()
        for n in range(4):
            await rig.emit(n)
            await rig.after(1.0)
            assert rig.clock.timers == 1
        await rig.after(1.0)
        assert rig.stats().dropped == {"expired": 1}
        await rig.after(3.0)
        assert rig.stats().dropped == {"expired": 4}
        assert rig.clock.timers == 0


@pytest.mark.proves("fault-46")
async def test_between_retries_what_is_too_old_goes_and_the_next_leaves() -> None:
    async with Rig() as rig:
        sink = CuedSink()
        retry = Retry(initial_seconds=30.0, timeout_seconds=None)
        await rig.attach(sink, buffer=FIVE, batch=AT_ONCE, retry=retry)
        await rig.emit(1, 2)
        await sink.cue(Unavailable())
        await rig.after(4.0)
        await rig.emit(3)
        assert sink.in_flight == 0
        await rig.after(0.99)
        assert rig.stats().pending == 3
        await rig.after(0.01)
        assert rig.stats().dropped == {"expired": 2}
        assert [numbers(batch) for batch in sink.attempts] == [[1, 2], [3]]


@pytest.mark.proves("fault-46")
async def test_the_part_of_a_batch_that_is_too_old_is_not_sent_again() -> None:
    async with Rig() as rig:
        sink = CuedSink()
        retry = Retry(initial_seconds=3.0, timeout_seconds=None)
        attachment = await rig.attach(sink, buffer=FIVE, batch=AT_ONCE, retry=retry)
        attachment.pause()
        await rig.emit(1, 2)
        await rig.after(3.0)
        await rig.emit(3)
        attachment.resume()
        await settled()
        await sink.cue(Unavailable())
        await rig.after(2.99)
        assert len(sink.attempts) == 1
        await rig.after(0.01)
        assert [numbers(batch) for batch in sink.attempts] == [[1, 2, 3], [3]]
        assert (rig.stats().dropped, rig.stats().pending) == ({"expired": 2}, 1)


@pytest.mark.proves("fault-46")
async def test_the_halves_of_a_batch_grow_old_like_the_whole() -> None:
    async with Rig() as rig:
        await rig.attach(sink := CuedSink(), buffer=FIVE, batch=AT_ONCE, retry=PATIENT)
        await rig.emit(1, 2)
        await sink.cue(TooLarge())
        await rig.after(5.0)
        await sink.cue()
        assert numbers(sink.delivered) == [1]
        assert rig.stats().dropped == {"expired": 1}


@pytest.mark.proves("fault-46")
async def test_behind_an_open_circuit_or_a_pause_what_is_too_old_goes_on_time() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(then=steps.fail(Unavailable(retry_after_seconds=200.0)))
        attachment = await rig.attach(sink, buffer=FIVE, batch=ONE_BY_ONE)
        for n in range(8):
            await rig.emit(n)
            await rig.after(5.0)
        assert rig.stats().dropped == {"expired": 8}
        attachment.pause()
        await rig.emit(8)
        await rig.after(5.0)
        assert rig.stats().dropped == {"expired": 9}
        assert rig.stats().pending == 0


@pytest.mark.proves("fault-46", "fault-57")
async def test_steps_of_the_wall_clock_make_nothing_older_or_younger() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(sink := RecordingSink(), buffer=FIVE)
        attachment.pause()
        await rig.emit(1)
        for unix_nano in (0, 10**19, 1):
            rig.clock.set_wall_clock(unix_nano)
            await rig.after(1.0)
        await rig.emit(2)
        await rig.after(2.0)
        assert rig.stats().dropped == {"expired": 1}
        attachment.resume()
        await settled()
        assert numbers(sink.records) == [2]


@pytest.mark.proves("fault-46")
async def test_a_close_sends_nothing_that_is_too_old() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(sink := CuedSink(), buffer=FIVE, batch=ONE_BY_ONE)
        await rig.emit(1, 2)
        attachment.workers.departures._expiry.rest()
        await rig.after(5.0)
        closing = asyncio.create_task(rig.bus.aclose())
        await settled()
        await sink.cue()
        report = await closing
        assert numbers(sink.delivered) == [1]
        assert report.attachments["sink"].dropped == {"expired": 1}


@pytest.mark.proves("fault-46")
async def test_a_flush_ends_when_what_it_waits_for_is_too_old() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(RecordingSink(), buffer=FIVE)
        attachment.pause()
        await rig.emit(1)
        flush = asyncio.create_task(rig.bus.flush(60.0))
        report = await rig.at_once(5.0, flush)
        assert not report.complete
        assert report.attachments["sink"].dropped == {"expired": 1}


async def test_bytes_of_what_is_too_old_are_free_again() -> None:
    async with Rig() as rig:
        buffer = Buffer(max_bytes=10_000, max_age_seconds=5.0)
        attachment = await rig.attach(CuedSink(), buffer=buffer, batch=ONE_BY_ONE)
        attachment.pause()
        await rig.emit(1, 2)
        await rig.after(5.0)
        assert (rig.stats().dropped, rig.stats().pending_bytes) == ({"expired": 2}, 0)


async def test_a_subscription_counts_it_as_missed() -> None:
    async with Rig() as rig:
        buffer = Buffer(overflow=Overflow.DROP_OLDEST, max_age_seconds=5.0)
        async with rig.bus.subscribe(buffer=buffer) as records:
            await rig.emit(1)
            assert records._attachment is not None
            records._attachment.expiry.rest()  # as if the loop had no time for it
            await rig.after(5.0)
            rig.bus.emit(Numbered(n=2))
            assert (await anext(records)).event.n == 2
            assert records.missed == 1


async def test_what_is_held_grows_old_from_the_resize_that_says_so() -> None:
    async with Rig() as rig:
        sink = CuedSink()
        retry = Retry(initial_seconds=30.0, timeout_seconds=None)
        attachment = await rig.attach(sink, batch=ONE_BY_ONE, retry=retry)
        await rig.emit(1, 2)
        await sink.cue(Unavailable())
        attachment.pause()
        await rig.after(60.0)
        attachment.resize(FIVE)
        await rig.after(4.0)
        assert rig.stats().pending == 2
        attachment.resize(Buffer(max_age_seconds=2.0))
        assert rig.stats().pending == 1
        attachment.resize(Buffer())
        await rig.after(60.0)
        assert (rig.stats().pending, rig.stats().dropped) == (1, {"expired": 1})


async def test_what_is_tried_again_grows_old_from_the_resize_that_says_so() -> None:
    async with Rig() as rig:
        retry = Retry(initial_seconds=30.0, timeout_seconds=None)
        attachment = await rig.attach(sink := CuedSink(), retry=retry)
        await rig.emit(1)
        await sink.cue(Unavailable())
        await rig.after(29.0)
        attachment.resize(FIVE)
        await rig.after(1.0)
        await sink.cue()
        assert numbers(sink.delivered) == [1]


async def test_what_is_left_when_the_oldest_went_is_as_old_as_before() -> None:
    async with Rig() as rig:
        buffer = Buffer(
            max_events=4, overflow=Overflow.DROP_OLDEST, max_age_seconds=5.0
        )
        attachment = await rig.attach(sink := RecordingSink(), buffer=buffer)
        attachment.pause()
        await rig.emit(1, 2, 3, 4)
        await rig.after(1.0)
        await rig.emit(5, 6, 7)
        attachment.resume()
        await settled()
        assert numbers(sink.records) == [4, 5, 6, 7]


async def test_what_was_detached_leaves_no_timer() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(RecordingSink(), buffer=FIVE)
        attachment.pause()
        await rig.emit(1)
        assert rig.clock.timers == 1
        await attachment.detach()
        assert rig.clock.timers == 0


async def test_without_an_age_no_clock_is_read_and_no_timer_set() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(RecordingSink())
        attachment.pause()
        await rig.emit(1)
        assert rig.clock.timers == 0
        queue = attachment.buffer.chunks
        assert [chunk.queued_at for chunk in queue] == [float("-inf")]


async def test_before_the_start_events_grow_old_without_a_timer() -> None:
    clock = ManualClock()
    bus = Bus(clock=clock)
    bus.attach(sink := RecordingSink(), name="sink", buffer=FIVE)
    bus.emit(Numbered(n=1))
    await bus.flush()
    clock.advance(5.0)
    bus.emit(Numbered(n=2))
    async with bus:
        await bus.flush()
        assert numbers(sink.records) == [2]
        assert bus.stats().attachments["sink"].dropped == {"expired": 1}


def test_before_any_loop_runs_it_waits_for_the_start() -> None:
    bus = Bus()
    attachment = bus.attach(RecordingSink(), name="sink", buffer=FIVE)
    bus.emit(Numbered(n=1))
    attachment.resize(FIVE)
    assert bus.stats().attachments["sink"].pending == 1


@pytest.mark.parametrize("age", [0, -1.0, float("nan")])
def test_an_age_is_more_than_nothing(age: float) -> None:
    with pytest.raises(WrongSetting, match="max_age_seconds must be > 0, got"):
        Buffer(max_age_seconds=age)
