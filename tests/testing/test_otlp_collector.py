"""What the loopback collector takes of our sink and of OpenTelemetry's exporters."""

from __future__ import annotations

import asyncio
import gzip
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
    OTLPSpanExporter as GrpcSpanExporter,
)
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

import eventbus
from eventbus import Bus
from eventbus.testing import Gate, OtlpCollector, replies, settled
from eventbus_otlp import OtlpSettings, OtlpSink
from tests.testing._otlp import PROTOCOLS, Done, collector_for, post, send_one

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


@pytest.mark.proves("L7")
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_logs_spans_and_metrics_come_as_plain_values(protocol: Any) -> None:
    async with collector_for(protocol) as collector:
        settings = OtlpSettings(
            endpoint=collector.url_for(protocol),
            protocol=protocol,
            signals=("logs", "metrics", "traces"),
        )
        async with Bus(resource={"service.name": "shop"}) as bus:
            bus.attach(OtlpSink(settings))
            current = eventbus.trace_context.parse(f"00-{TRACE}-{PARENT}-01")
            with (
                eventbus.bind(user="u"),
                eventbus.trace_context.attach(current),
            ):
                bus.emit(Done(kind="a", took_s=2, ok=False, parts=(1, 2)))
        assert {request.protocol for request in collector.requests} == {protocol}
        log, span = collector.logs[0], collector.spans[0]
        metrics = {metric.name: metric for metric in collector.metrics}
        assert (len(collector.logs), len(collector.spans)) == (1, 1)
    assert (log.name, log.severity_text, log.severity_number) == ("job.done", "INFO", 9)
    assert (log.attributes["kind"], log.attributes["user"]) == ("a", "u")
    assert (log.attributes["took_s"], log.attributes["ok"]) == (2.0, False)
    assert (log.trace_id, log.span_id, log.flags) == (TRACE, PARENT, 1)
    assert log.resource["service.name"] == span.resource["service.name"] == "shop"
    assert log.scope == "eventbus"
    assert (span.name, span.kind, span.status) == ("job a", "internal", "error")
    assert (span.trace_id, span.parent_span_id) == (TRACE, PARENT)
    assert span.end_time_unix_nano - span.start_time_unix_nano == 2_000_000_000
    counter, timer = metrics["job.done"], metrics["job.done.took"]
    assert (counter.kind, counter.unit, counter.is_monotonic) == (
        "sum",
        "{event}",
        True,
    )
    assert [(p.value, p.attributes) for p in counter.points] == [(1, {"kind": "a"})]
    assert (timer.kind, timer.unit, counter.temporality) == (
        "histogram",
        "s",
        timer.temporality,
    )
    (point,) = timer.points
    assert (point.count, point.sum, sum(point.bucket_counts)) == (1, 2.0, 1)
    assert len(point.bucket_counts) == len(point.bounds) + 1


@pytest.mark.proves("L7")
@pytest.mark.parametrize("transport", ["http", "grpc"])
async def test_what_opentelemetrys_own_exporter_sends_is_the_same(
    transport: Any,
) -> None:
    async with OtlpCollector(transports=[transport]) as collector:
        exporter: Any = (
            OTLPSpanExporter(f"{collector.url}/v1/traces")
            if transport == "http"
            else GrpcSpanExporter(collector.grpc_url, insecure=True)
        )
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        await asyncio.to_thread(_one_span, provider)
        (span,) = collector.spans
    assert (span.name, span.kind, span.status) == ("call", "client", "error")
    assert span.status_message == "broke"
    assert span.attributes == {"n": 1, "list": ["a", "b"]}
    assert [(e.name, e.attributes) for e in span.events] == [("e", {"x": True})]
    assert len(span.trace_id) == 32
    assert span.resource["telemetry.sdk.language"] == "python"
    assert span.scope == "shop"


def _one_span(provider: TracerProvider) -> None:
    tracer = provider.get_tracer("shop")
    with tracer.start_as_current_span("call", kind=SpanKind.CLIENT) as span:
        span.set_attributes({"n": 1, "list": ["a", "b"]})
        span.add_event("e", {"x": True})
        span.set_status(StatusCode.ERROR, "broke")
    provider.shutdown()


@pytest.mark.proves("L7")
async def test_both_transports_fill_one_collector() -> None:
    async with OtlpCollector(transports=["http", "grpc"]) as collector:
        for protocol in PROTOCOLS:
            await send_one(collector.url_for(protocol), protocol)
    assert [log.attributes["kind"] for log in collector.logs] == PROTOCOLS
    assert [request.signal for request in collector.requests] == ["logs"] * 3


