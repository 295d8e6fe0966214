"""What a close and everything else do to each other."""

from __future__ import annotations

import asyncio
import queue
import threading
from typing import Any

import anyio
import pytest

from eventbus import (
    AttachError,
    Buffer,
    Bus,
    BusClosedError,
    Event,
    Report,
)
from eventbus.testing import ManualClock, RecordingSink, ScriptedSink, settled, steps
from tests._rig import ONE_BY_ONE, PATIENT, CuedSink, Numbered, Rig, numbers


def closing(rig: Rig, timeout_seconds: float | None = None) -> asyncio.Task[Report]:
    return asyncio.create_task(rig.bus.aclose(timeout_seconds))


@pytest.mark.proves("fault-121", "K2")
async def test_closing_a_hundred_times_is_closing_once() -> None:
    async with Rig() as rig:
        await rig.attach(sink := ScriptedSink())
        await rig.emit(1)
        at_once = await asyncio.gather(*(rig.bus.aclose() for _ in range(50)))
        later = [await rig.bus.aclose() for _ in range(50)]
        assert all(report is at_once[0] for report in [*at_once, *later])
        assert (sink.closes, len(sink.attempts)) == (1, 1)


@pytest.mark.proves("fault-121", "K3")
async def test_what_is_emitted_after_it_is_refused_and_counted() -> None:
    async with Rig() as rig:
        await rig.attach(sink := RecordingSink())
        emit = rig.bus.emitter(Numbered)
        await rig.bus.aclose()
        assert rig.bus.emit(Numbered(n=1)) is False
        assert emit(Numbered(n=2)) is False
        with pytest.raises(BusClosedError, match="after the bus was closed"):
            await rig.bus.publish(Numbered(n=3))
        assert rig.bus.stats().refused == {"closed": 2}
        assert sink.records == []


@pytest.mark.proves("fault-121")
async def test_nothing_can_be_attached_or_started_any_more() -> None:
    async with Rig() as rig:
        await rig.bus.aclose()
        with pytest.raises(BusClosedError, match="attach was called after"):
            rig.bus.attach(RecordingSink())
        with pytest.raises(BusClosedError, match="attach was called after"):
            rig.bus.on()(print)
        with pytest.raises(BusClosedError, match="start was called after"):
            await rig.bus.start()


@pytest.mark.proves("fault-121")
async def test_emits_flushes_and_attaches_meanwhile_are_answered() -> None:
    async with Rig() as rig:
        sink = CuedSink()
        await rig.attach(sink, batch=ONE_BY_ONE)
        await rig.emit(1)
        task = closing(rig)
        await settled()
        assert rig.bus.emit(Numbered(n=2)) is False
        report = await rig.bus.flush()
        assert not report.complete
        assert report.attachments["sink"].pending == 1
        with pytest.raises(BusClosedError):
            rig.bus.attach(RecordingSink())
        await sink.cue()
        assert (await task).complete


@pytest.mark.proves("fault-121")
async def test_a_flush_that_waits_ends_with_the_close() -> None:
    async with Rig() as rig:
        await rig.attach(ScriptedSink(then=steps.hang()), retry=PATIENT)
        await rig.emit(1)
        flush = asyncio.create_task(rig.bus.flush(60.0))
        await settled()
        await rig.bus.aclose(0)
        await settled()
        assert flush.done()
        assert not (await flush).complete


@pytest.mark.proves("fault-121")
async def test_a_publisher_that_waits_is_turned_away() -> None:
    async with Rig() as rig:
        await rig.attach(CuedSink(), buffer=Buffer(max_events=1))
        await rig.emit(1)
        publisher = asyncio.create_task(rig.bus.publish(Numbered(n=2)))
        await settled()
        await rig.bus.aclose(0)
        with pytest.raises(BusClosedError, match="while publish waited for room"):
            await publisher
        assert rig.stats().offered == 1


@pytest.mark.proves("fault-121")
@pytest.mark.parametrize("how", ["task", "timeout", "group", "anyio"])
async def test_a_cancellation_does_not_cut_the_drain_short(how: str) -> None:
    async with Rig() as rig:
        await rig.attach(sink := CuedSink(), batch=ONE_BY_ONE)
        await rig.emit(1, 2)
        ended: list[str] = []

        async def close() -> None:
            try:
                await rig.bus.aclose()
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise
            ended.append("closed")

        cut, task = cutter(how, close)
        await settled()
        cut()
        await settled()
        assert ended == []
        await sink.cue()
        await sink.cue()
        await asyncio.wait([task])
        assert ended == (["closed"] if how == "anyio" else ["cancelled"])
        assert numbers(sink.delivered) == [1, 2]
        assert rig.stats().delivered == 2


