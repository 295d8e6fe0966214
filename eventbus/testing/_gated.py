"""A server on loopback whose streams go on chunk by chunk, as a test lets them."""

from __future__ import annotations

import ssl
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from eventbus._clock import Clock, SystemClock
from eventbus.testing._arrivals import DEFAULT_WAIT_SECONDS, Arrivals
from eventbus.testing._gate import Gate
from eventbus.testing._loopback_server import LoopbackServer
from eventbus.testing._mock_answer import JSON_TYPE, SSE_TYPE
from eventbus.testing._mock_request import RecordedRequest

if TYPE_CHECKING:
    from aiohttp import web

_STREAMS_PATH: Final = "/v1/responses"
_MODELS_PATH: Final = "/v1/models"
_NO_MODELS: Final = '{"object":"list","data":[]}'
_NANOSECONDS_PER_MILLISECOND: Final = 1_000_000


class Chunk(msgspec.Struct, frozen=True):
    """A piece of a stream.

    Args:
        body: Text, or bytes as they are; :func:`eventbus.testing.responses.sse` makes
            some.
        gate: Holds it back, and all after it, until it is opened.
    """

    body: str | bytes
    gate: Gate | None = None

    @property
    def data(self) -> bytes:
        """The body as it is sent."""
        return self.body.encode() if isinstance(self.body, str) else self.body


class GatedServer(LoopbackServer):
    """Streams server-sent events; use it as ``async with GatedServer(…) as server``.

    ``POST /v1/responses`` gets the next stream that is queued, first come first served,
    and 500 when none is left; ``GET /v1/models`` gets an empty list; any other path is
    answered 404, and what is no HTTP request 400. Streams that are held back end with
    the block.

    Args:
        *streams: The chunks of each response.
        clock: Tells when a stream was complete.
        tls: Serves https.
        host: Where to listen.
        port: Where to listen; 0 is a free one.

    Raises:
        PluginError: aiohttp is not installed.
    """

    def __init__(
        self,
        *streams: Sequence[Chunk],
        clock: Clock | None = None,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        """Listen to nothing yet."""
        super().__init__(tls=tls, host=host, port=port)
        self._clock = clock or SystemClock()
        self._queued = deque(streams)
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

    def enqueue(self, *chunks: Chunk) -> None:
        """Queue a stream behind those that are queued already."""
        self._queued.append(chunks)

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
        from aiohttp import web

        body = await request.content.read()
        if (request.method, request.path) == ("GET", _MODELS_PATH):
            return web.Response(text=_NO_MODELS, content_type=JSON_TYPE)
        if (request.method, request.path) != ("POST", _STREAMS_PATH):
            return web.Response(status=404, text="not found")
        headers = {name.lower(): value for name, value in request.headers.items()}
        taken = RecordedRequest(request.method, request.raw_path, headers, body)
        number = len(self._requests.items)
        chunks = self._queued.popleft() if self._queued else None
        self._requests.add(taken)
        if chunks is None:
            return web.Response(status=500, text="no responses queued")
        return await self._stream(request, number, chunks)

    async def _stream(
        self, request: web.BaseRequest, number: int, chunks: Sequence[Chunk]
    ) -> web.StreamResponse:
        from aiohttp import web

        response = web.StreamResponse(
            headers={"content-type": SSE_TYPE, "cache-control": "no-cache"}
        )
        await response.prepare(request)
        for chunk in chunks:
            if chunk.gate is not None:
                await chunk.gate.wait()
            await response.write(chunk.data)
        ended_unix_ms = self._clock.time_ns() // _NANOSECONDS_PER_MILLISECOND
        self._completions.add((number, ended_unix_ms))
        await response.write_eof()
        return response