@pytest.mark.proves("L7")
@pytest.mark.parametrize(
    ("protocol", "reply"),
    [
        ("http/protobuf", replies.http(400)),
        ("http/json", replies.http(400)),
        ("grpc", replies.grpc("PERMISSION_DENIED", "no")),
        ("http/protobuf", replies.took(rejected=1, message="odd")),
        ("http/json", replies.took(rejected=1, message="odd")),
        ("grpc", replies.took(rejected=1, message="odd")),
    ],
)
async def test_a_scripted_refusal_is_what_the_sink_reports(
    protocol: Any, reply: replies.Reply
) -> None:
    async with collector_for(protocol) as collector:
        collector.will(reply)
        report = await send_one(collector.url_for(protocol), protocol)
        assert not report.complete
        assert (await send_one(collector.url_for(protocol), protocol)).complete
        assert len(collector.requests) == 2


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_reply_waits_at_its_gate(protocol: Any) -> None:
    gate = Gate()
    async with collector_for(protocol) as collector:
        collector.will(replies.after(gate))
        coming = asyncio.ensure_future(collector.next_request())
        await settled()
        sending = asyncio.ensure_future(send_one(collector.url_for(protocol), protocol))
        await gate.reached()
        assert (await coming).protocol == protocol
        await settled()
        assert not sending.done()
        gate.open()
        assert (await sending).complete


@pytest.mark.parametrize(
    "reply",
    [
        replies.close,
        replies.reset,
        replies.raw(b"nonsense", then_close=True),
    ],
)
async def test_a_broken_reply_is_an_error_of_whoever_asked(
    reply: replies.Reply,
) -> None:
    async with OtlpCollector(reply) as collector, aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.ClientError):
            await client.post(f"{collector.url}/v1/logs", data=b"")
        await collector.end_of(0)
        assert (collector.connections, len(collector.requests)) == (1, 1)


async def test_a_reply_without_an_end_lets_others_run_and_ends_when_they_leave() -> (
    None
):
    endless = replies.raw_for_ever(b"HTTP/1.1 200 OK\r\n\r\n", b"abc")
    async with OtlpCollector(endless) as collector:
        host, port = collector.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /v1/logs HTTP/1.1\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        assert len(await reader.read(1_000_000)) < 1_000
        writer.close()
        await collector.end_of(0)


async def test_a_last_reply_closes_one_half_of_the_connection() -> None:
    async with OtlpCollector(replies.last) as collector:
        host, port = collector.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /v1/logs HTTP/1.1\r\n\r\n")
        answer = await reader.read()
        writer.close()
        await collector.end_of(0)
    assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("reply", [replies.hang, replies.half_close])
async def test_the_end_of_the_block_breaks_off_what_hangs(
    reply: replies.Reply,
) -> None:
    async with OtlpCollector(reply) as collector:
        asking = asyncio.ensure_future(post(f"{collector.url}/v1/logs"))
        await collector.wait_for_requests()
    with pytest.raises(aiohttp.ClientError):
        await asking


async def test_a_grpc_failure_carries_its_wish_to_be_asked_later() -> None:
    reply = replies.grpc("UNAVAILABLE", "busy", retry_seconds=1.5)
    async with collector_for("grpc") as collector:
        collector.will(reply)
        sink = OtlpSink(OtlpSettings(endpoint=collector.grpc_url, protocol="grpc"))
        sink.configure(eventbus.SinkContext("o", {}, eventbus.Catalog(), _clock()))
        await sink.start()
        record = eventbus.Record(Done(kind="a", took_s=1), severity="info")
        with pytest.raises(eventbus.Unavailable) as caught:
            await sink.write([record])
        assert caught.value.retry_after_seconds == 1.5
        collector.will(replies.grpc_raw(b""))
        await sink.write([record])
        await sink.aclose()


def _clock() -> eventbus.Clock:
    from eventbus._clock import SystemClock

    return SystemClock()


@pytest.mark.proves("L7")
async def test_a_request_that_does_not_decode_is_answered_400_and_told_of() -> None:
    async with OtlpCollector() as collector:
        assert await post(f"{collector.url}/v1/logs", b"\xff") == 400
        json = {"content_type": "application/json"}
        assert await post(f"{collector.url}/v1/traces", b"[", **json) == 400
        assert await post(f"{collector.url}/v1/other") == 404
        with pytest.raises(ValueError, match="what came to /v1/logs is no ExportLogs"):
            _ = collector.logs
        with pytest.raises(ValueError, match="/v1/other is the path of no signal"):
            _ = collector.requests[2].message
        assert collector.metrics == []
        collector.clear()
        assert collector.logs == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityNumber":"INFO"}]}]}]}',
        b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"xyz"}]}]}]}',
    ],
)
async def test_json_is_read_as_otlp_says_and_not_as_protobuf_does(body: bytes) -> None:
    async with OtlpCollector() as collector:
        url, json = f"{collector.url}/v1/logs", {"content_type": "application/json"}
        assert await post(url, body, **json) == 400
        known = b'{"unknown":1,"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}'
        assert await post(url, known, **json) == 200


