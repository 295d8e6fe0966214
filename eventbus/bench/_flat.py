"""Whether an event costs the same however much there is of everything else.

Types: 10,240 events of 10,000 types in turn, known beforehand, against as many events
of one type, so that the events themselves are equally often in the processor's caches.
Attachments: 100 that do not select the events, against one, beside a sink that does.
Pending: while a million events wait, against a hundred; in the ingress, as the loop
does not run, or in the buffer of a sink that hangs. Handing over is in C and takes the
medians of many turns, which leaves out Python's rare full garbage collections, whose
cost grows with all that is alive; end to end is in nanoseconds and has everything.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Mapping, Sequence
from itertools import cycle
from types import new_class
from typing import Any, Final

from eventbus._bus import Bus
from eventbus._settings import Batch
from eventbus.bench._contest import Contender, Effort, Measured, Part, Sample
from eventbus.bench._figures import FLAT, Figure, Row
from eventbus.bench._workload import (
    BURST,
    CountingSink,
    HangingSink,
    ToolResult,
    bus_with,
    fresh_burst,
    room_for,
    until_counted,
)
from eventbus.bench._yardstick import Turns, cost_of, turn_ns

TYPES: Final = 10_000
TYPE_BURSTS: Final = 10
TYPE_TURNS: Final = 8
ATTACHMENTS: Final = 100
FEW_PENDING: Final = 100
MANY_PENDING: Final = 1_000_000
TURNS: Final = 300
SHORT_TURN: Final = 64


def of_types(count: int, *, whole: bool) -> Contender:
    """Return the contender with events of *count* types, handed over or end to end."""

    async def contend(effort: Effort) -> Sample:
        total = BURST * effort.of(TYPE_BURSTS)
        events = events_of_types(total, min(count, total))
        async with bus_with(1, buffer=room_for(total)) as (bus, sinks):
            turn_ns(bus.emit, events)
            await until_counted(sinks, total)
            cost = whole_cost if whole else emit_cost
            return await cost(bus, sinks, events, effort.of(TYPE_TURNS))

    return lambda effort: asyncio.run(contend(effort))


def events_of_types(count: int, types: int) -> list[ToolResult]:
    """Return *count* events of so many types, in turn."""
    kinds: list[type[ToolResult]] = [
        new_class(f"Type{i}", (ToolResult,), {"tag": f"bench.type_{i}"})
        for i in range(types)
    ]
    return [
        kinds[i % types](tool_name="shell", call_id="c", duration_ms=1.0)
        for i in range(count)
    ]


async def whole_cost(
    bus: Bus, sinks: Sequence[CountingSink], events: Sequence[Any], turns: int
) -> Sample:
    """Return the nanoseconds of an event from its emit to its delivery."""
    found: list[float] = []
    for _ in range(turns):
        total = sinks[0].count + len(events)
        began = time.perf_counter_ns()
        for burst in _in_bursts(events):
            turn_ns(bus.emit, burst)
            await asyncio.sleep(0)
        await until_counted(sinks, total)
        found.append((time.perf_counter_ns() - began) / len(events))
    return Sample(statistics.median(found))


async def emit_cost(
    bus: Bus, sinks: Sequence[CountingSink], events: Sequence[Any], turns: int
) -> Sample:
    """Return what the emit alone costs; the loop delivers between the bursts."""
    del sinks
    bursts = _in_bursts(events)
    ever = cycle(bursts)
    return await cost_of(bus.emit, lambda: next(ever), bus, turns=turns * len(bursts))


def _in_bursts(events: Sequence[Any]) -> list[Sequence[Any]]:
    return [events[start : start + BURST] for start in range(0, len(events), BURST)]


def beside(others: int, *, whole: bool) -> Contender:
    """Return the contender beside attachments that select something else."""

    async def contend(effort: Effort) -> Sample:
        async with bus_with(1) as (bus, sinks):
            for number in range(others):
                bus.attach(CountingSink(), name=f"other-{number}", select=["other.*"])
            await bus.flush()
            cost = whole_cost if whole else emit_cost
            return await cost(bus, sinks, fresh_burst(), effort.of(TURNS))

    return lambda effort: asyncio.run(contend(effort))


def while_pending(count: int, *, in_buffer: bool) -> Contender:
    """Return the contender with *count* events pending, here or there."""

    async def contend(effort: Effort) -> Sample:
        pending, turns = effort.of(count), effort.of(TURNS)
        events, found = fresh_burst(SHORT_TURN), Turns()
        room = room_for(pending + SHORT_TURN * turns)
        async with Bus(close_timeout_seconds=0) as bus:
            bus.attach(HangingSink(), buffer=room, batch=Batch(max_events=1))
            await _fill(bus, pending, loop_runs=in_buffer)
            for _ in range(turns):
                found.empty(events)
                found.own(turn_ns(bus.emit, events))
                if in_buffer:
                    await asyncio.sleep(0)
        return found.sample()

    return lambda effort: asyncio.run(contend(effort))


async def _fill(bus: Bus, count: int, *, loop_runs: bool) -> None:
    events = fresh_burst(min(count, BURST))
    for number in range(count):
        accepted = bus.emit(events[number % BURST])
        assert accepted
        if loop_runs and number % BURST == 0:
            await asyncio.sleep(0)


CONTENDERS: Final[dict[str, Contender]] = {
    "1 type": of_types(1, whole=False),
    "10,000 types": of_types(TYPES, whole=False),
    "1 type, end to end": of_types(1, whole=True),
    "10,000 types, end to end": of_types(TYPES, whole=True),
    "1 other attachment": beside(1, whole=False),
    "100 other attachments": beside(ATTACHMENTS, whole=False),
    "1 other attachment, end to end": beside(1, whole=True),
    "100 other attachments, end to end": beside(ATTACHMENTS, whole=True),
    "100 pending in the ingress": while_pending(FEW_PENDING, in_buffer=False),
    "10⁶ pending in the ingress": while_pending(MANY_PENDING, in_buffer=False),
    "100 pending in a buffer": while_pending(FEW_PENDING, in_buffer=True),
    "10⁶ pending in a buffer": while_pending(MANY_PENDING, in_buffer=True),
}


def rows(found: Mapping[str, Measured]) -> list[Row]:
    """Return a row for each pair: what much costs against little."""
    names = list(found)
    pairs = zip(names[::2], names[1::2], strict=True)
    return [_row(many, found[few], found[many]) for few, many in pairs]


def _row(name: str, few: Measured, many: Measured) -> Row:
    return Row(
        what=f"{name}, against {'100' if 'pending' in name else '1'}",
        ratio=_comparable(many).against(_comparable(few)),
        unit="times",
        figure=many.value,
        bound=FLAT,
        better="less",
    )


def _comparable(measured: Measured) -> Figure:
    return measured.value if measured.c is None else measured.in_c


PART: Final = Part(
    title="Flat: the cost of an event with much of something, against little",
    module=__name__,
    contenders=tuple(CONTENDERS),
    rows=rows,
)
