from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from eventbus import Batch, Buffer, Bus, Overflow, Record, Refused, Report, Unavailable
from eventbus.testing import RecordingSink, ScriptedSink, settled, steps
from tests._rig import ONE_BY_ONE, CuedSink, Numbered, Rig, numbers


def flushing(rig: Rig, **options: Any) -> asyncio.Task[Report]:
    return asyncio.create_task(rig.bus.flush(**options))


@pytest.mark.proves("K2")
async def test_it_waits_until_everything_before_it_is_decided() -> None:
    async with Rig() as rig:
        await rig.attach(sink := CuedSink(), batch=ONE_BY_ONE)
        await rig.emit(1, 2)
        flush = flushing(rig)
        await settled()
        await sink.cue()
        assert not flush.done()
        await sink.cue()
        report = await flush
        assert report.complete
        assert report.attachments["sink"].delivered == 2


async def test_it_waits_for_what_was_emitted_in_the_same_breath() -> None:
    async with Rig() as rig:
        await rig.attach(sink := RecordingSink())
        rig.bus.emit(Numbered(n=1))
        assert (await rig.bus.flush()).complete
        assert numbers(sink.records) == [1]


@pytest.mark.proves("K2")
async def test_it_waits_for_nothing_that_is_emitted_later() -> None:
    async with Rig() as rig:
        await rig.attach(sink := CuedSink(), batch=ONE_BY_ONE)
        await rig.emit(1)
        flush = flushing(rig)
        await settled()
        await rig.emit(2)
        await sink.cue()
        report = await flush
        assert report.complete
        assert report.attachments["sink"].pending == 1


@pytest.mark.proves("K2")
async def test_it_ends_with_its_time_and_says_what_is_left() -> None:
    async with Rig() as rig:
        await rig.attach(RecordingSink(), name="healthy")
        await rig.attach(ScriptedSink(then=steps.hang()))
        await rig.emit(1, 2)
        report = await rig.at_once(3.0, flushing(rig, timeout_seconds=3.0))
        assert not report.complete
        assert report.attachments["sink"].pending == 2
        assert report.attachments["healthy"].complete


async def test_without_a_time_it_takes_that_of_the_close() -> None:
    async with Rig(close_timeout_seconds=2.0) as rig:
        await rig.attach(ScriptedSink(then=steps.hang()))
        await rig.emit(1)
        assert not (await rig.at_once(2.0, flushing(rig))).complete


async def test_no_time_is_a_look_at_how_things_are() -> None:
    async with Rig() as rig:
        await rig.attach(RecordingSink())
        rig.bus.emit(Numbered(n=1))
        assert not (await rig.bus.flush(timeout_seconds=0)).complete
        await settled()
        assert (await rig.bus.flush(timeout_seconds=0)).complete


@pytest.mark.proves("K2")
async def test_it_shortens_no_backoff() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(steps.fail(Unavailable()))
        await rig.attach(sink)
        await rig.emit(1)
        flush = flushing(rig)
        await rig.after(0.99)
        assert len(sink.attempts) == 1
        assert (await rig.at_once(0.01, flush)).complete


async def test_a_loss_before_it_makes_it_incomplete_once() -> None:
    async with Rig() as rig:
        buffer = Buffer(max_events=1, overflow=Overflow.DROP_NEWEST)
        await rig.attach(RecordingSink(), buffer=buffer)
        await rig.emit(1, 2)
        assert rig.stats().dropped == {"queue_full": 1}
        assert not (await rig.bus.flush()).complete
        assert (await rig.bus.flush()).complete


@pytest.mark.parametrize("letters", [None, RecordingSink()])
async def test_what_is_rejected_or_set_aside_makes_it_incomplete(
    letters: RecordingSink | None,
) -> None:
    async with Rig() as rig:
        sink = ScriptedSink(steps.fail(Refused("no")))
        await rig.attach(sink, dead_letters=letters)
        await rig.emit(1)
        report = await rig.bus.flush()
        assert not report.complete
        assert not report.attachments["sink"].complete
        assert (await rig.bus.flush()).complete


async def test_what_is_sampled_out_is_no_loss() -> None:
    class Nothing:
        def sample(self, record: object) -> float:
            return 0.0

    async with Rig() as rig:
        await rig.attach(RecordingSink(), sampler=Nothing())
        await rig.emit(1)
        assert (await rig.bus.flush()).complete


async def test_it_waits_for_the_keeper_of_dead_letters_too() -> None:
    async with Rig() as rig:
        letters = CuedSink()
        sink = ScriptedSink(steps.fail(Refused("no")))
        await rig.attach(sink, dead_letters=letters)
        await rig.emit(1)
        flush = flushing(rig)
        await settled()
        assert not flush.done()
        await letters.cue()
        report = await flush
        assert report.attachments["sink.dead_letters"].delivered == 1


