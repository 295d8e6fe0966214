"""How delivery is measured: something publishes, and so many consumers count.

A rig is one library set up for it. All rigs run through the same loop: a burst is
handed over, the event loop runs, and at the end everything must have been counted.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

import msgspec

from eventbus._bus import Bus
from eventbus._settings import Batch
from eventbus.bench._contest import Contender, Effort, Sample
from eventbus.bench._workload import (
    BURST,
    CountingSink,
    ToolResult,
    bus_with,
    fresh_burst,
)
from eventbus.bench._yardstick import Call, Turns

# Any in this module: an event of whatever kind the library takes.

BURSTS: Final = 200
REPEATS: Final = 3

Burst = Callable[[Sequence[Any]], Awaitable[object] | None]


async def some_turns() -> None:
    """Let the loop run for a while, enough for a burst to be consumed."""
    for _ in range(10):
        await asyncio.sleep(0)


class Rig(msgspec.Struct, frozen=True):
    """One library, set up.

    Args:
        burst: Hands over some events; may return what is to be awaited.
        settle: Waits until all of them have been consumed.
        counts: How many events each consumer has had.
        rest: Waits between bursts whose handing over is timed.
    """

    burst: Burst
    settle: Callable[[], Awaitable[object]]
    counts: Callable[[], Sequence[int]]
    rest: Callable[[], Awaitable[object]] = some_turns


Open = Callable[[int, int], AbstractAsyncContextManager[Rig]]
"""Sets a library up for so many consumers and so many events."""

Make = Callable[[], Sequence[Any]]
"""Makes a burst of events in the form that a library takes."""


def each(publish: Call) -> Burst:
    """Return what hands over some events one by one."""

    def burst(events: Sequence[Any]) -> None:
        for event in events:
            publish(event)

    return burst


class Shape(msgspec.Struct, frozen=True):
    """How many events there are.

    Args:
        bursts: In one repetition.
        repeats: How often all is done anew.
        fresh: Whether each event is handed over once only.
    """

    bursts: int = BURSTS
    repeats: int = REPEATS
    fresh: bool = False


def delivery(
    open_rig: Open, consumers: int, *, shape: Shape, make: Make = fresh_burst
) -> Contender:
    """Return the contender that delivers to so many consumers, after a first burst."""

    async def contend(effort: Effort) -> Sample:
        bursts = _bursts(make, shape)
        found = [
            await _delivery_ns(open_rig, consumers, bursts)
            for _ in range(effort.of(shape.repeats))
        ]
        return Sample(statistics.median(found))

    return lambda effort: asyncio.run(contend(effort))


def _bursts(make: Make, shape: Shape) -> list[Sequence[Any]]:
    if shape.fresh:
        return [make() for _ in range(shape.bursts)]
    return [make()] * shape.bursts


async def _delivery_ns(
    open_rig: Open, consumers: int, bursts: Sequence[Sequence[Any]]
) -> float:
    timed = sum(map(len, bursts[1:]))
    total = timed + len(bursts[0])
    async with open_rig(consumers, total) as rig:
        await _hand_over_all(rig.burst, bursts[:1])
        await rig.rest()
        began = time.perf_counter_ns()
        await _hand_over_all(rig.burst, bursts[1:])
        await rig.settle()
        spent = time.perf_counter_ns() - began
        _check(rig, [total] * consumers)
    return spent / timed


async def _hand_over_all(burst: Burst, bursts: Sequence[Sequence[Any]]) -> None:
    for events in bursts:
        waiting = burst(events)
        if waiting is not None:
            await waiting
        await asyncio.sleep(0)


def _check(rig: Rig, expected: list[int]) -> None:
    counts = list(rig.counts())
    if counts != expected:
        raise AssertionError(f"the consumers had {counts} events, not {expected}")


def hand_over(
    open_rig: Open, *, turns: int, make: Make = fresh_burst, fresh: bool = False
) -> Contender:
    """Return the contender that measures what the publisher pays, one consumer."""

    async def contend(effort: Effort) -> Sample:
        found, count = Turns(), effort.of(turns)
        events = make()
        total = count * len(events)
        async with open_rig(1, total) as rig:
            for _ in range(count):
                events = make() if fresh else events
                found.empty(events)
                found.own(await _burst_ns(rig.burst, events))
                await rig.rest()
            await rig.settle()
            _check(rig, [total])
        return found.sample()

    return lambda effort: asyncio.run(contend(effort))


async def _burst_ns(burst: Burst, events: Sequence[Any]) -> float:
    began = time.perf_counter_ns()
    waiting = burst(events)
    if waiting is not None:
        await waiting
    return (time.perf_counter_ns() - began) / len(events)


@asynccontextmanager
async def open_bus(consumers: int, total: int) -> AsyncGenerator[Rig]:
    """Set up a bus with so many batch sinks."""
    del total  # the default bounds are enough, as the loop runs between bursts
    async with bus_with(consumers) as (bus, sinks):
        yield _rig_of(bus, sinks, bus.emit)


@asynccontextmanager
async def open_tuned_bus(consumers: int, total: int) -> AsyncGenerator[Rig]:
    """Set up the same for such bursts of one type: with an emitter, and batches so."""
    del total
    batch = Batch(max_events=BURST)
    async with bus_with(consumers, batch=batch) as (bus, sinks):
        yield _rig_of(bus, sinks, bus.emitter(ToolResult))


def _rig_of(bus: Bus, sinks: Sequence[CountingSink], emit: Call) -> Rig:
    return Rig(each(emit), bus.flush, lambda: [sink.count for sink in sinks])


@asynccontextmanager
async def open_queues(consumers: int, total: int) -> AsyncGenerator[Rig]:
    """Set up a queue for each consumer, since a queue has no fan-out."""
    queues = [asyncio.Queue[Any]() for _ in range(consumers)]
    counts = [0] * consumers

    async def consume(index: int) -> None:
        get = queues[index].get
        for _ in range(total):
            await get()
            counts[index] += 1

    tasks = [asyncio.create_task(consume(index)) for index in range(consumers)]
    burst = to_all([queue.put_nowait for queue in queues])
    yield Rig(burst, lambda: asyncio.gather(*tasks), lambda: counts)


def to_all(puts: Sequence[Call]) -> Burst:
    """Return what hands over each event to each of *puts*."""
    if len(puts) == 1:
        return each(puts[0])

    def burst(events: Sequence[Any]) -> None:
        for event in events:
            for put in puts:
                put(event)

    return burst
