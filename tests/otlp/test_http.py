"""What goes over HTTP, over which connections, and what is never done."""

from __future__ import annotations

import asyncio
import gzip
import os
import socket
from typing import Any

import pytest

from eventbus import Bus, Refused, Retry, TooLarge, Unavailable
from eventbus.testing import Gate, OtlpCollector, replies, settled
from eventbus.testing._otlp_request import JSON_TYPE, PROTOBUF_TYPE
from eventbus_otlp import OtlpSettings, OtlpSink, _http
from eventbus_otlp._gzip import AT_ONCE_BYTES
from tests.otlp._collector import ids_of
from tests.otlp._sinks import Ping, ids, open_sink, pings

SECRET = "Bearer s3cret"


@pytest.mark.proves("G1", "G2", "G11")
@pytest.mark.parametrize(
    ("protocol", "content_type"),
    [("http/protobuf", PROTOBUF_TYPE), ("http/json", JSON_TYPE)],
)
@pytest.mark.parametrize("compression", ["none", "gzip"])
async def test_a_batch_is_one_request_that_the_official_classes_read(
    protocol: Any, content_type: str, compression: Any
) -> None:
    async with (
        OtlpCollector() as server,
        open_sink(server.url, protocol=protocol, compression=compression) as sink,
    ):
        assert await sink.write(pings(1, 2)) is None
    (request,) = server.requests
    assert (request.method, request.target) == ("POST", "/v1/logs")
    assert request.headers["content-type"] == content_type
    assert request.headers.get("content-encoding", "none") == compression
    assert request.body.startswith(b"\x1f\x8b") == (compression == "gzip")
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["user-agent"].startswith("eventbus/")
    assert " OTel-OTLP-Exporter-Python/" in request.headers["user-agent"]
    assert ids_of(request) == ids(1, 2)
    assert {log.name for log in request.logs} == {"ping"}


@pytest.mark.proves("G11")
async def test_a_large_batch_is_compressed_in_a_worker_thread_all_the_same() -> None:
    batch = pings(*range(200), text="x" * 1000)
    async with (
        OtlpCollector() as server,
        open_sink(server.url, compression="gzip") as sink,
    ):
        await sink.write(batch)
    (request,) = server.requests
    assert len(request.content) > AT_ONCE_BYTES
    assert len(request.body) < AT_ONCE_BYTES
    assert ids_of(request) == ids(*range(200))


async def test_a_request_of_several_megabytes_arrives_whole() -> None:
    batch = pings(*range(4), text="x" * 1_000_000)
    async with (
        OtlpCollector() as server,
        open_sink(server.url) as sink,
    ):
        await sink.write(batch)
    assert ids_of(server) == ids(*range(4))


async def test_a_program_may_name_itself() -> None:
    async with (
        OtlpCollector() as server,
        open_sink(server.url, headers={"User-Agent": "checkout/1.2"}) as sink,
    ):
        await sink.write(pings(1))
    assert server.requests[0].headers["user-agent"] == "checkout/1.2"


@pytest.mark.proves("fault-64")
async def test_a_refusal_that_comes_before_the_request_has_ended_is_heard() -> None:
    async def serve(reader: asyncio.StreamReader, writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with open_sink(f"http://127.0.0.1:{port}") as sink:
        with pytest.raises(TooLarge):
            await sink.write(pings(1, text="x" * 8_000_000))
    listener.close()


async def test_requests_share_one_connection() -> None:
    async with (
        OtlpCollector() as server,
        open_sink(server.url) as sink,
    ):
        for n in range(3):
            await sink.write(pings(n))
    assert [request.connection for request in server.requests] == [0, 0, 0]


@pytest.mark.proves("fault-77")
async def test_requests_go_out_at_the_same_time_and_end_in_any_order() -> None:
    gates = [Gate(), Gate()]
    async with (
        OtlpCollector(
            replies.after(gates[0], replies.http(503)), replies.after(gates[1])
        ) as server,
        open_sink(server.url) as sink,
    ):
        first = asyncio.create_task(sink.write(pings(1)))
        await server.next_request()
        second = asyncio.create_task(sink.write(pings(2)))
        await server.next_request()
        gates[1].open()
        assert await second is None
        gates[0].open()
        with pytest.raises(Unavailable):
            await first
    assert ids_of(server) == ids(1, 2)


async def test_no_more_connections_are_opened_than_are_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_http, "MAX_CONNECTIONS", 2)
    gate = Gate()
    async with (
        OtlpCollector(otherwise=replies.after(gate)) as server,
        open_sink(server.url) as sink,
    ):
        calls = [asyncio.create_task(sink.write(pings(n))) for n in range(3)]
        await server.wait_for_requests(2)
        await settled()
        gate.open()
        await asyncio.gather(*calls)
    assert (server.connections, len(server.requests)) == (2, 3)


