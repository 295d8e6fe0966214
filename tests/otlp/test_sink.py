"""The life of the OTLP sink, and records that go out as several signals."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import pytest
from opentelemetry import context

from eventbus import Bus, Event, Retry, Span, Unit
from eventbus._record import AnyRecord
from eventbus.testing import OtlpCollector, replies
from eventbus_otlp import OtlpSettings, OtlpSink
from eventbus_otlp._sender import AT_ONCE, AT_ONCE_BYTES
from tests.otlp._collector import ids_of
from tests.otlp._sinks import Ping, ids, open_sink, pings


class Noting(list[AnyRecord]):
    """A batch that knows which threads looked into it."""

    def __init__(self, records: Sequence[AnyRecord]) -> None:
        super().__init__(records)
        self.threads: set[int] = set()

    def __iter__(self) -> Iterator[AnyRecord]:
        self.threads.add(threading.get_ident())
        return super().__iter__()


def test_its_defaults_are_those_of_opentelemetry_and_bounded_in_bytes() -> None:
    assert OtlpSink.network
    assert OtlpSink.sink_api == 1
    assert OtlpSink.buffer.max_bytes is not None
    assert OtlpSink.batch.max_events == 512
    assert OtlpSink.batch.max_delay_seconds == 1.0
    assert OtlpSink.batch.max_in_flight > 1


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        ({}, 10.0),
        ({"timeout_seconds": 3.0}, 3.0),
        ({"timeout_seconds": None}, None),
        ({"signals": ("logs", "traces"), "traces": {"timeout_seconds": 20.0}}, 20.0),
    ],
)
def test_the_timeout_is_the_buss(settings: Any, seconds: float | None) -> None:
    sink = OtlpSink(OtlpSettings(**_structs(settings)))
    assert sink.retry.timeout_seconds == seconds


def _structs(settings: dict[str, Any]) -> dict[str, Any]:
    from eventbus_otlp import TraceSignalSettings

    if "traces" in settings:
        own = TraceSignalSettings(**settings["traces"])
        return {**settings, "traces": own}
    return settings


def test_it_is_made_without_settings_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "7000")
    assert OtlpSink().retry.timeout_seconds == 7.0


@pytest.mark.parametrize(
    ("protocol", "module", "package"),
    [("http/protobuf", "aiohttp", "aiohttp"), ("grpc", "grpc", "grpcio")],
)
def test_a_missing_package_is_one_clear_sentence(
    monkeypatch: pytest.MonkeyPatch, protocol: Any, module: str, package: str
) -> None:
    for name in ("_http", "_resolver", "_grpc", "_grpc_channel", "_grpc_import"):
        monkeypatch.delitem(sys.modules, f"eventbus_otlp.{name}", raising=False)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(LookupError) as caught:
        OtlpSink(OtlpSettings(protocol=protocol))
    assert str(caught.value) == (
        f"Sink 'otlp' needs {package}, which is not installed. "
        "Try: pip install 'eventbus[otlp]'"
    )


def test_another_module_that_is_missing_is_not_taken_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "eventbus_otlp._http", raising=False)
    monkeypatch.setitem(sys.modules, "eventbus_otlp._http_answer", None)
    with pytest.raises(ModuleNotFoundError, match="_http_answer"):
        OtlpSink()


async def test_a_large_batch_is_encoded_beside_the_loop() -> None:
    async with OtlpCollector() as server, open_sink(server.url) as sink:
        batch = Noting(pings(*range(AT_ONCE + 1)))
        await asyncio.gather(sink.write(batch), sink.write(batch), sink.write(pings(1)))
    assert threading.get_ident() not in batch.threads
    assert sorted(ids_of(server)) == sorted(2 * ids(*range(AT_ONCE + 1)) + ids(1))


class Weighing(Noting):
    """One whose bytes are known, as of a batch of the bus."""

    size_bytes = AT_ONCE_BYTES + 1


async def test_a_batch_of_many_bytes_is_encoded_beside_the_loop() -> None:
    async with OtlpCollector() as server, open_sink(server.url) as sink:
        await sink.write(batch := Weighing(pings(1)))
    assert threading.get_ident() not in batch.threads
    assert ids_of(server) == ids(1)


async def test_one_bad_event_costs_itself() -> None:
    async with OtlpCollector() as server, open_sink(server.url) as sink:
        outcome: Any = await sink.write(
            [*pings(1), *pings(2, text=object()), *pings(3, text="\ud800")]
        )
    assert [place for place, _ in outcome.unencodable] == [1]
    assert outcome.warned == {"sanitized": 1}
    assert ids_of(server) == ids(1, 3)


async def test_nothing_is_sent_for_a_batch_without_forms() -> None:
    async with OtlpCollector() as server, open_sink(server.url) as sink:
        await sink.write(pings(1, text=object()))
    assert server.requests == []


async def test_an_event_of_the_bus_arrives() -> None:
    async with (
        OtlpCollector() as server,
        Bus(resource={"service.name": "checkout"}) as bus,
    ):
        bus.attach(OtlpSink(OtlpSettings(endpoint=server.url)), name="otlp")
        bus.emit(Ping(n=1))
        assert (await bus.flush(10)).complete
    (record,) = server.requests[0].logs
    assert record.name == "ping"
    assert b"checkout" in server.requests[0].body
    assert b"telemetry.sdk.name" in server.requests[0].body


async def test_what_is_sent_is_left_alone_by_instrumentation() -> None:
    seen: list[object] = []

    async def headers() -> dict[str, str]:
        seen.append(context.get_value(context._SUPPRESS_INSTRUMENTATION_KEY))
        return {"attempt": str(len(seen))}

    async with (
        OtlpCollector(replies.http(401)) as server,
        open_sink(server.url, headers=headers) as sink,
    ):
        await sink.write(pings(1))
    assert seen == [None, True]
    assert context.get_value(context._SUPPRESS_INSTRUMENTATION_KEY) is None


async def test_without_what_is_private_to_opentelemetry_nothing_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(context, "_SUPPRESS_INSTRUMENTATION_KEY")
    async with OtlpCollector() as server, open_sink(server.url) as sink:
        await sink.write(pings(1))
    assert ids_of(server) == ids(1)


class Call(Event, tag="call", span=Span("call {name}", duration="duration_ms")):
    name: str
    duration_ms: Annotated[float, Unit("ms")]


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
async def test_events_go_out_as_logs_and_those_with_a_span_as_spans_too(
    protocol: Any,
) -> None:
    """The spans are refused for now; only they are sent again."""
    async with (
        OtlpCollector(replies.http(200), replies.http(503)) as server,
        Bus() as bus,
    ):
        settings = OtlpSettings(
            endpoint=server.url, protocol=protocol, signals=("logs", "traces")
        )
        quick = Retry(initial_seconds=0.001, max_seconds=0.001)
        bus.attach(OtlpSink(settings), name="otlp", retry=quick)
        bus.emit(Call(name="grep", duration_ms=5.0))
        bus.emit(Ping(n=1))
        assert (await bus.flush(20)).complete
    assert [request.target for request in server.requests] == [
        "/v1/logs",
        "/v1/traces",
        "/v1/traces",
    ]
    assert len(ids_of(server.requests[0])) == 2
    assert server.requests[1].body == server.requests[2].body
    assert b"call grep" in server.requests[1].body
    assert b"ping" not in server.requests[1].body


@pytest.mark.proves("G9", "fault-55")
async def test_the_bus_waits_as_long_as_the_far_side_asks() -> None:
    """``Retry-After`` comes through to the backoff, from a real answer."""
    later = replies.http(503, b"", ("Retry-After", "1"))
    async with OtlpCollector(later) as server, Bus() as bus:
        bus.attach(
            OtlpSink(OtlpSettings(endpoint=server.url)),
            name="otlp",
            retry=Retry(initial_seconds=0.001, max_seconds=0.001),
        )
        bus.emit(Ping(n=1))
        assert (await bus.flush(20)).complete
        report = bus.stats().attachments["otlp"]
    assert report.operations[""].sum_seconds >= 1.0
    assert len(server.requests) == 2
