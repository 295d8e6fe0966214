"""Events from many threads at once: none is lost, none twice, none out of order."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from eventbus import Batch, Buffer, Bus, Event, Overflow
from eventbus._record import AnyRecord
from eventbus.testing import RecordingSink

THREADS = 8
PATIENCE_SECONDS = 60.0


class Step(Event, tag="work.step"):
    thread: int
    number: int


class Leap(Event, tag="work.leap"):
    thread: int
    number: int


class Counting(RecordingSink):
    """Says when it has so many."""

    def __init__(self, expected: int) -> None:
        super().__init__()
        self._missing = expected
        self.complete = asyncio.Event()

    async def write(self, batch: Sequence[AnyRecord]) -> None:
        await super().write(batch)
        self._missing -= len(batch)
        if self._missing <= 0:
            self.complete.set()


@pytest.fixture(autouse=True)
def often_switched() -> Iterator[None]:
    """Let threads take turns as often as the interpreter can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def start(work: Callable[[int], object]) -> list[threading.Thread]:
    threads = [threading.Thread(target=work, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    return threads


@pytest.mark.proves("fault-13", "C4", "D1")
@pytest.mark.parametrize("each", [5_000, pytest.param(100_000, marks=pytest.mark.slow)])
async def test_eight_threads_lose_nothing_and_wake_the_loop(each: int) -> None:
    """Nothing but the events themselves makes the loop look."""
    sink = Counting(THREADS * each)
    async with Bus() as bus:
        buffer = Buffer(max_events=THREADS * each)
        bus.attach(sink, name="sink", buffer=buffer, batch=Batch(max_delay_seconds=0))
        emit_leap = bus.emitter(Leap)

        def emit(thread: int) -> None:
            for number in range(each):
                if number % 2:
                    assert bus.emit(Step(thread=thread, number=number))
                else:
                    assert emit_leap(Leap(thread=thread, number=number))

        threads = start(emit)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await sink.complete.wait()
        for thread in threads:
            thread.join()
        stats = bus.stats()
        assert stats.emitted == stats.attachments["sink"].offered == THREADS * each
    ids = {record.id for record in sink.records}
    assert len(ids) == len(sink.records) == THREADS * each
    sequences = [record.sequence for record in sink.records]
    assert sequences == sorted(sequences)
    for thread in range(THREADS):
        own = [e.number for e in sink.events if e.thread == thread]  # type: ignore[attr-defined]
        assert own == list(range(each))


@pytest.mark.proves("fault-13")
@pytest.mark.parametrize(
    "overflow", [Overflow.WAIT, Overflow.DROP_NEWEST, Overflow.DROP_OLDEST]
)
async def test_under_pressure_what_was_promised_arrives_and_the_rest_is_counted(
    overflow: Overflow,
) -> None:
    each = 3_000
    sink = RecordingSink()
    promised: list[set[tuple[int, int]]] = [set() for _ in range(THREADS)]
    async with Bus() as bus:
        bus.attach(
            sink,
            name="sink",
            buffer=Buffer(max_events=64, overflow=overflow),
            batch=Batch(max_events=16, max_delay_seconds=0),
        )

        def emit(thread: int) -> None:
            for number in range(each):
                if bus.emit(Step(thread=thread, number=number)):
                    promised[thread].add((thread, number))

        threads = start(emit)
        while any(thread.is_alive() for thread in threads):
            await asyncio.sleep(0)
            stats = bus.stats().attachments["sink"]
            assert stats.balanced
            assert stats.pending <= 64
        await bus.flush()
        stats = bus.stats().attachments["sink"]
        assert stats.offered == THREADS * each
        assert stats.delivered == len(sink.records)
        assert stats.dropped.get("queue_full", 0) == THREADS * each - stats.delivered
    arrived = {(e.thread, e.number) for e in sink.events}  # type: ignore[attr-defined]
    assert len(arrived) == len(sink.records)
    if overflow is not Overflow.DROP_OLDEST:
        assert set().union(*promised) <= arrived


@pytest.mark.proves("fault-30")
async def test_attaching_and_detaching_meanwhile_splits_the_stream_cleanly() -> None:
    """Each sink has one run of each thread's events without a gap; one has them all."""
    each = 2_000
    always, others = RecordingSink(), [RecordingSink() for _ in range(20)]
    async with Bus() as bus:
        room = Buffer(max_events=THREADS * each)
        bus.attach(always, name="always", buffer=room)

        def emit(thread: int) -> None:
            for number in range(each):
                bus.emit(Step(thread=thread, number=number))

        threads = start(emit)
        for number, sink in enumerate(others):
            attachment = bus.attach(sink, name=f"other {number}", buffer=room)
            for _ in range(50):
                await asyncio.sleep(0)
            report = await attachment.detach()
            assert report.balanced
            assert report.delivered == report.offered == len(sink.records)
        await asyncio.to_thread(lambda: [thread.join() for thread in threads])
        await bus.flush()
    for sink in (always, *others):
        for thread in range(THREADS):
            own = [e.number for e in sink.events if e.thread == thread]  # type: ignore[attr-defined]
            first = own[0] if own else 0
            assert own == list(range(first, first + len(own)))
    assert len(always.records) == THREADS * each
