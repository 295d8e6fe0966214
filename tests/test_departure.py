from __future__ import annotations

import asyncio

import pytest

from eventbus import Batch, Buffer
from eventbus.testing import RecordingSink, ScriptedSink, settled
from tests._rig import CuedSink, Numbered, Rig, numbers

SECOND = Batch(max_events=3, max_delay_seconds=1.0)


def batches(sink: RecordingSink) -> list[list[int]]:
    return [numbers(batch) for batch in sink.batches]


async def test_the_first_event_leaves_at_once() -> None:
    async with Rig() as rig:
        await rig.attach(sink := RecordingSink(), batch=SECOND)
        await rig.emit(1)
        assert batches(sink) == [[1]]


@pytest.mark.proves("fault-45")
async def test_what_is_not_full_leaves_when_the_delay_after_the_last_one_is_over() -> (
    None
):
    async with Rig() as rig:
        await rig.attach(sink := RecordingSink(), batch=SECOND)
        await rig.emit(1)
        await rig.after(0.4)
        await rig.emit(2)
        await rig.after(0.3)
        await rig.emit(3)
        await rig.after(0.29)
        assert batches(sink) == [[1]]
        await rig.after(0.01)
        assert batches(sink) == [[1], [2, 3]]


@pytest.mark.proves("fault-45")
async def test_a_batch_leaves_when_its_count_is_full() -> None:
    async with Rig() as rig:
        await rig.attach(sink := RecordingSink(), batch=SECOND)
        await rig.emit(1)
        await rig.emit(2, 3)
        assert batches(sink) == [[1]]
        await rig.emit(4, 5)
        assert batches(sink) == [[1], [2, 3, 4]]


@pytest.mark.proves("fault-45")
@pytest.mark.parametrize("buffer", [Buffer(), Buffer(max_bytes=1_000_000)])
async def test_a_batch_leaves_when_its_bytes_are_full(buffer: Buffer) -> None:
    async with Rig() as rig:
        batch = Batch(max_bytes=1000, max_delay_seconds=1.0)
        await rig.attach(sink := RecordingSink(), batch=batch, buffer=buffer)
        await rig.emit(1)
        for n in (2, 3, 4):
            rig.bus.emit(Numbered(n=n, text="x" * 300))
            await settled()
        assert batches(sink) == [[1], [2, 3]]


@pytest.mark.proves("fault-45")
@pytest.mark.parametrize("buffer", [Buffer(), Buffer(max_bytes=1_000_000)])
async def test_an_event_larger_than_a_batch_goes_alone(buffer: Buffer) -> None:
    async with Rig() as rig:
        batch = Batch(max_bytes=500, max_delay_seconds=0.0)
        await rig.attach(sink := RecordingSink(), batch=batch, buffer=buffer)
        rig.bus.emit(Numbered(n=1))
        rig.bus.emit(Numbered(n=2, text="x" * 2000))
        rig.bus.emit(Numbered(n=3))
        await settled()
        assert batches(sink) == [[1], [2], [3]]


async def test_after_a_pause_the_next_event_leaves_at_once() -> None:
    async with Rig() as rig:
        await rig.attach(sink := RecordingSink(), batch=SECOND)
        await rig.emit(1)
        await rig.after(1.0)
        await rig.emit(2)
        assert batches(sink) == [[1], [2]]


@pytest.mark.proves("fault-45")
async def test_an_idle_bus_sets_no_timer() -> None:
    async with Rig() as rig:
        await rig.attach(RecordingSink(), batch=SECOND)
        assert rig.clock.timers == 0
        await rig.emit(1)
        assert rig.clock.timers == 0
        await rig.emit(2)
        assert rig.clock.timers == 1
        await rig.emit(3, 4)
        assert rig.clock.timers == 0


async def test_a_timer_for_a_batch_that_left_full_hurries_no_later_one() -> None:
    async with Rig() as rig:
        await rig.attach(sink := RecordingSink(), batch=SECOND)
        await rig.emit(1)
        await rig.after(0.9)
        await rig.emit(2)
        await rig.emit(3, 4, 5)
        await rig.after(0.5)
        await rig.emit(6)
        assert batches(sink) == [[1], [2, 3, 4]]
        await rig.after(0.5)
        assert batches(sink) == [[1], [2, 3, 4], [5, 6]]


@pytest.mark.proves("K5")
async def test_where_nothing_was_emitted_nothing_is_written() -> None:
    async with Rig() as rig:
        await rig.attach(sink := ScriptedSink(), batch=SECOND)
        await rig.bus.flush()
        await rig.after(60.0)
        await rig.bus.aclose()
        assert (sink.starts, sink.attempts, sink.closes) == (1, [], 1)


async def test_a_flush_lets_a_batch_leave_before_its_time() -> None:
    async with Rig() as rig:
        await rig.attach(sink := RecordingSink(), batch=SECOND)
        await rig.emit(1)
        await rig.emit(2)
        report = await rig.bus.flush()
        assert batches(sink) == [[1], [2]]
        assert report.complete