async def test_it_waits_for_letters_that_come_behind_later_ones() -> None:
    async with Rig() as rig:
        letters = CuedSink()
        two_at_once = Batch(max_events=1, max_delay_seconds=0.0, max_in_flight=2)
        sink = CuedSink()
        await rig.attach(sink, batch=two_at_once, dead_letters=letters)
        await rig.emit(1)
        flush = flushing(rig)
        await settled()
        await rig.emit(2, 3)
        await sink.cue(Refused("no"), index=1)
        await sink.cue(Refused("no"), index=1)
        await sink.cue(Refused("no"))
        assert numbers(letters.attempts[0]) == [2]
        await letters.cue()
        assert numbers(letters.attempts[1]) == [3, 1]
        assert not flush.done()
        assert not (await rig.bus.flush(0)).attachments["sink.dead_letters"].complete
        await letters.cue()
        assert flush.done()


async def test_it_waits_for_handlers() -> None:
    async with Rig() as rig:
        gate = asyncio.Event()

        @rig.bus.on(name="on")
        async def handle(record: Record[Numbered]) -> None:
            await gate.wait()

        await rig.emit(1)
        flush = flushing(rig)
        await settled()
        assert not flush.done()
        gate.set()
        assert (await flush).attachments["on"].delivered == 1


async def test_flushes_at_once_end_with_what_each_waits_for() -> None:
    async with Rig() as rig:
        await rig.attach(sink := CuedSink(), batch=ONE_BY_ONE)
        await rig.emit(1)
        first = flushing(rig)
        await settled()
        await rig.emit(2)
        second = flushing(rig)
        await settled()
        await sink.cue()
        assert (first.done(), second.done()) == (True, False)
        await sink.cue()
        assert (await second).complete


async def test_a_cancelled_flush_changes_nothing() -> None:
    async with Rig() as rig:
        await rig.attach(sink := RecordingSink(), batch=Batch(max_delay_seconds=1.0))
        await rig.attach(cued := CuedSink(), name="cued")
        await rig.emit(1)
        flush = flushing(rig)
        await settled()
        flush.cancel()
        await settled()
        await rig.emit(2)
        assert numbers(sink.records) == [1]
        await rig.after(1.0)
        assert numbers(sink.records) == [1, 2]
        await cued.cue()


async def test_before_the_start_it_says_that_everything_is_pending() -> None:
    bus = Bus()
    bus.attach(RecordingSink(), name="sink")
    for n in range(5):
        bus.emit(Numbered(n=n))
    report = await bus.flush()
    assert not report.complete
    stats = report.attachments["sink"]
    assert (stats.offered, stats.pending, stats.balanced) == (5, 5, True)
    await bus.aclose()


async def test_after_the_close_it_reports_at_once() -> None:
    async with Rig() as rig:
        await rig.attach(RecordingSink())
        await rig.emit(1)
        await rig.bus.aclose()
        assert (await rig.bus.flush()).complete


async def test_a_sink_that_is_detached_meanwhile_is_not_waited_for() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(ScriptedSink(then=steps.hang()))
        await rig.emit(1)
        flush = flushing(rig)
        await settled()
        await attachment.detach(0)
        await settled()
        assert (await flush).attachments == {}


async def test_one_that_fails_meanwhile_is_not_waited_for() -> None:
    async with Rig() as rig:
        await rig.attach(sink := CuedSink(), batch=ONE_BY_ONE)
        await rig.emit(1, 2, 3)
        flush = flushing(rig)
        await settled()
        await sink.cue(Refused("revoked", permanent=True))
        report = await flush
        assert not report.complete
        assert report.attachments["sink"].dropped == {"permanent": 3}


async def test_what_the_oldest_makes_room_for_is_waited_for_no_more() -> None:
    async with Rig() as rig:
        buffer = Buffer(max_events=2, overflow=Overflow.DROP_OLDEST)
        await rig.attach(sink := CuedSink(), buffer=buffer, batch=ONE_BY_ONE)
        await rig.emit(1, 2)
        flush = flushing(rig)
        await settled()
        await rig.emit(3)
        await sink.cue()
        assert not (await flush).complete
        assert rig.stats().dropped == {"queue_full": 1}


def test_where_its_loop_is_gone_it_says_at_once_what_is_pending() -> None:
    bus = Bus()
    bus.attach(ScriptedSink(then=steps.hang()), name="sink")

    async def first() -> None:
        await bus.start()
        bus.emit(Numbered(n=1))
        await settled()

    asyncio.run(first())
    report = asyncio.run(bus.flush(timeout_seconds=60.0))
    assert not report.complete
    assert report.attachments["sink"].pending == 1
    asyncio.run(bus.aclose(0))


@pytest.mark.proves("K2")
async def test_a_flush_from_another_loop_ends_though_that_of_the_bus_stands_still() -> (
    None
):
    go_on = threading.Event()
    async with Bus() as bus:
        bus.attach(ScriptedSink(), name="sink")
        bus.emit(Numbered(n=1))

        def flush_elsewhere() -> Report:
            try:
                return asyncio.run(bus.flush(0.01))
            finally:
                go_on.set()

        flushing = asyncio.get_running_loop().run_in_executor(None, flush_elsewhere)
        go_on.wait()  # the loop of the bus stands still until then
        report = await flushing
        assert not report.complete
        assert report.attachments["sink"].pending == 1
