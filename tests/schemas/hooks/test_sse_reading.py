"""Reading a stream of server-sent events, and what is told of each wait."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable

import pytest

from eventbus.testing import ManualClock, settled
from eventbus_schemas.hooks import (
    IdleTimeoutElapsed,
    IdleTimeoutError,
    Received,
    ServerSentEvent,
    StreamEnded,
    StreamError,
    StreamFailed,
    hook_faults,
    read_sse,
)
from tests.schemas.hooks._seen import Raising, Seen

ONE = ServerSentEvent(event="message", data="1")
TWO = ServerSentEvent(event="message", data="2")


class Source:
    """A stream whose chunks a test gives it, one by one; an error breaks it."""

    def __init__(self) -> None:
        self.chunks: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
        self.closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._read()

    async def _read(self) -> AsyncGenerator[bytes]:
        try:
            while (chunk := await self.chunks.get()) is not None:
                if isinstance(chunk, Exception):
                    raise chunk
                yield chunk
        finally:
            self.closed = True

    def say(self, *chunks: bytes | Exception | None) -> Source:
        for chunk in chunks:
            self.chunks.put_nowait(chunk)
        return self


@pytest.mark.proves("A3")
async def test_each_of_the_four_results_is_told_once() -> None:
    broken = ConnectionResetError("reset")
    seen = Seen()
    source = Source().say(b"data: 1\n\n", None)
    assert [event async for event in read_sse(source, seen)] == [ONE]
    stream = read_sse(Source().say(broken), seen)
    with pytest.raises(ConnectionResetError):
        await anext(stream)
    clock = ManualClock()
    waiting = asyncio.ensure_future(
        anext(read_sse(Source(), seen, idle_timeout_seconds=5, clock=clock))
    )
    await settled()
    clock.advance(5)
    with pytest.raises(IdleTimeoutError, match="idle timeout waiting for SSE") as idle:
        await waiting
    assert [result for result, _ in seen.sse_polls] == [
        Received(ONE),
        StreamEnded(),
        StreamFailed(broken),
        IdleTimeoutElapsed(idle.value),
    ]
    assert seen.sse_polls[-1][1] == 5.0


@pytest.mark.proves("A3")
async def test_a_wait_is_measured_alone_and_told_before_its_event_is_seen() -> None:
    clock, seen, source = ManualClock(), Seen(), Source()
    stream = read_sse(source, seen, clock=clock)
    for data in (b"data: 1\n\ndata: 2\n\n", None):
        if data is None:
            clock.advance(100)  # the program's own time
            assert await anext(stream) == TWO
            assert seen.sse_polls[-1] == (Received(TWO), 0.0)
            clock.advance(100)
        waiting = asyncio.ensure_future(anext(stream, None))
        await settled()
        clock.advance(2.5)
        source.say(data)
        await settled()
        assert seen.sse_polls[-1][1] == 2.5
        assert await waiting == (ONE if data else None)


@pytest.mark.proves("A3")
async def test_an_event_is_told_before_anybody_parses_it() -> None:
    seen = Seen()
    stream = read_sse(Source().say(b"event: x\ndata: {no json\n\n", None), seen)
    assert [event.data async for event in stream] == ["{no json"]
    assert seen.shapes == ["Received", "StreamEnded"]


async def test_comments_do_not_put_off_the_idle_timeout() -> None:
    clock, seen, source = ManualClock(), Seen(), Source()
    stream = read_sse(source, seen, idle_timeout_seconds=5, clock=clock)
    waiting = asyncio.ensure_future(anext(stream))
    for _ in range(4):
        await settled()
        source.say(b": still here\n")
        await settled()
        clock.advance(1)
    assert not waiting.done()
    await settled()
    clock.advance(1)
    with pytest.raises(IdleTimeoutError):
        await waiting
    assert seen.sse_polls[-1][1] == 5.0
    assert clock.timers == 0
    assert source.closed


async def test_each_event_has_the_whole_idle_time() -> None:
    clock, source = ManualClock(), Source()
    stream = read_sse(source, idle_timeout_seconds=5, clock=clock)
    for _ in range(3):
        waiting = asyncio.ensure_future(anext(stream))
        await settled()
        clock.advance(4.9)
        source.say(b"data: 1\n\n")
        assert await waiting == ONE


async def test_a_timeout_of_the_clients_own_is_an_error_of_the_stream() -> None:
    seen, own = Seen(), TimeoutError("the client's")
    stream = read_sse(Source().say(own), seen, idle_timeout_seconds=5)
    with pytest.raises(TimeoutError) as raised:
        await anext(stream)
    assert raised.value is own
    assert seen.sse_polls[0][0] == StreamFailed(own)


async def test_an_end_before_the_last_event_is_an_error() -> None:
    seen = Seen()
    source = Source().say(b"data: 1\n\n", None)
    stream = read_sse(source, seen, until="response.completed")
    assert await anext(stream) == ONE
    with pytest.raises(StreamError, match=r"stream closed before response\.completed"):
        await anext(stream)
    assert seen.shapes == ["Received", "StreamEnded"]
    assert source.closed


async def test_nothing_is_read_after_the_last_event() -> None:
    seen = Seen()
    source = Source().say(b"event: end\ndata: 1\n\ndata: 2\n\n")
    stream = read_sse(source, seen, until="end")
    assert [event.event async for event in stream] == ["end"]
    assert seen.shapes == ["Received"]
    assert source.closed


async def test_an_event_that_is_too_long_comes_after_those_before_it() -> None:
    seen = Seen()
    source = Source().say(b"data: 1\n\ndata: 123\n\n", None)
    stream = read_sse(source, seen, max_line_bytes=8)
    assert await anext(stream) == ONE
    with pytest.raises(StreamError, match="a line of the SSE stream is longer than 8"):
        await anext(stream)
    assert seen.shapes == ["Received", "StreamFailed"]


@pytest.mark.proves("A7")
async def test_a_wait_that_is_cut_off_is_told_as_itself() -> None:
    clock, seen, source = ManualClock(), Seen(), Source()
    waiting = asyncio.ensure_future(
        anext(read_sse(source, seen, idle_timeout_seconds=9, clock=clock))
    )
    await settled()
    clock.advance(2)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert seen.sse_polls == []
    assert seen.cancelled == [("sse_poll", 2.0, None)]
    assert clock.timers == 0
    assert source.closed


@pytest.mark.proves("A5")
async def test_a_raising_hook_changes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL, "eventbus.hooks")
    place = Raising.on_request.__qualname__
    before = hook_faults().get(place, 0)
    ends: list[Callable[[], Exception | None]] = [
        lambda: None,
        lambda: OSError("reset"),
    ]
    for end in ends:
        outcomes = [
            await outcome(read_sse(Source().say(b"data: 1\n\n", end()), hooks))
            for hooks in (None, Raising())
        ]
        assert outcomes[0] == outcomes[1]
    assert hook_faults()[place] == before + 4


async def outcome(stream: AsyncIterator[ServerSentEvent]) -> list[str]:
    """Return all that a reader sees of *stream*, its end included."""
    seen: list[str] = []
    try:
        async for event in stream:
            seen += [repr(event)]
    except Exception as error:
        seen.append(repr(error))
    return seen


async def test_who_stops_reading_closes_the_source() -> None:
    source = Source().say(b"data: 1\n\n")
    stream = read_sse(source)
    await anext(stream)
    await stream.aclose()
    assert source.closed


async def test_a_source_that_cannot_be_closed_is_read_too() -> None:
    class Chunks:
        def __init__(self) -> None:
            self.left = [b"data: 1\n\n"]

        def __aiter__(self) -> Chunks:
            return self

        async def __anext__(self) -> bytes:
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop()

    assert [event async for event in read_sse(Chunks())] == [ONE]


async def test_an_idle_time_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="idle_timeout_seconds must be > 0, got 0"):
        await anext(read_sse(Source(), idle_timeout_seconds=0))


async def test_a_stream_ends_with_whichever_of_several_events_comes() -> None:
    ends = ("response.completed", "response.failed")
    for name in ends:
        source = Source().say(f"event: {name}\ndata: {{}}\n\n".encode())
        events = [event async for event in read_sse(source, until=ends)]
        assert [event.event for event in events] == [name]
        assert source.closed
    with pytest.raises(StreamError, match=r"stream closed before response\.completed"):
        async for _ in read_sse(Source().say(b"data: 1\n\n", None), until=ends):
            pass
