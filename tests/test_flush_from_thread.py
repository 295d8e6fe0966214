"""Programs without a loop flush too; who has a loop is told what to do instead."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

import eventbus
from eventbus import Batch, Buffer, Bus
from eventbus.testing import RecordingSink, ScriptedSink, settled, steps
from tests._rig import PATIENT, Numbered, numbers


@pytest.mark.proves("K1", "K2")
def test_plain_code_flushes_from_any_thread() -> None:
    bus, sink = Bus(), RecordingSink()
    bus.attach(sink, name="sink", batch=Batch(max_delay_seconds=60.0))
    done: list[bool] = []

    def emit_and_flush(n: int) -> None:
        bus.emit(Numbered(n=n))
        done.append(bus.flush_from_thread(20.0).complete)
        assert n in numbers(sink.records)

    with eventbus.run_in_thread(bus):
        threads = [threading.Thread(target=emit_and_flush, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        emit_and_flush(8)
        assert bus.stats().attachments["sink"].delivered == 9
    assert done == [True] * 9


@pytest.mark.proves("K1")
def test_it_reports_in_time_what_is_pending() -> None:
    bus, sink = Bus(close_timeout_seconds=0.0), ScriptedSink(then=steps.hang())
    bus.attach(sink, name="sink", retry=PATIENT)
    with eventbus.run_in_thread(bus):
        bus.emit(Numbered(n=1))
        report = bus.flush_from_thread(0.01)
        assert not report.complete
        assert report.attachments["sink"].pending == 1


@pytest.mark.proves("K1")
def test_a_loop_that_is_held_up_holds_nobody_up_who_flushes() -> None:
    bus = Bus()
    entered, leave = threading.Event(), threading.Event()

    @bus.on(Numbered, name="on")
    def block(record: object) -> None:
        entered.set()
        leave.wait(20.0)

    with eventbus.run_in_thread(bus):
        bus.emit(Numbered(n=1))
        assert entered.wait(20.0)
        report = bus.flush_from_thread(0.01)
        assert (report.complete, report.attachments["on"].pending) == (False, 1)
        leave.set()
        assert bus.flush_from_thread(20.0).attachments["on"].pending == 0


def test_a_bus_that_does_not_run_reports_at_once() -> None:
    bus = Bus()
    bus.attach(RecordingSink(), name="sink", buffer=Buffer(max_events=2))
    assert bus.flush_from_thread(20.0).complete
    bus.emit(Numbered(n=1))
    report = bus.flush_from_thread(20.0)
    assert (report.complete, report.attachments["sink"].pending) == (False, 1)
    asyncio.run(bus.aclose())
    assert bus.flush_from_thread(20.0).attachments["sink"].pending == 0


async def test_where_a_loop_runs_it_says_what_to_await_instead() -> None:
    async with Bus() as bus:
        with pytest.raises(RuntimeError, match="in this thread: await flush there"):
            bus.flush_from_thread()


def test_it_takes_the_bus_s_own_time_unless_it_is_given_one() -> None:
    with pytest.raises(ValueError, match="timeout_seconds"):
        Bus().flush_from_thread(float("nan"))


@pytest.mark.proves("K1", "fault-121")
async def test_publish_flush_and_aclose_work_from_another_loop() -> None:
    bus, sink = Bus(), ScriptedSink(steps.hang())
    bus.attach(
        sink,
        name="sink",
        buffer=Buffer(max_events=1),
        batch=Batch(max_events=1, max_delay_seconds=0.0),
        retry=PATIENT,
    )
    with eventbus.run_in_thread(bus):
        await bus.publish(Numbered(n=1))
        waits = asyncio.create_task(bus.publish(Numbered(n=2)))
        await settled()
        await bus._engine.binding.there(settled)
        assert not waits.done()
        assert bus._engine.binding.loop is not None
        bus._engine.binding.loop.call_soon_threadsafe(sink.release)
        await waits
        assert (await bus.flush(20.0)).complete
        assert numbers(sink.delivered) == [1, 2]
        report = await bus.aclose()
        assert report.attachments["sink"].delivered == 2


@pytest.mark.proves("K1", "fault-121")
def test_from_another_loop_they_say_why_a_bus_whose_loop_stands_still_cannot() -> None:
    bus, sink = Bus(), ScriptedSink(then=steps.hang())
    bus.attach(sink, name="sink", buffer=Buffer(max_events=1), retry=PATIENT)
    own = asyncio.new_event_loop()
    own.run_until_complete(bus.start())
    own.run_until_complete(bus.publish(Numbered(n=1)))

    async def elsewhere() -> None:
        why = "belongs to an event loop that does not run now"
        with pytest.raises(RuntimeError, match=why):
            await bus.flush(1.0)
        with pytest.raises(RuntimeError, match=why):
            await bus.aclose()
        with pytest.raises(RuntimeError, match=why):
            await bus.publish(Numbered(n=2), 1.0)
        with pytest.raises(RuntimeError, match="runs on another event loop already"):
            await bus.start()

    asyncio.run(elsewhere())
    own.run_until_complete(bus.aclose(0))
    own.run_until_complete(settled())
    own.close()


@pytest.mark.proves("K1", "K4")
def test_a_program_that_leaves_the_block_waits_no_longer_than_it_said() -> None:
    """A handler that blocks the loop for ever is left to the end of the program."""
    bus, leave = Bus(close_timeout_seconds=0.0), threading.Event()
    entered = threading.Event()

    @bus.on(Numbered)
    def block(record: object) -> None:
        entered.set()
        leave.wait(20.0)

    began = time.monotonic()
    with eventbus.run_in_thread(bus):
        bus.emit(Numbered(n=1))
        assert entered.wait(20.0)
    assert time.monotonic() - began < 10.0
    leave.set()
