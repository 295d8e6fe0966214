"""How the demonstration goes: a tick at a time, so that a seed decides all of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

import msgspec

from eventbus._bus import Bus
from eventbus._context import bind
from eventbus._event import Event
from eventbus._plugins import load_sink
from eventbus._settings import Batch, Buffer, Overflow
from eventbus._stats import BusStats
from eventbus.cli._demo_events import application
from eventbus.cli._demo_sinks import CountingSink, SlowSink, WeighingSink
from eventbus.cli._stop import Stop
from eventbus.sampling import AnyOf, Ratio, keep_severity

EVENTS_A_TICK: Final = 20
SLOW_BATCH_EVENTS: Final = 12  # of the 20 that come in the meantime
SLOW_BUFFER_EVENTS: Final = 200
SHOWN_SESSIONS: Final = 0.25
SAMPLED_EVENTS: Final = 0.1

Numbered = Iterable[tuple[int, tuple[str, Event]]]

_PASSES: Final = 50  # of the loop, in which everything that can happen does


class Demonstration(msgspec.Struct, frozen=True):
    """What the demonstration comes to.

    Args:
        stats: The bus's counts.
        counting: The metrics-like counts.
        weight: The sum of the weights in the sample.
        seconds: How long it took.
    """

    stats: BusStats
    counting: CountingSink
    weight: float
    seconds: float


async def demonstrate(
    *, seconds: float, events: int, seed: int, stream: str
) -> Demonstration:
    """Simulate the application and deliver its *events* in about *seconds*.

    Args:
        seconds: 0 is as fast as it goes.
        events: How many.
        seed: Which ones.
        stream: Where the console sink writes, ``"stdout"`` or ``"stderr"``.
    """
    began = time.monotonic()
    counting, weighing, slow = CountingSink(), WeighingSink(), SlowSink()
    bus = Bus(resource={"service.name": "eventbus-demo"})
    _attach(bus, counting, weighing, slow, stream)
    stop = Stop()
    with stop.on_signals():
        async with bus:
            source = islice(enumerate(application(seed), start=1), events)
            ticks = -(-events // EVENTS_A_TICK)
            for _ in range(ticks):
                await _tick(bus, islice(source, EVENTS_A_TICK), slow)
                await asyncio.sleep(seconds / ticks)
                if stop.asked.is_set():
                    break
            slow.release()
            await bus.flush()
    elapsed = time.monotonic() - began
    return Demonstration(bus.stats(), counting, weighing.weight, elapsed)


def _attach(
    bus: Bus,
    counting: CountingSink,
    weighing: WeighingSink,
    slow: SlowSink,
    stream: str,
) -> None:
    make: Any = load_sink("console")  # Any: its class takes the settings it names
    console = make(make.Settings(stream=stream))
    at_once = Batch(max_delay_seconds=0)
    shown = ["demo.session_*", "demo.tool_failed"]
    by_session = Ratio(SHOWN_SESSIONS, key="session")
    bus.attach(console, name="console", select=shown, sampler=by_session)
    bus.attach(counting, name="counts")
    sampler = AnyOf(keep_severity("error"), Ratio(SAMPLED_EVENTS, key="number"))
    bus.attach(weighing, name="sample", sampler=sampler)
    bus.attach(
        slow,
        name="slow",
        batch=msgspec.structs.replace(at_once, max_events=SLOW_BATCH_EVENTS),
        buffer=Buffer(max_events=SLOW_BUFFER_EVENTS, overflow=Overflow.DROP_OLDEST),
    )


async def _tick(bus: Bus, events: Numbered, slow: SlowSink) -> None:
    """Emit a tick's *events*, then let the slow sink take a batch."""
    for number, (session, event) in events:
        with bind({"session": session, "number": number}):
            bus.emit(event)
    for _ in range(_PASSES):
        await asyncio.sleep(0)
    slow.allow()