async def test_a_refusal_that_is_not_read_leaves_its_connection_in_use() -> None:
    async with (
        OtlpCollector(replies.http(503, b"busy")) as server,
        open_sink(server.url) as sink,
    ):
        with pytest.raises(Unavailable):
            await sink.write(pings(1))
        await sink.write(pings(1))
    assert (server.connections, len(server.requests)) == (1, 2)


async def test_a_second_start_goes_on_with_what_there_is() -> None:
    async with OtlpCollector() as server, open_sink(server.url) as sink:
        await sink.write(pings(1))
        await sink.start()
        await sink.write(pings(2))
    assert [request.connection for request in server.requests] == [0, 0]


def test_no_timeout_is_but_the_bus_s() -> None:
    for name in ("total", "connect", "sock_connect", "sock_read"):
        assert getattr(_http._NO_TIMEOUT, name) is None


@pytest.mark.proves("fault-69")
async def test_what_a_closing_connection_may_have_carried_the_bus_sends_again() -> None:
    """The far side closes it in the very moment in which it is used again: once more,
    counted, over another connection."""
    async with OtlpCollector(replies.http(200), replies.close) as server, Bus() as bus:
        otlp = OtlpSink(OtlpSettings(endpoint=server.url))
        bus.attach(otlp, name="otlp", retry=Retry(initial_seconds=0.001))
        for n in (1, 2):
            bus.emit(Ping(n=n))
            assert (await bus.flush(20)).complete
        report = bus.stats().attachments["otlp"]
    assert [request.connection for request in server.requests] == [0, 0, 1]
    assert ids_of(server.requests[1]) == ids_of(server.requests[2])
    assert (report.delivered, report.possible_duplicates) == (2, 1)


@pytest.mark.proves("fault-69")
@pytest.mark.parametrize("several", [1, 3])
async def test_a_connection_that_has_just_been_closed_costs_no_attempt(
    several: int,
) -> None:
    """Word of it has come to this machine, and the event loop has not read it."""
    connections: set[asyncio.StreamWriter] = set()

    async def takes(exchange: replies.Exchange) -> None:
        connections.add(exchange.connection)
        await replies.ok(exchange)

    async with (
        OtlpCollector(otherwise=takes) as server,
        open_sink(server.url) as sink,
    ):
        await asyncio.gather(*[sink.write(pings(n)) for n in range(several)])
        assert len(connections) == several
        for one in connections:
            _end_unheard(one)
        assert await sink.write(pings(8)) is None
    assert sorted(ids_of(server)) == ids(*range(several), 8)
    assert server.requests[-1].connection == several


def _end_unheard(connection: asyncio.StreamWriter) -> None:
    """End it here and now, before any loop can hear of it."""
    number = os.dup(connection.get_extra_info("socket").fileno())
    with socket.socket(fileno=number) as ours:
        ours.shutdown(socket.SHUT_RDWR)


@pytest.mark.proves("fault-69")
async def test_a_fresh_connection_that_is_cut_off_is_for_the_bus_to_try_again() -> None:
    async with (
        OtlpCollector(replies.close) as server,
        open_sink(server.url) as sink,
    ):
        with pytest.raises(Unavailable, match="cut off, ServerDisconnectedError"):
            await sink.write(pings(1))
    assert len(server.requests) == 1


