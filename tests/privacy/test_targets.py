"""Where telemetry goes is said by settings alone: not by events, not by answers."""

from __future__ import annotations

from typing import Any

import pytest

from eventbus import Bus, Event, Record, Retry, bind, trace_context
from eventbus.testing import OtlpCollector, replies
from eventbus_otlp import OtlpSettings, OtlpSink

SIGNALS: Any = ("logs", "metrics", "traces")


class Said(Event, tag="test.said"):
    endpoint: str = ""
    url: str = ""


async def say(bus: Bus, url: str) -> None:
    """Name *url* wherever an event, its context or its service names something."""
    attributes = {
        "endpoint": url,
        "server.address": url,
        "otel.exporter.otlp.endpoint": url,
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
    }
    event = Said(endpoint=url, url=url)
    headers = {
        "traceparent": f"00-{'1' * 32}-{'1' * 16}-01",
        "tracestate": "endpoint=other",
        "baggage": f"endpoint={url}",
    }
    with trace_context.attach(trace_context.extract(headers)), bind(attributes):
        bus.emit(event)
    bus.relay(Record(event, attributes=attributes, resource=attributes))
    await bus.flush(5)


@pytest.mark.proves("fault-138")
@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json", "grpc"])
async def test_an_endpoint_in_an_event_is_never_used(protocol: Any) -> None:
    async with (
        OtlpCollector(transports=("http", "grpc")) as other,
        OtlpCollector(transports=("http", "grpc")) as meant,
        Bus() as bus,
    ):
        settings = OtlpSettings(
            endpoint=meant.url_for(protocol), protocol=protocol, signals=SIGNALS
        )
        bus.attach(OtlpSink(settings), content="full")
        await say(bus, other.url_for(protocol))
        assert other.url_for(protocol) in repr(meant.logs)
        assert other.connections == 0
        assert other.requests == []


@pytest.mark.proves("fault-138")
@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308, 503])
async def test_an_endpoint_in_an_answer_is_never_used(status: int) -> None:
    async with OtlpCollector() as other:
        headers = [
            ("Location", f"{other.url}/v1/logs"),
            ("Content-Location", f"{other.url}/v1/logs"),
            ("Refresh", f"0; url={other.url}/v1/logs"),
            ("Alt-Svc", f'h1="{other.url.partition("//")[2]}"; ma=86400'),
        ]
        async with (
            OtlpCollector(otherwise=replies.http(status, b"", *headers)) as server,
            Bus(close_timeout_seconds=0.1) as bus,
        ):
            retry = Retry(
                initial_seconds=0.001, max_seconds=0.001, max_elapsed_seconds=0.05
            )
            bus.attach(OtlpSink(OtlpSettings(endpoint=server.url)), retry=retry)
            bus.emit(Said())
            await server.wait_for_requests(1)
            await bus.flush(1)
        assert other.connections == 0
