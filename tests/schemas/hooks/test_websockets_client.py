"""A WebSocket against a server on loopback: what the hooks see of each frame."""

from __future__ import annotations

import asyncio
import http
import logging
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import (
    ConcurrencyError,
    ConnectionClosed,
    ConnectionClosedOK,
    InvalidStatus,
)

from eventbus.testing import BusEvents, ManualClock, settled
from eventbus_schemas._websocket import (
    WebsocketConnect,
    WebsocketEvent,
    WebsocketRequest,
)
from eventbus_schemas.hooks import (
    EventHooks,
    HookedConnection,
    Received,
    StreamEnded,
    StreamFailed,
    WebsocketFrame,
    connect_websocket,
    hook_faults,
)
from tests.schemas.hooks._seen import Raising, Seen
from tests.schemas.hooks._servers import HOST, closed_port
from tests.schemas.hooks._sockets import connected, saying, serving, until_closed


@pytest.mark.proves("A4")
async def test_each_message_is_told_once_and_received_as_ever() -> None:
    seen = Seen()
    async with connected(saying('{"a":1}', b"\0\1"), seen) as connection:
        assert await connection.recv() == '{"a":1}'
        assert await connection.recv() == b"\0\1"
    assert [result for result, _ in seen.ws_events] == [
        Received(WebsocketFrame("text", '{"a":1}')),
        Received(WebsocketFrame("binary", b"\0\1")),
    ]


@pytest.mark.proves("A4")
async def test_a_request_says_whether_its_connection_was_used_before() -> None:
    seen, clock = Seen(), ManualClock()
    got: list[str | bytes] = []

    async def collect(server: ServerConnection) -> None:
        got.extend([message async for message in server])

    async with connected(collect, seen, clock=clock) as connection:
        await connection.send("one")
        await connection.send(b"two")
        await connection.send(["th", "ree"])
    assert got == ["one", b"two", "three"]
    assert seen.ws_requests == [(0.0, None, n > 0) for n in range(3)]


@pytest.mark.proves("A4")
async def test_a_request_that_cannot_be_sent_is_told_with_its_error() -> None:
    seen = Seen()
    async with connected(until_closed, seen) as connection:
        await connection.send("one")
        await connection.close()
        with pytest.raises(ConnectionClosed) as raised:
            await connection.send("two")
    assert [error for _, error, _ in seen.ws_requests] == [None, raised.value]


@pytest.mark.proves("A4")
async def test_pings_and_pongs_are_told_while_a_message_is_waited_for() -> None:
    seen, clock = Seen(), ManualClock()
    go_on, say = asyncio.Event(), asyncio.Event()

    async def ping(server: ServerConnection) -> None:
        await go_on.wait()
        await (await server.ping(b"hi"))
        await server.pong(b"unasked")
        await say.wait()
        await server.send("now")
        await server.wait_closed()

    async with connected(ping, seen, clock=clock) as connection:
        receiving = asyncio.ensure_future(connection.recv())
        await settled()
        clock.advance(1)
        go_on.set()
        await seen.frames(2)
        clock.advance(2)
        say.set()
        assert await receiving == "now"
    assert [result for result, _ in seen.ws_events] == [
        Received(WebsocketFrame("ping", b"hi")),
        Received(WebsocketFrame("pong", b"unasked")),
        Received(WebsocketFrame("text", "now")),
    ]
    assert sum(seconds for _, seconds in seen.ws_events) == 3.0
    assert seen.ws_events[-1][1] == 2.0


@pytest.mark.proves("A4")
async def test_a_ping_that_nobody_waited_for_took_no_time() -> None:
    seen = Seen()

    async def ping(server: ServerConnection) -> None:
        await (await server.ping(b"hi"))
        await server.send("pinged")
        await server.wait_closed()

    async with connected(ping, seen) as connection:
        await seen.frames(1)
        assert seen.ws_events == [(Received(WebsocketFrame("ping", b"hi")), 0.0)]
        assert await connection.recv() == "pinged"


