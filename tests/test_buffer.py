from __future__ import annotations

import asyncio

import pytest

from eventbus import (
    Batch,
    Buffer,
    Overflow,
    PublishTimeoutError,
    TooLarge,
    Unavailable,
)
from eventbus._buffer import RecordBuffer
from eventbus._chunk import Chunk, RecordBatch
from eventbus._record import AnyRecord, Record
from eventbus._window import Window
from eventbus.testing import RecordingSink, ScriptedSink, settled, steps
from tests._rig import ONE_BY_ONE, PATIENT, CuedSink, Numbered, Rig, numbers


def record(n: int) -> AnyRecord:
    return Record(Numbered(n=n), id=str(n), sequence=n)


def chunk(*values: int, size: int | None = None) -> Chunk:
    window = Window.of([record(n) for n in values])
    sizes = None if size is None else [size] * len(values)
    return Chunk(window, 0, len(values), sizes)


def filled(*chunks: Chunk, **bounds: int) -> RecordBuffer:
    buffer = RecordBuffer(Buffer(**{"max_events": 10, **bounds}))
    for one in chunks:
        buffer.push(one)
    return buffer


def test_what_is_taken_comes_in_order_from_as_many_chunks_as_it_needs() -> None:
    buffer = filled(chunk(1, 2), chunk(3), chunk(4, 5, 6))
    assert numbers(buffer.take(Batch(max_events=4))) == [1, 2, 3, 4]
    assert (buffer.queued, buffer.in_flight, buffer.pending) == (2, 4, 6)
    assert numbers(buffer.take(Batch(max_events=4))) == [5, 6]


def test_room_is_freed_when_a_batch_is_decided_and_not_when_it_is_taken() -> None:
    buffer = filled(chunk(1, 2, size=100), max_events=2, max_bytes=200)
    batch = buffer.take(Batch())
    assert (buffer.room, buffer.room_bytes) == (0, 0)
    assert (buffer.pending, buffer.pending_bytes) == (2, 200)
    buffer.decided(batch)
    assert (buffer.room, buffer.room_bytes) == (2, 200)
    assert (buffer.pending, buffer.pending_bytes) == (0, 0)


def test_a_batch_takes_what_fits_its_bytes_and_at_least_one() -> None:
    buffer = filled(chunk(1, 2, 3, size=100), chunk(4, size=500), chunk(5, size=100))
    taken = [numbers(buffer.take(Batch(max_bytes=250))) for _ in range(4)]
    assert taken == [[1, 2], [3], [4], [5]]


def test_the_parts_of_a_batch_are_the_batch() -> None:
    batch = RecordBatch([chunk(0, 1, 2), chunk(3), chunk(4, 5)])
    for start in range(7):
        for stop in range(start, 7):
            expected = list(range(start, stop))
            assert numbers(batch.part(start, stop)) == expected
            parts = list(batch.cut((start, stop, 6)))
            assert [n for part in parts for n in numbers(part)] == list(range(6))
            assert numbers(parts[1]) == expected
    assert numbers(batch) == list(range(6))


def test_the_peak_is_the_most_that_ever_was_pending() -> None:
    buffer = filled(chunk(1, 2, 3))
    buffer.decided(buffer.take(Batch(max_events=2)))
    buffer.push(chunk(4))
    assert (buffer.pending, buffer.peak) == (2, 3)


@pytest.mark.proves("D3", "D4")
@pytest.mark.parametrize("overflow", [Overflow.WAIT, Overflow.DROP_NEWEST])
async def test_to_emit_a_full_buffer_drops_the_newest(overflow: Overflow) -> None:
    async with Rig() as rig:
        sink = CuedSink()
        buffer = Buffer(max_events=4, overflow=overflow)
        await rig.attach(sink, buffer=buffer, batch=ONE_BY_ONE, retry=PATIENT)
        assert await rig.emit(*range(6)) == [True] * 4 + [False] * 2
        assert rig.stats().dropped == {"queue_full": 2}
        await sink.cue()
        assert await rig.emit(6, 7) == [True, False]
        while sink.in_flight:
            await sink.cue()
        assert numbers(sink.delivered) == [0, 1, 2, 3, 6]
        assert (rig.stats().delivered, rig.stats().pending_peak) == (5, 4)
        assert rig.stats().dropped == {"queue_full": 3}


@pytest.mark.proves("D3", "D4", "fault-41")
async def test_to_make_room_the_oldest_goes_but_never_one_in_flight() -> None:
    async with Rig() as rig:
        sink = CuedSink()
        buffer = Buffer(max_events=4, overflow=Overflow.DROP_OLDEST)
        batch = Batch(max_events=2, max_delay_seconds=0.0)
        await rig.attach(sink, buffer=buffer, batch=batch, retry=PATIENT)
        assert await rig.emit(0, 1) == [True] * 2
        assert all(await rig.emit(*range(2, 9)))
        stats = rig.stats()
        assert (stats.dropped, stats.pending) == ({"queue_full": 5}, 4)
        await sink.cue()
        await sink.cue()
        assert numbers(sink.delivered) == [0, 1, 7, 8]
        assert (rig.stats().delivered, rig.stats().pending_peak) == (4, 4)


