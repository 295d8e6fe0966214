"""What an event costs end to end, against asyncio.Queue with as many consumers.

Q is ``put_nowait`` and ``await get`` with one consumer, and once more for each further
consumer, since a queue has no fan-out. Ours is ``emit`` until every sink has counted
the event. Bursts of 1,024, the loop runs between bursts.
"""

from __future__ import annotations

import asyncio
import statistics
import time

from benchmarks._events import BURST, fresh_burst
from benchmarks._measure import Contender, Figure, Row, collect, run_contender, show
from benchmarks._sinks import bus_with

BURSTS = 40
REPEATS = 9


async def queue_ns(consumers: int) -> float:
    """Return the nanoseconds per event of queues with one consumer each."""
    events = fresh_burst()
    queues = [asyncio.Queue[object]() for _ in range(consumers)]

    async def consume(queue: asyncio.Queue[object]) -> None:
        for _ in range(BURST * BURSTS):
            await queue.get()

    tasks = [asyncio.create_task(consume(queue)) for queue in queues]
    began = time.perf_counter_ns()
    for _ in range(BURSTS):
        for event in events:
            for queue in queues:
                queue.put_nowait(event)
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    return (time.perf_counter_ns() - began) / (BURST * BURSTS)


async def bus_ns(sinks: int) -> float:
    """Return the nanoseconds per event of a bus with so many sinks."""
    events = fresh_burst()
    bus, counting = await bus_with(sinks)
    async with bus:
        emit = bus.emit
        began = time.perf_counter_ns()
        for _ in range(BURSTS):
            for event in events:
                emit(event)
            await asyncio.sleep(0)
        report = await bus.flush()
        spent = time.perf_counter_ns() - began
    assert report.complete
    assert all(sink.count == BURST * BURSTS for sink in counting)
    return spent / (BURST * BURSTS)


def queue(consumers: int) -> Contender:
    """Return the queue contender."""

    async def measure() -> float:
        found = [await queue_ns(consumers) for _ in range(REPEATS)]
        return statistics.median(found)

    return lambda: asyncio.run(measure())


def bus(sinks: int) -> Contender:
    """Return the bus contender."""

    async def measure() -> float:
        return statistics.median([await bus_ns(sinks) for _ in range(REPEATS)])

    return lambda: asyncio.run(measure())


CONTENDERS: dict[str, Contender] = {
    "queue, 1 consumer": queue(1),
    "bus, 1 sink": bus(1),
    "queue, 3 consumers": queue(3),
    "bus, 3 sinks": bus(3),
}


def run(*, rounds: int) -> list[Row]:
    """Measure everything; how many times faster than the queue."""
    found = collect("benchmarks.bench_delivery", CONTENDERS, rounds=rounds)

    def row(what: str, slow: str, fast: str, bound: str) -> Row:
        ratio = found[slow].against(found[fast])
        return Row(what, ratio, "times", bound, found[fast])

    one, three = found["bus, 1 sink"], found["bus, 3 sinks"]
    return [
        _plain("asyncio.Queue, 1 consumer", found["queue, 1 consumer"]),
        row("1 batch sink", "queue, 1 consumer", "bus, 1 sink", ">= 1.5"),
        row("3 batch sinks", "queue, 3 consumers", "bus, 3 sinks", ">= 4"),
        Row("3 batch sinks against 1", three.against(one), "times", "", three),
    ]


def _plain(what: str, figure: Figure) -> Row:
    return Row(what, 1.0, "times", "", figure)


if __name__ == "__main__" and not run_contender(CONTENDERS):
    show("Delivering one event", run(rounds=5))
