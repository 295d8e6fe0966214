"""Streams that go on when a test lets them, over the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import aiohttp
import pytest

from eventbus.testing import Chunk, Gate, GatedServer, ManualClock, responses, settled

PATH = "/v1/responses"
CREATED = responses.sse([responses.ev_response_created("r1")])
COMPLETED = responses.sse([responses.ev_completed("r1")])


@pytest.fixture
async def client() -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def post(
    client: aiohttp.ClientSession, server: GatedServer, number: int = 0
) -> str:
    async with client.post(server.url + PATH, json={"n": number}) as answer:
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/event-stream"
        return await answer.text()


@pytest.mark.proves("L4")
async def test_a_chunk_behind_a_gate_comes_when_the_gate_is_opened(
    client: aiohttp.ClientSession,
) -> None:
    gate, clock = Gate(), ManualClock()
    stream = [Chunk(CREATED), Chunk(COMPLETED, gate), Chunk("end")]
    async with (
        GatedServer(stream, clock=clock) as server,
        client.post(server.url + PATH, json={}) as answer,
    ):
        assert await answer.content.readexactly(len(CREATED)) == CREATED.encode()
        rest = asyncio.ensure_future(answer.content.read())
        await gate.reached()
        await settled()
        assert not rest.done()
        assert server.completion_times_unix_ms == {}
        clock.advance(2)
        gate.open()
        assert await rest == (COMPLETED + "end").encode()
        ended_unix_ms = clock.time_ns() // 1_000_000
        assert await server.wait_for_completions(1) == {0: ended_unix_ms}


@pytest.mark.proves("L4")
async def test_requests_get_the_streams_in_the_order_of_their_arrival(
    client: aiohttp.ClientSession,
) -> None:
    first, second = Gate(), Gate()
    async with GatedServer([Chunk("a", first)], [Chunk("b", second)]) as server:
        one = asyncio.ensure_future(post(client, server, 1))
        await server.wait_for_request_count(1)
        two = asyncio.ensure_future(post(client, server, 2))
        await server.wait_for_request_count(2)
        second.open()
        assert await two == "b"
        assert list(await server.wait_for_completions(1)) == [1]
        first.open()
        assert await one == "a"
        assert [request.body_json()["n"] for request in server.requests] == [1, 2]


@pytest.mark.proves("L4")
async def test_a_stream_can_be_queued_later(client: aiohttp.ClientSession) -> None:
    async with GatedServer() as server:
        server.enqueue(Chunk("a"), Chunk(b"b"))
        assert await post(client, server) == "ab"


@pytest.mark.proves("L4")
async def test_a_request_with_nothing_queued_is_answered_500(
    client: aiohttp.ClientSession,
) -> None:
    async with GatedServer() as server:
        async with client.post(server.url + PATH) as answer:
            assert (answer.status, await answer.text()) == (500, "no responses queued")
        assert len(server.requests) == 1


@pytest.mark.proves("L4")
@pytest.mark.parametrize(
    ("method", "path"), [("GET", PATH), ("POST", "/v1/models"), ("POST", "/")]
)
async def test_an_unknown_path_is_answered_404(
    client: aiohttp.ClientSession, method: str, path: str
) -> None:
    async with (
        GatedServer([Chunk("a")]) as server,
        client.request(method, server.url + path) as answer,
    ):
        assert answer.status == 404


@pytest.mark.proves("L4")
@pytest.mark.parametrize(
    "sent", [b"NONSENSE\r\n\r\n", b"POST /v1/responses HTTP/1.1\r\nbroken\r\n\r\n"]
)
async def test_what_is_no_request_is_answered_400(sent: bytes) -> None:
    async with GatedServer([Chunk("a")]) as server:
        host, port = server.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(sent)
        status = await reader.readline()
        writer.close()
        assert b" 400 " in status


async def test_models_are_an_empty_list(client: aiohttp.ClientSession) -> None:
    async with (
        GatedServer() as server,
        client.get(f"{server.url}/v1/models") as answer,
    ):
        assert await answer.json() == {"object": "list", "data": []}


async def test_waiting_for_what_does_not_come_says_how_many_did(
    client: aiohttp.ClientSession,
) -> None:
    async with GatedServer([Chunk("a")]) as server:
        await post(client, server)
        with pytest.raises(AssertionError, match=r"expected 2 requests .*, got 1"):
            await server.wait_for_request_count(2, timeout_seconds=0)
        with pytest.raises(AssertionError, match=r"2 complete streams .*, got 1"):
            await server.wait_for_completions(2, timeout_seconds=0)


async def test_the_end_of_the_block_ends_a_stream_that_is_held_back(
    client: aiohttp.ClientSession,
) -> None:
    gate = Gate()
    async with GatedServer([Chunk("a", gate)]) as server:
        answer = asyncio.ensure_future(post(client, server))
        await gate.reached()
    with pytest.raises(aiohttp.ClientError):
        await answer
    assert server.completion_times_unix_ms == {}
    assert repr(gate) == "<Gate closed>"


async def test_a_client_that_left_hurts_nobody(client: aiohttp.ClientSession) -> None:
    gate = Gate()
    async with GatedServer([Chunk("a"), Chunk("b", gate)], [Chunk("c")]) as server:
        async with client.post(server.url + PATH) as answer:
            await answer.content.readexactly(1)
            answer.close()
        await gate.reached()
        gate.open()
        assert await post(client, server) == "c"