async def test_a_compressed_and_chunked_request_is_read() -> None:
    message = ExportLogsServiceRequest()
    message.resource_logs.add().scope_logs.add().log_records.add().event_name = "e"

    async def chunks() -> Any:
        body = gzip.compress(message.SerializeToString())
        yield body[:5]
        yield body[5:]

    async with OtlpCollector(paths={"/in": "logs"}) as collector:
        async with (
            aiohttp.ClientSession() as client,
            client.post(
                f"{collector.url}/in?x=1",
                data=chunks(),
                headers={
                    "content-encoding": "gzip",
                    "content-type": "application/x-protobuf",
                },
            ) as answer,
        ):
            assert answer.status == 200
        assert [log.name for log in collector.logs] == ["e"]
        assert collector.requests[0].target == "/in?x=1"


@pytest.mark.parametrize(
    "sent",
    [
        b"NONSENSE\r\n\r\n",
        b"\x16\x03\x01",
        b"POST /v1/logs HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST /v1/logs HTTP/1.1\r\nContent-Length: 67108865\r\n\r\n",
        b"POST /v1/logs HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        b"POST /v1/logs HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5000000\r\n",
    ],
)
async def test_what_is_no_request_is_answered_400(sent: bytes) -> None:
    async with OtlpCollector() as collector:
        host, port = collector.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(sent)
        assert b" 400 " in await reader.readline()
        writer.close()
        assert collector.requests == []


async def test_every_kind_of_metric_is_read() -> None:
    message = ExportMetricsServiceRequest()
    metrics = message.resource_metrics.add().scope_metrics.add().metrics
    for name in ("gauge", "sum", "histogram", "exponential_histogram", "summary"):
        metric = metrics.add(name=name)
        getattr(metric, name).data_points.add(time_unix_nano=1)
    metrics[0].gauge.data_points[0].as_double = 1.5
    metrics[2].histogram.data_points[0].min = 0.0
    metrics[3].exponential_histogram.aggregation_temporality = 1
    metrics[4].summary.data_points[0].sum = 3.0
    metrics.add(name="empty")
    async with OtlpCollector() as collector:
        url = f"{collector.url}/v1/metrics"
        assert await post(url, message.SerializeToString()) == 200
        found = {metric.name: metric for metric in collector.metrics}
    points = {name: metric.points for name, metric in found.items()}
    assert points.pop("empty") == ()
    assert {name: metric.kind for name, metric in found.items()} == {
        **{name: name for name in points},
        "empty": "",
    }
    assert points["gauge"][0].value == 1.5
    assert points["sum"][0].value is None
    assert (points["histogram"][0].min, points["histogram"][0].max) == (0.0, None)
    assert (points["histogram"][0].sum, points["histogram"][0].count) == (None, 0)
    assert points["summary"][0].sum == 3.0
    assert found["exponential_histogram"].temporality == "delta"
    assert found["gauge"].temporality is None


async def test_a_reply_of_the_other_transport_fails_the_test() -> None:
    async with AsyncExitStack() as stack:
        collector = await stack.enter_async_context(OtlpCollector())
        collector.will(replies.grpc("UNAVAILABLE"))
        with pytest.raises(aiohttp.ClientError):
            await post(f"{collector.url}/v1/logs")
        with pytest.raises(TypeError, match="this reply is for gRPC, and the request"):
            await stack.aclose()


async def test_a_reply_of_http_over_grpc_fails_the_test() -> None:
    async with AsyncExitStack() as stack:
        collector = await stack.enter_async_context(collector_for("grpc"))
        collector.will(replies.http(503))
        await send_one(collector.grpc_url, "grpc")
        with pytest.raises(TypeError, match="this reply is for HTTP, and the request"):
            await stack.aclose()


async def test_a_name_that_attributes_have_twice_is_told() -> None:
    message = ExportLogsServiceRequest()
    record = message.resource_logs.add().scope_logs.add().log_records.add()
    for text in ("a", "b"):
        record.attributes.add(key="kind").value.string_value = text
    async with OtlpCollector() as collector:
        url = f"{collector.url}/v1/logs"
        assert await post(url, message.SerializeToString()) == 200
        with pytest.raises(ValueError, match="attributes have 'kind' twice"):
            _ = collector.logs


async def test_waiting_for_what_does_not_come_says_how_many_did() -> None:
    async with OtlpCollector() as collector:
        words = "expected 1 requests to the collector within 0 s, got 0"
        with pytest.raises(AssertionError, match=words):
            await collector.wait_for_requests(timeout_seconds=0)
        with pytest.raises(AssertionError, match=words):
            await collector.next_request(timeout_seconds=0)