@pytest.mark.proves("fault-69")
async def test_a_connection_that_was_closed_while_idle_is_not_used_again() -> None:
    async with (
        OtlpCollector(replies.last) as server,
        open_sink(server.url) as sink,
    ):
        await sink.write(pings(1))
        await server.end_of(0)
        assert await sink.write(pings(2)) is None
    assert [(r.connection, ids_of(r)) for r in server.requests] == [
        (0, ids(1)),
        (1, ids(2)),
    ]


@pytest.mark.proves("fault-62")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed_and_no_header_leaves(status: int) -> None:
    async with OtlpCollector() as other:
        away = ("Location", f"{other.url}/v1/logs")
        async with (
            OtlpCollector(replies.http(status, b"", away)) as server,
            open_sink(server.url, headers={"authorization": SECRET}) as sink,
        ):
            with pytest.raises(Refused, match=f"HTTP status {status}") as caught:
                await sink.write(pings(1))
    assert not caught.value.permanent
    assert server.requests[0].headers["authorization"] == SECRET
    assert other.connections == 0


async def test_cookies_are_not_kept() -> None:
    """A jar would keep one for a name, not for an address."""
    async with (
        OtlpCollector(replies.http(200, b"", ("Set-Cookie", "session=1"))) as server,
        open_sink(server.url.replace("127.0.0.1", "localhost")) as sink,
    ):
        await sink.write(pings(1))
        await sink.write(pings(2))
    assert "cookie" not in server.requests[1].headers


async def test_no_credentials_come_from_a_file_of_the_users(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    async with (
        OtlpCollector() as server,
        open_sink(server.url) as sink,
    ):
        await sink.write(pings(1))
    assert "authorization" not in server.requests[0].headers


@pytest.mark.proves("fault-66")
@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
async def test_what_is_over_the_limit_before_compression_is_to_be_split(
    protocol: Any,
) -> None:
    async with (
        OtlpCollector() as server,
        open_sink(
            server.url,
            protocol=protocol,
            compression="gzip",
            max_request_bytes=10_000,
        ) as sink,
    ):
        with pytest.raises(TooLarge, match=r"is over max_request_bytes \(10000\)"):
            await sink.write(pings(*range(20), text="x" * 1000))
        await sink.write(pings(1, text="x" * 1000))
    assert ids_of(server) == ids(1)
    assert len(gzip.compress(b"x" * 20_000)) < 10_000


@pytest.mark.parametrize(
    ("status", "raised"),
    [(200, None), (400, None), (413, None), (404, Refused), (503, Unavailable)],
)
async def test_a_check_asks_with_nothing_in_hand(
    status: int, raised: type[Exception] | None
) -> None:
    async with (
        OtlpCollector(replies.http(status)) as server,
        open_sink(server.url) as sink,
    ):
        if raised is None:
            await sink.check()
        else:
            with pytest.raises(raised):
                await sink.check()
    assert server.requests[0].body == b""


async def test_a_far_side_that_is_not_there_is_named() -> None:
    async with OtlpCollector() as server:
        pass
    async with open_sink(server.url) as sink:
        place = server.url.removeprefix("http://")
        with pytest.raises(Unavailable, match=f"no connection to {place}: .* refused"):
            await sink.write(pings(1))


async def test_a_cancelled_request_ends_at_once_and_the_next_one_works() -> None:
    async with (
        OtlpCollector(replies.hang) as server,
        open_sink(server.url) as sink,
    ):
        call = asyncio.create_task(sink.write(pings(1)))
        await server.next_request()
        call.cancel("the time is up")
        with pytest.raises(asyncio.CancelledError, match="the time is up"):
            await call
        await sink.write(pings(2))
    assert ids_of(server) == ids(1, 2)


async def test_a_request_waits_for_no_other_one_that_hangs() -> None:
    async with (
        OtlpCollector(replies.hang) as server,
        open_sink(server.url) as sink,
    ):
        call = asyncio.create_task(sink.write(pings(1)))
        await server.next_request()
        await sink.write(pings(2))
        call.cancel()
        await asyncio.wait([call])
    assert ids_of(server) == ids(1, 2)
