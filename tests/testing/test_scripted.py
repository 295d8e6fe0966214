"""The sink that does as it is told, on a real bus."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from eventbus import Batch, Bus, Event, Refused, Retry, TooLarge, Unavailable
from eventbus.testing import ManualClock, RecordingSink, ScriptedSink, settled, steps


class Numbered(Event, tag="numbered"):
    n: int


class Scripted:
    """A running bus with one scripted sink."""

    def __init__(self, sink: ScriptedSink, **wishes: Any) -> None:
        self.sink = sink
        self.clock = ManualClock()
        self.bus = Bus(clock=self.clock)
        self.bus.attach(sink, name="scripted", **wishes)

    async def __aenter__(self) -> Scripted:
        await self.bus.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.sink.release()
        await self.bus.aclose(0)

    async def emit(self, count: int) -> None:
        for n in range(count):
            self.bus.emit(Numbered(n=n))
        await settled()

    @property
    def stats(self) -> Any:
        return self.bus.stats().attachments["scripted"]

    @property
    def delivered(self) -> list[int]:
        return [record.event.n for record in self.sink.delivered]

    @property
    def attempts(self) -> list[int]:
        return [len(batch) for batch in self.sink.attempts]


async def test_without_a_script_everything_is_delivered() -> None:
    async with Scripted(ScriptedSink()) as rig:
        await rig.emit(3)
        assert rig.delivered == [0, 1, 2]
        assert rig.attempts == [3]


async def test_a_failure_is_tried_again_and_keeps_nothing() -> None:
    async with Scripted(ScriptedSink(steps.fail(Unavailable("away")))) as rig:
        await rig.emit(2)
        assert rig.delivered == []
        assert rig.stats.errors == {"Unavailable": 1}
        rig.clock.advance(30)
        await settled()
        assert rig.delivered == [0, 1]
        assert rig.attempts == [2, 2]


async def test_after_its_script_it_does_the_same_for_ever() -> None:
    sink = ScriptedSink(then=steps.fail(Refused("never")))
    async with Scripted(sink) as rig:
        await rig.emit(2)
        rig.clock.advance(1)
        await rig.emit(2)
        assert rig.delivered == []
        assert rig.stats.rejected == 4


async def test_an_error_that_is_raised_often_does_not_grow_a_traceback() -> None:
    error = Unavailable("away")
    sink = ScriptedSink(then=steps.fail(error))
    depths: list[int] = []
    for _ in range(3):
        with pytest.raises(Unavailable, match="away") as caught:
            await sink.write(())
        depths.append(len(caught.traceback))
    assert len(set(depths)) == 1


async def test_part_of_a_batch_arrives_before_it_breaks_off() -> None:
    sink = ScriptedSink(steps.fail(Unavailable("broke off"), after=2))
    async with Scripted(sink) as rig:
        await rig.emit(3)
        assert rig.delivered == [0, 1]
        rig.clock.advance(30)
        await settled()
        assert rig.delivered == [0, 1, 2]
        assert rig.attempts == [3, 1]


async def test_a_lost_answer_makes_a_repeat_that_is_counted() -> None:
    sink = ScriptedSink(steps.lose_answer(ConnectionResetError("gone")))
    async with Scripted(sink) as rig:
        await rig.emit(2)
        rig.clock.advance(30)
        await settled()
        assert rig.delivered == [0, 1, 0, 1]
        assert rig.stats.possible_duplicates == 2


async def test_a_hang_lasts_until_the_bus_cancels_it() -> None:
    retry = Retry(timeout_seconds=10)
    async with Scripted(ScriptedSink(steps.hang()), retry=retry) as rig:
        await rig.emit(1)
        assert rig.sink.hanging == 1
        rig.clock.advance(10)
        await settled()
        assert rig.sink.hanging == 0
        assert rig.stats.errors == {"TimeoutError": 1}


async def test_a_hang_lasts_until_it_is_released() -> None:
    async with Scripted(ScriptedSink(then=steps.hang())) as rig:
        await rig.emit(1)
        rig.sink.release()
        await settled()
        assert rig.delivered == [0]


async def test_a_hang_may_ignore_its_cancellation() -> None:
    sink = ScriptedSink(steps.hang(ignored_cancellations=1))
    task = asyncio.ensure_future(sink.write(()))
    await settled()
    task.cancel()
    await settled()
    assert sink.hanging == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_rejected_records_are_named_and_do_not_arrive() -> None:
    async with Scripted(ScriptedSink(steps.reject(0, 2, 9, reason="odd"))) as rig:
        await rig.emit(3)
        assert rig.delivered == [1]
        assert rig.stats.rejected == 2


async def test_a_large_batch_is_split_until_it_fits() -> None:
    sink = ScriptedSink(then=steps.too_large(over=2))
    async with Scripted(sink, batch=Batch(max_events=8)) as rig:
        await rig.emit(8)
        assert rig.delivered == list(range(8))
        assert rig.attempts == [8, 4, 2, 2, 4, 2, 2]


async def test_a_batch_that_is_too_large_says_by_how_much() -> None:
    with pytest.raises(TooLarge, match="3 records, at most 2 are taken"):
        await ScriptedSink(steps.too_large(over=2)).write((1, 2, 3))  # type: ignore[arg-type]


async def test_nonsense_can_be_answered() -> None:
    async with Scripted(ScriptedSink(steps.answer("fine"))) as rig:
        await rig.emit(1)
        assert rig.stats.errors == {"contract_violation": 1}


async def test_a_slow_write_takes_its_time_on_the_clock_of_the_bus() -> None:
    sink = ScriptedSink(steps.slow(5, steps.reject(0)))
    async with Scripted(sink) as rig:
        await rig.emit(2)
        rig.clock.advance(4.9)
        await settled()
        assert rig.delivered == []
        rig.clock.advance(0.1)
        await settled()
        assert rig.delivered == [1]


async def test_start_and_aclose_have_scripts_of_their_own() -> None:
    sink = ScriptedSink(
        start=[steps.fail(Unavailable("not yet"))],
        aclose=[steps.fail(RuntimeError("stuck"))],
    )
    rig = Scripted(sink)
    starting = asyncio.ensure_future(rig.bus.start())
    await settled()
    rig.clock.advance(5)
    await starting
    await settled()
    assert sink.starts == 2
    await rig.bus.aclose()
    assert sink.closes == 1
    assert rig.stats.errors == {"RuntimeError": 1}


async def test_a_step_can_be_written_by_hand() -> None:
    async def lose_the_first(sink: ScriptedSink, batch: Any) -> None:
        sink.delivered.extend(batch[1:])

    async with Scripted(ScriptedSink(lose_the_first)) as rig:
        await rig.emit(3)
        assert rig.delivered == [1, 2]
        assert rig.stats.delivered == 3


async def test_a_recording_keeps_batches_records_and_events() -> None:
    sink = RecordingSink()
    bus = Bus(clock=ManualClock())
    bus.attach(sink, batch=Batch(max_events=2))
    for n in range(3):
        bus.emit(Numbered(n=n))
    async with bus:
        await bus.flush()
    assert [len(batch) for batch in sink.batches] == [2, 1]
    assert [record.sequence for record in sink.records] == [1, 2, 3]
    assert sink.events == sink.of(Numbered) == [Numbered(n=n) for n in range(3)]
    sink.clear()
    assert sink.records == []


async def test_what_is_no_step_is_refused() -> None:
    with pytest.raises(
        TypeError, match=r"a step is a function of eventbus.testing.steps"
    ):
        ScriptedSink([steps.ok])  # type: ignore[arg-type]
