"""Far sides over HTTP that answer badly: bounded in memory and time, and named."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from typing import Any

import pytest

from eventbus import Refused, Unavailable
from eventbus.testing import OtlpCollector, replies
from eventbus_otlp import _http_answer
from tests.otlp._collector import ids_of
from tests.otlp._sinks import ids, open_sink, pings

pytestmark = pytest.mark.proves("fault-67")

MB = 1024 * 1024
OK_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n"
CHUNKED = OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BOMB = gzip.compress(b"\0" * 64 * MB)


@pytest.mark.parametrize(
    "answer",
    [
        replies.raw_for_ever(
            OK_HEAD + b"Content-Length: 5000000000\r\n\r\n", b"x" * 65536
        ),
        replies.raw_for_ever(CHUNKED, b"10000\r\n" + b"x" * 65536 + b"\r\n"),
        replies.http(200, BOMB, ("Content-Encoding", "gzip")),
    ],
    ids=["5 GB", "chunks without end", "gzip bomb"],
)
async def test_a_long_answer_is_not_read_to_its_end(answer: replies.Reply) -> None:
    """The request was taken; what else the far side had to say is given up."""
    async with (
        OtlpCollector(answer) as server,
        open_sink(server.url) as sink,
    ):
        tracemalloc.start()
        try:
            outcome: Any = await sink.write(pings(1))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 8 * MB
        assert not outcome.rejected
        assert outcome.warned == {"contract_violation": 1}
        assert await sink.write(pings(2)) is None
    assert ids_of(server) == ids(1, 2)


@pytest.mark.parametrize(
    "answer",
    [
        replies.raw_for_ever(OK_HEAD, b"X-More: and more\r\n"),
        replies.raw_for_ever(OK_HEAD + b"X-Long: ", b"x" * 65536),
        replies.raw_for_ever(b"", b"x" * 65536),
        replies.raw(b"0.9 has no head\n", then_close=True),
        replies.raw(b"\x15\x03\x03\x00\x02\x02\x28", then_close=True),
        replies.raw(b"HTTP/1.1 2OO OK\r\n\r\n", then_close=True),
        replies.raw(b"HTTP/1.1 200 OK\r\nContent-", then_close=True),
        replies.reset,
    ],
    ids=[
        "headers without end",
        "a header without end",
        "a line without end",
        "HTTP/0.9",
        "TLS on a plain port",
        "no number",
        "half a head",
        "reset",
    ],
)
async def test_what_is_no_answer_is_tried_again(answer: replies.Reply) -> None:
    async with (
        OtlpCollector(answer) as server,
        open_sink(server.url) as sink,
    ):
        with pytest.raises(Unavailable, match=r"no answer from 127\.0\.0\.1") as raised:
            await sink.write(pings(1))
        assert raised.value.outcome_unknown
        assert await sink.write(pings(2)) is None


@pytest.mark.parametrize("length", [b"Content-Length: 9\r\n\r\n", b""])
async def test_a_success_that_breaks_off_is_one(length: bytes) -> None:
    head = OK_HEAD + length if length else CHUNKED + b"9\r\n"
    async with (
        OtlpCollector(replies.raw(head + b"\x0a", then_close=True)) as server,
        open_sink(server.url) as sink,
    ):
        outcome: Any = await sink.write(pings(1))
        assert outcome.warned == {"contract_violation": 1}
        assert await sink.write(pings(2)) is None


async def test_half_a_connection_is_no_answer() -> None:
    async with (
        OtlpCollector(replies.half_close) as server,
        open_sink(server.url) as sink,
    ):
        with pytest.raises(Unavailable, match="cut off"):
            await sink.write(pings(1))


@pytest.mark.parametrize(
    "answer",
    [
        replies.hang,
        replies.raw(b"HTTP/1.1 200 OK\r\nContent-Le"),
        replies.raw(OK_HEAD + b"Content-Length: 100\r\n\r\n\x0a"),
        replies.raw(CHUNKED + b"9\r\n\x0a"),
    ],
    ids=["nothing", "half a head", "half a body", "half a chunk"],
)
async def test_a_slow_answer_lasts_as_long_as_the_bus_lets_it(
    answer: replies.Reply,
) -> None:
    async with (
        OtlpCollector(answer) as server,
        open_sink(server.url) as sink,
    ):
        call = asyncio.create_task(sink.write(pings(1)))
        await server.next_request()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await sink.write(pings(2)) is None
    assert ids_of(server) == ids(1, 2)


async def test_a_refusal_does_not_wait_for_slow_words() -> None:
    head = b"HTTP/1.1 503 Busy\r\nRetry-After: 5\r\nContent-Length: 100\r\n\r\n"
    async with (
        OtlpCollector(replies.raw(head)) as server,
        open_sink(server.url) as sink,
    ):
        with pytest.raises(Unavailable) as caught:
            await sink.write(pings(1))
    assert caught.value.retry_after_seconds == 5.0


async def test_slow_words_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http_answer, "WORDS_SECONDS", 0.01)
    head = b"HTTP/1.1 404 No\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\n"
    async with (
        OtlpCollector(replies.raw(head)) as server,
        open_sink(server.url) as sink,
    ):
        with pytest.raises(Refused, match=r"404$"):
            await sink.write(pings(1))


async def test_a_compressed_answer_is_read() -> None:
    body = gzip.compress(b"\x0a\x02\x08\x01")
    async with (
        OtlpCollector(replies.http(200, body, ("Content-Encoding", "gzip"))) as server,
        open_sink(server.url) as sink,
    ):
        outcome: Any = await sink.write(pings(1))
    assert [place for place, _ in outcome.rejected] == [0]


@pytest.mark.parametrize("encoding", ["deflate", "X-Gzip"])
async def test_other_names_of_encodings_are_known(encoding: str) -> None:
    pack = zlib.compress if encoding == "deflate" else gzip.compress
    body = pack(b"\x0a\x02\x08\x01")
    async with (
        OtlpCollector(
            replies.http(200, body, ("Content-Encoding", encoding))
        ) as server,
        open_sink(server.url) as sink,
    ):
        outcome: Any = await sink.write(pings(1))
    assert [place for place, _ in outcome.rejected] == [0]


@pytest.mark.parametrize(("max_bytes", "rejected"), [(4, [0]), (3, [])])
async def test_an_answer_may_be_as_long_as_is_set(
    max_bytes: int, rejected: list[int]
) -> None:
    async with (
        OtlpCollector(replies.http(200, b"\x0a\x02\x08\x01")) as server,
        open_sink(server.url, max_response_bytes=max_bytes) as sink,
    ):
        outcome: Any = await sink.write(pings(1))
    assert [place for place, _ in outcome.rejected] == rejected


async def test_a_refusal_with_long_words_is_told_in_short() -> None:
    answer = replies.http(404, b"no " * 1_000_000, content_type="text/plain")
    async with OtlpCollector(answer) as server, open_sink(server.url) as sink:
        with pytest.raises(Exception, match="HTTP status 404") as caught:
            await sink.write(pings(1))
    assert len(str(caught.value)) < 512
