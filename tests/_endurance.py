"""Programs that run long in a process of their own, and what they measured there.

``python -m tests._endurance <program> <count>`` prints one JSON object.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import os
import resource
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from eventbus import Batch, Buffer, Bus, Event, Overflow, bind
from eventbus._record import AnyRecord
from eventbus.testing import ManualClock, settled

ROOT = Path(__file__).resolve().parent.parent
MIB = 2**20
NEVER = Batch(max_events=1)

Measures = dict[str, Any]  # Any: numbers, and counts by name


class Short(Event, tag="endurance.short"):
    n: int


class Said(Event, tag="endurance.said"):
    n: int
    speaker: str
    text: str


class Shaped(Event, tag="endurance.shaped"):
    n: int
    ratio: float
    tags: tuple[str, ...]
    counts: dict[str, int]


class CountingSink:
    """Takes everything and keeps nothing."""

    def __init__(self) -> None:
        self.count = 0

    async def start(self) -> None:
        pass

    async def write(self, batch: Sequence[AnyRecord]) -> None:
        self.count += len(batch)

    async def aclose(self) -> None:
        pass


class StuckSink(CountingSink):
    """Never comes to an end with its first batch."""

    async def write(self, batch: Sequence[AnyRecord]) -> None:
        await asyncio.get_running_loop().create_future()


class PacedSink(CountingSink):
    """Takes as many batches as it has been allowed."""

    def __init__(self) -> None:
        super().__init__()
        self.allowed = asyncio.Semaphore(0)

    async def write(self, batch: Sequence[AnyRecord]) -> None:
        await self.allowed.acquire()
        await super().write(batch)


def resident_bytes() -> int:
    """Return what this process holds, without what its allocator has in reserve."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return _statm(1)


def _statm(column: int) -> int:
    with open("/proc/self/statm") as numbers:
        return int(numbers.read().split()[column]) * resource.getpagesize()


def footprint() -> Measures:
    """Return what a program holds that it might not let go of."""
    return {
        "resident": resident_bytes(),
        "objects": len(gc.get_objects()),
        "tasks": len(asyncio.all_tasks()),
        "descriptors": len(os.listdir("/proc/self/fd")),
    }


def mixed(n: int) -> Event:
    """Return the *n*-th event of a mixture: short, long, and shaped ones."""
    match n % 8:
        case 0 | 1:
            return Short(n=n)
        case 2 | 3 | 4:
            return Said(n=n, speaker="agent", text=f"{n:>{50 + n % 200}}")
        case 5 | 6:
            counts = {"read": n, "written": -n}
            return Shaped(n=n, ratio=n / 7, tags=("a", f"t{n}"), counts=counts)
        case _:
            return Said(n=n, speaker=f"user {n}", text=f"{n:>{2000 + n % 2000}}")


async def attaching(cycles: int) -> Measures:
    """Attach and detach *cycles* times, with events in between."""
    async with Bus() as bus:
        bus.attach(CountingSink(), name="steady")
        before = await _looks(bus)
        for _ in range(cycles):
            await _come_and_go(bus)
        after = await _looks(bus)
        return {
            "before": {what: max(look[what] for look in before) for what in before[0]},
            "after": {what: min(look[what] for look in after) for what in after[0]},
            "known": len(bus.stats().attachments),
        }


async def _looks(bus: Bus) -> list[Measures]:
    """Look a few times: cancelled timers, say, come and go with the loop's own tidying.

    A leak that these looks hide would be smaller than they differ.
    """
    looks: list[Measures] = []
    for _ in range(5):
        for _ in range(70):
            await _come_and_go(bus)
        looks.append(footprint())
    return looks


async def _come_and_go(bus: Bus) -> None:
    sink = CountingSink()
    one = bus.attach(sink, select=["endurance.*"], dead_letters=CountingSink())
    other = bus.attach(StuckSink(), name="stuck")
    async with bus.subscribe(Short, name="reader"):
        bus.emit(Short(n=1))
        bus.emit(Said(n=1, speaker="a", text="b"))
        await settled()
    await other.detach(0)
    await one.detach()
    assert sink.count == 2


