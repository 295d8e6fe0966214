"""The least that two of our figures could come to.

Idle: an append of event, time and context under a lock, one future, and a ``write`` of
a batch that was made beforehand; no count, no bound, no deadline, no circuit.
Without a wait: ``await bus.publish`` of bursts that fit, each delivered before the
next; what waiting for room costs comes on top of it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from threading import RLock
from typing import Any, Final

from eventbus._chunk import Chunk, RecordBatch
from eventbus._context import current_bound
from eventbus._settings import Buffer
from eventbus._window import Entry, Window
from eventbus.bench._against_queue import (
    BURSTS,
    ROOM,
    Noticing,
    Pings,
    faster,
    full_queue_ns,
    idle_queue_ns,
    later,
    repeated,
)
from eventbus.bench._contest import Contender, Measured, Part
from eventbus.bench._figures import Row
from eventbus.bench._workload import (
    BURST,
    ToolResult,
    bus_with,
    fresh_burst,
    loop_until,
)


class _Bare:
    """A hand-over to one sink that keeps no promise."""

    def __init__(self, sink: Noticing) -> None:
        self._sink: Final = sink
        self._entries: Final[list[Entry]] = []
        self._mutex: Final = RLock()
        self._woken: asyncio.Future[None] | None = None

    def emit(self, event: ToolResult) -> bool:
        self._entries.append((event, time.time_ns(), current_bound()))
        with self._mutex:
            if self._woken is not None:
                self._woken.set_result(None)
        return True

    async def work(self) -> None:
        """Deliver event after event, each in a batch made before it came."""
        loop = asyncio.get_running_loop()
        while True:
            taken: list[Entry] = []
            window = Window(_no_records, range(1, 2), entries=taken, depth=0)
            batch = RecordBatch([Chunk(window, 0, 1)])
            self._woken = loop.create_future()
            await self._woken
            with self._mutex:
                taken.append(self._entries.pop())
            await self._sink.write(batch)


def _no_records(window: Window) -> list[Any]:  # Any: nobody looks at them
    raise AssertionError(f"nobody looks at {window}")


async def bare_idle_ns() -> float:
    """Return the nanoseconds from such an emit to its write."""
    [event], sink = fresh_burst(1), Noticing()
    bare = _Bare(sink)
    worker = asyncio.create_task(bare.work())
    try:
        pings = Pings(lambda: bare.emit(event), lambda: sink.at_ns)
        return await pings.latency_ns(0)
    finally:
        worker.cancel()


async def unwaited_ns() -> float:
    """Return the nanoseconds of an event that is published where there is room."""
    events = fresh_burst()
    total = BURST * BURSTS
    async with bus_with(1, buffer=Buffer(max_events=ROOM)) as (bus, [sink]):
        publish = bus.publish
        await publish(events[0])
        await bus.flush()
        began = time.perf_counter_ns()
        for burst in range(1, BURSTS + 1):
            for event in events:
                await publish(event)
            await loop_until(lambda: sink.count > burst * BURST)  # noqa: B023
        spent = time.perf_counter_ns() - began
    assert sink.count == total + 1
    return spent / total


CONTENDERS: Final[dict[str, Contender]] = {
    "idle queue": repeated(partial(idle_queue_ns, 0)),
    "idle, nothing accounted": repeated(bare_idle_ns),
    "await Queue.put": repeated(full_queue_ns),
    "await publish, no wait": repeated(unwaited_ns),
}


def rows(found: Mapping[str, Measured]) -> list[Row]:
    """Return each against what plain asyncio offers."""
    return [
        later(
            "idle: an append, a lock, a future and a batch made before, against Q",
            found["idle queue"],
            found["idle, nothing accounted"],
            None,
        ),
        faster(
            "publish and delivery without a wait, faster than await Queue.put",
            found["await Queue.put"],
            found["await publish, no wait"],
            None,
        ),
    ]


PART: Final = Part(
    title="What waiting and an idle bus cost at least",
    module=__name__,
    contenders=tuple(CONTENDERS),
    rows=rows,
)
