"""What the retry runner sends by httpx: every refusal is one, whatever its body is."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from eventbus_schemas.hooks import (
    HttpError,
    RetryPolicy,
    httpx_sender,
    run_with_request_telemetry,
)
from tests.schemas.hooks._seen import Seen
from tests.schemas.hooks._servers import Reply, head, says, scripted

AT_ONCE = RetryPolicy(max_attempts=2, base_delay_seconds=0, retry_429=True)


async def test_a_sender_retries_a_connection_and_a_body_that_break() -> None:
    seen = Seen()
    broken: Reply = [head(200, length=100) + b"half", "reset"]
    async with (
        httpx.AsyncClient(trust_env=False) as client,
        scripted(["reset"], broken, says(200, b"ok")) as server,
    ):
        response = await run_with_request_telemetry(
            AT_ONCE,
            seen,
            lambda: client.build_request("GET", server.url),
            httpx_sender(client),
        )
    assert response.text == "ok"
    assert [attempt for attempt, *_ in seen.requests] == [0, 1, 2]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_refusal_has_the_beginning_of_its_body_and_leaves_no_connection(
    stream: bool,
) -> None:
    responses: list[httpx.Response] = []

    async def keep(response: httpx.Response) -> None:
        responses.append(response)

    broken: Reply = [head(404, length=9) + b"half", "reset"]
    async with (
        httpx.AsyncClient(trust_env=False, event_hooks={"response": [keep]}) as client,
        scripted(says(400, b"x" * 100_000), broken) as server,
    ):
        send = httpx_sender(client, stream=stream)
        with pytest.raises(HttpError) as raised:
            await send(client.build_request("GET", server.url))
        assert raised.value.body == "x" * 65_536
        assert raised.value.url is not None
        assert raised.value.url.startswith(server.url)
        with pytest.raises(HttpError) as raised:
            await send(client.build_request("GET", server.url))
        assert raised.value.body == "half"
        assert [response.is_closed for response in responses] == [True, True]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("reply", "body"),
    [
        (says(503, b"no", "Content-Type: text/plain; charset=base64"), "no"),
        (
            says(503, b"\xffno", "Content-Type: text/plain; charset=undefined"),
            "\ufffdno",
        ),
        (says(503, b"no gzip", "Content-Encoding: gzip"), ""),
        (says(503, "é".encode() * 100_000), "é" * 32_768),
    ],
    ids=["charset", "undefined charset", "no gzip", "long"],
)
async def test_a_refusal_is_one_whatever_its_body_is(
    reply: Reply, body: str, stream: bool
) -> None:
    async with httpx.AsyncClient(trust_env=False) as client, scripted(reply) as server:
        with pytest.raises(HttpError, match="http 503") as raised:
            await httpx_sender(client, stream=stream)(
                client.build_request("GET", server.url)
            )
    assert raised.value.body == body


async def test_a_refusal_whose_body_never_ends_is_waited_for_no_longer() -> None:
    endless: Reply = [head(500) + b"x" * 70_000, asyncio.Event()]
    async with (
        httpx.AsyncClient(trust_env=False, timeout=None) as client,
        scripted(endless) as server,
    ):
        with pytest.raises(HttpError) as raised:
            await httpx_sender(client)(client.build_request("GET", server.url))
    assert raised.value.body == "x" * 65_536


@pytest.mark.parametrize("read", ["aread", "aclose"])
async def test_a_refusal_that_was_read_or_closed_before_is_one_too(read: str) -> None:
    async def before(response: httpx.Response) -> None:
        await getattr(response, read)()

    hooks = {"response": [before]}
    async with (
        httpx.AsyncClient(trust_env=False, event_hooks=hooks) as client,
        scripted(says(500, b"why")) as server,
    ):
        with pytest.raises(HttpError) as raised:
            await httpx_sender(client)(client.build_request("GET", server.url))
    assert raised.value.body == ("why" if read == "aread" else "")


async def test_a_stream_is_returned_at_its_head_and_anything_else_whole() -> None:
    go_on = asyncio.Event()
    async with (
        httpx.AsyncClient(trust_env=False) as client,
        scripted([head(), go_on, b"late"], says(200, b"whole")) as server,
    ):
        request = client.build_request("GET", server.url)
        response = await httpx_sender(client, stream=True)(request)
        assert not response.is_closed
        go_on.set()
        assert await response.aread() == b"late"
        request = client.build_request("GET", server.url)
        assert (await httpx_sender(client)(request)).content == b"whole"


async def test_a_body_that_breaks_off_leaves_no_connection() -> None:
    responses: list[httpx.Response] = []

    async def keep(response: httpx.Response) -> None:
        responses.append(response)

    async with (
        httpx.AsyncClient(trust_env=False, event_hooks={"response": [keep]}) as client,
        scripted([head(200, length=9) + b"half", "reset"]) as server,
    ):
        with pytest.raises(httpx.TransportError):
            await httpx_sender(client)(client.build_request("GET", server.url))
    assert [response.is_closed for response in responses] == [True]
