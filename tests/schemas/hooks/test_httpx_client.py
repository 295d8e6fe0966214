"""Requests of httpx against a server on loopback: what the hooks see of each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from eventbus.testing import BusEvents, ManualClock, settled
from eventbus_schemas import ApiRequest, SseEvent
from eventbus_schemas.hooks import (
    CallCancelled,
    EventHooks,
    HookedAsyncClient,
    HttpError,
    IdleTimeoutError,
    RequestTelemetry,
    RetryPolicy,
    StreamError,
    hook_faults,
    httpx_sender,
    read_sse,
    run_with_request_telemetry,
)
from tests.schemas.hooks._seen import Raising, Seen
from tests.schemas.hooks._servers import (
    HOST,
    Reply,
    closed_port,
    head,
    says,
    says_gzipped,
    scripted,
)

AT_ONCE = RetryPolicy(max_attempts=2, base_delay_seconds=0, retry_429=True)
SSE = "Content-Type: text/event-stream"


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
async def client(seen: Seen) -> AsyncGenerator[HookedAsyncClient]:
    async with HookedAsyncClient(telemetry=seen, trust_env=False) as client:
        yield client


@pytest.mark.proves("A1", "A8")
async def test_a_send_is_told_once_and_the_response_is_the_same(
    client: HookedAsyncClient, seen: Seen
) -> None:
    async with scripted(says(200, b"body", "X-Y: z")) as server:
        response = await client.get(server.url)
    assert (response.status_code, response.text) == (200, "body")
    assert response.headers["x-y"] == "z"
    assert seen.attempts == [(0, 200, None)]
    assert seen.requests[0][-1] > 0


@pytest.mark.proves("A2", "A8", "A10")
@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
async def test_a_refusal_is_an_error_to_the_hook_and_a_response_to_the_caller(
    client: HookedAsyncClient, seen: Seen, status: int
) -> None:
    async with scripted(says(status, b"no", "X-Request-Id: r1")) as server:
        response = await client.post(server.url, json={})
    assert (response.status_code, response.text) == (status, "no")
    assert seen.attempts == [(0, status, "HttpError")]
    error = seen.requests[0][2]
    assert isinstance(error, HttpError)
    assert error.headers is not None
    assert error.headers["x-request-id"] == "r1"


@pytest.mark.proves("A1", "A2", "A8")
async def test_a_refused_connection_is_told_and_raised(
    client: HookedAsyncClient, seen: Seen
) -> None:
    with pytest.raises(httpx.ConnectError) as raised:
        await client.get(f"http://{HOST}:{await closed_port()}")
    assert seen.attempts == [(0, None, "ConnectError")]
    assert seen.requests[0][2] is raised.value


@pytest.mark.proves("A1", "A2", "A8")
async def test_a_body_that_breaks_off_is_a_failure(
    client: HookedAsyncClient, seen: Seen
) -> None:
    async with scripted([head(200, length=100) + b"half", "reset"]) as server:
        with pytest.raises(httpx.TransportError):
            await client.get(server.url)
    ((attempt, status, error),) = seen.attempts
    assert (attempt, status) == (0, None)
    assert error in {"ReadError", "RemoteProtocolError"}


async def test_of_a_stream_the_head_is_told(
    client: HookedAsyncClient, seen: Seen
) -> None:
    go_on = asyncio.Event()
    async with (
        scripted([head(), go_on, b"late"]) as server,
        client.stream("GET", server.url) as response,
    ):
        assert seen.attempts == [(0, 200, None)]
        go_on.set()
        assert await response.aread() == b"late"
    assert len(seen.requests) == 1


async def test_a_slow_first_byte_is_in_the_duration(seen: Seen) -> None:
    clock, go_on = ManualClock(), asyncio.Event()
    async with (
        HookedAsyncClient(telemetry=seen, clock=clock, trust_env=False) as client,
        scripted([go_on, *says(200)]) as server,
    ):
        getting = asyncio.ensure_future(client.get(server.url))
        await server.arrived.wait()
        clock.advance(3)
        go_on.set()
        await getting
    assert seen.requests[0][-1] == 3.0


async def test_a_compressed_body_is_read_as_ever(
    client: HookedAsyncClient, seen: Seen
) -> None:
    async with scripted(
        says_gzipped(b"text"), says(200, b"no gzip at all", "Content-Encoding: gzip")
    ) as server:
        assert (await client.get(server.url)).text == "text"
        with pytest.raises(httpx.DecodingError):
            await client.get(server.url)
    assert seen.attempts == [(0, 200, None), (0, None, "DecodingError")]


async def test_redirects_that_are_followed_are_one_send(
    client: HookedAsyncClient, seen: Seen
) -> None:
    moved = says(302, b"", "Location: /there")
    async with scripted(moved, says(200)) as server:
        await client.get(server.url, follow_redirects=True)
        assert len(server.requests) == 2
    async with scripted(moved) as server:
        response = await client.get(server.url)
    assert response.status_code == 302
    assert seen.attempts == [(0, 200, None), (0, 302, None)]


async def test_a_request_says_which_attempt_it_is(
    client: HookedAsyncClient, seen: Seen
) -> None:
    async with scripted(says(200)) as server:
        await client.get(server.url, extensions={"attempt": 3})
        await client.get(server.url, extensions={"attempt": "third"})
    assert seen.attempts == [(3, 200, None), (0, 200, None)]


async def test_hooks_may_be_chosen_by_the_request() -> None:
    chosen = {"/a": Seen(), "/b": None}

    def telemetry(request: httpx.Request) -> RequestTelemetry | None:
        return chosen[request.url.path]

    async with (
        scripted(says(200)) as server,
        HookedAsyncClient(telemetry=telemetry, trust_env=False) as client,
    ):
        for path in ("/a", "/b"):
            await client.get(server.url + path)
    assert chosen["/a"] is not None
    assert len(chosen["/a"].requests) == 1


async def test_hooks_that_can_be_called_are_hooks_all_the_same() -> None:
    class Callable(Seen):
        def __call__(self, request: httpx.Request) -> RequestTelemetry | None:
            raise AssertionError

    seen = Callable()
    async with (
        scripted(says(200)) as server,
        HookedAsyncClient(telemetry=seen, trust_env=False) as client,
    ):
        await client.get(server.url)
    assert seen.attempts == [(0, 200, None)]


@pytest.mark.proves("A5")
async def test_a_choice_of_hooks_that_raises_is_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL, "eventbus.hooks")

    def telemetry(request: httpx.Request) -> RequestTelemetry | None:
        raise KeyError("/a")

    async with (
        scripted(says(200)) as server,
        HookedAsyncClient(telemetry=telemetry, trust_env=False) as client,
    ):
        assert (await client.get(server.url)).status_code == 200
    assert hook_faults()[telemetry.__qualname__] == 1


@pytest.mark.proves("A5")
async def test_a_choice_of_hooks_that_would_have_to_be_awaited_is_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def telemetry(request: httpx.Request) -> RequestTelemetry | None:
        raise AssertionError

    waiting: Any = telemetry
    async with (
        scripted(says(200)) as server,
        HookedAsyncClient(telemetry=waiting, trust_env=False) as client,
    ):
        assert (await client.get(server.url)).status_code == 200
    assert "is a coroutine function, never awaited" in caplog.text


@pytest.mark.proves("A5", "A8")
@pytest.mark.parametrize(
    "telemetry", [None, object(), Raising()], ids=["none", "without", "raising"]
)
async def test_no_hook_and_a_raising_one_change_nothing(
    telemetry: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "eventbus.hooks")
    place = Raising.on_request.__qualname__
    before = hook_faults().get(place, 0)
    async with (
        HookedAsyncClient(telemetry=telemetry, trust_env=False) as client,
        scripted(says(200, b"yes"), says(500, b"no"), ["reset"]) as server,
    ):
        assert (await client.get(server.url)).text == "yes"
        assert (await client.get(server.url)).status_code == 500
        with pytest.raises(httpx.TransportError):
            await client.get(server.url)
    raised = 3 if isinstance(telemetry, Raising) else 0
    assert hook_faults().get(place, 0) == before + raised


@pytest.mark.proves("A7")
async def test_a_send_that_is_cut_off_is_told_as_itself(seen: Seen) -> None:
    clock = ManualClock()
    replies: list[Reply] = [
        [asyncio.Event()],
        [head(200, length=9) + b"half", asyncio.Event()],
    ]
    for reply in replies:
        async with (
            HookedAsyncClient(telemetry=seen, clock=clock, trust_env=False) as client,
            scripted(reply) as server,
        ):
            getting = asyncio.ensure_future(client.get(server.url))
            await server.arrived.wait()
            clock.advance(2)
            getting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await getting
    assert seen.requests == []
    assert seen.cancelled == [("request", 2.0, 0)] * 2


@pytest.mark.proves("A1", "A6", "A8")
@pytest.mark.parametrize("stream", [False, True])
async def test_the_runner_retries_what_its_sender_raises(
    seen: Seen, stream: bool
) -> None:
    async with (
        httpx.AsyncClient(trust_env=False) as client,
        scripted(says(429), says(500, b"oops"), says(200, b"ok")) as server,
    ):
        response = await run_with_request_telemetry(
            AT_ONCE,
            seen,
            lambda: client.build_request("POST", server.url, json={}),
            httpx_sender(client, stream=stream),
        )
        assert await response.aread() == b"ok"
    told = [(0, 429, "HttpError"), (1, 500, "HttpError"), (2, 200, None)]
    assert seen.attempts == told


async def test_a_stream_over_httpx_is_read_decompressed_and_told(seen: Seen) -> None:
    body = b"event: response.created\ndata: {}\n\nevent: end\ndata: {}\n\n"
    async with (
        HookedAsyncClient(telemetry=seen, trust_env=False) as client,
        scripted(says_gzipped(body)) as server,
        client.stream("POST", server.url) as response,
    ):
        events = [
            event.event
            async for event in read_sse(response.aiter_bytes(), seen, until="end")
        ]
    assert events == ["response.created", "end"]
    assert seen.shapes == ["Received", "Received"]


@pytest.mark.proves("A3", "A8")
async def test_a_stream_that_closes_too_early_is_told_to_the_bus(
    bus_events: BusEvents,
) -> None:
    hooks = EventHooks(bus_events.bus, endpoint="/responses", turn_id="t1")
    body = b'event: response.created\ndata: {"type":"response.created"}\n\n'
    async with (
        HookedAsyncClient(telemetry=hooks, trust_env=False) as client,
        scripted([head(200, SSE) + body]) as server,
        client.stream("POST", server.url) as response,
    ):
        stream = read_sse(response.aiter_bytes(), hooks, until="response.completed")
        assert (await anext(stream)).event == "response.created"
        with pytest.raises(StreamError, match=r"closed before response\.completed"):
            await anext(stream)
    request, created = bus_events.events
    assert isinstance(request, ApiRequest)
    assert isinstance(created, SseEvent)
    assert (created.outcome, created.kind) == ("progress", "response.created")
    assert {request.turn_id, created.turn_id} == {"t1"}


@pytest.mark.proves("A3", "A8")
async def test_a_stream_that_breaks_off_is_told_and_raised(seen: Seen) -> None:
    async with (
        httpx.AsyncClient(trust_env=False) as client,
        scripted([head(200, SSE, length=99) + b"data: 1\n\n", "reset"]) as server,
        client.stream("POST", server.url) as response,
    ):
        stream = read_sse(response.aiter_bytes(), seen)
        with pytest.raises(httpx.TransportError):
            async for _ in stream:
                pass
    assert seen.shapes[-1] == "StreamFailed"


@pytest.mark.proves("A3", "A8")
async def test_a_stream_that_falls_silent_is_told_and_ended(seen: Seen) -> None:
    clock = ManualClock()
    async with (
        httpx.AsyncClient(trust_env=False) as client,
        scripted([head(200, SSE) + b"data: 1\n\n", asyncio.Event()]) as server,
        client.stream("POST", server.url) as response,
    ):
        stream = read_sse(
            response.aiter_bytes(), seen, idle_timeout_seconds=30, clock=clock
        )
        await anext(stream)
        waiting = asyncio.ensure_future(anext(stream))
        await settled()
        clock.advance(30)
        with pytest.raises(IdleTimeoutError):
            await waiting
    assert seen.shapes == ["Received", "IdleTimeoutElapsed"]


@pytest.mark.proves("A7", "A8")
async def test_what_is_cut_off_reaches_the_bus_as_cancelled_alone(
    bus_events: BusEvents,
) -> None:
    hooks = EventHooks(bus_events.bus, endpoint="/responses")
    async with (
        HookedAsyncClient(telemetry=hooks, trust_env=False) as client,
        scripted([asyncio.Event()]) as server,
    ):
        getting = asyncio.ensure_future(client.get(server.url))
        await server.arrived.wait()
        getting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await getting
    (event,) = bus_events.events
    assert isinstance(event, CallCancelled)
    assert (event.operation, event.endpoint) == ("request", "/responses")
