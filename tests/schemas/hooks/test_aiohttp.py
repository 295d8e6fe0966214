"""A client that has no adapter, aiohttp, observed by what is there for any."""

from __future__ import annotations

import aiohttp
import pytest

from eventbus_schemas.hooks import (
    RetryPolicy,
    debug_context,
    observed_request,
    read_sse,
    run_with_request_telemetry,
    safe_text,
)
from tests.schemas.hooks._seen import Seen
from tests.schemas.hooks._servers import HOST, closed_port, head, says, scripted

SSE = "Content-Type: text/event-stream"


@pytest.mark.proves("A8")
async def test_requests_and_their_errors_are_told_by_their_meaning() -> None:
    seen = Seen()
    async with (
        scripted(says(200), says(404, b"", "X-Request-Id: r1"), ["reset"]) as server,
        aiohttp.ClientSession(raise_for_status=True) as session,
    ):
        async with await observed_request(session.get(server.url), seen) as response:
            assert response.status == 200
        with pytest.raises(aiohttp.ClientResponseError):
            await observed_request(session.get(server.url), seen)
        with pytest.raises(aiohttp.ClientConnectionError):
            await observed_request(session.post(server.url), seen)
        refused = f"http://{HOST}:{await closed_port()}"
        with pytest.raises(aiohttp.ClientConnectionError):
            await observed_request(session.get(refused), seen)
    assert [status for _, status, _, _ in seen.requests] == [200, 404, None, None]
    texts = [error and safe_text(error) for _, _, error, _ in seen.requests]
    assert texts[:2] == [None, "http 404"]
    policy = RetryPolicy()
    assert [
        error is not None and policy.retries(error, attempt=0)
        for _, _, error, _ in seen.requests
    ] == [False, False, True, True]


@pytest.mark.proves("A3", "A6", "A8")
async def test_a_stream_is_begun_again_and_read() -> None:
    seen = Seen()
    body = b"event: a\ndata: 1\n\ndata: 2\n\n"
    async with (
        scripted(says(503), ["reset"], [head(200, SSE) + body]) as server,
        aiohttp.ClientSession(raise_for_status=True) as session,
    ):
        response = await run_with_request_telemetry(
            RetryPolicy(base_delay_seconds=0),
            seen,
            lambda: server.url,
            session.post,
        )
        async with response:
            stream = read_sse(response.content.iter_any(), seen)
            events = [(event.event, event.data) async for event in stream]
    assert events == [("a", "1"), ("message", "2")]
    assert [status for _, status, _, _ in seen.requests] == [503, None, 200]
    assert seen.shapes == ["Received", "Received", "StreamEnded"]


@pytest.mark.proves("A8")
async def test_a_body_that_breaks_off_is_tried_again() -> None:
    seen = Seen()

    async def get(url: str) -> bytes:
        async with session.get(url) as response:
            return await response.read()

    async with (
        scripted([head(200, length=9) + b"half"], says(200, b"whole")) as server,
        aiohttp.ClientSession() as session,
    ):
        body = await run_with_request_telemetry(
            RetryPolicy(base_delay_seconds=0), seen, lambda: server.url, get
        )
    assert body == b"whole"
    assert seen.attempts == [(0, None, "ClientPayloadError"), (1, None, None)]


@pytest.mark.proves("A10")
async def test_the_headers_of_a_refusal_are_there() -> None:
    seen = Seen()
    async with (
        scripted(says(401, b"", "X-Request-Id: r1")) as server,
        aiohttp.ClientSession(raise_for_status=True) as session,
    ):
        with pytest.raises(aiohttp.ClientResponseError) as raised:
            await observed_request(session.get(server.url), seen)
    assert debug_context(raised.value).request_id == "r1"
