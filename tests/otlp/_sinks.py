"""An OTLP sink that is open, and plain records for it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from eventbus import Catalog, Clock, Event, Record, SinkContext
from eventbus._clock import SystemClock
from eventbus._record import AnyRecord
from eventbus_otlp import OtlpSettings, OtlpSink
from eventbus_otlp._client import Client
from eventbus_otlp._resolved import resolve


class Ping(Event, tag="ping"):
    n: int
    text: Any = ""


def pings(*numbers: int, text: Any = "") -> list[AnyRecord]:
    """Return a record for each number; its id is ``b-<number>``."""
    return [
        Record(
            Ping(n=n, text=text),
            id=f"b-{n}",
            severity="info",
            time_unix_nano=1_795_247_063_541_164_823,
        )
        for n in numbers
    ]


def ids(*numbers: int) -> list[str]:
    """Return the ids of those records."""
    return [f"b-{n}" for n in numbers]


@asynccontextmanager
async def open_client(settings: OtlpSettings) -> AsyncGenerator[Client]:
    """Open the network of a sink with *settings* for the block."""
    client = Client(resolve(settings, {}, print), settings, SystemClock())
    await client.start()
    try:
        yield client
    finally:
        await client.aclose()


@asynccontextmanager
async def open_sink(
    endpoint: str, *, clock: Clock | None = None, **settings: Any
) -> AsyncGenerator[OtlpSink]:
    """Open a sink for the block."""
    sink = OtlpSink(OtlpSettings(endpoint=endpoint, **settings))
    sink.configure(SinkContext("otlp", {}, Catalog(), clock or SystemClock()))
    try:
        await sink.start()
        yield sink
    finally:
        await sink.aclose()
