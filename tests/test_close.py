from __future__ import annotations

import asyncio
import gc
import queue
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from collections.abc import AsyncIterator, Sequence
from typing import Any

import anyio
import pytest

from eventbus import (
    AttachError,
    Batch,
    Buffer,
    Bus,
    BusClosedError,
    Event,
    Outcome,
    Overflow,
    Report,
    Retry,
    Unavailable,
)
from eventbus._record import AnyRecord
from eventbus.testing import ManualClock, RecordingSink, ScriptedSink, settled, steps
from tests._rig import CuedSink, Numbered, Rig, numbers

ONE_BY_ONE = Batch(max_events=1, max_delay_seconds=0.0)
PATIENT = Retry(timeout_seconds=None)


def closing(rig: Rig, timeout_seconds: float | None = None) -> asyncio.Task[Report]:
    return asyncio.create_task(rig.bus.aclose(timeout_seconds))


@pytest.mark.proves("K2", "K3", "D5")
async def test_what_is_pending_is_delivered_and_everybody_is_closed_once() -> None:
    async with Rig() as rig:
        sinks = [ScriptedSink() for _ in range(3)]
        for index, sink in enumerate(sinks):
            await rig.attach(sink, name=str(index), batch=Batch(max_events=2))
        for n in range(7):
            rig.bus.emit(Numbered(n=n))
        report = await rig.bus.aclose()
        assert report.complete
        assert [numbers(sink.delivered) for sink in sinks] == [list(range(7))] * 3
        assert [sink.closes for sink in sinks] == [1, 1, 1]
        assert rig.clock.timers == 0


@pytest.mark.proves("fault-120", "D5")
async def test_one_time_holds_for_all_sinks_together() -> None:
    async with Rig() as rig:
        await rig.attach(
            ScriptedSink(then=steps.hang(), aclose=[steps.hang()]),
            name="hung",
            retry=PATIENT,
            batch=ONE_BY_ONE,
        )
        slow = ScriptedSink(then=steps.slow(0.8))
        await rig.attach(slow, name="slow", batch=ONE_BY_ONE)
        dead = ScriptedSink(then=steps.fail(Unavailable("down")))
        await rig.attach(dead, name="dead")
        await rig.attach(healthy := ScriptedSink(), name="healthy")
        await rig.emit(1, 2, 3, 4)
        task = closing(rig, 2.0)
        await settled()
        for _ in range(19):
            await rig.after(0.1)
        assert not task.done()
        await rig.after(0.1)
        report = await task
        assert rig.clock.monotonic() == 2.0
        assert not report.complete
        left = {name: dict(r.dropped) for name, r in report.attachments.items()}
        assert left == {
            "hung": {"shutdown_deadline": 4},
            "slow": {"shutdown_deadline": 2},
            "dead": {"circuit_open": 4},
            "healthy": {},
        }
        assert report.attachments["slow"].delivered == 2
        assert healthy.closes == slow.closes == dead.closes == 1


@pytest.mark.proves("fault-120")
async def test_no_time_waits_for_nothing() -> None:
    async with Rig() as rig:
        await rig.attach(hung := ScriptedSink(then=steps.hang()), retry=PATIENT)
        await rig.attach(healthy := RecordingSink(), name="healthy")
        await rig.emit(1)
        rig.bus.emit(Numbered(n=2))
        report = await rig.bus.aclose(0)
        assert rig.clock.monotonic() == 0
        assert report.attachments["sink"].dropped == {"shutdown_deadline": 2}
        assert report.attachments["healthy"].delivered == 1
        assert hung.hanging == 0
        assert numbers(healthy.records) == [1]


@pytest.mark.proves("fault-120")
async def test_without_a_time_it_takes_that_of_the_bus() -> None:
    async with Rig(close_timeout_seconds=3.0) as rig:
        await rig.attach(ScriptedSink(then=steps.hang()), retry=PATIENT)
        await rig.emit(1)
        assert not (await rig.at_once(3.0, closing(rig))).complete


@pytest.mark.proves("fault-120")
async def test_five_seconds_are_the_time_of_a_bus_that_says_nothing() -> None:
    async with Rig() as rig:
        await rig.attach(ScriptedSink(then=steps.hang()), retry=PATIENT)
        await rig.emit(1)
        await rig.at_once(5.0, closing(rig))


