"""Decide that a real Collector gets what was published, whole, by every protocol."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest

from eventbus import Batch, Bus, Event, Record, Retry, Span, Unit, bind
from eventbus._record import AnyRecord
from eventbus.testing import RecordingSink
from eventbus_otlp import OtlpSettings, OtlpSink

from ._collector import Collector, running_collector
from ._presence import require
from ._waiting import until
from .get import COLLECTOR

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]

PROTOCOLS = ["http/protobuf", "http/json", "grpc"]
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TIME = 1_795_247_063_541_164_823
QUICK = Retry(initial_seconds=0.05, max_seconds=0.2, budget_ratio=1, timeout_seconds=5)


class Mixed(Event, tag="test.collector.mixed", severity="warn", body="said"):
    """Every kind of value that a far side tells apart."""

    run: str
    n: int
    big: int = 2**63 - 1
    ratio: float = 0.1
    ok: bool = True
    said: str = "Grüße,\n κόσμε \x00"
    blob: bytes = b"\x00\xff"
    nested: dict[str, Any] = msgspec.field(
        default_factory=lambda: {"list": [1, "two", None, {"deep": 2.5}], "empty": {}}
    )
    missing: str | None = None


class Call(
    Event,
    tag="test.collector.call",
    span=Span("call {name}", duration="duration_ms", ok="success"),
):
    """What becomes a span as well."""

    run: str
    name: str
    duration_ms: Annotated[float, Unit("ms")]
    success: bool = True


def settings(collector: Collector, protocol: Any, **more: Any) -> OtlpSettings:
    endpoint = collector.http_endpoint
    if protocol == "grpc":
        endpoint = collector.grpc_endpoint
    return OtlpSettings(endpoint=endpoint, protocol=protocol, **more)


@pytest.mark.proves("G1", "G2", "G3", "G4", "G11", "G13")
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("compression", ["none", "gzip"])
async def test_every_field_of_a_record_arrives(
    collector: Collector, protocol: Any, compression: Any
) -> None:
    run, seen = uuid.uuid4().hex, RecordingSink()
    sink = OtlpSink(settings(collector, protocol, compression=compression))
    resource = {"service.name": "checkout", "service.instance.id": run}
    async with Bus(resource=resource) as bus:
        bus.attach(sink, name="otlp")
        bus.attach(seen, name="seen")
        with bind(conversation="c-1"):
            for n in range(3):
                bus.emit(Mixed(run=run, n=n))
        bus.relay(
            Record(
                Mixed(run=run, n=3),
                trace_id=TRACE,
                span_id=SPAN,
                trace_flags=1,
                weight=10.0,
                severity="error",
            )
        )
        assert (await bus.flush(20)).complete

    found = await asyncio.to_thread(arrived, collector, run, 4)
    for record in seen.records:
        there = found[record.event.n]
        assert {**there, "attributes": attributes(there)} == expected(record)
    about = resources(collector, run)
    assert about["service.name"] == {"stringValue": "checkout"}
    assert about["telemetry.sdk.name"] == {"stringValue": "eventbus"}


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_completed_event_arrives_as_a_log_and_as_a_span(
    collector: Collector, protocol: Any
) -> None:
    run = uuid.uuid4().hex
    sink = OtlpSink(settings(collector, protocol, signals=("logs", "traces")))
    call = Call(run=run, name="grep", duration_ms=1.5)
    async with Bus() as bus:
        bus.attach(sink, name="otlp")
        bus.relay(Record(call, trace_id=TRACE, span_id=SPAN, time_unix_nano=TIME))
        bus.emit(Mixed(run=run, n=1))
        assert (await bus.flush(20)).complete

    def look() -> list[dict[str, Any]]:
        return [
            span
            for document in collector.read("traces")
            for resource_spans in document["resourceSpans"]
            for scope_spans in resource_spans["scopeSpans"]
            for span in scope_spans["spans"]
            if attributes(span).get("run") == {"stringValue": run}
        ]

    (span,) = await asyncio.to_thread(until, look, what="the span is there")
    assert (span["name"], span["traceId"]) == ("call grep", TRACE)
    assert span["parentSpanId"] == SPAN
    assert span["spanId"] not in ("", SPAN)
    assert int(span["endTimeUnixNano"]) == TIME
    assert int(span["startTimeUnixNano"]) == TIME - 1_500_000
    assert span["status"] == {"code": 1}
    logs = await asyncio.to_thread(until, lambda: of_run(collector, run), what="logs")
    assert len(logs) == 2


def of_run(collector: Collector, run: str) -> list[dict[str, Any]]:
    """Return the log records of *run*, once both are there."""
    found = [
        record
        for record in log_records(collector)
        if attributes(record).get("run") == {"stringValue": run}
    ]
    return found if len(found) == 2 else []


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_nothing_is_lost_while_the_collector_is_away(
    folder: Path, protocol: Any
) -> None:
    """Stopped in mid-stream and started again; what was in doubt may be there twice."""
    require(COLLECTOR)
    with running_collector(folder) as collector:
        async with Bus() as bus:
            otlp = bus.attach(
                OtlpSink(settings(collector, protocol)),
                name="otlp",
                batch=Batch(max_events=10, max_delay_seconds=0.01, max_in_flight=2),
                retry=QUICK,
            )
            run, emitted = uuid.uuid4().hex, 0
            for step in range(4):
                if step == 1:
                    await asyncio.to_thread(collector.server.stop)
                if step == 3:
                    await asyncio.to_thread(collector.server.start)
                for _ in range(50):
                    assert bus.emit(Mixed(run=run, n=emitted))
                    emitted += 1
                if step == 1:
                    while otlp.stats().state == "ready":  # noqa: ASYNC110 - no task of ours sets it
                        await asyncio.sleep(0)
            report = await bus.flush(60)
        assert report.complete
        assert bus.stats().attachments["otlp"].delivered == emitted
        assert len(await asyncio.to_thread(arrived, collector, run, emitted)) == emitted


async def test_a_check_finds_the_collector(collector: Collector) -> None:
    for protocol in PROTOCOLS:
        sink = OtlpSink(settings(collector, protocol))
        await sink.start()
        await sink.check()
        await sink.aclose()


def arrived(collector: Collector, run: str, count: int) -> dict[int, dict[str, Any]]:
    """Return the log records of *run* by their numbers, once *count* are there."""

    def look() -> dict[int, dict[str, Any]] | None:
        found = {
            int(attributes(record)["n"]["intValue"]): record
            for record in log_records(collector)
            if attributes(record).get("run") == {"stringValue": run}
        }
        return found if len(found) >= count else None

    return until(look, what=f"{count} records of the run", timeout_seconds=30)


def log_records(collector: Collector) -> Iterator[dict[str, Any]]:
    for document in collector.read("logs"):
        for resource_logs in document["resourceLogs"]:
            for scope_logs in resource_logs["scopeLogs"]:
                yield from scope_logs["logRecords"]


def resources(collector: Collector, run: str) -> dict[str, Any]:
    """Return the attributes of the resource of *run*."""
    return next(
        found
        for document in collector.read("logs")
        for resource_logs in document["resourceLogs"]
        if (found := attributes(resource_logs["resource"])).get("service.instance.id")
        == {"stringValue": run}
    )


def attributes(holder: dict[str, Any]) -> dict[str, Any]:
    return {pair["key"]: pair["value"] for pair in holder.get("attributes", ())}


def expected(record: AnyRecord) -> dict[str, Any]:
    """Return *record* as the Collector writes it down."""
    numbers = {"warn": 13, "error": 17}
    event: Mixed = record.event
    severity = record.severity or "warn"
    own = {
        "log.record.uid": {"stringValue": record.id},
        "run": {"stringValue": event.run},
        "n": {"intValue": str(event.n)},
        "big": {"intValue": str(event.big)},
        "ratio": {"doubleValue": event.ratio},
        "ok": {"boolValue": event.ok},
        "blob": {"bytesValue": "AP8="},
        "nested": {"kvlistValue": NESTED},
    }
    if record.weight != 1:
        own["eventbus.weight"] = {"doubleValue": record.weight}
    for name, value in record.attributes.items():
        own[name] = {"stringValue": str(value)}
    found: dict[str, Any] = {
        "timeUnixNano": str(record.time_unix_nano),
        "observedTimeUnixNano": str(record.observed_time_unix_nano),
        "severityNumber": numbers[severity],
        "severityText": severity.upper(),
        "body": {"stringValue": event.said},
        "attributes": own,
        "eventName": "test.collector.mixed",
    }
    if record.trace_id:
        found |= {"traceId": TRACE, "spanId": SPAN, "flags": 1}
    return found


NESTED = {
    "values": [
        {
            "key": "list",
            "value": {
                "arrayValue": {
                    "values": [
                        {"intValue": "1"},
                        {"stringValue": "two"},
                        {},
                        {
                            "kvlistValue": {
                                "values": [
                                    {"key": "deep", "value": {"doubleValue": 2.5}}
                                ]
                            }
                        },
                    ]
                }
            },
        },
        {"key": "empty", "value": {"kvlistValue": {}}},
    ]
}
