"""C: what one turn of ``for e in events: f(e)`` costs with an empty function."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from eventbus._bus import Bus
from eventbus.bench._contest import Sample

# Any in this module: an event of whatever kind.

Call = Callable[[Any], object]
Bursts = Callable[[], Sequence[Any]]


def no_op(_: object) -> None:
    """Do nothing: the yardstick."""


def turn_ns(call: Call, events: Sequence[Any]) -> float:
    """Return the nanoseconds per event of ``for e in events: f(e)``."""
    began = time.perf_counter_ns()
    for event in events:
        call(event)
    return (time.perf_counter_ns() - began) / len(events)


async def awaited_turn_ns(
    call: Callable[[Any], Awaitable[object]], events: Sequence[Any]
) -> float:
    """Return the nanoseconds per event of ``for e in events: await f(e)``."""
    began = time.perf_counter_ns()
    for event in events:
        await call(event)
    return (time.perf_counter_ns() - began) / len(events)


class Turns:
    """Turns of a contender beside turns of the empty function, over the same events."""

    def __init__(self) -> None:
        self._own: list[float] = []
        self._empty: list[float] = []

    def empty(self, events: Sequence[Any]) -> None:
        """Time the empty function."""
        self._empty.append(turn_ns(no_op, events))

    def own(self, nanoseconds: float) -> None:
        """Take what the contender needed."""
        self._own.append(nanoseconds)

    def sample(self) -> Sample:
        """Return the medians of both."""
        return Sample(statistics.median(self._own), statistics.median(self._empty))


async def cost_of(call: Call, bursts: Bursts, bus: Bus, *, turns: int) -> Sample:
    """Return what *call* costs for each event; the bus rests between the turns."""
    found = Turns()
    for _ in range(turns):
        events = bursts()
        found.empty(events)
        found.own(turn_ns(call, events))
        await bus.flush()
    return found.sample()