@pytest.mark.proves("fault-41")
async def test_what_waits_for_a_retry_or_its_half_is_never_dropped_for_room() -> None:
    async with Rig() as rig:
        sink = CuedSink()
        buffer = Buffer(max_events=3, overflow=Overflow.DROP_OLDEST)
        await rig.attach(sink, buffer=buffer, batch=Batch(max_delay_seconds=0.0))
        await rig.emit(0, 1)
        await sink.cue(TooLarge())
        await sink.cue(Unavailable())
        await rig.emit(*range(2, 8))
        assert rig.stats().dropped == {"queue_full": 5}
        await rig.after(1.0)
        while sink.in_flight:
            await sink.cue()
        assert numbers(sink.delivered) == [0, 1, 7]


@pytest.mark.proves("D4")
async def test_publish_that_may_not_wait_is_told_that_the_buffer_is_full() -> None:
    async with Rig() as rig:
        sink = CuedSink()
        await rig.attach(sink, buffer=Buffer(max_events=2), batch=ONE_BY_ONE)
        for n in range(2):
            await rig.bus.publish(Numbered(n=n), timeout_seconds=0)
        with pytest.raises(PublishTimeoutError, match="no room in time at 'sink'"):
            await rig.bus.publish(Numbered(n=2), timeout_seconds=0)
        assert rig.stats().dropped == {"block_timeout": 1}
        await settled()
        await sink.cue()
        await rig.bus.publish(Numbered(n=3), timeout_seconds=0)
        while sink.in_flight:
            await sink.cue()
        assert numbers(sink.delivered) == [0, 1, 3]


@pytest.mark.proves("D3", "fault-34")
@pytest.mark.parametrize("overflow", list(Overflow))
async def test_bytes_stay_below_their_bound_through_queue_flight_and_retry(
    overflow: Overflow,
) -> None:
    async with Rig() as rig:
        sink = CuedSink()
        buffer = Buffer(max_bytes=1000, overflow=overflow, wait_timeout_seconds=0)
        batch = Batch(max_events=2, max_delay_seconds=0.0)
        await rig.attach(sink, buffer=buffer, batch=batch, retry=PATIENT)
        cues = [None, Unavailable(), TooLarge(), ValueError(), None]
        for n in range(100):
            rig.bus.emit(Numbered(n=n, text="x" * (n * 37 % 600)))
            await settled()
            assert rig.stats().pending_bytes <= 1000
            if sink.in_flight and n % 3 == 0:
                await sink.cue(cues[n % len(cues)])
            assert rig.stats().pending_bytes <= 1000
            await rig.after(1.0)
            assert rig.stats().pending_bytes <= 1000
            rig.check_balance()
        assert rig.stats().dropped["bytes_full"] > 0


@pytest.mark.proves("fault-34")
@pytest.mark.parametrize("overflow", list(Overflow))
async def test_an_event_over_the_bound_of_bytes_is_too_large(
    overflow: Overflow,
) -> None:
    async with Rig() as rig:
        buffer = Buffer(max_bytes=500, overflow=overflow)
        await rig.attach(sink := RecordingSink(), buffer=buffer)
        rig.bus.emit(Numbered(n=1))
        rig.bus.emit(Numbered(n=2, text="x" * 500))
        await rig.bus.publish(Numbered(n=3, text="x" * 500))
        await rig.bus.publish(Numbered(n=4))
        await rig.after(1.0)
        assert numbers(sink.records) == [1, 4]
        assert rig.stats().dropped == {"too_large": 2}
        assert rig.stats().pending_bytes == 0


async def test_bytes_are_those_of_the_line_of_each_record() -> None:
    async with Rig() as rig:
        await rig.attach(
            ScriptedSink(then=steps.hang()),
            buffer=Buffer(max_bytes=10_000),
            retry=PATIENT,
        )
        await rig.emit(1)
        small = rig.stats().pending_bytes
        rig.bus.emit(Numbered(n=2, text="ä" * 100))
        await settled()
        assert rig.stats().pending_bytes - small == small + 200


async def test_without_a_bound_of_bytes_none_are_counted() -> None:
    async with Rig() as rig:
        await rig.attach(ScriptedSink(then=steps.hang()), retry=PATIENT)
        await rig.emit(1)
        assert rig.stats().pending_bytes == 0


async def test_all_that_waits_is_kept_in_columns_also_behind_what_was_published() -> (
    None
):
    async with Rig() as rig:
        hung = ScriptedSink(then=steps.hang())
        roomy = await rig.attach(hung, name="roomy", buffer=Buffer(max_events=100))
        full = Buffer(max_events=1)
        await rig.attach(ScriptedSink(then=steps.hang()), name="full", buffer=full)
        publishers: list[asyncio.Task[None]] = []
        for n in range(4):
            rig.bus.emit(Numbered(n=n))
            await settled()
            publish = rig.bus.publish(Numbered(n=n + 100), timeout_seconds=1.0)
            publishers.append(asyncio.create_task(publish))
            await settled()
        *waiting, _, _ = roomy.buffer.chunks  # before the last seal
        assert len(waiting) > 4
        assert not any(chunk.window._entries for chunk in waiting)
        for publisher in publishers:
            publisher.cancel()
        await settled()
