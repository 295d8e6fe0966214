"""What handing over one event costs, in C: one turn of an empty function's loop.

On the loop's thread, in bursts of 1,024, with the default bounds, time and bound
context captured. C is measured in the same process over the same events, turn by turn.
Reused events are handed over in every turn; fresh ones were made just before.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

from eventbus._bus import Bus
from eventbus._sampler import Sampler
from eventbus._sampling_ratio import Ratio
from eventbus.bench._contest import Contender, Effort, Measured, Part, Sample
from eventbus.bench._figures import Bound, Row, at_most
from eventbus.bench._workload import BURST, ToolResult, Unheard, bus_with, fresh_burst
from eventbus.bench._yardstick import (
    Bursts,
    Call,
    Turns,
    awaited_turn_ns,
    cost_of,
    no_op,
    turn_ns,
)

TURNS: Final = 300

CallOf = Callable[[Bus], Call]


def with_bus(
    sinks: int,
    call_of: CallOf,
    bursts: Bursts | None = None,
    *,
    sampler: Sampler | None = None,
) -> Contender:
    """Return the contender ``call_of(bus)``, with so many sinks."""

    async def contend(effort: Effort) -> Sample:
        reused = fresh_burst()
        async with bus_with(sinks, sampler=sampler) as (bus, _):
            own = bursts or (lambda: reused)
            return await cost_of(call_of(bus), own, bus, turns=effort.of(TURNS))

    return lambda effort: asyncio.run(contend(effort))


def publishing(bursts: Bursts | None = None) -> Contender:
    """Return the contender ``await bus.publish``, where there is room."""

    async def contend(effort: Effort) -> Sample:
        found, reused = Turns(), fresh_burst()
        async with bus_with(1) as (bus, _):
            for _ in range(effort.of(TURNS)):
                events = bursts() if bursts else reused
                found.empty(events)
                found.own(await awaited_turn_ns(bus.publish, events))
                await bus.flush()
        return found.sample()

    return lambda effort: asyncio.run(contend(effort))


def alone(call: Call) -> Contender:
    """Return the contender *call* without a bus."""

    def contend(effort: Effort) -> Sample:
        found, events = Turns(), fresh_burst()
        for _ in range(effort.of(TURNS)):
            found.empty(events)
            found.own(turn_ns(call, events))
        return found.sample()

    return contend


def _time_ns(_: object) -> int:
    return time.time_ns()


def _emit(bus: Bus) -> Call:
    return bus.emit


def _emitter(bus: Bus) -> Call:
    return bus.emitter(ToolResult)


_UNHEARD: Final = [Unheard(number=i) for i in range(BURST)]
_ONE_PERCENT: Final = Ratio(0.01)

CONTENDERS: Final[dict[str, Contender]] = {
    "an empty function": alone(no_op),
    "time.time_ns alone": alone(_time_ns),
    "emit": with_bus(1, _emit),
    "emit, fresh events": with_bus(1, _emit, fresh_burst),
    "emitter of one type": with_bus(1, _emitter),
    "emitter of one type, fresh events": with_bus(1, _emitter, fresh_burst),
    "emit, nobody selects it": with_bus(1, _emit, lambda: _UNHEARD),
    "emit, nothing is attached": with_bus(0, _emit),
    "emitter, nothing is attached": with_bus(0, _emitter),
    "emit, sampled out at 1 %": with_bus(1, _emit, sampler=_ONE_PERCENT),
    "emit, sampled out at 1 %, fresh events": with_bus(
        1, _emit, fresh_burst, sampler=_ONE_PERCENT
    ),
    "emit, 30 sinks": with_bus(30, _emit),
    "await publish, with room": publishing(),
    "await publish, with room, fresh events": publishing(fresh_burst),
}

_EMIT: Final = at_most(7, 5)
_EMITTER: Final = at_most(6.2, 4)
_UNSELECTED: Final = at_most(2.2, 1.6)
_SAMPLED_OUT: Final = at_most(3.5, 2)
_PUBLISH: Final = at_most(8, 6)

BOUNDS: Final[dict[str, Bound]] = {
    "emit": _EMIT,
    "emit, fresh events": _EMIT,
    "emitter of one type": _EMITTER,
    "emitter of one type, fresh events": _EMITTER,
    "emit, nobody selects it": _UNSELECTED,
    "emit, nothing is attached": _UNSELECTED,
    "emit, sampled out at 1 %": _SAMPLED_OUT,
    "emit, sampled out at 1 %, fresh events": _SAMPLED_OUT,
    "await publish, with room": _PUBLISH,
    "await publish, with room, fresh events": _PUBLISH,
}


def rows(found: Mapping[str, Measured]) -> list[Row]:
    """Return a row for each contender, and what 30 sinks cost against one."""
    made = [
        Row(
            what=name,
            ratio=measured.in_c,
            unit="C",
            figure=measured.value,
            bound=BOUNDS.get(name),
            better="less" if name in BOUNDS else "",
        )
        for name, measured in found.items()
    ]
    many = found["emit, 30 sinks"]
    against = Row(
        what="emit, 30 sinks against 1",
        ratio=many.in_c.against(found["emit"].in_c),
        unit="times",
        figure=many.value,
        bound=at_most(1.1, 1.05),
        better="less",
    )
    return [*made, against]


PART: Final = Part(
    title="Handing over one event (C: one turn of an empty function's loop)",
    module=__name__,
    contenders=tuple(CONTENDERS),
    rows=rows,
)
