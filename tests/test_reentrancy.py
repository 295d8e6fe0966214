"""Events from signal handlers, finalizers and the garbage collector, in a child.

Wherever they interrupt the bus's own work, nothing deadlocks and nothing is lost.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

CHILD = """
import asyncio, gc, json, random, signal, sys, weakref
from collections import Counter
from eventbus import Batch, Buffer, Bus, Event, Overflow

class Plain(Event):
    number: int

class FromSignal(Event): ...
class FromDel(Event): ...
class FromGc(Event): ...
class FromWeakref(Event): ...
class WithList(Event):
    items: list[int]

emitted = Counter()

def emit(event):
    emitted[type(event).__name__] += 1
    bus.emit(event)

class Doomed:
    def __init__(self):
        self.ring = self
        weakref.finalize(self, emit, FromWeakref())
    def __del__(self):
        emit(FromDel())

class Counting:
    def __init__(self):
        self.seen = Counter()
    async def start(self): ...
    async def write(self, batch):
        self.seen.update(record.event.__class__.__name__ for record in batch)
    async def aclose(self): ...

def on_signal(*_):
    emit(FromSignal())
    emit(WithList(items=[1]))
    bus.emit("no event")
    assert bus.stats().emitted >= 0
    signal.setitimer(signal.ITIMER_REAL, 0.00002 + random.random() / 2000)

def on_collection(phase, info):
    if phase == "stop":
        emit(FromGc())

async def main(count):
    sink = Counting()
    room = Buffer(max_events=10 * count + 100_000)
    bus.attach(sink, name="all", buffer=room, batch=Batch(max_delay_seconds=0))
    small = Buffer(max_events=50, overflow=Overflow.DROP_OLDEST)
    bus.attach(Counting(), name="small", buffer=small)
    async with bus:
        gc.set_threshold(20)
        gc.callbacks.append(on_collection)
        signal.signal(signal.SIGALRM, on_signal)
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        for number in range(count):
            emit(Plain(number=number))
            if number % 10 == 0:
                Doomed()
            if number % 500 == 0:
                await asyncio.sleep(0)
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        gc.callbacks.clear()
        gc.set_threshold(700)
        gc.collect()
        await bus.flush(30)
        stats = bus.stats()
    print(json.dumps({
        "emitted": sorted(emitted.items()),
        "seen": sorted(sink.seen.items()),
        "total": stats.emitted,
        "balanced": [one.balanced for one in stats.attachments.values()],
        "offered": stats.attachments["small"].offered,
        "refused": dict(stats.refused),
    }))

bus = Bus()
asyncio.run(main(int(sys.argv[1])))
"""


KINDS = {"Plain", "FromSignal", "FromDel", "FromGc", "FromWeakref", "WithList"}


@pytest.mark.proves("fault-14")
@pytest.mark.parametrize(
    "count", [20_000, pytest.param(1_000_000, marks=pytest.mark.slow)]
)
def test_whoever_interrupts_may_emit_and_nothing_deadlocks(count: int) -> None:
    child = subprocess.run(
        [sys.executable, "-W", "error", "-c", CHILD, str(count)],
        capture_output=True,
        text=True,
        timeout=25 + count / 5_000,
    )
    assert child.returncode == 0, child.stderr
    told = json.loads(child.stdout)
    emitted, seen = dict(told["emitted"]), dict(told["seen"])
    assert emitted.keys() == seen.keys() == KINDS
    assert seen["Plain"] == count
    # What interrupts a sink at work counts as caused by its batch.
    caused = told["refused"].pop("recursion", 0)
    assert sum(emitted.values()) == sum(seen.values()) + caused
    assert told["total"] == told["offered"] == sum(seen.values())
    assert told["balanced"] == [True, True]
    assert told["refused"] == {"invalid_type": emitted["FromSignal"]}
