"""A program that runs OpenTelemetry's SDK as well sends both to one Collector."""

from __future__ import annotations

import asyncio
import uuid
from typing import Annotated, Any

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from eventbus import Bus, Event, Span, Unit
from eventbus_otlp import OtlpSettings, OtlpSink

from ._collector import Collector, Signal
from ._waiting import until

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]


class Called(Event, tag="called", span=Span("call", duration="took_ms")):
    took_ms: Annotated[float, Unit("ms")] = 5.0


# Any in what follows: OTLP JSON as the Collector wrote it.


def arrived(collector: Collector, signal: Signal, run: str) -> list[tuple[Any, Any]]:
    """Return each log record or span of this *run*, with its resource."""
    key, scopes, inner = {
        "logs": ("resourceLogs", "scopeLogs", "logRecords"),
        "traces": ("resourceSpans", "scopeSpans", "spans"),
    }[signal]
    return [
        (resource["resource"], one)
        for document in collector.read(signal)
        for resource in document[key]
        if run in str(resource["resource"])
        for scope in resource[scopes]
        for one in scope[inner]
    ]


@pytest.mark.proves("J6", "H15")
async def test_both_reach_it_once_in_one_trace_as_one_service(
    collector: Collector,
) -> None:
    run, endpoint = uuid.uuid4().hex, collector.http_endpoint
    resource = Resource.create({"service.name": "both", "service.instance.id": run})
    tracers, loggers = TracerProvider(resource=resource), LoggerProvider(resource)
    spans_out = OTLPSpanExporter(f"{endpoint}/v1/traces")
    tracers.add_span_processor(BatchSpanProcessor(spans_out))
    logs_out = OTLPLogExporter(f"{endpoint}/v1/logs")
    loggers.add_log_record_processor(BatchLogRecordProcessor(logs_out))
    logger = loggers.get_logger("theirs")
    settings = OtlpSettings(endpoint=endpoint, signals=("logs", "traces"))
    ours: Any = dict(resource.attributes)
    async with Bus(resource=ours) as bus:
        bus.attach(OtlpSink(settings))
        with tracers.get_tracer("theirs").start_as_current_span("request"):
            bus.emit(Called())
            logger.emit(severity_number=SeverityNumber.INFO, event_name="theirs")
        assert (await bus.flush(10)).complete
    await asyncio.to_thread(tracers.shutdown)
    await asyncio.to_thread(loggers.shutdown)

    def all_there() -> bool:
        return (
            len(arrived(collector, "logs", run))
            == 2
            == len(arrived(collector, "traces", run))
        )

    await asyncio.to_thread(until, all_there, what="two logs and two spans")
    logs, spans = arrived(collector, "logs", run), arrived(collector, "traces", run)
    assert sorted(one["eventName"] for _, one in logs) == ["called", "theirs"]
    by_name = {one["name"]: one for _, one in spans}
    assert by_name["call"]["parentSpanId"] == by_name["request"]["spanId"]
    assert len({one["traceId"] for _, one in [*logs, *spans]}) == 1
    names = [
        {a["key"]: a["value"] for a in found["attributes"]}["service.name"]
        for found, _ in [*logs, *spans]
    ]
    assert names == [{"stringValue": "both"}] * 4
