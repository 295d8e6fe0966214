"""How long the event loop is held at a stretch while 100,000 records go out, gzipped.

A callback that schedules itself again runs in every pass of the loop; the longest time
between two of its turns is the longest that anything held the loop. Events are
made and published by 512, so the publisher's own stretches are short.

What Python takes to collect garbage counts. A full collection costs the more the more
a program has imported; what is held without one the rows say where all that was there
before is frozen (``gc.freeze``).
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Mapping
from typing import Any, Final

from benchmarks.otlp._far_side import far_side
from benchmarks.otlp._workload import RESOURCE, event
from eventbus.bench import Bound, Contender, Effort, Measured, Part, Row, Sample

RECORDS: Final = 100_352
BATCH: Final = 512
WAITING: Final = 8192


class _Heartbeat:
    """Measures the longest time between two passes of the loop, in nanoseconds."""

    def __init__(self) -> None:
        self.longest = 0
        self._loop: Final = asyncio.get_running_loop()
        self._last = time.perf_counter_ns()
        self._handle = self._loop.call_soon(self._beat)

    def _beat(self) -> None:
        now = time.perf_counter_ns()
        self.longest = max(self.longest, now - self._last)
        self._last = now
        self._handle = self._loop.call_soon(self._beat)

    def stop(self) -> None:
        self._handle.cancel()


async def _longest_ns(port: int, count: int, protocol: Any, *, frozen: bool) -> int:
    # Any: a setting, checked by those who read it.
    from eventbus import Batch, Buffer, Bus
    from eventbus_otlp import OtlpSettings, OtlpSink

    endpoint = f"http://127.0.0.1:{port}"
    settings = OtlpSettings(endpoint=endpoint, protocol=protocol, compression="gzip")
    async with Bus(resource=RESOURCE) as bus:
        bus.attach(
            OtlpSink(settings),
            buffer=Buffer(max_events=WAITING),
            batch=Batch(max_events=BATCH),
        )
        for number in range(BATCH):  # the first of a type takes longer
            await bus.publish(event(number))
        await bus.flush()
        if frozen:
            gc.collect()
            gc.freeze()
        heart = _Heartbeat()
        for start in range(BATCH, count, BATCH):
            for number in range(start, start + BATCH):
                await bus.publish(event(number))
            await asyncio.sleep(0)
        report = await bus.flush()
        heart.stop()
        assert report.complete, report
        return heart.longest


def blocking(protocol: str, *, frozen: bool = False) -> Contender:
    """Return what measures the longest block with *protocol*, in nanoseconds."""

    def contend(effort: Effort) -> Sample:
        count = effort.of(RECORDS // BATCH) * BATCH
        with far_side("grpc" if protocol == "grpc" else "http") as server:
            longest = asyncio.run(
                _longest_ns(server.port, count, protocol, frozen=frozen)
            )
            assert server.records() == count
        return Sample(longest)

    return contend


_PROTOCOLS: Final = ("http/protobuf", "http/json", "grpc")
_FROZEN: Final = ", what was there frozen"

CONTENDERS: Final[dict[str, Contender]] = {
    **{one: blocking(one) for one in _PROTOCOLS},
    **{f"{one}{_FROZEN}": blocking(one, frozen=True) for one in _PROTOCOLS},
}


def rows(found: Mapping[str, Measured]) -> list[Row]:
    """Return the longest block by each protocol."""
    return [
        Row(
            what=f"longest block of the loop, 100,000 records by {name}, gzip",
            ratio=measured.value.scaled(1e-6),
            unit="ms",
            figure=measured.value.scaled(1e-6),
            figure_unit="ms",
            bound=None if name.endswith(_FROZEN) else Bound("<=", 20, 5),
            better="less",
        )
        for name, measured in found.items()
    ]


PART: Final = Part(
    title="OTLP: the event loop while records go out",
    module=__name__,
    contenders=tuple(CONTENDERS),
    rows=rows,
    max_rounds=5,
)