@pytest.mark.proves("fault-120")
async def test_the_time_holds_on_a_real_clock_too() -> None:
    bus = Bus()
    bus.attach(
        ScriptedSink(
            then=steps.hang(ignored_cancellations=9),
            aclose=[steps.hang(ignored_cancellations=9)],
        ),
        name="deaf",
    )
    bus.attach(ScriptedSink(then=steps.fail(Unavailable())), name="dead")
    bus.attach(ScriptedSink(then=steps.slow(10.0)), name="slow")
    await bus.start()
    bus.emit(Numbered(n=1))
    await asyncio.sleep(0)
    began = time.monotonic()
    report = await bus.aclose(0.3)
    took = time.monotonic() - began
    assert 0.3 <= took < 0.3 + 1.0
    assert not report.complete
    assert all(r.balanced and r.pending == 0 for r in report.attachments.values())
    for attachment in bus._life.attachments.values():
        attachment.sink.release()  # type: ignore[attr-defined]
    await settled()


async def test_a_write_that_ignores_its_cancellation_is_left_alone_and_named() -> None:
    async with Rig() as rig:
        deaf = ScriptedSink(then=steps.hang(ignored_cancellations=9))
        await rig.attach(deaf, retry=PATIENT, batch=ONE_BY_ONE)
        await rig.emit(1, 2)
        report = await rig.bus.aclose(0)
        stats = report.attachments["sink"]
        assert (stats.state, stats.cause) == (
            "failed",
            "write ignored its cancellation",
        )
        assert stats.dropped == {"shutdown_deadline": 2}
        deaf.release()
        await settled()
        assert numbers(deaf.delivered) == [1]
        assert rig.stats().delivered == 0
        rig.check_balance()


async def test_a_write_that_ends_well_when_cut_off_has_delivered() -> None:
    class Stubborn(RecordingSink):
        async def write(self, batch: Sequence[AnyRecord]) -> None:
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                await super().write(batch)

    async with Rig() as rig:
        await rig.attach(sink := Stubborn(), retry=PATIENT, batch=ONE_BY_ONE)
        await rig.emit(1, 2)
        report = await rig.bus.aclose(0)
        assert numbers(sink.records) == [1]
        stats = report.attachments["sink"]
        assert (stats.delivered, stats.dropped) == (1, {"shutdown_deadline": 1})
        assert stats.state == "ready"


@pytest.mark.parametrize(
    ("step", "cause"),
    [
        (steps.fail(OSError("broken pipe")), "aclose raised OSError: broken pipe"),
        (steps.fail(asyncio.CancelledError()), "aclose raised CancelledError"),
        (steps.hang(), "aclose did not end in time"),
        (steps.hang(ignored_cancellations=9), "aclose did not end in time"),
    ],
)
async def test_an_end_that_fails_is_said_and_holds_up_nobody(
    step: steps.Step, cause: str
) -> None:
    async with Rig() as rig:
        await rig.attach(sink := ScriptedSink(aclose=[step]))
        await rig.attach(healthy := ScriptedSink(), name="healthy")
        await rig.emit(1)
        report = await rig.bus.aclose(0)
        assert report.attachments["sink"].state == "degraded"
        assert report.attachments["sink"].cause == cause
        assert report.complete
        assert healthy.closes == 1
        sink.release()
        await settled()


async def test_an_end_that_is_no_coroutine_holds_up_nobody() -> None:
    class Plain(RecordingSink):
        def aclose(self) -> None:  # type: ignore[override]
            return None

    async with Rig() as rig:
        await rig.attach(Plain())
        await rig.attach(healthy := ScriptedSink(), name="healthy")
        report = await rig.bus.aclose()
        cause = report.attachments["sink"].cause
        assert cause is not None
        assert cause.startswith("aclose raised TypeError: ")
        assert healthy.closes == 1


@pytest.mark.proves("fault-60")
async def test_waits_for_a_retry_end_at_once() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(steps.fail(Unavailable(retry_after_seconds=300.0)))
        await rig.attach(sink)
        await rig.emit(1)
        report = await rig.bus.aclose()
        assert rig.clock.monotonic() == 0
        assert report.complete
        assert numbers(sink.delivered) == [1]


@pytest.mark.proves("fault-60")
async def test_what_a_dead_far_side_does_not_take_is_reported() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(then=steps.fail(Unavailable("down")))
        await rig.attach(sink)
        await rig.emit(1, 2)
        task = closing(rig)
        await settled()
        for _ in range(4):
            await rig.after(0.25)
        report = await task
        assert report.attachments["sink"].dropped == {"circuit_open": 2}
        assert len(sink.attempts) == 5


