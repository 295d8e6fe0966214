"""Records a second to the real Collector of ``make services``, from emit to the answer.

The clock of the wall, with the Collector on the same cores; by ``http/protobuf``.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.otlp import _sending
from benchmarks.otlp._workload import RESOURCE, attributes, events
from eventbus.bench import Bound, Contender, Effort, Measured, Part, Row, Sample

RECORDS: Final = 40_960
BATCH: Final = 512

# Any in this module: libraries that need not be there.


def collecting(send: Callable[[str, int], float]) -> Contender:
    """Return what measures *send*, given an endpoint and a count, in seconds."""

    def contend(effort: Effort) -> Sample:
        from tests.services._collector import running_collector
        from tests.services.get import COLLECTOR

        if not COLLECTOR.is_here():
            return Sample(0.0, skipped="no Collector: `make services` gets it")
        count = effort.of(RECORDS // BATCH) * BATCH
        with (
            tempfile.TemporaryDirectory() as folder,
            running_collector(Path(folder)) as collector,
        ):
            return Sample(count / send(collector.http_endpoint, count))

    return contend


def _ours(endpoint: str, count: int) -> float:
    return asyncio.run(_send_ours(endpoint, count))


async def _send_ours(endpoint: str, count: int) -> float:
    from eventbus import Batch, Buffer, Bus
    from eventbus_otlp import OtlpSettings, OtlpSink

    settings = OtlpSettings(endpoint=endpoint, compression="none")
    sent = events(count)
    async with Bus(resource=RESOURCE) as bus:
        room, batch = Buffer(max_events=count), Batch(max_events=BATCH, max_in_flight=4)
        bus.attach(OtlpSink(settings), buffer=room, batch=batch)
        began = time.perf_counter()
        await _sending.emit_ours(bus, sent)
        return time.perf_counter() - began


def _sdk(endpoint: str, count: int) -> float:
    port = int(endpoint.rpartition(":")[2])
    provider: Any = _sending.sdk_provider("http/protobuf", port, count)
    sent = attributes(count)
    began = time.perf_counter()
    _sending.emit_sdk(provider, sent)
    spent = time.perf_counter() - began
    provider.shutdown()
    return spent


CONTENDERS: Final[dict[str, Contender]] = {
    "SDK": collecting(_sdk),
    "eventbus": collecting(_ours),
}


def rows(found: Mapping[str, Measured]) -> list[Row]:
    """Return how many times as many a second ours are."""
    theirs, ours = found["SDK"], found["eventbus"]
    return [
        Row(
            what="records a second to a real Collector, times those of the SDK",
            ratio=ours.value.against(theirs.value),
            unit="times",
            figure=ours.value,
            figure_unit="records/s",
            bound=Bound(">=", 5, 8),
            better="more",
            skipped=ours.skipped,
        )
    ]


PART: Final = Part(
    title="OTLP: a real Collector",
    module=__name__,
    contenders=tuple(CONTENDERS),
    rows=rows,
    max_rounds=5,
)