async def test_there_are_as_many_batches_in_flight_as_asked() -> None:
    async with Rig() as rig:
        await rig.attach(sink := CuedSink(), batch=Batch(max_events=1, max_in_flight=3))
        await rig.emit(1, 2, 3, 4)
        assert [numbers(batch) for batch in sink.attempts] == [[1], [2], [3]]
        await sink.cue(index=2)
        assert [numbers(batch) for batch in sink.attempts] == [[1], [2], [3], [4]]


async def test_an_ordered_sink_has_one_batch_in_flight_whatever_was_asked() -> None:
    class Ordered(CuedSink):
        ordered = True

    async with Rig() as rig:
        await rig.attach(sink := Ordered(), batch=Batch(max_events=1, max_in_flight=3))
        await rig.emit(1, 2, 3)
        assert sink.in_flight == 1


@pytest.mark.proves("fault-77")
async def test_batches_that_end_out_of_their_order_are_counted_once_each() -> None:
    async with Rig() as rig:
        await rig.attach(sink := CuedSink(), batch=Batch(max_events=2, max_in_flight=3))
        await rig.emit(*range(6))
        for index in (2, 0, 0):
            await sink.cue(index=index)
            rig.check_balance()
        assert sorted(numbers(sink.delivered)) == list(range(6))
        assert rig.stats().delivered == 6


async def test_an_event_wakes_the_loop_though_who_slept_is_being_cancelled() -> None:
    """In one pass of the loop: the reader does not know of its cancellation yet."""
    async with Rig() as rig, rig.bus.subscribe() as records:
        reader = asyncio.ensure_future(anext(records))
        audit = await rig.attach(sink := CuedSink(), batch=Batch(max_delay_seconds=0))
        await settled()
        reader.cancel()
        rig.bus.emit(Numbered(n=1))
        await settled()
        assert reader.cancelled()
        await sink.cue()
        assert audit.ledger.delivered == 1


async def test_a_full_buffer_leaves_though_it_is_smaller_than_a_batch() -> None:
    async with Rig() as rig:
        buffer = Buffer(max_events=4)
        attachment = await rig.attach(sink := CuedSink(), buffer=buffer)
        await rig.emit(0)
        await sink.cue()
        await rig.emit(1, 2, 3)
        assert attachment.buffer.in_flight == 0
        await rig.emit(4)
        assert attachment.buffer.in_flight == 4
        await sink.cue()
        assert sorted(numbers(sink.delivered)) == [0, 1, 2, 3, 4]


async def test_a_wake_up_whose_reader_was_cancelled_goes_to_another() -> None:
    async def read() -> int:
        return (await anext(records)).event.n

    async with Rig() as rig, rig.bus.subscribe() as records:
        readers = [asyncio.ensure_future(read()) for _ in range(2)]
        await settled()
        rig.bus.emit(Numbered(n=1))
        readers[1].cancel()
        await settled()
        assert readers[1].cancelled()
        assert await readers[0] == 1


async def several(rig: Rig, count: int) -> list[RecordingSink]:
    sinks = [RecordingSink() for _ in range(count)]
    for number, sink in enumerate(sinks):
        await rig.attach(sink, name=f"sink-{number}")
    return sinks


async def test_all_sinks_have_an_event_in_the_same_turn_of_the_loop() -> None:
    async with Rig() as rig:
        sinks = await several(rig, 3)
        rig.bus.emit(Numbered(n=1))
        await asyncio.sleep(0)
        assert [batches(sink) for sink in sinks] == [[[1]]] * 3


async def test_after_a_full_batch_the_next_is_delivered_in_one_turn() -> None:
    async with Rig() as rig:
        await rig.attach(sink := RecordingSink(), batch=SECOND)
        await rig.emit(1)
        await rig.emit(2, 3, 4)
        for n in (5, 6, 7, 8):
            rig.bus.emit(Numbered(n=n))
        await asyncio.sleep(0)
        assert batches(sink) == [[1], [2, 3, 4], [5, 6, 7]]


async def test_after_a_full_batch_one_that_is_not_waits_for_its_time() -> None:
    async with Rig() as rig:
        await rig.attach(sink := RecordingSink(), batch=SECOND)
        await rig.emit(1)
        await rig.emit(2, 3, 4)
        await rig.emit(5)
        await rig.emit(6)
        await rig.after(0.99)
        assert batches(sink) == [[1], [2, 3, 4]]
        await rig.after(0.01)
        assert batches(sink) == [[1], [2, 3, 4], [5, 6]]


async def test_an_emit_wakes_four_at_most_and_the_seal_the_others() -> None:
    async with Rig() as rig:
        sinks = await several(rig, 6)
        rig.bus.emit(Numbered(n=1))
        await asyncio.sleep(0)
        assert [len(sink.batches) for sink in sinks] == [1, 1, 1, 1, 0, 0]
        await asyncio.sleep(0)
        assert [batches(sink) for sink in sinks] == [[[1]]] * 6
