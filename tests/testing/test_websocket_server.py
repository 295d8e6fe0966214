"""Scripted WebSocket connections, with a client of another library."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from eventbus.testing import (
    Gate,
    ManualClock,
    WebSocketScript,
    WebSocketServer,
    responses,
    settled,
)

CREATED = responses.ev_response_created("r1")
COMPLETED = responses.ev_completed("r1")


async def received(client: ClientConnection) -> list[object]:
    """Return every message until the server closes."""
    return [msgspec.json.decode(message) async for message in client]


@pytest.mark.proves("L4")
async def test_each_request_gets_its_events_and_the_last_one_ends_the_connection() -> (
    None
):
    async with (
        WebSocketServer([[CREATED], [CREATED, COMPLETED]]) as server,
        connect(server.url + "/v1/responses?a=%20b") as client,
    ):
        await client.send('{"n":1}')
        assert msgspec.json.decode(await client.recv()) == CREATED
        assert await server.wait_for_request(0, 0) == {"n": 1}
        await client.send(b'{"n":2}')
        assert await received(client) == [CREATED, COMPLETED]
        assert client.close_code == 1000
    assert server.connections == [[{"n": 1}, {"n": 2}]]
    assert server.single_connection() == [{"n": 1}, {"n": 2}]
    assert server.single_handshake().uri == "/v1/responses?a=%20b"
    assert server.single_handshake().path == "/v1/responses"


CALL = {"type": "function_call", "call_id": "c1"}
OUTPUT = {"type": "function_call_output", "call_id": "c1"}


async def sent(frame: object, **invariants: Any) -> tuple[list[Any], list[object]]:
    """Send one request to a server that answers it, and return both."""
    async with (
        WebSocketServer([[COMPLETED]], **invariants) as server,
        connect(server.url) as client,
    ):
        await client.send(msgspec.json.encode(frame))
        answers = await received(client)
    return server.single_connection(), answers


@pytest.mark.proves("L3")
@pytest.mark.parametrize(
    ("items", "more", "words"),
    [
        ([CALL], {}, "function_call 'c1' has no function_call_output"),
        ([OUTPUT], {}, "function_call_output 'c1' has no call"),
        ([OUTPUT, CALL], {}, "function_call_output 'c1' comes before its call"),
        (
            [OUTPUT, OUTPUT],
            {"previous_response_id": "r1"},
            "function_call_output 'c1' comes again",
        ),
    ],
)
async def test_a_request_for_a_response_has_its_calls_and_outputs_together(
    items: list[object], more: dict[str, object], words: str
) -> None:
    frame = {"type": "response.create", "input": items, **more}
    with pytest.raises(AssertionError, match=f"connection 0, request 0: {words}"):
        await sent(frame)
    assert await sent(frame, invariants=None) == ([frame], [COMPLETED])


@pytest.mark.proves("L3")
@pytest.mark.parametrize(
    "frame",
    [
        {"type": "response.create", "input": [CALL, OUTPUT]},
        {
            "type": "response.create",
            "input": [OUTPUT],
            "previous_response_id": "r1",
        },
        {"type": "response.processed", "input": [CALL]},
        {"type": "response.create"},
        [CALL],
    ],
    ids=str,
)
async def test_whole_requests_continuations_and_other_frames_are_fine(
    frame: object,
) -> None:
    assert await sent(frame) == ([frame], [COMPLETED])


@pytest.mark.proves("L4")
async def test_connections_get_their_scripts_in_the_order_of_their_handshakes() -> None:
    async with WebSocketServer([[{"n": 1}]], [[{"n": 2}]]) as server:
        for number in (1, 2):
            headers = {"x-number": str(number)}
            async with connect(server.url, additional_headers=headers) as client:
                await client.send("{}")
                assert await received(client) == [{"n": number}]
        handshakes = await server.wait_for_handshakes(2)
        numbers = [handshake.header("X-Number") for handshake in handshakes]
        assert numbers == ["1", "2"]
        with pytest.raises(AssertionError, match="expected 1 handshake, got 2"):
            server.single_connection()


@pytest.mark.proves("L4")
async def test_a_handshake_has_the_response_headers_and_waits_as_it_is_told() -> None:
    gate, clock = Gate(), ManualClock()
    script = WebSocketScript(
        response_headers={"x-models-etag": "1"},
        accept_delay_seconds=5,
        accept_gate=gate,
    )
    async with WebSocketServer(script, clock=clock) as server:
        connecting = asyncio.ensure_future(_connected(server))
        await server.wait_for_handshakes(1)
        clock.advance(4)
        with pytest.raises(AssertionError, match="1 at the gate within 0 s, got 0"):
            await gate.reached(timeout_seconds=0)
        clock.advance(1)
        await gate.reached()
        await settled()
        assert not connecting.done()
        gate.open()
        client = await connecting
        assert client.response is not None
        assert client.response.headers["x-models-etag"] == "1"
        await client.wait_closed()


async def _connected(server: WebSocketServer) -> ClientConnection:
    return await connect(server.url)


@pytest.mark.proves("L4")
async def test_waiting_for_requests_and_handshakes_needs_no_looking_again() -> None:
    async with WebSocketServer([[], []]) as server:
        request = asyncio.ensure_future(server.wait_for_request(0, 1))
        handshake = asyncio.ensure_future(server.wait_for_handshakes(1))
        async with connect(server.url) as client:
            await handshake
            await client.send("1")
            await server.wait_for_request(0, 0)
            assert not request.done()
            await client.send("2")
            assert await request == 2
        with pytest.raises(AssertionError, match="3 requests over connection 0 within"):
            await server.wait_for_request(0, 2, timeout_seconds=0)
        with pytest.raises(AssertionError, match=r"2 handshakes within 0 s, got 1"):
            await server.wait_for_handshakes(2, timeout_seconds=0)


async def test_text_and_bytes_go_as_they_are() -> None:
    async with (
        WebSocketServer([["no json", b"\x00"]]) as server,
        connect(server.url) as client,
    ):
        await client.send("{}")
        assert [message async for message in client] == ["no json", b"\x00"]


@pytest.mark.proves("L4")
async def test_a_connection_too_many_is_refused_and_fails_the_test() -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(WebSocketServer())
        with pytest.raises(InvalidStatus, match="503"):
            await connect(server.url)
        words = r"0 connection\(s\) are scripted, one more came"
        with pytest.raises(AssertionError, match=words):
            await stack.aclose()


@pytest.mark.proves("L4")
async def test_a_request_too_many_fails_the_test() -> None:
    script = WebSocketScript(requests=[[]], close_after_requests=False)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(WebSocketServer(script))
        client = await stack.enter_async_context(connect(server.url))
        await client.send("1")
        await client.send("2")
        assert await server.wait_for_request(0, 1) == 2
        await client.close()
        await settled()
        with pytest.raises(AssertionError, match=r"connection 0: 1 request\(s\) are"):
            await stack.aclose()


async def test_a_frame_that_is_no_json_fails_the_test() -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(WebSocketServer([[]]))
        async with connect(server.url) as client:
            await client.send("nonsense")
            assert await server.wait_for_request(0, 0) == "nonsense"
        with pytest.raises(AssertionError, match="connection 0: a frame is no JSON"):
            await stack.aclose()


async def test_a_plain_request_is_no_websocket_and_fails_the_test() -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(WebSocketServer([[]]))
        client = await stack.enter_async_context(aiohttp.ClientSession())
        async with client.get(server.url.replace("ws", "http", 1)) as answer:
            assert answer.status == 400
        with pytest.raises(AssertionError, match="connection 0 asked for no WebSocket"):
            await stack.aclose()


async def test_the_end_of_the_block_breaks_off_a_connection_that_stays() -> None:
    script = WebSocketScript(close_after_requests=False)
    async with WebSocketServer(script) as server:
        client = await connect(server.url)
    with pytest.raises(ConnectionClosed):
        await client.recv()


def test_a_negative_delay_is_refused() -> None:
    with pytest.raises(ValueError, match="accept_delay_seconds must be >= 0, got -1"):
        WebSocketScript(accept_delay_seconds=-1)


async def test_the_path_of_a_handshake_is_decoded() -> None:
    async with WebSocketServer([]) as server, connect(f"{server.url}/a%20b?c=%20"):
        await server.wait_for_handshakes(1)
        assert server.single_handshake().path == "/a b"