@pytest.mark.proves("A4")
async def test_the_close_frame_is_told_once_and_then_the_end() -> None:
    seen = Seen()

    async def close(server: ServerConnection) -> None:
        await server.close(1001, "going")

    async with connected(close, seen) as connection:
        for _ in range(3):
            with pytest.raises(ConnectionClosedOK):
                await connection.recv()
    assert [result for result, _ in seen.ws_events] == [
        Received(WebsocketFrame("close", "going", close_code=1001)),
        StreamEnded(),
        StreamEnded(),
    ]


@pytest.mark.proves("A4")
async def test_a_loop_over_the_messages_tells_each_and_the_close() -> None:
    seen = Seen()

    async def two(server: ServerConnection) -> None:
        await server.send("1")
        await server.send("2")

    async with connected(two, seen) as connection:
        assert [message async for message in connection] == ["1", "2"]
    kinds = [r.piece.kind for r, _ in seen.ws_events if isinstance(r, Received)]
    assert kinds == ["text", "text", "close"]


@pytest.mark.proves("A4")
async def test_a_connection_that_breaks_is_an_error() -> None:
    seen = Seen()

    async def reset(server: ServerConnection) -> None:
        server.transport.abort()

    async with connected(reset, seen) as connection:
        with pytest.raises(ConnectionClosed) as raised:
            await connection.recv()
    assert [result for result, _ in seen.ws_events] == [StreamFailed(raised.value)]


async def test_a_second_recv_at_a_time_is_refused_and_not_told() -> None:
    seen, clock, say = Seen(), ManualClock(), asyncio.Event()

    async def late(server: ServerConnection) -> None:
        await say.wait()
        await server.send("late")
        await server.wait_closed()

    async with connected(late, seen, idle_timeout_seconds=5, clock=clock) as connection:
        receiving = asyncio.ensure_future(connection.recv())
        await settled()
        with pytest.raises(ConcurrencyError):
            await connection.recv()
        clock.advance(4)
        assert clock.timers == 1
        say.set()
        assert await receiving == "late"
    assert seen.ws_events == [(Received(WebsocketFrame("text", "late")), 4.0)]


async def test_an_opening_is_told_with_the_status_that_refused_it() -> None:
    seen = Seen()

    def refuse(connection: ServerConnection, request: object) -> Any:
        return connection.respond(http.HTTPStatus.UNAUTHORIZED, "no")

    async with serving(until_closed, process_request=refuse) as uri:
        with pytest.raises(InvalidStatus) as raised:
            await connect_websocket(uri, seen, proxy=None)
    uri = f"ws://{HOST}:{await closed_port()}"
    with pytest.raises(ConnectionRefusedError):
        await connect_websocket(uri, seen, proxy=None)
    (_, status, error), (_, no_status, refused) = seen.ws_connects
    assert (status, error) == (401, raised.value)
    assert no_status is None
    assert isinstance(refused, OSError)


async def test_a_connection_is_closed_where_its_block_ends_as_ever() -> None:
    seen = Seen()

    async def fail_inside(opening: connect) -> None:
        async with opening as connection:
            connections.append(connection)
            assert await connection.recv() == "x"
            raise KeyError

    connections: list[ClientConnection] = []
    async with serving(saying("x")) as uri:
        for opening in (
            connect_websocket(uri, seen, proxy=None),
            connect(uri, proxy=None),
        ):
            with pytest.raises(KeyError):
                await fail_inside(opening)
        observed, plain = [one.close_code for one in connections]
        assert observed is not None
        assert observed == plain
        opened = await connect_websocket(uri, seen, proxy=None)
        assert opened.close_code is None
        await opened.close()
    assert len(seen.ws_connects) == 2


async def test_an_opening_is_told_once() -> None:
    seen = Seen()
    async with connected(until_closed, seen):
        pass
    ((_, status, error),) = seen.ws_connects
    assert (status, error) == (None, None)


