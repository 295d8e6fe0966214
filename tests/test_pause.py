"""What a pause holds back, what it does not, and what overrides it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from eventbus import (
    AttachError,
    Batch,
    Buffer,
    Overflow,
    PublishTimeoutError,
    TooLarge,
    Unavailable,
)
from eventbus.testing import RecordingSink, ScriptedSink, settled, steps
from tests._rig import AT_ONCE, ONE_BY_ONE, PATIENT, CuedSink, Numbered, Rig, numbers


@pytest.mark.proves("fault-44")
async def test_no_call_begins_while_paused_and_all_is_delivered_after() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(sink := RecordingSink(), batch=AT_ONCE)
        attachment.pause()
        await rig.emit(*range(5))
        await rig.after(60.0)
        assert (sink.batches, rig.stats().pending) == ([], 5)
        rig.check_balance()
        attachment.resume()
        await settled()
        assert numbers(sink.records) == list(range(5))


@pytest.mark.proves("fault-44")
async def test_a_batch_that_waits_for_its_retry_waits_for_the_end_of_the_pause() -> (
    None
):
    async with Rig() as rig:
        attachment = await rig.attach(sink := CuedSink(), batch=AT_ONCE, retry=PATIENT)
        await rig.emit(1, 2, 3)
        attachment.pause()
        await sink.cue(Unavailable())
        await rig.after(60.0)
        assert sink.in_flight == 0
        attachment.resume()
        await settled()
        assert sink.in_flight == 1
        attachment.pause()
        await sink.cue(TooLarge())
        assert (sink.in_flight, rig.stats().pending) == (0, 3)
        attachment.resume()
        await settled()
        assert sink.in_flight == 1
        rig.check_balance()


@pytest.mark.proves("fault-44")
async def test_the_buffer_fills_within_its_bounds_while_paused() -> None:
    async with Rig() as rig:
        buffer = Buffer(max_events=2, wait_timeout_seconds=1.0)
        attachment = await rig.attach(sink := RecordingSink(), buffer=buffer)
        attachment.pause()
        assert await rig.emit(1, 2, 3) == [True, True, False]
        waiting = asyncio.create_task(rig.bus.publish(Numbered(n=4)))
        await settled()
        await rig.after(1.0)
        assert isinstance(waiting.exception(), PublishTimeoutError)
        assert rig.stats().dropped == {"queue_full": 1, "block_timeout": 1}
        attachment.resume()
        await settled()
        assert numbers(sink.records) == [1, 2]


@pytest.mark.proves("fault-44")
@pytest.mark.parametrize("ending", ["close", "detach"])
async def test_a_close_or_detach_delivers_what_a_pause_holds_back(ending: str) -> None:
    async with Rig() as rig:
        attachment = await rig.attach(sink := CuedSink(), batch=ONE_BY_ONE)
        await rig.emit(1, 2, 3)
        attachment.pause()
        await sink.cue(Unavailable())
        end = rig.bus.aclose() if ending == "close" else attachment.detach()
        ended = asyncio.create_task(end)
        for _ in range(3):
            await settled()
            await sink.cue()
        await ended
        assert numbers(sink.delivered) == [1, 2, 3]


@pytest.mark.proves("fault-44")
async def test_a_paused_attachment_ends_in_time_though_its_sink_hangs() -> None:
    async with Rig() as rig:
        hung = ScriptedSink(then=steps.hang())
        attachment = await rig.attach(hung, batch=ONE_BY_ONE, retry=PATIENT)
        attachment.pause()
        await rig.emit(1, 2)
        ended = asyncio.create_task(attachment.detach(2.0))
        report = await rig.at_once(2.0, ended)
        assert report.dropped == {"sink_detached": 2}
        assert report.balanced


async def test_a_pause_during_the_close_changes_nothing() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(sink := CuedSink(), batch=ONE_BY_ONE)
        await rig.emit(1, 2)
        closing = asyncio.create_task(rig.bus.aclose())
        await settled()
        attachment.pause()
        await sink.cue()
        await sink.cue()
        await closing
        assert numbers(sink.delivered) == [1, 2]


async def test_a_flush_waits_for_a_paused_attachment_and_says_so() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(sink := RecordingSink())
        attachment.pause()
        await rig.emit(1)
        flush = asyncio.create_task(rig.bus.flush(1.0))
        report = await rig.at_once(1.0, flush)
        assert not report.complete
        assert sink.batches == []
        attachment.resume()
        assert (await rig.bus.flush()).complete


async def test_a_paused_attachment_sets_no_timer_and_spins_no_loop() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(RecordingSink(), batch=Batch())
        await rig.emit(1)
        await rig.emit(2)
        assert rig.clock.timers == 1
        attachment.pause()
        assert rig.clock.timers == 0
        await rig.emit(3)
        assert rig.clock.timers == 0


async def test_a_paused_subscription_yields_nothing() -> None:
    async with Rig() as rig, rig.bus.subscribe(name="sink") as records:
        attachment = records._attachment
        assert attachment is not None
        attachment.pause()
        rig.bus.emit(Numbered(n=1))
        reading = asyncio.ensure_future(anext(records))
        await settled()
        assert not reading.done()
        attachment.resume()
        assert (await reading).event.n == 1


async def test_what_is_paused_on_one_loop_is_paused_on_the_next() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(
            sink := RecordingSink(), buffer=Buffer(overflow=Overflow.DROP_NEWEST)
        )
        attachment.pause()
        attachment.workers.departures.rebind()
        attachment.workers.delivery.rebind()
        await rig.emit(1)
        assert sink.batches == []
        attachment.resume()
        await settled()
        assert numbers(sink.records) == [1]


@pytest.mark.parametrize("action", ["pause", "resume", "resize"])
async def test_another_thread_is_told_to_go_to_the_loop(action: str) -> None:
    async with Rig() as rig:
        attachment = await rig.attach(RecordingSink())
        told: list[str] = []

        def act() -> None:
            arguments = [Buffer()] if action == "resize" else []
            try:
                getattr(attachment, action)(*arguments)
            except AttachError as error:
                told.append(str(error))

        thread = threading.Thread(target=act)
        thread.start()
        thread.join()
        assert len(told) == 1
        assert "'sink' must happen on the thread of the bus's event loop" in told[0]
