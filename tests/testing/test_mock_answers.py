"""What answers may be beside a body: streams, functions, whole ones in a queue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack

import aiohttp
import pytest

from eventbus.testing import (
    Chunk,
    Gate,
    GatedServer,
    MockAnswer,
    MockServer,
    RecordedRequest,
    responses,
    settled,
)

PATH = "/v1/responses"
CREATED = responses.sse([responses.ev_response_created("r1")])


@pytest.fixture
async def client() -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.mark.proves("L4")
async def test_a_mounted_stream_waits_at_its_gates(
    client: aiohttp.ClientSession,
) -> None:
    gate = Gate()
    stream = MockAnswer(
        status=201,
        body=[Chunk(CREATED), Chunk(b"end", gate)],
        content_type="text/event-stream",
        headers={"x-request-id": "1"},
    )
    assert stream.data == f"{CREATED}end".encode()
    async with MockServer() as server:
        server.once(PATH, stream)
        async with client.post(server.url + PATH) as answer:
            assert answer.status == 201
            assert answer.headers["content-type"] == "text/event-stream"
            assert answer.headers["x-request-id"] == "1"
            assert await answer.content.readexactly(len(CREATED)) == CREATED.encode()
            rest = asyncio.ensure_future(answer.content.read())
            await gate.reached()
            await settled()
            assert not rest.done()
            gate.open()
            assert await rest == b"end"


@pytest.mark.proves("L2")
async def test_an_answer_may_be_made_of_its_request(
    client: aiohttp.ClientSession,
) -> None:
    def echo(request: RecordedRequest) -> MockAnswer:
        return MockAnswer(body=request.body)

    async with MockServer() as server:
        recorder = server.sequence("/echo", echo, MockAnswer(body="b"))
        texts = [
            await (await client.post(f"{server.url}/echo", data=text)).text()
            for text in ("x", "y")
        ]
    assert texts == ["x", "b"]
    assert len(recorder.requests) == 2


@pytest.mark.proves("L2")
async def test_a_function_that_makes_no_answer_fails_the_test(
    client: aiohttp.ClientSession,
) -> None:
    def forgets(_: RecordedRequest) -> MockAnswer:
        return None  # type: ignore[return-value]

    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(MockServer())
        server.once("/", forgets)
        async with client.post(server.url) as answer:
            assert answer.status == 500
        with pytest.raises(AssertionError, match=r"forgets.* must return a MockAnswer"):
            await stack.aclose()


async def test_a_header_of_ones_own_wins_and_is_sent_once(
    client: aiohttp.ClientSession,
) -> None:
    mine = {"Content-Type": "a/b", "ETag": "1"}
    async with MockServer() as server:
        server.once("/", MockAnswer(body="x", headers=mine, etag="2"))
        async with client.post(server.url) as answer:
            assert answer.headers.getall("content-type") == ["a/b"]
            assert answer.headers.getall("etag") == ["1"]


@pytest.mark.proves("L2")
async def test_a_path_is_compared_decoded_and_a_method_in_any_case(
    client: aiohttp.ClientSession,
) -> None:
    async with MockServer() as server:
        recorder = server.once("/a b/ü", MockAnswer(), method="put")
        async with client.put(f"{server.url}/a%20b/%C3%BC?q=%20") as answer:
            assert answer.status == 200
    request = recorder.single_request()
    assert (request.path, request.target) == ("/a b/ü", "/a%20b/%C3%BC?q=%20")
    assert request.query_param("q") == " "


@pytest.mark.proves("L4")
async def test_whole_answers_are_queued_among_streams(
    client: aiohttp.ClientSession,
) -> None:
    busy = MockAnswer(status=429, headers={"retry-after": "0"}, body="busy")
    async with GatedServer(busy, [Chunk("a")]) as server:
        server.enqueue(MockAnswer(status=503))
        server.enqueue(Chunk("b"))
        came: list[tuple[int, str]] = []
        for _ in range(4):
            async with client.post(server.url + PATH) as answer:
                came.append((answer.status, await answer.text()))
                is_stream = answer.headers.get("cache-control") == "no-cache"
                assert is_stream == (answer.status == 200)
        assert came == [(429, "busy"), (200, "a"), (503, ""), (200, "b")]
        assert list(await server.wait_for_completions(4)) == [0, 1, 2, 3]


@pytest.mark.proves("L3")
async def test_requests_for_streams_are_checked_too(
    client: aiohttp.ClientSession,
) -> None:
    call = {"type": "function_call", "call_id": "c1"}
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(GatedServer())
        for body in ({}, {"input": "hi"}, [1], {"input": [call]}):
            async with client.post(server.url + PATH, json=body):
                pass
        with pytest.raises(AssertionError) as caught:
            await stack.aclose()
    assert str(caught.value).splitlines() == [
        "GatedServer: 1 problem(s)",
        f"  POST {PATH}: function_call 'c1' has no function_call_output in the input",
    ]
    async with (
        GatedServer(invariants=None) as server,
        client.post(server.url + PATH, json={"input": [call]}),
    ):
        pass


async def test_a_check_of_ones_own_that_raises_fails_the_test(
    client: aiohttp.ClientSession,
) -> None:
    def broken(request: RecordedRequest) -> Iterator[str]:
        yield f"{request.path} is odd"
        raise RuntimeError("mine")

    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(MockServer(invariants=broken))
        server.once("/x", MockAnswer())
        async with client.post(f"{server.url}/x") as answer:
            assert answer.status == 200
        with pytest.raises(AssertionError) as caught:
            await stack.aclose()
    assert str(caught.value).splitlines()[1:] == [
        "  POST /x: /x is odd",
        "  POST /x: RuntimeError('mine')",
    ]


async def test_a_body_over_the_bound_is_not_read_before_a_stream(
    client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventbus.testing._answering.MAX_BODY_BYTES", 1000)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(GatedServer([Chunk("a")]))
        for size, status in ((1001, 413), (1000, 200)):
            body = b"a" * size
            async with client.post(server.url + PATH, data=body) as answer:
                assert answer.status == status
        with pytest.raises(AssertionError, match="a body of more than 1000 bytes came"):
            await stack.aclose()
        assert len(server.requests) == 1


async def test_a_connection_is_broken_off_before_or_in_an_answer(
    client: aiohttp.ClientSession,
) -> None:
    gate = Gate()
    stream = [Chunk("a"), Chunk("b", gate), Chunk("")]
    async with MockServer() as server:
        server.sequence(
            "/",
            MockAnswer(breaks_off=True),
            MockAnswer(body="half", breaks_off=True),
            MockAnswer(body=stream, breaks_off=True),
        )
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await client.post(server.url)
        async with client.post(server.url) as answer:
            assert answer.status == 200
            assert await answer.content.readexactly(4) == b"half"
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.content.read()
        async with client.post(server.url) as answer:
            assert await answer.content.readexactly(1) == b"a"
            gate.open()
            assert await answer.content.readexactly(1) == b"b"
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.content.read()
    async with GatedServer(MockAnswer(breaks_off=True)) as gated:
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await client.post(gated.url + PATH)
        assert gated.completion_times_unix_ms == {}


async def test_a_stream_of_nothing_has_an_end(client: aiohttp.ClientSession) -> None:
    async with (
        GatedServer([], [Chunk("")]) as server,
        client.post(server.url + PATH) as one,
        client.post(server.url + PATH) as other,
    ):
        assert (one.status, await one.text()) == (200, "")
        assert (other.status, await other.text()) == (200, "")


async def test_gates_are_opened_in_any_order_and_from_any_thread(
    client: aiohttp.ClientSession,
) -> None:
    first, second = Gate(), Gate()
    stream = [Chunk("a", first), Chunk("b", second)]
    async with GatedServer(stream) as server:
        async with client.post(server.url + PATH) as answer:
            await first.reached()
            second.open()
            await settled()
            assert server.completion_times_unix_ms == {}
            await asyncio.to_thread(first.open)
            assert await answer.text() == "ab"
        with pytest.raises(AssertionError, match="2 at the gate within 0 s, got 1"):
            await first.reached(2, timeout_seconds=0)
    assert first.is_open
    assert repr(first) == "<Gate open>"


async def test_a_gate_opened_in_another_thread_wakes_who_waits() -> None:
    gate = Gate()
    waiting = asyncio.ensure_future(gate.wait())
    await gate.reached()
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, gate.open)
    await asyncio.wait_for(waiting, 5)
    await gate.wait()
    assert gate.is_open
