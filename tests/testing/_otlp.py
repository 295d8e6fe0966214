"""An event that has a log record, a span and metrics, and where it is sent."""

from __future__ import annotations

from typing import Annotated, Any, get_args

import aiohttp

from eventbus import Bus, Event, Label, Report, Retry, Span, Unit
from eventbus.testing import OtlpCollector
from eventbus.testing._otlp_request import Protocol
from eventbus_otlp import OtlpSettings, OtlpSink

PROTOCOLS = list(get_args(Protocol))


class Done(Event, tag="job.done", span=Span("job {kind}", duration="took_s", ok="ok")):
    kind: Annotated[str, Label]
    took_s: Annotated[float, Unit("s")]
    ok: bool = True
    parts: tuple[int, ...] = ()


def collector_for(protocol: str, **options: Any) -> OtlpCollector:
    transport: Any = "grpc" if protocol == "grpc" else "http"
    return OtlpCollector(transports=[transport], **options)


async def send_one(endpoint: str, protocol: Any, **settings: Any) -> Report:
    async with Bus() as bus:
        sink = OtlpSink(OtlpSettings(endpoint=endpoint, protocol=protocol, **settings))
        bus.attach(sink, retry=Retry(max_elapsed_seconds=0))
        bus.emit(Done(kind=protocol, took_s=1))
        return await bus.flush()


async def post(url: str, data: bytes = b"", **headers: str) -> int:
    """Post protobuf, or what *headers* say, and return the status."""
    headers.setdefault("content_type", "application/x-protobuf")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession() as client,
        client.post(url, data=data, headers=named) as answer,
    ):
        return answer.status