def cutter(how: str, close: Any) -> tuple[Any, asyncio.Task[Any]]:
    """Return a function that cancels *close* in that way, and the task around it."""
    cuts: list[Any] = []

    async def within_timeout() -> None:
        with pytest.raises(TimeoutError):  # noqa: PT012 - the block is the case
            async with asyncio.timeout(None) as scope:
                cuts.append(lambda: scope.reschedule(0))
                await close()

    async def within_group() -> None:
        with pytest.raises(ExceptionGroup):  # noqa: PT012 - the block is the case
            async with asyncio.TaskGroup() as group:
                group.create_task(close())
                gate = asyncio.Event()
                cuts.append(gate.set)
                await gate.wait()
                raise ValueError

    async def within_scope() -> None:
        with anyio.CancelScope() as scope:
            cuts.append(scope.cancel)
            await close()

    wrapped = {
        "task": close,
        "timeout": within_timeout,
        "group": within_group,
        "anyio": within_scope,
    }[how]
    task = asyncio.create_task(wrapped())
    cuts.insert(0, task.cancel)
    return lambda: cuts[-1](), task


@pytest.mark.proves("fault-121")
async def test_an_exception_inside_the_block_is_kept() -> None:
    sink = RecordingSink()
    with pytest.raises(ZeroDivisionError) as caught:  # noqa: PT012 - likewise
        async with Bus() as bus:
            bus.attach(sink)
            bus.emit(Numbered(n=1))
            raise ZeroDivisionError
    assert caught.value.__context__ is None
    assert numbers(sink.records) == [1]


@pytest.mark.proves("fault-121")
async def test_a_task_that_is_cancelled_inside_the_block_still_delivers() -> None:
    sink = RecordingSink()

    async def main() -> None:
        async with Bus() as bus:
            bus.attach(sink)
            bus.emit(Numbered(n=1))
            await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(main())
    await settled()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert numbers(sink.records) == [1]


@pytest.mark.proves("fault-121")
async def test_another_task_may_close_it_than_opened_it() -> None:
    """As the fixtures of a test framework do."""
    bus, sink = Bus(), RecordingSink()
    bus.attach(sink)
    await asyncio.create_task(bus.__aenter__())
    bus.emit(Numbered(n=1))
    await asyncio.create_task(bus.__aexit__(None, None, None))
    assert numbers(sink.records) == [1]


@pytest.mark.proves("fault-121")
@pytest.mark.parametrize("action", ["aclose", "flush"])
def test_another_loop_may_ask_for_it_while_that_of_the_bus_runs(action: str) -> None:
    bus, sink = Bus(close_timeout_seconds=3600.0), ScriptedSink(steps.hang())
    bus.attach(sink, name="sink", retry=PATIENT)
    homes: queue.Queue[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = queue.Queue()

    async def home() -> None:
        leave = asyncio.Event()
        await bus.start()
        bus.emit(Numbered(n=1))
        homes.put((asyncio.get_running_loop(), leave))
        await leave.wait()
        await bus.aclose()

    async def ask() -> Report:
        asking = asyncio.create_task(getattr(bus, action)())
        await settled()
        assert not asking.done()
        loop.call_soon_threadsafe(sink.release)
        report: Report = await asking
        return report

    thread = threading.Thread(target=asyncio.run, args=(home(),))
    thread.start()
    loop, leave = homes.get()
    report = asyncio.run(ask(), debug=True)
    loop.call_soon_threadsafe(leave.set)
    thread.join()
    assert report.complete
    assert report.attachments["sink"].delivered == 1


@pytest.mark.proves("fault-121")
def test_on_a_new_loop_it_delivers_what_the_old_one_left() -> None:
    bus, sink = Bus(), ScriptedSink(steps.hang())
    bus.attach(sink, name="sink")

    async def first() -> None:
        await bus.start()
        bus.emit(Numbered(n=1))
        await settled()
        bus.emit(Numbered(n=2))
        await settled()

    asyncio.run(first())
    report = asyncio.run(bus.aclose())
    assert report.complete
    assert numbers(sink.delivered) == [1, 2]
    assert (sink.starts, sink.closes) == (2, 1)
    assert asyncio.run(bus.aclose()) is report


def test_on_another_loop_than_one_that_stands_still_it_says_so() -> None:
    bus = Bus()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(bus.start())
    with pytest.raises(RuntimeError, match="an event loop that does not run now"):
        asyncio.run(bus.aclose())
    loop.run_until_complete(bus.aclose())
    loop.close()


async def test_a_start_that_is_cancelled_leaves_no_task_behind() -> None:
    sink = ScriptedSink(start=[steps.hang()])

    async def main() -> None:
        bus = Bus(clock=clock, start_timeout_seconds=60.0)
        bus.attach(sink)
        async with bus:
            raise AssertionError("it never starts")

    clock = ManualClock()
    before = asyncio.all_tasks()
    task = asyncio.create_task(main())
    await settled()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert clock.monotonic() == 0
    assert asyncio.all_tasks() == before
    assert sink.closes == 1


async def test_attachments_may_not_be_made_from_another_thread_while_it_runs() -> None:
    async with Rig() as rig:
        with pytest.raises(AttachError, match="thread of the bus's event loop"):
            await asyncio.to_thread(rig.bus.attach, RecordingSink(), name="late")
        assert list(rig.bus.stats().attachments) == []


class Late(Event):
    """An event type that the bus sees only after its close."""


@pytest.mark.proves("K3")
async def test_an_unknown_type_is_refused_after_the_close_too() -> None:
    async with Rig() as rig:
        await rig.attach(RecordingSink())
        await rig.bus.aclose()
        assert rig.bus.emit(Late()) is False
        assert rig.bus.stats().refused == {"closed": 1}
