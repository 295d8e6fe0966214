"""Wrong use of the servers fails where it happens, with a sentence that helps."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from eventbus.testing import (
    Chunk,
    GatedServer,
    MockAnswer,
    MockServer,
    OtlpCollector,
    RecordedRequest,
    WebSocketScript,
    WebSocketServer,
    replies,
    responses,
)

PATH = "/v1/responses"
OK = MockAnswer(body="ok")


async def never(_: RecordedRequest) -> bool:
    return False


@pytest.mark.proves("L2")
@pytest.mark.parametrize(
    ("mount", "kind", "words"),
    [
        (
            lambda s: s.once("v1/responses", OK),
            ValueError,
            r"path must begin with '/' or '\*', got 'v1/responses'",
        ),
        (
            lambda s: s.once("http://127.0.0.1/v1", OK),
            ValueError,
            r"path must begin with '/' or '\*', got 'http://127.0.0.1/v1'",
        ),
        (
            lambda s: s.once("/jobs?page=1", OK),
            ValueError,
            r"path must be without a query, got '/jobs\?page=1': match= can ask",
        ),
        (
            lambda s: s.mount(PATH, OK, at_least=3, at_most=2),
            ValueError,
            "at_most must be >= 3, got 2",
        ),
        (
            lambda s: s.mount(PATH, OK, at_least=-1),
            ValueError,
            "at_least must be >= 0, got -1",
        ),
        (
            lambda s: s.once(PATH, OK, match=never),
            TypeError,
            "match must be a plain function, got <function never",
        ),
        (
            lambda s: s.once(PATH, OK, match=7),
            TypeError,
            "match must be a plain function, got 7",
        ),
        (
            lambda s: s.once(PATH, "ok"),
            TypeError,
            f"an answer of POST {PATH} that is no MockAnswer must be a plain function",
        ),
        (
            lambda s: responses.mount_sse_once(s, [responses.ev_completed("r")]),
            TypeError,
            r"body must be text, bytes or a list of Chunk, got \{'type': .*sse\(\) and",
        ),
        (lambda _: MockAnswer(body={"a": 1}), TypeError, r"got \{'a': 1\}"),
        (
            lambda _: MockAnswer(status=199),
            ValueError,
            "status must be between 200 and",
        ),
        (lambda _: MockAnswer(status=600), ValueError, "between 200 and 599, got 600"),
        (lambda _: MockAnswer(status="200"), TypeError, "got '200'"),
        (
            lambda _: MockAnswer(headers={"a": "b\r\nc: d"}),
            ValueError,
            r"a header must be one line, got a: 'b\\r\\nc: d'",
        ),
        (
            lambda _: MockAnswer(headers={"a": "\rb"}),
            ValueError,
            "a header must be one",
        ),
        (lambda _: MockAnswer(headers={"a": "\0"}), ValueError, "a header must be one"),
        (
            lambda _: MockAnswer(headers={"a\n": "b"}),
            ValueError,
            "a header must be one",
        ),
        (
            lambda _: MockAnswer(headers=[("a", "b")]),
            TypeError,
            r"headers must be a table by names, got \[\('a', 'b'\)\]",
        ),
        (
            lambda s: responses.mount_sse_sequence(s, "abc"),
            TypeError,
            "bodies must be a list of texts, got str",
        ),
        (lambda _: Chunk(5), TypeError, "a chunk must be text or bytes, got 5"),
        (lambda s: s.__class__(prt=1), TypeError, "unexpected keyword argument 'prt'"),
    ],
)
def test_a_mount_that_cannot_work_is_refused_at_once(
    mount: Callable[[Any], object], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        mount(MockServer())


@pytest.mark.proves("L2")
async def test_what_came_instead_is_told_with_each_mount_that_did_not_match() -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(MockServer())
        client = await stack.enter_async_context(aiohttp.ClientSession())
        server.once(PATH, OK, match=lambda _: False)
        server.once("/models", OK, method="get")
        server.any_number("*", OK)
        for path in (PATH, "/models"):
            async with client.post(server.url + path):
                pass
        async with client.get(server.url + PATH) as answer:
            assert answer.status == 404
        with pytest.raises(AssertionError) as caught:
            await stack.aclose()
    assert str(caught.value).splitlines() == [
        "MockServer: 3 problem(s)",
        f"  GET {PATH}: no mount took it (POST {PATH}: other method; "
        "GET /models: other path; POST *: other method): ",
        f"  POST {PATH}: expected 1 request(s), got 0",
        "  GET /models: expected 1 request(s), got 0",
        "  what came, 3 request(s):",
        f"    POST {PATH}: taken by POST * (POST {PATH}: its matcher said no; "
        "GET /models: other path)",
        f"    POST /models: taken by POST * (POST {PATH}: other path; "
        "GET /models: other method)",
        f"    GET {PATH}: taken by no mount (POST {PATH}: other method; "
        "GET /models: other path; POST *: other method)",
    ]


async def test_of_many_that_came_the_last_are_told() -> None:
    for count, head in ((12, "what came, the last 10 of 12"), (10, "what came, 10")):
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(MockServer())
            client = await stack.enter_async_context(aiohttp.ClientSession())
            server.mount("*", OK, at_least=13)
            for number in range(count):
                async with client.post(f"{server.url}/{number}"):
                    pass
            with pytest.raises(AssertionError) as caught:
                await stack.aclose()
        lines = str(caught.value).splitlines()
        assert lines[2] == f"  {head} request(s):"
        assert lines[3] == f"    POST /{count - 10}: taken by POST *"
        assert lines[-1] == f"    POST /{count - 1}: taken by POST *"


async def test_nothing_that_came_is_told_as_that() -> None:
    server = MockServer()
    server.once(PATH, OK)
    with pytest.raises(AssertionError, match=r"got 0\n  what came, 0 request\(s\):$"):
        server.verify()


@pytest.mark.parametrize(
    "make", [MockServer, GatedServer, WebSocketServer, OtlpCollector]
)
async def test_a_block_within_its_own_is_refused(make: Callable[[], Any]) -> None:
    async with make() as server:
        url = server.url
        with pytest.raises(RuntimeError, match="is in its `async with` already"):
            await server.__aenter__()
        assert server.url == url
    async with server:
        pass


@pytest.mark.proves("L4")
@pytest.mark.parametrize(
    ("stream", "words"),
    [
        (["a"], "body must be text, bytes or a list of Chunk, got 'a'"),
        ("abc", "a stream must be a list of Chunk or a MockAnswer, got 'abc'"),
        (Chunk("a"), r"got Chunk\(body='a'"),
        ([[Chunk("a")]], r"got \[Chunk"),
        ({"a": 1}, "got {'a': 1}"),
    ],
)
async def test_a_stream_that_is_none_is_refused_at_once(
    stream: Any, words: str
) -> None:
    with pytest.raises(TypeError, match=words):
        GatedServer(stream)


def test_a_stream_in_a_list_or_of_answers_is_not_queued() -> None:
    server = GatedServer()
    with pytest.raises(TypeError, match="a list of Chunk, got MockAnswer"):
        server.enqueue(MockAnswer(), Chunk("a"))  # type: ignore[call-overload]
    with pytest.raises(TypeError, match=r"a list of Chunk, got \[Chunk"):
        server.enqueue([Chunk("a")])  # type: ignore[call-overload]


@pytest.mark.proves("L4")
@pytest.mark.parametrize(
    ("requests", "words"),
    [
        ("one", "requests must be a list of lists of events, got 'one'"),
        (["one"], r"requests\[0\] must be a list of events, got 'one'"),
        ([[], {"a": 1}], r"requests\[1\] must be a list of events, got {'a'"),
        ([[1, object()]], r"requests\[0\]\[1\]: Encoding objects of type object"),
    ],
)
def test_a_script_that_cannot_be_played_is_refused_at_once(
    requests: Any, words: str
) -> None:
    with pytest.raises(TypeError, match=words):
        WebSocketServer(requests)
    with pytest.raises(TypeError, match=words):
        WebSocketScript(requests=requests)


async def test_a_connection_that_is_not_scripted_cannot_be_waited_for() -> None:
    async with WebSocketServer([[]]) as server:
        for connection in (1, -1):
            words = rf"1 connection\(s\) are scripted, got {connection}"
            with pytest.raises(IndexError, match=words):
                await server.wait_for_request(connection, 0)
        with pytest.raises(ValueError, match="request must be >= 0, got -1"):
            await server.wait_for_request(0, -1)


@pytest.mark.proves("L4")
async def test_a_frame_that_breaks_the_protocol_fails_the_test() -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(WebSocketServer([[]]))
        client = await stack.enter_async_context(connect(server.url))
        no_utf8 = bytes([0x81, 0x82, 0, 0, 0, 0, 0xFF, 0xFE])
        client.transport.write(no_utf8)
        with pytest.raises(ConnectionClosed):
            await client.recv()
        with pytest.raises(AssertionError, match=r"connection 0: .*UTF-8"):
            await stack.aclose()


async def test_a_client_that_leaves_before_the_end_of_the_script_is_no_error() -> None:
    script = [["a"], ["b"]]
    async with WebSocketServer(script, script) as server:
        async with connect(server.url) as client:
            await client.send("{}")
        gone = await connect(server.url)
        gone.transport.abort()
        await server.wait_for_handshakes(2)
    assert server.connections == [[{}], []]


async def test_a_server_that_breaks_ends_its_connection_and_fails_the_test() -> None:
    """A stream may be half sent: a second answer in it would be nonsense."""

    class Broken(GatedServer):
        def _check(self, request: RecordedRequest) -> None:
            raise KeyError(request.path)

    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(Broken([Chunk("a")]))
        client = await stack.enter_async_context(aiohttp.ClientSession())
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await client.post(server.url + PATH)
        with pytest.raises(AssertionError, match=r"the server raised KeyError\('/v1/"):
            await stack.aclose()


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (
            lambda: OtlpCollector(503),  # type: ignore[arg-type]
            TypeError,
            "a reply is one of eventbus.testing.replies, or of your own, got 503",
        ),
        (
            lambda: OtlpCollector(otherwise=503),  # type: ignore[arg-type]
            TypeError,
            "a reply is one of",
        ),
        (
            lambda: OtlpCollector().will(503),  # type: ignore[arg-type]
            TypeError,
            "a reply is one of",
        ),
        (
            lambda: replies.grpc("BUSY"),
            ValueError,
            "code must be one of OK, .*UNAUTHENTICATED, got 'BUSY'",
        ),
    ],
)
def test_a_reply_that_is_none_is_refused_at_once(
    make: Callable[[], object], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        make()


async def test_a_reply_that_was_not_made_fails_the_test() -> None:
    async with AsyncExitStack() as stack:
        collector = await stack.enter_async_context(
            OtlpCollector(replies.http)  # type: ignore[arg-type]
        )
        client = await stack.enter_async_context(aiohttp.ClientSession())
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await client.post(f"{collector.url}/v1/logs")
        with pytest.raises(TypeError, match="a reply must be an `async def`, got <fun"):
            await stack.aclose()