async def filling(count: int) -> Measures:
    """Fill a buffer with *count* mixed events, and weigh it."""
    bus = Bus()
    await bus.start()
    buffer = Buffer(max_events=count, max_bytes=2**40)
    stuck = bus.attach(StuckSink(), name="sink", buffer=buffer, batch=NEVER)
    await stuck.ready()
    for n in range(0, 1000):
        mixed(n)
    before = resident_bytes()
    with bind(conversation_id="c-1", turn=3):
        await _emit_in_bursts(bus, count)
    after = resident_bytes()
    pending = bus.stats().attachments["sink"].pending_bytes
    await bus.aclose(0)
    return {"accounted": pending, "measured": after - before}


async def _emit_in_bursts(bus: Bus, count: int) -> None:
    for start in range(0, count, 256):
        for n in range(start, min(start + 256, count)):
            bus.emit(mixed(n))
        await settled()


async def bounded(count: int) -> Measures:
    """Send *count* mixed events at dead sinks, where the system sets a bound."""
    bus = Bus()
    await bus.start()
    for overflow in Overflow:
        buffer = Buffer(max_events=count, max_bytes=8 * MIB, overflow=overflow)
        bus.attach(StuckSink(), name=overflow.value, buffer=buffer, batch=NEVER)
    await settled()
    bound = _statm(0) + 2 * 3 * 8 * MIB
    resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
    await _emit_in_bursts(bus, count)
    everybody = bus.stats().attachments
    await bus.aclose(0)
    return {
        name: {
            "offered": stats.offered,
            "pending": stats.pending,
            "pending_bytes": stats.pending_bytes,
            "dropped": sum(stats.dropped.values()),
        }
        for name, stats in everybody.items()
    }


async def bursting(seconds: int) -> Measures:
    """Emit at ten times what the sink takes for *seconds*, then at its own rate."""
    clock = ManualClock()
    bus = Bus(clock=clock)
    await bus.start()
    sink = PacedSink()
    buffer = Buffer(max_events=20_000, overflow=Overflow.DROP_OLDEST)
    batch = Batch(max_events=100, max_delay_seconds=0)
    bus.attach(sink, name="sink", buffer=buffer, batch=batch)

    async def pass_seconds(count: int, *, rate: int) -> None:
        for _ in range(count):
            for n in range(rate):
                bus.emit(mixed(n))
            for _ in range(10):
                sink.allowed.release()
            clock.advance(1)
            await settled()

    await pass_seconds(20, rate=1_000)
    before = resident_bytes()
    await pass_seconds(seconds, rate=10_000)
    amid = resident_bytes()
    held = bus.stats().attachments["sink"].pending
    await pass_seconds(60, rate=600)
    after = resident_bytes()
    stats = bus.stats().attachments["sink"]
    await bus.aclose(0)
    return {
        "before": before,
        "amid": amid,
        "after": after,
        "held": held,
        "pending": stats.pending,
        "offered": stats.offered,
        "delivered": sink.count,
        "dropped": sum(stats.dropped.values()),
    }


PROGRAMS: dict[str, Callable[[int], Awaitable[Measures]]] = {
    program.__name__: program for program in (attaching, filling, bounded, bursting)
}


def run_alone(program: Callable[[int], Awaitable[Measures]], count: int) -> Measures:
    """Run *program* in a process of its own, and return what it measured."""
    done = subprocess.run(
        [sys.executable, "-m", "tests._endurance", program.__name__, str(count)],
        cwd=ROOT,
        env={**os.environ, "PYTHONMALLOC": "malloc"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    measures: Measures = json.loads(done.stdout)
    return measures


async def _main(name: str, count: str) -> None:
    sys.stdout.write(json.dumps(await PROGRAMS[name](int(count))))


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
