"""Event buses whose events are pydantic models with results: bubus and its successor.

They keep a tree of results for every event, which is more than we do and costs more.
Their events cannot be published twice, so each is made beforehand.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from benchmarks.peers._peer import Counter, Peer, at_once, counts_of
from eventbus.bench._rig import Rig, Shape, each

# Any in this module: libraries that need not be there.

_BUBUS_BURST = 40
_ABXBUS_BURST = 128
_SHAPE = Shape(bursts=2, repeats=1, fresh=True)
_NUMBERS = itertools.count()


def handlers_of(counters: Sequence[Counter]) -> list[Any]:
    """Return an async handler for each of *counters*, each with a name of its own."""

    def handler_of(counter: Counter, number: int) -> Any:
        async def handle(event: Any) -> None:
            counter.count += 1

        handle.__name__ = handle.__qualname__ = f"handle_{number}"
        return handle

    return [handler_of(counter, number) for number, counter in enumerate(counters)]


@cache
def bubus_event() -> Any:
    """Return the event type for bubus, with the fields of ours."""
    import bubus

    return _event_type(bubus.BaseEvent)


@cache
def abxbus_event() -> Any:
    """Return the event type for abxbus, with the fields of ours."""
    import abxbus

    return _event_type(abxbus.BaseEvent)


def _event_type(base: Any) -> Any:
    class ToolResult(base):  # type: ignore[misc]
        tool_name: str
        call_id: str
        duration_ms: float
        success: bool = True
        exit_code: int = 0
        output_length: int = 0
        model: str = ""
        conversation_id: str = ""

    ToolResult.model_rebuild(_types_namespace={})
    return ToolResult


def bubus_burst() -> list[Any]:
    """Return a burst for bubus."""
    return _burst(bubus_event(), _BUBUS_BURST)


def abxbus_burst() -> list[Any]:
    """Return a burst for abxbus."""
    return _burst(abxbus_event(), _ABXBUS_BURST)


def _burst(event_type: Any, count: int) -> list[Any]:
    return [
        event_type(tool_name="shell", call_id=f"call-{i}", duration_ms=float(i))
        for i in range(count)
    ]


@asynccontextmanager
async def open_bubus(consumers: int, total: int) -> AsyncGenerator[Rig]:
    """Set up a bus whose events are awaited one by one, the fastest to the end."""
    async with _bubus(consumers) as (bus, counters):

        async def burst(events: Sequence[Any]) -> None:
            for event in events:
                await bus.dispatch(event)

        yield Rig(burst, at_once, counts_of(counters))


@asynccontextmanager
async def hand_to_bubus(consumers: int, total: int) -> AsyncGenerator[Rig]:
    """Set up a bus whose events are dispatched in bursts below its bound of 50."""
    async with _bubus(consumers) as (bus, counters):
        idle = bus.wait_until_idle
        yield Rig(each(bus.dispatch), idle, counts_of(counters), idle)


@asynccontextmanager
async def _bubus(consumers: int) -> AsyncGenerator[tuple[Any, list[Counter]]]:
    from bubus import EventBus

    bus = EventBus(name=f"Bench{next(_NUMBERS)}")
    counters = [Counter() for _ in range(consumers)]
    for handler in handlers_of(counters):
        bus.on(bubus_event(), handler)
    yield bus, counters
    await bus.stop(clear=True)


@asynccontextmanager
async def open_abxbus(consumers: int, total: int) -> AsyncGenerator[Rig]:
    """Set up a bus that keeps only what is under way, and looks for no file paths."""
    del total
    from abxbus import EventBus

    bus: Any = EventBus(
        name=f"Bench{next(_NUMBERS)}",
        max_history_size=0,
        event_timeout=None,
        event_slow_timeout=None,
        event_handler_slow_timeout=None,
        event_handler_detect_file_paths=False,
    )
    counters = [Counter() for _ in range(consumers)]
    for handler in handlers_of(counters):
        bus.on(abxbus_event(), handler)
    idle = bus.wait_until_idle
    yield Rig(each(bus.emit), idle, counts_of(counters), idle)
    await bus.destroy()


PEERS = [
    Peer(
        name="bubus",
        library="bubus",
        setting="the defaults; async handlers; each event awaited, its fastest",
        differs="it keeps a tree of results for every event",
        open_rig=open_bubus,
        open_handing=hand_to_bubus,
        make=bubus_burst,
        shape=_SHAPE,
        turns=2,
    ),
    Peer(
        name="abxbus",
        library="abxbus",
        setting="max_history_size=0, no time limits, no file paths; async handlers",
        differs="it keeps a tree of results for every event under way",
        open_rig=open_abxbus,
        make=abxbus_burst,
        shape=_SHAPE,
        turns=2,
    ),
]