@pytest.mark.proves("A4", "A5")
@pytest.mark.parametrize(
    "telemetry", [None, object(), Raising()], ids=["none", "without", "raising"]
)
async def test_no_hook_and_a_raising_one_change_nothing(
    telemetry: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "eventbus.hooks")
    place = Raising.on_request.__qualname__
    before = hook_faults().get(place, 0)

    async def echo(server: ServerConnection) -> None:
        await (await server.ping())
        await server.send(await server.recv())

    async with connected(echo, telemetry) as connection:
        await connection.send("x")
        assert await connection.recv() == "x"
        with pytest.raises(ConnectionClosedOK):
            await connection.recv()
        with pytest.raises(ConnectionClosedOK):
            await connection.send("y")
    raised = 6 if isinstance(telemetry, Raising) else 0
    assert hook_faults().get(place, 0) == before + raised


async def test_the_connection_is_one_that_connect_can_make() -> None:
    seen = Seen()

    class Mine(HookedConnection):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, telemetry=seen, **options)

    async with (
        serving(saying("x")) as uri,
        connect(uri, create_connection=Mine, proxy=None) as connection,
    ):
        assert await connection.recv(decode=False) == b"x"
    assert [r for r, _ in seen.ws_events] == [Received(WebsocketFrame("text", b"x"))]


@pytest.mark.proves("A4", "A8", "B6")
async def test_a_turn_over_a_socket_is_told_to_the_bus(bus_events: BusEvents) -> None:
    hooks = EventHooks(bus_events.bus, endpoint="/responses", turn_id="t1")

    async def provider(server: ServerConnection) -> None:
        await server.recv()
        await server.send('{"type":"response.completed"}')
        await server.send("no json")
        await server.send(b"\0")

    async with connected(provider, hooks) as connection:
        await connection.send("{}")
        async for _ in connection:
            pass
    opened, request, *frames = bus_events.events
    assert isinstance(opened, WebsocketConnect)
    assert isinstance(request, WebsocketRequest)
    assert (opened.success, request.success, request.connection_reused) == (
        True,
        True,
        False,
    )
    assert [
        (f.kind, f.success, f.turn_id) for f in frames if isinstance(f, WebsocketEvent)
    ] == [
        ("response.completed", True, "t1"),
        ("parse_error", False, "t1"),
        ("unknown", False, "t1"),
        ("unknown", False, "t1"),
    ]


@pytest.mark.proves("A4")
async def test_a_message_is_told_as_what_it_was_whatever_it_is_decoded_to() -> None:
    seen = Seen()
    async with connected(saying("a", b"b", ["c", "d"], b"e"), seen) as connection:
        assert await connection.recv(decode=False) == b"a"
        assert await connection.recv(decode=True) == "b"
        assert [part async for part in connection.recv_streaming()] == ["c", "d", ""]
        assert await connection.recv() == b"e"
    assert [result for result, _ in seen.ws_events] == [
        Received(WebsocketFrame("text", b"a")),
        Received(WebsocketFrame("binary", "b")),
        Received(WebsocketFrame("binary", b"e")),
    ]


@pytest.mark.proves("A4", "A8")
async def test_one_that_is_lost_is_opened_again_and_each_opening_told() -> None:
    seen, got = Seen(), list[str | bytes]()

    async def once(server: ServerConnection) -> None:
        await server.send("hello")

    async with serving(once) as uri:
        async for connection in connect_websocket(uri, seen, proxy=None):
            assert isinstance(connection, HookedConnection)
            got.append(await connection.recv())
            if len(got) == 2:
                break
            await connection.wait_closed()
    assert got == ["hello", "hello"]
    assert [told[1:] for told in seen.ws_connects] == [(None, None)] * 2


async def test_one_that_cannot_be_opened_again_is_told_and_raised() -> None:
    seen = Seen()
    uri = f"ws://{HOST}:{await closed_port()}"
    options: dict[str, Any] = {"proxy": None, "process_exception": lambda error: error}
    with pytest.raises(ConnectionRefusedError):
        await anext(aiter(connect_websocket(uri, seen, **options)))
    ((_, status, error),) = seen.ws_connects
    assert (status, type(error)) == (None, ConnectionRefusedError)
