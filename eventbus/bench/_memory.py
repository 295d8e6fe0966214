"""How many bytes a pending event takes beyond the event itself.

In the ingress, before the loop has run; in an attachment's buffer, while its sink
hangs. Counted by tracemalloc over 100,000 events that exist beforehand.
"""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Mapping
from typing import Final

from eventbus._bus import Bus
from eventbus._settings import Batch
from eventbus.bench._contest import Contender, Effort, Measured, Part, Sample
from eventbus.bench._figures import Row, at_most
from eventbus.bench._workload import BURST, HangingSink, fresh_burst, room_for

EVENTS: Final = 100_000


def pending(*, loop_runs: bool) -> Contender:
    """Return the contender for the ingress, or for a buffer when the loop runs."""

    def contend(effort: Effort) -> Sample:
        del effort  # fewer events would share fixed costs among fewer
        return Sample(asyncio.run(bytes_each(EVENTS, loop_runs=loop_runs)))

    return contend


async def bytes_each(count: int, *, loop_runs: bool) -> float:
    """Return the bytes per pending event."""
    events = fresh_burst(count)
    async with Bus(close_timeout_seconds=0) as bus:
        bus.attach(HangingSink(), buffer=room_for(count), batch=Batch(max_events=1))
        gc.collect()
        tracemalloc.start()
        for start in range(0, count, BURST):
            for event in events[start : start + BURST]:
                accepted = bus.emit(event)
                assert accepted
            if loop_runs:
                await asyncio.sleep(0)
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return taken / count


CONTENDERS: Final[dict[str, Contender]] = {
    "pending in the ingress": pending(loop_runs=False),
    "pending in a buffer": pending(loop_runs=True),
}

BOUNDS: Final = {
    "pending in the ingress": at_most(128, 64),
    "pending in a buffer": at_most(64, 16),
}


def rows(found: Mapping[str, Measured]) -> list[Row]:
    """Return both."""
    return [
        Row(
            what=name,
            ratio=measured.value,
            unit="bytes",
            figure=measured.value,
            figure_unit="bytes",
            bound=BOUNDS[name],
            better="less",
        )
        for name, measured in found.items()
    ]


PART: Final = Part(
    title="Memory of one pending event, beyond the event",
    module=__name__,
    contenders=tuple(CONTENDERS),
    rows=rows,
    max_rounds=1,
)
