"""OpenTelemetry's SDK for logs: a batch processor for each consumer's exporter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.peers._peer import SLOW, Counter, Peer, counts_of
from eventbus.bench._rig import Rig
from eventbus.bench._workload import fresh_burst

# Any in this module: libraries that need not be there.


def attribute_burst() -> list[Any]:
    """Return the fields of a burst of events, as attributes."""
    import msgspec

    return [msgspec.structs.asdict(event) for event in fresh_burst()]


@asynccontextmanager
async def open_opentelemetry(consumers: int, total: int) -> AsyncGenerator[Rig]:
    """Set up a provider; its queues have room for everything, as ours may not drop."""
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    provider: Any = LoggerProvider(shutdown_on_exit=False)
    counters = [Counter() for _ in range(consumers)]
    for counter in counters:
        exporter = _exporter(counter)
        provider.add_log_record_processor(
            BatchLogRecordProcessor(exporter, max_queue_size=total)
        )
    emit = _emit(provider.get_logger("bench"))

    async def all_exported() -> None:
        await asyncio.to_thread(provider.force_flush)

    def burst(events: Sequence[Any]) -> None:
        for attributes in events:
            emit(attributes)

    yield Rig(burst, all_exported, counts_of(counters))
    provider.shutdown()


def _emit(logger: Any) -> Callable[[Any], None]:
    import time

    from opentelemetry._logs import SeverityNumber

    now, emit, severity = time.time_ns, logger.emit, SeverityNumber.INFO

    def publish(attributes: Any) -> None:
        emit(
            timestamp=now(),
            severity_number=severity,
            event_name="tool_result",
            attributes=attributes,
        )

    return publish


def _exporter(counter: Counter) -> Any:
    from opentelemetry.sdk._logs.export import (
        LogRecordExporter,
        LogRecordExportResult,
    )

    class Counting(LogRecordExporter):
        def export(self, batch: Sequence[Any]) -> Any:
            counter.count += len(batch)
            return LogRecordExportResult.SUCCESS

        def shutdown(self) -> None: ...

        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            return True

    return Counting()


PEERS = [
    Peer(
        name="OpenTelemetry logs SDK",
        library="opentelemetry-sdk",
        setting="BatchLogRecordProcessor, its queue as large as the run",
        differs="another thread exports; a full queue drops the oldest without a count",
        open_rig=open_opentelemetry,
        make=attribute_burst,
        shape=SLOW,
        turns=4,
    ),
]