@pytest.mark.proves("fault-60")
async def test_a_circuit_that_is_open_at_the_close_is_not_waited_for() -> None:
    async with Rig() as rig:
        await rig.attach(ScriptedSink(then=steps.fail(Unavailable())))
        await rig.emit(1)
        for wait in (1.0, 2.0, 4.0, 8.0):
            await rig.after(wait)
        await rig.emit(2)
        report = await rig.bus.aclose()
        assert report.attachments["sink"].dropped == {"circuit_open": 2}


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
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(None) as scope:
                cuts.append(lambda: scope.reschedule(0))
                await close()

    async def within_group() -> None:
        with pytest.raises(ExceptionGroup):
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
    cuts.append(task.cancel)
    return lambda: cuts[-1](), task


@pytest.mark.proves("fault-121")
async def test_an_exception_inside_the_block_is_kept() -> None:
    sink = RecordingSink()
    with pytest.raises(ZeroDivisionError) as caught:
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


@pytest.fixture
async def fixture_bus() -> AsyncIterator[tuple[Bus, RecordingSink]]:
    """Entered in one task and left in another, as pytest-asyncio may do."""
    bus, sink = Bus(), RecordingSink()
    bus.attach(sink)
    enter = asyncio.create_task(bus.__aenter__())
    await enter
    yield bus, sink
    await asyncio.create_task(bus.__aexit__(None, None, None))
    assert numbers(sink.records) == [1]


@pytest.mark.proves("fault-121")
async def test_another_task_may_close_it_than_opened_it(
    fixture_bus: tuple[Bus, RecordingSink],
) -> None:
    fixture_bus[0].emit(Numbered(n=1))


@pytest.mark.proves("fault-121")
@pytest.mark.parametrize("action", ["aclose", "flush"])
def test_another_loop_may_ask_for_it_while_that_of_the_bus_runs(action: str) -> None:
    bus, sink = Bus(), ScriptedSink(steps.hang())
    bus.attach(sink, name="sink")
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


async def test_a_host_that_cancels_all_tasks_ends_the_close_at_once() -> None:
    async with Rig() as rig:
        hung = ScriptedSink(then=steps.hang(), aclose=[steps.hang()])
        await rig.attach(hung, retry=PATIENT)
        await rig.attach(ScriptedSink(then=steps.hang()), name="other", retry=PATIENT)
        await rig.emit(1, 2)
        task = closing(rig, 60.0)
        await settled()
        own = asyncio.current_task()
        for one in asyncio.all_tasks():
            if one is not own:
                one.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        report = await rig.bus.aclose()
        assert {
            r.dropped["shutdown_deadline"] for r in report.attachments.values()
        } == {2}
        assert rig.clock.monotonic() == 0


async def test_a_host_that_cancels_all_tasks_waits_for_no_dead_letters() -> None:
    async with Rig() as rig:
        keeper = ScriptedSink(then=steps.hang())
        sink = ScriptedSink(steps.reject(0), then=steps.hang())
        await rig.attach(sink, retry=PATIENT, batch=ONE_BY_ONE, dead_letters=keeper)
        await rig.emit(1, 2)
        task = closing(rig, 60.0)
        await settled()
        own = asyncio.current_task()
        for one in asyncio.all_tasks():
            if one is not own:
                one.cancel()
        await asyncio.wait([task])
        report = await rig.bus.aclose()
        assert report.attachments["sink"].dropped == {"shutdown_deadline": 1}
        letters = report.attachments["sink.dead_letters"]
        assert letters.dropped == {"shutdown_deadline": 1}


async def test_a_host_that_cancels_all_tasks_loses_no_count() -> None:
    async with Rig() as rig:
        sinks = [CuedSink(), ScriptedSink(steps.fail(Unavailable()))]
        for index, sink in enumerate(sinks):
            await rig.attach(sink, name=str(index), batch=ONE_BY_ONE)
        await rig.emit(1, 2, 3)
        own = asyncio.current_task()
        for one in asyncio.all_tasks():
            if one is not own:
                one.cancel()
        await settled()
        rig.check_balance()
        assert rig.stats("0").pending == rig.stats("1").pending == 3


async def test_a_sink_that_closes_its_own_bus_is_cut_off_in_time() -> None:
    async with Rig() as rig:
        reports: list[Report] = []

        class Closing(RecordingSink):
            async def write(self, batch: Sequence[AnyRecord]) -> None:
                reports.append(await rig.bus.aclose(1.0))

        await rig.attach(Closing(), retry=PATIENT)
        await rig.attach(healthy := RecordingSink(), name="healthy")
        await rig.emit(1)
        await rig.after(1.0)
        report = await rig.bus.aclose()
        assert report.attachments["sink"].dropped == {"shutdown_deadline": 1}
        assert numbers(healthy.records) == [1]


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


