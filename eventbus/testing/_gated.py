"""A server on loopback whose streams go on chunk by chunk, as a test lets them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Unpack, overload

from eventbus.testing._answering import AnsweringServer
from eventbus.testing._arrivals import DEFAULT_WAIT_SECONDS, Arrivals
from eventbus.testing._given import is_sequence
from eventbus.testing._loopback_server import Listening
from eventbus.testing._mock_answer import (
    JSON_TYPE,
    SSE_TYPE,
    TOO_LARGE,
    Chunk,
    MockAnswer,
)
from eventbus.testing._mock_invariants import Invariants, calls_and_outputs
from eventbus.testing._mock_request import RecordedRequest

if TYPE_CHECKING:
    from aiohttp import web

_STREAMS_PATH: Final = "/v1/responses"
_MODELS_PATH: Final = "/v1/models"
_MODELS: Final = MockAnswer(body='{"object":"list","data":[]}', content_type=JSON_TYPE)
_NOT_FOUND: Final = MockAnswer(status=404, body="not found")
_NOTHING_QUEUED: Final = MockAnswer(status=500, body="no responses queued")
_NOT_CACHED: Final = {"cache-control": "no-cache"}
_NANOSECONDS_PER_MILLISECOND: Final = 1_000_000


class GatedServer(AnsweringServer):
    """Streams server-sent events; use it as ``async with GatedServer(…) as server``.

    ``POST /v1/responses`` gets the next stream that is queued, first come first served,
    and 500 when none is left; ``GET /v1/models`` gets an empty list; any other path is
    answered 404, and what is no HTTP request 400. Streams that are held back end with
    the block, where requests that break an invariant are raised; streams that nobody
    asked for are no error.

    Args:
        *streams: The chunks of each response, or an answer as :class:`MockServer`
            gives it.
        invariants: Checked on every request for a stream; by default that each output
            has its call and each call an output. ``None`` checks nothing.
        **listening: ``clock``, which also tells when a stream was complete, ``tls``,
            ``host`` and ``port``, as of :class:`MockServer`.

    Raises:
        PluginError: aiohttp is not installed.
        TypeError: A stream is none.
    """

    def __init__(
        self,
        *streams: Sequence[Chunk] | MockAnswer,
        invariants: Invariants | None = calls_and_outputs,
        **listening: Unpack[Listening],
    ) -> None:
        """Listen to nothing yet."""
        super().__init__(**listening)
        self._invariants = invariants
        self._queued = deque(map(_answer_of, streams))
        self._requests = Arrivals[RecordedRequest](f"requests to {_STREAMS_PATH}")
        self._completions = Arrivals[tuple[int, int]]("complete streams")

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests for streams so far, those answered 500 included."""
        return list(self._requests.items)

    @property
    def completion_times_unix_ms(self) -> dict[int, int]:
        """When the last chunk of a stream was sent, by the number of its request.

        In milliseconds since 1970; streams that go on are missing.
        """
        return dict(self._completions.items)

    @overload
    def enqueue(self, answer: MockAnswer, /) -> None: ...
    @overload
    def enqueue(self, *chunks: Chunk) -> None: ...
    def enqueue(self, *stream: Chunk | MockAnswer) -> None:
        """Queue a stream behind those that are queued already.

        Args:
            *stream: Its chunks, or one answer: ``enqueue(MockAnswer(status=429))``.

        Raises:
            TypeError: It is neither.
        """
        whole = stream[0] if len(stream) == 1 else None
        self._queued.append(
            whole if isinstance(whole, MockAnswer) else _answer_of(stream)
        )

    async def wait_for_request_count(
        self, count: int, *, timeout_seconds: float = DEFAULT_WAIT_SECONDS
    ) -> list[RecordedRequest]:
        """Return the requests for streams, once there are *count* at least.

        Raises:
            AssertionError: There are fewer after *timeout_seconds* of real time.
        """
        __tracebackhide__ = True
        return await self._requests.wait_for(count, timeout_seconds)

    async def wait_for_completions(
        self, count: int, *, timeout_seconds: float = DEFAULT_WAIT_SECONDS
    ) -> dict[int, int]:
        """Return the completion times, once *count* streams were sent to their end.

        Raises:
            AssertionError: Fewer were after *timeout_seconds* of real time.
        """
        __tracebackhide__ = True
        return dict(await self._completions.wait_for(count, timeout_seconds))

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        taken = await self._take(request)
        if taken is None:
            return await self._send(request, TOO_LARGE)
        if (taken.method, taken.path) == ("GET", _MODELS_PATH):
            return await self._send(request, _MODELS)
        if (taken.method, taken.path) != ("POST", _STREAMS_PATH):
            return await self._send(request, _NOT_FOUND)
        self._check(taken)
        number = len(self._requests.items)
        answer = self._queued.popleft() if self._queued else None
        self._requests.add(taken)
        if answer is None:
            return await self._send(request, _NOTHING_QUEUED)
        response = await self._send(request, answer)
        ended_unix_ms = self._clock.time_ns() // _NANOSECONDS_PER_MILLISECOND
        self._completions.add((number, ended_unix_ms))
        return response


def _answer_of(stream: object) -> MockAnswer:
    if isinstance(stream, MockAnswer):
        return stream
    if not is_sequence(stream):
        raise TypeError(
            f"a stream must be a list of Chunk or a MockAnswer, got {stream!r}"
        )
    # The answer refuses what are no chunks.
    chunks: Sequence[Chunk] = stream  # type: ignore[assignment]
    return MockAnswer(body=chunks, content_type=SSE_TYPE, headers=_NOT_CACHED)
