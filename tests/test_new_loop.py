"""What a bus takes along from a loop that is gone, and what it leaves behind."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Coroutine
from typing import Any

import pytest

from eventbus import Attachment, Batch, Buffer, Bus, BusClosedError, Report, Retry
from eventbus.testing import ManualClock, RecordingSink, ScriptedSink, settled, steps
from tests._rig import ONE_BY_ONE, PATIENT, CuedSink, Numbered, numbers

ONE = Buffer(max_events=1, wait_timeout_seconds=None)


def run_and_vanish(main: Coroutine[Any, Any, Any]) -> list[asyncio.Task[Any]]:
    """Run *main* on a loop that is closed without a word to its tasks."""
    loop = asyncio.new_event_loop()
    loop.run_until_complete(main)
    left = [*asyncio.all_tasks(loop)]
    for task in left:  # what asyncio says of a task that never ended is not ours
        task._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.close()
    return left


def run(main: Coroutine[Any, Any, Any]) -> list[asyncio.Task[Any]]:
    asyncio.run(main)
    return []


@pytest.mark.proves("fault-18")
@pytest.mark.parametrize("ending", [run, run_and_vanish])
def test_publishers_and_flushes_that_waited_there_hold_nothing_up_here(
    ending: Any,
) -> None:
    bus, sink = Bus(clock=ManualClock()), CuedSink()
    bus.attach(sink, name="sink", buffer=ONE, batch=ONE_BY_ONE, retry=PATIENT)
    tasks: list[asyncio.Task[Any]] = []

    async def first() -> None:
        await bus.start()
        bus.emit(Numbered(n=1))
        tasks.append(asyncio.create_task(bus.publish(Numbered(n=2))))
        tasks.append(asyncio.create_task(bus.flush(60.0)))
        await settled()

    async def second() -> Report:
        await bus.start()
        assert bus._life.flushes.barriers.watchers == set()
        await settled()
        await sink.cue(index=-1)
        assert bus.emit(Numbered(n=3))
        await settled()
        await sink.cue(index=-1)
        publisher = asyncio.create_task(bus.publish(Numbered(n=4)))
        await settled()
        assert publisher.done()
        flush = asyncio.create_task(bus.flush())
        await settled()
        await sink.cue(index=-1)
        assert flush.done()
        return await bus.aclose()

    left = ending(first())
    report = asyncio.run(second())
    assert report.complete
    assert numbers(sink.delivered) == [1, 3, 4]
    assert bus.stats().attachments["sink"].offered == 3
    del left
    gc.collect()


@pytest.mark.parametrize("ending", [run, run_and_vanish])
def test_a_flush_that_was_cut_off_there_makes_no_batch_leave_early_here(
    ending: Any,
) -> None:
    clock = ManualClock()
    bus, sink = Bus(clock=clock), RecordingSink()
    bus.attach(sink, batch=Batch(max_delay_seconds=1.0))
    bus.attach(ScriptedSink(then=steps.hang()), name="hung", retry=PATIENT)
    flushes: list[asyncio.Task[Report]] = []

    async def first() -> None:
        await bus.start()
        bus.emit(Numbered(n=1))
        flushes.append(asyncio.create_task(bus.flush(60.0)))
        await settled()

    async def second() -> None:
        await bus.start()
        flushes.clear()
        gc.collect()
        await settled()
        bus.emit(Numbered(n=2))
        await settled()
        bus.emit(Numbered(n=3))
        await settled()
        assert numbers(sink.records) == [1, 2]
        flush = asyncio.create_task(bus.flush(60.0))
        await settled()
        assert numbers(sink.records) == [1, 2, 3]
        await bus.aclose(0)
        await flush

    left = ending(first())
    asyncio.run(second())
    del left


@pytest.mark.parametrize("ending", [run, run_and_vanish])
def test_an_iterator_that_waited_there_is_no_trouble_here(ending: Any) -> None:
    bus = Bus(clock=ManualClock())
    records = bus.subscribe(Numbered)
    tasks: list[asyncio.Task[Any]] = []

    async def read_one() -> int:
        number: int = (await anext(records)).event.n
        return number

    async def first() -> None:
        await bus.start()
        await records.__aenter__()
        tasks.append(asyncio.create_task(read_one()))
        await settled()

    async def second() -> None:
        await bus.start()
        reading = asyncio.create_task(read_one())
        await settled()
        bus.emit(Numbered(n=1))
        await settled()
        assert await reading == 1
        await bus.aclose()

    left = ending(first())
    asyncio.run(second())
    del left


async def test_an_iterator_that_waits_before_the_start_is_not_forgotten() -> None:
    bus = Bus(clock=ManualClock())
    async with bus.subscribe(Numbered) as records:
        reading = asyncio.ensure_future(anext(records))
        await settled()
        await bus.start()
        bus.emit(Numbered(n=1))
        assert (await reading).event.n == 1
        await bus.aclose()


@pytest.mark.parametrize("ending", [run, run_and_vanish])
@pytest.mark.parametrize("here", ["detach", "aclose", "start"])
def test_a_detach_that_was_under_way_there_comes_to_its_end_here(
    ending: Any, here: str
) -> None:
    clock = ManualClock()
    bus, sink = Bus(clock=clock), ScriptedSink(steps.hang(), steps.hang())
    attachment = bus.attach(sink, name="sink", retry=PATIENT, batch=ONE_BY_ONE)
    tasks: list[asyncio.Task[Any]] = []

    async def first() -> None:
        await bus.start()
        bus.emit(Numbered(n=1))
        bus.emit(Numbered(n=2))
        await settled()
        if ending is run_and_vanish:
            tasks.append(asyncio.create_task(attachment.detach(60.0)))
            await settled()

    async def second() -> None:
        await {"detach": attachment.detach, "aclose": bus.aclose, "start": bus.start}[
            here
        ]()  # type: ignore[operator]
        await settled()
        if here == "aclose" and ending is run:
            return
        report = await attachment.detach()
        assert (report.delivered, report.pending) == (2, 0)
        assert clock.monotonic() == 0

    async def release() -> None:
        asyncio.get_running_loop().call_soon(sink.release)
        await second()
        await bus.aclose()

    left = ending(first())
    asyncio.run(release())
    assert numbers(sink.delivered) == [1, 2]
    del left


def test_who_asks_here_whether_it_is_ready_is_told() -> None:
    bus, sink = Bus(clock=ManualClock()), ScriptedSink(start=[steps.hang()])
    attachment: Attachment = bus.attach(sink, name="sink")

    async def first() -> None:
        task = asyncio.create_task(bus.start())
        await settled()
        assert not task.done()

    async def second() -> None:
        ready = asyncio.create_task(attachment.ready())
        await settled()
        await bus.start()
        assert await ready
        await bus.aclose()

    left = run_and_vanish(first())
    asyncio.run(second())
    del left


def test_the_time_of_a_call_that_vanished_there_ends_in_silence() -> None:
    clock = ManualClock()
    bus, sink = Bus(clock=clock), ScriptedSink(steps.hang())
    bus.attach(sink, name="sink", retry=Retry(timeout_seconds=10.0))

    async def first() -> None:
        await bus.start()
        bus.emit(Numbered(n=1))
        await settled()

    async def second() -> None:
        await bus.start()
        await settled()
        clock.advance(30.0)
        await settled()
        assert numbers(sink.delivered) == [1]
        await bus.aclose()

    left = run_and_vanish(first())
    asyncio.run(second())
    del left


@pytest.mark.proves("fault-36")
async def test_who_waits_from_another_loop_learns_that_the_bus_lost_its_own() -> None:
    bus, runs, ends = Bus(), threading.Event(), threading.Event()
    loops: list[asyncio.AbstractEventLoop] = []
    sink = ScriptedSink(steps.hang())
    attachment = bus.attach(sink, buffer=Buffer(max_events=1))

    async def host() -> None:
        await bus.start()
        loops.append(asyncio.get_running_loop())
        runs.set()
        await asyncio.to_thread(ends.wait)

    hosting = asyncio.create_task(asyncio.to_thread(asyncio.run, host()))
    await asyncio.to_thread(runs.wait)
    bus.emit(Numbered(n=0))
    publishing = asyncio.create_task(bus.publish(Numbered(n=1)))
    await asyncio.sleep(0)
    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(settled(), loops[0]))
    assert attachment.waiters
    ends.set()
    await hosting
    with pytest.raises(BusClosedError, match="loop of the bus ended"):
        await publishing
    await bus.aclose(0)