async def test_a_bus_that_never_started_drops_what_it_holds() -> None:
    bus, sink = Bus(), ScriptedSink()
    bus.attach(sink, name="sink")
    bus.emit(Numbered(n=1))
    report = await bus.aclose()
    assert not report.complete
    assert report.attachments["sink"].dropped == {"shutdown_deadline": 1}
    assert (sink.starts, sink.closes) == (0, 0)


async def test_who_keeps_dead_letters_is_closed_last() -> None:
    order: list[str] = []

    class Noting(ScriptedSink):
        async def aclose(self) -> None:
            order.append("sink")

    class Keeping(RecordingSink):
        async def aclose(self) -> None:
            order.append(f"letters {numbers(self.records)}")

    async with Rig() as rig:
        answer = steps.answer(Outcome(rejected=[(0, "bad")]))
        await rig.attach(Noting(then=answer), dead_letters=Keeping())
        rig.bus.emit(Numbered(n=1))
        report = await rig.bus.aclose()
        assert order == ["sink", "letters [1]"]
        assert report.attachments["sink.dead_letters"].delivered == 1


async def test_a_bus_that_was_not_closed_says_so_when_it_goes() -> None:
    bus = Bus()
    bus.attach(RecordingSink(), name="audit")
    await bus.start()
    bus.emit(Numbered(n=1))
    life, gone = bus._life, weakref.ref(bus)
    with pytest.warns(ResourceWarning, match=r"<Bus \[audit\] running> was not closed"):
        del bus
        gc.collect()
    assert gone() is None
    await life.aclose(0)


def test_a_bus_that_could_not_be_made_goes_in_silence() -> None:
    with pytest.raises(TypeError):
        Bus(resource=5)  # type: ignore[arg-type]
    gc.collect()


UNCLOSED = """
    import asyncio
    from eventbus import Batch, Bus, Event

    class Ping(Event): ...

    class Hung:
        async def start(self): {start}
        async def write(self, batch):
            {write}
        async def aclose(self): ...

    async def main():
        bus = Bus()
        bus.attach(Hung(), name="hung", batch=Batch(max_in_flight=3, max_events=1))
        {begin}
        for _ in range(10):
            bus.emit(Ping())
        await asyncio.sleep(0.01)
        print("leaving", flush=True)
        {end}

    asyncio.run(main())
    print("left", flush=True)
"""


@pytest.mark.parametrize(
    ("begin", "start", "write", "end"),
    [
        ("await bus.start()", "...", "await asyncio.sleep(99)", "..."),
        ("await bus.start()", "...", "...", "..."),
        (
            "t = asyncio.create_task(bus.start())",
            "await asyncio.sleep(99)",
            "...",
            "...",
        ),
        (
            "await bus.start()",
            "...",
            "await asyncio.sleep(99)",
            "t = asyncio.create_task(bus.aclose(99)); await asyncio.sleep(0.01)",
        ),
        (
            "await bus.start()",
            "...",
            "await asyncio.sleep(99)",
            "t = asyncio.create_task(bus.flush(99)); await asyncio.sleep(0.01)",
        ),
    ],
)
def test_a_program_that_forgets_to_close_ends_all_the_same(
    begin: str, start: str, write: str, end: str
) -> None:
    program = textwrap.dedent(UNCLOSED).format(
        begin=begin, start=start, write=write, end=end
    )
    child = subprocess.run(
        [sys.executable, "-X", "dev", "-c", program],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert child.stdout.split() == ["leaving", "left"]
    assert child.returncode == 0
    assert "Traceback" not in child.stderr
    assert "destroyed" not in child.stderr


async def test_the_time_of_a_close_holds_for_detaches_under_way() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(ScriptedSink(then=steps.hang()), retry=PATIENT)
        await rig.emit(1)
        detach = asyncio.create_task(attachment.detach(600.0))
        await settled()
        await rig.at_once(2.0, closing(rig, 2.0))
        assert (await detach).dropped == {"sink_detached": 1}


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


async def test_drop_oldest_is_emptied_by_a_close_like_any_other() -> None:
    async with Rig() as rig:
        buffer = Buffer(max_events=3, overflow=Overflow.DROP_OLDEST)
        await rig.attach(sink := RecordingSink(), buffer=buffer)
        for n in range(5):
            rig.bus.emit(Numbered(n=n))
        report = await rig.bus.aclose()
        assert numbers(sink.records) == [2, 3, 4]
        assert report.attachments["sink"].dropped == {"queue_full": 2}
