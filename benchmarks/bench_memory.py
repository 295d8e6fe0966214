"""How many bytes a pending event takes beyond the event itself.

In the ingress, before the loop has run; in an attachment's buffer, while its sink
hangs. Counted by tracemalloc over 100,000 events that exist beforehand.
"""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Sequence

from benchmarks._events import ToolResult
from benchmarks._measure import Contender, Row, collect, run_contender, show
from eventbus import Batch, Buffer, Bus, Record

EVENTS = 100_000


class HangingSink:
    """Never answers."""

    async def start(self) -> None:
        """Open nothing."""

    async def write(self, batch: Sequence[Record[ToolResult]]) -> None:
        """Hang."""
        await asyncio.Event().wait()

    async def aclose(self) -> None:
        """Close nothing."""


def in_ingress() -> float:
    """Return the bytes of an event that was only just emitted."""
    return asyncio.run(measure(loop_runs=False))


def in_buffer() -> float:
    """Return the bytes of an event that waits for its sink."""
    return asyncio.run(measure(loop_runs=True))


async def measure(*, loop_runs: bool) -> float:
    """Return the bytes per pending event."""
    events = [
        ToolResult(tool_name="t", call_id="c", duration_ms=1.0) for _ in range(EVENTS)
    ]
    async with Bus(close_timeout_seconds=0) as bus:
        buffer = Buffer(max_events=EVENTS + 1)
        bus.attach(HangingSink(), buffer=buffer, batch=Batch(max_events=1))
        gc.collect()
        tracemalloc.start()
        for index, event in enumerate(events):
            assert bus.emit(event)
            if loop_runs and index % 1024 == 0:
                await asyncio.sleep(0)
        if loop_runs:
            await asyncio.sleep(0)
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return taken / EVENTS


CONTENDERS: dict[str, Contender] = {
    "pending in the ingress": in_ingress,
    "pending in a buffer": in_buffer,
}


def run(*, rounds: int) -> list[Row]:
    """Measure both."""
    found = collect("benchmarks.bench_memory", CONTENDERS, rounds=rounds)
    return [
        Row(name, figure.median, "bytes", "", figure, "bytes")
        for name, figure in found.items()
    ]


if __name__ == "__main__" and not run_contender(CONTENDERS):
    show("Memory of one pending event", run(rounds=1))
