"""How a stream of server-sent events is read, and who is told of each wait."""

from __future__ import annotations

from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Sequence,
)
from typing import Final, cast

from eventbus import Clock
from eventbus_schemas._facts import fitting
from eventbus_schemas.hooks._endings import Raised, Returned
from eventbus_schemas.hooks._errors import IDLE_SSE, StreamError, closed_before
from eventbus_schemas.hooks._idle import IdleTimer
from eventbus_schemas.hooks._observed import SYSTEM_CLOCK, measured
from eventbus_schemas.hooks._observers import SseTelemetry
from eventbus_schemas.hooks._polls import (
    Received,
    ServerSentEvent,
    SsePoll,
    StreamEnded,
)
from eventbus_schemas.hooks._sse_parser import (
    DEFAULT_MAX_EVENT_BYTES,
    DEFAULT_MAX_LINE_BYTES,
    SseParser,
)
from eventbus_schemas.hooks._telling import Tell, failure_of, tells


async def read_sse(
    chunks: AsyncIterable[bytes],
    telemetry: SseTelemetry | None = None,
    *,
    until: str | Sequence[str] | None = None,
    idle_timeout_seconds: float | None = None,
    max_line_bytes: int = DEFAULT_MAX_LINE_BYTES,
    max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES,
    clock: Clock = SYSTEM_CLOCK,
) -> AsyncGenerator[ServerSentEvent]:
    """Yield the events of a stream of bytes, by the rules of the HTML standard.

    For httpx ``read_sse(response.aiter_bytes(), …)``, for aiohttp
    ``read_sse(response.content.iter_any(), …)``: the client decompresses, and closes
    the response. It reads no further than the event it yields. Who leaves the loop
    before its end closes the generator: ``async with aclosing(read_sse(…)) as events``.

    Args:
        chunks: The body, in pieces of any size; closed at the end if it has ``aclose``.
        telemetry: Gets ``on_sse_poll`` for each wait, also the last, before its event
            is yielded. If it has ``on_cancelled``, it gets that for a wait cut off.
        until: The name of the event that ends the stream (``"response.completed"``),
            or of several that do (``("response.completed", "response.failed")``); an
            end without one is an error that names the first, and what comes after it
            is not read.
        idle_timeout_seconds: Longest wait for one event. Comments, which keep a
            connection open, are no events. ``None`` waits for ever.
        max_line_bytes: Longest line.
        max_event_bytes: Longest data of one event.
        clock: Measures the waits.

    Raises:
        IdleTimeoutError: No event came in time: ``"idle timeout waiting for SSE"``.
        StreamError: The stream ended before *until*, or a line or an event is too long.
        TypeError: *chunks* cannot be iterated asynchronously or has text instead of
            bytes, or *until* is neither a text nor a list of them.
        Exception: Whatever *chunks* raises, as it is.

    Cancelled while it waits, the cancellation goes on and the stream is over.
    """
    ends = _names_in(until)
    parser = SseParser(max_line_bytes=max_line_bytes, max_event_bytes=max_event_bytes)
    idle = IdleTimer(idle_timeout_seconds, IDLE_SSE, clock)
    reading = _Reading(chunks, parser, idle, clock)
    tell = tells(telemetry, "on_sse_poll", "sse_poll", _told)
    try:
        while True:
            event = await reading.poll(tell)
            if event is None:
                break
            yield event
            if event.event in ends:
                return
    finally:
        await reading.aclose()
    if ends:
        raise StreamError(closed_before(ends[0]))


def _names_in(until: str | Sequence[str] | None) -> Sequence[str]:
    if until is None or isinstance(until, str):
        return (until,) if until else ()
    names: list[str] = fitting(list, "until", until)
    return names


def _source_of(chunks: object) -> AsyncIterator[bytes]:
    if not isinstance(chunks, AsyncIterable):
        wrong = type(chunks).__name__
        raise TypeError(
            f"chunks must be asynchronous, as response.aiter_bytes() is, got {wrong}"
        )
    return aiter(cast("AsyncIterable[bytes]", chunks))


def _told(
    ending: Returned[ServerSentEvent | None] | Raised,
) -> tuple[SsePoll, float]:
    return _result_of(ending), ending.duration_seconds


def _result_of(ending: Returned[ServerSentEvent | None] | Raised) -> SsePoll:
    if isinstance(ending, Raised):
        return failure_of(ending.error)
    return StreamEnded() if ending.value is None else Received(ending.value)


class _Reading:
    """One stream, read event by event.

    Args:
        chunks: Where its bytes come from.
        parser: Makes events of them.
        idle: Ends a wait that takes too long.
        clock: Measures the waits.
    """

    def __init__(
        self,
        chunks: AsyncIterable[bytes],
        parser: SseParser,
        idle: IdleTimer,
        clock: Clock,
    ) -> None:
        self._source: Final = _source_of(chunks)
        self._parser: Final = parser
        self._idle: Final = idle
        self._now: Final = clock.monotonic
        self._ready: Final[deque[ServerSentEvent]] = deque()
        self._since = 0.0

    async def poll(
        self, tell: Tell[ServerSentEvent | None] | None
    ) -> ServerSentEvent | None:
        """Return the next event, or ``None`` at the end, and *tell* of the wait."""
        self._since = self._now()
        if tell is None:
            return await self._next()
        return await measured(self._next(), tell, self._waited)

    def _waited(self) -> float:
        return self._now() - self._since

    async def _next(self) -> ServerSentEvent | None:
        while not self._ready:
            if self._parser.failure is not None:
                raise self._parser.failure
            try:
                chunk = await self._idle.wait(
                    anext(self._source), spent_seconds=self._waited()
                )
            except StopAsyncIteration:
                return None
            self._ready.extend(self._parser.feed(chunk))
        return self._ready.popleft()

    async def aclose(self) -> None:
        """Close the source, if it can be."""
        close: object = getattr(self._source, "aclose", None)
        if callable(close):
            await cast("Callable[[], Awaitable[None]]", close)()
