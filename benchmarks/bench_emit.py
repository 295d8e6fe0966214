"""What one hand-over costs, in C: one turn of ``for e in events: f(e)``, f empty.

Loop thread, bursts of 1,024, bounds on, time and bound context captured. Every process
measures C beside its contender, in turn.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from benchmarks._events import BURST, ToolResult, Unheard, fresh_burst
from benchmarks._measure import Contender, Row, collect, run_contender, show, turn_ns
from benchmarks._sinks import bus_with
from eventbus import Bus

TURNS = 300

Call = Callable[[Any], object]


def no_op(_: object) -> None:
    """Do nothing: the yardstick."""


async def ratio_to_no_op(
    bus: Bus, call: Call, bursts: Callable[[], Sequence[object]]
) -> float:
    """Return *call*'s cost in C, the median over many bursts."""
    ours: list[float] = []
    yardstick: list[float] = []
    for _ in range(TURNS):
        events = bursts()
        yardstick.append(turn_ns(no_op, events))
        ours.append(turn_ns(call, events))
        await bus.flush()
    return statistics.median(ours) / statistics.median(yardstick)


def with_bus(
    sinks: int,
    call_of: Callable[[Bus], Call],
    bursts: Callable[[], Sequence[object]] | None = None,
) -> Contender:
    """Return a contender that measures ``call_of(bus)`` with so many sinks."""
    reused = fresh_burst()

    async def measure() -> float:
        bus, _ = await bus_with(sinks)
        async with bus:
            return await ratio_to_no_op(bus, call_of(bus), bursts or (lambda: reused))

    return lambda: asyncio.run(measure())


def publish() -> float:
    """Measure ``await bus.publish`` with room, against the same loop and C."""

    async def measure() -> float:
        bus, _ = await bus_with(1)
        async with bus:
            events = fresh_burst()
            ours, yardstick = [], []
            for _ in range(TURNS):
                yardstick.append(turn_ns(no_op, events))
                ours.append(await awaited_turn_ns(bus.publish, events))
                await bus.flush()
            return statistics.median(ours) / statistics.median(yardstick)

    return asyncio.run(measure())


async def awaited_turn_ns(
    call: Callable[[Any], Awaitable[None]], events: Sequence[object]
) -> float:
    """Return the nanoseconds of one turn of ``for e in events: await f(e)``."""
    began = time.perf_counter_ns()
    for event in events:
        await call(event)
    return (time.perf_counter_ns() - began) / len(events)


def time_alone() -> float:
    """Measure ``time.time_ns()`` alone, in the same loop form."""
    events = fresh_burst()

    def call(_: object) -> int:
        return time.time_ns()

    pairs = [(turn_ns(no_op, events), turn_ns(call, events)) for _ in range(TURNS)]
    return statistics.median(p[1] for p in pairs) / statistics.median(
        p[0] for p in pairs
    )


def unheard_burst() -> list[Unheard]:
    """Return a burst of events that nobody selects."""
    return [Unheard(number=i) for i in range(BURST)]


UNHEARD = unheard_burst()

CONTENDERS: dict[str, Contender] = {
    "emit, one sink": with_bus(1, lambda bus: bus.emit),
    "emit, one sink, fresh events": with_bus(1, lambda bus: bus.emit, fresh_burst),
    "emitter of one type, one sink": with_bus(1, lambda bus: bus.emitter(ToolResult)),
    "nobody selects it": with_bus(1, lambda bus: bus.emit, lambda: UNHEARD),
    "emit, three sinks": with_bus(3, lambda bus: bus.emit),
    "emit, 30 sinks": with_bus(30, lambda bus: bus.emit),
    "publish, room, one sink": publish,
    "time.time_ns alone": time_alone,
}

BOUNDS = {
    "emit, one sink": "<= 8",
    "emit, one sink, fresh events": "<= 8",
    "nobody selects it": "<= 2.2",
}


def run(*, rounds: int) -> list[Row]:
    """Measure everything; ratios in C, and three sinks against one."""
    found = collect("benchmarks.bench_emit", CONTENDERS, rounds=rounds)
    rows = [
        Row(name, figure.median, "C", BOUNDS.get(name, ""), figure, "C")
        for name, figure in found.items()
    ]
    one, three = found["emit, one sink"], found["emit, three sinks"]
    ratio = three.against(one)
    return [*rows, Row("emit, 3 sinks against 1", ratio, "times", "<= 1.1", three, "C")]


if __name__ == "__main__" and not run_contender(CONTENDERS):
    show("Handing over one event", run(rounds=7))
