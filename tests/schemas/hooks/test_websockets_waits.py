"""Waits for a WebSocket: how long they may take, and how they are cut off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import (
    ProtocolError,
)

from eventbus.testing import ManualClock, settled
from eventbus_schemas.hooks import (
    IdleTimeoutElapsed,
    IdleTimeoutError,
    connect_websocket,
)
from tests.schemas.hooks._seen import Seen
from tests.schemas.hooks._servers import scripted
from tests.schemas.hooks._sockets import connected, serving, until_closed


@pytest.mark.proves("A4")
async def test_silence_for_too_long_is_told_and_raised_and_may_be_waited_out() -> None:
    seen, clock, say = Seen(), ManualClock(), asyncio.Event()

    async def late(server: ServerConnection) -> None:
        await say.wait()
        await server.send("late")
        await server.wait_closed()

    async with connected(
        late, seen, idle_timeout_seconds=30, clock=clock
    ) as connection:
        receiving = asyncio.ensure_future(connection.recv())
        await settled()
        clock.advance(30)
        with pytest.raises(
            IdleTimeoutError, match="idle timeout waiting for websocket"
        ) as raised:
            await receiving
        say.set()
        assert await connection.recv() == "late"
    assert seen.ws_events[0] == (IdleTimeoutElapsed(raised.value), 30.0)
    assert clock.timers == 0


@pytest.mark.proves("A4")
@pytest.mark.parametrize("kind", ["ping", "pong"])
async def test_a_ping_puts_off_the_idle_timeout_and_a_pong_does_not(kind: str) -> None:
    seen, clock, go_on = Seen(), ManualClock(), asyncio.Event()

    async def tell(server: ServerConnection) -> None:
        await go_on.wait()
        await (server.ping() if kind == "ping" else server.pong())
        await server.wait_closed()

    async with connected(
        tell, seen, idle_timeout_seconds=30, clock=clock
    ) as connection:
        receiving = asyncio.ensure_future(connection.recv())
        await settled()
        clock.advance(20)
        go_on.set()
        await seen.frames(1)
        clock.advance(20)
        await settled()
        assert receiving.done() is (kind == "pong")
        clock.advance(10)
        with pytest.raises(IdleTimeoutError):
            await receiving


@pytest.mark.proves("A4")
async def test_a_request_that_cannot_leave_in_time_is_told_and_raised() -> None:
    seen, clock, release = Seen(), ManualClock(), asyncio.Event()

    async def deaf(server: ServerConnection) -> None:
        server.transport.pause_reading()
        await release.wait()
        server.transport.resume_reading()

    async with serving(deaf) as uri:
        connection = await connect_websocket(
            uri,
            seen,
            idle_timeout_seconds=5,
            clock=clock,
            ping_interval=None,
            proxy=None,
            compression=None,
        )
        sending = asyncio.ensure_future(connection.send(b"x" * 50_000_000))
        await settled()
        clock.advance(5)
        with pytest.raises(
            IdleTimeoutError, match="idle timeout sending websocket request"
        ) as raised:
            await sending
        connection.transport.abort()
        await connection.wait_closed()
        release.set()
    assert seen.ws_requests == [(5.0, raised.value, False)]


async def test_a_ping_between_two_waits_sets_no_timer() -> None:
    seen, clock, go_on = Seen(), ManualClock(), asyncio.Event()

    async def ping(server: ServerConnection) -> None:
        await server.send("one")
        await go_on.wait()
        await (await server.ping())
        await server.wait_closed()

    async with connected(ping, seen, idle_timeout_seconds=5, clock=clock) as connection:
        assert await connection.recv() == "one"
        go_on.set()
        await seen.frames(2)
        await settled()
        assert clock.timers == 0


async def test_requests_at_once_have_an_idle_time_each() -> None:
    seen, clock = Seen(), ManualClock()

    async def fragments() -> AsyncGenerator[str]:
        yield "begun"
        await asyncio.Event().wait()

    async with connected(
        until_closed, seen, idle_timeout_seconds=5, clock=clock
    ) as connection:
        first = asyncio.ensure_future(connection.send(fragments()))
        await settled()
        clock.advance(3)
        second = asyncio.ensure_future(connection.send("waits for the first"))
        await settled()
        assert clock.timers == 2
        clock.advance(2)
        with pytest.raises(IdleTimeoutError):
            await first
        with pytest.raises(ProtocolError):  # the first message is not whole
            await second
    assert [seconds for seconds, *_ in seen.ws_requests] == [5.0, 2.0]
    assert clock.timers == 0


@pytest.mark.proves("A7")
async def test_waits_that_are_cut_off_are_told_as_themselves() -> None:
    seen, clock = Seen(), ManualClock()
    async with connected(until_closed, seen, clock=clock) as connection:
        receiving = asyncio.ensure_future(connection.recv())
        await settled()
        clock.advance(2)
        receiving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await receiving

        async def fragments() -> AsyncGenerator[str]:
            yield "begun"
            await asyncio.Event().wait()

        sending = asyncio.ensure_future(connection.send(fragments()))
        await settled()
        clock.advance(3)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
    assert seen.cancelled == [
        ("websocket_event", 2.0, None),
        ("websocket_request", 3.0, None),
    ]
    assert seen.ws_requests == []
    assert seen.ws_events == []


@pytest.mark.proves("A7")
async def test_an_opening_that_is_cut_off_is_told_as_itself() -> None:
    seen = Seen()
    async with scripted([asyncio.Event()]) as server:
        uri = server.url.replace("http", "ws")
        opening = asyncio.ensure_future(connect_websocket(uri, seen, proxy=None))
        await server.arrived.wait()
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
    assert seen.ws_connects == []
    assert [operation for operation, *_ in seen.cancelled] == ["websocket_connect"]


async def test_an_idle_time_of_nothing_is_refused_before_anything_is_opened() -> None:
    seen = Seen()
    with pytest.raises(ValueError, match="idle_timeout_seconds must be > 0, got 0"):
        await connect_websocket("ws://127.0.0.1:1", seen, idle_timeout_seconds=0)
    assert seen.ws_connects == []
