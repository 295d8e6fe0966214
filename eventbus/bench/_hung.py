"""What one hung sink of five costs the publisher and its neighbours.

The sink takes its first batch and never answers, so its buffer fills and refuses. The
others' throughput is measured end to end, as time per event; of ``emit`` the 99th
percentile of single calls, of ten bursts at a time, once its buffer is full. Both
against five sinks that all answer, and against the four alone.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from eventbus.bench._contest import Contender, Effort, Measured, Part, Sample
from eventbus.bench._figures import Bound, Row, at_most
from eventbus.bench._workload import (
    BURST,
    CountingSink,
    HangingSink,
    ToolResult,
    bus_with,
    fresh_burst,
    until_counted,
)

TURNS: Final = 300
TURNS_UNTIL_FULL: Final = 20
NEIGHBOURS: Final = 4
"""What is counted; the fifth is the one that hangs, answers, or is not there."""


def throughput(fifth: CountingSink | None) -> Contender:
    """Return the contender that times the delivery to the neighbours."""

    async def contend(effort: Effort) -> Sample:
        events, found = fresh_burst(), list[float]()
        async with bus_with(NEIGHBOURS) as (bus, sinks):
            if fifth is not None:
                bus.attach(fifth, name="fifth")
            for turn in range(1, effort.of(TURNS) + 1):
                began = time.perf_counter_ns()
                for event in events:
                    bus.emit(event)
                await until_counted(sinks, turn * BURST)
                found.append((time.perf_counter_ns() - began) / BURST)
            await bus.aclose(0)
        return Sample(statistics.median(found))

    return lambda effort: asyncio.run(contend(effort))


def slowest_emits(fifth: CountingSink | None) -> Contender:
    """Return the contender that times single calls: their 99th percentile."""

    async def contend(effort: Effort) -> Sample:
        events = fresh_burst()
        async with bus_with(NEIGHBOURS) as (bus, _):
            if fifth is not None:
                bus.attach(fifth, name="fifth")
            await _emit_ns(bus.emit, events, turns=TURNS_UNTIL_FULL)
            found = [
                statistics.quantiles(await _emit_ns(bus.emit, events, turns=10), n=100)
                for _ in range(effort.of(TURNS) // 10 + 1)
            ]
            await bus.aclose(0)
        return Sample(statistics.median(slowest for *_, slowest in found))

    return lambda effort: asyncio.run(contend(effort))


async def _emit_ns(
    emit: Callable[[ToolResult], object], events: Sequence[ToolResult], *, turns: int
) -> list[int]:
    """Return the nanoseconds of each call."""
    found = list[int]()
    clock, note = time.perf_counter_ns, found.append
    for _ in range(turns):
        for event in events:
            began = clock()
            emit(event)
            note(clock() - began)
        await asyncio.sleep(0)
    return found


CONTENDERS: Final[dict[str, Contender]] = {
    f"{name}, {which}": make(fifth)
    for name, make in (("throughput", throughput), ("emit p99", slowest_emits))
    for which, fifth in (
        ("five answer", CountingSink()),
        ("four alone", None),
        ("one hangs", HangingSink()),
    )
}

_WITHIN: Final = at_most(1.05, 1.02)


def rows(found: Mapping[str, Measured]) -> list[Row]:
    """Return the throughput and the slowest emits, against both."""
    return [
        _row("emit p99, one of five hangs, against five that answer", found, _WITHIN),
        _row("emit p99, one of five hangs, against four alone", found, None),
        _row(
            "the others' time, one of five hangs, against five that answer",
            found,
            _WITHIN,
        ),
        _row("the others' time, one of five hangs, against four alone", found, None),
    ]


def _row(what: str, found: Mapping[str, Measured], bound: Bound | None) -> Row:
    name = "emit p99" if what.startswith("emit") else "throughput"
    other = "five answer" if what.endswith("five that answer") else "four alone"
    hung = found[f"{name}, one hangs"].value
    return Row(
        what=what,
        ratio=hung.against(found[f"{name}, {other}"].value),
        unit="times",
        figure=hung,
        bound=bound,
        better="less",
    )


PART: Final = Part(
    title="One hung sink of five",
    module=__name__,
    contenders=tuple(CONTENDERS),
    rows=rows,
)
