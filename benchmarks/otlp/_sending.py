"""What a record costs from ``emit`` until the far side has acknowledged it.

The processor time of the process, threads included, over 20,000 records of ten
attributes, in batches of 512, uncompressed, to a far side in another process that
counts what came. The SDK is at its best settings: its queue holds the whole run.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

from benchmarks.otlp._far_side import Kind, far_side
from benchmarks.otlp._workload import RESOURCE, attributes, events
from eventbus.bench import Bound, Contender, Effort, Measured, Part, Row, Sample

RECORDS: Final = 20_480
WARM_UP: Final = 1024
BATCH: Final = 512

# Any in this module: libraries that need not be there.


def ours(protocol: Any) -> Contender:
    """Return what sends with the sink of ours, by *protocol*."""
    kind: Kind = "grpc" if protocol == "grpc" else "http"

    def contend(effort: Effort) -> Sample:
        count = effort.of(RECORDS // BATCH) * BATCH
        with far_side(kind) as server:
            spent = asyncio.run(_send_ours(protocol, server.port, count))
            arrived = server.records()
        assert arrived == count + WARM_UP, (arrived, count)
        return Sample(spent / count)

    return contend


async def _send_ours(protocol: Any, port: int, count: int) -> float:
    from eventbus import Batch, Buffer, Bus
    from eventbus_otlp import OtlpSettings, OtlpSink

    endpoint = f"http://127.0.0.1:{port}"
    settings = OtlpSettings(endpoint=endpoint, protocol=protocol, compression="none")
    async with Bus(resource=RESOURCE) as bus:
        bus.attach(
            OtlpSink(settings),
            buffer=Buffer(max_events=count + WARM_UP),
            batch=Batch(max_events=BATCH),
        )
        await emit_ours(bus, events(WARM_UP))
        sent = events(count)
        began = time.process_time_ns()
        await emit_ours(bus, sent)
        return time.process_time_ns() - began


async def emit_ours(bus: Any, sent: list[Any]) -> None:
    """Emit *sent* by 512, and wait until the far side has acknowledged them."""
    for start in range(0, len(sent), BATCH):
        for event in sent[start : start + BATCH]:
            bus.emit(event)
        await asyncio.sleep(0)
    report = await bus.flush()
    assert report.complete, report


def sdk(protocol: str) -> Contender:
    """Return what sends with the SDK's batch processor and its exporter."""
    kind: Kind = "grpc" if protocol == "grpc" else "http"

    def contend(effort: Effort) -> Sample:
        count = effort.of(RECORDS // BATCH) * BATCH
        with far_side(kind) as server:
            spent = _send_sdk(protocol, server.port, count)
            arrived = server.records()
        assert arrived == count + WARM_UP, (arrived, count)
        return Sample(spent / count)

    return contend


def _send_sdk(protocol: str, port: int, count: int) -> float:
    provider = sdk_provider(protocol, port, count + WARM_UP)
    emit_sdk(provider, attributes(WARM_UP))
    sent = attributes(count)
    began = time.process_time_ns()
    emit_sdk(provider, sent)
    spent = time.process_time_ns() - began
    provider.shutdown()
    return spent


def sdk_provider(protocol: str, port: int, count: int) -> Any:
    """Return a provider whose queue takes *count* records and sends them there."""
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.resources import Resource

    resource = Resource.create(RESOURCE)
    provider: Any = LoggerProvider(resource=resource, shutdown_on_exit=False)
    exporter = _exporter(protocol, port)
    processor = BatchLogRecordProcessor(
        exporter, max_queue_size=max(count, BATCH), max_export_batch_size=BATCH
    )
    provider.add_log_record_processor(processor)
    return provider


def _exporter(protocol: str, port: int) -> Any:
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter

        return OTLPLogExporter(endpoint=f"http://127.0.0.1:{port}", insecure=True)
    from opentelemetry.exporter.otlp.proto.http import _log_exporter as http

    return http.OTLPLogExporter(endpoint=f"http://127.0.0.1:{port}/v1/logs")


def emit_sdk(provider: Any, sent: list[dict[str, Any]]) -> None:
    """Emit the same with the SDK."""
    from opentelemetry._logs import SeverityNumber

    emit, now = provider.get_logger("bench").emit, time.time_ns
    severity = SeverityNumber.INFO
    for one in sent:
        emit(
            timestamp=now(),
            severity_number=severity,
            event_name="bench.completed",
            attributes=one,
        )
    assert provider.force_flush()


CONTENDERS: Final[dict[str, Contender]] = {
    "SDK, http/protobuf": sdk("http/protobuf"),
    "SDK, grpc": sdk("grpc"),
    "eventbus, http/protobuf": ours("http/protobuf"),
    "eventbus, http/json": ours("http/json"),
    "eventbus, grpc": ours("grpc"),
}


def rows(found: Mapping[str, Measured]) -> list[Row]:
    """Return how many times less each of ours costs; JSON against their protobuf."""
    http, grpc = (found[f"SDK, {name}"] for name in ("http/protobuf", "grpc"))
    return [
        _less("http/protobuf", http, found, 8, 12),
        _less("http/json", http, found, 6, 10),
        _less("grpc", grpc, found, 6, 10),
    ]


def _less(
    protocol: str,
    theirs: Measured,
    found: Mapping[str, Measured],
    must: float,
    aim: float,
) -> Row:
    ours = found[f"eventbus, {protocol}"]
    return Row(
        what=f"CPU of a log record by {protocol}, times less than the SDK",
        ratio=theirs.value.against(ours.value),
        unit="times",
        figure=ours.value,
        bound=Bound(">=", must, aim),
        better="more",
    )


PART: Final = Part(
    title="OTLP: processor time of a record, from emit to acknowledged",
    module=__name__,
    contenders=tuple(CONTENDERS),
    rows=rows,
)
