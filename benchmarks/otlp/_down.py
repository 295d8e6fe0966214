"""How much memory is held while the far side is down, with 10,000 events at most.

What tracemalloc counts at its peak, while twice as many events come as the buffer
takes, over what the buffer's own bound in bytes says. Events are made one by one, as
they are emitted, so nothing but the bus keeps them.
"""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Mapping
from typing import Final

from benchmarks.otlp._workload import RESOURCE, event
from eventbus.bench import Bound, Contender, Effort, Measured, Part, Row, Sample

WAITING: Final = 10_000
MAX_BYTES: Final = 3 * 2**20  # less than the events come to, so that it counts
COMING: Final = 2 * WAITING
BATCH: Final = 512
BURST: Final = 64  # what was not sealed yet is not in the buffer
NOWHERE: Final = "http://127.0.0.1:9"  # the port of "discard", where nobody listens


async def _peak_bytes() -> int:
    from eventbus import Batch, Buffer, Bus, Overflow
    from eventbus_otlp import OtlpSettings, OtlpSink

    bounds = Buffer(
        max_events=WAITING, max_bytes=MAX_BYTES, overflow=Overflow.DROP_OLDEST
    )
    sink = OtlpSink(OtlpSettings(endpoint=NOWHERE))
    bus = Bus(resource=RESOURCE)
    bus.attach(sink, name="otlp", buffer=bounds, batch=Batch(max_events=BATCH))
    async with asyncio.timeout(60):
        await bus.start()
        bus.emit(event(0))
        await asyncio.sleep(0.1)  # whatever the first attempt imports is no telemetry
        tracemalloc.start()
        for number in range(COMING):
            bus.emit(event(number))
            if number % BURST == 0:
                await asyncio.sleep(0)
        await asyncio.sleep(0.1)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        stats = bus.stats().attachments["otlp"]
        assert stats.pending_bytes > 0.9 * MAX_BYTES, stats
        assert stats.balanced, stats
        await bus.aclose(0)
    return peak


def down(effort: Effort) -> Sample:
    """Return the bytes at the peak."""
    del effort  # fewer events would not fill the buffer
    return Sample(asyncio.run(_peak_bytes()))


CONTENDERS: Final[dict[str, Contender]] = {"far side down": down}


def rows(found: Mapping[str, Measured]) -> list[Row]:
    """Return the peak as a share of the bound."""
    peak = found["far side down"].value
    return [
        Row(
            what="peak memory while the far side is down, of the buffer's max_bytes",
            ratio=peak.scaled(1 / MAX_BYTES),
            unit="times",
            figure=peak.scaled(1e-6),
            figure_unit="MB",
            bound=Bound("<=", 1.2, 1.05),
            better="less",
        )
    ]


PART: Final = Part(
    title="OTLP: memory while the far side is down",
    module=__name__,
    contenders=tuple(CONTENDERS),
    rows=rows,
    max_rounds=3,
)
