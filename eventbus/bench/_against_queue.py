"""What waiting for room, other threads and an idle bus cost, against plain asyncio.

Backpressure: ``await bus.publish`` into a buffer of 1,024 events, two batches, that an
async sink drains, until all has arrived; against ``await Queue.put`` into a queue of
1,024 with one consumer. Threads: ``emit`` in another thread until the sink on
the loop has everything; against ``call_soon_threadsafe(list.append, event)`` for each
event. Idle: from one ``emit`` on a bus with nothing else to do until the sink's
``write`` runs; against ``put_nowait`` until the consumer has the event. Once with the
loop turning, as in a busy program, and once after the whole process slept for 2 ms,
when the processor's caches have forgotten both.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from eventbus._bus import Bus
from eventbus._record import AnyRecord
from eventbus._settings import Batch, Buffer
from eventbus.bench._contest import Contender, Effort, Measured, Part, Sample
from eventbus.bench._figures import Bound, Row, at_least, at_most
from eventbus.bench._workload import (
    BURST,
    CountingSink,
    ToolResult,
    bus_with,
    fresh_burst,
    loop_until,
    room_for,
)

ROOM: Final = 1024
BURSTS: Final = 60
REPEATS: Final = 5
PINGS: Final = 50
TURNS_OF_REST: Final = 10
REST_SECONDS: Final = 0.002

Measure = Callable[[], Awaitable[float]]


def repeated(measure: Measure) -> Contender:
    """Return the contender that measures several times and takes the median."""

    async def contend(effort: Effort) -> Sample:
        found = [await measure() for _ in range(effort.of(REPEATS))]
        return Sample(statistics.median(found))

    return lambda effort: asyncio.run(contend(effort))


async def full_bus_ns() -> float:
    """Return the nanoseconds of an event that waits for room in a buffer."""
    events = fresh_burst()
    total = BURST * BURSTS
    async with bus_with(1, buffer=Buffer(max_events=ROOM)) as (bus, [sink]):
        publish = bus.publish
        await publish(events[0])
        await bus.flush()
        began = time.perf_counter_ns()
        for _ in range(BURSTS):
            for event in events:
                await publish(event)
        await bus.flush()
        spent = time.perf_counter_ns() - began
    assert sink.count == total + 1
    return spent / total


async def full_queue_ns() -> float:
    """Return the nanoseconds of an event that waits for room in a queue."""
    events = fresh_burst()
    total = BURST * BURSTS
    queue = asyncio.Queue[ToolResult](ROOM)
    consumer = asyncio.create_task(_consume(queue, total))
    put = queue.put
    began = time.perf_counter_ns()
    for _ in range(BURSTS):
        for event in events:
            await put(event)
    await consumer
    return (time.perf_counter_ns() - began) / total


async def _consume(queue: asyncio.Queue[ToolResult], total: int) -> None:
    for _ in range(total):
        await queue.get()


async def bus_from_thread_ns() -> float:
    """Return the nanoseconds of an event that another thread emits."""
    events = fresh_burst()
    total = BURST * BURSTS
    async with bus_with(1, buffer=room_for(total)) as (bus, [sink]):
        began = time.perf_counter_ns()
        await asyncio.to_thread(_repeat, bus.emit, events)
        await bus.flush()
        spent = time.perf_counter_ns() - began
    assert sink.count == total
    return spent / total


async def loop_from_thread_ns() -> float:
    """Return the nanoseconds of a callback that another thread schedules."""
    events = fresh_burst()
    total = BURST * BURSTS
    call_soon, taken = asyncio.get_running_loop().call_soon_threadsafe, list[Any]()
    take = taken.append
    began = time.perf_counter_ns()
    await asyncio.to_thread(_repeat, lambda event: call_soon(take, event), events)
    await loop_until(lambda: len(taken) == total)
    return (time.perf_counter_ns() - began) / total


def _repeat(call: Callable[[ToolResult], object], events: list[ToolResult]) -> None:
    for _ in range(BURSTS):
        for event in events:
            call(event)


class Noticing(CountingSink):
    """Notes when it was last called."""

    at_ns = 0

    async def write(self, batch: Sequence[AnyRecord]) -> None:
        """Note the time."""
        self.at_ns = time.perf_counter_ns()
        await super().write(batch)


async def idle_bus_ns(rest_seconds: float) -> float:
    """Return the nanoseconds from an emit to its write, on an idle bus."""
    [event], sink = fresh_burst(1), Noticing()
    async with Bus() as bus:
        bus.attach(sink, batch=Batch(max_delay_seconds=0))
        pings = Pings(lambda: bus.emit(event), lambda: sink.at_ns)
        return await pings.latency_ns(rest_seconds)


async def idle_queue_ns(rest_seconds: float) -> float:
    """Return the nanoseconds from a put to its get, on an idle queue."""
    [event], at_ns = fresh_burst(1), 0
    queue = asyncio.Queue[ToolResult]()

    async def consume() -> None:
        nonlocal at_ns
        while True:
            await queue.get()
            at_ns = time.perf_counter_ns()

    consumer = asyncio.create_task(consume())
    try:
        pings = Pings(lambda: queue.put_nowait(event), lambda: at_ns)
        return await pings.latency_ns(rest_seconds)
    finally:
        consumer.cancel()


class Pings:
    """Single events with rests between them.

    Args:
        send: Sends one.
        received_ns: When the last one arrived.
    """

    def __init__(
        self, send: Callable[[], object], received_ns: Callable[[], int]
    ) -> None:
        self._send: Final = send
        self._received_ns: Final = received_ns
        self._sent_ns = 0

    async def latency_ns(self, rest_seconds: float) -> float:
        """Return the median from sending to arriving; 0 rests some turns of the loop.

        A rest of the loop is long enough for everything that follows an event.
        """
        found: list[int] = []
        for _ in range(PINGS):
            for _ in range(TURNS_OF_REST):
                await asyncio.sleep(rest_seconds / TURNS_OF_REST)
            self._sent_ns = time.perf_counter_ns()
            self._send()
            await loop_until(self._has_arrived)
            found.append(self._received_ns() - self._sent_ns)
        return statistics.median(found)

    def _has_arrived(self) -> bool:
        return self._received_ns() >= self._sent_ns


CONTENDERS: Final[dict[str, Contender]] = {
    "await Queue.put": repeated(full_queue_ns),
    "await publish, full": repeated(full_bus_ns),
    "call_soon_threadsafe": repeated(loop_from_thread_ns),
    "emit from a thread": repeated(bus_from_thread_ns),
    "idle queue": repeated(partial(idle_queue_ns, 0)),
    "idle bus": repeated(partial(idle_bus_ns, 0)),
    "sleeping queue": repeated(partial(idle_queue_ns, REST_SECONDS)),
    "sleeping bus": repeated(partial(idle_bus_ns, REST_SECONDS)),
}


def rows(found: Mapping[str, Measured]) -> list[Row]:
    """Return each against what plain asyncio offers."""
    return [
        faster(
            "lossless under backpressure, faster than await Queue.put",
            found["await Queue.put"],
            found["await publish, full"],
            at_least(2.5, 4),
        ),
        faster(
            "from another thread, faster than call_soon_threadsafe per event",
            found["call_soon_threadsafe"],
            found["emit from a thread"],
            at_least(10, 16),
        ),
        later(
            "latency of one event on an idle bus, against Q",
            found["idle queue"],
            found["idle bus"],
            at_most(1.2, 1.0),
        ),
        later(
            "the same after the process slept, against Q",
            found["sleeping queue"],
            found["sleeping bus"],
            None,
        ),
    ]


def later(what: str, theirs: Measured, ours: Measured, bound: Bound | None) -> Row:
    """Return how many times as long ours takes as theirs."""
    return Row(
        what=what,
        ratio=ours.value.against(theirs.value),
        unit="times",
        figure=ours.value,
        bound=bound,
        better="less",
    )


def faster(what: str, theirs: Measured, ours: Measured, bound: Bound | None) -> Row:
    """Return how many times as fast ours is as theirs."""
    ratio = theirs.value.against(ours.value)
    return Row(
        what=what,
        ratio=ratio,
        unit="times",
        figure=ours.value,
        bound=bound,
        better="more",
    )


PART: Final = Part(
    title="Waiting, other threads, an idle bus",
    module=__name__,
    contenders=tuple(CONTENDERS),
    rows=rows,
)
