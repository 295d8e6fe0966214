from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence

import pytest

from eventbus import Batch, Bus, Refused, Retry, Unavailable
from eventbus._record import AnyRecord
from eventbus.testing import RecordingSink, ScriptedSink, settled, steps
from eventbus.testing.steps import Step
from tests._rig import ONE_BY_ONE, CuedSink, Numbered, Rig, numbers, settle_jitter

THREE_AT_ONCE = Batch(max_events=1, max_delay_seconds=0.0, max_in_flight=3)


async def die(sink: ScriptedSink, batch: Sequence[AnyRecord]) -> None:
    """End the worker: what asyncio's own cancellation of all tasks does."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await sink.until_released()


def kill(rig: Rig) -> None:
    for task in rig.bus._life.attachments["sink"].workers._hands:
        task.cancel()


@pytest.mark.proves("fault-24")
async def test_a_worker_that_dies_is_replaced_after_a_backoff() -> None:
    async with Rig() as rig:
        await rig.attach(sink := ScriptedSink(die))
        await rig.emit(1)
        assert rig.stats().state == "degraded"
        await rig.after(0.99)
        assert len(sink.attempts) == 1
        await rig.after(0.01)
        assert numbers(sink.delivered) == [1]
        assert rig.stats().state == "ready"
        assert sink.starts == 1


@pytest.mark.proves("fault-24")
async def test_workers_that_go_on_dying_come_back_later_each_time() -> None:
    async with Rig() as rig:
        await rig.attach(sink := ScriptedSink(die, die))
        await rig.emit(1)
        await rig.after(1.0)
        assert len(sink.attempts) == 2
        await rig.after(1.99)
        assert len(sink.attempts) == 2
        await rig.after(0.01)
        assert numbers(sink.delivered) == [1]


async def test_a_batch_that_arrives_makes_up_for_earlier_deaths() -> None:
    async with Rig() as rig:
        await rig.attach(sink := ScriptedSink(die, steps.ok, die))
        await rig.emit(1)
        await rig.after(1.0)
        await rig.emit(2)
        await rig.after(1.0)
        await rig.after(1.0)
        assert numbers(sink.delivered) == [1, 2]


@pytest.mark.proves("fault-24")
async def test_a_batch_that_killed_three_workers_is_set_aside_as_poison() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(die, die, die)
        letters = RecordingSink()
        await rig.attach(sink, batch=ONE_BY_ONE, dead_letters=letters)
        await rig.emit(1, 2)
        for wait in (1.0, 2.0, 4.0):
            await rig.after(wait)
        assert numbers(sink.delivered) == [2]
        assert numbers(letters.records) == [1]
        attributes = letters.records[0].attributes
        assert attributes["eventbus.dead_letter.reason"] == "retry_exhausted"
        assert attributes["eventbus.dead_letter.attempts"] == 3
        assert rig.stats().dead_lettered == 1


@pytest.mark.proves("fault-24")
async def test_the_death_of_one_worker_is_not_blamed_on_the_batch_of_another() -> None:
    async with Rig() as rig:
        await rig.attach(
            sink := CuedSink(), batch=THREE_AT_ONCE, retry=Retry(timeout_seconds=None)
        )
        await rig.emit(1, 2, 3)
        for _ in range(2):
            assert sink.in_flight == 3
            kill(rig)
            await settled()
            assert sink.in_flight == 0
            await rig.after(30.0)
        assert rig.stats().dropped == {}
        for _ in range(3):
            await sink.cue()
        assert sorted(numbers(sink.delivered)) == [1, 2, 3]
        assert rig.stats().possible_duplicates == 3


@pytest.mark.proves("fault-24")
async def test_after_all_workers_died_there_are_as_many_again() -> None:
    async with Rig() as rig:
        await rig.attach(sink := CuedSink(), batch=THREE_AT_ONCE)
        await rig.emit(1, 2, 3)
        kill(rig)
        await settled()
        await rig.after(1.0)
        for _ in range(3):
            await sink.cue()
        await rig.emit(4, 5, 6, 7)
        assert sink.in_flight == 3


async def test_a_worker_that_dies_idle_loses_nothing() -> None:
    async with Rig() as rig:
        await rig.attach(sink := RecordingSink())
        kill(rig)
        await settled()
        await rig.emit(1)
        assert sink.records == []
        await rig.after(1.0)
        assert numbers(sink.records) == [1]


async def test_a_worker_that_dies_between_attempts_keeps_its_batch() -> None:
    async with Rig() as rig:
        await rig.attach(sink := ScriptedSink(steps.fail(Unavailable())))
        await rig.emit(1)
        kill(rig)
        await settled()
        await rig.after(1.0)
        assert numbers(sink.delivered) == [1]


@pytest.mark.proves("fault-26")
@pytest.mark.parametrize("step", [steps.hang(), steps.fail(OSError("refused"))])
async def test_the_start_of_the_bus_returns_by_its_timeout(step: Step) -> None:
    async with Rig() as rig:
        bus = Bus(clock=rig.clock, start_timeout_seconds=5.0)
        sink = ScriptedSink(start=[step] * 100)
        attachment = bus.attach(sink, retry=Retry(initial_seconds=9, max_seconds=9))
        settle_jitter(attachment)
        bus.emit(Numbered(n=1))
        start = asyncio.create_task(bus.start())
        await rig.at_once(5.0, start)
        stats = bus.stats().attachments["scripted"]
        assert (stats.state, stats.pending, stats.balanced) == ("degraded", 1, True)
        assert not await attachment.ready(0)
        closing = asyncio.create_task(bus.aclose(1.0))
        await rig.at_once(1.0, closing)
        assert bus.stats().attachments["scripted"].dropped == {"shutdown_deadline": 1}
        assert sink.closes == 1


@pytest.mark.proves("fault-26")
async def test_a_sink_that_starts_at_the_fourth_try_has_what_was_emitted_before() -> (
    None
):
    async with Rig() as rig:
        down = steps.fail(OSError("connection refused"))
        bus = Bus(clock=rig.clock, start_timeout_seconds=5.0)
        sink = ScriptedSink(start=[down, down, steps.hang()])
        attachment = bus.attach(sink, retry=Retry(timeout_seconds=2.0))
        settle_jitter(attachment)
        bus.emit(Numbered(n=1))
        start = asyncio.create_task(bus.start())
        await rig.after(0.0)
        assert attachment.health.cause == ("start failed: OSError: connection refused")
        await rig.after(1.0)
        await rig.after(2.0)
        assert sink.starts == 3
        await rig.after(2.0)
        assert start.done()
        assert attachment.health.cause == "start failed: no answer within 2.0 s"
        await rig.after(4.0)
        assert numbers(sink.delivered) == [1]
        assert (sink.starts, attachment.state) == (4, "ready")
        assert (await bus.aclose()).complete


async def test_a_sink_that_can_never_start_is_failed_and_says_why() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(start=[steps.fail(Refused("no licence", permanent=True))])
        attachment = await rig.attach(sink)
        await rig.emit(1)
        assert rig.stats().cause == "start failed: no licence"
        assert rig.stats().dropped == {"permanent": 1}
        assert not await attachment.ready()


async def test_ready_tells_whether_the_sink_has_started() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(start=[steps.hang()])
        attachment = await rig.attach(sink)
        assert not await attachment.ready(timeout_seconds=0)
        waiting = asyncio.create_task(attachment.ready())
        assert not await rig.at_once(
            1.0, asyncio.create_task(attachment.ready(timeout_seconds=1.0))
        )
        sink.release()
        assert await waiting


@pytest.mark.parametrize("running", [True, False])
async def test_ready_ends_when_the_attachment_is_detached(running: bool) -> None:
    async with Rig() as rig:
        bus = rig.bus if running else Bus()
        attachment = bus.attach(ScriptedSink(start=[steps.hang()]), name="sink")
        waiting = asyncio.create_task(attachment.ready())
        await settled()
        await attachment.detach(0)
        await settled()
        assert waiting.done()
        assert not await attachment.ready()


async def test_ready_answers_after_the_end_of_what_never_started() -> None:
    attachment = Bus().attach(ScriptedSink(), name="sink")
    await attachment.detach()
    assert not await attachment.ready()


async def test_a_sink_may_start_while_the_bus_closes_if_something_waits() -> None:
    async with Rig() as rig:
        down = steps.fail(OSError("refused"))
        await rig.attach(sink := ScriptedSink(start=[down] * 3))
        await rig.emit(1)
        closing = asyncio.create_task(rig.bus.aclose(5.0))
        await settled()
        await rig.after(0.25)
        await rig.after(0.25)
        report = await closing
        assert report.complete
        assert numbers(sink.delivered) == [1]


async def test_a_sink_that_does_not_start_holds_up_no_close_for_nothing() -> None:
    async with Rig() as rig:
        down = steps.fail(OSError("refused"))
        await rig.attach(ScriptedSink(start=[down] * 100))
        assert (await rig.bus.aclose(5.0)).complete
        assert rig.clock.monotonic() == 0


@pytest.mark.proves("fault-129")
async def test_collecting_garbage_after_each_step_changes_nothing() -> None:
    async with Rig() as rig:
        sink = ScriptedSink(
            steps.fail(Unavailable()), steps.slow(1.0), die, steps.slow(1.0)
        )
        await rig.attach(sink, batch=ONE_BY_ONE)
        handled: list[int] = []

        @rig.bus.on(Numbered)
        async def handle(record: AnyRecord) -> None:
            await asyncio.sleep(0)
            handled.append(record.event.n)

        emit = rig.bus.emit
        for n in range(20):
            gc.collect()
            emit(Numbered(n=n))
            gc.collect()
            await rig.after(2.0)
        gc.collect()
        assert handled == numbers(sink.delivered) == list(range(20))


async def test_every_task_has_a_name_that_says_whose_it_is() -> None:
    async with Rig() as rig:
        await rig.attach(RecordingSink(), name="audit")
        names = {task.get_name() for task in asyncio.all_tasks()}
        assert "eventbus audit" in names
